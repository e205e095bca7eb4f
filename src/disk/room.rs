//! How much room a file system has, in bytes and in files.

use std::path::Path;

use rustix::fs::{stat, statvfs};

use crate::domain::os_error::in_words;

/// How many bytes are free where a folder is.
///
/// # Errors
/// A sentence.
pub(crate) fn free_bytes(folder: &Path) -> Result<u64, String> {
    statvfs(folder)
        .map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize))
        .map_err(|error| {
            format!(
                "the free room in {} cannot be told: {error}",
                folder.display(),
                error = in_words(&error.into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_is_said_in_words() {
        let why = free_bytes(Path::new("/nonexistent")).unwrap_err();
        assert_eq!(
            why,
            "the free room in /nonexistent cannot be told: No such file or directory"
        );
    }
}
