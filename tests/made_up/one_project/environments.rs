//! The environments that the verbs are asked about.

use chrono::{TimeZone as _, Utc};
use lifeboat::domain::backup::{Backup, BackupId, Trigger};
use lifeboat::domain::copies::{CopiedBackup, Copies};
use lifeboat::domain::environment::{Answer, EnvironmentKind, Instance, Role};
use lifeboat::domain::job::{JobId, JobKind, JobState, Phase};
use lifeboat::domain::plan::Selection;
use lifeboat::domain::schedule::Schedule;
use lifeboat::domain::slot::{Keep, Slot};
use lifeboat::domain::state::{
    EnvironmentDetails, EnvironmentSummary, Hold, ReplacedTables, SlotSchedule, SlotState, UndoWay,
};

use super::past::{job, running};
use super::{at, backups};
use crate::made_up::records::{name, summary, versions};

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
            nodes: Vec::new(),
        }],
        versions: Some(versions(13, "6.3.4")),
        versions_problem: None,
        schedule: Schedule::default(),
        minute_in_window: 17,
        keep: Keep::default(),
        approve: false,
        recent: None,
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
        undo_of: None,
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
