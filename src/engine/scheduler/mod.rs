//! Keeps the schedule: once a minute, starts what is due.
//!
//! What is due is worked out by `domain::schedule` from the list of backups: after a night off, the next look makes up for
//! what was missed. Not the backups of every environment are listed for that: what is due by the time alone is written
//! down in the catalog, and whoever claims it looks at the backups ([`turns`]). It is claimed only as there is room for
//! jobs, the longest overdue first, so thousands that are due at once are neither jobs nor threads yet.

pub(super) mod turns;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Monotonic};

use super::{Engine, EngineError};
use crate::catalog::DueClaim;
use crate::concurrency::turnstile::{Pace, go_at};
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::backup::Served;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobKind;
use crate::domain::principal::Principal;
use turns::{Turn, take_turns};

/// How long after a failed scheduled backup the next is tried: doubled each time, up to an hour.
const FIRST_RETRY_MINUTES: i64 = 5;
const LAST_RETRY_MINUTES: i64 = 60;

/// How often at least a look is taken where several machines share the work: what one that died had begun is free again.
const SHARED_LOOK: Duration = Duration::from_secs(10);
/// When something is tried again that something else was in the way of.
const AGAIN: chrono::Duration = chrono::Duration::minutes(1);

/// A scheduler at work. It stops when this is dropped.
pub struct Scheduler {
    stop: Arc<AtomicBool>,
}

impl Drop for Scheduler {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Engine {
    /// The automatic slots of the environment that are due now. With `afresh`, the repository is listed anew.
    pub(super) fn due(&self, name: &EnvironmentName, afresh: bool) -> Result<Vec<Served>, EngineError> {
        let settings = self.live_settings(name)?;
        let known_since = self.catalog().met(name, self.now())?;
        if !settings.schedule.enabled {
            // Also where nobody could say what is there.
            return Ok(Vec::new());
        }
        let backups = if afresh {
            self.list_backups(name)?
        } else {
            self.backups(name)?
        };
        Ok(settings.schedule.due(name, &backups, known_since, self.now()))
    }

    /// Starts what is due now, the longest overdue first, as far as there is room for it. Environments that are busy, in
    /// maintenance mode or waiting after a failure are passed over; a later look meets them again.
    pub fn start_what_is_due(&self) {
        self.look_what_is_due();
    }

    /// Writes down what is due and starts as much as there is room for. Gives whether more may be left, for which there
    /// was none.
    fn look_what_is_due(&self) -> bool {
        if self.schedule_rests() {
            return false;
        }
        if let Err(error) = self.note_what_is_due() {
            self.remember_once(None, &format!("the schedule is not kept: {error}"));
        }
        self.serve_what_is_due()
    }

    /// Starts as much of what was written down as there is room for. Gives whether more may be left.
    fn serve_what_is_due(&self) -> bool {
        if let Err(error) = self.serve_turns() {
            self.remember_once(None, &format!("the schedule is not kept: {error}"));
        }
        #[cfg(feature = "object-storage")]
        for (name, settings) in self.environments() {
            if self.room_in_line() == 0 {
                break;
            }
            if settings.kind.is_recoverable() {
                self.start_deletions_if_due(name);
            }
        }
        !self.schedule_rests() && self.room_in_line() == 0
    }

    /// Starts a backup of the environment if one is due and nothing speaks against it.
    pub fn start_if_due(&self, name: &EnvironmentName) {
        if self.schedule_rests() {
            return;
        }
        match self.try_if_due(name) {
            // A refusal says that another job runs: the next look meets the environment again.
            Ok(()) | Err(EngineError::Refused(_)) => {}
            Err(error) => {
                self.remember_once(
                    Some(name),
                    &format!("the scheduled backup cannot be started: {error}"),
                );
            }
        }
    }

    fn try_if_due(&self, name: &EnvironmentName) -> Result<(), EngineError> {
        if self.due(name, false)?.is_empty() || self.catalog().running(name)?.is_some() {
            return Ok(());
        }
        if self.catalog().holds(name)?.maintenance.is_some() || self.waits_after_failure(name)? {
            return Ok(());
        }
        // Another Lifeboat may have served the period since the last listing.
        let due = self.due(name, true)?;
        if !due.is_empty() {
            self.start_scheduled_backup(name, &due, None)?;
        }
        Ok(())
    }

    /// Writes down what is due, by the time alone.
    fn note_what_is_due(&self) -> Result<(), EngineError> {
        let now = self.now();
        self.catalog().free_due_of_the_gone()?;
        // Nothing is in this thread's hands now.
        self.catalog().free_own_due()?;
        let environments = self
            .environments()
            .filter(|(_, settings)| settings.kind.is_recoverable())
            .map(|(name, settings)| (name, &settings.schedule));
        let proofs = self
            .environments()
            .filter(|(_, settings)| settings.kind.is_recoverable())
            .filter_map(|(name, settings)| Some((name.clone(), self.proof_due(name, settings)?)));
        let mut book = super::locked(&self.0.due);
        book.note(self.catalog(), environments, now)?;
        book.note_proofs(self.catalog(), proofs)?;
        Ok(())
    }

    /// Takes as many turns as there is room for.
    fn serve_turns(&self) -> Result<(), EngineError> {
        let now = self.now();
        let room = u32::try_from(self.room_in_line()).unwrap_or(u32::MAX);
        let serve = |claim: &DueClaim| {
            if self.schedule_rests() {
                // For another machine, which may take it at once.
                return Ok(Turn::Later(now));
            }
            self.serve_turn(claim)
        };
        take_turns(self.catalog(), now, room, &|claim| match serve(claim) {
            Ok(turn) => turn,
            Err(EngineError::Refused(_)) => Turn::Later(now + AGAIN),
            Err(error) => {
                let text = format!("the scheduled {} cannot be started: {error}", claim.kind);
                self.remember_once(Some(&claim.environment), &text);
                Turn::Later(now + AGAIN)
            }
        })?;
        Ok(())
    }

    /// Serves one thing that is due and that this machine has claimed.
    fn serve_turn(&self, claim: &DueClaim) -> Result<Turn, EngineError> {
        let (name, now) = (&claim.environment, self.now());
        // Another machine may know of more environments, and of other kinds of work.
        if self.settings(name).is_err() {
            return Ok(Turn::Later(now + AGAIN));
        }
        match claim.kind.as_str() {
            turns::BACKUP => {}
            turns::PROOF => return self.serve_proof(name),
            _ => return Ok(Turn::Later(now + AGAIN)),
        }
        if self.catalog().running(name)?.is_some() || self.catalog().holds(name)?.maintenance.is_some() {
            return Ok(Turn::Later(now + AGAIN));
        }
        if let Some(retry) = self.retry_at(name)? {
            return Ok(Turn::Later(retry));
        }
        let due = self.due(name, true)?;
        if due.is_empty() {
            return Ok(Turn::NothingToDo);
        }
        // A machine that stands still in the middle of something keeps the environment's lock until it goes on or is
        // ended. That is no failure of the backup, so none is begun.
        drop(self.lock(name)?);
        self.start_scheduled_backup(name, &due, Some(claim))?;
        Ok(Turn::Started)
    }

    /// Tells once, not every minute, that something is wrong.
    pub(super) fn remember_once(&self, name: Option<&EnvironmentName>, text: &str) {
        let recent = self.catalog().notifications(50).unwrap_or_default();
        let known = recent.iter().any(|notification| {
            notification.environment.as_ref() == name && notification.text.ends_with(text)
        });
        if !known {
            self.remember(&Principal::Schedule, name, text, None, Severity::Critical);
        }
    }

    /// Does what comes again and again on a thread that has to go on: an error of Lifeboat in one round is told, and does
    /// not end all rounds.
    pub fn whatever_happens(&self, doing: &str, round: impl FnOnce()) {
        if catch_unwind(AssertUnwindSafe(round)).is_err() {
            self.remember_once(
                None,
                &format!("{doing} was broken off by an error of Lifeboat; its message is on standard error"),
            );
        }
    }

    fn waits_after_failure(&self, name: &EnvironmentName) -> Result<bool, EngineError> {
        Ok(self.retry_at(name)?.is_some())
    }

    /// When a scheduled backup of the environment is tried again that has failed; `None` when nothing is waited for.
    fn retry_at(&self, name: &EnvironmentName) -> Result<Option<Instant>, EngineError> {
        let Some(failures) = self.catalog().scheduled_failures(name, JobKind::Backup)? else {
            return Ok(None);
        };
        let doublings = failures.count.saturating_sub(1).min(10);
        let minutes = (FIRST_RETRY_MINUTES << doublings).min(LAST_RETRY_MINUTES);
        let retry = failures.last + chrono::Duration::minutes(minutes);
        // A failure in the future was noted by a clock that was wrong.
        Ok((failures.last <= self.now() && self.now() < retry).then_some(retry))
    }

    /// Keeps the schedule on a thread of its own until the returned [`Scheduler`] is dropped: looks at once, and then
    /// at the beginning of every minute.
    #[must_use]
    pub fn keep_schedule(&self) -> Scheduler {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let engine = self.clone();
        let looking = move || {
            go_at(Pace::Working);
            while !stopped.load(Ordering::Relaxed) {
                let mut is_more_left = false;
                engine.whatever_happens("looking what is due", || {
                    if let Err(error) = engine.settle_abandoned() {
                        engine.remember_once(None, &error.to_string());
                    }
                    is_more_left = engine.look_what_is_due();
                });
                let into_minute =
                    u64::try_from(engine.now().timestamp_millis().rem_euclid(60_000)).unwrap_or(0);
                let rest = Duration::from_millis(60_000 - into_minute);
                let is_shared = engine.catalog().is_shared();
                let until = Monotonic::now() + if is_shared { rest.min(SHARED_LOOK) } else { rest };
                // The end of a job makes room for the next.
                while is_more_left && engine.wait_for_room(until) && !stopped.load(Ordering::Relaxed) {
                    is_more_left = false;
                    engine.whatever_happens("looking what is due", || {
                        is_more_left = engine.serve_what_is_due();
                    });
                }
                let rest = until.saturating_duration_since(Monotonic::now());
                if is_shared {
                    engine.pause(rest);
                } else {
                    std::thread::sleep(rest);
                }
            }
        };
        let started = std::thread::Builder::new()
            .name("schedule".to_owned())
            .spawn(looking);
        if let Err(error) = started {
            self.remember_once(
                None,
                &format!("the schedule is not kept, no thread could be started: {error}"),
            );
        }
        Scheduler { stop }
    }
}
