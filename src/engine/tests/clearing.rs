//! What a restore has replaced is removed when the restore is over: by the engine that did it, or by the next one.

use std::fs;

use super::house::{House, INSTANCES, back_up, everything, restore, undo};
use super::recovery::{interrupted, nothing_is_left};
use crate::domain::activity::Severity;
use crate::domain::job::JobId;
use crate::domain::plan::Room;
use crate::engine::restore::journal::Stage;
use crate::engine::{Engine, check};

fn lies_beside(house: &House) -> [usize; 2] {
    INSTANCES.map(|instance| house.beside(instance).len())
}

fn notes(house: &House) -> usize {
    fs::read_dir(house.path("state/clearing")).map_or(0, Iterator::count)
}

fn log(engine: &Engine, job: JobId) -> String {
    let lines = engine.catalog().log_after(job, 0).unwrap();
    lines.into_iter().map(|line| line.text + "\n").collect()
}

/// A restore that is over, in an engine that has ended before anything of what it replaced was removed.
fn left_behind(house: &House) -> (Engine, JobId) {
    let engine = house.engine();
    back_up(&engine);
    house.remove("author", "website");
    house.write("public-1", "dam/page-1.xml", "garbled");
    engine.clearing().stop();
    let job = restore(&engine, "manual", everything());
    assert_eq!(job.outcome.unwrap().warnings, Vec::<String>::new());
    assert_eq!(lies_beside(house), [1, 1]);
    assert_eq!(notes(house), 2);
    (engine, job.id)
}

#[test]
fn the_next_start_removes_what_is_left_of_what_a_restore_replaced() {
    let house = House::new();
    let (engine, job) = left_behind(&house);
    let good = house.content();
    // Part of it is gone already.
    fs::remove_dir_all(house.beside("author")[0].join("content/dam")).unwrap();
    let report = check(&engine, None).unwrap();
    let told: Vec<_> = report
        .findings
        .iter()
        .filter(|found| found.about == "restore")
        .collect();
    assert!(told.is_empty(), "nobody has to look at it: {told:?}");
    drop(engine);

    let engine = house.engine();
    assert_eq!(lies_beside(&house), [0, 0]);
    assert_eq!(notes(&house), 0);
    assert_eq!(house.content(), good);
    let log = log(&engine, job);
    for instance in INSTANCES {
        assert!(
            log.contains(&format!("{instance}: what was live before is removed, ")),
            "{log}"
        );
    }
}

#[test]
fn undo_and_another_restore_go_on_while_it_still_lies_there() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let good = house.content();
    house.remove("author", "website");
    let broken = house.content();
    engine.clearing().stop();
    restore(&engine, "manual", everything());
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.content(), broken);
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, "manual", everything());
    assert_eq!(house.content(), good);
    assert_eq!(lies_beside(&house), [3, 3]);
    drop(engine);
    house.engine();
    assert_eq!(lies_beside(&house), [0, 0]);
    assert_eq!(house.content(), good);
}

#[test]
fn what_has_taken_its_place_is_left_alone_and_told() {
    let house = House::new();
    let (engine, _) = left_behind(&house);
    drop(engine);
    let folder = house.beside("author").remove(0);
    fs::rename(&folder, house.path("moved")).unwrap();
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("kept"), "somebody's").unwrap();
    let engine = house.engine();
    assert_eq!(fs::read_to_string(folder.join("kept")).unwrap(), "somebody's");
    assert!(house.path("moved/content/dam/page-0.xml").exists());
    assert_eq!(lies_beside(&house), [1, 0]);
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    assert_eq!(told.severity, Severity::Warning);
    assert!(
        told.text.contains("something else has taken its place"),
        "{told:?}"
    );
    assert_eq!(notes(&house), 0);
}

#[test]
fn a_restore_that_died_while_it_cleaned_up_leaves_nothing_and_wants_no_second_look() {
    let house = House::new();
    interrupted(&house, Stage::Clearing, 2);
    fs::remove_dir_all(house.beside("author")[0].join("content/website")).unwrap();
    let engine = house.engine();
    nothing_is_left(&house);
    assert_eq!(notes(&house), 0);
    back_up(&engine);
}

#[test]
fn a_plan_tells_that_room_is_still_being_made_where_there_is_too_little() {
    let house = House::new();
    let (engine, _) = left_behind(&house);
    let live = engine.live(&House::live()).unwrap();
    let room = |needed| Room {
        purpose: "staging beside author".to_owned(),
        folder: house.path("author").display().to_string(),
        needed,
        free: 1000,
    };
    assert_eq!(live.being_freed(&[room(999)]), None);
    let told = live.being_freed(&[room(600), room(600)]).unwrap();
    assert!(
        told.contains("still being removed") && told.contains("up to"),
        "{told}"
    );
}
