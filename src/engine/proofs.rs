//! Keeps the schedule of proofs: backups are read back and drilled when that is due.
//!
//! What is due and which backup is next is worked out by `domain::proof`. Backups go first: a proof begins only when
//! nothing else is due or at work, outside the backup window.

use super::scheduler::turns::Turn;
use super::{Engine, EngineError};
use crate::domain::Instant;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{JobId, JobKind};
use crate::domain::principal::Principal;
use crate::domain::proof::{Drill, Every, Proof, ProofTimes, drill_is_due, may_begin, to_drill};
use crate::domain::settings::EnvironmentSettings;

/// How long after a proof that could not be done the next is tried: doubled each time, up to a day.
const FIRST_RETRY_HOURS: i64 = 1;
const LAST_RETRY_HOURS: i64 = 24;
/// When an environment is looked at again whose proof was begun or could not be.
const LOOK_AGAIN: chrono::Duration = chrono::Duration::minutes(10);

impl Engine {
    fn proof_times<'a>(
        name: &'a EnvironmentName,
        settings: &EnvironmentSettings,
        proof: Proof,
    ) -> ProofTimes<'a> {
        ProofTimes {
            environment: name,
            proof,
            every: match proof {
                Proof::Verify => settings.verify.every,
                Proof::Drill => settings.drill.every,
            },
            window: settings.schedule.window,
        }
    }

    /// When backups of the environment are read back or drilled next by schedule. `None` when that is off.
    pub(super) fn next_proof(
        &self,
        name: &EnvironmentName,
        settings: &EnvironmentSettings,
        proof: Proof,
    ) -> Option<Instant> {
        let next = match proof {
            Proof::Verify => self.next_reading(name, settings),
            Proof::Drill => Self::proof_times(name, settings, proof).next(self.now()),
        };
        next.filter(|_| settings.kind.is_recoverable())
    }

    /// Starts reading back, or a drill, if one is due and nothing speaks against it.
    pub fn start_proof_if_due(&self, name: &EnvironmentName) {
        if self.schedule_rests() {
            return;
        }
        match self.try_proof_if_due(name) {
            // A refusal says that another job runs: the next look meets the environment again.
            Ok(_) | Err(EngineError::Refused(_)) => {}
            Err(error) => {
                self.remember_once(
                    Some(name),
                    &format!("the scheduled verification or drill cannot be started: {error}"),
                );
            }
        }
    }

    /// When the environment was last to be proven, one way or the other. `None` when both are off. Any day may be the turn
    /// of some of its packs, which only those know who look.
    pub(super) fn proof_due(
        &self,
        name: &EnvironmentName,
        settings: &EnvironmentSettings,
    ) -> Option<Instant> {
        let mut verify = Self::proof_times(name, settings, Proof::Verify);
        if verify.every != Every::NEVER {
            verify.every = Every::days(1);
        }
        let drill = Self::proof_times(name, settings, Proof::Drill);
        verify.last(self.now()).max(drill.last(self.now()))
    }

    /// A turn of proving, where several machines share the work: starts reading back or a drill, or says that there is
    /// nothing left to prove, or when to look again.
    pub(super) fn serve_proof(&self, name: &EnvironmentName) -> Result<Turn, EngineError> {
        let later = self.now() + LOOK_AGAIN;
        Ok(match self.try_proof_if_due(name)? {
            Some(_) => Turn::Begun(later),
            None if self.is_unproven(name)? => Turn::Later(later),
            None => Turn::NothingToDo,
        })
    }

    /// Whether anything is left to be read back or drilled, however that stands now.
    fn is_unproven(&self, name: &EnvironmentName) -> Result<bool, EngineError> {
        let settings = self.live_settings(name)?;
        let now = self.now();
        let past = |proof| Self::proof_times(name, settings, proof).last(now);
        let backups = self.list_backups(name)?;
        if self.is_to_be_read(name, settings, &backups, now)? {
            return Ok(true);
        }
        let Some(due) = past(Proof::Drill) else {
            return Ok(false);
        };
        let known_since = self.catalog().met(name, now)?;
        Ok(drill_is_due(
            self.catalog().drills(name)?.first(),
            due,
            known_since,
            now,
        ))
    }

    fn try_proof_if_due(&self, name: &EnvironmentName) -> Result<Option<JobId>, EngineError> {
        let settings = self.live_settings(name)?;
        let now = self.now();
        let past = |proof| Self::proof_times(name, settings, proof).last(now);
        let (verify, drill) = (past(Proof::Verify), past(Proof::Drill));
        if (verify.is_none() && drill.is_none()) || !may_begin(settings.schedule.window, 0, now) {
            return Ok(None);
        }
        if self.catalog().running(name)?.is_some() || self.catalog().holds(name)?.maintenance.is_some() {
            return Ok(None);
        }
        // A backup that is due and failed is tried again first; a repository out of reach is told by that one.
        if !self.due(name, false)?.is_empty() {
            return Ok(None);
        }
        if verify.is_some()
            && !self.waits_after(name, JobKind::Verify)?
            && let Some(job) = self.verify_what_is_due(name, settings, now)?
        {
            return Ok(Some(job));
        }
        match drill {
            Some(due) if !self.waits_after(name, JobKind::Drill)? => self.drill_what_is_due(name, due, now),
            _ => Ok(None),
        }
    }

    fn verify_what_is_due(
        &self,
        name: &EnvironmentName,
        settings: &EnvironmentSettings,
        now: Instant,
    ) -> Result<Option<JobId>, EngineError> {
        if !self.is_to_be_read(name, settings, &self.backups(name)?, now)? {
            return Ok(None);
        }
        // Another Lifeboat may have read them back since the last listing.
        let backups = self.list_backups(name)?;
        if !self.is_to_be_read(name, settings, &backups, now)? {
            return Ok(None);
        }
        let title = match backups.len() {
            1 => "scheduled verification of 1 backup".to_owned(),
            many => format!("scheduled verification of {many} backups"),
        };
        self.start_verify_of(name, backups, &title, false, &Principal::Schedule)
            .map(Some)
    }

    fn drill_what_is_due(
        &self,
        name: &EnvironmentName,
        due: Instant,
        now: Instant,
    ) -> Result<Option<JobId>, EngineError> {
        let known_since = self.catalog().met(name, now)?;
        let drills = self.catalog().drills(name)?;
        let last = drills.first();
        let window = self.live_settings(name)?.schedule.window;
        let took = last.map_or(0, |drill: &Drill| drill.millis);
        if !drill_is_due(last, due, known_since, now) || !may_begin(window, took, now) {
            return Ok(None);
        }
        let backups = self.list_backups(name)?;
        let newest = backups
            .iter()
            .filter(|backup| backup.is_good())
            .max_by_key(|backup| backup.manifest.taken);
        let Some(chosen) = to_drill(&backups, last) else {
            return Ok(None);
        };
        let is_newest = newest.is_some_and(|newest| newest.id == chosen.id);
        self.start_drill_of(chosen.clone(), is_newest, &Principal::Schedule)
            .map(Some)
    }

    /// Whether a proof of this kind could not be done, and is tried again only later.
    fn waits_after(&self, name: &EnvironmentName, kind: JobKind) -> Result<bool, EngineError> {
        let Some(failures) = self.catalog().scheduled_failures(name, kind)? else {
            return Ok(false);
        };
        let doublings = failures.count.saturating_sub(1).min(5);
        let hours = (FIRST_RETRY_HOURS << doublings).min(LAST_RETRY_HOURS);
        let retry = failures.last + chrono::Duration::hours(hours);
        // A failure in the future was noted by a clock that was wrong.
        Ok(failures.last <= self.now() && self.now() < retry)
    }
}
