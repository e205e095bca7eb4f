//! Makes an index: rows are written as they come, and put in order at the end.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use rusqlite::types::{Null, ToSql};
use rusqlite::{Connection, Statement};
use twox_hash::XxHash3_128;

use super::{IndexError, halves};
use crate::content::inside::{Found, StoredFile};
use crate::jcr::NodeId;

const TABLES: &str = "\
CREATE TABLE files (nr INTEGER PRIMARY KEY, pieces BLOB NOT NULL, size INTEGER NOT NULL, place TEXT NOT NULL);
CREATE TABLE nodes (nr INTEGER PRIMARY KEY, high INTEGER NOT NULL, low INTEGER NOT NULL, print INTEGER NOT NULL,
  parent_high INTEGER, parent_low INTEGER, what INTEGER NOT NULL, type TEXT NOT NULL, digest BLOB NOT NULL, list BLOB,
  size INTEGER NOT NULL, modified INTEGER NOT NULL, children INTEGER NOT NULL, versionable INTEGER NOT NULL,
  file INTEGER NOT NULL, start INTEGER NOT NULL, own BLOB, remark TEXT);
CREATE TABLE entries (parent INTEGER NOT NULL, position INTEGER NOT NULL, high INTEGER NOT NULL, low INTEGER NOT NULL,
  nth INTEGER NOT NULL, name TEXT NOT NULL, folded TEXT, PRIMARY KEY (parent, position)) WITHOUT ROWID;
";

/// What it takes to find a node by its id, and to compare it with another without looking further. SQLite sorts by numbers in
/// half the time that it takes by bytes: that is what the halves of ids are for.
const INDEXES: &str = "\
CREATE INDEX nodes_by_id ON nodes (high, low, print);
CREATE INDEX entries_by_child ON entries (high, low);
CREATE INDEX nodes_by_own ON nodes (own) WHERE length(own) = 16;
";

/// Nothing has to outlive a crash: a file that is not finished is made again. Memory is bounded by the cache. What indexes are
/// sorted with may use a second core.
const FAST: &str = "\
PRAGMA page_size = 8192; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
PRAGMA cache_size = -65536; PRAGMA threads = 2;
";

/// So many rows are written by one statement.
const TOGETHER: usize = 8;

/// An index while it is made.
pub(in crate::engine::explore) struct Builder {
    connection: Connection,
    path: PathBuf,
    files: i64,
    nodes: i64,
}

/// A row of a list of children.
struct Entry<'f> {
    parent: i64,
    position: i64,
    name: &'f str,
    nth: i64,
    child: &'f NodeId,
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
        let (first_file, first_node) = (self.files, self.nodes);
        let numbered: Vec<_> = (first_file..).zip(files).collect();
        self.insert("files", 4, &numbered, |row, (nr, file)| {
            row.put(nr)?;
            row.put(&file.pieces)?;
            row.put(&signed(file.size))?;
            row.put(&file.place)
        })?;
        let numbered: Vec<_> = (first_node..).zip(found).collect();
        self.insert("nodes", 18, &numbered, |row, (nr, found)| {
            node(row, *nr, found, first_file)
        })?;
        let mut entries = Vec::new();
        for (parent, found) in numbered {
            let mut like: HashMap<&str, i64> = HashMap::new();
            for (position, (name, child)) in (0..).zip(&found.children) {
                let nth = like.entry(name).or_default();
                *nth += 1;
                entries.push(Entry {
                    parent,
                    position,
                    name,
                    nth: *nth,
                    child,
                });
            }
        }
        self.insert("entries", 7, &entries, |row, entry| {
            row.put(&entry.parent)?;
            row.put(&entry.position)?;
            row.put_id(Some(entry.child))?;
            row.put(&entry.nth)?;
            row.put(&entry.name)?;
            row.put(&folded(entry.name))
        })?;
        self.files += signed(files.len() as u64);
        self.nodes += signed(found.len() as u64);
        Ok(())
    }

    /// Inserts rows of so many columns, several at a time: what a statement costs is shared by them.
    fn insert<T>(
        &self,
        table: &str,
        columns: usize,
        rows: &[T],
        put: impl Fn(&mut Binding<'_, '_>, &T) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        let prepare = |count: usize| {
            let row = format!("({})", vec!["?"; columns].join(", "));
            let rows = vec![row.as_str(); count].join(", ");
            self.connection
                .prepare(&format!("INSERT INTO {table} VALUES {rows}"))
        };
        let (together, alone) = rows.as_chunks::<TOGETHER>();
        let execute = |statement: &mut Statement<'_>, rows: &[T]| {
            let mut binding = Binding { statement, next: 1 };
            for row in rows {
                put(&mut binding, row)?;
            }
            statement.raw_execute().map(drop)
        };
        if !together.is_empty() {
            let mut statement = prepare(TOGETHER)?;
            for rows in together {
                execute(&mut statement, rows)?;
            }
        }
        if !alone.is_empty() {
            execute(&mut prepare(alone.len())?, alone)?;
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

/// Where the values of rows are put, one after the other.
struct Binding<'s, 'c> {
    statement: &'s mut Statement<'c>,
    next: usize,
}

impl Binding<'_, '_> {
    fn put(&mut self, value: &dyn ToSql) -> rusqlite::Result<()> {
        self.statement.raw_bind_parameter(self.next, value)?;
        self.next += 1;
        Ok(())
    }

    fn put_id(&mut self, id: Option<&NodeId>) -> rusqlite::Result<()> {
        let Some((high, low)) = id.map(halves) else {
            self.put(&Null)?;
            return self.put(&Null);
        };
        self.put(&high)?;
        self.put(&low)
    }
}

fn node(row: &mut Binding<'_, '_>, nr: i64, found: &Found, first_file: i64) -> rusqlite::Result<()> {
    let list = (!found.children.is_empty()).then(|| found.list());
    row.put(&nr)?;
    row.put_id(Some(&found.id))?;
    row.put(&print(found, list.as_ref()))?;
    row.put_id(found.parent.as_ref())?;
    row.put(&found.what.number())?;
    row.put(&found.primary_type)?;
    row.put(&found.digest)?;
    row.put(&list)?;
    row.put(&signed(found.size))?;
    row.put(&found.modified)?;
    row.put(&signed(found.children.len() as u64))?;
    row.put(&found.is_versionable)?;
    row.put(&(first_file + i64::from(found.at.file)))?;
    row.put(&i64::from(found.at.offset))?;
    let own = found.own.as_ref();
    row.put(&own.map(|own| if *own == found.id { &[][..] } else { own }))?;
    row.put(&found.remark)
}

/// What tells a node from the same one elsewhere: of all that is compared of it.
fn print(found: &Found, list: Option<&[u8; 16]>) -> i64 {
    let mut bytes = [0; 49];
    let (digest, rest) = bytes.split_at_mut(16);
    digest.copy_from_slice(&found.digest);
    let (of_list, rest) = rest.split_at_mut(16);
    of_list.copy_from_slice(list.unwrap_or(&[0; 16]));
    if let (Some(parent), Some((is_there, place))) = (&found.parent, rest.split_first_mut()) {
        *is_there = 1;
        place.copy_from_slice(parent);
    }
    let (first, _) = halves(&XxHash3_128::oneshot(&bytes).to_be_bytes());
    first
}

/// A name in lower case, where it is another text then.
fn folded(name: &str) -> Option<String> {
    let lower = name.to_lowercase();
    (lower != name).then_some(lower)
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
