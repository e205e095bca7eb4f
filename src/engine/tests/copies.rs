//! The second repository: what should be there is, read back; what failed is made up; either can be restored from.

use std::fs;

use chrono::Duration;

use super::house::{House, OfHouse, back_up, done, ended, everything, manual, request, start_restore};
use crate::domain::job::JobState;
use crate::domain::request::RestoreRequest;
use crate::domain::settings::RepositoryChoice;
use crate::domain::slot::Slot;
use crate::engine::details;

fn from_copy(backup: &str) -> RestoreRequest {
    RestoreRequest {
        from: RepositoryChoice::Copy,
        ..request(backup, everything())
    }
}

/// Damages every file with content in a repository.
fn damage(house: &House, repository: &str) {
    let data = house.path(repository).join("acme/live/data");
    for folder in fs::read_dir(data).unwrap() {
        for pack in fs::read_dir(folder.unwrap().path()).unwrap() {
            let path = pack.unwrap().path();
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes).unwrap();
        }
    }
}

#[test]
fn a_backup_for_a_copied_slot_is_in_both_and_can_be_restored_from_either() {
    let house = House::new().with_copy(&[Slot::Manual]);
    let engine = house.engine();
    let before = house.content();
    let id = back_up(&engine);
    let details = details(&engine, &House::live()).unwrap();
    let copies = details.copies.unwrap();
    assert_eq!(copies.backups.len(), 1);
    assert_eq!(
        copies.of(&id).unwrap().backup.manifest,
        details.backups[0].manifest
    );
    assert_eq!(copies.newest(), Some(details.backups[0].manifest.taken));
    assert!(copies.missing.is_empty() && copies.trouble.is_none());

    damage(&house, "repository");
    let verified = ended(&engine, engine.of_house().start_verify(None).unwrap());
    assert!(matches!(verified.state, JobState::Failed { .. }), "{verified:?}");
    let said = start_restore(&engine, &request(&id.0, everything()))
        .unwrap_err()
        .to_string();
    assert!(said.contains("--from copy"), "{said}");

    // A repository that holds damaged content takes no safety backup of the same content.
    fs::remove_dir_all(house.path("repository")).unwrap();
    house.remove("author", "website");
    let engine = house.engine_with_state("another-state");
    let plan = engine
        .of_house()
        .plan_restore(&from_copy(&id.0), &crate::watch::Unwatched)
        .unwrap();
    assert!(plan.obstacles.is_empty() && plan.totals().0 > 0, "{plan:?}");
    let job = done(&engine, start_restore(&engine, &from_copy("manual")).unwrap());
    assert!(job.title.contains("a copy in the second repository"), "{job:?}");
    let outcome = job.outcome.unwrap();
    assert!(outcome.safety.is_some());
    assert!(
        outcome.summary.contains("a copy in the second repository"),
        "{outcome:?}"
    );
    assert_eq!(house.content(), before);
}

#[test]
fn only_what_is_copied_is_and_older_copies_go() {
    let house = House::new().with_copy(&[Slot::Monthly]);
    let engine = house.engine();
    back_up(&engine);
    let copies = details(&engine, &House::live()).unwrap().copies.unwrap();
    assert!(copies.backups.is_empty() && copies.missing.is_empty());

    let house = House::new().with_copy(&[Slot::Manual]);
    let engine = house.engine();
    let mut last = None;
    for number in 0..3 {
        house.write("author", "website/page-0.xml", &format!("edition {number}"));
        last = Some(back_up(&engine));
        house.pass(Duration::hours(1));
    }
    let copies = details(&engine, &House::live()).unwrap().copies.unwrap();
    assert_eq!(copies.backups.len(), 1);
    assert_eq!(Some(&copies.backups[0].of), last.as_ref());
    let verified = done(&engine, engine.of_house().start_verify(None).unwrap());
    let said = verified.outcome.unwrap().summary;
    assert!(said.contains("with a copy in the second repository"), "{said}");
}

#[test]
fn a_copy_that_fails_is_a_warning_and_is_made_up() {
    let house = House::new().with_copy(&[Slot::Manual]);
    // A file where the folder should be.
    fs::write(house.path("copies"), "in the way").unwrap();
    let engine = house.engine();
    let job = done(&engine, engine.of_house().start_backup(&manual()).unwrap());
    let outcome = job.outcome.unwrap();
    assert!(
        outcome
            .warnings
            .iter()
            .any(|warning| warning.contains("the backup is complete, but")),
        "{outcome:?}"
    );
    assert!(outcome.backup.is_some());
    fs::remove_file(house.path("copies")).unwrap();
    house.pass(Duration::hours(1));
    let id = back_up(&engine);
    let copies = details(&engine, &House::live()).unwrap().copies.unwrap();
    assert!(
        copies.of(&id).is_some() && copies.missing.is_empty(),
        "{copies:?}"
    );
}

#[test]
fn a_damaged_copy_is_found_and_counts_no_more() {
    let house = House::new().with_copy(&[Slot::Manual]);
    let engine = house.engine();
    let id = back_up(&engine);
    damage(&house, "copies");
    let verified = ended(&engine, engine.of_house().start_verify(Some(&id.0)).unwrap());
    let JobState::Failed { why } = verified.state else {
        panic!("{verified:?}")
    };
    assert!(why.contains("the copy") && why.contains(id.short()), "{why}");
    let copies = details(&engine, &House::live()).unwrap().copies.unwrap();
    assert_eq!(copies.newest(), None);
    assert_eq!(copies.missing, [id]);
}
