//! What has happened in `acme/live`.

use lifeboat::domain::activity::{Activity, Severity};
use lifeboat::domain::job::{Job, JobId, JobKind, JobState, LogLine, Outcome, Phase, Progress};
use lifeboat::domain::lifeboat_node::{LifeboatNode, NodeJob, NodeStanding};
use lifeboat::domain::notify::{ReceiverStanding, Topic};

use super::{at, backups};
use crate::made_up::records::{self, name};

pub fn job(id: u64, kind: JobKind, title: &str, state: JobState) -> Job {
    Job {
        ended: state.has_ended().then(|| at(23, 5, 2)),
        state,
        ..records::running(id, "acme/live", kind, title, "kim", at(23, 5, 0))
    }
}

pub fn running(id: u64, phase: Phase) -> Job {
    let mut job = job(id, JobKind::Backup, "manual backup", JobState::Running);
    job.progress = Some(Progress {
        instance: Some("author".parse().unwrap()),
        bytes_done: 400 << 20,
        bytes_total: Some(800 << 20),
        bytes_per_second: Some(150 << 20),
        left_millis: Some(2_700),
        ..Progress::start(phase)
    });
    job
}

/// Newest first.
pub fn jobs() -> Vec<Job> {
    let mut done = job(
        40,
        JobKind::Restore,
        "restore of b1234567 (daily)",
        JobState::Done,
    );
    done.outcome = Some(Outcome {
        summary: "Live is back at the backup of 2026-11-23 02:10".to_owned(),
        backup: Some(backups()[1].id.clone()),
        safety: Some(backups()[0].id.clone()),
        warnings: vec!["a hook of public-1 ended with exit code 1".to_owned()],
        health: Vec::new(),
        not_proven: Vec::new(),
    });
    let failed = JobState::Failed {
        why:
            "reading /srv/author/dam failed: Input/output error. Look at the disk, then take the backup again"
                .to_owned(),
    };
    vec![
        running(41, Phase::Copying),
        done,
        job(39, JobKind::Backup, "daily backup", failed),
    ]
}

/// Receivers: one that takes what is sent, and one that does not.
pub fn receivers() -> Vec<ReceiverStanding> {
    let pager = ReceiverStanding {
        name: "pager".into(),
        kind: "webhook".into(),
        place: "https://pager.example.com".into(),
        events: vec![Topic::BackupFailed, Topic::RestoreFailed],
        environments: vec!["globex/*".into()],
        severity: Severity::Critical,
        waiting: 0,
        oldest: None,
        quiet_until: None,
        delivered: Some(at(23, 2, 14)),
        failing_since: None,
        next_try: None,
        why: None,
    };
    let mail = ReceiverStanding {
        name: "mail".into(),
        kind: "email".into(),
        place: "ops@example.com through mail.example.com".into(),
        events: Vec::new(),
        environments: Vec::new(),
        severity: Severity::Warning,
        waiting: 3,
        oldest: Some(at(23, 2, 14)),
        quiet_until: None,
        delivered: None,
        failing_since: Some(at(23, 2, 14)),
        next_try: Some(at(23, 2, 31)),
        why: Some("mail.example.com did not take the mail: Connection error: Connection refused".into()),
    };
    let asleep = ReceiverStanding {
        name: "chat".into(),
        kind: "slack".into(),
        place: "https://chat.example.com".into(),
        severity: Severity::Information,
        environments: Vec::new(),
        events: Vec::new(),
        waiting: 2,
        oldest: Some(at(23, 2, 14)),
        quiet_until: Some(at(23, 7, 0)),
        ..pager.clone()
    };
    vec![pager, mail, asleep]
}

/// Two machines that share the catalog, and one that has gone in the middle of a drill.
pub fn nodes() -> Vec<LifeboatNode> {
    let job = |id, environment, kind, title: &str| NodeJob {
        id: JobId(id),
        environment: name(environment),
        kind,
        title: title.to_owned(),
    };
    let node = |number, called: &str, standing, minute, jobs| LifeboatNode {
        number,
        name: Some(called.to_owned()),
        started: Some(at(20, 8, 0)),
        lease: Some(at(23, 5, minute)),
        keeps_schedule: Some(number != 6),
        standing,
        is_this: number == 7,
        jobs,
    };
    vec![
        node(
            5,
            "backup-1",
            NodeStanding::Gone,
            2,
            vec![job(33, "acme/live", JobKind::Drill, "drill of backup 3b90aa17")],
        ),
        node(6, "backup-2", NodeStanding::Late, 29, Vec::new()),
        node(
            7,
            "backup-3",
            NodeStanding::Alive,
            31,
            vec![
                job(34, "globex/live", JobKind::Backup, "scheduled backup (daily)"),
                job(35, "initech/live", JobKind::Verify, "verification of all backups"),
            ],
        ),
    ]
}

pub fn log() -> Vec<LogLine> {
    let lines = [
        (Severity::Information, "copied author, 16,391 items"),
        (Severity::Warning, "hook said: \u{1b}]0;owned\u{7}done"),
    ];
    records::log(&lines, |_| at(23, 5, 1))
}

pub fn activity() -> Vec<Activity> {
    let entry = |number, by: &str, what: &str, job, severity| Activity {
        number,
        at: at(23, 5, 2),
        by: by.into(),
        environment: Some(name("acme/live")),
        what: what.to_owned(),
        job,
        severity,
        from: None,
        request: None,
    };
    vec![
        entry(
            2,
            "kim",
            "restored b1234567",
            Some(JobId(40)),
            Severity::Information,
        ),
        entry(
            1,
            "schedule",
            "the daily backup failed:\nthe disk \u{1b}[2Jis full",
            Some(JobId(39)),
            Severity::Critical,
        ),
    ]
}
