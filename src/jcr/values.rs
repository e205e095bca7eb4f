//! Where the bytes of a binary are, in Live and in a backup of it.
//!
//! Not in here: reading them, which is a matter of who keeps the row or the file.

use bytes::Bytes;

use super::Binary;

/// Where to look for the bytes of a binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place<'v> {
    /// Here they are.
    Held(&'v Bytes),
    /// A record of the data store: the row with this id where the store is a table, and the file at this path below it where
    /// it is a folder.
    Record {
        /// The digest of the bytes, in hexadecimal.
        id: &'v str,
        /// `ab/cd/ef/abcdef…`
        path: String,
    },
    /// The row of the workspace's `binval` table with this id.
    Row(&'v str),
    /// The file at this path below the workspace's folder of binaries.
    File(&'v str),
    /// Nowhere: what is kept in place of the bytes is not the name of anything.
    Nowhere,
}

/// Where the bytes of a binary are.
#[must_use]
pub fn place(binary: &Binary) -> Place<'_> {
    match binary {
        Binary::Held(bytes) => Place::Held(bytes),
        Binary::Record(id) => record_path(id).map_or(Place::Nowhere, |path| Place::Record { id, path }),
        // Jackrabbit names a file by its path from the folder, and a row by the node's id.
        Binary::Beside(id) => match id.strip_prefix('/') {
            Some(path) if path.split('/').all(is_plain) => Place::File(path),
            Some(_) => Place::Nowhere,
            None if id.is_empty() => Place::Nowhere,
            None => Place::Row(id),
        },
    }
}

/// Where a record is in a data store that is a folder: in three levels of folders. `None` for an id that is no digest, which
/// could lead out of the folder.
#[must_use]
pub fn record_path(id: &str) -> Option<String> {
    let is_digest = id.len() > 6 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_digest {
        return None;
    }
    let level = |at: usize| id.get(at..at + 2);
    Some(format!("{}/{}/{}/{id}", level(0)?, level(2)?, level(4)?))
}

fn is_plain(part: &str) -> bool {
    !matches!(part, "" | "." | "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_binary_has_its_place() {
        let held = Binary::Held(Bytes::from_static(b"abc"));
        assert_eq!(place(&held), Place::Held(&Bytes::from_static(b"abc")));
        let record = Binary::Record("0123456789abcdef".to_owned());
        assert_eq!(
            place(&record),
            Place::Record {
                id: "0123456789abcdef",
                path: "01/23/45/0123456789abcdef".to_owned()
            }
        );
        let row = Binary::Beside("cafebabe-cafe-babe-cafe-babecafebabe.1.2.0".to_owned());
        assert_eq!(
            place(&row),
            Place::Row("cafebabe-cafe-babe-cafe-babecafebabe.1.2.0")
        );
        let file = Binary::Beside("/ca/fe/babe/{}data.0.bin".to_owned());
        assert_eq!(place(&file), Place::File("ca/fe/babe/{}data.0.bin"));
    }

    #[test]
    fn what_would_lead_elsewhere_leads_nowhere() {
        for id in ["", "abc", "../../../etc/passwd", "abcdefg/"] {
            assert_eq!(place(&Binary::Record(id.to_owned())), Place::Nowhere, "{id}");
        }
        for id in ["", "/../x", "/a//b", "/"] {
            assert_eq!(place(&Binary::Beside(id.to_owned())), Place::Nowhere, "{id}");
        }
    }
}
