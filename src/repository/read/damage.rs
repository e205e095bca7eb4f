//! What was found damaged: it is noted while content is read, and taken out of the index before the next copy, so that
//! it counts as not stored and is stored anew.
//!
//! Of a damaged pack everything that is still sound moves into a new pack first. So backups that need only that lose
//! nothing, and the damaged file is no part of the repository any more: it goes with what copies have left behind.

use std::collections::{BTreeSet, HashMap};
use std::slice;
use std::sync::Arc;

use bytes::BytesMut;
use parking_lot::{Mutex, MutexGuard};
use rustic_core::jiff::Timestamp;
use rustic_core::repofile::{BlobType, IndexFile, IndexId, IndexPack};
use rustic_core::{DataId, FileType, Id, NoProgressBars, ReadBackend, RusticError, WriteBackend};
use sha2::{Digest, Sha256};

use super::runs::{Check, RunReader, runs};
use super::store::Lying;
use crate::repository::Repository;
use crate::repository::error::{RepositoryError, judged};
use crate::repository::format::cipher::Cipher;
use crate::repository::format::pack::{Pack, Packer, Sum};
use crate::repository::guard::{Guard, Purpose};
use crate::repository::write::packing::IndexedPack;
use crate::watch::Watch;

/// What was found damaged since it was last asked for. Clones share it.
#[derive(Debug, Clone, Default)]
pub(in crate::repository) struct Damage(Arc<Mutex<Found>>);

/// What was found damaged.
#[derive(Debug, Clone, Default)]
struct Found {
    /// Packs with something wrong in them.
    packs: BTreeSet<Id>,
    /// Pieces that are not what was stored.
    pieces: BTreeSet<Lying>,
    /// The packs of which it is to be forgotten that they were ever read.
    doubtful: BTreeSet<Id>,
}

impl Damage {
    /// Notes a piece that is not what was stored.
    pub(in crate::repository) fn note(&self, piece: &Lying) {
        let mut found = self.found();
        found.packs.insert(piece.pack);
        found.doubtful.insert(piece.pack);
        found.pieces.insert(piece.clone());
    }

    /// Notes a pack whose list of what is in it is not what was stored.
    pub(super) fn note_list(&self, pack: Id) {
        let mut found = self.found();
        found.packs.insert(pack);
        found.doubtful.insert(pack);
    }

    /// Gives the pieces that were found damaged, and forgets them.
    pub(super) fn take_pieces(&self) -> BTreeSet<Lying> {
        std::mem::take(&mut self.found().pieces)
    }

    /// Whether there are any such packs.
    pub(super) fn has_doubtful(&self) -> bool {
        !self.found().doubtful.is_empty()
    }

    /// The packs in which anything was found damaged since this was last asked, by whomever.
    pub(super) fn take_doubtful(&self) -> BTreeSet<Id> {
        std::mem::take(&mut self.found().doubtful)
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock()
    }

    fn take(&self) -> Found {
        let mut found = self.found();
        let doubtful = std::mem::take(&mut found.doubtful);
        std::mem::replace(
            &mut *found,
            Found {
                doubtful,
                ..Found::default()
            },
        )
    }
}

impl Repository {
    /// Forgets what was found damaged until now: what is found from here on is what the next copy needs.
    pub(in crate::repository) fn forget_damage(&self) {
        self.damage.take();
    }

    /// Takes what was found damaged since the last copy began out of the index. Gives how many packs that were.
    ///
    /// # Errors
    /// [`RepositoryError`] when the index or what is sound of those packs can be neither read nor written.
    pub fn mend(&self, watch: &dyn Watch) -> Result<u64, RepositoryError> {
        let found = self.damage.take();
        if found.packs.is_empty() {
            return Ok(0);
        }
        let judge = |error: Box<RusticError>| judged(&error, "mending it", self.place());
        let (open, guard) = self.handle(Purpose::Prune, NoProgressBars).map_err(judge)?;
        let level = open.config().zstd().map_err(judge)?;
        let failed = |why| RepositoryError::Io {
            doing: "mending it".to_owned(),
            place: self.place().clone(),
            why,
        };
        let mut mender = Mender {
            found: &found,
            guard: &guard,
            reader: RunReader::new(self.place(), &self.key, &guard, &Damage::default())?,
            packer: Cipher::new(&self.key)
                .and_then(|cipher| Packer::new(cipher, level))
                .map_err(failed)?,
        };
        let mut packs = 0;
        for id in open.list::<IndexId>().map_err(judge)? {
            if watch.is_cancelled() {
                return Err(RepositoryError::Cancelled);
            }
            let index = open.get_file::<IndexFile>(&id).map_err(judge)?;
            let damaged = index.packs.iter().filter(|pack| found.packs.contains(&*pack.id));
            let damaged = damaged.count() as u64;
            if damaged == 0 {
                continue;
            }
            // What takes the place of an index file is there before that one goes.
            let text = mender.rewritten(index, failed, judge)?;
            let content = mender.packer.file(text.as_bytes()).map_err(failed)?;
            let name = Id::new(Sha256::digest(&content).into());
            guard
                .write_bytes(FileType::Index, &name, false, bytes::Bytes::from(content).into())
                .and_then(|()| guard.remove(FileType::Index, &id, false))
                .map_err(judge)?;
            packs += damaged;
        }
        Ok(packs)
    }
}

/// What is needed to move what is sound out of damaged packs.
struct Mender<'a> {
    found: &'a Found,
    guard: &'a Guard,
    reader: RunReader<'a>,
    packer: Packer,
}

impl Mender<'_> {
    /// The text of an index file without what was found damaged.
    fn rewritten(
        &mut self,
        index: IndexFile,
        failed: impl Fn(String) -> RepositoryError + Copy,
        judge: impl Fn(Box<RusticError>) -> RepositoryError + Copy,
    ) -> Result<String, RepositoryError> {
        let written =
            |pack: &IndexPack| serde_json::to_string(pack).map_err(|error| failed(error.to_string()));
        let mut packs = Vec::new();
        for mut pack in index.packs {
            if self.found.packs.contains(&*pack.id) {
                let (fresh, left) = self.salvage(&pack, failed, judge)?;
                packs.extend(fresh);
                pack.blobs.retain(|blob| left.contains(&*blob.id));
                if pack.blobs.is_empty() {
                    continue;
                }
            }
            packs.push(written(&pack)?);
        }
        let marked = index.packs_to_delete.iter().map(written);
        let marked = marked.collect::<Result<Vec<_>, _>>()?;
        Ok(if marked.is_empty() {
            format!("{{\"packs\":[{}]}}", packs.join(","))
        } else {
            format!(
                "{{\"packs\":[{}],\"packs_to_delete\":[{}]}}",
                packs.join(","),
                marked.join(",")
            )
        })
    }

    /// Stores what is sound in a pack anew. Gives the new pack as an index file has it, and the pieces that cannot be
    /// read and that nobody has asked for: backups that need them are damaged, and what is known of them stays known.
    fn salvage(
        &mut self,
        pack: &IndexPack,
        failed: impl Fn(String) -> RepositoryError,
        judge: impl Fn(Box<RusticError>) -> RepositoryError,
    ) -> Result<(Option<String>, BTreeSet<Id>), RepositoryError> {
        let mut fresh = Pack::new(BytesMut::new());
        let mut left = BTreeSet::new();
        for blob in &pack.blobs {
            let piece = Lying {
                pack: *pack.id,
                offset: blob.location.offset,
                length: blob.location.data_length(),
                id: DataId::from(*blob.id),
                packed: blob.location.length,
                is_compressed: blob.location.uncompressed_length.is_some(),
            };
            let mut text = Vec::new();
            let pieces = slice::from_ref(&piece);
            let read = runs(pieces).iter().try_for_each(|run| {
                self.reader.read(run, pieces, Check::Name, &mut |sound| {
                    text.extend_from_slice(sound);
                })
            });
            match read.map_err(|failed| failed.0) {
                Ok(()) => {
                    let digest = Sha256::digest(&text).into();
                    fresh
                        .add(&mut self.packer, blob.tpe, (Sum::of(&text), digest), &text)
                        .map_err(&failed)?;
                }
                // A folder that cannot be read stops whoever needs it, whether the index tells of it or not.
                Err(RepositoryError::Damaged { .. })
                    if blob.tpe == BlobType::Tree || self.found.pieces.contains(&piece) => {}
                Err(RepositoryError::Damaged { .. }) => {
                    left.insert(*blob.id);
                }
                Err(error) => return Err(error),
            }
        }
        if fresh.is_empty() {
            return Ok((None, left));
        }
        let whole = fresh.finish(&self.packer).map_err(&failed)?;
        let bytes = whole.bytes.freeze();
        let id = Id::new(Sha256::digest(&bytes).into());
        let size = u32::try_from(bytes.len()).map_err(|error| failed(error.to_string()))?;
        self.guard
            .write_bytes(FileType::Pack, &id, false, bytes.into())
            .map_err(judge)?;
        let lying: Vec<Lying> = whole.pieces.iter().map(|piece| piece.lying(id)).collect();
        let sums: Vec<Sum> = whole.pieces.iter().map(|piece| piece.sum).collect();
        for run in runs(&lying) {
            self.reader
                .read(&run, &lying, Check::Sum(&sums), &mut |_| {})
                .map_err(|failed| failed.0)?;
        }
        self.reader
            .check_list(id, size, &lying.iter().collect::<Vec<_>>())?;
        let indexed = IndexedPack {
            id,
            blobs: whole.pieces,
            time: Timestamp::now(),
            size,
        };
        let indexed = serde_json::to_string(&indexed).map_err(|error| failed(error.to_string()))?;
        Ok((Some(indexed), left))
    }
}

/// The packs with their sizes.
pub(in crate::repository) fn sizes(guard: &Guard) -> Result<HashMap<Id, u32>, Box<RusticError>> {
    Ok(guard.list_with_size(FileType::Pack)?.into_iter().collect())
}
