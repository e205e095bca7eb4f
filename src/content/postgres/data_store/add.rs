//! Adding a record to a data store that belongs to another account, as root.
//!
//! That account can put links and folders into it at any moment. So nothing goes by a path: folders are opened step by
//! step, a new file has no name until it is whole, and what is given away is what was made, by its handle.

use std::ffi::CString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, CWD, Dir, Gid, Mode, OFlags, Uid, fchmod, fchown, fstat, fsync, linkat, mkdirat, openat,
    renameat, unlinkat,
};
use rustix::io::Errno;

use super::digest::Naming;
use super::reach::{Reached, Root, failed};
use super::{LEVELS, is_of, not_a_record, parts, place};
use crate::content::{ContentError, Item, ItemKind};
use crate::random;

/// The open files of this process.
const HANDLES: &str = "/proc/self/fd";

/// How adding a record has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    Whole,
    /// What was to be added is not what its name says: nothing was changed.
    Wrong,
}

/// Adds a record: written without a name, brought to disk, and given its name only then, if it is what that says. With
/// `over` it takes the place of a file that is not. Folders and files belong to whoever owns the data store.
///
/// # Errors
/// [`ContentError`] when it cannot be written.
pub fn add(root: &Path, item: &Item, content: &mut dyn Read, over: bool) -> Result<Added, ContentError> {
    let parts = parts(item)?;
    let path = place(root, item);
    let name = &parts[LEVELS];
    let naming = Naming::of(name.as_bytes()).ok_or_else(|| not_a_record(item))?;
    let reached = Root::open(root)?;
    let folder = make_folders(&reached, &parts, &path)?;
    let writing = |source: io::Error| ContentError::Io {
        action: "writing",
        path: path.clone(),
        source,
    };
    let half = Half::in_folder(&folder).map_err(|error| writing(error.into()))?;
    let digest = fill(&half.file, &reached, item, naming, content).map_err(writing)?;
    if !digest.as_bytes().eq_ignore_ascii_case(name.as_bytes()) {
        return Ok(Added::Wrong);
    }
    let named = if over {
        half.name_over(&folder, name)
    } else {
        half.name(&folder, name)
    };
    match named {
        Ok(()) => {}
        // Somebody has added it meanwhile.
        Err(Errno::EXIST)
            if reached
                .look(&folder, name, &path)?
                .is_some_and(|stat| is_of(item, &stat)) => {}
        Err(error) => return Err(writing(error.into())),
    }
    fsync(&*folder).map_err(|error| writing(error.into()))?;
    Ok(Added::Whole)
}

/// The folder that a record belongs into, made where it is missing.
fn make_folders(reached: &Root, parts: &[CString; LEVELS + 1], path: &Path) -> Result<Reached, ContentError> {
    let mut folder = reached.top()?;
    for part in &parts[..LEVELS] {
        let made = match mkdirat(
            &*folder,
            part,
            Mode::RWXU | Mode::RGRP | Mode::XGRP | Mode::ROTH | Mode::XOTH,
        ) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(error) => {
                return Err(ContentError::Io {
                    action: "creating the folder of",
                    path: path.to_owned(),
                    source: error.into(),
                });
            }
        };
        let Some((below, _)) = reached.folder(&folder, part, path)? else {
            return Err(ContentError::NotAllowed {
                path: path.to_owned(),
                why: "something that is no folder stands where a folder of the data store belongs".to_owned(),
            });
        };
        if made {
            give_folder(&below, reached).map_err(|error| failed(path, error))?;
        }
        folder = below;
    }
    Ok(folder)
}

/// Gives a folder that was just made to whoever owns the data store. Another one may stand in its place by now: only an
/// empty one of our own is given away, which does no harm whichever it is.
fn give_folder(folder: &Reached, reached: &Root) -> Result<(), Errno> {
    let me = rustix::process::geteuid();
    if !me.is_root() || me.as_raw() == reached.owner.0 || fstat(&**folder)?.st_uid != me.as_raw() {
        return Ok(());
    }
    for entry in Dir::read_from(&**folder)? {
        if !matches!(entry?.file_name().to_bytes(), b"." | b"..") {
            return Ok(());
        }
    }
    give(&**folder, reached)
}

fn give(open: impl AsFd, reached: &Root) -> Result<(), Errno> {
    let me = rustix::process::geteuid();
    if !me.is_root() || me.as_raw() == reached.owner.0 {
        return Ok(());
    }
    let (owner, group) = reached.owner;
    fchown(open, Some(Uid::from_raw(owner)), Some(Gid::from_raw(group)))
}

/// Writes a record's content. Gives the name that it then has.
fn fill(
    mut file: &File,
    reached: &Root,
    item: &Item,
    mut digest: Naming,
    content: &mut dyn Read,
) -> io::Result<String> {
    let mut length = 0;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = content.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        digest.update(&buffer[..count]);
        length += count as u64;
        file.write_all(&buffer[..count])?;
    }
    if !matches!(item.kind, ItemKind::File { size } if size == length) {
        return Err(io::Error::other("it is not as long as the backup's record says"));
    }
    give(file, reached)?;
    // Neither setuid nor setgid is anything that a record has.
    fchmod(file, Mode::from_raw_mode(item.mode & 0o777))?;
    file.sync_all()?;
    Ok(digest.name())
}

/// A file that is not yet what it will be.
struct Half {
    file: File,
    /// The name that it has meanwhile, where the file system knows no files without one, and the folder.
    named: Option<(Reached, CString)>,
}

impl Half {
    fn in_folder(folder: &Reached) -> Result<Self, Errno> {
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        // By its place in there a file without a name is given one.
        let may_be_nameless = Path::new(HANDLES).exists();
        let nameless = if may_be_nameless {
            openat(&**folder, c".", flags | OFlags::TMPFILE, mode)
        } else {
            Err(Errno::OPNOTSUPP)
        };
        match nameless {
            Ok(file) => Ok(Self {
                file: file.into(),
                named: None,
            }),
            // Network file systems have none without a name.
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOENT) => {
                let name = half_name()?;
                let flags = flags | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
                let file = openat(&**folder, &name, flags, mode)?;
                Ok(Self {
                    file: file.into(),
                    named: Some((Arc::clone(folder), name)),
                })
            }
            Err(error) => Err(error),
        }
    }

    /// Gives it its name, in the place of what has that.
    fn name_over(mut self, folder: &Reached, name: &CString) -> Result<(), Errno> {
        if self.named.is_none() {
            let half = half_name()?;
            let nameless = format!("{HANDLES}/{}", self.file.as_raw_fd());
            linkat(CWD, nameless, &**folder, &half, AtFlags::SYMLINK_FOLLOW)?;
            self.named = Some((Arc::clone(folder), half));
        }
        if let Some((from, half)) = &self.named {
            renameat(&**from, half, &**folder, name)?;
        }
        self.named = None;
        Ok(())
    }

    /// Gives it its name, unless something has that already.
    fn name(mut self, folder: &Reached, name: &CString) -> Result<(), Errno> {
        let Some((from, half)) = self.named.take() else {
            let nameless = format!("{HANDLES}/{}", self.file.as_raw_fd());
            return linkat(CWD, nameless, &**folder, name, AtFlags::SYMLINK_FOLLOW);
        };
        let linked = linkat(&*from, &half, &**folder, name, AtFlags::empty());
        let result = match linked {
            // A file system without hard links.
            Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS) => {
                return renameat(&*from, &half, &**folder, name);
            }
            result => result,
        };
        self.named = Some((from, half));
        result
    }
}

/// A name that a file has until it is whole, and that is none of a record's.
fn half_name() -> Result<CString, Errno> {
    let mut bytes = [0; 8];
    random::system()(&mut bytes).map_err(|_| Errno::IO)?;
    let name = format!(".lifeboat-{:016x}", u64::from_be_bytes(bytes));
    CString::new(name).map_err(|_| Errno::INVAL)
}

impl Drop for Half {
    fn drop(&mut self) {
        if let Some((folder, name)) = &self.named {
            let _ = unlinkat(&**folder, name, AtFlags::empty());
        }
    }
}
