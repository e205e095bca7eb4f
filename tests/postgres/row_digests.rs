//! Backups whose tables were added up by SHA-256: those with records of the first form, which stay as good as they were.
//! And a database that is backed up beside a folder.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use lifeboat::clock::Clock as _;
use lifeboat::content::postgres::{Connector, Postgres};
use lifeboat::domain::address::Address;
use lifeboat::domain::backup::{BackupId, Manifest};
use lifeboat::domain::environment::Role;
use lifeboat::domain::settings::{ContentSettings, Hooks, InstanceSettings};
use lifeboat::repository::{FrozenSources, Key, Repository, Source, Storage};
use lifeboat::watch::Unwatched;
use sha2::{Digest, Sha256};

use crate::house::{House, back_up, backups, failed, plan, restore, start_restore};

/// The sum over the SHA-256 of every row in binary COPY form, as four numbers, as Lifeboat first wrote it down.
fn first_sum(house: &House, table: &str) -> String {
    use std::io::Read as _;
    let mut stream = Vec::new();
    house
        .client("author")
        .copy_out(&format!("COPY public.\"{table}\" TO STDOUT (FORMAT binary)"))
        .unwrap()
        .read_to_end(&mut stream)
        .unwrap();
    let number = |at: usize, length: usize| {
        stream[at..at + length]
            .iter()
            .fold(0_i64, |sum, byte| sum << 8 | i64::from(*byte))
    };
    let mut sum = [0_u64; 4];
    let mut at = 19;
    while number(at, 2) != 0xffff {
        let begin = at;
        let fields = number(at, 2);
        at += 2;
        for _ in 0..fields {
            let length = number(at, 4);
            at += 4 + if length == 0xffff_ffff {
                0
            } else {
                usize::try_from(length).unwrap()
            };
        }
        let digest = Sha256::digest(&stream[begin..at]);
        for (lane, bytes) in sum.iter_mut().zip(digest.chunks(8)) {
            *lane = lane.wrapping_add(u64::from_le_bytes(bytes.try_into().unwrap()));
        }
    }
    sum.map(|lane| format!("{lane:016x}")).concat()
}

/// Makes a backup with a record of the first form: rows are added up as then. `change` gets to see the sums, and what else
/// is in the record is as in `like`.
fn back_up_in_the_first_form(house: &House, like: &Manifest, change: &dyn Fn(&mut String)) -> BackupId {
    let settings = house.engine_settings();
    let repository = settings.repository.unwrap();
    let Address::Folder(root) = repository.root else {
        panic!()
    };
    let key = Key::read(&repository.key, Path::new("/"), &|_| None).unwrap();
    let repository = Repository::open(Storage::from(&root.join("acme/live")), &key).unwrap();
    let ContentSettings::Postgres(database) = &settings.environments[0].instances[0].content else {
        panic!()
    };
    let content = Postgres::new(Connector::new(database, "/".into(), Arc::new(|_| None)));
    let source = Source {
        name: "author".parse().unwrap(),
        role: Role::Author,
        content: Arc::new(content),
    };
    let still = FrozenSources::take(&[source], &*house.clock).unwrap();
    let copy = repository.copy(still, None, &Unwatched).unwrap();
    repository.read_back(&copy, &Unwatched).unwrap();
    let mut instances = copy.instances.clone();
    for table in &mut instances[0].tables {
        table.digest = first_sum(house, &table.name);
        change(&mut table.digest);
    }
    let manifest = Manifest {
        format: 1,
        taken: house.clock.now(),
        added_bytes: copy.added_bytes,
        read_since: None,
        ran: None,
        came_from: None,
        earlier: Vec::new(),
        instances,
        ..like.clone()
    };
    repository.record(copy, &manifest).unwrap()
}

#[test]
fn it_comes_back_and_is_compared_by_the_sums_it_was_made_with() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let like = backups(&engine).remove(0).manifest;
    drop(engine);
    let original = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    let backup = back_up_in_the_first_form(&house, &like, &|_| {});
    house.pass(chrono::Duration::minutes(1));
    let another = back_up_in_the_first_form(&house, &like, &|sum| {
        let last = if sum.ends_with('0') { "1" } else { "0" };
        sum.replace_range(63.., last);
    });

    house
        .client("author")
        .batch_execute("DELETE FROM pm_website_bundle WHERE node_id_hi <= 20; TRUNCATE pm_dam_bundle")
        .unwrap();
    let damaged = house.rows("author", "public");
    let engine = house.engine();
    house.pass(chrono::Duration::minutes(1));
    let why = failed(&engine, start_restore(&engine, &another.0, &[]));
    assert!(why.contains("is not what the backup holds"), "{why}");
    assert_eq!(house.rows("author", "public"), damaged);

    house.pass(chrono::Duration::minutes(1));
    let (added, changed, removed) = plan(&engine, &backup.0, &[]).totals();
    assert_eq!((added, changed, removed), (320, 0, 0));
    restore(&engine, &backup.0, &[]);
    assert_eq!(house.rows("author", "public"), original);
}

#[test]
fn a_change_inside_a_row_of_a_database_beside_a_folder_is_kept_and_comes_back() {
    let house = House::new();
    let folder = house.path("shop");
    fs::create_dir_all(folder.join("website")).unwrap();
    fs::write(folder.join("website/home.xml"), "home").unwrap();
    let mut settings = house.engine_settings();
    settings.environments[0].instances.push(InstanceSettings {
        name: "shop".parse().unwrap(),
        role: Role::Public,
        content: ContentSettings::Files { path: folder },
        health: None,
        hooks: Hooks::default(),
        nodes: Vec::new(),
    });
    let engine = house.engine_with(settings);
    back_up(&engine);
    // Nothing but what is in a row tells one state from the other.
    let mut client = house.client("author");
    let change = "UPDATE pm_website_bundle SET bundle_data = overlay(bundle_data PLACING $1::bytea FROM 1 FOR 1) \
                  WHERE node_id_hi = 7";
    client.execute(change, &[&&b"x"[..]]).unwrap();
    let original = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    let backup = back_up(&engine);

    client.execute(change, &[&&b"y"[..]]).unwrap();
    house.pass(chrono::Duration::minutes(1));
    assert_eq!(plan(&engine, &backup.0, &[]).totals(), (0, 1, 0));
    restore(&engine, &backup.0, &[]);
    assert_eq!(house.rows("author", "public"), original);
}
