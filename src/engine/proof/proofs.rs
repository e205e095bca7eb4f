//! Keeps the schedule of proofs: backups are read back and drilled when that is due.
//!
//! What is due and which backup is next is worked out by `domain::proof`. Backups go first: a proof begins only when
//! nothing else is due or at work, outside the backup window.

use crate::domain::Instant;
use crate::domain::job::{JobId, JobKind};
use crate::domain::proof::{Drill, Every, Proof, ProofTimes, drill_is_due, may_begin, to_drill};
use crate::engine::schedule::turns::Turn;
use crate::engine::{EngineError, Live};

/// How long after a proof that could not be done the next is tried: doubled each time, up to a day.
const FIRST_RETRY_HOURS: i64 = 1;
const LAST_RETRY_HOURS: i64 = 24;
/// When an environment is looked at again whose proof was begun or could not be.
const LOOK_AGAIN: chrono::Duration = chrono::Duration::minutes(10);

impl Live {
    fn proof_times(&self, proof: Proof) -> ProofTimes<'_> {
        let settings = self.settings();
        ProofTimes {
            environment: self.name(),
            proof,
            every: match proof {
                Proof::Verify => settings.verify.every,
                Proof::Drill => settings.drill.every,
            },
            window: settings.schedule.window,
        }
    }

    /// When backups of the environment are read back or drilled next by schedule. `None` when that is off.
    pub(in crate::engine) fn next_proof(&self, proof: Proof) -> Option<Instant> {
        match proof {
            Proof::Verify => self.next_reading(),
            Proof::Drill => self.proof_times(proof).next(self.now()),
        }
    }

    /// Starts reading back, or a drill, if one is due and nothing speaks against it.
    pub fn start_proof_if_due(&self) {
        if self.engine().jobs().schedule_rests() {
            return;
        }
        match self.try_proof_if_due() {
            // A refusal says that another job runs: the next look meets the environment again.
            Ok(_) | Err(EngineError::Refused(_)) => {}
            Err(error) => {
                self.remember_once(&format!(
                    "the scheduled verification or drill cannot be started: {error}"
                ));
            }
        }
    }

    /// When the environment was last to be proven, one way or the other. `None` when both are off. Any day may be the turn
    /// of some of its packs, which only those know who look.
    pub(in crate::engine) fn proof_due(&self) -> Option<Instant> {
        let mut verify = self.proof_times(Proof::Verify);
        if verify.every != Every::NEVER {
            verify.every = Every::days(1);
        }
        let drill = self.proof_times(Proof::Drill);
        verify.last(self.now()).max(drill.last(self.now()))
    }

    /// A turn of proving, where several machines share the work: starts reading back or a drill, or says that there is
    /// nothing left to prove, or when to look again.
    pub(in crate::engine) fn serve_proof(&self) -> Result<Turn, EngineError> {
        let later = self.now() + LOOK_AGAIN;
        Ok(match self.try_proof_if_due()? {
            Some(_) => Turn::Begun(later),
            None if self.is_unproven()? => Turn::Later(later),
            None => Turn::NothingToDo,
        })
    }

    /// Whether anything is left to be read back or drilled, however that stands now.
    fn is_unproven(&self) -> Result<bool, EngineError> {
        let name = self.name();
        let now = self.now();
        let past = |proof| self.proof_times(proof).last(now);
        let backups = self.list_backups()?;
        if self.is_to_be_read(&backups, now)? {
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

    fn try_proof_if_due(&self) -> Result<Option<JobId>, EngineError> {
        let name = self.name();
        let settings = self.settings();
        let now = self.now();
        let past = |proof| self.proof_times(proof).last(now);
        let (verify, drill) = (past(Proof::Verify), past(Proof::Drill));
        if (verify.is_none() && drill.is_none()) || !may_begin(settings.schedule.window, 0, now) {
            return Ok(None);
        }
        if self.catalog().running(name)?.is_some() || self.catalog().holds(name)?.maintenance.is_some() {
            return Ok(None);
        }
        // A backup that is due and failed is tried again first; a repository out of reach is told by that one.
        if !self.due(false)?.is_nothing() {
            return Ok(None);
        }
        if verify.is_some()
            && !self.waits_after(JobKind::Verify)?
            && let Some(job) = self.verify_what_is_due(now)?
        {
            return Ok(Some(job));
        }
        match drill {
            Some(due) if !self.waits_after(JobKind::Drill)? => self.drill_what_is_due(due, now),
            _ => Ok(None),
        }
    }

    fn verify_what_is_due(&self, now: Instant) -> Result<Option<JobId>, EngineError> {
        if !self.is_to_be_read(&self.backups()?, now)? {
            return Ok(None);
        }
        // Another Lifeboat may have read them back since the last listing.
        let backups = self.list_backups()?;
        if !self.is_to_be_read(&backups, now)? {
            return Ok(None);
        }
        let title = match backups.len() {
            1 => "scheduled verification of 1 backup".to_owned(),
            many => format!("scheduled verification of {many} backups"),
        };
        self.by_schedule()
            .start_verify_of(backups, &title, false)
            .map(Some)
    }

    fn drill_what_is_due(&self, due: Instant, now: Instant) -> Result<Option<JobId>, EngineError> {
        let name = self.name();
        let known_since = self.catalog().met(name, now)?;
        let drills = self.catalog().drills(name)?;
        let last = drills.first();
        let window = self.settings().schedule.window;
        let took = last.map_or(0, |drill: &Drill| drill.millis);
        if !drill_is_due(last, due, known_since, now) || !may_begin(window, took, now) {
            return Ok(None);
        }
        let backups = self.list_backups()?;
        let newest = backups
            .iter()
            .filter(|backup| backup.is_good())
            .max_by_key(|backup| backup.manifest.taken);
        let Some(chosen) = to_drill(&backups, last) else {
            return Ok(None);
        };
        let is_newest = newest.is_some_and(|newest| newest.id == chosen.id);
        self.by_schedule()
            .start_drill_of(chosen.clone(), is_newest)
            .map(Some)
    }

    /// Whether a proof of this kind could not be done, and is tried again only later.
    fn waits_after(&self, kind: JobKind) -> Result<bool, EngineError> {
        let name = self.name();
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
