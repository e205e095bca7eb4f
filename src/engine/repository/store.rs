//! Reading pieces of content and folders from packs, each checked against its name.

use std::sync::Arc;

use bytes::Bytes;
use rustic_core::repofile::{BlobType, Tree};
use rustic_core::{DataId, Id, IndexedFullStatus, PackedId, RusticError, TreeId};
use sha2::{Digest, Sha256};

use super::error::{RepositoryError, judged};
use crate::domain::address::Address;

/// A repository with its index in memory. Clones share it.
#[derive(Clone)]
pub(super) struct Store {
    repository: Arc<rustic_core::Repository<IndexedFullStatus>>,
    place: Address,
    is_empty: bool,
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
    ) -> Self {
        Self {
            is_empty,
            repository: Arc::new(repository),
            place: place.clone(),
        }
    }

    /// The library's own view of it.
    pub(super) fn library(&self) -> &rustic_core::Repository<IndexedFullStatus> {
        &self.repository
    }

    /// A folder: what it holds, sorted by name.
    pub(super) fn folder(&self, id: TreeId) -> Result<Tree, RepositoryError> {
        let entry = self.repository.get_index_entry(&id);
        let bytes = self
            .repository
            .cat_blob(BlobType::Tree, id.to_hex().as_str())
            .map_err(|error| match entry {
                Ok(entry) => self.unreadable(&error, *entry.pack),
                Err(_) => self.damaged(format!("the folder {id} is not in the index")),
            })?;
        if Id::new(Sha256::digest(&bytes).into()) != *id {
            return Err(self.damaged(format!("the folder {id} is not what was stored")));
        }
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
        let entry = self
            .repository
            .get_index_entry(&id)
            .map_err(|_| self.damaged(format!("the piece of content {id} is not in the index")))?;
        Ok(Lying {
            pack: *entry.pack,
            offset: entry.location.offset,
            length: entry.location.data_length(),
            id,
            packed: entry.location.length,
            is_compressed: entry.location.uncompressed_length.is_some(),
        })
    }

    /// A piece of content. It is known to be what was once encrypted with this repository's key; that it is the piece
    /// which the index says is checked by whoever reads back (`runs`).
    pub(super) fn piece(&self, id: DataId) -> Result<Bytes, RepositoryError> {
        self.repository
            .cat_blob(BlobType::Data, id.to_hex().as_str())
            .map_err(|error| match self.find(id) {
                Ok(lying) => self.unreadable(&error, lying.pack),
                Err(missing) => missing,
            })
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
