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
use sha2::{Digest, Sha256};

use super::reach::{Reached, Root, failed};
use super::{LEVELS, is_of, parts, place};
use crate::content::{ContentError, Item, ItemKind};
use crate::random;

/// The open files of this process.
const HANDLES: &str = "/proc/self/fd";

/// Adds a record: written without a name, brought to disk, and given its name only then. Folders and files belong to
/// whoever owns the data store.
///
/// # Errors
/// [`ContentError`] when it cannot be written, or is not what its name says.
pub fn add(root: &Path, item: &Item, content: &mut dyn Read) -> Result<(), ContentError> {
    let parts = parts(item)?;
    let path = place(root, item);
    let reached = Root::open(root)?;
    let folder = make_folders(&reached, &parts, &path)?;
    let writing = |source: io::Error| ContentError::Io {
        action: "writing",
        path: path.clone(),
        source,
    };
    let name = &parts[LEVELS];
    let half = Half::in_folder(&folder).map_err(|error| writing(error.into()))?;
    let digest = fill(&half.file, &reached, item, content).map_err(writing)?;
    if digest_of(name.as_bytes()).is_some_and(|named| named != digest) {
        return Err(ContentError::NotAllowed {
            path,
            why: "what the backup has of this record of the data store is not what its name says".to_owned(),
        });
    }
    match half.name(&folder, name) {
        Ok(()) => {}
        // Somebody has added it meanwhile.
        Err(Errno::EXIST)
            if reached
                .look(&folder, name, &path)?
                .is_some_and(|stat| is_of(item, &stat)) => {}
        Err(error) => return Err(writing(error.into())),
    }
    fsync(&*folder).map_err(|error| writing(error.into()))
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

/// The SHA-256 that a name is, if it is as long as one.
fn digest_of(name: &[u8]) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if name.len() != 2 * digest.len() {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(name.as_chunks::<2>().0) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

/// Writes a record's content. Gives its SHA-256.
fn fill(mut file: &File, reached: &Root, item: &Item, content: &mut dyn Read) -> io::Result<[u8; 32]> {
    let mut digest = Sha256::new();
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
    Ok(digest.finalize().into())
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
                let mut bytes = [0; 8];
                random::system()(&mut bytes).map_err(|_| Errno::IO)?;
                let name = format!(".lifeboat-{:016x}", u64::from_be_bytes(bytes));
                let name = CString::new(name).map_err(|_| Errno::INVAL)?;
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

impl Drop for Half {
    fn drop(&mut self) {
        if let Some((folder, name)) = &self.named {
            let _ = unlinkat(&**folder, name, AtFlags::empty());
        }
    }
}
