//! Reading pieces of content and folders from packs, each checked against its name.

use std::cell::RefCell;
use std::sync::Arc;

use bytes::Bytes;
use rustic_core::repofile::Tree;
use rustic_core::{
    DataId, FileType, Id, IndexedFullStatus, PackedId, ReadBackend, RusticError, RusticResult, TreeId,
};
use sha2::{Digest, Sha256};
use zstd::bulk::Decompressor;

use super::damage::Damage;
use crate::domain::address::Address;
use crate::repository::error::{RepositoryError, for_restic};
use crate::repository::format::cipher::Cipher;
use crate::repository::format::piece::{LONGEST_FOLDER, LONGEST_PIECE, PieceLocation, path_of};
use crate::repository::guard::Guard;
use crate::repository::library::of_pack;

/// A repository with its index in memory. Clones share it.
#[derive(Clone)]
pub(in crate::repository) struct Store {
    repository: Arc<rustic_core::Repository<IndexedFullStatus>>,
    guard: Arc<Guard>,
    cipher: Arc<Cipher>,
    place: Address,
    is_empty: bool,
    damage: Damage,
}

thread_local! {
    /// What unpacks, kept for the next piece: to make one costs more than to unpack a folder.
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Unpacks a text that has this length at most.
fn unpack(text: &[u8], length: usize) -> Option<Vec<u8>> {
    UNPACKER.with_borrow_mut(|kept| {
        if kept.is_none() {
            *kept = Decompressor::new().ok();
        }
        kept.as_mut()?.decompress(text, length).ok()
    })
}

impl Store {
    /// What was opened with this key, and through this guard. `is_empty` when it has no index yet.
    pub(in crate::repository) fn new(
        (repository, guard): (rustic_core::Repository<IndexedFullStatus>, Arc<Guard>),
        cipher: Cipher,
        place: &Address,
        is_empty: bool,
        damage: &Damage,
    ) -> Self {
        Self {
            is_empty,
            damage: damage.clone(),
            repository: Arc::new(repository),
            guard,
            cipher: Arc::new(cipher),
            place: place.clone(),
        }
    }

    /// The library's own view of it.
    pub(in crate::repository) fn library(&self) -> &rustic_core::Repository<IndexedFullStatus> {
        &self.repository
    }

    /// Where what is found damaged in it is noted.
    pub(in crate::repository) fn damage(&self) -> &Damage {
        &self.damage
    }

    /// A folder: what it holds, sorted by name.
    pub(in crate::repository) fn folder(&self, id: TreeId) -> Result<Tree, RepositoryError> {
        let location = self.find_folder(id)?;
        let bytes = self
            .unpacked(&location)
            .and_then(|bytes| {
                bytes
                    .filter(|bytes| Id::new(Sha256::digest(bytes).into()) == *id)
                    .ok_or_else(|| self.not_what_was_stored(&format!("the folder {id}"), location.pack))
            })
            .inspect_err(|error| self.note(error, &location))?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.damaged(format!("the folder {id} makes no sense: {error}")))
    }

    /// Whether a piece of content or a folder is in the index.
    pub(in crate::repository) fn has<T: PackedId>(&self, id: &T) -> bool {
        // The library answers "no" with a long report.
        !self.is_empty && self.repository.get_index_entry(id).is_ok()
    }

    /// Where a piece of content lies, and its length when unpacked.
    pub(in crate::repository) fn find(&self, id: DataId) -> Result<PieceLocation, RepositoryError> {
        let location = self
            .location(&id, id)
            .ok_or_else(|| self.untold(&format!("the piece of content {id}")))?;
        self.within(location, LONGEST_PIECE)
    }

    /// Where a folder lies.
    pub(in crate::repository) fn find_folder(&self, id: TreeId) -> Result<PieceLocation, RepositoryError> {
        let location = self
            .location(&id, DataId::from(*id))
            .ok_or_else(|| self.untold(&format!("the folder {id}")))?;
        self.within(location, LONGEST_FOLDER)
    }

    /// What the index does not tell of may lie in a pack all the same.
    fn untold(&self, what: &str) -> RepositoryError {
        self.damaged(format!(
            "{what} is not in the index; if a pack has it, `restic -r {} repair index` finds it (`rebuild-index` before restic \
             0.16)",
            for_restic(&self.place)
        ))
    }

    /// What is longer than anything that is ever stored was made up to fill the memory of whoever reads it.
    fn within(&self, location: PieceLocation, most: u32) -> Result<PieceLocation, RepositoryError> {
        if location.length.max(location.packed) > most {
            return Err(self.damaged(format!(
                "{} has {} bytes, and no backup has a piece of more than {most}",
                location.id, location.length
            )));
        }
        Ok(location)
    }

    fn location<T: PackedId>(&self, id: &T, name: DataId) -> Option<PieceLocation> {
        let entry = self.repository.get_index_entry(id).ok()?;
        let at = entry.location;
        Some(PieceLocation::new(
            *entry.pack,
            name,
            (at.offset, at.length, at.uncompressed_length),
        ))
    }

    /// A piece of content. It is known to be what was once encrypted with this repository's key; that it is the piece
    /// which the index says is checked by whoever reads back (`runs`).
    pub(in crate::repository) fn piece(&self, id: DataId) -> Result<Bytes, RepositoryError> {
        let location = self.find(id)?;
        self.unpacked(&location)
            .and_then(|bytes| {
                bytes.map(Bytes::from).ok_or_else(|| {
                    self.not_what_was_stored(&format!("the piece of content {id}"), location.pack)
                })
            })
            .inspect_err(|error| self.note(error, &location))
    }

    /// Notes what could not be read, by why.
    fn note(&self, error: &RepositoryError, location: &PieceLocation) {
        if matches!(error, RepositoryError::Damaged { .. }) {
            self.damage.note(location);
        } else {
            self.damage.note_unread(location.pack);
        }
    }

    fn not_what_was_stored(&self, what: &str, pack: Id) -> RepositoryError {
        self.damaged(format!("{what} in {} is not what was stored", path_of(pack)))
    }

    /// What lies there, decrypted and unpacked; `None` when it is not what the index says.
    ///
    /// The library would unpack whatever there is, and then compare the length with the index: a few kilobytes that
    /// somebody has made up fill the memory that way.
    fn unpacked(&self, location: &PieceLocation) -> Result<Option<Vec<u8>>, RepositoryError> {
        let read = |location: &PieceLocation| -> RusticResult<Bytes> {
            self.guard.read_partial(
                FileType::Pack,
                &location.pack,
                false,
                location.offset,
                location.packed,
            )
        };
        let mut sealed = Vec::from(read(location).map_err(|error| self.unreadable(&error, location.pack))?);
        let length = location.length as usize;
        let text = self.cipher.open_in_place(&mut sealed);
        let unpacked = if location.is_compressed {
            text.and_then(|text| unpack(text, length))
        } else {
            text.map(|text| text.to_vec())
        };
        Ok(unpacked.filter(|unpacked| unpacked.len() == length))
    }

    pub(in crate::repository) fn damaged(&self, what: String) -> RepositoryError {
        RepositoryError::damaged(&self.place, what)
    }

    fn unreadable(&self, error: &RusticError, pack: Id) -> RepositoryError {
        of_pack(error, &path_of(pack), &self.place)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;

    use rustic_core::{NoProgressBars, WriteBackend};

    use super::*;
    use crate::repository::format::pack::Packer;
    use crate::repository::guard::Access;
    use crate::repository::{Key, Repository};

    const MEBI: u64 = 1024 * 1024;

    /// Zeroes, compressed: a few kilobytes.
    fn packed_zeroes(length: u64) -> Vec<u8> {
        let mut packed = Vec::new();
        let zeroes = std::io::repeat(0).take(length);
        zstd::stream::copy_encode(zeroes, &mut packed, 1).unwrap();
        packed
    }

    /// The most memory that this process has had, in mebibytes.
    fn peak() -> u64 {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))
            .unwrap();
        let kibi: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kibi / 1024
    }

    struct House {
        _folder: tempfile::TempDir,
        repository: Repository,
    }

    impl House {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let place = folder.path().join("repository");
            let repository = Repository::open_or_create(&place, &Key::new("sesame".to_owned())).unwrap();
            Self {
                _folder: folder,
                repository,
            }
        }

        fn write(&self, access: Access, kind: FileType, content: Vec<u8>) -> Id {
            let id = Id::new(Sha256::digest(&content).into());
            let (_, guard) = self.repository.handle(access, NoProgressBars).unwrap();
            guard
                .write_bytes(kind, &id, false, Bytes::from(content).into())
                .unwrap();
            id
        }

        fn seal(&self, text: &[u8]) -> Vec<u8> {
            Cipher::new(&self.repository.key).unwrap().seal(text).unwrap()
        }
    }

    #[test]
    fn what_unpacks_to_more_than_the_index_says_is_damaged_and_takes_no_memory() {
        const UNPACKED: u64 = 512 * MEBI;
        let house = House::new();
        let zeroes = packed_zeroes(UNPACKED);
        // A pack holds either pieces of content or folders.
        let (data, folder) = (Id::new([1; 32]), Id::new([2; 32]));
        let packs: Vec<_> = [(data, "data"), (folder, "tree")]
            .into_iter()
            .map(|(id, kind)| {
                let piece = house.seal(&zeroes);
                let length = piece.len();
                let pack = house.write(Access::Copy, FileType::Pack, piece);
                let blob = serde_json::json!({
                    "id": id, "type": kind, "offset": 0, "length": length, "uncompressed_length": 100,
                });
                serde_json::json!({ "id": pack, "blobs": [blob] })
            })
            .collect();
        let index = serde_json::json!({ "packs": packs });
        let mut packer = Packer::new(Cipher::new(&house.repository.key).unwrap(), Some(1)).unwrap();
        let index = packer.file(index.to_string().as_bytes()).unwrap();
        house.write(Access::Copy, FileType::Index, index);

        let before = peak();
        let store = house.repository.store().unwrap();
        for error in [
            store.piece(DataId::from(data)).unwrap_err(),
            store.folder(TreeId::from(folder)).unwrap_err(),
        ] {
            assert!(matches!(error, RepositoryError::Damaged { .. }), "{error}");
            assert!(error.to_string().contains("is not what was stored"), "{error}");
        }
        // Others of these tests take memory meanwhile, to harden a key at most.
        let taken = peak() - before;
        assert!(taken < UNPACKED / MEBI / 2, "{taken} MiB");
    }

    #[test]
    fn a_record_that_unpacks_to_more_than_any_is_told_as_unreadable_and_hides_no_other() {
        let house = House::new();
        let mut bomb = vec![2];
        bomb.extend(packed_zeroes(65 * MEBI));
        let bomb = house.seal(&bomb);
        house.write(Access::Record, FileType::Snapshot, bomb);
        let found = house.repository.list().unwrap();
        let [record] = found.as_slice() else {
            panic!("{found:?}")
        };
        let why = record.manifest.as_ref().unwrap_err();
        assert!(
            why.contains("unpacks to more than any backup has in such a file"),
            "{why}"
        );
    }
}
