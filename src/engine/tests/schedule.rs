//! The schedule, kept by the engine: what is due is taken once, what failed is tried again, what was missed is late.

use std::fs;

use chrono::Duration;

use super::house::{House, OfHouse, back_up, backups, ended, looked, manual};
use crate::domain::job::JobState;
use crate::domain::slot::Slot;
use crate::engine::{Engine, details};

fn look(engine: &Engine) -> Vec<JobState> {
    looked(engine).into_iter().map(|job| job.state).collect()
}

#[test]
pub(super) fn what_is_due_is_taken_once_and_again_the_next_day() {
    let house = House::new();
    let engine = house.engine();
    assert_eq!(look(&engine), [JobState::Done]);
    assert_eq!(look(&engine), []);
    let first = backups(&engine).remove(0);
    assert_eq!(
        first.manifest.slots,
        Slot::AUTOMATIC,
        "one backup serves all that is due"
    );
    assert!(!first.is_late(), "a new environment is not late");

    // The window has long closed when Lifeboat looks again.
    house.pass(Duration::hours(24));
    assert_eq!(look(&engine), [JobState::Done]);
    let second = backups(&engine).remove(0);
    assert_eq!(second.manifest.slots, [Slot::Daily]);
    assert!(second.is_late());
    assert_eq!(
        backups(&engine).len(),
        2,
        "the first one still holds the monthly and the weekly slot"
    );
}

#[test]
pub(super) fn two_lifeboats_serve_a_period_once() {
    let house = House::new();
    let (first, second) = (house.engine(), house.engine());
    // Both have listed an empty repository before either takes a backup.
    assert!(first.of_house().backups().unwrap().is_empty());
    assert!(second.of_house().backups().unwrap().is_empty());
    assert_eq!(look(&first), [JobState::Done]);
    assert_eq!(look(&second), []);
    assert_eq!(backups(&second), backups(&first));
}

#[test]
pub(super) fn a_failed_backup_is_tried_again_after_a_while() {
    let house = House::new();
    let engine = house.engine();
    fs::rename(house.root("author"), house.path("away")).unwrap();
    assert_eq!(look(&engine)[0].label(), "failed");
    assert_eq!(look(&engine), [], "not at once");
    fs::rename(house.path("away"), house.root("author")).unwrap();
    house.pass(Duration::minutes(6));
    assert_eq!(look(&engine), [JobState::Done]);
}

#[test]
pub(super) fn maintenance_and_running_jobs_are_passed_over() {
    let house = House::new();
    let engine = house.engine();
    let hold = crate::domain::state::Hold {
        reason: None,
        since: engine.now(),
        by: "jonas".into(),
    };
    let kind = crate::domain::request::HoldKind::Maintenance;
    engine
        .catalog()
        .set_hold(&House::live(), kind, Some(&hold))
        .unwrap();
    assert_eq!(look(&engine), []);
    let waiting = engine.of_house().start_backup(&manual()).unwrap();
    engine.catalog().set_hold(&House::live(), kind, None).unwrap();
    assert_eq!(ended(&engine, waiting).state, JobState::Done);
    house.pass(Duration::minutes(1));
    assert_eq!(look(&engine), [JobState::Done]);
}

#[test]
pub(super) fn the_details_tell_how_the_schedule_stands() {
    let house = House::new();
    let engine = house.engine();
    assert_eq!(look(&engine), [JobState::Done]);
    house.pass(Duration::hours(26));
    let shown = details(&engine, &House::live()).unwrap();
    assert!(shown.summary.late);
    let daily = shown
        .slot_schedules
        .iter()
        .find(|schedule| schedule.slot == Slot::Daily)
        .unwrap();
    assert!(daily.due && daily.next.unwrap() > engine.now());
    assert_eq!(daily.last_served, Some(engine.now() - Duration::hours(26)));
    let uat = details(&engine, &House::uat()).unwrap();
    assert!(uat.slot_schedules.is_empty() && uat.backups.is_empty() && uat.summary.trouble.is_none());
}

#[test]
fn a_schedule_that_is_off_says_nothing_of_a_repository_that_is_gone() {
    let mut house = House::new();
    back_up(&house.engine());
    fs::rename(house.path("repository"), house.path("away")).unwrap();
    for (is_on, told) in [(false, 1), (true, 2)] {
        house.schedule.enabled = is_on;
        let engine = house.engine();
        engine.of_house().start_if_due();
        // That the backup succeeded is the first.
        let notifications = engine.catalog().notifications(5).unwrap();
        assert_eq!(notifications.len(), told, "{notifications:?}");
    }
}
