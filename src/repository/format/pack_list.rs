//! The list at the end of a pack: what is in it. An index tells the same, and as long as there is one nobody asks for the
//! list; without it no index can be built anew, neither by Lifeboat nor by `restic`.

use std::collections::HashMap;
use std::num::NonZeroU32;

use rustic_core::repofile::BlobType;
use rustic_core::{DataId, Id};
use serde::{Serialize, Serializer};

use super::cipher::OVERHEAD;
use super::piece::{LONGEST_FOLDER, LONGEST_PIECE, PieceLocation};

/// Bytes of a list's length, at the very end of a pack.
pub(in crate::repository) const LENGTH: usize = 4;

/// A piece in a pack, as a list tells of it and as an index has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(in crate::repository) struct Entry {
    #[serde(rename = "id", serialize_with = "as_id")]
    pub(super) digest: [u8; 32],
    #[serde(rename = "type")]
    pub(super) kind: BlobType,
    pub(super) offset: u32,
    pub(super) length: u32,
    /// Its length when unpacked, if it is compressed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) uncompressed_length: Option<NonZeroU32>,
}

fn as_id<S: Serializer>(digest: &[u8; 32], serializer: S) -> Result<S::Ok, S::Error> {
    Id::new(*digest).serialize(serializer)
}

impl Entry {
    /// Where it lies, for whoever reads it.
    pub(in crate::repository) fn location(&self, pack: Id) -> PieceLocation {
        let id = DataId::from(Id::new(self.digest));
        PieceLocation::new(pack, id, (self.offset, self.length, self.uncompressed_length))
    }

    /// Whether it is as long as a piece of its kind may be.
    pub(in crate::repository) fn is_within(&self) -> bool {
        let unpacked = self.uncompressed_length.map_or(0, NonZeroU32::get);
        let most = match self.kind {
            BlobType::Data => LONGEST_PIECE,
            BlobType::Tree => LONGEST_FOLDER,
        };
        self.length.max(unpacked) <= most
    }
}

/// A list, to be encrypted.
pub(super) fn text(entries: &[Entry]) -> Vec<u8> {
    let mut list = Vec::with_capacity(entries.len() * 41);
    for entry in entries {
        let kind = match entry.kind {
            BlobType::Data => 0,
            BlobType::Tree => 1,
        };
        match entry.uncompressed_length {
            None => {
                list.push(kind);
                list.extend(entry.length.to_le_bytes());
            }
            Some(uncompressed) => {
                list.push(kind + 2);
                list.extend(entry.length.to_le_bytes());
                list.extend(uncompressed.get().to_le_bytes());
            }
        }
        list.extend(entry.digest);
    }
    list
}

/// Whether a list tells where these pieces of its pack lie.
pub(in crate::repository) fn tells_of(list: &[Entry], pieces: &[&PieceLocation]) -> bool {
    let entries: HashMap<Id, &Entry> = list.iter().map(|entry| (Id::new(entry.digest), entry)).collect();
    pieces.iter().all(|piece| {
        let unpacked = piece.is_compressed.then_some(piece.length);
        entries.get(&*piece.id).is_some_and(|entry| {
            (entry.offset, entry.length) == (piece.offset, piece.packed)
                && entry.uncompressed_length.map(NonZeroU32::get) == unpacked
        })
    })
}

/// What a list, decrypted, tells. `None` for what is no list of a pack with so many bytes before it.
pub(in crate::repository) fn entries(mut list: &[u8], content: u32) -> Option<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut offset = 0_u32;
    while let Some((kind, rest)) = list.split_first() {
        let (length, rest) = number(rest)?;
        // Content and folders; the same compressed.
        let (uncompressed_length, rest) = match kind {
            0 | 1 => (None, rest),
            2 | 3 => {
                let (unpacked, rest) = number(rest)?;
                (Some(NonZeroU32::new(unpacked)?), rest)
            }
            _ => return None,
        };
        let (name, rest) = rest.split_first_chunk::<32>()?;
        if (length as usize) < OVERHEAD {
            return None;
        }
        entries.push(Entry {
            digest: *name,
            kind: if matches!(kind, 0 | 2) {
                BlobType::Data
            } else {
                BlobType::Tree
            },
            offset,
            length,
            uncompressed_length,
        });
        offset = offset.checked_add(length)?;
        list = rest;
    }
    (offset == content).then_some(entries)
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*number), rest))
}
