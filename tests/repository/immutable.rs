//! Repositories in a bucket that keeps its objects: what a backup needs can be removed by nobody, the key for backing up
//! deletes nothing, and what may go is deleted with another one.
//!
//! The server of these tests judges by the true time whether an object is still kept. So where one is to be kept the clock
//! of a test is in a year far ahead, and where it is to be kept no more, in one long ago.

use std::fs;
use std::sync::Arc;

use lifeboat::clock::{Clock, SetClock, SystemClock};
use lifeboat::domain::job::{Job, JobKind, JobState};
use lifeboat::domain::request::JobQuery;
use lifeboat::domain::settings::{DeletionKey, Immutable, RepositoryChoice, StorageOptions};
use lifeboat::domain::slot::Keep;
use lifeboat::engine::Engine;
use lifeboat::repository::{Repository, Storage};
use lifeboat::watch::Unwatched;

use crate::buckets::PREFIX;
use crate::engine::{Installation, backup, ended, live, start};
use crate::object_storage::{Fault, Line, NO_DELETIONS, Store, is_signed_by};
use crate::support::{Sandbox, below, key, moment, noise};

pub const AHEAD: &str = "2099-11-01T00:17:00Z";
const LONG_AGO: &str = "2001-11-01T00:17:00Z";

pub fn clock_at(text: &str) -> Arc<SetClock> {
    Arc::new(SetClock::at(moment(text)))
}

/// Reached over a line by a key that may not delete, with objects that are kept for 30 days. Nothing in these tests goes
/// away, so they are patient.
pub fn options(line: &Line) -> StorageOptions {
    StorageOptions {
        access_key_id_env: Some("WRITING_ID".to_owned()),
        immutable: Some(Immutable::days(30)),
        ..patient(line)
    }
}

fn patient(line: &Line) -> StorageOptions {
    StorageOptions {
        timeout_seconds: 60,
        retry_seconds: 120,
        ..line.options()
    }
}

/// The same with another key that may.
fn options_to_delete(line: &Line) -> StorageOptions {
    StorageOptions {
        deletions: Some(DeletionKey {
            access_key_id_env: Some("DELETING_ID".to_owned()),
            secret_access_key_env: Some("DELETING_SECRET".to_owned()),
            ..DeletionKey::default()
        }),
        ..options(line)
    }
}

fn storage(store: &Store, options: &StorageOptions, clock: &Arc<dyn Clock>) -> Storage {
    store
        .storage_over(PREFIX, options)
        .immutable(Some(Immutable::days(30)), clock)
}

fn sandbox(clock: &Arc<dyn Clock>) -> (Sandbox, Store, Line) {
    let (store, line) = (Store::with_object_lock(), Line::new());
    let storage = storage(&store, &options_to_delete(&line), clock);
    (Sandbox::in_bucket(store.clone(), storage), store, line)
}

fn deletions(line: &Line) -> Vec<String> {
    let heads = line.heads().into_iter();
    heads
        .filter(|head| head.starts_with("DELETE") || head.contains("?delete"))
        .collect()
}

fn is_lock(name: &str) -> bool {
    name.contains("/locks/")
}

/// The objects of a repository with the day until which each is kept.
fn kept(store: &Store, prefix: &str) -> Vec<(String, String)> {
    let names = store.objects(prefix).into_iter();
    names
        .filter(|name| !is_lock(name))
        .map(|name| {
            let until = store.kept_until(&name).unwrap_or_default();
            (name, until.get(..10).unwrap_or_default().to_owned())
        })
        .collect()
}

pub struct House {
    pub place: Installation,
    pub line: Line,
    clock: Arc<SetClock>,
}

impl House {
    pub fn at(now: &str) -> Self {
        Self {
            place: Installation::in_buckets(Store::with_object_lock(), Store::with_object_lock()),
            line: Line::new(),
            clock: clock_at(now),
        }
    }

    pub fn machine(&self, manual: u16, options: StorageOptions) -> Engine {
        let keep = Keep {
            manual,
            ..Keep::default()
        };
        let second = StorageOptions {
            deletions: options.deletions.clone(),
            immutable: options.immutable,
            access_key_id_env: options.access_key_id_env.clone(),
            ..patient(&self.line)
        };
        let clock: Arc<dyn Clock> = self.clock.clone();
        self.place.machine_at("state", clock, keep, options, second)
    }

    pub fn later(&self, days: i64) {
        self.clock.set(self.clock.now() + chrono::Duration::days(days));
    }

    pub fn first(&self) -> &Store {
        &self.place.first
    }
}

pub fn done(job: Job) -> Job {
    assert_eq!(job.state, JobState::Done, "{job:?}");
    let warnings = job.outcome.as_ref().map(|outcome| outcome.warnings.clone());
    assert_eq!(warnings, Some(Vec::new()));
    job
}

pub fn failed(job: Job) -> String {
    match job.state {
        JobState::Failed { why } => why,
        state => panic!("{state:?}"),
    }
}

fn prune(engine: &Engine) -> Job {
    done(ended(
        engine,
        engine.live(&live()).unwrap().start_prune().unwrap(),
    ))
}

/// What the log of a job says.
fn said(engine: &Engine, job: &Job) -> String {
    let log = engine.catalog().log_after(job.id, 0).unwrap();
    let lines: Vec<_> = log.into_iter().map(|line| line.text).collect();
    lines.join("\n")
}

#[test]
fn whatever_a_backup_needs_is_kept_from_when_it_is_written_and_nothing_is_deleted() {
    let clock: Arc<dyn Clock> = clock_at(AHEAD);
    let (sandbox, store, line) = sandbox(&clock);
    let held = sandbox.repository.lock(&clock).unwrap();
    let id = sandbox.back_up();
    sandbox.reopened().verify(&id, &Unwatched).unwrap();
    drop(held);
    let kept = kept(&store, PREFIX);
    for part in ["/config", "/keys/", "/data/", "/index/", "/snapshots/"] {
        assert!(kept.iter().any(|(name, _)| name.contains(part)), "{part}");
    }
    assert!(kept.iter().all(|(_, until)| until == "2099-12-01"), "{kept:?}");
    assert_eq!(deletions(&line), Vec::<String>::new());
    // With what a lock leaves behind, `restic` works as always: it wants the whole repository for itself for this.
    sandbox.restic(&["check", "--read-data"]);
    assert!(sandbox.restic(&["snapshots"]).contains(&id.0[..8]));
}

#[test]
fn a_copy_that_fails_deletes_nothing_either() {
    let clock: Arc<dyn Clock> = clock_at(AHEAD);
    let (sandbox, store, line) = sandbox(&clock);
    sandbox.back_up();
    fs::write(sandbox.content("author").join("dam/new"), noise(9, 900_000)).unwrap();
    line.disturb(|request| {
        if request.contains("/index/") && request.starts_with("PUT") {
            Fault::Answer(403, "AccessDenied")
        } else {
            Fault::Pass
        }
    });
    sandbox.copy().unwrap_err();
    line.disturb(|_| Fault::Pass);
    sandbox.back_up();
    assert_eq!(deletions(&line), Vec::<String>::new());
    assert_eq!(store.markers(PREFIX), Vec::new());
    // What it has left goes when the bucket keeps it no more, and until then is tried in vain.
    let packs = store.objects(&format!("{PREFIX}/data/")).len();
    let later = SystemClock.now() + chrono::Duration::hours(25);
    assert_eq!(sandbox.repository.sweep(later).unwrap(), 0);
    assert!(deletions(&line).iter().any(|head| is_signed_by(head, "deleting")));
    assert_eq!(store.objects(&format!("{PREFIX}/data/")).len(), packs);
    sandbox.restic(&["check", "--read-data"]);
}

#[test]
fn of_two_lifeboats_one_is_refused_and_a_lock_is_given_back_without_deleting_it() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (sandbox, store, line) = sandbox(&clock);
    sandbox.back_up();
    let other = Repository::open(storage(&store, &options(&line), &clock), &key()).unwrap();
    for (one, two) in [(&sandbox.repository, &other), (&other, &sandbox.repository)] {
        let held = one.lock(&clock).unwrap();
        let error = two.lock(&clock).unwrap_err().to_string();
        assert!(error.contains("another Lifeboat is at work on it"), "{error}");
        // `restic` reads beside it, and does not prune.
        sandbox.restic(&["snapshots"]);
        assert!(!sandbox.try_restic(&["prune"]).status.success());
        drop(held);
    }
    // Somebody who takes it for dead puts an empty object in the place of its lock, and then works on it.
    let held = other.lock(&clock).unwrap();
    let lying = store.objects(&format!("{PREFIX}/locks/"));
    let lying: Vec<_> = lying.iter().filter(|name| !store.get(name).is_empty()).collect();
    assert_eq!(lying.len(), 1);
    store.put(lying[0], b"");
    drop(sandbox.repository.lock(&clock).unwrap().unwrap());
    let id = sandbox.repository.list().unwrap().remove(0).id;
    let expires = moment("2031-01-01T00:00:00Z");
    let error = other.change_expiry(&id, expires).unwrap_err().to_string();
    assert!(error.contains("its lock could not be kept"), "{error}");
    drop(held);
    assert_eq!(deletions(&line), Vec::<String>::new());
    sandbox.restic(&["check"]);
}

#[test]
fn what_standing_backups_need_is_kept_for_longer_when_half_of_the_time_is_over() {
    let house = House::at(AHEAD);
    let engine = house.machine(2, options(&house.line));
    done(backup(&engine));
    house.later(8);
    done(backup(&engine));
    let days = || -> Vec<String> {
        let mut days: Vec<_> = kept(house.first(), "boats/")
            .into_iter()
            .map(|(_, until)| until)
            .collect();
        days.sort();
        days.dedup();
        days
    };
    assert_eq!(days(), ["2099-12-01", "2099-12-09"], "not yet");
    house.later(8);
    let job = done(ended(
        &engine,
        engine.live(&live()).unwrap().start_verify(None).unwrap(),
    ));
    // What would be due soon goes along.
    assert_eq!(days(), ["2099-12-17"]);
    let log = said(&engine, &job);
    assert!(
        log.contains("objects are kept for longer") && log.contains("before 2099-12-17"),
        "{log}"
    );
    // Whatever is known already is not asked for again.
    let heads = |from: usize| {
        let heads = house.line.heads().split_off(from);
        heads
            .into_iter()
            .filter(|head| head.contains("range: bytes=0-0") || head.contains("?retention"))
            .count()
    };
    let asked = house.line.heads().len();
    done(ended(
        &engine,
        engine.live(&live()).unwrap().start_verify(None).unwrap(),
    ));
    assert_eq!(heads(asked), 0);
    assert_eq!(days(), ["2099-12-17"]);
}

#[test]
fn what_may_go_is_not_kept_for_longer_and_stays_without_a_key_that_may_delete() {
    let house = House::at(AHEAD);
    let engine = house.machine(1, options(&house.line));
    done(backup(&engine));
    let first = engine.live(&live()).unwrap().backups().unwrap().remove(0).id;
    house.later(1);
    fs::write(house.place.content().join("dam/new"), noise(3, 400_000)).unwrap();
    let job = done(backup(&engine));
    let log = said(&engine, &job);
    assert!(
        log.contains("1 older backup may go and is kept for now: no key is named that may delete"),
        "{log}"
    );
    house.later(16);
    done(backup(&engine));
    let day = |id: &str| {
        let name = format!("boats/acme/live/snapshots/{id}");
        house.first().kept_until(&name).unwrap()[..10].to_owned()
    };
    assert_eq!(day(&first.0), "2099-12-01");
    let newest = engine.live(&live()).unwrap().backups().unwrap().remove(0).id;
    assert_eq!(day(&newest.0), "2099-12-18");
    let config = house.first().kept_until("boats/acme/live/config").unwrap();
    assert_eq!(&config[..10], "2099-12-18");
    let pruned = prune(&engine);
    assert!(
        pruned
            .outcome
            .unwrap()
            .summary
            .contains("no key is named that may delete"),
    );
    assert_eq!(engine.live(&live()).unwrap().backups().unwrap().len(), 3);
    let refused = engine
        .live(&live())
        .unwrap()
        .delete(&first)
        .unwrap_err()
        .to_string();
    assert!(refused.contains("no key is named that may delete"), "{refused}");
    assert_eq!(deletions(&house.line), Vec::<String>::new());
}

#[test]
fn live_is_backed_up_verified_drilled_and_restored_without_deleting_anything() {
    let house = House::at(AHEAD);
    let engine = house.machine(1, options(&house.line));
    let before = below(&house.place.content());
    done(backup(&engine));
    done(ended(
        &engine,
        engine.live(&live()).unwrap().start_verify(None).unwrap(),
    ));
    done(ended(
        &engine,
        engine.live(&live()).unwrap().start_drill(None).unwrap(),
    ));
    for from in [RepositoryChoice::First, RepositoryChoice::Copy] {
        fs::remove_dir_all(house.place.content().join("dam")).unwrap();
        let job = ended(&engine, start(&engine, from).unwrap());
        assert_eq!(job.state, JobState::Done, "{job:?}");
        assert_eq!(below(&house.place.content()), before);
        let undone = ended(
            &engine,
            engine.live(&live()).unwrap().start_undo("acme/live").unwrap(),
        );
        assert_eq!(undone.state, JobState::Done, "{undone:?}");
        let again = ended(&engine, start(&engine, from).unwrap());
        assert_eq!(again.state, JobState::Done, "{again:?}");
    }
    assert_eq!(deletions(&house.line), Vec::<String>::new());
    for (store, prefix) in [(house.first(), "boats/"), (&house.place.second, "copies/")] {
        let kept = kept(store, prefix);
        assert!(
            kept.len() > 5 && kept.iter().all(|(_, until)| until == "2099-12-01"),
            "{kept:?}"
        );
        assert_eq!(store.markers(prefix), Vec::new());
    }
}

#[test]
fn what_may_go_is_deleted_with_the_other_key_once_the_bucket_keeps_it_no_more() {
    let house = House::at(LONG_AGO);
    let engine = house.machine(1, options_to_delete(&house.line));
    fs::write(house.place.content().join("dam/old"), noise(5, 900_000)).unwrap();
    done(backup(&engine));
    fs::remove_file(house.place.content().join("dam/old")).unwrap();
    house.later(1);
    done(backup(&engine));
    assert_eq!(deletions(&house.line), Vec::<String>::new());
    assert_eq!(engine.live(&live()).unwrap().backups().unwrap().len(), 2);
    prune(&engine);
    assert_eq!(engine.live(&live()).unwrap().backups().unwrap().len(), 1);
    assert_eq!(house.first().versions("boats/acme/live/snapshots/"), 1);
    // Left by a copy that was killed, some time ago.
    let left = format!("boats/acme/live/data/ab/{}", "ab".repeat(32));
    house.first().put(&left, &noise(5, 1000));
    house.clock.set(SystemClock.now() + chrono::Duration::hours(25));
    prune(&engine);
    assert_eq!(house.first().versions(&left), 0);
    let deletions = deletions(&house.line);
    assert!(!deletions.is_empty());
    assert!(
        deletions
            .iter()
            .all(|head| is_signed_by(head, "deleting") && !is_signed_by(head, NO_DELETIONS)),
        "{deletions:?}"
    );
    // Nothing is left of what was replaced, nor of locks that were given back.
    assert_eq!(house.first().markers("boats/"), Vec::new());
    done(ended(
        &engine,
        engine.live(&live()).unwrap().start_verify(None).unwrap(),
    ));
    restic_checks(house.first());
}

#[test]
fn what_the_bucket_still_keeps_is_told_and_stays_whole() {
    let house = House::at(AHEAD);
    let engine = house.machine(1, options_to_delete(&house.line));
    fs::write(house.place.content().join("dam/old"), noise(5, 900_000)).unwrap();
    done(backup(&engine));
    fs::remove_file(house.place.content().join("dam/old")).unwrap();
    house.later(1);
    done(backup(&engine));
    let oldest = engine.live(&live()).unwrap().backups().unwrap().remove(1).id;
    for _ in 0..2 {
        let log = said(&engine, &prune(&engine));
        assert!(
            log.contains(
                "1 backup may go and is kept by the bucket, the first of them until 2099-12-01 00:17:00 UTC"
            ),
            "{log}"
        );
        house.later(2);
    }
    let refused = engine
        .live(&live())
        .unwrap()
        .delete(&oldest)
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("has to wait: the bucket keeps it until 2099-12-01"),
        "{refused}"
    );
    assert_eq!(engine.live(&live()).unwrap().backups().unwrap().len(), 2);
    done(ended(
        &engine,
        engine.live(&live()).unwrap().start_verify(None).unwrap(),
    ));
    restic_checks(house.first());
}

#[test]
fn deletions_are_begun_by_the_schedule_once_a_day() {
    let house = House::at(LONG_AGO);
    let engine = house.machine(1, options_to_delete(&house.line));
    let settled = || {
        for id in engine.jobs().at_work() {
            engine.jobs().wait_for(id);
        }
    };
    let deletions = || {
        let jobs = engine.catalog().jobs(&JobQuery::default()).unwrap();
        jobs.iter().filter(|job| job.kind == JobKind::Prune).count()
    };
    engine.live(&live()).unwrap().start_deletions_if_due();
    settled();
    assert_eq!(deletions(), 0, "there is nothing to delete yet");
    for (days, expected) in [(0, 1), (0, 1), (1, 2)] {
        house.later(days);
        // Backups go first.
        engine.live(&live()).unwrap().start_if_due();
        settled();
        engine.live(&live()).unwrap().start_deletions_if_due();
        settled();
        assert_eq!(deletions(), expected);
    }
}

/// `restic` itself finds nothing wrong with the first repository.
fn restic_checks(store: &Store) {
    let checked = std::process::Command::new("restic")
        .args(["--no-cache", "check", "--read-data", "--repo"])
        .arg(format!(
            "s3:http://127.0.0.1:{}/{}/boats/acme/live",
            store.port, store.bucket
        ))
        .env("RESTIC_PASSWORD", "open sesame")
        .env("AWS_ACCESS_KEY_ID", "key")
        .env("AWS_SECRET_ACCESS_KEY", "secret")
        .output()
        .unwrap();
    assert!(
        checked.status.success(),
        "{}",
        String::from_utf8_lossy(&checked.stderr)
    );
}
