//! The index of a workspace: a file of SQLite's with every node's id, parent, name, type, digest and place.
//!
//! It is derived from what it tells of, made by [`Builder`], never changed, and may be deleted at any time: whoever opens
//! one that is gone has it made again. [`Pages`] answers out of it. It knows nothing of sources; `shelf` keeps the files.
//!
//! | table | one row for | in the order of |
//! | --- | --- | --- |
//! | `files` | a file with rows or nodes in it, or a file of a folder | being read |
//! | `nodes` | a node or a file | being read; by id as well |
//! | `entries` | an entry in a list of children | parent and place; by child as well |
//!
//! A page of children is one stretch of `entries`. Names are searched by reading all of it, which takes less than it would
//! to keep them in any order. Ids are kept as two numbers. A node has a `print` of its digest, its list of children and its
//! parent: where two have the same, nothing of them differs.

mod build;
mod pages;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::{Connection, OpenFlags};

pub(super) use build::Builder;
pub(super) use pages::{Entry, Pages, Row, SLICES};

use crate::content::inside::found::Digest;
use crate::jcr::NodeId;

/// The form of the files. One of another form is made again.
pub(super) const FORM: u32 = 5;

/// Why an index cannot be used. Whoever meets it has it made again.
#[derive(Debug, thiserror::Error)]
#[error("the index {} cannot be used: {why}", path.display())]
pub(super) struct IndexError {
    path: PathBuf,
    why: String,
}

impl IndexError {
    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// For `map_err` on what is done with a file.
    pub(super) fn of<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> Self + use<E> {
        let path = path.to_owned();
        move |error| Self {
            path: path.clone(),
            why: error.to_string(),
        }
    }
}

/// A file that is whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) path: PathBuf,
    /// The id of the workspace's root.
    pub(super) root: NodeId,
    /// When its reading began.
    pub(super) read: SystemTime,
}

impl Index {
    /// Opens it, for the length of a call.
    pub(super) fn open(&self) -> Result<Pages, IndexError> {
        let connection = opened(&self.path)?;
        Ok(Pages::new(connection, self.path.clone(), self.root))
    }

    /// Whether another one is known to have the same in it: the name of a file on the shelf has the digest of its bytes. Where
    /// this says no, they may be the same all the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        super::shelf::is_whole(&self.path) && self.path.file_name() == other.path.file_name()
    }
}

fn opened(path: &Path) -> Result<Connection, IndexError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let wrong = IndexError::of(path);
    let connection = Connection::open_with_flags(path, flags).map_err(&wrong)?;
    // Nobody changes it, so nothing has to be locked; a few megabytes are kept of what is read again and again.
    connection
        .execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192; PRAGMA locking_mode = EXCLUSIVE;")
        .map_err(&wrong)?;
    Ok(connection)
}

/// A digest out of a row.
fn sixteen(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Digest> {
    let bytes = row.get_ref(column)?.as_blob_or_null()?;
    Ok(bytes.and_then(|bytes| bytes.try_into().ok()).unwrap_or_default())
}

/// An id as the two numbers that it is kept as.
fn halves(id: &NodeId) -> (i64, i64) {
    let number = u128::from_be_bytes(*id);
    let low = number & u128::from(u64::MAX);
    let half = |half: u128| u64::try_from(half).unwrap_or_default().cast_signed();
    (half(number >> 64), half(low))
}

/// An id out of a row, in this column and the one behind it.
fn id_in(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<NodeId> {
    let half = |column| -> rusqlite::Result<u128> {
        let half: i64 = row.get(column)?;
        Ok(u128::from(half.cast_unsigned()))
    };
    Ok((half(column)? << 64 | half(column + 1)?).to_be_bytes())
}

/// The id that a row has to those who ask: nothing is written for one that is kept by it.
fn own(row: &rusqlite::Row<'_>, column: usize, kept_by: NodeId) -> rusqlite::Result<Option<NodeId>> {
    let bytes = row.get_ref(column)?.as_blob_or_null()?;
    Ok(bytes.map(|bytes| bytes.try_into().unwrap_or(kept_by)))
}
