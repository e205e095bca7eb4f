//! Drills of content in databases: everything comes back in a schema that never becomes live, and is gone afterwards,
//! however the drill ended.

use std::fs;

use lifeboat::demo::cluster::SUPERUSER;
use lifeboat::domain::activity::Severity;
use lifeboat::domain::job::JobState;
use lifeboat::domain::proof::{Drill, DrillOutcome};
use lifeboat::domain::settings::CatalogSettings;
use lifeboat::engine::Engine;

use crate::gate::Gate;
use crate::house::{House, back_up, backups, done, ended, failed, plan};
use crate::room::Disk;

fn start(engine: &Engine) -> lifeboat::domain::job::JobId {
    engine.live(&House::live()).unwrap().start_drill(None).unwrap()
}

fn drills(engine: &Engine) -> Vec<Drill> {
    engine.catalog().drills(&House::live()).unwrap()
}

/// Nothing that a drill has made is left anywhere.
fn nothing_is_left(house: &House) {
    for instance in &house.instances {
        assert_eq!(house.left(instance), Vec::<String>::new());
    }
    let scratch = house.drill.scratch.clone();
    let scratch = scratch.unwrap_or_else(|| house.path("state/scratch"));
    assert_eq!(fs::read_dir(scratch).map_or(0, Iterator::count), 0);
    assert_eq!(
        fs::read_dir(house.path("state/drills")).map_or(0, Iterator::count),
        0
    );
}

#[test]
fn everything_comes_back_beside_live_and_goes_again() {
    let house = House::with(&["author", "public-1"]);
    let engine = house.engine();
    let backup = back_up(&engine);
    // What was lost in Live since is none of a drill's business.
    fs::remove_file(house.store("author", "one")).unwrap();
    house
        .client("author")
        .batch_execute("TRUNCATE pm_website_bundle")
        .unwrap();
    let live = house.rows("author", "public");
    let job = done(&engine, start(&engine));
    let summary = job.outcome.unwrap().summary;
    assert!(summary.contains("is proven restorable: "), "{summary}");
    let drill = drills(&engine).remove(0);
    assert_eq!(
        (drill.backup, drill.outcome),
        (backup.clone(), DrillOutcome::Proven)
    );
    assert_eq!(house.rows("author", "public"), live);
    assert!(!house.data_store("author").join("one").exists());
    nothing_is_left(&house);
    let expected = plan(&engine, &backup.0, &[]).expected.unwrap();
    assert_eq!(expected.drill, Some(drill.at));
}

#[test]
fn a_database_that_is_set_aside_takes_the_drill() {
    let mut house = House::new();
    house
        .client("postgres")
        .batch_execute("CREATE DATABASE scratch")
        .unwrap();
    house.drill.database = Some(house.cluster.connect("scratch", SUPERUSER));
    let engine = house.engine();
    back_up(&engine);
    // A gate in Live's own database: a drill that comes through it has made something there.
    let mut gate = Gate::after(&house, "scratch", "CREATE TABLE", "lifeboat_drill%");
    let job = start(&engine);
    gate.wait();
    assert_eq!(house.left("author"), Vec::<String>::new());
    assert_eq!(house.left("scratch").len(), 1);
    gate.open();
    done(&engine, job);
    assert!(drills(&engine)[0].is_proven());
    assert_eq!(house.left("scratch"), Vec::<String>::new());
    nothing_is_left(&house);
}

#[test]
fn a_row_that_does_not_come_back_is_found_and_told_critically() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine);
    let mut client = house.client("author");
    // Rights are given table by table after loading, so at the last one's turn all others are done with.
    client
        .batch_execute("CREATE ROLE reader; GRANT SELECT ON pm_website_refs TO reader")
        .unwrap();
    let mut gate = Gate::after(&house, "author", "GRANT", "%");
    let job = start(&engine);
    gate.wait();
    let schema = house.left("author").remove(0);
    assert!(schema.starts_with("lifeboat_drill_"), "{schema}");
    client
        .batch_execute(&format!(
            "DELETE FROM {schema}.pm_dam_bundle WHERE node_id_hi IN (SELECT min(node_id_hi) FROM {schema}.pm_dam_bundle)"
        ))
        .unwrap();
    gate.open();
    let why = failed(&engine, job);
    assert!(
        why.contains("the table pm_dam_bundle") && why.contains("take a new backup now"),
        "{why}"
    );
    let told = engine.catalog().notifications(1).unwrap().remove(0);
    assert_eq!(told.severity, Severity::Critical);
    let known = backups(&engine);
    assert!(known[0].id == backup && !known[0].is_good());
    nothing_is_left(&house);

    // A drill that brings everything back clears it.
    crate::gate::remove(&house, "author");
    house.pass(chrono::Duration::minutes(1));
    let again = engine
        .live(&House::live())
        .unwrap()
        .start_drill(Some(&backup.0))
        .unwrap();
    done(&engine, again);
    assert!(backups(&engine)[0].is_good());
}

#[test]
fn a_cancelled_drill_leaves_nothing_and_says_nothing() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let mut gate = Gate::after(&house, "author", "CREATE TABLE", "lifeboat_drill%.pm_dam_bundle");
    let job = start(&engine);
    gate.wait();
    engine.jobs().cancel(job).unwrap();
    gate.open();
    assert_eq!(ended(&engine, job).state, JobState::Cancelled);
    assert_eq!(drills(&engine), []);
    assert!(backups(&engine)[0].is_good());
    nothing_is_left(&house);
}

#[test]
fn a_drill_that_has_no_room_is_not_begun() {
    let mut house = House::new();
    let place = house.path("small");
    let Some(disk) = Disk::mount(&place, "1m") else {
        return;
    };
    house.drill.scratch = Some(place);
    house.store("author", &"a large record, ".repeat(400));
    let engine = house.engine();
    back_up(&engine);
    let why = failed(&engine, start(&engine));
    assert!(
        why.contains("the drill was not begun") && why.contains("are free"),
        "{why}"
    );
    assert_eq!(drills(&engine), []);
    assert!(backups(&engine)[0].is_good());
    nothing_is_left(&house);
    disk.resize("100m");
    house.pass(chrono::Duration::minutes(1));
    done(&engine, start(&engine));
    nothing_is_left(&house);
}

/// An engine of a machine with a state folder of its own, on a catalog that it shares.
fn machine(house: &House, state: &str) -> Engine {
    let mut settings = house.engine_settings();
    settings.state = house.path(state);
    settings.catalog = Some(CatalogSettings::at(&house.cluster.connect("catalog", SUPERUSER)));
    house.engine_with(settings)
}

/// A drill of a machine that stands in the middle of it and is taken for dead. Gives the number of its server process.
fn drill_of_the_dead(house: &House, engine: &Engine) -> (lifeboat::domain::job::JobId, i32) {
    let mut gate = Gate::after(house, "author", "CREATE TABLE", "lifeboat_drill%.pm_dam_bundle");
    let job = start(engine);
    let session = gate.wait();
    house
        .client("catalog")
        .batch_execute("UPDATE lifeboat.nodes SET gone = TRUE, lease = clock_timestamp()")
        .unwrap();
    assert_eq!(house.left("author").len(), 1);
    // It stays closed: the session stands there until it is ended.
    std::mem::forget(gate);
    (job, session)
}

fn end_session(house: &House, engine: &Engine, (job, session): (lifeboat::domain::job::JobId, i32)) {
    house
        .client("postgres")
        .execute("SELECT pg_terminate_backend($1)", &[&session])
        .unwrap();
    engine.jobs().wait_for(job);
}

#[test]
fn what_a_machine_that_died_has_left_in_a_database_is_dropped_by_whoever_takes_over() {
    let house = House::new();
    house.cluster.create("catalog").unwrap();
    let engine = machine(&house, "state");
    back_up(&engine);
    let left = drill_of_the_dead(&house, &engine);
    end_session(&house, &engine, left);
    assert_eq!(house.left("author").len(), 1, "it is not its own any more");
    let other = machine(&house, "other-state");
    let taken_over = other.jobs().job(left.0).unwrap().state;
    assert!(matches!(taken_over, JobState::Failed { .. }), "{taken_over:?}");
    assert_eq!(house.left("author"), Vec::<String>::new());
    // The folder is on the disk of the one that died.
    assert_eq!(fs::read_dir(house.path("state/scratch")).unwrap().count(), 1);
    drop(engine);
    let back = machine(&house, "state");
    nothing_is_left(&house);
    crate::gate::remove(&house, "author");
    house.pass(chrono::Duration::minutes(1));
    done(&back, start(&back));
}

#[test]
fn what_is_still_in_use_is_dropped_at_a_later_look() {
    let house = House::new();
    house.cluster.create("catalog").unwrap();
    let engine = machine(&house, "state");
    back_up(&engine);
    // As after a power cut: the server has not noticed, and its session holds the schema.
    let left = drill_of_the_dead(&house, &engine);
    let other = machine(&house, "other-state");
    let taken_over = other.jobs().job(left.0).unwrap().state;
    assert!(matches!(taken_over, JobState::Failed { .. }), "{taken_over:?}");
    assert_eq!(house.left("author").len(), 1);
    let log = crate::house::log(&other, left.0);
    assert!(log.iter().any(|line| line.contains("is tried again")), "{log:?}");
    end_session(&house, &engine, left);
    drop(machine(&house, "a-third"));
    assert_eq!(house.left("author"), Vec::<String>::new());
}
