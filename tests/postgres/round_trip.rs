//! Backed up, damaged, restored, undone, done again: the rows are what they have to be after each step.

use std::fs;

use lifeboat::domain::activity::Severity;
use lifeboat::domain::request::RestoreRequest;
use lifeboat::domain::settings::RepositoryChoice;
use lifeboat::domain::slot::Slot;
use lifeboat::engine::start_restore;
use lifeboat::watch::Unwatched;

use crate::house::{
    House, back_up, backups, done, fill, make_workspace, plan, request, restore, start_backup, undo,
};

fn damage(house: &House) {
    house
        .client("author")
        .batch_execute(
            "DELETE FROM pm_website_bundle WHERE node_id_hi <= 20; \
             UPDATE pm_website_bundle SET bundle_data = '\\x00' WHERE node_id_hi BETWEEN 21 AND 30; \
             INSERT INTO pm_website_bundle SELECT n, n, '\\x01' FROM generate_series(1001, 1005) n; \
             TRUNCATE pm_dam_bundle; INSERT INTO pm_config_names (name) VALUES ('later')",
        )
        .unwrap();
}

#[test]
fn live_comes_back_row_by_row_and_every_step_can_be_taken_back() {
    let house = House::new();
    let engine = house.engine();
    let original = house.rows("author", "public");
    let backup = back_up(&engine);
    let manifest = backups(&engine).remove(0).manifest;
    let copy = &manifest.instances[0];
    let website = copy
        .workspaces
        .iter()
        .find(|workspace| workspace.name == "website")
        .unwrap();
    assert_eq!(website.items, 300);
    assert_eq!(copy.tables.len(), 16);

    damage(&house);
    let record = house.store("author", "one");
    fs::remove_file(&record).unwrap();
    let broken = house.rows("author", "public");
    assert_ne!(broken, original);

    let plan = plan(&engine, &backup.0, &[]);
    assert_eq!(plan.obstacles, Vec::<String>::new());
    let change = |workspace: &str| {
        let change = plan
            .changes
            .iter()
            .find(|change| change.workspace == workspace)
            .unwrap();
        (change.added, change.changed, change.removed, change.unchanged)
    };
    assert_eq!(change("website"), (20, 10, 5, 270));
    assert_eq!(change("dam"), (300, 0, 0, 0));
    assert_eq!(change("config"), (0, 0, 1, 300));
    assert_eq!(change(".versions"), (0, 0, 0, 50));
    assert_eq!(change(".datastore"), (1, 0, 0, 1));

    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    assert_eq!(house.rows("author", "public"), original);
    assert!(record.exists());
    assert_eq!(house.left("author").len(), 1);
    let next: i32 = house
        .client("author")
        .query_one(
            "INSERT INTO pm_website_names (name) VALUES ('new') RETURNING id",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(next, 3, "the sequence goes on after the restored names");
    house
        .client("author")
        .execute("DELETE FROM pm_website_names WHERE id = 3", &[])
        .unwrap();

    house.pass(chrono::Duration::minutes(1));
    let job = undo(&engine);
    assert_eq!(house.rows("author", "public"), broken);
    assert!(job.title.contains("exchange"), "{}", job.title);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.rows("author", "public"), original);

    let confirmed = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    crate::house::done(&engine, confirmed);
    assert_eq!(house.left("author"), Vec::<String>::new());
    // The safety backup still is a way back.
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.rows("author", "public"), broken);
}

#[test]
fn an_exchange_that_brings_back_content_of_another_version_warns_and_says_whose_it_is() {
    let mut house = House::new();
    house.magnolia = "6.2.40";
    let backup = back_up(&house.engine());
    house.magnolia = "6.3.4";
    let engine = house.engine();
    damage(&house);
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    let undone = || {
        house.pass(chrono::Duration::minutes(1));
        let live = engine.live(&House::live()).unwrap();
        let before = live.before_undo().unwrap().written.join("; ");
        let job = undo(&engine);
        let outcome = job.outcome.clone().unwrap();
        let warns = |told: &str| told.contains("written by Magnolia 6.2.40 and 6.3.4 runs now");
        let warnings = outcome.warnings.join("; ");
        assert_eq!(warns(&before), warns(&warnings), "{before}, then {warnings}");
        (warns(&warnings), outcome.summary, job)
    };
    let (warns, summary, job) = undone();
    assert!(
        !warns && summary.contains("acme/live is back as it was at 2026-11-23 12:01 UTC, before it"),
        "{summary}"
    );
    assert!(job.title.contains("exchange"), "{}", job.title);
    let of_backup = format!("with the content of backup {backup} of 2026-11-23 12:00 UTC");
    let (warns, summary, job) = undone();
    assert!(warns && summary.contains(&of_backup), "{summary}");
    assert!(job.title.contains("exchange"), "{}", job.title);

    // When the tables are gone, the safety backup is the way, and the one that it takes holds the same.
    let confirmed = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    crate::house::done(&engine, confirmed);
    let (warns, ..) = undone();
    assert!(!warns);
    let (warns, summary, _) = undone();
    assert!(warns && summary.contains(&of_backup), "{summary}");
}

#[test]
fn live_comes_back_from_the_copy_while_the_first_repository_is_away() {
    let mut house = House::new();
    house.copied = vec![Slot::Manual];
    let original = house.rows("author", "public");
    back_up(&house.engine());
    damage(&house);
    let broken = house.rows("author", "public");
    fs::rename(house.path("repository"), house.path("away")).unwrap();

    let engine = house.engine();
    house.pass(chrono::Duration::minutes(1));
    let request = RestoreRequest {
        from: RepositoryChoice::Copy,
        ..request("manual", &[])
    };
    let plan = engine
        .live(&House::live())
        .unwrap()
        .plan_restore(&request, &Unwatched)
        .unwrap();
    assert!(plan.obstacles.is_empty(), "{:?}", plan.obstacles);
    assert!(
        plan.warnings
            .iter()
            .any(|warning| warning.contains("the safety backup goes to the second")),
        "{:?}",
        plan.warnings
    );
    let job = start_restore(&engine, &plan.id, "acme/live").unwrap();
    let outcome = crate::house::done(&engine, job).outcome.unwrap();
    assert_eq!(house.rows("author", "public"), original);
    assert!(outcome.safety.is_some(), "{outcome:?}");

    // By the replaced tables, there and back.
    for expected in [&broken, &original] {
        house.pass(chrono::Duration::minutes(1));
        let job = undo(&engine);
        assert!(job.title.contains("exchange"), "{}", job.title);
        assert_eq!(&house.rows("author", "public"), expected);
    }
    // By the safety backup in the second repository, when those are gone.
    let confirmed = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    crate::house::done(&engine, confirmed);
    house.pass(chrono::Duration::minutes(1));
    let job = undo(&engine);
    assert!(job.title.contains("in the second repository"), "{}", job.title);
    assert_eq!(house.rows("author", "public"), broken);
    assert!(!house.path("repository").exists());
}

#[test]
fn tables_are_found_whatever_they_are_called_and_others_are_left_alone() {
    let mut house = House::new();
    house.settle = Box::new(|_, database| {
        database.schema = "Li\"ve Größe".to_owned();
        database.data_store = None;
    });
    let mut client = house.client("author");
    client.batch_execute("CREATE SCHEMA \"Li\"\"ve Größe\"").unwrap();
    let schema = "Li\"ve Größe";
    for prefix in [
        "pm_wébsite_",
        "PM_Dam_",
        "pm_my_x002d_site_",
        "pm_we\"ird '_",
        "version_",
    ] {
        make_workspace(&mut client, schema, prefix);
        let table = format!("\"Li\"\"ve Größe\".\"{}bundle\"", prefix.replace('"', "\"\""));
        fill(&mut client, &table, 40, prefix);
    }
    client
        .batch_execute(
            "SET search_path = \"Li\"\"ve Größe\"; CREATE TABLE notes (id int); INSERT INTO notes VALUES (7); \
             CREATE TABLE journal (revision_id bigint NOT NULL, journal_id varchar(255), producer_id varchar(255), \
             revision_data bytea)",
        )
        .unwrap();
    let engine = house.engine();
    let original = house.rows("author", schema);
    let job = start_backup(&engine);
    let backup = done(&engine, job).outcome.unwrap().backup.unwrap();
    let copy = backups(&engine).remove(0).manifest.instances.remove(0);
    let names: Vec<_> = copy
        .workspaces
        .iter()
        .map(|workspace| workspace.name.as_str())
        .collect();
    assert_eq!(
        names,
        [".schema", ".versions", "dam", "my-site", "we\"ird '", "wébsite"]
    );
    assert!(
        copy.left_alone.iter().any(|what| what.contains("notes")),
        "{:?}",
        copy.left_alone
    );
    assert!(
        copy.left_alone.iter().any(|what| what.contains("journal")),
        "{:?}",
        copy.left_alone
    );
    // Nobody has to look at what is as it should be.
    let log = engine.catalog().log_after(job, 0).unwrap();
    let warnings: Vec<_> = log
        .iter()
        .filter(|line| line.severity == Severity::Warning)
        .collect();
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(log.iter().any(|line| line.text.contains("journal")), "{log:?}");

    client
        .batch_execute("DELETE FROM \"PM_Dam_bundle\"; UPDATE notes SET id = 8")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    let mut expected = original;
    let notes = house.rows("author", schema)["notes"].clone();
    assert_ne!(expected.insert("notes".to_owned(), notes.clone()), Some(notes));
    assert_eq!(house.rows("author", schema), expected);
}

#[test]
fn a_workspace_that_came_later_goes_aside_under_another_name_and_comes_back() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine);
    let original = house.rows("author", "public");
    make_workspace(&mut house.client("author"), "public", "pm_later_");
    fill(&mut house.client("author"), "pm_later_bundle", 10, "later");
    house
        .client("author")
        .batch_execute("DROP TABLE pm_dam_bundle, pm_dam_refs, pm_dam_binval, pm_dam_names")
        .unwrap();
    let later = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    assert_eq!(house.rows("author", "public"), original);
    let elsewhere: i64 = house
        .client("author")
        .query_one(
            "SELECT count(*) FROM pg_class WHERE relname = 'pm_later_bundle'",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(elsewhere, 0, "Jackrabbit would find it and not make its own");
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.rows("author", "public"), later);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.rows("author", "public"), original);
}

#[test]
fn chosen_workspaces_come_back_and_the_others_stay() {
    let house = House::new();
    // Bundles that are none would be refused: the version storage has to be readable for this.
    for table in [
        "pm_website_bundle",
        "pm_dam_bundle",
        "pm_config_bundle",
        "version_bundle",
    ] {
        house
            .client("author")
            .batch_execute(&format!("TRUNCATE {table}"))
            .unwrap();
        house.bundles("author", table, 200);
    }
    let engine = house.engine();
    let original = house.rows("author", "public");
    let backup = back_up(&engine);
    house
        .client("author")
        .batch_execute("DELETE FROM pm_website_bundle; DELETE FROM pm_dam_bundle")
        .unwrap();
    let broken = house.rows("author", "public");
    let plan = plan(&engine, &backup.0, &["website"]);
    assert!(
        plan.changes
            .iter()
            .all(|change| ["website", ".datastore"].contains(&change.workspace.as_str()))
    );
    assert!(
        plan.warnings
            .iter()
            .any(|warning| warning.contains("version histories")),
        "{:?}",
        plan.warnings
    );
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &["website"]);
    let now = house.rows("author", "public");
    assert_eq!(now["pm_website_bundle"], original["pm_website_bundle"]);
    assert_eq!(now["pm_dam_bundle"], broken["pm_dam_bundle"]);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(house.rows("author", "public"), broken);
}
