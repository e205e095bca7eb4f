//! Reads one file of a walk, and fails if it is not the one that the walk met or changes before its end.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags, openat};

use super::failed_reading;
use super::rooted::Rooted;
use crate::content::{ContentError, Item, ItemKind};

/// See the module.
pub(super) struct FileReader {
    file: File,
    item: Item,
    place: PathBuf,
    size: u64,
    read: u64,
}

impl FileReader {
    /// Opens the file that `item` tells of.
    pub(super) fn open(folders: &Rooted, item: &Item) -> Result<Self, ContentError> {
        let place = folders.place_of(&item.path);
        let ItemKind::File { size } = item.kind else {
            return Err(ContentError::NotAllowed {
                path: place,
                why: "only files have content to read".to_owned(),
            });
        };
        // Without NONBLOCK, a named pipe that took the file's place would hold the reader for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = folders
            .holder(&item.path)
            .and_then(|(folder, name)| openat(&*folder, name, flags, Mode::empty()))
            .map_err(|error| failed_reading(place.clone(), error))?;
        let reader = Self {
            file: file.into(),
            item: item.clone(),
            place,
            size,
            read: 0,
        };
        reader.check()?;
        Ok(reader)
    }

    /// Whether the open file still is as the walk met it.
    fn check(&self) -> Result<(), ContentError> {
        let now = self.file.metadata().map_err(|source| ContentError::Io {
            action: "reading",
            path: self.place.clone(),
            source,
        })?;
        let what = if !now.is_file() || now.ino() != self.item.inode {
            "was replaced"
        } else if now.len() > self.size {
            "grew"
        } else if now.len() < self.size {
            "shrank"
        } else if !is_at(self.item.modified, now.mtime(), now.mtime_nsec())
            || !is_at(self.item.changed, now.ctime(), now.ctime_nsec())
        {
            "changed"
        } else {
            return Ok(());
        };
        Err(changed(&self.place, what))
    }
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.read += count as u64;
        if self.read > self.size {
            return Err(io::Error::other(changed(&self.place, "grew")));
        }
        if count == 0 && !buffer.is_empty() {
            self.check().map_err(io::Error::other)?;
            if self.read < self.size {
                return Err(io::Error::other(changed(&self.place, "shrank")));
            }
        }
        Ok(count)
    }
}

fn changed(place: &Path, what: &'static str) -> ContentError {
    ContentError::Changed {
        path: place.to_owned(),
        what,
    }
}

fn is_at(time: crate::content::FileTime, seconds: i64, nanos: i64) -> bool {
    time.seconds == seconds && i64::from(time.nanos) == nanos
}
