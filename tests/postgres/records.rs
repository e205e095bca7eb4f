//! The data store, in a folder and in a table: a restore adds what is missing, marks what is there as just used, takes
//! nothing away, and compares what it has staged.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use lifeboat::watch::Unwatched;

use crate::gate::{self, Gate};
use crate::house::{House, back_up, done, failed, request, restore, start_backup, start_restore};

const LONG_AGO: SystemTime = SystemTime::UNIX_EPOCH;

#[test]
fn a_restore_touches_the_records_that_are_there_and_removes_none() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let (kept, lost) = (house.store("author", "one"), house.store("author", "two"));
    fs::remove_file(&lost).unwrap();
    let later = house.store("author", "written later");
    let stranger = house.data_store("author").join("notes.txt");
    fs::write(&stranger, "somebody's").unwrap();
    for path in [&kept, &later] {
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(LONG_AGO)
            .unwrap();
    }
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(fs::read_to_string(&lost).unwrap(), "two".repeat(500));
    assert_eq!(fs::read_to_string(&later).unwrap(), "written later".repeat(500));
    assert_eq!(fs::read_to_string(&stranger).unwrap(), "somebody's");
    let modified = |path| fs::metadata(path).unwrap().modified().unwrap();
    // A garbage collection that is under way takes what is old: what the backup needs is not.
    assert!(modified(&kept) > LONG_AGO + Duration::from_hours(1));
    assert_eq!(modified(&later), LONG_AGO, "no business of the restore's");

    // Neither a file of another size in a record's place stays, nor one that only looks like it.
    fs::write(&kept, "cut").unwrap();
    fs::write(&lost, "tWo".repeat(500)).unwrap();
    house.pass(chrono::Duration::minutes(1));
    let job = restore(&engine, &backup, &[]);
    assert_eq!(fs::read_to_string(&kept).unwrap(), "one".repeat(500));
    assert_eq!(fs::read_to_string(&lost).unwrap(), "two".repeat(500));
    let warnings = job.outcome.unwrap().warnings;
    assert!(
        warnings
            .iter()
            .any(|told| told.contains("2 records") && told.contains("was replaced by the backup's")),
        "{warnings:?}"
    );
}

#[test]
fn one_record_that_is_not_what_its_name_says_is_told_and_holds_no_restore_up() {
    let house = House::new();
    let engine = house.engine();
    let (bad, good) = (house.store("author", "one"), house.store("author", "two"));
    fs::write(&bad, "oNe".repeat(500)).unwrap();
    let outcome = done(&engine, start_backup(&engine)).outcome.unwrap();
    let backup = outcome.backup.clone().unwrap().0;
    let name = bad.file_name().unwrap().to_str().unwrap();
    let told = |warnings: &[String]| warnings.iter().any(|told| told.contains(name));
    assert!(told(&outcome.warnings), "{outcome:?}");
    let report = lifeboat::engine::check(&engine, None).unwrap();
    assert!(report.findings.iter().any(|found| found.detail.contains(name)));

    fs::remove_file(&bad).unwrap();
    fs::remove_file(&good).unwrap();
    house.pass(chrono::Duration::minutes(1));
    let plan = engine
        .live(&House::live())
        .unwrap()
        .plan_restore(&request(&backup, &[]), &Unwatched)
        .unwrap();
    assert!(plan.obstacles.is_empty() && told(&plan.warnings), "{plan:?}");
    let job = restore(&engine, &backup, &[]);
    assert!(told(&job.outcome.unwrap().warnings));
    assert!(!bad.exists(), "nothing is put under a name that is not its");
    assert_eq!(fs::read_to_string(&good).unwrap(), "two".repeat(500));
}

/// A house whose data store is a table of two records.
fn in_a_table() -> House {
    let mut house = House::new();
    house.settle = Box::new(|_, database| database.data_store = None);
    house
        .client("author")
        .batch_execute(
            "CREATE TABLE ds_datastore (id varchar(255) PRIMARY KEY, length bigint, last_modified bigint, data bytea); \
             INSERT INTO ds_datastore VALUES ('aa01', 3, 1, 'one'), ('bb02', 3, 1, 'two')",
        )
        .unwrap();
    house
}

/// The records with whether each was used of late.
fn records(house: &House) -> Vec<(String, String, bool)> {
    house
        .client("author")
        .query(
            "SELECT id::text, convert_from(data, 'UTF8'), last_modified > 1000 FROM ds_datastore ORDER BY id",
            &[],
        )
        .unwrap()
        .iter()
        .map(|row| (row.get(0), row.get(1), row.get(2)))
        .collect()
}

fn record(id: &str, text: &str, is_fresh: bool) -> (String, String, bool) {
    (id.to_owned(), text.to_owned(), is_fresh)
}

#[test]
fn a_data_store_in_a_table_is_added_to_and_never_exchanged() {
    let house = in_a_table();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    house
        .client("author")
        .batch_execute(
            "DELETE FROM ds_datastore WHERE id = 'bb02'; INSERT INTO ds_datastore VALUES ('cc03', 5, 1, 'later')",
        )
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(
        records(&house),
        [
            record("aa01", "one", true),
            record("bb02", "two", true),
            record("cc03", "later", false),
        ]
    );

    // One that is lost as a whole comes back as it was.
    house
        .client("author")
        .batch_execute("DROP TABLE ds_datastore")
        .unwrap();
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(
        records(&house),
        [record("aa01", "one", false), record("bb02", "two", false)]
    );

    house
        .client("author")
        .batch_execute("UPDATE ds_datastore SET data = 'broken' WHERE id = 'aa01'")
        .unwrap();
    let live = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    let why = failed(&engine, start_restore(&engine, &backup, &[]));
    assert!(why.contains("aa01") && why.contains("is not the record"), "{why}");
    assert_eq!(house.rows("author", "public"), live);
}

#[test]
fn rows_that_are_no_records_do_not_come_back() {
    let house = in_a_table();
    let mut client = house.client("author");
    client
        .batch_execute(
            "INSERT INTO ds_datastore VALUES ('b802f384302cb24fbab0a44997e820bf2e8507bb', 3, 1, 'bad'), \
             ('f9007add8286e2cb912d44cff34ac179', 3, 1, 'odd'), ('TEMP_17', 3, 1, 'one'), \
             (encode(sha256('bad'), 'hex'), 4, 1, 'worse'), (encode(sha256('good'), 'hex'), 4, 1, 'good'), \
             ('9c9afe3a9ab0a3c4f37de0fee6d9bc9b3ecb7a4d', 3, 1, 'old')",
        )
        .unwrap();
    // The digest that older Jackrabbits name records by is none of the server's.
    let sha1 = {
        use sha1::Digest as _;
        let digest = sha1::Sha1::digest(b"old");
        digest
            .iter()
            .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    };
    client
        .execute("UPDATE ds_datastore SET id = $1 WHERE data = 'old'", &[&sha1])
        .unwrap();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    for loss in ["DELETE FROM ds_datastore", "DROP TABLE ds_datastore"] {
        client.batch_execute(loss).unwrap();
        house.pass(chrono::Duration::minutes(1));
        let job = restore(&engine, &backup, &[]);
        let texts: Vec<_> = records(&house).into_iter().map(|(_, text, _)| text).collect();
        let mut texts = texts.iter().map(String::as_str).collect::<Vec<_>>();
        texts.sort_unstable();
        assert_eq!(texts, ["good", "odd", "old", "one", "two"], "{loss}");
        let told = crate::house::log(&engine, job.id).join("\n");
        for id in ["b802f384302cb24fbab0a44997e820bf2e8507bb", "TEMP_17"] {
            assert!(
                told.contains(&format!("{id} of the table ds_datastore does not come back")),
                "{told}"
            );
        }
    }
}

#[test]
fn a_staged_data_store_is_compared_before_any_of_it_becomes_live() {
    let house = in_a_table();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let mut client = house.client("author");
    client
        .batch_execute(
            "DELETE FROM ds_datastore; CREATE ROLE reader; GRANT SELECT ON pm_website_refs TO reader",
        )
        .unwrap();
    let live = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    // Rights are given when everything is loaded.
    let mut gate = Gate::after(&house, "author", "GRANT", "%");
    let job = start_restore(&engine, &backup, &[]);
    gate.wait();
    let schema = house
        .left("author")
        .into_iter()
        .find(|schema| schema.starts_with("lifeboat_new_"))
        .unwrap();
    client
        .batch_execute(&format!(
            "UPDATE {schema}.ds_datastore SET data = 'tvo' WHERE id = 'bb02'"
        ))
        .unwrap();
    gate.open();
    let why = failed(&engine, job);
    assert!(why.contains("the table ds_datastore"), "{why}");
    assert_eq!(house.rows("author", "public"), live);
    gate::remove(&house, "author");
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup, &[]);
    assert_eq!(records(&house).len(), 2);
}
