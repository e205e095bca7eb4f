//! How much room a file system has, in bytes and in files.

use std::io;
use std::path::Path;

use rustix::fs::{stat, statvfs};

/// How many bytes are free where a folder is.
///
/// # Errors
/// What the system says, behind what was asked.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<u64> {
    statvfs(folder)
        .map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize))
        .map_err(|error| {
            let place = folder.display();
            io::Error::new(
                error.kind(),
                format!("the free room in {place} cannot be told: {error}"),
            )
        })
}

/// How many more files the file system of a folder can have. `None` where that has no end, or nobody knows.
pub(crate) fn free_items(folder: &Path) -> Option<u64> {
    let stat = statvfs(folder).ok()?;
    (stat.f_files > 0).then_some(stat.f_favail)
}

/// Whether two folders are on one file system.
pub(crate) fn same_disk(folder: &Path, other: &Path) -> bool {
    let device = |path: &Path| stat(path).map(|stat| stat.st_dev).ok();
    device(folder).is_some_and(|first| device(other) == Some(first))
}
