//! Backups whose records are of the first form, in which tables were added up by SHA-256: they stay as good as they were.

use std::path::Path;
use std::sync::Arc;

use lifeboat::domain::address::Address;
use lifeboat::domain::backup::{BackupId, Manifest, Trigger};
use lifeboat::domain::environment::Role;
use lifeboat::domain::settings::ContentSettings;
use lifeboat::domain::slot::Slot;
use lifeboat::domain::version::{MagnoliaVersion, ReleaseVersion, Versions};
use lifeboat::engine::clock::Clock as _;
use lifeboat::engine::content::postgres::{Connector, Postgres};
use lifeboat::engine::repository::{Key, Repository, Source, Still, Storage};
use lifeboat::engine::watch::Unwatched;
use sha2::{Digest, Sha256};

use crate::house::{House, back_up, failed, restore, start_restore};

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

/// Makes a backup as the first form had it, with the sums that `change` gets to see.
fn back_up_in_the_first_form(house: &House, change: &dyn Fn(&mut String)) -> BackupId {
    let settings = house.engine_settings();
    let repository = settings.repository.unwrap();
    let Address::Folder(root) = repository.root else {
        panic!()
    };
    let key = Key::read(&repository.key, Path::new("/"), &|_| None).unwrap();
    let repository = Repository::open(&Storage::from(&root.join("acme/live")), &key).unwrap();
    let ContentSettings::Postgres(database) = &settings.environments[0].instances[0].content else {
        panic!()
    };
    let content = Postgres::new(Connector::new(database, "/".into(), Arc::new(|_| None)));
    let source = Source {
        name: "author".parse().unwrap(),
        role: Role::Author,
        content: Arc::new(content),
    };
    let still = Still::take(&[source], &*house.clock).unwrap();
    let copy = repository.copy(still, None, &Unwatched).unwrap();
    repository.read_back(&copy, &Unwatched).unwrap();
    let mut instances = copy.instances.clone();
    for table in &mut instances[0].tables {
        table.digest = first_sum(house, &table.name);
        change(&mut table.digest);
    }
    let manifest = Manifest {
        format: 1,
        environment: House::live(),
        taken: house.clock.now(),
        copy_millis: copy.copy_millis,
        verify_millis: 0,
        trigger: Trigger::Person,
        by: "maria".to_owned(),
        note: None,
        versions: Versions {
            release: ReleaseVersion("v12".to_owned()),
            magnolia: MagnoliaVersion("6.3.4".to_owned()),
        },
        slots: vec![Slot::Manual],
        serves: Vec::new(),
        expires: None,
        replaced: None,
        added_bytes: copy.added_bytes,
        instances,
    };
    repository.record(copy, &manifest).unwrap()
}

#[test]
fn it_comes_back_and_is_compared_by_the_sums_it_was_made_with() {
    let house = House::new();
    // Makes the repository.
    back_up(&house.engine());
    let original = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    let backup = back_up_in_the_first_form(&house, &|_| {});
    house.pass(chrono::Duration::minutes(1));
    let another = back_up_in_the_first_form(&house, &|sum| {
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
    restore(&engine, &backup.0, &[]);
    assert_eq!(house.rows("author", "public"), original);
}
