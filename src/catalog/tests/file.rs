//! What only the file on one machine does: locks of processes, and files that are not catalogs.

use std::fs;

use rusqlite::Connection;

use super::*;

fn lock(catalog: &Catalog) -> &Process {
    match &catalog.presence {
        Presence::Process(process) => process,
        Presence::Node(_) => unreachable!(),
    }
}

#[test]
fn the_living_are_not_cleared_away_and_the_dead_are() {
    let dir = state_dir();
    let living = Catalog::open(dir.path()).unwrap();
    let doomed = Catalog::open(dir.path()).unwrap();
    let left = lock(&doomed).path();
    Place::file().kill(doomed);
    let other = Catalog::open(dir.path()).unwrap();
    assert!(lock(&living).path().exists());
    assert!(!left.exists());
    let gone = lock(&other).path();
    drop(other);
    assert!(!gone.exists());
}

#[test]
fn a_new_catalog_beside_old_processes_takes_none_of_their_numbers() {
    let dir = state_dir();
    let old = Catalog::open(dir.path()).unwrap();
    for file in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        fs::rename(dir.path().join(file), dir.path().join(format!("away-{file}"))).unwrap();
    }
    let new = Catalog::open(dir.path()).unwrap();
    assert_ne!(lock(&old).number(), lock(&new).number());
}

#[test]
fn a_file_that_is_no_catalog_is_left_alone_with_a_sentence_that_helps() {
    let dir = state_dir();
    let path = dir.path().join("catalog.sqlite");
    let garbage = "this is not a database, and it is long enough to be taken for one".repeat(80);
    fs::write(&path, &garbage).unwrap();
    let error = Catalog::open(dir.path()).unwrap_err();
    assert!(matches!(error, CatalogError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("no backup is lost"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), garbage);
}

#[test]
fn a_catalog_with_a_hole_in_it_is_called_damaged() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    for number in 0..200 {
        catalog
            .add_activity(
                at(number),
                &ann(),
                None,
                &"long ".repeat(50),
                None,
                Severity::Warning,
            )
            .unwrap();
    }
    drop(catalog);
    let path = dir.path().join("catalog.sqlite");
    let mut bytes = fs::read(&path).unwrap();
    let hole = bytes.len() / 2..;
    bytes[hole].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let error = Catalog::open(dir.path())
        .and_then(|catalog| catalog.activity(1_000))
        .unwrap_err();
    assert!(matches!(error, CatalogError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_newer_catalog_is_refused_and_not_touched() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    catalog
        .write(|session| session.run("PRAGMA user_version = 7"))
        .unwrap();
    drop(catalog);
    let error = Catalog::open(dir.path()).unwrap_err();
    assert!(matches!(error, CatalogError::Newer { found: 7, .. }), "{error:?}");
}

#[test]
fn migrations_run_once_each_and_whole_or_not_at_all() {
    let mut connection = Connection::open_in_memory().unwrap();
    let count = |connection: &Connection| {
        connection
            .query_row("SELECT count(*) FROM steps", [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let migrate = |connection: &mut Connection, steps: &[&'static str]| {
        let migrations: Vec<_> = steps.iter().map(|step| schema::Migration::of(step)).collect();
        store::migrate(connection, &migrations)
    };
    let first = "CREATE TABLE steps (n INTEGER); INSERT INTO steps VALUES (1);";
    let second = "INSERT INTO steps VALUES (2);";
    migrate(&mut connection, &[first]).unwrap();
    migrate(&mut connection, &[first, second]).unwrap();
    migrate(&mut connection, &[first, second]).unwrap();
    assert_eq!(count(&connection), 2);
    let half = "INSERT INTO steps VALUES (3); INSERT INTO nowhere VALUES (1);";
    assert!(migrate(&mut connection, &[first, second, half]).is_err());
    assert_eq!(count(&connection), 2);
    migrate(&mut connection, &[first, second]).unwrap();
}

/// A catalog as the first form had it, with two entries of the activity log, of which an older one was dropped.
fn of_the_first_form(path: &std::path::Path) {
    let mut connection = Connection::open(path).unwrap();
    store::migrate(&mut connection, &schema::SQLITE[..1]).unwrap();
    connection
        .execute_batch(
            r#"INSERT INTO jobs (environment, kind, asked_by, state, ended, process, record) VALUES
                 ('acme/live', 'backup', 'ann', 'done', 1764000005000000, 1,
                  '{"id":1,"environment":"acme/live","kind":"backup","title":"manual backup","by":"ann",
                    "created":"2025-11-24T16:00:00Z","began":null,"ended":"2025-11-24T16:00:05Z","state":"done",
                    "progress":null,"cancel_asked":false,"outcome":null}');
               INSERT INTO log VALUES (1, 7, 1764000000000000, 'information', 'seven');
               INSERT INTO activity (at, asked_by, environment, what, job, severity) VALUES
                 (1764000000000000, 'ann', 'acme/live', 'dropped', 1, 'information'),
                 (1764000001000000, 'ann', 'acme/live', 'took a backup', 1, 'information'),
                 (1764000002000000, 'lifeboat', NULL, 'finished', NULL, 'critical');
               DELETE FROM activity WHERE number = 1;"#,
        )
        .unwrap();
}

#[test]
fn a_catalog_of_the_first_form_is_brought_to_the_newest_with_all_that_is_in_it() {
    let dir = state_dir();
    of_the_first_form(&dir.path().join("catalog.sqlite"));
    let catalog = Catalog::open(dir.path()).unwrap();
    assert_eq!(catalog.job(JobId(1)).unwrap().state, JobState::Done);
    let line = catalog
        .log(JobId(1), at(0), Severity::Information, "eight")
        .unwrap();
    assert_eq!(line.number, 8, "a log goes on where it was");
    let report = catalog.verify_activity().unwrap();
    assert_eq!((report.entries, report.broken), (2, None));
    let next = catalog
        .add_activity(at(9), &ann(), None, "the next", None, Severity::Information)
        .unwrap();
    assert_eq!(next.number, 4, "numbers are not used twice");
    let report = catalog.verify_activity().unwrap();
    assert_eq!((report.entries, report.broken), (3, None));
    catalog
        .write(|session| session.run("UPDATE activity SET what = 'took none' WHERE number = 2"))
        .unwrap();
    assert_eq!(catalog.verify_activity().unwrap().broken.unwrap().number, 2);
}

#[test]
fn only_its_owner_can_look_into_the_directory() {
    use std::os::unix::fs::PermissionsExt;
    let dir = state_dir();
    let state = dir.path().join("state");
    drop(Catalog::open(&state).unwrap());
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
}
