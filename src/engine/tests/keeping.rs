//! What is kept beside the slots: backups between the daily ones, pins, and targets that say whether it is enough.

use chrono::Duration;

use super::house::{House, OfHouse, back_up, backups, looked};
use crate::domain::activity::Severity;
use crate::domain::backup::BackupId;
use crate::domain::job::JobState;
use crate::domain::refusal::Refusal;
use crate::domain::request::PinRequest;
use crate::domain::slot::Slot;
use crate::engine::{Engine, EngineError, details};

fn hourly() -> House {
    let mut house = House::new();
    house.schedule.every = Some("1h".parse().unwrap());
    house.keep.recent = 3;
    house
}

fn look(engine: &Engine) -> Vec<JobState> {
    looked(engine).into_iter().map(|job| job.state).collect()
}

fn recent(engine: &Engine) -> usize {
    backups(engine).iter().filter(|backup| backup.is_recent()).count()
}

#[test]
pub(super) fn between_the_daily_ones_backups_are_made_outside_the_slots() {
    let house = hourly();
    let engine = house.engine();
    assert_eq!(look(&engine), [JobState::Done]);
    let first = backups(&engine).remove(0);
    assert_eq!(first.manifest.slots, Slot::AUTOMATIC);
    assert_eq!(look(&engine), [], "it serves the present step as well");
    for hour in 1..=6 {
        house.pass(Duration::hours(1));
        house.write("author", "website/page.xml", &format!("hour {hour}"));
        assert_eq!(look(&engine), [JobState::Done]);
        assert_eq!(look(&engine), []);
        assert!(backups(&engine)[0].is_recent());
    }
    assert_eq!(recent(&engine), 3);
    assert!(
        backups(&engine).iter().any(|backup| backup.id == first.id),
        "it holds three slots"
    );
    // Five hours off: one makes up for them.
    house.pass(Duration::hours(5));
    assert_eq!(look(&engine), [JobState::Done]);
    assert_eq!(look(&engine), []);
    let told = details(&engine, &House::live()).unwrap().recent.unwrap();
    assert!(!told.due && told.keep == 3 && told.next > Some(engine.now()));
}

#[test]
pub(super) fn two_lifeboats_make_one_backup_a_step() {
    let house = hourly();
    let (one, other) = (house.engine(), house.engine());
    assert_eq!(look(&one), [JobState::Done]);
    house.pass(Duration::hours(1));
    assert!(one.of_house().backups().is_ok() && other.of_house().backups().is_ok());
    assert_eq!(look(&other), [JobState::Done]);
    assert_eq!(look(&one), []);
    assert_eq!(recent(&other), 1);
}

fn pin(engine: &Engine, backup: &BackupId, days: Option<i64>) -> Result<BackupId, EngineError> {
    engine.of_house().pin(&PinRequest {
        environment: House::live(),
        backup: backup.clone(),
        until: days.map(|days| engine.now() + Duration::days(days)),
        note: Some("before the relaunch".into()),
    })
}

#[test]
pub(super) fn a_pinned_backup_stays_until_its_day_and_nobody_deletes_it() {
    let house = House::new();
    let engine = house.engine();
    let first = back_up(&engine);
    let pinned = pin(&engine, &first, Some(2)).unwrap();
    let backup = backups(&engine).remove(0);
    assert_eq!(backup.id, pinned);
    let told = backup.pinned(engine.now()).unwrap();
    assert_eq!(
        (told.by.as_str(), told.note.as_deref()),
        ("maria", Some("before the relaunch"))
    );
    house.pass(Duration::hours(1));
    back_up(&engine);
    assert_eq!(backups(&engine).len(), 2, "another one holds the slot");
    let held = engine.of_house().delete(&pinned);
    assert!(
        matches!(held, Err(EngineError::Refused(Refusal::BackupHeld { .. }))),
        "{held:?}"
    );
    // Lifeboat with nothing but the repository finds the pin there.
    let elsewhere = house.engine_with_state("other state");
    assert!(
        backups(&elsewhere)
            .iter()
            .any(|backup| backup.id == pinned && backup.manifest.pin.is_some())
    );
    // Its day has passed, by this clock: for a few days more it may be the clock that is wrong.
    for day in 1..=7 {
        house.pass(Duration::days(1));
        back_up(&engine);
        let count = if day < 7 { 2 } else { 1 };
        assert_eq!(backups(&engine).len(), count, "{day}");
    }
}

#[test]
pub(super) fn a_pin_ends_on_a_day_that_can_be_written() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine);
    let refused = pin(&engine, &backup, Some(365 * 10_000)).unwrap_err();
    assert!(
        matches!(&refused, EngineError::Refused(Refusal::NotNeeded(why)) if why.contains("9999-12-30 is the last one")),
        "{refused}"
    );
    assert_eq!(backups(&engine)[0].id, backup);
}

#[test]
pub(super) fn what_is_known_of_a_backup_goes_with_its_pin() {
    let house = House::new();
    let engine = house.engine();
    let first = back_up(&engine);
    house.pass(Duration::hours(1));
    let drill = engine.of_house().start_drill(Some(&first.0)).unwrap();
    super::house::done(&engine, drill);
    let before = backups(&engine).remove(0);
    let pinned = pin(&engine, &first, None).unwrap();
    let after = backups(&engine).remove(0);
    assert_eq!(after.verification, before.verification);
    assert!(after.drill.is_some_and(|drill| drill.is_proven()));
    let free = engine.of_house().unpin(&pinned).unwrap();
    let again = backups(&engine).remove(0);
    assert_eq!(again.id, free);
    assert_eq!(
        again.manifest.earlier,
        [first, pinned],
        "each id that it had leads to it"
    );
    let mut manifest = again.manifest.clone();
    manifest.earlier.clear();
    assert_eq!(
        manifest, before.manifest,
        "as if it had never been pinned otherwise"
    );
    let refused = engine.of_house().unpin(&free);
    assert!(
        matches!(refused, Err(EngineError::Refused(Refusal::NotNeeded(_)))),
        "{refused:?}"
    );
    let past = pin(&engine, &free, Some(-1));
    assert!(
        matches!(past, Err(EngineError::Refused(Refusal::NotNeeded(_)))),
        "{past:?}"
    );
}

#[test]
pub(super) fn a_target_that_comes_to_be_missed_is_told_once_and_so_is_its_end() {
    let mut house = House::new();
    house.targets.rpo = Some("26h".parse().unwrap());
    let engine = house.engine();
    let told = |severity: Severity| {
        engine.schedule().look_at_targets();
        let all = engine.catalog().notifications(100).unwrap();
        let all = all
            .into_iter()
            .filter(|one| one.severity == severity && one.text.contains("RPO"));
        all.map(|one| one.text).collect::<Vec<_>>()
    };
    back_up(&engine);
    assert_eq!(told(Severity::Critical), Vec::<String>::new());
    house.pass(Duration::hours(27));
    let missed = told(Severity::Critical);
    assert_eq!(missed.len(), 1);
    assert!(
        missed[0].starts_with("acme/live: RPO 26h missed: no good backup since"),
        "{missed:?}"
    );
    assert_eq!(told(Severity::Critical).len(), 1);
    let standing = details(&engine, &House::live()).unwrap().summary.targets;
    assert!(standing.len() == 1 && !standing[0].met);
    back_up(&engine);
    assert_eq!(told(Severity::Information), ["acme/live: RPO 26h is met again"]);
    assert_eq!(told(Severity::Information).len(), 1);
}
