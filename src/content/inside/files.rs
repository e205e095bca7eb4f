//! Content in folders, to be looked into: a tree of files, in a backup or in Live.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use super::found::{digest_of_file, id_of_path};
use super::tables::{backed_up, beginning, stored};
use super::{At, Beginning, Chunk, Found, Inside, StoredFile, Take, What, WorkspaceInside};
use crate::content::backed_up::BackedUpFiles;
use crate::content::restoring::RestoreError;
use crate::content::{Content, Item, ItemKind};
use crate::domain::backup::InstanceCopy;
use crate::jcr::bundle::BundleError;
use crate::jcr::namespaces::Namespaces;
use crate::jcr::{Node, NodeId};
use crate::watch::Watch;

/// So many files are handed on together.
const TOGETHER: usize = 1_000;

/// What is said of a whole home, whose nodes are in a database that only Java reads.
pub const HOME_REMARK: &str = "the nodes of this instance are in the files of a database of its own, which are shown as \
                               files: Lifeboat reads nodes from PostgreSQL only";

/// The text of a name, which may be any bytes: those that are no text are written as a percent sign and two digits.
pub(crate) fn name_of(path: &Path) -> String {
    let bytes = path.file_name().unwrap_or_default().as_bytes();
    let mut name = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        name.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing into memory cannot fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

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

fn bytes_of(item: &Item) -> u64 {
    match item.kind {
        ItemKind::File { size } => size,
        ItemKind::Folder | ItemKind::Link { .. } => 0,
    }
}

/// Makes a tree out of items that come parents before children, and hands it on.
struct Tree<'t> {
    take: &'t Take<'t>,
    /// The folders that are open: the depth of their path, their names from the workspace on, and what they are.
    open: Vec<(Vec<String>, Found)>,
    chunk: Chunk,
}

impl<'t> Tree<'t> {
    /// Begins with the workspace itself.
    fn new(workspace: &str, take: &'t Take<'t>) -> Self {
        let names = vec![workspace.to_owned()];
        let root = found(&names, None, What::Folder, (0, (0, 0)), b"");
        Self {
            take,
            open: vec![(names, root)],
            chunk: Chunk::default(),
        }
    }

    /// Takes the next item, at so many names below the workspace.
    fn add(&mut self, item: &Item, depth: usize, file: Option<StoredFile>) -> Result<(), RestoreError> {
        while self.open.len() > depth.max(1) {
            self.close()?;
        }
        let Some((above, parent)) = self.open.last_mut() else {
            return Ok(());
        };
        let mut names = above.clone();
        names.push(name_of(&item.path));
        let modified = (item.modified.seconds, item.modified.nanos);
        let (what, size, target) = match &item.kind {
            ItemKind::Folder => (What::Folder, 0, &b""[..]),
            ItemKind::File { size } => (What::File, *size, &b""[..]),
            ItemKind::Link { target } => (What::Link, 0, target.as_os_str().as_bytes()),
        };
        let mut of_item = found(&names, Some(parent.id), what, (size, modified), target);
        parent
            .children
            .push((names.last().cloned().unwrap_or_default(), of_item.id));
        if let Some(file) = file {
            of_item.at.file = u32::try_from(self.chunk.files.len()).unwrap_or(u32::MAX);
            self.chunk.files.push(file);
        }
        if what == What::Folder {
            self.open.push((names, of_item));
            return Ok(());
        }
        self.give(of_item)
    }

    fn close(&mut self) -> Result<(), RestoreError> {
        match self.open.pop() {
            Some((_, folder)) => self.give(folder),
            None => Ok(()),
        }
    }

    fn give(&mut self, item: Found) -> Result<(), RestoreError> {
        self.chunk.items.push(item);
        if self.chunk.items.len() < TOGETHER {
            return Ok(());
        }
        (self.take)(std::mem::take(&mut self.chunk))
    }

    fn end(mut self) -> Result<(), RestoreError> {
        while !self.open.is_empty() {
            self.close()?;
        }
        (self.take)(self.chunk)
    }
}

fn found(
    names: &[String],
    parent: Option<NodeId>,
    what: What,
    (size, modified): (u64, (i64, u32)),
    target: &[u8],
) -> Found {
    Found {
        id: id_of_path(names.iter().map(String::as_str)),
        parent,
        what,
        primary_type: String::new(),
        digest: digest_of_file(what, size, modified, target),
        size,
        modified: modified.0,
        is_versionable: false,
        children: Vec::new(),
        at: At::default(),
    }
}

/// Content in folders, in a backup.
pub(crate) struct FilesInBackup {
    files: Arc<dyn BackedUpFiles>,
    copy: InstanceCopy,
}

impl FilesInBackup {
    pub(crate) fn new(files: Arc<dyn BackedUpFiles>, copy: InstanceCopy) -> Self {
        Self { files, copy }
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
        // What is read of files is what their folders say of them.
        watch.total(
            copy.map_or(0, |copy| copy.items),
            copy.map_or(0, |copy| copy.bytes),
        );
        let mut tree = Tree::new(workspace, take);
        self.files.walk(Path::new(workspace), &mut |file| {
            if watch.is_cancelled() {
                return Err(RestoreError::Cancelled);
            }
            watch.advance(1, bytes_of(&file.item));
            let is_file = matches!(file.item.kind, ItemKind::File { .. });
            let kept = is_file.then(|| stored(&file));
            tree.add(&file.item, file.item.path.iter().count(), kept)
        })?;
        tree.end()
    }

    fn node(
        &self,
        _: &str,
        _: &NodeId,
        _: &StoredFile,
        _: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError> {
        Ok(None)
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

/// Content in a folder of Live.
pub(crate) struct FolderInside {
    content: Arc<dyn Content>,
    folder: Option<PathBuf>,
}

impl FolderInside {
    pub(crate) fn new(content: Arc<dyn Content>, folder: Option<PathBuf>) -> Self {
        Self { content, folder }
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
        let mut tree = Tree::new(workspace, take);
        let is_it = |path: &Path| name_of(path) == workspace;
        let mut left_out = |_| {};
        for item in self.content.walk_in(&is_it, &mut left_out) {
            let item = item?;
            if watch.is_cancelled() {
                return Err(RestoreError::Cancelled);
            }
            if !item.is_workspace() {
                watch.advance(1, bytes_of(&item));
                tree.add(&item, item.path.iter().count() - 1, None)?;
            }
        }
        tree.end()
    }

    fn node(
        &self,
        _: &str,
        _: &NodeId,
        _: &StoredFile,
        _: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError> {
        Ok(None)
    }

    /// No link leads out of the folder, whoever puts one there meanwhile.
    fn file(
        &self,
        workspace: &str,
        names: &[String],
        _: &StoredFile,
        most: usize,
    ) -> Result<Option<Beginning>, RestoreError> {
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
        let path: PathBuf = std::iter::once(workspace)
            .chain(names.iter().map(String::as_str))
            .collect();
        let Ok(folder) = folder else { return Ok(None) };
        let as_bytes = || -> PathBuf {
            let names = path.iter().map(|name| name.to_str().unwrap_or_default());
            names
                .map(|name| bytes_named(name).map_or_else(|| name.into(), OsString::from_vec))
                .collect()
        };
        // A name with a percent sign may be one, or stand for a name that is no text.
        let opened = open(&folder, &path).or_else(|_| open(&folder, &as_bytes()));
        let Ok(file) = opened else { return Ok(None) };
        let file = File::from(file);
        let about = file.metadata().map_err(RestoreError::io("reading", &path))?;
        if !about.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        let reading = file.take(most as u64).read_to_end(&mut bytes);
        reading.map_err(RestoreError::io("reading", &path))?;
        Ok(Some(Beginning {
            size: about.len(),
            bytes,
        }))
    }

    fn record(&self, _: &str, _: usize) -> Result<Option<Beginning>, RestoreError> {
        Ok(None)
    }
}
