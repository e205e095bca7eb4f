//! Parts of content in folders: chosen folders and files come back alone, and nothing else of Live is touched.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::house::{House, OfHouse, back_up, backups, request, restore, undo};
use super::recovery::nothing_is_left;
use crate::domain::plan::{RestorePlan, Selection};
use crate::engine::Engine;
use crate::watch::Unwatched;

/// A house with a few pages below others.
pub(super) fn house() -> House {
    let house = House::new();
    for (path, text) in [
        ("website/home/news/first.xml", "first"),
        ("website/home/news/second.xml", "second"),
        ("website/home/about.xml", "about"),
        ("website/home.xml", "home"),
        ("dam/pictures/cat.jpg", "cat"),
    ] {
        house.write("author", path, text);
        house.write("public-1", path, text);
    }
    house
}

pub(super) fn parts(paths: &[&str]) -> Selection {
    let paths = paths.iter().map(|path| path.parse().unwrap()).collect();
    Selection::of_paths(Vec::new(), paths).unwrap()
}

pub(super) fn plan(engine: &Engine, selection: Selection) -> RestorePlan {
    let live = engine.of_house();
    live.plan_restore(&request("manual", selection), &Unwatched)
        .unwrap()
}

/// Everything in an instance but what was chosen: which file it is, of files what is in them, and when it was changed. What is
/// exchanged in a folder changes the time of that alone.
fn rest(house: &House, instance: &str) -> BTreeMap<PathBuf, (u64, i64, i64, String)> {
    fn below(folder: &Path, root: &Path, found: &mut BTreeMap<PathBuf, (u64, i64, i64, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let shown = path.strip_prefix(root).unwrap().to_owned();
            if shown.starts_with("website/home/news") || shown == Path::new("dam/pictures/cat.jpg") {
                continue;
            }
            let about = path.symlink_metadata().unwrap();
            let text = if about.is_file() {
                fs::read_to_string(&path).unwrap()
            } else {
                below(&path, root, found);
                String::new()
            };
            let is_touched = [Path::new("website/home"), Path::new("dam/pictures")].contains(&&*shown);
            let time = if is_touched {
                (0, 0)
            } else {
                (about.mtime(), about.mtime_nsec())
            };
            found.insert(shown, (about.ino(), time.0, time.1, text));
        }
    }
    let (root, mut found) = (house.root(instance), BTreeMap::new());
    below(&root, &root, &mut found);
    found
}

#[test]
fn a_folder_and_a_file_come_back_alone_and_undo_takes_them_back() {
    let house = house();
    let news = house.root("author").join("website/home/news");
    fs::set_permissions(&news, fs::Permissions::from_mode(0o750)).unwrap();
    let engine = house.engine();
    back_up(&engine);
    let good = house.content();
    house.remove("author", "website/home/news");
    house.write("author", "website/home/news/third.xml", "third");
    house.remove("author", "dam/pictures/cat.jpg");
    house.write("author", "website/home/about.xml", "later work");
    house.remove("public-1", "website/home/news/first.xml");
    let broken = house.content();
    let untouched = (rest(&house, "author"), rest(&house, "public-1"));

    let chosen = parts(&["author:/website/home/news", "author:/dam/pictures/cat.jpg"]);
    let planned = plan(&engine, chosen.clone());
    assert_eq!(planned.obstacles, Vec::<String>::new());
    // Two pages and the picture come, one page goes; the folder has lost its permissions.
    assert_eq!(planned.totals(), (3, 1, 1), "{:#?}", planned.changes);
    assert!(
        planned.warnings.join("; ").contains("what was chosen alone"),
        "{:?}",
        planned.warnings
    );
    assert!(
        planned
            .stopping
            .by_hand
            .join("; ")
            .contains("Stop Magnolia on author before"),
        "{:?}",
        planned.stopping
    );
    let job = restore(&engine, "manual", chosen.clone());
    let told = &job.outcome.as_ref().unwrap().warnings;
    assert!(!told.join("; ").contains("Stop Magnolia"), "it is over: {told:?}");
    let mut expected = broken.clone();
    expected.retain(|path, _| path != Path::new("author/content/website/home/news/third.xml"));
    for path in [
        "website/home/news/first.xml",
        "website/home/news/second.xml",
        "dam/pictures/cat.jpg",
    ] {
        let path = Path::new("author/content").join(path);
        expected.insert(path.clone(), good[&path].clone());
    }
    assert_eq!(house.content(), expected);
    assert_eq!(fs::metadata(&news).unwrap().mode() & 0o7777, 0o750);
    assert_eq!((rest(&house, "author"), rest(&house, "public-1")), untouched);
    let outcome = job.outcome.unwrap();
    assert!(
        outcome
            .summary
            .contains("only /dam/pictures/cat.jpg and /website/home/news on author"),
        "{}",
        outcome.summary
    );
    let safety = outcome.safety.unwrap();
    let safety = backups(&engine)
        .into_iter()
        .find(|backup| backup.id == safety)
        .unwrap();
    assert_eq!(
        safety.manifest.replaced,
        Some(chosen),
        "undo takes back no more than that"
    );

    // Work beside it after the restore outlives the undo.
    house.write("author", "website/home/late.xml", "after the restore");
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    let mut undone = broken;
    undone.insert(
        "author/content/website/home/late.xml".into(),
        "after the restore".into(),
    );
    assert_eq!(house.content(), undone);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    expected.insert(
        "author/content/website/home/late.xml".into(),
        "after the restore".into(),
    );
    assert_eq!(house.content(), expected, "an undo can be undone");
    let mut at_last = rest(&house, "author");
    assert!(at_last.remove(Path::new("website/home/late.xml")).is_some());
    assert_eq!(at_last, untouched.0);
    nothing_is_left(&house);
}

#[test]
fn what_differs_in_nothing_but_what_is_known_of_it_comes_back_as_it_was() {
    type Harm<'h> = (&'static str, Box<dyn Fn() + 'h>);
    fn told(path: &Path) -> (u32, u32, i64, i64, Option<Vec<u8>>) {
        let about = fs::metadata(path).unwrap();
        let mut value = [0; 64];
        let length = rustix::fs::getxattr(path, "user.note", &mut value);
        (
            about.mode(),
            about.gid(),
            about.mtime(),
            about.mtime_nsec(),
            length.ok().map(|length| value[..length].to_vec()),
        )
    }
    let house = house();
    let news = house.root("author").join("website/home/news");
    let (first, second) = (news.join("first.xml"), news.join("second.xml"));
    let note =
        |value: &[u8]| rustix::fs::setxattr(&first, "user.note", value, rustix::fs::XattrFlags::empty());
    let has_attributes = note(b"good").is_ok();
    let engine = house.engine();
    back_up(&engine);
    let touch = || {
        let file = fs::File::options().write(true).open(&first).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, 7))
            .unwrap();
    };
    let chmod = || fs::set_permissions(&first, fs::Permissions::from_mode(0o600)).unwrap();
    let give = || std::os::unix::fs::chown(&first, None, Some(12)).unwrap();
    let mut harms: Vec<Harm<'_>> = vec![("time", Box::new(touch)), ("mode", Box::new(chmod))];
    if rustix::process::geteuid().is_root() {
        harms.push(("group", Box::new(give)));
    }
    if has_attributes {
        harms.push(("attribute", Box::new(|| note(b"bad").unwrap())));
    }
    let good = (told(&first), told(&second));
    for (what, harm) in harms {
        for chosen in ["author:/website/home/news/first.xml", "author:/website/home/news"] {
            house.pass(chrono::Duration::minutes(1));
            harm();
            assert_ne!(told(&first), good.0, "{what}");
            let chosen = parts(&[chosen]);
            let planned = plan(&engine, chosen.clone());
            assert_eq!(planned.totals(), (0, 1, 0), "{what}: {:?}", planned.changes);
            assert!(!planned.changes_nothing);
            restore(&engine, "manual", chosen.clone());
            assert_eq!((told(&first), told(&second)), good, "{what}");
            assert!(plan(&engine, chosen).changes_nothing, "{what}");
        }
    }
    nothing_is_left(&house);
}

#[test]
fn what_a_path_lies_in_comes_back_with_it_and_goes_again() {
    let house = house();
    for folder in ["website", "website/home"] {
        let folder = house.root("author").join(folder);
        fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).unwrap();
    }
    let engine = house.engine();
    back_up(&engine);
    house.remove("author", "website");
    let broken = house.content();
    let chosen = parts(&[
        "author:/website/home/news/first.xml",
        "author:/website/home/about.xml",
    ]);
    let planned = plan(&engine, chosen.clone());
    assert_eq!(planned.obstacles, Vec::<String>::new());
    assert!(
        planned
            .warnings
            .join("; ")
            .contains("website is not in Live: it comes back as the backup has it"),
        "{:?}",
        planned.warnings
    );
    restore(&engine, "manual", chosen.clone());
    let came: Vec<_> = house
        .content()
        .into_keys()
        .filter(|path| !broken.contains_key(path))
        .collect();
    let expected = [
        "website",
        "website/home",
        "website/home/about.xml",
        "website/home/news",
        "website/home/news/first.xml",
    ];
    assert_eq!(came, expected.map(|path| Path::new("author/content").join(path)));
    for folder in ["website", "website/home"] {
        let about = fs::metadata(house.root("author").join(folder)).unwrap();
        assert_eq!(about.mode() & 0o7777, 0o711, "{folder}");
    }
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.content(), broken, "what came with it went with it");
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    // What somebody has put there since is none of it.
    house.write("author", "website/home/news/late.xml", "late");
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    let mut kept = broken;
    for folder in ["website", "website/home", "website/home/news"] {
        kept.insert(Path::new("author/content").join(folder), "folder".into());
    }
    kept.insert("author/content/website/home/news/late.xml".into(), "late".into());
    assert_eq!(house.content(), kept);
    nothing_is_left(&house);
}

#[test]
fn an_undo_says_what_was_written_into_what_came_back() {
    let house = house();
    let engine = house.engine();
    back_up(&engine);
    house.remove("author", "website/home/news/first.xml");
    let chosen = parts(&["author:/website/home/news"]);
    let safety = restore(&engine, "manual", chosen.clone())
        .outcome
        .unwrap()
        .safety
        .unwrap();
    let planned = |engine: &Engine| {
        let live = engine.of_house();
        live.plan_restore(&request(&safety.0, chosen.clone()), &Unwatched)
            .unwrap()
    };
    let tells = |texts: &[String]| {
        texts
            .iter()
            .find(|text| text.contains("since the restore"))
            .cloned()
    };
    assert_eq!(tells(&planned(&engine).warnings), None, "nothing was written");
    house.write("author", "website/home/news/third.xml", "made since");
    house.write("author", "website/home/news/first.xml", "changed since");
    house.write("author", "website/home/about.xml", "beside it");
    house.remove("author", "website/home/news/second.xml");
    let told = tells(&planned(&engine).warnings).unwrap();
    assert!(
        told.starts_with(
            "author: since the restore 1 file or folder was added, 1 file or folder was changed and 1 file or folder was removed"
        ),
        "{told}"
    );
    house.pass(chrono::Duration::minutes(1));
    let undone = undo(&engine);
    assert_eq!(tells(&undone.outcome.unwrap().warnings), Some(told));
    assert!(!house.root("author").join("website/home/news/third.xml").exists());
    assert_eq!(
        house.content()[Path::new("author/content/website/home/about.xml")],
        "beside it"
    );
    // The undo of the undo brings back what was set aside.
    house.pass(chrono::Duration::minutes(1));
    let again = undo(&engine);
    assert_eq!(tells(&again.outcome.unwrap().warnings), None);
    assert!(house.root("author").join("website/home/news/third.xml").exists());

    // Where the backup is gone that was brought back, nobody can tell.
    let last = house.path("state/last-restore/acme+live.json");
    let text = fs::read_to_string(&last).unwrap();
    let mut noted: serde_json::Value = serde_json::from_str(&text).unwrap();
    noted["backup"] = "ab".repeat(32).into();
    fs::write(&last, noted.to_string()).unwrap();
    house.pass(chrono::Duration::minutes(1));
    let told = undo(&engine).outcome.unwrap().warnings.join("; ");
    assert!(told.contains("cannot be told"), "{told}");
}

#[test]
fn what_cannot_come_back_alone_is_said_with_the_reason() {
    let house = house();
    let engine = house.engine();
    back_up(&engine);
    house.write("author", "website/home/made-since.xml", "new");
    for (path, told) in [
        (
            "author:/website/home/made-since.xml",
            "the backup has no /website/home/made-since.xml: a restore would only remove",
        ),
        (
            "author:/website/nowhere",
            "neither the backup nor Live has /website/nowhere",
        ),
        ("author:/website/home[2]", "no two files have one name"),
        ("author:/website/..", "no name of a file"),
        ("author:/website/home/../../dam", "no name of a file"),
        ("author:/website/a%2Fb", "no name of a file"),
        ("author:/../x", "no name of a file"),
        ("author:/nope/x", "the backup holds no workspace"),
    ] {
        let planned = plan(&engine, parts(&[path]));
        let obstacles = planned.obstacles.join("; ");
        assert!(obstacles.contains(told), "{path}: {obstacles}");
        assert!(crate::engine::start_restore(&engine, &planned.id, "acme/live").is_err());
    }
    // A part of all instances has to be in all of them.
    house.remove("public-1", "website/home/about.xml");
    back_up(&engine);
    let told = plan(&engine, parts(&["/website/home/about.xml"])).obstacles;
    assert_eq!(
        told,
        [
            "public-1: neither the backup nor Live has /website/home/about.xml as a file or a folder. If it is a node in a file, \
             `lifeboat browse` says in which: choose that file"
        ]
    );
    // Of a Live that is gone all comes back, or nothing.
    fs::rename(house.root("author"), house.path("away")).unwrap();
    let told = plan(&engine, parts(&["author:/website/home"]))
        .obstacles
        .join("; ");
    assert!(told.contains("the content of author is gone"), "{told}");
}
