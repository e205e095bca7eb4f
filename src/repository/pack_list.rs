//! The list at the end of a pack: what is in it. An index tells the same, and as long as there is one nobody asks for the
//! list; without it `restic` cannot build an index anew.

use std::collections::HashMap;

use rustic_core::Id;

use super::cipher::OVERHEAD;
use super::store::Lying;

/// Bytes of a list's length, at the very end of a pack.
pub(super) const LENGTH: usize = 4;

/// Where a piece lies, as a list has it: its offset, its bytes in the pack, and its length when unpacked if it is
/// compressed.
type Place = (u32, u32, Option<u32>);

/// Whether a list, decrypted, tells where these pieces of its pack lie. `content` is how many bytes of the pack come
/// before the list.
pub(super) fn tells_of(list: &[u8], content: u32, pieces: &[&Lying]) -> bool {
    let Some(places) = places(list, content) else {
        return false;
    };
    pieces.iter().all(|piece| {
        let unpacked = piece.is_compressed.then_some(piece.length);
        places.get(&*piece.id) == Some(&(piece.offset, piece.packed, unpacked))
    })
}

/// What a list tells, by the names of the pieces. `None` for what is no list of so much content.
fn places(mut list: &[u8], content: u32) -> Option<HashMap<Id, Place>> {
    let mut places = HashMap::new();
    let mut offset = 0_u32;
    while let Some((kind, rest)) = list.split_first() {
        let (packed, rest) = number(rest)?;
        // Content and folders; the same compressed.
        let (unpacked, rest) = match kind {
            0 | 1 => (None, rest),
            2 | 3 => {
                let (unpacked, rest) = number(rest)?;
                (Some(unpacked), rest)
            }
            _ => return None,
        };
        let (name, rest) = rest.split_first_chunk::<32>()?;
        if (packed as usize) < OVERHEAD {
            return None;
        }
        places.insert(Id::new(*name), (offset, packed, unpacked));
        offset = offset.checked_add(packed)?;
        list = rest;
    }
    (offset == content).then_some(places)
}

fn number(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*number), rest))
}
