//! What only object storage can do: refuse, be silent, break off, be shared by machines that know nothing of each
//! other. Whatever it does, the job fails with a sentence and what was there before stays sound.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use lifeboat::clock::{Clock, SystemClock};
use lifeboat::domain::address::Address;
use lifeboat::domain::settings::{CredentialSource, StorageOptions};
use lifeboat::repository::{Key, Repository, RepositoryError, Storage};
use lifeboat::watch::Unwatched;

use crate::object_storage::{Fault, Line, Store, options, reach};
use crate::support::{Sandbox, key, manifest, on_each_storage};

on_each_storage!(what_a_failed_copy_leaves_goes_with_a_later_prune,);

pub const PREFIX: &str = "boats/acme/live";

/// A sandbox whose repository is reached over a line.
pub fn over_a_line() -> (Sandbox, Store, Line) {
    let (store, line) = (Store::new(), Line::new());
    let storage = store.storage_over(PREFIX, &line.options());
    (Sandbox::in_bucket(store.clone(), storage), store, line)
}

pub fn system_clock() -> Arc<dyn Clock> {
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
