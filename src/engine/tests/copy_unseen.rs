//! Two repositories of which one cannot be seen just now: what is in it still counts, and whoever works on it is met.

use std::fs;

use chrono::Duration;

use super::copy_alone::{bring_back, broken, from_copy, restore, restore_from_first, safeties, take_away};
use super::house::{House, OfHouse, ended, everything, request, start_restore, undo};
use super::recovery::{interrupted_after, texts};
use crate::catalog::NewJob;
use crate::domain::backup::BackupId;
use crate::domain::job::{JobKind, JobState};
use crate::domain::settings::RepositoryChoice;
use crate::engine::restore::journal::{Journal, Stage};
use crate::engine::{Engine, details};

/// A job whose Lifeboat died when it was about to record this backup, or had just done so.
fn died_recording(house: &House, kind: JobKind, record: &BackupId) {
    let engine = house.engine();
    let new = NewJob {
        environment: &House::live(),
        kind,
        title: "what was interrupted",
        by: &"maria".into(),
        due: None,
    };
    let (_, claim) = engine
        .catalog()
        .create_job(new, engine.now(), &JobState::Running)
        .unwrap();
    engine
        .catalog()
        .begin_record(&claim, &record.0, engine.now())
        .unwrap();
}

#[test]
fn a_safety_backup_on_a_disk_that_is_not_mounted_is_not_declared_void() {
    let (house, _) = broken();
    take_away(&house);
    restore(&house.engine());
    let safety = safeties(&house.engine()).remove(0).id;
    bring_back(&house);
    let away = || fs::rename(house.path("copies"), house.path("unmounted")).unwrap();
    let back = || fs::rename(house.path("unmounted"), house.path("copies")).unwrap();
    for kind in [JobKind::Restore, JobKind::Undo] {
        died_recording(&house, kind, &safety);
        away();
        let engine = house.engine();
        assert_eq!(engine.catalog().void_records(&House::live()).unwrap(), [""; 0]);
        back();
        engine.refresh();
        assert_eq!(safeties(&engine)[0].id, safety);
    }

    // Where both can be looked at, it is known whether it is there.
    let never_came = BackupId("cd".repeat(32));
    died_recording(&house, JobKind::Restore, &never_came);
    let engine = house.engine();
    assert_eq!(
        engine.catalog().void_records(&House::live()).unwrap(),
        [never_came.0.as_str()]
    );
    drop(engine);

    // And a backup goes to the first one: what is away does not matter to it.
    let of_a_backup = BackupId("ef".repeat(32));
    died_recording(&house, JobKind::Backup, &of_a_backup);
    away();
    let void = house.engine().catalog().void_records(&House::live()).unwrap();
    assert!(void.contains(&of_a_backup.0), "{void:?}");
}

#[test]
fn a_safety_backup_in_the_first_is_waited_for() {
    let (house, id) = broken();
    let engine = house.engine();
    restore_from_first(&engine, &id);
    take_away(&house);
    let said = house
        .engine()
        .of_house()
        .start_undo("acme/live")
        .unwrap_err()
        .to_string();
    assert!(said.contains("is its disk mounted"), "{said}");
}

#[test]
fn a_safety_backup_in_the_second_is_waited_for() {
    let (house, id) = broken();
    let engine = house.engine();
    // An older one, in the first repository, that undo must not go back to.
    restore_from_first(&engine, &id);
    house.pass(Duration::minutes(1));
    house.write("author", "website/page-0.xml", "newer");
    let newer = house.content();
    take_away(&house);
    restore(&house.engine());
    bring_back(&house);
    let unmount = || fs::rename(house.path("copies"), house.path("unmounted")).unwrap();
    let mount = || fs::rename(house.path("unmounted"), house.path("copies")).unwrap();

    // The engine has seen it there: that is no reason to think so now.
    let engine = house.engine();
    assert_eq!(safeties(&engine).len(), 1);
    unmount();
    let refused = |engine: &Engine| {
        let error = engine.of_house().start_undo("acme/live");
        error.unwrap_err().to_string()
    };
    for engine in [&engine, &house.engine()] {
        let said = refused(engine);
        assert!(
            said.contains("safety backup of the last restore, taken at"),
            "{said}"
        );
        engine.refresh();
    }
    // One that has seen nothing there does not go by that.
    let engine = house.engine();
    assert!(
        details(&engine, &House::live())
            .unwrap()
            .copies
            .unwrap()
            .backups
            .is_empty()
    );
    let said = refused(&engine);
    assert!(said.contains("is its disk mounted"), "{said}");
    // Nor does one that does not know of the restore.
    let stranger = house.engine_with_state("another-state");
    let said = refused(&stranger);
    assert!(
        said.contains("remembers the last restore") && said.contains("is its disk mounted"),
        "{said}"
    );
    mount();
    house.pass(Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.content(), newer);
}

#[test]
fn undo_finds_its_way_back_after_a_restore_that_ended_while_that_could_not_be_read() {
    let (house, _) = broken();
    take_away(&house);
    let engine = house.engine();
    restore(&engine);
    let safety = safeties(&engine).remove(0);
    drop(engine);
    // As if that had been another restore's: it ends with the second repository away as well.
    let mut journal = interrupted_after(&house, safety.id.clone(), Stage::Switched, 2);
    journal.safety_taken = Some(safety.manifest.taken);
    journal.write(&house.path("state")).unwrap();
    fs::rename(house.path("copies"), house.path("unmounted")).unwrap();
    drop(house.engine());
    assert_eq!(Journal::read(&house.path("state"), &House::live()).unwrap(), None);
    assert_eq!(
        house.beside("author").len(),
        1,
        "what could not be compared is kept"
    );

    fs::rename(house.path("unmounted"), house.path("copies")).unwrap();
    house.pass(Duration::minutes(1));
    let engine = house.engine();
    assert_eq!(details(&engine, &House::live()).unwrap().undo, Some(safety.id));
    undo(&engine);
    assert!(!house.root("author").join("website").exists());
}

#[test]
fn whoever_switches_live_meets_another_that_reads_from_the_other_repository() {
    let (house, id) = broken();
    let bad = house.content();
    let engine = house.engine();
    let why = |job| match ended(&engine, job).state {
        JobState::Failed { why } => why,
        state => panic!("{state:?}"),
    };
    // Another Lifeboat cannot see the first repository, and restores from the second.
    let of = |which| engine.of_house().lock_of(which, false).unwrap();
    let held = of(RepositoryChoice::Copy);
    let said = why(start_restore(&engine, &request(&id.0, everything())).unwrap());
    assert!(said.contains("another Lifeboat"), "{said}");
    assert_eq!(house.content(), bad);
    drop(held);
    restore_from_first(&engine, &id);
    house.pass(Duration::minutes(1));
    let held = of(RepositoryChoice::Copy);
    let said = why(engine.of_house().start_undo("acme/live").unwrap());
    assert!(said.contains("another Lifeboat"), "{said}");
    drop(held);
    undo(&engine);
    assert_eq!(house.content(), bad);

    // What cannot be used of the second stops nothing.
    fs::remove_file(house.path("copies/acme/.live.lock")).unwrap();
    std::os::unix::fs::symlink("nowhere/at/all", house.path("copies/acme/.live.lock")).unwrap();
    fs::write(house.path("copies/acme/live/config"), "garbled").unwrap();
    house.pass(Duration::minutes(1));
    restore_from_first(&house.engine(), &id);
    assert_eq!(texts(&house), ["author 0", "public-1 0"]);
}

#[test]
fn a_first_repository_that_only_cannot_be_locked_is_not_gone_without() {
    let (house, _) = broken();
    let bad = house.content();
    // It is there, can be read and takes backups: whoever restores from it is not met in the second one alone.
    let lock = house.path("repository/acme/.live.lock");
    fs::remove_file(&lock).unwrap();
    std::os::unix::fs::symlink("nowhere/at/all", &lock).unwrap();
    let engine = house.engine();
    let job = ended(&engine, start_restore(&engine, &from_copy()).unwrap());
    let JobState::Failed { why } = job.state else {
        panic!("{job:?}")
    };
    assert!(why.contains("locking"), "{why}");
    assert_eq!(house.content(), bad);
    fs::remove_file(&lock).unwrap();
    restore(&engine);
}
