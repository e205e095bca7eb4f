//! What a check says of a database in which everything is as it should be, and of one in which little is.

use std::fs;

use lifeboat::demo::cluster::SUPERUSER;
use lifeboat::domain::check::{Report, Verdict};
use lifeboat::engine::Engine;

use crate::house::{House, back_up, done, make_workspace, restore};

/// What was found about something: the verdicts and sentences, one in each line.
fn about(report: &Report, about: &str) -> String {
    let lines: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.about == about)
        .map(|finding| format!("{}: {}", finding.verdict.label(), finding.detail))
        .collect();
    lines.join("\n")
}

fn check(engine: &Engine) -> Report {
    lifeboat::engine::check(engine, Some(&House::live())).unwrap()
}

#[test]
fn a_database_in_order_works() {
    let house = House::new();
    let engine = house.engine();
    let report = check(&engine);
    assert!(report.works(), "{report:#?}");
    assert!(about(&report, "repository").contains("made at the first backup"));
    let found = about(&report, "workspaces");
    assert!(found.starts_with("ok: config "), "{found}");
    assert!(found.contains("version storage "), "{found}");
    assert_eq!(about(&report, "rights to back up"), "ok: none is missing");
    assert_eq!(about(&report, "rights to restore"), "ok: none is missing");
    assert!(about(&report, "pg_dump").starts_with("ok: pg_dump (PostgreSQL)"));
    assert!(about(&report, "leftovers").starts_with("ok: no restore"));

    let backup = back_up(&engine);
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    let report = check(&engine);
    assert!(report.works(), "{report:#?}");
    assert!(about(&report, "leftovers").contains("they stay until 2026-11-25 12:01 UTC"));
    assert!(about(&report, "repository").contains("the key opens it"));

    let confirm = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    done(&engine, confirm);
    assert!(engine.live(&House::live()).unwrap().start_confirm().is_err());
    assert!(about(&check(&engine), "leftovers").starts_with("ok: no restore"));
}

#[test]
fn what_is_missing_is_named_with_what_to_type() {
    let mut house = House::new();
    house
        .client("author")
        .batch_execute(
            "CREATE ROLE magnolia; CREATE ROLE lifeboat LOGIN; ALTER ROLE lifeboat SET statement_timeout = '30s'; \
             REVOKE CREATE ON SCHEMA public FROM PUBLIC; \
             DO $$ DECLARE name text; BEGIN FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP \
             EXECUTE format('ALTER TABLE %I OWNER TO magnolia', name); \
             EXECUTE format('GRANT SELECT ON %I TO lifeboat', name); END LOOP; END $$; \
             REVOKE SELECT ON pm_dam_bundle, pm_dam_refs FROM lifeboat; CREATE SCHEMA lifeboat_elsewhere",
        )
        .unwrap();
    house.settle = Box::new(|_, settings| {
        settings.connect = settings.connect.replace("user='postgres'", "user='lifeboat'");
        settings.search_indexes = vec!["/nonexistent/{workspace}/index".into()];
        settings.data_store = Some("/nonexistent/store".into());
    });
    fs::write(house.path("repository"), "no folder").unwrap();
    let engine = house.engine();
    let report = check(&engine);
    assert!(!report.works());
    let reading = about(&report, "rights to back up");
    let told = "failed: lifeboat may not read pm_dam_bundle, pm_dam_refs: `GRANT SELECT ON \"public\".\"pm_dam_bundle\", \
         \"public\".\"pm_dam_refs\" TO \"lifeboat\"`, typed in the database of this instance, the database author on ";
    assert!(reading.starts_with(told), "{reading}");
    let rights = about(&report, "rights to restore");
    for grant in [
        "`GRANT CREATE ON DATABASE \"author\" TO \"lifeboat\"`",
        "`GRANT CREATE ON SCHEMA \"public\" TO \"magnolia\"`",
        "`GRANT \"magnolia\" TO \"lifeboat\"`",
    ] {
        assert!(rights.contains(grant), "{rights}");
    }
    // What it says to type is what helps.
    for line in format!("{rights}\n{}", about(&report, "rights to back up")).lines() {
        let statement = line.split('`').nth(1).unwrap();
        house.client("author").batch_execute(statement).unwrap();
    }
    let after = check(&engine);
    assert_eq!(about(&after, "rights to back up"), "ok: none is missing");
    assert_eq!(about(&after, "rights to restore"), "ok: none is missing");

    // Lifeboat sets what it needs for itself.
    assert_eq!(
        about(&report, "limits"),
        "ok: nothing is set that stands in the way"
    );
    assert!(about(&report, "search indexes").contains("no folder fits"));
    assert!(about(&report, "data store").starts_with("failed: /nonexistent/store cannot be read"));
    assert!(about(&report, "leftovers").contains("lifeboat_elsewhere"));
    // The server tells where its data is only to those who may read all settings.
    assert!(about(&report, "room").starts_with("warning"), "{report:#?}");
    let repository = about(&report, "repository");
    assert!(repository.starts_with("failed"), "{repository}");
}

#[test]
fn a_database_out_of_reach_is_one_finding() {
    let house = House::new();
    house.cluster.kill().unwrap();
    let report = check(&house.engine());
    let failed: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Failed)
        .collect();
    assert_eq!(failed.len(), 1, "{report:#?}");
    assert!(failed[0].detail.contains("look whether the server runs there"));
}

#[test]
fn an_order_of_texts_that_has_changed_is_told_with_what_to_type() {
    let mut house = House::new();
    house
        .client("postgres")
        .batch_execute(
            "CREATE DATABASE turned TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER icu ICU_LOCALE 'en'",
        )
        .unwrap();
    house
        .client("postgres")
        .batch_execute("UPDATE pg_database SET datcollversion = '1' WHERE datname = 'turned'")
        .unwrap();
    make_workspace(&mut house.client("turned"), "public", "pm_website_");
    let connect = house
        .cluster
        .connect("turned", lifeboat::demo::cluster::SUPERUSER);
    house.settle = Box::new(move |_, database| database.connect.clone_from(&connect));
    let engine = house.engine();
    let found = about(&check(&engine), "order of texts");
    assert!(
        found.starts_with("warning: ") && found.contains("REINDEX DATABASE \"turned\""),
        "{found}"
    );
    house
        .client("turned")
        .batch_execute("REINDEX DATABASE turned; ")
        .unwrap();
    house
        .client("turned")
        .batch_execute("ALTER DATABASE turned REFRESH COLLATION VERSION")
        .unwrap();
    assert_eq!(about(&check(&engine), "order of texts"), "");
}

#[test]
fn one_database_under_two_names_is_told() {
    let mut house = House::with(&["author", "public"]);
    let twin = format!(
        "{} application_name=twin",
        house.cluster.connect("author", SUPERUSER)
    );
    house.settle = Box::new(move |name, database| {
        if name == "public" {
            database.connect.clone_from(&twin);
        }
    });
    let report = check(&house.engine());
    let told = about(&report, "database");
    assert!(
        told.contains("failed: it is the same schema of the same database as author of acme/live has"),
        "{told}"
    );
    house.settle = Box::new(|_, _| {});
    assert!(!about(&check(&house.engine()), "database").contains("failed"));
}
