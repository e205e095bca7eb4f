//! What has happened in the two projects.

use chrono::Duration;
use lifeboat::domain::activity::{Activity, Notification, Severity};
use lifeboat::domain::job::{Job, JobId, JobKind, JobState, LogLine, Outcome, Phase, Progress};

use super::{ago, id};
use crate::made_up::records::{self, instance, name};

pub fn job(number: u64, environment: &str, kind: JobKind, title: &str) -> Job {
    records::running(number, environment, kind, title, "anna", ago(2))
}

pub fn progress(phase: Phase, done: u64) -> Progress {
    Progress {
        phase,
        instance: Some(instance("public-1")),
        part: None,
        items_done: done * 412,
        items_total: Some(44_870),
        bytes_done: done * 6_200_000,
        bytes_total: Some(620_000_000),
        bytes_per_second: Some(158_000_000 + done * 400_000),
        left_millis: Some((100 - done) * 39),
    }
}

pub fn ended(mut job: Job, state: JobState, outcome: Option<Outcome>) -> Job {
    job.state = state;
    job.ended = Some(job.created + Duration::seconds(11));
    job.outcome = outcome;
    job
}

/// Jobs that have ended.
pub fn past_jobs() -> Vec<Job> {
    let restored = Outcome {
        summary: "acme/live is back at 2026-11-21 00:17".to_owned(),
        backup: Some(id(2)),
        safety: Some(id(5)),
        warnings: Vec::new(),
        health: Vec::new(),
        not_proven: Vec::new(),
    };
    vec![
        ended(
            job(31, "acme/live", JobKind::Backup, "scheduled backup: daily"),
            JobState::Done,
            None,
        ),
        ended(
            job(30, "globex/live", JobKind::Backup, "scheduled backup: daily"),
            JobState::Failed {
                why: "/srv/globex/author/content/dam could not be read (permission denied)".to_owned(),
            },
            None,
        ),
        ended(
            job(29, "acme/live", JobKind::Restore, "restore of 3b90aa17 (daily)"),
            JobState::Done,
            Some(restored),
        ),
        ended(
            job(28, "acme/live", JobKind::Verify, "verify all backups"),
            JobState::Cancelled,
            None,
        ),
    ]
}

/// Who did what.
pub fn activity() -> Vec<Activity> {
    let activity = vec![
        (
            31,
            "schedule",
            "acme/live",
            "scheduled backup of acme/live: done in 11 s",
            Severity::Information,
        ),
        (
            30,
            "schedule",
            "globex/live",
            "scheduled backup of globex/live failed: /srv/globex/author/content/dam could not be read (permission denied); let the user of Lifeboat read it",
            Severity::Critical,
        ),
        (
            29,
            "anna",
            "acme/live",
            "restore of 3b90aa17 (daily) into acme/live: done in 24 s",
            Severity::Information,
        ),
        (
            28,
            "bert",
            "acme/live",
            "verification of acme/live was cancelled",
            Severity::Warning,
        ),
    ];
    activity
        .into_iter()
        .map(|(number, by, environment, what, severity)| Activity {
            number,
            at: ago(i64::try_from(400 - number * 3).unwrap()),
            by: by.into(),
            environment: Some(name(environment)),
            what: what.to_owned(),
            job: Some(JobId(number)),
            severity,
            from: None,
            request: None,
        })
        .collect()
}

/// One notification that nobody has seen, and one that somebody has.
pub fn news() -> Vec<Notification> {
    vec![
        Notification {
            number: 12,
            at: ago(310),
            severity: Severity::Critical,
            environment: Some(name("globex/live")),
            text: "the backup of globex/live failed: /srv/globex/author/content/dam could not be read (permission denied); let the user of Lifeboat read it".to_owned(),
            job: Some(JobId(30)),
            seen: false,
        },
        Notification {
            number: 11,
            at: ago(313),
            severity: Severity::Information,
            environment: Some(name("acme/live")),
            text: "the daily backup of acme/live is complete and verified".to_owned(),
            job: Some(JobId(31)),
            seen: true,
        },
    ]
}

/// The log of any job.
pub fn log() -> Vec<LogLine> {
    let lines = [
        (Severity::Information, "preparing: 3 instances, 24 workspaces"),
        (Severity::Information, "author: 15,166 items, 197 MiB"),
        (Severity::Warning, "author/dam/.lock is a socket and was left out"),
        (Severity::Information, "verified: every digest is right"),
    ];
    records::log(&lines, |number| {
        ago(2) + Duration::seconds(i64::try_from(number).unwrap() * 2)
    })
}
