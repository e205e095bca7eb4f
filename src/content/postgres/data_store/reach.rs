//! The way to a record: folder by folder, by handles, following links only where that gives nothing away.
//!
//! The data store's folder belongs to Magnolia's account, which can put links into it. Lifeboat may read what that account
//! may not, so a link is followed only to what belongs to the same account as the data store: that is nothing which the
//! account could not read, or give to others, by itself. The rest is an error with its name, and never left out.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;

use super::LEVELS;
use crate::content::ContentError;
use crate::domain::os_error::in_words;

/// How a folder is opened.
const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::RDONLY).union(OFlags::CLOEXEC);

/// How a record is opened. Without NONBLOCK, a named pipe in its place would hold the reader for ever.
const RECORD: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

/// An open folder of the data store.
pub(super) type Reached = Arc<OwnedFd>;

/// The data store's own folder, open.
#[derive(Clone)]
pub(super) struct Root {
    place: PathBuf,
    folder: Reached,
    /// Who it belongs to.
    pub(super) owner: (u32, u32),
}

impl Root {
    /// Opens it. The configured path may be a link.
    ///
    /// # Errors
    /// [`ContentError::Io`].
    pub(super) fn open(place: &Path) -> Result<Self, ContentError> {
        let failed = |error: Errno| ContentError::Io {
            action: "opening the data store",
            path: place.to_owned(),
            source: error.into(),
        };
        let folder = openat(CWD, place, FOLDER, Mode::empty()).map_err(failed)?;
        let stat = fstat(&folder).map_err(failed)?;
        Ok(Self {
            place: place.to_owned(),
            folder: Arc::new(folder),
            owner: (stat.st_uid, stat.st_gid),
        })
    }

    /// The same, `None` when there is none.
    pub(super) fn find(place: &Path) -> Result<Option<Self>, ContentError> {
        match Self::open(place) {
            Err(ContentError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// The folder itself.
    ///
    /// # Errors
    /// [`ContentError::Io`].
    pub(super) fn top(&self) -> Result<Reached, ContentError> {
        // A handle of its own, since reading the names in a folder moves it on.
        let again = openat(&*self.folder, c".", FOLDER, Mode::empty());
        Ok(Arc::new(again.map_err(|error| failed(&self.place, error))?))
    }

    /// A folder in a folder; `None` when there is none of that name, or something else. `path` is for messages.
    ///
    /// # Errors
    /// [`ContentError`] when it cannot be opened, or is a link that must not be followed or leads nowhere.
    pub(super) fn folder(
        &self,
        parent: impl AsFd,
        name: &CStr,
        path: &Path,
    ) -> Result<Option<(Reached, Stat)>, ContentError> {
        let place = || self.place.join(path);
        let io = |error| failed(&place(), error);
        let (folder, is_linked) = match openat(&parent, name, FOLDER | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(folder) => (folder, false),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                if !self.is_link(&parent, name, path)? {
                    return Ok(None);
                }
                match openat(&parent, name, FOLDER, Mode::empty()) {
                    Ok(folder) => (folder, true),
                    Err(error) => return Err(leads_nowhere(place(), "no folder", error)),
                }
            }
            Err(error) => return Err(io(error)),
        };
        let stat = fstat(&folder).map_err(io)?;
        if is_linked {
            self.may_follow(&stat, path)?;
        }
        Ok(Some((Arc::new(folder), stat)))
    }

    /// What stands under a name in a folder, behind a link if it is one; `None` when nothing does.
    ///
    /// # Errors
    /// As [`Root::folder`].
    pub(super) fn look(
        &self,
        parent: impl AsFd,
        name: &CStr,
        path: &Path,
    ) -> Result<Option<Stat>, ContentError> {
        match statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(failed(&self.place.join(path), error)),
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => {
                Ok(self.file(parent, name, path)?.map(|(_, stat)| stat))
            }
            Ok(stat) => Ok(Some(stat)),
        }
    }

    /// Opens a file in a folder.
    fn file(
        &self,
        parent: impl AsFd,
        name: &CStr,
        path: &Path,
    ) -> Result<Option<(OwnedFd, Stat)>, ContentError> {
        let place = || self.place.join(path);
        let (file, is_linked) = match openat(&parent, name, RECORD | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(file) => (file, false),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => match openat(&parent, name, RECORD, Mode::empty()) {
                Ok(file) => (file, true),
                Err(error) => return Err(leads_nowhere(place(), "no file", error)),
            },
            Err(error) => return Err(failed(&place(), error)),
        };
        let stat = fstat(&file).map_err(|error| failed(&place(), error))?;
        if is_linked {
            self.may_follow(&stat, path)?;
        }
        Ok(Some((file, stat)))
    }

    /// The folder that a record belongs into; `None` when it is not there.
    ///
    /// # Errors
    /// As [`Root::folder`].
    pub(super) fn folder_of(
        &self,
        parts: &[CString; LEVELS + 1],
        path: &Path,
    ) -> Result<Option<Reached>, ContentError> {
        let mut folder = Arc::clone(&self.folder);
        for part in &parts[..LEVELS] {
            match self.folder(&folder, part, path)? {
                Some((below, _)) => folder = below,
                None => return Ok(None),
            }
        }
        Ok(Some(folder))
    }

    /// Opens a record; `None` when there is none.
    ///
    /// # Errors
    /// As [`Root::folder`].
    pub(super) fn record(
        &self,
        parts: &[CString; LEVELS + 1],
        path: &Path,
    ) -> Result<Option<(OwnedFd, Stat)>, ContentError> {
        match self.folder_of(parts, path)? {
            Some(folder) => self.file(folder, &parts[LEVELS], path),
            None => Ok(None),
        }
    }

    /// What stands in a record's place; `None` when nothing does.
    ///
    /// # Errors
    /// As [`Root::folder`].
    pub(super) fn look_at(
        &self,
        parts: &[CString; LEVELS + 1],
        path: &Path,
    ) -> Result<Option<Stat>, ContentError> {
        match self.folder_of(parts, path)? {
            Some(folder) => self.look(folder, &parts[LEVELS], path),
            None => Ok(None),
        }
    }

    fn is_link(&self, parent: impl AsFd, name: &CStr, path: &Path) -> Result<bool, ContentError> {
        match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(false),
            Err(error) => Err(failed(&self.place.join(path), error)),
            Ok(stat) => Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Symlink),
        }
    }

    /// Whether what a link led to may be taken for a part of the data store.
    fn may_follow(&self, found: &Stat, path: &Path) -> Result<(), ContentError> {
        if found.st_uid == self.owner.0 {
            return Ok(());
        }
        Err(ContentError::NotAllowed {
            path: self.place.join(path),
            why: format!(
                "it is a symbolic link to something of user {}, and the data store belongs to user {}, who might not be \
                 allowed to read it: give what it leads to to that user, or put it in the place of the link",
                found.st_uid, self.owner.0
            ),
        })
    }
}

fn leads_nowhere(path: PathBuf, what: &str, error: Errno) -> ContentError {
    ContentError::NotAllowed {
        path,
        why: format!(
            "it is a symbolic link that leads to {what} which can be read ({error}): mend the link, or remove it if nothing \
             refers to it any more",
            error = in_words(&error.into()),
        ),
    }
}

/// A system error about a part of the data store. What vanishes while it is read may be read again.
pub(super) fn failed(path: &Path, error: Errno) -> ContentError {
    match error {
        Errno::NOENT | Errno::STALE => ContentError::Changed {
            path: path.to_owned(),
            what: "vanished",
        },
        error => ContentError::Io {
            action: "reading",
            path: path.to_owned(),
            source: error.into(),
        },
    }
}
