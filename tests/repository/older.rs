//! Folders in a repository that the version before has filled, which gave them to the repository's library, and in one
//! that `restic` has filled: nothing of what is there is stored once more.
//!
//! `tests/fixtures/folders` is such a repository, with what [`both`] tells in a backup made at [`TAKEN`]. Its empty folders
//! are made here, because version control keeps none.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Cursor, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lifeboat::clock::SetClock;
use lifeboat::content::{Attribute, Content, ContentError, FileTime, Item, ItemKind, Names, Rare};
use lifeboat::domain::backup::BackupId;
use lifeboat::repository::{FrozenSources, Source, Storage, UnrecordedBackup};
use lifeboat::watch::Unwatched;

use crate::support::{Sandbox, below, manifest, moment, noise, restic_at, source};

const TAKEN: &str = "2026-11-23T00:17:00Z";

/// Items as a file system tells of them, the same ones every time, with the text of those that are files.
type Told = Vec<(Item, Vec<u8>)>;

/// Content that is in memory, and is read as files are.
struct Remembered {
    told: Told,
    opened: Arc<AtomicUsize>,
}

impl Content for Remembered {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    fn walk<'a>(
        &'a self,
        _left_out: &'a mut (dyn FnMut(String) + Send),
    ) -> Box<dyn Iterator<Item = Result<Item, ContentError>> + Send + 'a> {
        Box::new(self.told.iter().map(|(item, _)| Ok(item.clone())))
    }

    fn open(&self, item: &Item) -> Result<Box<dyn Read + Send>, ContentError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        let (_, text) = self.told.iter().find(|(told, _)| told == item).unwrap();
        Ok(Box::new(Cursor::new(text.clone())))
    }
}

/// Text that takes little room when it is packed, and no 64 bytes of it are like any others.
fn lines(seed: u64, length: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(length + 64);
    let mut number = seed << 24;
    while text.len() < length {
        text.extend(format!("<sv:property sv:name=\"number\"><sv:value>{number:08x}</sv:value>\n").bytes());
        number += 1;
    }
    text.truncate(length);
    text
}

/// Every kind of item, and files that are cut in every way: where their content says so, at the longest that a piece may
/// be, at the shortest, and not at all.
fn content(seed: u64) -> Told {
    let mut number = seed * 1_000;
    let mut item = |path: &[u8], kind: ItemKind, mode: u32| {
        number += 1;
        let time = i64::try_from(number).unwrap();
        Item {
            path: PathBuf::from(std::ffi::OsStr::from_bytes(path)),
            kind,
            mode,
            owner: (1_000, 100),
            modified: FileTime {
                seconds: 1_700_000_000 - time * 86_400,
                nanos: 123_456_789,
            },
            changed: FileTime {
                seconds: 1_700_000_000 + time,
                nanos: 0,
            },
            inode: number,
            held: None,
            rare: None,
        }
    };
    let mut told = Vec::new();
    let folder = ItemKind::Folder;
    told.push((item(b"dam", folder.clone(), 0o755), Vec::new()));
    told.push((item(b"dam/empty", folder.clone(), 0o2770), Vec::new()));
    let texts = [
        ("dam/even", vec![b'a'; 9 << 20]),
        ("dam/long", lines(seed, 5_000_000)),
        ("dam/nothing", Vec::new()),
        ("dam/one", vec![0]),
        ("dam/shorter", lines(7, (512 << 10) - 1)),
        ("dam/shortest", lines(7, 512 << 10)),
        ("dam/shortest-and-one", lines(7, (512 << 10) + 1)),
        ("dam/zeroes", vec![0; 2_000_000]),
    ];
    for (path, text) in texts {
        let file = ItemKind::File {
            size: text.len() as u64,
        };
        told.push((item(path.as_bytes(), file, 0o640), text));
    }
    told.push((item(b"website", folder.clone(), 0o755), Vec::new()));
    told.push((item(b"website/home", folder, 0o1750), Vec::new()));
    for name in [&b"a \xff \" \\ \n e\xcc\x81"[..], b"page.xml"] {
        let text = noise(seed, 300);
        let path = [b"website/home/", name].concat();
        let file = ItemKind::File {
            size: text.len() as u64,
        };
        let mut file = item(&path, file, 0o4755);
        file.rare = Some(Box::new(Rare {
            attributes: vec![Attribute {
                name: "user.mime_type".to_owned(),
                value: b"text/\xff".to_vec(),
            }],
            names: Some(Names {
                count: 2,
                device: 66_000,
            }),
        }));
        told.push((file, text));
    }
    let target = ItemKind::Link {
        target: "../dam/long".into(),
    };
    told.push((item(b"website/link", target, 0o777), Vec::new()));
    told
}

fn both() -> [Told; 2] {
    [content(1), content(2)]
}

fn sources(told: [Told; 2], opened: &Arc<AtomicUsize>) -> Vec<Source> {
    let content = |told| {
        Arc::new(Remembered {
            told,
            opened: Arc::clone(opened),
        })
    };
    let [author, public] = told.map(content);
    vec![source("author", author), source("public-1", public)]
}

fn copy(sandbox: &Sandbox, told: [Told; 2], parent: Option<&BackupId>) -> (UnrecordedBackup, usize) {
    let opened = Arc::default();
    let still = FrozenSources::take(&sources(told, &opened), &SetClock::at(moment(TAKEN))).unwrap();
    let copy = sandbox.repository.copy(still, parent, &Unwatched).unwrap();
    (copy, opened.load(Ordering::Relaxed))
}

/// A sandbox whose repository is that of the version before.
fn as_it_was_left() -> Sandbox {
    let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/folders");
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("repository");
    for path in below(&fixture).into_keys() {
        let (from, to) = (fixture.join(&path), place.join(&path));
        if from.is_file() {
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(from, to).unwrap();
        }
    }
    for number in 0..=255_u8 {
        fs::create_dir_all(place.join(format!("data/{number:02x}"))).unwrap();
    }
    fs::create_dir_all(place.join("locks")).unwrap();
    Sandbox::with(folder, Storage::from(&place), None)
}

/// The ids of pieces of content and of folders that are in the repository.
fn blobs(sandbox: &Sandbox, kind: &str) -> BTreeSet<String> {
    let listed = sandbox.restic(&["list", "blobs"]);
    let of_kind = listed.lines().filter_map(|line| line.strip_prefix(kind));
    of_kind.map(|id| id.trim().to_owned()).collect()
}

#[test]
fn what_the_version_before_has_stored_is_not_stored_again() {
    let sandbox = as_it_was_left();
    let left = sandbox.files("data");
    let (copied, opened) = copy(&sandbox, both(), None);
    assert_eq!(copied.added_bytes, 0);
    assert_eq!(sandbox.files("data"), left);
    // Without an earlier backup all files are read, of which some are empty.
    assert_eq!(opened, 20);
    sandbox.repository.read_back(&copied, &Unwatched).unwrap();
    let manifest = manifest(&copied);
    let id = sandbox.repository.record(copied, &manifest).unwrap();
    sandbox.repository.verify(&id, &Unwatched).unwrap();
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn a_file_that_changes_after_the_version_before_is_the_only_one_that_is_read() {
    let sandbox = as_it_was_left();
    let before = sandbox.repository.list().unwrap().remove(0).id;
    let content_before = blobs(&sandbox, "data");
    let (copied, opened) = copy(&sandbox, both(), Some(&before));
    assert_eq!((copied.added_bytes, opened), (0, 0));

    // A byte in the middle of a long file makes one other piece of it, and other folders from there up.
    let mut changed = both();
    let (item, text) = changed[0]
        .iter_mut()
        .find(|(item, _)| item.path == Path::new("dam/long"))
        .unwrap();
    text[2_500_000] ^= 1;
    item.modified.seconds += 1;
    item.changed.seconds += 1;
    let folders_before = blobs(&sandbox, "tree");
    let (copied, opened) = copy(&sandbox, changed, Some(&before));
    assert_eq!(opened, 1);
    sandbox.repository.read_back(&copied, &Unwatched).unwrap();
    let manifest = manifest(&copied);
    let id = sandbox.repository.record(copied, &manifest).unwrap();
    assert_eq!(blobs(&sandbox, "data").difference(&content_before).count(), 1);
    assert_eq!(blobs(&sandbox, "tree").difference(&folders_before).count(), 3);
    sandbox.repository.verify(&id, &Unwatched).unwrap();
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn a_file_is_read_again_when_anything_that_is_told_of_it_is_another() {
    let sandbox = as_it_was_left();
    let before = sandbox.repository.list().unwrap().remove(0).id;
    let changes: [fn(&mut Item); 3] = [
        |item| item.inode += 1_000_000,
        |item| item.modified.nanos += 1,
        |item| item.changed.nanos += 1,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut told = both();
        let file = told[1]
            .iter_mut()
            .find(|(item, _)| item.path == Path::new("dam/one"));
        change(&mut file.unwrap().0);
        let (_, opened) = copy(&sandbox, told, Some(&before));
        assert_eq!(opened, 1, "change {number}");
    }
}

#[test]
fn what_restic_has_stored_is_not_stored_again() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("repository");
    let restic = |arguments: &[&str]| restic_at(&place, folder.path(), arguments);
    restic(&["init"]);
    let sandbox = Sandbox::with(folder, Storage::from(&place), None);
    for (told, instance) in both().into_iter().zip(["author", "public-1"]) {
        for (item, text) in told {
            let path = sandbox.content(instance).join(&item.path);
            match item.kind {
                ItemKind::Folder => fs::create_dir_all(path).unwrap(),
                ItemKind::File { .. } => fs::write(path, text).unwrap(),
                ItemKind::Link { .. } => {}
            }
        }
        // Noise is cut in many more places than it would be worth to pack a fixture for.
        fs::write(sandbox.content(instance).join("dam/noise"), noise(3, 30_000_000)).unwrap();
    }
    sandbox.restic(&["backup", sandbox.path().join("content").to_str().unwrap()]);
    let before = blobs(&sandbox, "data");
    assert!(before.len() > 35, "{}", before.len());
    let id = sandbox.back_up();
    assert_eq!(blobs(&sandbox, "data"), before);
    sandbox.repository.verify(&id, &Unwatched).unwrap();
    sandbox.restic(&["check", "--read-data"]);
}
