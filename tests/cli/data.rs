//! The made-up project that the verbs are asked about: `acme` with a Live environment that has seen a few things.

use chrono::{Duration, TimeZone, Utc};
use lifeboat::domain::Instant;
use lifeboat::domain::activity::{Activity, Severity};
use lifeboat::domain::backup::{
    Backup, BackupId, InstanceCopy, Manifest, Served, Trigger, Verification, WorkspaceCopy,
};
use lifeboat::domain::check::{Finding, Report, Verdict};
use lifeboat::domain::copies::{CopiedBackup, Copies};
use lifeboat::domain::environment::{
    Answer, EnvironmentKind, EnvironmentName, Instance, Role, WorkspaceKind,
};
use lifeboat::domain::job::{Job, JobId, JobKind, JobState, LogLine, Outcome, Phase, Progress};
use lifeboat::domain::plan::{ExpectedTime, PlanId, RestorePlan, Room, Selection, WorkspaceChange};
use lifeboat::domain::schedule::Schedule;
use lifeboat::domain::settings::RepositoryChoice;
use lifeboat::domain::slot::{Keep, Slot};
use lifeboat::domain::state::{
    EnvironmentDetails, EnvironmentSummary, Hold, ReplacedTables, SlotSchedule, SlotState, UndoWay,
};
use lifeboat::domain::version::{MagnoliaVersion, ReleaseVersion, Versions};

/// Monday morning.
pub fn now() -> Instant {
    at(23, 5, 30)
}

/// A moment of November 2026.
pub fn at(day: u32, hour: u32, minute: u32) -> Instant {
    Utc.with_ymd_and_hms(2026, 11, day, hour, minute, 0).unwrap()
}

pub fn name(text: &str) -> EnvironmentName {
    text.parse().unwrap()
}

fn versions(release: u32) -> Versions {
    Versions {
        release: ReleaseVersion::numbered(release),
        magnolia: MagnoliaVersion("6.3.4".to_owned()),
    }
}

fn workspaces() -> Vec<WorkspaceCopy> {
    [
        ("config", 1_204, 3 << 20),
        ("dam", 5_310, 812 << 20),
        ("website", 9_877, 41 << 20),
    ]
    .into_iter()
    .map(|(name, items, bytes)| WorkspaceCopy {
        name: name.to_owned(),
        kind: WorkspaceKind::of(name),
        items,
        bytes,
        digest: "0".repeat(64),
    })
    .collect()
}

fn backup(digit: char, taken: Instant, trigger: Trigger, slots: &[Slot]) -> Backup {
    Backup {
        id: BackupId(format!(
            "{digit}{}",
            "0123456789abcdef".repeat(4).get(1..).unwrap()
        )),
        verification: Verification::Verified {
            at: taken + Duration::minutes(2),
        },
        drill: None,
        dated_ahead: false,
        manifest: Manifest {
            format: Manifest::FORMAT,
            environment: name("acme/live"),
            taken,
            copy_millis: 61_000,
            verify_millis: 12_000,
            by: "schedule".into(),
            note: None,
            versions: versions(12),
            slots: slots.to_vec(),
            serves: Vec::new(),
            expires: None,
            added_bytes: 5 << 20,
            read_since: None,
            instances: vec![InstanceCopy {
                name: "author".parse().unwrap(),
                role: Role::Author,
                began: taken,
                ended: taken + Duration::minutes(1),
                workspaces: workspaces(),
                tables: Vec::new(),
                left_out: Vec::new(),
                doubts: Vec::new(),
            }],
            trigger,
            ..manifest_defaults()
        },
    }
}

/// Fields of a manifest that no test here looks at.
fn manifest_defaults() -> Manifest {
    serde_json::from_value(serde_json::json!({
        "format": 1, "environment": "acme/live", "taken": now(), "copy_millis": 0, "verify_millis": 0,
        "trigger": { "kind": "person" }, "by": "", "versions": versions(1), "slots": [], "added_bytes": 0,
        "instances": [],
    }))
    .unwrap()
}

/// Newest first: a safety backup, a late daily one, an upgrade backup, one that is weekly and daily, a damaged manual
/// one with a hostile note, and a monthly one.
pub fn backups() -> Vec<Backup> {
    let mut safety = backup('a', at(23, 4, 2), Trigger::Restore, &[]);
    safety.manifest.by = "kim".into();
    safety.manifest.expires = Some(at(25, 4, 2));
    let mut daily = backup('b', at(23, 2, 10), Trigger::Schedule, &[Slot::Daily]);
    daily.manifest.serves = vec![Served {
        slot: Slot::Daily,
        due: at(23, 0, 17),
        late: true,
    }];
    let upgrade_to = MagnoliaVersion("6.3.5".to_owned());
    let mut upgrade = backup('c', at(22, 20, 0), Trigger::Upgrade { to: upgrade_to }, &[]);
    upgrade.manifest.expires = Some(at(24, 20, 0));
    let weekly = backup(
        'd',
        at(22, 0, 17),
        Trigger::Schedule,
        &[Slot::Weekly, Slot::Daily],
    );
    let mut manual = backup('e', at(20, 16, 45), Trigger::Person, &[Slot::Manual]);
    manual.manifest.by = "kim".into();
    manual.manifest.note = Some("before the \u{1b}[31msale\u{202e}".to_owned());
    manual.verification = Verification::Damaged {
        at: at(21, 3, 0),
        why: "a pack has other content than its name says".to_owned(),
    };
    let monthly = backup('f', at(1, 0, 17), Trigger::Schedule, &[Slot::Monthly]);
    vec![safety, daily, upgrade, weekly, manual, monthly]
}

pub fn job(id: u64, kind: JobKind, title: &str, state: JobState) -> Job {
    Job {
        id: JobId(id),
        environment: name("acme/live"),
        kind,
        title: title.to_owned(),
        by: "kim".into(),
        created: at(23, 5, 0),
        began: Some(at(23, 5, 0)),
        ended: state.has_ended().then(|| at(23, 5, 2)),
        state,
        progress: None,
        left_out: Vec::new(),
        cancel_asked: false,
        stop_reason: None,
        outcome: None,
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

pub fn log() -> Vec<LogLine> {
    [
        (Severity::Information, "copied author, 16,391 items"),
        (Severity::Warning, "hook said: \u{1b}]0;owned\u{7}done"),
    ]
    .into_iter()
    .zip(1..)
    .map(|((severity, text), number)| LogLine {
        number,
        at: at(23, 5, 1),
        severity,
        text: text.to_owned(),
    })
    .collect()
}

fn summary(text: &str, kind: EnvironmentKind) -> EnvironmentSummary {
    EnvironmentSummary {
        name: name(text),
        kind,
        slots: Vec::new(),
        newest: None,
        last_verified: None,
        last_drill: None,
        last_proven: None,
        late: false,
        failed: None,
        job: None,
        maintenance: None,
        protection: None,
        trouble: None,
        unread: false,
    }
}

pub fn environments() -> Vec<EnvironmentSummary> {
    let mut live = summary("acme/live", EnvironmentKind::Live);
    live.slots = [Some(at(1, 0, 17)), Some(at(22, 0, 17)), Some(at(23, 2, 10)), None]
        .into_iter()
        .zip(Slot::ALL)
        .map(|(taken, slot)| SlotState {
            slot,
            taken,
            late: slot == Slot::Daily,
        })
        .collect();
    live.newest = Some(at(23, 4, 2));
    live.job = Some(running(41, Phase::Copying));
    live.protection = Some(Hold {
        reason: Some("sale".to_owned()),
        since: at(20, 9, 0),
        by: "kim".into(),
    });
    let mut other = summary("globex/live", EnvironmentKind::Live);
    other.slots = Slot::ALL
        .into_iter()
        .map(|slot| SlotState {
            slot,
            taken: None,
            late: false,
        })
        .collect();
    other.late = true;
    other.failed = Some("the disk is full".to_owned());
    let new = summary("initech/live", EnvironmentKind::Live);
    vec![live, summary("acme/uat", EnvironmentKind::Uat), other, new]
}

pub fn details(summary: EnvironmentSummary) -> EnvironmentDetails {
    let schedule = |slot, next, last_served, last_late| SlotSchedule {
        slot,
        next: Some(next),
        due: summary.name == name("initech/live"),
        last_served,
        last_late,
    };
    let backups = if summary.name == name("acme/live") {
        backups()
    } else {
        Vec::new()
    };
    EnvironmentDetails {
        instances: vec![Instance {
            name: "author".parse().unwrap(),
            role: Role::Author,
            content: "/srv/author".to_owned(),
            health: Some("http://author.internal:8080/.rest/health".to_owned()),
            answer: Some(Answer {
                at: at(23, 5, 2),
                up: true,
                detail: "up".to_owned(),
            }),
        }],
        versions: Some(versions(13)),
        versions_problem: None,
        schedule: Schedule::default(),
        minute_in_window: 17,
        keep: Keep::default(),
        slot_schedules: vec![
            schedule(
                Slot::Monthly,
                Utc.with_ymd_and_hms(2026, 12, 1, 0, 17, 0).unwrap(),
                Some(at(1, 0, 17)),
                false,
            ),
            schedule(Slot::Weekly, at(29, 0, 17), None, false),
            schedule(Slot::Daily, at(24, 0, 17), Some(at(23, 2, 10)), true),
        ],
        last_scheduled: Some(job(38, JobKind::Backup, "daily backup", JobState::Done)),
        next_verify: None,
        next_drill: None,
        undo: backups.first().map(|backup| backup.id.clone()),
        copies: (summary.name == name("acme/live")).then(|| copies(&backups)),
        undo_way: backups.first().map(|backup| UndoWay::Safety {
            backup: backup.id.clone(),
        }),
        replaced: Vec::new(),
        backups,
        repository: "/srv/repository/acme/live".to_owned(),
        summary,
    }
}

/// A second repository that has a copy of the newest backup, and should have one of the next.
fn copies(backups: &[Backup]) -> Copies {
    let mut manifest = backups[0].manifest.clone();
    manifest.trigger = Trigger::Schedule;
    Copies {
        repository: "s3://copies/acme/live".to_owned(),
        slots: vec![Slot::Monthly, Slot::Daily],
        backups: vec![CopiedBackup {
            of: backups[0].id.clone(),
            backup: Backup {
                id: BackupId("f".repeat(64)),
                manifest,
                ..backups[0].clone()
            },
        }],
        missing: vec![backups[1].id.clone()],
        trouble: None,
    }
}

/// A restore into a database has left the tables that it replaced.
pub fn has_replaced(details: &mut EnvironmentDetails) {
    details.replaced = vec![ReplacedTables {
        instance: "author".parse().unwrap(),
        schema: "lifeboat_r42_author".to_owned(),
        job: JobId(42),
        at: at(23, 5, 10),
        expires: at(25, 5, 10),
        bytes: 1_700_000_000,
        selection: Selection::default(),
        merged_versions: false,
    }];
    details.undo_way = Some(UndoWay::Exchange {
        job: JobId(42),
        at: at(23, 5, 10),
        until: at(25, 5, 10),
    });
}

/// What a check finds: some of it works, some does not.
pub fn report(only: Option<&EnvironmentName>) -> Report {
    let finding =
        |environment: Option<&str>, instance: Option<&str>, about: &str, verdict, detail: &str| Finding {
            environment: environment.map(name),
            instance: instance.map(|name| name.parse().unwrap()),
            about: about.to_owned(),
            verdict,
            detail: detail.to_owned(),
        };
    let live = Some("acme/live");
    let author = Some("author");
    let mut findings = vec![
        finding(
            None,
            None,
            "configuration",
            Verdict::Ok,
            "it can be read and holds together: 2 environments",
        ),
        finding(
            live,
            None,
            "repository",
            Verdict::Ok,
            "/srv/repository/acme/live: the key opens it, 6 backups, 45 GiB free",
        ),
        finding(
            live,
            author,
            "database",
            Verdict::Ok,
            "the database author on /run/postgresql: PostgreSQL 15.8, as lifeboat",
        ),
        finding(
            live,
            author,
            "statement_timeout",
            Verdict::Warning,
            "the server ends statements of lifeboat after 30s, and reading a large table takes longer: ALTER ROLE \"lifeboat\" SET statement_timeout = 0",
        ),
        finding(
            live,
            author,
            "rights to back up",
            Verdict::Failed,
            "lifeboat may not read pm_dam_bundle: GRANT SELECT ON \"public\".\"pm_dam_bundle\" TO \"lifeboat\"",
        ),
        finding(
            Some("acme/uat"),
            None,
            "kind",
            Verdict::Ok,
            "UAT is listed and never backed up: only Live is",
        ),
    ];
    findings.retain(|finding| {
        only.is_none() || finding.environment.is_none() || finding.environment.as_ref() == only
    });
    Report { findings }
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

pub fn plan(selection: Selection) -> RestorePlan {
    let change = |workspace: &str, added, changed, removed, examples: &[&str]| WorkspaceChange {
        instance: "author".parse().unwrap(),
        workspace: workspace.to_owned(),
        kind: WorkspaceKind::of(workspace),
        added,
        changed,
        removed,
        unchanged: 1_200,
        bytes: 41 << 20,
        examples: examples.iter().map(|example| (*example).to_owned()).collect(),
    };
    RestorePlan {
        id: PlanId::of_random([7; 16]),
        environment: name("acme/live"),
        backup: backups()[1].clone(),
        selection,
        without_safety: false,
        even_if_unchanged: false,
        changes_nothing: false,
        from: RepositoryChoice::First,
        made: now(),
        changes: vec![
            change("config", 0, 0, 0, &[]),
            change(
                "website",
                12,
                3,
                1,
                &["home/products.yaml", "home/new\u{1b}[31m.yaml"],
            ),
        ],
        newest_change: Some(at(23, 5, 11)),
        versions_now: versions(13),
        expected: Some(ExpectedTime {
            millis: 192_000,
            past_jobs: 4,
            drill: None,
        }),
        room: vec![Room {
            purpose: "staging beside author".to_owned(),
            folder: "/srv".to_owned(),
            needed: 856 << 20,
            free: 3 << 30,
        }],
        obstacles: Vec::new(),
        warnings: vec![
            "Live runs release v13 and the backup is of v12: deploy v12 after the restore".to_owned(),
        ],
    }
}
