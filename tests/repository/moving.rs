//! Content that moves while it is copied: the copy fails, says what moved, and can be tried again.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lifeboat::clock::SetClock;
use lifeboat::content::Content;
use lifeboat::content::files::Files;
use lifeboat::repository::{FrozenSources, RepositoryError};
use lifeboat::watch::Unwatched;

use crate::meddling::Meddling;
use crate::support::{Sandbox, manifest, moment, noise, source};

/// Copies content that is meddled with, and gives what the copy said.
fn told(sandbox: &Sandbox, content: Arc<dyn Content>) -> String {
    let error = sandbox.copy_of(&[source("author", content)]).unwrap_err();
    assert!(
        matches!(error, RepositoryError::ContentChanged { .. }),
        "{error:?}"
    );
    assert!(error.is_worth_a_retry());
    assert!(sandbox.files("snapshots").is_empty());
    sandbox.back_up();
    error.to_string()
}

fn picture(sandbox: &Sandbox) -> (Files, PathBuf) {
    let root = sandbox.content("author");
    let picture = root.join("dam/picture.jpg");
    (Files::new(&root), picture)
}

#[test]
fn a_file_that_vanishes() {
    let sandbox = Sandbox::new();
    let (files, path) = picture(&sandbox);
    let content = Meddling::on_open(files, "dam/picture.jpg", move || fs::remove_file(&path).unwrap());
    let told = told(&sandbox, content);
    assert!(told.contains("dam/picture.jpg vanished"), "{told}");
}

#[test]
fn a_file_that_grows_while_it_is_read() {
    let sandbox = Sandbox::new();
    let (files, path) = picture(&sandbox);
    let content = Meddling::on_read(files, "dam/picture.jpg", move || {
        fs::write(&path, noise(1, 3_500_000)).unwrap();
    });
    let told = told(&sandbox, content);
    assert!(told.contains("dam/picture.jpg grew"), "{told}");
}

#[test]
fn a_file_that_shrinks_while_it_is_read() {
    let sandbox = Sandbox::new();
    let (files, path) = picture(&sandbox);
    let content = Meddling::on_read(files, "dam/picture.jpg", move || fs::write(&path, "x").unwrap());
    let told = told(&sandbox, content);
    assert!(told.contains("dam/picture.jpg shrank"), "{told}");
}

#[test]
fn a_file_that_is_written_to_while_it_is_read() {
    let sandbox = Sandbox::new();
    let (files, path) = picture(&sandbox);
    let content = Meddling::on_read(files, "dam/picture.jpg", move || {
        fs::write(&path, noise(5, 3_000_000)).unwrap();
        crate::support::set_time(&path, -1_000_000, 123_456_789);
    });
    let told = told(&sandbox, content);
    assert!(told.contains("dam/picture.jpg changed"), "{told}");
}

#[test]
fn a_file_that_is_replaced() {
    let sandbox = Sandbox::new();
    let (files, path) = picture(&sandbox);
    let content = Meddling::on_open(files, "dam/picture.jpg", move || {
        fs::copy(&path, path.with_extension("new")).unwrap();
        fs::rename(path.with_extension("new"), &path).unwrap();
    });
    let told = told(&sandbox, content);
    assert!(told.contains("dam/picture.jpg was replaced"), "{told}");
}

#[test]
fn a_folder_that_becomes_a_link_out_of_the_tree() {
    let sandbox = Sandbox::new();
    let (files, path) = picture(&sandbox);
    let dam = path.parent().unwrap().to_owned();
    let outside = sandbox.path().join("outside");
    let content = Meddling::on_open(files, "dam/picture.jpg", move || {
        fs::rename(&dam, &outside).unwrap();
        std::os::unix::fs::symlink(&outside, &dam).unwrap();
    });
    let error = sandbox.copy_of(&[source("author", content)]).unwrap_err();
    assert!(
        matches!(error, RepositoryError::ContentChanged { .. }),
        "{error:?}"
    );
}

/// Does something to content that was passed already, when the last of its files is opened.
fn behind_the_back(meddle: impl Fn(&Path) + Send + Sync + 'static) -> String {
    let sandbox = Sandbox::new();
    let root = sandbox.content("author");
    let files = Files::new(&root);
    told(
        &sandbox,
        Meddling::on_open(files, "website/home.xml", move || meddle(&root)),
    )
}

#[test]
fn a_file_that_appears_behind_the_readers_back() {
    let told = behind_the_back(|root| fs::write(root.join("dam/new"), "new").unwrap());
    assert!(
        told.contains("something in the workspace dam is not as it was"),
        "{told}"
    );
}

#[test]
fn a_file_that_vanishes_behind_the_readers_back() {
    let told = behind_the_back(|root| fs::remove_file(root.join("dam/same-1")).unwrap());
    assert!(told.contains("the workspace dam"), "{told}");
}

#[test]
fn permissions_that_change_behind_the_readers_back() {
    let told = behind_the_back(|root| crate::support::set_mode(&root.join("users/admin.xml"), 0o640));
    assert!(told.contains("the workspace users"), "{told}");
}

#[test]
fn a_workspace_that_appears_behind_the_readers_back() {
    let told = behind_the_back(|root| fs::create_dir(root.join("contacts")).unwrap());
    assert!(told.contains("the workspace contacts"), "{told}");
}

#[test]
fn the_walks_that_find_nothing_new_are_made_while_somebody_waits() {
    let sandbox = Sandbox::new();
    let (files, picture) = picture(&sandbox);
    let content = Meddling::on_open(files, "no/such.file", || {});
    let sources = [source("author", Arc::clone(&content) as Arc<dyn Content>)];
    let copy = sandbox.copy_of(&sources).unwrap();
    let made_up = manifest(&copy);
    let earlier = sandbox.repository.record(copy, &made_up).unwrap();
    // How many walks there are ahead of the copy, and how many in it.
    let walks = |is_waiting: bool| {
        let before = content.walked();
        let still = FrozenSources::take(&sources, &SetClock::at(moment("2026-11-23T00:19:00Z"))).unwrap();
        let still = still.walk_ahead(&|| is_waiting, &Unwatched);
        let ahead = content.walked() - before;
        let copy = sandbox
            .repository
            .copy(still, Some(&earlier), &Unwatched)
            .unwrap();
        (ahead, content.walked() - before - ahead, copy.added_bytes > 0)
    };
    assert_eq!(walks(true), (2, 0, false));
    assert_eq!(walks(false), (1, 1, false));
    // What has to be read is walked once for it, and once more afterwards.
    fs::write(picture, noise(7, 2_000_000)).unwrap();
    assert_eq!(walks(true), (2, 2, true));
}
