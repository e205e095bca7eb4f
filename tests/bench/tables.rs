//! Makes tables as Jackrabbit makes them for the workspaces of a site, the same ones every time, and changes some of
//! their rows.

use std::io::Write;
use std::path::Path;
use std::thread;

use lifeboat::demo::cluster::{Cluster, SUPERUSER};
use postgres::{Client, NoTls};

use crate::language::Language;
use crate::noise::{self, Noise};

/// What the tables of each workspace begin with, and how many hundredths of all bytes its bundles have.
pub const TABLES: [(&str, u64); 8] = [
    ("pm_website_", 45),
    ("pm_dam_", 30),
    ("version_", 12),
    ("pm_contacts_", 5),
    ("pm_category_", 3),
    ("pm_config_", 3),
    ("pm_users_", 1),
    ("pm_userroles_", 1),
];

const HEADER: [u8; 19] = *b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

pub fn client(cluster: &Cluster, database: &str) -> Client {
    Client::connect(&cluster.connect(database, SUPERUSER), NoTls).unwrap()
}

/// Makes a database with about so many bytes in all.
pub fn make(cluster: &Cluster, database: &str, bytes: u64) {
    client(cluster, "postgres")
        .batch_execute(&format!("CREATE DATABASE {database}"))
        .unwrap();
    let mut definer = client(cluster, database);
    for (prefix, _) in TABLES {
        definer.batch_execute(&definition(prefix)).unwrap();
    }
    let language = &Language::new();
    thread::scope(|scope| {
        for (number, (prefix, share)) in (1..).zip(TABLES) {
            scope.spawn(move || {
                let mut client = client(cluster, database);
                let mut noise = Noise(0x2545_f491_4f6c_dd1d ^ (number << 40));
                fill(
                    &mut client,
                    &format!("{prefix}bundle"),
                    language,
                    &mut noise,
                    bytes * share / 100,
                    0,
                );
                // One node in some is referred to: that is about a hundredth of the bytes.
                fill(
                    &mut client,
                    &format!("{prefix}refs"),
                    language,
                    &mut noise,
                    bytes * share / 10_000,
                    60,
                );
            });
        }
    });
    definer.batch_execute("VACUUM ANALYZE").unwrap();
}

fn definition(prefix: &str) -> String {
    format!(
        "CREATE TABLE {prefix}bundle (node_id_hi bigint NOT NULL, node_id_lo bigint NOT NULL, bundle_data bytea NOT NULL, \
         CONSTRAINT {prefix}bundle_pkey PRIMARY KEY (node_id_hi, node_id_lo));
         CREATE TABLE {prefix}refs (node_id_hi bigint NOT NULL, node_id_lo bigint NOT NULL, refs_data bytea NOT NULL, \
         CONSTRAINT {prefix}refs_pkey PRIMARY KEY (node_id_hi, node_id_lo));
         CREATE TABLE {prefix}binval (binval_id varchar(64) NOT NULL, binval_data bytea NOT NULL);
         CREATE UNIQUE INDEX {prefix}binval_idx ON {prefix}binval (binval_id);
         CREATE TABLE {prefix}names (id serial, name varchar(255) NOT NULL, \
         CONSTRAINT {prefix}names_pkey PRIMARY KEY (id));
         INSERT INTO {prefix}names (name) SELECT 'property-' || n FROM generate_series(1, 300) n"
    )
}

/// Puts rows into a table until they have so many bytes: with random ids, so that they stand in another order than that
/// of their ids. `size`: of each; 0 for those of bundles.
fn fill(client: &mut Client, table: &str, language: &Language, noise: &mut Noise, bytes: u64, size: u64) {
    let mut rows = client
        .copy_in(&format!("COPY {table} FROM STDIN (FORMAT binary)"))
        .unwrap();
    rows.write_all(&HEADER).unwrap();
    let mut written = 0;
    while written < bytes {
        let size = if size == 0 { size_of_bundle(noise) } else { size };
        let mut row = Vec::with_capacity(64 + usize::try_from(size).unwrap());
        row.extend(3_i16.to_be_bytes());
        for _ in 0..2 {
            row.extend(8_i32.to_be_bytes());
            row.extend(noise.next().to_be_bytes());
        }
        let data = data(language, noise, usize::try_from(size).unwrap());
        row.extend(i32::try_from(data.len()).unwrap().to_be_bytes());
        row.extend(data);
        rows.write_all(&row).unwrap();
        written += row.len() as u64;
    }
    rows.write_all(&[0xff, 0xff]).unwrap();
    rows.finish().unwrap();
}

/// Most bundles are small.
fn size_of_bundle(noise: &mut Noise) -> u64 {
    match noise.below(100) {
        0..90 => 500 + noise.below(2_500),
        90..98 => 3_000 + noise.below(5_000),
        _ => 8_000 + noise.below(12_000),
    }
}

/// Half of it is text, and half is what nothing makes smaller: ids, numbers, and small pictures.
fn data(language: &Language, noise: &mut Noise, size: usize) -> Vec<u8> {
    let mut data = language.text(noise, size / 2);
    data.extend(noise::binary(noise, size - size / 2));
    data
}

/// Changes one row in a hundred, anywhere.
pub fn change_anywhere(cluster: &Cluster, database: &str) {
    for (prefix, _) in TABLES {
        change(cluster, database, prefix, "mod(node_id_lo, 100) = 7");
    }
}

/// Changes a hundredth of all rows, which stand side by side in the largest table.
pub fn change_in_one_place(cluster: &Cluster, database: &str) {
    let (prefix, share) = TABLES[0];
    let blocks: i64 = client(cluster, database)
        .query_one(
            "SELECT pg_relation_size($1::text::regclass) / 8192",
            &[&format!("{prefix}bundle")],
        )
        .unwrap()
        .get(0);
    let (first, count) = (blocks / 3, blocks / i64::try_from(share).unwrap());
    let end = first + count;
    change(
        cluster,
        database,
        prefix,
        &format!("ctid >= '({first},0)' AND ctid < '({end},0)'"),
    );
}

/// An editor's change: some bytes in the middle of a bundle are others. What was there before is cleared away, as the
/// server does it by itself after a while.
fn change(cluster: &Cluster, database: &str, prefix: &str, which: &str) {
    let mut client = client(cluster, database);
    client
        .batch_execute(&format!(
            "UPDATE {prefix}bundle SET bundle_data = overlay(bundle_data \
             PLACING decode(md5(random()::text) || md5(random()::text), 'hex') FROM length(bundle_data) / 3) WHERE {which}"
        ))
        .unwrap();
    client.batch_execute(&format!("VACUUM {prefix}bundle")).unwrap();
}

/// The server's process.
pub fn server(cluster: &Cluster) -> String {
    let file = cluster.data().join("postmaster.pid");
    let text = std::fs::read_to_string(Path::new(&file)).unwrap();
    text.lines().next().unwrap().to_owned()
}
