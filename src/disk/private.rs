//! Folders and files that nobody but their owner can look into, whatever the umask: repositories and the state.
//!
//! A folder that an administrator has opened to its group stays so, and what is made in it is the group's as well. To
//! all others nothing is ever opened.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

/// What everybody else may do, in a mode.
const OTHERS: u32 = 0o007;

/// The permissions of the owner, and of the group as far as it may use a folder of this mode.
fn mode_in(folder: u32) -> u32 {
    0o700 | folder & 0o070
}

/// The mode of what is made in a folder: `0o700` or more for folders. Without execution it is that of files.
pub(crate) fn mode_below(folder: &Path) -> u32 {
    std::fs::metadata(folder).map_or(0o700, |about| mode_in(about.mode()))
}

/// Makes a folder and those above it, as far as they are not there.
///
/// # Errors
/// What the system said.
pub(crate) fn folders(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Makes a file, or empties the one that is there.
///
/// # Errors
/// What the system said.
pub(crate) fn file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(path)
}

/// Makes a file that is not there yet.
///
/// # Errors
/// What the system said, also that it is there.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(path)
}

/// Whether everybody on this machine can look into a folder, or write to it: those above it let them through as well.
pub(crate) fn is_open_to_all(folder: &Path) -> bool {
    let mode = |path: &Path| std::fs::metadata(path).map_or(0, |about| about.mode());
    let Ok(folder) = std::fs::canonicalize(folder) else {
        return false;
    };
    mode(&folder) & OTHERS != 0 && folder.ancestors().skip(1).all(|above| mode(above) & 0o001 != 0)
}

/// Who can write to a folder besides its owner's own account and root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writers {
    /// All accounts of this machine.
    Everybody,
    /// The account that it belongs to, which is neither this process's nor root.
    Owner(u32),
}

/// Who can write to a folder, or to a file that lies directly in it, and should not. `None` also where nobody can tell.
pub(crate) fn writers(folder: &Path) -> Option<Writers> {
    let folder = std::fs::canonicalize(folder).ok()?;
    let about = std::fs::metadata(&folder).ok()?;
    let me = rustix::process::geteuid();
    if about.uid() != me.as_raw() && about.uid() != 0 {
        return Some(Writers::Owner(about.uid()));
    }
    let above = folder.ancestors().skip(1).map(std::fs::metadata);
    let is_reached = above
        .filter_map(Result::ok)
        .all(|above| above.mode() & 0o001 != 0);
    let inside = std::fs::read_dir(&folder).ok()?;
    let is_open = |about: &Metadata| about.mode() & 0o002 != 0 && !about.is_symlink();
    let is_open_inside = || {
        let mut entries = inside.flatten().filter_map(|entry| entry.metadata().ok());
        about.mode() & 0o001 != 0 && entries.any(|about| is_open(&about))
    };
    (is_reached && (is_open(&about) || is_open_inside())).then_some(Writers::Everybody)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_made_is_its_owners_and_what_is_open_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let deep = folder.path().join("a/b");
        folders(&deep).unwrap();
        let path = deep.join("file");
        drop(file(&path).unwrap());
        for (path, mode) in [
            (folder.path().join("a"), 0o700),
            (deep.clone(), 0o700),
            (path, 0o600),
        ] {
            assert_eq!(
                fs::metadata(&path).unwrap().mode() & 0o777,
                mode,
                "{}",
                path.display()
            );
        }
        assert_eq!(mode_below(&deep), 0o700);
        set(&deep, 0o2775);
        assert_eq!(mode_below(&deep), 0o770, "its group's, and no more");
        assert!(!is_open_to_all(&deep), "nobody gets there");
        set(folder.path(), 0o711);
        set(&folder.path().join("a"), 0o711);
        assert!(is_open_to_all(&deep));
        set(&deep, 0o2770);
        assert!(!is_open_to_all(&deep));
    }
    #[test]
    fn who_can_write_to_a_folder_or_to_what_is_in_it_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let set = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        set(folder.path(), 0o700);
        let state = folder.path().join("state");
        folders(&state).unwrap();
        let catalog = state.join("catalog");
        drop(file(&catalog).unwrap());
        assert_eq!(writers(&state), None);
        set(&state, 0o777);
        assert_eq!(writers(&state), None, "nobody gets there");
        set(folder.path(), 0o711);
        assert_eq!(writers(&state), Some(Writers::Everybody));
        set(&state, 0o755);
        assert_eq!(writers(&state), None);
        set(&catalog, 0o666);
        assert_eq!(writers(&state), Some(Writers::Everybody));
        set(&state, 0o750);
        assert_eq!(writers(&state), None);
        // Only root can give a folder away.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&state, Some(65_534), None).unwrap();
            assert_eq!(writers(&state), Some(Writers::Owner(65_534)));
        }
    }
}
