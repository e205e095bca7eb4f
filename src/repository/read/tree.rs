//! Walks over what is stored, in the same order as walks over content: depth first, sorted by the bytes of names.

use std::path::{Component, Path, PathBuf};

use rustic_core::repofile::Node;
use rustic_core::{DataId, TreeId};

use super::store::Store;
use crate::concurrency::machine::cores;
use crate::concurrency::workers;
use crate::content::{Item, ItemKind};
use crate::domain::backup::{BackupId, WorkspaceCopy};
use crate::domain::environment::InstanceName;
use crate::domain::plan::Selection;
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::format::fingerprint::Fingerprints;
use crate::repository::format::node;
use crate::repository::format::piece::PieceLocation;
use crate::watch::Watch;

/// A stored item, with the ids of its pieces of content in order.
#[derive(Debug, Clone)]
pub(in crate::repository) struct Stored {
    pub(in crate::repository) item: Item,
    pub(in crate::repository) chunks: Vec<DataId>,
}

/// The instances in a backup: the folders at the top of its tree.
pub(in crate::repository) fn instances(
    store: &Store,
    tree: TreeId,
) -> Result<Vec<(InstanceName, TreeId)>, RepositoryError> {
    store
        .folder(tree)?
        .nodes
        .iter()
        .map(|node| {
            let name = node.name().to_string_lossy().parse().ok();
            name.zip(node.subtree)
                .ok_or_else(|| store.damaged(format!("{} is not an instance", node.name)))
        })
        .collect()
}

/// The selected workspaces of an instance in a backup.
pub(super) struct OpenedInstance {
    pub(super) store: Store,
    /// The instance's folder; `None` when the backup has none.
    pub(super) tree: Option<TreeId>,
    /// What the backup's record says of each.
    pub(super) workspaces: Vec<WorkspaceCopy>,
}

impl Repository {
    /// Opens the selected workspaces of an instance, and tells how much they are.
    pub(super) fn open_instance(
        &self,
        id: &BackupId,
        instance: &InstanceName,
        selection: &Selection,
        watch: &dyn Watch,
    ) -> Result<OpenedInstance, RepositoryError> {
        let (manifest, root) = self.find(id)?;
        let copies = manifest.instances.into_iter();
        let workspaces: Vec<_> = copies
            .filter(|copy| copy.name == *instance)
            .flat_map(|copy| copy.workspaces)
            .filter(|workspace| selection.has_workspace(&workspace.name))
            .collect();
        // How much of a workspace a part of it is, its record does not say.
        if !selection.has_paths() {
            watch.total(
                workspaces.iter().map(|workspace| workspace.items).sum(),
                workspaces.iter().map(|workspace| workspace.bytes).sum(),
            );
        }
        watch.instance(instance);
        let store = self.store()?;
        let mut instances = instances(&store, root)?.into_iter();
        let tree = instances.find_map(|(name, tree)| (name == *instance).then_some(tree));
        Ok(OpenedInstance {
            store,
            tree,
            workspaces,
        })
    }
}

/// Everything that a tree holds, with every folder read from disk and checked on the way.
#[derive(Debug)]
pub(in crate::repository) struct Holding {
    pub(in crate::repository) root: TreeId,
    /// Each instance's items, by the names of the instances.
    pub(in crate::repository) instances: Vec<(InstanceName, Fingerprints)>,
    /// Every piece of content once, in the order in which they lie on disk.
    pub(in crate::repository) pieces: Vec<PieceLocation>,
    /// Where its folders lie, in the same order.
    pub(in crate::repository) folders: Vec<PieceLocation>,
}

impl Holding {
    /// Reads a tree, but no content. Each file's pieces have to add up to its size.
    pub(in crate::repository) fn read(
        store: &Store,
        root: TreeId,
        watch: &dyn Watch,
    ) -> Result<Self, RepositoryError> {
        let names = instances(store, root)?;
        let mut parts = Vec::new();
        let mut folders = vec![store.find_folder(root)?];
        for (_, tree) in &names {
            folders.push(store.find_folder(*tree)?);
            let tops = store.folder(*tree)?.nodes.len();
            parts.extend((0..tops).map(|top| (*tree, top)));
        }
        let read = workers::each(cores(), &parts, |parts| {
            let read = |(tree, top): &(TreeId, usize)| {
                Part::read(store, *tree, *top, watch).map(|part| (*tree, part))
            };
            parts.map(read).collect::<Result<Vec<_>, _>>()
        })?;
        let mut held: Vec<_> = names.iter().map(|_| Fingerprints::default()).collect();
        let mut pieces = Vec::new();
        for (tree, part) in read.into_iter().flatten() {
            // Instances that hold the same have the same tree, and each of them has all of its parts read.
            let of = names.iter().zip(&mut held);
            for (_, fingerprints) in of.filter(|((_, other), _)| *other == tree) {
                fingerprints.merge(&part.fingerprints);
            }
            pieces.extend(part.pieces);
            folders.extend(part.folders);
        }
        for locations in [&mut pieces, &mut folders] {
            locations.sort_unstable();
            locations.dedup();
        }
        let instances = names.into_iter().map(|(name, _)| name).zip(held).collect();
        Ok(Self {
            root,
            instances,
            pieces,
            folders,
        })
    }

    /// What it holds of an instance.
    pub(in crate::repository) fn instance(&self, name: &InstanceName) -> Option<&Fingerprints> {
        self.instances
            .iter()
            .find(|(held, _)| held == name)
            .map(|(_, fingerprints)| fingerprints)
    }
}

/// What one item at the top of an instance holds: a workspace, as a rule.
struct Part {
    fingerprints: Fingerprints,
    pieces: Vec<PieceLocation>,
    folders: Vec<PieceLocation>,
}

impl Part {
    fn read(store: &Store, tree: TreeId, top: usize, watch: &dyn Watch) -> Result<Self, RepositoryError> {
        let mut part = Self {
            fingerprints: Fingerprints::default(),
            pieces: Vec::new(),
            folders: Vec::new(),
        };
        let mut walk = TreeWalk::of_top(store, tree, top)?;
        while let Some(stored) = walk.next() {
            let stored = stored?;
            part.folders.extend(walk.entered.take());
            if watch.is_cancelled() {
                return Err(RepositoryError::Cancelled);
            }
            part.fingerprints.add_stored(&stored.item, &stored.chunks);
            part.add_pieces(store, &stored)?;
        }
        Ok(part)
    }

    fn add_pieces(&mut self, store: &Store, stored: &Stored) -> Result<(), RepositoryError> {
        let mut sum = 0;
        for chunk in &stored.chunks {
            let location = store.find(*chunk)?;
            sum += u64::from(location.length);
            self.pieces.push(location);
        }
        match stored.item.kind {
            ItemKind::File { size } if sum != size => Err(store.damaged(format!(
                "{} has {sum} bytes where {size} belong",
                stored.item.path.display()
            ))),
            _ => Ok(()),
        }
    }
}

/// See the module.
pub(super) struct TreeWalk<'a> {
    store: &'a Store,
    wanted: &'a dyn Fn(&str) -> bool,
    levels: Vec<std::vec::IntoIter<Node>>,
    path: PathBuf,
    /// Where the folder lies that was last entered.
    entered: Option<PieceLocation>,
    is_over: bool,
}

impl<'a> TreeWalk<'a> {
    /// A walk over an instance's tree, limited to the workspaces that are `wanted`.
    pub(in crate::repository) fn new(
        store: &'a Store,
        tree: TreeId,
        wanted: &'a dyn Fn(&str) -> bool,
    ) -> Result<Self, RepositoryError> {
        let mut walk = Self {
            store,
            wanted,
            levels: Vec::new(),
            path: PathBuf::new(),
            entered: None,
            is_over: false,
        };
        walk.enter(tree)?;
        Ok(walk)
    }

    /// A walk over one item at the top of an instance's tree, and everything in it.
    fn of_top(store: &'a Store, tree: TreeId, top: usize) -> Result<Self, RepositoryError> {
        let mut walk = Self::new(store, tree, &|_| true)?;
        for level in &mut walk.levels {
            *level = level.skip(top).take(1).collect::<Vec<_>>().into_iter();
        }
        Ok(walk)
    }

    fn enter(&mut self, tree: TreeId) -> Result<(), RepositoryError> {
        self.entered = Some(self.store.find_folder(tree)?);
        let mut nodes = self.store.folder(tree)?.nodes;
        if self.levels.is_empty() {
            nodes.retain(|node| (self.wanted)(&node.name().to_string_lossy()));
        }
        for node in &nodes {
            // A made-up tree must not lead whoever writes it out of the folder that it is written into.
            let name = node.name();
            let mut parts = Path::new(&*name).components();
            let is_plain = matches!(parts.next(), Some(Component::Normal(part)) if part == &*name);
            if !is_plain || parts.next().is_some() {
                return Err(self
                    .store
                    .damaged(format!("{:?} is not a name that a file can have", node.name)));
            }
        }
        if !nodes.is_sorted_by(|a, b| a.name() < b.name()) {
            return Err(self.store.damaged(format!(
                "the folder {tree} is not in order, or has two items of one name"
            )));
        }
        self.levels.push(nodes.into_iter());
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Stored>, RepositoryError> {
        loop {
            let Some(level) = self.levels.last_mut() else {
                return Ok(None);
            };
            let Some(node) = level.next() else {
                self.levels.pop();
                self.path.pop();
                continue;
            };
            let Some(item) = node::to_item(&node, &self.path) else {
                return Err(self.store.damaged(format!("{} is of an unknown kind", node.name)));
            };
            if item.kind == ItemKind::Folder {
                let Some(tree) = node.subtree else {
                    return Err(self
                        .store
                        .damaged(format!("{} is a folder without content", item.path.display())));
                };
                self.enter(tree)?;
                self.path.clone_from(&item.path);
            }
            return Ok(Some(Stored {
                item,
                chunks: node.content.unwrap_or_default(),
            }));
        }
    }
}

impl Iterator for TreeWalk<'_> {
    type Item = Result<Stored, RepositoryError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let step = self.step();
        self.is_over = !matches!(step, Ok(Some(_)));
        step.transpose()
    }
}
