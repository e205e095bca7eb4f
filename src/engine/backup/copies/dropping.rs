//! Drops copies that nothing holds any more in the second repository: with the next copy, or, where the bucket keeps what is
//! written, by the job that deletes.

use crate::domain::activity::Severity;
use crate::domain::backup::BackupId;
use crate::domain::copies::{CopiedBackup, for_retention};
use crate::domain::retention::droppable;
use crate::domain::settings::{CopySettings, RepositoryChoice};
use crate::domain::slot::Keep;
use crate::engine::backup::retention::drop_listed;
use crate::engine::{EngineError, Live, Work};
use crate::repository::Repository;

impl Live {
    /// Deletes what may go in the second repository, where that is a job of its own. What went wrong is a warning.
    pub(in crate::engine) fn delete_in_second(&self, work: &Work) -> Vec<String> {
        let Some(settings) = self.copy_settings() else {
            return Vec::new();
        };
        let deleted = || {
            let second = self.repository_of(RepositoryChoice::Copy, false)?;
            let Some(second) = second.filter(|second| second.keeps_what_is_written() && second.may_delete())
            else {
                return Ok(());
            };
            let _lock = self.lock_of(RepositoryChoice::Copy, false)?;
            self.drop_copies(work, &second, settings)
        };
        match deleted() {
            Ok(()) => Vec::new(),
            Err(error) => vec![format!(
                "what may go in the second repository could not be deleted: {}",
                work.told(&error)
            )],
        }
    }

    pub(in crate::engine) fn drop_copies(
        &self,
        work: &Work,
        second: &Repository,
        settings: &CopySettings,
    ) -> Result<(), EngineError> {
        let name = self.name();
        let keep = self.settings().keep;
        self.drop_void(work, second)?;
        let going = self.droppable_copies(&self.list_copies()?, &keep, settings)?;
        if going.is_empty() && !second.keeps_what_is_written() {
            return Ok(());
        }
        for id in drop_listed(work, second, &going)? {
            work.log(
                Severity::Information,
                &format!("copy {id} is dropped: nothing holds it any more"),
            );
            // A record too many in the catalog does no harm.
            let _ = self.catalog().forget_verification(name, &id);
        }
        self.free(work, second).map(drop)
    }

    /// Whether anything may go in the second repository.
    pub(in crate::engine) fn has_droppable_copies(
        &self,
        copies: &[CopiedBackup],
        keep: &Keep,
        settings: &CopySettings,
    ) -> bool {
        self.droppable_copies(copies, keep, settings)
            .is_ok_and(|copies| !copies.is_empty())
    }

    /// What nothing holds any more in the second repository. A safety backup that was put there stays until it expires.
    fn droppable_copies(
        &self,
        copies: &[CopiedBackup],
        keep: &Keep,
        settings: &CopySettings,
    ) -> Result<Vec<BackupId>, EngineError> {
        let copies = for_retention(copies, &settings.slots);
        let look = self.look(&copies)?;
        Ok(droppable(&copies, keep, &self.asked_for(&copies)?, &look)
            .into_iter()
            .map(|copy| copy.id.clone())
            .collect())
    }
}
