//! Whoever reads while a restore switches sees the old content or the new one, never some of both.

use std::sync::atomic::{AtomicBool, Ordering};

use postgres::{Client, IsolationLevel, NoTls, Transaction};

use crate::gate::wait_for;
use crate::house::{House, OUTSIDER, back_up, done, log, restore, start_restore};

/// Two workspaces in one statement: what marks them, and how many nodes they have.
const LOOK: &str = "SELECT (SELECT convert_from(bundle_data, 'UTF8') FROM pm_website_bundle WHERE node_id_hi = 0), \
     (SELECT convert_from(bundle_data, 'UTF8') FROM pm_dam_bundle WHERE node_id_hi = 0), \
     (SELECT count(*) FROM pm_website_bundle), (SELECT count(*) FROM pm_dam_bundle), \
     (SELECT count(*) FROM pm_website_bundle w JOIN pm_dam_bundle d USING (node_id_hi, node_id_lo))";

const WEBSITE: &str = "SELECT convert_from(bundle_data, 'UTF8'), (SELECT count(*) FROM pm_website_bundle) \
     FROM pm_website_bundle WHERE node_id_hi = 0";
const DAM: &str = "SELECT convert_from(bundle_data, 'UTF8'), (SELECT count(*) FROM pm_dam_bundle) \
     FROM pm_dam_bundle WHERE node_id_hi = 0";

/// Good content has the mark `good` and 301 nodes everywhere; what the restore replaces has `bad` and 101.
fn house() -> (House, String) {
    let house = House::new();
    let mut client = house.client("author");
    for workspace in ["website", "dam"] {
        client
            .batch_execute(&format!(
                "INSERT INTO pm_{workspace}_bundle VALUES (0, 0, 'good')"
            ))
            .unwrap();
    }
    let backup = back_up(&house.engine());
    spoil(&mut client);
    house.pass(chrono::Duration::minutes(1));
    (house, backup.0)
}

fn spoil(client: &mut Client) {
    let mut transaction = client.transaction().unwrap();
    for workspace in ["website", "dam"] {
        transaction
            .batch_execute(&format!(
                "DELETE FROM pm_{workspace}_bundle WHERE node_id_hi > 100; \
                 UPDATE pm_{workspace}_bundle SET bundle_data = 'bad' WHERE node_id_hi = 0"
            ))
            .unwrap();
    }
    transaction.commit().unwrap();
}

/// Whether it is the good content. Fails unless it is all good or all bad.
fn is_good(seen: &postgres::Row) -> bool {
    let marks: (String, String) = (seen.get(0), seen.get(1));
    let counts: (i64, i64, i64) = (seen.get(2), seen.get(3), seen.get(4));
    match (marks.0.as_str(), marks.1.as_str(), counts) {
        ("good", "good", (301, 301, 301)) => true,
        ("bad", "bad", (101, 101, 101)) => false,
        mixed => panic!("neither old nor new: {mixed:?}"),
    }
}

/// The same in two statements of one transaction.
fn is_good_in(transaction: &mut Transaction<'_>) -> bool {
    let mut look = |statement| {
        let row = transaction.query_one(statement, &[]).unwrap();
        (row.get::<_, String>(0), row.get::<_, i64>(1))
    };
    let (website, dam) = (look(WEBSITE), look(DAM));
    assert_eq!(website, dam);
    assert!(
        website == ("good".into(), 301) || website == ("bad".into(), 101),
        "{website:?}"
    );
    website.1 == 301
}

fn read_on(client: &mut Client, stop: &AtomicBool, read: impl Fn(&mut Client) -> bool) -> (u32, u32) {
    let (mut old, mut new) = (0, 0);
    loop {
        let is_last = stop.load(Ordering::Relaxed);
        if read(client) {
            new += 1;
        } else {
            assert_eq!(new, 0, "the old content came back");
            old += 1;
        }
        if is_last {
            return (old, new);
        }
    }
}

fn repeatable(client: &mut Client) -> Transaction<'_> {
    let mut transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .start()
        .unwrap();
    // From here on it sees everything as it is now.
    transaction
        .batch_execute("SELECT count(*) FROM pm_config_names")
        .unwrap();
    transaction
}

#[test]
fn readers_see_old_or_new_rows_and_never_both() {
    let (house, backup) = house();
    let engine = house.engine();
    let stop = AtomicBool::new(false);
    let connect = format!(
        "{} application_name='{OUTSIDER}'",
        house.cluster.connect("author", "postgres")
    );
    let log = std::thread::scope(|scope| {
        let reader = |read: fn(&mut Client) -> bool| {
            let (connect, stop) = (&connect, &stop);
            scope.spawn(move || {
                let mut client = Client::connect(connect, NoTls).unwrap();
                read_on(&mut client, stop, read)
            })
        };
        let readers = [
            reader(|client| is_good(&client.query_one(LOOK, &[]).unwrap())),
            // The server keeps the plan of a prepared statement, with the tables in it.
            reader(|client| {
                let prepared = client.prepare(LOOK).unwrap();
                let first = is_good(&client.query_one(&prepared, &[]).unwrap());
                is_good(&client.query_one(&prepared, &[]).unwrap()) || first
            }),
            reader(|client| {
                let mut transaction = client
                    .build_transaction()
                    .isolation_level(IsolationLevel::RepeatableRead)
                    .start()
                    .unwrap();
                is_good_in(&mut transaction)
            }),
        ];
        let job = restore(&engine, &backup, &[]);
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            let (old, new) = reader.join().unwrap();
            assert!(old > 0 && new > 0, "{old} times old, {new} times new");
        }
        log(&engine, job.id)
    });
    assert!(
        log.iter().any(
            |line| line.contains("author: switched, its tables were locked for ") && line.ends_with(" ms")
        ),
        "{log:#?}"
    );
}

#[test]
fn a_transaction_that_began_before_the_switch_sees_all_of_the_new_rows() {
    let (house, backup) = house();
    let engine = house.engine();
    let (mut first, mut second) = (house.client("author"), house.client("author"));
    second.batch_execute("CREATE TABLE other (id int)").unwrap();
    let begin = |client: &mut Client| {
        client
            .batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class")
            .unwrap();
    };
    begin(&mut first);
    restore(&engine, &backup, &[]);
    assert!(
        is_good(&first.query_one(LOOK, &[]).unwrap()),
        "as the restore made it"
    );
    first.batch_execute("COMMIT").unwrap();

    // And the other way round, by an undo.
    begin(&mut first);
    crate::house::undo(&engine);
    let row = first.query_one(
        "SELECT convert_from(bundle_data, 'UTF8') FROM pm_dam_bundle WHERE node_id_hi = 0",
        &[],
    );
    assert_eq!(row.unwrap().get::<_, String>(0), "bad");
    assert!(!is_good(&first.query_one(LOOK, &[]).unwrap()));
}

#[test]
fn the_switch_waits_for_a_long_reader_and_lets_others_pass() {
    let (house, backup) = house();
    let engine = house.engine();
    let (mut holder, mut other) = (house.client("author"), house.client("author"));
    let mut long = repeatable(&mut holder);
    assert!(!is_good_in(&mut long));
    let job = start_restore(&engine, &backup, &[]);
    wait_for(|| {
        log(&engine, job)
            .iter()
            .any(|line| line == "switching")
            .then_some(())
    });
    for _ in 0..50 {
        assert!(!is_good(&other.query_one(LOOK, &[]).unwrap()));
    }
    let locked: i64 = other
        .query_one(
            "SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted AND relation = \
             'pm_dam_bundle'::regclass AND pid IN (SELECT pid FROM pg_stat_activity WHERE state = 'idle in transaction')",
            &[],
        )
        .unwrap()
        .get(0);
    assert_eq!(
        locked, 0,
        "the switch holds on to nothing while it waits its turn"
    );
    assert!(!is_good_in(&mut long));
    long.commit().unwrap();
    done(&engine, job);
    assert!(is_good(&other.query_one(LOOK, &[]).unwrap()));
}
