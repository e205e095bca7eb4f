//! Content in folders, in a backup, to be looked into: a tree of files, and of the nodes in them.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;

use super::documents::{self, Document, Own};
use super::file_tree::{Tree, bytes_of, name_of};
use super::found::id_of_path;
use super::tables::{backed_up, beginning, stored};
use super::{Beginning, Inside, Nodes, StoredFile, Take, WorkspaceInside, is_not_there};
use crate::content::ItemKind;
use crate::content::backed_up::{BackedUpFile, BackedUpFiles};
use crate::content::restoring::RestoreError;
use crate::domain::backup::InstanceCopy;
use crate::jcr::bundle::BundleError;
use crate::jcr::namespaces::Namespaces;
use crate::jcr::{Node, NodeId};
use crate::watch::{Unwatched, Watch};

/// So many files are taken together.
const TOGETHER: usize = 1_000;
/// Files that are no larger are read together.
const SMALL: u64 = 1 << 20;
/// Until they have so many bytes.
const MOST_BYTES: u64 = 8 << 20;

/// What is said of a whole home, whose nodes are in a database that only Java reads.
pub const HOME_REMARK: &str = "the nodes of this instance are in the files of a database of its own, which are shown as \
                               files: Lifeboat reads nodes from PostgreSQL only";

/// Content in folders, in a backup.
pub(crate) struct FilesInBackup {
    files: Arc<dyn BackedUpFiles>,
    copy: InstanceCopy,
    /// The nodes of the file that was read last: who looks at one looks at others of it.
    last: Mutex<Option<(StoredFile, Arc<Vec<Own>>)>>,
}

impl FilesInBackup {
    pub(crate) fn new(files: Arc<dyn BackedUpFiles>, copy: InstanceCopy) -> Self {
        Self {
            files,
            copy,
            last: Mutex::default(),
        }
    }

    /// A file with nodes in it, as it was when its index was made.
    fn with<R>(&self, file: &StoredFile, ask: impl FnOnce(&Document<'_, '_>) -> R) -> R {
        let backed_up = backed_up(file);
        let names: Vec<String> = file.place.split('/').map(str::to_owned).collect();
        let open = || -> Result<Box<dyn Read + '_>, RestoreError> { Ok(self.files.reader(&backed_up)) };
        ask(&Document {
            names: &names,
            size: file.size,
            open: &open,
        })
    }

    /// What is in each of some files.
    fn texts(&self, files: &[BackedUpFile]) -> Result<Vec<Vec<u8>>, RestoreError> {
        let mut texts: Vec<Vec<u8>> = Vec::with_capacity(files.len());
        let mut lengths = files.iter().map(|file| file.pieces.len());
        let mut left = 0;
        self.files.pour_all(files, &mut |piece| {
            while left == 0 {
                left = lengths.next().unwrap_or(usize::MAX);
                texts.push(Vec::new());
            }
            left -= 1;
            if let Some(text) = texts.last_mut() {
                text.extend_from_slice(piece);
                // A file may name one piece a million times.
                if text.len() as u64 > SMALL {
                    return Err(RestoreError::Failed("a file is longer than it says".to_owned()));
                }
            }
            Ok(())
        })?;
        // Those at the end that have no pieces.
        texts.resize_with(files.len(), Vec::new);
        Ok(texts)
    }

    /// All nodes of a file, if they can be held.
    fn all(&self, file: &StoredFile) -> Option<Arc<Vec<Own>>> {
        let mut last = self.last.lock();
        if let Some((held, nodes)) = &*last
            && held == file
        {
            return Some(Arc::clone(nodes));
        }
        let nodes = Arc::new(self.with(file, |document| documents::all(document, &Unwatched))?);
        *last = Some((file.clone(), Arc::clone(&nodes)));
        Some(nodes)
    }
}

impl Inside for FilesInBackup {
    fn workspaces(&self) -> Result<Vec<WorkspaceInside>, RestoreError> {
        let copies = self.copy.workspaces.iter();
        Ok(copies
            .map(|copy| WorkspaceInside {
                name: copy.name.clone(),
                items: copy.items,
                bytes: copy.bytes,
                root: id_of_path([copy.name.as_str()]),
            })
            .collect())
    }

    fn namespaces(&self) -> Arc<Namespaces> {
        Arc::default()
    }

    fn remark(&self) -> Option<String> {
        let has_home = self.copy.workspaces.iter().any(|copy| copy.name.starts_with('.'));
        has_home.then(|| HOME_REMARK.to_owned())
    }

    fn read(&self, workspace: &str, take: &Take<'_>, watch: &dyn Watch) -> Result<(), RestoreError> {
        let copy = self.copy.workspaces.iter().find(|copy| copy.name == workspace);
        // Those that are not looked into count as well.
        watch.total(
            copy.map_or(0, |copy| copy.items),
            copy.map_or(0, |copy| copy.bytes),
        );
        let mut batch = Batch {
            of: self,
            workspace,
            watch,
            tree: Tree::new(workspace, take, watch),
            files: Vec::new(),
            bytes: 0,
        };
        self.files
            .walk(Path::new(workspace), &mut |file| batch.add(file))?;
        batch.hand_on()?;
        batch.tree.end()
    }

    fn node(
        &self,
        _: &str,
        id: &NodeId,
        file: &StoredFile,
        offset: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError> {
        let node = match self.all(file) {
            Some(nodes) => documents::of_all(&nodes, id, offset),
            None => self.with(file, |document| documents::one(document, id, offset, &Unwatched)),
        };
        Ok(node.map(Ok))
    }

    fn nodes(&self, workspace: &str) -> Result<Box<dyn Nodes + '_>, RestoreError> {
        if self.copy.workspaces.iter().all(|copy| copy.name != workspace) {
            return Err(is_not_there(workspace));
        }
        Ok(Box::new(NodesOfFiles(self)))
    }

    fn file(
        &self,
        _: &str,
        _: &[String],
        file: &StoredFile,
        most: usize,
    ) -> Result<Option<Beginning>, RestoreError> {
        beginning(&*self.files, &backed_up(file), most).map(Some)
    }

    fn record(&self, _: &str, _: usize) -> Result<Option<Beginning>, RestoreError> {
        Ok(None)
    }
}

/// Files of a walk, of which the small ones are read together: to fetch each by itself takes long where the repository is far
/// away.
struct Batch<'b> {
    of: &'b FilesInBackup,
    workspace: &'b str,
    watch: &'b dyn Watch,
    tree: Tree<'b>,
    files: Vec<BackedUpFile>,
    /// Bytes that are to be read of them together.
    bytes: u64,
}

impl Batch<'_> {
    fn add(&mut self, file: BackedUpFile) -> Result<(), RestoreError> {
        if self.watch.is_cancelled() {
            return Err(RestoreError::Cancelled);
        }
        if self.is_read_together(&file) {
            self.bytes += file.size();
        }
        self.files.push(file);
        if self.files.len() < TOGETHER && self.bytes < MOST_BYTES {
            return Ok(());
        }
        self.hand_on()
    }

    fn is_read_together(&self, file: &BackedUpFile) -> bool {
        let size = file.size();
        size <= SMALL && documents::may_hold_nodes(self.workspace, &name_of(&file.item.path), size)
    }

    fn hand_on(&mut self) -> Result<(), RestoreError> {
        self.bytes = 0;
        let files = std::mem::take(&mut self.files);
        let wanted: Vec<BackedUpFile> = files
            .iter()
            .filter(|file| self.is_read_together(file))
            .cloned()
            .collect();
        // Where one of them cannot be read, each is read by itself, and says why.
        let mut texts = self.of.texts(&wanted).unwrap_or_default().into_iter();
        for file in files {
            if self.watch.is_cancelled() {
                return Err(RestoreError::Cancelled);
            }
            let text = if self.is_read_together(&file) {
                texts.next()
            } else {
                None
            };
            let open = || -> Result<Box<dyn Read + '_>, RestoreError> {
                if let Some(text) = &text {
                    return Ok(Box::new(text.as_slice()));
                }
                Ok(self.of.files.reader(&file))
            };
            let is_file = matches!(file.item.kind, ItemKind::File { .. });
            let kept = is_file.then(|| stored(&file));
            let depth = file.item.path.iter().count();
            self.tree.add(&file.item, depth, kept, &open)?;
            self.watch.advance(1, bytes_of(&file.item));
        }
        Ok(())
    }
}

/// Nodes out of the files of a backup. One whose file is too large to be held is refused: to read all of it for each of its
/// nodes would never end.
struct NodesOfFiles<'b>(&'b FilesInBackup);

impl Nodes for NodesOfFiles<'_> {
    fn node(
        &mut self,
        id: &NodeId,
        file: &StoredFile,
        offset: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError> {
        let nodes = self
            .0
            .all(file)
            .ok_or_else(|| documents::too_large(&file.place))?;
        Ok(documents::of_all(&nodes, id, offset).map(Ok))
    }
}
