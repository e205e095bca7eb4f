//! The catalog from outside: several Lifeboats at once, the ones that die, and files that are not catalogs.

use std::fs;
use std::sync::Barrier;
use std::thread;

use chrono::{DateTime, TimeDelta};
use tempfile::TempDir;

use super::*;
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::backup::{BackupId, Verification};
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{Job, JobId, JobKind, JobState, Phase, Progress};
use crate::domain::request::{HoldKind, JobQuery};
use crate::domain::state::Hold;

fn at(seconds: i64) -> Instant {
    DateTime::from_timestamp(1_764_000_000 + seconds, 123_456_000).unwrap()
}

fn name(text: &str) -> EnvironmentName {
    text.parse().unwrap()
}

fn state_dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn start(catalog: &Catalog, environment: &str) -> Result<Job, CatalogError> {
    catalog.create_job(
        &name(environment),
        JobKind::Backup,
        "manual backup",
        "ann",
        at(0),
        JobState::Running,
    )
}

fn end(catalog: &Catalog, mut job: Job, state: JobState, ended: Instant) -> Job {
    job.state = state;
    job.ended = Some(ended);
    catalog.update_job(&job).unwrap();
    job
}

/// Ends the process of a catalog the way `kill -9` does: the lock is gone, its file stays.
fn kill(catalog: Catalog) {
    let path = catalog.process.path();
    drop(catalog);
    fs::write(path, "").unwrap();
}

#[test]
fn a_job_reads_back_as_it_was_stored() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    let mut job = start(&catalog, "acme/live").unwrap();
    assert_eq!(job.began, Some(at(0)));
    job.progress = Some(Progress::start(Phase::Copying));
    catalog.update_job(&job).unwrap();
    assert_eq!(catalog.job(job.id).unwrap(), job);
    assert_eq!(catalog.running(&name("acme/live")).unwrap(), Some(job.clone()));
    assert!(matches!(
        catalog.job(JobId(99)),
        Err(CatalogError::UnknownJob(JobId(99)))
    ));
    end(&catalog, job, JobState::Done, at(5));
    assert_eq!(catalog.running(&name("acme/live")).unwrap(), None);
}

#[test]
fn one_job_at_a_time_on_an_environment_for_all_lifeboats() {
    let dir = state_dir();
    let (one, other) = (
        Catalog::open(dir.path()).unwrap(),
        Catalog::open(dir.path()).unwrap(),
    );
    let job = start(&one, "acme/live").unwrap();
    for catalog in [&one, &other] {
        let refused = start(catalog, "acme/live");
        assert!(
            matches!(&refused, Err(CatalogError::Busy { job: standing, .. }) if *standing == job.id),
            "{refused:?}"
        );
        assert_eq!(
            catalog.running(&name("acme/live")).unwrap().map(|job| job.id),
            Some(job.id)
        );
    }
    start(&other, "beta/live").unwrap();
    assert!(matches!(other.update_job(&job), Err(CatalogError::NotOwned(id)) if id == job.id));
    end(&one, job, JobState::Cancelled, at(1));
    start(&other, "acme/live").unwrap();
}

#[test]
fn of_many_that_start_at_the_same_time_one_wins() {
    let dir = state_dir();
    // Nobody lets go before everybody has tried: a catalog that is dropped leaves its job behind.
    let tried = Barrier::new(6);
    let won = thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let catalog = Catalog::open(dir.path()).unwrap();
                    let won = start(&catalog, "acme/live").is_ok();
                    tried.wait();
                    won
                })
            })
            .collect();
        let won: Vec<bool> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        won.into_iter().filter(|won| *won).count()
    });
    assert_eq!(won, 1);
}

#[test]
fn a_job_of_a_dead_process_is_settled_by_exactly_one() {
    let dir = state_dir();
    let doomed = Catalog::open(dir.path()).unwrap();
    let job = start(&doomed, "acme/live").unwrap();
    kill(doomed);

    let catalogs: Vec<_> = (0..4).map(|_| Catalog::open(dir.path()).unwrap()).collect();
    assert!(
        matches!(start(&catalogs[0], "acme/live"), Err(CatalogError::Abandoned { job: left, .. }) if left == job.id)
    );
    assert_eq!(catalogs[0].running(&name("acme/live")).unwrap(), None);
    let adopted: Vec<bool> = thread::scope(|scope| {
        let threads: Vec<_> = catalogs
            .iter()
            .map(|catalog| {
                scope.spawn(|| {
                    assert!(catalog.abandoned().unwrap().iter().all(|left| left.id == job.id));
                    catalog.adopt(job.id).unwrap()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(adopted.iter().filter(|adopted| **adopted).count(), 1);
    let heir = &catalogs[adopted.iter().position(|adopted| *adopted).unwrap()];
    assert!(heir.abandoned().unwrap().is_empty());
    end(
        heir,
        job,
        JobState::Failed {
            why: "its process was killed".into(),
        },
        at(9),
    );
    start(&catalogs[0], "acme/live").unwrap();
}

#[test]
fn the_living_are_not_cleared_away_and_the_dead_are() {
    let dir = state_dir();
    let living = Catalog::open(dir.path()).unwrap();
    let doomed = Catalog::open(dir.path()).unwrap();
    let left = doomed.process.path();
    kill(doomed);
    let other = Catalog::open(dir.path()).unwrap();
    assert!(living.process.path().exists());
    assert!(!left.exists());
    let gone = other.process.path();
    drop(other);
    assert!(!gone.exists());
}

#[test]
fn a_new_catalog_beside_old_processes_takes_none_of_their_numbers() {
    let dir = state_dir();
    let old = Catalog::open(dir.path()).unwrap();
    for file in ["catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"] {
        fs::rename(dir.path().join(file), dir.path().join(format!("away-{file}"))).unwrap();
    }
    let new = Catalog::open(dir.path()).unwrap();
    assert_ne!(old.process.number(), new.process.number());
}

#[test]
fn any_lifeboat_can_ask_a_job_to_stop() {
    let dir = state_dir();
    let (one, other) = (
        Catalog::open(dir.path()).unwrap(),
        Catalog::open(dir.path()).unwrap(),
    );
    let job = start(&one, "acme/live").unwrap();
    assert!(!one.cancel_requested(job.id).unwrap());
    assert!(other.request_cancel(job.id).unwrap());
    assert!(!other.request_cancel(job.id).unwrap());
    assert!(one.cancel_requested(job.id).unwrap());
    // What the job's own process stores next does not know of it, and does not undo it.
    one.update_job(&job).unwrap();
    assert!(one.job(job.id).unwrap().cancel_asked);
    end(&one, job.clone(), JobState::Cancelled, at(3));
    assert!(!other.request_cancel(job.id).unwrap());
    assert!(matches!(
        other.request_cancel(JobId(77)),
        Err(CatalogError::UnknownJob(_))
    ));
}

#[test]
fn a_lifeboat_notices_what_another_writes() {
    let dir = state_dir();
    let (one, other) = (
        Catalog::open(dir.path()).unwrap(),
        Catalog::open(dir.path()).unwrap(),
    );
    let before = one.changes().unwrap();
    assert_eq!(one.changes().unwrap(), before);
    start(&one, "acme/live").unwrap();
    assert_eq!(one.changes().unwrap(), before, "its own writes do not count");
    start(&other, "beta/live").unwrap();
    assert_ne!(one.changes().unwrap(), before);
}

#[test]
fn jobs_are_listed_newest_first_and_narrowed() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    let mut ids = Vec::new();
    for environment in ["acme/live", "beta/live", "acme/live"] {
        let job = start(&catalog, environment).unwrap();
        ids.push(end(&catalog, job, JobState::Done, at(1)).id);
    }
    let list = |query: JobQuery| {
        let jobs = catalog.jobs(&query).unwrap();
        jobs.into_iter().map(|job| job.id).collect::<Vec<_>>()
    };
    assert_eq!(list(JobQuery::default()), [ids[2], ids[1], ids[0]]);
    assert_eq!(
        list(JobQuery {
            environment: Some(name("acme/live")),
            limit: 1,
            ..JobQuery::default()
        }),
        [ids[2]]
    );
    assert_eq!(
        list(JobQuery {
            id: Some(ids[0]),
            limit: 5,
            ..JobQuery::default()
        }),
        [ids[0]]
    );
    assert_eq!(
        catalog.last_ended(&name("acme/live")).unwrap().map(|job| job.id),
        Some(ids[2])
    );
    assert_eq!(catalog.last_scheduled(&name("acme/live")).unwrap(), None);
}

#[test]
fn past_runs_are_of_jobs_that_ended_well() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    for (state, seconds) in [
        (JobState::Done, 4),
        (
            JobState::Failed {
                why: "no room".into(),
            },
            9,
        ),
        (JobState::Done, 6),
    ] {
        let mut job = start(&catalog, "acme/live").unwrap();
        for (phase, bytes) in [(Phase::Copying, 5_000), (Phase::Retention, 10)] {
            job.progress = Some(Progress {
                bytes_done: bytes,
                ..Progress::start(phase)
            });
            catalog.update_job(&job).unwrap();
        }
        end(&catalog, job, state, at(seconds));
    }
    let past = |limit| {
        catalog
            .past_durations(&name("acme/live"), JobKind::Backup, limit)
            .unwrap()
    };
    let run = |millis| PastRun { millis, bytes: 5_000 };
    assert_eq!(past(10), [run(6_000), run(4_000)]);
    assert_eq!(past(1), [run(6_000)]);
}

#[test]
fn failures_of_the_schedule_are_counted_from_its_last_success() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    let live = name("acme/live");
    let run = |by: &str, state: JobState, seconds| {
        let job = catalog
            .create_job(
                &live,
                JobKind::Backup,
                "backup",
                by,
                at(seconds),
                JobState::Running,
            )
            .unwrap();
        end(&catalog, job, state, at(seconds + 1));
        catalog.scheduled_failures(&live, JobKind::Backup).unwrap()
    };
    let failed = || JobState::Failed {
        why: "no room".into(),
    };
    let failures = |count, seconds| {
        Some(ScheduledFailures {
            count,
            last: at(seconds),
        })
    };
    assert_eq!(catalog.scheduled_failures(&live, JobKind::Backup).unwrap(), None);
    assert_eq!(run("schedule", failed(), 0), failures(1, 1));
    assert_eq!(run("schedule", failed(), 10), failures(2, 11));
    assert_eq!(
        run("ann", JobState::Done, 20),
        failures(2, 11),
        "a person's does not count"
    );
    assert_eq!(run("schedule", JobState::Done, 30), None);
    assert_eq!(run("schedule", failed(), 40), failures(1, 41));
}

#[test]
fn a_log_counts_its_lines_and_keeps_the_newest() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    let job = start(&catalog, "acme/live").unwrap().id;
    for number in 1..=u64::from(LOG_LINES_KEPT) + 3 {
        let line = catalog
            .log(job, at(0), Severity::Warning, &format!("line {number}"))
            .unwrap();
        assert_eq!(line.number, number);
    }
    let all = catalog.log_after(job, 0).unwrap();
    assert_eq!(all.len(), LOG_LINES_KEPT as usize);
    assert_eq!(all[0].number, 4);
    let newest = catalog.log_after(job, u64::from(LOG_LINES_KEPT) + 2).unwrap();
    assert_eq!(newest.len(), 1);
    assert_eq!(newest[0].text, "line 10003");
    assert_eq!((newest[0].at, newest[0].severity), (at(0), Severity::Warning));
    assert!(matches!(
        catalog.log(JobId(50), at(0), Severity::Information, "nobody's"),
        Err(CatalogError::UnknownJob(_))
    ));
}

#[test]
fn activity_and_notifications_come_newest_first() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    let live = name("acme/live");
    let first = catalog
        .add_activity(
            at(0),
            "ann",
            Some(&live),
            "took a backup",
            Some(JobId(3)),
            Severity::Information,
        )
        .unwrap();
    let second = catalog
        .add_activity(at(1), "lifeboat", None, "finished", None, Severity::Critical)
        .unwrap();
    assert_eq!(catalog.activity(9).unwrap(), [second.clone(), first]);
    assert_eq!(catalog.activity(1).unwrap(), [second]);

    for text in ["one", "two", "three"] {
        catalog
            .notify(at(2), Severity::Warning, Some(&live), text, None)
            .unwrap();
    }
    catalog.seen(2).unwrap();
    let seen: Vec<_> = catalog
        .notifications(9)
        .unwrap()
        .into_iter()
        .map(|notification| (notification.text, notification.seen))
        .collect();
    assert_eq!(
        seen,
        [
            ("three".into(), false),
            ("two".into(), true),
            ("one".into(), true)
        ]
    );
}

#[test]
fn holds_verifications_and_first_meetings_are_remembered_for_each_environment() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    let (live, other) = (name("acme/live"), name("beta/live"));
    let hold = Hold {
        reason: Some("audit".into()),
        since: at(0),
        by: "ann".into(),
    };
    catalog
        .set_hold(&live, HoldKind::Protection, Some(&hold))
        .unwrap();
    assert_eq!(
        catalog.holds(&live).unwrap(),
        Holds {
            maintenance: None,
            protection: Some(hold)
        }
    );
    assert_eq!(catalog.holds(&other).unwrap(), Holds::default());
    catalog.set_hold(&live, HoldKind::Protection, None).unwrap();
    assert_eq!(catalog.holds(&live).unwrap(), Holds::default());

    let backup = BackupId("ab".repeat(32));
    for verification in [
        Verification::Verified { at: at(1) },
        Verification::Damaged {
            at: at(2),
            why: "a pack is missing".into(),
        },
    ] {
        catalog
            .record_verification(&live, &backup, &verification)
            .unwrap();
        assert_eq!(
            catalog.verifications(&live).unwrap().get(&backup),
            Some(&verification)
        );
    }
    catalog.forget_verification(&live, &backup).unwrap();
    assert!(catalog.verifications(&live).unwrap().is_empty());

    assert_eq!(catalog.met(&live, at(5)).unwrap(), at(5));
    assert_eq!(catalog.met(&live, at(9)).unwrap(), at(5));
}

#[test]
fn pruning_keeps_the_newest_and_whatever_has_not_ended() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    let running = start(&catalog, "beta/live").unwrap();
    for _ in 0..5 {
        let job = start(&catalog, "acme/live").unwrap();
        catalog
            .log(job.id, at(0), Severity::Information, "began")
            .unwrap();
        end(&catalog, job, JobState::Done, at(1));
        catalog
            .notify(at(1), Severity::Information, None, "done", None)
            .unwrap();
    }
    catalog
        .write(|tx| {
            jobs::prune(tx, 2)?;
            records::prune(tx, 3)
        })
        .unwrap();
    let left: Vec<_> = catalog
        .jobs(&JobQuery::default())
        .unwrap()
        .into_iter()
        .map(|job| job.id)
        .collect();
    assert_eq!(left, [JobId(6), JobId(5), running.id]);
    assert!(
        catalog.log_after(JobId(2), 0).unwrap().is_empty(),
        "logs go with their jobs"
    );
    assert_eq!(catalog.log_after(JobId(6), 0).unwrap().len(), 1);
    assert_eq!(catalog.notifications(9).unwrap().len(), 3);
    catalog.prune().unwrap();
    assert_eq!(catalog.jobs(&JobQuery::default()).unwrap().len(), 3);
}

#[test]
fn everything_is_still_there_after_opening_again() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    let job = start(&catalog, "acme/live").unwrap();
    let job = end(&catalog, job, JobState::Done, at(1) + TimeDelta::nanoseconds(17));
    drop(catalog);
    let catalog = Catalog::open(dir.path()).unwrap();
    assert_eq!(catalog.job(job.id).unwrap(), job);
    assert_eq!(
        start(&catalog, "acme/live").unwrap().id,
        JobId(2),
        "numbers are not used twice"
    );
}

#[test]
fn a_file_that_is_no_catalog_is_left_alone_with_a_sentence_that_helps() {
    let dir = state_dir();
    let path = dir.path().join("catalog.sqlite");
    let garbage = "this is not a database, and it is long enough to be taken for one".repeat(80);
    fs::write(&path, &garbage).unwrap();
    let error = Catalog::open(dir.path()).unwrap_err();
    assert!(matches!(error, CatalogError::Damaged { .. }), "{error:?}");
    assert!(error.to_string().contains("no backup is lost"), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), garbage);
}

#[test]
fn a_catalog_with_a_hole_in_it_is_called_damaged() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    for number in 0..200 {
        catalog
            .add_activity(
                at(number),
                "ann",
                None,
                &"long ".repeat(50),
                None,
                Severity::Warning,
            )
            .unwrap();
    }
    drop(catalog);
    let path = dir.path().join("catalog.sqlite");
    let mut bytes = fs::read(&path).unwrap();
    let hole = bytes.len() / 2..;
    bytes[hole].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let error = Catalog::open(dir.path())
        .and_then(|catalog| catalog.activity(1_000))
        .unwrap_err();
    assert!(matches!(error, CatalogError::Damaged { .. }), "{error:?}");
}

#[test]
fn a_newer_catalog_is_refused_and_not_touched() {
    let dir = state_dir();
    let catalog = Catalog::open(dir.path()).unwrap();
    catalog
        .write(|tx| Ok(tx.pragma_update(None, "user_version", 7)?))
        .unwrap();
    drop(catalog);
    let error = Catalog::open(dir.path()).unwrap_err();
    assert!(matches!(error, CatalogError::Newer { found: 7, .. }), "{error:?}");
}

#[test]
fn migrations_run_once_each_and_whole_or_not_at_all() {
    let mut connection = Connection::open_in_memory().unwrap();
    let count = |connection: &Connection| {
        connection
            .query_row("SELECT count(*) FROM steps", [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    let first = "CREATE TABLE steps (n INTEGER); INSERT INTO steps VALUES (1);";
    let second = "INSERT INTO steps VALUES (2);";
    schema::migrate(&mut connection, &[first]).unwrap();
    schema::migrate(&mut connection, &[first, second]).unwrap();
    schema::migrate(&mut connection, &[first, second]).unwrap();
    assert_eq!(count(&connection), 2);
    let half = "INSERT INTO steps VALUES (3); INSERT INTO nowhere VALUES (1);";
    assert!(schema::migrate(&mut connection, &[first, second, half]).is_err());
    assert_eq!(count(&connection), 2);
    schema::migrate(&mut connection, &[first, second]).unwrap();
}

#[test]
fn only_its_owner_can_look_into_the_directory() {
    use std::os::unix::fs::PermissionsExt;
    let dir = state_dir();
    let state = dir.path().join("state");
    drop(Catalog::open(&state).unwrap());
    assert_eq!(fs::metadata(&state).unwrap().permissions().mode() & 0o777, 0o700);
}
