//! Folders as content: what a walk meets and leaves out, and what a sink refuses.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

use lifeboat::content::files::{Files, FilesSink};
use lifeboat::content::{Content, ContentError, FileTime, Item, ItemKind, Sink};
use lifeboat::domain::plan::Selection;
use lifeboat::repository::Depth;
use lifeboat::watch::Unwatched;

use crate::support::{Sandbox, below, fill, name, set_time};

fn walk(root: &Path) -> (Vec<Item>, Vec<String>) {
    let mut left_out = Vec::new();
    let items = Files::new(root)
        .walk(&mut |what| left_out.push(what))
        .collect::<Result<_, _>>()
        .unwrap();
    (items, left_out)
}

#[test]
fn a_walk_goes_depth_first_and_by_the_bytes_of_names() {
    let folder = tempfile::tempdir().unwrap();
    for path in ["b/x", "a/z", "a-b/x", "a.c/x", "a/y/1"] {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }
    let (items, left_out) = walk(folder.path());
    let paths: Vec<_> = items.iter().map(|item| item.path.to_str().unwrap()).collect();
    let order = [
        "a", "a/y", "a/y/1", "a/z", "a-b", "a-b/x", "a.c", "a.c/x", "b", "b/x",
    ];
    assert_eq!(paths, order);
    assert!(left_out.is_empty());
}

#[test]
fn what_is_no_content_is_left_out_and_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    fs::create_dir(root.join("dam")).unwrap();
    fs::write(root.join("README"), "").unwrap();
    symlink("dam", root.join("assets")).unwrap();
    let _listener = UnixListener::bind(root.join("dam/socket")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        root.join("dam/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let (items, left_out) = walk(root);
    assert_eq!(items.len(), 1);
    assert_eq!(
        left_out,
        [
            "README is a loose file beside the workspaces' folders",
            "assets is a symbolic link where workspace folders are expected: what it points to is not in the backup",
            "dam/pipe is a named pipe and cannot be kept",
            "dam/socket is a socket and cannot be kept",
        ]
    );
}

#[test]
fn what_was_left_out_is_in_the_copy() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.content("author").join("README"), "").unwrap();
    let copy = sandbox.copy().unwrap();
    assert_eq!(copy.instances[0].left_out.len(), 1);
    assert!(copy.instances[1].left_out.is_empty());
}

#[test]
fn a_link_to_the_content_is_followed_and_links_inside_are_not() {
    let folder = tempfile::tempdir().unwrap();
    fill(&folder.path().join("real"), 1);
    symlink(folder.path().join("real"), folder.path().join("live")).unwrap();
    let (items, _) = walk(&folder.path().join("live"));
    let (real, _) = walk(&folder.path().join("real"));
    assert_eq!(items, real);
    let links: Vec<_> = items
        .iter()
        .filter_map(|item| match &item.kind {
            ItemKind::Link { target } => Some(target.to_str().unwrap()),
            _ => None,
        })
        .collect();
    assert_eq!(links, ["/nowhere/at all", "..", "home/page.xml"]);
}

#[test]
fn content_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let walked: Result<Vec<_>, _> = Files::new(&missing).walk(&mut |_| {}).collect();
    let told = walked.unwrap_err().to_string();
    assert!(told.starts_with("opening the content folder "), "{told}");
}

#[test]
fn a_deep_tree_is_no_obstacle() {
    let sandbox = Sandbox::new();
    let mut deep = sandbox.content("author").join("dam");
    for _ in 0..150 {
        deep.push("folder-with-a-name-of-no-use");
        // Past the system's longest path, so one step at a time.
        if fs::create_dir(&deep).is_err() {
            break;
        }
    }
    // What comes back lies deeper still, past what a single path can name.
    let id = sandbox.back_up();
    let extracted = sandbox.extract(&id, "author");
    assert!(
        sandbox
            .compare_folder(&id, "author", &extracted, Depth::Whole)
            .is_same()
    );
}

#[test]
fn a_time_that_no_backup_can_hold_is_refused_by_name() {
    let sandbox = Sandbox::new();
    let picture = sandbox.content("author").join("dam/picture.jpg");
    set_time(&picture, 300_000_000_000, 0);
    if fs::metadata(&picture).unwrap().mtime() != 300_000_000_000 {
        return;
    }
    let told = sandbox.copy().unwrap_err().to_string();
    assert!(
        told.contains("dam/picture.jpg") && told.contains("the years 1 to 9999"),
        "{told}"
    );
}

fn item(path: &str, kind: ItemKind) -> Item {
    Item {
        path: path.into(),
        kind,
        mode: 0o700,
        owner: (
            rustix::process::geteuid().as_raw(),
            rustix::process::getegid().as_raw(),
        ),
        modified: FileTime::default(),
        changed: FileTime::default(),
        inode: 0,
        held: None,
        rare: None,
    }
}

#[test]
fn a_sink_writes_nothing_outside() {
    let folder = tempfile::tempdir().unwrap();
    let sink = FilesSink::create(&folder.path().join("to")).unwrap();
    for path in ["../out", "/tmp/out", "a/../../out", ".", ""] {
        let error = sink.folder(&item(path, ItemKind::Folder)).unwrap_err();
        assert!(
            matches!(error, ContentError::NotAllowed { .. }),
            "{path}: {error:?}"
        );
        assert!(sink.file(&item(path, ItemKind::File { size: 0 })).is_err());
    }
    let target = folder.path().to_owned();
    sink.link(&item("way-out", ItemKind::Link { target })).unwrap();
    assert!(
        sink.file(&item("way-out/out", ItemKind::File { size: 0 }))
            .is_err()
    );
    assert!(sink.folder(&item("way-out/out", ItemKind::Folder)).is_err());
    assert!(sink.file(&item("way-out", ItemKind::File { size: 0 })).is_err());
    assert!(!folder.path().join("out").exists());
}

#[test]
fn a_sink_takes_a_new_folder_only_and_whole_files_only() {
    let folder = tempfile::tempdir().unwrap();
    assert!(FilesSink::create(folder.path()).is_err());
    let sink = FilesSink::create(&folder.path().join("to")).unwrap();
    assert_eq!(
        fs::metadata(folder.path().join("to")).unwrap().mode() & 0o777,
        0o700
    );
    let mut file = sink.file(&item("half", ItemKind::File { size: 4 })).unwrap();
    file.write_all(b"ab").unwrap();
    let told = file.finish().unwrap_err().to_string();
    assert!(told.contains("2 bytes were written where 4 belong"), "{told}");
    assert!(sink.file(&item("half", ItemKind::File { size: 4 })).is_err());
    sink.settle().unwrap();
}

#[test]
fn a_part_of_an_instance_comes_alone() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    let to = sandbox.path().join("to");
    let sink = FilesSink::create(&to).unwrap();
    let selection = Selection {
        workspaces: vec!["users".to_owned()],
        ..Selection::default()
    };
    let extracted = sandbox
        .repository
        .extract(&id, &name("author"), &selection, &sink, &Unwatched)
        .unwrap();
    assert_eq!((extracted.items, extracted.bytes), (2, 6));
    let of_users = |root: &Path| {
        below(root)
            .into_iter()
            .filter(|(path, _)| path.starts_with("users"))
            .collect::<Vec<_>>()
    };
    assert_eq!(below(&to).len(), 2);
    assert_eq!(of_users(&to), of_users(&sandbox.content("author")));
}
