//! Where a piece of content, or a folder, lies in a pack.

use std::num::NonZeroU32;

use rustic_core::{DataId, Id};

use super::cipher::OVERHEAD;

/// No piece of content is longer than this: files and rows are cut into pieces of a few megabytes, by `restic` too.
pub(in crate::repository) const LONGEST_PIECE: u32 = 64 * 1024 * 1024;
/// No folder is longer than this: a million items take half of it.
pub(in crate::repository) const LONGEST_FOLDER: u32 = 1024 * 1024 * 1024;

/// The path of a pack in its repository.
pub(in crate::repository) fn path_of(pack: Id) -> String {
    let name = pack.to_hex();
    format!("data/{}/{}", &name.as_str()[..2], name.as_str())
}

/// Where a piece of content lies. Sorted like this, packs are read from front to back.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::repository) struct PieceLocation {
    pub(in crate::repository) pack: Id,
    pub(in crate::repository) offset: u32,
    pub(in crate::repository) length: u32,
    pub(in crate::repository) id: DataId,
    /// Bytes in the pack.
    pub(in crate::repository) packed: u32,
    pub(in crate::repository) is_compressed: bool,
}

impl PieceLocation {
    /// Where a piece lies: its offset in the pack, its bytes there, and its length when unpacked if it is compressed.
    pub(in crate::repository) fn new(
        pack: Id,
        id: DataId,
        (offset, packed, unpacked): (u32, u32, Option<NonZeroU32>),
    ) -> Self {
        let sealed = packed.saturating_sub(u32::try_from(OVERHEAD).unwrap_or(0));
        Self {
            pack,
            offset,
            length: unpacked.map_or(sealed, NonZeroU32::get),
            id,
            packed,
            is_compressed: unpacked.is_some(),
        }
    }
}
