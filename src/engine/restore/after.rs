//! What surrounds a switch: which instances' hooks run around a restore, what they are told, and which instances are
//! asked afterwards whether they are up.
//!
//! After the switch Live has its restored content, so nothing makes the restore fail any more: what goes wrong is a
//! warning that says what to look at. Not in here: running a hook (`engine::hooks`) and asking (`engine::overview::health`).

use std::time::{Duration, Instant as Stopwatch};

use super::journal::Journal;
use crate::domain::activity::Severity;
use crate::domain::environment::InstanceName;
use crate::domain::job::{InstanceHealth, JobKind, Phase};
use crate::domain::settings::{HookPoint, InstanceSettings};
use crate::engine::hooks::{Around, Ending, Occasion, Say};
use crate::engine::{EngineError, Live, Work};

/// Notes which of what surrounds the switch is not done, since none of the instances has anything configured for it.
pub(super) fn leave_out_unconfigured(work: &Work, instances: &[&InstanceSettings]) {
    let has_hook = |point| {
        let mut instances = instances.iter();
        instances.any(|instance| instance.has_hook(point))
    };
    let mut members = instances.iter().flat_map(|instance| instance.members());
    let is_asked = members.any(|member| member.health().is_some());
    for (phase, is_configured) in [
        (Phase::HooksBefore, has_hook(HookPoint::BeforeRestore)),
        (Phase::Hooks, has_hook(HookPoint::AfterRestore)),
        (Phase::Health, is_asked),
    ] {
        if !is_configured {
            work.leaves_out(&[phase]);
        }
    }
}

/// How long whoever has to confirm a switch may take.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(5);

impl Live {
    /// Runs the `before_restore` hook of every instance of the journal. When one fails, Live has not been touched.
    pub(super) fn run_before_restore(&self, work: &Work, journal: &Journal) -> Result<(), EngineError> {
        work.phase(Phase::HooksBefore)?;
        let instances = self.instances_of(journal);
        self.run_before(Around::Restore, &self.occasion(journal), &instances, work)
            .map_err(|error| {
                if error.is_cancelled() {
                    error
                } else {
                    EngineError::Failed(format!("{error}. Live was not touched"))
                }
            })
    }

    /// Asks for every database of the journal whether the standbys that have to confirm what is written have the switch
    /// too. Returns warnings.
    pub(super) fn unconfirmed(&self, journal: &Journal, say: &Say<'_>) -> Vec<String> {
        let schemas = journal
            .instances
            .iter()
            .filter(|record| record.beside.keeps_what_it_replaces())
            .map(|record| &record.instance);
        let began = Stopwatch::now();
        let warning = |instance: &InstanceName| {
            // All together: Magnolia waits.
            let limit = CONFIRMED_WITHIN.saturating_sub(began.elapsed());
            let place = self.place_of(instance);
            let missing = place
                .ok_or_else(|| self.is_not_configured(instance))
                .and_then(|place| Ok(place.unconfirmed(limit)?));
            let risk = "if its server is lost now, the standby takes over with the old content";
            match missing {
                Ok(None) => None,
                Ok(Some(names)) => Some(format!(
                    "{instance} is switched, and no standby of those that have to confirm it ({names}) has done so within \
                     {} seconds: {risk}. Magnolia hangs at every save until one confirms: look at the standby",
                    CONFIRMED_WITHIN.as_secs()
                )),
                Err(error) => Some(format!(
                    "{instance} is switched, and whether a standby has the switch too could not be found out ({error}): {risk}"
                )),
            }
        };
        let warnings: Vec<String> = schemas.filter_map(warning).collect();
        for warning in &warnings {
            say(Severity::Warning, warning);
        }
        warnings
    }

    /// Runs the `after_restore` hook of every instance of the journal once it has its restored content. Returns
    /// warnings.
    pub(super) fn run_hooks(&self, journal: &Journal, say: &Say<'_>) -> Vec<String> {
        let instances = self.instances_of(journal);
        self.run_after(
            Around::Restore,
            &self.occasion(journal),
            &instances,
            Ending::Done,
            say,
        )
    }

    /// Runs the `after_restore` hook of those instances whose `before_restore` was begun, for a restore that did not come
    /// to its switch. What it warns of is in the job's log: how the job ended is told by what stopped it.
    pub(super) fn take_up_again(&self, work: &Work, error: &EngineError) {
        let say = |severity, text: &str| work.log(severity, text);
        let ending = Ending::of(error);
        for warning in self.run_owed(Around::Restore, ending, None, &say) {
            work.log(Severity::Warning, &warning);
        }
    }

    /// Asks every instance of the journal that has a health address whether it is up. One that builds its search indexes anew
    /// gets the time that this should take beside its limit.
    pub(super) fn check_health(&self, journal: &Journal, say: &Say<'_>) -> Vec<InstanceHealth> {
        let indexing = self.indexing_after(journal);
        let longer = indexing
            .iter()
            .map(|(instance, indexing)| (instance.clone(), indexing.time()))
            .collect();
        let answers = self.wait_until_up(&self.instances_of(journal), &longer, say);
        self.note_indexing(&indexing, &answers);
        answers.into_iter().map(|(health, _)| health).collect()
    }

    fn instances_of(&self, journal: &Journal) -> Vec<&InstanceSettings> {
        let settings = self.settings();
        let instances = settings.instances.iter().filter(|instance| {
            journal
                .instances
                .iter()
                .any(|record| record.instance == instance.name)
        });
        instances.collect()
    }

    /// What hooks are told about the restore. A fact that cannot be found out, in a recovery without its catalog for
    /// example, is left out.
    fn occasion(&self, journal: &Journal) -> Occasion {
        let kind = self
            .engine()
            .jobs()
            .job(journal.job)
            .map_or(JobKind::Restore, |job| job.kind);
        let backup = self.find_backup(&journal.backup).ok();
        Occasion {
            environment: journal.environment.clone(),
            job: journal.job,
            trigger: kind.label().to_owned(),
            backup: Some(journal.backup.clone()),
            versions: backup.map(|backup| backup.manifest.versions),
        }
    }
}
