//! Bytes that are rows of a table in a backup: binaries of a workspace (`binval`), and records of a data store.
//!
//! Rows lie in files as they came, and nothing says which is where. So all of them are gone through once, when somebody first
//! wants one; where each is is then known for as long as the backup is open. What is in a row is passed over on the way, and
//! comes piece by piece to whoever reads it: a row may be larger than the memory.
//!
//! Not in here: Live's rows, which its database finds by their ids (`content::postgres::binaries`).

use std::collections::HashMap;
use std::io::{self, Cursor, Read};
use std::sync::Arc;

use parking_lot::Mutex;
use twox_hash::XxHash3_128;

use super::tables::{backed_up, cut_off};
use super::{Bytes, StoredFile};
use crate::content::backed_up::BackedUpFiles;
use crate::content::postgres::tables::{Holds, Table};
use crate::content::postgres::walk::ROWS_NAME;
use crate::content::restoring::RestoreError;

/// A table of fewer bytes is gone through while somebody waits.
const NEAR: u64 = 32 << 20;
/// How many files are read together.
const TOGETHER: usize = 128;
/// No id is longer.
const LONGEST_ID: usize = 1024;

/// A table of bytes.
pub(super) struct Blobs {
    files: Arc<dyn BackedUpFiles>,
    table: Table,
    /// How many bytes its rows have.
    size: u64,
    rows: Mutex<Option<Arc<Rows>>>,
}

/// Where all rows are.
#[derive(Default)]
struct Rows {
    /// The names of the pieces of all files, one after the other.
    pieces: Vec<[u8; 32]>,
    /// By the digest of their ids.
    places: HashMap<u128, Place>,
}

/// Where the bytes of a row are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// The first piece of its file.
    piece: u32,
    /// From its file's beginning.
    offset: u64,
    length: u32,
}

impl Blobs {
    /// A table of a backup; `None` for one that holds something else, or is made otherwise.
    pub(super) fn of(files: &Arc<dyn BackedUpFiles>, table: &Table, size: u64) -> Option<Arc<Self>> {
        columns(table)?;
        Some(Arc::new(Self {
            files: Arc::clone(files),
            table: table.clone(),
            size,
            rows: Mutex::default(),
        }))
    }

    /// The workspace that it is of.
    pub(super) fn workspace(&self) -> &str {
        &self.table.workspace
    }

    /// Whether a row can be found without going through a large table. Where it cannot, that begins.
    pub(super) fn is_at_hand(self: &Arc<Self>) -> bool {
        if self.size <= NEAR {
            return true;
        }
        match self.rows.try_lock() {
            Some(rows) if rows.is_some() => return true,
            Some(_) => {}
            // Somebody is at it.
            None => return false,
        }
        let table = Arc::clone(self);
        let looking = std::thread::Builder::new().name("looking for binaries".to_owned());
        // What goes wrong is told to whoever needs them.
        let _ = looking.spawn(move || {
            let _ = table.rows();
        });
        false
    }

    /// The bytes of a row.
    pub(super) fn open(&self, id: &str) -> Result<Option<Bytes<'_>>, RestoreError> {
        let rows = self.rows()?;
        let Some(place) = rows.places.get(&XxHash3_128::oneshot(id.as_bytes())).copied() else {
            return Ok(None);
        };
        let mut reader = RowReader {
            next: usize::try_from(place.piece).unwrap_or(usize::MAX),
            rows,
            files: &*self.files,
            piece: Cursor::default(),
        };
        let passed = io::copy(&mut reader.by_ref().take(place.offset), &mut io::sink());
        passed
            .map_err(|error| RestoreError::Failed(format!("a row in the backup cannot be read: {error}")))?;
        Ok(Some(Bytes {
            size: u64::from(place.length),
            bytes: Box::new(reader.take(u64::from(place.length))),
        }))
    }

    fn rows(&self) -> Result<Arc<Rows>, RestoreError> {
        let mut known = self.rows.lock();
        if let Some(rows) = &*known {
            return Ok(Arc::clone(rows));
        }
        let rows = Arc::new(self.go_through()?);
        *known = Some(Arc::clone(&rows));
        Ok(rows)
    }

    fn go_through(&self) -> Result<Rows, RestoreError> {
        let mut rows = Rows::default();
        let Some((id, data)) = columns(&self.table) else {
            return Ok(rows);
        };
        let files = self.files.below(&self.table.folder().join(ROWS_NAME))?;
        for files in files.chunks(TOGETHER) {
            let mut lengths = files.iter().map(|file| file.pieces.len());
            let mut left = lengths.next().unwrap_or(0);
            let mut scanner = Scanner::new(id, data, number(rows.pieces.len()));
            let mut seen = rows.pieces.len();
            rows.pieces.extend(files.iter().flat_map(|file| &file.pieces));
            let places = &mut rows.places;
            self.files.pour_all(files, &mut |piece| {
                while left == 0 {
                    let Some(next) = lengths.next() else {
                        return Err(cut_off());
                    };
                    left = next;
                    if !scanner.is_even() {
                        return Err(cut_off());
                    }
                    scanner = Scanner::new(id, data, number(seen));
                }
                left -= 1;
                seen += 1;
                scanner.push(piece, &mut |id, place| {
                    places.insert(XxHash3_128::oneshot(id), place);
                })
            })?;
            if !scanner.is_even() {
                return Err(cut_off());
            }
        }
        Ok(rows)
    }
}

/// The columns of ids and of bytes.
fn columns(table: &Table) -> Option<(usize, usize)> {
    let (id, data) = match table.holds {
        Holds::Binaries => ("binval_id", "binval_data"),
        Holds::DataStore => ("id", "data"),
        _ => return None,
    };
    table.place_of(id).zip(table.place_of(data))
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Finds rows in a file that comes in pieces, and holds nothing of them but their ids.
struct Scanner {
    id: usize,
    data: usize,
    /// The first piece of the file.
    piece: u32,
    /// Where in the file it is.
    at: u64,
    state: State,
    /// What is known of the row.
    row: Row,
    /// Bytes of a number, or of the id.
    held: Vec<u8>,
}

#[derive(Default)]
struct Row {
    fields: usize,
    next: usize,
    id: Vec<u8>,
    data: Option<(u64, u32)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The number of fields of a row.
    Count,
    /// The length of a field.
    Length,
    /// The id, of which so many bytes are to come.
    Id(u32),
    /// Any other field.
    Other(u32),
}

impl Scanner {
    fn new(id: usize, data: usize, piece: u32) -> Self {
        Self {
            id,
            data,
            piece,
            at: 0,
            state: State::Count,
            row: Row::default(),
            held: Vec::new(),
        }
    }

    /// Whether nothing of a row is left over.
    fn is_even(&self) -> bool {
        self.state == State::Count && self.held.is_empty()
    }

    fn push(&mut self, mut piece: &[u8], each: &mut dyn FnMut(&[u8], Place)) -> Result<(), RestoreError> {
        while !piece.is_empty() {
            let wanted = match self.state {
                State::Count => 2 - self.held.len(),
                State::Length => 4 - self.held.len(),
                State::Id(left) | State::Other(left) => usize::try_from(left).unwrap_or(usize::MAX),
            };
            let (taken, rest) = piece.split_at(wanted.min(piece.len()));
            piece = rest;
            self.at += taken.len() as u64;
            match self.state {
                State::Count => {
                    self.held.extend_from_slice(taken);
                    if let Some(count) = self.held.first_chunk::<2>() {
                        let fields = usize::try_from(i16::from_be_bytes(*count)).map_err(|_| no_sense())?;
                        self.held.clear();
                        self.row = Row {
                            fields,
                            ..Row::default()
                        };
                        self.next_field(each);
                    }
                }
                State::Length => {
                    self.held.extend_from_slice(taken);
                    if let Some(length) = self.held.first_chunk::<4>() {
                        let length = i32::from_be_bytes(*length);
                        self.held.clear();
                        self.field(length)?;
                        if let State::Id(0) | State::Other(0) = self.state {
                            self.next_field(each);
                        }
                    }
                }
                State::Id(left) => {
                    self.row.id.extend_from_slice(taken);
                    self.went_on(left, taken.len(), State::Id, each);
                }
                State::Other(left) => self.went_on(left, taken.len(), State::Other, each),
            }
        }
        Ok(())
    }

    /// A field begins that has this length; -1 for none.
    fn field(&mut self, length: i32) -> Result<(), RestoreError> {
        let place = self.row.next;
        self.row.next += 1;
        let Ok(length) = u32::try_from(length) else {
            self.state = State::Other(0);
            return if length == -1 { Ok(()) } else { Err(no_sense()) };
        };
        self.state = State::Other(length);
        if place == self.id {
            if usize::try_from(length).is_ok_and(|length| length > LONGEST_ID) {
                return Err(no_sense());
            }
            self.state = State::Id(length);
        } else if place == self.data {
            self.row.data = Some((self.at, length));
        }
        Ok(())
    }

    fn went_on(
        &mut self,
        left: u32,
        taken: usize,
        state: fn(u32) -> State,
        each: &mut dyn FnMut(&[u8], Place),
    ) {
        let left = left.saturating_sub(number(taken));
        self.state = state(left);
        if left == 0 {
            self.next_field(each);
        }
    }

    /// A field is over, or a row has begun.
    fn next_field(&mut self, each: &mut dyn FnMut(&[u8], Place)) {
        if self.row.next < self.row.fields {
            self.state = State::Length;
            return;
        }
        self.state = State::Count;
        let row = std::mem::take(&mut self.row);
        if let Some((offset, length)) = row.data {
            each(
                &row.id,
                Place {
                    piece: self.piece,
                    offset,
                    length,
                },
            );
        }
    }
}

fn no_sense() -> RestoreError {
    RestoreError::Failed(
        "the rows of a table of binaries in the backup make no sense: verify the backup".to_owned(),
    )
}

/// Reads files from one of their pieces on.
struct RowReader<'b> {
    rows: Arc<Rows>,
    files: &'b dyn BackedUpFiles,
    next: usize,
    piece: Cursor<Vec<u8>>,
}

impl Read for RowReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(into)?;
            if read > 0 || into.is_empty() {
                return Ok(read);
            }
            let Some(piece) = self.rows.pieces.get(self.next) else {
                return Ok(0);
            };
            self.next += 1;
            let mut bytes = std::mem::take(&mut self.piece).into_inner();
            bytes.clear();
            let only = StoredFile {
                pieces: piece.to_vec(),
                size: 0,
                place: String::new(),
            };
            self.files
                .pour(&backed_up(&only), &mut |piece| {
                    bytes.extend_from_slice(piece);
                    Ok(())
                })
                .map_err(io::Error::other)?;
            self.piece = Cursor::new(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(fields: &[Option<&[u8]>]) -> Vec<u8> {
        let mut row = i16::try_from(fields.len()).unwrap().to_be_bytes().to_vec();
        for field in fields {
            let length = field.map_or(-1, |field| i32::try_from(field.len()).unwrap());
            row.extend(length.to_be_bytes());
            row.extend(field.unwrap_or_default());
        }
        row
    }

    #[test]
    fn rows_are_found_however_they_are_cut() {
        let rows = [
            row(&[Some(b"first"), None, Some(b"abc")]),
            row(&[Some(b"no bytes"), Some(b"x"), None]),
            row(&[Some(b"empty"), Some(b"x"), Some(b"")]),
            row(&[Some(b"last"), Some(&[0; 9]), Some(b"defgh")]),
        ]
        .concat();
        let expected = [("first", "abc"), ("empty", ""), ("last", "defgh")];
        for length in 1..rows.len() {
            let mut scanner = Scanner::new(0, 2, 7);
            let mut found = Vec::new();
            for piece in rows.chunks(length) {
                let each = &mut |id: &[u8], place: Place| found.push((id.to_vec(), place));
                scanner.push(piece, each).unwrap();
            }
            assert!(scanner.is_even());
            let found: Vec<_> = found
                .iter()
                .map(|(id, place)| {
                    let from = usize::try_from(place.offset).unwrap();
                    let bytes = &rows[from..from + place.length as usize];
                    assert_eq!(place.piece, 7);
                    (
                        std::str::from_utf8(id).unwrap(),
                        std::str::from_utf8(bytes).unwrap(),
                    )
                })
                .collect();
            assert_eq!(found, expected);
        }
        let mut scanner = Scanner::new(0, 2, 0);
        scanner.push(&rows[..9], &mut |_, _| {}).unwrap();
        assert!(!scanner.is_even());
        assert!(Scanner::new(0, 2, 0).push(&[0xff; 9], &mut |_, _| {}).is_err());
    }
}
