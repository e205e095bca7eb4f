//! Removing a folder that Lifeboat has made, with everything in it, and nothing else.
//!
//! Links are removed and never followed, and a mount is never entered: what is mounted in such a folder belongs to somebody
//! else, whoever mounted it there. Both hold while others work on the same folder, since everything goes by handles of
//! folders and not by paths.

use std::ffi::{CString, OsStr};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags, chmodat, fchmod, openat, statat, unlinkat};
use rustix::io::Errno;

use super::held::{self, FOLDER, Identity, Met};
use super::mounts::{self, Mount};

/// Removes a folder and everything in it. One that is not there is no error. Folders that forbid it are opened first.
///
/// # Errors
/// What the system said; that something is mounted in it, in which case nothing is removed.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    let (Some(above), Some(name)) = (folder.parent(), folder.file_name()) else {
        return Err(io::Error::other(format!(
            "{} is no folder of Lifeboat's",
            folder.display()
        )));
    };
    let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
    let above = if above == Path::new("") {
        Path::new(".")
    } else {
        above
    };
    match openat(CWD, above, flags, Mode::empty()) {
        Err(Errno::NOENT) => Ok(()),
        parent => remove_from(parent?, name, folder, None).map(|_| ()),
    }
}

/// Removes a folder that Lifeboat has made, of which it knows which one it was or nothing, by a path in which no part may
/// be a link. Gives whether it is gone: what has taken its place is left alone.
///
/// # Errors
/// As [`remove`].
pub(crate) fn remove_made(folder: &Path, made: Option<Identity>) -> io::Result<bool> {
    remove_made_while(folder, made, &mut || true)
}

/// As [`remove_made`], asking before everything in it whether to go on.
///
/// # Errors
/// As [`remove`]; [`io::ErrorKind::Interrupted`] when it was not to go on: the rest is still there.
pub(crate) fn remove_made_while(
    folder: &Path,
    made: Option<Identity>,
    goes_on: &mut dyn FnMut() -> bool,
) -> io::Result<bool> {
    // Which one it is when it is known only that it is one of Lifeboat's is what is open now.
    let made = match held::meet(folder, made) {
        // Where nobody may look into it, it is opened by force below.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied && made.is_some() => made,
        Err(error) => return Err(error),
        Ok(Met::Nothing) => return Ok(true),
        Ok(Met::Stranger) => return Ok(false),
        Ok(Met::Ours(open)) => Some(Identity::of_open(&open)?),
    };
    let (parent, name) = held::open_parent(folder)?;
    remove_from_while(parent, &name, folder, made, goes_on)
}

/// Removes a folder in an open one, if it is the one that is meant. `place` is its path, for messages. Gives whether it is
/// gone.
///
/// # Errors
/// As [`remove`].
pub(crate) fn remove_from(
    parent: impl AsFd,
    name: &OsStr,
    place: &Path,
    meant: Option<Identity>,
) -> io::Result<bool> {
    remove_from_while(parent, name, place, meant, &mut || true)
}

fn remove_from_while(
    parent: impl AsFd,
    name: &OsStr,
    place: &Path,
    meant: Option<Identity>,
    goes_on: &mut dyn FnMut() -> bool,
) -> io::Result<bool> {
    let name = CString::new(name.as_bytes())?;
    let open = match open_in(&parent, &name) {
        Err(Errno::NOENT) => return Ok(true),
        Err(Errno::NOTDIR | Errno::LOOP) if meant.is_some() => return Ok(false),
        Err(Errno::NOTDIR | Errno::LOOP) => {
            return Err(io::Error::other(format!(
                "{} is not a folder, so Lifeboat has not made it: it is left alone",
                place.display()
            )));
        }
        opened => opened?,
    };
    if let Some(meant) = meant
        && Identity::of_open(&open)? != meant
    {
        return Ok(false);
    }
    is_seen_by_nobody_else(&open, place)?;
    let mount = Mount::of(&open)?;
    empty(&open, mount, &mut place.to_owned(), goes_on)?;
    match unlinkat(&parent, &name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Makes sure that nothing is mounted in an open folder, and that nobody sees it somewhere else as well.
///
/// # Errors
/// Which mount it is; what the system said.
pub(crate) fn is_seen_by_nobody_else(open: impl AsFd, place: &Path) -> io::Result<()> {
    // The path as the list of mounts has it. That list cannot be read in every container; no mount is entered anyway.
    let resolved = held::place_of(open).map_or_else(|| place.canonicalize(), Ok)?;
    if let Some(mount) = mounts::at_or_below(&resolved).unwrap_or_default().first() {
        return Err(mounted(mount));
    }
    if let Some(seen) = mounts::elsewhere(&resolved).first() {
        return Err(io::Error::other(format!(
            "{} is mounted on {}{} as well, and whoever reads it there would see it emptied: remove it when nobody does",
            place.join(&seen.part).display(),
            seen.point.display(),
            seen.process.map_or_else(String::new, |process| format!(
                " for process {process} and others with the same mounts"
            ))
        )));
    }
    Ok(())
}

fn mounted(place: &Path) -> io::Error {
    io::Error::other(format!(
        "something is mounted on {}, and what is mounted is not Lifeboat's to remove: unmount it first",
        place.display()
    ))
}

/// Opens a folder. One of our own that lets nobody in is opened by force: it is about to be removed.
fn open_in(parent: impl AsFd, name: &CString) -> rustix::io::Result<OwnedFd> {
    match openat(&parent, name, FOLDER, Mode::empty()) {
        Err(Errno::ACCESS) => {
            // By what is held, and not by its name: a link may take its place, and would be followed.
            let passed = FOLDER.difference(OFlags::RDONLY) | OFlags::PATH;
            let passed = held::handle(&openat(&parent, name, passed, Mode::empty())?);
            chmodat(CWD, &passed, Mode::RWXU, AtFlags::empty())?;
            openat(CWD, &passed, FOLDER.difference(OFlags::NOFOLLOW), Mode::empty())
        }
        opened => opened,
    }
}

/// Removes everything in an open folder. `place` is its path, for messages.
fn empty(
    folder: &OwnedFd,
    mount: Mount,
    place: &mut PathBuf,
    goes_on: &mut dyn FnMut() -> bool,
) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        // Without the right to write into it nothing in it can be removed. If this fails, so does that, and says so.
        let _ = fchmod(folder, Mode::RWXU);
    }
    let mut entries = Vec::new();
    let mut reader = Dir::read_from(folder)?;
    while let Some(entry) = reader.read() {
        let entry = entry?;
        if !matches!(entry.file_name().to_bytes(), b"." | b"..") {
            entries.push((entry.file_name().to_owned(), entry.file_type()));
        }
    }
    drop(reader);
    for (name, kind) in entries {
        if !goes_on() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        place.push(std::ffi::OsStr::from_bytes(name.as_bytes()));
        remove_in(folder, &name, kind, mount, place, goes_on)?;
        place.pop();
    }
    Ok(())
}

/// Removes one thing in an open folder.
fn remove_in(
    folder: &OwnedFd,
    name: &CString,
    kind: FileType,
    mount: Mount,
    place: &mut PathBuf,
    goes_on: &mut dyn FnMut() -> bool,
) -> io::Result<()> {
    let failed = |error: io::Error, place: &Path| {
        io::Error::new(error.kind(), format!("{}: {error}", place.display()))
    };
    let kind = if kind == FileType::Unknown {
        match statat(folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => return Ok(()),
            stat => FileType::from_raw_mode(stat.map_err(|error| failed(error.into(), place))?.st_mode),
        }
    } else {
        kind
    };
    if kind != FileType::Directory {
        return match unlinkat(folder, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(Errno::BUSY) => Err(mounted(place)),
            Err(error) => Err(failed(error.into(), place)),
        };
    }
    let below = match open_in(folder, name) {
        Err(Errno::NOENT) => return Ok(()),
        opened => opened.map_err(|error| failed(error.into(), place))?,
    };
    if Mount::of(&below)? != mount {
        return Err(mounted(place));
    }
    empty(&below, mount, place, goes_on)?;
    match unlinkat(folder, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(Errno::BUSY) => Err(mounted(place)),
        Err(error) => Err(failed(error.into(), place)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::disk::mounts::tests::Bound;

    #[test]
    fn a_folder_goes_with_everything_in_it_and_what_links_point_to_stays() {
        let root = tempfile::tempdir().unwrap();
        let (folder, other) = (root.path().join("folder"), root.path().join("other"));
        fs::create_dir_all(folder.join("a/b/c")).unwrap();
        fs::write(folder.join("a/b/file"), "text").unwrap();
        fs::create_dir(&other).unwrap();
        fs::write(other.join("kept"), "kept").unwrap();
        std::os::unix::fs::symlink(&other, folder.join("a/link")).unwrap();
        fs::set_permissions(folder.join("a/b"), fs::Permissions::from_mode(0o000)).unwrap();
        remove(&folder).unwrap();
        assert!(!folder.exists());
        assert_eq!(fs::read_to_string(other.join("kept")).unwrap(), "kept");
        remove(&folder).unwrap();
        std::os::unix::fs::symlink(&other, &folder).unwrap();
        assert!(
            remove(&folder).is_err(),
            "a link in its place is none of Lifeboat's folders"
        );
        assert!(other.join("kept").exists());
    }

    #[test]
    fn it_stops_when_it_is_not_to_go_on_and_goes_on_later() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().canonicalize().unwrap().join("folder");
        for number in 0..5 {
            fs::create_dir_all(folder.join(format!("{number}"))).unwrap();
            fs::write(folder.join(format!("{number}/file")), "text").unwrap();
        }
        let made = Identity::of(&folder).unwrap();
        let mut left = 3;
        let mut goes_on = || {
            left -= 1;
            left > 0
        };
        let stopped = remove_made_while(&folder, made, &mut goes_on).unwrap_err();
        assert_eq!(stopped.kind(), io::ErrorKind::Interrupted);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 4, "one is gone");
        assert!(remove_made_while(&folder, made, &mut || true).unwrap());
        assert!(!folder.exists());
        assert!(
            remove_made_while(&folder, made, &mut || false).unwrap(),
            "it is gone"
        );
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("file"), "another folder of this name").unwrap();
        let other = Identity::of(&folder).unwrap();
        if made != other {
            assert!(!remove_made(&folder, made).unwrap());
            assert!(folder.join("file").exists());
        }
    }

    #[test]
    fn nothing_goes_across_a_mount() {
        let root = tempfile::tempdir().unwrap();
        let (folder, data) = (root.path().join("folder"), root.path().join("data"));
        fs::create_dir_all(folder.join("a/mounted")).unwrap();
        fs::write(folder.join("a/file"), "text").unwrap();
        fs::create_dir(&data).unwrap();
        fs::write(data.join("kept"), "kept").unwrap();
        let place = folder.join("a/mounted");
        if let Some(bound) = Bound::on(&place, &data) {
            let error = remove(&folder).unwrap_err();
            assert!(error.to_string().contains("a/mounted"), "{error}");
            assert!(folder.join("a/file").exists(), "nothing at all was removed");
            drop(bound);
            // A file that a file is mounted on.
            fs::write(root.path().join("single"), "single").unwrap();
            let bound = Bound::on(&folder.join("a/file"), &root.path().join("single")).unwrap();
            assert!(remove(&folder).is_err());
            drop(bound);
            assert_eq!(fs::read_to_string(root.path().join("single")).unwrap(), "single");
        }
        // A folder that is seen through a mount somewhere else is not emptied under whoever works there.
        let elsewhere = root.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        if let Some(bound) = Bound::on(&elsewhere, &folder.join("a")) {
            let error = remove(&folder).unwrap_err();
            assert!(error.to_string().contains("elsewhere as well"), "{error}");
            assert!(elsewhere.join("file").exists());
            drop(bound);
        }
        // Without a list of mounts: a folder that is not on the mount it is expected on is not entered. This needs no
        // right to mount anything.
        let other = match Mount::of(fs::File::open(&folder).unwrap()).unwrap() {
            Mount::Number(number) => Mount::Number(number + 1),
            Mount::Device(number) => Mount::Device(number + 1),
        };
        let open: OwnedFd = fs::File::open(&folder).unwrap().into();
        let error = empty(&open, other, &mut folder.clone(), &mut || true).unwrap_err();
        assert!(error.to_string().contains("mounted on"), "{error}");
        assert!(folder.join("a/file").exists());
        remove(&folder).unwrap();
        assert_eq!(fs::read_to_string(data.join("kept")).unwrap(), "kept");
    }
}
