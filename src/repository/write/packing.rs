//! Packs pieces of content and folders on all cores, writes the packs, and then the index that tells where each piece
//! lies.
//!
//! Files, and the rows of a database even more, come as a hundred thousand small pieces: handing each of them from thread
//! to thread, as the library does, costs more than everything else. Here a thread takes a handful of files or pieces at a
//! time and does with them all that is to be done.
//!
//! A piece is written once, even if two threads come with it at the same time. The index is written after the packs that
//! it lists, so that a crash leaves packs that nobody refers to, and nothing else.
//!
//! Whoever has written a pack reads it back at once, every piece of it, while others are packed: the disk would have
//! nothing to do meanwhile, and has all to do afterwards. What is wrong ends the copy there and then.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;

use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use rustic_core::repofile::{BlobType, MasterKey};
use rustic_core::{DataId, FileType, Id, TreeId};
use sha2::{Digest, Sha256};

use super::stream::Copying;
use crate::domain::address::Address;
use crate::repository::error::RepositoryError;
use crate::repository::format::cipher::Cipher;
use crate::repository::format::index;
use crate::repository::format::pack::{Pack, Packer, Sum, WholePack};
use crate::repository::format::pack_list::Entry;
use crate::repository::format::piece::PieceLocation;
use crate::repository::guard::Guard;
use crate::repository::library::classified;
use crate::repository::read::runs::{Check, RunReader, runs};
use crate::repository::read::store::Store;

/// How many packs are written at the same time: while one is synced to the disk, or on its way to object storage, the
/// next is filled.
const WRITERS: usize = 3;

/// What was added to the repository.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::repository) struct Added {
    /// Pieces.
    pub(in crate::repository) pieces: u64,
    /// Their bytes.
    pub(in crate::repository) bytes: u64,
    /// The bytes that they take in packs.
    pub(in crate::repository) packed: u64,
}

impl Added {
    fn add(&mut self, bytes: usize, packed: u32) {
        self.pieces += 1;
        self.bytes += bytes as u64;
        self.packed += u64::from(packed);
    }

    fn merge(&mut self, other: Self) {
        self.pieces += other.pieces;
        self.bytes += other.bytes;
        self.packed += other.packed;
    }
}

/// What all threads share.
pub(super) struct Packing<'a> {
    place: &'a Address,
    key: &'a MasterKey,
    level: Option<i32>,
    store: &'a Store,
    guard: &'a Guard,
    copying: &'a Copying,
    /// What this copy has packed, or is about to.
    fresh: Mutex<HashSet<Id>>,
    index: Mutex<Index>,
    /// Buffers of packs that were written.
    spare: Mutex<Vec<BytesMut>>,
    content: Mutex<Added>,
    folders: Mutex<Added>,
    proven: Mutex<HashMap<Id, u32>>,
}

/// What came of packing.
pub(in crate::repository) struct Stored {
    /// Content that was added.
    pub(in crate::repository) content: Added,
    /// Folders that were added.
    pub(in crate::repository) folders: Added,
    /// The packs that were written, with their lengths, each of which was read back since.
    pub(in crate::repository) proven: HashMap<Id, u32>,
}

/// The index of what was written and is not in an index file yet: each pack as it will stand there. Whoever has written
/// a pack puts that into words beside others, and nobody has to when all is over.
#[derive(Default)]
struct Index {
    packs: Vec<String>,
    pieces: usize,
}

/// Where threads that pack hand in their packs. Those who write them end when the last of these is dropped.
#[derive(Clone)]
pub(super) struct PackSender(SyncSender<WholePack>);

impl<'a> Packing<'a> {
    /// For one copy into a repository. `level` is that of its compression.
    pub(in crate::repository) fn new(
        place: &'a Address,
        key: &'a MasterKey,
        level: Option<i32>,
        store: &'a Store,
        guard: &'a Guard,
        copying: &'a Copying,
    ) -> Self {
        Self {
            place,
            key,
            level,
            store,
            guard,
            copying,
            fresh: Mutex::default(),
            index: Mutex::default(),
            spare: Mutex::default(),
            content: Mutex::default(),
            folders: Mutex::default(),
            proven: Mutex::default(),
        }
    }

    /// Starts those who write packs.
    pub(in crate::repository) fn start<'s, 'e>(&'e self, scope: &'s Scope<'s, 'e>) -> PackSender {
        // No pack waits between those who fill and those who write: there are enough of both.
        let (send, received) = sync_channel::<WholePack>(0);
        let received = Arc::new(Mutex::new(received));
        for _ in 0..WRITERS {
            let received = Arc::clone(&received);
            scope.spawn(move || self.write_packs(&received));
        }
        PackSender(send)
    }

    /// A thread's place to pack at.
    ///
    /// # Errors
    /// [`RepositoryError::Io`] when the repository's key is none.
    pub(super) fn filler(
        &'a self,
        kind: BlobType,
        sender: &PackSender,
    ) -> Result<PackFiller<'a>, RepositoryError> {
        Ok(PackFiller {
            packing: self,
            kind,
            packer: self.packer()?,
            pack: None,
            added: Added::default(),
            known: 0,
            sender: sender.clone(),
        })
    }

    fn packer(&self) -> Result<Packer, RepositoryError> {
        Cipher::new(self.key)
            .and_then(|cipher| Packer::new(cipher, self.level))
            .map_err(|why| self.failed(why))
    }

    /// Writes the rest of the index. Everything else has to be over by then.
    ///
    /// # Errors
    /// [`RepositoryError`] when it cannot be written.
    pub(in crate::repository) fn finish(self) -> Result<Stored, RepositoryError> {
        let index = std::mem::take(&mut *self.index.lock());
        self.write_index(&index)?;
        let stored = Stored {
            content: *self.content.lock(),
            folders: *self.folders.lock(),
            proven: std::mem::take(&mut *self.proven.lock()),
        };
        Ok(stored)
    }

    /// Whether the piece is in the repository.
    fn is_there(&self, kind: BlobType, id: Id) -> bool {
        match kind {
            BlobType::Data => self.store.has(&DataId::from(id)),
            BlobType::Tree => self.store.has(&TreeId::from(id)),
        }
    }

    /// Whether the piece has to be packed by whoever asks: nobody of this copy has, or is about to.
    fn is_first(&self, id: Id) -> bool {
        self.fresh.lock().insert(id)
    }

    fn write_packs(&self, received: &Mutex<Receiver<WholePack>>) {
        let mut reader = match RunReader::new(self.place, self.key, self.guard, self.store.damage()) {
            Ok(reader) => Some(reader),
            Err(error) => {
                self.copying.abort(error);
                None
            }
        };
        loop {
            let next = received.lock().recv();
            let Ok(pack) = next else { return };
            if let Some(reader) = &mut reader
                && !self.copying.is_aborted()
                && let Err(error) = self.write_pack(pack, reader)
            {
                self.copying.abort(error);
            }
            // Taken in any case, so that nobody waits for ever.
        }
    }

    fn write_pack(&self, pack: WholePack, reader: &mut RunReader<'_>) -> Result<(), RepositoryError> {
        let bytes = pack.bytes.freeze();
        let size =
            u32::try_from(bytes.len()).map_err(|_| self.failed("a pack became too large".to_owned()))?;
        let id = self.write(FileType::Pack, bytes.clone())?;
        if let Ok(buffer) = bytes.try_into_mut() {
            self.spare.lock().push(buffer);
        }
        self.read_back((id, size), &pack.pieces, &pack.sums, reader)?;
        let indexed = index::pack((id, size), &pack.pieces).map_err(|why| self.failed(why))?;
        let full = {
            let mut index = self.index.lock();
            index.packs.push(indexed);
            index.pieces += pack.pieces.len();
            (index.pieces >= index::PIECES).then(|| std::mem::take(&mut *index))
        };
        full.map_or(Ok(()), |index| self.write_index(&index))
    }

    /// Reads every piece of a pack that was written: what unpacks to something else than was packed is not kept.
    fn read_back(
        &self,
        (pack, size): (Id, u32),
        pieces: &[Entry],
        sums: &[Sum],
        reader: &mut RunReader<'_>,
    ) -> Result<(), RepositoryError> {
        let locations: Vec<PieceLocation> = pieces.iter().map(|piece| piece.location(pack)).collect();
        for run in runs(&locations) {
            if self.copying.is_aborted() {
                return Ok(());
            }
            reader
                .read(&run, &locations, Check::Sum(sums), &mut |_, _| {})
                .map_err(|failed| failed.0)?;
        }
        reader.check_list(pack, size, &locations.iter().collect::<Vec<_>>())?;
        self.proven.lock().insert(pack, size);
        Ok(())
    }

    fn write_index(&self, index: &Index) -> Result<(), RepositoryError> {
        if index.packs.is_empty() {
            return Ok(());
        }
        let text = index::text(&index.packs, &[]);
        let content = self.packer()?.file(text.as_bytes());
        self.write(FileType::Index, content.map_err(|why| self.failed(why))?.into())
            .map(drop)
    }

    fn write(&self, kind: FileType, content: Bytes) -> Result<Id, RepositoryError> {
        self.guard
            .write_named(kind, content)
            .map_err(|error| classified(&error, &format!("writing to {}", kind.dirname()), self.place))
    }

    fn failed(&self, why: String) -> RepositoryError {
        RepositoryError::io("storing the content", self.place, why)
    }
}

/// A thread's place to pack at: one pack that is being filled.
pub(super) struct PackFiller<'a> {
    packing: &'a Packing<'a>,
    kind: BlobType,
    packer: Packer,
    pack: Option<Pack>,
    added: Added,
    known: u64,
    sender: PackSender,
}

impl PackFiller<'_> {
    /// Packs a piece unless it is there already, and gives its id: the SHA-256 of its text.
    ///
    /// # Errors
    /// [`RepositoryError`] when it cannot be packed.
    pub(in crate::repository) fn store(&mut self, text: &[u8]) -> Result<Id, RepositoryError> {
        // First, so that a text which changes in memory from here on is noticed when it is read back.
        let sum = Sum::of(text);
        let digest: [u8; 32] = Sha256::digest(text).into();
        let id = Id::new(digest);
        if self.packing.is_there(self.kind, id) {
            self.known += 1;
            return Ok(id);
        }
        if !self.packing.is_first(id) {
            return Ok(id);
        }
        let mut pack = self.pack.take().unwrap_or_else(|| {
            let spare = self.packing.spare.lock().pop();
            Pack::new(spare.unwrap_or_default())
        });
        let packed = pack
            .add(&mut self.packer, self.kind, (sum, digest), text)
            .map_err(|why| self.packing.failed(why))?;
        self.added.add(text.len(), packed);
        if pack.is_full() {
            self.hand_in(pack)?;
        } else {
            self.pack = Some(pack);
        }
        Ok(id)
    }

    /// How many of the pieces were in the repository before.
    pub(in crate::repository) fn known(&self) -> u64 {
        self.known
    }

    /// What went wrong in storing, as an error.
    pub(in crate::repository) fn failed(&self, why: String) -> RepositoryError {
        self.packing.failed(why)
    }

    /// Hands in what is not full yet.
    ///
    /// # Errors
    /// [`RepositoryError`] when it cannot be packed.
    pub(in crate::repository) fn finish(mut self) -> Result<(), RepositoryError> {
        if let Some(pack) = self.pack.take().filter(|pack| !pack.is_empty()) {
            self.hand_in(pack)?;
        }
        let total = match self.kind {
            BlobType::Data => &self.packing.content,
            BlobType::Tree => &self.packing.folders,
        };
        total.lock().merge(self.added);
        Ok(())
    }

    fn hand_in(&self, pack: Pack) -> Result<(), RepositoryError> {
        let whole = pack
            .finish(&self.packer)
            .map_err(|why| self.packing.failed(why))?;
        // Those who write take everything until nobody can hand in any more.
        self.sender
            .0
            .send(whole)
            .map_err(|_| self.packing.failed("whoever writes packs has stopped".to_owned()))
    }
}
