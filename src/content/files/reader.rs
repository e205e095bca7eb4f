//! Reads one file of a walk, and fails if it is not the one that the walk met or changes before its end.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

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
        let open = |(folder, name): (Arc<OwnedFd>, OsString)| {
            // To read is not to use: times of access stay as they are, where they may. That is up to the owner and root.
            match openat(&*folder, &name, flags | OFlags::NOATIME, Mode::empty()) {
                Err(Errno::PERM | Errno::INVAL | Errno::OPNOTSUPP) => {
                    openat(&*folder, &name, flags, Mode::empty())
                }
                opened => opened,
            }
        };
        let file = folders
            .holder(&item.path)
            .and_then(open)
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

#[cfg(test)]
mod tests {
    use std::fs::{self, FileTimes};
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::content::Content;
    use crate::content::files::Files;

    #[test]
    fn to_read_a_file_leaves_its_time_of_access_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("dam")).unwrap();
        let long_ago = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
        let long_ago_read = |name: &str| {
            let path = root.path().join("dam").join(name);
            fs::write(&path, "a picture").unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_times(FileTimes::new().set_accessed(long_ago)).unwrap();
            path
        };
        let path = long_ago_read("picture");
        let other = long_ago_read("read by others");
        fs::read(&other).unwrap();
        if fs::metadata(&other).unwrap().accessed().unwrap() == long_ago {
            eprintln!("this file system notes no times of access: nothing to see");
            return;
        }

        let content = Files::new(root.path());
        let items: Vec<Item> = content.walk(&mut |_| {}).map(Result::unwrap).collect();
        let mut text = String::new();
        let mut reader = content.open(&items[1]).unwrap();
        reader.read_to_string(&mut text).unwrap();
        assert_eq!(text, "a picture");
        assert_eq!(fs::metadata(&path).unwrap().accessed().unwrap(), long_ago);
    }
}
