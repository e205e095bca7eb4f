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
    /// A backup that was taken for this slot, and that only the second repository has.
    SecondOnly(Slot),
    /// A backup that is dated ahead of the clock: it counts for nothing.
    Future,
    /// A backup that holds no slot: it is damaged or unverified, or will be dropped.
    Other,
}

impl RowKind {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Slot(slot) | Self::SecondOnly(slot) => slot.label(),
            Self::Upgrade => "upgrade",
            Self::Safety => "safety",
            Self::Future => "future",
            Self::Other => "no slot",
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackupRow {
    /// What it stands for.
    pub kind: RowKind,
    /// The backup's number in the list of all the environment's backups ([`EnvironmentDetails::all_backups`]); `None`
    /// for an empty slot.
    pub backup: Option<usize>,
}

impl BackupRow {
    /// The row's backup.
    #[must_use]
    pub fn of(self, details: &EnvironmentDetails) -> Option<&Backup> {
        details.all_backups().nth(self.backup?)
    }
}

/// The rows for an environment: each slot with its holders, then what is dated ahead of the clock, upgrade and safety
/// backups, what only the second repository has, and the rest. Every backup is in at least one row; one that serves several slots is in each of them.
/// While the first repository cannot be listed, there are no rows for its slots: nobody knows whether they are empty.
#[must_use]
pub fn rows(details: &EnvironmentDetails) -> Vec<BackupRow> {
    if !details.summary.kind.is_recoverable() {
        return Vec::new();
    }
    let backups = &details.backups;
    let all: Vec<&Backup> = details.all_backups().collect();
    let mut rows = Vec::new();
    let slots = if details.hides_backups() && !all.is_empty() {
        &[][..]
    } else {
        &Slot::ALL[..]
    };
    for slot in slots.iter().copied() {
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
    let mut add_all = |kind_of: &dyn Fn(usize, &Backup) -> Option<RowKind>| {
        for (index, backup) in all.iter().enumerate() {
            if let Some(kind) = kind_of(index, backup)
                && !rows.iter().any(|row: &BackupRow| row.backup == Some(index))
            {
                rows.push(BackupRow {
                    kind,
                    backup: Some(index),
                });
            }
        }
    };
    add_all(&|_, backup| backup.dated_ahead.then_some(RowKind::Future));
    add_all(&|_, backup| {
        matches!(backup.manifest.trigger, Trigger::Upgrade { .. }).then_some(RowKind::Upgrade)
    });
    add_all(&|_, backup| (backup.manifest.trigger == Trigger::Restore).then_some(RowKind::Safety));
    add_all(&|index, backup| {
        let slot = backup.manifest.slots.first().filter(|_| index >= backups.len())?;
        Some(RowKind::SecondOnly(*slot))
    });
    add_all(&|_, _| Some(RowKind::Other));
    rows
}

/// The row that the table begins with: the daily slot's newest backup, which most restores go back to.
#[must_use]
pub fn first_row(rows: &[BackupRow]) -> usize {
    rows.iter()
        .position(|row| row.kind == RowKind::Slot(Slot::Daily))
        .unwrap_or(0)
}
