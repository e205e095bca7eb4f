//! What the verbs are asked about: `acme` with a Live environment that has seen a few things, and others beside it.

mod backups;
pub mod environments;
pub mod past;
mod plan;

use std::collections::BTreeMap;

use chrono::{TimeZone as _, Utc};
use lifeboat::domain::Instant;
use lifeboat::domain::backup::BackupId;
use lifeboat::domain::check::Report;
use lifeboat::domain::environment::EnvironmentName;
use lifeboat::domain::job::{JobId, JobKind, JobState, Outcome};
use lifeboat::domain::proof::{Drill, DrillOutcome};
use lifeboat::domain::refusal::Refusal;

use backups::backups;

use super::records::{self, name};
use super::{Fixture, Manner, Script, State};

/// Monday morning.
pub fn now() -> Instant {
    at(23, 5, 30)
}

/// A moment of November 2026.
pub fn at(day: u32, hour: u32, minute: u32) -> Instant {
    Utc.with_ymd_and_hms(2026, 11, day, hour, minute, 0).unwrap()
}

/// All of it, where jobs go like this.
pub fn state(script: Script) -> State {
    let globex = name("globex/live");
    let busy = Refusal::Busy {
        environment: globex.clone(),
        job: JobId(41),
        kind: JobKind::Backup,
    };
    State {
        environments: environments::environments()
            .into_iter()
            .map(|summary| (summary.name.clone(), environments::details(summary)))
            .collect(),
        jobs: past::jobs(),
        log: past::log(),
        activity: past::activity(),
        notifications: Vec::new(),
        nodes: past::nodes(),
        receivers: past::receivers(),
        report,
        plan: Ok(plan::plan()),
        fit_plan: plan::fit,
        planned: None,
        manner: manner(script),
        refuses: None,
        undo_untold: None,
        busy: BTreeMap::from([(globex, busy)]),
        extended: Some(extended()),
        keeps_slots: true,
        broken: None,
        demo: false,
        kind: "embedded".to_owned(),
        you: Some("kim".into()),
        places: vec![
            ("state".to_owned(), "/srv/state".to_owned()),
            ("repository".to_owned(), "/srv/repository".to_owned()),
        ],
        calls: Vec::new(),
        unseen: None,
        inside: crate::made_up::inside::Inside::default(),
    }
}

/// The upgrade backup once it has been extended.
fn extended() -> lifeboat::domain::backup::Backup {
    let mut upgrade = backups().remove(2);
    upgrade.id = BackupId(upgrade.id.0.replacen('c', "9", 1));
    upgrade.manifest.expires = Some(at(26, 20, 0));
    upgrade
}

fn manner(script: Script) -> Manner {
    Manner {
        script,
        job: past::job(0, JobKind::Backup, "manual backup", JobState::Running),
        title: |kind, about| match (kind, about) {
            (JobKind::Backup, Some(to)) => format!("backup before the upgrade to {to}"),
            (JobKind::Restore, Some(backup)) => format!("restore of {backup}"),
            (JobKind::Undo, _) => "undo".to_owned(),
            (JobKind::Prune, _) => "dropping replaced tables".to_owned(),
            (JobKind::Verify, None) => "verification of all backups".to_owned(),
            (JobKind::Verify, Some(backup)) => format!("verification of {backup}"),
            (JobKind::Drill, which) => format!("drill of {}", which.unwrap_or("the newest backup")),
            (JobKind::Extract, Some(backup)) => format!("restore of {backup} into /srv/look"),
            _ => "manual backup".to_owned(),
        },
        progress: |phase| past::running(0, phase).progress,
        outcome: |kind, title| {
            let restores = matches!(kind, JobKind::Restore | JobKind::Undo);
            Outcome {
                summary: format!("the {title} is done"),
                backup: Some(backups()[1].id.clone()),
                safety: restores.then(|| backups()[0].id.clone()),
                warnings: vec!["public-2 was left out: a socket".to_owned()],
                health: Vec::new(),
                not_proven: Vec::new(),
            }
        },
        failure: "the disk is full. Make room, then try again",
        left_out: &[],
    }
}

/// What a check finds: some of it works, some does not.
fn report(only: Option<&EnvironmentName>) -> Report {
    let mut report = records::report();
    report.findings.retain(|finding| {
        only.is_none() || finding.environment.is_none() || finding.environment.as_ref() == only
    });
    report
}

/// A backend on it whose jobs end well.
pub fn usual() -> Fixture {
    playing(Script::Succeeds)
}

/// Jobs go like this.
pub fn playing(script: Script) -> Fixture {
    Fixture::on(state(script))
}

/// `globex/live` needs somebody.
pub fn in_trouble() -> Fixture {
    let mut state = state(Script::Succeeds);
    let globex = state.environments.get_mut(&name("globex/live")).unwrap();
    globex.summary.trouble =
        Some("the key does not open the repository: name the right file in password_file".to_owned());
    Fixture::on(state)
}

/// A drill of `acme/live` has failed, and no backup of `globex/live` is good.
pub fn with_bad_backups() -> Fixture {
    let mut state = state(Script::Succeeds);
    let live = state.environments.get_mut(&name("acme/live")).unwrap();
    live.summary.bad = 1;
    live.summary.last_drill = Some(Drill {
        at: at(23, 4, 0),
        backup: live.backups[0].id.clone(),
        millis: 4_000,
        bytes: 4_000,
        newest: true,
        outcome: DrillOutcome::Failed {
            why: "a row is missing".to_owned(),
        },
    });
    let globex = state.environments.get_mut(&name("globex/live")).unwrap();
    globex.summary.bad = 2;
    globex.summary.newest = None;
    Fixture::on(state)
}

/// `acme/live` is in a database in which a restore has left the tables that it replaced.
pub fn on_a_database() -> Fixture {
    let mut state = state(Script::Succeeds);
    state
        .environments
        .values_mut()
        .for_each(environments::has_replaced);
    Fixture::on(state)
}
