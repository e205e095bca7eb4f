//! What stands between the library and the disk, so that a backup appears in the repository only when it is complete.
//!
//! The library records what it copies into another repository before anybody has looked at it, and offers no way to
//! cancel. So it is never allowed to: a guard made for [`Access::Copy`] lets packs and indexes through, swallows the
//! backup's record, and stops writing anything once the copy is called off. Only a guard made for [`Access::Record`]
//! writes records, and remembers under which id.
//!
//! Where the files are is not the guard's business: see `storage`.

use std::collections::HashMap;
use std::io::{self, Read as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use rustic_core::repofile::MasterKey;
use rustic_core::{BytesList, ErrorKind, FileType, Id, ReadBackend, RusticError, RusticResult, WriteBackend};
use sha2::{Digest, Sha256};

use super::error::RepositoryError;
use super::format::cipher::Cipher;
#[cfg(feature = "object-storage")]
use super::library::refusal_in;
use super::library::{LeaseUnknown, LockLost, classified};
#[cfg(feature = "object-storage")]
use super::storage::StorageRefusal;
use super::storage::{Shelf, Storage};
use crate::domain::Instant;
use crate::domain::address::Address;

/// What a guard is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
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

/// What is known of whoever holds something.
#[cfg(feature = "object-storage")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LeaseState {
    /// Nothing.
    Unknown,
    /// That it holds it by right.
    Valid,
    /// That it has lost it for good.
    Lost,
}

/// A right to change a repository that can be lost while it is held.
pub(crate) trait WriteLease: std::fmt::Debug + Send + Sync {
    /// Whether it may have gone to somebody else.
    fn is_lost(&self) -> bool;

    /// Whether it is certain that it has not. Asked before a record is removed; may take a while.
    fn is_surely_held(&self) -> bool {
        !self.is_lost()
    }

    /// Whether the record of this id may be written, now that this is told to whoever might take over.
    fn may_record(&self, _id: &str) -> bool {
        self.is_surely_held()
    }

    /// Why it could not be found out at last whether it is held, where that is the reason for a "no".
    fn untold(&self) -> Option<String> {
        None
    }

    /// Whether the record of this id, which was written, counts for nothing: whoever has taken over did not find it.
    fn is_void(&self, _id: &str) -> bool {
        self.is_lost()
    }

    /// Who holds it, in words for a lock, which [`WriteLease::standing`] understands. `None` where nobody else could.
    #[cfg(feature = "object-storage")]
    fn holder(&self) -> Option<String> {
        None
    }

    /// What is known of a holder of whom a lock tells.
    #[cfg(feature = "object-storage")]
    fn standing(&self, _holder: &str) -> LeaseState {
        LeaseState::Unknown
    }
}

/// What was written through a guard, or begun to be.
#[derive(Debug, Default)]
struct WrittenFiles {
    packs: Vec<Id>,
    has_index: bool,
    records: Vec<Id>,
    keys: Vec<Id>,
    kept: Option<(u64, Instant)>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Guard {
    place: Address,
    shelf: Box<dyn Shelf>,
    access: Access,
    aborted: AtomicBool,
    failure: Mutex<Option<RepositoryError>>,
    written: Mutex<WrittenFiles>,
    only_key: Option<Id>,
    locks: Vec<Arc<dyn WriteLease>>,
    /// Opens what is read, to see how much it unpacks to.
    cipher: Option<Cipher>,
    /// The first key of a new repository.
    first_key: Option<(Id, Vec<u8>)>,
}

impl Guard {
    /// A guard for one purpose over a repository.
    pub(super) fn new(storage: &Storage, access: Access) -> RusticResult<Self> {
        Ok(Self {
            place: storage.address(),
            shelf: storage.open()?,
            access,
            aborted: AtomicBool::new(false),
            failure: Mutex::new(None),
            written: Mutex::default(),
            only_key: None,
            locks: Vec::new(),
            cipher: None,
            first_key: None,
        })
    }

    /// Puts this key into a new repository before anything else.
    pub(super) fn with_first_key(self, id: Id, file: Vec<u8>) -> Self {
        Self {
            first_key: Some((id, file)),
            ..self
        }
    }

    /// Shows no other key than this.
    pub(super) fn with_key(self, key: Id) -> Self {
        Self {
            only_key: Some(key),
            ..self
        }
    }

    /// Lets nothing through that this key has encrypted and that unpacks to more than any repository has in a file of its
    /// kind: the library unpacks what it is given, and a few kilobytes that somebody has made up would fill the memory.
    pub(super) fn with_limits(self, key: &MasterKey) -> Self {
        Self {
            // What this cannot open the library cannot either, and says so.
            cipher: Cipher::new(key).ok(),
            ..self
        }
    }

    /// Whether a file, as it is stored, unpacks to no more than its kind may.
    fn is_within_limits(&self, kind: FileType, content: &[u8]) -> bool {
        let (Some(cipher), Some(most)) = (&self.cipher, longest(kind)) else {
            return true;
        };
        let mut sealed = content.to_vec();
        let packed = cipher.open_in_place(&mut sealed).and_then(|text| {
            // Compressed text begins with a 2; text of an older form is there as it is.
            text.strip_prefix(&[2])
        });
        let Some(decoder) = packed.and_then(|packed| zstd::Decoder::with_buffer(packed).ok()) else {
            return true;
        };
        // What cannot be unpacked to its end the library cannot unpack either.
        io::copy(&mut decoder.take(most + 1), &mut io::sink()).map_or(true, |length| length <= most)
    }

    /// Changes nothing any more once this is lost.
    pub(super) fn under(mut self, lock: Option<Arc<dyn WriteLease>>) -> Self {
        self.locks.extend(lock);
        self
    }

    /// Whether the right to change the repository may have gone to somebody else. For records it has to be certain that
    /// it has not.
    fn has_lost_its_lock(&self, kind: FileType) -> bool {
        self.locks.iter().any(|lock| match kind {
            FileType::Snapshot => !lock.is_surely_held(),
            _ => lock.is_lost(),
        })
    }

    /// What whoever writes or removes is told when it is not certain that the right to do so is held.
    fn not_held(&self) -> Box<RusticError> {
        match self.locks.iter().find_map(|lock| lock.untold()) {
            Some(why) => {
                RusticError::with_source(ErrorKind::Backend, "It cannot be told.", LeaseUnknown(why))
            }
            None => lost(),
        }
    }

    /// From now on nothing is written any more.
    pub(super) fn abort(&self) {
        self.aborted.store(true, Ordering::Release);
    }

    /// Whether the copy was called off.
    pub(super) fn is_aborted(&self) -> bool {
        self.aborted.load(Ordering::Acquire)
    }

    /// The first write that failed. The library reports a later one, or that nobody listens any more.
    pub(super) fn failure(&self) -> Option<RepositoryError> {
        self.failure.lock().take()
    }

    /// The ids of the records that were written through this guard, in order.
    pub(super) fn recorded(&self) -> Vec<Id> {
        self.written().records.clone()
    }

    /// The packs with their sizes and when they were written.
    pub(super) fn packs(&self) -> RusticResult<Vec<(Id, u32, Option<SystemTime>)>> {
        self.shelf.packs()
    }

    /// The packs with their sizes.
    pub(super) fn pack_sizes(&self) -> RusticResult<HashMap<Id, u32>> {
        Ok(self.list_with_size(FileType::Pack)?.into_iter().collect())
    }

    /// Writes a file under the name that all but the config have, the digest of what is in it, and gives that.
    pub(super) fn write_named(&self, kind: FileType, content: Bytes) -> RusticResult<Id> {
        let id = Id::new(Sha256::digest(&content).into());
        self.write_bytes(kind, &id, false, content.into())?;
        Ok(id)
    }

    /// Reads a part of a pack into `buffer` and gives where in it that is, past the system's cache where that can be done.
    pub(super) fn read_past_cache(
        &self,
        pack: &Id,
        offset: u32,
        length: u32,
        buffer: &mut Vec<u8>,
    ) -> RusticResult<usize> {
        self.shelf.read_past_cache(pack, offset, length, buffer)
    }

    /// Whether the storage keeps what is written, for a while, from whoever has written it.
    pub(super) fn keeps_what_is_written(&self) -> bool {
        self.shelf.keeps_what_is_written()
    }

    /// How many packs were to be removed and are kept for longer by the storage, and until when the first of them is.
    pub(super) fn kept(&self) -> Option<(u64, Instant)> {
        self.written().kept
    }

    /// The ids of the keys that were written through this guard.
    pub(super) fn keys(&self) -> Vec<Id> {
        self.written().keys.clone()
    }

    fn written(&self) -> MutexGuard<'_, WrittenFiles> {
        self.written.lock()
    }

    /// Calls a copy off and removes the packs that it wrote, so that a failed copy does not fill the disk. Packs that an
    /// index lists stay: somebody may rely on them by now, and the next try will.
    pub(super) fn withdraw(&self) {
        self.abort();
        let mut written = self.written();
        if self.access != Access::Copy || written.has_index || self.keeps_what_is_written() {
            return;
        }
        for pack in written.packs.drain(..) {
            // What cannot be removed now, a later prune finds. Where one cannot, the others cannot either.
            if self.shelf.remove(FileType::Pack, &pack).is_err() {
                break;
            }
        }
    }

    fn note(&self, kind: FileType, id: &Id) {
        let mut written = self.written();
        match kind {
            FileType::Pack => written.packs.push(*id),
            FileType::Index => written.has_index = true,
            FileType::Snapshot => written.records.push(*id),
            FileType::Key => written.keys.push(*id),
            FileType::Config => {}
        }
    }

    fn may_write(&self, kind: FileType) -> bool {
        match self.access {
            Access::Read => false,
            Access::Create => matches!(kind, FileType::Key | FileType::Config),
            Access::Copy | Access::Prune => matches!(kind, FileType::Pack | FileType::Index),
            Access::Record => kind == FileType::Snapshot,
        }
    }

    fn may_remove(&self, kind: FileType) -> bool {
        match self.access {
            Access::Read | Access::Copy => false,
            Access::Create => kind == FileType::Key,
            Access::Prune => matches!(kind, FileType::Pack | FileType::Index),
            Access::Record => kind == FileType::Snapshot,
        }
    }
}

impl ReadBackend for Guard {
    fn location(&self) -> String {
        self.place.to_string()
    }

    fn list_with_size(&self, kind: FileType) -> RusticResult<Vec<(Id, u32)>> {
        let mut files = self.shelf.list(kind)?;
        if let (FileType::Key, Some(only)) = (kind, self.only_key) {
            files.retain(|(id, _)| *id == only);
        }
        Ok(files)
    }

    fn read_full(&self, kind: FileType, id: &Id) -> RusticResult<Bytes> {
        let content = self.shelf.read(kind, id)?;
        // The library checks what is in a record, and not that it is the record it asked for.
        if kind == FileType::Snapshot && Id::new(Sha256::digest(&content).into()) != *id {
            return Err(RusticError::new(
                ErrorKind::Verification,
                "its content is another one than its name says: a record is named by its SHA-256.",
            ));
        }
        if !self.is_within_limits(kind, &content) {
            return Err(RusticError::new(
                ErrorKind::Verification,
                "it unpacks to more than any backup has in such a file.",
            ));
        }
        Ok(content)
    }

    fn read_partial(
        &self,
        kind: FileType,
        id: &Id,
        _cacheable: bool,
        offset: u32,
        length: u32,
    ) -> RusticResult<Bytes> {
        self.shelf.read_part(kind, id, offset, length)
    }

    fn warmup_path(&self, _kind: FileType, _id: &Id) -> String {
        // Nothing here has to be warmed up.
        String::new()
    }
}

impl WriteBackend for Guard {
    fn create(&self) -> RusticResult<()> {
        if self.access != Access::Create {
            return Err(refused());
        }
        self.shelf.create()?;
        match &self.first_key {
            Some((id, file)) => self.write_bytes(FileType::Key, id, false, file.clone().into()),
            None => Ok(()),
        }
    }

    fn write_bytes(&self, kind: FileType, id: &Id, _cacheable: bool, content: BytesList) -> RusticResult<()> {
        if self.is_aborted() {
            return Err(aborted());
        }
        if self.access == Access::Copy && kind == FileType::Snapshot {
            return Ok(());
        }
        if !self.may_write(kind) {
            return Err(refused());
        }
        let name = id.to_hex();
        let may = match kind {
            FileType::Snapshot => self.locks.iter().all(|lock| lock.may_record(name.as_str())),
            _ => !self.has_lost_its_lock(kind),
        };
        if !may {
            return Err(self.not_held());
        }
        // Before it is there, so that a write that fails after the rename is known of, too.
        self.note(kind, id);
        let written = self.shelf.write(kind, id, content);
        if let Err(error) = written {
            self.failure.lock().get_or_insert_with(|| {
                classified(&error, &format!("writing to {}", kind.dirname()), &self.place)
            });
            // Without this the whole source is read for nothing.
            self.abort();
            return Err(error);
        }
        if kind == FileType::Snapshot && self.locks.iter().any(|lock| lock.is_void(name.as_str())) {
            // A machine that stood still between the two looks has written it too late. Where it is kept, the catalog
            // knows that it counts for nothing.
            if !self.keeps_what_is_written() {
                self.shelf.remove(kind, id)?;
            }
            self.written().records.retain(|record| record != id);
            return Err(lost());
        }
        if kind == FileType::Pack && self.is_aborted() {
            // It was called off while this was being written, by threads that the library does not wait for.
            if !self.keeps_what_is_written() {
                self.shelf.remove(kind, id)?;
            }
            return Err(aborted());
        }
        Ok(())
    }

    fn remove(&self, kind: FileType, id: &Id, _cacheable: bool) -> RusticResult<()> {
        if !self.may_remove(kind) {
            return Err(refused());
        }
        if self.has_lost_its_lock(kind) {
            return Err(self.not_held());
        }
        let removed = self.shelf.remove(kind, id);
        #[cfg(feature = "object-storage")]
        if let Err(error) = &removed
            && kind == FileType::Pack
            && let Some(StorageRefusal::Kept(until)) = refusal_in(error)
        {
            // No index lists it any more: it is tried again with what copies have left.
            let mut written = self.written();
            let (count, first) = written.kept.unwrap_or((0, *until));
            written.kept = Some((count + 1, first.min(*until)));
            return Ok(());
        }
        removed
    }
}

/// What the longest file of a kind unpacks to. The index of a hundred million pieces is in files of 50,000; the record of
/// a backup of hundreds of workspaces has some hundred kilobytes. Packs are read in pieces, whose lengths the index tells.
fn longest(kind: FileType) -> Option<u64> {
    match kind {
        FileType::Config => Some(1024 * 1024),
        FileType::Snapshot => Some(64 * 1024 * 1024),
        FileType::Index => Some(512 * 1024 * 1024),
        FileType::Key | FileType::Pack => None,
    }
}

/// What whoever writes or reads for a copy that was called off is told.
pub(super) fn aborted() -> Box<RusticError> {
    RusticError::new(ErrorKind::Other, "The copy was called off.")
}

/// What whoever writes or removes is told when the repository's lock is lost.
fn lost() -> Box<RusticError> {
    RusticError::with_source(ErrorKind::Backend, "The lock is lost.", LockLost)
}

fn refused() -> Box<RusticError> {
    RusticError::new(
        ErrorKind::Internal,
        "This write is not what the repository was opened for.",
    )
}
