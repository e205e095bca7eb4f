//! Walks over what is stored, in the same order as walks over content: depth first, sorted by the bytes of names.

use std::path::{Component, Path, PathBuf};

use rustic_core::repofile::Node;
use rustic_core::{DataId, TreeId};

use super::error::RepositoryError;
use super::node;
use super::store::{Lying, Store};
use super::tally::Tallies;
use crate::domain::environment::InstanceName;
use crate::engine::content::{Item, ItemKind};
use crate::engine::watch::Watch;

/// A stored item, with the ids of its pieces of content in order.
#[derive(Debug, Clone)]
pub(super) struct Stored {
    pub(super) item: Item,
    pub(super) chunks: Vec<DataId>,
}

/// The instances in a backup: the folders at the top of its tree.
pub(super) fn instances(store: &Store, tree: TreeId) -> Result<Vec<(InstanceName, TreeId)>, RepositoryError> {
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

/// Everything that a tree holds, with every folder read from disk and checked on the way.
#[derive(Debug)]
pub(super) struct Holding {
    pub(super) root: TreeId,
    /// Each instance's items, by the names of the instances.
    pub(super) instances: Vec<(InstanceName, Tallies)>,
    /// Every piece of content once, in the order in which they lie on disk.
    pub(super) pieces: Vec<Lying>,
}

impl Holding {
    /// Reads a tree, but no content. Each file's pieces have to add up to its size.
    pub(super) fn read(store: &Store, root: TreeId, watch: &dyn Watch) -> Result<Self, RepositoryError> {
        let mut holding = Self {
            root,
            instances: Vec::new(),
            pieces: Vec::new(),
        };
        for (name, tree) in instances(store, root)? {
            let mut tallies = Tallies::default();
            for stored in TreeWalk::new(store, tree, &|_| true)? {
                let stored = stored?;
                if watch.is_cancelled() {
                    return Err(RepositoryError::Cancelled);
                }
                tallies.add_stored(&stored.item, &stored.chunks);
                holding.add_pieces(store, &stored)?;
            }
            holding.instances.push((name, tallies));
        }
        holding.pieces.sort_unstable();
        holding.pieces.dedup();
        Ok(holding)
    }

    fn add_pieces(&mut self, store: &Store, stored: &Stored) -> Result<(), RepositoryError> {
        let mut sum = 0;
        for chunk in &stored.chunks {
            let lying = store.find(*chunk)?;
            sum += u64::from(lying.length);
            self.pieces.push(lying);
        }
        match stored.item.kind {
            ItemKind::File { size } if sum != size => Err(store.damaged(format!(
                "{} has {sum} bytes where {size} belong",
                stored.item.path.display()
            ))),
            _ => Ok(()),
        }
    }

    /// What it holds of an instance.
    pub(super) fn instance(&self, name: &InstanceName) -> Option<&Tallies> {
        self.instances
            .iter()
            .find(|(held, _)| held == name)
            .map(|(_, tallies)| tallies)
    }
}

/// See the module.
pub(super) struct TreeWalk<'a> {
    store: &'a Store,
    wanted: &'a dyn Fn(&str) -> bool,
    levels: Vec<std::vec::IntoIter<Node>>,
    path: PathBuf,
    is_over: bool,
}

impl<'a> TreeWalk<'a> {
    /// A walk over an instance's tree, limited to the workspaces that are `wanted`.
    pub(super) fn new(
        store: &'a Store,
        tree: TreeId,
        wanted: &'a dyn Fn(&str) -> bool,
    ) -> Result<Self, RepositoryError> {
        let mut walk = Self {
            store,
            wanted,
            levels: Vec::new(),
            path: PathBuf::new(),
            is_over: false,
        };
        walk.enter(tree)?;
        Ok(walk)
    }

    fn enter(&mut self, tree: TreeId) -> Result<(), RepositoryError> {
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
