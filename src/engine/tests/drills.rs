//! Drills and verification on folders: what they show, what they leave, and when they begin by themselves.

use std::fs;
use std::path::Path;

use chrono::Duration;

use super::house::{House, OfHouse, back_up, backups, done, ended, everything, looked, request, restore};
use crate::domain::activity::Severity;
use crate::domain::backup::BackupId;
use crate::domain::check::Verdict;
use crate::domain::job::{JobKind, JobState};
use crate::domain::proof::{Drill, DrillOutcome, Every};
use crate::domain::refusal::Refusal;
use crate::domain::request::JobQuery;
use crate::domain::retention::holders;
use crate::domain::slot::{Keep, Slot};
use crate::engine::{Engine, EngineError, check, details};
use crate::watch::Unwatched;

fn drill(engine: &Engine) -> Drill {
    let job = engine.of_house().start_drill(None).unwrap();
    done(engine, job);
    engine.catalog().drills(&House::live()).unwrap().remove(0)
}

/// Nothing that a drill has made is left anywhere.
fn nothing_is_left(house: &House, scratch: &Path) {
    assert_eq!(fs::read_dir(scratch).map_or(0, Iterator::count), 0);
    assert_eq!(
        fs::read_dir(house.path("state/drills")).map_or(0, Iterator::count),
        0
    );
}

/// Damages a pack of the repository so that what it holds comes back as something else.
fn damage(house: &House) {
    let mut folders = vec![house.path("repository/acme/live/data")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mut bytes = fs::read(&path).unwrap();
            bytes[10] ^= 1;
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
            fs::write(&path, bytes).unwrap();
        }
    }
}

#[test]
fn what_nobody_has_named_is_no_safety_backup() {
    let house = House::new();
    let engine = house.engine();
    let taken = back_up(&engine);
    house.remove("author", "website");
    house.pass(Duration::minutes(5));
    let safety = restore(&engine, "manual", everything())
        .outcome
        .unwrap()
        .safety
        .unwrap();
    house.pass(Duration::minutes(5));
    assert_eq!(drill(&engine).backup, taken, "the safety backup is newer");
    // Whoever names it may; and what is shown as proven is still the other.
    house.pass(Duration::minutes(5));
    done(&engine, engine.of_house().start_drill(Some("safety")).unwrap());
    let summary = details(&engine, &House::live()).unwrap().summary;
    assert_eq!(summary.last_drill.unwrap().backup, safety);
    assert_eq!(summary.last_proven.unwrap().backup, taken);
}

#[test]
fn a_drill_proves_the_newest_backup_and_touches_nothing_of_live() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    house.pass(Duration::minutes(5));
    let newest = back_up(&engine);
    // Live changes after the backup: that is nothing to a drill.
    house.remove("author", "website");
    let before = house.content();
    let drill = drill(&engine);
    assert_eq!((&drill.backup, drill.newest), (&newest, true));
    assert_eq!(drill.outcome, DrillOutcome::Proven);
    assert_eq!(drill.bytes, backups(&engine)[0].manifest.bytes());
    assert_eq!(house.content(), before);
    assert!(house.beside("author").is_empty());
    nothing_is_left(&house, &house.path("state/scratch"));
    let summary = details(&engine, &House::live()).unwrap().summary;
    assert_eq!(summary.last_proven.as_ref(), Some(&drill));
    assert_eq!(summary.last_drill, summary.last_proven);
    assert_eq!(backups(&engine)[0].drill.as_ref(), Some(&drill));
    let plan = engine
        .of_house()
        .plan_restore(&request("manual", everything()), &Unwatched)
        .unwrap();
    assert_eq!(plan.expected.unwrap().drill, Some(drill.at));
    restore(&engine, "manual", everything());
}

#[test]
fn a_drill_that_finds_damage_is_critical_and_its_backup_holds_no_slot() {
    let house = House::new();
    let engine = house.engine();
    let id = back_up(&engine);
    // What was proven before says nothing once it is found damaged.
    assert!(drill(&engine).is_proven());
    house.pass(Duration::minutes(5));
    damage(&house);
    let job = engine.of_house().start_drill(None).unwrap();
    let JobState::Failed { why } = ended(&engine, job).state else {
        panic!("the drill saw nothing");
    };
    assert!(why.contains("take a new backup now"), "{why}");
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    assert_eq!(told.severity, Severity::Critical);
    let known = backups(&engine);
    assert!(!known[0].is_good() && !known[0].drill.as_ref().unwrap().is_proven());
    assert!(holders(&known, &Keep::default(), Slot::Manual).is_empty());
    let summary = details(&engine, &House::live()).unwrap().summary;
    assert_eq!(summary.last_drill.unwrap().backup, id);
    assert_eq!(summary.last_proven, None);
    assert_eq!(
        (summary.newest, summary.bad),
        (None, 1),
        "there is one, and it is not good"
    );
    let report = check(&engine, Some(&House::live())).unwrap();
    let mut findings = report.findings.iter();
    let told = findings.find(|found| found.about == "drill").unwrap();
    assert_eq!(told.verdict, Verdict::Failed);
    assert!(
        told.detail.contains("did not come back as it was taken"),
        "{}",
        told.detail
    );
    nothing_is_left(&house, &house.path("state/scratch"));
    let nothing = engine.of_house().start_drill(None).unwrap_err();
    assert!(
        matches!(
            &nothing,
            EngineError::Refused(Refusal::NothingToDrill { safety: false, .. })
        ),
        "{nothing}"
    );
    assert!(nothing.to_string().contains("no good backup"), "{nothing}");
}

#[test]
fn a_drill_without_an_instance_proves_a_part_and_says_which() {
    let mut house = House::new();
    let engine = house.engine();
    let id = back_up(&engine);
    drop(engine);
    house.instances = vec!["author"];
    let engine = house.engine();
    let job = engine.of_house().start_drill(None).unwrap();
    let outcome = done(&engine, job).outcome.unwrap();
    assert!(
        outcome.summary.contains("in part only") && outcome.summary.contains("all of author came back"),
        "{}",
        outcome.summary
    );
    assert!(
        outcome.warnings.len() == 1
            && outcome.warnings[0].starts_with("public-1 is in the backup and not configured"),
        "{:?}",
        outcome.warnings
    );
    assert_eq!(outcome.not_proven, ["public-1".parse().unwrap()]);
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    assert_eq!(told.severity, Severity::Warning);
    let drill = engine.catalog().drills(&House::live()).unwrap().remove(0);
    let left_out = vec!["public-1".parse().unwrap()];
    assert_eq!(drill.outcome, DrillOutcome::ProvenInPart { left_out });
    let backup = backups(&engine).remove(0);
    assert_eq!(drill.bytes, backup.manifest.instances[0].bytes());
    assert!(backup.is_good(), "nothing speaks against it");
    let summary = details(&engine, &House::live()).unwrap().summary;
    assert_eq!((summary.last_proven, summary.last_drill), (None, Some(drill)));
    let plan = engine
        .of_house()
        .plan_restore(&request("manual", everything()), &Unwatched);
    assert_eq!(plan.unwrap().expected.and_then(|expected| expected.drill), None);
    // What a drill of the whole has shown counts for more than a later one of a part.
    for (outcome, is_good) in [
        (
            DrillOutcome::Failed {
                why: "a row is missing".to_owned(),
            },
            false,
        ),
        (DrillOutcome::Proven, true),
    ] {
        house.pass(Duration::minutes(1));
        let whole = Drill {
            at: engine.now(),
            backup: id.clone(),
            millis: 1,
            bytes: 1,
            newest: true,
            outcome,
        };
        engine.catalog().record_drill(&House::live(), &whole).unwrap();
        house.pass(Duration::minutes(1));
        engine.refresh();
        let again = engine.of_house().start_drill(Some(&id.0)).unwrap();
        done(&engine, again);
        let backup = backups(&engine).remove(0);
        assert_eq!(backup.is_good(), is_good);
        assert_eq!(backup.drill, Some(whole));
    }
}

#[test]
pub(super) fn what_a_drill_has_left_in_a_folder_waits_for_its_machine() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    drop(engine);
    let left = house.path("scratch/.lifeboat-drill-acme+live-7");
    fs::create_dir_all(left.join("author/content")).unwrap();
    fs::create_dir_all(house.path("state/drills")).unwrap();
    let note = serde_json::json!({ "folder": left });
    fs::write(house.path("state/drills/acme+live.json"), note.to_string()).unwrap();
    // Another machine has a disk, and a state folder, of its own.
    drop(house.engine_with_state("other-state"));
    assert!(left.exists());
    drop(house.engine());
    assert!(!left.exists());
    nothing_is_left(&house, &house.path("scratch"));
}

#[test]
fn a_backup_whose_drill_failed_goes_only_for_a_good_one() {
    let house = House::new();
    let engine = house.engine();
    let good = back_up(&engine);
    house.pass(Duration::minutes(5));
    // It holds the slot, and the first one is dropped: so the drill fails before the next is taken.
    let failing = |backup: BackupId| {
        let drill = Drill {
            at: engine.now(),
            backup,
            millis: 1,
            bytes: 1,
            newest: true,
            outcome: DrillOutcome::Failed {
                why: "a row is missing".to_owned(),
            },
        };
        engine.catalog().record_drill(&House::live(), &drill).unwrap();
        engine.refresh();
    };
    failing(good.clone());
    let second = back_up(&engine);
    let ids: Vec<_> = backups(&engine).into_iter().map(|backup| backup.id).collect();
    assert_eq!(ids, std::slice::from_ref(&second), "a good one took its place");
    failing(second.clone());
    assert_eq!(
        backups(&engine).len(),
        1,
        "a doubtful backup stays as long as nothing better has come"
    );
    house.pass(Duration::minutes(5));
    let plan = engine
        .of_house()
        .plan_restore(&request(&second.0, everything()), &Unwatched);
    let warnings = plan.unwrap().warnings.join("; ");
    assert!(warnings.contains("a row is missing"), "{warnings}");
}

#[test]
fn what_an_interrupted_drill_has_left_is_removed_at_the_next_start() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    drop(engine);
    let left = house.path("elsewhere/.lifeboat-drill-acme+live-7");
    fs::create_dir_all(left.join("author/content")).unwrap();
    fs::write(house.path("elsewhere/somebody's"), "kept").unwrap();
    fs::create_dir_all(house.path("state/drills")).unwrap();
    let note = serde_json::json!({ "folder": left });
    fs::write(house.path("state/drills/acme+live.json"), note.to_string()).unwrap();
    let engine = house.engine();
    assert!(!left.exists() && house.path("elsewhere/somebody's").exists());
    assert!(!house.path("state/drills/acme+live.json").exists());
    assert_eq!(
        engine.catalog().notifications(5).unwrap().len(),
        1,
        "the backup's"
    );
}

#[test]
fn a_drill_that_has_no_place_is_not_begun_and_says_nothing_of_the_backup() {
    let mut house = House::new();
    // A file stands where the folder would be made.
    fs::write(house.path("file"), "").unwrap();
    house.drill.scratch = Some(house.path("file/scratch"));
    let engine = house.engine();
    back_up(&engine);
    let job = engine.of_house().start_drill(None).unwrap();
    let JobState::Failed { why } = ended(&engine, job).state else {
        panic!("where did it restore to?");
    };
    assert!(why.contains("file/scratch"), "{why}");
    assert!(backups(&engine)[0].is_good());
    assert_eq!(engine.catalog().drills(&House::live()).unwrap(), []);
}

fn scheduled(engine: &Engine) -> Vec<JobKind> {
    let kinds = looked(engine).into_iter().map(|job| {
        assert_eq!(job.state, JobState::Done, "{job:?}");
        job.kind
    });
    kinds.collect()
}

#[test]
pub(super) fn proofs_begin_by_themselves_once_a_period_and_outside_the_window() {
    let mut house = House::new();
    house.verify.every = Every::days(7);
    house.drill.every = Every::days(30);
    let engine = house.engine();
    let mut began = Vec::new();
    let start = engine.now();
    for hour in 0..(24 * 61) {
        let kinds = scheduled(&engine);
        for kind in kinds.into_iter().filter(|kind| *kind != JobKind::Backup) {
            began.push((kind, hour));
        }
        house.pass(Duration::hours(1));
    }
    let hours = |wanted: JobKind| -> Vec<i64> {
        let of = began.iter().filter(|(kind, _)| *kind == wanted);
        of.map(|(_, hour)| *hour).collect()
    };
    let (verified, drilled) = (hours(JobKind::Verify), hours(JobKind::Drill));
    assert!((8..=9).contains(&verified.len()), "{verified:?}");
    assert_eq!(drilled.len(), 2, "{drilled:?}");
    for hour in verified.iter().chain(&drilled) {
        let at = start + Duration::hours(*hour);
        assert!(chrono::Timelike::hour(&at) > 0, "in the window: {at}");
    }
    assert!(
        verified.windows(2).all(|pair| pair[1] - pair[0] == 7 * 24),
        "{verified:?}"
    );
    assert_eq!(drilled[1] - drilled[0], 30 * 24);
    let drills = engine.catalog().drills(&House::live()).unwrap();
    assert!(drills[1].newest && !drills[0].newest, "in turns: {drills:?}");
    let shown = details(&engine, &House::live()).unwrap();
    assert!(shown.next_verify > Some(engine.now()) && shown.next_drill > Some(engine.now()));
    assert!(shown.summary.last_verified > Some(engine.now() - Duration::days(8)));
    // Turned off, nothing begins.
    house.verify.every = Every::NEVER;
    house.drill.every = Every::NEVER;
    let engine = house.engine();
    house.pass(Duration::days(40));
    assert_eq!(scheduled(&engine), [JobKind::Backup]);
    assert_eq!(scheduled(&engine), []);
    assert_eq!(details(&engine, &House::live()).unwrap().next_drill, None);
}

#[test]
pub(super) fn a_drill_that_cannot_be_done_is_tried_again_only_later() {
    let mut house = House::new();
    house.drill.every = Every::days(1);
    fs::write(house.path("file"), "").unwrap();
    house.drill.scratch = Some(house.path("file/scratch"));
    let engine = house.engine();
    for _ in 0..(24 * 3) {
        engine.schedule().start_what_is_due();
        for id in engine.jobs().at_work() {
            ended(&engine, id);
        }
        house.pass(Duration::hours(1));
    }
    let jobs = engine.catalog().jobs(&JobQuery {
        limit: 500,
        ..JobQuery::default()
    });
    let drills = jobs.unwrap().into_iter().filter(|job| job.kind == JobKind::Drill);
    let count = drills.count();
    assert!((3..=8).contains(&count), "{count}");
}
