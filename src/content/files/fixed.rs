//! What is in Live that a restore does not bring back as it was, or cannot take away.
//!
//! Files and folders that nobody may change or remove, root neither, until a flag is taken away from them: a restore moves
//! them aside with the folder that they are in, and then cannot remove them; what comes back in their place has no such
//! flag. Pipes, sockets and devices, which no backup holds. Set-uid and set-gid bits and capabilities of files, which let a
//! program do more than whoever starts it. All are said beforehand.

use std::ffi::CString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, StatxAttributes, StatxFlags, lgetxattr_query, openat, statx};

use crate::disk::held::{self, FOLDER};

/// How many there are of a kind, and the first by name.
#[derive(Debug, Default, PartialEq, Eq)]
struct Met {
    count: u64,
    first: Option<PathBuf>,
}

impl Met {
    fn add(&mut self, place: &Path) {
        self.count += 1;
        // The order of names in a folder is the file system's; what is named should be the same each time.
        if self.first.as_deref().is_none_or(|first| place < first) {
            self.first = Some(place.to_owned());
        }
    }

    /// The beginning of a sentence about them, which differs for one; `None` when there is none.
    fn told(&self, what: &str, one: &str, many: &str) -> Option<String> {
        let first = self.first.as_ref()?.display();
        Some(match self.count {
            1 => format!("{first} {one}"),
            count => format!("{count} {what} in Live, {first} first, {many}"),
        })
    }
}

/// What was found in a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fixed {
    /// Immutable or append-only.
    immutable: Met,
    /// Neither files nor folders nor links.
    odd: Met,
    /// With a set-uid or set-gid bit.
    set_ids: Met,
    /// With capabilities.
    capable: Met,
}

impl Fixed {
    /// Looks at everything in these folders. What cannot be looked at is told by whoever reads it.
    pub(super) fn below(folders: &[PathBuf]) -> Self {
        let mut found = Self::default();
        for folder in folders {
            if let Ok(open) = held::open(folder) {
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
        let Ok(told) = statx(folder, name, asked, StatxFlags::TYPE | StatxFlags::MODE) else {
            return;
        };
        self.add(told.stx_attributes, place);
        match FileType::from_raw_mode(told.stx_mode.into()) {
            FileType::Directory => {
                if let Ok(below) = openat(folder, name, FOLDER, Mode::empty()) {
                    self.look_into(&below, place);
                }
            }
            FileType::RegularFile => {
                if told.stx_mode & 0o6000 != 0 {
                    self.set_ids.add(place);
                }
                let path = held::handle(folder).join(std::ffi::OsStr::from_bytes(name.as_bytes()));
                if lgetxattr_query(&path, "security.capability").is_ok() {
                    self.capable.add(place);
                }
            }
            FileType::Symlink => {}
            _ => self.odd.add(place),
        }
    }

    fn add(&mut self, attributes: StatxAttributes, place: &Path) {
        if attributes.intersects(StatxAttributes::IMMUTABLE | StatxAttributes::APPEND) {
            self.immutable.add(place);
        }
    }

    /// What a person has to know before a restore, as sentences.
    pub(super) fn warnings(&self) -> impl Iterator<Item = String> {
        let those = if self.immutable.count == 1 { "it" } else { "them" };
        let fixed = self.immutable.told("files and folders", "is", "are").map(|told| {
            format!(
                "{told} immutable or append-only: a restore cannot remove {those}, and what it replaced stays beside Live until \
                 somebody does; what comes back is not immutable. `chattr -ia` takes the flags away"
            )
        });
        let odd = self.odd.told("things", "is", "are").map(|told| {
            format!(
                "{told} neither file, folder nor link (a named pipe, a socket, a device): no backup holds that, and after a \
                 restore it is gone"
            )
        });
        let set_ids = self.set_ids.told("files", "has", "have").map(|told| {
            format!(
                "{told} a set-uid or set-gid bit: what a restore brings back has none. Set it again by hand"
            )
        });
        let capable = self.capable.told("files", "has", "have").map(|told| {
            format!(
                "{told} capabilities (security.capability): no backup holds them, and what a restore brings back has none. Set \
                 them again with `setcap`"
            )
        });
        [fixed, odd, set_ids, capable].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn flags_are_counted_and_the_first_by_name_is_named() {
        let mut found = Fixed::default();
        assert_eq!(found.warnings().count(), 0);
        found.add(StatxAttributes::COMPRESSED, Path::new("/live/a"));
        assert_eq!(found.warnings().count(), 0);
        found.add(StatxAttributes::IMMUTABLE, Path::new("/live/c"));
        assert!(
            found
                .warnings()
                .next()
                .unwrap()
                .starts_with("/live/c is immutable")
        );
        found.add(StatxAttributes::APPEND, Path::new("/live/b"));
        let told = found.warnings().next().unwrap();
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
        let root = folder.path().canonicalize().unwrap();
        let deep = root.join("website/a/b");
        let folders = [root.join("website"), root.join("missing")];
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
            assert_eq!(
                (found.immutable.count, found.immutable.first),
                (1, Some(deep.join("page.xml")))
            );
        }
    }

    #[test]
    fn what_no_backup_holds_is_counted_and_named() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir(root.join("dam")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(root.join("dam/socket")).unwrap();
        for name in ["dam/b", "dam/a"] {
            fs::write(root.join(name), "program").unwrap();
            fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o4755)).unwrap();
        }
        let mut told: Vec<_> = Fixed::below(std::slice::from_ref(&root)).warnings().collect();
        let [odd, set_ids] = &told[..] else {
            panic!("{told:?}");
        };
        assert!(odd.contains("dam/socket is neither file"), "{odd}");
        assert!(
            set_ids.starts_with("2 files in Live, ") && set_ids.contains("dam/a first"),
            "{set_ids}"
        );
        let mut setcap = Command::new("setcap");
        setcap
            .arg("cap_net_bind_service+ep")
            .arg(root.join("dam/b"))
            .stderr(Stdio::null());
        if setcap.status().is_ok_and(|status| status.success()) {
            told = Fixed::below(&[root]).warnings().collect();
            assert!(
                told.last().unwrap().contains("dam/b has capabilities"),
                "{told:?}"
            );
        }
    }
}
