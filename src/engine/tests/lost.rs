//! A Lifeboat that dies in a switch, and what is lost or moved before the next start: the journal, the whole state folder,
//! the disk of the content. What is unknown is said, and nothing is dropped or begun on a guess.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::house::{House, INSTANCES, OfHouse, back_up, backups, everything, manual, request};
use super::recovery::{interrupted, interrupted_after, nothing_is_left, texts};
use crate::catalog::NewJob;
use crate::domain::activity::Severity;
use crate::domain::job::{JobKind, JobState, Phase, Progress};
use crate::engine::restore::journal::{Journal, Stage};
use crate::engine::{check, details};
use crate::watch::Unwatched;

/// As a switch does before its first exchange: a copy of the journal lies in every staging folder.
fn with_copies(house: &House, journal: &Journal) {
    for instance in INSTANCES {
        let text = serde_json::to_vec(journal).unwrap();
        fs::write(
            house.path(instance).join(".content.lifeboat-100/journal.json"),
            text,
        )
        .unwrap();
    }
}

fn journal_file(house: &House) -> std::path::PathBuf {
    house.path("state/journal/acme+live.json")
}

/// No job starts, the trouble is shown, and nothing was touched.
fn everything_stops(house: &House, state: &str, says: &[&str]) {
    let before = (
        house.content(),
        INSTANCES.map(|instance| house.beside(instance).len()),
    );
    let engine = house.engine_with_state(state);
    let error = engine.of_house().start_backup(&manual()).unwrap_err().to_string();
    let trouble = details(&engine, &House::live()).unwrap().summary.trouble.unwrap();
    for text in [&error, &trouble] {
        for said in says {
            assert!(text.contains(said), "{said:?} in {text}");
        }
    }
    let report = check(&engine, None).unwrap();
    let findings: Vec<_> = report
        .findings
        .iter()
        .filter(|found| found.about == "switch")
        .collect();
    assert_eq!(findings.len(), 1, "{report:?}");
    if let Ok(plan) = engine
        .of_house()
        .plan_restore(&request("manual", everything()), &Unwatched)
    {
        assert!(plan.obstacles.contains(&trouble), "{:?}", plan.obstacles);
    }
    let told = engine.catalog().notifications(5).unwrap();
    assert!(
        told.iter()
            .any(|told| told.severity == Severity::Critical && told.text.ends_with(&error)),
        "{told:?}"
    );
    assert!(engine.of_house().start_undo("acme/live").is_err());
    let safety = backups(&engine)[0].id.clone();
    let refused = engine.of_house().delete(&safety).unwrap_err().to_string();
    assert_eq!(refused, trouble);
    assert_eq!(
        backups(&engine).len(),
        1,
        "the safety backup is there, and no other"
    );
    let after = (
        house.content(),
        INSTANCES.map(|instance| house.beside(instance).len()),
    );
    assert_eq!(before, after);
}

#[test]
fn a_journal_that_is_lost_in_the_switch_stops_every_job() {
    let house = House::new();
    let journal = interrupted(&house, Stage::Switching, 1);
    with_copies(&house, &journal);
    fs::remove_file(journal_file(&house)).unwrap();
    let says = [
        "is half switched",
        "author has the restored content",
        "public-1 has the content that it had before",
        "move",
    ];
    for _ in 0..2 {
        everything_stops(&house, "state", &says);
    }
    // With the whole state folder the same is seen, from what stands beside Live.
    everything_stops(&house, "another-state", &says);

    // As it says: the copy brings the journal back, and the switch is finished.
    let copy = house.path("author/.content.lifeboat-100/journal.json");
    fs::copy(copy, journal_file(&house)).unwrap();
    let engine = house.engine();
    assert_eq!(texts(&house), ["restored", "restored"]);
    nothing_is_left(&house);
    back_up(&engine);
}

#[test]
fn a_copy_that_cannot_be_read_stops_every_job_until_it_is_moved_away() {
    let house = House::new();
    interrupted(&house, Stage::Switching, 2);
    fs::remove_file(journal_file(&house)).unwrap();
    for instance in INSTANCES {
        fs::write(
            house.path(instance).join(".content.lifeboat-100/journal.json"),
            "{",
        )
        .unwrap();
    }
    everything_stops(&house, "state", &["cannot be read", "move the folder"]);
    for instance in INSTANCES {
        let staging = house.path(instance).join(".content.lifeboat-100");
        fs::rename(staging, house.path(&format!("away-{instance}"))).unwrap();
    }
    back_up(&house.engine());
}

#[test]
fn what_an_old_restore_has_kept_beside_live_stops_nothing() {
    let house = House::new();
    let kept = house.path("author").join(".content.lifeboat-3/content/website");
    fs::create_dir_all(&kept).unwrap();
    fs::write(kept.join("page-0.xml"), "kept").unwrap();
    back_up(&house.engine());
    assert!(kept.exists());
}

#[test]
fn a_job_that_died_switching_without_any_trace_beside_live_is_noted() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let name = House::live();
    let new = NewJob {
        environment: &name,
        kind: JobKind::Restore,
        title: "restore of everything",
        by: &"maria".into(),
        due: None,
    };
    let (mut job, claim) = engine
        .catalog()
        .create_job(new, engine.now(), &JobState::Running)
        .unwrap();
    job.progress = Some(Progress::start(Phase::Switching));
    engine.catalog().update_job(&claim, &job).unwrap();
    drop(engine);
    let says = [
        "may be half switched",
        "restore of everything",
        "remove the record",
    ];
    for _ in 0..2 {
        everything_stops(&house, "state", &says);
    }
    let ended = house.engine().jobs().job(job.id).unwrap();
    assert!(matches!(ended.state, JobState::Failed { .. }), "{ended:?}");
    fs::remove_file(house.path("state/lost/acme+live.json")).unwrap();
    back_up(&house.engine());
}

/// Copies a folder to another place and back: everything in it has other numbers and other times of birth.
fn move_to_another_disk(folder: &Path) {
    let before = folder.with_extension("before");
    fs::rename(folder, &before).unwrap();
    let copied = Command::new("cp")
        .arg("-a")
        .arg(&before)
        .arg(folder)
        .status()
        .unwrap();
    assert!(copied.success());
    fs::remove_dir_all(before).unwrap();
}

#[test]
fn content_that_was_moved_after_a_crash_is_not_touched() {
    for switched in 0..=2 {
        let house = House::new();
        let safety = back_up(&house.engine());
        interrupted_after(&house, safety.clone(), Stage::Switching, switched);
        for instance in INSTANCES {
            move_to_another_disk(&house.path(instance));
        }
        everything_stops(&house, "state", &["half switched", "do not edit content"]);
        assert_eq!(backups(&house.engine())[0].id, safety);
        assert!(journal_file(&house).exists());
    }
}

#[test]
fn what_cannot_be_told_of_one_instance_keeps_the_others_from_being_switched() {
    for moved in INSTANCES {
        let house = House::new();
        let safety = back_up(&house.engine());
        interrupted_after(&house, safety.clone(), Stage::Switching, 0);
        move_to_another_disk(&house.path(moved));
        let before = house.content();
        everything_stops(&house, "state", &["half switched", "do not edit content"]);
        assert_eq!(
            house.content(),
            before,
            "{moved} was moved, and Live is whole and old"
        );
        assert!(journal_file(&house).exists());
    }
}

#[test]
fn what_was_taken_back_is_dropped_but_never_a_live_that_somebody_put_there() {
    // The switch was taken back, and a crash followed before what was staged was dropped.
    let house = House::new();
    let mut journal = interrupted(&house, Stage::Switching, 0);
    journal.stage = Stage::Staging;
    journal.write(&house.path("state")).unwrap();
    let beside = house.path("author").join(".content.lifeboat-100/content");
    fs::rename(house.root("author"), house.path("aside")).unwrap();
    fs::rename(&beside, house.root("author")).unwrap();
    fs::rename(house.path("aside"), &beside).unwrap();
    everything_stops(&house, "state", &["half switched"]);
    assert!(beside.join("website/page-0.xml").exists());
}
