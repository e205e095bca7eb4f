//! What is said of a restore or an undo that was interrupted: which of the two it was, and what Live has.
//!
//! Not in here: how it is settled (`recover`).

use super::journal::Journal;
use crate::domain::backup::BackupId;
use crate::domain::deed::Deed;
use crate::domain::job::{JobKind, Phase};
use crate::engine::Live;

/// What was interrupted, for sentences.
pub(super) struct Told {
    backup: BackupId,
    is_undo: bool,
}

impl Told {
    /// What a journal tells of.
    pub(super) fn of(live: &Live, journal: &Journal) -> Self {
        // Without its job it is told as a restore, which an undo is too.
        let job = live.catalog().job(journal.job);
        Self {
            backup: journal.backup.clone(),
            is_undo: job.is_ok_and(|job| job.kind == JobKind::Undo),
        }
    }

    /// What Live has where the switch did not happen.
    pub(super) fn before(&self) -> &'static str {
        if self.is_undo {
            "what it had before the undo"
        } else {
            "its old content"
        }
    }

    /// What Live has where it did.
    pub(super) fn after(&self) -> &'static str {
        if self.is_undo {
            "what it had before the restore that was undone"
        } else {
            "the restored content"
        }
    }
}

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let what = if self.is_undo { "undo with" } else { "restore of" };
        write!(f, "the {what} {}", self.backup)
    }
}

impl Live {
    /// Tells where the settling of something interrupted is: whoever waits for it may wait for minutes. What cannot be settled
    /// is tried again every few seconds where machines share the catalog: that is told once.
    pub(super) fn settling(&self, step: Phase) {
        let environment = self.name().clone();
        let before = self
            .engine()
            .jobs()
            .state()
            .settling
            .lock()
            .insert(environment.clone(), step);
        if before != Some(step) {
            self.engine().did(Deed::Settling { environment, step });
        }
    }

    /// It is settled: whatever is interrupted next is told from its beginning.
    pub(super) fn has_settled(&self) {
        self.engine().jobs().state().settling.lock().remove(self.name());
    }
}
