//! The walk over a database that is held still: its parts and workspaces in the order of their names, their tables, and
//! the rows of each in groups.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::read::{Extent, Piece, Reader, Reading};
use super::rows::{Group, HEADER, RowDigest, Sum, TRAILER};
use super::tables::Table;
use super::{Postgres, data_store, moment, table_copy};
use crate::content::postgres::home;
use crate::content::{ContentError, FileTime, Item, ItemKind};
use crate::domain::environment::{DATA_STORE, SCHEMA};

/// Names of what a table's folder holds, in the order in which they have to be put together.
const HEADER_NAME: &str = "0.header";
pub(crate) const ROWS_NAME: &str = "1.rows";
const TRAILER_NAME: &str = "2.trailer";

/// So many groups of a stretch that is open at its end are in one folder: more than any other stretch has.
const GROUPS: u64 = 4096;

/// See the module. The data store comes first: its name does, and the moment that the rows are read at is held already.
pub(super) struct Walk<'a> {
    content: &'a Postgres,
    before: Box<dyn Iterator<Item = Result<Item, ContentError>> + Send + 'a>,
    after: std::vec::IntoIter<Item>,
    rows: Rows,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Before,
    Rows,
    Over,
}

/// The tables while they are read.
struct Rows {
    // Before the reader, which waits for its threads when it goes: they wait for whoever takes what they have read.
    reading: Option<Stretch>,
    reader: Reader,
    tables: Arc<Vec<Table>>,
    /// Items that come before the next group.
    ready: std::collections::VecDeque<Item>,
    /// The table whose rows are read, and what they come to.
    current: Option<(usize, Sum)>,
    workspace: Option<String>,
    done: Vec<(usize, Sum)>,
}

/// An extent while it is read.
struct Stretch {
    reading: Reading,
    /// The folder of the table's rows.
    rows: PathBuf,
    /// The number of the folder that its groups go into.
    number: u64,
    /// How many are in there.
    count: u64,
}

impl Stretch {
    fn folder(&self) -> PathBuf {
        self.rows.join(format!("{:08}", self.number))
    }
}

impl<'a> Walk<'a> {
    pub(super) fn begin(
        content: &'a Postgres,
        left_out: &'a mut (dyn FnMut(String) + Send),
    ) -> Result<Self, ContentError> {
        if content.held().is_none() {
            // Whoever only looks once has not asked for it to be held.
            *content.held() = Some(super::Moment::take(&content.connector, true)?);
        }
        let mut held = content.held();
        let moment = held
            .as_mut()
            .ok_or_else(|| content.connector.wrong("reading", "it was let go of meanwhile"))?;
        content.left_alone.lock().clone_from(&moment.layout.left_out);
        for what in &moment.layout.suspect {
            left_out(what.clone());
        }
        let moment::Reading { tables, reader } = moment.reading()?;
        if content.data_store.is_some()
            && let Some(table) = tables.iter().find(|table| table.workspace == DATA_STORE)
        {
            return Err(content.connector.wrong(
                "looking at the tables",
                format!(
                    "the table {} is a data store, and the folder data_store is one too: take data_store out of the \
                     configuration, or name the schema that belongs to that folder",
                    table.name
                ),
            ));
        }
        let description = serde_json::to_vec_pretty(&*tables).map_err(|error| {
            content
                .connector
                .wrong("describing the tables", error.to_string())
        })?;
        // The readers have begun meanwhile.
        let ddl = moment.ddl()?;
        // Read now that the rows' moment is held: of what they refer to, nothing is missing in it.
        let mut schema = match &content.connector.settings().home {
            Some(place) => home::items(place)?,
            None => Vec::new(),
        };
        schema.extend([
            folder(Path::new(SCHEMA)),
            file(&Path::new(SCHEMA).join("schema.sql"), ddl.into()),
            file(&Path::new(SCHEMA).join("tables.json"), description.into()),
        ]);
        drop(held);
        // Tables of a data store or a file system stand before the home and the schema's folder in the order of names, all
        // others after them.
        let before: Box<dyn Iterator<Item = Result<Item, ContentError>> + Send + 'a> =
            match &content.data_store {
                Some(files) => Box::new(data_store::items(files.root())),
                None => Box::new(std::iter::empty()),
            };
        let early = tables.iter().any(|table| table.workspace.as_str() < SCHEMA);
        let mut rows = Rows {
            reader,
            tables,
            ready: std::collections::VecDeque::new(),
            current: None,
            workspace: None,
            reading: None,
            done: Vec::new(),
        };
        if !early {
            rows.ready.extend(schema.drain(..));
        }
        Ok(Self {
            content,
            before,
            after: schema.into_iter(),
            rows,
            state: State::Before,
        })
    }

    fn step(&mut self) -> Result<Option<Item>, ContentError> {
        if self.state == State::Before {
            match self.before.next() {
                Some(item) => return item.map(Some),
                None => self.state = State::Rows,
            }
        }
        let item = self.rows.next(&mut self.after)?;
        if item.is_none() {
            let mut held = self.content.held();
            if let Some(moment) = held.as_mut() {
                // The readers' transactions would have failed with it; a last look costs nothing.
                moment.check()?;
            }
            let sums = self.rows.sums();
            *self.content.sums() = sums;
        }
        Ok(item)
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Item, ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.state == State::Over {
            return None;
        }
        let step = self.step();
        if !matches!(step, Ok(Some(_))) {
            self.state = State::Over;
        }
        step.transpose()
    }
}

impl Rows {
    fn next(&mut self, schema: &mut std::vec::IntoIter<Item>) -> Result<Option<Item>, ContentError> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            if let Some(stretch) = &mut self.reading {
                match stretch.reading.pieces.recv() {
                    Ok(Piece::Rows(group)) => {
                        if stretch.count == GROUPS && stretch.reading.extent.is_open() {
                            (stretch.number, stretch.count) = (stretch.number + 1, 0);
                            self.ready.push_back(folder(&stretch.folder()));
                        }
                        let path = stretch.folder().join(format!("{:08}", stretch.count));
                        stretch.count += 1;
                        let group = self.group(&path, group);
                        self.ready.push_back(group);
                    }
                    Ok(Piece::End) => self.reading = None,
                    Ok(Piece::Failed(error)) => return Err(error),
                    Err(_) => return Err(unfinished()),
                }
                continue;
            }
            if let Some(reading) = self.reader.next() {
                self.turn_to(reading, schema);
                continue;
            }
            self.end_table();
            self.ready.extend(schema.by_ref());
            if self.ready.is_empty() {
                if self.done.len() < self.tables.len() {
                    return Err(unfinished());
                }
                return Ok(None);
            }
        }
    }

    fn group(&mut self, path: &Path, group: Group) -> Item {
        if let Some((_, sum)) = &mut self.current {
            sum.merge(&group.sum);
        }
        file(path, group.bytes)
    }

    /// Begins the next extent: the folders above it that are new, and what the table before ends with.
    fn turn_to(&mut self, reading: Reading, schema: &mut std::vec::IntoIter<Item>) {
        let Extent {
            table: index, number, ..
        } = reading.extent;
        let tables = Arc::clone(&self.tables);
        let Some(table) = tables.get(index) else { return };
        if self.current.as_ref().is_none_or(|(current, _)| *current != index) {
            self.end_table();
            if self.workspace.as_deref() != Some(&table.workspace) {
                if table.workspace.as_str() > SCHEMA {
                    self.ready.extend(schema.by_ref());
                }
                self.ready.push_back(folder(Path::new(&table.workspace)));
                self.workspace = Some(table.workspace.clone());
            }
            let place = table.folder();
            self.ready.push_back(folder(&place));
            self.ready
                .push_back(file(&place.join(HEADER_NAME), Bytes::from_static(&HEADER)));
            self.ready.push_back(folder(&place.join(ROWS_NAME)));
            self.current = Some((index, Sum::new(RowDigest::default())));
        }
        let stretch = Stretch {
            reading,
            rows: table.folder().join(ROWS_NAME),
            number,
            count: 0,
        };
        self.ready.push_back(folder(&stretch.folder()));
        self.reading = Some(stretch);
    }

    fn end_table(&mut self) {
        if let Some((index, sum)) = self.current.take() {
            if let Some(table) = self.tables.get(index) {
                self.ready.push_back(file(
                    &table.folder().join(TRAILER_NAME),
                    Bytes::from_static(&TRAILER),
                ));
            }
            self.done.push((index, sum));
        }
    }

    fn sums(&self) -> Vec<crate::domain::backup::TableCopy> {
        let mut read: Vec<_> = self
            .done
            .iter()
            .filter_map(|(index, sum)| Some((self.tables.get(*index)?, sum)))
            .collect();
        // The bundles of a workspace come first: they are what is counted as its items.
        read.sort_by_key(|(table, _)| (&table.workspace, table.holds));
        read.into_iter()
            .map(|(table, sum)| table_copy(table, sum))
            .collect()
    }
}

fn unfinished() -> ContentError {
    ContentError::Io {
        action: "reading",
        path: PathBuf::from("rows"),
        source: std::io::Error::other(
            "whoever read the tables has stopped; its message is on standard error",
        ),
    }
}

fn folder(path: &Path) -> Item {
    Item {
        path: path.to_owned(),
        kind: ItemKind::Folder,
        mode: 0o755,
        owner: (0, 0),
        modified: FileTime::default(),
        changed: FileTime::default(),
        inode: 0,
        held: None,
        rare: None,
    }
}

/// A file whose content is at hand.
fn file(path: &Path, bytes: Bytes) -> Item {
    Item {
        kind: ItemKind::File {
            size: bytes.len() as u64,
        },
        mode: 0o644,
        held: Some(bytes),
        ..folder(path)
    }
}
