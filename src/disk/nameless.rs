//! Whether a folder takes what is written, tried in a file without a name: whoever is ended in the middle leaves nothing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// Bytes that are written to see whether any are taken.
const TRY: usize = 4096;
/// How the names begin that such files have for a moment, where a file system makes none without.
const NAMED: &str = ".lifeboat-try-";
/// So many names are tried: of those that are taken, each was left by somebody who was ended in that moment.
const NAMES: usize = 1000;

/// Makes a file in a folder, writes into it and brings that to disk. It is gone afterwards, whatever happens.
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
    let mut file = made.or_else(|_| unlinked(folder))?;
    file.write_all(&[0; TRY])?;
    file.sync_all()
}

/// A file whose name is gone as soon as it is there.
fn unlinked(folder: &Path) -> io::Result<File> {
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
                fs::remove_file(&path)?;
                return Ok(file);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Removes what earlier versions have left in a folder where they were ended in the middle. Nobody else's files are called so,
/// and a look of theirs that is under way only says that its file is gone.
pub(crate) fn clear_left(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(NAMED) {
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
        let mut file = unlinked(folder.path()).unwrap();
        file.write_all(b"new").unwrap();
        assert_eq!(fs::read(&left).unwrap(), b"left");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(folder.path().join("another"), "").unwrap();
        clear_left(folder.path());
        assert!(!left.exists());
        assert!(folder.path().join("another").exists());
    }
}
