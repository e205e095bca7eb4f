//! What a restore would change, and whether staged content is what it should be.

use std::fs;

use lifeboat::content::files::Files;
use lifeboat::domain::plan::{ItemChange, Selection, WorkspaceChange};
use lifeboat::repository::{Comparison, Depth};
use lifeboat::watch::Unwatched;

use crate::support::{Sandbox, moment, name, on_each_storage, set_mode, set_time};

on_each_storage!(
    untouched_content_is_the_same,
    every_kind_of_change_is_counted,
    a_forged_time_is_seen_through_when_every_byte_is_read,
);

fn of<'a>(comparison: &'a Comparison, workspace: &str) -> &'a WorkspaceChange {
    let found = comparison
        .changes
        .iter()
        .find(|change| change.workspace == workspace);
    found.unwrap()
}

fn counts(change: &WorkspaceChange) -> (u64, u64, u64) {
    (change.added, change.changed, change.removed)
}

fn untouched_content_is_the_same(sandbox: &Sandbox) {
    let id = sandbox.back_up();
    for depth in [Depth::Quick, Depth::Whole] {
        let compared = sandbox.compare(&id, "author", depth);
        assert!(compared.is_same(), "{compared:?}");
        assert_eq!(compared.newest_change, None);
        assert_eq!(compared.changes.len(), 3);
        assert_eq!(of(&compared, "dam").unchanged, 4);
        assert_eq!(of(&compared, "dam").bytes, 3_400_000);
    }
}

fn every_kind_of_change_is_counted(sandbox: &Sandbox) {
    let id = sandbox.back_up();
    let root = sandbox.content("author");
    fs::remove_file(root.join("dam/same-1")).unwrap();
    fs::write(root.join("website/home/page.xml"), "other").unwrap();
    set_time(&root.join("website/home/page.xml"), 1_800_000_000, 0);
    fs::write(root.join("website/new.xml"), "new").unwrap();
    set_time(&root.join("website/new.xml"), 1_700_000_000, 0);
    set_mode(&root.join("website/home.xml"), 0o600);
    fs::remove_file(root.join("website/link")).unwrap();
    fs::create_dir(root.join("website/link")).unwrap();
    for folder in ["website/link", "website/home", "website", "dam"] {
        set_time(&root.join(folder), 1_000, 0);
    }
    let compared = sandbox.compare(&id, "author", Depth::Quick);
    assert_eq!(counts(of(&compared, "dam")), (1, 0, 0));
    assert_eq!(counts(of(&compared, "website")), (0, 3, 1));
    assert_eq!(counts(of(&compared, "users")), (0, 0, 0));
    assert_eq!(
        of(&compared, "website").examples,
        ["new.xml", "home.xml", "home/page.xml", "link"]
    );
    let (changed, removed) = (ItemChange::Changed, ItemChange::Removed);
    assert_eq!(
        of(&compared, "website").example_changes,
        [removed, changed, changed, changed]
    );
    // Three minutes into 2027: the page, which is newer than the file that was added.
    assert_eq!(compared.newest_change, Some(moment("2027-01-15T08:00:00Z")));
}

#[test]
fn workspaces_on_one_side_only_are_told() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    let root = sandbox.content("author");
    fs::remove_dir_all(root.join("users")).unwrap();
    fs::create_dir(root.join("contacts")).unwrap();
    fs::write(root.join("contacts/list.xml"), "").unwrap();
    let compared = sandbox.compare(&id, "author", Depth::Quick);
    assert_eq!(counts(of(&compared, "users")), (2, 0, 0));
    assert_eq!(counts(of(&compared, "contacts")), (0, 0, 2));
}

#[test]
fn an_instance_that_is_not_in_the_backup_is_all_new() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    let root = sandbox.content("author");
    let compared = sandbox.compare_folder(&id, "public-2", &root, Depth::Quick);
    assert_eq!(counts(of(&compared, "users")), (0, 0, 2));
}

#[test]
fn a_touch_is_no_change_for_a_plan_and_is_one_in_staged_content() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    set_time(&sandbox.content("author").join("dam/picture.jpg"), 5, 0);
    assert!(sandbox.compare(&id, "author", Depth::Quick).is_same());
    let whole = sandbox.compare(&id, "author", Depth::Whole);
    assert_eq!(counts(of(&whole, "dam")), (0, 1, 0));
}

fn a_forged_time_is_seen_through_when_every_byte_is_read(sandbox: &Sandbox) {
    let id = sandbox.back_up();
    let picture = sandbox.content("author").join("dam/picture.jpg");
    let mut bytes = fs::read(&picture).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&picture, bytes).unwrap();
    set_time(&picture, -1_000_000, 123_456_789);
    let whole = sandbox.compare(&id, "author", Depth::Whole);
    assert_eq!(counts(of(&whole, "dam")), (0, 1, 0));
}

#[test]
fn only_what_is_selected_is_compared() {
    let sandbox = Sandbox::new();
    let id = sandbox.back_up();
    let root = sandbox.content("author");
    fs::remove_dir_all(root.join("users")).unwrap();
    let selection = Selection {
        workspaces: vec!["dam".to_owned()],
        ..Selection::default()
    };
    let compared = sandbox
        .repository
        .compare(
            &id,
            &name("author"),
            &selection,
            &Files::new(&root),
            Depth::Quick,
            &Unwatched,
        )
        .unwrap();
    assert!(compared.is_same());
    assert_eq!(compared.changes.len(), 1);
}
