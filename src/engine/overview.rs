//! What cockpits show: every environment at a glance, and one in full. Reads, and changes nothing.

use super::{Engine, EngineError, versions};
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::backup::Backup;
use crate::domain::environment::{Answer, EnvironmentName, Instance};
use crate::domain::job::{Job, JobState};
use crate::domain::principal::Principal;
use crate::domain::proof::{Proof, last_verified};
use crate::domain::request::{HoldKind, HoldRequest};
use crate::domain::retention::holders;
use crate::domain::settings::{EnvironmentSettings, InstanceSettings};
use crate::domain::slot::Slot;
use crate::domain::state::{EnvironmentDetails, EnvironmentSummary, Hold, SlotSchedule, SlotState};

impl Engine {
    /// Every environment at a glance, by name.
    ///
    /// # Errors
    /// A catalog that cannot be read. A repository out of reach is the trouble of its environment, and no error.
    pub fn summaries(&self) -> Result<Vec<EnvironmentSummary>, EngineError> {
        self.environments()
            .map(|(name, settings)| self.summary(name, settings))
            .collect()
    }

    /// One environment at a glance.
    ///
    /// # Errors
    /// [`EngineError::UnknownEnvironment`]; a catalog that cannot be read.
    pub fn summary_of(&self, name: &EnvironmentName) -> Result<EnvironmentSummary, EngineError> {
        self.summary(name, self.settings(name)?)
    }

    fn summary(
        &self,
        name: &EnvironmentName,
        settings: &EnvironmentSettings,
    ) -> Result<EnvironmentSummary, EngineError> {
        self.begins_to_look(name);
        let summary = self.seen_in_full(name, settings)?;
        self.has_seen(&summary);
        Ok(summary)
    }

    fn seen_in_full(
        &self,
        name: &EnvironmentName,
        settings: &EnvironmentSettings,
    ) -> Result<EnvironmentSummary, EngineError> {
        let holds = self.catalog().holds(name)?;
        let mut summary = EnvironmentSummary {
            unread: false,
            job: self.catalog().running(name)?,
            maintenance: holds.maintenance,
            protection: holds.protection,
            ..EnvironmentSummary::unread(name.clone(), settings.kind)
        };
        if !settings.kind.is_recoverable() {
            return Ok(summary);
        }
        let backups = self.backups(name).unwrap_or_else(|error| {
            summary.trouble = Some(error.to_string());
            Vec::new()
        });
        if summary.trouble.is_none() {
            let doubts: Vec<_> = self
                .doubtful_records(name, &backups)
                .into_iter()
                .chain(self.open_state())
                .collect();
            summary.trouble = (!doubts.is_empty()).then(|| doubts.join(". "));
        }
        let known_since = self.catalog().met(name, self.now())?;
        let due = settings.schedule.due(name, &backups, known_since, self.now());
        summary.slots = Slot::ALL
            .into_iter()
            .map(|slot| {
                let holder = holders(&backups, &settings.keep, slot).first().copied();
                SlotState {
                    slot,
                    taken: holder.map(|backup| backup.manifest.taken),
                    late: due.iter().any(|served| served.slot == slot && served.late)
                        || holder.is_some_and(|backup| was_late(backup, slot)),
                }
            })
            .collect();
        summary.newest = backups
            .iter()
            .filter(|backup| backup.is_good())
            .map(|backup| backup.manifest.taken)
            .max();
        summary.last_verified = last_verified(&backups);
        let drills = self.catalog().drills(name)?;
        summary.last_proven = drills.iter().find(|drill| drill.is_proven()).cloned();
        summary.last_drill = drills.into_iter().next();
        summary.late = due.iter().any(|served| served.late);
        summary.failed = match self.catalog().last_ended(name)? {
            Some(Job {
                state: JobState::Failed { why },
                title,
                ..
            }) => Some(format!("{title}: {why}")),
            _ => None,
        };
        if summary.job.is_none() {
            self.look_for_halves_of_the_unknown(name);
            if let Some(half) = self.half_switched(name) {
                summary.trouble = Some(half);
            }
        }
        Ok(summary)
    }

    /// One environment in full.
    ///
    /// # Errors
    /// [`EngineError::UnknownEnvironment`]; a catalog that cannot be read.
    pub fn details(&self, name: &EnvironmentName) -> Result<EnvironmentDetails, EngineError> {
        let settings = self.settings(name)?;
        let summary = self.summary(name, settings)?;
        let recoverable = settings.kind.is_recoverable();
        // Out of reach is told by the summary's trouble.
        let backups = if recoverable {
            self.backups(name).unwrap_or_default()
        } else {
            Vec::new()
        };
        let (versions, versions_problem) = match versions::read(settings) {
            Ok(versions) => (Some(versions), None),
            Err(why) => (None, Some(why)),
        };
        let repository = match self.repository_place(name) {
            Ok(place) => place.to_string(),
            Err(error) => error.to_string(),
        };
        let now = self.now();
        let known_since = self.catalog().met(name, now)?;
        let due = settings.schedule.due(name, &backups, known_since, now);
        let automatic: &[Slot] = if recoverable { &Slot::AUTOMATIC } else { &[] };
        let replaced = self.replaced_tables(name);
        let copies = if recoverable {
            self.copies(name, &backups)
        } else {
            None
        };
        let can_undo = self.with_copied_safeties(name, &backups);
        Ok(EnvironmentDetails {
            summary,
            instances: self.instances(name, settings),
            versions,
            versions_problem,
            schedule: settings.schedule,
            minute_in_window: settings.schedule.minute_in_window(name),
            keep: settings.keep,
            slot_schedules: automatic
                .iter()
                .map(|slot| {
                    let last = last_served(&backups, *slot);
                    SlotSchedule {
                        slot: *slot,
                        next: settings.schedule.next_due(name, *slot, now),
                        due: due.iter().any(|served| served.slot == *slot),
                        last_served: last.map(|(at, _)| at),
                        last_late: last.is_some_and(|(_, late)| late),
                    }
                })
                .collect(),
            last_scheduled: self.catalog().last_scheduled(name)?,
            next_verify: self.next_proof(name, settings, Proof::Verify),
            next_drill: self.next_proof(name, settings, Proof::Drill),
            undo_way: self.undo_way(name, settings, &replaced, &can_undo),
            replaced,
            undo: self
                .safety_to_go_back_to(name, &can_undo)
                .map(|backup| backup.id.clone()),
            copies,
            backups,
            repository,
        })
    }

    fn instances(&self, name: &EnvironmentName, settings: &EnvironmentSettings) -> Vec<Instance> {
        let mut answers = self.last_answers(name, &settings.instances);
        let instances = settings.instances.iter();
        instances
            .map(|settings| instance(settings, answers.remove(&settings.name)))
            .collect()
    }

    /// Sets or lifts maintenance mode or protection (rule 9).
    ///
    /// # Errors
    /// [`EngineError::UnknownEnvironment`]; a catalog that cannot be written.
    pub fn hold(&self, request: &HoldRequest, by: &Principal) -> Result<(), EngineError> {
        let name = &request.environment;
        self.live_settings(name)?;
        let reason = request.reason.clone().filter(|reason| !reason.trim().is_empty());
        let hold = Hold {
            reason: reason.clone(),
            since: self.now(),
            by: by.to_owned(),
        };
        self.catalog()
            .set_hold(name, request.hold, request.on.then_some(&hold))?;
        let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let text = match (request.hold, request.on) {
            (HoldKind::Maintenance, true) => format!("maintenance mode is on, jobs wait{why}"),
            (HoldKind::Maintenance, false) => "maintenance mode is off, jobs go on".to_owned(),
            (HoldKind::Protection, true) => format!("protected, restores are refused{why}"),
            (HoldKind::Protection, false) => "no longer protected".to_owned(),
        };
        self.remember(by, Some(name), &text, None, Severity::Information);
        self.changed(name);
        Ok(())
    }

    /// Where things are, for `lifeboat info`.
    #[must_use]
    pub fn places(&self) -> Vec<(String, String)> {
        let mut places = vec![
            ("state".to_owned(), self.state().display().to_string()),
            ("catalog".to_owned(), self.catalog().place()),
        ];
        if let Some(repository) = &self.0.repository {
            places.push(("repositories".to_owned(), repository.root.to_string()));
            if let Some(copy) = &repository.copy {
                places.push(("copies".to_owned(), copy.root.to_string()));
            }
        }
        places
    }
}

fn instance(settings: &InstanceSettings, answer: Option<Answer>) -> Instance {
    Instance {
        name: settings.name.clone(),
        role: settings.role,
        content: settings.content.place(),
        health: settings.health.as_ref().map(|health| health.url.clone()),
        answer,
    }
}

fn was_late(backup: &Backup, slot: Slot) -> bool {
    backup
        .manifest
        .serves
        .iter()
        .any(|served| served.slot == slot && served.late)
}

/// When the slot was last served, and whether late.
fn last_served(backups: &[Backup], slot: Slot) -> Option<(Instant, bool)> {
    backups
        .iter()
        .filter(|backup| backup.is_for(slot) && !backup.dated_ahead)
        .map(|backup| (backup.manifest.taken, was_late(backup, slot)))
        .max()
}
