//! The rules that refuse: each with its reason, and with nothing started.

use chrono::Duration;

use super::house::{
    House, OfHouse, back_up, backups, done, ended, everything, manual, request, restore, start_restore,
};
use crate::domain::caller::Caller;
use crate::domain::job::JobState;
use crate::domain::refusal::Refusal;
use crate::domain::request::{BackupRequest, HoldKind, HoldRequest};
use crate::domain::version::MagnoliaVersion;
use crate::engine::{Engine, EngineError, Live, details};
use crate::watch::Unwatched;

fn by_jonas(engine: &Engine) -> Live {
    engine.acting_for(Caller::here(&"jonas".into())).of_house()
}

fn refusal<T>(result: Result<T, EngineError>) -> Refusal {
    match result.err() {
        Some(EngineError::Refused(refusal)) => refusal,
        other => panic!("not a refusal: {other:?}"),
    }
}

pub(super) fn hold(engine: &Engine, hold: HoldKind, on: bool) {
    let request = HoldRequest {
        environment: House::live(),
        hold,
        on,
        reason: Some("moving disks".into()),
    };
    by_jonas(engine).hold(&request).unwrap();
}

fn upgrade() -> BackupRequest {
    BackupRequest {
        upgrade_to: Some(MagnoliaVersion("6.4".into())),
        ..manual()
    }
}

#[test]
pub(super) fn only_live_is_backed_up_and_restored() {
    let house = House::new();
    let engine = house.engine();
    let request = BackupRequest {
        environment: House::uat(),
        ..manual()
    };
    let uat = engine.live(&request.environment);
    let said = refusal(uat.and_then(|live| live.start_backup(&request))).to_string();
    assert!(said.contains("acme/uat is UAT, and only Live"), "{said}");
    assert!(matches!(
        refusal(
            engine
                .live(&House::uat())
                .and_then(|live| live.start_undo("acme/uat"))
        ),
        Refusal::NotLive { .. }
    ));
    assert!(matches!(
        refusal(
            engine
                .live(&House::uat())
                .and_then(|live| live.start_verify(None))
        ),
        Refusal::NotLive { .. }
    ));
    assert_eq!(
        engine
            .catalog()
            .jobs(&crate::domain::request::JobQuery::default())
            .unwrap(),
        []
    );
}

#[test]
pub(super) fn a_restore_needs_the_name_typed_and_no_protection() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let plan = engine
        .of_house()
        .plan_restore(&request("manual", everything()), &Unwatched)
        .unwrap();
    for typed in ["", "acme", "ACME/LIVE", "acme/live "] {
        let said = crate::engine::start_restore(&engine, &plan.id, typed);
        assert!(matches!(refusal(said), Refusal::NotConfirmed { .. }), "{typed:?}");
    }
    hold(&engine, HoldKind::Protection, true);
    let said = refusal(start_restore(&engine, &request("manual", everything())));
    assert!(said.to_string().contains("moving disks"), "{said}");
    hold(&engine, HoldKind::Protection, false);
    restore(&engine, "manual", everything());
}

#[test]
pub(super) fn without_a_restore_there_is_nothing_to_undo() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let said = refusal(engine.of_house().start_undo("acme/live"));
    assert!(matches!(said, Refusal::NothingToUndo { .. }));
}

#[test]
pub(super) fn in_maintenance_jobs_wait_with_the_reason_and_one_at_a_time() {
    let house = House::new();
    let engine = house.engine();
    hold(&engine, HoldKind::Maintenance, true);
    let waiting = engine.of_house().start_backup(&manual()).unwrap();
    // Another Lifeboat on the same machine sees the same.
    let other = house.engine();
    let busy = refusal(
        other
            .acting_for(Caller::here(&"jonas".into()))
            .of_house()
            .start_backup(&manual()),
    );
    assert!(
        matches!(&busy, Refusal::Busy { job, .. } if *job == waiting),
        "{busy}"
    );
    hold(&other, HoldKind::Maintenance, false);
    done(&engine, waiting);
}

#[test]
pub(super) fn a_waiting_job_can_be_cancelled_from_another_lifeboat() {
    let house = House::new();
    let engine = house.engine();
    hold(&engine, HoldKind::Maintenance, true);
    let waiting = engine.of_house().start_backup(&manual()).unwrap();
    house
        .engine()
        .acting_for(Caller::here(&"jonas".into()))
        .jobs()
        .cancel(waiting)
        .unwrap();
    assert_eq!(ended(&engine, waiting).state, JobState::Cancelled);
    assert_eq!(backups(&engine), []);
    assert!(
        engine
            .acting_for(Caller::here(&"jonas".into()))
            .jobs()
            .cancel(waiting)
            .is_err(),
        "it has ended"
    );
}

#[test]
pub(super) fn one_upgrade_backup_stands_at_a_time() {
    let house = House::new();
    let engine = house.engine();
    let first = done(&engine, by_jonas(&engine).start_backup(&upgrade()).unwrap())
        .outcome
        .unwrap()
        .backup
        .unwrap();
    assert!(matches!(
        refusal(by_jonas(&engine).start_backup(&upgrade())),
        Refusal::UpgradeStands { .. }
    ));
    back_up(&engine);
    assert_eq!(
        backups(&engine).len(),
        2,
        "an upgrade backup stands outside the slots"
    );

    by_jonas(&engine).extend(&first).unwrap();
    house.pass(Duration::hours(72));
    assert!(
        matches!(
            refusal(by_jonas(&engine).start_backup(&upgrade())),
            Refusal::UpgradeStands { .. }
        ),
        "extended"
    );
    house.pass(Duration::hours(25));
    back_up(&engine);
    assert_eq!(backups(&engine).len(), 1, "expired, and dropped by retention");

    let second = done(&engine, by_jonas(&engine).start_backup(&upgrade()).unwrap())
        .outcome
        .unwrap()
        .backup
        .unwrap();
    by_jonas(&engine).delete(&second).unwrap();
    for id in engine.jobs().at_work() {
        done(&engine, id);
    }
    done(&engine, by_jonas(&engine).start_backup(&upgrade()).unwrap());
}

#[test]
pub(super) fn a_backup_in_a_slot_is_not_deleted_by_hand() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine);
    assert!(matches!(
        refusal(by_jonas(&engine).delete(&backup)),
        Refusal::BackupHeld { .. }
    ));
    assert!(matches!(
        refusal(by_jonas(&engine).extend(&backup)),
        Refusal::BackupHeld { .. }
    ));
}

#[test]
pub(super) fn every_action_is_in_the_activity_log_with_who_did_it() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    restore(&engine, "manual", everything());
    hold(&engine, HoldKind::Protection, true);
    let activity = engine.catalog().activity(10).unwrap();
    let told: Vec<_> = activity
        .iter()
        .map(|entry| (entry.by.as_str(), entry.what.as_str()))
        .collect();
    assert!(
        told[0].0 == "jonas" && told[0].1.contains("protected"),
        "{told:?}"
    );
    assert!(
        told[1].0 == "maria" && told[1].1.contains("is back as it was"),
        "{told:?}"
    );
    assert!(
        told[2].0 == "maria" && told[2].1.contains("manual backup"),
        "{told:?}"
    );
}

#[test]
fn a_repository_that_a_link_leads_into_the_content_is_refused() {
    let house = House::new();
    std::os::unix::fs::symlink(house.root("author"), house.path("repository")).unwrap();
    let Err(error) = house.try_engine("state") else {
        panic!("every backup would hold all those before it");
    };
    assert!(
        error.to_string().contains("lies in the content of author"),
        "{error}"
    );
    std::fs::remove_file(house.path("repository")).unwrap();
    let Err(error) = house.try_engine("author/content/state") else {
        panic!("the state would be exchanged with the content");
    };
    assert!(error.to_string().contains("the state folder"), "{error}");
}

#[test]
fn a_repository_is_its_owners_and_one_that_is_open_is_trouble() {
    use std::os::unix::fs::PermissionsExt;

    fn open(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if std::fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o077 != 0 {
                found.push(path.clone());
            }
            if path.is_dir() {
                open(&path, found);
            }
        }
    }
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let backup = backups(&engine)[0].id.0.clone();
    restore(&engine, &backup, everything());
    for place in ["repository", "state"] {
        let mut found = Vec::new();
        open(&house.path(place), &mut found);
        found.retain(|path| place == "repository" || !path.starts_with(house.path("state/processes")));
        assert!(found.is_empty(), "{found:?}");
    }
    assert_eq!(details(&engine, &House::live()).unwrap().summary.trouble, None);

    let set = |name: &str, mode| {
        std::fs::set_permissions(house.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for folder in ["", "repository", "repository/acme"] {
        set(folder, 0o711);
    }
    set("repository/acme/live", 0o755);
    let trouble = details(&engine, &House::live()).unwrap().summary.trouble.unwrap();
    assert!(trouble.contains("open to others"), "{trouble}");
    // What an administrator has opened to a group stays so, and so does what comes into it.
    set("repository/acme/live", 0o770);
    house.write("author", "website/new.xml", "new");
    back_up(&engine);
    let record = house.path("repository/acme/live/snapshots");
    let records = std::fs::read_dir(record).unwrap();
    let modes: Vec<_> = records
        .map(|record| record.unwrap().metadata().unwrap().permissions().mode() & 0o777)
        .collect();
    assert!(modes.contains(&0o660), "{modes:?}");
    assert_eq!(details(&engine, &House::live()).unwrap().summary.trouble, None);
}
