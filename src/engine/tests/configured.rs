//! A configuration that is taken over while the engine runs.

use super::house::{House, OfHouse, back_up, backups, done, manual};
use crate::domain::check::{CONFIGURATION, Verdict};
use crate::domain::environment::EnvironmentName;
use crate::domain::slot::Slot;
use crate::engine::{Engine, EngineError, check, glances, note_doubt, take_over};

fn names(engine: &Engine) -> Vec<String> {
    let all = glances(engine).unwrap();
    all.iter().map(|summary| summary.name.to_string()).collect()
}

#[test]
pub(super) fn what_begins_has_the_new_settings_and_what_runs_keeps_its_own() {
    let mut house = House::new();
    let engine = house.engine();
    let live = engine.of_house();
    for _ in 0..2 {
        back_up(&engine);
        house.pass(chrono::Duration::minutes(1));
    }
    assert_eq!(backups(&engine).len(), 1, "one manual backup is kept");
    house.keep.manual = 3;
    house.others.push("shop");
    take_over(&engine, house.environments(), Vec::new()).unwrap();
    assert_eq!(
        live.settings().keep.of(Slot::Manual),
        1,
        "whoever holds it keeps what it began with"
    );
    assert!(
        engine.live(&"acme/shop".parse().unwrap()).is_err(),
        "as it was asked for"
    );
    let engine = engine.current();
    assert_eq!(names(&engine), ["acme/live", "acme/shop", "acme/uat"]);
    back_up(&engine);
    assert_eq!(backups(&engine).len(), 2);
    let shop: EnvironmentName = "acme/shop".parse().unwrap();
    let request = crate::domain::request::BackupRequest {
        environment: shop.clone(),
        ..manual()
    };
    let job = engine.live(&shop).unwrap().start_backup(&request).unwrap();
    done(&engine, job);
    // It goes again, and its jobs stay known.
    house.others.clear();
    take_over(&engine, house.environments(), Vec::new()).unwrap();
    let engine = engine.current();
    assert_eq!(names(&engine), ["acme/live", "acme/uat"]);
    assert!(matches!(
        engine.live(&shop),
        Err(EngineError::UnknownEnvironment { .. })
    ));
    assert!(engine.jobs().job(job).is_ok());
}

#[test]
pub(super) fn one_that_does_not_hold_together_changes_nothing() {
    let house = House::new();
    let engine = house.engine();
    let mut twice = house.environments();
    twice.push(twice[0].clone());
    assert!(take_over(&engine, twice, Vec::new()).is_err());
    let mut inside = house.environments();
    inside[0].instances[0].content = crate::domain::settings::ContentSettings::Files {
        path: house.folder.path().to_owned(),
    };
    assert!(take_over(&engine, inside, Vec::new()).is_err());
    let engine = engine.current();
    assert_eq!(names(&engine), ["acme/live", "acme/uat"]);
    back_up(&engine);
}

#[test]
pub(super) fn a_check_tells_that_the_file_says_something_that_cannot_be_used() {
    let house = House::new();
    let engine = house.engine();
    let said = || check(&engine.current(), None).unwrap().findings.remove(0);
    assert_eq!(said().verdict, Verdict::Ok);
    note_doubt(&engine, Some("line 3: unknown setting `thme`".to_owned()));
    let finding = said();
    assert_eq!(
        (finding.about.as_str(), finding.verdict),
        (CONFIGURATION, Verdict::Failed)
    );
    assert!(finding.detail.starts_with("line 3") && finding.detail.ends_with("stays in use."));
    // What is at work is not touched by it, and what can be used again is.
    assert_eq!(names(&engine.current()), ["acme/live", "acme/uat"]);
    take_over(&engine, house.environments(), Vec::new()).unwrap();
    assert_eq!(said().verdict, Verdict::Ok);
}

#[test]
pub(super) fn what_a_job_of_before_has_done_is_seen_with_the_new_settings() {
    let mut house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let before = engine.of_house();
    house.keep.manual = 3;
    take_over(&engine, house.environments(), Vec::new()).unwrap();
    let engine = engine.current();
    assert_eq!(backups(&engine).len(), 1);
    house.pass(chrono::Duration::minutes(1));
    // As if it had begun before.
    let job = before.start_backup(&manual()).unwrap();
    let made = done(&engine, job).outcome.unwrap().backup.unwrap();
    assert!(
        backups(&engine).iter().any(|backup| backup.id == made),
        "listed from before"
    );
}
