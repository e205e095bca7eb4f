//! The rows of the backup table: the four slots, then what stands outside of them.

use crate::domain::backup::{Backup, Trigger};
use crate::domain::retention;
use crate::domain::slot::Slot;
use crate::domain::state::EnvironmentDetails;

/// What a row stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// One of the four slots.
    Slot(Slot),
    /// A backup taken before an upgrade.
    Upgrade,
    /// A safety backup.
    Safety,
    /// A backup that holds no slot: it is damaged or unverified, or will be dropped.
    Other,
}

impl RowKind {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Slot(slot) => slot.label(),
            Self::Upgrade => "upgrade",
            Self::Safety => "safety",
            Self::Other => "no slot",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupRow {
    /// What it stands for.
    pub kind: RowKind,
    /// The backup's number in the list of the environment's backups; `None` for an empty slot.
    pub backup: Option<usize>,
}

/// The rows for an environment: each slot with its holders, then upgrade and safety backups, then the rest. Every
/// backup is in at least one row; one that serves several slots is in each of them.
#[must_use]
pub fn rows(details: &EnvironmentDetails) -> Vec<BackupRow> {
    if !details.summary.kind.is_recoverable() {
        return Vec::new();
    }
    let backups = &details.backups;
    let mut rows = Vec::new();
    for slot in Slot::ALL {
        let holders = retention::holders(backups, &details.keep, slot);
        let kind = RowKind::Slot(slot);
        if holders.is_empty() {
            rows.push(BackupRow { kind, backup: None });
        }
        for holder in holders {
            let backup = backups.iter().position(|backup| backup.id == holder.id);
            rows.push(BackupRow { kind, backup });
        }
    }
    let mut add_all = |kind: RowKind, fits: &dyn Fn(&Backup) -> bool| {
        for (index, _) in backups.iter().enumerate().filter(|(_, backup)| fits(backup)) {
            if !rows.iter().any(|row| row.backup == Some(index)) {
                rows.push(BackupRow {
                    kind,
                    backup: Some(index),
                });
            }
        }
    };
    add_all(RowKind::Upgrade, &|backup| {
        matches!(backup.manifest.trigger, Trigger::Upgrade { .. })
    });
    add_all(RowKind::Safety, &|backup| {
        backup.manifest.trigger == Trigger::Restore
    });
    add_all(RowKind::Other, &|_| true);
    rows
}

/// The row that the table begins with: the daily slot's newest backup, which most restores go back to.
#[must_use]
pub fn first_row(rows: &[BackupRow]) -> usize {
    rows.iter()
        .position(|row| row.kind == RowKind::Slot(Slot::Daily))
        .unwrap_or(0)
}
