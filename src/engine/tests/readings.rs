//! What is read back when: what was written, at once; everything else when its turn comes; and what is not what it was
//! at the next backup, by its length.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use chrono::Duration;

use super::house::{House, OfHouse, back_up, backups, done, ended, looked, manual};
use crate::clock::Clock;
use crate::domain::Instant;
use crate::domain::backup::Verification;
use crate::domain::job::{Job, JobKind, JobState};
use crate::domain::proof::Every;
use crate::domain::request::BackupRequest;
use crate::domain::version::MagnoliaVersion;
use crate::engine::{Engine, details};

/// Verified by schedule once a week, and nothing else by itself.
fn weekly() -> House {
    let mut house = House::new();
    house.verify.every = Every::days(7);
    house.schedule.enabled = false;
    // So much that its pack is known by its size.
    let mut number = 1_u64;
    let large: Vec<_> = (0..10_000)
        .map(|_| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            number.to_string()
        })
        .collect();
    house.write("author", "dam/large.txt", &large.join(" "));
    house
}

/// The pack that content was written to last: it is larger than those with folders.
fn content_pack(house: &House) -> PathBuf {
    let mut packs = Vec::new();
    let mut folders = vec![house.path("repository/acme/live/data")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            let about = entry.metadata().unwrap();
            if about.is_dir() {
                folders.push(entry.path());
            } else if about.len() > 50_000 {
                packs.push((about.modified().unwrap(), entry.path()));
            }
        }
    }
    packs.into_iter().max().unwrap().1
}

fn change(pack: &PathBuf, how: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(pack).unwrap();
    how(&mut bytes);
    fs::set_permissions(pack, PermissionsExt::from_mode(0o600)).unwrap();
    fs::write(pack, bytes).unwrap();
}

/// Turns a bit of content.
fn rot(house: &House) -> PathBuf {
    let pack = content_pack(house);
    change(&pack, |bytes| bytes[20] ^= 1);
    pack
}

/// A backup that stands beside the manual ones.
fn upgrade(engine: &Engine) -> Job {
    let request = BackupRequest {
        environment: House::live(),
        note: None,
        upgrade_to: Some(MagnoliaVersion("6.4".to_owned())),
    };
    let job = engine.of_house().start_backup(&request).unwrap();
    done(engine, job)
}

fn log(engine: &Engine, job: &Job) -> String {
    let lines = engine.catalog().log_after(job.id, 0).unwrap();
    let lines = lines.into_iter().map(|line| line.text);
    lines.collect::<Vec<_>>().join("\n")
}

fn verify(engine: &Engine) -> Job {
    let job = engine.of_house().start_verify(None);
    ended(engine, job.unwrap())
}

fn read_at(engine: &Engine) -> Vec<Instant> {
    let at = backups(engine)
        .into_iter()
        .map(|backup| match backup.verification {
            Verification::Verified { at } => at,
            other => panic!("{other:?}"),
        });
    at.collect()
}

const DAMAGED: &str = "the repository is damaged";

#[test]
fn what_an_unchanged_backup_shares_with_an_earlier_one_is_not_read_again() {
    let house = weekly();
    let engine = house.engine();
    back_up(&engine);
    let first = read_at(&engine)[0];
    house.pass(Duration::days(1));
    // Nobody reads it: so nobody can know.
    rot(&house);
    let job = upgrade(&engine);
    assert!(!log(&engine, &job).contains(DAMAGED));
    let found = backups(&engine);
    let since = found[0].manifest.read_since.unwrap();
    assert!(since <= first && since > first - Duration::minutes(1), "{since}");
    assert_eq!(read_at(&engine)[0], since, "it counts from the oldest reading");
    // What is written is read at once, and says nothing of what is shared.
    house.write("author", "website/new.xml", "new");
    house.pass(Duration::days(1));
    back_up(&engine);
    assert_eq!(backups(&engine)[0].manifest.read_since, Some(since));
}

#[test]
pub(super) fn bits_that_rot_are_found_when_their_turn_comes_and_damage_every_backup_that_needs_them() {
    let house = weekly();
    let engine = house.engine();
    back_up(&engine);
    house.pass(Duration::minutes(5));
    upgrade(&engine);
    let pack = rot(&house);
    let turn = details(&engine, &House::live()).unwrap().next_verify.unwrap();
    house.clock.set(turn - Duration::minutes(1));
    assert!(looked(&engine).is_empty());
    house.clock.set(turn + Duration::minutes(1));
    let jobs = looked(&engine);
    let [job] = &jobs[..] else { panic!("{jobs:?}") };
    let JobState::Failed { why } = &job.state else {
        panic!("{job:?}")
    };
    assert!(why.contains(pack.file_name().unwrap().to_str().unwrap()), "{why}");
    for backup in backups(&engine) {
        assert!(
            matches!(backup.verification, Verification::Damaged { .. }),
            "{backup:?}"
        );
    }
    // The next backup knows that it was not read, and stores it anew.
    house.pass(Duration::minutes(5));
    let healed = back_up(&engine);
    let healed = backups(&engine)
        .into_iter()
        .find(|backup| backup.id == healed)
        .unwrap();
    assert!(healed.is_good());
    assert_eq!(verify(&engine).state, JobState::Done);
}

#[test]
fn a_pack_that_is_gone_or_cut_off_or_longer_is_found_by_the_next_backup() {
    let harms: [&dyn Fn(&PathBuf); 3] = [
        &|pack| fs::remove_file(pack).unwrap(),
        &|pack| change(pack, |bytes| bytes.truncate(bytes.len() - 1)),
        &|pack| change(pack, |bytes| bytes.push(0)),
    ];
    for harm in harms {
        let house = weekly();
        let engine = house.engine();
        back_up(&engine);
        let pack = content_pack(&house);
        house.pass(Duration::minutes(5));
        assert!(!log(&engine, &upgrade(&engine)).contains(DAMAGED));
        harm(&pack);
        house.pass(Duration::minutes(5));
        house.write("author", "dam/page-0.xml", "something new");
        let job = engine.of_house().start_backup(&manual());
        let job = done(&engine, job.unwrap());
        assert!(log(&engine, &job).contains(DAMAGED));
        // The new one lacks nothing.
        let id = job.outcome.unwrap().backup.unwrap();
        let job = engine.of_house().start_verify(Some(&id.0));
        done(&engine, job.unwrap());
    }
}

#[test]
fn with_the_state_folder_what_was_read_is_forgotten_and_read_once_more() {
    let house = weekly();
    let engine = house.engine();
    back_up(&engine);
    rot(&house);
    house.pass(Duration::minutes(5));
    assert!(!log(&engine, &upgrade(&engine)).contains(DAMAGED));
    drop(engine);
    let engine = house.engine_with_state("another state");
    house.pass(Duration::minutes(5));
    let job = engine.of_house().start_backup(&manual());
    let job = done(&engine, job.unwrap());
    assert!(log(&engine, &job).contains(DAMAGED));
}

#[test]
fn what_a_clock_that_was_ahead_has_noted_counts_for_nothing() {
    let house = weekly();
    let engine = house.engine();
    let now = house.clock.now();
    house.pass(Duration::days(400));
    back_up(&engine);
    house.clock.set(now);
    rot(&house);
    let job = engine.of_house().start_backup(&manual());
    let job = done(&engine, job.unwrap());
    assert!(log(&engine, &job).contains(DAMAGED));
    // And what one that was late has noted is read again.
    rot(&house);
    house.pass(Duration::days(8));
    let job = engine.of_house().start_backup(&manual());
    assert!(log(&engine, &done(&engine, job.unwrap())).contains(DAMAGED));
}

#[test]
fn what_a_drill_has_found_damaged_counts_as_not_read() {
    let house = weekly();
    let engine = house.engine();
    back_up(&engine);
    rot(&house);
    let job = engine.of_house().start_drill(None).unwrap();
    ended(&engine, job);
    assert!(!backups(&engine)[0].is_good());
    // In another process.
    let engine = house.engine();
    house.pass(Duration::minutes(5));
    let job = engine.of_house().start_backup(&manual());
    assert!(log(&engine, &done(&engine, job.unwrap())).contains(DAMAGED));
}

#[test]
fn a_repository_that_was_brought_to_another_disk_was_never_read_there() {
    let house = weekly();
    let engine = house.engine();
    back_up(&engine);
    rot(&house);
    drop(engine);
    let (place, aside) = (house.path("repository/acme/live"), house.path("aside"));
    let copied = std::process::Command::new("cp")
        .args(["-a".as_ref(), place.as_os_str(), aside.as_os_str()])
        .status();
    assert!(copied.unwrap().success());
    fs::rename(&place, house.path("old")).unwrap();
    fs::rename(&aside, &place).unwrap();
    let engine = house.engine();
    house.pass(Duration::minutes(5));
    let job = engine.of_house().start_backup(&manual());
    assert!(log(&engine, &done(&engine, job.unwrap())).contains(DAMAGED));
}

#[test]
pub(super) fn by_schedule_each_pack_is_read_once_a_period_and_nothing_begins_in_between() {
    let house = weekly();
    let engine = house.engine();
    back_up(&engine);
    house.pass(Duration::minutes(5));
    upgrade(&engine);
    let mut began = Vec::new();
    for hour in 0..(24 * 21) {
        for job in looked(&engine) {
            assert_eq!(
                (job.kind, &job.state),
                (JobKind::Verify, &JobState::Done),
                "{job:?}"
            );
            began.push(hour);
        }
        house.pass(Duration::hours(1));
        assert!(
            read_at(&engine)
                .iter()
                .all(|at| engine.now() - *at <= Duration::days(7) + Duration::hours(1))
        );
    }
    assert!(
        began.windows(2).all(|pair| pair[1] - pair[0] == 7 * 24),
        "{began:?}"
    );
    assert_eq!(began.len(), 3, "{began:?}");
    // By hand everything is read, whenever that was last.
    rot(&house);
    assert!(matches!(verify(&engine).state, JobState::Failed { .. }));
}

#[test]
fn a_pack_that_could_not_be_read_is_read_by_the_next_backup_that_needs_it() {
    let house = weekly();
    let engine = house.engine();
    back_up(&engine);
    house.pass(Duration::days(1));
    let (pack, aside) = (content_pack(&house), house.path("aside"));
    fs::rename(&pack, &aside).unwrap();
    // Reading this fails, and not as it does from a disk: it says nothing of what is there.
    std::os::unix::fs::symlink("/proc/self/pagemap", &pack).unwrap();
    let JobState::Failed { why } = verify(&engine).state else {
        panic!("it was read");
    };
    assert!(why.contains("Invalid argument"), "{why}");
    let [backup] = &backups(&engine)[..] else {
        panic!("one backup");
    };
    assert!(backup.is_good(), "nothing is known of it");
    // A day on all is as it was. Nobody knows that.
    fs::rename(&aside, &pack).unwrap();
    house.pass(Duration::days(1));
    let job = upgrade(&engine);
    let log = log(&engine, &job);
    assert!(
        log.contains("that earlier backups have stored were read back"),
        "{log}"
    );
    assert!(!log.contains(DAMAGED), "{log}");
}
