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

/// How many folders are held open. Files come one folder after the other, to several threads, and the folders above them come
/// again and again.
const OPEN: usize = 16;

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
        let (above, mut folder) = match self.nearest(path) {
            Some(found) => found,
            None => (Path::new(""), Arc::new(self.root()?)),
        };
        let below = path.strip_prefix(above).map_err(|_| Errno::INVAL)?;
        let mut opened = above.to_owned();
        for part in below.components() {
            let Component::Normal(name) = part else {
                return Err(Errno::INVAL);
            };
            folder = Arc::new(openat(&*folder, name, FOLDER, Mode::empty())?);
            opened.push(name);
            if self.held.is_some() || opened == path {
                self.keep(&opened, &folder);
            }
        }
        Ok(folder)
    }

    /// The open folder that is nearest to a path: it or, below a root that is held, one above it. Below any other root, what
    /// is above it may be another one by now.
    fn nearest<'p>(&self, path: &'p Path) -> Option<(&'p Path, Arc<OwnedFd>)> {
        let reach = if self.held.is_some() { usize::MAX } else { 1 };
        let mut last = self.last.lock();
        let (at, above) = path.ancestors().take(reach).find_map(|above| {
            let is_it = |(path, _): &(PathBuf, _)| path.as_os_str() == above.as_os_str();
            Some((last.iter().position(is_it)?, above))
        })?;
        // What is used stays open for longest: files lie below few folders, and in many.
        let found = last.remove(at)?;
        let folder = Arc::clone(&found.1);
        last.push_front(found);
        Some((above, folder))
    }

    fn keep(&self, path: &Path, folder: &Arc<OwnedFd>) {
        let mut last = self.last.lock();
        last.truncate(OPEN - 1);
        last.push_front((path.to_owned(), Arc::clone(folder)));
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::fs::{Dev, fstat};

    use super::*;

    fn file_of(folder: &OwnedFd) -> (Dev, u64) {
        let stat = fstat(folder).unwrap();
        (stat.st_dev, stat.st_ino)
    }

    fn file_at(path: &Path) -> (Dev, u64) {
        file_of(&openat(CWD, path, FOLDER, Mode::empty()).unwrap())
    }

    #[test]
    fn each_folder_is_the_one_at_its_path_however_many_were_opened_before() {
        let root = tempfile::tempdir().unwrap();
        let folder = openat(CWD, root.path(), FOLDER, Mode::empty()).unwrap();
        let mut paths = vec![PathBuf::new()];
        for above in 0..3 {
            paths.push(format!("{above}").into());
            for below in 0..2 * OPEN {
                paths.push(format!("{above}/{below}").into());
                paths.push(format!("{above}/{below}/{above}").into());
            }
        }
        for path in &paths {
            fs::create_dir_all(root.path().join(path)).unwrap();
        }
        let rooted = [Rooted::held(root.path(), folder), Rooted::new(root.path())];
        for rooted in &rooted {
            for path in paths
                .iter()
                .chain(paths.iter().rev())
                .chain(paths.iter().step_by(7))
            {
                let opened = rooted.real(path).unwrap();
                assert_eq!(file_of(&opened), file_at(&root.path().join(path)), "{path:?}");
            }
            assert!(rooted.last.lock().len() <= OPEN);
        }
    }

    #[test]
    fn below_a_root_that_is_not_held_a_folder_is_looked_for_from_the_root() {
        let at = tempfile::tempdir().unwrap();
        let (live, before) = (at.path().join("live"), at.path().join("before"));
        for name in ["live/dam/one", "live/dam/two", "next/dam/two"] {
            fs::create_dir_all(at.path().join(name)).unwrap();
        }
        let rooted = Rooted::new(&live);
        rooted.real(Path::new("dam/one")).unwrap();
        fs::rename(&live, &before).unwrap();
        fs::rename(at.path().join("next"), &live).unwrap();
        let found = rooted.real(Path::new("dam/two")).unwrap();
        assert_eq!(file_of(&found), file_at(&live.join("dam/two")));
    }

    #[test]
    fn only_plain_paths_are_opened_and_no_link_is_followed() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        std::os::unix::fs::symlink("a", root.path().join("link")).unwrap();
        let folder = openat(CWD, root.path(), FOLDER, Mode::empty()).unwrap();
        let rooted = Rooted::held(root.path(), folder);
        rooted.real(Path::new("a/b")).unwrap();
        for path in ["/", "/a", "..", "a/..", "a/../a", "a/b/../b"] {
            assert_eq!(rooted.real(Path::new(path)).unwrap_err(), Errno::INVAL, "{path}");
        }
        for path in ["link", "link/b"] {
            let error = rooted.real(Path::new(path)).unwrap_err();
            assert!(matches!(error, Errno::LOOP | Errno::NOTDIR), "{path}: {error}");
        }
    }
}
