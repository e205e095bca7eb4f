//! Backups of the two projects.

use chrono::{Duration, TimeZone as _, Utc};
use lifeboat::domain::Instant;
use lifeboat::domain::backup::{Backup, BackupId, InstanceCopy, Manifest, Served, Trigger, Verification};
use lifeboat::domain::environment::Role;
use lifeboat::domain::proof::{Drill, DrillOutcome};
use lifeboat::domain::slot::Slot;
use lifeboat::domain::version::MagnoliaVersion;

use super::ago;
use crate::made_up::records::{self, instance, versions};

pub fn id(number: u8) -> BackupId {
    let digits = [
        "7c1f09ab", "e2d4415c", "3b90aa17", "90fe12d8", "5ad0c3b2", "c4479e01", "08b1d6f3",
    ];
    let head = digits[usize::from(number) % digits.len()];
    BackupId(head.repeat(8))
}

pub const WORKSPACES: [(&str, u64, u64); 8] = [
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
            .map(|(workspace, items, bytes)| {
                let digest = format!("{:016x}", items * 977 + bytes + seed).repeat(4);
                let items = items - if role == Role::Public { items / 50 } else { 0 } + seed * 3;
                records::workspace(workspace, items, bytes + seed * 70_000, digest)
            })
            .collect(),
        tables: Vec::new(),
        left_alone: Vec::new(),
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
            taken,
            copy_millis: 7_420 + u64::from(number) * 13,
            verify_millis: 2_160 + u64::from(number) * 11,
            trigger,
            by: by.into(),
            versions: if old {
                versions(41, "6.3.3")
            } else {
                versions(42, "6.3.4")
            },
            slots: slots.to_vec(),
            serves,
            added_bytes: 3_400_000 + u64::from(number) * 210_000,
            instances: copies(taken, u64::from(number)),
            ..records::manifest()
        },
        verification: Verification::Verified {
            at: taken + Duration::seconds(10),
        },
        drill: None,
        dated_ahead: false,
        less: None,
    }
}

/// A drill of the newest backup.
pub fn drill(outcome: DrillOutcome) -> Drill {
    Drill {
        at: ago(60 * 26),
        backup: id(2),
        millis: 168_400,
        bytes: 623_206_044,
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
