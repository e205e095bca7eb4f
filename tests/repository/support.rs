//! What the tests of the repository share: a sandbox with content and a repository, and `restic` beside it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

use lifeboat::clock::{Clock, SetClock};
use lifeboat::content::Content;
use lifeboat::content::files::{Files, FilesSink};
use lifeboat::domain::Instant;
use lifeboat::domain::address::Address;
use lifeboat::domain::backup::{BackupId, Manifest, Trigger};
use lifeboat::domain::environment::{InstanceName, Role};
use lifeboat::domain::plan::Selection;
use lifeboat::domain::slot::Slot;
use lifeboat::domain::version::{MagnoliaVersion, ReleaseVersion, Versions};
use lifeboat::repository::{
    Comparison, Depth, FrozenSources, Key, Repository, RepositoryError, Source, Storage, UnrecordedBackup,
};
use lifeboat::watch::Unwatched;

use crate::object_storage::Store;

/// A folder of its own with the content of an author and a public, and a repository, there or in a bucket.
pub struct Sandbox {
    folder: tempfile::TempDir,
    pub repository: Repository,
    pub storage: Storage,
    store: Option<Store>,
}

/// Each of these is two tests: with a repository in a folder, and with one in a bucket. Whatever holds for one holds for
/// the other.
macro_rules! on_each_storage {
    ($($test:ident),* $(,)?) => {
        mod in_a_folder {
            $(#[test] fn $test() { super::$test(&crate::support::Sandbox::new()); })*
        }

        mod in_a_bucket {
            $(#[test] fn $test() { super::$test(&crate::support::Sandbox::in_a_bucket()); })*
        }
    };
}
pub(crate) use on_each_storage;

/// Where repositories in buckets are.
const PREFIX: &str = "boats/acme/live";

impl Sandbox {
    /// With a little of every kind of item in the content.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let storage = Storage::from(&folder.path().join("repository"));
        Self::with(folder, storage, None)
    }

    /// The same with the repository in another folder.
    pub fn in_folder(place: &Path) -> Self {
        Self::with(tempfile::tempdir().unwrap(), Storage::from(place), None)
    }

    /// The same with the repository in a bucket.
    pub fn in_bucket(store: Store, storage: Storage) -> Self {
        Self::with(tempfile::tempdir().unwrap(), storage, Some(store))
    }

    /// The same with the repository in a bucket of its own.
    pub fn in_a_bucket() -> Self {
        let store = Store::new();
        let storage = store.storage(PREFIX);
        Self::in_bucket(store, storage)
    }

    /// The same with any repository, which is made if there is none.
    pub fn with(folder: tempfile::TempDir, storage: Storage, store: Option<Store>) -> Self {
        let sandbox = Self {
            repository: Repository::open_or_create(&storage, &key()).unwrap(),
            folder,
            storage,
            store,
        };
        fill(&sandbox.content("author"), 1);
        fill(&sandbox.content("public-1"), 2);
        sandbox
    }

    /// The folder that the repository is in.
    pub fn place(&self) -> &Path {
        self.repository
            .place()
            .folder()
            .expect("a repository in a folder")
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The folder with an instance's content.
    pub fn content(&self, instance: &str) -> PathBuf {
        self.path().join("content").join(instance)
    }

    /// The sources of a copy, from files.
    pub fn sources(&self) -> Vec<Source> {
        ["author", "public-1"]
            .map(|name| source(name, Arc::new(Files::new(&self.content(name)))))
            .into()
    }

    /// What a copy begins with.
    pub fn still_at(&self, clock: &dyn Clock) -> FrozenSources {
        FrozenSources::take(&self.sources(), clock).unwrap()
    }

    /// A copy, not yet a backup.
    pub fn copy(&self) -> Result<UnrecordedBackup, RepositoryError> {
        self.copy_of(&self.sources())
    }

    /// A copy of other sources than the sandbox's folders.
    pub fn copy_of(&self, sources: &[Source]) -> Result<UnrecordedBackup, RepositoryError> {
        let still = FrozenSources::take(sources, &SetClock::at(moment("2026-11-23T00:17:00Z")))?;
        self.repository.copy(still, None, &Unwatched)
    }

    /// A whole backup.
    pub fn back_up(&self) -> BackupId {
        let copy = self.copy().unwrap();
        self.repository.read_back(&copy, &Unwatched).unwrap();
        let manifest = manifest(&copy);
        self.repository.record(copy, &manifest).unwrap()
    }

    /// Brings an instance of a backup into a new folder, and gives the folder.
    pub fn extract(&self, id: &BackupId, instance: &str) -> PathBuf {
        let to = self.path().join(format!("extracted-{instance}"));
        let sink = FilesSink::create(&to).unwrap();
        self.repository
            .extract(id, &name(instance), &Selection::default(), &sink, &Unwatched)
            .unwrap();
        to
    }

    /// Compares an instance's folder with a backup.
    pub fn compare(&self, id: &BackupId, instance: &str, depth: Depth) -> Comparison {
        self.compare_folder(id, instance, &self.content(instance), depth)
    }

    /// Compares any folder with an instance of a backup.
    pub fn compare_folder(&self, id: &BackupId, instance: &str, folder: &Path, depth: Depth) -> Comparison {
        let all = Selection::default();
        let files = Files::new(folder);
        self.repository
            .compare(id, &name(instance), &all, &files, depth, &Unwatched)
            .unwrap()
    }

    /// Runs `restic` on the repository.
    pub fn restic(&self, arguments: &[&str]) -> String {
        let output = self.try_restic(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "restic {arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Runs `restic` on the repository, which may fail.
    pub fn try_restic(&self, arguments: &[&str]) -> Output {
        let place = match (&self.store, self.repository.place()) {
            (Some(store), Address::Bucket { bucket, prefix }) => {
                format!("s3:http://127.0.0.1:{}/{bucket}/{prefix}", store.port)
            }
            (_, place) => place.to_string(),
        };
        run_restic(place.as_ref(), self.path(), arguments)
    }

    /// Leaves a pack that no index lists, as a copy does that is killed. Gives its name.
    pub fn leave_a_pack(&self) -> String {
        let name = "ab".repeat(32);
        let path = format!("data/ab/{name}");
        match &self.store {
            Some(store) => store.put(&format!("{PREFIX}/{path}"), &noise(5, 1000)),
            None => fs::write(self.place().join(path), noise(5, 1000)).unwrap(),
        }
        name
    }

    /// Whether the repository has a pack.
    pub fn has_pack(&self, name: &str) -> bool {
        match &self.store {
            Some(store) => !store
                .objects(&format!("{PREFIX}/data/{}/{name}", &name[..2]))
                .is_empty(),
            None => self.files("data").iter().any(|file| file.ends_with(name)),
        }
    }

    /// The files of one kind in the repository: `data`, `index`, `snapshots`.
    pub fn files(&self, kind: &str) -> Vec<PathBuf> {
        let mut files: Vec<_> = below(&self.place().join(kind))
            .into_keys()
            .map(|path| self.place().join(kind).join(path))
            .filter(|path| path.is_file())
            .collect();
        files.sort();
        files
    }

    /// Opens the repository once more, as another process would.
    pub fn reopened(&self) -> Repository {
        Repository::open(&self.storage, &key()).unwrap()
    }
}

/// Runs `restic` on a repository in a folder, which has to succeed.
pub fn restic_at(place: &Path, home: &Path, arguments: &[&str]) {
    let output = run_restic(place.as_os_str(), home, arguments);
    assert!(output.status.success(), "restic {arguments:?}: {output:?}");
}

fn run_restic(place: &OsStr, home: &Path, arguments: &[&str]) -> Output {
    Command::new("restic")
        .arg("--repo")
        .arg(place)
        .arg("--no-cache")
        .args(arguments)
        .env("RESTIC_PASSWORD", "open sesame")
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .env("HOME", home)
        .output()
        .expect("these tests need restic: apt-get install restic")
}

pub fn key() -> Key {
    Key::new("open sesame".to_owned())
}

pub fn name(instance: &str) -> InstanceName {
    instance.parse().unwrap()
}

pub fn moment(text: &str) -> Instant {
    text.parse().unwrap()
}

pub fn source(instance: &str, content: Arc<dyn Content>) -> Source {
    Source {
        name: name(instance),
        role: if instance == "author" {
            Role::Author
        } else {
            Role::Public
        },
        content,
    }
}

pub fn manifest(copy: &UnrecordedBackup) -> Manifest {
    Manifest {
        format: Manifest::FORMAT,
        environment: "acme/live".parse().unwrap(),
        taken: moment("2026-11-23T00:17:00Z"),
        copy_millis: copy.copy_millis,
        verify_millis: 0,
        trigger: Trigger::Schedule,
        by: "schedule".into(),
        note: Some("with, a comma".to_owned()),
        versions: Versions {
            release: ReleaseVersion("v12".to_owned()),
            magnolia: MagnoliaVersion("6.3.4".to_owned()),
        },
        slots: vec![Slot::Daily, Slot::Weekly],
        serves: Vec::new(),
        expires: None,
        pin: None,
        added_bytes: copy.added_bytes,
        read_since: None,
        ran: None,
        came_from: None,
        earlier: Vec::new(),
        instances: copy.instances.clone(),
        replaced: None,
    }
}

/// Numbers that look random and are the same every time.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        })
        .collect()
}

/// Content with every kind of item: small and big files, odd names, links, permissions, old and new times.
pub fn fill(root: &Path, seed: u64) {
    let home = root.join("website/home");
    fs::create_dir_all(&home).unwrap();
    fs::create_dir_all(root.join("dam/empty")).unwrap();
    fs::create_dir_all(root.join("users")).unwrap();
    fs::write(home.join("page.xml"), format!("<page n=\"{seed}\"/>")).unwrap();
    fs::write(home.join("empty.yaml"), "").unwrap();
    fs::write(root.join("website/home.xml"), "sorted beside its folder").unwrap();
    fs::write(root.join("dam/picture.jpg"), noise(seed, 3_000_000)).unwrap();
    fs::write(root.join("dam/same-1"), noise(7, 200_000)).unwrap();
    fs::write(root.join("dam/same-2"), noise(7, 200_000)).unwrap();
    fs::write(root.join("users/admin.xml"), "secret").unwrap();
    for odd in [
        &b"not \xff\xfe unicode"[..],
        b"new\nline",
        b"quote\"back\\slash",
        b"\x1b[2J",
        b"e\xcc\x81",
        b" ",
    ] {
        fs::write(home.join(OsStr::from_bytes(odd)), odd).unwrap();
    }
    symlink("home/page.xml", root.join("website/link")).unwrap();
    symlink("/nowhere/at all", root.join("website/dangling")).unwrap();
    symlink("..", home.join("up")).unwrap();
    set_mode(&root.join("users/admin.xml"), 0o600);
    set_mode(&home.join("page.xml"), 0o751);
    set_mode(&root.join("users"), 0o1750);
    set_time(&root.join("dam/picture.jpg"), -1_000_000, 123_456_789);
    set_time(&root.join("website/link"), 86_400, 5);
    set_time(&root.join("dam/empty"), 1_000_000_000, 999_999_999);
}

pub fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub fn set_time(path: &Path, seconds: i64, nanos: i64) {
    let time = rustix::fs::Timespec {
        tv_sec: seconds,
        tv_nsec: nanos,
    };
    let times = rustix::fs::Timestamps {
        last_access: time,
        last_modification: time,
    };
    rustix::fs::utimensat(
        rustix::fs::CWD,
        path,
        &times,
        rustix::fs::AtFlags::SYMLINK_NOFOLLOW,
    )
    .unwrap();
}

/// Everything below a folder that a restore has to bring back.
pub fn below(root: &Path) -> BTreeMap<PathBuf, String> {
    fn add(root: &Path, folder: &Path, all: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let about = fs::symlink_metadata(&path).unwrap();
            let kind = if about.is_dir() {
                "folder".to_owned()
            } else if about.is_symlink() {
                format!("link to {}", fs::read_link(&path).unwrap().display())
            } else {
                let content = fs::read(&path).unwrap();
                format!("{} bytes, {:x?}", content.len(), sum(&content))
            };
            let told = format!(
                "{kind}, {:o}, {}:{}, {}.{:09}",
                about.mode(),
                about.uid(),
                about.gid(),
                about.mtime(),
                about.mtime_nsec()
            );
            all.insert(path.strip_prefix(root).unwrap().to_owned(), told);
            if about.is_dir() {
                add(root, &path, all);
            }
        }
    }
    let mut all = BTreeMap::new();
    add(root, root, &mut all);
    all
}

fn sum(content: &[u8]) -> u64 {
    content.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
