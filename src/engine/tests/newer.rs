//! A plan of a part names a newer backup only where that is known to hold the part as well, or says that it was not looked.

use std::fs;

use chrono::Duration;

use super::house::{House, OfHouse, back_up, everything, only, request};
use super::parts::{house, parts};
use crate::domain::backup::BackupId;
use crate::domain::newer::Newer;
use crate::domain::plan::Selection;
use crate::domain::request::RestoreRequest;
use crate::domain::settings::RepositoryChoice;
use crate::domain::slot::Slot;
use crate::engine::{Engine, details};
use crate::watch::Unwatched;

/// A house whose backups all stay.
fn keeping() -> House {
    let mut house = house();
    house.keep.manual = 20;
    house
}

/// Another backup, later.
fn later(house: &House, engine: &Engine) -> BackupId {
    house.pass(Duration::minutes(5));
    back_up(engine)
}

fn newer(engine: &Engine, backup: &BackupId, selection: Selection) -> Option<Newer> {
    let request = request(&backup.0, selection);
    engine
        .of_house()
        .plan_restore(&request, &Unwatched)
        .unwrap()
        .newer
}

#[test]
fn a_newer_backup_that_lacks_a_lost_page_is_not_named() {
    let house = keeping();
    let engine = house.engine();
    let first = back_up(&engine);
    let second = later(&house, &engine);
    let page = "author:/website/home/news/second.xml";
    house.remove("author", "website/home/news/second.xml");
    let third = later(&house, &engine);
    // The page, the folder that it was in, and one that was lost on one instance alone.
    for lost in [page, "author:/website/home/news", "/website/home/news/second.xml"] {
        let named = newer(&engine, &second, parts(&[lost]));
        assert_eq!(named, None, "{lost}");
        // Of several newer ones the newest that holds it.
        let named = newer(&engine, &first, parts(&[lost]));
        assert_eq!(named, Some(Newer::Holds(second.clone())), "{lost}");
    }
    let lost_too = newer(&engine, &second, parts(&["author:/website/home/about.xml", page]));
    assert_eq!(lost_too, None);
    // What is there still, and what was never looked at as its workspace is the same.
    for held in ["author:/website/home/about.xml", "author:/dam/pictures/cat.jpg"] {
        let named = newer(&engine, &second, parts(&[held]));
        assert_eq!(named, Some(Newer::Holds(third.clone())), "{held}");
    }
    assert_eq!(newer(&engine, &third, parts(&["author:/website/home"])), None);
    // Of everything, the cockpit knows it by itself.
    assert_eq!(newer(&engine, &second, everything()), None);
}

#[test]
fn of_a_file_that_has_changed_nobody_knows_what_is_in_it() {
    let house = keeping();
    let engine = house.engine();
    house.write("author", "dam/text.txt", "text");
    let older = back_up(&engine);
    house.write("author", "website/home/about.xml", "about something else");
    house.write("author", "dam/text.txt", "another text");
    house.write("author", "dam/pictures/cat.jpg", "");
    let recent = later(&house, &engine);
    for changed in ["author:/website/home/about.xml", "author:/website/home"] {
        let named = newer(&engine, &older, parts(&[changed]));
        assert_eq!(named, Some(Newer::NotLooked(recent.clone())), "{changed}");
    }
    let named = newer(&engine, &older, parts(&["author:/dam/text.txt"]));
    assert_eq!(named, Some(Newer::NotLooked(recent)));
    let emptied = newer(&engine, &older, parts(&["author:/dam/pictures"]));
    assert_eq!(emptied, None);
}

#[test]
fn of_workspaces_the_records_say_it() {
    let house = keeping();
    let engine = house.engine();
    let first = back_up(&engine);
    let second = later(&house, &engine);
    house.remove("author", "website/home/about.xml");
    let third = later(&house, &engine);
    let of =
        |backup, instances: &[&str], workspaces: &[&str]| newer(&engine, backup, only(instances, workspaces));
    assert_eq!(
        of(&first, &["author"], &["website"]),
        Some(Newer::Holds(second.clone()))
    );
    // It has fewer items, and nobody knows whether those are what is looked for.
    assert_eq!(
        of(&second, &["author"], &["website"]),
        Some(Newer::NotLooked(third.clone()))
    );
    assert_eq!(
        of(&second, &["author"], &["dam"]),
        Some(Newer::Holds(third.clone()))
    );
    assert_eq!(of(&second, &["public-1"], &[]), Some(Newer::Holds(third.clone())));
    assert_eq!(
        of(&second, &[], &["website", "dam"]),
        Some(Newer::NotLooked(third.clone()))
    );
    fs::remove_dir_all(house.root("author").join("website")).unwrap();
    let fourth = later(&house, &engine);
    assert_eq!(of(&third, &["author"], &["website"]), None);
    assert_eq!(of(&third, &["author"], &[]), None);
    assert_eq!(of(&third, &["author"], &["dam"]), Some(Newer::Holds(fourth)));
}

#[test]
fn for_a_plan_of_a_copy_the_first_repository_is_not_asked() {
    let house = keeping().with_copy(&[Slot::Manual]);
    let engine = house.engine();
    let older = back_up(&engine);
    house.remove("author", "website/home/news/second.xml");
    let recent = later(&house, &engine);
    assert_eq!(details(&engine, &House::live()).unwrap().backups.len(), 2);
    fs::rename(house.path("repository"), house.path("away")).unwrap();
    let planned = |path: &str| {
        let request = RestoreRequest {
            from: RepositoryChoice::Copy,
            ..request(&older.0, parts(&[path]))
        };
        engine
            .of_house()
            .plan_restore(&request, &Unwatched)
            .unwrap()
            .newer
    };
    // By its record as last listed, or not at all.
    let same = planned("author:/dam/pictures/cat.jpg");
    assert_eq!(same, Some(Newer::Holds(recent.clone())));
    let lost = planned("author:/website/home/news/second.xml");
    assert_eq!(lost, Some(Newer::NotLooked(recent)));
}

#[test]
fn the_last_one_that_held_a_lost_page_is_named_however_many_are_newer() {
    let house = keeping();
    let engine = house.engine();
    let older = back_up(&engine);
    let held = later(&house, &engine);
    house.remove("author", "website/home/news/second.xml");
    for _ in 0..12 {
        later(&house, &engine);
    }
    let named = newer(&engine, &older, parts(&["author:/website/home/news/second.xml"]));
    assert_eq!(named, Some(Newer::Holds(held)));
}
