//! Gives back the room of content that no backup needs any more.
//!
//! In two phases: what is not needed is marked first, and removed by a prune at least 23 hours later, if still nobody
//! needs it. So a reader or writer that began before never finds its content gone. Deleting at once is never asked for.
//! The caller holds the environment's lock: a prune and a backup exclude each other.

use std::collections::HashSet;
use std::time::SystemTime;

use chrono::Duration;
use rustic_core::repofile::{IndexFile, IndexId};
use rustic_core::{FileType, LimitOption, NoProgressBars, PruneOptions, RusticError, WriteBackend};

use crate::domain::Instant;
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::guard::Access;
use crate::repository::library::{caught, classified};
use crate::watch::Watch;

/// How old a pack has to be before it counts as left: whoever writes one lists it sooner than that.
const LEFT_FOR: Duration = Duration::hours(24);

/// What a prune did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PruneReport {
    /// Bytes that are free now.
    pub freed: u64,
    /// Bytes that were marked, to be freed by a later prune.
    pub marked: u64,
    /// Bytes that the repository takes now, what is marked included.
    pub kept: u64,
    /// How many packs nobody needs and the bucket keeps all the same, and until when the first of them.
    pub waiting: Option<(u64, Instant)>,
}

impl Repository {
    /// Marks what no backup needs, and removes what was marked long enough ago. It cannot be stopped once it has begun,
    /// but may be interrupted at any time without harm.
    ///
    /// # Errors
    /// [`RepositoryError`]; when a single backup's record cannot be read, nothing is marked or removed.
    pub fn prune(&self, watch: &dyn Watch) -> Result<PruneReport, RepositoryError> {
        // Packs that are needed in part are written anew as soon as they waste more than a tenth in all. With another
        // limit, only a part of the repository could be written anew at a time.
        self.prune_at_most(LimitOption::Unlimited, watch)
    }

    /// As [`Repository::prune`], and writes no pack anew: for a disk that is full.
    ///
    /// # Errors
    /// As [`Repository::prune`].
    pub fn make_room(&self, watch: &dyn Watch) -> Result<PruneReport, RepositoryError> {
        if self.keeps_what_is_written() {
            // Deletions are a job of their own there.
            return Ok(PruneReport::default());
        }
        self.prune_at_most(LimitOption::Percentage(0), watch)
    }

    fn prune_at_most(
        &self,
        repacked: LimitOption,
        watch: &dyn Watch,
    ) -> Result<PruneReport, RepositoryError> {
        if watch.is_cancelled() {
            return Err(RepositoryError::Cancelled);
        }
        if !self.may_delete() {
            return Ok(PruneReport::default());
        }
        let classify = |error: Box<RusticError>| classified(&error, "pruning", self.place());
        let before = self.size()?;
        let (open, guard) = self.handle(Access::Prune, NoProgressBars).map_err(classify)?;
        let options = PruneOptions::default()
            .instant_delete(false)
            .max_unused(LimitOption::Percentage(10))
            .max_repack(repacked);
        let sizes = caught("pruning", self.place(), || {
            let plan = open.prune_plan(&options).map_err(classify)?;
            let sizes = plan.stats.size_sum();
            open.prune(&options, plan).map_err(classify)?;
            Ok(sizes)
        })?;
        let kept = self.size()?;
        Ok(PruneReport {
            freed: before.saturating_sub(kept),
            marked: sizes.remove + sizes.repackrm,
            kept,
            waiting: guard.kept(),
        })
    }

    /// Removes the packs that no index lists, if they were written more than a day before `now`: what a copy has left
    /// that was killed, or whose storage went away. Gives the bytes. The library passes them over as long as there is
    /// nothing else to prune.
    ///
    /// # Errors
    /// [`RepositoryError`]; an index that cannot be read removes nothing.
    pub fn sweep(&self, now: Instant) -> Result<u64, RepositoryError> {
        if !self.may_delete() {
            return Ok(0);
        }
        let classify = |error: Box<RusticError>| classified(&error, "looking for leftovers", self.place());
        let (open, guard) = self.handle(Access::Prune, NoProgressBars).map_err(classify)?;
        // What is listed only after this has been written after this, too.
        let packs = guard.packs().map_err(classify)?;
        let mut listed = HashSet::new();
        for index in open.list::<IndexId>().map_err(classify)? {
            let index = open.get_file::<IndexFile>(&index).map_err(classify)?;
            let marked = index.packs_to_delete.iter();
            listed.extend(index.packs.iter().chain(marked).map(|pack| *pack.id));
        }
        let is_left = |written: Option<SystemTime>| {
            written.is_some_and(|written| now - Instant::from(written) > LEFT_FOR)
        };
        let mut freed = 0;
        for (id, size, written) in packs {
            if !listed.contains(&id) && is_left(written) {
                let waiting = guard.kept();
                guard.remove(FileType::Pack, &id, false).map_err(classify)?;
                if guard.kept() == waiting {
                    freed += u64::from(size);
                }
            }
        }
        #[cfg(feature = "object-storage")]
        if let Some(bucket) = self.storage.kept() {
            bucket.remove_leftovers(now)?;
        }
        Ok(freed)
    }
}
