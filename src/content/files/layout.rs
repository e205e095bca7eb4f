//! How a content folder is laid out: which part of it is which workspace in a backup. The one place where the two meet.
//!
//! A plain content folder has one folder for each workspace, and in a backup it is as it stands. The home of a Jackrabbit
//! repository has its workspaces below `workspaces`, beside what they share:
//!
//! | in the home | in a backup |
//! | --- | --- |
//! | `workspaces/X/…` | `X/…` |
//! | `version/…` | `.versions/…` |
//! | `repository/datastore/…` | `.datastore/…` |
//! | everything else, `repository/…` and `repository.xml`, say | `.home/…` |
//! | `.lock`, `lock.properties` | nothing: a server that runs has put it there |
//!
//! *Shown* is a path as the backup has it, *real* the one in the folder. A walk goes in the order of what is shown.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, openat, statat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::disk::held::{self, FOLDER};
use crate::domain::environment::{DATA_STORE, HOME, VERSIONS};

/// The folder of a home that holds its workspaces.
pub(crate) const WORKSPACES: &str = "workspaces";
/// The folder of a home that holds the version storage.
pub(crate) const VERSION: &str = "version";
/// The folder of a home that holds namespaces, node types and the like.
pub(crate) const REPOSITORY: &str = "repository";
/// The folder of a home that holds large binaries.
pub(crate) const BINARIES: &str = "repository/datastore";
/// What a server that runs on a home has put there, and takes away.
pub(crate) const LOCKS: [&str; 2] = [".lock", "lock.properties"];

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// One folder for each workspace.
    #[default]
    Workspaces,
    /// The home of a Jackrabbit repository.
    Home,
}

/// Whether a folder below `workspaces` is a workspace, by its name. Jackrabbit's version storage keeps files of its own in
/// `workspaces/version`, where Magnolia configures it so.
fn is_workspace(name: &OsStr) -> bool {
    name != VERSION && !name.as_bytes().starts_with(b".")
}

impl Layout {
    /// Whether it is the plain one.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self::Workspaces
    }

    /// Where in the folder its workspaces are.
    pub(super) fn workspaces(self) -> &'static Path {
        Path::new(match self {
            Self::Workspaces => "",
            Self::Home => WORKSPACES,
        })
    }

    /// The real path of what is shown.
    pub(super) fn real(self, shown: &Path) -> Cow<'_, Path> {
        let mut parts = shown.iter();
        let (Self::Home, Some(first)) = (self, parts.next()) else {
            return Cow::Borrowed(shown);
        };
        let below = parts.as_path();
        let top = match first.to_str() {
            Some(HOME) => return Cow::Borrowed(below),
            Some(VERSIONS) => PathBuf::from(VERSION),
            Some(DATA_STORE) => PathBuf::from(BINARIES),
            _ => Path::new(WORKSPACES).join(first),
        };
        Cow::Owned(if below == Path::new("") {
            top
        } else {
            top.join(below)
        })
    }

    /// What of a backup lies at or below a real path, by its first part; `None` where that is all of it, or several parts.
    pub(super) fn part_of(self, real: &Path) -> Option<OsString> {
        let mut parts = real.iter();
        let first = parts.next()?;
        if self.is_plain() {
            return Some(first.to_owned());
        }
        if real.starts_with(BINARIES) {
            return Some(DATA_STORE.into());
        }
        match (first.to_str(), parts.next()) {
            (Some(VERSION), _) => Some(VERSIONS.into()),
            (Some(WORKSPACES), None) => None,
            (Some(WORKSPACES), Some(name)) if is_workspace(name) => Some(name.to_owned()),
            _ => Some(HOME.into()),
        }
    }

    /// Whether what is met at a shown path is shown at another one, or nowhere.
    pub(super) fn is_elsewhere(self, shown: &Path, is_folder: bool) -> bool {
        let (Self::Home, Ok(below)) = (self, shown.strip_prefix(HOME)) else {
            return false;
        };
        if LOCKS.iter().any(|lock| below == Path::new(lock)) {
            return true;
        }
        let is_top_workspace =
            below.parent() == Some(Path::new(WORKSPACES)) && below.file_name().is_some_and(is_workspace);
        is_folder && (below == Path::new(VERSION) || below == Path::new(BINARIES) || is_top_workspace)
    }

    /// The folders of a home that a walk begins with, in the order of what they are shown as: that, and their real path.
    ///
    /// # Errors
    /// What the system said.
    pub(super) fn tops(root: &OwnedFd) -> io::Result<Vec<(OsString, PathBuf)>> {
        let mut tops = vec![(OsString::from(HOME), PathBuf::new())];
        for (shown, real) in [(VERSIONS, VERSION), (DATA_STORE, BINARIES)] {
            if is_folder_below(root, Path::new(real))? {
                tops.push((shown.into(), real.into()));
            }
        }
        if let Some(folder) = open_below(root, Path::new(WORKSPACES))? {
            for name in held::names(&folder)? {
                if is_workspace(&name) && is_folder(&folder, &name)? {
                    let real = Path::new(WORKSPACES).join(&name);
                    tops.push((name, real));
                }
            }
        }
        tops.sort();
        Ok(tops)
    }
}

/// Opens a folder below an open one, through no link. `None` when something on the way is no folder, or not there.
pub(super) fn open_below(root: &OwnedFd, path: &Path) -> io::Result<Option<OwnedFd>> {
    let mut folder = held::read_again(root)?;
    for name in path {
        folder = match openat(&folder, name, FOLDER, Mode::empty()) {
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(None),
            opened => opened?,
        };
    }
    Ok(Some(folder))
}

fn is_folder_below(root: &OwnedFd, path: &Path) -> io::Result<bool> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Ok(false);
    };
    match open_below(root, parent)? {
        Some(parent) => is_folder(&parent, name),
        None => Ok(false),
    }
}

fn is_folder(parent: &OwnedFd, name: &OsStr) -> io::Result<bool> {
    match statat(parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(about) => Ok(FileType::from_raw_mode(about.st_mode) == FileType::Directory),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_home_has_one_real_place_and_the_other_way_round() {
        for (shown, real, part) in [
            (".home", "", None),
            (".home/repository.xml", "repository.xml", Some(".home")),
            (
                ".home/repository/meta/rootUUID",
                "repository/meta/rootUUID",
                Some(".home"),
            ),
            (
                ".home/workspaces/version/a",
                "workspaces/version/a",
                Some(".home"),
            ),
            (".home/workspaces/.old/a", "workspaces/.old/a", Some(".home")),
            (".datastore", "repository/datastore", Some(".datastore")),
            (
                ".datastore/ab/cd",
                "repository/datastore/ab/cd",
                Some(".datastore"),
            ),
            (".versions/db.mv.db", "version/db.mv.db", Some(".versions")),
            ("website", "workspaces/website", Some("website")),
            (
                "website/workspace.xml",
                "workspaces/website/workspace.xml",
                Some("website"),
            ),
        ] {
            assert_eq!(&*Layout::Home.real(Path::new(shown)), Path::new(real), "{shown}");
            assert_eq!(
                Layout::Home.part_of(Path::new(real)),
                part.map(Into::into),
                "{real}"
            );
            assert_eq!(&*Layout::Workspaces.real(Path::new(shown)), Path::new(shown));
        }
        assert_eq!(Layout::Home.part_of(Path::new("workspaces")), None);
        assert_eq!(Layout::Workspaces.part_of(Path::new("dam/a")), Some("dam".into()));
        for (shown, is_folder, is_elsewhere) in [
            (".home/.lock", false, true),
            (".home/repository/.lock", false, false),
            (".home/version", true, true),
            (".home/version", false, false),
            (".home/repository/datastore", true, true),
            (".home/workspaces", true, false),
            (".home/workspaces/website", true, true),
            (".home/workspaces/notes.txt", false, false),
            (".home/workspaces/version", true, false),
            ("website/version", true, false),
        ] {
            let shown = Path::new(shown);
            assert_eq!(
                Layout::Home.is_elsewhere(shown, is_folder),
                is_elsewhere,
                "{shown:?}"
            );
            assert!(!Layout::Workspaces.is_elsewhere(shown, is_folder));
        }
    }
}
