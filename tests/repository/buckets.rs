//! What only object storage can do: refuse, be silent, break off, be shared by machines that know nothing of each
//! other. Whatever it does, the job fails with a sentence and what was there before stays sound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lifeboat::clock::{Clock, SetClock, SystemClock};
use lifeboat::domain::address::Address;
use lifeboat::domain::settings::{CredentialSource, StorageOptions};
use lifeboat::repository::{Key, Repository, RepositoryError, Storage};
use lifeboat::watch::Unwatched;

use crate::object_storage::{Fault, Line, Store, options, reach};
use crate::support::{Sandbox, key, manifest, moment, on_each_storage};

on_each_storage!(what_a_failed_copy_leaves_goes_with_a_later_prune,);

pub const PREFIX: &str = "boats/acme/live";

/// A sandbox whose repository is reached over a line.
pub fn over_a_line() -> (Sandbox, Store, Line) {
    let (store, line) = (Store::new(), Line::new());
    let storage = store.storage_over(PREFIX, &line.options());
    (Sandbox::in_bucket(store.clone(), storage), store, line)
}

fn system_clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

/// What opening it says.
fn refusal(storage: &Storage) -> String {
    Repository::open_or_create(storage, &key())
        .unwrap_err()
        .to_string()
}

#[test]
fn each_refusal_says_what_to_do() {
    let (store, line) = (Store::new(), Line::new());
    let storage = store.storage_over(PREFIX, &line.options());
    for (status, code, part) in [
        (
            403,
            "InvalidAccessKeyId",
            "check access_key_id in [repository.options]",
        ),
        (403, "SignatureDoesNotMatch", "check secret_access_key and region"),
        (
            403,
            "AccessDenied",
            "the access key needs s3:ListBucket on the bucket",
        ),
        (403, "RequestTimeTooSkewed", "the clock of this machine"),
        (403, "ExpiredToken", "the session token has expired"),
        (400, "AuthorizationHeaderMalformed", "is in another region"),
        (301, "PermanentRedirect", "is in another region"),
        (403, "InvalidObjectState", "cold storage"),
    ] {
        // A question for the head of an object is answered without a reason, so none is asked.
        line.disturb(move |request| {
            if request.starts_with("HEAD") {
                Fault::Answer(404, code)
            } else {
                Fault::Answer(status, code)
            }
        });
        let said = refusal(&storage);
        assert!(said.contains(part) && said.contains("s3://store-"), "{said}");
    }
    line.disturb(|_| Fault::Answer(403, "AccessDenied"));
    assert!(
        refusal(&storage).contains("access is denied"),
        "{}",
        refusal(&storage)
    );

    let nowhere = Address::parse("s3://no-such-bucket/x").unwrap();
    let said = refusal(&reach(&nowhere, &store.options()).unwrap());
    assert!(said.contains("there is no bucket \"no-such-bucket\""), "{said}");
}

#[test]
fn missing_keys_are_told_before_anything_is_asked() {
    let store = Store::new();
    let told = |options: &StorageOptions| {
        Storage::new(&store.address("x"), options, "/nowhere".as_ref(), &|_| None)
            .unwrap_err()
            .to_string()
    };
    let said = told(&store.options());
    assert!(said.contains("AWS_ACCESS_KEY_ID is not set"), "{said}");
    let said = told(&StorageOptions {
        access_key_id_file: Some("id".into()),
        ..store.options()
    });
    assert!(
        said.contains("the access_key_id cannot be read from /nowhere/id"),
        "{said}"
    );
    let said = told(&StorageOptions {
        credentials: CredentialSource::Aws,
        ca_file: Some("ca.pem".into()),
        ..store.options()
    });
    assert!(
        said.contains("the certificate in /nowhere/ca.pem cannot be used"),
        "{said}"
    );
}

#[test]
fn trap_6_a_dead_storage_is_given_up_in_time() {
    // One that takes no connection, and one that takes it and never answers.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let line = Line::new();
    line.disturb(|_| Fault::Silence);
    for port in [closed, line.port] {
        let address = Address::parse("s3://store/x").unwrap();
        let hasty = StorageOptions {
            timeout_seconds: 1,
            ..options(port)
        };
        let storage = reach(&address, &hasty).unwrap();
        let began = Instant::now();
        let said = refusal(&storage);
        assert!(said.contains("does not answer as it should"), "{said}");
        // One second of silence, two of trying again, and what the last try takes.
        assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
        let again = Instant::now();
        refusal(&storage);
        assert!(again.elapsed() < Duration::from_secs(6), "{:?}", again.elapsed());
    }
    let usual = StorageOptions::default();
    let longest = u64::from(usual.retry_seconds) + 2 * u64::from(usual.timeout_seconds);
    assert!(longest < 90);
}

#[test]
fn a_short_disturbance_is_ridden_out() {
    let (store, line) = (Store::new(), Line::new());
    let patient = StorageOptions {
        retry_seconds: 30,
        ..line.options()
    };
    let storage = store.storage_over(PREFIX, &patient);
    let sandbox = Sandbox::in_bucket(store, storage);
    let count = AtomicUsize::new(0);
    line.disturb(move |_| match count.fetch_add(1, Ordering::Relaxed) % 15 {
        3 => Fault::Answer(500, "InternalError"),
        4 => Fault::Answer(503, "SlowDown"),
        8 => Fault::Break,
        // In the middle of the head, or of what follows it.
        12 => Fault::Cut(600),
        _ => Fault::Pass,
    });
    let id = sandbox.back_up();
    sandbox.repository.verify(&id, &Unwatched).unwrap();
    line.disturb(|_| Fault::Pass);
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn a_storage_that_goes_away_in_the_middle_fails_the_copy_and_leaves_the_rest_sound() {
    for fault in [
        Fault::Answer(500, "InternalError"),
        Fault::Break,
        Fault::Cut(20),
        Fault::Silence,
        Fault::Answer(403, "AccessDenied"),
    ] {
        let (sandbox, store, line) = over_a_line();
        let first = sandbox.back_up();
        std::fs::write(
            sandbox.content("author").join("dam/new"),
            crate::support::noise(99, 900_000),
        )
        .unwrap();
        let told = fault.clone();
        line.disturb(move |request| {
            if request.contains("/data/") && request.starts_with("PUT") {
                told.clone()
            } else {
                Fault::Pass
            }
        });
        let error = sandbox.copy().unwrap_err();
        assert!(
            matches!(error, RepositoryError::Io { .. }) && error.to_string().contains("writing to data"),
            "{fault:?}: {error}"
        );
        line.disturb(|_| Fault::Pass);
        assert_eq!(store.objects(&format!("{PREFIX}/snapshots/")).len(), 1);
        sandbox.reopened().verify(&first, &Unwatched).unwrap();
        sandbox.back_up();
        sandbox.restic(&["check", "--read-data"]);
    }
}

#[test]
fn a_storage_that_refuses_the_record_leaves_no_backup() {
    let (sandbox, store, line) = over_a_line();
    let copy = sandbox.copy().unwrap();
    line.disturb(|request| {
        if request.contains("/snapshots/") && request.starts_with("PUT") {
            Fault::Answer(500, "InternalError")
        } else {
            Fault::Pass
        }
    });
    let manifest = manifest(&copy);
    sandbox.repository.record(copy, &manifest).unwrap_err();
    assert!(store.objects(&format!("{PREFIX}/snapshots/")).is_empty());
    line.disturb(|_| Fault::Pass);
    sandbox.back_up();
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn a_listing_that_is_cut_hides_nothing() {
    let (sandbox, _, line) = over_a_line();
    sandbox.back_up();
    line.disturb(|request| {
        if request.contains("list-type") {
            Fault::Cut(700)
        } else {
            Fault::Pass
        }
    });
    assert!(sandbox.repository.list().is_err());
    assert!(sandbox.repository.prune(&Unwatched).is_err());
    line.disturb(|_| Fault::Pass);
    assert_eq!(sandbox.repository.list().unwrap().len(), 1);
    sandbox.restic(&["check", "--read-data"]);
}

fn what_a_failed_copy_leaves_goes_with_a_later_prune(sandbox: &Sandbox) {
    sandbox.back_up();
    let left = sandbox.leave_a_pack();
    assert!(sandbox.has_pack(&left));
    let now = SystemClock.now();
    // Somebody may just be about to list it.
    assert_eq!(sandbox.repository.sweep(now).unwrap(), 0);
    assert!(sandbox.has_pack(&left));
    let later = now + chrono::Duration::hours(25);
    assert_eq!(sandbox.repository.sweep(later).unwrap(), 1000);
    assert!(!sandbox.has_pack(&left));
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn a_damaged_or_missing_object_is_named() {
    let store = Store::new();
    let sandbox = Sandbox::in_bucket(store.clone(), store.storage(PREFIX));
    let id = sandbox.back_up();
    let packs = store.objects(&format!("{PREFIX}/data/"));
    let biggest = packs.iter().max_by_key(|pack| store.get(pack).len()).unwrap();
    let whole = store.get(biggest);
    let name = biggest.rsplit('/').next().unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    for damaged in [flipped, whole[..whole.len() / 2].to_vec()] {
        store.put(biggest, &damaged);
        let error = sandbox.reopened().verify(&id, &Unwatched).unwrap_err();
        assert!(matches!(error, RepositoryError::Damaged { .. }), "{error:?}");
        assert!(error.to_string().contains(name), "{error}");
    }
    store.delete(biggest);
    let error = sandbox.reopened().verify(&id, &Unwatched).unwrap_err();
    assert!(matches!(error, RepositoryError::Damaged { .. }), "{error:?}");
    store.put(biggest, &whole);
    sandbox.reopened().verify(&id, &Unwatched).unwrap();
}

#[test]
fn a_creation_that_was_interrupted_is_begun_again() {
    let (store, line) = (Store::new(), Line::new());
    let storage = store.storage_over(PREFIX, &line.options());
    // The config cannot be written, nor the key be removed again: as after a crash between the two.
    line.disturb(|request| {
        if request.contains("/config") && request.starts_with("PUT") || request.starts_with("DELETE") {
            Fault::Answer(500, "InternalError")
        } else {
            Fault::Pass
        }
    });
    Repository::open_or_create(&storage, &key()).unwrap_err();
    assert_eq!(store.objects(PREFIX).len(), 1, "{:?}", store.objects(PREFIX));
    let said = Repository::open(&storage, &key()).unwrap_err();
    assert!(!matches!(said, RepositoryError::Damaged { .. }), "{said}");
    line.disturb(|_| Fault::Pass);
    let sandbox = Sandbox::in_bucket(store.clone(), store.storage(PREFIX));
    assert_eq!(store.objects(&format!("{PREFIX}/keys/")).len(), 1);
    sandbox.back_up();
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn no_repository_is_created_over_something_else() {
    let store = Store::new();
    store.put(&format!("{PREFIX}/holiday.jpg"), b"picture");
    let said = refusal(&store.storage(PREFIX));
    assert!(said.contains("other objects are there"), "{said}");
    let store = Store::new();
    Sandbox::in_bucket(store.clone(), store.storage(PREFIX)).back_up();
    store.delete(&format!("{PREFIX}/config"));
    let said = refusal(&store.storage(PREFIX));
    assert!(said.contains("\"config\" is missing"), "{said}");
}

#[test]
fn a_wrong_key_opens_nothing() {
    let store = Store::new();
    Repository::open_or_create(store.storage(PREFIX), &key()).unwrap();
    let error = Repository::open(store.storage(PREFIX), &Key::new("wrong".to_owned())).unwrap_err();
    assert!(matches!(error, RepositoryError::WrongKey { .. }), "{error:?}");
}

#[test]
fn two_that_create_at_the_same_time_end_up_with_one() {
    let store = Store::new();
    let storages = [store.storage(PREFIX), store.storage(PREFIX)];
    std::thread::scope(|scope| {
        for storage in &storages {
            scope.spawn(move || Repository::open_or_create(storage, &key()).unwrap());
        }
    });
    assert_eq!(store.objects(&format!("{PREFIX}/keys/")).len(), 1);
    Repository::open(store.storage(PREFIX), &key()).unwrap();
}

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

#[test]
fn what_is_too_fast_is_slowed_down() {
    let store = Store::new();
    let slow = StorageOptions {
        bandwidth: Some(4 << 20),
        ..store.options()
    };
    let sandbox = Sandbox::in_bucket(store.clone(), store.storage_over(PREFIX, &slow));
    let began = Instant::now();
    let id = sandbox.back_up();
    sandbox.repository.verify(&id, &Unwatched).unwrap();
    // Six megabytes are written once and read twice.
    assert!(began.elapsed() > Duration::from_secs(3), "{:?}", began.elapsed());
}

#[test]
fn whatever_is_written_comes_with_its_checksum_and_whatever_is_asked_can_be_answered_with_a_reason() {
    let (sandbox, _, line) = over_a_line();
    let held = sandbox.repository.lock(&system_clock()).unwrap();
    let id = sandbox.back_up();
    sandbox.reopened().verify(&id, &Unwatched).unwrap();
    drop(held);
    let heads: Vec<_> = line.heads().iter().map(|head| head.to_lowercase()).collect();
    let puts: Vec<_> = heads.iter().filter(|head| head.starts_with("put ")).collect();
    assert!(puts.len() > 5, "{puts:?}");
    for head in puts {
        // A bucket whose objects are locked for a while takes nothing without one.
        assert!(head.contains("\r\ncontent-md5: "), "{head}");
    }
    assert!(heads.iter().all(|head| !head.starts_with("head ")), "{heads:?}");
}
