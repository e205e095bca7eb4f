//! Jackrabbit's data store in a folder: files that are named by the hash of what is in them, in three levels of folders.
//!
//! They never change, so a backup takes one that it knows by name and size for the same. They are read after the database:
//! whatever its rows refer to is then there, as long as no garbage collection runs meanwhile. A restore adds what is
//! missing, reads what is there, puts the backup's record in the place of one that is not what its name says (`proof`), and
//! never removes anything: other rows, and other workspaces, may refer to it.
//!
//! Jackrabbit follows links, so a record or a folder may be one: what they lead to is read as well (`reach`). The folder
//! belongs to Magnolia's account, and Lifeboat may be root: how records are added in spite of that is in `add`.

mod add;
mod digest;
mod proof;
mod reach;
mod table;
#[cfg(test)]
mod tests;

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, Stat};

use self::digest::Naming;
use self::proof::Proving;
use self::reach::{Reached, Root};
use crate::content::{ContentError, FileTime, Item, ItemKind};
use crate::domain::environment::DATA_STORE;

pub use self::add::{Added, add};
pub use self::proof::{Doubts, is_right, is_whole};
pub use self::table::leave_out;

/// How many levels of folders are above the records.
const LEVELS: usize = 3;

/// The items of a data store, below the folder that stands for it in a backup: folders and records, and nothing else
/// that may be there.
///
/// # Errors
/// [`ContentError`] inside the iterator when something cannot be read, or a link leads nowhere.
pub fn items(root: &Path) -> impl Iterator<Item = Result<Item, ContentError>> + Send + use<> {
    let top = item(PathBuf::new(), ItemKind::Folder, 0o755, (0, 0));
    std::iter::once(Ok(top)).chain(Walk {
        place: root.to_owned(),
        root: None,
        levels: Vec::new(),
        path: PathBuf::new(),
        is_over: false,
    })
}

/// An item of a backup. Jackrabbit touches a file whenever somebody refers to it, which is no change of what is in it: so
/// times and numbers stay away.
fn item(below: PathBuf, kind: ItemKind, mode: u32, owner: (u32, u32)) -> Item {
    let path = if below.as_os_str().is_empty() {
        PathBuf::from(DATA_STORE)
    } else {
        Path::new(DATA_STORE).join(below)
    };
    Item {
        path,
        kind,
        mode,
        owner,
        modified: FileTime::default(),
        changed: FileTime::default(),
        inode: 0,
        held: None,
        rare: None,
    }
}

fn item_of(below: PathBuf, kind: ItemKind, stat: &Stat) -> Item {
    item(below, kind, stat.st_mode & 0o7777, (stat.st_uid, stat.st_gid))
}

/// One folder on the way down, with the names in it that are still to come, the next one last.
struct Level {
    folder: Reached,
    names: Vec<CString>,
}

/// A walk over everything that is a record or on the way to one, sorted by the bytes of names.
struct Walk {
    place: PathBuf,
    root: Option<Root>,
    levels: Vec<Level>,
    path: PathBuf,
    is_over: bool,
}

impl Walk {
    /// Reads the names in a folder that can be of a folder on the way, or of a record.
    fn enter(&mut self, folder: Reached, depth: usize) -> Result<(), ContentError> {
        let failed = |error| reach::failed(&self.place.join(&self.path), error);
        let before: String = self.path.iter().map(|part| part.to_string_lossy()).collect();
        let mut names = Vec::new();
        let mut reader = Dir::read_from(&folder).map_err(failed)?;
        while let Some(entry) = reader.read() {
            let entry = entry.map_err(failed)?;
            let name: &CStr = entry.file_name();
            let fits = if depth < LEVELS {
                name.to_bytes().len() == 2 && is_hash(name.to_bytes())
            } else {
                is_hash(name.to_bytes()) && name.to_bytes().starts_with(before.as_bytes())
            };
            if fits {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable_by(|a, b| b.cmp(a));
        self.levels.push(Level { folder, names });
        Ok(())
    }

    fn step(&mut self) -> Result<Option<Item>, ContentError> {
        if self.root.is_none() {
            let root = Root::open(&self.place)?;
            let folder = root.top()?;
            self.root = Some(root);
            self.enter(folder, 0)?;
        }
        let Some(root) = self.root.clone() else {
            return Ok(None);
        };
        loop {
            let depth = self.levels.len().saturating_sub(1);
            let Some(level) = self.levels.last_mut() else {
                return Ok(None);
            };
            let Some(name) = level.names.pop() else {
                self.levels.pop();
                self.path.pop();
                continue;
            };
            let path = self.path.join(std::ffi::OsStr::from_bytes(name.as_bytes()));
            if depth < LEVELS {
                let Some((folder, stat)) = root.folder(&level.folder, &name, &path)? else {
                    // A file with a name of two letters is none of Jackrabbit's.
                    continue;
                };
                self.path.clone_from(&path);
                self.enter(folder, depth + 1)?;
                return Ok(Some(item_of(path, ItemKind::Folder, &stat)));
            }
            if Naming::of(name.to_bytes()).is_none() {
                return Err(ContentError::NotAllowed {
                    path: self.place.join(path),
                    why: "it stands where records of the data store are, and its name is no SHA-1, SHA-256 or SHA-512: \
                          nobody could tell on a restore whether it is that record. Move it away if it is none of \
                          Jackrabbit's"
                        .to_owned(),
                });
            }
            let Some(stat) = root.look(&level.folder, &name, &path)? else {
                return Err(ContentError::Changed {
                    path: self.place.join(path),
                    what: "vanished",
                });
            };
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                return Err(no_file(self.place.join(path)));
            }
            let size = u64::try_from(stat.st_size).unwrap_or(0);
            return Ok(Some(item_of(path, ItemKind::File { size }, &stat)));
        }
    }
}

impl Iterator for Walk {
    type Item = Result<Item, ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let step = self.step();
        self.is_over = !matches!(step, Ok(Some(_)));
        if self.is_over {
            self.levels.clear();
        }
        step.transpose()
    }
}

fn is_hash(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(u8::is_ascii_hexdigit)
}

/// Where a record is, below the data store's folder: the three folders and its name.
fn parts(item: &Item) -> Result<[CString; LEVELS + 1], ContentError> {
    let below = item.path.strip_prefix(DATA_STORE).unwrap_or(&item.path);
    let parts: Vec<_> = below.iter().map(OsStrExt::as_bytes).collect();
    let is_record = |parts: &[&[u8]; LEVELS + 1]| {
        let [first, second, third, name] = parts;
        let folders = [first, second, third];
        matches!(item.kind, ItemKind::File { .. })
            && item.path.starts_with(DATA_STORE)
            && folders.iter().all(|name| name.len() == 2 && is_hash(name))
            && is_hash(name)
            && name.starts_with(&folders.map(|part| *part).concat())
    };
    <[&[u8]; LEVELS + 1]>::try_from(parts.as_slice())
        .ok()
        .filter(is_record)
        .map(|parts| parts.map(|part| CString::new(part).unwrap_or_default()))
        .ok_or_else(|| not_a_record(item))
}

/// Where a record is, for messages.
fn place(root: &Path, item: &Item) -> PathBuf {
    root.join(item.path.strip_prefix(DATA_STORE).unwrap_or(&item.path))
}

fn no_file(path: PathBuf) -> ContentError {
    ContentError::NotAllowed {
        path,
        why: "it stands where a record of the data store belongs, and is no file (a named pipe, a device, a socket or a \
              folder): move it away"
            .to_owned(),
    }
}

/// Reads a record. Whether it is what its name says is noted when it has been read to its end.
///
/// # Errors
/// [`ContentError::Changed`] when it is gone or of another length: a garbage collection may have been at work.
pub fn open(root: &Path, item: &Item, doubts: &Doubts) -> Result<Box<dyn Read + Send>, ContentError> {
    let path = place(root, item);
    let parts = parts(item)?;
    let found = Root::open(root)?.record(&parts, &path)?;
    let Some((file, stat)) = found else {
        return Err(ContentError::Changed {
            path,
            what: "vanished",
        });
    };
    if !is_of(item, &stat) {
        return Err(ContentError::Changed {
            path,
            what: "changed",
        });
    }
    let name = parts[LEVELS].as_bytes();
    Ok(Box::new(Proving::new(file.into(), path, name, item, doubts)))
}

fn is_of(item: &Item, stat: &Stat) -> bool {
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    matches!(item.kind, ItemKind::File { size } if is_file && u64::try_from(stat.st_size) == Ok(size))
}

fn not_a_record(item: &Item) -> ContentError {
    ContentError::NotAllowed {
        path: item.path.clone(),
        why: "it is no record of a data store".to_owned(),
    }
}

/// What stands in the place of a record of a backup, by name and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Missing,
    /// A record of that size.
    There,
    /// A file of another size: it is not that record.
    Other,
}

/// Looks what stands in a record's place.
///
/// # Errors
/// [`ContentError::NotAllowed`] when it is no file.
pub fn standing(root: &Path, item: &Item) -> Result<Standing, ContentError> {
    let path = place(root, item);
    let Some(reached) = Root::find(root)? else {
        return Ok(Standing::Missing);
    };
    match reached.look_at(&parts(item)?, &path)? {
        None => Ok(Standing::Missing),
        Some(stat) if is_of(item, &stat) => Ok(Standing::There),
        Some(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => Ok(Standing::Other),
        Some(_) => Err(no_file(path)),
    }
}

/// Whether a record of a backup is in the data store, by name and size.
///
/// # Errors
/// As [`standing`].
pub fn has(root: &Path, item: &Item) -> Result<bool, ContentError> {
    Ok(standing(root, item)? == Standing::There)
}

/// Marks a record as just used, as Jackrabbit does: a garbage collection that is under way takes what is old and was not
/// referred to when it looked. Where that is not allowed, the record stays as it is.
pub fn touch(root: &Path, item: &Item) {
    let found = Root::open(root).and_then(|reached| reached.record(&parts(item)?, &place(root, item)));
    if let Ok(Some((file, _))) = found {
        let _ = File::from(file).set_modified(std::time::SystemTime::now());
    }
}
