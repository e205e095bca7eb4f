//! How long it will take until Live has what a restore brings back: as a drill has measured, or else as past restores have,
//! or else as long as taking the backup took; and, where a safety backup is taken, as long again as the last copy of Live.

use super::Way;
use crate::domain::backup::{Backup, BackupId};
use crate::domain::job::{Job, JobKind, JobState, Phase};
use crate::domain::milestone::Milestone;
use crate::domain::plan::{ExpectedTime, Selection};
use crate::domain::proof::{Drill, last_copy};
use crate::domain::request::JobQuery;
use crate::engine::{EngineError, Live};

/// Past restores are looked for among so many jobs: all of a week, where a backup is taken every half hour.
const JOBS: u32 = 400;
/// So many of the last ones are judged by.
const RESTORES: usize = 5;

impl Live {
    /// How long the restore should take. `None` where nothing is known.
    pub(super) fn expected_time(
        &self,
        backup: &Backup,
        way: &Way,
    ) -> Result<Option<ExpectedTime>, EngineError> {
        let name = self.name();
        let drills = self.catalog().drills(name)?;
        let drill = drills.iter().find(|drill| drill.is_proven());
        let jobs = match drill {
            Some(_) => Vec::new(),
            None => self.catalog().jobs(&JobQuery {
                environment: Some(name.clone()),
                id: None,
                limit: JOBS,
            })?,
        };
        // Of a repository that is out of reach nobody knows.
        let backups = self.backups().unwrap_or_default();
        let known = Known {
            drill,
            jobs: &jobs,
            backups: &backups,
        };
        Ok(known.expected(backup, &way.selection, way.without_safety))
    }
}

/// What is known of the past.
struct Known<'a> {
    /// The last drill that has proven a backup.
    drill: Option<&'a Drill>,
    /// The last jobs, newest first.
    jobs: &'a [Job],
    backups: &'a [Backup],
}

/// How long bringing so many bytes back took, without a safety backup.
struct PastRestore {
    millis: u64,
    bytes: u64,
}

impl Known<'_> {
    fn expected(&self, backup: &Backup, selection: &Selection, without_safety: bool) -> Option<ExpectedTime> {
        let manifest = &backup.manifest;
        let bytes = selected_bytes(backup, selection);
        let past: Vec<_> = self
            .jobs
            .iter()
            .filter_map(|job| self.measured(job))
            .take(RESTORES)
            .collect();
        let restoring = match self.drill {
            Some(drill) => drill.millis_for(bytes),
            None if past.is_empty() => {
                let took = Some(manifest.took_millis()).filter(|took| *took > 0)?;
                scaled(took, bytes, manifest.bytes()).unwrap_or(took)
            }
            None => {
                let sum = |of: fn(&PastRestore) -> u64| past.iter().map(of).fold(0, u64::saturating_add);
                let millis = sum(|past| past.millis);
                let each = millis / past.len().max(1) as u64;
                scaled(millis, bytes, sum(|past| past.bytes)).unwrap_or(each)
            }
        };
        let copying = if without_safety {
            0
        } else {
            last_copy(self.backups).unwrap_or_else(|| manifest.took_millis())
        };
        Some(ExpectedTime {
            millis: restoring.saturating_add(copying),
            past_jobs: if self.drill.is_some() {
                0
            } else {
                past.len() as u64
            },
            drill: self.drill.map(|drill| drill.at),
        })
    }

    /// What a job has measured. `None` of one that is no restore, and where it is not known what of its time was the safety
    /// backup's, or how much it brought back.
    fn measured(&self, job: &Job) -> Option<PastRestore> {
        let is_restore = matches!(job.kind, JobKind::Restore | JobKind::Undo) && job.state == JobState::Done;
        // An exchange with the tables that were replaced stages nothing, and takes a moment however much there is.
        if !is_restore || job.left_out.contains(&Phase::Staging) {
            return None;
        }
        // What follows is clearing up.
        let live = job
            .reached
            .as_ref()
            .filter(|reached| reached.what == Milestone::ContentLive)?;
        let millis = u64::try_from((live.at - job.began?).num_milliseconds()).ok()?;
        let outcome = job.outcome.as_ref()?;
        let Some(safety) = &outcome.safety else {
            let went_through = job.progress.as_ref().map(|progress| progress.bytes_done);
            let bytes = went_through.filter(|_| job.left_out.contains(&Phase::SafetyBackup))?;
            return Some(PastRestore { millis, bytes });
        };
        let safety = self.named(safety)?;
        let selection = safety.manifest.replaced.as_ref()?;
        // What was brought back is about as large as what it replaced.
        let brought_back = outcome
            .backup
            .as_ref()
            .and_then(|id| self.named(id))
            .unwrap_or(safety);
        Some(PastRestore {
            millis: millis.saturating_sub(safety.manifest.took_millis()),
            bytes: selected_bytes(brought_back, selection),
        })
    }

    fn named(&self, id: &BackupId) -> Option<&Backup> {
        self.backups.iter().find(|backup| backup.answers_to(id))
    }
}

/// How long so many bytes take, if others took so long. `None` where those were none.
fn scaled(millis: u64, bytes: u64, others: u64) -> Option<u64> {
    let scaled = (u128::from(millis) * u128::from(bytes)).checked_div(u128::from(others))?;
    Some(u64::try_from(scaled).unwrap_or(u64::MAX))
}

/// Bytes of a backup that a selection takes.
fn selected_bytes(backup: &Backup, selection: &Selection) -> u64 {
    let instances = backup.manifest.instances.iter();
    instances
        .filter(|copy| selection.has_instance(&copy.name))
        .flat_map(|copy| &copy.workspaces)
        .filter(|workspace| selection.has_workspace(&workspace.name))
        .map(|workspace| workspace.bytes)
        .sum()
}

#[cfg(test)]
mod tests;
