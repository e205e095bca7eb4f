//! The walk over a folder of content: depth first, the names of each folder sorted by their bytes.
//!
//! It holds one open folder and one list of names per level, however much there is in all.

use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fstat, openat, readlinkat, statat};
use rustix::io::Errno;

use super::attributes::{self, Found};
use super::layout::Layout;
use super::rooted::Rooted;
use super::{failed_reading, item};
use crate::content::{ContentError, Item};
use crate::disk::held::FOLDER;

/// One folder on the way down, with the names in it that are still to come, the next one last.
struct Level {
    folder: Dir,
    names: Vec<CString>,
}

impl Level {
    /// Reads the names in an open folder, and sorts them by their bytes.
    fn of(folder: OwnedFd) -> rustix::io::Result<Self> {
        let mut names = Vec::new();
        let mut folder = Dir::new(folder)?;
        while let Some(entry) = folder.read() {
            let entry = entry?;
            let name: &CStr = entry.file_name();
            if !matches!(name.to_bytes(), b"." | b"..") {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable_by(|a, b| b.cmp(a));
        Ok(Self { folder, names })
    }
}

/// See the module.
pub(super) struct Walk<'a> {
    root: &'a Rooted,
    /// Whether what vanishes meanwhile is passed over.
    is_at_work: bool,
    left_out: &'a mut (dyn FnMut(String) + Send),
    /// Which workspaces are gone into; all of them without it.
    is_wanted: Option<&'a (dyn Fn(&Path) -> bool + Send + Sync)>,
    levels: Vec<Level>,
    /// What a home begins with, the next one last: what it is shown as, and its real path.
    tops: Vec<(OsString, PathBuf)>,
    path: PathBuf,
    state: State,
}

enum State {
    Before,
    Within,
    Over,
}

impl<'a> Walk<'a> {
    /// Nothing is opened before the first item is asked for.
    pub(super) fn new(
        root: &'a Rooted,
        is_at_work: bool,
        left_out: &'a mut (dyn FnMut(String) + Send),
    ) -> Self {
        Self {
            root,
            is_at_work,
            left_out,
            is_wanted: None,
            levels: Vec::new(),
            tops: Vec::new(),
            path: PathBuf::new(),
            state: State::Before,
        }
    }

    /// The same of these workspaces alone.
    pub(super) fn only(self, is_wanted: &'a (dyn Fn(&Path) -> bool + Send + Sync)) -> Self {
        Self {
            is_wanted: Some(is_wanted),
            ..self
        }
    }

    /// Whether a workspace is passed over.
    fn is_passed_over(&self, workspace: &Path) -> bool {
        self.is_wanted.is_some_and(|is_wanted| !is_wanted(workspace))
    }

    fn begin(&mut self) -> Result<(), ContentError> {
        let io = |source: rustix::io::Errno| ContentError::Io {
            action: "opening the content folder",
            path: self.root.place_of(Path::new("")),
            source: source.into(),
        };
        let root = self.root.root().map_err(io)?;
        if self.root.layout.is_plain() {
            self.levels.push(Level::of(root).map_err(io)?);
            return Ok(());
        }
        let tops = Layout::tops(&root).map_err(|source| ContentError::Io {
            action: "reading",
            path: self.root.place_of(Path::new("")),
            source,
        });
        self.tops = tops?;
        self.tops.reverse();
        Ok(())
    }

    /// The next folder that a home begins with.
    fn step_at_top(&mut self) -> Result<Option<Item>, ContentError> {
        while let Some((shown, real)) = self.tops.pop() {
            let path = PathBuf::from(shown);
            if self.is_passed_over(&path) {
                continue;
            }
            let flags = FOLDER.difference(OFlags::NOFOLLOW);
            let again = |folder: Arc<OwnedFd>| openat(&*folder, c".", flags, Mode::empty());
            match self.root.real(&real).and_then(again) {
                Err(Errno::NOENT) if self.is_at_work => {}
                opened => {
                    let folder = opened.map_err(|error| failed_reading(self.root.place_of(&path), error))?;
                    return self.enter(folder, &path).map(Some);
                }
            }
        }
        Ok(None)
    }

    /// Goes into a folder, and gives what it is.
    fn enter(&mut self, folder: OwnedFd, path: &Path) -> Result<Item, ContentError> {
        let failed = |error| failed_reading(self.root.place_of(path), error);
        // What is told of the folder is what was opened, even if it took the place of another meanwhile.
        let stat = fstat(&folder).map_err(failed)?;
        let found = attributes::of_open(&folder).map_err(failed)?;
        if let Some(left) = found.left_out(path) {
            (self.left_out)(left);
        }
        let level = Level::of(folder).map_err(failed)?;
        self.levels.push(level);
        path.clone_into(&mut self.path);
        item(path.to_owned(), &stat, None, found.kept).ok_or_else(|| failed(Errno::NOTDIR))
    }

    /// The next item, or `None` when all were met.
    fn step(&mut self) -> Result<Option<Item>, ContentError> {
        loop {
            let at_top = self.levels.len() == 1 && self.root.layout.is_plain();
            let Some(level) = self.levels.last_mut() else {
                return self.step_at_top();
            };
            let Some(name) = level.names.pop() else {
                self.levels.pop();
                self.path.pop();
                continue;
            };
            let path = self.path.join(OsStr::from_bytes(name.as_bytes()));
            if at_top && self.is_wanted.is_some_and(|is_wanted| !is_wanted(&path)) {
                continue;
            }
            let failed = |error| failed_reading(self.root.place_of(&path), error);
            let parent = level.folder.fd().map_err(failed)?;
            let stat = match statat(parent, &name, AtFlags::SYMLINK_NOFOLLOW) {
                Err(Errno::NOENT) if self.is_at_work => continue,
                told => told.map_err(failed)?,
            };
            let kind = FileType::from_raw_mode(stat.st_mode);
            if self.root.layout.is_elsewhere(&path, kind == FileType::Directory) {
                continue;
            }
            if kind == FileType::Directory {
                match openat(parent, &name, FOLDER, Mode::empty()) {
                    Err(Errno::NOENT) if self.is_at_work => continue,
                    opened => return self.enter(opened.map_err(failed)?, &path).map(Some),
                }
            }
            if at_top {
                (self.left_out)(beside_workspaces(&path, kind));
                continue;
            }
            if kind == FileType::Symlink && !self.root.layout.is_plain() && !self.is_at_work {
                return Err(ContentError::NotAllowed {
                    path: self.root.place_of(&path),
                    why: "it is a symbolic link in the home of a repository, and links are not followed: what it leads to \
                          would be in no backup. Put the file or folder itself there"
                        .to_owned(),
                });
            }
            let target = match kind {
                FileType::Symlink => {
                    let target = readlinkat(parent, &name, Vec::new()).map_err(failed)?;
                    Some(OsString::from_vec(target.into_bytes()).into())
                }
                _ => None,
            };
            let found = match kind {
                FileType::RegularFile => match attributes::of_file(&parent, &name) {
                    Err(Errno::NOENT) if self.is_at_work => continue,
                    found => found.map_err(failed)?,
                },
                _ => Found::default(),
            };
            if let Some(left) = found.left_out(&path) {
                (self.left_out)(left);
            }
            if kind == FileType::RegularFile && stat.st_mode & 0o6000 != 0 {
                (self.left_out)(format!(
                    "{} has a set-uid or set-gid bit, which does not come back",
                    path.display()
                ));
            }
            match item(path.clone(), &stat, target, found.kept) {
                Some(item) => return Ok(Some(item)),
                None => (self.left_out)(format!("{} is {} and cannot be kept", path.display(), noun(kind))),
            }
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Item, ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = match self.state {
            State::Before => {
                self.state = State::Within;
                self.begin().and_then(|()| self.step())
            }
            State::Within => self.step(),
            State::Over => return None,
        };
        // Times that the repository's format cannot hold would come back as others.
        let step = step.and_then(|item| item.map(checked).transpose());
        if !matches!(step, Ok(Some(_))) {
            self.state = State::Over;
            self.levels.clear();
        }
        step.transpose()
    }
}

/// Seconds from the beginning of the year 1 to the end of the year 9999.
const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

fn checked(item: Item) -> Result<Item, ContentError> {
    if YEARS.contains(&item.modified.seconds) && YEARS.contains(&item.changed.seconds) {
        return Ok(item);
    }
    Err(ContentError::NotAllowed {
        path: item.path,
        why: "its time of change is outside the years 1 to 9999, which a backup cannot hold: set it with `touch`"
            .to_owned(),
    })
}

fn beside_workspaces(path: &Path, kind: FileType) -> String {
    match kind {
        FileType::Symlink => format!(
            "{} is a symbolic link where workspace folders are expected: what it points to is not in the backup",
            path.display()
        ),
        kind => format!(
            "{} is {} beside the workspaces' folders",
            path.display(),
            noun(kind)
        ),
    }
}

fn noun(kind: FileType) -> &'static str {
    match kind {
        FileType::RegularFile => "a loose file",
        FileType::Fifo => "a named pipe",
        FileType::Socket => "a socket",
        FileType::CharacterDevice | FileType::BlockDevice => "a device",
        _ => "something unknown",
    }
}
