//! The records that make a copy a backup: what is in them, how they change, and how they go.

use std::fs;
use std::slice;
use std::thread;

use lifeboat::clock::SetClock;
use lifeboat::domain::backup::{BackupId, Manifest, WorkspaceCopy};
use lifeboat::domain::environment::WorkspaceKind;
use lifeboat::domain::pin::Pin;
use lifeboat::repository::{Repository, RepositoryError};
use lifeboat::watch::Unwatched;

use crate::meddling::Counting;
use crate::support::{Sandbox, key, manifest, moment, on_each_storage};

on_each_storage!(
    a_copy_is_no_backup_before_it_is_recorded,
    a_manifest_comes_back_as_it_was_written,
    the_newest_backup_comes_first,
    an_unchanged_backup_adds_next_to_nothing_and_has_the_same_digests,
    a_parent_that_has_gone_is_no_obstacle,
    an_expiry_can_be_changed_again_and_again,
    who_changes_a_backup_at_the_same_time_takes_it_from_nobody,
    however_many_change_a_backup_at_the_same_time_none_of_it_is_lost,
    dropping_what_has_gone_is_no_error,
    a_verification_compares_the_digests_of_the_manifest,
    a_verification_reports_what_it_read,
);

fn a_copy_is_no_backup_before_it_is_recorded(sandbox: &Sandbox) {
    let copy = sandbox.copy().unwrap();
    assert!(sandbox.repository.list().unwrap().is_empty());
    assert!(copy.added_bytes > 6_000_000);
    let names: Vec<_> = copy
        .instances
        .iter()
        .map(|instance| instance.name.as_str())
        .collect();
    assert_eq!(names, ["author", "public-1"]);
    let author = &copy.instances[0];
    assert!(author.began >= moment("2026-11-23T00:17:00Z") && author.ended >= author.began);
    let workspaces: Vec<_> = author
        .workspaces
        .iter()
        .map(|copy| (copy.name.as_str(), copy.kind))
        .collect();
    let kinds = [
        ("dam", WorkspaceKind::Content),
        ("users", WorkspaceKind::Configuration),
        ("website", WorkspaceKind::Content),
    ];
    assert_eq!(workspaces, kinds);
    let WorkspaceCopy { items, bytes, .. } = author.workspaces[0];
    assert_eq!((items, bytes), (4, 3_400_000));
}

fn a_manifest_comes_back_as_it_was_written(sandbox: &Sandbox) {
    let copy = sandbox.copy().unwrap();
    let written = manifest(&copy);
    let id = sandbox.repository.record(copy, &written).unwrap();
    let listed = sandbox.reopened().list().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].id, id);
    assert_eq!(listed[0].manifest.as_ref().unwrap(), &written);
    assert_eq!(listed[0].taken, Some(written.taken));
    assert!(!listed[0].is_foreign);
}

fn the_newest_backup_comes_first(sandbox: &Sandbox) {
    let mut taken = Vec::new();
    for day in [
        "2026-11-21T00:10:00Z",
        "2026-11-23T00:10:00Z",
        "2026-11-22T00:10:00.5Z",
    ] {
        let copy = sandbox.copy().unwrap();
        let mut written = manifest(&copy);
        written.taken = moment(day);
        taken.push(written.taken);
        sandbox.repository.record(copy, &written).unwrap();
    }
    taken.sort();
    taken.reverse();
    let listed: Vec<_> = sandbox
        .repository
        .list()
        .unwrap()
        .into_iter()
        .filter_map(|backup| backup.taken)
        .collect();
    assert_eq!(listed, taken);
}

fn an_unchanged_backup_adds_next_to_nothing_and_has_the_same_digests(sandbox: &Sandbox) {
    let first = sandbox.back_up();
    let clock = SetClock::at(moment("2026-11-24T00:17:00Z"));
    let watch = Counting::default();
    let second = sandbox
        .repository
        .copy(sandbox.still_at(&clock), Some(&first), &watch)
        .unwrap();
    assert_eq!(second.added_bytes, 0);
    let [total, done] = watch.told();
    assert_eq!(total, done);
    let listed = sandbox.repository.list().unwrap();
    let first = listed[0].manifest.as_ref().unwrap();
    for (before, after) in first.instances.iter().zip(&second.instances) {
        assert_eq!(before.workspaces, after.workspaces);
    }
}

fn a_parent_that_has_gone_is_no_obstacle(sandbox: &Sandbox) {
    let gone = sandbox.back_up();
    sandbox.repository.forget(slice::from_ref(&gone)).unwrap();
    let clock = SetClock::at(moment("2026-11-24T00:17:00Z"));
    sandbox
        .repository
        .copy(sandbox.still_at(&clock), Some(&gone), &Unwatched)
        .unwrap();
}

fn an_expiry_can_be_changed_again_and_again(sandbox: &Sandbox) {
    let first = sandbox.back_up();
    let mut id = first.clone();
    for day in [
        "2026-11-25T00:00:00Z",
        "2026-11-27T00:00:00Z",
        "2026-11-26T00:00:00Z",
    ] {
        let earlier = id.clone();
        id = sandbox.repository.change_expiry(&id, moment(day)).unwrap();
        assert_ne!(id, earlier);
        let listed = sandbox.repository.list().unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0].id, id);
        assert_eq!(listed[0].manifest.as_ref().unwrap().expires, Some(moment(day)));
    }
    sandbox.repository.verify(&id, &Unwatched).unwrap();
    assert!(
        sandbox
            .restic(&["snapshots"])
            .contains("expires:2026-11-26T00:00Z")
    );
    // By the id that it began with it is known as well.
    let later = sandbox
        .repository
        .change_expiry(&first, moment("2026-11-28T00:00:00Z"))
        .unwrap();
    assert_eq!(sandbox.repository.list().unwrap()[0].id, later);
    let unknown = "0a".repeat(32);
    let error = sandbox
        .repository
        .change_expiry(&BackupId(unknown), moment("2026-11-28T00:00:00Z"))
        .unwrap_err();
    assert!(
        matches!(error, RepositoryError::UnknownBackup { .. }),
        "{error:?}"
    );
}

/// Each with a handle of its own, as several processes have.
fn who_changes_a_backup_at_the_same_time_takes_it_from_nobody(sandbox: &Sandbox) {
    let first = sandbox.back_up();
    let others: Vec<_> = (0..3)
        .map(|_| Repository::open_or_create(&sandbox.storage, &key()).unwrap())
        .collect();
    let mut last = first.clone();
    for round in 0..4 {
        let wanted: Vec<_> = (1..=others.len())
            .map(|who| moment(&format!("2026-12-{:02}T0{round}:00:00Z", who + 1)))
            .collect();
        let id = &last;
        let changed: Vec<BackupId> = thread::scope(|scope| {
            let all: Vec<_> = others
                .iter()
                .zip(&wanted)
                .map(|(other, wanted)| scope.spawn(move || other.change_expiry(id, *wanted)))
                .collect();
            all.into_iter().map(|one| one.join().unwrap().unwrap()).collect()
        });
        let listed = sandbox.repository.list().unwrap();
        assert_eq!(listed.len(), 1, "{listed:?}");
        let manifest = listed[0].manifest.as_ref().unwrap();
        assert!(manifest.expires.is_some_and(|expires| wanted.contains(&expires)));
        assert_eq!(listed[0].origin, first);
        // Every id that was given leads to it.
        for id in changed {
            assert!(id == listed[0].id || manifest.earlier.contains(&id), "{id}");
            sandbox.repository.change_expiry(&id, wanted[0]).unwrap();
        }
        last = sandbox.repository.list().unwrap()[0].id.clone();
    }
    sandbox.repository.verify(&last, &Unwatched).unwrap();
}

/// Each with a handle of its own, as several processes have: one pins it, the others extend it.
fn however_many_change_a_backup_at_the_same_time_none_of_it_is_lost(sandbox: &Sandbox) {
    let mut last = sandbox.back_up();
    let [pins, one, other, third] =
        [(); 4].map(|()| Repository::open_or_create(&sandbox.storage, &key()).unwrap());
    for round in 0..6 {
        let pin = Pin {
            by: "ann".into(),
            at: moment("2026-11-23T10:00:00Z"),
            until: None,
            note: Some(format!("round {round}")),
        };
        let wanted = [2, 3, 4].map(|day| moment(&format!("2026-12-{day:02}T0{round}:00:00Z")));
        let id = &last;
        thread::scope(|scope| {
            let extending = [&one, &other, &third].into_iter().zip(wanted);
            let mut all: Vec<_> = extending
                .map(|(repository, until)| scope.spawn(move || repository.change_expiry(id, until)))
                .collect();
            let (pins, pin) = (&pins, &pin);
            all.push(scope.spawn(move || pins.set_pin(id, Some(pin))));
            for one in all {
                one.join().unwrap().unwrap();
            }
        });
        let listed = sandbox.repository.list().unwrap();
        assert_eq!(listed.len(), 1, "{listed:?}");
        let manifest = listed[0].manifest.as_ref().unwrap();
        assert_eq!(
            manifest.pin.as_ref(),
            Some(&pin),
            "the pin of round {round} is lost"
        );
        assert!(
            manifest.expires.is_some_and(|expires| wanted.contains(&expires)),
            "every extension of round {round} is lost: {:?}",
            manifest.expires
        );
        last = listed[0].id.clone();
    }
    // Unpinned, it is of the form that it was of.
    let free = sandbox.repository.set_pin(&last, None).unwrap();
    let listed = sandbox.repository.list().unwrap();
    let manifest = listed[0].manifest.as_ref().unwrap();
    assert_eq!(
        (&listed[0].id, manifest.format, &manifest.pin),
        (&free, Manifest::FORMAT, &None)
    );
}

#[test]
fn a_crash_while_an_expiry_is_changed_leaves_one_backup() {
    let sandbox = Sandbox::new();
    let records = sandbox.place().join("snapshots");
    let earlier = sandbox.back_up();
    let kept = fs::read(records.join(&earlier.0)).unwrap();
    let later = sandbox
        .repository
        .change_expiry(&earlier, moment("2026-11-25T00:00:00Z"))
        .unwrap();
    fs::write(records.join(&earlier.0), kept).unwrap();
    let listed = sandbox.repository.list().unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].id, later);
    // Dropping it drops both forms.
    sandbox.repository.forget(&[later]).unwrap();
    assert!(sandbox.repository.list().unwrap().is_empty());
}

fn dropping_what_has_gone_is_no_error(sandbox: &Sandbox) {
    let id = sandbox.back_up();
    sandbox.repository.forget(slice::from_ref(&id)).unwrap();
    sandbox.repository.forget(slice::from_ref(&id)).unwrap();
    let error = sandbox.repository.verify(&id, &Unwatched).unwrap_err();
    assert!(
        matches!(error, RepositoryError::UnknownBackup { .. }),
        "{error:?}"
    );
}

fn a_verification_compares_the_digests_of_the_manifest(sandbox: &Sandbox) {
    let copy = sandbox.copy().unwrap();
    let mut written = manifest(&copy);
    written.instances[0].workspaces[1].digest = "0".repeat(64);
    let id = sandbox.repository.record(copy, &written).unwrap();
    let error = sandbox.repository.verify(&id, &Unwatched).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the workspace users of author is not what its manifest says"),
        "{error}"
    );
}

fn a_verification_reports_what_it_read(sandbox: &Sandbox) {
    let id = sandbox.back_up();
    let watch = Counting::default();
    let report = sandbox.repository.verify(&id, &watch).unwrap();
    let [total, done] = watch.told();
    assert_eq!(total, (report.items, report.bytes));
    assert_eq!(done, total);
    let listed = sandbox.repository.list().unwrap();
    assert_eq!(report.items, listed[0].manifest.as_ref().unwrap().items());
}
