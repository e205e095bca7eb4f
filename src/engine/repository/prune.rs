//! Gives back the room of content that no backup needs any more.
//!
//! In two phases: what is not needed is marked first, and removed by a prune at least 23 hours later, if still nobody
//! needs it. So a reader or writer that began before never finds its content gone. Deleting at once is never asked for.
//! The caller holds the environment's lock: a prune and a backup exclude each other.

use rustic_core::{LimitOption, NoProgressBars, PruneOptions, RusticError};

use super::Repository;
use super::error::{RepositoryError, judged};
use super::guard::Purpose;
use crate::engine::watch::Watch;

/// What a prune did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PruneReport {
    /// Bytes that are free now.
    pub freed: u64,
    /// Bytes that were marked, to be freed by a later prune.
    pub marked: u64,
    /// Bytes that the repository takes now, what is marked included.
    pub kept: u64,
}

impl Repository {
    /// Marks what no backup needs, and removes what was marked long enough ago. It cannot be stopped once it has begun,
    /// but may be interrupted at any time without harm.
    ///
    /// # Errors
    /// [`RepositoryError`]; when a single backup's record cannot be read, nothing is marked or removed.
    pub fn prune(&self, watch: &dyn Watch) -> Result<PruneReport, RepositoryError> {
        if watch.is_cancelled() {
            return Err(RepositoryError::Cancelled);
        }
        let judge = |error: Box<RusticError>| judged(&error, "pruning", self.place());
        let before = self.size()?;
        let (open, _) = self.handle(Purpose::Prune, NoProgressBars).map_err(judge)?;
        // Packs that are needed in part are written anew as soon as they waste more than this much in all. Without the
        // second setting, only a tenth of the repository could be written anew at a time.
        let options = PruneOptions::default()
            .instant_delete(false)
            .max_unused(LimitOption::Percentage(10))
            .max_repack(LimitOption::Unlimited);
        let plan = open.prune_plan(&options).map_err(judge)?;
        let sizes = plan.stats.size_sum();
        open.prune(&options, plan).map_err(judge)?;
        let kept = self.size()?;
        Ok(PruneReport {
            freed: before.saturating_sub(kept),
            marked: sizes.remove + sizes.repackrm,
            kept,
        })
    }
}
