//! Whether a newer backup of tables has a node with all that is below it.

use super::{Memory, Model, fill, id, open, pages, workspace};
use crate::domain::explore::Source;
use crate::domain::newer::Holds;
use crate::engine::EngineError;
use crate::engine::explore::first_look::FirstLooks;
use crate::engine::explore::held::holds;
use crate::engine::explore::shelf::{Key, Shelf};
use crate::jcr::ids;
use crate::watch::Unwatched;
use std::time::SystemTime;

fn model() -> Model {
    let mut model = Model::root();
    for (parent, of, name) in [(0, 1, "home"), (1, 2, "main"), (2, 3, "text"), (0, 4, "other")] {
        model.add(parent, of, name);
    }
    model
}

/// Whether the newer one holds `/home`.
fn held(newer: &Model, most: usize) -> Option<Holds> {
    held_of(&model(), newer, most)
}

fn held_of(older: &Model, newer: &Model, most: usize) -> Option<Holds> {
    let (_one, was) = open(Memory::of(older.nodes()));
    let (_two, is) = open(Memory::of(newer.nodes()));
    let answer = holds(&pages(&was), &pages(&is), &model().path(1), most);
    answer.map_err(EngineError::from).unwrap()
}

#[test]
fn a_page_is_held_with_all_that_was_below_it_or_it_is_not() {
    let same = model();
    assert_eq!(held(&same, 9), Some(Holds::Yes));
    assert_eq!(held(&same, 1), Some(Holds::NotLooked), "too many");
    let mut elsewhere_changed = model();
    elsewhere_changed.remove(4);
    assert_eq!(held(&elsewhere_changed, 9), Some(Holds::Yes));
    let mut changed = model();
    changed.0.get_mut(&3).unwrap().1 = "changed".to_owned();
    changed.add(2, 7, "more");
    assert_eq!(held(&changed, 9), Some(Holds::NotLooked));
    let mut less = model();
    less.remove(3);
    assert_eq!(held(&less, 9), Some(Holds::No));
    let mut elsewhere = model();
    elsewhere.shift(3, 4, "text");
    assert_eq!(held(&elsewhere, 9), Some(Holds::No));
    let mut gone = model();
    gone.remove(1);
    assert_eq!(held(&gone, 9), Some(Holds::No));
    // An instance on which it never was says nothing of it.
    assert_eq!(held_of(&gone, &gone, 9), None);
    assert_eq!(held_of(&gone, &model(), 9), None);
    gone.add(0, 9, "home");
    assert_eq!(held(&gone, 9), Some(Holds::No), "another page of that name");
}

#[test]
fn an_index_that_is_there_is_found_and_none_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let shelf = Shelf::new(folder.path());
    let looks = FirstLooks::new(shelf.clone(), None);
    let key = Key {
        environment: "acme/live".parse().unwrap(),
        source: Source::Backup("0a".repeat(32)),
        instance: "author".parse().unwrap(),
        workspace: "website".to_owned(),
        after: None,
    };
    let there = || looks.there(&key, ids::ROOT, SystemTime::UNIX_EPOCH);
    assert_eq!(there(), None);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let half = shelf.begin(&key, "token").unwrap();
    fill(&half, &Memory::of(model().nodes()), &workspace(), &Unwatched)
        .ok()
        .unwrap();
    shelf.put(&key, &half, SystemTime::UNIX_EPOCH).unwrap();
    let found = there().unwrap().open().unwrap();
    assert_eq!(found.resolve(&model().path(3)).unwrap().unwrap().id, id(3));
    // It is as large as it is: one that takes long to be read is not looked for.
    assert_eq!(shelf.find_up_to(&key, SystemTime::UNIX_EPOCH, 100), None);
    assert!(shelf.find(&key, SystemTime::UNIX_EPOCH).is_some());
}
