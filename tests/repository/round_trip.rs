//! Whatever a file system can hold comes back as it was.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lifeboat::content::files::{Files, FilesSink};
use lifeboat::domain::plan::Selection;
use lifeboat::repository::{Depth, RepositoryError};
use lifeboat::watch::Unwatched;
use proptest::prelude::*;

use crate::support::{Sandbox, below, manifest, name, noise, set_mode, set_time, source};

/// What to make at one place.
#[derive(Debug, Clone)]
struct Made {
    /// Which of the folders made so far it goes into.
    folder: usize,
    name: Vec<u8>,
    kind: Kind,
    mode: u32,
    seconds: i64,
    nanos: i64,
}

#[derive(Debug, Clone)]
enum Kind {
    Folder,
    File { seed: u64, size: usize },
    Link { target: Vec<u8> },
}

fn names() -> impl Strategy<Value = Vec<u8>> {
    let byte = (1..=255_u8).prop_filter("no slash", |byte| *byte != b'/');
    prop::collection::vec(byte, 1..40)
        .prop_filter("dots lead elsewhere", |name| name != b"." && name != b"..")
}

fn kinds() -> impl Strategy<Value = Kind> {
    let size = prop_oneof![4 => 0..5000_usize, 1 => 0..2_500_000_usize];
    // restic's format had no place for link targets that are not Unicode for long, so those are kept apart.
    prop_oneof![
        2 => Just(Kind::Folder),
        5 => (any::<u64>(), size).prop_map(|(seed, size)| Kind::File { seed, size }),
        1 => names().prop_map(|target| Kind::Link { target }),
    ]
}

fn trees() -> impl Strategy<Value = Vec<Made>> {
    let made = (
        any::<usize>(),
        names(),
        kinds(),
        0..0o10000_u32,
        -10_000_000_000..10_000_000_000_i64,
        0..1_000_000_000_i64,
    )
        .prop_map(|(folder, name, kind, mode, seconds, nanos)| Made {
            folder,
            name,
            kind,
            mode,
            seconds,
            nanos,
        });
    prop::collection::vec(made, 0..40)
}

fn make(root: &Path, tree: &[Made]) {
    let mut folders: Vec<PathBuf> = vec![root.join("website"), root.join("users")];
    for folder in &folders {
        fs::create_dir_all(folder).unwrap();
    }
    let mut made = Vec::new();
    for one in tree {
        let path = folders[one.folder % folders.len()].join(OsStr::from_bytes(&one.name));
        if fs::symlink_metadata(&path).is_ok() {
            continue;
        }
        match &one.kind {
            Kind::Folder => {
                fs::create_dir(&path).unwrap();
                folders.push(path.clone());
            }
            Kind::File { seed, size } => fs::write(&path, noise(*seed, *size)).unwrap(),
            Kind::Link { target } => symlink(OsStr::from_bytes(target), &path).unwrap(),
        }
        made.push((path, one));
    }
    for (path, one) in made.iter().rev() {
        // Whoever runs this without being root has to be able to read it.
        match one.kind {
            Kind::Folder => set_mode(path, one.mode | 0o700),
            // Nobody becomes somebody else by running what comes back.
            Kind::File { .. } => set_mode(path, (one.mode | 0o400) & !0o6000),
            Kind::Link { .. } => {}
        }
        set_time(path, one.seconds, one.nanos);
    }
}

#[test]
fn any_tree_comes_back() {
    let sandbox = Sandbox::new();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 24,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let round = std::cell::Cell::new(0);
    runner
        .run(&trees(), |tree| {
            round.set(round.get() + 1);
            let root = sandbox.path().join(format!("tree-{}", round.get()));
            make(&root, &tree);
            let copy = sandbox
                .copy_of(&[source("author", Arc::new(Files::new(&root)))])
                .unwrap();
            sandbox.repository.read_back(&copy, &Unwatched).unwrap();
            let written = manifest(&copy);
            let id = sandbox.repository.record(copy, &written).unwrap();
            sandbox.repository.verify(&id, &Unwatched).unwrap();

            let to = sandbox.path().join(format!("back-{}", round.get()));
            let sink = FilesSink::create(&to).unwrap();
            sandbox
                .repository
                .extract(&id, &name("author"), &Selection::default(), &sink, &Unwatched)
                .unwrap();
            prop_assert_eq!(below(&to), below(&root));
            for depth in [Depth::Quick, Depth::Whole] {
                prop_assert!(sandbox.compare_folder(&id, "author", &to, depth).is_same());
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn nobody_becomes_somebody_else_by_what_comes_back() {
    let sandbox = Sandbox::new();
    let page = sandbox.content("author").join("website/home/page.xml");
    set_mode(&page, 0o6755);
    let shared = sandbox.content("author").join("dam");
    set_mode(&shared, 0o2775);
    let id = sandbox.back_up();
    let root = sandbox.extract(&id, "author");
    let mode = |path: &str| fs::metadata(root.join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode("website/home/page.xml"), 0o755);
    assert_eq!(mode("dam"), 0o2775, "this says only whose group new files are");
    // What is staged is as it should be, and Live is as the backup has it.
    for (folder, depth) in [
        (root.clone(), Depth::Whole),
        (sandbox.content("author"), Depth::Quick),
    ] {
        assert!(sandbox.compare_folder(&id, "author", &folder, depth).is_same());
    }
}

#[test]
fn what_is_not_as_its_record_says_is_not_staged() {
    let sandbox = Sandbox::new();
    let copy = sandbox.copy().unwrap();
    let mut made_up = manifest(&copy);
    made_up.instances[0].workspaces[1].digest = "0".repeat(64);
    let id = sandbox.repository.record(copy, &made_up).unwrap();
    let sink = FilesSink::create(&sandbox.path().join("staged")).unwrap();
    let everything = Selection::default();
    let error = sandbox
        .repository
        .extract(&id, &name("author"), &everything, &sink, &Unwatched)
        .unwrap_err();
    assert!(matches!(error, RepositoryError::Damaged { .. }), "{error:?}");
    // Of what is chosen only that counts.
    let sound = Selection {
        workspaces: vec!["dam".to_owned()],
        ..Selection::default()
    };
    let sink = FilesSink::create(&sandbox.path().join("chosen")).unwrap();
    sandbox
        .repository
        .extract(&id, &name("author"), &sound, &sink, &Unwatched)
        .unwrap();
}
