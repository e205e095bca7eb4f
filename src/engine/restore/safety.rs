//! The safety backup of a restore: taken before anything else, taken anew when Live moves on, compared with what the
//! switch displaced before that is removed (`switching`), and dropped again when the restore came to nothing.

use super::{SAFETY_ATTEMPTS, Way};
use crate::content::Content;
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, Trigger};
use crate::domain::environment::InstanceName;
use crate::domain::job::Phase;
use crate::domain::settings::{InstanceSettings, RepositoryChoice};
use crate::engine::backup::{Purpose, SAFETY_STANDS};
use crate::engine::hooks::Say;
use crate::engine::{EngineError, Live, Work};
use crate::repository::Depth;
use crate::watch::Unwatched;

impl Live {
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
        let settings = self.settings();
        let (there, gone): (Vec<_>, Vec<_>) = settings
            .instances
            .iter()
            .partition(|instance| self.place(instance).is_there());
        if there.is_empty() {
            work.leaves_out(&[Phase::SafetyBackup]);
            warnings.push("there was nothing left of Live to keep in a safety backup".to_owned());
            return Ok(None);
        }
        let chosen = self.chosen(backup, &way.selection);
        let at_rest: Vec<_> = self.resting(&chosen).iter().map(|one| one.name.clone()).collect();
        // Nodes that had moved are taken from where they are in Live: only all of their workspaces is a way back. A file is
        // where it is.
        let has_tables = |instance: &&InstanceSettings| self.place(instance).keeps_what_it_replaces();
        let replaces = if chosen.iter().any(has_tables) {
            way.selection.with_whole_workspaces()
        } else {
            way.selection.clone()
        };
        let purpose = |into| Purpose {
            trigger: Trigger::Restore,
            by: work.by(),
            note: Some(format!("safety backup before the restore of {}", backup.id)),
            slots: Vec::new(),
            serves: Vec::new(),
            stands: Some(SAFETY_STANDS),
            replaces: Some(replaces.clone()),
            at_rest: at_rest.clone(),
            into,
            // What a restore prepares is over by then.
            phases: (Phase::SafetyBackup, Phase::SafetyBackup, Phase::SafetyBackup),
        };
        let mut taken = self.copy_live(work, purpose(way.safety_goes_to()), &gone);
        if let Err(EngineError::Repository(error)) = &taken
            && way.from == RepositoryChoice::Copy
            && way.safety_goes_to() == RepositoryChoice::First
            && error.is_of_the_repository()
        {
            let text = format!(
                "the first repository takes no safety backup ({error}): it goes to the second, in {}",
                self.copy_place()
            );
            work.log(Severity::Warning, &text);
            self.record_activity(&work.by(), &text, Some(work.id()), Severity::Warning);
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
        let settings = self.settings();
        // Where an exchange cannot take the restore back, undo has nothing but the safety backup: what editors have done
        // in a database while everything was staged has to be in it.
        let in_database = |instance: &&InstanceSettings| {
            self.place(instance).keeps_what_it_replaces() && selection.has_instance(&instance.name)
        };
        let in_folder = |instance: &InstanceSettings| {
            !self.place(instance).keeps_what_it_replaces() && selection.has_instance(&instance.name)
        };
        let needs_safety = !selection.workspaces.is_empty() || settings.instances.iter().any(in_folder);
        if needs_safety && settings.instances.iter().any(|instance| in_database(&instance)) {
            work.log(
                Severity::Information,
                "the safety backup is taken anew, since a database may have changed while everything was staged",
            );
            let fresh = self.take_safety_backup(work, backup, way, warnings)?;
            self.drop_safety(safety.as_ref(), &|severity, text| work.log(severity, text));
            *safety = fresh;
        }
        for _ in 1..SAFETY_ATTEMPTS {
            let mut differences = 0;
            for instance in &settings.instances {
                let place = self.place(instance);
                // What a database replaces stays in it for a while, to the last row: no need to chase after editors.
                if !place.keeps_what_it_replaces()
                    && selection.has_instance(&instance.name)
                    && place.is_there()
                {
                    differences += self.unsaved(safety.as_ref(), &instance.name, &*place.content())?;
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
            self.drop_safety(safety.as_ref(), &|severity, text| work.log(severity, text));
            *safety = fresh;
        }
        Ok(())
    }

    /// How many items of an instance's content differ from the safety backup. An instance that the safety backup does
    /// not hold differs in every item.
    pub(super) fn unsaved(
        &self,
        safety: Option<&Backup>,
        instance: &InstanceName,
        content: &dyn Content,
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
        let repository = self.repository_holding(&safety.id)?;
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
    pub(super) fn drop_safety(&self, safety: Option<&Backup>, say: &Say<'_>) {
        let Some(safety) = safety else { return };
        // One that cannot be dropped stands until it expires; that does no harm to content.
        if let Ok(repository) = self.repository_holding(&safety.id) {
            // The log has said that it is recorded.
            match repository.forget(std::slice::from_ref(&safety.id)) {
                Ok(()) => say(
                    Severity::Information,
                    &format!("safety backup {} is dropped: nobody needs it", safety.id),
                ),
                Err(error) => say(
                    Severity::Information,
                    &format!("safety backup {} stays until it expires: {error}", safety.id),
                ),
            }
        }
        self.changed();
    }
}
