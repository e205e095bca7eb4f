//! Where an instance's content is read from and written to.
//!
//! [`Content`] is what every kind of content implements: a walk over items in a fixed order, and a reader for each.
//! [`Sink`] is the other direction: a place beside Live that a restore writes items into. The repository moves items
//! between the two and knows nothing of where they live.
//!
//! [`restoring`] is what a restore does to an instance, [`switching`] its part of the switch, and [`kinds`]
//! makes what does it from the settings.
//!
//! Items form a tree. The first level is the workspaces; below it is whatever the kind of content keeps there.

pub mod backed_up;
pub mod checked;
pub mod connected;
pub mod files;
pub mod found;
pub(crate) mod home;
pub mod inside;
pub(crate) mod kinds;
pub mod left;
pub mod postgres;
pub mod restoring;
pub(crate) mod search_indexes;
pub mod switching;
mod world;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use self::files::attributes::has_to_be_the_same;
use crate::domain::backup::TableCopy;
use crate::domain::os_error::in_words;

/// What an item is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ItemKind {
    /// A folder.
    Folder,
    /// A file, with its length in bytes.
    File {
        /// Bytes.
        size: u64,
    },
    /// A symbolic link, kept as it is and never followed.
    Link {
        /// Where it points, byte for byte.
        target: PathBuf,
    },
}

/// The bits of a mode by which whoever runs a file becomes its owner, or of its group.
const SET_IDS: u32 = 0o6000;

/// A moment as file systems keep it: seconds since 1970 and nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FileTime {
    /// Whole seconds; negative before 1970.
    pub seconds: i64,
    /// 0 to 999,999,999.
    pub nanos: u32,
}

/// One item of an instance's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Below the instance: `website/home/page.xml`. Its first component is the workspace. Any bytes that the file
    /// system allows; never absolute, never with `..`.
    pub path: PathBuf,
    /// What it is.
    pub kind: ItemKind,
    /// Permission bits, as in `st_mode & 0o7777`.
    pub mode: u32,
    /// Owner and group, by number.
    pub owner: (u32, u32),
    /// When its content last changed. For a link, of the link itself.
    pub modified: FileTime,
    /// When anything about it last changed (`ctime`). Not restored; tells an unchanged file from a changed one.
    pub changed: FileTime,
    /// Its number in its file system; 0 for what is in none. Not restored; tells a file from another one, as `changed`
    /// does.
    pub inode: u64,
    /// What is in a file, where the walk has it in its hands anyway.
    pub held: Option<Bytes>,
    /// What few items have.
    pub rare: Option<Box<Rare>>,
}

/// What few items have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rare {
    /// Extended attributes, access control lists among them, by name.
    pub attributes: Vec<Attribute>,
    /// For a file that has several names.
    pub names: Option<Names>,
}

/// An extended attribute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attribute {
    /// `user.mime_type`.
    pub name: String,
    /// Any bytes.
    pub value: Vec<u8>,
}

/// What tells which names are of the same file, together with its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// How many there are, those outside of the content included.
    pub count: u64,
    /// The number of its file system.
    pub device: u64,
}

impl Item {
    /// The workspace that the item is, or is in.
    #[must_use]
    pub fn workspace(&self) -> Option<&Path> {
        self.path.iter().next().map(Path::new)
    }

    /// Its extended attributes.
    #[must_use]
    pub fn attributes(&self) -> &[Attribute] {
        self.rare.as_ref().map_or(&[], |rare| &rare.attributes)
    }

    /// Whether it has the same attributes, as far as those have to come back as they were.
    #[must_use]
    pub fn has_attributes_of(&self, other: &Self) -> bool {
        let ours = |item: &Self| -> Vec<Attribute> {
            let attributes = item.attributes().iter();
            attributes
                .filter(|attribute| has_to_be_the_same(&attribute.name))
                .cloned()
                .collect()
        };
        self.attributes() == other.attributes() || ours(self) == ours(other)
    }

    /// What tells a file with several names from every other one in the content.
    #[must_use]
    pub fn file_of_names(&self) -> Option<(u64, u64)> {
        let names = self.rare.as_ref()?.names?;
        Some((names.device, self.inode))
    }

    /// The permissions that it comes back with: whoever runs a file must not become somebody else by it, whatever a backup
    /// says. On a folder such a bit says only whose group new files are.
    #[must_use]
    pub fn restored_mode(&self) -> u32 {
        match self.kind {
            ItemKind::File { .. } => self.mode & !SET_IDS,
            ItemKind::Folder | ItemKind::Link { .. } => self.mode,
        }
    }

    /// Whether it is a workspace's own folder. Those are not counted as items of the workspace.
    #[must_use]
    pub fn is_workspace(&self) -> bool {
        self.path.iter().nth(1).is_none()
    }
}

/// What was found beside the items of a walk: things that are not content, as sentences for people.
pub type LeftOut = Vec<String>;

/// Why content could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The operating system said no.
    #[error("{action} {} failed: {}", path.display(), in_words(source))]
    Io {
        /// `reading`, `creating`, …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// An item changed or vanished while it was read.
    #[error("{} {what} while it was being read", path.display())]
    Changed {
        /// The file or folder.
        path: PathBuf,
        /// `changed`, `vanished`, `grew`, `shrank`.
        what: &'static str,
    },
    /// An item cannot be taken or put there.
    #[error("{}: {why}", path.display())]
    NotAllowed {
        /// The file or folder.
        path: PathBuf,
        /// A sentence.
        why: String,
    },
    /// There is no connection to a database.
    #[error("connecting to {place} failed: {why}")]
    Unconnected {
        /// The database, without secrets.
        place: String,
        /// What the server or the system said, and what to do where that is known.
        why: String,
        /// Whether it may be that nothing says whom to trust, or not the right thing.
        wants_ca_file: bool,
    },
    /// A database said no, or was lost.
    #[error("{doing} in {place} failed: {why}")]
    Database {
        /// The database, without secrets.
        place: String,
        /// `reading the table pm_website_bundle`.
        doing: String,
        /// What the server said, and what to do where that is known.
        why: String,
    },
    /// Somebody has locked what a database was to be asked about.
    #[error("{doing} in {place} failed: {why}")]
    Locked {
        /// The database, without secrets.
        place: String,
        /// `looking at the tables`.
        doing: String,
        /// What the server said, and who it is where that is known.
        why: String,
    },
}

impl ContentError {
    /// Whether reading everything again could work: something moved under the reader.
    #[must_use]
    pub fn is_worth_a_retry(&self) -> bool {
        matches!(self, Self::Changed { .. })
    }

    /// The error of whoever reads a file, with a content error inside taken out of it.
    pub(crate) fn reading(error: std::io::Error, path: &Path) -> Self {
        error.downcast().unwrap_or_else(|source| Self::Io {
            action: "reading",
            path: path.to_owned(),
            source,
        })
    }
}

/// The content of one instance, to read from.
pub trait Content: Send + Sync {
    /// Where it is, for people.
    fn place(&self) -> String;

    /// Takes hold of the content as it is now, if its kind can do that: the next walk then tells what it was at this
    /// moment, whatever happens meanwhile, and has to be made only once. Gives about how many items and bytes that will
    /// be; `None` for content that can change under a walk.
    ///
    /// # Errors
    /// [`ContentError`] when it is out of reach.
    fn freeze(&self) -> Result<Option<(u64, u64)>, ContentError> {
        Ok(None)
    }

    /// Begins to read what is held still, as far as memory allows, for the walk that is to come.
    fn read_ahead(&self) {}

    /// Lets go of what [`Content::freeze`] holds.
    fn thaw(&self) {}

    /// The tables that the last walk has read to its end, if it is a database.
    fn tables(&self) -> Vec<TableCopy> {
        Vec::new()
    }

    /// What stands beside the content that the last walk went over and is in no backup by its nature, such as the journal of
    /// a cluster, as sentences. What may be missed is told by the walk itself.
    fn left_alone(&self) -> Vec<String> {
        Vec::new()
    }

    /// What was read since and is not what it says that it is, as sentences.
    fn doubts(&self) -> Vec<String> {
        Vec::new()
    }

    /// Every item, parents before children, the children of a folder sorted by the bytes of their names, depth first.
    /// What is not content (sockets, devices, loose files beside the workspaces) is told to `left_out`. An item that
    /// cannot be read is an error in the stream, never left out.
    fn walk<'a>(
        &'a self,
        left_out: &'a mut (dyn FnMut(String) + Send),
    ) -> Box<dyn Iterator<Item = Result<Item, ContentError>> + Send + 'a>;

    /// The same of those workspaces alone whose paths `is_wanted` says yes to. What is in the others is not looked at where
    /// the kind of content allows that.
    fn walk_in<'a>(
        &'a self,
        is_wanted: &'a (dyn Fn(&Path) -> bool + Send + Sync),
        left_out: &'a mut (dyn FnMut(String) + Send),
    ) -> Box<dyn Iterator<Item = Result<Item, ContentError>> + Send + 'a> {
        let is_in = move |item: &Item| item.workspace().is_some_and(is_wanted);
        Box::new(
            self.walk(left_out)
                .filter(move |item| item.as_ref().map_or(true, is_in)),
        )
    }

    /// Reads one file of the walk from its beginning. The reader fails with [`ContentError::Changed`] (inside an
    /// `std::io::Error`) if the file is not the one that the walk met, or changes before its end is reached.
    ///
    /// # Errors
    /// [`ContentError`] when the file cannot be opened, or is another one by now.
    fn open(&self, item: &Item) -> Result<Box<dyn Read + Send>, ContentError>;
}

/// A place that items are written into, from several threads.
pub trait Sink: Send + Sync {
    /// Makes a folder. Parents come before children.
    ///
    /// # Errors
    /// [`ContentError`] when it cannot be made.
    fn folder(&self, item: &Item) -> Result<(), ContentError>;

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// [`ContentError`] when it cannot be made.
    fn link(&self, item: &Item) -> Result<(), ContentError>;

    /// Makes a file; its content is written to what comes back.
    ///
    /// # Errors
    /// [`ContentError`] when it cannot be made.
    fn file(&self, item: &Item) -> Result<Box<dyn SinkFile + '_>, ContentError>;

    /// Gives a file that was written before another name, which this item has.
    ///
    /// # Errors
    /// [`ContentError`] when it cannot be given.
    fn name_again(&self, item: &Item, first: &Path) -> Result<(), ContentError>;

    /// Called once after everything was written: sets the folders' permissions and times.
    ///
    /// # Errors
    /// [`ContentError`] when that cannot be done.
    fn finish(&self) -> Result<(), ContentError>;
}

/// One file of a [`Sink`] while it is written.
pub trait SinkFile: Write + Send {
    /// Called when the whole content has been written: sets permissions, owner and times.
    ///
    /// # Errors
    /// [`ContentError`] when that cannot be done, or the length is not the item's.
    fn finish(self: Box<Self>) -> Result<(), ContentError>;
}
