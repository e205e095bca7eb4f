//! A file of the index: which packs there are, and what is in each.

use rustic_core::Id;
use rustic_core::jiff::Timestamp;
use serde::Serialize;

use super::pack_list::Entry;

/// An index file is written when it has this many pieces, as the library does.
pub(in crate::repository) const PIECES: usize = 50_000;

/// A pack of so many bytes as an index file has it.
///
/// # Errors
/// A sentence when it cannot be put into words.
pub(in crate::repository) fn pack((id, size): (Id, u32), pieces: &[Entry]) -> Result<String, String> {
    #[derive(Serialize)]
    struct Indexed<'p> {
        id: Id,
        blobs: &'p [Entry],
        time: Timestamp,
        size: u32,
    }
    let indexed = Indexed {
        id,
        blobs: pieces,
        time: Timestamp::now(),
        size,
    };
    serde_json::to_string(&indexed).map_err(|error| error.to_string())
}

/// The text of a file with these packs, and those that are marked to be removed.
pub(in crate::repository) fn text(packs: &[String], marked: &[String]) -> String {
    let packs = packs.join(",");
    if marked.is_empty() {
        return format!("{{\"packs\":[{packs}]}}");
    }
    format!(
        "{{\"packs\":[{packs}],\"packs_to_delete\":[{}]}}",
        marked.join(",")
    )
}
