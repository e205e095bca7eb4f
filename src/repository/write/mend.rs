//! Takes what was found damaged out of the index before the next copy, so that it counts as not stored and is stored anew.
//!
//! Of a damaged pack everything that is still sound moves into a new pack first. So backups that need only that lose
//! nothing, and the damaged file is no part of the repository any more: it goes with what copies have left behind.

use std::collections::BTreeSet;
use std::slice;

use bytes::BytesMut;
use rustic_core::repofile::{BlobType, IndexFile, IndexId, IndexPack};
use rustic_core::{DataId, FileType, Id, NoProgressBars, RusticError, WriteBackend as _};
use sha2::{Digest, Sha256};

use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::format::cipher::Cipher;
use crate::repository::format::index;
use crate::repository::format::pack::{Pack, Packer, Sum};
use crate::repository::format::piece::PieceLocation;
use crate::repository::guard::{Access, Guard};
use crate::repository::library::classified;
use crate::repository::read::damage::{Damage, Found};
use crate::repository::read::runs::{Check, RunReader, runs};
use crate::watch::Watch;

impl Repository {
    /// Takes what was found damaged since the last copy began out of the index. Gives how many packs that were.
    ///
    /// # Errors
    /// [`RepositoryError`] when the index or what is sound of those packs can be neither read nor written.
    pub fn mend(&self, watch: &dyn Watch) -> Result<u64, RepositoryError> {
        let found = self.damage.take();
        if found.packs.is_empty() {
            return Ok(0);
        }
        let classify = |error: Box<RusticError>| classified(&error, "mending it", self.place());
        let (open, guard) = self.handle(Access::Prune, NoProgressBars).map_err(classify)?;
        let level = open.config().zstd().map_err(classify)?;
        let failed = |why: String| RepositoryError::io("mending it", self.place(), why);
        let mut mender = Mender {
            found: &found,
            guard: &guard,
            reader: RunReader::new(self.place(), &self.key, &guard, &Damage::default())?,
            packer: Cipher::new(&self.key)
                .and_then(|cipher| Packer::new(cipher, level))
                .map_err(failed)?,
        };
        let mut packs = 0;
        for id in open.list::<IndexId>().map_err(classify)? {
            if watch.is_cancelled() {
                return Err(RepositoryError::Cancelled);
            }
            let index = open.get_file::<IndexFile>(&id).map_err(classify)?;
            let damaged = index.packs.iter().filter(|pack| found.packs.contains(&*pack.id));
            let damaged = damaged.count() as u64;
            if damaged == 0 {
                continue;
            }
            // What takes the place of an index file is there before that one goes.
            let text = mender.rewritten(index, failed, classify)?;
            let content = mender.packer.file(text.as_bytes()).map_err(failed)?;
            guard
                .write_named(FileType::Index, content.into())
                .and_then(|_| guard.remove(FileType::Index, &id, false))
                .map_err(classify)?;
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
        classify: impl Fn(Box<RusticError>) -> RepositoryError + Copy,
    ) -> Result<String, RepositoryError> {
        let written =
            |pack: &IndexPack| serde_json::to_string(pack).map_err(|error| failed(error.to_string()));
        let mut packs = Vec::new();
        for mut pack in index.packs {
            if self.found.packs.contains(&*pack.id) {
                let (fresh, left) = self.salvage(&pack, failed, classify)?;
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
        Ok(index::text(&packs, &marked))
    }

    /// Stores what is sound in a pack anew. Gives the new pack as an index file has it, and the pieces that cannot be
    /// read and that nobody has asked for: backups that need them are damaged, and what is known of them stays known.
    fn salvage(
        &mut self,
        pack: &IndexPack,
        failed: impl Fn(String) -> RepositoryError,
        classify: impl Fn(Box<RusticError>) -> RepositoryError,
    ) -> Result<(Option<String>, BTreeSet<Id>), RepositoryError> {
        let mut fresh = Pack::new(BytesMut::new());
        let mut left = BTreeSet::new();
        for blob in &pack.blobs {
            let at = blob.location;
            let id = DataId::from(*blob.id);
            let piece = PieceLocation::new(*pack.id, id, (at.offset, at.length, at.uncompressed_length));
            let mut text = Vec::new();
            let pieces = slice::from_ref(&piece);
            let read = runs(pieces).iter().try_for_each(|run| {
                self.reader.read(run, pieces, Check::Name, &mut |_, sound| {
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
        let size = u32::try_from(bytes.len()).map_err(|error| failed(error.to_string()))?;
        let id = self.guard.write_named(FileType::Pack, bytes).map_err(classify)?;
        let locations: Vec<PieceLocation> = whole.pieces.iter().map(|piece| piece.location(id)).collect();
        for run in runs(&locations) {
            self.reader
                .read(&run, &locations, Check::Sum(&whole.sums), &mut |_, _| {})
                .map_err(|failed| failed.0)?;
        }
        self.reader
            .check_list(id, size, &locations.iter().collect::<Vec<_>>())?;
        let indexed = index::pack((id, size), &whole.pieces).map_err(failed)?;
        Ok((Some(indexed), left))
    }
}
