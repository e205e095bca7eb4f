//! What has changed between a backup and its restore besides rows: workspaces, columns, records of the data store.

use std::fs;

use lifeboat::domain::environment::DATA_STORE;
use lifeboat::domain::plan::WorkspaceChange;
use lifeboat::watch::Unwatched;

use crate::house::{
    House, back_up, failed, fill, make_workspace, plan, request, restore, start_backup, undo,
};

fn counts(changes: &[WorkspaceChange], workspace: &str) -> (u64, u64, u64) {
    let change = changes
        .iter()
        .find(|change| change.workspace == workspace)
        .unwrap_or_else(|| panic!("{workspace} is not in {changes:?}"));
    (change.added, change.changed, change.removed)
}

#[test]
fn workspaces_that_came_go_and_those_that_went_come_back() {
    let house = House::new();
    // A restore of one workspace follows its nodes to their versions, so both have to be Jackrabbit's in form.
    for table in ["pm_dam_bundle", "version_bundle"] {
        house
            .client("author")
            .batch_execute(&format!("TRUNCATE {table}"))
            .unwrap();
        house.bundles("author", table, 300);
    }
    let engine = house.engine();
    let original = house.rows("author", "public");
    let backup = back_up(&engine);
    let mut client = house.client("author");
    make_workspace(&mut client, "public", "pm_events_");
    fill(&mut client, "pm_events_bundle", 25, "event");
    client
        .batch_execute("DROP TABLE pm_dam_bundle, pm_dam_refs, pm_dam_names, pm_dam_binval")
        .unwrap();
    let later = house.rows("author", "public");

    let plan = plan(&engine, &backup.0, &[]);
    assert_eq!(plan.obstacles, Vec::<String>::new());
    assert_eq!(counts(&plan.changes, "dam"), (300, 0, 0));
    assert_eq!(counts(&plan.changes, "events"), (0, 0, 25));
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    assert_eq!(house.rows("author", "public"), original);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.rows("author", "public"), later);

    // The lost workspace alone, and nothing else.
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &["dam"]);
    let mut expected = later.clone();
    expected.extend(
        original
            .iter()
            .filter(|(table, _)| table.starts_with("pm_dam_"))
            .map(|(table, rows)| (table.clone(), rows.clone())),
    );
    assert_eq!(house.rows("author", "public"), expected);
}

#[test]
fn a_table_with_other_columns_comes_back_with_those_that_it_had() {
    let house = House::new();
    let engine = house.engine();
    let original = house.rows("author", "public");
    let backup = back_up(&engine);
    house
        .client("author")
        .batch_execute(
            "DROP TABLE pm_dam_bundle; CREATE TABLE pm_dam_bundle (bundle_data bytea, node_id_lo bigint NOT NULL, \
             extra text, node_id_hi bigint NOT NULL, PRIMARY KEY (node_id_hi, node_id_lo)); \
             INSERT INTO pm_dam_bundle VALUES ('\\x01', 7919, 'x', 1), ('\\x01', 1, 'x', 5000)",
        )
        .unwrap();
    let later = house.rows("author", "public");
    let plan = plan(&engine, &backup.0, &[]);
    assert_eq!(counts(&plan.changes, "dam"), (299, 1, 1));
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    assert_eq!(house.rows("author", "public"), original);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.rows("author", "public"), later);
}

#[test]
fn an_empty_database_is_no_source_and_a_good_target() {
    let mut house = House::with(&["author", "public-1"]);
    let original = ["author", "public-1"].map(|name| house.rows(name, "public"));
    let backup = back_up(&house.engine());
    let mut client = house.client("postgres");
    client.batch_execute("CREATE DATABASE empty").unwrap();
    // One of two databases was lost, and an empty one was made in its place.
    let connect = house.cluster.connect("empty", "postgres");
    house.settle = Box::new(move |name, database| {
        if name == "public-1" {
            database.connect.clone_from(&connect);
        }
    });
    let engine = house.engine();
    house.pass(chrono::Duration::minutes(1));
    let why = failed(&engine, start_backup(&engine));
    assert!(
        why.contains("no table of Jackrabbit's") && why.contains("workspace_prefix"),
        "{why}"
    );
    house
        .client("author")
        .batch_execute("TRUNCATE pm_dam_bundle")
        .unwrap();
    let plan = plan(&engine, &backup.0, &[]);
    assert!(
        plan.warnings
            .iter()
            .any(|warning| warning.contains("holds nothing")),
        "{:?}",
        plan.warnings
    );
    house.pass(chrono::Duration::minutes(1));
    // The machine was lost with it: nothing but the repository knows of the backup.
    drop(engine);
    let engine = house.engine_elsewhere();
    restore(&engine, &backup.0, &[]);
    assert_eq!(
        ["author", "empty"].map(|name| house.rows(name, "public")),
        original
    );
    house.pass(chrono::Duration::minutes(1));
    back_up(&engine);
}

#[test]
fn records_that_are_missing_come_back_and_damaged_ones_are_replaced() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine);
    let (first, second) = (house.store("author", "one"), house.store("author", "two"));
    let text = fs::read(&first).unwrap();
    let later = house.store("author", "later");
    fs::remove_dir_all(first.ancestors().nth(3).unwrap()).unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    assert_eq!(fs::read(&first).unwrap(), text);
    assert!(later.exists(), "a restore removes nothing from a data store");

    fs::write(&second, "half of a record").unwrap();
    let mut client = house.client("author");
    client.batch_execute("TRUNCATE pm_dam_bundle").unwrap();
    let live = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    let planned = engine
        .live(&House::live())
        .unwrap()
        .plan_restore(&request(&backup.0, &[]), &Unwatched)
        .unwrap();
    let of_store = |change: &&WorkspaceChange| change.workspace == DATA_STORE;
    assert_eq!(planned.changes.iter().find(of_store).unwrap().changed, 1);
    assert_eq!(house.rows("author", "public"), live);
    assert_eq!(fs::read(&second).unwrap(), b"half of a record");
    restore(&engine, &backup.0, &[]);
    assert_eq!(fs::read(&second).unwrap(), "two".repeat(500).into_bytes());
}
