//! Writes items into a new folder: the staged content of a restore.
//!
//! While it is being written, nobody else may look into it (mode 0700). [`Sink::finish`] gives folders their own
//! permissions and times, the deepest first, since writing into a folder changes its time.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::fs::{
    chownat, fchmod, fchown, fstat, futimens, mkdirat, openat, statat, symlinkat, syncfs, utimensat,
};

use super::rooted::Rooted;
use crate::engine::content::{ContentError, FileTime, Item, ItemKind, Sink, SinkFile};

/// A folder that items are written into.
#[derive(Debug)]
pub struct FilesSink {
    folders: Rooted,
    made: Mutex<Vec<Item>>,
    may_give_away: bool,
}

impl FilesSink {
    /// Makes the folder `root`; its parent has to be there, and it must not.
    ///
    /// # Errors
    /// [`ContentError::Io`] when it cannot be made.
    pub fn create(root: &Path) -> Result<Self, ContentError> {
        let io = |source: rustix::io::Errno| ContentError::Io {
            action: "creating",
            path: root.to_owned(),
            source: source.into(),
        };
        mkdirat(rustix::fs::CWD, root, Mode::RWXU).map_err(io)?;
        Ok(Self {
            folders: Rooted::new(root),
            made: Mutex::new(Vec::new()),
            may_give_away: rustix::process::geteuid().is_root(),
        })
    }

    /// Brings everything that was written to disk. After a loss of power, what was written before this is whole.
    ///
    /// # Errors
    /// [`ContentError::Io`] when the disk fails.
    pub fn settle(&self) -> Result<(), ContentError> {
        self.folders
            .root()
            .and_then(syncfs)
            .map_err(|error| self.io("writing", Path::new(""), error))
    }

    fn io(&self, action: &'static str, path: &Path, error: rustix::io::Errno) -> ContentError {
        ContentError::Io {
            action,
            path: self.folders.place_of(path),
            source: error.into(),
        }
    }

    /// The folder that an item goes into, and its name there.
    fn parent<'i>(&self, item: &'i Item) -> Result<(Arc<OwnedFd>, &'i std::ffi::OsStr), ContentError> {
        let plain = item
            .path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        let (true, Some(parent), Some(name)) = (plain, item.path.parent(), item.path.file_name()) else {
            return Err(ContentError::NotAllowed {
                path: item.path.clone(),
                why: "such a path could lead out of the folder that is being written".to_owned(),
            });
        };
        let folder = self
            .folders
            .folder(parent)
            .map_err(|error| self.io("creating", &item.path, error))?;
        Ok((folder, name))
    }

    /// Owner, permissions and times of an open file or folder. The owner first: a change of it drops setuid.
    fn dress(&self, open: impl AsFd, item: &Item) -> rustix::io::Result<()> {
        let stat = fstat(&open)?;
        if self.may_give_away && (stat.st_uid, stat.st_gid) != item.owner {
            let (owner, group) = owner(item);
            fchown(&open, owner, group)?;
        }
        fchmod(&open, Mode::from_raw_mode(item.mode))?;
        futimens(&open, &times(item.modified))
    }
}

impl Sink for FilesSink {
    fn folder(&self, item: &Item) -> Result<(), ContentError> {
        let (parent, name) = self.parent(item)?;
        mkdirat(&*parent, name, Mode::RWXU).map_err(|error| self.io("creating", &item.path, error))?;
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(item.clone());
        Ok(())
    }

    fn link(&self, item: &Item) -> Result<(), ContentError> {
        let ItemKind::Link { target } = &item.kind else {
            return Err(not_a("symbolic link", item));
        };
        let (parent, name) = self.parent(item)?;
        let make = || {
            symlinkat(target.as_path(), &*parent, name)?;
            let stat = statat(&*parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if self.may_give_away && (stat.st_uid, stat.st_gid) != item.owner {
                let (owner, group) = owner(item);
                chownat(&*parent, name, owner, group, AtFlags::SYMLINK_NOFOLLOW)?;
            }
            utimensat(&*parent, name, &times(item.modified), AtFlags::SYMLINK_NOFOLLOW)
        };
        make().map_err(|error| self.io("creating", &item.path, error))
    }

    fn file(&self, item: &Item) -> Result<Box<dyn SinkFile + '_>, ContentError> {
        let ItemKind::File { size } = item.kind else {
            return Err(not_a("file", item));
        };
        let (parent, name) = self.parent(item)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&*parent, name, flags, Mode::RUSR | Mode::WUSR)
            .map_err(|error| self.io("creating", &item.path, error))?;
        Ok(Box::new(NewFile {
            sink: self,
            file: file.into(),
            item: item.clone(),
            size,
            written: 0,
        }))
    }

    fn finish(&self) -> Result<(), ContentError> {
        self.folders.forget();
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        for item in made.iter().rev() {
            self.folders
                .folder(&item.path)
                .and_then(|folder| self.dress(&*folder, item))
                .map_err(|error| self.io("setting the permissions and times of", &item.path, error))?;
        }
        self.folders.forget();
        Ok(())
    }
}

/// One file of the sink while it is written.
struct NewFile<'a> {
    sink: &'a FilesSink,
    file: File,
    item: Item,
    size: u64,
    written: u64,
}

impl Write for NewFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.written += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl SinkFile for NewFile<'_> {
    fn finish(self: Box<Self>) -> Result<(), ContentError> {
        if self.written != self.size {
            return Err(ContentError::NotAllowed {
                path: self.item.path,
                why: format!("{} bytes were written where {} belong", self.written, self.size),
            });
        }
        self.sink.dress(&self.file, &self.item).map_err(|error| {
            self.sink
                .io("setting the permissions and times of", &self.item.path, error)
        })
    }
}

fn not_a(what: &str, item: &Item) -> ContentError {
    ContentError::NotAllowed {
        path: item.path.clone(),
        why: format!("it is not a {what}"),
    }
}

fn owner(item: &Item) -> (Option<Uid>, Option<Gid>) {
    // All bits set means "nobody in particular" to the system, and is no owner that a file can have.
    let (owner, group) = item.owner;
    (
        (owner != u32::MAX).then(|| Uid::from_raw(owner)),
        (group != u32::MAX).then(|| Gid::from_raw(group)),
    )
}

fn times(modified: FileTime) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: modified.seconds,
            tv_nsec: i64::from(modified.nanos),
        },
    }
}
