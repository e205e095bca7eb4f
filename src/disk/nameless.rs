//! Whether a folder takes what is written, tried in a file without a name: whoever is ended in the middle leaves nothing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::OFlags;

/// Bytes that are written to see whether any are taken.
const TRY: usize = 4096;
/// How the names begin that such files have for a moment, where a file system makes none without.
const NAMED: &str = ".lifeboat-try-";
/// What is so old is of nobody who is still at it.
const LEFT: Duration = Duration::from_hours(1);
/// So many names are tried: of those that are taken, each was left by somebody who was ended in that moment.
const NAMES: usize = 1000;

/// Makes a file in a folder, writes into it and brings that to disk. It is gone afterwards, whatever happens, wherever the file
/// system knows files without a name; elsewhere it has one until it is written.
///
/// # Errors
/// What the system said.
pub(crate) fn try_to_write(folder: &Path) -> io::Result<()> {
    let nameless = OFlags::TMPFILE.bits().cast_signed();
    let made = File::options()
        .write(true)
        .custom_flags(nameless)
        .mode(0o600)
        .open(folder);
    // Some file systems of networks make none without a name, and say so in one of several ways. What is wrong with the folder is
    // said again by the other way.
    let written = match made {
        Ok(file) => fill(file),
        Err(_) => named(folder),
    };
    clear_left(folder, written?);
    Ok(())
}

/// Gives when it was written, by the clock of the file system.
fn fill(mut file: File) -> io::Result<SystemTime> {
    file.write_all(&[0; TRY])?;
    file.sync_all()?;
    file.metadata()?.modified()
}

/// The same with a file that has a name.
fn named(folder: &Path) -> io::Result<SystemTime> {
    let process = std::process::id();
    for number in 0..NAMES {
        let path = folder.join(format!("{NAMED}{process}-{number}"));
        match File::options()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
        {
            Ok(file) => {
                let written = fill(file);
                return match fs::remove_file(&path) {
                    // Somebody else has taken it for one that was left.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => written,
                    removed => written.and_then(|at| removed.map(|()| at)),
                };
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Removes what was left in a folder by those who were ended in the middle: what is older than an hour by `now`. Nobody else's files
/// are called so, and no look takes as long.
fn clear_left(folder: &Path, now: SystemTime) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(NAMED);
        let written = entry.metadata().and_then(|about| about.modified());
        let is_old = written.is_ok_and(|written| now.duration_since(written).is_ok_and(|age| age > LEFT));
        if is_ours && is_old {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_to_see_whether_it_is_taken_has_no_name() {
        let folder = tempfile::tempdir().unwrap();
        try_to_write(folder.path()).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let missing = try_to_write(&folder.path().join("missing")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_name_that_somebody_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(format!("{NAMED}{}-0", std::process::id()));
        fs::write(&left, "left").unwrap();
        named(folder.path()).unwrap();
        assert_eq!(fs::read(&left).unwrap(), b"left");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(folder.path().join("another"), "").unwrap();
        let written = fs::metadata(&left).unwrap().modified().unwrap();
        clear_left(folder.path(), written + Duration::from_mins(59));
        assert!(left.exists());
        clear_left(folder.path(), written + Duration::from_mins(61));
        assert!(!left.exists());
        assert!(folder.path().join("another").exists());
    }
}
