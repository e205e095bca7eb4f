//! Writes items into a new folder: the staged content of a restore.
//!
//! While it is being written, nobody else may look into it (mode 0700). [`Sink::finish`] gives folders their own
//! permissions and times, the deepest first, since writing into a folder changes its time.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::fs::{AtFlags, CWD, Gid, Mode, OFlags, Timespec, Timestamps, UTIME_OMIT, Uid};
use rustix::fs::{
    chownat, fchmod, fchown, fstat, futimens, linkat, mkdirat, openat, statat, symlinkat, syncfs, utimensat,
};
use rustix::io::Errno;

use super::attributes;
use super::layout::Layout;
use super::rooted::Rooted;
use crate::content::{ContentError, FileTime, Item, ItemKind, Sink, SinkFile};
use crate::disk::held;

/// A folder that items are written into.
#[derive(Debug)]
pub struct FilesSink {
    folders: Rooted,
    made: Mutex<Vec<Item>>,
    /// What was made before it was met.
    scaffold: Mutex<BTreeSet<PathBuf>>,
    may_give_away: bool,
}

impl FilesSink {
    /// Makes the folder `root`; its parent has to be there, and it must not.
    ///
    /// # Errors
    /// [`ContentError::Io`] when it cannot be made.
    pub fn create(root: &Path) -> Result<Self, ContentError> {
        let (Some(parent), Some(name)) = (root.parent(), root.file_name()) else {
            return Err(ContentError::NotAllowed {
                path: root.to_owned(),
                why: "there is no place beside it".to_owned(),
            });
        };
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        let parent = if parent == Path::new("") {
            Path::new(".")
        } else {
            parent
        };
        let parent = openat(CWD, parent, flags, Mode::empty());
        let parent = parent.map_err(|error| not_made(root, error.into()))?;
        Self::create_in(parent, name, root, Layout::default())
    }

    /// The same in an open folder. It is held from then on, and everything goes by that: whatever takes its place, or
    /// that of the folder it is in, is not touched. `root` is its path, for messages.
    ///
    /// # Errors
    /// [`ContentError::Io`] when it cannot be made, or something else took its place at once.
    pub(crate) fn create_in(
        parent: impl AsFd,
        name: &OsStr,
        root: &Path,
        layout: Layout,
    ) -> Result<Self, ContentError> {
        let folder = held::make(parent, name, root).map_err(|error| not_made(root, error))?;
        attributes::clear_inherited(&folder).map_err(|error| not_made(root, error.into()))?;
        Ok(Self {
            folders: Rooted::held(root, folder).laid_out(layout),
            made: Mutex::new(Vec::new()),
            scaffold: Mutex::default(),
            may_give_away: rustix::process::geteuid().is_root(),
        })
    }

    /// The folder that is written to.
    ///
    /// # Errors
    /// [`ContentError::Io`] when no more can be opened.
    pub(crate) fn opened(&self) -> Result<OwnedFd, ContentError> {
        self.folders
            .root()
            .map_err(|error| self.io("opening", Path::new(""), error))
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
    fn parent(&self, item: &Item) -> Result<(Arc<OwnedFd>, OsString), ContentError> {
        let plain = item
            .path
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !plain || item.path.file_name().is_none() {
            return Err(ContentError::NotAllowed {
                path: item.path.clone(),
                why: "such a path could lead out of the folder that is being written".to_owned(),
            });
        }
        self.folders
            .holder(&item.path)
            .map_err(|error| self.io("creating", &item.path, error))
    }

    /// Whether a folder is there before it is met as an item: in a home, the home itself, and what holds those parts that
    /// are shown first.
    fn is_made(&self, item: &Item) -> Result<bool, ContentError> {
        if self.folders.layout.is_plain() {
            return Ok(false);
        }
        let real = self.folders.layout.real(&item.path).into_owned();
        if real == Path::new("") || self.scaffold.lock().remove(&real) {
            return Ok(true);
        }
        if !item.is_workspace() {
            return Ok(false);
        }
        let Some(above) = real.parent().filter(|above| *above != Path::new("")) else {
            return Ok(false);
        };
        let made = self
            .folders
            .real(Path::new(""))
            .and_then(|root| mkdirat(&*root, above, Mode::RWXU));
        match made {
            Ok(()) => {
                self.scaffold.lock().insert(above.to_owned());
                Ok(false)
            }
            Err(Errno::EXIST) => Ok(false),
            Err(error) => Err(self.io("creating", &item.path, error)),
        }
    }

    /// Owner, attributes, permissions and times of an open file or folder. The owner first: a change of it drops setuid.
    /// Permissions after access control lists, which bring some along.
    fn dress(&self, open: impl AsFd, item: &Item) -> Result<(), ContentError> {
        let failed = |error| self.io("setting the permissions and times of", &item.path, error);
        let stat = fstat(&open).map_err(failed)?;
        if self.may_give_away && (stat.st_uid, stat.st_gid) != item.owner {
            let (owner, group) = owner(item);
            fchown(&open, owner, group).map_err(failed)?;
        }
        attributes::set(&open, item.attributes(), &self.folders.place_of(&item.path))?;
        fchmod(&open, Mode::from_raw_mode(item.mode)).map_err(failed)?;
        futimens(&open, &times(item.modified)).map_err(failed)
    }

    /// Writes a file anew that could have been another name of one that is there.
    fn copy(&self, item: &Item, from: &Path) -> Result<(), ContentError> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let source = self
            .folders
            .holder(from)
            .and_then(|(folder, name)| openat(&*folder, name, flags, Mode::empty()));
        let mut source: File = source.map_err(|error| self.io("reading", from, error))?.into();
        let mut file = self.file(item)?;
        io::copy(&mut source, &mut file).map_err(|source| ContentError::Io {
            action: "writing",
            path: self.folders.place_of(&item.path),
            source,
        })?;
        file.finish()
    }
}

impl Sink for FilesSink {
    fn folder(&self, item: &Item) -> Result<(), ContentError> {
        if !self.is_made(item)? {
            let (parent, name) = self.parent(item)?;
            mkdirat(&*parent, name, Mode::RWXU).map_err(|error| self.io("creating", &item.path, error))?;
        }
        self.made.lock().push(item.clone());
        Ok(())
    }

    fn link(&self, item: &Item) -> Result<(), ContentError> {
        let ItemKind::Link { target } = &item.kind else {
            return Err(not_a("symbolic link", item));
        };
        let (parent, name) = &self.parent(item)?;
        let make = || {
            symlinkat(target.as_path(), &**parent, name)?;
            let stat = statat(&**parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
            if self.may_give_away && (stat.st_uid, stat.st_gid) != item.owner {
                let (owner, group) = owner(item);
                chownat(&**parent, name, owner, group, AtFlags::SYMLINK_NOFOLLOW)?;
            }
            utimensat(&**parent, name, &times(item.modified), AtFlags::SYMLINK_NOFOLLOW)
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
            ends_in_hole: false,
        }))
    }

    fn name_again(&self, item: &Item, first: &Path) -> Result<(), ContentError> {
        let (parent, name) = self.parent(item)?;
        let named = Item {
            path: first.to_owned(),
            ..item.clone()
        };
        let (first_parent, first_name) = self.parent(&named)?;
        match linkat(&*first_parent, first_name, &*parent, name, AtFlags::empty()) {
            Ok(()) => Ok(()),
            // A file has as many names as it can have, or the file system knows only one for each.
            Err(Errno::MLINK | Errno::PERM | Errno::OPNOTSUPP | Errno::XDEV) => self.copy(item, first),
            Err(error) => Err(self.io("creating", &item.path, error)),
        }
    }

    fn finish(&self) -> Result<(), ContentError> {
        self.folders.forget();
        let made = std::mem::take(&mut *self.made.lock());
        for item in made.iter().rev() {
            self.folders
                .folder(&item.path)
                .map_err(|error| self.io("setting the permissions and times of", &item.path, error))
                .and_then(|folder| self.dress(&*folder, item))?;
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
    ends_in_hole: bool,
}

/// So many zeros, at a multiple of this, are not written: the file has a hole there, and reads the same.
const HOLE: usize = 32 * 1024;

static ZEROS: [u8; HOLE] = [0; HOLE];

/// How many bytes at the beginning of `bytes`, which belong at `offset`, are nothing but whole holes; or else how many are
/// to be written before the next one.
fn until_hole(bytes: &[u8], offset: u64) -> (usize, bool) {
    let beyond = usize::try_from(offset % HOLE as u64).unwrap_or(0);
    let to_boundary = (HOLE - beyond) % HOLE;
    let blocks = bytes.get(to_boundary..).unwrap_or_default().chunks_exact(HOLE);
    let is_hole = |block: &&[u8]| **block == ZEROS[..];
    if to_boundary == 0 {
        let holes = blocks.clone().take_while(is_hole).count();
        if holes > 0 {
            return (holes * HOLE, true);
        }
    }
    match blocks.clone().position(|block| is_hole(&block)) {
        Some(full) => (to_boundary + full * HOLE, false),
        None => (bytes.len(), false),
    }
}

impl Write for NewFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (length, is_hole) = until_hole(bytes, self.written);
        let count = if is_hole {
            self.file.seek(SeekFrom::Current(
                i64::try_from(length).map_err(io::Error::other)?,
            ))?;
            length
        } else {
            self.file.write(bytes.get(..length).unwrap_or(bytes))?
        };
        self.ends_in_hole = is_hole;
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
        if self.ends_in_hole {
            self.file.set_len(self.size).map_err(|source| ContentError::Io {
                action: "writing",
                path: self.sink.folders.place_of(&self.item.path),
                source,
            })?;
        }
        self.sink.dress(&self.file, &self.item)
    }
}

fn not_made(root: &Path, source: io::Error) -> ContentError {
    ContentError::Io {
        action: "creating",
        path: root.to_owned(),
        source,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_found_where_whole_blocks_are_zero() {
        let zeros = vec![0; 3 * HOLE];
        assert_eq!(until_hole(&zeros, 0), (3 * HOLE, true));
        assert_eq!(until_hole(&zeros[1..], 0), (2 * HOLE, true));
        // From within a block on, the rest of it is written.
        assert_eq!(until_hole(&zeros, 10), (HOLE - 10, false));
        assert_eq!(until_hole(&zeros[..HOLE], 10), (HOLE, false));
        let mut text = zeros.clone();
        text[0] = 1;
        assert_eq!(until_hole(&text, 0), (HOLE, false));
        text[HOLE + 7] = 1;
        assert_eq!(until_hole(&text, 0), (2 * HOLE, false));
        assert_eq!(until_hole(&text[..100], 0), (100, false));
        assert_eq!(until_hole(&[], 5), (0, false));
    }
}
