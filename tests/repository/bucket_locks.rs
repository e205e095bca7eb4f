//! Locks in object storage: of two machines one is refused, and whoever has lost its lock changes nothing.

use std::sync::Arc;

use lifeboat::clock::{Clock, SetClock, SystemClock};
use lifeboat::watch::Unwatched;

use crate::buckets::{PREFIX, over_a_line, system_clock};
use crate::object_storage::{Fault, Store};
use crate::support::{Sandbox, moment};

#[test]
fn of_two_lifeboats_one_is_refused() {
    let store = Store::new();
    let sandbox = Sandbox::in_bucket(store.clone(), store.storage(PREFIX));
    let clock = system_clock();
    let held = sandbox.repository.lock(&clock).unwrap().unwrap();
    let other = sandbox.reopened();
    let error = other.lock(&clock).unwrap_err();
    let process = format!("(process {} on ", std::process::id());
    assert!(
        error.to_string().contains("another Lifeboat is at work on it")
            && error.to_string().contains(&process),
        "{error}"
    );
    // The one that was refused leaves nothing behind.
    assert_eq!(store.objects(&format!("{PREFIX}/locks/")).len(), 1);
    drop(held);
    assert!(store.objects(&format!("{PREFIX}/locks/")).is_empty());
    drop(other.lock(&clock).unwrap().unwrap());
}

#[test]
fn restic_reads_beside_a_lock_and_does_not_prune() {
    let store = Store::new();
    let sandbox = Sandbox::in_bucket(store.clone(), store.storage(PREFIX));
    sandbox.back_up();
    let held = sandbox.repository.lock(&system_clock()).unwrap();
    sandbox.restic(&["snapshots"]);
    let pruned = sandbox.try_restic(&["prune"]);
    let said = String::from_utf8_lossy(&pruned.stderr).into_owned();
    assert!(
        !pruned.status.success() && said.contains("already locked"),
        "{said}"
    );
    assert!(said.contains("lifeboat"), "{said}");
    drop(held);
    sandbox.restic(&["prune"]);
}

#[test]
fn a_lock_that_is_lost_stops_every_change() {
    let store = Store::new();
    let sandbox = Sandbox::in_bucket(store.clone(), store.storage(PREFIX));
    let id = sandbox.back_up();
    let clock = Arc::new(SetClock::at(moment("2026-11-23T00:17:00Z")));
    let shared: Arc<dyn Clock> = clock.clone();
    let held = sandbox.repository.lock(&shared).unwrap();
    clock.set(moment("2026-11-23T00:40:00Z"));
    let error = sandbox.repository.forget(std::slice::from_ref(&id)).unwrap_err();
    assert!(
        error.to_string().contains("its lock could not be kept"),
        "{error}"
    );
    sandbox.repository.verify(&id, &Unwatched).unwrap();
    drop(held);
    sandbox.repository.forget(&[id]).unwrap();
}

/// The locks in the repository.
fn locks(store: &Store) -> Vec<String> {
    store.objects(&format!("{PREFIX}/locks/"))
}

#[test]
fn a_lock_is_written_anew_when_its_clock_says_so() {
    let store = Store::new();
    let sandbox = Sandbox::in_bucket(store.clone(), store.storage(PREFIX));
    let id = sandbox.back_up();
    let begin = moment("2026-11-23T00:17:00Z");
    let clock = Arc::new(SetClock::at(begin));
    let shared: Arc<dyn Clock> = clock.clone();
    let held = sandbox.repository.lock(&shared).unwrap().unwrap();
    let mut before = locks(&store);
    held.renew_if_due().unwrap();
    assert_eq!(locks(&store), before, "not yet");
    // Longer than it lasts without that.
    for minutes in (5..=40).step_by(5) {
        clock.set(begin + chrono::Duration::minutes(minutes));
        held.renew_if_due().unwrap();
        let now = locks(&store);
        assert!(now.len() == 1 && now != before, "{before:?} {now:?}");
        before = now;
    }
    sandbox.repository.forget(&[id]).unwrap();
    drop(held);
    assert!(locks(&store).is_empty());
}

#[test]
fn a_lock_that_cannot_be_written_anew_is_tried_again_and_lost_in_the_end() {
    let (sandbox, store, line) = over_a_line();
    let id = sandbox.back_up();
    let begin = moment("2026-11-23T00:17:00Z");
    let clock = Arc::new(SetClock::at(begin));
    let shared: Arc<dyn Clock> = clock.clone();
    let held = sandbox.repository.lock(&shared).unwrap().unwrap();
    line.disturb(|request| {
        if request.starts_with("PUT") {
            Fault::Answer(403, "AccessDenied")
        } else {
            Fault::Pass
        }
    });
    clock.set(begin + chrono::Duration::minutes(6));
    held.renew_if_due().unwrap_err();
    assert_eq!(locks(&store).len(), 1);
    line.disturb(|_| Fault::Pass);
    held.renew_if_due().unwrap();
    clock.set(begin + chrono::Duration::minutes(27));
    held.renew_if_due().unwrap();
    let error = sandbox.repository.forget(&[id]).unwrap_err();
    assert!(
        error.to_string().contains("its lock could not be kept"),
        "{error}"
    );
}

#[test]
fn whoever_had_its_lock_taken_away_writes_none_anew_and_changes_nothing() {
    let store = Store::new();
    let sandbox = Sandbox::in_bucket(store.clone(), store.storage(PREFIX));
    let id = sandbox.back_up();
    let begin = moment("2026-11-23T00:17:00Z");
    // Something that would have to be written.
    std::fs::write(
        sandbox.content("author").join("dam/new"),
        crate::support::noise(9, 400_000),
    )
    .unwrap();
    for looks_first in [true, false] {
        let clock = Arc::new(SetClock::at(begin));
        let shared: Arc<dyn Clock> = clock.clone();
        let held = sandbox.repository.lock(&shared).unwrap().unwrap();
        store.delete(&locks(&store).remove(0));
        if looks_first {
            clock.set(begin + chrono::Duration::minutes(5));
            held.renew_if_due().unwrap();
            assert!(locks(&store).is_empty());
        }
        clock.set(begin + chrono::Duration::minutes(6));
        for error in [
            sandbox.repository.forget(std::slice::from_ref(&id)).unwrap_err(),
            sandbox.copy().err().unwrap(),
        ] {
            assert!(
                error.to_string().contains("its lock could not be kept"),
                "{error}"
            );
        }
        // Somebody else has one by now, and it stays theirs.
        let other = sandbox.reopened().lock(&system_clock()).unwrap();
        drop(held);
        assert_eq!(locks(&store).len(), 1);
        drop(other);
    }
    sandbox.repository.verify(&id, &Unwatched).unwrap();
}

#[test]
fn a_lock_that_is_taken_away_while_it_is_written_anew_leaves_none() {
    let (sandbox, store, line) = over_a_line();
    let id = sandbox.back_up();
    let begin = moment("2026-11-23T00:17:00Z");
    let clock = Arc::new(SetClock::at(begin));
    let shared: Arc<dyn Clock> = clock.clone();
    let held = sandbox.repository.lock(&shared).unwrap().unwrap();
    let (lying, bucket) = (locks(&store).remove(0), store.clone());
    line.disturb(move |request| {
        if request.starts_with("PUT") && request.contains("/locks/") {
            bucket.delete(&lying);
        }
        Fault::Pass
    });
    clock.set(begin + chrono::Duration::minutes(5));
    held.renew_if_due().unwrap();
    assert!(locks(&store).is_empty(), "{:?}", locks(&store));
    sandbox.repository.forget(&[id]).unwrap_err();
}

#[test]
fn how_old_a_lock_is_tells_the_clock_of_the_storage() {
    let (sandbox, store, line) = over_a_line();
    // Its own clock says that it is from another year, which is nothing to anybody.
    let clock: Arc<dyn Clock> = Arc::new(SetClock::at(moment("2031-11-23T00:17:00Z")));
    let held = sandbox.repository.lock(&clock).unwrap();
    let lying = locks(&store).remove(0);
    let dated = |minutes: i64| {
        let written = SystemClock.now() - chrono::Duration::minutes(minutes);
        let written = written.format("%Y-%m-%dT%H:%M:%S.000Z").to_string();
        let name = lying.clone();
        line.disturb(move |request| {
            if request.contains("list-type") {
                Fault::Dated(name.clone(), written.clone())
            } else {
                Fault::Pass
            }
        });
    };
    let other = sandbox.reopened();
    dated(28);
    other.lock(&system_clock()).unwrap_err();
    dated(32);
    let taken = other.lock(&system_clock()).unwrap();
    assert!(!locks(&store).contains(&lying));
    drop((held, taken));
}
