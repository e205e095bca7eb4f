//! What Live has already need not be read in the repository: it is taken where its digest is right, and nowhere else.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::Command;

use lifeboat::content::files::{FilesSink, FolderDonor};
use lifeboat::domain::backup::BackupId;
use lifeboat::domain::plan::Selection;
use lifeboat::repository::{Depth, Extracted};
use lifeboat::watch::Unwatched;

use crate::support::{Sandbox, below, name, noise};

/// The bytes of a picture that is cut in two at least, wherever that is: no piece is longer than 8 MiB.
const PICTURE: u64 = 9_000_000;

/// Brings the author into a new folder, with what its own folder has.
fn extract(sandbox: &Sandbox, id: &BackupId) -> Extracted {
    let content = sandbox.content("author");
    let donor = FolderDonor::held(&content, File::open(&content).unwrap().into());
    let to = sandbox.path().join("extracted");
    let sink = FilesSink::create(&to).unwrap();
    let (author, everything) = (name("author"), Selection::default());
    let extracted = sandbox
        .repository
        .extract_with(id, &author, &everything, &sink, Some(&donor), &Unwatched)
        .unwrap();
    assert!(sandbox.compare_folder(id, "author", &to, Depth::Whole).is_same());
    fs::remove_dir_all(&to).unwrap();
    extracted
}

#[test]
fn what_is_right_in_live_is_taken_and_what_is_not_is_read() {
    let sandbox = Sandbox::new();
    let picture = sandbox.content("author").join("dam/picture.jpg");
    let good = noise(98, usize::try_from(PICTURE).unwrap());
    fs::write(&picture, &good).unwrap();
    let id = sandbox.back_up();
    let all = extract(&sandbox, &id);
    assert_eq!(all.donated, all.bytes, "all of it was right");

    // Of a picture that differs in one byte, what was cut elsewhere is still right.
    let mut bad = good.clone();
    bad[0] ^= 1;
    fs::write(&picture, &bad).unwrap();
    let most = extract(&sandbox, &id);
    assert!(
        most.donated < all.donated && most.donated > all.donated - PICTURE,
        "{most:?}"
    );

    // Of the same length, and something else.
    fs::write(&picture, noise(99, good.len())).unwrap();
    assert_eq!(extract(&sandbox, &id).donated, all.bytes - PICTURE);
    // Of another length.
    fs::write(&picture, &good[1..]).unwrap();
    assert_eq!(extract(&sandbox, &id).donated, all.bytes - PICTURE);
    // What a link leads to is not in Live, and a pipe is no file that anybody waits for.
    let elsewhere = sandbox.path().join("picture.jpg");
    fs::write(&elsewhere, &good).unwrap();
    fs::remove_file(&picture).unwrap();
    symlink(&elsewhere, &picture).unwrap();
    assert_eq!(extract(&sandbox, &id).donated, all.bytes - PICTURE);
    fs::remove_file(&picture).unwrap();
    assert!(Command::new("mkfifo").arg(&picture).status().unwrap().success());
    assert_eq!(extract(&sandbox, &id).donated, all.bytes - PICTURE);
    let dam = sandbox.content("author").join("dam");
    fs::rename(&dam, sandbox.path().join("dam")).unwrap();
    symlink(sandbox.path().join("dam"), &dam).unwrap();
    assert!(extract(&sandbox, &id).donated < all.bytes - PICTURE);
    fs::remove_dir_all(sandbox.content("author")).unwrap();
    fs::create_dir(sandbox.content("author")).unwrap();
    assert_eq!(extract(&sandbox, &id).donated, 0);
}

#[test]
fn what_is_right_in_live_comes_back_although_its_pack_is_damaged() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    for pack in sandbox.files("data") {
        let text = fs::read(&pack).unwrap();
        // Folders are read in any case, and lie in small packs of their own.
        if text.len() > 100_000 {
            fs::write(&pack, vec![0; text.len()]).unwrap();
        }
    }
    let all = extract(&sandbox, &id);
    assert_eq!(all.donated, all.bytes);
    assert!(!below(&sandbox.content("author")).is_empty());
}
