//! Puts folders, files and links on disk with the times that they are to have.

use std::fs::{self, Metadata};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use super::DemoContentError;
use crate::domain::Instant;

/// How much was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Folders, files and links.
    pub items: u64,
    /// Bytes in files.
    pub bytes: u64,
}

/// A folder that is being filled. Times of folders are set by [`Tree::finish`], since each new child changes them.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    root: &'a Path,
    folders: Vec<(PathBuf, Instant)>,
    written: Written,
}

impl<'a> Tree<'a> {
    pub(super) fn in_folder(root: &'a Path) -> Result<Self, DemoContentError> {
        fs::create_dir_all(root).map_err(DemoContentError::when("creating", root))?;
        Ok(Self {
            root,
            folders: Vec::new(),
            written: Written::default(),
        })
    }

    /// Makes a folder; the ones above it have to be there.
    pub(super) fn folder(&mut self, path: &str, modified: Instant) -> Result<(), DemoContentError> {
        let path = self.root.join(path);
        fs::create_dir(&path).map_err(DemoContentError::when("creating", &path))?;
        self.written.items += 1;
        self.folders.push((path, modified));
        Ok(())
    }

    pub(super) fn file(
        &mut self,
        path: &str,
        content: &[u8],
        modified: Instant,
    ) -> Result<(), DemoContentError> {
        let path = self.root.join(path);
        put(&path, content, modified)?;
        self.written.items += 1;
        self.written.bytes += u64::try_from(content.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    pub(super) fn link(
        &mut self,
        path: &str,
        target: &str,
        modified: Instant,
    ) -> Result<(), DemoContentError> {
        let path = self.root.join(path);
        symlink(target, &path).map_err(DemoContentError::when("linking", &path))?;
        self.written.items += 1;
        set_time(&path, modified)
    }

    /// Sets the permissions of something that was written.
    pub(super) fn permissions(&mut self, path: &str, mode: u32) -> Result<(), DemoContentError> {
        let path = self.root.join(path);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))
            .map_err(DemoContentError::when("setting the permissions of", &path))
    }

    /// Sets the folders' times, the inner ones first.
    pub(super) fn finish(self) -> Result<Written, DemoContentError> {
        for (path, modified) in self.folders.iter().rev() {
            set_time(path, *modified)?;
        }
        Ok(self.written)
    }
}

/// Writes a file with its time.
pub(super) fn put(path: &Path, content: &[u8], modified: Instant) -> Result<(), DemoContentError> {
    fs::write(path, content).map_err(DemoContentError::when("writing", path))?;
    set_time(path, modified)
}

/// Sets when a folder, a file or a link itself was changed.
pub(super) fn set_time(path: &Path, modified: Instant) -> Result<(), DemoContentError> {
    let time = Timespec {
        tv_sec: modified.timestamp(),
        tv_nsec: i64::from(modified.timestamp_subsec_nanos()),
    };
    let times = Timestamps {
        last_access: time,
        last_modification: time,
    };
    utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)
        .map_err(|error| DemoContentError::when("setting the time of", path)(error.into()))
}

/// Everything below a folder, without the folder itself: paths below it, parents before children, the children of a
/// folder by the bytes of their names. Links are not followed.
pub(super) fn walk(root: &Path) -> Result<Vec<(PathBuf, Metadata)>, DemoContentError> {
    let mut found = Vec::new();
    walk_into(root, Path::new(""), &mut found)?;
    Ok(found)
}

fn walk_into(
    root: &Path,
    below: &Path,
    found: &mut Vec<(PathBuf, Metadata)>,
) -> Result<(), DemoContentError> {
    let folder = root.join(below);
    let mut names = fs::read_dir(&folder)
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name()))
                .collect::<Result<Vec<_>, _>>()
        })
        .map_err(DemoContentError::when("reading", &folder))?;
    names.sort_unstable();
    for name in names {
        let path = below.join(name);
        let full = root.join(&path);
        let metadata = full
            .symlink_metadata()
            .map_err(DemoContentError::when("reading", &full))?;
        let is_folder = metadata.is_dir();
        found.push((path.clone(), metadata));
        if is_folder {
            walk_into(root, &path, found)?;
        }
    }
    Ok(())
}
