//! Rows in PostgreSQL's binary COPY form: where each begins and ends, what tells it from others, and how rows are put
//! into groups.
//!
//! A group is what becomes one piece of content in the repository. Where a group ends is decided by its rows alone, not
//! by their place: rows that come or go change the groups that they are in and leave all others as they were, so that
//! the next backup adds little. The form is described in PostgreSQL's manual at the command COPY.

use std::fmt::Write as _;
use std::io;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use twox_hash::XxHash3_128;

use crate::domain::backup::TableCopy;

/// What every stream begins with: a signature, no flags, no extension.
pub const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What every stream ends with.
pub const TRAILER: [u8; 2] = [0xff, 0xff];

/// A group is not ended before it has this many bytes.
const GROUP_LEAST: usize = 16 * 1024;
/// From there on, it is ended after this many bytes on average.
const GROUP_MORE: u64 = 12 * 1024;
/// A group is ended when it has this many bytes, whatever its rows say.
const GROUP_MOST: usize = 128 * 1024;

/// The SHA-256 of some bytes, for whoever compares rows one by one or looks for a group by its name in the repository.
#[must_use]
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// What tells a row from every other where rows are added up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowDigest {
    /// The 128 bits of XXH3. It notices whatever befalls a row on its way, at a tenth of what SHA-256 costs. Against
    /// those who would forge a row it is none: what a backup holds goes by the SHA-256 of its pieces, and the sums of its
    /// rows stand in its sealed record.
    #[default]
    Xxh3,
    /// SHA-256: records of the first form were made with it, and so were for a while those of a database that was backed
    /// up beside folders.
    Sha256,
}

impl RowDigest {
    /// What the record of an instance's tables was made with. The length of its sums tells; it is the same for all.
    #[must_use]
    pub fn of_record(tables: &[TableCopy]) -> Self {
        match tables.first() {
            Some(table) if table.digest.len() == 64 => Self::Sha256,
            _ => Self::Xxh3,
        }
    }

    /// The digest in numbers of 64 bits; those that it does not have are 0.
    fn of(self, row: &[u8]) -> [u64; LANES] {
        let mut lanes = [0; LANES];
        let mut fill = |bytes: &[u8]| {
            for (lane, bytes) in lanes.iter_mut().zip(bytes.as_chunks::<8>().0) {
                *lane = u64::from_le_bytes(*bytes);
            }
        };
        match self {
            Self::Xxh3 => fill(&XxHash3_128::oneshot(row).to_le_bytes()),
            Self::Sha256 => fill(&digest(row)),
        }
        lanes
    }

    /// How many numbers it has.
    fn lanes(self) -> usize {
        match self {
            Self::Xxh3 => 2,
            Self::Sha256 => LANES,
        }
    }
}

/// How many numbers of 64 bits the longest digest has.
const LANES: usize = 4;

/// Rows in any order, added up: how many, their bytes, and the sum of their digests in numbers of 64 bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    by: RowDigest,
    lanes: [u64; LANES],
}

impl Sum {
    /// No rows yet.
    #[must_use]
    pub fn new(by: RowDigest) -> Self {
        Self {
            by,
            ..Self::default()
        }
    }

    /// What a single row comes to.
    #[must_use]
    pub fn of(row: &[u8], by: RowDigest) -> Self {
        let mut sum = Self::new(by);
        sum.add(row);
        sum
    }

    /// Adds a row, and gives a number that is as good as drawn by lot, and the same for the same row.
    fn add(&mut self, row: &[u8]) -> u32 {
        let digest = self.by.of(row);
        self.rows += 1;
        self.bytes += row.len() as u64;
        self.add_lanes(digest);
        let last = digest[self.by.lanes() - 1].to_le_bytes();
        u32::from_le_bytes([last[4], last[5], last[6], last[7]])
    }

    /// Adds other rows, whose digests have to be of the same kind.
    pub fn merge(&mut self, other: &Self) {
        debug_assert_eq!(self.by, other.by, "sums of another kind");
        self.rows += other.rows;
        self.bytes += other.bytes;
        self.add_lanes(other.lanes);
    }

    fn add_lanes(&mut self, lanes: [u64; LANES]) {
        for (lane, more) in self.lanes.iter_mut().zip(lanes) {
            *lane = lane.wrapping_add(more);
        }
    }

    /// The sum of the digests, in hexadecimal.
    #[must_use]
    pub fn digest(&self) -> String {
        let lanes = self.lanes.iter().take(self.by.lanes());
        lanes.fold(String::new(), |mut text, lane| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{lane:016x}");
            text
        })
    }
}

/// Finds the rows in a stream that comes in pieces of any length.
#[derive(Debug, Default)]
pub struct Splitter {
    kept: Vec<u8>,
    begun: bool,
    ended: bool,
}

/// What stands at the beginning of some bytes.
enum Next {
    Row(usize),
    End,
    Unknown,
}

impl Splitter {
    /// For rows without the header that a whole stream begins with, such as those of a group.
    #[must_use]
    pub fn within() -> Self {
        Self {
            begun: true,
            ..Self::default()
        }
    }

    /// Takes the next piece of the stream, and tells `each` every row that it completes.
    ///
    /// # Errors
    /// What `each` says, or that this is no such stream.
    pub fn push<E: From<io::Error>>(
        &mut self,
        piece: &[u8],
        each: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        if self.kept.is_empty() {
            let used = self.split(piece, each)?;
            self.kept.extend_from_slice(&piece[used..]);
        } else {
            let mut bytes = std::mem::take(&mut self.kept);
            bytes.extend_from_slice(piece);
            let used = self.split(&bytes, each)?;
            bytes.drain(..used);
            self.kept = bytes;
        }
        Ok(())
    }

    /// Whether the stream was whole: it had its end, and nothing came after it.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.ended && self.kept.is_empty()
    }

    /// Whether nothing of a row is left over.
    #[must_use]
    pub fn is_even(&self) -> bool {
        self.kept.is_empty()
    }

    fn split<E: From<io::Error>>(
        &mut self,
        bytes: &[u8],
        each: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<usize, E> {
        let mut at = 0;
        if !self.begun {
            let Some(header) = bytes.get(..HEADER.len()) else {
                return Ok(0);
            };
            if header != HEADER {
                return Err(io::Error::other("this is not a binary COPY stream as Lifeboat reads it").into());
            }
            self.begun = true;
            at = HEADER.len();
        }
        while !self.ended {
            match next(&bytes[at..])? {
                Next::Row(length) => {
                    each(&bytes[at..at + length])?;
                    at += length;
                }
                Next::End => {
                    self.ended = true;
                    at += TRAILER.len();
                }
                Next::Unknown => break,
            }
        }
        Ok(at)
    }
}

fn next(bytes: &[u8]) -> io::Result<Next> {
    let Some(count) = bytes.first_chunk::<2>() else {
        return Ok(Next::Unknown);
    };
    let count = i16::from_be_bytes(*count);
    if count == -1 {
        return Ok(Next::End);
    }
    let mut at = 2;
    for _ in 0..count {
        let Some(length) = bytes.get(at..).and_then(|rest| rest.first_chunk::<4>()) else {
            return Ok(Next::Unknown);
        };
        at += 4;
        let length = i32::from_be_bytes(*length);
        if length < -1 {
            return Err(io::Error::other("a field in a binary COPY stream has no length"));
        }
        at += usize::try_from(length).unwrap_or(0);
        if at > bytes.len() {
            return Ok(Next::Unknown);
        }
    }
    Ok(Next::Row(at))
}

/// A field of a row: `None` for NULL, or where the row has fewer.
#[must_use]
pub fn field(row: &[u8], index: usize) -> Option<&[u8]> {
    let mut rest = row.get(2..)?;
    for skipped in 0.. {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let length = usize::try_from(i32::from_be_bytes(*length)).ok();
        let value = after.get(..length.unwrap_or(0))?;
        if skipped == index {
            return length.map(|_| value);
        }
        rest = &after[value.len()..];
    }
    None
}

/// Some rows that follow each other.
#[derive(Debug, Clone)]
pub struct Group {
    /// The rows, one after the other.
    pub bytes: Bytes,
    /// The same, added up.
    pub sum: Sum,
}

/// Puts rows into groups.
#[derive(Debug)]
pub struct Grouper {
    bytes: Vec<u8>,
    sum: Sum,
}

impl Grouper {
    /// Adds rows up by this digest.
    #[must_use]
    pub fn new(by: RowDigest) -> Self {
        Self {
            bytes: Vec::new(),
            sum: Sum::new(by),
        }
    }

    /// Takes the next row, and gives the group that it ends, if it does.
    pub fn add(&mut self, row: &[u8]) -> Option<Group> {
        let lot = self.sum.add(row);
        self.bytes.extend_from_slice(row);
        let length = self.bytes.len();
        let is_long = length >= GROUP_MOST;
        // A long row is as likely to end a group as many short ones of the same length together.
        let chance = (row.len() as u64).min(GROUP_MORE) * (u64::from(u32::MAX) + 1) / GROUP_MORE;
        if is_long || (length >= GROUP_LEAST && u64::from(lot) < chance) {
            return self.end();
        }
        None
    }

    /// What is left when no more rows come.
    pub fn end(&mut self) -> Option<Group> {
        if self.bytes.is_empty() {
            return None;
        }
        let (bytes, sum) = (Vec::with_capacity(2 * GROUP_LEAST), Sum::new(self.sum.by));
        Some(Group {
            bytes: std::mem::replace(&mut self.bytes, bytes).into(),
            sum: std::mem::replace(&mut self.sum, sum),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn row(fields: &[Option<&[u8]>]) -> Vec<u8> {
        let mut row = i16::try_from(fields.len()).unwrap().to_be_bytes().to_vec();
        for field in fields {
            match field {
                Some(value) => {
                    row.extend(i32::try_from(value.len()).unwrap().to_be_bytes());
                    row.extend(*value);
                }
                None => row.extend((-1_i32).to_be_bytes()),
            }
        }
        row
    }

    fn stream(rows: &[Vec<u8>]) -> Vec<u8> {
        [&HEADER[..], &rows.concat(), &TRAILER].concat()
    }

    fn split(stream: &[u8], step: usize) -> (Vec<Vec<u8>>, bool) {
        let mut splitter = Splitter::default();
        let mut found = Vec::new();
        for piece in stream.chunks(step) {
            splitter
                .push::<io::Error>(piece, &mut |row| {
                    found.push(row.to_vec());
                    Ok(())
                })
                .unwrap();
        }
        (found, splitter.is_whole())
    }

    fn grouped(rows: &[Vec<u8>]) -> Vec<Group> {
        let mut grouper = Grouper::new(RowDigest::Xxh3);
        let mut groups: Vec<_> = rows.iter().filter_map(|row| grouper.add(row)).collect();
        groups.extend(grouper.end());
        groups
    }

    fn numbered(number: u32) -> Vec<u8> {
        let text = number.to_string().repeat(40);
        row(&[Some(&number.to_be_bytes()), Some(text.as_bytes())])
    }

    proptest! {
        #[test]
        fn rows_are_found_however_the_stream_is_cut(
            values in prop::collection::vec(prop::collection::vec(prop::option::of(prop::collection::vec(any::<u8>(), 0..50)), 0..4), 0..12),
            step in 1..200_usize,
        ) {
            let rows: Vec<_> = values.iter().map(|fields| {
                row(&fields.iter().map(Option::as_deref).collect::<Vec<_>>())
            }).collect();
            prop_assert_eq!(split(&stream(&rows), step), (rows, true));
        }
    }

    #[test]
    fn a_stream_that_is_cut_off_is_not_whole() {
        let whole = stream(&[numbered(1), numbered(2)]);
        for length in 0..whole.len() {
            assert!(!split(&whole[..length], 7).1, "{length}");
        }
        let nonsense = Splitter::default().push::<io::Error>(&[0; 64], &mut |_| Ok(()));
        assert!(nonsense.is_err());
    }

    #[test]
    fn fields_are_found_by_their_place() {
        let row = row(&[Some(b"ab"), None, Some(b""), Some(b"xyz")]);
        assert_eq!(field(&row, 0), Some(&b"ab"[..]));
        assert_eq!(field(&row, 1), None);
        assert_eq!(field(&row, 2), Some(&b""[..]));
        assert_eq!(field(&row, 3), Some(&b"xyz"[..]));
        assert_eq!(field(&row, 4), None);
    }

    #[test]
    fn the_sum_of_rows_does_not_depend_on_their_order_and_notices_every_change() {
        for by in [RowDigest::Xxh3, RowDigest::Sha256] {
            let sum = |rows: &[u32]| {
                let mut sum = Sum::new(by);
                for number in rows {
                    sum.add(&numbered(*number));
                }
                sum
            };
            assert_eq!(sum(&[1, 2, 3]), sum(&[3, 1, 2]));
            assert_ne!(sum(&[1, 2, 3]).digest(), sum(&[1, 2, 4]).digest());
            assert_ne!(sum(&[1, 1]).digest(), sum(&[1]).digest());
            let mut halves = sum(&[1]);
            halves.merge(&sum(&[2, 3]));
            assert_eq!(halves, sum(&[2, 3, 1]));
            // The form of a record tells what it was made with, even of an empty table.
            for rows in [&[][..], &[1]] {
                let table = TableCopy {
                    name: "pm_website_bundle".to_owned(),
                    workspace: "website".to_owned(),
                    rows: 0,
                    bytes: 0,
                    digest: sum(rows).digest(),
                };
                assert_eq!(RowDigest::of_record(&[table]), by);
            }
        }
    }

    #[test]
    fn rows_come_to_what_they_always_came_to() {
        // As `xxhsum` of the library xxHash 0.8 says: the half that it writes last comes first here.
        let long: Vec<u8> = (0..512_u16).map(|number| number.to_le_bytes()[0]).collect();
        for (row, expected) in [
            (&b""[..], "6001c324468d497f99aa06d3014798d8"),
            (&long, "1059105ad19bfa09111d5771df64cbcb"),
        ] {
            assert_eq!(Sum::of(row, RowDigest::Xxh3).digest(), expected);
        }
        let sum = Sum::of(b"abc", RowDigest::Sha256);
        // The digest of "abc" in FIPS 180-2, in four numbers that are written with their last byte first.
        assert_eq!(
            sum.digest(),
            "eacf018fbf1678ba2322ae5dde4041419c7a1796a36103b0ad1500f261ff10b4"
        );
    }

    #[test]
    fn a_row_that_comes_or_goes_changes_the_groups_around_it_and_no_others() {
        let rows: Vec<_> = (0..5_000).map(numbered).collect();
        let groups = grouped(&rows);
        assert!(groups.len() > 20);
        let average = rows.concat().len() / groups.len();
        assert!((20 * 1024..40 * 1024).contains(&average), "{average}");
        for at in [0, 17, 2_500, 4_999] {
            let mut fewer = rows.clone();
            fewer.remove(at);
            let known: std::collections::HashSet<_> =
                groups.iter().map(|group| group.bytes.clone()).collect();
            let fresh = grouped(&fewer)
                .iter()
                .filter(|group| !known.contains(&group.bytes))
                .count();
            assert!(fresh <= 3, "{fresh} groups are others after row {at} went");
        }
    }
}
