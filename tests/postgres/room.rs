//! Disks that are full: the database's while a restore stages, and the repository's while a backup is written.
//!
//! Both are small file systems in memory, which only root may mount; without it the tests say so and try nothing.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::house::{House, back_up, backups, failed, restore, start_backup, start_restore};

/// A mounted file system. It is unmounted when this is dropped.
pub struct Disk(PathBuf);

impl Disk {
    pub fn mount(place: &Path, size: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("only root may mount a small disk: this test is left out");
            return None;
        }
        fs::create_dir_all(place).unwrap();
        let mounted = run(
            "mount",
            &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"],
            place,
        );
        if let Err(why) = mounted {
            println!("no small disk can be mounted here ({why}): this test is left out");
            return None;
        }
        Some(Self(place.to_owned()))
    }

    pub fn resize(&self, size: &str) {
        run("mount", &["-o", &format!("remount,size={size}")], &self.0).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // What still has files open on it goes with its last user.
        let _ = run("umount", &["--lazy"], &self.0);
    }
}

fn run(program: &str, arguments: &[&str], place: &Path) -> Result<(), String> {
    let output = Command::new(program).args(arguments).arg(place).output();
    let output = output.map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

/// Bytes that no compression makes smaller.
const LARGE: &str = "CREATE EXTENSION IF NOT EXISTS pgcrypto; INSERT INTO pm_dam_bundle \
     SELECT n, n, gen_random_bytes(1000) || gen_random_bytes(1000) FROM generate_series(1001, 5000) n";

#[test]
fn a_full_disk_of_the_database_stops_the_restore_before_it_touches_live() {
    let mut house = House::new();
    // One table after the other: else one of them may be made while the room ends under another.
    house.settle = Box::new(|_, database| database.connections = 1);
    let place = house.cluster.socket().join("small");
    let Some(disk) = Disk::mount(&place, "200m") else {
        return;
    };
    let owner = fs::metadata(house.cluster.data()).unwrap();
    chown(&place, Some(owner.uid()), Some(owner.gid())).unwrap();
    let mut client = house.client("author");
    client.batch_execute(LARGE).unwrap();
    client
        .batch_execute(&format!("CREATE TABLESPACE small LOCATION '{}'", place.display()))
        .unwrap();
    client
        .batch_execute("ALTER TABLE pm_dam_bundle SET TABLESPACE small")
        .unwrap();
    let engine = house.engine();
    let good = house.rows("author", "public");
    let backup = back_up(&engine);
    client
        .batch_execute("DELETE FROM pm_dam_bundle WHERE node_id_hi > 1500")
        .unwrap();
    client.batch_execute("VACUUM FULL pm_dam_bundle").unwrap();
    client.batch_execute("CHECKPOINT").unwrap();
    // Room for what is live, and for half of what comes.
    disk.resize("6m");
    let bad = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    let why = failed(&engine, start_restore(&engine, &backup.0, &[]));
    assert!(
        why.contains("loading the table pm_dam_bundle") && why.contains("the database's disk is full"),
        "{why}"
    );
    assert_eq!(house.rows("author", "public"), bad);
    assert_eq!(house.left("author"), Vec::<String>::new());

    disk.resize("200m");
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &[]);
    assert_eq!(house.rows("author", "public"), good);
    drop(client);
    house.cluster.kill().unwrap();
}

#[test]
fn a_full_disk_of_the_repository_fails_the_job_and_keeps_what_is_there() {
    let house = House::new();
    let Some(disk) = Disk::mount(&house.path("repository"), "6m") else {
        return;
    };
    let engine = house.engine();
    let good = house.rows("author", "public");
    let first = back_up(&engine);
    let mut client = house.client("author");
    client.batch_execute(LARGE).unwrap();
    let bad = house.rows("author", "public");
    house.pass(chrono::Duration::minutes(1));
    let why = failed(&engine, start_backup(&engine));
    assert!(why.contains("no room left"), "{why}");
    let known = backups(&engine);
    assert_eq!(
        known.iter().map(|backup| &backup.id).collect::<Vec<_>>(),
        [&first]
    );
    // The safety backup does not fit either, and without it Live is not touched.
    house.pass(chrono::Duration::minutes(1));
    let why = failed(&engine, start_restore(&engine, &first.0, &[]));
    assert!(
        why.contains("safety backup") && why.contains("no room left"),
        "{why}"
    );
    assert_eq!(house.rows("author", "public"), bad);
    assert_eq!(house.left("author"), Vec::<String>::new());

    disk.resize("200m");
    house.pass(chrono::Duration::minutes(1));
    restore(&engine, &first.0, &[]);
    assert_eq!(house.rows("author", "public"), good);
}
