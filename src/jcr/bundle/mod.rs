//! Bundles: a node with its properties in the form in which Jackrabbit 2.2 and newer keep it in a row (version 3), read and
//! written byte for byte as Jackrabbit's `BundleReader` and `BundleWriter` do. Older forms are read ([`read_older`]).
//!
//! Names that are common in every repository are one byte, other names carry their namespace until it has a place in a
//! small table, and counts that are small share a byte. A node's own id is not in its bundle: it is the row's key.
//!
//! Nothing that the bytes say of lengths is believed before the bytes are there.

mod cursor;
mod date;
mod names;
mod older;
mod outline;
mod read;
#[cfg(test)]
pub(crate) mod tests;
mod write;

pub use names::BorrowedName;
pub use older::{Numbers, read_older};
pub use outline::{
    BorrowedBinary, BorrowedValue, Outline, PropertyHead, Reference, Told, WrittenDate, outline,
    outline_telling,
};
pub use read::read;
pub use write::write;

use super::NodeId;

/// The version of the form that is written.
const VERSION: u8 = 3;

/// What stands for the parent of a root.
const NOBODY: NodeId = *b"\xbb\x4e\x9d\x10\xd8\x57\x11\xdf\x93\x7b\x08\x00\x20\x0c\x9a\x66";

/// In place of a binary's length: it is in a row or a file of its own.
const BESIDE: i32 = -1;
/// In place of a binary's length: it is a record of the data store.
const RECORD: i32 = -2;
/// What the id of a record begins with in a bundle.
const RECORD_PREFIX: &str = "dataStore:";

/// Why a bundle cannot be read, or a node not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Nothing is there.
    #[error("its bundle is empty")]
    Empty,
    /// A form from before version 3, which refers to tables of names.
    #[error("it was written by a Jackrabbit older than 2.2 (form {0}) and not saved since")]
    Older(u8),
    /// A form that nobody knew when this was written.
    #[error("its bundle has the unknown form {0}")]
    Unknown(u8),
    /// It ends in the middle.
    #[error("its bundle ends too early")]
    CutShort,
    /// It goes on behind its end.
    #[error("its bundle goes on for {0} bytes behind its end")]
    TooLong(usize),
    /// A number does not end, or is one that cannot be.
    #[error("its bundle has a number that cannot be")]
    NoNumber,
    /// A text is not UTF-8.
    #[error("its bundle has a text that is not UTF-8")]
    NoText,
    /// A common name that is none.
    #[error("its bundle has the unknown name {0}")]
    NoName(u8),
    /// A number that stands for a name in an older form, and for none here, or an id that is left out.
    #[error("its bundle is of an older form and refers to a name that is not there")]
    NoMeaning,
    /// The type of a property that is none.
    #[error("its bundle has a property of the unknown type {0}")]
    NoType(u8),
    /// A binary that is neither there nor anywhere else.
    #[error("its bundle has a binary that is nowhere")]
    NoBinary,
    /// A name without letters cannot be written.
    #[error("it has a name that is empty")]
    EmptyName,
    /// A property whose values do not go with its type or its number.
    #[error("its property {0} has values that do not go with its type")]
    WrongValues(String),
    /// A date in another form than Jackrabbit's, or that never was.
    #[error("{0:?} is not a date that can be kept")]
    NoDate(String),
    /// A part of it is longer than 2 GiB.
    #[error("a part of it is longer than a bundle can hold")]
    TooLarge,
}
