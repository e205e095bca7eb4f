//! Reads pieces of content that lie side by side in one go, and checks each.
//!
//! The library reads a piece at a time, and makes everything that unpacking it takes anew for each.

use std::ops::Range;

use rustic_core::repofile::MasterKey;
use rustic_core::{DataId, Id, RusticError, RusticResult};
use sha2::{Digest, Sha256};

use super::damage::Damage;
use crate::domain::address::Address;
use crate::repository::error::RepositoryError;
use crate::repository::format::cipher::Cipher;
use crate::repository::format::pack::Sum;
use crate::repository::format::pack_list::{self, Entry};
use crate::repository::format::piece::{PieceLocation, path_of};
use crate::repository::guard::Guard;
use crate::repository::library::of_pack;

/// A run is not longer than this, unless a single piece is.
const LONGEST: u32 = 2 * 1024 * 1024;
/// What lies between two pieces and is not wanted is read along if it is shorter than this.
const GAP: u32 = 64 * 1024;
/// So much of the end of a pack is read at first: the list of most packs.
const LIST: u32 = 16 * 1024;

/// What a piece has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::repository) enum Check<'a> {
    /// What its name says: its SHA-256.
    Name,
    /// What was packed a moment ago: the sums of the pieces, in their order. This tells as much as the name about what
    /// happens to a piece on its way, and costs a tenth.
    Sum(&'a [Sum]),
    /// What this repository's key has encrypted, which tells everything that a disk can do to it. For those who compare
    /// what comes of it with the manifest afterwards.
    Seal,
}

/// Pieces that are read together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::repository) struct Run {
    pack: Id,
    offset: u32,
    length: u32,
    /// Which of the pieces.
    pub(in crate::repository) pieces: Range<usize>,
}

/// The runs of pieces that are in the order in which they lie.
pub(in crate::repository) fn runs(pieces: &[PieceLocation]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let end = piece.offset.saturating_add(piece.packed);
        if let Some(run) = runs.last_mut()
            && run.pack == piece.pack
            // A piece that comes again is read again: it is unpacked where it was read to.
            && let Some(gap) = piece.offset.checked_sub(run.offset.saturating_add(run.length))
            && gap <= GAP
            && end.saturating_sub(run.offset) <= LONGEST
        {
            run.length = run.length.max(end - run.offset);
            run.pieces.end = index + 1;
            continue;
        }
        runs.push(Run {
            pack: piece.pack,
            offset: piece.offset,
            length: piece.packed,
            pieces: index..index + 1,
        });
    }
    runs
}

/// One thread's means to read runs.
pub(in crate::repository) struct RunReader<'a> {
    place: &'a Address,
    guard: &'a Guard,
    damage: Damage,
    cipher: Cipher,
    unpacker: zstd::bulk::Decompressor<'static>,
    packed: Vec<u8>,
    text: Vec<u8>,
}

impl<'a> RunReader<'a> {
    pub(in crate::repository) fn new(
        place: &'a Address,
        key: &MasterKey,
        guard: &'a Guard,
        damage: &Damage,
    ) -> Result<Self, RepositoryError> {
        let failed = |why: String| RepositoryError::io("reading the content", place, why);
        Ok(Self {
            place,
            guard,
            damage: damage.clone(),
            cipher: Cipher::new(key).map_err(failed)?,
            unpacker: zstd::bulk::Decompressor::new().map_err(|error| failed(error.to_string()))?,
            packed: Vec::new(),
            text: Vec::new(),
        })
    }

    /// Reads a run of `pieces`, and tells `each` what is in every piece that is what it has to be. Every other one is
    /// noted.
    ///
    /// # Errors
    /// What is wrong, and with which piece, where it is only about one: the first of them.
    pub(in crate::repository) fn read(
        &mut self,
        run: &Run,
        pieces: &[PieceLocation],
        check: Check<'_>,
        each: &mut dyn FnMut(&PieceLocation, &[u8]),
    ) -> Result<(), Box<(RepositoryError, DataId)>> {
        let Some(wanted) = pieces.get(run.pieces.clone()) else {
            return Ok(());
        };
        let Some(first) = wanted.first() else {
            return Ok(());
        };
        let begin = self
            .guard
            .read_past_cache(&run.pack, run.offset, run.length, &mut self.packed);
        let begin = match begin.map_err(|error| self.unreadable(&error, run.pack)) {
            Ok(begin) => begin,
            Err(error @ RepositoryError::Damaged { .. }) if wanted.len() == 1 => {
                self.damage.note(first);
                return Err(Box::new((error, first.id)));
            }
            // Of a pack that is cut off, what lies before the end can be read.
            Err(RepositoryError::Damaged { .. }) => return self.read_each(run, pieces, check, each),
            Err(error) => {
                self.damage.note_unread(run.pack);
                return Err(Box::new((error, first.id)));
            }
        };
        let mut failed = None;
        for (index, piece) in run.pieces.clone().zip(wanted) {
            let from = begin + (piece.offset - run.offset) as usize;
            let text = self
                .packed
                .get_mut(from..from + piece.packed as usize)
                .and_then(|sealed| self.cipher.open_in_place(sealed));
            let text = match text {
                Some(text) if piece.is_compressed => {
                    let length = piece.length as usize;
                    if self.text.len() < length {
                        self.text.resize(length, 0);
                    }
                    match self.unpacker.decompress_to_buffer(text, &mut self.text[..length]) {
                        Ok(length) => self.text.get(..length),
                        Err(_) => None,
                    }
                }
                text => text.map(|text| &*text),
            };
            let is_it = |text: &[u8]| match check {
                Check::Name => Id::new(Sha256::digest(text).into()) == *piece.id,
                Check::Sum(sums) => sums.get(index) == Some(&Sum::of(text)),
                Check::Seal => true,
            };
            let text = text
                .filter(|text| text.len() == piece.length as usize)
                .filter(|text| is_it(text));
            let Some(text) = text else {
                self.damage.note(piece);
                failed.get_or_insert((piece, piece.id));
                continue;
            };
            each(piece, text);
        }
        match failed {
            Some((piece, id)) => Err(Box::new((self.damaged(piece), id))),
            None => Ok(()),
        }
    }

    /// Reads the pieces of a run one by one.
    fn read_each(
        &mut self,
        run: &Run,
        pieces: &[PieceLocation],
        check: Check<'_>,
        each: &mut dyn FnMut(&PieceLocation, &[u8]),
    ) -> Result<(), Box<(RepositoryError, DataId)>> {
        let mut done = Ok(());
        for (index, piece) in run
            .pieces
            .clone()
            .zip(pieces.get(run.pieces.clone()).unwrap_or_default())
        {
            let alone = Run {
                pack: piece.pack,
                offset: piece.offset,
                length: piece.packed,
                pieces: index..index + 1,
            };
            let read = self.read(&alone, pieces, check, each);
            done = done.and(read);
        }
        done
    }

    /// Reads the list at the end of a pack of so many bytes, and checks that it tells where these pieces of it lie.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`] when it does not, which is noted.
    pub(in crate::repository) fn check_list(
        &mut self,
        pack: Id,
        size: u32,
        pieces: &[&PieceLocation],
    ) -> Result<(), RepositoryError> {
        self.list_of(pack, size, pieces).map(drop)
    }

    /// The same, and gives all that the list tells of, and whether each is no longer than it may be.
    ///
    /// # Errors
    /// As [`RunReader::check_list`].
    pub(super) fn list_of(
        &mut self,
        pack: Id,
        size: u32,
        pieces: &[&PieceLocation],
    ) -> Result<Vec<(PieceLocation, bool)>, RepositoryError> {
        let told = self
            .list(pack, size)
            .map(|list| list.filter(|list| pack_list::tells_of(list, pieces)));
        match told.map_err(|error| self.unreadable(&error, pack)) {
            Ok(Some(list)) => {
                let list = list.iter();
                Ok(list
                    .map(|entry| (entry.location(pack), entry.is_within()))
                    .collect())
            }
            Ok(None) => {
                self.damage.note_list(pack);
                Err(RepositoryError::damaged(self.place, Self::wrong_list(pack)))
            }
            Err(error) => {
                if matches!(error, RepositoryError::Damaged { .. }) {
                    self.damage.note_list(pack);
                } else {
                    self.damage.note_unread(pack);
                }
                Err(error)
            }
        }
    }

    /// What is wrong with a pack whose list is not what was stored.
    pub(super) fn wrong_list(pack: Id) -> String {
        format!(
            "the list at the end of {} is not what was stored: all content can still be read, and `restic` could not build an \
             index anew",
            path_of(pack)
        )
    }

    /// What the list at the end of a pack of so many bytes tells. `None` when there is no list that this key has encrypted.
    pub(in crate::repository) fn list(&mut self, pack: Id, size: u32) -> RusticResult<Option<Vec<Entry>>> {
        let mut wanted = size.min(LIST);
        loop {
            let begin = self
                .guard
                .read_past_cache(&pack, size - wanted, wanted, &mut self.packed)?;
            let end = self.packed.get_mut(begin..begin + wanted as usize);
            let Some((sealed, length)) = end.and_then(<[u8]>::split_last_chunk_mut::<{ pack_list::LENGTH }>)
            else {
                return Ok(None);
            };
            let length = u32::from_le_bytes(*length);
            let Some(whole) = length.checked_add(4).filter(|whole| *whole <= size) else {
                return Ok(None);
            };
            if whole > wanted {
                wanted = whole;
                continue;
            }
            let from = sealed.len() - length as usize;
            let list = self.cipher.open_in_place(&mut sealed[from..]);
            return Ok(list.and_then(|list| pack_list::entries(list, size - whole)));
        }
    }

    fn damaged(&self, piece: &PieceLocation) -> RepositoryError {
        RepositoryError::damaged(self.place, Self::wrong_piece(piece))
    }

    /// What is wrong with a piece that is not what was stored.
    pub(super) fn wrong_piece(piece: &PieceLocation) -> String {
        let pack = path_of(piece.pack);
        format!(
            "the piece of content {} in {pack} is not what was stored",
            piece.id
        )
    }

    fn unreadable(&self, error: &RusticError, pack: Id) -> RepositoryError {
        of_pack(error, &path_of(pack), self.place)
    }
}

#[cfg(test)]
mod tests {
    use rustic_core::repofile::BlobType;
    use rustic_core::{FileType, WriteBackend};

    use super::*;
    use crate::repository::format::pack::{Pack, Packer};
    use crate::repository::guard::Access;
    use crate::repository::storage::Storage;

    fn location(pack: u8, offset: u32, packed: u32) -> PieceLocation {
        PieceLocation {
            pack: Id::new([pack; 32]),
            offset,
            length: packed,
            id: DataId::from(Id::new([7; 32])),
            packed,
            is_compressed: false,
        }
    }

    #[test]
    fn what_lies_close_together_is_read_together() {
        let pieces = [
            location(1, 0, 100),
            location(1, 100, 50),
            location(1, 150 + GAP, 10),
            location(1, 161 + 2 * GAP, 10),
            location(2, 171 + 2 * GAP, 10),
            location(3, 0, 2 * LONGEST),
            location(3, 2 * LONGEST, 1),
            location(3, 2 * LONGEST, 1),
        ];
        let found: Vec<_> = runs(&pieces)
            .into_iter()
            .map(|run| (run.offset, run.length, run.pieces))
            .collect();
        assert_eq!(
            found,
            [
                (0, 160 + GAP, 0..3),
                (161 + 2 * GAP, 10, 3..4),
                (171 + 2 * GAP, 10, 4..5),
                (0, 2 * LONGEST, 5..6),
                (2 * LONGEST, 1, 6..7),
                (2 * LONGEST, 1, 7..8),
            ]
        );
        assert!(runs(&[]).is_empty());
    }

    #[test]
    fn a_piece_is_what_was_packed_or_it_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::Folder(folder.path().to_owned());
        let key = MasterKey::new();
        let mut packer = Packer::new(Cipher::new(&key).unwrap(), Some(1)).unwrap();
        let texts = ["one row".repeat(900), "another".repeat(9), "third".to_owned()];
        let sums: Vec<_> = texts.iter().map(|text| Sum::of(text.as_bytes())).collect();
        // The last one has changed after its name was worked out, as it would in memory that is broken.
        let stored = [&texts[0], &texts[1], &"turned".to_owned()];
        let mut pack = Pack::new(bytes::BytesMut::new());
        for ((text, sum), stored) in texts.iter().zip(&sums).zip(stored) {
            let digest = Sha256::digest(text).into();
            pack.add(&mut packer, BlobType::Data, (*sum, digest), stored.as_bytes())
                .unwrap();
        }
        let whole = pack.finish(&packer).unwrap();
        let id = Id::new(Sha256::digest(&whole.bytes).into());
        let pieces: Vec<_> = whole.pieces.iter().map(|piece| piece.location(id)).collect();
        Guard::new(&storage, Access::Copy)
            .unwrap()
            .write_bytes(FileType::Pack, &id, false, whole.bytes.freeze().into())
            .unwrap();

        let (place, guard) = (storage.address(), Guard::new(&storage, Access::Read).unwrap());
        let damage = Damage::default();
        let mut reader = RunReader::new(&place, &key, &guard, &damage).unwrap();
        let mut read = |pieces: &[PieceLocation], check: Check<'_>| {
            let mut seen = Vec::new();
            let run = runs(pieces).remove(0);
            let done = reader.read(&run, pieces, check, &mut |_, text| seen.push(text.to_vec()));
            (seen, done.map_err(|failed| failed.0.to_string()))
        };
        let whole = [texts[0].as_bytes().to_vec(), texts[1].as_bytes().to_vec()];
        for check in [Check::Name, Check::Sum(&sums)] {
            let (seen, done) = read(&pieces, check);
            assert_eq!(seen, whole, "{check:?}");
            assert!(done.unwrap_err().contains("is not what was stored"));
        }
        // That the key has sealed it says nothing of what it was before.
        assert_eq!(read(&pieces, Check::Seal).1, Ok(()));
        assert_eq!(read(&pieces[..2], Check::Sum(&sums[..2])), (whole.into(), Ok(())));
        assert!(read(&pieces[..2], Check::Sum(&sums[1..])).1.is_err());
    }
}
