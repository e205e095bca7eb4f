//! Handles of the folders below one root, opened step by step without following a symbolic link.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, Result};

use super::layout::Layout;
use crate::disk::held::FOLDER;

/// How many folders are held open. Files come one folder after the other, to several threads.
const OPEN: usize = 8;

/// A root folder, and the folders below it that were opened last.
#[derive(Debug)]
pub(super) struct Rooted {
    root: PathBuf,
    /// The root that is held, whatever stands at its path. `None`: it is opened by that whenever it is needed.
    held: Option<OwnedFd>,
    /// Which of what is shown lies where below it.
    pub(super) layout: Layout,
    last: Mutex<VecDeque<(PathBuf, Arc<OwnedFd>)>>,
}

impl Rooted {
    /// Nothing is opened yet.
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            held: None,
            layout: Layout::default(),
            last: Mutex::default(),
        }
    }

    /// On a root that is open, and stays the root. `root` is where it is, for messages.
    pub(super) fn held(root: &Path, folder: OwnedFd) -> Self {
        Self {
            held: Some(folder),
            ..Self::new(root)
        }
    }

    /// The same, laid out like this.
    pub(super) fn laid_out(self, layout: Layout) -> Self {
        Self { layout, ..self }
    }

    /// Where what is shown at a path is, for messages.
    pub(super) fn place_of(&self, shown: &Path) -> PathBuf {
        self.root.join(self.layout.real(shown))
    }

    /// The open folder that holds what is shown at a path, and its name there.
    ///
    /// # Errors
    /// As [`Rooted::folder`]; `INVAL` for the root itself.
    pub(super) fn holder(&self, shown: &Path) -> Result<(Arc<OwnedFd>, OsString)> {
        let real = self.layout.real(shown);
        let (Some(parent), Some(name)) = (real.parent(), real.file_name()) else {
            return Err(Errno::INVAL);
        };
        Ok((self.real(parent)?, name.to_owned()))
    }

    /// Opens the root itself. Of one that is not held, a link in its place is followed: operators like to keep content
    /// behind one.
    pub(super) fn root(&self) -> Result<OwnedFd> {
        let flags = FOLDER.difference(OFlags::NOFOLLOW);
        match &self.held {
            Some(folder) => openat(folder, c".", flags, Mode::empty()),
            None => openat(CWD, &self.root, flags, Mode::empty()),
        }
    }

    /// Closes what is held open.
    pub(super) fn forget(&self) {
        self.last.lock().clear();
    }

    /// A folder by the path that it is shown at.
    ///
    /// # Errors
    /// As [`Rooted::real`].
    pub(super) fn folder(&self, shown: &Path) -> Result<Arc<OwnedFd>> {
        self.real(&self.layout.real(shown))
    }

    /// A folder below the root, by its real path; an empty one is the root.
    ///
    /// # Errors
    /// `LOOP` or `NOTDIR` when a part of the path is not a folder, `INVAL` when it is not a plain path below the root.
    pub(super) fn real(&self, path: &Path) -> Result<Arc<OwnedFd>> {
        let last = self.last.lock();
        if let Some((_, folder)) = last.iter().find(|(last, _)| last == path) {
            return Ok(Arc::clone(folder));
        }
        drop(last);
        let mut folder = self.root()?;
        for part in path.components() {
            let Component::Normal(name) = part else {
                return Err(Errno::INVAL);
            };
            folder = openat(&folder, name, FOLDER, Mode::empty())?;
        }
        let folder = Arc::new(folder);
        let mut last = self.last.lock();
        if last.len() == OPEN {
            last.pop_back();
        }
        last.push_front((path.to_owned(), Arc::clone(&folder)));
        Ok(folder)
    }
}
