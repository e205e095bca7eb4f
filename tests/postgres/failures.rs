//! A backup whose source fails: it says why, leaves no backup behind, and the next one works.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lifeboat::engine::Engine;
use postgres::Client;

use crate::gate::{wait_for, wait_for_blocked};
use crate::house::{House, back_up, backups, failed, start_backup};

/// A house whose rows take a moment to read.
fn house() -> (House, Engine) {
    let house = House::new();
    house
        .client("author")
        .batch_execute(
            "CREATE EXTENSION pgcrypto; TRUNCATE pm_dam_bundle; INSERT INTO pm_dam_bundle \
             SELECT n, n, gen_random_bytes(1000) || gen_random_bytes(1000) FROM generate_series(1, 16000) n",
        )
        .unwrap();
    let engine = house.engine();
    (house, engine)
}

/// Ends the oldest connection of Lifeboat's for which the condition holds.
fn end_one(client: &mut Client, condition: &str) {
    let statement = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lifeboat' \
         AND EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'lifeboat' AND query LIKE 'COPY%pm_dam_bundle%') \
         AND {condition} ORDER BY backend_start LIMIT 1"
    );
    wait_for(|| client.query_opt(&statement, &[]).unwrap());
}

fn nothing_is_left(engine: &Engine) {
    assert!(backups(engine).is_empty());
}

fn the_next_works(house: &House, engine: &Engine) {
    nothing_is_left(engine);
    house.pass(chrono::Duration::minutes(1));
    back_up(engine);
    assert_eq!(backups(engine).len(), 1);
}

#[test]
fn a_connection_that_is_ended_while_it_reads_fails_the_backup() {
    let (house, engine) = house();
    let mut client = house.client("author");
    let job = start_backup(&engine);
    end_one(&mut client, "query LIKE 'COPY%pm_dam_bundle%'");
    let why = failed(&engine, job);
    assert!(why.contains("reading the table pm_dam_bundle"), "{why}");
    assert!(
        why.contains("administrator") || why.contains("the server ended the connection"),
        "{why}"
    );
    the_next_works(&house, &engine);
}

#[test]
fn the_connection_that_holds_the_database_still_is_needed_to_the_end() {
    let (house, engine) = house();
    let mut client = house.client("author");
    let job = start_backup(&engine);
    end_one(&mut client, "query NOT LIKE 'COPY%'");
    let why = failed(&engine, job);
    assert!(why.contains("holding the database still"), "{why}");
    the_next_works(&house, &engine);
}

#[test]
fn a_server_that_stops_in_the_middle_fails_the_backup() {
    let (house, engine) = house();
    let mut client = house.client("author");
    let job = start_backup(&engine);
    wait_for(|| {
        client
            .query_opt(
                "SELECT 1 FROM pg_stat_activity WHERE application_name = 'lifeboat' AND query LIKE 'COPY%pm_dam_bundle%' LIMIT 1",
                &[],
            )
            .unwrap()
    });
    house.cluster.kill().unwrap();
    let why = failed(&engine, job);
    assert!(why.contains("author"), "{why}");
    nothing_is_left(&engine);
    // While it is down, the reason is another one.
    house.pass(chrono::Duration::minutes(1));
    let job = start_backup(&engine);
    let why = failed(&engine, job);
    assert!(why.contains("look whether the server runs"), "{why}");
    house.cluster.up().unwrap();
    the_next_works(&house, &engine);
}

#[test]
fn a_table_that_is_dropped_before_it_is_held_fails_the_backup() {
    let house = House::new();
    let engine = house.engine();
    let (mut dropper, mut client) = (house.client("author"), house.client("author"));
    let mut transaction = dropper.transaction().unwrap();
    transaction.batch_execute("DROP TABLE pm_dam_refs").unwrap();
    let job = start_backup(&engine);
    wait_for_blocked(&mut client);
    transaction.commit().unwrap();
    let why = failed(&engine, job);
    assert!(why.contains("pm_dam_refs") && !why.contains("fault"), "{why}");
    the_next_works(&house, &engine);
}

#[test]
fn a_schema_that_cannot_be_written_down_fails_the_backup() {
    let mut house = House::new();
    let program = house.path("pg_dump");
    fs::write(
        &program,
        "#!/bin/sh\necho 'pg_dump: error: aborting because of server version mismatch' >&2\nexit 1\n",
    )
    .unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    house.settle = Box::new(move |_, database| database.pg_dump.clone_from(&program));
    let engine = house.engine();
    let why = failed(&engine, start_backup(&engine));
    assert!(why.contains("version mismatch"), "{why}");
    nothing_is_left(&engine);
    house.settle = Box::new(|_, database| database.pg_dump = "/nowhere/pg_dump".into());
    let engine = house.engine();
    let why = failed(&engine, start_backup(&engine));
    assert!(why.contains("postgresql-client"), "{why}");
    nothing_is_left(&engine);
}
