//! Names that something else has taken in Live's schema since the backup: the plan names what it is before anything is
//! stopped, and a sequence that was left of a table goes with what is replaced.

use lifeboat::domain::check::Verdict;

use crate::administered::look;
use crate::house::{House, back_up, done, plan, restore, undo};

/// What somebody does to Live, what the plan says is in the way, and what lets go of it.
const TAKES: [(&str, &str, &str); 5] = [
    (
        "ALTER INDEX pm_website_binval_idx RENAME TO mine; CREATE TABLE app (id int); CREATE INDEX pm_website_binval_idx ON app (id)",
        "the index pm_website_binval_idx of the table pm_website_binval cannot come back: its name is taken in the schema public \
         by the index of the table app",
        "DROP TABLE app; ALTER INDEX mine RENAME TO pm_website_binval_idx",
    ),
    (
        "ALTER SEQUENCE pm_website_names_id_seq RENAME TO mine; CREATE TABLE pm_website_names_id_seq (id int)",
        "the sequence pm_website_names_id_seq of the table pm_website_names cannot come back: its name is taken in the schema \
         public by a table",
        "DROP TABLE pm_website_names_id_seq; ALTER SEQUENCE mine RENAME TO pm_website_names_id_seq",
    ),
    (
        "DROP STATISTICS halves; CREATE TABLE app (id int, of int); CREATE STATISTICS halves ON id, of FROM app",
        "the statistics halves of the table pm_website_bundle cannot come back: its name is taken in the schema public by \
         statistics of the table app",
        "DROP TABLE app; CREATE STATISTICS halves ON node_id_hi, node_id_lo FROM pm_website_bundle",
    ),
    (
        "DROP TABLE pm_website_refs; CREATE TYPE pm_website_refs AS (a int)",
        "the table pm_website_refs cannot come back: its name is taken in the schema public by a type",
        "DROP TYPE pm_website_refs; CREATE TABLE pm_website_refs (LIKE pm_dam_refs INCLUDING ALL)",
    ),
    (
        "ALTER SEQUENCE pm_website_names_id_seq RENAME TO mine; CREATE SEQUENCE pm_website_names_id_seq; \
         CREATE TABLE app (id int DEFAULT nextval('pm_website_names_id_seq'))",
        "its name is taken in the schema public by the sequence",
        "DROP TABLE app; DROP SEQUENCE pm_website_names_id_seq; ALTER SEQUENCE mine RENAME TO pm_website_names_id_seq",
    ),
];

#[test]
fn what_has_taken_a_name_is_named_by_the_plan_and_what_it_says_to_type_is_enough() {
    let house = House::new();
    let mut client = house.client("author");
    client
        .batch_execute("CREATE STATISTICS halves ON node_id_hi, node_id_lo FROM pm_website_bundle")
        .unwrap();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    assert_eq!(plan(&engine, &backup, &[]).obstacles, Vec::<String>::new());
    for (takes, says, lets_go) in TAKES {
        client.batch_execute(takes).unwrap();
        let obstacles = plan(&engine, &backup, &[]).obstacles;
        assert!(
            obstacles.len() == 1 && obstacles[0].contains(says),
            "{takes}: {obstacles:#?}"
        );
        let statement = obstacles[0].split('`').nth(1).unwrap();
        client.batch_execute("BEGIN").unwrap();
        client.batch_execute(statement).unwrap();
        client.batch_execute("ROLLBACK").unwrap();
        client.batch_execute(lets_go).unwrap();
        assert_eq!(
            plan(&engine, &backup, &[]).obstacles,
            Vec::<String>::new(),
            "{takes}"
        );
    }
    // Types it, and restores.
    client.batch_execute(TAKES[0].0).unwrap();
    let obstacles = plan(&engine, &backup, &[]).obstacles;
    client
        .batch_execute(obstacles[0].split('`').nth(1).unwrap())
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    client.batch_execute("DROP TABLE app").unwrap();
}

#[test]
fn a_check_names_what_has_taken_the_name_of_a_table_that_the_newest_backup_has() {
    let house = House::new();
    let engine = house.engine();
    let said = || {
        let report = lifeboat::engine::check(&engine, Some(&House::live())).unwrap();
        let findings = report.findings.into_iter();
        let of_tables =
            findings.filter(|finding| finding.about == "tables" && finding.verdict == Verdict::Failed);
        of_tables.map(|finding| finding.detail).collect::<Vec<_>>()
    };
    back_up(&engine);
    assert_eq!(said(), Vec::<String>::new());
    let (takes, says, lets_go) = TAKES[3];
    let mut client = house.client("author");
    // What is gone alone is no hindrance.
    client.batch_execute("DROP TABLE pm_website_refs").unwrap();
    assert_eq!(said(), Vec::<String>::new());
    client.batch_execute(takes.split_once("; ").unwrap().1).unwrap();
    let found = said();
    assert!(
        found.len() == 1
            && found[0].starts_with("the newest backup cannot be restored: ")
            && found[0].contains(says),
        "{found:#?}"
    );
    client.batch_execute(found[0].split('`').nth(1).unwrap()).unwrap();
    assert_eq!(said(), Vec::<String>::new());
    client
        .batch_execute(&format!(
            "ALTER TYPE pm_website_refs_other RENAME TO pm_website_refs; {lets_go}"
        ))
        .unwrap();
}

#[test]
fn a_sequence_that_was_left_of_a_table_goes_with_what_is_replaced_and_comes_back_with_it() {
    let house = House::new();
    let mut client = house.client("author");
    client
        .batch_execute(
            "ALTER SEQUENCE version_names_id_seq OWNED BY NONE; \
             ALTER TABLE version_names ALTER id SET DEFAULT nextval('pm_website_names_id_seq')",
        )
        .unwrap();
    let engine = house.engine();
    let shared = look(&house, "author");
    let backup = back_up(&engine).0;
    let drill = engine.live(&House::live()).unwrap().start_drill(None).unwrap();
    done(&engine, drill);
    client
        .batch_execute("DELETE FROM pm_website_bundle WHERE node_id_hi < 9")
        .unwrap();
    let planned = plan(&engine, &backup, &[]);
    assert_eq!(planned.obstacles, Vec::<String>::new());
    assert!(
        planned.warnings.iter().any(|told| told
            .starts_with("the sequence version_names_id_seq in the schema public, which no column owns")),
        "{:#?}",
        planned.warnings
    );
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    let own = look(&house, "author");
    assert_ne!(own, shared);
    // There, and back, and there again.
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(look(&house, "author"), shared);
    house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(look(&house, "author"), own);
    house.pass(chrono::Duration::minutes(1));
    let confirm = engine.live(&House::live()).unwrap().start_confirm().unwrap();
    done(&engine, confirm);
    assert_eq!(house.left("author"), Vec::<String>::new());
    assert_eq!(look(&house, "author"), own);
}
