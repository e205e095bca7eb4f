//! What is remembered of the last restore of an environment, and the safety backup that undo goes back to by it.

use serde::{Deserialize, Serialize};

use super::Way;
use super::brought::Brought;
use super::journal::Journal;
use crate::content::restoring::TakenBack;
use crate::domain::Instant;
use crate::domain::backup::{Backup, BackupId, Trigger};
use crate::domain::environment::InstanceName;
use crate::domain::job::JobId;
use crate::domain::measure;
use crate::domain::refusal::Refusal;
use crate::domain::retention::undo_target;
use crate::domain::settings::RepositoryChoice;
use crate::engine::jobs::papers::name_of;
use crate::engine::{EngineError, Live};

/// What the records of the last restore are called.
const LAST_RESTORE: &str = "last-restore";

/// What is remembered of the last restore of an environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastRestore {
    /// The restore.
    pub(super) job: JobId,
    /// The instances that it was about.
    pub(super) instances: Vec<InstanceName>,
    /// When its safety backup was taken. `None`: it was left out, or there is nothing to take back.
    pub(super) safety: Option<Instant>,
    /// What undo would go back to after an exchange back, and one more.
    pub(super) other: Option<Instant>,
    /// The backup that was brought back. `None` of an exchange back, and where an earlier version has not noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) backup: Option<BackupId>,
    /// What became of the content of Live. `None` where an earlier version has not noted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) brought: Option<Brought>,
}

impl Live {
    /// What is remembered of the last restore of an environment. `None` when there was none, or the state folder is
    /// another one.
    pub(super) fn last_restore(&self) -> Option<LastRestore> {
        let name = self.name();
        self.papers().read(LAST_RESTORE, &name_of(name)).ok()?
    }

    /// Which restore is taken back where this comes back of a backup. Where nobody remembers the last one, it is taken for that.
    pub(super) fn taken_back(&self, way: &Way, backup: &Backup) -> Option<TakenBack> {
        if !way.takes_back(backup) {
            return None;
        }
        let is_of_last = |last: LastRestore| last.safety == Some(backup.manifest.taken);
        let is_last = way.undone.is_some() || self.last_restore().is_none_or(is_of_last);
        Some(if is_last {
            TakenBack::Last
        } else {
            TakenBack::Earlier
        })
    }

    /// The safety backup that undo goes back to: that of the last restore, and no older one, which would take back more
    /// than that. Where nobody remembers the last restore, the newest.
    pub(in crate::engine) fn safety_to_go_back_to<'b>(&self, backups: &'b [Backup]) -> Option<&'b Backup> {
        let Some(last) = self.last_restore() else {
            return undo_target(backups);
        };
        let taken = last.safety?;
        backups.iter().find(|backup| {
            // It is known by its date, whether that is right or not.
            backup.manifest.trigger == Trigger::Restore && backup.is_sound() && backup.manifest.taken == taken
        })
    }

    /// The safety backup that undo goes back to, in whichever repository it is.
    ///
    /// # Errors
    /// A refusal when there is none; why a repository cannot be read, when it may be in that one.
    pub(super) fn safety_of_the_last_restore(&self) -> Result<Backup, EngineError> {
        let name = self.name();
        let nothing = || {
            EngineError::from(Refusal::NothingToUndo {
                environment: name.clone(),
            })
        };
        let Some(last) = self.last_restore() else {
            let backups = self.backups_with_all_safeties()?;
            return undo_target(&backups).cloned().ok_or_else(nothing);
        };
        let taken = last.safety.ok_or_else(nothing)?;
        let mut out_of_reach = Vec::new();
        // What is found in the first is the one: the second need not be asked.
        for which in [RepositoryChoice::First, RepositoryChoice::Copy] {
            let listed = match which {
                RepositoryChoice::First => self.list_backups(),
                RepositoryChoice::Copy => self.list_copied_safeties(),
            };
            match listed {
                Ok(backups) => {
                    if let Some(safety) = self.safety_to_go_back_to(&backups) {
                        return Ok(safety.clone());
                    }
                }
                Err(error @ EngineError::Catalog(_)) => return Err(error),
                Err(error) => out_of_reach.push(error.to_string()),
            }
        }
        if out_of_reach.is_empty() {
            return Err(nothing());
        }
        Err(EngineError::Failed(format!(
            "the safety backup of the last restore, taken at {}, is in no repository that can be read now: {}",
            measure::moment(taken),
            out_of_reach.join("; and ")
        )))
    }

    /// The backups of the first repository and the safety backups in the second, where nobody remembers the last restore
    /// and all that it may have left has to be seen: an older one would take back more than that.
    ///
    /// # Errors
    /// Why either cannot be read: a newer one may be in there.
    pub(super) fn backups_with_all_safeties(&self) -> Result<Vec<Backup>, EngineError> {
        let name = self.name();
        let mut backups = self.list_backups()?;
        let copied = self.list_copied_safeties().map_err(|error| match error {
            error @ EngineError::Catalog(_) => error,
            error => EngineError::Failed(format!(
                "nothing here remembers the last restore of {name}, and its safety backup may be in the second \
                 repository: {error}"
            )),
        })?;
        backups.extend(copied);
        Ok(backups)
    }

    /// Remembers a restore as the last one. An exchange back has no safety backup of its own; a second one is where the
    /// first restore had led to, and goes back to what that had saved.
    pub(super) fn remember_restore(&self, journal: &Journal) -> Result<(), EngineError> {
        let name = &journal.environment;
        let is_exchange = journal
            .instances
            .iter()
            .any(|record| record.beside.is_exchange_back());
        let before = self.last_restore();
        if before.as_ref().is_some_and(|before| before.job == journal.job) {
            return Ok(());
        }
        let (safety, other) = match (is_exchange, before) {
            (true, Some(before)) => (before.other, before.safety),
            (true, None) => (None, None),
            (false, _) => {
                // A journal of an earlier version does not say when.
                let found = || Some(self.find_backup(journal.safety.as_ref()?).ok()?.manifest.taken);
                (journal.safety_taken.or_else(found), None)
            }
        };
        let last = LastRestore {
            job: journal.job,
            instances: journal
                .instances
                .iter()
                .map(|record| record.instance.clone())
                .collect(),
            safety,
            other,
            backup: (!is_exchange).then(|| journal.backup.clone()),
            brought: journal.brought.clone(),
        };
        self.papers()
            .write(LAST_RESTORE, &name_of(name), &last)
            .map_err(self.paper_failed("writing to", LAST_RESTORE))
    }
}
