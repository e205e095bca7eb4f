//! A backup is of one moment, however much is written while it is taken.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use lifeboat::demo::cluster::SUPERUSER;
use postgres::Client;

use crate::gate::wait_for;
use crate::house::{House, back_up, backups, fill, restore};

const NODES: i64 = 6000;

/// One save after the other: a node moves between two workspaces, another one grows, and both workspaces are told the
/// number of the save. Freed places are used again, so rows also move within their tables.
fn write(client: &mut Client, stop: &AtomicBool) -> i64 {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let node = number * 7919 % NODES + 1;
        let (from, to) = if number % 2 == 0 {
            ("website", "dam")
        } else {
            ("dam", "website")
        };
        let mut transaction = client.transaction().unwrap();
        transaction
            .batch_execute(&format!(
                "WITH gone AS (DELETE FROM pm_{from}_bundle WHERE node_id_hi = {node} AND node_id_lo = 1 RETURNING *) \
                 INSERT INTO pm_{to}_bundle SELECT * FROM gone; \
                 UPDATE pm_{from}_bundle SET bundle_data = bundle_data || '\\x00' WHERE node_id_hi = {node} % 50 + 1; \
                 UPDATE pm_website_bundle SET bundle_data = convert_to('{number}', 'UTF8') WHERE node_id_hi = 0; \
                 UPDATE pm_dam_bundle SET bundle_data = convert_to('{number}', 'UTF8') WHERE node_id_hi = 0; \
                 INSERT INTO pm_website_names (name) VALUES ('{number}'); \
                 DELETE FROM pm_website_names WHERE name = '{}'",
                number - 20
            ))
            .unwrap();
        transaction.commit().unwrap();
        if number % 200 == 0 {
            client
                .batch_execute("VACUUM pm_website_bundle, pm_dam_bundle")
                .unwrap();
        }
    }
    number
}

/// What holds in every moment. Gives the number of the last save.
fn check(client: &mut Client) -> i64 {
    let row = client
        .query_one(
            "SELECT (SELECT convert_from(bundle_data, 'UTF8')::bigint FROM pm_website_bundle WHERE node_id_hi = 0), \
             (SELECT convert_from(bundle_data, 'UTF8')::bigint FROM pm_dam_bundle WHERE node_id_hi = 0), \
             (SELECT max(name::bigint) FROM pm_website_names WHERE name ~ '^[0-9]+$'), \
             (SELECT count(*) FROM pm_website_names WHERE name ~ '^[0-9]+$'), \
             (SELECT count(DISTINCT node_id_hi) FROM (SELECT node_id_hi, node_id_lo FROM pm_website_bundle \
              UNION ALL SELECT node_id_hi, node_id_lo FROM pm_dam_bundle) n WHERE node_id_lo = 1), \
             (SELECT count(*) FROM pm_website_bundle WHERE node_id_lo = 1) \
             + (SELECT count(*) FROM pm_dam_bundle WHERE node_id_lo = 1)",
            &[],
        )
        .unwrap();
    let (website, dam, names): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
    assert_eq!((website, names), (dam, dam));
    assert_eq!(row.get::<_, i64>(3), website.min(20));
    let (nodes, rows): (i64, i64) = (row.get(4), row.get(5));
    assert_eq!((nodes, rows), (NODES, NODES));
    website
}

#[test]
fn a_backup_under_writes_is_of_one_moment() {
    let mut house = House::new();
    house.keep.manual = 9;
    let mut client = house.client("author");
    client
        .batch_execute("TRUNCATE pm_website_bundle, pm_dam_bundle")
        .unwrap();
    fill(&mut client, "pm_website_bundle", NODES, "node");
    client
        .batch_execute(
            "UPDATE pm_website_bundle SET node_id_lo = 1; \
             INSERT INTO pm_website_bundle VALUES (0, 0, '0'); INSERT INTO pm_dam_bundle VALUES (0, 0, '0')",
        )
        .unwrap();
    let engine = house.engine();
    let stop = AtomicBool::new(false);
    let mut backups = Vec::new();
    let last = std::thread::scope(|scope| {
        let mut writer = house.client("author");
        let stop = &stop;
        let writing = scope.spawn(move || write(&mut writer, stop));
        // A machine that is busy may begin to write after the first backup.
        wait_for(|| {
            let names = "SELECT FROM pm_website_names WHERE name ~ '^[0-9]+$' LIMIT 1";
            client.query_opt(names, &[]).unwrap().map(drop)
        });
        for _ in 0..4 {
            backups.push(back_up(&engine));
            house.pass(chrono::Duration::minutes(1));
        }
        stop.store(true, Ordering::Relaxed);
        writing.join().unwrap()
    });
    assert_eq!(check(&mut client), last);

    let mut seen = BTreeMap::new();
    for backup in backups.iter().rev() {
        house.pass(chrono::Duration::minutes(1));
        restore(&engine, &backup.0, &[]);
        seen.insert(check(&mut client), backup.clone());
    }
    assert_eq!(
        seen.len(),
        backups.len(),
        "each is of a moment of its own: {seen:?}"
    );
    assert!(
        seen.keys().all(|number| *number > 0 && *number < last),
        "{seen:?}"
    );
}

#[test]
fn what_before_backup_has_written_is_in_the_backup() {
    let mut house = House::new();
    let psql = house.cluster.binaries().join("psql");
    let author = house.cluster.connect("author", SUPERUSER);
    let insert = "INSERT INTO pm_website_bundle VALUES (0, 0, '\\x07')";
    house.hooks.before_backup = [
        &*psql.to_string_lossy(),
        "--no-psqlrc",
        "--dbname",
        &author,
        "--command",
        insert,
    ]
    .map(str::to_owned)
    .into();
    let engine = house.engine();
    back_up(&engine);
    let backup = backups(&engine).remove(0);
    let mut workspaces = backup.manifest.instances[0].workspaces.iter();
    let website = workspaces.find(|workspace| workspace.name == "website");
    assert_eq!(website.map(|website| website.items), Some(301));
}
