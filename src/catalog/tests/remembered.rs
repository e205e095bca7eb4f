//! What is remembered and told later, on every store: past jobs, logs, activity, notifications and holds.

use chrono::TimeDelta;

use super::*;
use crate::domain::lifeboat_node::{LifeboatNode, NodeStanding};

pub(super) fn jobs_are_listed_newest_first_and_narrowed(place: &Place) {
    let catalog = place.open();
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

pub(super) fn past_runs_are_of_jobs_that_ended_well(place: &Place) {
    let catalog = place.open();
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
        let (mut job, claim) = start(&catalog, "acme/live").unwrap();
        for (phase, bytes) in [(Phase::Copying, 5_000), (Phase::Retention, 10)] {
            job.progress = Some(Progress {
                bytes_done: bytes,
                ..Progress::start(phase)
            });
            catalog.update_job(&claim, &job).unwrap();
        }
        end(&catalog, (job, claim), state, at(seconds));
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

pub(super) fn failures_of_the_schedule_are_counted_from_its_last_success(place: &Place) {
    let catalog = place.open();
    let live = name("acme/live");
    let run = |by: &str, state: JobState, seconds| {
        let job = catalog
            .create_job(new(&live, &by.into()), at(seconds), &JobState::Running)
            .unwrap();
        end(&catalog, job, state, at(seconds + 1));
        catalog.scheduled_failures(&live, JobKind::Backup).unwrap()
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

pub(super) fn a_log_counts_its_lines_and_keeps_the_newest(place: &Place) {
    let catalog = place.open();
    let job = start(&catalog, "acme/live").unwrap().0.id;
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

pub(super) fn activity_and_notifications_come_newest_first(place: &Place) {
    let catalog = place.open();
    let live = name("acme/live");
    let first = catalog
        .add_activity(
            at(0),
            &ann(),
            Some(&live),
            "took a backup",
            Some(JobId(3)),
            Severity::Information,
        )
        .unwrap();
    let second = catalog
        .add_activity(
            at(1),
            &Caller::here(&Principal::Lifeboat),
            None,
            "finished",
            None,
            Severity::Critical,
        )
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

pub(super) fn holds_verifications_and_first_meetings_are_remembered_for_each_environment(place: &Place) {
    let catalog = place.open();
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

pub(super) fn pruning_keeps_the_newest_and_whatever_has_not_ended(place: &Place) {
    let catalog = place.open();
    let (running, _) = start(&catalog, "beta/live").unwrap();
    for _ in 0..5 {
        let job = start(&catalog, "acme/live").unwrap();
        catalog
            .log(job.0.id, at(0), Severity::Information, "began")
            .unwrap();
        end(&catalog, job, JobState::Done, at(1));
        catalog
            .notify(at(1), Severity::Information, None, "done", None)
            .unwrap();
    }
    catalog
        .write(|session| {
            jobs::prune(session, 2)?;
            records::prune(session, 3)
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
    catalog.prune(at(0)).unwrap();
    assert_eq!(catalog.jobs(&JobQuery::default()).unwrap().len(), 3);
}

pub(super) fn everything_is_still_there_after_opening_again(place: &Place) {
    let catalog = place.open();
    let job = start(&catalog, "acme/live").unwrap();
    let job = end(&catalog, job, JobState::Done, at(1) + TimeDelta::nanoseconds(17));
    drop(catalog);
    let catalog = place.open();
    assert_eq!(catalog.job(job.id).unwrap(), job);
    assert_eq!(
        start(&catalog, "acme/live").unwrap().0.id,
        JobId(2),
        "numbers are not used twice"
    );
}

pub(super) fn a_lifeboat_notices_what_another_writes(place: &Place) {
    let (one, other) = (place.open(), place.open());
    let mut seen = one.seen_so_far().unwrap();
    let mut look = || {
        let (changes, now) = one.changes_since(&seen).unwrap();
        seen = now;
        changes
    };
    assert_eq!(look(), []);
    start(&one, "acme/live").unwrap();
    assert_eq!(look(), [], "its own writes do not count");
    let (job, _) = start(&other, "beta/live").unwrap();
    let told = other
        .notify(at(2), Severity::Warning, Some(&job.environment), "look", None)
        .unwrap();
    other
        .add_activity(
            at(0),
            &ann(),
            Some(&job.environment),
            "held it",
            None,
            Severity::Information,
        )
        .unwrap();
    let changes = look();
    if other.is_shared() {
        let all = [
            Change::Job(Box::new(job.clone())),
            Change::Environment(job.environment),
            Change::Notification(told),
        ];
        assert_eq!(changes, all);
    } else {
        assert_eq!(changes, [Change::Anything]);
    }
    assert_eq!(look(), []);
}

pub(super) fn who_has_the_catalog_open_and_what_each_works_on_is_listed(place: &Place) {
    let (here, other) = (place.open(), place.open());
    let (left, _) = start(&other, "acme/live").unwrap();
    let (mine, _) = start(&here, "globex/live").unwrap();
    let jobs = |standing: NodeStanding, nodes: &[LifeboatNode]| {
        let nodes = nodes.iter().filter(|node| node.standing == standing);
        let mut jobs: Vec<_> = nodes
            .flat_map(|node| node.jobs.iter().map(|job| job.id))
            .collect();
        jobs.sort();
        jobs
    };
    let nodes = here.nodes().unwrap();
    assert_eq!(nodes.len(), 2, "{nodes:?}");
    assert_eq!(jobs(NodeStanding::Alive, &nodes), [left.id, mine.id]);
    let this: Vec<_> = nodes.iter().filter(|node| node.is_this).collect();
    assert_eq!((this.len(), this[0].jobs[0].id), (1, mine.id));
    assert_eq!(this[0].lease.is_some(), here.is_shared());
    place.kill(other);
    let nodes = here.nodes().unwrap();
    let dead = if here.is_shared() {
        NodeStanding::Late
    } else {
        NodeStanding::Gone
    };
    assert_eq!(jobs(dead, &nodes), [left.id], "{nodes:?}");
    let name = here.is_shared().then(|| "a node".to_owned());
    assert_eq!(here.node_of(left.id).unwrap(), name);
    assert!(here.adopt(left.id).unwrap().is_some());
    assert_eq!(
        jobs(NodeStanding::Alive, &here.nodes().unwrap()),
        [left.id, mine.id]
    );
}
