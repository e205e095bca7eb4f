//! After an undo, the restore before what was undone: an undo takes back the last restore or undo alone, so that after an undo
//! it only puts back what that has taken back. What still is in Live of the restores before is taken back by the safety backup that
//! the last of them took.

use super::Instant;
use super::backup::BackupId;
use super::job::{Job, JobId, JobKind};
use super::limited::limited;
use super::plan::Selection;
use super::state::EnvironmentDetails;
use super::undoing::has_switched;

/// A restore that an undo does not take back now, and the safety backup that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Earlier {
    /// The restore.
    pub job: JobId,
    /// Its safety backup.
    pub safety: BackupId,
    /// When that was taken.
    pub taken: Instant,
    /// Which part of Live the restore has replaced: of its safety backup nothing else is to come back.
    pub part: Selection,
}

impl Earlier {
    /// The restore that stays in Live where an undo takes back an undo now, by the environment's newest jobs, the newest first. `None`
    /// where there is none, where its safety backup is gone, and where the jobs do not tell.
    #[must_use]
    pub fn of<'j>(details: &EnvironmentDetails, jobs: impl IntoIterator<Item = &'j Job>) -> Option<Self> {
        let last = details.undo_of.as_ref()?;
        let is_one = |job: &&Job| {
            job.environment == details.summary.name
                && matches!(job.kind, JobKind::Restore | JobKind::Undo)
                && has_switched(job)
        };
        let mut jobs = jobs.into_iter().filter(is_one).peekable();
        // What the engine takes back decides: of what it does not know as the last one, nothing is told.
        if last.kind != Some(JobKind::Undo) || jobs.peek().map(|job| job.id) != last.job {
            return None;
        }
        // Each undo takes back what was before it: the restore that was undone an odd number of times is not in Live.
        let mut undone = false;
        let mut is_last = true;
        for job in jobs {
            if job.kind == JobKind::Undo {
                undone = !undone;
                continue;
            }
            match (undone, is_last) {
                // An undo of the last one takes this back.
                (false, true) => return None,
                (false, false) => return Self::with_safety(details, job),
                (true, _) => (undone, is_last) = (false, false),
            }
        }
        None
    }

    /// A restore with the safety backup that it took, where that is there and sound.
    fn with_safety(details: &EnvironmentDetails, job: &Job) -> Option<Self> {
        let taken = job.outcome.as_ref()?.safety.as_ref()?;
        let mut all = details.all_backups();
        let safety = all.find(|backup| backup.answers_to(taken) && backup.is_sound())?;
        Some(Self {
            job: job.id,
            safety: safety.id.clone(),
            taken: safety.manifest.taken,
            part: safety.manifest.replaced.clone().unwrap_or_default(),
        })
    }

    /// That it stays, and what takes it back, as sentences without the end of the last one. Behind that it is said how.
    #[must_use]
    pub fn in_words(&self, moment: impl Fn(Instant) -> String) -> String {
        format!(
            "The restore of job {} before that stays. To take it back, restore its safety backup {} of {}{}",
            self.job,
            self.safety,
            moment(self.taken),
            limited(&self.part)
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::backup::Trigger;
    use crate::domain::histories::backup;
    use crate::domain::undoing::UndoOf;
    use crate::domain::undoing::tests::{details, job, unchanged};

    #[test]
    fn after_an_undo_the_restore_before_is_told_with_its_safety_backup() {
        // The jobs from the oldest on, and which of them is told. `R` restores and `U` undoes, each with a safety backup of its own,
        // `r` and `u` do without one; `=` is a restore that found nothing to do.
        for (kinds, told) in [
            ("RRU", Some(0)),
            ("RRUU", None),
            ("RRUUU", Some(0)),
            ("RU", None),
            ("RR", None),
            // The one in the middle is not in Live either.
            ("RRURU", Some(0)),
            ("RRUURU", Some(1)),
            // What has changed nothing is not what was undone, and does not stay.
            ("R=U", None),
            ("=RU", None),
            ("R=RU", Some(0)),
            ("RR=U", Some(0)),
            ("RRU=", Some(0)),
            ("RRU=U=", None),
            // What has switched without a safety backup is.
            ("RrU", Some(0)),
            ("RRu", Some(0)),
            ("rRU", None),
        ] {
            let digits = ['a', 'b', 'c', 'd', 'e', 'f'];
            let mut jobs: Vec<Job> = Vec::new();
            let mut details = details();
            for ((id, kind), digit) in (41..).zip(kinds.chars()).zip(digits) {
                let is_undo = kind.eq_ignore_ascii_case(&'u');
                let mut job = match kind {
                    '=' => unchanged(id),
                    _ if is_undo => job(id, JobKind::Undo, digit),
                    _ => job(id, JobKind::Restore, digit),
                };
                if kind.is_uppercase() {
                    let mut safety = backup(id, job.created, Trigger::Restore, &[], Vec::new());
                    safety.id = BackupId(digit.to_string().repeat(64));
                    details.backups.push(safety);
                } else if let Some(outcome) = &mut job.outcome {
                    outcome.safety = None;
                }
                // The engine remembers what has switched.
                if kind != '=' {
                    details.undo_of = Some(UndoOf {
                        kind: Some(job.kind),
                        job: Some(job.id),
                        at: None,
                    });
                }
                jobs.insert(0, job);
            }
            let earlier = Earlier::of(&details, &jobs);
            let is = earlier.as_ref().map(|earlier| earlier.job.0 - 41);
            assert_eq!(is, told, "{kinds}");
            if let Some(earlier) = earlier {
                let digit = digits[usize::try_from(earlier.job.0 - 41).unwrap()];
                assert_eq!(earlier.safety.0, digit.to_string().repeat(64));
                // Without its safety backup there is nothing to tell.
                details.backups.retain(|backup| backup.id != earlier.safety);
                assert_eq!(Earlier::of(&details, &jobs), None);
            }
            // The engine remembers another one as the last.
            details.undo_of = Some(UndoOf::default());
            assert_eq!(Earlier::of(&details, &jobs), None);
        }
    }

    #[test]
    fn the_part_is_said_that_the_restore_has_replaced() {
        let earlier = Earlier {
            job: JobId(41),
            safety: BackupId("a".repeat(64)),
            taken: serde_json::from_value(json!("2026-12-01T05:00:00Z")).unwrap(),
            part: Selection {
                instances: vec!["author".parse().unwrap()],
                workspaces: vec!["website".to_owned()],
                paths: Vec::new(),
            },
        };
        assert_eq!(
            earlier.in_words(crate::domain::measure::moment),
            "The restore of job 41 before that stays. To take it back, restore its safety backup aaaaaaaa of 2026-12-01 05:00 UTC, \
             only website on author"
        );
    }
}
