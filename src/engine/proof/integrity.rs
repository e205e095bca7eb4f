//! What is wrong inside the content of backups: when that is looked for, where it is kept, and what is said of it.
//!
//! What is in a backup never changes, so each is looked at once. By schedule it is the newest one, as often as everything is
//! read back; by hand and in a drill whatever is verified or drilled. One note for each environment in the catalog, so that
//! machines that share that share it. It outlives the backups, since the next one is compared with it.
//!
//! What is found is a warning and never a failure: the backup is what Live was. Not in here: finding it
//! (`content::inside::fitting`).

use crate::content::inside::fitting::Fitting;
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, BackupId};
use crate::domain::integrity::{BackupIntegrity, WorkspaceIntegrity};
use crate::domain::job::Phase;
use crate::domain::measure;
use crate::domain::notify::Topic;
use crate::domain::plan::Selection;
use crate::domain::principal::Principal;
use crate::engine::{EngineError, Live, Work};
use crate::repository::Repository;
use crate::watch::Watch as _;

/// The kind of the notes.
const KIND: &str = "integrity";
/// So many are kept of backups that are gone, to compare with.
const KEPT: usize = 5;
/// So many faults have lines of their own in a job's log.
const LINES: usize = 20;

/// What there is to say of a backup, if anything.
#[derive(Debug, Default)]
pub(in crate::engine) struct Said {
    /// For the end of a summary: `; 3 faults are in its content`.
    pub(in crate::engine) in_short: String,
    /// As sentences.
    pub(in crate::engine) warnings: Vec<String>,
}

impl Live {
    /// What is kept, the newest backup first. What cannot be read is found again.
    fn kept_integrity(&self) -> Result<Vec<BackupIntegrity>, EngineError> {
        let kept = self.catalog().note(KIND, &self.name().to_string())?;
        let mut kept: Vec<BackupIntegrity> = kept
            .and_then(|kept| serde_json::from_str(&kept).ok())
            .unwrap_or_default();
        kept.retain(|of| of.form == BackupIntegrity::FORM);
        kept.sort_by_key(|of| std::cmp::Reverse(of.taken));
        Ok(kept)
    }

    /// After backups were verified: looks at those that have their turn, and says what was found in them.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`]. That it cannot be looked is said, and is no error.
    pub(in crate::engine) fn integrity_of_verified(
        &self,
        work: &Work,
        repository: &Repository,
        verified: &[Backup],
    ) -> Result<Said, EngineError> {
        let mut chosen: Vec<&Backup> = verified.iter().collect();
        // The earlier ones first: the later ones are compared with them.
        chosen.sort_by_key(|backup| backup.manifest.taken);
        if work.by() == Principal::Schedule {
            let newest = chosen.pop().filter(|newest| self.is_to_be_looked_at(newest));
            chosen = newest.into_iter().collect();
        }
        let mut said = Said::default();
        let mut wrong = 0;
        for backup in chosen {
            let of = self.integrity_of(work, Phase::Verifying, repository, backup)?;
            wrong += u64::from(!of.in_short.is_empty());
            // In the summary of many backups the newest stands for all.
            said.in_short = of.in_short;
            said.warnings.extend(of.warnings);
        }
        if verified.len() > 1 {
            said.in_short = match wrong {
                0 => String::new(),
                1 => "; the content of 1 of them has faults, as Live had".to_owned(),
                many => format!("; the content of {many} of them has faults, as Live had"),
            };
        }
        Ok(said)
    }

    /// Whether a backup is to be looked at by schedule: as long as nobody has looked at one that is as new as what counts as
    /// read back.
    fn is_to_be_looked_at(&self, newest: &Backup) -> bool {
        let since = newest.manifest.taken - self.reading_counts();
        let kept = self.kept_integrity().unwrap_or_default();
        kept.iter().all(|of| of.taken <= since)
    }

    /// Says what is wrong inside a backup, and looks unless somebody has.
    ///
    /// # Errors
    /// As [`Live::integrity_of_verified`].
    pub(in crate::engine) fn integrity_of(
        &self,
        work: &Work,
        phase: Phase,
        repository: &Repository,
        backup: &Backup,
    ) -> Result<Said, EngineError> {
        match self.looked_at(work, phase, repository, backup) {
            Ok(said) => Ok(said),
            Err(error) if error.is_cancelled() => Err(error),
            Err(error) => {
                let warning = format!(
                    "whether the nodes in backup {} fit together could not be looked at: {error}",
                    backup.id
                );
                work.log(Severity::Warning, &warning);
                Ok(Said {
                    in_short: String::new(),
                    warnings: vec![warning],
                })
            }
        }
    }

    fn looked_at(
        &self,
        work: &Work,
        phase: Phase,
        repository: &Repository,
        backup: &Backup,
    ) -> Result<Said, EngineError> {
        let mut kept = self.kept_integrity()?;
        let known = kept.iter().find(|of| of.backup == backup.id).cloned();
        let found = if let Some(found) = known {
            found
        } else {
            let Some(found) = look(work, phase, repository, backup)? else {
                return Ok(Said::default());
            };
            kept.push(found.clone());
            self.keep_integrity(work, kept.clone())?;
            found
        };
        let before = before(&kept, &found);
        for left_out in &found.left_out {
            work.log(Severity::Information, left_out);
        }
        if found.total() == 0 {
            let text = format!(
                "the nodes in backup {} fit together: {} were looked at",
                backup.id,
                measure::count(found.nodes())
            );
            work.log(Severity::Information, &text);
            return Ok(Said::default());
        }
        let text = format!(
            "the content of backup {} has {}, as Live had: {}. {}",
            backup.id,
            found.counted(),
            found.in_words(),
            found.news(before)
        );
        for line in found
            .workspaces
            .iter()
            .flat_map(WorkspaceIntegrity::lines)
            .take(LINES)
        {
            work.log(Severity::Information, &line);
        }
        // What was said before is not said again each week by whoever looks by himself.
        let is_news = before.is_none_or(|before| found.new_since(before) > 0);
        if work.by() == Principal::Schedule && !is_news {
            work.log(Severity::Information, &text);
            return Ok(Said::default());
        }
        work.log(Severity::Warning, &text);
        if is_news {
            let (topic, name) = (Topic::IntegrityWorse, Some(self.name()));
            let notifier = self.engine().notifier();
            notifier.announce(topic, Severity::Warning, name, &text, Some(work.id()));
        }
        Ok(Said {
            in_short: format!("; its content has {}, as Live had", found.counted()),
            warnings: vec![text],
        })
    }

    /// Keeps what is known of backups that stand, and of some that are gone.
    fn keep_integrity(&self, work: &Work, mut kept: Vec<BackupIntegrity>) -> Result<(), EngineError> {
        let backups = self.backups()?;
        let stands = |id: &BackupId| backups.iter().any(|backup| backup.id == *id);
        kept.sort_by_key(|of| std::cmp::Reverse(of.taken));
        let mut gone = 0;
        kept.retain(|of| {
            gone += usize::from(!stands(&of.backup));
            stands(&of.backup) || gone <= KEPT
        });
        let text = serde_json::to_string(&kept).map_err(|error| {
            EngineError::Failed(format!("what was found cannot be written down: {error}"))
        })?;
        let name = self.name().to_string();
        Ok(self
            .catalog()
            .note_under(&work.claim, KIND, &name, &text, self.now())?)
    }

    /// What is known to be wrong inside a backup, for a plan of its restore.
    pub(in crate::engine) fn integrity_in_plan(
        &self,
        backup: &Backup,
        selection: &Selection,
    ) -> Result<Option<String>, EngineError> {
        let kept = self.kept_integrity()?;
        let Some(known) = kept.iter().find(|of| of.backup == backup.id) else {
            return Ok(None);
        };
        let found = known.within(selection);
        let before = before(&kept, &found).map(|before| before.within(selection));
        Ok((found.total() > 0).then(|| {
            format!(
                "the content of the backup has {}, as Live had, and they come back with it: {}. {}",
                found.counted(),
                found.in_words(),
                found.news(before.as_ref())
            )
        }))
    }
}

/// What is known of the newest backup before another one.
fn before<'k>(kept: &'k [BackupIntegrity], found: &BackupIntegrity) -> Option<&'k BackupIntegrity> {
    kept.iter()
        .filter(|of| of.taken < found.taken && of.backup != found.backup)
        .max_by_key(|of| of.taken)
}

/// Reads all nodes in a backup; `None` where none are in tables.
fn look(
    work: &Work,
    phase: Phase,
    repository: &Repository,
    backup: &Backup,
) -> Result<Option<BackupIntegrity>, EngineError> {
    let mut instances = Vec::new();
    for copy in &backup.manifest.instances {
        instances.extend(Fitting::of(&repository.instance(&backup.id, copy))?);
    }
    if instances.is_empty() {
        return Ok(None);
    }
    work.phase(phase)?;
    let sizes = instances.iter().map(Fitting::size);
    let (nodes, bytes) = sizes.fold((0, 0), |sum, size| (sum.0 + size.0, sum.1 + size.1));
    work.total(nodes, bytes);
    let mut found = BackupIntegrity {
        form: BackupIntegrity::FORM,
        backup: backup.id.clone(),
        taken: backup.manifest.taken,
        workspaces: Vec::new(),
        left_out: Vec::new(),
    };
    for instance in instances {
        let fitted = instance.look(work)?;
        found.workspaces.extend(fitted.workspaces);
        found.left_out.extend(fitted.left_out);
    }
    Ok(Some(found))
}
