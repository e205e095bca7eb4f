//! The second repository: which backups have a copy there, and which should have one.

use serde::{Deserialize, Serialize};

use super::Instant;
use super::backup::{Backup, BackupId, Trigger};
use super::retention::holders;
use super::slot::{Keep, Slot};

/// A backup in the second repository.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedBackup {
    /// The backup in the first repository that it is a copy of. That one may have gone since.
    pub of: BackupId,
    /// The copy, with an id of its own.
    #[serde(flatten)]
    pub backup: Backup,
}

/// The second repository of an environment, as it stands.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copies {
    /// Where it is, for people.
    pub repository: String,
    /// Backups for these slots are copied there.
    pub slots: Vec<Slot>,
    /// What is there, newest first.
    pub backups: Vec<CopiedBackup>,
    /// What should be there and is not yet: the next backup makes up for it.
    pub missing: Vec<BackupId>,
    /// Why nothing can be told about it, as a sentence.
    pub trouble: Option<String>,
}

impl Copies {
    /// The copy of a backup.
    #[must_use]
    pub fn of(&self, backup: &BackupId) -> Option<&CopiedBackup> {
        self.backups.iter().find(|copy| copy.of == *backup)
    }

    /// When the newest backup was taken that has a good copy. A safety backup that had to go there is no copy.
    #[must_use]
    pub fn newest(&self) -> Option<Instant> {
        let good = self
            .backups
            .iter()
            .filter(|copy| copy.backup.is_good() && copy.backup.manifest.trigger != Trigger::Restore);
        good.map(|copy| copy.backup.manifest.taken).max()
    }
}

/// The backups that should have a copy and have none, newest first: the holders of the slots that are copied.
#[must_use]
pub fn missing<'a>(
    backups: &'a [Backup],
    keep: &Keep,
    slots: &[Slot],
    copies: &[CopiedBackup],
) -> Vec<&'a Backup> {
    let mut missing: Vec<&Backup> = Vec::new();
    for backup in slots.iter().flat_map(|slot| holders(backups, keep, *slot)) {
        let has_copy = copies
            .iter()
            .any(|copy| copy.of == backup.id && copy.backup.is_good());
        if !has_copy && missing.iter().all(|other| other.id != backup.id) {
            missing.push(backup);
        }
    }
    missing.sort_by_key(|backup| std::cmp::Reverse(backup.manifest.taken));
    missing
}

/// Copies as retention should see them: each holds only those of its slots that are copied.
#[must_use]
pub fn for_retention(copies: &[CopiedBackup], slots: &[Slot]) -> Vec<Backup> {
    let mut backups: Vec<Backup> = copies.iter().map(|copy| copy.backup.clone()).collect();
    for backup in &mut backups {
        backup.manifest.slots.retain(|slot| slots.contains(slot));
    }
    backups
}
