//! Folders that are held by what was opened and not by their paths.
//!
//! Lifeboat often runs as root beside folders of another account, which may rename, link and swap whatever lies in folders
//! of its own, at any moment. So a path is walked part by part, through no link; what was made is held open, and worked on
//! by that; and what is met again later is known by its [`Identity`].

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Dir, FileType, Mode, OFlags, fstat, mkdirat, openat, readlinkat};
use rustix::io::Errno;

pub use super::identity::Identity;

/// How a folder is opened to be read: never through a link.
pub(crate) const FOLDER: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::RDONLY)
    .union(OFlags::CLOEXEC);

/// How a folder is opened that is only passed through: it need not be readable.
const PASSED: OFlags = OFlags::DIRECTORY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::PATH)
    .union(OFlags::CLOEXEC);

/// As many links are followed on one way, as the system does.
const LINKS: usize = 40;

/// Opens a folder by a path in which no part may be a link.
///
/// # Errors
/// What the system said; that a part of the path is a link, or no folder.
pub(crate) fn open(path: &Path) -> io::Result<OwnedFd> {
    let (mut folder, mut place) = beginning(path)?;
    for part in path.components() {
        let Component::Normal(name) = part else { continue };
        place.push(name);
        folder = openat(&folder, name, PASSED, Mode::empty()).map_err(|error| not_walked(&place, error))?;
    }
    read_again(&folder)
}

/// Opens the folder that holds what a path names, as [`open`] does, and gives the name in it.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_parent(path: &Path) -> io::Result<(OwnedFd, OsString)> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::other(format!(
            "there is no place beside {}",
            path.display()
        )));
    };
    Ok((open(parent)?, name.to_owned()))
}

/// Another descriptor of an open folder, to read from its beginning.
///
/// # Errors
/// What the system said.
pub(crate) fn read_again(folder: impl AsFd) -> io::Result<OwnedFd> {
    let flags = FOLDER.difference(OFlags::NOFOLLOW);
    Ok(openat(folder, c".", flags, Mode::empty())?)
}

/// Makes a folder that only Lifeboat's own account can look into, and holds it. `place` is its path, for messages.
///
/// # Errors
/// What the system said; that something else stood in its place when it was opened.
pub(crate) fn make(parent: impl AsFd, name: &OsStr, place: &Path) -> io::Result<OwnedFd> {
    mkdirat(&parent, name, Mode::RWXU)?;
    let replaced = || {
        io::Error::other(format!(
            "something else took the place of {} right after it was made: whoever can write to the folder that holds it is at \
             work there. Nothing was written to it",
            place.display()
        ))
    };
    let folder = match openat(&parent, name, FOLDER, Mode::empty()) {
        Err(Errno::NOTDIR | Errno::LOOP | Errno::NOENT) => return Err(replaced()),
        opened => opened?,
    };
    // The system does not tell what it made. What another account puts there instead does not belong to this one, or is
    // an empty folder of this one's that nobody else can look into: as good as what was made.
    let about = fstat(&folder)?;
    if about.st_uid != rustix::process::geteuid().as_raw() || about.st_mode & 0o077 != 0 {
        return Err(replaced());
    }
    if !names(&folder)?.is_empty() {
        return Err(replaced());
    }
    Ok(folder)
}

/// What stands where Lifeboat has made a folder.
#[derive(Debug)]
pub(crate) enum Met {
    /// That folder.
    Ours(OwnedFd),
    /// Something else, which is nobody's to touch.
    Stranger,
    /// Nothing.
    Nothing,
}

/// Opens a folder that Lifeboat has made, by a path in which no part may be a link. Without knowing which one it was, any
/// that belongs to its account is taken for it: no other account can put one of those there.
///
/// # Errors
/// What the system said.
pub(crate) fn meet(path: &Path, made: Option<Identity>) -> io::Result<Met> {
    let (parent, name) = match open_parent(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Met::Nothing),
        opened => opened?,
    };
    let folder = match openat(&parent, &name, FOLDER, Mode::empty()) {
        Err(Errno::NOENT) => return Ok(Met::Nothing),
        Err(Errno::NOTDIR | Errno::LOOP) => return Ok(Met::Stranger),
        opened => opened?,
    };
    let is_ours = fstat(&folder)?.st_uid == rustix::process::geteuid().as_raw();
    let is_it = made.is_none_or(|made| Identity::of_open(&folder).is_ok_and(|met| met == made));
    Ok(if is_ours && is_it {
        Met::Ours(folder)
    } else {
        Met::Stranger
    })
}

/// The names in an open folder, without the two that every folder has.
///
/// # Errors
/// What the system said.
pub(crate) fn names(folder: impl AsFd) -> io::Result<Vec<OsString>> {
    let mut names = Vec::new();
    let mut reader = Dir::new(read_again(folder)?)?;
    while let Some(entry) = reader.read() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if !matches!(name, b"." | b"..") {
            names.push(OsString::from_vec(name.to_vec()));
        }
    }
    Ok(names)
}

/// The path of what is open, as the system knows it now.
pub(crate) fn place_of(open: impl AsFd) -> Option<PathBuf> {
    std::fs::read_link(handle(open)).ok()
}

/// A path that leads to what is open, whatever becomes of the one that it was opened by.
pub(crate) fn handle(open: impl AsFd) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", open.as_fd().as_raw_fd()))
}

/// A folder, and the path that it was reached by.
#[derive(Debug)]
pub(crate) struct Reached {
    /// The open folder.
    pub(crate) folder: OwnedFd,
    /// Its path, without links.
    pub(crate) place: PathBuf,
}

/// Which links are followed on a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Follow {
    /// Where nobody but root and Lifeboat's own account can have put them.
    Ours,
    /// And those of an account that lead to a folder of its own.
    Own,
}

/// Opens a folder by a path in which a link is followed only where nobody but root and Lifeboat's own account can have put
/// it.
///
/// # Errors
/// What the system said; which link is not followed.
pub(crate) fn reach(path: &Path) -> io::Result<Reached> {
    walk(path, Follow::Ours)
}

/// Gives the path of a folder with links resolved. The link of another account is followed to a folder that belongs to that
/// account, and to no other: whatever it leads to is about to be read, moved and removed.
///
/// # Errors
/// What the system said; which link is not followed.
pub(crate) fn resolve(path: &Path) -> io::Result<PathBuf> {
    walk(path, Follow::Own).map(|reached| reached.place)
}

fn walk(path: &Path, follow: Follow) -> io::Result<Reached> {
    let mine = rustix::process::geteuid().as_raw();
    let is_ours = |owner: u32| owner == 0 || owner == mine;
    let mut parts: VecDeque<OsString> = parts(path).collect();
    let (mut folder, mut place) = beginning(path)?;
    let mut followed = Vec::new();
    let mut links = 0;
    while let Some(name) = parts.pop_front() {
        if name == ".." {
            place.pop();
            folder = openat(&folder, c"..", PASSED, Mode::empty())?;
            continue;
        }
        let below = place.join(&name);
        let flags = PASSED.difference(OFlags::DIRECTORY);
        let next = openat(&folder, &name, flags, Mode::empty()).map_err(|error| not_walked(&below, error))?;
        let about = fstat(&next)?;
        match FileType::from_raw_mode(about.st_mode) {
            FileType::Directory => {
                folder = next;
                place = below;
            }
            FileType::Symlink => {
                let holder = fstat(&folder)?;
                // In a folder like /tmp (with 0o1000) nobody can take away what belongs to others.
                let is_open = holder.st_mode & 0o022 != 0 && holder.st_mode & 0o1000 == 0;
                let is_trusted =
                    is_ours(about.st_uid) && (follow == Follow::Own || is_ours(holder.st_uid) && !is_open);
                match follow {
                    _ if is_trusted => {}
                    Follow::Own => followed.push((below, about.st_uid)),
                    Follow::Ours => {
                        return Err(io::Error::other(format!(
                            "{} is a symbolic link that other accounts than root's can put there, so it is not followed: \
                             name the folder that it leads to",
                            below.display()
                        )));
                    }
                }
                links += 1;
                if links > LINKS {
                    return Err(Errno::LOOP.into());
                }
                let target = readlinkat(&next, c"", Vec::new())?.into_bytes();
                let target = PathBuf::from(OsString::from_vec(target));
                for part in self::parts(&target).collect::<Vec<_>>().into_iter().rev() {
                    parts.push_front(part);
                }
                if target.is_absolute() {
                    (folder, place) = beginning(&target)?;
                }
            }
            _ => return Err(not_walked(&below, Errno::NOTDIR)),
        }
    }
    let owner = fstat(&folder)?.st_uid;
    if let Some((link, account)) = followed.iter().find(|(_, account)| *account != owner) {
        return Err(io::Error::other(format!(
            "{} is a symbolic link of user {account}, and leads to {}, which belongs to user {owner}: it is not followed. Name \
             the folder itself, if it is the right one",
            link.display(),
            place.display()
        )));
    }
    Ok(Reached {
        folder: read_again(&folder)?,
        place,
    })
}

/// The names on a way, and `..` as one of them.
fn parts(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    })
}

/// Where the walk along a path begins.
fn beginning(path: &Path) -> io::Result<(OwnedFd, PathBuf)> {
    let (name, place) = if path.is_absolute() {
        (c"/", PathBuf::from("/"))
    } else {
        (c".", PathBuf::new())
    };
    Ok((openat(CWD, name, PASSED, Mode::empty())?, place))
}

fn not_walked(place: &Path, error: Errno) -> io::Error {
    match error {
        Errno::NOTDIR | Errno::LOOP => io::Error::new(
            io::ErrorKind::NotADirectory,
            format!(
                "{} is a symbolic link or no folder, where there was a folder: links are not followed here",
                place.display()
            ),
        ),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    /// Only root can play another account.
    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    #[test]
    fn an_account_that_swaps_what_is_made_at_once_gets_nothing() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let (place, other) = (root.join("made"), root.join("other"));
        fs::create_dir(&other).unwrap();
        fs::write(other.join("kept"), "kept").unwrap();
        let (parent, name) = open_parent(&place).unwrap();
        let is_over = std::sync::atomic::AtomicBool::new(false);
        let seen = std::sync::atomic::Ordering::SeqCst;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !is_over.load(seen) {
                    if fs::rename(&place, root.join("away")).is_ok() {
                        let _ = symlink(&other, &place);
                        let _ = fs::remove_dir(root.join("away"));
                    }
                }
            });
            for _ in 0..500 {
                if let Ok(folder) = make(&parent, &name, &place) {
                    let made = Identity::of_open(&folder).unwrap();
                    assert_ne!(made, Identity::of(&other).unwrap().unwrap());
                }
                let _ = fs::remove_file(&place);
            }
            is_over.store(true, seen);
        });
        assert_eq!(fs::read_to_string(other.join("kept")).unwrap(), "kept");
    }

    /// An account that owns nothing else.
    const ACCOUNT: u32 = 65_534;

    #[test]
    fn no_part_of_a_path_is_a_link() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        symlink(root.join("a"), root.join("link")).unwrap();
        open(&root.join("a/b")).unwrap();
        assert_eq!(open_parent(&root.join("a/b/c")).unwrap().1, "c");
        for led in ["link", "link/b"] {
            let told = open(&root.join(led)).unwrap_err().to_string();
            assert!(told.contains("link is a symbolic link"), "{told}");
        }
        let gone = open(&root.join("gone/b")).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn what_takes_the_place_of_a_folder_of_lifeboats_is_a_stranger() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let place = root.join("made");
        let (parent, name) = open_parent(&place).unwrap();
        let folder = make(&parent, &name, &place).unwrap();
        let made = Identity::of_open(&folder).unwrap();
        assert!(matches!(meet(&place, Some(made)).unwrap(), Met::Ours(_)));
        assert!(matches!(meet(&place, None).unwrap(), Met::Ours(_)));
        assert!(make(&parent, &name, &place).is_err());
        fs::rename(&place, root.join("away")).unwrap();
        assert!(matches!(meet(&place, Some(made)).unwrap(), Met::Nothing));
        symlink(root.join("away"), &place).unwrap();
        assert!(matches!(meet(&place, Some(made)).unwrap(), Met::Stranger));
        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        assert!(matches!(meet(&place, Some(made)).unwrap(), Met::Stranger));
        if is_root() {
            chown(&place, Some(ACCOUNT), None).unwrap();
            assert!(matches!(meet(&place, None).unwrap(), Met::Stranger));
        }
        assert_eq!(place_of(&folder).unwrap(), root.join("away"));
    }

    #[test]
    fn a_link_is_followed_where_nobody_else_can_have_put_it() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(root.join("a/b")).unwrap();
        symlink("../a", root.join("a/up")).unwrap();
        symlink(root.join("a"), root.join("link")).unwrap();
        let reached = reach(&root.join("link/up/b")).unwrap();
        assert_eq!(reached.place, root.join("a/b"));
        symlink("loop", root.join("loop")).unwrap();
        assert!(reach(&root.join("loop")).is_err());
        let refused = |path: &Path| {
            let told = reach(path).unwrap_err().to_string();
            assert!(told.contains("it is not followed"), "{told}");
        };
        fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).unwrap();
        refused(&root.join("link/b"));
        assert_eq!(resolve(&root.join("link/b")).unwrap(), root.join("a/b"));
        fs::set_permissions(&root, fs::Permissions::from_mode(0o1777)).unwrap();
        reach(&root.join("link/b")).unwrap();
        if is_root() {
            std::os::unix::fs::lchown(root.join("link"), Some(ACCOUNT), None).unwrap();
            refused(&root.join("link/b"));
            let told = resolve(&root.join("link")).unwrap_err().to_string();
            assert!(told.contains("link is a symbolic link of user 65534"), "{told}");
            chown(root.join("a"), Some(ACCOUNT), None).unwrap();
            assert_eq!(resolve(&root.join("link")).unwrap(), root.join("a"));
            assert!(
                resolve(&root.join("link/b")).is_err(),
                "what is below is not the account's"
            );
        }
    }
}
