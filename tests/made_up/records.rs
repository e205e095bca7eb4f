//! Records that both worlds are made of.

use lifeboat::domain::Instant;
use lifeboat::domain::activity::Severity;
use lifeboat::domain::backup::{Manifest, WorkspaceCopy};
use lifeboat::domain::check::{Finding, Report, Verdict};
use lifeboat::domain::environment::{EnvironmentKind, EnvironmentName, InstanceName, WorkspaceKind};
use lifeboat::domain::job::{Job, JobId, JobKind, JobState, LogLine};
use lifeboat::domain::state::{EnvironmentDetails, EnvironmentSummary};
use lifeboat::domain::version::{MagnoliaVersion, ReleaseVersion, Versions};

pub fn name(text: &str) -> EnvironmentName {
    text.parse().unwrap()
}

pub fn instance(text: &str) -> InstanceName {
    text.parse().unwrap()
}

pub fn versions(release: u32, magnolia: &str) -> Versions {
    Versions {
        release: ReleaseVersion::numbered(release),
        magnolia: MagnoliaVersion(magnolia.to_owned()),
    }
}

pub fn workspace(name: &str, items: u64, bytes: u64, digest: String) -> WorkspaceCopy {
    WorkspaceCopy {
        name: name.to_owned(),
        kind: WorkspaceKind::of(name),
        items,
        bytes,
        digest,
    }
}

/// The record of a backup, for what nobody looks at in it.
pub fn manifest() -> Manifest {
    serde_json::from_value(serde_json::json!({
        "format": 1, "environment": "acme/live", "taken": Instant::UNIX_EPOCH, "copy_millis": 0, "verify_millis": 0,
        "trigger": { "kind": "person" }, "by": "", "versions": versions(1, "6.3.4"), "slots": [], "added_bytes": 0,
        "instances": [],
    }))
    .unwrap()
}

/// An environment of which nothing is known.
pub fn summary(text: &str, kind: EnvironmentKind) -> EnvironmentSummary {
    EnvironmentSummary {
        name: name(text),
        kind,
        slots: Vec::new(),
        newest: None,
        bad: 0,
        last_verified: None,
        last_drill: None,
        last_proven: None,
        targets: Vec::new(),
        asked: None,
        late: false,
        failed: None,
        job: None,
        maintenance: None,
        protection: None,
        trouble: None,
        unread: false,
    }
}

/// A job that runs since then.
pub fn running(number: u64, environment: &str, kind: JobKind, title: &str, by: &str, since: Instant) -> Job {
    Job {
        id: JobId(number),
        environment: name(environment),
        kind,
        title: title.to_owned(),
        by: by.into(),
        created: since,
        began: Some(since),
        ended: None,
        state: JobState::Running,
        progress: None,
        left_out: Vec::new(),
        cancel_asked: false,
        stop_reason: None,
        reached: None,
        outcome: None,
    }
}

/// The lines of a log, each at its time.
pub fn log(lines: &[(Severity, &str)], at: impl Fn(u64) -> Instant) -> Vec<LogLine> {
    lines
        .iter()
        .zip(1..)
        .map(|((severity, text), number)| LogLine {
            number,
            at: at(number),
            severity: *severity,
            text: (*text).to_owned(),
        })
        .collect()
}

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

/// Adds a backup that was taken by hand an hour after the one that is there, and holds a twentieth of it.
pub fn add_a_little_one_by_hand(of: &mut EnvironmentDetails) {
    let mut all = of.backups.iter();
    let of_hand = all.find(|backup| backup.manifest.trigger.names() == "manual");
    let mut little = of_hand.unwrap().clone();
    little.id.0 = "9".repeat(64);
    little.manifest.taken += chrono::Duration::hours(1);
    let copies = little.manifest.instances.iter_mut();
    for workspace in copies.flat_map(|copy| &mut copy.workspaces) {
        workspace.items /= 20;
        workspace.bytes /= 20;
    }
    of.backups.push(little);
}
