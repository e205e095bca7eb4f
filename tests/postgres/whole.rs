//! What is Jackrabbit's is read whole, or a backup fails with its name: check and plan say so as well.

use lifeboat::domain::check::Verdict;
use lifeboat::engine::{Engine, check, start_restore};
use lifeboat::watch::Unwatched;

use crate::house::{House, back_up, done, failed, plan, request, start_backup};

/// What is done to Live, what takes it back, and what is said of it.
const CASES: [(&str, &str, &str); 7] = [
    (
        "ALTER TABLE pm_dam_bundle RENAME TO kept; CREATE TABLE pm_dam_bundle (node_id_hi bigint, node_id_lo bigint, \
         bundle_data bytea) PARTITION BY HASH (node_id_hi); CREATE TABLE pm_dam_bundle_0 PARTITION OF pm_dam_bundle FOR \
         VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO pm_dam_bundle SELECT * FROM kept",
        "DROP TABLE pm_dam_bundle; ALTER TABLE kept RENAME TO pm_dam_bundle",
        "pm_dam_bundle is partitioned",
    ),
    (
        "CREATE TABLE more () INHERITS (pm_dam_bundle); INSERT INTO more VALUES (9, 9, 'x')",
        "DROP TABLE more",
        "pm_dam_bundle has tables that inherit from it (more)",
    ),
    (
        "ALTER TABLE pm_dam_bundle RENAME TO kept; CREATE VIEW pm_dam_bundle AS SELECT * FROM kept",
        "DROP VIEW pm_dam_bundle; ALTER TABLE kept RENAME TO pm_dam_bundle",
        "pm_dam_bundle is a view",
    ),
    (
        "ALTER TABLE pm_dam_refs RENAME TO kept; CREATE MATERIALIZED VIEW pm_dam_refs AS SELECT * FROM kept",
        "DROP MATERIALIZED VIEW pm_dam_refs; ALTER TABLE kept RENAME TO pm_dam_refs",
        "pm_dam_refs is a materialized view",
    ),
    (
        "ALTER TABLE pm_dam_bundle RENAME TO kept; CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; \
         CREATE FOREIGN TABLE pm_dam_bundle (node_id_hi bigint, node_id_lo bigint, bundle_data bytea) SERVER s",
        "DROP FOREIGN DATA WRAPPER w CASCADE; ALTER TABLE kept RENAME TO pm_dam_bundle",
        "pm_dam_bundle is a foreign table",
    ),
    (
        "ALTER TABLE pm_dam_refs RENAME COLUMN refs_data TO data",
        "ALTER TABLE pm_dam_refs RENAME COLUMN data TO refs_data",
        "the table pm_dam_refs is named like one of Jackrabbit's and lacks its columns",
    ),
    (
        "ALTER TABLE pm_dam_bundle RENAME TO kept",
        "ALTER TABLE kept RENAME TO pm_dam_bundle",
        "the table pm_dam_bundle with the nodes of dam is missing",
    ),
];

fn said_by_check(engine: &Engine, phrase: &str) -> bool {
    let report = check(engine, Some(&House::live())).unwrap();
    let mut findings = report.findings.iter();
    findings.any(|finding| finding.verdict == Verdict::Failed && finding.detail.contains(phrase))
}

#[test]
fn what_cannot_be_read_whole_fails_the_backup_with_its_name() {
    let house = House::new();
    let engine = house.engine();
    let good = back_up(&engine).0;
    let mut client = house.client("author");
    for (change, back, phrase) in CASES {
        client.batch_execute(change).unwrap();
        house.pass(chrono::Duration::minutes(1));
        let why = failed(&engine, start_backup(&engine));
        assert!(why.contains(phrase), "{phrase}: {why}");
        assert!(said_by_check(&engine, phrase), "{phrase}");
        let report = check(&engine, Some(&House::live())).unwrap();
        let mut left_out = report
            .findings
            .iter()
            .filter(|finding| finding.about == "left out");
        // Nothing says of the same table that all is well.
        assert!(
            left_out.all(|finding| !finding.detail.contains("pm_dam_")),
            "{phrase}"
        );
        let obstacles = plan(&engine, &good, &[]).obstacles.join("\n");
        assert!(obstacles.contains(phrase), "{phrase}: {obstacles}");
        client.batch_execute(back).unwrap();
    }
    house.pass(chrono::Duration::minutes(1));
    back_up(&engine);
}

#[test]
fn a_table_that_is_lost_comes_back_without_a_safety_backup() {
    let house = House::new();
    let engine = house.engine();
    let original = house.rows("author", "public");
    let good = back_up(&engine).0;
    house
        .client("author")
        .batch_execute("DROP TABLE pm_dam_bundle")
        .unwrap();
    let mut hurried = request(&good, &[]);
    hurried.without_safety = true;
    let plan = engine
        .live(&House::live())
        .unwrap()
        .plan_restore(&hurried, &Unwatched)
        .unwrap();
    assert_eq!(plan.obstacles, Vec::<String>::new());
    assert!(
        plan.warnings
            .iter()
            .any(|warning| warning.contains("pm_dam_bundle")),
        "{plan:?}"
    );
    house.pass(chrono::Duration::minutes(1));
    done(&engine, start_restore(&engine, &plan.id, "acme/live").unwrap());
    assert_eq!(house.rows("author", "public"), original);
}

#[test]
fn rows_that_a_policy_hides_are_an_error() {
    let mut house = House::new();
    let mut client = house.client("author");
    client
        .batch_execute(
            "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader; \
             ALTER TABLE pm_website_bundle ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY half ON pm_website_bundle FOR SELECT TO reader USING (node_id_hi <= 150)",
        )
        .unwrap();
    let connect = house.cluster.connect("author", "reader");
    house.settle = Box::new(move |_, database| database.connect.clone_from(&connect));
    let engine = house.engine();
    let why = failed(&engine, start_backup(&engine));
    assert!(
        why.contains("pm_website_bundle") && why.contains("row-level security"),
        "{why}"
    );
    assert!(said_by_check(&engine, "`ALTER ROLE \"reader\" BYPASSRLS`"));
    client.batch_execute("ALTER ROLE reader BYPASSRLS").unwrap();
    house.pass(chrono::Duration::minutes(1));
    back_up(&engine);
    let rows = crate::house::backups(&engine)[0].manifest.instances[0]
        .tables
        .iter()
        .find(|table| table.name == "pm_website_bundle")
        .map(|table| table.rows);
    assert_eq!(rows, Some(300));
}
