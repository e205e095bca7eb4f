//! Lifeboat is killed (`kill -9`) with its content in databases: at random instants, at each step of a restore, and
//! between the switches of two instances. Live is old or new afterwards, and everywhere the same.
//!
//! `LIFEBOAT_CRASH_ROUNDS` sets the number of random rounds (6), `LIFEBOAT_CRASH_SEED` the instants.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::gate::{Gate, wait_for};
use crate::house::House;
use crate::scene::{INSTANCES, LIVE, RESTORE, Scene, told};

#[test]
fn where_few_files_may_be_open_it_is_said_in_a_sentence() {
    let scene = Scene::set();
    scene.run(&["backup", LIVE]);
    let before = scene.live();
    for files in 14..36 {
        let mut limited = Command::new("sh");
        let script = format!("ulimit -n {files}; exec \"$@\"");
        limited.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_lifeboat")]);
        limited
            .arg("--config")
            .arg(&scene.config)
            .args(["plan", LIVE, "manual"]);
        let output = limited.stdin(Stdio::null()).output().unwrap();
        let told = told(&output);
        assert!(output.status.code().is_some(), "{files}: {told}");
        assert!(!told.contains("panicked"), "{files}: {told}");
    }
    assert_eq!(scene.live(), before);
}

#[test]
fn at_every_step_of_a_restore_live_is_old_or_new_in_all_instances() {
    let mut scene = Scene::set();
    scene.run(&["backup", LIVE]);
    let good = scene.live();
    // The first three leave Live as it was; from the moment that the switch begins it is finished.
    let steps = [
        ("author", "CREATE SCHEMA", "lifeboat_old%", false),
        ("public-1", "CREATE TABLE", "lifeboat_new%pm_dam_bundle", false),
        ("public-1", "ALTER TABLE", "lifeboat_new%pm_website_names", false),
        ("author", "ALTER TABLE", "public.pm_dam_bundle", true),
        ("public-1", "ALTER TABLE", "lifeboat_old%pm_dam_bundle", true),
        ("public-1", "COMMENT", "lifeboat_old%", false),
        ("author", "DROP SCHEMA", "", true),
    ];
    for (database, tag, pattern, is_new) in steps {
        scene.edit();
        let bad = scene.live();
        let place = format!("{tag} {pattern} in {database}");
        let gate = Gate::at(&scene.house, database, tag, pattern);
        scene.killed_at(gate, &RESTORE);
        scene.is_settled(&place);
        let expected = if is_new { &good } else { &bad };
        assert_eq!(&scene.live(), expected, "{place}");
        assert_eq!(scene.left_over(), Vec::<String>::new(), "{place}");
        if is_new {
            scene.run(&["undo", LIVE, "--confirm", LIVE]);
            assert_eq!(scene.live(), bad, "{place}");
        }
    }
    scene.run(&RESTORE);
    assert_eq!(scene.live(), good);
    scene.run(&["verify", LIVE]);
}

#[test]
fn half_switched_is_critical_until_every_database_is_back_and_is_then_finished() {
    let mut scene = Scene::set();
    scene.run(&["backup", LIVE]);
    let good = scene.live();
    scene.edit();
    let bad = scene.live();
    let gate = Gate::after(&scene.house, "public-1", "ALTER TABLE", "public.pm_dam_bundle");
    scene.killed_at(gate, &RESTORE);
    // Nothing of Live can be read while its tables are locked, so what it holds is looked at only now.
    assert_eq!(
        scene.live(),
        [good[0].clone(), bad[1].clone()],
        "half switched, really"
    );

    let mut client = scene.house.client("postgres");
    client
        .batch_execute("ALTER DATABASE \"public-1\" ALLOW_CONNECTIONS false")
        .unwrap();
    wait_for(|| {
        let others = client
            .query_opt("SELECT 1 FROM pg_stat_activity WHERE datname = 'public-1'", &[])
            .unwrap();
        others.is_none().then_some(())
    });
    let trouble = scene.environment()["trouble"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(
        trouble.contains("half switched") && trouble.contains("do not edit"),
        "{trouble}"
    );
    for arguments in [
        &["backup", LIVE][..],
        &RESTORE,
        &["undo", LIVE, "--confirm", LIVE],
    ] {
        let output = scene.command(arguments).output().unwrap();
        assert!(!output.status.success(), "{}", told(&output));
        assert!(told(&output).contains("half switched"), "{}", told(&output));
    }
    let activity = String::from_utf8(scene.run(&["activity", "--json"]).stdout).unwrap();
    assert!(
        activity.contains("half switched") && activity.contains("critical"),
        "{activity}"
    );

    client
        .batch_execute("ALTER DATABASE \"public-1\" ALLOW_CONNECTIONS true")
        .unwrap();
    scene.is_settled("when it is back");
    assert_eq!(scene.live(), good);
    assert_eq!(scene.left_over(), Vec::<String>::new());
    scene.run(&["undo", LIVE, "--confirm", LIVE]);
    assert_eq!(scene.live(), bad);
}

#[test]
fn a_database_that_is_away_keeps_the_others_from_being_switched_alone() {
    let mut scene = Scene::set();
    scene.run(&["backup", LIVE]);
    let good = scene.live();
    scene.edit();
    let bad = scene.live();
    let gate = Gate::after(&scene.house, "author", "ALTER TABLE", "public.pm_dam_bundle");
    scene.killed_at(gate, &RESTORE);
    let mut client = scene.house.client("postgres");
    client
        .batch_execute("ALTER DATABASE \"public-1\" ALLOW_CONNECTIONS false")
        .unwrap();
    let trouble = scene.environment()["trouble"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    assert!(trouble.contains("half switched"), "{trouble}");
    assert_eq!(
        scene.house.rows("author", "public"),
        bad[0],
        "the author waits for the other"
    );
    client
        .batch_execute("ALTER DATABASE \"public-1\" ALLOW_CONNECTIONS true")
        .unwrap();
    scene.is_settled("when it is back");
    assert_eq!(scene.live(), good);
}

/// Brings what a restore has staged in a database into Live by hand, and takes the comments of its schemas away.
fn finish_by_hand(house: &House, database: &str) {
    let mut client = house.client(database);
    let schemas = house.left(database);
    let named = |beginning: &str| {
        schemas
            .iter()
            .find(|schema| schema.starts_with(beginning))
            .unwrap()
    };
    let (fresh, replaced) = (named("lifeboat_new"), named("lifeboat_old"));
    let tables = client
        .query(
            "SELECT tablename::text FROM pg_tables WHERE schemaname = $1",
            &[fresh],
        )
        .unwrap();
    for table in tables {
        let table: String = table.get(0);
        client
            .batch_execute(&format!(
                "ALTER TABLE public.{table} SET SCHEMA {replaced}; ALTER TABLE {fresh}.{table} SET SCHEMA public"
            ))
            .unwrap();
    }
    client
        .batch_execute(&format!(
            "COMMENT ON SCHEMA {fresh} IS NULL; COMMENT ON SCHEMA {replaced} IS NULL"
        ))
        .unwrap();
}

#[test]
fn half_switched_is_critical_although_the_whole_state_folder_is_lost() {
    let mut scene = Scene::set();
    scene.run(&["backup", LIVE]);
    let good = scene.live();
    scene.edit();
    let gate = Gate::after(&scene.house, "public-1", "ALTER TABLE", "public.pm_dam_bundle");
    scene.killed_at(gate, &RESTORE);
    let half = scene.live();
    assert_eq!(half[0], good[0], "half switched, really");
    assert_ne!(half[1], good[1], "half switched, really");
    let left = INSTANCES.map(|name| scene.house.left(name));
    fs::remove_dir_all(scene.house.path("state")).unwrap();

    // Nobody remembers the job: the databases themselves know.
    for _ in 0..2 {
        let trouble = scene.environment()["trouble"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        for says in [
            "half switched",
            "database of author has what came",
            "that of public-1 not",
            "COMMENT ON SCHEMA",
        ] {
            assert!(trouble.contains(says), "{says:?} in {trouble}");
        }
    }
    for arguments in [
        &["backup", LIVE][..],
        &RESTORE,
        &["undo", LIVE, "--confirm", LIVE],
        &["confirm", LIVE],
        &["delete", LIVE, "safety", "--yes"],
        &["check", LIVE],
    ] {
        let output = scene.command(arguments).output().unwrap();
        assert!(!output.status.success(), "{}", told(&output));
        let words: Vec<_> = told(&output).split_whitespace().map(str::to_owned).collect();
        assert!(words.join(" ").contains("half switched"), "{}", told(&output));
    }
    let activity = String::from_utf8(scene.run(&["activity", "--json"]).stdout).unwrap();
    assert!(
        activity.contains("half switched") && activity.contains("critical"),
        "{activity}"
    );
    assert_eq!(scene.live(), half);
    assert_eq!(INSTANCES.map(|name| scene.house.left(name)), left);

    // As it says.
    finish_by_hand(&scene.house, "public-1");
    assert_eq!(scene.live(), good);
    scene.run(&["backup", LIVE]);
    scene.is_settled("when Live is whole");
}

/// A small generator of instants, so that a failing round can be played again.
fn below(seed: &mut u64, limit: u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % limit.max(1)
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

#[test]
fn at_random_instants_live_is_old_or_new_in_all_instances() {
    let rounds = setting("LIFEBOAT_CRASH_ROUNDS", 6);
    let seed = setting("LIFEBOAT_CRASH_SEED", 1);
    let mut random = seed;
    let mut scene = Scene::set();
    scene.run(&["backup", LIVE]);
    let good = scene.live();
    scene.edit();
    let began = Instant::now();
    scene.run(&RESTORE);
    let takes = u64::try_from(began.elapsed().as_millis()).unwrap();
    assert_eq!(scene.live(), good);
    let (mut old, mut new) = (0, 0);
    for round in 1..=rounds {
        scene.edit();
        let bad = scene.live();
        let instant = below(&mut random, takes + takes / 20);
        let place = format!("round {round} of seed {seed}: killed after {instant} ms of {takes}");
        let mut child = scene.start(&RESTORE);
        // The instant is what the test is about; nothing is waited for.
        std::thread::sleep(Duration::from_millis(instant));
        child.kill().unwrap();
        child.wait().unwrap();
        scene.is_settled(&place);
        let live = scene.live();
        assert!(
            live == good || live == bad,
            "{place}: Live is neither old nor new"
        );
        assert_eq!(scene.left_over(), Vec::<String>::new(), "{place}");
        if live == good {
            new += 1;
        } else {
            old += 1;
        }
    }
    scene.run(&RESTORE);
    assert_eq!(scene.live(), good);
    println!("{rounds} rounds of seed {seed}: {old} times the old content, {new} times the new");
}

#[test]
fn a_backup_that_is_killed_leaves_nothing_that_is_seen_and_the_next_one_works() {
    let scene = Scene::set();
    scene.run(&["backup", LIVE]);
    let repository = scene.house.path("repository").join(LIVE);
    let packs = || {
        let folders = fs::read_dir(repository.join("data")).unwrap();
        let files = folders.filter_map(|folder| fs::read_dir(folder.unwrap().path()).ok());
        files.map(Iterator::count).sum::<usize>()
    };
    let backups =
        || -> Value { serde_json::from_slice(&scene.run(&["backups", LIVE, "--json"]).stdout).unwrap() };
    let check = |arguments: &[&str]| {
        let mut restic = Command::new("restic");
        restic.arg("-r").arg(&repository).arg("--no-cache");
        restic
            .arg("--password-file")
            .arg(scene.house.path("key"))
            .arg("check");
        let output = restic.args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
    };
    let first = backups()["backups"].clone();
    assert_eq!(first.as_array().map(Vec::len), Some(1));
    for round in 0..2 {
        // Bytes that no compression makes smaller, and more of them than go into one pack.
        scene
            .house
            .client(INSTANCES[round % 2])
            .batch_execute(&format!(
                "CREATE EXTENSION IF NOT EXISTS pgcrypto; \
                 INSERT INTO pm_dam_bundle SELECT n, n, gen_random_bytes(1024) || gen_random_bytes(1024) \
                 || gen_random_bytes(1024) || gen_random_bytes(1024) FROM generate_series({0}, {0} + 6143) n",
                (round + 1) * 100_000
            ))
            .unwrap();
        let before = packs();
        let mut child = scene.start(&["backup", LIVE]);
        wait_for(|| (packs() > before).then_some(()));
        child.kill().unwrap();
        let ended = child.wait().unwrap();
        assert_eq!(ended.code(), None, "it was in the middle");
        scene.is_settled("after the kill");
        assert_eq!(backups()["backups"], first, "round {round}");
        check(&["--no-lock"]);
    }
    scene.run(&["backup", LIVE]);
    let live = scene.live();
    for name in INSTANCES {
        scene
            .house
            .client(name)
            .batch_execute("TRUNCATE pm_dam_bundle")
            .unwrap();
    }
    scene.run(&RESTORE);
    assert_eq!(scene.live(), live);
    scene.run(&["verify", LIVE]);
    check(&["--read-data"]);
}

#[test]
fn a_drill_that_is_killed_is_cleared_away_at_the_next_start() {
    let mut scene = Scene::set();
    scene.run(&["backup", LIVE]);
    scene.edit();
    let live = scene.live();
    let mut gate = Gate::after(
        &scene.house,
        "public-1",
        "CREATE TABLE",
        "lifeboat_drill%.pm_dam_bundle",
    );
    let mut drill = scene.start(&["drill", LIVE]);
    gate.wait();
    drill.kill().unwrap();
    drill.wait().unwrap();
    let left = INSTANCES.map(|name| scene.house.left(name).len());
    assert_eq!(left, [1, 1], "it was in the middle");
    gate.open();
    let scratch = scene.house.path("state/scratch");
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 1);
    // Any start clears it away.
    let environment = scene.environment();
    assert!(environment["last_drill"].is_null(), "{environment}");
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
    for name in INSTANCES {
        assert_eq!(scene.house.left(name), Vec::<String>::new());
    }
    assert_eq!(scene.live(), live);
    scene.run(&["drill", LIVE]);
    assert_eq!(scene.environment()["last_proven"]["outcome"], "proven");
    assert_eq!(scene.live(), live);
}
