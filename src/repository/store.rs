//! Reading pieces of content and folders from packs, each checked against its name.

use std::sync::Arc;

use bytes::Bytes;
use rustic_core::repofile::{BlobType, Tree};
use rustic_core::{DataId, Id, IndexedFullStatus, PackedId, RusticError, TreeId};
use sha2::{Digest, Sha256};

use super::damage::Damage;
use super::error::{RepositoryError, judged};
use crate::domain::address::Address;

/// No piece of content is longer than this: files and rows are cut into pieces of a few megabytes, by `restic` too.
const LONGEST_PIECE: u32 = 64 * 1024 * 1024;
/// No folder is longer than this: a million items take half of it.
const LONGEST_FOLDER: u32 = 1024 * 1024 * 1024;

/// A repository with its index in memory. Clones share it.
#[derive(Clone)]
pub(super) struct Store {
    repository: Arc<rustic_core::Repository<IndexedFullStatus>>,
    place: Address,
    is_empty: bool,
    damage: Damage,
}

/// Where a piece of content lies. Sorted like this, packs are read from front to back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lying {
    pub(super) pack: Id,
    pub(super) offset: u32,
    pub(super) length: u32,
    pub(super) id: DataId,
    /// Bytes in the pack.
    pub(super) packed: u32,
    pub(super) is_compressed: bool,
}

impl Store {
    /// `is_empty` when it has no index yet.
    pub(super) fn new(
        repository: rustic_core::Repository<IndexedFullStatus>,
        place: &Address,
        is_empty: bool,
        damage: &Damage,
    ) -> Self {
        Self {
            is_empty,
            damage: damage.clone(),
            repository: Arc::new(repository),
            place: place.clone(),
        }
    }

    /// The library's own view of it.
    pub(super) fn library(&self) -> &rustic_core::Repository<IndexedFullStatus> {
        &self.repository
    }

    /// Where what is found damaged in it is noted.
    pub(super) fn damage(&self) -> &Damage {
        &self.damage
    }

    /// A folder: what it holds, sorted by name.
    pub(super) fn folder(&self, id: TreeId) -> Result<Tree, RepositoryError> {
        let lying = self.find_folder(id)?;
        let bytes = self.repository.cat_blob(BlobType::Tree, id.to_hex().as_str());
        let bytes = bytes
            .map_err(|error| self.unreadable(&error, lying.pack))
            .and_then(|bytes| {
                if Id::new(Sha256::digest(&bytes).into()) == *id {
                    Ok(bytes)
                } else {
                    Err(self.damaged(format!("the folder {id} is not what was stored")))
                }
            })
            .inspect_err(|error| {
                if matches!(error, RepositoryError::Damaged { .. }) {
                    self.damage.note(&lying);
                }
            })?;
        serde_json::from_slice(&bytes)
            .map_err(|error| self.damaged(format!("the folder {id} makes no sense: {error}")))
    }

    /// Whether a piece of content or a folder is in the index.
    pub(super) fn has<T: PackedId>(&self, id: &T) -> bool {
        // The library answers "no" with a long report.
        !self.is_empty && self.repository.get_index_entry(id).is_ok()
    }

    /// Where a piece of content lies, and its length when unpacked.
    pub(super) fn find(&self, id: DataId) -> Result<Lying, RepositoryError> {
        let lying = self
            .lying(&id, id)
            .ok_or_else(|| self.damaged(format!("the piece of content {id} is not in the index")))?;
        self.within(lying, LONGEST_PIECE)
    }

    /// Where a folder lies.
    pub(super) fn find_folder(&self, id: TreeId) -> Result<Lying, RepositoryError> {
        let lying = self
            .lying(&id, DataId::from(*id))
            .ok_or_else(|| self.damaged(format!("the folder {id} is not in the index")))?;
        self.within(lying, LONGEST_FOLDER)
    }

    /// What is longer than anything that is ever stored was made up to fill the memory of whoever reads it.
    fn within(&self, lying: Lying, most: u32) -> Result<Lying, RepositoryError> {
        if lying.length.max(lying.packed) > most {
            return Err(self.damaged(format!(
                "{} has {} bytes, and no backup has a piece of more than {most}",
                lying.id, lying.length
            )));
        }
        Ok(lying)
    }

    fn lying<T: PackedId>(&self, id: &T, name: DataId) -> Option<Lying> {
        let entry = self.repository.get_index_entry(id).ok()?;
        Some(Lying {
            pack: *entry.pack,
            offset: entry.location.offset,
            length: entry.location.data_length(),
            id: name,
            packed: entry.location.length,
            is_compressed: entry.location.uncompressed_length.is_some(),
        })
    }

    /// A piece of content. It is known to be what was once encrypted with this repository's key; that it is the piece
    /// which the index says is checked by whoever reads back (`runs`).
    pub(super) fn piece(&self, id: DataId) -> Result<Bytes, RepositoryError> {
        let lying = self.find(id)?;
        self.repository
            .cat_blob(BlobType::Data, id.to_hex().as_str())
            .map_err(|error| self.unreadable(&error, lying.pack))
    }

    pub(super) fn damaged(&self, what: String) -> RepositoryError {
        RepositoryError::Damaged {
            place: self.place.clone(),
            what,
        }
    }

    fn unreadable(&self, error: &RusticError, pack: Id) -> RepositoryError {
        let name = pack.to_hex();
        let doing = format!("reading data/{}/{}", &name.as_str()[..2], name.as_str());
        judged(error, &doing, &self.place)
    }
}
