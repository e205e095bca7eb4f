//! Data stores with links in them, and accounts that plant some.

use std::fs;

use super::*;

fn reading(root: &Path, item: &Item) -> Result<Box<dyn Read + Send>, ContentError> {
    open(root, item, &Doubts::default())
}

#[test]
fn only_records_are_taken_and_what_is_missing_is_added() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let name = "7e57cfe843145135aee1f4d0d63ceb7842093712";
    fs::create_dir_all(root.join("7e/57/cf")).unwrap();
    fs::write(root.join("7e/57/cf").join(name), "binary").unwrap();
    fs::write(root.join("7e/57/cf/.lifeboat-7"), "half").unwrap();
    fs::write(root.join("tmp123.tmp"), "being written").unwrap();
    fs::create_dir_all(root.join("other")).unwrap();
    let found: Vec<_> = items(root).collect::<Result<_, _>>().unwrap();
    let paths: Vec<_> = found.iter().map(|item| item.path.display().to_string()).collect();
    let record = format!(".datastore/7e/57/cf/{name}");
    assert_eq!(
        paths,
        [
            ".datastore",
            ".datastore/7e",
            ".datastore/7e/57",
            ".datastore/7e/57/cf",
            &record
        ]
    );
    let item = found.last().unwrap();
    assert!(has(root, item).unwrap());
    fs::remove_dir_all(root.join("7e")).unwrap();
    assert!(!has(root, item).unwrap());
    add(root, item, &mut &b"binary"[..], false).unwrap();
    assert!(has(root, item).unwrap());
    let mut text = String::new();
    reading(root, item).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "binary");
    fs::write(root.join("7e/57/cf").join(name), "longer than it was").unwrap();
    assert!(!has(root, item).unwrap());
    assert!(reading(root, item).is_err());
}

// The SHA-1 of "plain", "linked" and "moved".
const PLAIN: &str = "68c46e84d76d2e7e686e5158bf598909abd4e45b";
const LINKED: &str = "ff539c96a2ed9f72a47a5e1c7d59e143ba1fba94";
const MOVED: &str = "5e142a4b65ebbac7b40a627cac14f4f7f049340c";

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
    for below in ["store/68/c4/6e", "store/ff/53/9c", "elsewhere/14/2a", "other"] {
        fs::create_dir_all(folder.join(below)).unwrap();
    }
    fs::write(root.join("68/c4/6e").join(PLAIN), "plain").unwrap();
    fs::write(folder.join("other/record"), "linked").unwrap();
    link(&folder.join("other/record"), &root.join("ff/53/9c").join(LINKED));
    fs::write(folder.join("elsewhere/14/2a").join(MOVED), "moved").unwrap();
    link(&folder.join("elsewhere"), &root.join("5e"));
    root
}

#[test]
fn records_and_folders_that_are_links_are_read_as_jackrabbit_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let root = linked(folder.path());
    let expected = [
        format!(".datastore/5e/14/2a/{MOVED}"),
        format!(".datastore/68/c4/6e/{PLAIN}"),
        format!(".datastore/ff/53/9c/{LINKED}"),
    ];
    assert_eq!(paths(&root).unwrap(), expected);
    for (name, text) in [(PLAIN, "plain"), (LINKED, "linked"), (MOVED, "moved")] {
        let item = record(name, text);
        assert!(has(&root, &item).unwrap());
        touch(&root, &item);
        let mut read = String::new();
        reading(&root, &item).unwrap().read_to_string(&mut read).unwrap();
        assert_eq!(read, text);
    }
    let more = "5e6bf460c37d3aea824a0e837479e354023ce304";
    let item = record(more, "more 223");
    add(&root, &item, &mut &b"more 223"[..], false).unwrap();
    assert!(folder.path().join("elsewhere/6b/f4").join(more).exists());
    // The store itself may be behind a link as well.
    link(&root, &folder.path().join("store-link"));
    assert_eq!(paths(&folder.path().join("store-link")).unwrap().len(), 4);
}

#[test]
fn a_link_that_cannot_be_followed_is_never_left_out() {
    for gone in ["other/record", "elsewhere"] {
        let folder = tempfile::tempdir().unwrap();
        let root = linked(folder.path());
        // A link with a name that is none of the data store's is nobody's business.
        link(&root.join("loop"), &root.join("loop"));
        assert_eq!(paths(&root).unwrap().len(), 3);
        fs::rename(folder.path().join(gone), folder.path().join("gone")).unwrap();
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
        fs::remove_file(root.join("5e")).unwrap();
        link(Path::new("/etc"), &root.join("5e"));
    }
    let error = paths(&root).unwrap_err().to_string();
    assert!(
        error.contains("store/5e") && error.contains("belongs to user"),
        "{error}"
    );
    fs::remove_file(root.join("5e")).unwrap();
    if !rustix::process::geteuid().is_root() {
        fs::remove_file(root.join("ff/53/9c").join(LINKED)).unwrap();
        link(Path::new("/etc/passwd"), &root.join("ff/53/9c").join(LINKED));
    }
    let error = paths(&root).unwrap_err().to_string();
    assert!(error.contains(LINKED), "{error}");
    let item = record(LINKED, "linked");
    assert!(has(&root, &item).is_err() && reading(&root, &item).is_err());
}

#[test]
fn nothing_is_written_through_what_somebody_has_planted() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("store");
    fs::create_dir_all(root.join("68/c4/6e")).unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "of root").unwrap();
    let pid = std::process::id();
    for number in pid - 1..pid + 2 {
        link(&secret, &root.join(format!("68/c4/6e/.lifeboat-{number}")));
    }
    let item = record(PLAIN, "plain");
    add(&root, &item, &mut &b"plain"[..], false).unwrap();
    assert_eq!(fs::read_to_string(&secret).unwrap(), "of root");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(root.join("68/c4/6e").join(PLAIN))
            .unwrap()
            .permissions(),
    );
    assert_eq!(
        mode & 0o7777,
        0o644,
        "a record is no program that runs as somebody else"
    );
    // In the record's own place.
    fs::create_dir_all(root.join("05/fa/c9")).unwrap();
    link(
        &secret,
        &root.join("05/fa/c9/05fac94380a70241f23780e7aef62b190894238f"),
    );
    let item = record("05fac94380a70241f23780e7aef62b190894238f", "asset");
    assert!(add(&root, &item, &mut &b"asset"[..], false).is_err());
    // A folder of somebody else.
    if rustix::process::geteuid().is_root() {
        let owner = Some(rustix::process::Uid::from_raw(65534));
        rustix::fs::chown(&root, owner, None).unwrap();
        fs::create_dir_all(folder.path().join("roots/53/9c")).unwrap();
        link(&folder.path().join("roots"), &root.join("ff"));
        assert!(add(&root, &record(LINKED, "linked"), &mut &b"linked"[..], false).is_err());
        assert_eq!(
            fs::read_dir(folder.path().join("roots/53/9c")).unwrap().count(),
            0
        );
        // What is made belongs to the account, and what was there stays whose it was.
        let item = record(MOVED, "moved");
        add(&root, &item, &mut &b"moved"[..], false).unwrap();
        let owner = |below: &str| {
            std::os::unix::fs::MetadataExt::uid(&fs::symlink_metadata(root.join(below)).unwrap())
        };
        assert_eq!(
            (owner("5e/14/2a"), owner(&format!("5e/14/2a/{MOVED}"))),
            (65534, 65534)
        );
        assert_eq!(owner("68"), 0);
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
        let error = add(root, &named(below), &mut &b"asset"[..], false).unwrap_err();
        assert!(error.to_string().contains("no record"), "{error}");
    }
    // Shortened, and as long as a digest that Jackrabbit names nothing by.
    for name in ["aabbcc", "aabbcc00000000000000000000000001"] {
        let error = add(root, &record(name, "asset"), &mut &b"asset"[..], false).unwrap_err();
        assert!(error.to_string().contains("no record"), "{error}");
    }
    let digest = "d59386e0ae435e292fbe0ebcdb954b75ed5fb3922091277cb19f798fc5d50718";
    let item = record(digest, "asset");
    let other = add(root, &item, &mut &b"other"[..], false).unwrap();
    assert_eq!(other, Added::Wrong);
    assert!(add(root, &item, &mut &b"longer than it is"[..], false).is_err());
    assert!(!has(root, &item).unwrap());
    let leaf = root.join(&digest[..2]).join(&digest[2..4]).join(&digest[4..6]);
    assert_eq!(fs::read_dir(&leaf).unwrap().count(), 0, "no half of it is left");
    for _ in 0..2 {
        add(root, &item, &mut &b"asset"[..], false).unwrap();
    }
    assert!(has(root, &item).unwrap());
    // Data stores that began with an older Jackrabbit.
    let item = record("05fac94380a70241f23780e7aef62b190894238f", "asset");
    let other = add(root, &item, &mut &b"other"[..], false).unwrap();
    assert_eq!(other, Added::Wrong);
    assert!(!has(root, &item).unwrap());
    add(root, &item, &mut &b"asset"[..], false).unwrap();
    assert!(has(root, &item).unwrap());
}

#[test]
fn what_stands_among_records_and_has_no_digest_for_a_name_is_never_taken_for_one() {
    let folder = tempfile::tempdir().unwrap();
    let root = linked(folder.path());
    fs::write(root.join("68/c4/6e/68c46eff"), "whose?").unwrap();
    let error = paths(&root).unwrap_err().to_string();
    assert!(error.contains("no SHA-1, SHA-256 or SHA-512"), "{error}");
}

#[test]
fn a_record_that_is_not_what_its_name_says_is_told_and_makes_way_for_one_that_is() {
    let folder = tempfile::tempdir().unwrap();
    let root = linked(folder.path());
    let path = root.join("68/c4/6e").join(PLAIN);
    let doubts = Doubts::default();
    let item = record(PLAIN, "plain");
    let read_all = || {
        let mut text = String::new();
        open(&root, &item, &doubts)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    };
    assert_eq!(read_all(), "plain");
    assert!(doubts.sentences().is_empty() && is_whole(&root, &item).unwrap());
    // Of the same size.
    fs::write(&path, "pLain").unwrap();
    assert_eq!(read_all(), "pLain");
    assert!(doubts.sentences()[0].contains(PLAIN), "{doubts:?}");
    assert!(has(&root, &item).unwrap() && !is_whole(&root, &item).unwrap());
    assert_eq!(add(&root, &item, &mut &b"plAin"[..], true).unwrap(), Added::Wrong);
    assert_eq!(fs::read_to_string(&path).unwrap(), "pLain", "nothing worse comes");
    assert_eq!(add(&root, &item, &mut &b"plain"[..], true).unwrap(), Added::Whole);
    assert_eq!(read_all(), "plain");
    assert!(doubts.sentences().is_empty(), "it is whole again");
    // Of another.
    fs::write(&path, "pl").unwrap();
    assert_eq!(standing(&root, &item).unwrap(), Standing::Other);
    add(&root, &item, &mut &b"plain"[..], true).unwrap();
    assert!(is_whole(&root, &item).unwrap());
    let names: Vec<_> = fs::read_dir(root.join("68/c4/6e")).unwrap().collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[test]
fn what_is_no_file_in_the_place_of_a_record_is_never_left_out() {
    let folder = tempfile::tempdir().unwrap();
    let root = linked(folder.path());
    let path = root.join("68/c4/6e").join(PLAIN);
    fs::remove_file(&path).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, rustix::fs::Mode::RUSR, 0).unwrap();
    let error = paths(&root).unwrap_err().to_string();
    assert!(error.contains(PLAIN) && error.contains("is no file"), "{error}");
    let error = standing(&root, &record(PLAIN, "plain")).unwrap_err().to_string();
    assert!(error.contains("move it away"), "{error}");
}
