//! The rows of the backup table: the four slots, then what stands outside of them.

use super::Model;
use super::screens::Screen;
use crate::domain::backup::{Backup, BackupId, Trigger};
use crate::domain::job::Job;
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
    /// All that were made between the daily ones, in one line: Enter opens and closes it.
    Recents,
    /// One of those.
    Recent,
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
            Self::Recents | Self::Recent => "recent",
            Self::Future => "future",
            Self::Other => "no slot",
        }
    }
}

/// How those that were made between the daily ones are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recents {
    /// In one line, and the one that Live is brought back to below it.
    Folded,
    /// One by one below that line.
    Open,
    /// One by one, where one is to be chosen.
    Listed,
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

/// The rows for an environment: each slot with its holders, then those between the daily ones, what is dated ahead of the clock,
/// upgrade and safety backups, what only the second repository has, and the rest. Every backup is in at least one row, unless it is folded away, which the one that Live is brought back to never is; one that serves several slots is in each of them.
/// While the first repository cannot be listed, there are no rows for its slots: nobody knows whether they are empty.
#[must_use]
pub fn rows(details: &EnvironmentDetails, recents: Recents) -> Vec<BackupRow> {
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
    let many = recent(details).count() > 1;
    let is_folded = many && recents == Recents::Folded;
    if many && recents != Recents::Listed {
        rows.push(BackupRow {
            kind: RowKind::Recents,
            backup: None,
        });
    }
    let meant = meant(details);
    let is_meant = |backup: &Backup| meant.is_some_and(|meant| meant.id == backup.id);
    let mut add_all = |kind_of: &dyn Fn(usize, &Backup) -> Option<RowKind>| {
        for (index, backup) in all.iter().enumerate() {
            if let Some(kind) = kind_of(index, backup)
                && !(is_folded && is_recent(backup) && !is_meant(backup))
                && !rows.iter().any(|row: &BackupRow| row.backup == Some(index))
            {
                rows.push(BackupRow {
                    kind,
                    backup: Some(index),
                });
            }
        }
    };
    add_all(&|_, backup| is_recent(backup).then_some(RowKind::Recent));
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

fn is_recent(backup: &Backup) -> bool {
    backup.is_recent() && !backup.dated_ahead
}

/// The backups that were made between the daily ones, newest first.
pub fn recent(details: &EnvironmentDetails) -> impl Iterator<Item = &Backup> {
    details.backups.iter().filter(|backup| is_recent(backup))
}

/// The row that the table begins with: that of the backup which the main screen says that Live can be brought back to. Of several
/// slots that hold it, it is the one with the shortest period.
#[must_use]
pub fn first_row(details: &EnvironmentDetails, rows: &[BackupRow]) -> usize {
    let meant = meant(details);
    let is_meant = |row: &BackupRow| {
        let backup = row.of(details);
        backup.is_some() && backup.map(|backup| &backup.id) == meant.map(|meant| &meant.id)
    };
    let place = |kind| rows.iter().position(|row| row.kind == kind);
    rows.iter()
        .rposition(is_meant)
        .or_else(|| place(RowKind::Slot(Slot::Daily)))
        .unwrap_or(0)
}

/// The row of a backup in the whole list.
#[must_use]
pub fn row_of(details: &EnvironmentDetails, id: &BackupId) -> Option<usize> {
    let rows = rows(details, Recents::Listed);
    rows.iter()
        .position(|row| row.of(details).is_some_and(|backup| backup.id == *id))
}

/// The backup that somebody goes back to who names none. While the first repository cannot be listed, it is one of the second.
fn meant(details: &EnvironmentDetails) -> Option<&Backup> {
    details.to_go_back_to().or_else(|| {
        let copies = details.all_backups();
        copies
            .filter(|backup| backup.is_good_of_live())
            .max_by_key(|backup| (backup.manifest.taken, &backup.id))
    })
}

/// Which row of the whole list it is that is selected where some may be folded away. Of those folded away it is the one that is
/// meant, else the newest.
#[must_use]
pub fn in_list(details: &EnvironmentDetails, recents: Recents, selected: usize) -> usize {
    let listed = rows(details, Recents::Listed);
    let wanted = rows(details, recents).get(selected).copied();
    let is_it = |row: &BackupRow| match wanted {
        Some(wanted) if wanted.kind == RowKind::Recents => row.kind == RowKind::Recent,
        wanted => Some(*row) == wanted,
    };
    let first = first_row(details, &listed);
    if listed.get(first).is_some_and(is_it) {
        return first;
    }
    listed.iter().position(is_it).unwrap_or(0)
}

impl Model {
    /// How the backups between the daily ones are shown now.
    #[must_use]
    pub fn recents(&self) -> Recents {
        match (self.screens.last(), self.recents_open) {
            (Some(Screen::Wizard(_)), _) => Recents::Listed,
            (_, true) => Recents::Open,
            (_, false) => Recents::Folded,
        }
    }

    /// The job that has taken a safety backup, as far as it is known here.
    #[must_use]
    pub fn job_of_safety(&self, backup: &Backup) -> Option<&Job> {
        let took = |job: &&Job| {
            let outcome = job.outcome.as_ref();
            outcome
                .and_then(|outcome| outcome.safety.as_ref())
                .is_some_and(|safety| backup.answers_to(safety))
        };
        let is_one = backup.manifest.trigger == Trigger::Restore;
        self.jobs.values().rev().filter(|_| is_one).find(took)
    }

    /// Whether the line is selected that stands for all backups between the daily ones.
    #[must_use]
    pub fn is_on_recents(&self) -> bool {
        let row = || self.backup_rows().get(self.backup_cursor.selected).copied();
        self.screens.is_empty()
            && self.shown.as_ref() == self.target_name()
            && row().is_some_and(|row| row.kind == RowKind::Recents)
    }
}
