//! What the cockpit shows: two projects with everything in order, and some past.

mod backups;
mod environments;
mod past;
mod plan;

use std::collections::BTreeMap;

use chrono::{Duration, TimeZone as _, Utc};
use lifeboat::domain::Instant;
use lifeboat::domain::environment::EnvironmentKind;
use lifeboat::domain::job::{JobKind, Outcome, Phase};

#[allow(unused_imports, reason = "each test program uses a part of it")]
pub use backups::{WORKSPACES, backup, backups, drill, id};
#[allow(unused_imports, reason = "each test program uses a part of it")]
pub use environments::{has_replaced, health, hold, live, other, replaced};
#[allow(unused_imports, reason = "each test program uses a part of it")]
pub use past::{activity, ended, job, log, news, past_jobs, progress};
pub use plan::plan;

use super::{Manner, Script, State, records};

/// The time in all tests: a Monday morning.
pub fn now() -> Instant {
    Utc.with_ymd_and_hms(2026, 11, 23, 5, 30, 12).unwrap()
}

/// A moment so many minutes before [`now`].
pub fn ago(minutes: i64) -> Instant {
    now() - Duration::minutes(minutes)
}

/// All of it.
pub fn state() -> State {
    let acme = live("acme/live", backups());
    let mut globex = live("globex/live", backups().into_iter().skip(2).collect());
    globex.summary.late = true;
    globex.summary.failed = Some("the backup failed: /srv/globex/author/content/dam could not be read (permission denied); let the user of Lifeboat read it".to_owned());
    globex.summary.slots[2].late = true;
    globex.slot_schedules[2].due = true;
    let environments = [
        acme,
        other("acme/uat", EnvironmentKind::Uat),
        other("acme/integration", EnvironmentKind::Integration),
        globex,
        other("globex/uat", EnvironmentKind::Uat),
    ];
    State {
        environments: environments
            .into_iter()
            .map(|details| (details.summary.name.clone(), details))
            .collect(),
        jobs: past_jobs(),
        log: log(),
        activity: activity(),
        notifications: news(),
        nodes: Vec::new(),
        receivers: Vec::new(),
        report: |_| records::report(),
        plan: Ok(plan()),
        fit_plan: |_, _| {},
        planned: None,
        manner: manner(),
        refuses: None,
        undo_untold: None,
        busy: BTreeMap::new(),
        extended: None,
        keeps_slots: false,
        broken: None,
        demo: false,
        kind: "embedded".to_owned(),
        you: None,
        places: Vec::new(),
        calls: Vec::new(),
        unseen: None,
        inside: crate::made_up::inside::Inside::default(),
    }
}

/// Jobs run until a test says otherwise.
fn manner() -> Manner {
    Manner {
        script: Script::Stays,
        job: job(0, "acme/live", JobKind::Backup, "manual backup"),
        title: |kind, _| {
            let title = match kind {
                JobKind::Restore => "restore of 3b90aa17 (daily)",
                JobKind::Undo => "undo: back to c4479e01",
                JobKind::Prune => "dropping replaced tables",
                JobKind::Verify => "verify",
                JobKind::Drill => "drill of 3b90aa17",
                JobKind::Extract => "restore of 3b90aa17 into /srv/look",
                JobKind::Backup => "manual backup",
            };
            title.to_owned()
        },
        progress: |_| None,
        outcome: |_, _| Outcome::default(),
        failure: "",
        // Of an environment without hooks and health addresses.
        left_out: &[
            Phase::SafetyBackup,
            Phase::HooksBefore,
            Phase::Hooks,
            Phase::Health,
        ],
    }
}
