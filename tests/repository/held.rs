//! Content that is held still, as a database is, brings what is in its files along with the walk. Whatever holds for files
//! that are read holds for it.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lifeboat::clock::SetClock;
use lifeboat::content::files::Files;
use lifeboat::content::{Content, ContentError, Item, ItemKind};
use lifeboat::domain::backup::BackupId;
use lifeboat::repository::{
    Depth, FrozenSources, Known, Readings, RepositoryError, Source, UnrecordedBackup,
};
use lifeboat::watch::{Unwatched, Watch};

use crate::buckets::{PREFIX, over_a_line};
use crate::meddling::Impatient;
use crate::object_storage::Fault;
use crate::support::{Sandbox, below, manifest, moment, noise, on_each_storage, set_time, source};

on_each_storage!(
    restic_checks_and_restores_it_and_so_does_lifeboat,
    one_that_fails_in_the_middle_leaves_nothing_behind,
);

/// A folder that nobody changes. What is in its files comes along with the walk, apart from the workspace `dam`, whose
/// files are read as those of a data store are.
struct Unmoved {
    files: Files,
    root: PathBuf,
    /// How many files were opened to be read.
    opened: Arc<AtomicUsize>,
    /// Where the walk fails.
    broken: Option<PathBuf>,
}

impl Unmoved {
    fn held(&self, item: Item) -> Result<Item, ContentError> {
        if self.broken.as_ref() == Some(&item.path) {
            return Err(ContentError::Database {
                place: "a test".to_owned(),
                doing: "reading".to_owned(),
                why: "the server has gone".to_owned(),
            });
        }
        if item.path.starts_with("dam") || !matches!(item.kind, ItemKind::File { .. }) {
            return Ok(item);
        }
        let bytes = fs::read(self.root.join(&item.path)).unwrap();
        Ok(Item {
            inode: 0,
            held: Some(bytes.into()),
            ..item
        })
    }
}

impl Content for Unmoved {
    fn place(&self) -> String {
        self.files.place()
    }

    fn freeze(&self) -> Result<Option<(u64, u64)>, ContentError> {
        Ok(Some((10, 1_000)))
    }

    fn walk<'a>(
        &'a self,
        left_out: &'a mut (dyn FnMut(String) + Send),
    ) -> Box<dyn Iterator<Item = Result<Item, ContentError>> + Send + 'a> {
        let walk = self.files.walk(left_out);
        Box::new(walk.map(|item| item.and_then(|item| self.held(item))))
    }

    fn open(&self, item: &Item) -> Result<Box<dyn Read + Send>, ContentError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        self.files.open(item)
    }
}

fn sources(sandbox: &Sandbox, broken: Option<&str>, opened: &Arc<AtomicUsize>) -> Vec<Source> {
    ["author", "public-1"]
        .map(|name| {
            let root = sandbox.content(name);
            let content = Unmoved {
                files: Files::new(&root),
                root,
                opened: Arc::clone(opened),
                broken: broken.map(PathBuf::from).filter(|_| name == "public-1"),
            };
            source(name, Arc::new(content))
        })
        .into()
}

fn copy(
    sandbox: &Sandbox,
    broken: Option<&str>,
    parent: Option<&BackupId>,
    watch: &dyn Watch,
) -> Result<UnrecordedBackup, RepositoryError> {
    let clock = SetClock::at(moment("2026-11-23T00:17:00Z"));
    let still = FrozenSources::take(&sources(sandbox, broken, &Arc::default()), &clock)?;
    sandbox.repository.copy(still, parent, watch)
}

fn back_up(sandbox: &Sandbox, parent: Option<&BackupId>) -> (BackupId, u64) {
    let copy = copy(sandbox, None, parent, &Unwatched).unwrap();
    sandbox.repository.read_back(&copy, &Unwatched).unwrap();
    let (manifest, added) = (manifest(&copy), copy.added_bytes);
    (sandbox.repository.record(copy, &manifest).unwrap(), added)
}

/// Something longer than one piece, something longer than a pack, and more files than one batch takes.
fn add_much(root: &Path) {
    let rows = root.join("website/rows");
    fs::create_dir_all(&rows).unwrap();
    fs::write(rows.join("long"), noise(3, 2_500_000)).unwrap();
    fs::write(rows.join("longer"), noise(4, 20_000_000)).unwrap();
    for number in 0..1_200 {
        fs::write(rows.join(format!("row-{number:05}")), noise(number + 10, 700)).unwrap();
    }
}

fn restic_checks_and_restores_it_and_so_does_lifeboat(sandbox: &Sandbox) {
    add_much(&sandbox.content("author"));
    let (id, added) = back_up(sandbox, None);
    assert!(added > 22_000_000, "{added}");

    sandbox.restic(&["check", "--read-data"]);
    let target = sandbox.path().join("by-restic");
    sandbox.restic(&["restore", "latest", "--target", target.to_str().unwrap()]);
    for instance in ["author", "public-1"] {
        assert_eq!(below(&target.join(instance)), below(&sandbox.content(instance)));
        let extracted = sandbox.extract(&id, instance);
        assert_eq!(below(&extracted), below(&sandbox.content(instance)));
    }
    sandbox.repository.verify(&id, &Unwatched).unwrap();
    // The library and `restic` prune what others have packed.
    sandbox.repository.forget(&[id]).unwrap();
    sandbox.repository.prune(&Unwatched).unwrap();
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn what_an_earlier_backup_has_is_not_stored_again() {
    let sandbox = Sandbox::new();
    add_much(&sandbox.content("author"));
    let (first, _) = back_up(&sandbox, None);
    let (second, added) = back_up(&sandbox, Some(&first));
    assert_eq!(added, 0);
    // Rows move to other places when one before them goes.
    let rows = sandbox.content("author").join("website/rows");
    fs::rename(rows.join("row-00007"), rows.join("row-99999")).unwrap();
    fs::write(rows.join("row-00008"), noise(77_777, 700)).unwrap();
    let (third, added) = back_up(&sandbox, Some(&second));
    assert!((700..400_000).contains(&added), "{added}");
    // Even without the earlier one nothing is stored twice.
    let (_, added) = back_up(&sandbox, None);
    assert_eq!(added, 0);
    let extracted = sandbox.extract(&third, "author");
    assert_eq!(below(&extracted), below(&sandbox.content("author")));
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn what_tells_the_same_of_itself_and_has_another_content_is_stored() {
    let sandbox = Sandbox::new();
    let page = sandbox.content("author").join("website/home/page.xml");
    fs::write(&page, "before").unwrap();
    set_time(&page, 1_000, 0);
    let (first, _) = back_up(&sandbox, None);
    fs::write(&page, "after!").unwrap();
    set_time(&page, 1_000, 0);
    let (second, _) = back_up(&sandbox, Some(&first));
    let extracted = sandbox.extract(&second, "author");
    assert_eq!(
        fs::read(extracted.join("website/home/page.xml")).unwrap(),
        b"after!"
    );
}

#[test]
fn files_of_a_data_store_are_read_again_only_when_they_have_changed() {
    let sandbox = Sandbox::new();
    let store = sandbox.content("author").join("dam/00/11");
    fs::create_dir_all(&store).unwrap();
    for name in ["one", "two"] {
        fs::write(store.join(name), name.repeat(900)).unwrap();
    }
    let clock = SetClock::at(moment("2026-11-23T00:17:00Z"));
    let back_up = |parent: Option<&BackupId>| {
        let opened = Arc::default();
        let still = FrozenSources::take(&sources(&sandbox, None, &opened), &clock).unwrap();
        let copy = sandbox.repository.copy(still, parent, &Unwatched).unwrap();
        sandbox.repository.read_back(&copy, &Unwatched).unwrap();
        let manifest = manifest(&copy);
        (
            sandbox.repository.record(copy, &manifest).unwrap(),
            opened.load(Ordering::Relaxed),
        )
    };
    let (first, opened) = back_up(None);
    assert!(opened > 2, "{opened}");
    let (second, opened) = back_up(Some(&first));
    assert_eq!(opened, 0);
    fs::write(store.join("two"), "another").unwrap();
    let (third, opened) = back_up(Some(&second));
    assert_eq!(opened, 1);
    assert_eq!(
        below(&sandbox.extract(&third, "author")),
        below(&sandbox.content("author"))
    );
}

fn one_that_fails_in_the_middle_leaves_nothing_behind(sandbox: &Sandbox) {
    add_much(&sandbox.content("author"));
    let error = copy(sandbox, Some("website/home.xml"), None, &Unwatched).unwrap_err();
    assert_eq!(
        error.to_string(),
        "public-1: reading in a test failed: the server has gone"
    );
    assert_eq!(sandbox.repository.list().unwrap().len(), 0);
    let (id, _) = back_up(sandbox, None);
    assert!(sandbox.compare(&id, "author", Depth::Whole).is_same());
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn one_can_be_cancelled() {
    let sandbox = Sandbox::new();
    add_much(&sandbox.content("author"));
    let error = copy(&sandbox, None, None, &Impatient::default()).unwrap_err();
    assert!(matches!(error, RepositoryError::Cancelled), "{error:?}");
    assert_eq!(sandbox.files("snapshots").len(), 0);
    back_up(&sandbox, None);
}

#[test]
fn a_flipped_bit_in_a_pack_is_found_by_reading_back() {
    let sandbox = Sandbox::new();
    add_much(&sandbox.content("author"));
    let (id, _) = back_up(&sandbox, None);
    let largest = sandbox
        .files("data")
        .into_iter()
        .max_by_key(|file| fs::metadata(file).unwrap().len())
        .unwrap();
    let mut bytes = fs::read(&largest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    fs::write(&largest, bytes).unwrap();
    let error = sandbox
        .repository
        .verify(&id, &Unwatched)
        .unwrap_err()
        .to_string();
    let pack = largest.file_name().unwrap().to_str().unwrap();
    assert!(error.contains(pack), "{error}");
    assert!(error.contains("(needed by author/website/rows/"), "{error}");
}

#[test]
fn a_bit_that_is_another_in_storage_ends_the_copy_while_it_is_made() {
    let (sandbox, store, line) = over_a_line();
    add_much(&sandbox.content("author"));
    line.disturb(|request| {
        if request.starts_with("GET") && request.contains("/data/") {
            Fault::Flip
        } else {
            Fault::Pass
        }
    });
    let error = copy(&sandbox, None, None, &Unwatched).unwrap_err();
    assert!(matches!(error, RepositoryError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("is not what was stored"), "{error}");
    line.disturb(|_| Fault::Pass);
    for left in ["data", "index", "snapshots"] {
        assert!(
            store.objects(&format!("{PREFIX}/{left}/")).is_empty(),
            "{left} is not withdrawn"
        );
    }
    back_up(&sandbox, None);
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn what_was_read_back_while_it_was_written_is_not_read_twice() {
    let (sandbox, _, line) = over_a_line();
    add_much(&sandbox.content("author"));
    let copied = copy(&sandbox, None, None, &Unwatched).unwrap();
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    line.disturb(move |request| {
        // That they are there is told by one listing.
        if request.starts_with("GET") && request.contains("/data/") && !request.contains("list-type") {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        Fault::Pass
    });
    let mut readings = Readings::of("here", None);
    let mut read_back = |copied: &UnrecordedBackup| {
        let mut known = Known {
            readings: &mut readings,
            now: moment("2026-11-23T00:17:00Z"),
            counts: &|_, _| true,
        };
        let read = sandbox
            .repository
            .read_back_unless(copied, &mut known, &Unwatched);
        (read.unwrap().since, asked.load(Ordering::Relaxed))
    };
    assert_eq!(read_back(&copied), (None, 0));
    let manifest = manifest(&copied);
    let id = sandbox.repository.record(copied, &manifest).unwrap();

    // What an earlier backup brought is read again by whoever does not know that it was.
    fs::write(sandbox.content("author").join("website/rows/late"), noise(7, 700)).unwrap();
    let copied = copy(&sandbox, None, Some(&id), &Unwatched).unwrap();
    let before = asked.load(Ordering::Relaxed);
    assert_eq!(read_back(&copied), (Some(moment("2026-11-23T00:17:00Z")), before));
    sandbox.repository.read_back(&copied, &Unwatched).unwrap();
    assert!(asked.load(Ordering::Relaxed) > before);
}
