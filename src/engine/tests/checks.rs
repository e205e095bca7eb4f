//! What `check` and the list of environments say before a job would fail.

use std::fs;

use super::house::{House, OfHouse, back_up, backups, done, everything, request};
use crate::clock::Clock as _;
use crate::domain::backup::Verification;
use crate::domain::check::Verdict;
use crate::domain::request::BackupRequest;
use crate::domain::version::MagnoliaVersion;
use crate::engine::{Engine, check, details};
use crate::watch::Unwatched;

fn says(engine: &Engine, about: &str, part: &str) -> bool {
    let report = check(engine, Some(&House::live())).unwrap();
    report
        .findings
        .iter()
        .any(|found| found.about == about && found.verdict != Verdict::Ok && found.detail.contains(part))
}

fn trouble(engine: &Engine) -> Option<String> {
    details(engine, &House::live()).unwrap().summary.trouble
}

#[test]
fn a_repository_that_takes_nothing_is_told() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let data = house.path("repository/acme/live/data");
    let before: Vec<_> = fs::read_dir(&data).unwrap().collect();
    assert!(!says(&engine, "repository", ""));
    let after: Vec<_> = fs::read_dir(&data).unwrap().collect();
    assert_eq!(before.len(), after.len(), "what is tried is taken back");
    let chattr = |flag: &str| {
        let mut command = std::process::Command::new("chattr");
        let done = command
            .arg(flag)
            .arg(&data)
            .stderr(std::process::Stdio::null())
            .status();
        done.is_ok_and(|status| status.success())
    };
    // Only root may set it, and not on every file system.
    if !chattr("+i") {
        return;
    }
    let told = says(&engine, "repository", "takes nothing");
    chattr("-i");
    assert!(told);
    assert!(!says(&engine, "repository", ""));
}

#[test]
fn a_backup_that_was_found_damaged_is_named_by_check_and_by_whoever_wants_its_slot() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine);
    let damaged = Verification::Damaged {
        at: house.clock.now(),
        why: "a pack is gone".to_owned(),
    };
    engine
        .catalog()
        .record_verification(&House::live(), &backup, &damaged)
        .unwrap();
    let engine = house.engine();
    assert!(says(&engine, "damage", "a pack is gone"));
    let way_out = format!("`lifeboat delete acme/live {backup}`");
    assert!(says(&engine, "damage", &way_out));
    let live = engine.of_house();
    let planned = live.plan_restore(&request("manual", everything()), &Unwatched);
    let why = planned.unwrap_err().to_string();
    assert!(
        why.contains("found damaged") && why.contains(backup.short()),
        "{why}"
    );
}

#[test]
fn backups_that_have_vanished_are_missed() {
    let house = House::new();
    let engine = house.engine();
    assert_eq!(trouble(&engine), None, "there never was one");
    back_up(&engine);
    assert_eq!(trouble(&engine), None);
    for record in fs::read_dir(house.path("repository/acme/live/snapshots")).unwrap() {
        fs::remove_file(record.unwrap().path()).unwrap();
    }
    let engine = house.engine();
    assert!(backups(&engine).is_empty());
    assert!(says(&engine, "records", "the job history knows of backups"));
    let told = trouble(&engine).unwrap();
    assert!(told.contains("the job history knows of backups"), "{told}");
}

#[test]
fn backups_that_were_deleted_by_lifeboat_are_not_missed() {
    let house = House::new();
    let engine = house.engine();
    let upgrade = BackupRequest {
        environment: House::live(),
        note: None,
        upgrade_to: Some(MagnoliaVersion("6.4".to_owned())),
    };
    let job = engine.of_house().start_backup(&upgrade).unwrap();
    let only = done(&engine, job).outcome.unwrap().backup.unwrap();
    engine.of_house().delete(&only).unwrap();
    assert!(backups(&engine).is_empty());
    assert_eq!(trouble(&engine), None);
    assert!(!says(&engine, "records", ""));
    // What frees its room.
    for id in engine.jobs().at_work() {
        engine.jobs().wait_for(id);
    }

    // The next one is missed again.
    back_up(&engine);
    for record in fs::read_dir(house.path("repository/acme/live/snapshots")).unwrap() {
        fs::remove_file(record.unwrap().path()).unwrap();
    }
    assert!(says(
        &house.engine(),
        "records",
        "the job history knows of backups"
    ));
}

#[test]
fn what_a_restore_has_left_beside_live_is_told_until_it_is_gone() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let left = house.path("author/.content.lifeboat-2");
    fs::create_dir(&left).unwrap();
    fs::create_dir(house.path("author/.content.lifeboat-of-somebody")).unwrap();
    let name = left.display().to_string();
    assert!(says(&engine, "restore", &name));
    assert!(!says(&engine, "restore", "of-somebody"));
    let told = trouble(&engine).unwrap();
    assert!(
        told.contains(&name) && told.contains("do not remove it before you have looked"),
        "{told}"
    );
    fs::remove_dir(&left).unwrap();
    assert_eq!(trouble(&engine), None);
}

#[test]
fn one_place_under_two_names_is_refused() {
    let house = House::new();
    fs::remove_dir_all(house.root("public-1")).unwrap();
    std::os::unix::fs::symlink(house.root("author"), house.root("public-1")).unwrap();
    let Err(error) = house.try_engine("state") else {
        panic!("a restore of one would replace the other");
    };
    let told = error.to_string();
    assert!(told.contains("in the same place as that of author"), "{told}");
}

#[test]
fn a_check_of_one_environment_does_not_say_how_many_there_are() {
    let house = House::new();
    let engine = house.engine();
    let of = |report: crate::domain::check::Report| {
        let mut findings = report.findings.into_iter();
        findings
            .find(|found| found.about == "configuration")
            .unwrap()
            .detail
    };
    assert!(of(check(&engine, None).unwrap()).contains("2 environments"));
    let one = of(check(&engine, Some(&House::live())).unwrap());
    assert!(!one.contains("environment"), "{one}");
}
