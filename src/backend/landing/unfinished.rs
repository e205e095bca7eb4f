//! What has not got its name yet: a file or a folder beside its place, which goes unless it is named.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use super::LandingError;

/// How the names of what is not whole begin.
const UNFINISHED: &str = ".lifeboat-export-";
/// So many names are tried.
const MOST: u32 = 100;

/// A file or a folder that goes unless it gets its name. It is locked as long as this lives.
pub(super) struct Unfinished {
    file: File,
    path: PathBuf,
    is_folder: bool,
}

impl Unfinished {
    pub(super) fn of_file(folder: &Path) -> io::Result<Self> {
        Self::make(folder, false)
    }

    pub(super) fn folder(folder: &Path) -> io::Result<Self> {
        Self::make(folder, true)
    }

    fn make(folder: &Path, is_folder: bool) -> io::Result<Self> {
        let mut number = 0;
        loop {
            number += 1;
            let path = folder.join(format!("{UNFINISHED}{}-{number}", std::process::id()));
            let made = if is_folder {
                DirBuilder::new()
                    .mode(0o700)
                    .create(&path)
                    .and_then(|()| File::open(&path))
            } else {
                let mut options = OpenOptions::new();
                options.write(true).create_new(true).mode(0o600).open(&path)
            };
            match made {
                Ok(file) => {
                    let unfinished = Self {
                        file,
                        path,
                        is_folder,
                    };
                    if unfinished.is_held() || number >= MOST {
                        return Ok(unfinished);
                    }
                }
                // Left by a process of the same number, or written by one on another machine.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < MOST => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Locks it. No where somebody has taken it for a remainder in between.
    fn is_held(&self) -> bool {
        match flock(&self.file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                let (held, there) = (self.file.metadata(), fs::symlink_metadata(&self.path));
                matches!((held, there), (Ok(held), Ok(there)) if held.ino() == there.ino())
            }
            Err(Errno::WOULDBLOCK) => false,
            // A file system without locks: nobody removes anything there.
            Err(_) => true,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Gives what is in it, or itself, its name.
    pub(super) fn name(&self, from: &Path, target: &Path) -> Result<(), LandingError> {
        super::name(from, target)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Where it has its name by now, there is nothing to remove.
        let _ = if self.is_folder {
            fs::remove_dir_all(&self.path)
        } else {
            fs::remove_file(&self.path)
        };
    }
}

/// Removes what processes have left that are gone. What cannot be removed stays.
pub(super) fn clear(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.to_str().is_some_and(|name| name.starts_with(UNFINISHED)) {
            continue;
        }
        let mut options = OpenOptions::new();
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let flags = i32::try_from(flags.bits()).unwrap_or_default();
        let opened = options.read(true).custom_flags(flags).open(entry.path());
        let Ok(file) = opened else { continue };
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            continue;
        }
        let is_folder = file.metadata().is_ok_and(|about| about.is_dir());
        let _ = if is_folder {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
    }
}
