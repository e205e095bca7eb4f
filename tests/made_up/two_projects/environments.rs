//! The environments of the two projects.

use chrono::{Duration, TimeZone as _, Utc};
use lifeboat::domain::backup::Backup;
use lifeboat::domain::environment::{Answer, EnvironmentKind, Instance, Role};
use lifeboat::domain::job::{InstanceHealth, JobId, JobKind, JobState};
use lifeboat::domain::schedule::Schedule;
use lifeboat::domain::slot::{Keep, Slot};
use lifeboat::domain::state::{EnvironmentDetails, Hold, ReplacedTables, SlotSchedule, SlotState, UndoWay};
use lifeboat::domain::undoing::UndoOf;

use super::{ago, ended, job, now};
use crate::made_up::records::{self, instance, name, summary, versions};

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
            nodes: Vec::new(),
        })
        .collect(),
        versions: Some(versions(42, "6.3.4")),
        versions_problem: None,
        schedule,
        minute_in_window: 17,
        keep: Keep::default(),
        approve: false,
        recent: None,
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
        undo_of: Some(UndoOf {
            kind: Some(JobKind::Restore),
            job: Some(JobId(41)),
            at: Some(ago(48)),
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
    if let Some(of) = &mut details.undo_of {
        of.job = Some(JobId(job));
    }
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
                let digest = "5e".repeat(32);
                copy.workspaces
                    .insert(0, records::workspace(name, items, bytes, digest));
            }
        }
    }
}

pub fn health() -> Vec<InstanceHealth> {
    vec![
        InstanceHealth {
            instance: instance("author"),
            node: None,
            up: true,
            detail: "answered 200 after 1.4 s".to_owned(),
        },
        InstanceHealth {
            instance: instance("public-1"),
            node: None,
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
