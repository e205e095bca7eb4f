//! Made-up but realistic data with a fixed clock, for the backend in memory.
#![allow(dead_code, reason = "each test program uses a part of it")]

use chrono::{Duration, TimeZone as _, Utc};
use lifeboat::domain::Instant;
use lifeboat::domain::activity::{Activity, Notification, Severity};
use lifeboat::domain::backup::{
    Backup, BackupId, InstanceCopy, Manifest, Served, Trigger, Verification, WorkspaceCopy,
};
use lifeboat::domain::check::{Finding, Report, Verdict};
use lifeboat::domain::environment::{
    Answer, EnvironmentKind, EnvironmentName, Instance, InstanceName, Role, WorkspaceKind,
};
use lifeboat::domain::job::{
    InstanceHealth, Job, JobId, JobKind, JobState, LogLine, Outcome, Phase, Progress,
};
use lifeboat::domain::plan::{ExpectedTime, PlanId, RestorePlan, Room, WorkspaceChange};
use lifeboat::domain::proof::{Drill, DrillOutcome};
use lifeboat::domain::schedule::Schedule;
use lifeboat::domain::settings::RepositoryChoice;
use lifeboat::domain::slot::{Keep, Slot};
use lifeboat::domain::state::{
    EnvironmentDetails, EnvironmentSummary, Hold, ReplacedTables, SlotSchedule, SlotState, UndoWay,
};
use lifeboat::domain::version::{MagnoliaVersion, ReleaseVersion, Versions};

/// The time in all tests: a Monday morning.
pub fn now() -> Instant {
    Utc.with_ymd_and_hms(2026, 11, 23, 5, 30, 12).unwrap()
}

/// A moment so many minutes before [`now`].
pub fn ago(minutes: i64) -> Instant {
    now() - Duration::minutes(minutes)
}

pub fn name(text: &str) -> EnvironmentName {
    text.parse().unwrap()
}

pub fn instance(text: &str) -> InstanceName {
    text.parse().unwrap()
}

pub fn id(number: u8) -> BackupId {
    let digits = [
        "7c1f09ab", "e2d4415c", "3b90aa17", "90fe12d8", "5ad0c3b2", "c4479e01", "08b1d6f3",
    ];
    let head = digits[usize::from(number) % digits.len()];
    BackupId(head.repeat(8))
}

const WORKSPACES: [(&str, u64, u64); 8] = [
    ("category", 212, 348_160),
    ("config", 1_904, 2_883_584),
    ("contacts", 418, 1_153_434),
    ("dam", 3_127, 187_432_960),
    ("usergroups", 14, 20_480),
    ("userroles", 47, 90_112),
    ("users", 163, 425_984),
    ("website", 9_281, 14_260_634),
];

/// A copy of every workspace, slightly other for each seed.
fn copies(taken: Instant, seed: u64) -> Vec<InstanceCopy> {
    [
        ("author", Role::Author),
        ("public-1", Role::Public),
        ("public-2", Role::Public),
    ]
    .into_iter()
    .zip(0_i64..)
    .map(|((instance_name, role), number)| InstanceCopy {
        name: instance(instance_name),
        role,
        began: taken + Duration::milliseconds(1200 + number * 2100),
        ended: taken + Duration::milliseconds(3100 + number * 2100),
        workspaces: WORKSPACES
            .into_iter()
            .map(|(workspace, items, bytes)| WorkspaceCopy {
                name: workspace.to_owned(),
                kind: WorkspaceKind::of(workspace),
                items: items - if role == Role::Public { items / 50 } else { 0 } + seed * 3,
                bytes: bytes + seed * 70_000,
                digest: format!("{:016x}", items * 977 + bytes + seed).repeat(4),
            })
            .collect(),
        tables: Vec::new(),
        left_out: Vec::new(),
        doubts: Vec::new(),
    })
    .collect()
}

pub fn backup(number: u8, taken: Instant, trigger: Trigger, slots: &[Slot]) -> Backup {
    let by = match trigger {
        Trigger::Schedule => "schedule",
        _ => "anna",
    };
    let serves = match trigger {
        Trigger::Schedule => slots
            .iter()
            .map(|slot| Served {
                slot: *slot,
                due: taken,
                late: false,
            })
            .collect(),
        _ => Vec::new(),
    };
    let old = taken < ago(60 * 24 * 10);
    Backup {
        id: id(number),
        manifest: Manifest {
            format: Manifest::FORMAT,
            environment: name("acme/live"),
            taken,
            copy_millis: 7_420 + u64::from(number) * 13,
            verify_millis: 2_160 + u64::from(number) * 11,
            trigger,
            by: by.into(),
            note: None,
            versions: Versions {
                release: ReleaseVersion::numbered(if old { 41 } else { 42 }),
                magnolia: MagnoliaVersion(if old { "6.3.3" } else { "6.3.4" }.to_owned()),
            },
            slots: slots.to_vec(),
            serves,
            expires: None,
            added_bytes: 3_400_000 + u64::from(number) * 210_000,
            read_since: None,
            instances: copies(taken, u64::from(number)),
            replaced: None,
        },
        verification: Verification::Verified {
            at: taken + Duration::seconds(10),
        },
        drill: None,
        dated_ahead: false,
    }
}

/// A drill of the newest backup.
pub fn drill(outcome: DrillOutcome) -> Drill {
    Drill {
        at: ago(60 * 26),
        backup: id(2),
        millis: 168_400,
        bytes: 1,
        newest: true,
        outcome,
    }
}

/// The four slots filled, an upgrade backup that stands and a safety backup.
pub fn backups() -> Vec<Backup> {
    let at = |day, hour, minute| Utc.with_ymd_and_hms(2026, 11, day, hour, minute, 4).unwrap();
    let mut manual = backup(3, at(20, 14, 2), Trigger::Person, &[Slot::Manual]);
    manual.manifest.note = Some("before the new navigation goes live".to_owned());
    let to = MagnoliaVersion("6.3.5".to_owned());
    let mut upgrade = backup(4, at(22, 16, 45), Trigger::Upgrade { to }, &[]);
    upgrade.manifest.expires = Some(at(24, 16, 45));
    let mut safety = backup(5, at(21, 9, 30), Trigger::Restore, &[]);
    safety.manifest.expires = Some(at(23, 9, 30));
    let mut weekly = backup(1, at(22, 2, 9), Trigger::Schedule, &[Slot::Weekly]);
    weekly.manifest.serves[0].late = true;
    vec![
        backup(2, at(23, 0, 17), Trigger::Schedule, &[Slot::Daily]),
        upgrade,
        weekly,
        safety,
        manual,
        backup(0, at(1, 0, 17), Trigger::Schedule, &[Slot::Monthly]),
    ]
}

pub fn job(number: u64, environment: &str, kind: JobKind, title: &str) -> Job {
    Job {
        id: JobId(number),
        environment: name(environment),
        kind,
        title: title.to_owned(),
        by: "anna".into(),
        created: ago(2),
        began: Some(ago(2)),
        ended: None,
        state: JobState::Running,
        progress: None,
        left_out: Vec::new(),
        cancel_asked: false,
        stop_reason: None,
        outcome: None,
    }
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

fn slot_states(backups: &[Backup]) -> Vec<SlotState> {
    Slot::ALL
        .into_iter()
        .map(|slot| {
            let holders = lifeboat::domain::retention::holders(backups, &Keep::default(), slot);
            SlotState {
                slot,
                taken: holders.first().map(|backup| backup.manifest.taken),
                late: holders.first().is_some_and(|backup| backup.is_late()),
            }
        })
        .collect()
}

/// A Live environment with these backups.
pub fn live(text: &str, backups: Vec<Backup>) -> EnvironmentDetails {
    let environment = name(text);
    let schedule = Schedule::default();
    let mut summary = summary(text, EnvironmentKind::Live);
    summary.slots = slot_states(&backups);
    summary.newest = backups
        .iter()
        .filter(|backup| backup.is_good())
        .map(|backup| backup.manifest.taken)
        .max();
    let mut last = job(31, text, JobKind::Backup, "scheduled backup: daily");
    last.by = "schedule".into();
    last.created = Utc.with_ymd_and_hms(2026, 11, 23, 0, 17, 0).unwrap();
    last.began = Some(last.created);
    let last = ended(last, JobState::Done, None);
    EnvironmentDetails {
        instances: [
            ("author", Role::Author),
            ("public-1", Role::Public),
            ("public-2", Role::Public),
        ]
        .into_iter()
        .map(|(instance_name, role)| Instance {
            name: instance(instance_name),
            role,
            content: format!("files in /srv/magnolia/{instance_name}/content"),
            health: (instance_name != "public-2")
                .then(|| format!("http://{instance_name}.internal:8080/.rest/health")),
            answer: answer(instance_name),
        })
        .collect(),
        versions: Some(Versions {
            release: ReleaseVersion::numbered(42),
            magnolia: MagnoliaVersion("6.3.4".to_owned()),
        }),
        versions_problem: None,
        schedule,
        minute_in_window: 17,
        keep: Keep::default(),
        slot_schedules: [Slot::Monthly, Slot::Weekly, Slot::Daily]
            .into_iter()
            .map(|slot| SlotSchedule {
                slot,
                next: schedule.next_due(&environment, slot, now()),
                due: false,
                last_served: Some(ago(313)),
                last_late: slot == Slot::Weekly,
            })
            .collect(),
        last_scheduled: Some(last),
        next_verify: None,
        next_drill: None,
        undo: lifeboat::domain::retention::undo_target(&backups).map(|backup| backup.id.clone()),
        undo_way: lifeboat::domain::retention::undo_target(&backups).map(|backup| UndoWay::Safety {
            backup: backup.id.clone(),
        }),
        replaced: Vec::new(),
        backups,
        repository: format!("/var/lib/lifeboat/repository/{text}"),
        copies: None,
        summary,
    }
}

/// What the instance answered last: the author is up, one public is down, the other has no address.
fn answer(instance: &str) -> Option<Answer> {
    let (up, detail) = match instance {
        "author" => (true, "up"),
        "public-1" => (false, "http://public-1.internal:8080/.rest/health: status DOWN"),
        _ => return None,
    };
    Some(Answer {
        at: now(),
        up,
        detail: detail.to_owned(),
    })
}

/// An environment that is not Live.
pub fn other(text: &str, kind: EnvironmentKind) -> EnvironmentDetails {
    let mut details = live(text, Vec::new());
    details.summary = summary(text, kind);
    details.last_scheduled = None;
    details.slot_schedules.clear();
    details
}

/// What restoring the daily backup would do.
/// What a restore has left in the databases of the author and a public.
pub fn replaced(job: u64) -> Vec<ReplacedTables> {
    ["author", "public-1"]
        .into_iter()
        .map(|name| ReplacedTables {
            instance: instance(name),
            schema: format!("lifeboat_r{job}_{name}"),
            job: JobId(job),
            at: ago(48),
            expires: now() + Duration::hours(47),
            bytes: 1_700_000_000,
            selection: lifeboat::domain::plan::Selection::default(),
            merged_versions: false,
        })
        .collect()
}

/// Live is in databases, and a restore has left replaced tables there.
pub fn has_replaced(details: &mut EnvironmentDetails, job: u64) {
    details.replaced = replaced(job);
    details.undo_way = Some(UndoWay::Exchange {
        job: JobId(job),
        at: ago(48),
        until: now() + Duration::hours(47),
    });
    for instance in &mut details.instances {
        let name = &instance.name;
        instance.content =
            format!("database host=/run/postgresql dbname={name} user=lifeboat, schema public");
    }
    for backup in &mut details.backups {
        for copy in &mut backup.manifest.instances {
            for (name, items, bytes) in [
                (".datastore", 812, 410_000_000),
                (".schema", 2, 31_000),
                (".versions", 2_110, 9_400_000),
            ] {
                copy.workspaces.insert(
                    0,
                    WorkspaceCopy {
                        name: name.to_owned(),
                        kind: WorkspaceKind::of(name),
                        items,
                        bytes,
                        digest: "5e".repeat(32),
                    },
                );
            }
        }
    }
}

pub fn plan() -> RestorePlan {
    let mut changes = Vec::new();
    for (number, instance_name) in [(1_u64, "author"), (0, "public-1"), (0, "public-2")] {
        for (workspace, items, bytes) in WORKSPACES {
            let touched = matches!(workspace, "website" | "dam");
            changes.push(WorkspaceChange {
                instance: instance(instance_name),
                workspace: workspace.to_owned(),
                kind: WorkspaceKind::of(workspace),
                added: if touched { 37 + number * 12 } else { 0 },
                changed: if touched { 112 + number } else { 0 },
                removed: if touched { number * 4 } else { 0 },
                unchanged: if touched { items - 150 } else { items },
                bytes,
                examples: if touched && number == 1 {
                    vec![
                        "acme/home.yaml".to_owned(),
                        "acme/news/2026/11/opening.yaml".to_owned(),
                    ]
                } else {
                    Vec::new()
                },
            });
        }
    }
    let daily = backups().remove(0);
    RestorePlan {
        id: PlanId::of_random([7; 16]),
        environment: name("acme/live"),
        backup: daily,
        selection: lifeboat::domain::plan::Selection::default(),
        without_safety: false,
        even_if_unchanged: false,
        changes_nothing: false,
        from: RepositoryChoice::First,
        made: now(),
        changes,
        newest_change: Some(ago(12)),
        versions_now: Versions {
            release: ReleaseVersion::numbered(43),
            magnolia: MagnoliaVersion("6.3.4".to_owned()),
        },
        expected: Some(ExpectedTime {
            millis: 24_800,
            past_jobs: 3,
            drill: None,
        }),
        room: vec![
            Room {
                purpose: "staging beside author".to_owned(),
                folder: "/srv/magnolia/author".to_owned(),
                needed: 210_000_000,
                free: 48_000_000_000,
            },
            Room {
                purpose: "safety backup in the repository".to_owned(),
                folder: "/var/lib/lifeboat/repository".to_owned(),
                needed: 620_000_000,
                free: 210_000_000_000,
            },
        ],
        obstacles: Vec::new(),
        warnings: vec![
            "release v43 runs now and the backup is of v42: content that v43 has changed may not fit it"
                .to_owned(),
        ],
    }
}

pub fn health() -> Vec<InstanceHealth> {
    vec![
        InstanceHealth {
            instance: instance("author"),
            up: true,
            detail: "answered 200 after 1.4 s".to_owned(),
        },
        InstanceHealth {
            instance: instance("public-1"),
            up: false,
            detail: "http://public-1.internal:8080/.rest/health did not answer within 60 s: look at its log"
                .to_owned(),
        },
    ]
}

pub fn hold(reason: &str) -> Hold {
    Hold {
        reason: Some(reason.to_owned()),
        since: ago(95),
        by: "bert".into(),
    }
}

/// Jobs that have ended.
pub fn past_jobs() -> Vec<Job> {
    let restored = Outcome {
        summary: "acme/live is back at 2026-11-21 00:17".to_owned(),
        backup: Some(id(2)),
        safety: Some(id(5)),
        warnings: Vec::new(),
        health: Vec::new(),
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
/// What a check finds: some of it works, some does not.
pub fn report() -> Report {
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
    let findings = vec![
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
    Report { findings }
}

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
    let log = [
        (Severity::Information, "preparing: 3 instances, 24 workspaces"),
        (Severity::Information, "author: 15,166 items, 197 MiB"),
        (Severity::Warning, "author/dam/.lock is a socket and was left out"),
        (Severity::Information, "verified: every digest is right"),
    ];
    log.into_iter()
        .zip(1..)
        .map(|((severity, text), number)| LogLine {
            number,
            at: ago(2) + Duration::seconds(i64::try_from(number).unwrap() * 2),
            severity,
            text: text.to_owned(),
        })
        .collect()
}
