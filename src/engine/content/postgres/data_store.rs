//! Jackrabbit's data store in a folder: files that are named by the hash of what is in them, in three levels of folders.
//!
//! They never change, so one that is there is the right one. They are read after the database: whatever its rows refer to
//! is then there, as long as no garbage collection runs meanwhile. A restore adds what is missing and never removes
//! anything: other rows, and other workspaces, may refer to it.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use crate::domain::environment::DATA_STORE;
use crate::engine::content::files::Files;
use crate::engine::content::{Content, ContentError, FileTime, Item, ItemKind};

/// The items of a data store, below the folder that stands for it in a backup.
///
/// # Errors
/// [`ContentError`] inside the iterator when something cannot be read.
pub fn items<'a>(
    files: &'a Files,
    left_out: &'a mut (dyn FnMut(String) + Send),
) -> impl Iterator<Item = Result<Item, ContentError>> + Send + 'a {
    let top = Item {
        path: PathBuf::from(DATA_STORE),
        kind: ItemKind::Folder,
        mode: 0o755,
        owner: (0, 0),
        modified: FileTime::default(),
        changed: FileTime::default(),
        inode: 0,
        held: None,
    };
    let below = files.walk(left_out).filter_map(|item| match item {
        Ok(item) if is_record(&item) => Some(Ok(Item {
            path: Path::new(DATA_STORE).join(&item.path),
            // Jackrabbit touches a file whenever somebody refers to it. That is no change of what is in it.
            modified: FileTime::default(),
            changed: FileTime::default(),
            inode: 0,
            ..item
        })),
        Ok(_) => None,
        Err(error) => Some(Err(error)),
    });
    std::iter::once(Ok(top)).chain(below)
}

/// Whether an item is a record, or a folder on the way to one.
fn is_record(item: &Item) -> bool {
    let parts: Vec<_> = item.path.iter().map(|part| part.to_string_lossy()).collect();
    let is_hash = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_hexdigit());
    match (&item.kind, parts.as_slice()) {
        (ItemKind::Folder, folders) => {
            folders.len() <= 3 && folders.iter().all(|name| name.len() == 2 && is_hash(name))
        }
        (ItemKind::File { .. }, [first, second, third, name]) => {
            is_hash(name) && name.starts_with(&format!("{first}{second}{third}"))
        }
        _ => false,
    }
}

/// Where a record is in the data store's folder.
fn place(root: &Path, item: &Item) -> Option<PathBuf> {
    let below = item.path.strip_prefix(DATA_STORE).ok()?;
    below
        .components()
        .all(|part| matches!(part, Component::Normal(_)))
        .then(|| root.join(below))
}

/// Reads a record.
///
/// # Errors
/// [`ContentError::Changed`] when it is gone or of another length: a garbage collection may have been at work.
pub fn open(root: &Path, item: &Item) -> Result<Box<dyn Read + Send>, ContentError> {
    let ItemKind::File { size } = item.kind else {
        return Err(not_a_record(item));
    };
    let path = place(root, item).ok_or_else(|| not_a_record(item))?;
    let file = File::open(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => ContentError::Changed {
            path: path.clone(),
            what: "vanished",
        },
        _ => io_error("reading", &path)(source),
    })?;
    let found = file.metadata().map_err(io_error("reading", &path))?.len();
    if found != size {
        return Err(ContentError::Changed {
            path,
            what: "changed",
        });
    }
    Ok(Box::new(file))
}

fn not_a_record(item: &Item) -> ContentError {
    ContentError::NotAllowed {
        path: item.path.clone(),
        why: "it is no record of a data store".to_owned(),
    }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ContentError {
    let path = path.to_owned();
    move |source| ContentError::Io { action, path, source }
}

/// Whether a record of a backup is in the data store.
///
/// # Errors
/// [`ContentError::NotAllowed`] when a file of another length stands in its place.
pub fn has(root: &Path, item: &Item) -> Result<bool, ContentError> {
    let path = place(root, item).ok_or_else(|| not_a_record(item))?;
    match (fs::symlink_metadata(&path), &item.kind) {
        (Ok(found), ItemKind::File { size }) if found.is_file() && found.len() == *size => Ok(true),
        (Ok(_), _) => Err(ContentError::NotAllowed {
            path,
            why: "it stands where a record of the data store belongs, and is not that record: look at the disk, and move \
                  it away"
                .to_owned(),
        }),
        (Err(error), _) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        (Err(error), _) => Err(io_error("looking at", &path)(error)),
    }
}

/// Marks a record as just used, as Jackrabbit does: a garbage collection that is under way takes what is old and was not
/// referred to when it looked. Where that is not allowed, the record stays as it is.
pub fn touch(root: &Path, item: &Item) {
    if let Some(path) = place(root, item)
        && let Ok(file) = File::open(path)
    {
        let _ = file.set_modified(std::time::SystemTime::now());
    }
}

/// Adds a record: written beside its place, brought to disk, and given its name only then. Folders and files belong to
/// whoever owns the data store.
///
/// # Errors
/// [`ContentError`] when it cannot be written.
pub fn add(root: &Path, item: &Item, content: &mut dyn Read) -> Result<(), ContentError> {
    let path = place(root, item).ok_or_else(|| not_a_record(item))?;
    let owner = fs::metadata(root).map_err(io_error("looking at", root))?;
    let give = |path: &Path| -> io::Result<()> {
        let is_ours = rustix::process::geteuid().as_raw() == owner.uid();
        if is_ours || !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()))
    };
    let Some(folder) = path.parent() else {
        return Err(not_a_record(item));
    };
    let mut made = root.to_owned();
    for part in folder.strip_prefix(root).unwrap_or(Path::new("")) {
        made.push(part);
        match fs::create_dir(&made) {
            Ok(()) => give(&made).map_err(io_error("giving away", &made))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(io_error("creating", &made)(error)),
        }
    }
    let half = folder.join(format!(".lifeboat-{}", std::process::id()));
    let written = (|| {
        let mut file = File::create(&half)?;
        io::copy(content, &mut file)?;
        file.set_permissions(fs::Permissions::from_mode(item.mode & 0o777))?;
        give(&half)?;
        file.sync_all()?;
        fs::rename(&half, &path)?;
        File::open(folder)?.sync_all()
    })();
    written.map_err(|error| {
        // What cannot be removed is no record, and no walk takes it for one.
        let _ = fs::remove_file(&half);
        io_error("writing", &path)(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_records_are_taken_and_what_is_missing_is_added() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let name = "0123456789abcdef0123456789abcdef01234567";
        fs::create_dir_all(root.join("01/23/45")).unwrap();
        fs::write(root.join("01/23/45").join(name), "binary").unwrap();
        fs::write(root.join("01/23/45/.lifeboat-7"), "half").unwrap();
        fs::write(root.join("tmp123.tmp"), "being written").unwrap();
        fs::create_dir_all(root.join("other")).unwrap();
        let files = Files::new(root);
        let found: Vec<_> = items(&files, &mut |_| {}).collect::<Result<_, _>>().unwrap();
        let paths: Vec<_> = found.iter().map(|item| item.path.display().to_string()).collect();
        let record = format!(".datastore/01/23/45/{name}");
        assert_eq!(
            paths,
            [
                ".datastore",
                ".datastore/01",
                ".datastore/01/23",
                ".datastore/01/23/45",
                &record
            ]
        );
        let item = found.last().unwrap();
        assert!(has(root, item).unwrap());
        fs::remove_dir_all(root.join("01")).unwrap();
        assert!(!has(root, item).unwrap());
        add(root, item, &mut &b"binary"[..]).unwrap();
        assert!(has(root, item).unwrap());
        let mut text = String::new();
        open(root, item).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "binary");
        fs::write(root.join("01/23/45").join(name), "longer than it was").unwrap();
        assert!(has(root, item).is_err());
        assert!(open(root, item).is_err());
    }
}
