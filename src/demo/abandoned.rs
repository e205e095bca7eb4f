//! Sandboxes of demos that were killed: how a demo marks its own as in use, and how a later one clears those that nobody
//! uses any more.
//!
//! A demo holds a lock on a file in its sandbox for as long as it lives, and the system frees it however the demo ends. A
//! sandbox with such a file that can be locked is therefore nobody's. One without it is left alone: nobody can tell.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::DemoError;
use super::cluster::Cluster;

/// What the names of sandboxes that go with their demo begin with.
pub(super) const PREFIX: &str = "lifeboat-demo-";
/// The file that is locked.
const LOCK: &str = "demo.lock";

/// A sandbox's folder is in use until this is dropped.
#[derive(Debug)]
pub(super) struct InUse(#[allow(dead_code, reason = "the lock goes with the file")] File);

/// Makes the folder of a sandbox, which must not be there yet, and marks it as in use.
///
/// # Errors
/// [`DemoError::Io`].
pub(super) fn make(root: &Path) -> Result<InUse, DemoError> {
    // Whoever looks must never find the file without its lock, so it gets its name with the lock on it.
    let make = || -> io::Result<File> {
        fs::create_dir(root)?;
        let unnamed = root.join("demo.lock.new");
        let file = File::create_new(&unnamed)?;
        file.try_lock()?;
        fs::rename(&unnamed, root.join(LOCK))?;
        Ok(file)
    };
    make().map(InUse).map_err(|source| DemoError::Io {
        path: root.to_owned(),
        source,
    })
}

/// Removes the sandboxes in a folder for temporary files whose demos have ended without removing them, and stops the
/// database servers that these have left. Gives those that are gone. What cannot be removed stays for a later demo.
pub(super) fn clear(temporary: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(temporary) else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
        .filter(|root| clear_one(root))
        .collect()
}

/// Removes a sandbox unless it is another account's, or in use, or none.
fn clear_one(root: &Path) -> bool {
    let is_ours = fs::symlink_metadata(root)
        .is_ok_and(|found| found.is_dir() && found.uid() == rustix::process::geteuid().as_raw());
    if !is_ours {
        return false;
    }
    let Ok(lock) = File::open(root.join(LOCK)) else {
        return false;
    };
    if lock.try_lock().is_err() {
        return false;
    }
    let cluster = root.join("cluster");
    if Cluster::exists(&cluster) && !Cluster::end_abandoned(&cluster) {
        return false;
    }
    fs::remove_dir_all(root).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sandboxes_that_nobody_uses_any_more_are_cleared() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let used = make(&place("lifeboat-demo-1-1")).unwrap();
        drop(make(&place("lifeboat-demo-2-2")).unwrap());
        fs::write(place("lifeboat-demo-2-2").join("lifeboat.toml"), "").unwrap();
        // Made by nobody who marks what is in use, and something else altogether.
        fs::create_dir(place("lifeboat-demo-3-3")).unwrap();
        fs::create_dir(place("another")).unwrap();
        fs::write(place("another").join(LOCK), "").unwrap();
        std::os::unix::fs::symlink(place("another"), place("lifeboat-demo-4-4")).unwrap();

        assert_eq!(clear(folder.path()), [place("lifeboat-demo-2-2")]);
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(
            left,
            [
                "another",
                "lifeboat-demo-1-1",
                "lifeboat-demo-3-3",
                "lifeboat-demo-4-4"
            ]
        );
        assert!(place("another").join(LOCK).exists());

        drop(used);
        assert_eq!(clear(folder.path()), [place("lifeboat-demo-1-1")]);
    }

    #[test]
    fn a_folder_that_is_there_already_is_no_new_sandbox() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(make(folder.path()), Err(DemoError::Io { .. })));
    }
}
