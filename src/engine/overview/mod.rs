//! What cockpits show: every environment at a glance, and one in full. Reads, and changes nothing.

pub(super) mod glance;
pub(super) mod health;
pub(super) mod listing;

use std::collections::BTreeMap;

use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, Trigger};
use crate::domain::environment::{
    Answer, EnvironmentKind, EnvironmentName, Instance, MemberName, Node, NodeName,
};
use crate::domain::free_text;
use crate::domain::job::{Job, JobState};
use crate::domain::proof::{Drill, Proof, last_verified};
use crate::domain::recent::Recent;
use crate::domain::request::{HoldKind, HoldRequest};
use crate::domain::retention::holders;
use crate::domain::schedule::Due;
use crate::domain::settings::InstanceSettings;
use crate::domain::slot::Slot;
use crate::domain::state::{EnvironmentDetails, EnvironmentSummary, Hold, SlotSchedule, SlotState};
use crate::domain::target::newest_restorable;
use crate::engine::backup::versions;
use crate::engine::openness::open_state;
use crate::engine::{Engine, EngineError, Live, repositories};

/// Every environment at a glance, by name.
///
/// # Errors
/// A catalog that cannot be read. A repository out of reach is the trouble of its environment, and no error.
pub fn summaries(engine: &Engine) -> Result<Vec<EnvironmentSummary>, EngineError> {
    engine
        .environments()
        .map(|(name, _)| summary(engine, name))
        .collect()
}

/// One environment at a glance.
///
/// # Errors
/// [`EngineError::UnknownEnvironment`]; a catalog that cannot be read.
pub fn summary(engine: &Engine, name: &EnvironmentName) -> Result<EnvironmentSummary, EngineError> {
    let kind = engine.settings(name)?.kind;
    glance::begins_to_look(engine, name);
    let summary = seen_in_full(engine, name, kind)?;
    glance::has_seen(engine, &summary);
    Ok(summary)
}

fn seen_in_full(
    engine: &Engine,
    name: &EnvironmentName,
    kind: EnvironmentKind,
) -> Result<EnvironmentSummary, EngineError> {
    let holds = engine.catalog().holds(name)?;
    let bare = EnvironmentSummary {
        unread: false,
        job: engine.catalog().running(name)?,
        maintenance: holds.maintenance,
        protection: holds.protection,
        ..EnvironmentSummary::unread(name.clone(), kind)
    };
    if kind.is_recoverable() {
        engine.live(name)?.summary(bare)
    } else {
        Ok(bare)
    }
}

/// One environment in full.
///
/// # Errors
/// [`EngineError::UnknownEnvironment`]; a catalog that cannot be read.
pub fn details(engine: &Engine, name: &EnvironmentName) -> Result<EnvironmentDetails, EngineError> {
    let settings = engine.settings(name)?;
    let (versions, versions_problem) = match versions::read(settings) {
        Ok(versions) => (Some(versions), None),
        Err(why) => (None, Some(why)),
    };
    let bare = EnvironmentDetails {
        summary: summary(engine, name)?,
        instances: instances(engine, name)?,
        versions,
        versions_problem,
        schedule: settings.schedule,
        minute_in_window: settings.schedule.minute_in_window(name),
        keep: settings.keep,
        approve: settings.approve,
        slot_schedules: Vec::new(),
        recent: None,
        last_scheduled: engine.catalog().last_scheduled(name)?,
        next_verify: None,
        next_drill: None,
        undo_way: None,
        undo_of: None,
        replaced: Vec::new(),
        undo: None,
        copies: None,
        backups: Vec::new(),
        repository: match repositories::place_of(engine, name) {
            Ok(place) => place.to_string(),
            Err(error) => error.to_string(),
        },
    };
    if settings.kind.is_recoverable() {
        engine.live(name)?.details(bare)
    } else {
        Ok(bare)
    }
}

fn instances(engine: &Engine, name: &EnvironmentName) -> Result<Vec<Instance>, EngineError> {
    let known = engine.known_as(name)?;
    let mut answers = known.last_answers(engine);
    let instances = known.settings.instances.iter();
    Ok(instances
        .map(|settings| instance(settings, &mut answers))
        .collect())
}

/// Where things are, for `lifeboat info`.
#[must_use]
pub fn places(engine: &Engine) -> Vec<(String, String)> {
    let mut places = vec![
        ("state".to_owned(), engine.state().display().to_string()),
        ("catalog".to_owned(), engine.catalog().place()),
    ];
    if let Some(repository) = engine.repository_settings() {
        places.push(("repositories".to_owned(), repository.root.to_string()));
        if let Some(copy) = &repository.copy {
            places.push(("copies".to_owned(), copy.root.to_string()));
        }
    }
    places
}

impl Live {
    fn summary(&self, mut summary: EnvironmentSummary) -> Result<EnvironmentSummary, EngineError> {
        let (name, settings) = (self.name(), self.settings());
        let backups = self.backups().unwrap_or_else(|error| {
            summary.trouble = Some(error.to_string());
            Vec::new()
        });
        if summary.trouble.is_none() {
            let doubts: Vec<_> = self
                .doubtful_records(&backups)
                .into_iter()
                .chain(open_state(self.state()))
                .chain(self.overdue_tables())
                .chain(self.engine().notifier().troubles_of(name))
                .chain(
                    settings
                        .instances
                        .iter()
                        .flat_map(|instance| self.left_beside(instance)),
                )
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
        summary.newest = newest_restorable(&backups).map(|backup| backup.manifest.taken);
        summary.bad = backups.iter().filter(|backup| backup.is_bad()).count();
        summary.last_verified = last_verified(&backups);
        let drills = self.catalog().drills(name)?;
        // That what a restore has replaced would come back says little of the backups that people go back to.
        let is_of_safety = |drill: &Drill| {
            let mut backups = backups.iter();
            backups.any(|backup| backup.id == drill.backup && backup.manifest.trigger == Trigger::Restore)
        };
        // The newest comes first; what a later drill of the same backup has not found is proven no more.
        let has_failed_since = |drill: &Drill| {
            let mut of_it = drills.iter().filter(|other| other.backup == drill.backup);
            of_it.next().is_some_and(Drill::has_failed)
        };
        let mut proven = drills.iter().filter(|drill| drill.is_proven());
        let counts = |drill: &&Drill| !is_of_safety(drill) && !has_failed_since(drill);
        summary.last_proven = proven.find(counts).cloned();
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
        summary.targets = self.standing(&summary, &backups)?;
        summary.asked = self.asked()?.map(Box::new);
        if summary.job.is_none() {
            self.look_for_halves_of_the_unknown();
            if let Some(half) = self.half_switched() {
                summary.trouble = Some(half);
            }
        }
        Ok(summary)
    }

    fn details(&self, mut details: EnvironmentDetails) -> Result<EnvironmentDetails, EngineError> {
        let (name, settings, now) = (self.name(), self.settings(), self.now());
        // Out of reach is told by the summary's trouble.
        let backups = self.backups().unwrap_or_default();
        let known_since = self.catalog().met(name, now)?;
        let due = settings.schedule.due(name, &backups, known_since, now);
        details.slot_schedules = Slot::AUTOMATIC
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
            .collect();
        let due_now = settings.schedule.due_now(name, &backups, known_since, now);
        details.recent = settings.schedule.every.map(|every| Recent {
            every,
            keep: settings.keep.recent.max(1),
            next: settings.schedule.next_step(name, now),
            due: matches!(due_now, Due::Recent(_)),
        });
        details.next_verify = self.next_proof(Proof::Verify);
        details.next_drill = self.next_proof(Proof::Drill);
        details.copies = self.copies(&backups);
        let can_undo = self.with_copied_safeties(&backups);
        details.replaced = self.replaced_tables();
        details.undo_way = self.undo_way(&details.replaced, &can_undo);
        details.undo_of = details.undo_way.as_ref().map(|_| self.undo_of());
        details.undo = self
            .safety_to_go_back_to(&can_undo)
            .map(|backup| backup.id.clone());
        details.backups = backups;
        Ok(details)
    }

    /// Sets or lifts maintenance mode or protection (rule 9).
    ///
    /// # Errors
    /// A catalog that cannot be written.
    pub fn hold(&self, request: &HoldRequest) -> Result<(), EngineError> {
        let reason = free_text::if_any(request.reason.as_deref())?;
        let hold = Hold {
            reason: reason.clone(),
            since: self.now(),
            by: self.who().clone(),
        };
        self.catalog()
            .set_hold(self.name(), request.hold, request.on.then_some(&hold))?;
        let why = reason.map(|reason| format!(": {reason}")).unwrap_or_default();
        let text = match (request.hold, request.on) {
            (HoldKind::Maintenance, true) => format!("maintenance mode is on, jobs wait{why}"),
            (HoldKind::Maintenance, false) => "maintenance mode is off, jobs go on".to_owned(),
            (HoldKind::Protection, true) => format!("protected, restores are refused{why}"),
            (HoldKind::Protection, false) => "no longer protected".to_owned(),
        };
        self.remember_each(self.who(), &text, None, Severity::Information);
        self.changed();
        Ok(())
    }
}

fn instance(settings: &InstanceSettings, answers: &mut BTreeMap<MemberName, Answer>) -> Instance {
    let member = |node: Option<&NodeName>| MemberName {
        instance: settings.name.clone(),
        node: node.cloned(),
    };
    Instance {
        name: settings.name.clone(),
        role: settings.role,
        content: settings.content.place(),
        health: settings.health.as_ref().map(|health| health.url.clone()),
        answer: answers.remove(&member(None)),
        nodes: settings
            .nodes
            .iter()
            .map(|node| Node {
                name: node.name.clone(),
                health: node.health.as_ref().map(|health| health.url.clone()),
                answer: answers.remove(&member(Some(&node.name))),
            })
            .collect(),
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
