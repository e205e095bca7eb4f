//! Jackrabbit's data store in a folder: files that are named by the hash of what is in them, in three levels of folders.
//!
//! They never change, so one that is there is the right one. They are read after the database: whatever its rows refer to
//! is then there, as long as no garbage collection runs meanwhile. A restore adds what is missing and never removes
//! anything: other rows, and other workspaces, may refer to it.
//!
//! Jackrabbit follows links, so a record or a folder may be one: what they lead to is read as well (`reach`). The folder
//! belongs to Magnolia's account, and Lifeboat may be root: how records are added in spite of that is in `add`.

mod add;
mod reach;

use std::ffi::{CStr, CString};
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, FileType, Stat};

use self::reach::{Reached, Root};
use crate::domain::environment::DATA_STORE;
use crate::engine::content::{ContentError, FileTime, Item, ItemKind};

pub use self::add::add;

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
            let Some(stat) = root.look(&level.folder, &name, &path)? else {
                return Err(ContentError::Changed {
                    path: self.place.join(path),
                    what: "vanished",
                });
            };
            if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
                continue;
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

/// Reads a record.
///
/// # Errors
/// [`ContentError::Changed`] when it is gone or of another length: a garbage collection may have been at work.
pub fn open(root: &Path, item: &Item) -> Result<Box<dyn Read + Send>, ContentError> {
    let path = place(root, item);
    let found = Root::open(root)?.record(&parts(item)?, &path)?;
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
    Ok(Box::new(File::from(file)))
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

/// Whether a record of a backup is in the data store.
///
/// # Errors
/// [`ContentError::NotAllowed`] when something else stands in its place.
pub fn has(root: &Path, item: &Item) -> Result<bool, ContentError> {
    let path = place(root, item);
    let Some(reached) = Root::find(root)? else {
        return Ok(false);
    };
    match reached.look_at(&parts(item)?, &path)? {
        None => Ok(false),
        Some(stat) if is_of(item, &stat) => Ok(true),
        Some(_) => Err(ContentError::NotAllowed {
            path,
            why: "it stands where a record of the data store belongs, and is not that record: look at the disk, and move \
                  it away"
                .to_owned(),
        }),
    }
}

/// Marks a record as just used, as Jackrabbit does: a garbage collection that is under way takes what is old and was not
/// referred to when it looked. Where that is not allowed, the record stays as it is.
pub fn touch(root: &Path, item: &Item) {
    let found = Root::open(root).and_then(|reached| reached.record(&parts(item)?, &place(root, item)));
    if let Ok(Some((file, _))) = found {
        let _ = File::from(file).set_modified(std::time::SystemTime::now());
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

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
        let found: Vec<_> = items(root).collect::<Result<_, _>>().unwrap();
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

    const PLAIN: &str = "aabbcc0000000000000000000000000000000001";
    const LINKED: &str = "ddeeff0000000000000000000000000000000002";
    const MOVED: &str = "1122330000000000000000000000000000000003";

    fn record(name: &str, text: &str) -> Item {
        let below = format!("{}/{}/{}/{name}", &name[..2], &name[2..4], &name[4..6]);
        let size = text.len() as u64;
        item(below.into(), ItemKind::File { size }, 0o6644, (0, 0))
    }

    fn paths(root: &Path) -> Result<Vec<String>, ContentError> {
        let records = items(root).filter(|item| {
            item.as_ref()
                .map_or(true, |item| matches!(item.kind, ItemKind::File { .. }))
        });
        records.map(|item| Ok(item?.path.display().to_string())).collect()
    }

    fn link(to: &Path, from: &Path) {
        std::os::unix::fs::symlink(to, from).unwrap();
    }

    /// A data store with a plain record, one that is a link, and one in a folder that is a link.
    fn linked(folder: &Path) -> PathBuf {
        let root = folder.join("store");
        for below in ["store/aa/bb/cc", "store/dd/ee/ff", "elsewhere/22/33", "other"] {
            fs::create_dir_all(folder.join(below)).unwrap();
        }
        fs::write(root.join("aa/bb/cc").join(PLAIN), "plain").unwrap();
        fs::write(folder.join("other/record"), "linked").unwrap();
        link(&folder.join("other/record"), &root.join("dd/ee/ff").join(LINKED));
        fs::write(folder.join("elsewhere/22/33").join(MOVED), "moved").unwrap();
        link(&folder.join("elsewhere"), &root.join("11"));
        root
    }

    #[test]
    fn records_and_folders_that_are_links_are_read_as_jackrabbit_reads_them() {
        let folder = tempfile::tempdir().unwrap();
        let root = linked(folder.path());
        let expected = [
            format!(".datastore/11/22/33/{MOVED}"),
            format!(".datastore/aa/bb/cc/{PLAIN}"),
            format!(".datastore/dd/ee/ff/{LINKED}"),
        ];
        assert_eq!(paths(&root).unwrap(), expected);
        for (name, text) in [(PLAIN, "plain"), (LINKED, "linked"), (MOVED, "moved")] {
            let item = record(name, text);
            assert!(has(&root, &item).unwrap());
            touch(&root, &item);
            let mut read = String::new();
            open(&root, &item).unwrap().read_to_string(&mut read).unwrap();
            assert_eq!(read, text);
        }
        let more = "11223f0000000000000000000000000000000004";
        let item = record(more, "more");
        add(&root, &item, &mut &b"more"[..]).unwrap();
        assert!(folder.path().join("elsewhere/22/3f").join(more).exists());
        // The store itself may be behind a link as well.
        link(&root, &folder.path().join("store-link"));
        assert_eq!(paths(&folder.path().join("store-link")).unwrap().len(), 4);
    }

    #[test]
    fn a_link_that_cannot_be_followed_is_never_left_out() {
        let broken: [&dyn Fn(&Path, &Path); 3] = [
            &|root, folder| {
                fs::remove_file(folder.join("other/record")).unwrap();
                assert!(root.join("dd/ee/ff").join(LINKED).symlink_metadata().is_ok());
            },
            &|_, folder| fs::remove_dir_all(folder.join("elsewhere")).unwrap(),
            &|root, _| link(&root.join("loop"), &root.join("loop")),
        ];
        for (index, broken) in broken.iter().enumerate() {
            let folder = tempfile::tempdir().unwrap();
            let root = linked(folder.path());
            broken(&root, folder.path());
            if index == 2 {
                assert_eq!(
                    paths(&root).unwrap().len(),
                    3,
                    "a link with another name is none of the data store's"
                );
                continue;
            }
            let error = paths(&root).unwrap_err().to_string();
            assert!(error.contains("mend the link"), "{error}");
        }
    }

    #[test]
    fn what_another_account_may_not_read_is_not_read_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let root = linked(folder.path());
        // Whoever the tests run as, one of these two is another account than the data store's.
        if rustix::process::geteuid().is_root() {
            let owner = Some(rustix::process::Uid::from_raw(65534));
            rustix::fs::chown(&root, owner, None).unwrap();
        } else {
            fs::remove_file(root.join("11")).unwrap();
            link(Path::new("/etc"), &root.join("11"));
        }
        let error = paths(&root).unwrap_err().to_string();
        assert!(
            error.contains("store/11") && error.contains("belongs to user"),
            "{error}"
        );
        fs::remove_file(root.join("11")).unwrap();
        if !rustix::process::geteuid().is_root() {
            fs::remove_file(root.join("dd/ee/ff").join(LINKED)).unwrap();
            link(Path::new("/etc/passwd"), &root.join("dd/ee/ff").join(LINKED));
        }
        let error = paths(&root).unwrap_err().to_string();
        assert!(error.contains(LINKED), "{error}");
        let item = record(LINKED, "linked");
        assert!(has(&root, &item).is_err() && open(&root, &item).is_err());
    }

    #[test]
    fn nothing_is_written_through_what_somebody_has_planted() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("store");
        fs::create_dir_all(root.join("aa/bb/cc")).unwrap();
        let secret = folder.path().join("secret");
        fs::write(&secret, "of root").unwrap();
        let pid = std::process::id();
        for number in pid - 1..pid + 2 {
            link(&secret, &root.join(format!("aa/bb/cc/.lifeboat-{number}")));
        }
        let item = record(PLAIN, "asset");
        add(&root, &item, &mut &b"asset"[..]).unwrap();
        assert_eq!(fs::read_to_string(&secret).unwrap(), "of root");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &fs::metadata(root.join("aa/bb/cc").join(PLAIN))
                .unwrap()
                .permissions(),
        );
        assert_eq!(
            mode & 0o7777,
            0o644,
            "a record is no program that runs as somebody else"
        );
        // In the record's own place.
        link(
            &secret,
            &root.join("aa/bb/cc/aabbcc0000000000000000000000000000000009"),
        );
        let item = record("aabbcc0000000000000000000000000000000009", "asset");
        assert!(add(&root, &item, &mut &b"asset"[..]).is_err());
        // A folder of somebody else.
        if rustix::process::geteuid().is_root() {
            let owner = Some(rustix::process::Uid::from_raw(65534));
            rustix::fs::chown(&root, owner, None).unwrap();
            fs::create_dir_all(folder.path().join("roots/ee/ff")).unwrap();
            link(&folder.path().join("roots"), &root.join("dd"));
            assert!(add(&root, &record(LINKED, "asset"), &mut &b"asset"[..]).is_err());
            assert_eq!(
                fs::read_dir(folder.path().join("roots/ee/ff")).unwrap().count(),
                0
            );
            // What is made belongs to the account, and what was there stays whose it was.
            let item = record(MOVED, "asset");
            add(&root, &item, &mut &b"asset"[..]).unwrap();
            let owner = |below: &str| {
                std::os::unix::fs::MetadataExt::uid(&fs::symlink_metadata(root.join(below)).unwrap())
            };
            assert_eq!(
                (owner("11/22/33"), owner(&format!("11/22/33/{MOVED}"))),
                (65534, 65534)
            );
            assert_eq!(owner("aa"), 0);
        }
        assert_eq!(fs::read_to_string(&secret).unwrap(), "of root");
    }

    #[test]
    fn only_what_is_a_record_by_name_and_by_digest_is_added() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let named = |below: &str| item(below.into(), ItemKind::File { size: 5 }, 0o644, (0, 0));
        for below in [
            "aa/bb/cc/../../../../etc/cron.d/job",
            "aa/bb/notes",
            "aa/bb/cc/.hidden",
            "aa/bb/cc/ddeeff0000000000000000000000000000000002",
            "zz/bb/cc/zzbbcc0000000000000000000000000000000002",
            "aabbcc0000000000000000000000000000000001",
        ] {
            let error = add(root, &named(below), &mut &b"asset"[..]).unwrap_err();
            assert!(error.to_string().contains("no record"), "{error}");
        }
        use sha2::{Digest, Sha256};
        let digest: String = Sha256::digest(b"asset")
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let item = record(&digest, "asset");
        assert!(
            add(root, &item, &mut &b"other"[..])
                .unwrap_err()
                .to_string()
                .contains("name says")
        );
        assert!(add(root, &item, &mut &b"longer than it is"[..]).is_err());
        assert!(!has(root, &item).unwrap());
        let leaf = root.join(&digest[..2]).join(&digest[2..4]).join(&digest[4..6]);
        assert_eq!(fs::read_dir(&leaf).unwrap().count(), 0, "no half of it is left");
        for _ in 0..2 {
            add(root, &item, &mut &b"asset"[..]).unwrap();
        }
        assert!(has(root, &item).unwrap());
    }
}
