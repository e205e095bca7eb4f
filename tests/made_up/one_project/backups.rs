//! Backups of `acme/live`.

use chrono::Duration;
use lifeboat::domain::Instant;
use lifeboat::domain::backup::{
    Backup, BackupId, InstanceCopy, Manifest, Served, Trigger, Verification, WorkspaceCopy,
};
use lifeboat::domain::environment::Role;
use lifeboat::domain::slot::Slot;
use lifeboat::domain::version::MagnoliaVersion;

use super::at;
use crate::made_up::records::{self, versions};

fn workspaces() -> Vec<WorkspaceCopy> {
    [
        ("config", 1_204, 3 << 20),
        ("dam", 5_310, 812 << 20),
        ("website", 9_877, 41 << 20),
    ]
    .into_iter()
    .map(|(name, items, bytes)| records::workspace(name, items, bytes, "0".repeat(64)))
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
        less: None,
        manifest: Manifest {
            taken,
            copy_millis: 61_000,
            verify_millis: 12_000,
            by: "schedule".into(),
            versions: versions(12, "6.3.4"),
            slots: slots.to_vec(),
            added_bytes: 5 << 20,
            instances: vec![InstanceCopy {
                name: "author".parse().unwrap(),
                role: Role::Author,
                began: taken,
                ended: taken + Duration::minutes(1),
                workspaces: workspaces(),
                tables: Vec::new(),
                left_alone: Vec::new(),
                left_out: Vec::new(),
                doubts: Vec::new(),
            }],
            trigger,
            ..records::manifest()
        },
    }
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
