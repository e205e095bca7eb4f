//! What files have besides content, permissions and times: access control lists, attributes, several names, holes.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use lifeboat::content::files::{Files, FilesSink};
use lifeboat::content::{Attribute, Content, FileTime, Item, ItemKind, Rare, Sink};
use lifeboat::repository::Depth;
use rustix::fs::{XattrFlags, fgetxattr, fsetxattr};
use rustix::io::Errno;

use crate::support::{Sandbox, set_mode, set_time};

/// An access control list as the kernel has it: the owner, user 65534, the group, the mask and everybody else.
fn list(user: u16, mask: u16) -> Vec<u8> {
    let nobody = u32::MAX;
    let entries = [
        (1, 6, nobody),
        (2, user, 65534),
        (4, 0, nobody),
        (16, mask, nobody),
        (32, 0, nobody),
    ];
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    for (tag, rights, id) in entries {
        bytes.extend(u16::to_le_bytes(tag));
        bytes.extend(u16::to_le_bytes(rights));
        bytes.extend(u32::to_le_bytes(id));
    }
    bytes
}

const ACCESS: &str = "system.posix_acl_access";
const DEFAULT: &str = "system.posix_acl_default";

/// Sets an attribute; `false` where the file system of temporary folders has none.
fn set(path: &Path, name: &str, value: &[u8]) -> bool {
    match fsetxattr(File::open(path).unwrap(), name, value, XattrFlags::empty()) {
        Ok(()) => true,
        Err(Errno::OPNOTSUPP) => false,
        Err(error) => panic!("{name} of {}: {error}", path.display()),
    }
}

fn get(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = [0; 4096];
    match fgetxattr(File::open(path).unwrap(), name, &mut value[..]) {
        Ok(length) => Some(value[..length].to_vec()),
        Err(Errno::NODATA | Errno::OPNOTSUPP) => None,
        Err(error) => panic!("{name} of {}: {error}", path.display()),
    }
}

#[test]
fn lists_and_attributes_come_back_and_count_as_changes() {
    let sandbox = Sandbox::new();
    let live = sandbox.content("author");
    let (file, folder) = (live.join("website/home/page.xml"), live.join("website/home"));
    let before = sandbox.back_up();
    let has = set(&file, ACCESS, &list(6, 6))
        && set(&folder, DEFAULT, &list(4, 4))
        && set(&file, "user.mime_type", b"text/\xffxml")
        && set(&file, "user.long", &[7; 2000])
        && set(&file, "user.empty", b"");
    if !has {
        return;
    }
    set_time(&folder, 1_600_000_000, 5);
    // A backup without them is not what Live is, and is not damaged by it.
    let without = sandbox.compare(&before, "author", Depth::Quick);
    let changed: u64 = without.changes.iter().map(|change| change.changed).sum();
    assert_eq!(changed, 2, "the file and the folder: {without:?}");

    let id = sandbox.back_up();
    assert!(sandbox.compare(&id, "author", Depth::Quick).is_same());
    let extracted = sandbox.extract(&id, "author");
    assert!(
        sandbox
            .compare_folder(&id, "author", &extracted, Depth::Whole)
            .is_same()
    );
    for (below, names) in [
        (
            "website/home/page.xml",
            [ACCESS, "user.mime_type", "user.long", "user.empty"],
        ),
        ("website/home", [DEFAULT, ACCESS, "user.mime_type", "user.none"]),
    ] {
        for name in names {
            let (live, back) = (live.join(below), extracted.join(below));
            assert_eq!(get(&back, name), get(&live, name), "{name} of {below}");
        }
    }
    // A change of one alone is found.
    assert!(set(&extracted.join("website/home/page.xml"), ACCESS, &list(4, 6)));
    assert!(
        !sandbox
            .compare_folder(&id, "author", &extracted, Depth::Whole)
            .is_same()
    );
    sandbox.restic(&["check", "--read-data"]);
    let target = sandbox.path().join("by-restic");
    sandbox.restic(&["restore", &id.0, "--target", target.to_str().unwrap()]);
    let back = target.join("author/website/home/page.xml");
    for name in [ACCESS, "user.mime_type", "user.long"] {
        assert_eq!(get(&back, name), get(&file, name), "{name} by restic");
    }
}

#[test]
fn nobody_gets_rights_from_where_content_is_staged() {
    let parent = tempfile::tempdir().unwrap();
    // Whatever is made in here is open to user 65534, unless that is taken away.
    if !set(parent.path(), DEFAULT, &list(7, 7)) {
        return;
    }
    let root = parent.path().join("staged");
    let sink = FilesSink::create(&root).unwrap();
    let item = |path: &str, kind| Item {
        path: path.into(),
        kind,
        mode: 0o770,
        owner: (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        ),
        modified: FileTime::default(),
        changed: FileTime::default(),
        inode: 0,
        held: None,
        rare: None,
    };
    sink.folder(&item("dam", ItemKind::Folder)).unwrap();
    sink.file(&item("dam/file", ItemKind::File { size: 0 }))
        .unwrap()
        .finish()
        .unwrap();
    sink.finish().unwrap();
    for below in ["", "dam", "dam/file"] {
        let path = root.join(below);
        assert_eq!((get(&path, ACCESS), get(&path, DEFAULT)), (None, None), "{below}");
    }
}

#[test]
fn an_attribute_that_cannot_be_set_is_an_error_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let sink = FilesSink::create(&folder.path().join("to")).unwrap();
    let item = Item {
        path: "file".into(),
        kind: ItemKind::File { size: 0 },
        mode: 0o600,
        owner: (0, 0),
        modified: FileTime::default(),
        changed: FileTime::default(),
        inode: 0,
        held: None,
        // What is no list at all is taken by no file system.
        rare: Some(Box::new(Rare {
            attributes: vec![Attribute {
                name: ACCESS.to_owned(),
                value: vec![1, 2, 3],
            }],
            names: None,
        })),
    };
    let error = sink.file(&item).unwrap().finish().unwrap_err().to_string();
    assert!(error.contains(ACCESS), "{error}");
}

#[test]
fn names_of_one_file_come_back_as_names_of_one_file() {
    let sandbox = Sandbox::new();
    let live = sandbox.content("author");
    let first = live.join("dam/picture.jpg");
    fs::hard_link(&first, live.join("dam/picture-2.jpg")).unwrap();
    fs::hard_link(&first, live.join("website/picture-3.jpg")).unwrap();
    // A name outside of the content is none of its business.
    fs::hard_link(live.join("website/home/page.xml"), sandbox.path().join("outside")).unwrap();
    let id = sandbox.back_up();
    let extracted = sandbox.extract(&id, "author");
    let found = |below: &str| fs::metadata(extracted.join(below)).unwrap();
    let one = found("dam/picture.jpg");
    for other in ["dam/picture-2.jpg", "website/picture-3.jpg"] {
        assert_eq!((found(other).ino(), found(other).nlink()), (one.ino(), 3));
    }
    assert_eq!(found("website/home/page.xml").nlink(), 1);
    assert!(
        sandbox
            .compare_folder(&id, "author", &extracted, Depth::Whole)
            .is_same()
    );
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn a_sink_copies_what_can_have_no_other_name() {
    let folder = tempfile::tempdir().unwrap();
    let live = folder.path().join("live/dam");
    fs::create_dir_all(&live).unwrap();
    fs::write(live.join("a"), "text").unwrap();
    fs::hard_link(live.join("a"), live.join("b")).unwrap();
    set_mode(&live.join("a"), 0o640);
    let items: Vec<Item> = Files::new(&folder.path().join("live"))
        .walk(&mut |_| {})
        .collect::<Result<_, _>>()
        .unwrap();
    let names = items[1].rare.as_ref().unwrap().names.unwrap();
    assert_eq!(names.count, 2);
    assert_eq!(items[1].file_of_names(), items[2].file_of_names());
    let sink = FilesSink::create(&folder.path().join("to")).unwrap();
    sink.folder(&items[0]).unwrap();
    let mut file = sink.file(&items[1]).unwrap();
    file.write_all(b"text").unwrap();
    file.finish().unwrap();
    sink.name_again(&items[2], Path::new("dam/a")).unwrap();
    assert!(
        sink.name_again(&items[2], Path::new("dam/a")).is_err(),
        "it has that name already"
    );
    assert!(sink.name_again(&items[2], Path::new("../live/dam/a")).is_err());
    assert_eq!(fs::metadata(folder.path().join("to/dam/b")).unwrap().nlink(), 2);
}

#[test]
fn holes_stay_holes() {
    let sandbox = Sandbox::new();
    let path = sandbox.content("author").join("dam/sparse");
    let mut file = File::create(&path).unwrap();
    file.write_all(b"begin").unwrap();
    file.seek(SeekFrom::Start(9_000_001)).unwrap();
    file.write_all(b"middle").unwrap();
    file.set_len(20_000_000).unwrap();
    drop(file);
    let id = sandbox.back_up();
    let extracted = sandbox.extract(&id, "author");
    assert!(
        sandbox
            .compare_folder(&id, "author", &extracted, Depth::Whole)
            .is_same()
    );
    let (live, back) = (
        fs::metadata(&path).unwrap(),
        fs::metadata(extracted.join("dam/sparse")).unwrap(),
    );
    assert_eq!(back.len(), 20_000_000);
    // Where file systems have holes at all.
    if live.blocks() * 512 < 1_000_000 {
        assert!(back.blocks() * 512 < 1_000_000, "{} blocks", back.blocks());
    }
}
