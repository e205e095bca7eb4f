//! Live is a repository of Apache Jackrabbit itself, filled, damaged, opened and checked by Jackrabbit: what Lifeboat
//! brings back is Jackrabbit's word alone. The Java side is in `tests/jackrabbit`.
//!
//! Without Java or Maven nothing is tried, and that is said; `tests/run` makes sure that they are there.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "jackrabbit/bundles.rs"]
mod bundles;
#[path = "postgres/clusters.rs"]
mod clusters;
#[path = "jackrabbit/exported.rs"]
mod exported;
#[path = "jackrabbit/homes.rs"]
mod homes;
#[expect(dead_code, reason = "the tests of PostgreSQL use more of it")]
#[path = "postgres/house.rs"]
mod house;
#[path = "jackrabbit/integrity.rs"]
mod integrity;
#[path = "jackrabbit/java.rs"]
mod java;
#[path = "postgres/made_once.rs"]
mod made_once;
#[path = "jackrabbit/magnolia.rs"]
mod magnolia;
#[path = "jackrabbit/nodes.rs"]
mod nodes;
#[path = "jackrabbit/parts.rs"]
mod parts_alone;

use std::collections::BTreeMap;
use std::fs;

use house::{back_up, plan, restore, undo};
use magnolia::{DataStore, Magnolia, part, parts};

/// The tables of a workspace are gone in part and emptied in part, and binaries are missing: nothing that Jackrabbit
/// could open.
fn wreck(magnolia: &Magnolia) {
    let mut client = magnolia.client();
    client
        .batch_execute(
            "DELETE FROM pm_website_bundle WHERE node_id_lo % 3 = 0; DROP TABLE pm_users_bundle; \
             DROP TABLE pm_dam_binval; DELETE FROM version_bundle WHERE node_id_hi % 2 = 0; \
             UPDATE pm_config_bundle SET bundle_data = '\\x00' WHERE node_id_lo % 5 = 0",
        )
        .unwrap();
    match magnolia.data_store {
        DataStore::Folder => {
            let mut records = magnolia.records();
            records.truncate(records.len() / 2);
            assert!(records.len() > 20);
            for record in records {
                fs::remove_file(record).unwrap();
            }
        }
        DataStore::Table => {
            let deleted = client
                .execute("DELETE FROM ds_datastore WHERE ascii(id) % 2 = 0", &[])
                .unwrap();
            assert!(deleted > 20);
        }
    }
}

fn comes_back_whole(data_store: DataStore) {
    let Some(magnolia) = Magnolia::filled(data_store) else {
        return;
    };
    let before = magnolia.dump_when_sound();
    let engine = magnolia.house.engine();
    let backup = back_up(&engine);
    let original = magnolia.rows();

    magnolia.run("damage", &[]);
    wreck(&magnolia);
    assert_ne!(magnolia.finds(), "", "there is something to mend");
    // Jackrabbit makes tables that it misses, so what is there is looked at only now.
    let wrecked = magnolia.rows();
    magnolia.house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    assert_eq!(magnolia.rows(), original);
    assert!(magnolia.dump_when_sound() == before, "{}", magnolia.differences());

    magnolia.house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(magnolia.rows(), wrecked);
    magnolia.house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    assert_eq!(magnolia.rows(), original);
}

#[test]
fn everything_comes_back_with_binaries_in_a_folder() {
    comes_back_whole(DataStore::Folder);
}

#[test]
fn everything_comes_back_with_binaries_in_a_table() {
    comes_back_whole(DataStore::Table);
}

#[test]
fn an_empty_database_and_a_bare_home_are_enough_to_recover_on() {
    let Some(mut magnolia) = Magnolia::filled(DataStore::Folder) else {
        return;
    };
    let before = magnolia.dump();
    let backup = back_up(&magnolia.house.engine());

    magnolia.move_to_a_new_machine();
    let engine = magnolia.house.engine_elsewhere();
    let plan = plan(&engine, &backup.0, &[]);
    assert_eq!(plan.obstacles, Vec::<String>::new());
    let (added, changed, removed) = plan.totals();
    assert!(added > 5_000 && changed == 0 && removed == 0, "{plan:#?}");
    magnolia.house.pass(chrono::Duration::minutes(1));
    restore(&engine, "manual", &[]);
    assert!(magnolia.dump_when_sound() == before, "{}", magnolia.differences());
}

/// The histories of a dump that are of nodes of these workspaces.
fn histories<'d>(dump: &'d str, workspaces: &[&str]) -> BTreeMap<&'d str, &'d str> {
    let mut parts = parts(dump);
    let texts: Vec<&str> = workspaces.iter().map(|name| part(dump, name)).collect();
    parts.retain(|head, _| {
        head.strip_prefix("history of ").is_some_and(|ids| {
            let node = ids.split(' ').next().unwrap();
            texts.iter().any(|text| text.contains(node))
        })
    });
    parts
}

#[test]
fn chosen_workspaces_come_back_with_the_versions_that_they_refer_to() {
    let Some(magnolia) = Magnolia::filled(DataStore::Folder) else {
        return;
    };
    let before = magnolia.dump();
    let engine = magnolia.house.engine();
    let backup = back_up(&engine);
    magnolia.run("damage", &[]);
    let damaged = magnolia.dump();

    for chosen in [&["website"][..], &["website", "mgnlversion"]] {
        magnolia.house.pass(chrono::Duration::minutes(1));
        restore(&engine, &backup.0, chosen);
        let after = magnolia.dump_when_sound();
        assert!(
            part(&after, "website") == part(&before, "website"),
            "{}",
            magnolia.differences()
        );
        for left in ["dam", "users", "config", "category"] {
            assert!(
                part(&after, left) == part(&damaged, left),
                "{left} is as it was in Live"
            );
        }
        // Every version that a restored page had is there again, whatever became of it since.
        let (then, now) = (histories(&before, &["website"]), histories(&after, &["website"]));
        let missing: Vec<_> = then.keys().filter(|head| !now.contains_key(*head)).collect();
        assert!(then.len() > 50 && missing.is_empty(), "{missing:?}");
    }
}

/// A node type that was registered while the repository ran is known to the home alone: a fresh one on restored tables would
/// open, and lose the nodes of that type with the next save.
fn a_lost_home_comes_back(version: Option<&'static str>) {
    let Some(mut magnolia) = Magnolia::filled_by(DataStore::Folder, version) else {
        return;
    };
    magnolia.run("register", &[]);
    let before = magnolia.dump();
    let small = magnolia.small_files();
    assert!(small.len() > 10, "{small:?}");
    magnolia.house.drill.command = vec![format!("{}/tests/jackrabbit/drill", env!("CARGO_MANIFEST_DIR"))];
    let engine = magnolia.house.engine();
    let backup = back_up(&engine);
    if version.is_none() {
        // Jackrabbit itself opens what the drill has restored, and checks it.
        let drill = engine
            .live(&house::House::live())
            .unwrap()
            .start_drill(None)
            .unwrap();
        let drill = house::done(&engine, drill);
        assert!(
            house::log(&engine, drill.id)
                .iter()
                .any(|line| line.contains("check: 0 findings"))
        );
    }

    magnolia.move_and_lose_the_home();
    let engine = magnolia.house.engine_elsewhere();
    let plan = plan(&engine, &backup.0, &[]);
    assert_eq!(plan.obstacles, Vec::<String>::new());
    let told = plan
        .changes
        .iter()
        .find(|change| change.workspace == ".home")
        .unwrap();
    assert_eq!(told.added, small.len() as u64);
    magnolia.house.pass(chrono::Duration::minutes(1));
    restore(&engine, "manual", &[]);
    assert_eq!(magnolia.small_files(), small);
    assert!(magnolia.dump_when_sound() == before, "{}", magnolia.differences());
    magnolia.run("use", &[]);
    magnolia.is_sound();
}

#[test]
fn a_home_that_was_lost_comes_back_with_types_that_were_registered_at_run_time() {
    a_lost_home_comes_back(None);
}

#[test]
fn a_home_of_the_newest_jackrabbit_comes_back_too() {
    a_lost_home_comes_back(Some("2.22.1"));
}
