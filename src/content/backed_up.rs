//! One instance's content in a backup, for whoever brings it back: what a restore reads, and nothing of where it is kept.
//!
//! The repository gives the only one there is.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::restoring::RestoreError;
use super::{Content, Item, ItemKind, Sink};
use crate::domain::Instant;
use crate::domain::backup::InstanceCopy;
use crate::domain::plan::{Selection, WorkspaceChange};
use crate::watch::Watch;

/// One instance's content in a backup.
pub trait BackedUp: Sync {
    /// What the backup's record says of it.
    fn copy(&self) -> &InstanceCopy;

    /// Writes the content, or what of it is selected and the folders on the way to that, into `sink`, and finishes it. Every piece that is
    /// written is known to come from the repository, or to be by its digest what is in it; comparing what arrived
    /// ([`BackedUp::compare`]) is up to the caller. Where reading in the repository costs more than reading in `donor`, what
    /// that has is taken from there.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be read, written, or was cancelled. What was written until then is incomplete.
    fn extract(
        &self,
        selection: &Selection,
        sink: &dyn Sink,
        donor: Option<&dyn Donor>,
        watch: &dyn Watch,
    ) -> Result<Extracted, RestoreError>;

    /// Compares content with the backup, limited to what is selected. *Added* is what the backup has and the content has not.
    /// Folders on the way to a part that is selected are compared only at [`Depth::Whole`].
    ///
    /// # Errors
    /// [`RestoreError`] when either side cannot be read, or it was cancelled.
    fn compare(
        &self,
        selection: &Selection,
        content: &dyn Content,
        depth: Depth,
        watch: &dyn Watch,
    ) -> Result<Comparison, RestoreError>;

    /// Its files, to be read one by one. An instance that the backup does not hold has none.
    ///
    /// # Errors
    /// [`RestoreError`] when the backup cannot be read.
    fn files(&self) -> Result<Box<dyn BackedUpFiles>, RestoreError>;
}

/// Somebody who has files that are about to be written somewhere else: as a rule most of Live is what a backup of it holds,
/// and need not come over a network.
///
/// What is in a file is not taken for anything: whoever reads it makes sure of every byte before it is used, and asks
/// elsewhere for what is not right. So it does not matter who changes it meanwhile.
pub trait Donor: Sync {
    /// Opens the file of the same path and length, if there is one. No link is followed to it.
    fn open(&self, item: &Item) -> Option<File>;
}

/// Somebody who is shown pieces of content while they are read back, so that they need not be read once more.
///
/// Every piece is what its name says. Some may be shown more than once, in any order, from several threads; some are wanted
/// by other backups alone, and some may not be shown at all.
pub trait SeesPieces: Sync {
    /// A piece, and its SHA-256.
    fn piece(&self, name: [u8; 32], bytes: &[u8]);
}

/// The files of an instance in a backup, for whoever loads them somewhere else.
pub trait BackedUpFiles: Send + Sync {
    /// Every file below a folder, in order; none when there is no such folder.
    ///
    /// # Errors
    /// [`RestoreError`] when a folder cannot be read.
    fn below(&self, folder: &Path) -> Result<Vec<BackedUpFile>, RestoreError>;

    /// Tells everything below a folder, folders and links too, parents before children; nothing when there is no such folder.
    ///
    /// # Errors
    /// What `each` says; [`RestoreError`] when a folder cannot be read.
    fn walk(
        &self,
        folder: &Path,
        each: &mut dyn FnMut(BackedUpFile) -> Result<(), RestoreError>,
    ) -> Result<(), RestoreError>;

    /// What is known of the item at a path; `None` when there is none.
    ///
    /// # Errors
    /// [`RestoreError`] when a folder on the way cannot be read.
    fn item(&self, path: &Path) -> Result<Option<Item>, RestoreError>;

    /// The whole of one of the files that say what a backup holds; `None` when there is none.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be read, or is longer than such a file is.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, RestoreError>;

    /// Reads a file piece by piece.
    ///
    /// # Errors
    /// What `each` says; [`RestoreError`] when a piece cannot be read.
    fn pour(
        &self,
        file: &BackedUpFile,
        each: &mut dyn FnMut(&[u8]) -> Result<(), RestoreError>,
    ) -> Result<(), RestoreError>;

    /// Reads files one after the other, what lies side by side in one go, past the system's cache. That a piece was
    /// encrypted with the repository's key is checked, and not its name.
    ///
    /// # Errors
    /// As [`BackedUpFiles::pour`].
    fn pour_all(
        &self,
        files: &[BackedUpFile],
        each: &mut dyn FnMut(&[u8]) -> Result<(), RestoreError>,
    ) -> Result<(), RestoreError>;

    /// Reads a file as a stream.
    fn reader<'a>(&'a self, file: &'a BackedUpFile) -> Box<dyn Read + 'a>;
}

/// A file in a backup.
#[derive(Debug, Clone)]
pub struct BackedUpFile {
    /// What is known of it. The path is below the folder that was asked for.
    pub item: Item,
    /// The SHA-256 of each of its pieces, in order: that is how pieces are named.
    pub pieces: Vec<[u8; 32]>,
}

impl BackedUpFile {
    /// Its length in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match self.item.kind {
            ItemKind::File { size } => size,
            ItemKind::Folder | ItemKind::Link { .. } => 0,
        }
    }

    /// The SHA-256 of what is in it, where it is one piece.
    #[must_use]
    pub fn digest(&self) -> Option<[u8; 32]> {
        match self.pieces.as_slice() {
            [piece] => Some(*piece),
            _ => None,
        }
    }
}

/// What an extraction has written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extracted {
    /// Files, links and folders.
    pub items: u64,
    /// Bytes of content.
    pub bytes: u64,
    /// Files that had a set-uid or set-gid bit, and come back without it.
    pub without_set_ids: u64,
    /// Bytes of content that did not have to be read in the repository.
    pub donated: u64,
}

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What has the same kind, size, time and permissions is the same; only what differs in its time alone is read. Where chosen
    /// paths are compared, a file or link that differs in its time alone has changed. Times of folders do not count: they
    /// change with what is in the folder. For plans.
    Quick,
    /// Every byte is read, and every time and permission counts. For staged content.
    Whole,
}

/// How content differs from a backup.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Comparison {
    /// Per workspace, by name: those in the backup and those in the content. A workspace's own folder counts as an
    /// item of it where it is added, changed or removed.
    pub changes: Vec<WorkspaceChange>,
    /// The newest time of change that was found in the content among what a restore would undo.
    pub newest_change: Option<Instant>,
}

impl Comparison {
    /// Whether there is no difference.
    #[must_use]
    pub fn is_same(&self) -> bool {
        self.changes.iter().all(WorkspaceChange::is_unchanged)
    }
}
