//! Folders as content: one folder per workspace, holding whatever the CMS exports there.
//!
//! [`Files`] reads such a folder, [`FilesSink`] writes one. Both work through handles of folders and never through
//! whole paths, so that a folder that somebody swaps for a symbolic link in the middle of the work cannot lead them
//! out of the tree, and so that no path is too long.
//!
//! What a restore does to such a folder is beside them: [`place::FolderPlace`] plans and checks, [`staging`] is what stands
//! beside Live, [`exchange`] how the two are exchanged, one atomic step after the other.
//!
//! Of a folder a part may come back alone: [`parts`]. [`within`] says which file to choose where what was chosen is in one.
//!
//! A folder may also be the home of a Jackrabbit repository: [`layout`] says which of it is which workspace then.
//!
//! Not in here: when any of that is done (`engine::restore`).

pub(crate) mod attributes;
pub(crate) mod beside;
mod donor;
pub(crate) mod exchange;
mod fixed;
mod folders;
mod in_the_way;
pub(crate) mod layout;
mod parts;
pub(crate) mod place;
pub(crate) mod probe;
mod reader;
mod rooted;
mod sink;
pub(crate) mod staging;
mod walk;
mod within;

use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::Stat;

pub use self::donor::FolderDonor;
pub(crate) use self::in_the_way::clear_probes;
use self::layout::Layout;
use self::rooted::Rooted;
pub use self::sink::FilesSink;
use super::{Attribute, Content, ContentError, FileTime, Item, ItemKind, Names, Rare};

/// A folder with one folder per workspace in it, to read from.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    folders: Rooted,
    is_at_work: bool,
}

impl Files {
    /// The content in a folder. If `root` is a symbolic link, it is followed once, whenever a walk begins; links
    /// inside are never followed. Nothing is opened yet.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            folders: Rooted::new(root),
            is_at_work: false,
        }
    }

    /// The content in a folder that is open, whatever stands at its path. `root` is where it is, for messages.
    pub(crate) fn held(root: &Path, folder: OwnedFd) -> Self {
        Self {
            root: root.to_owned(),
            folders: Rooted::held(root, folder),
            is_at_work: false,
        }
    }

    /// The same in a folder that is laid out like this.
    pub(crate) fn laid_out(self, layout: Layout) -> Self {
        Self {
            folders: self.folders.laid_out(layout),
            ..self
        }
    }

    /// The same for a look while somebody is at work: what vanishes under the walk is not there. For plans, never for a copy.
    pub(crate) fn while_at_work(self) -> Self {
        Self {
            is_at_work: true,
            ..self
        }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl Content for Files {
    fn place(&self) -> String {
        self.root.display().to_string()
    }

    fn walk<'a>(
        &'a self,
        left_out: &'a mut (dyn FnMut(String) + Send),
    ) -> Box<dyn Iterator<Item = Result<Item, ContentError>> + Send + 'a> {
        // A restore may have put another folder in this place since the last walk.
        self.folders.forget();
        Box::new(walk::Walk::new(&self.folders, self.is_at_work, left_out))
    }

    fn walk_in<'a>(
        &'a self,
        is_wanted: &'a (dyn Fn(&Path) -> bool + Send + Sync),
        left_out: &'a mut (dyn FnMut(String) + Send),
    ) -> Box<dyn Iterator<Item = Result<Item, ContentError>> + Send + 'a> {
        self.folders.forget();
        let walk = walk::Walk::new(&self.folders, self.is_at_work, left_out);
        Box::new(walk.only(is_wanted))
    }

    fn open(&self, item: &Item) -> Result<Box<dyn Read + Send>, ContentError> {
        Ok(Box::new(reader::FileReader::open(&self.folders, item)?))
    }
}

/// What the file system says of a folder, file or link. `None` for sockets, devices and the like.
fn item(path: PathBuf, stat: &Stat, target: Option<PathBuf>, attributes: Vec<Attribute>) -> Option<Item> {
    let kind = match rustix::fs::FileType::from_raw_mode(stat.st_mode) {
        rustix::fs::FileType::Directory => ItemKind::Folder,
        rustix::fs::FileType::RegularFile => ItemKind::File {
            size: u64::try_from(stat.st_size).unwrap_or(0),
        },
        rustix::fs::FileType::Symlink => ItemKind::Link {
            target: target.unwrap_or_default(),
        },
        _ => return None,
    };
    let is_file = matches!(kind, ItemKind::File { .. });
    let names = (is_file && stat.st_nlink > 1).then_some(Names {
        count: stat.st_nlink,
        device: stat.st_dev,
    });
    let is_rare = names.is_some() || !attributes.is_empty();
    Some(Item {
        path,
        kind,
        mode: stat.st_mode & 0o7777,
        owner: (stat.st_uid, stat.st_gid),
        modified: modified(stat),
        changed: changed(stat),
        inode: stat.st_ino,
        held: None,
        rare: is_rare.then(|| Box::new(Rare { attributes, names })),
    })
}

fn modified(stat: &Stat) -> FileTime {
    FileTime {
        seconds: stat.st_mtime,
        nanos: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
    }
}

fn changed(stat: &Stat) -> FileTime {
    FileTime {
        seconds: stat.st_ctime,
        nanos: u32::try_from(stat.st_ctime_nsec).unwrap_or(0),
    }
}

/// A system error as one about content: what vanishes or turns into something else under a reader has changed.
fn failed_reading(path: PathBuf, error: rustix::io::Errno) -> ContentError {
    use rustix::io::Errno;
    match error {
        Errno::NOENT | Errno::STALE => ContentError::Changed {
            path,
            what: "vanished",
        },
        Errno::LOOP | Errno::NOTDIR => ContentError::Changed {
            path,
            what: "was replaced",
        },
        error => ContentError::Io {
            action: "reading",
            path,
            source: error.into(),
        },
    }
}
