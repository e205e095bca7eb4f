//! What a folder or a file is known by, whatever path leads to it: for those that are moved, and met again after a crash.
//!
//! Not in here: how they are opened and held ([`super::held`]).

use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, StatxFlags, statx};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// What tells one folder or file from every other on its file system: the number of its inode, and when it was made. The device's
/// number is left out, since it can be another one after a restart of the machine (btrfs, NFS, device mapper); the folders
/// that are compared are always on one file system.
///
/// A copy on another disk may well get the same numbers, in another order: those of a fresh file system are given out one
/// after the other. It does not get the same times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub(crate) inode: u64,
    /// Seconds and nanoseconds; `None` on a file system that does not keep it.
    pub(crate) born: Option<(i64, u32)>,
}

/// What an identity is asked of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Folder,
    /// A folder or a file.
    Either,
    /// A folder, a file, or a symbolic link itself.
    Any,
}

impl Asked {
    fn is(self, found: FileType) -> bool {
        match found {
            FileType::Directory => true,
            FileType::RegularFile => self != Self::Folder,
            FileType::Symlink => self == Self::Any,
            _ => false,
        }
    }
}

impl Identity {
    /// The identity of the folder at `path`, not following a link in its place; `None` when nothing is there.
    ///
    /// # Errors
    /// What the system said, or that something that is no folder stands there.
    pub fn of(path: &Path) -> io::Result<Option<Self>> {
        Self::asked(CWD, path.as_os_str(), AtFlags::SYMLINK_NOFOLLOW, Asked::Folder)
    }

    /// The same of a folder or a file that has this name in an open folder.
    ///
    /// # Errors
    /// As [`Identity::of`].
    pub(crate) fn of_either_at(folder: impl AsFd, name: &OsStr) -> io::Result<Option<Self>> {
        Self::asked(folder, name, AtFlags::SYMLINK_NOFOLLOW, Asked::Either)
    }

    /// The same of a folder, a file, or a symbolic link, which is not followed.
    ///
    /// # Errors
    /// As [`Identity::of`].
    pub(crate) fn of_any(path: &Path) -> io::Result<Option<Self>> {
        Self::asked(CWD, path.as_os_str(), AtFlags::SYMLINK_NOFOLLOW, Asked::Any)
    }

    /// The same of what has this name in an open folder.
    ///
    /// # Errors
    /// As [`Identity::of`].
    pub(crate) fn of_any_at(folder: impl AsFd, name: &OsStr) -> io::Result<Option<Self>> {
        Self::asked(folder, name, AtFlags::SYMLINK_NOFOLLOW, Asked::Any)
    }

    /// The same of what has this name in an open folder.
    ///
    /// # Errors
    /// As [`Identity::of`].
    pub(crate) fn at(folder: impl AsFd, name: &OsStr) -> io::Result<Option<Self>> {
        Self::asked(folder, name, AtFlags::SYMLINK_NOFOLLOW, Asked::Folder)
    }

    /// The same of an open folder.
    ///
    /// # Errors
    /// What the system said.
    pub(crate) fn of_open(folder: impl AsFd) -> io::Result<Self> {
        Self::asked(folder, OsStr::new(""), AtFlags::EMPTY_PATH, Asked::Folder)?
            .ok_or_else(|| Errno::NOENT.into())
    }

    fn asked(folder: impl AsFd, name: &OsStr, flags: AtFlags, what: Asked) -> io::Result<Option<Self>> {
        let asked = StatxFlags::TYPE | StatxFlags::INO | StatxFlags::BTIME;
        match statx(folder, name, flags, asked) {
            Ok(told) if what.is(FileType::from_raw_mode(told.stx_mode.into())) => {
                let keeps = StatxFlags::from_bits_retain(told.stx_mask).contains(StatxFlags::BTIME);
                Ok(Some(Self {
                    inode: told.stx_ino,
                    born: keeps.then_some((told.stx_btime.tv_sec, told.stx_btime.tv_nsec)),
                }))
            }
            Ok(_) => Err(io::Error::other("there is something here that is not a folder")),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
