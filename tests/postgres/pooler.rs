//! Between Lifeboat and the server stands a PgBouncer: what works through it leaves nothing behind for others in the pool,
//! minds nothing that others have left, and what cannot work is refused by name.

use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use lifeboat::domain::check::Report;
use lifeboat::engine::Engine;

use crate::house::{House, back_up, done, failed, fill, plan, restore, start_backup, undo};
use crate::pool::{NOTHING, Pool, answer};

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

/// A backup, a plan, a restore of everything and of a workspace, undo, confirm and a drill are right.
fn all_of_it_works(house: &House) {
    let engine = house.engine();
    let minute = || house.pass(chrono::Duration::minutes(1));
    let report = check(&engine);
    assert!(report.works(), "{report:#?}");
    let original = house.rows("author", "public");
    let backup = back_up(&engine).0;
    let mut client = house.client("author");
    client
        .batch_execute(
            "UPDATE pm_website_bundle SET bundle_data = 'x' WHERE node_id_hi < 10; DELETE FROM pm_dam_refs",
        )
        .unwrap();
    let broken = house.rows("author", "public");
    let planned = plan(&engine, &backup, &[]);
    assert_eq!(planned.obstacles, Vec::<String>::new());
    let website = planned
        .changes
        .iter()
        .find(|change| change.workspace == "website");
    assert_eq!(website.map(|change| change.changed), Some(9));
    minute();
    restore(&engine, &backup, &[]);
    assert_eq!(house.rows("author", "public"), original);
    minute();
    undo(&engine);
    assert_eq!(house.rows("author", "public"), broken);
    minute();
    restore(&engine, &backup, &["website"]);
    assert_eq!(
        house.rows("author", "public")["pm_website_bundle"],
        original["pm_website_bundle"]
    );
    minute();
    let drill = engine.live(&House::live()).unwrap().start_drill(None).unwrap();
    done(&engine, drill);
    minute();
    let confirmed = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    done(&engine, confirmed);
    assert_eq!(house.left("author"), Vec::<String>::new());
}

/// Jackrabbit's own nodes, which chosen workspaces need, and enough of them that several connections read.
fn house() -> House {
    let house = House::new();
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
        house.bundles("author", table, 300);
    }
    fill(&mut house.client("author"), "pm_dam_refs", 3000, "a lot");
    house
}

/// Does something while others use the pool as well, and look at what they find there.
fn beside_others(pool: &Pool, work: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = pool.client();
                    let mut found = std::collections::BTreeSet::new();
                    while !is_over.load(Ordering::Relaxed) {
                        found.insert(answer(
                            &mut client,
                            "SELECT concat_ws(' ', current_user, current_setting('search_path'), \
                             current_setting('statement_timeout'), current_setting('row_security'), \
                             current_setting('default_transaction_read_only'), current_setting('transaction_read_only'))",
                        ));
                    }
                    found
                })
            })
            .collect();
        let worked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        is_over.store(true, Ordering::Relaxed);
        for other in others {
            let found: Vec<_> = other.join().unwrap().into_iter().collect();
            assert_eq!(found, ["lifeboat \"$user\", public 0 on off off"]);
        }
        if let Err(panic) = worked {
            std::panic::resume_unwind(panic);
        }
    });
}

#[test]
fn a_pool_by_transactions_works_and_nothing_stays_behind_for_others() {
    let mut house = house();
    let pool = Pool::start(&house, "transaction", 8, &[]);
    pool.used_by(&mut house, 3);
    let found = about(&check(&house.engine()), "pooler");
    assert!(
        found.starts_with("ok: a pooler") && found.contains("5 connections"),
        "{found}"
    );
    beside_others(&pool, || all_of_it_works(&house));
    assert_eq!(pool.found(), [NOTHING; 8]);
}

#[test]
fn a_pool_by_sessions_works_and_nothing_stays_behind_though_nobody_resets_them() {
    let mut house = house();
    let pool = Pool::start(&house, "session", 8, &["server_reset_query ="]);
    pool.used_by(&mut house, 3);
    all_of_it_works(&house);
    assert_eq!(pool.found(), [NOTHING; 8]);
}

#[test]
fn what_others_have_left_in_a_pool_does_not_matter_and_stays_as_it_is() {
    let mut house = house();
    let pool = Pool::start(&house, "transaction", 6, &["ignore_startup_parameters = options"]);
    pool.used_by(&mut house, 2);
    pool.ask(
        "SET search_path = nowhere; SET role = stranger; SET lock_timeout = '1ms'; SET row_security = on; \
         SET quote_all_identifiers = on; SET default_transaction_isolation = 'serializable'; \
         SET synchronous_commit = off; SET default_tablespace = 'pg_default'",
    );
    let left = pool.found();
    assert!(left[0].starts_with("stranger nowhere "), "{left:?}");
    all_of_it_works(&house);
    for found in pool.found() {
        assert!(found == left[0] || found == NOTHING, "{found}");
    }
}

#[test]
fn a_pool_with_little_room_is_told_and_never_taken_whole() {
    let mut house = house();
    let pool = Pool::start(&house, "transaction", 3, &[]);
    pool.used_by(&mut house, 8);
    let engine = house.engine();
    let report = check(&engine);
    assert!(report.works(), "{report:#?}");
    let found = about(&report, "pooler");
    assert!(
        found.starts_with("warning: a pooler")
            && found.contains("room for 3 connections")
            && found.contains("raise pool_size"),
        "{found}"
    );
    beside_others(&pool, || all_of_it_works(&house));
    assert_eq!(pool.found(), [NOTHING; 3]);
}

#[test]
fn a_pool_of_one_connection_is_refused() {
    let mut house = house();
    let pool = Pool::start(&house, "transaction", 1, &["query_wait_timeout = 1"]);
    pool.used_by(&mut house, 2);
    let engine = house.engine();
    let report = check(&engine);
    assert!(!report.works());
    let found = about(&report, "pooler");
    assert!(
        found.starts_with("failed: a pooler") && found.contains("need 2 at least: raise pool_size"),
        "{found}"
    );
    let why = failed(&engine, start_backup(&engine));
    assert!(
        why.contains("a pooler such as PgBouncer") && why.contains("pool_size"),
        "{why}"
    );
    assert_eq!(pool.found(), [NOTHING]);
}

#[test]
fn a_pool_by_statements_is_refused_by_name() {
    let mut house = house();
    let pool = Pool::start(&house, "statement", 4, &[]);
    pool.used_by(&mut house, 2);
    let engine = house.engine();
    let report = check(&engine);
    assert!(!report.works());
    for told in [about(&report, "database"), failed(&engine, start_backup(&engine))] {
        assert!(
            told.contains("pool_mode = statement") && told.contains("a pool with pool_mode = transaction"),
            "{told}"
        );
    }
}

#[test]
fn the_schema_that_is_written_down_without_pg_dump_makes_the_tables_as_they_were() {
    let mut house = crate::administered::touched();
    let pool = Pool::start(&house, "transaction", 6, &[]);
    pool.used_by(&mut house, 2);
    // What its own policies hide from the owner is seen by nobody else.
    house
        .client("author")
        .batch_execute("ALTER ROLE lifeboat SUPERUSER")
        .unwrap();
    let engine = house.engine();
    assert!(about(&check(&engine), "pg_dump").starts_with("ok: not used through a pooler"));
    back_up(&engine);
    let dumped = Command::new("restic")
        .arg("-r")
        .arg(house.path("repository").join("acme/live"))
        .arg("--password-file")
        .arg(house.path("key"))
        .args(["--no-cache", "dump", "latest", "/author/.schema/schema.sql"])
        .output()
        .unwrap();
    assert!(dumped.status.success(), "{dumped:?}");
    let text = String::from_utf8(dumped.stdout).unwrap();
    assert!(!text.contains("\n-- "), "nothing is missing in it: {text}");

    house
        .client("postgres")
        .batch_execute("CREATE DATABASE elsewhere")
        .unwrap();
    let mut elsewhere = house.client("elsewhere");
    for statement in crate::administered::TOUCH.split(";\n").filter(|statement| {
        statement.starts_with("CREATE FUNCTION") || statement.starts_with("CREATE OPERATOR")
    }) {
        elsewhere.batch_execute(statement).unwrap();
    }
    elsewhere.batch_execute(&text).unwrap();
    assert_eq!(
        crate::administered::look(&house, "elsewhere"),
        crate::administered::look(&house, "author")
    );
    let id: i32 = elsewhere
        .query_one(
            "INSERT INTO public.pm_config_names (name) VALUES ('a new name') RETURNING id",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(id, 3);
}
