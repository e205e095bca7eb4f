//! Makes an index: rows are written as they come, and put in order at the end.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};

use super::IndexError;
use crate::content::inside::{Found, StoredFile};

const TABLES: &str = "\
CREATE TABLE files (nr INTEGER PRIMARY KEY, pieces BLOB NOT NULL, size INTEGER NOT NULL, place TEXT NOT NULL);
CREATE TABLE nodes (nr INTEGER PRIMARY KEY, id BLOB NOT NULL, parent BLOB, what INTEGER NOT NULL, type TEXT NOT NULL,
  digest BLOB NOT NULL, list BLOB NOT NULL, size INTEGER NOT NULL, modified INTEGER NOT NULL, children INTEGER NOT NULL,
  versionable INTEGER NOT NULL, file INTEGER NOT NULL, start INTEGER NOT NULL, own BLOB,
  remark TEXT);
CREATE TABLE entries (parent INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, folded TEXT,
  nth INTEGER NOT NULL, child BLOB NOT NULL, PRIMARY KEY (parent, position)) WITHOUT ROWID;
";

/// What it takes to find a node by its id, and to compare it with another without looking further.
const INDEXES: &str = "\
CREATE INDEX nodes_by_id ON nodes (id, digest, list, parent);
CREATE INDEX entries_by_child ON entries (child);
CREATE INDEX nodes_by_own ON nodes (own) WHERE length(own) = 16;
";

/// Nothing has to outlive a crash: a file that is not finished is made again. Memory is bounded by the cache. What indexes are
/// sorted with may use a second core.
const FAST: &str = "\
PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -65536;
PRAGMA threads = 2;
";

/// An index while it is made.
pub(in crate::engine::explore) struct Builder {
    connection: Connection,
    path: PathBuf,
    files: i64,
    nodes: i64,
}

impl Builder {
    /// Begins, in a file that is there and empty.
    pub(in crate::engine::explore) fn begin(path: &Path) -> Result<Self, IndexError> {
        let wrong = IndexError::of(path);
        let connection = Connection::open(path).map_err(&wrong)?;
        connection
            .execute_batch(&format!("{FAST}BEGIN; {TABLES}"))
            .map_err(&wrong)?;
        Ok(Self {
            connection,
            path: path.to_owned(),
            files: 0,
            nodes: 0,
        })
    }

    /// Adds what was read: the files, and what is in them.
    pub(in crate::engine::explore) fn add(
        &mut self,
        files: &[StoredFile],
        found: &[Found],
    ) -> Result<(), IndexError> {
        self.write(files, found).map_err(IndexError::of(&self.path))
    }

    fn write(&mut self, files: &[StoredFile], found: &[Found]) -> rusqlite::Result<()> {
        let first_file = self.files;
        let mut insert = self
            .connection
            .prepare("INSERT INTO files VALUES (?1, ?2, ?3, ?4)")?;
        for file in files {
            insert.execute(params![self.files, file.pieces, signed(file.size), file.place])?;
            self.files += 1;
        }
        let mut node = self.connection.prepare(
            "INSERT INTO nodes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)",
        )?;
        let mut entry = self
            .connection
            .prepare("INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?;
        for found in found {
            let nr = self.nodes;
            self.nodes += 1;
            node.execute(params![
                nr,
                found.id,
                found.parent.as_ref().map(<[u8; 16]>::as_slice),
                found.what.number(),
                found.primary_type,
                found.digest,
                found.list(),
                signed(found.size),
                found.modified,
                signed(found.children.len() as u64),
                found.is_versionable,
                first_file + i64::from(found.at.file),
                i64::from(found.at.offset),
                found
                    .own
                    .as_ref()
                    .map(|own| if *own == found.id { &[][..] } else { own }),
                found.remark,
            ])?;
            let mut like: HashMap<&str, i64> = HashMap::new();
            for (position, (name, child)) in (0_i64..).zip(&found.children) {
                let nth = like.entry(name).or_default();
                *nth += 1;
                entry.execute(params![nr, position, name, folded(name), *nth, child])?;
            }
        }
        Ok(())
    }

    /// Puts everything in order. Only then it is an index.
    pub(in crate::engine::explore) fn finish(self) -> Result<(), IndexError> {
        let wrong = IndexError::of(&self.path);
        self.connection
            .execute_batch(&format!("{INDEXES}COMMIT;"))
            .map_err(&wrong)?;
        self.connection
            .close()
            .map_err(|(_, error)| error)
            .map_err(&wrong)
    }
}

/// A name in lower case, where it is another text then.
fn folded(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    (lower != name).then_some(lower)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
