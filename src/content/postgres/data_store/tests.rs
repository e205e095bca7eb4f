//! Data stores with links in them, and accounts that plant some.

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
    let digest = "d59386e0ae435e292fbe0ebcdb954b75ed5fb3922091277cb19f798fc5d50718";
    let item = record(digest, "asset");
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
