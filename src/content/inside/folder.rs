//! Content in a folder of Live, to be looked into: a tree of files, and of the nodes in them.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use super::documents::{self, Document, Own};
use super::file_tree::{Tree, bytes_of, name_of};
use super::found::id_of_path;
use super::{Beginning, Inside, Nodes, StoredFile, Take, WorkspaceInside, is_not_there};
use crate::content::restoring::RestoreError;
use crate::content::{Content, ItemKind};
use crate::jcr::bundle::BundleError;
use crate::jcr::namespaces::Namespaces;
use crate::jcr::{Node, NodeId};
use crate::watch::{Unwatched, Watch};

/// The bytes that a name stands for, the other way round; `None` where nothing of it stands for others.
pub(crate) fn bytes_named(name: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut is_other) = (Vec::with_capacity(name.len()), false);
    let mut rest = name.as_bytes();
    while let Some((first, others)) = rest.split_first() {
        let digits = others
            .get(..2)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte {
            // No byte of ASCII is ever written like that.
            Some(byte) if *first == b'%' && byte >= 0x80 => {
                bytes.push(byte);
                is_other = true;
                rest = &others[2..];
            }
            _ => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    is_other.then_some(bytes)
}

/// Content in a folder of Live.
pub(crate) struct FolderInside {
    content: Arc<dyn Content>,
    folder: Option<PathBuf>,
}

impl FolderInside {
    pub(crate) fn new(content: Arc<dyn Content>, folder: Option<PathBuf>) -> Self {
        Self { content, folder }
    }

    /// Opens a file at a path from the workspace on, with its size. No link leads out of the folder, whoever puts one there
    /// meanwhile.
    fn open(&self, path: &Path) -> Result<Option<(File, u64)>, RestoreError> {
        let Some(root) = &self.folder else { return Ok(None) };
        let open = |at: &OwnedFd, path: &Path| {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
            let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
            openat2(at, path, flags, Mode::empty(), inside)
        };
        let folder = rustix::fs::openat(
            CWD,
            root,
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Mode::empty(),
        );
        let Ok(folder) = folder else { return Ok(None) };
        let as_bytes = || -> PathBuf {
            let names = path.iter().map(|name| name.to_str().unwrap_or_default());
            names
                .map(|name| bytes_named(name).map_or_else(|| name.into(), OsString::from_vec))
                .collect()
        };
        // A name with a percent sign may be one, or stand for a name that is no text.
        let opened = open(&folder, path).or_else(|_| open(&folder, &as_bytes()));
        let Ok(file) = opened else { return Ok(None) };
        let file = File::from(file);
        let about = file.metadata().map_err(RestoreError::io("reading", path))?;
        Ok(about.is_file().then(|| (file, about.len())))
    }

    /// A file with nodes in it, as it is now; `None` where it is not there any more.
    fn with<R>(&self, file: &StoredFile, ask: impl FnOnce(&Document<'_, '_>) -> Option<R>) -> Option<R> {
        let path = Path::new(&file.place);
        let (_, size) = self.open(path).ok()??;
        let names: Vec<String> = file.place.split('/').map(str::to_owned).collect();
        let open = || -> Result<Box<dyn Read>, RestoreError> {
            let opened = self.open(path)?.ok_or_else(|| is_not_there(&file.place))?;
            Ok(Box::new(opened.0))
        };
        ask(&Document {
            names: &names,
            size,
            open: &open,
        })
    }
}

impl Inside for FolderInside {
    fn workspaces(&self) -> Result<Vec<WorkspaceInside>, RestoreError> {
        let mut found: Vec<WorkspaceInside> = Vec::new();
        for item in self.content.walk(&mut |_| {}) {
            let item = item?;
            let Some(workspace) = item.workspace() else {
                continue;
            };
            let name = name_of(workspace);
            if found.last().is_none_or(|last| last.name != name) {
                found.push(WorkspaceInside {
                    root: id_of_path([name.as_str()]),
                    name,
                    items: 0,
                    bytes: 0,
                });
            }
            if let (Some(last), false) = (found.last_mut(), item.is_workspace()) {
                last.items += 1;
                if let ItemKind::File { size } = item.kind {
                    last.bytes += size;
                }
            }
        }
        Ok(found)
    }

    /// Goes no further than to its folder.
    fn workspace(&self, name: &str) -> Result<Option<WorkspaceInside>, RestoreError> {
        let is_it = |path: &Path| name_of(path) == name;
        let mut left_out = |_| {};
        let first = self.content.walk_in(&is_it, &mut left_out).next().transpose()?;
        Ok(first.map(|_| WorkspaceInside {
            name: name.to_owned(),
            items: 0,
            bytes: 0,
            root: id_of_path([name]),
        }))
    }

    fn namespaces(&self) -> Arc<Namespaces> {
        Arc::default()
    }

    fn read(&self, workspace: &str, take: &Take<'_>, watch: &dyn Watch) -> Result<(), RestoreError> {
        let mut tree = Tree::new(workspace, take, watch);
        let is_it = |path: &Path| name_of(path) == workspace;
        let mut met = Vec::new();
        let mut left_out = |what| met.push(what);
        for item in self.content.walk_in(&is_it, &mut left_out) {
            let item = item?;
            if watch.is_cancelled() {
                return Err(RestoreError::Cancelled);
            }
            if !item.is_workspace() {
                let open = || -> Result<Box<dyn Read>, RestoreError> { Ok(self.content.open(&item)?) };
                tree.add(&item, item.path.iter().count() - 1, None, &open)?;
                watch.advance(1, bytes_of(&item));
            }
        }
        tree.note(&met);
        tree.end()
    }

    fn node(
        &self,
        _: &str,
        id: &NodeId,
        file: &StoredFile,
        offset: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError> {
        let node = self.with(file, |document| documents::one(document, id, offset, &Unwatched));
        Ok(node.map(Ok))
    }

    fn nodes(&self, _: &str) -> Result<Box<dyn Nodes + '_>, RestoreError> {
        Ok(Box::new(NodesOfFolder { of: self, last: None }))
    }

    fn file(
        &self,
        workspace: &str,
        names: &[String],
        _: &StoredFile,
        most: usize,
    ) -> Result<Option<Beginning>, RestoreError> {
        let path: PathBuf = std::iter::once(workspace)
            .chain(names.iter().map(String::as_str))
            .collect();
        let Some((file, size)) = self.open(&path)? else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let reading = file.take(most as u64).read_to_end(&mut bytes);
        reading.map_err(RestoreError::io("reading", &path))?;
        Ok(Some(Beginning { size, bytes }))
    }

    fn record(&self, _: &str, _: usize) -> Result<Option<Beginning>, RestoreError> {
        Ok(None)
    }
}

/// Nodes out of the files of a folder. What was read of a file is held until another one is asked for; one that is too large
/// for that is refused.
struct NodesOfFolder<'f> {
    of: &'f FolderInside,
    last: Option<(StoredFile, Vec<Own>)>,
}

impl Nodes for NodesOfFolder<'_> {
    fn node(
        &mut self,
        id: &NodeId,
        file: &StoredFile,
        offset: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError> {
        if self.last.as_ref().is_none_or(|(held, _)| held != file) {
            let nodes = self
                .of
                .with(file, |document| documents::all(document, &Unwatched));
            let nodes = nodes.ok_or_else(|| documents::too_large(&file.place))?;
            self.last = Some((file.clone(), nodes));
        }
        let nodes = self.last.as_ref().map_or(&[][..], |(_, nodes)| nodes);
        Ok(documents::of_all(nodes, id, offset).map(Ok))
    }
}
