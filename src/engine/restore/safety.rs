//! The safety backup of a restore: taken before anything else, taken anew when Live moves on, compared with what the
//! switch displaced before that is removed, and dropped again when the restore came to nothing.

use super::journal::{Beside, InstanceRecord, Journal, Stage};
use super::lost::remove_copies;
use super::{SAFETY_ATTEMPTS, Way};
use crate::content::Content;
use crate::content::files::Files;
use crate::disk::removal;
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, Trigger};
use crate::domain::environment::InstanceName;
use crate::domain::job::Phase;
use crate::domain::settings::{InstanceSettings, RepositoryChoice};
use crate::engine::backup::{Purpose, SAFETY_STANDS};
use crate::engine::{Engine, EngineError, Work};
use crate::repository::Depth;
use crate::watch::Unwatched;

impl Engine {
    /// Takes the safety backup of rule 10. `None` when nothing of Live is left to save.
    ///
    /// A restore from the second repository keeps it there where the first one is lost, or turns out to take nothing.
    pub(super) fn take_safety_backup(
        &self,
        work: &Work,
        backup: &Backup,
        way: &Way,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Backup>, EngineError> {
        let settings = self.live_settings(work.environment())?;
        let (there, gone): (Vec<_>, Vec<_>) = settings
            .instances
            .iter()
            .partition(|instance| self.is_there(instance));
        if there.is_empty() {
            work.leaves_out(&[Phase::SafetyBackup]);
            warnings.push("there was nothing left of Live to keep in a safety backup".to_owned());
            return Ok(None);
        }
        let purpose = |into| Purpose {
            trigger: Trigger::Restore,
            by: work.by(),
            note: Some(format!("safety backup before the restore of {}", backup.id)),
            slots: Vec::new(),
            serves: Vec::new(),
            stands: Some(SAFETY_STANDS),
            replaces: Some(way.selection.clone()),
            into,
            phases: (Phase::SafetyBackup, Phase::SafetyBackup),
        };
        let mut taken = self.copy_live(work, purpose(way.safety_goes_to()), &gone);
        if let Err(EngineError::Repository(error)) = &taken
            && way.from == RepositoryChoice::Copy
            && way.safety_goes_to() == RepositoryChoice::First
            && error.is_of_the_repository()
        {
            let text = format!(
                "the first repository takes no safety backup ({error}): it goes to the second, in {}",
                self.copy_place(work.environment())
            );
            work.log(Severity::Warning, &text);
            self.record_activity(
                &work.by(),
                Some(work.environment()),
                &text,
                Some(work.id()),
                Severity::Warning,
            );
            warnings.push(text);
            way.first_takes_nothing.set(true);
            taken = self.copy_live(work, purpose(way.safety_goes_to()), &gone);
        }
        match taken {
            Ok((safety, told)) => {
                warnings.extend(told);
                Ok(Some(safety))
            }
            Err(error) if error.is_cancelled() => Err(error),
            Err(error) => Err(EngineError::Failed(format!(
                "the safety backup could not be taken, so Live was not touched: {error}. If Live itself cannot be read \
                 any more, restore again without a safety backup (--without-safety-backup)"
            ))),
        }
    }

    /// Takes the safety backup anew if Live has changed since: staging takes a while, and people go on working.
    pub(super) fn renew_safety(
        &self,
        work: &Work,
        backup: &Backup,
        way: &Way,
        safety: &mut Option<Backup>,
        warnings: &mut Vec<String>,
    ) -> Result<(), EngineError> {
        let selection = &way.selection;
        let settings = self.live_settings(work.environment())?;
        // Where an exchange cannot take the restore back, undo has nothing but the safety backup: what editors have done
        // in a database while everything was staged has to be in it.
        let in_database = |instance: &&InstanceSettings| {
            Self::content_folder(instance).is_none() && selection.has_instance(&instance.name)
        };
        let in_folder = |instance: &InstanceSettings| {
            Self::content_folder(instance).is_some() && selection.has_instance(&instance.name)
        };
        let needs_safety = !selection.workspaces.is_empty() || settings.instances.iter().any(in_folder);
        if needs_safety && settings.instances.iter().any(|instance| in_database(&instance)) {
            work.log(
                Severity::Information,
                "the safety backup is taken anew, since a database may have changed while everything was staged",
            );
            let fresh = self.take_safety_backup(work, backup, way, warnings)?;
            self.drop_safety(safety.as_ref());
            *safety = fresh;
        }
        for _ in 1..SAFETY_ATTEMPTS {
            let mut differences = 0;
            for instance in &settings.instances {
                // What a database replaces stays in it for a while, to the last row: no need to chase after editors.
                let Some(folder) = Self::content_folder(instance) else {
                    continue;
                };
                if selection.has_instance(&instance.name) && self.is_there(instance) {
                    differences += self.unsaved(safety.as_ref(), &instance.name, &Files::new(folder))?;
                }
            }
            if differences == 0 {
                return Ok(());
            }
            work.log(
                Severity::Warning,
                "Live has changed since the safety backup: it is taken anew",
            );
            let fresh = self.take_safety_backup(work, backup, way, warnings)?;
            self.drop_safety(safety.as_ref());
            *safety = fresh;
        }
        Ok(())
    }

    /// How many items of an instance's content differ from the safety backup. An instance that the safety backup does
    /// not hold differs in every item.
    fn unsaved(
        &self,
        safety: Option<&Backup>,
        instance: &InstanceName,
        content: &Files,
    ) -> Result<u64, EngineError> {
        let held = safety.filter(|safety| {
            safety
                .manifest
                .instances
                .iter()
                .any(|copy| copy.name == *instance)
        });
        let Some(safety) = held else {
            let items = content.walk(&mut |_| {}).collect::<Result<Vec<_>, _>>()?;
            return Ok(u64::try_from(items.len()).unwrap_or(u64::MAX));
        };
        let repository = self.repository_holding(&safety.manifest.environment, &safety.id)?;
        let selection = safety.manifest.replaced.clone().unwrap_or_default();
        let compared = repository.compare(
            &safety.id,
            instance,
            &selection,
            content,
            Depth::Quick,
            &Unwatched,
        )?;
        Ok(compared
            .changes
            .iter()
            .map(|change| change.added + change.changed + change.removed)
            .sum())
    }

    /// Drops the safety backup of a restore that replaced nothing: undo would go back to it, and undo nothing.
    pub(super) fn drop_safety(&self, safety: Option<&Backup>) {
        let Some(safety) = safety else { return };
        let name = &safety.manifest.environment;
        // One that cannot be dropped stands until it expires; that does no harm to content.
        if let Ok(repository) = self.repository_holding(name, &safety.id) {
            let _ = repository.forget(std::slice::from_ref(&safety.id));
        }
        self.changed(name);
    }

    /// Removes what the switch displaced, if the safety backup holds all of it, and the journal.
    pub(super) fn clean_up(&self, journal: &Journal) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Err(error) = remove_copies(journal) {
            warnings.push(error.to_string());
        }
        let kept: Vec<_> = journal
            .instances
            .iter()
            .filter_map(|record| Some((record, self.why_kept(journal, record)?)))
            .collect();
        if kept.is_empty() {
            // From here on what was displaced may be gone in part: after a crash it is not compared again.
            let clearing = Journal {
                stage: Stage::Clearing,
                ..journal.clone()
            };
            if let Err(error) = self.write_journal(&clearing) {
                warnings.push(error.to_string());
            }
        }
        for (record, why) in &kept {
            if let Beside::Folder { staging, .. } = &record.beside {
                warnings.push(format!(
                    "what was live in {} before is kept in {}, since {why}: remove it when nobody needs it",
                    record.instance,
                    staging.display()
                ));
            }
        }
        let is_kept = |instance: &InstanceName| kept.iter().any(|(record, _)| record.instance == *instance);
        warnings.extend(self.clear_all_but(journal, &is_kept));
        self.note_replaced(journal);
        if let Err(error) = journal.remove(self.papers_of(&journal.environment)) {
            warnings.push(format!(
                "the journal of the restore could not be removed: {error}"
            ));
        }
        warnings
    }

    /// Removes everything that a finished restore no longer needs, and the journal. Returns what could not be removed.
    pub(super) fn clear(&self, journal: &Journal) -> Vec<String> {
        let mut left = self.clear_all_but(journal, &|_| false);
        self.note_replaced(journal);
        if let Err(error) = journal.remove(self.papers_of(&journal.environment)) {
            left.push(format!(
                "the journal of the restore could not be removed: {error}"
            ));
        }
        left
    }

    fn clear_all_but(&self, journal: &Journal, is_kept: &dyn Fn(&InstanceName) -> bool) -> Vec<String> {
        let mut left = Vec::new();
        for record in journal
            .instances
            .iter()
            .filter(|record| !is_kept(&record.instance))
        {
            match &record.beside {
                Beside::Folder { staging, .. } => {
                    if let Err(error) = removal::remove(staging) {
                        left.push(format!("{} could not be removed: {error}", staging.display()));
                    }
                }
                Beside::Schema(schema) => {
                    // Empty by now.
                    let dropped =
                        self.drop_or_leave_behind(&journal.environment, &record.instance, &[&schema.fresh]);
                    match dropped {
                        Ok(sentences) => left.extend(sentences),
                        Err(error) => left.push(error.to_string()),
                    }
                }
            }
        }
        left
    }

    /// Why what was displaced of an instance has to be kept: it holds something that the safety backup does not.
    fn why_kept(&self, journal: &Journal, record: &InstanceRecord) -> Option<String> {
        // Replaced tables stay in any case.
        let Beside::Folder { staging, steps } = &record.beside else {
            return None;
        };
        let displaced = staging.join("content");
        // A restore that brought back what was gone has displaced nothing.
        if !steps.iter().any(|step| step.old.is_some()) || !displaced.exists() {
            return None;
        }
        let safety = journal
            .safety
            .as_ref()
            .map(|id| self.find_backup(&journal.environment, id));
        let unsaved = safety
            .transpose()
            .and_then(|safety| self.unsaved(safety.as_ref(), &record.instance, &Files::new(&displaced)));
        match unsaved {
            Ok(0) => None,
            Ok(items) => Some(format!("{items} items in it are not in the safety backup")),
            Err(error) => Some(format!(
                "it could not be compared with the safety backup ({error})"
            )),
        }
    }
}
