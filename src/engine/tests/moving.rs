//! A repository that is somewhere else than it was: copied there, left behind, or lost.

use std::fs;
use std::process::Command;

use super::house::{House, OfHouse, back_up, backups, done, ended, manual};
use crate::domain::activity::Severity;
use crate::domain::job::JobState;
use crate::domain::refusal::Refusal;
use crate::domain::request::BackupRequest;
use crate::domain::version::MagnoliaVersion;
use crate::engine::{EngineError, details};

#[test]
fn a_repository_is_moved_by_copying_it_and_left_behind_only_when_somebody_says_so() {
    let mut house = House::new();
    let engine = house.engine();
    let first = back_up(&engine);
    engine
        .activity()
        .write_down(&"kim".into(), None, "before", Severity::Information);
    drop(engine);
    house.repository = "moved";
    let engine = house.engine();
    let job = engine.of_house().start_backup(&manual()).unwrap();
    let JobState::Failed { why } = ended(&engine, job).state else {
        panic!("a new repository was made")
    };
    let was = house.path("repository/acme/live");
    assert!(
        why.contains(&format!("was in {}", was.display()))
            && why.contains("`lifeboat relocate acme/live --confirm acme/live`"),
        "{why}"
    );
    assert!(
        !house.path("moved").exists(),
        "something was made where no repository is"
    );
    drop(engine);

    // Copied as it is: all backups are there.
    let copied = Command::new("cp")
        .arg("-aT")
        .args([house.path("repository"), house.path("moved")])
        .status();
    assert!(copied.unwrap().success());
    let engine = house.engine();
    assert_eq!(backups(&engine)[0].id, first);
    let refused = engine.of_house().relocate().unwrap_err();
    assert!(
        matches!(&refused, EngineError::Refused(Refusal::NotNeeded(why)) if why.contains("already, and it is used")),
        "{refused}"
    );
    drop(engine);

    // Left behind: the next backup makes a new one, and the past stays.
    house.repository = "anew";
    let engine = house.engine();
    let place = engine.of_house().relocate().unwrap();
    assert_eq!(place, house.path("anew/acme/live").display().to_string());
    let trouble = details(&engine, &House::live()).unwrap().summary.trouble;
    assert_eq!(trouble, None, "what was left behind on purpose is not missed");
    let second = back_up(&engine);
    let ids: Vec<_> = backups(&engine).into_iter().map(|backup| backup.id).collect();
    assert_eq!(ids, [second]);
    let known = engine.catalog().activity(100).unwrap();
    assert!(known.iter().any(|entry| entry.what == "before"));
    drop(engine);

    // What was allowed once is not allowed for ever.
    fs::rename(house.path("anew"), house.path("unmounted")).unwrap();
    let engine = house.engine();
    let job = engine.of_house().start_backup(&manual()).unwrap();
    assert_eq!(ended(&engine, job).state.label(), "failed");
    assert!(!house.path("anew").exists());
}

#[test]
fn a_repository_that_was_moved_away_leaves_no_trace_of_the_next_backup() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let (there, away) = (house.path("repository/acme"), house.path("away"));
    fs::rename(&there, &away).unwrap();
    // Whoever has it open, as a service, and whoever has just started.
    for engine in [engine, house.engine()] {
        let job = engine.of_house().start_backup(&manual()).unwrap();
        let JobState::Failed { why } = ended(&engine, job).state else {
            panic!("a backup was taken into nothing")
        };
        assert!(
            why.contains("which held backups, is not in") && why.contains("is its disk mounted"),
            "{why}"
        );
        assert!(!there.exists(), "something was made where the repository was");
    }
    fs::rename(&away, &there).unwrap();
    back_up(&house.engine());
}

#[test]
fn what_was_deleted_on_purpose_is_not_missed() {
    let house = House::new();
    let engine = house.engine();
    let request = BackupRequest {
        upgrade_to: Some(MagnoliaVersion("6.4".into())),
        ..manual()
    };
    let job = engine.of_house().start_backup(&request).unwrap();
    let only = done(&engine, job).outcome.unwrap().backup.unwrap();
    engine.of_house().delete(&only).unwrap();
    for id in engine.jobs().at_work() {
        engine.jobs().wait_for(id);
    }
    for engine in [engine, house.engine()] {
        assert_eq!(backups(&engine), []);
        let trouble = details(&engine, &House::live()).unwrap().summary.trouble;
        assert_eq!(trouble, None);
    }
}
