//! The home of a Jackrabbit repository, as far as it belongs to the content: the small files in which it keeps its namespaces,
//! node types, privileges, the id of its root and the definitions of its workspaces. Rows of a database refer to all of that.
//!
//! Which files those are, Jackrabbit's source says ([`BELONGS`]). Everything else that is in a home stays what it is: locks,
//! search indexes, a data store, the number of the cluster's revision, the counter of sequential ids, which never goes back.
//!
//! - `text`: what is in these files, as far as it is compared.
//! - `place`: whether a folder is a home, and what stands in the way of exchanging files in it.
//! - `differences`: what a restore would change. `staging`: what is staged beside, and how it becomes an exchange.
//! - `check`: what a check says of it.
//!
//! A home is read after the moment is held that the rows are read at: a type that no row uses yet does no harm, and a row
//! whose type is missing does. Not in here: the rows, and when any of this is done.

mod check;
pub(crate) mod differences;
mod place;
pub(crate) mod staging;
mod text;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, fstat, openat, statat};
use rustix::io::Errno;

pub(crate) use self::check::check;
pub(crate) use self::place::covered;
pub use self::place::is_usable;
use crate::content::files::attributes::{self, Found};
use crate::content::{ContentError, FileTime, Item, ItemKind, Rare};
use crate::disk::held::{self, FOLDER};
use crate::domain::environment::HOME;

/// The files that belong to the content, below the home. A star stands for any one name.
///
/// The last six are of repositories that are older than Jackrabbit 2: where such a file stands, names in rows are numbers in
/// it, and Jackrabbit goes on using it instead of the registry or the table of names.
const BELONGS: [&[&str]; 11] = [
    &["repository", "meta", "rootUUID"],
    &["repository", "namespaces", "*"],
    &["repository", "nodetypes", "custom_nodetypes.xml"],
    &["repository", "privileges", "custom_privileges.xml"],
    &["workspaces", "*", WORKSPACE],
    &["workspaces", "*", "names.properties"],
    &["workspaces", "*", "namespaces.properties"],
    &["workspaces", "*", "default", "names.properties"],
    &["workspaces", "*", "default", "namespaces.properties"],
    &["version", "names.properties"],
    &["version", "namespaces.properties"],
];

/// The definition of a workspace.
const WORKSPACE: &str = "workspace.xml";

/// Longer than any such file ever is.
const LONGEST: u64 = 32 * 1024 * 1024;
/// So often a home is read until it is found twice as it was, and whole.
const LOOKS: u32 = 20;
/// Between two looks whoever writes gets to its end.
const PAUSE: Duration = Duration::from_millis(50);

/// What belongs to the content of a home, below it: folders on the way, and files with what is in them.
pub(crate) type Small = Vec<Item>;

/// The items of a home as they stand in a backup.
///
/// # Errors
/// [`ContentError`] when it is no home, a file cannot be read, or is being written all the time.
pub(crate) fn items(home: &Path) -> Result<Vec<Item>, ContentError> {
    place::is_one(home)?;
    let open = open(home)?;
    let small = read(home, &open)?;
    let about = fstat(&open).map_err(|error| failed(home, error))?;
    let top = folder_item(&open, Path::new(HOME), &about, home)?;
    let below = small.into_iter().map(|item| Item {
        path: Path::new(HOME).join(&item.path),
        ..item
    });
    Ok(std::iter::once(top).chain(below).collect())
}

/// Opens a home. A link of Magnolia's account leads to folders of that account only.
fn open(home: &Path) -> Result<OwnedFd, ContentError> {
    let opened = held::resolve(home).and_then(|place| held::open(&place));
    opened.map_err(|source| ContentError::Io {
        action: "opening the home",
        path: home.to_owned(),
        source,
    })
}

/// Reads what belongs to the content until two looks see the same and all of it is whole: Jackrabbit empties such a file
/// and writes it anew, in its place.
fn read(home: &Path, open: &OwnedFd) -> Result<Small, ContentError> {
    let mut before: Option<Small> = None;
    let mut wrong = None;
    for look in 0..LOOKS {
        if look > 1 {
            std::thread::sleep(PAUSE);
        }
        let now = match read_once(home, open) {
            Ok(now) => now,
            Err(error) if error.is_worth_a_retry() => {
                (before, wrong) = (None, Some(error));
                continue;
            }
            Err(error) => return Err(error),
        };
        let broken = now.iter().find(|item| !text::is_whole(item));
        if let Some(item) = broken {
            wrong = Some(ContentError::NotAllowed {
                path: home.join(&item.path),
                why: "it is not whole: its end is missing, as of a file that is being written, or that a full disk has cut \
                      off. Jackrabbit could not read it either"
                    .to_owned(),
            });
        } else if before.as_ref() == Some(&now) {
            return Ok(now);
        } else {
            wrong = None;
        }
        before = Some(now);
    }
    Err(wrong.unwrap_or_else(|| changed(home)))
}

fn read_once(home: &Path, open: &OwnedFd) -> Result<Small, ContentError> {
    let mut found = Small::new();
    below(home, open, Path::new(""), &BELONGS, &mut found)?;
    Ok(found)
}

/// Adds what fits these patterns in an open folder: parents before children, in the order of the bytes of their names.
fn below(
    home: &Path,
    open: &OwnedFd,
    path: &Path,
    patterns: &[&[&str]],
    found: &mut Small,
) -> Result<(), ContentError> {
    let place = home.join(path);
    let mut names = held::names(open).map_err(|source| reading(&place, source))?;
    names.sort_by(|one, other| one.as_bytes().cmp(other.as_bytes()));
    for name in names {
        let rest: Vec<&[&str]> = patterns
            .iter()
            .filter_map(|pattern| fits(pattern, &name))
            .collect();
        if rest.is_empty() {
            continue;
        }
        let (path, place) = (path.join(&name), place.join(&name));
        let about = match statat(open, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => continue,
            about => about.map_err(|error| failed(&place, error))?,
        };
        let deeper: Vec<&[&str]> = rest.iter().filter(|rest| !rest.is_empty()).copied().collect();
        match FileType::from_raw_mode(about.st_mode) {
            FileType::Symlink => {
                return Err(ContentError::NotAllowed {
                    path: place,
                    why: "it is a symbolic link where a file or folder of a home is expected, and links are not followed \
                          there: put the file or folder itself there"
                        .to_owned(),
                });
            }
            FileType::RegularFile if deeper.len() < rest.len() => {
                found.push(read_file(open, &name, path, &place)?);
            }
            FileType::Directory if !deeper.is_empty() => {
                let folder =
                    openat(open, &name, FOLDER, Mode::empty()).map_err(|error| failed(&place, error))?;
                let before = found.len();
                found.push(folder_item(&folder, &path, &about, &place)?);
                below(home, &folder, &path, &deeper, found)?;
                if found.len() == before + 1 {
                    // Nothing in it belongs to the content.
                    found.truncate(before);
                }
            }
            kind if deeper.len() < rest.len() && kind != FileType::Directory => {
                return Err(ContentError::NotAllowed {
                    path: place,
                    why: "it is no file where a file of a home is expected: Jackrabbit could not read it either".to_owned(),
                });
            }
            _ => {}
        }
    }
    Ok(())
}

/// What is left of a pattern below a name that fits its beginning.
fn fits<'p>(pattern: &'p [&'p str], name: &OsStr) -> Option<&'p [&'p str]> {
    let (first, rest) = pattern.split_first()?;
    (*first == "*" || *first == name).then_some(rest)
}

/// Whether a file is one that belongs to the content.
#[cfg(test)]
fn belongs(path: &Path) -> bool {
    let mut rest: Vec<&[&str]> = BELONGS.to_vec();
    for part in path {
        rest = rest.iter().filter_map(|pattern| fits(pattern, part)).collect();
    }
    rest.iter().any(|rest| rest.is_empty())
}

fn folder_item(open: &OwnedFd, path: &Path, about: &Stat, place: &Path) -> Result<Item, ContentError> {
    let attributes = attributes::of_open(open).map_err(|error| failed(place, error))?;
    Ok(item(path.to_owned(), ItemKind::Folder, about, attributes))
}

fn read_file(folder: &OwnedFd, name: &OsStr, path: PathBuf, place: &Path) -> Result<Item, ContentError> {
    // Without NONBLOCK, a named pipe that took the file's place would hold the reader for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let open = match openat(folder, name, flags, Mode::empty()) {
        Err(Errno::NOENT) => return Err(changed(place)),
        opened => opened.map_err(|error| failed(place, error))?,
    };
    let before = fstat(&open).map_err(|error| failed(place, error))?;
    let attributes = attributes::of_open(&open).map_err(|error| failed(place, error))?;
    let mut file = File::from(open);
    let mut bytes = Vec::new();
    let read = file.by_ref().take(LONGEST + 1).read_to_end(&mut bytes);
    read.map_err(|source| reading(place, source))?;
    if bytes.len() as u64 > LONGEST {
        return Err(ContentError::NotAllowed {
            path: place.to_owned(),
            why: "it is longer than any file of its kind: look what it is".to_owned(),
        });
    }
    let after = fstat(&file).map_err(|error| failed(place, error))?;
    let is_same = |one: &Stat, other: &Stat| {
        (one.st_size, one.st_mtime, one.st_mtime_nsec) == (other.st_size, other.st_mtime, other.st_mtime_nsec)
    };
    let size = bytes.len() as u64;
    if !is_same(&before, &after) || u64::try_from(after.st_size) != Ok(size) {
        return Err(changed(place));
    }
    let kind = ItemKind::File { size };
    Ok(Item {
        held: Some(Bytes::from(bytes)),
        ..item(path, kind, &after, attributes)
    })
}

/// An item of a backup. Its number and its time of change stay away: it is read whenever it is copied.
fn item(path: PathBuf, kind: ItemKind, about: &Stat, attributes: Found) -> Item {
    let rare = Rare {
        attributes: attributes.kept,
        names: None,
    };
    Item {
        path,
        kind,
        mode: about.st_mode & 0o7777,
        owner: (about.st_uid, about.st_gid),
        modified: FileTime {
            seconds: about.st_mtime,
            nanos: u32::try_from(about.st_mtime_nsec).unwrap_or(0),
        },
        changed: FileTime::default(),
        inode: 0,
        held: None,
        rare: (rare != Rare::default()).then(|| Box::new(rare)),
    }
}

fn changed(place: &Path) -> ContentError {
    ContentError::Changed {
        path: place.to_owned(),
        what: "changed",
    }
}

fn failed(place: &Path, error: Errno) -> ContentError {
    reading(place, error.into())
}

fn reading(place: &Path, source: io::Error) -> ContentError {
    ContentError::Io {
        action: "reading",
        path: place.to_owned(),
        source,
    }
}

/// The file of an item, with what is in it; `None` for a folder.
fn content(item: &Item) -> Option<(&Path, &Bytes)> {
    Some((&item.path, item.held.as_ref()?))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A home as Jackrabbit leaves it, with what is not the content's beside it.
    pub(crate) fn made(home: &Path) {
        let files = [
            ("repository/meta/rootUUID", "cafebabe-cafe-babe-cafe-babecafebabe"),
            (
                "repository/namespaces/ns_reg.properties",
                "#\n.empty.key=\nmgnl=http\\://m\n",
            ),
            (
                "repository/namespaces/ns_idx.properties",
                "#\n.empty.key=0\nhttp\\://m=77\n",
            ),
            (
                "repository/nodetypes/custom_nodetypes.xml",
                "<?xml version=\"1.0\"?>\n<nodeTypes>\n<nodeType name=\"mgnl:page\"/>\n</nodeTypes>\n",
            ),
            ("repository/index/segments", "index"),
            ("repository/datastore/ab/cd/ef/abcdef", "record"),
            (
                "workspaces/website/workspace.xml",
                "<Workspace name=\"website\"></Workspace>",
            ),
            ("workspaces/website/index/segments", "index"),
            ("workspaces/website/locks", "lock"),
            ("workspaces/version/index/segments", "index"),
            (".lock", ""),
            ("revision.log", "12345678"),
        ];
        for (path, text) in files {
            let path = home.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn exactly_the_files_are_read_that_rows_refer_to() {
        let root = tempfile::tempdir().unwrap();
        made(root.path());
        let items = items(root.path()).unwrap();
        let paths: Vec<_> = items.iter().map(|item| item.path.to_str().unwrap()).collect();
        assert_eq!(
            paths,
            [
                ".home",
                ".home/repository",
                ".home/repository/meta",
                ".home/repository/meta/rootUUID",
                ".home/repository/namespaces",
                ".home/repository/namespaces/ns_idx.properties",
                ".home/repository/namespaces/ns_reg.properties",
                ".home/repository/nodetypes",
                ".home/repository/nodetypes/custom_nodetypes.xml",
                ".home/workspaces",
                ".home/workspaces/website",
                ".home/workspaces/website/workspace.xml",
            ]
        );
        for (path, is_one) in [
            ("workspaces/dam/default/names.properties", true),
            ("version/namespaces.properties", true),
            ("workspaces/dam/locks", false),
            ("workspaces/workspace.xml", false),
            ("repository/namespaces", false),
        ] {
            assert_eq!(belongs(Path::new(path)), is_one, "{path}");
        }
    }

    #[test]
    fn a_file_that_is_being_written_a_link_and_a_home_that_is_gone_stop_the_backup() {
        let root = tempfile::tempdir().unwrap();
        made(root.path());
        let types = root.path().join("repository/nodetypes/custom_nodetypes.xml");
        fs::write(&types, "<nodeTypes>\n<nodeType name=\"mgnl:page\">").unwrap();
        let why = items(root.path()).unwrap_err().to_string();
        assert!(why.contains("custom_nodetypes.xml: it is not whole"), "{why}");
        // Whoever writes comes to an end.
        fs::write(&types, "").unwrap();
        let text = "<nodeTypes><nodeType name=\"mgnl:page\"/></nodeTypes>";
        let writing = std::thread::spawn({
            let types = types.clone();
            move || fs::write(types, text).unwrap()
        });
        let read = items(root.path()).unwrap();
        writing.join().unwrap();
        assert!(
            read.iter()
                .any(|item| item.held.as_deref() == Some(text.as_bytes()))
        );

        let pipe = root.path().join("repository/privileges/custom_privileges.xml");
        fs::create_dir_all(pipe.parent().unwrap()).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
        assert!(made.success());
        let why = items(root.path()).unwrap_err().to_string();
        assert!(
            why.contains("custom_privileges.xml") && why.contains("it is no file"),
            "{why}"
        );
        fs::remove_file(&pipe).unwrap();

        fs::rename(&types, root.path().join("elsewhere.xml")).unwrap();
        symlink(root.path().join("elsewhere.xml"), &types).unwrap();
        let why = items(root.path()).unwrap_err().to_string();
        assert!(why.contains("links are not followed there"), "{why}");
        let why = items(&root.path().join("gone")).unwrap_err().to_string();
        assert!(why.contains("gone"), "{why}");
    }
}
