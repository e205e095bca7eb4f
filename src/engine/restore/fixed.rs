//! Files and folders in Live that nobody may change or remove, root neither, until a flag is taken away from them.
//!
//! A restore moves them aside with the folder that they are in, and then cannot remove them. What comes back in their
//! place has no such flag. Both are said beforehand.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, StatxAttributes, StatxFlags, openat, statx};

/// What was found in a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fixed {
    count: u64,
    first: Option<PathBuf>,
}

impl Fixed {
    /// Looks at everything in these folders. What cannot be looked at is told by whoever reads it.
    pub(super) fn below(folders: &[PathBuf]) -> Self {
        let mut found = Self::default();
        for folder in folders {
            if let Ok(open) = openat(CWD, folder, FOLDER, Mode::empty()) {
                found.look_into(&open, &mut folder.clone());
            }
        }
        found
    }

    fn look_into(&mut self, folder: &OwnedFd, place: &mut PathBuf) {
        let Ok(mut reader) = Dir::read_from(folder) else {
            return;
        };
        while let Some(Ok(entry)) = reader.read() {
            if matches!(entry.file_name().to_bytes(), b"." | b"..") {
                continue;
            }
            let name = entry.file_name().to_owned();
            place.push(std::ffi::OsStr::from_bytes(name.as_bytes()));
            self.look_at(folder, &name, place);
            place.pop();
        }
    }

    fn look_at(&mut self, folder: &OwnedFd, name: &CString, place: &mut PathBuf) {
        let asked = AtFlags::SYMLINK_NOFOLLOW;
        let Ok(told) = statx(folder, name, asked, StatxFlags::TYPE) else {
            return;
        };
        self.add(told.stx_attributes, place);
        if FileType::from_raw_mode(told.stx_mode.into()) == FileType::Directory
            && let Ok(below) = openat(folder, name, FOLDER, Mode::empty())
        {
            self.look_into(&below, place);
        }
    }

    fn add(&mut self, attributes: StatxAttributes, place: &Path) {
        if attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND) {
            self.count += 1;
            // The order of names in a folder is the file system's; what is named should be the same each time.
            if self.first.as_deref().is_none_or(|first| place < first) {
                self.first = Some(place.to_owned());
            }
        }
    }

    /// What a person has to know before a restore; `None` when there is nothing of the kind.
    pub(super) fn warning(&self) -> Option<String> {
        let first = self.first.as_ref()?.display();
        let (what, those) = match self.count {
            1 => (format!("{first} is"), "it"),
            count => (
                format!("{count} files and folders in Live, {first} first, are"),
                "them",
            ),
        };
        Some(format!(
            "{what} immutable or append-only: a restore cannot remove {those}, and what it replaced stays beside Live until \
             somebody does; what comes back is not immutable. `chattr -ia` takes the flags away"
        ))
    }
}

const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::RDONLY)
    .union(OFlags::CLOEXEC);

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn flags_are_counted_and_the_first_by_name_is_named() {
        let mut found = Fixed::default();
        assert_eq!(found.warning(), None);
        found.add(StatxAttributes::COMPRESSED, Path::new("/live/a"));
        assert_eq!(found.warning(), None);
        found.add(StatxAttributes::IMMUTABLE, Path::new("/live/c"));
        assert!(found.warning().unwrap().starts_with("/live/c is immutable"));
        found.add(StatxAttributes::APPEND, Path::new("/live/b"));
        let told = found.warning().unwrap();
        assert!(
            told.starts_with("2 files and folders in Live, /live/b first, are"),
            "{told}"
        );
    }

    #[test]
    fn they_are_found_at_every_depth() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("website/a/b");
        fs::create_dir_all(&deep).unwrap();
        fs::write(deep.join("page.xml"), "page").unwrap();
        std::os::unix::fs::symlink(folder.path(), deep.join("link")).unwrap();
        let folders = [folder.path().join("website"), folder.path().join("missing")];
        assert_eq!(Fixed::below(&folders), Fixed::default());
        let chattr = |flag: &str| {
            let mut command = Command::new("chattr");
            let done = command.arg(flag).arg(deep.join("page.xml")).stderr(Stdio::null());
            done.status().is_ok_and(|status| status.success())
        };
        // Only root may set it, and not on every file system.
        if chattr("+i") {
            let found = Fixed::below(&folders);
            assert!(chattr("-i"));
            assert_eq!((found.count, found.first), (1, Some(deep.join("page.xml"))));
        }
    }
}
