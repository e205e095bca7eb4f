//! Drops what retention allows, and frees the room it took.
//!
//! What may be dropped is worked out by `domain::retention`; here it is only done.

use std::collections::BTreeSet;

use crate::domain::activity::Severity;
use crate::domain::ahead::Look;
use crate::domain::backup::{Backup, BackupId};
use crate::domain::job::{JobId, JobKind, Outcome, Phase};
use crate::domain::measure;
use crate::domain::request::JobQuery;
use crate::domain::retention::droppable;
use crate::engine::{EngineError, Live, Work};
use crate::repository::Repository;

/// So many of the environment's jobs tell when something was done for it.
const JOBS: u32 = 200;

impl Live {
    /// The clock that dropping goes by: not one that may just have jumped. When something was done before is known from
    /// the backups and from the job history; without the latter, what may go stays one round longer.
    ///
    /// # Errors
    /// A catalog that cannot be read.
    pub(in crate::engine) fn look(&self, backups: &[Backup]) -> Result<Look, EngineError> {
        let query = JobQuery {
            environment: Some(self.name().clone()),
            id: None,
            limit: JOBS,
        };
        let jobs = self.catalog().jobs(&query)?;
        let known = backups.iter().map(|backup| backup.manifest.taken);
        let known = known.chain(jobs.iter().flat_map(|job| job.began.into_iter().chain(job.ended)));
        Ok(Look::at(self.now(), known))
    }

    /// Drops what no slot, no job and no expiry holds any more. Called by the job that made `new`, which holds the
    /// environment: no other job reads a backup meanwhile, and its own backup is not dropped by it. Returns what was
    /// dropped.
    pub(in crate::engine) fn apply_retention(
        &self,
        work: &Work,
        new: &Backup,
    ) -> Result<Vec<BackupId>, EngineError> {
        let Some(repository) = self.repository(false)? else {
            return Ok(Vec::new());
        };
        self.drop_expired_or_go_on(work);
        #[cfg(feature = "object-storage")]
        if repository.keeps_what_is_written() {
            // There it is done by a job of its own, with another key.
            self.say_what_stays(work, &repository)?;
            return Ok(Vec::new());
        }
        self.drop_void(work, &repository)?;
        let dropped = self.drop_backups(work, &repository, &BTreeSet::from([new.id.clone()]))?;
        // Freeing looks through the whole repository. What recent backups leave is freed with the next one of a slot.
        let is_time = !new.is_recent() && (!dropped.is_empty() || self.settings().schedule.every.is_some());
        if is_time {
            self.free(work, &repository)?;
        }
        Ok(dropped)
    }

    /// What a restore has left in a database keeps nothing else from going.
    fn drop_expired_or_go_on(&self, work: &Work) {
        if let Err(error) = self.drop_expired_tables(work) {
            work.log(
                Severity::Warning,
                &format!("expired tables of an earlier restore could not be dropped: {error}"),
            );
        }
    }

    /// Drops backups that came too late, from a machine whose job others had taken over.
    pub(in crate::engine) fn drop_void(
        &self,
        work: &Work,
        repository: &Repository,
    ) -> Result<(), EngineError> {
        let name = self.name();
        let void = self.catalog().void_records(name)?;
        if void.is_empty() {
            return Ok(());
        }
        for stored in repository.list()? {
            if void.contains(&stored.id.0) {
                if drop_listed(work, repository, std::slice::from_ref(&stored.id))?.is_empty() {
                    continue;
                }
                let text = format!(
                    "backup {} is dropped: its job had been taken over when it came",
                    stored.id
                );
                work.log(Severity::Information, &text);
            }
        }
        Ok(())
    }

    fn drop_backups(
        &self,
        work: &Work,
        repository: &Repository,
        in_use: &BTreeSet<BackupId>,
    ) -> Result<Vec<BackupId>, EngineError> {
        let name = self.name();
        let keep = self.settings().keep;
        let backups = self.list_backups()?;
        let look = self.look(&backups)?;
        let mut in_use = in_use.clone();
        in_use.extend(self.asked_for(&backups)?);
        let dropped: Vec<BackupId> = droppable(&backups, &keep, &in_use, &look)
            .into_iter()
            .map(|backup| backup.id.clone())
            .collect();
        if !look.is_settled() {
            let text = format!(
                "the clock is more than a day after everything that was done for {name} before {}: nothing came since, or \
                 the clock is wrong. What has been replaced or has expired since then stays until a later backup finds it \
                 there still",
                measure::moment(look.settled)
            );
            work.log(Severity::Information, &text);
        }
        if dropped.is_empty() {
            return Ok(dropped);
        }
        let dropped = drop_listed(work, repository, &dropped)?;
        if dropped.len() == backups.len() {
            self.note_if_emptied();
        }
        self.changed();
        for id in &dropped {
            work.log(
                Severity::Information,
                &format!("backup {id} is dropped: nothing holds it any more"),
            );
            // A record too many in the catalog does no harm.
            let _ = self.catalog().forget_verification(name, id);
        }
        let _ = self.catalog().prune(look.settled);
        Ok(dropped)
    }

    /// Starts dropping what retention allows and freeing room, without a backup before it.
    ///
    /// # Errors
    /// A refusal (rules 5, 8); a catalog that cannot be written.
    pub fn start_prune(&self) -> Result<JobId, EngineError> {
        self.start(JobKind::Prune, "freeing room in the repository", move |live, work| {
            work.phase(Phase::Preparing)?;
            let name = live.name();
            let repository = live
                .repository(false)?
                .ok_or_else(|| EngineError::Failed(format!("{name} has no repository yet")))?;
            work.phase(Phase::Retention)?;
            live.drop_expired_or_go_on(work);
            if !repository.may_delete() {
                return Ok(Outcome {
                    summary: "nothing was dropped: the bucket keeps what is written, and no key is named that may delete \
                              ([repository.options.deletions])"
                        .to_owned(),
                    warnings: live.delete_in_second(work),
                    ..Outcome::default()
                });
            }
            if repository.keeps_what_is_written() {
                live.drop_void(work, &repository)?;
            }
            let dropped = live.drop_backups(work, &repository, &BTreeSet::new())?;
            let freed = live.free(work, &repository)?;
            let warnings = live.delete_in_second(work);
            Ok(Outcome {
                warnings,
                summary: format!(
                    "{} dropped and {} freed; what other backups used until now is freed a day later{}",
                    measure::so_many(dropped.len() as u64, "backup was", "backups were"),
                    measure::bytes(freed),
                    live.pinned_in_words()?
                ),
                ..Outcome::default()
            })
        })
    }

    /// That pinned backups keep their room, to be put behind a sentence. Empty where there are none.
    fn pinned_in_words(&self) -> Result<String, EngineError> {
        let backups = self.backups()?;
        let pinned = backups
            .iter()
            .filter(|backup| backup.pinned(self.now()).is_some());
        Ok(match pinned.count() {
            0 => String::new(),
            1 => "; 1 pinned backup keeps its room".to_owned(),
            many => format!("; {many} pinned backups keep their room"),
        })
    }

    /// Frees what may go at once, for a copy that has met a full repository. Gives whether anything went.
    pub(in crate::engine) fn make_room(
        &self,
        work: &Work,
        repository: &Repository,
    ) -> Result<bool, EngineError> {
        let freed = repository.make_room(work)?.freed + repository.sweep(self.now())?;
        if freed > 0 {
            work.log(
                Severity::Warning,
                &format!(
                    "the repository is full: {} that no backup needs were freed, and the copy is begun again",
                    measure::bytes(freed)
                ),
            );
        }
        Ok(freed > 0)
    }

    /// Frees room that no backup needs. Returns the bytes.
    pub(in crate::engine) fn free(&self, work: &Work, repository: &Repository) -> Result<u64, EngineError> {
        let pruned = repository.prune(work)?;
        let freed = pruned.freed + repository.sweep(self.now())?;
        if freed > 0 {
            work.log(
                Severity::Information,
                &format!("{} were freed in the repository", measure::bytes(freed)),
            );
        }
        if let Some((count, first)) = pruned.waiting {
            let text = format!(
                "{} kept by the bucket, the first of them until {}: this is tried again",
                measure::so_many(
                    count,
                    "pack that no backup needs is",
                    "packs that no backup needs are"
                ),
                measure::moment_exact(first)
            );
            work.log(Severity::Information, &text);
        }
        Ok(freed)
    }
}

/// Drops these backups, as far as they can be, and gives those.
pub(in crate::engine) fn drop_listed(
    work: &Work,
    repository: &Repository,
    ids: &[BackupId],
) -> Result<Vec<BackupId>, EngineError> {
    #[cfg(feature = "object-storage")]
    if repository.keeps_what_is_written() {
        return super::immutable::drop_unless_kept(work, repository, ids);
    }
    let _ = work;
    repository.forget(ids)?;
    Ok(ids.to_vec())
}
