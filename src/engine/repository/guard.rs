//! What stands between the library and the disk, so that a backup appears in the repository only when it is complete.
//!
//! The library ends a copy whose source failed in the middle with a backup that silently lacks a file, and offers no
//! way to cancel. So it is never allowed to write one by itself: a guard made for [`Purpose::Copy`] lets packs and
//! indexes through, swallows the backup's record, and stops writing anything once the copy is called off. Only a
//! guard made for [`Purpose::Record`] writes records, and remembers under which id. A copy's own way of cutting content
//! is swallowed as well: it holds for that copy, and the repository's settings stay.
//!
//! The guard also brings the folder of a new file to disk, which the library's own local backend leaves out, reports
//! folders that cannot be listed, which that backend passes over, and keeps packs open between reads.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rustic_backend::LocalBackend;
use rustic_core::{BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend};

use super::error::{RepositoryError, judged};

/// What a guard is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading only; every write is refused.
    Read,
    /// Creating a repository: its folders, key and config.
    Create,
    /// Storing content: packs and indexes, and no record.
    Copy,
    /// Writing and removing records of backups, and nothing else.
    Record,
    /// Pruning: packs and indexes are written and removed; records stay.
    Prune,
}

/// What was written through a guard, or begun to be.
#[derive(Debug, Default)]
struct Written {
    packs: Vec<Id>,
    has_index: bool,
    records: Vec<Id>,
}

/// How many packs are kept open: a few per core.
const OPEN_PACKS: usize = 16;

/// See the module.
#[derive(Debug)]
pub(super) struct Guard {
    place: PathBuf,
    backend: LocalBackend,
    purpose: Purpose,
    called_off: AtomicBool,
    failure: Mutex<Option<RepositoryError>>,
    written: Mutex<Written>,
    packs: Mutex<VecDeque<(Id, Arc<File>)>>,
}

impl Guard {
    /// A guard for one purpose over the repository in a folder.
    pub(super) fn new(place: &Path, purpose: Purpose) -> RusticResult<Self> {
        let text = place.to_str().ok_or_else(|| {
            RusticError::new(
                ErrorKind::InvalidInput,
                "The repository's path is not valid Unicode.",
            )
        })?;
        Ok(Self {
            place: place.to_owned(),
            backend: LocalBackend::new(text, [])?,
            purpose,
            called_off: AtomicBool::new(false),
            failure: Mutex::new(None),
            written: Mutex::default(),
            packs: Mutex::new(VecDeque::new()),
        })
    }

    /// From now on nothing is written any more.
    pub(super) fn call_off(&self) {
        self.called_off.store(true, Ordering::Release);
    }

    /// Whether the copy was called off.
    pub(super) fn is_called_off(&self) -> bool {
        self.called_off.load(Ordering::Acquire)
    }

    /// The first write that failed. The library reports a later one, or that nobody listens any more.
    pub(super) fn failure(&self) -> Option<RepositoryError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The ids of the records that were written through this guard, in order.
    pub(super) fn recorded(&self) -> Vec<Id> {
        self.written().records.clone()
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls a copy off and removes the packs that it wrote, so that a failed copy does not fill the disk. Packs that an
    /// index lists stay: somebody may rely on them by now, and the next try will.
    pub(super) fn withdraw(&self) {
        self.call_off();
        let mut written = self.written();
        if self.purpose != Purpose::Copy || written.has_index {
            return;
        }
        for pack in written.packs.drain(..) {
            // What cannot be removed now, a later prune finds.
            let _ = self.backend.remove(FileType::Pack, &pack, false);
        }
    }

    fn note(&self, kind: FileType, id: &Id) {
        let mut written = self.written();
        match kind {
            FileType::Pack => written.packs.push(*id),
            FileType::Index => written.has_index = true,
            FileType::Snapshot => written.records.push(*id),
            FileType::Config | FileType::Key => {}
        }
    }

    fn folder_of(&self, kind: FileType, id: &Id) -> PathBuf {
        match kind {
            FileType::Config => self.place.clone(),
            FileType::Pack => self.place.join(kind.dirname()).join(&id.to_hex().as_str()[..2]),
            _ => self.place.join(kind.dirname()),
        }
    }

    /// A pack, open for reading.
    fn pack(&self, id: &Id) -> io::Result<Arc<File>> {
        let mut packs = self.packs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = packs.iter().find(|(open, _)| open == id) {
            return Ok(Arc::clone(file));
        }
        let path = self.folder_of(FileType::Pack, id).join(id.to_hex().as_str());
        let file = Arc::new(File::open(path)?);
        if packs.len() == OPEN_PACKS {
            packs.pop_front();
        }
        packs.push_back((*id, Arc::clone(&file)));
        Ok(file)
    }

    fn may_write(&self, kind: FileType) -> bool {
        match self.purpose {
            Purpose::Read => false,
            Purpose::Create => matches!(kind, FileType::Key | FileType::Config),
            Purpose::Copy | Purpose::Prune => matches!(kind, FileType::Pack | FileType::Index),
            Purpose::Record => kind == FileType::Snapshot,
        }
    }

    fn may_remove(&self, kind: FileType) -> bool {
        match self.purpose {
            Purpose::Read | Purpose::Create | Purpose::Copy => false,
            Purpose::Prune => matches!(kind, FileType::Pack | FileType::Index),
            Purpose::Record => kind == FileType::Snapshot,
        }
    }
}

impl ReadBackend for Guard {
    fn location(&self) -> String {
        self.backend.location()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        if kind != FileType::Config {
            let folder = self.place.join(kind.dirname());
            fs::read_dir(&folder).map_err(|error| failed("listing a folder of the repository", error))?;
        }
        self.backend.list_with_size(kind)
    }

    fn list(&self, kind: FileType) -> RusticResult<Vec<Id>> {
        if kind == FileType::Config {
            return self.backend.list(kind);
        }
        Ok(self.list_with_size(kind)?.into_iter().map(|(id, _)| id).collect())
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        self.backend.read_full(kind, id)
    }

    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        if kind != FileType::Pack {
            return self.backend.read_partial(kind, id, cacheable, offset, length);
        }
        let read = || {
            let pack = self.pack(id)?;
            let mut bytes = vec![0; length as usize];
            pack.read_exact_at(&mut bytes, u64::from(offset))?;
            Ok(bytes.into())
        };
        read().map_err(|error| failed("reading a pack", error))
    }

    fn warmup_path(&self, kind: FileType, id: &Id) -> String {
        self.backend.warmup_path(kind, id)
    }
}

impl WriteBackend for Guard {
    fn create(&self) -> RusticResult<()> {
        if self.purpose != Purpose::Create {
            return Err(refused());
        }
        self.backend.create()
    }

    fn write_bytes(&self, kind: FileType, id: &Id, cacheable: bool, content: BytesList) -> RusticResult<()> {
        if self.is_called_off() {
            return Err(called_off());
        }
        if self.purpose == Purpose::Copy && matches!(kind, FileType::Snapshot | FileType::Config) {
            return Ok(());
        }
        if !self.may_write(kind) {
            return Err(refused());
        }
        // Before it is there, so that a write that fails after the rename is known of, too.
        self.note(kind, id);
        let written = self
            .backend
            .write_bytes(kind, id, cacheable, content)
            .and_then(|()| {
                // The file is on disk, its name not yet.
                File::open(self.folder_of(kind, id))
                    .and_then(|folder| folder.sync_all())
                    .map_err(|error| failed("writing a folder of the repository", error))
            });
        if let Err(error) = written {
            self.failure
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert_with(|| {
                    judged(&error, &format!("writing to {}", kind.dirname()), &self.place)
                });
            // Without this the library goes on to read the whole source for nothing.
            self.call_off();
            return Err(error);
        }
        if kind == FileType::Pack && self.is_called_off() {
            // It was called off while this was being written, by threads that the library does not wait for.
            self.backend.remove(kind, id, cacheable)?;
            return Err(called_off());
        }
        Ok(())
    }

    fn remove(&self, kind: FileType, id: &Id, cacheable: bool) -> RusticResult<()> {
        if !self.may_remove(kind) {
            return Err(refused());
        }
        self.backend.remove(kind, id, cacheable)
    }
}

fn failed(doing: &str, error: io::Error) -> Box<RusticError> {
    RusticError::with_source(ErrorKind::Backend, doing, error)
}

/// What whoever writes or reads for a copy that was called off is told.
pub(super) fn called_off() -> Box<RusticError> {
    RusticError::new(ErrorKind::Other, "The copy was called off.")
}

fn refused() -> Box<RusticError> {
    RusticError::new(
        ErrorKind::Internal,
        "This write is not what the repository was opened for.",
    )
}
