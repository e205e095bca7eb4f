//! What is wrong inside the content of backups: when that is looked for, where it is kept, and what is said of it.
//!
//! What is in a backup never changes, so each is looked at once. By schedule it is the newest one, as often as everything is
//! read back; by hand and in a drill whatever is verified or drilled. One note for each environment in the catalog, so that
//! machines that share that share it. It outlives the backups, since the next one is compared with it.
//!
//! What is found is a warning and never a failure: the backup is what Live was. Not in here: finding it
//! (`content::inside::fitting`).

use crate::content::backed_up::SeesPieces;
use crate::content::inside::fitting::{Fitting, Looking};
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

/// A look at a backup that goes on while that is read back.
pub(in crate::engine) struct LookingOn {
    backup: Backup,
    instances: Vec<Looking>,
}

impl SeesPieces for LookingOn {
    fn piece(&self, name: [u8; 32], bytes: &[u8]) {
        for instance in &self.instances {
            instance.piece(name, bytes);
        }
    }
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

    /// Which of the backups that are to be verified are looked at, the earlier ones first: the later ones are compared with them.
    pub(in crate::engine) fn to_be_looked_at(&self, work: &Work, verified: &[Backup]) -> Vec<Backup> {
        let mut chosen = verified.to_vec();
        chosen.sort_by_key(|backup| backup.manifest.taken);
        if work.by() == Principal::Schedule {
            let newest = chosen.pop().filter(|newest| self.is_to_be_looked_at(newest));
            chosen = newest.into_iter().collect();
        }
        chosen
    }

    /// After backups were verified, so many: says what is wrong inside those that have their turn, and looks at those that
    /// nobody has looked at.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`]. That it cannot be looked is said, and is no error.
    pub(in crate::engine) fn integrity_of_verified(
        &self,
        work: &Work,
        repository: &Repository,
        verified: usize,
        chosen: &[Backup],
    ) -> Result<Said, EngineError> {
        let mut said = Said::default();
        let mut wrong = 0;
        for backup in chosen {
            let of = self.integrity_of(work, Phase::Verifying, repository, backup)?;
            wrong += u64::from(!of.in_short.is_empty());
            // In the summary of many backups the newest stands for all.
            said.in_short = of.in_short;
            said.warnings.extend(of.warnings);
        }
        if verified > 1 {
            said.in_short = match wrong {
                0 => String::new(),
                1 => "; the content of 1 of them has faults, as Live had".to_owned(),
                many => format!("; the content of {many} of them has faults, as Live had"),
            };
        }
        Ok(said)
    }

    /// To look at a backup while it is read back: at each instance whose nodes are in tables. `None` for one that somebody has
    /// looked at, and for one that is too large, or cannot be read: of those is told afterwards.
    pub(in crate::engine) fn looking_while_reading(
        &self,
        repository: &Repository,
        backup: &Backup,
    ) -> Option<LookingOn> {
        let kept = self.kept_integrity().unwrap_or_default();
        if kept.iter().any(|of| backup.answers_to(&of.backup)) {
            return None;
        }
        let instances = fittings(repository, backup).ok()?;
        if instances.is_empty() || !instances.iter().all(Fitting::is_small) {
            return None;
        }
        let begun: Result<Vec<_>, _> = instances.into_iter().map(Fitting::begin).collect();
        Some(LookingOn {
            backup: backup.clone(),
            instances: begun.ok()?,
        })
    }

    /// After a backup was read back and is sound: reads what was not shown, and keeps what is wrong. What that cannot be done for
    /// is told when it is looked for again.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`].
    pub(in crate::engine) fn looked_on(&self, work: &Work, looked: LookingOn) -> Result<(), EngineError> {
        let done = end(work, Phase::Verifying, &looked.backup, looked.instances).and_then(|found| {
            let mut kept = self.kept_integrity()?;
            kept.push(found);
            self.keep_integrity(work, kept)
        });
        match done {
            Err(error) if error.is_cancelled() => Err(error),
            Err(_) | Ok(()) => Ok(()),
        }
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
        let known = kept.iter().find(|of| backup.answers_to(&of.backup)).cloned();
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
                "the nodes in backup {} fit together: {} looked at",
                backup.id,
                measure::so_many(found.nodes(), "was", "were")
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
        let stands = |id: &BackupId| backups.iter().any(|backup| backup.answers_to(id));
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

/// The instances of a backup whose nodes are in tables.
fn fittings(repository: &Repository, backup: &Backup) -> Result<Vec<Fitting>, EngineError> {
    let mut instances = Vec::new();
    for copy in &backup.manifest.instances {
        instances.extend(Fitting::of(&repository.instance(&backup.id, copy))?);
    }
    Ok(instances)
}

/// Reads all nodes in a backup; `None` where none are in tables.
fn look(
    work: &Work,
    phase: Phase,
    repository: &Repository,
    backup: &Backup,
) -> Result<Option<BackupIntegrity>, EngineError> {
    let instances = fittings(repository, backup)?;
    if instances.is_empty() {
        return Ok(None);
    }
    let begun: Result<Vec<_>, _> = instances.into_iter().map(Fitting::begin).collect();
    end(work, phase, backup, begun?).map(Some)
}

/// Reads what was not shown of instances, and tells what is wrong.
fn end(
    work: &Work,
    phase: Phase,
    backup: &Backup,
    instances: Vec<Looking>,
) -> Result<BackupIntegrity, EngineError> {
    let left = instances.iter().map(Looking::left);
    let (files, bytes) = left.fold((0, 0), |sum, left| (sum.0 + left.0, sum.1 + left.1));
    if files > 0 {
        work.phase(phase)?;
        work.total(files, bytes);
    }
    let mut found = BackupIntegrity {
        form: BackupIntegrity::FORM,
        backup: backup.id.clone(),
        taken: backup.manifest.taken,
        workspaces: Vec::new(),
        left_out: Vec::new(),
    };
    for instance in instances {
        let fitted = instance.finish(work)?;
        found.workspaces.extend(fitted.workspaces);
        found.left_out.extend(fitted.left_out);
    }
    Ok(found)
}
