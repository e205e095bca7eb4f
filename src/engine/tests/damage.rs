//! A repository that something was done to: what is found, and that the next backup makes up for it.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::Command;

use chrono::Duration;

use super::house::{
    House, OfHouse, back_up, backups, done, ended, everything, request, restore, start_restore,
};
use crate::domain::backup::Verification;
use crate::domain::job::JobState;
use crate::domain::request::BackupRequest;
use crate::domain::version::MagnoliaVersion;
use crate::engine::{Engine, details};
use crate::watch::Unwatched;

fn below(folder: PathBuf) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(below(path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn packs(house: &House) -> Vec<PathBuf> {
    below(house.path("repository/acme/live/data"))
}

/// Flips a bit: `from_end` bytes before the end, or in the first piece.
fn flip(pack: &PathBuf, from_end: Option<usize>) {
    let mut bytes = fs::read(pack).unwrap();
    let at = from_end.map_or(20, |from_end| bytes.len() - from_end);
    bytes[at] ^= 1;
    fs::set_permissions(pack, PermissionsExt::from_mode(0o600)).unwrap();
    fs::write(pack, bytes).unwrap();
}

/// An upgrade backup: it stands beside the manual one.
fn back_up_before_upgrade(engine: &Engine) -> String {
    let request = BackupRequest {
        environment: House::live(),
        note: None,
        upgrade_to: Some(MagnoliaVersion("6.4".to_owned())),
    };
    let job = engine.of_house().start_backup(&request).unwrap();
    done(engine, job).outcome.unwrap().backup.unwrap().0
}

fn verified(engine: &Engine) -> JobState {
    let job = engine.of_house().start_verify(None).unwrap();
    ended(engine, job).state
}

#[test]
fn records_that_have_traded_names_are_damaged() {
    let house = House::new();
    let engine = house.engine();
    let older = back_up(&engine).0;
    house.write("author", "website/page-0.xml", "newer");
    house.pass(Duration::minutes(5));
    let newer = back_up_before_upgrade(&engine);
    let records = house.path("repository/acme/live/snapshots");
    let aside = house.path("aside");
    fs::rename(records.join(&older), &aside).unwrap();
    fs::rename(records.join(&newer), records.join(&older)).unwrap();
    fs::rename(aside, records.join(&newer)).unwrap();

    let engine = house.engine();
    assert!(backups(&engine).is_empty());
    let trouble = details(&engine, &House::live()).unwrap().summary.trouble.unwrap();
    assert!(
        trouble.contains(&newer[..8]) && trouble.contains(&older[..8]),
        "{trouble}"
    );
    let JobState::Failed { why } = verified(&engine) else {
        panic!("all is sound");
    };
    assert!(why.contains(&newer[..8]) && why.contains("SHA-256"), "{why}");
    let error = engine
        .of_house()
        .plan_restore(&request(&newer, everything()), &Unwatched)
        .unwrap_err();
    assert!(error.to_string().contains("SHA-256"), "{error}");
}

#[test]
fn what_is_damaged_counts_as_not_stored() {
    let in_place = |pack: &PathBuf, with: &dyn Fn(&PathBuf)| {
        fs::remove_file(pack).unwrap();
        with(pack);
    };
    // A bit of content, a bit of a list that only `restic` needs, a pack that is cut off, one that is gone, one that the disk
    // does not give (reading this link fails with EIO), and a folder, a loop and a pipe in the place of one.
    let harms: [&dyn Fn(&PathBuf); 8] = [
        &|pack| flip(pack, None),
        &|pack| flip(pack, Some(20)),
        &|pack| {
            let bytes = fs::read(pack).unwrap();
            fs::set_permissions(pack, PermissionsExt::from_mode(0o600)).unwrap();
            fs::write(pack, &bytes[..bytes.len() / 3]).unwrap();
        },
        &|pack| fs::remove_file(pack).unwrap(),
        &|pack| in_place(pack, &|pack| symlink("/proc/self/mem", pack).unwrap()),
        &|pack| in_place(pack, &|pack| fs::create_dir(pack).unwrap()),
        &|pack| in_place(pack, &|pack| symlink(pack, pack).unwrap()),
        &|pack| {
            in_place(pack, &|pack| {
                let made = Command::new("mkfifo").arg(pack).status().unwrap();
                assert!(made.success());
            });
        },
    ];
    for (number, harm) in harms.iter().enumerate() {
        let house = House::new();
        let engine = house.engine();
        let older = back_up(&engine).0;
        let before = packs(&house);
        house.write("author", "website/new.bin", &"new ".repeat(500));
        house.pass(Duration::minutes(5));
        let newer = back_up_before_upgrade(&engine);
        // Folders and content are in packs of their own.
        for pack in packs(&house).iter().filter(|pack| !before.contains(pack)) {
            harm(pack);
        }

        let engine = house.engine();
        let JobState::Failed { why } = verified(&engine) else {
            panic!("{number}: all is sound");
        };
        assert!(why.contains("data/"), "{number}: {why}");
        let told = match number {
            4 => "cannot be read (Input/output error): it is the disk",
            5 => "cannot be read (Is a directory): something else stands in its place",
            6 => "cannot be read (Too many levels of symbolic links)",
            7 => "cannot be read (Illegal seek)",
            _ => "data/",
        };
        assert!(why.contains(told), "{number}: {why}");
        let of_newer = backups(&engine).into_iter().find(|backup| backup.id.0 == newer);
        assert!(matches!(
            of_newer.unwrap().verification,
            Verification::Damaged { .. }
        ));

        house.pass(Duration::minutes(5));
        let healed = back_up(&engine);
        house.pass(Duration::minutes(5));
        back_up(&engine);
        restore(&engine, &older, everything());
        assert!(!house.root("author").join("website/new.bin").exists());
        restore(&engine, &healed.0, everything());
        assert!(house.root("author").join("website/new.bin").exists());
        // What was stored anew is what the damaged one lacked.
        assert_eq!(verified(&engine), JobState::Done, "{number}");
        let repository = engine.of_house().repository(false).unwrap().unwrap();
        repository.prune(&Unwatched).unwrap();
    }
}

/// What is done to a file of the index, and what a verification then says.
type Harm<'a> = (&'a dyn Fn(&PathBuf), &'a str);

#[test]
fn an_index_that_is_damaged_or_gone_is_made_anew_from_the_packs() {
    let cut = |file: &PathBuf| {
        let bytes = fs::read(file).unwrap();
        fs::set_permissions(file, PermissionsExt::from_mode(0o600)).unwrap();
        fs::write(file, &bytes[..bytes.len() / 2]).unwrap();
    };
    let harms: [Harm<'_>; 2] = [
        (&cut, "repair index"),
        (&|file| fs::remove_file(file).unwrap(), "is not in the index"),
    ];
    for (harm, told) in harms {
        let house = House::new();
        let engine = house.engine();
        let older = back_up(&engine).0;
        let before = house.content();
        let index = house.path("repository/acme/live/index");
        for file in below(index.clone()) {
            harm(&file);
        }
        let packs_before = packs(&house);
        house.remove("author", "website");

        let engine = house.engine();
        let JobState::Failed { why } = verified(&engine) else {
            panic!("{told}: all is sound");
        };
        assert!(why.contains(told), "{why}");
        house.pass(Duration::minutes(5));
        back_up_before_upgrade(&engine);
        assert!(packs_before.iter().all(|pack| pack.exists()));
        // Also what Live does not have any more.
        let job = engine.of_house().start_verify(Some(&older)).unwrap();
        done(&engine, job);
        restore(&engine, &older, everything());
        assert_eq!(house.content(), before, "{told}");
    }
}

#[test]
fn a_repository_that_takes_nothing_is_verified_drilled_and_restored_from() {
    let house = House::new();
    let engine = house.engine();
    let backup = back_up(&engine).0;
    let before = house.content();
    house.remove("author", "website");
    // No lock can be taken there any more.
    let lock = house.path("repository/acme/.live.lock");
    fs::remove_file(&lock).unwrap();
    symlink(".live.lock", &lock).unwrap();

    assert_eq!(verified(&engine), JobState::Done);
    let drill = engine.of_house().start_drill(None).unwrap();
    done(&engine, drill);
    let job = start_restore(&engine, &request(&backup, everything())).unwrap();
    let JobState::Failed { why } = ended(&engine, job).state else {
        panic!("it wrote without a lock");
    };
    assert!(why.contains("--without-safety-backup"), "{why}");
    let mut request = request(&backup, everything());
    request.without_safety = true;
    let job = start_restore(&engine, &request).unwrap();
    done(&engine, job);
    assert_eq!(house.content(), before);
}
