//! Keeps the schedule: once a minute, starts what is due.
//!
//! What is due is worked out by `domain::schedule` from the list of backups: after a night off, the next look makes up for
//! what was missed. Not the backups of every environment are listed for that: what is due by the time alone is written
//! down in the catalog, and whoever claims it looks at the backups ([`turns`]). It is claimed only as there is room for
//! jobs, the longest overdue first, so thousands that are due at once are neither jobs nor threads yet.

pub(in crate::engine) mod turns;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Monotonic};

use crate::catalog::DueClaim;
use crate::concurrency::turnstile::{Pace, go_at};
use crate::domain::Instant;
use crate::domain::job::JobKind;
use crate::domain::notify::Topic;
use crate::domain::os_error::in_words;
use crate::domain::schedule::Due;
use crate::engine::restore::recover::settle_abandoned;
use crate::engine::{Engine, EngineError, Live};
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

impl Live {
    /// What the schedule asks for in the environment now. With `afresh`, the repository is listed anew.
    pub(in crate::engine) fn due(&self, afresh: bool) -> Result<Due, EngineError> {
        let name = self.name();
        let settings = self.settings();
        let known_since = self.catalog().met(name, self.now())?;
        if !settings.schedule.enabled {
            // Also where nobody could say what is there.
            return Ok(Due::Nothing);
        }
        let backups = if afresh {
            self.list_backups()?
        } else {
            self.backups()?
        };
        Ok(settings.schedule.due_now(name, &backups, known_since, self.now()))
    }

    /// Starts a backup of the environment if one is due and nothing speaks against it.
    pub fn start_if_due(&self) {
        if self.engine().jobs().schedule_rests() {
            return;
        }
        match self.try_if_due() {
            // A refusal says that another job runs: the next look meets the environment again.
            Ok(()) | Err(EngineError::Refused(_)) => {}
            Err(error) => {
                let text = format!("the scheduled backup cannot be started: {error}");
                let activity = self.engine().activity();
                activity.remember_once_as(Topic::BackupFailed, Some(self.name()), &text);
            }
        }
    }

    fn try_if_due(&self) -> Result<(), EngineError> {
        let name = self.name();
        if self.due(false)?.is_nothing() || self.catalog().running(name)?.is_some() {
            return Ok(());
        }
        if self.catalog().holds(name)?.maintenance.is_some() || self.waits_after_failure()? {
            return Ok(());
        }
        // Another Lifeboat may have served the period since the last listing.
        let due = self.due(true)?;
        if !due.is_nothing() {
            self.start_scheduled_backup(&due, None)?;
        }
        Ok(())
    }

    /// A turn of backing up, where several machines share the work.
    fn serve_backup(&self, claim: &DueClaim) -> Result<Turn, EngineError> {
        let (name, now) = (self.name(), self.now());
        if self.catalog().running(name)?.is_some() || self.catalog().holds(name)?.maintenance.is_some() {
            return Ok(Turn::Later(now + AGAIN));
        }
        if let Some(retry) = self.retry_at()? {
            return Ok(Turn::Later(retry));
        }
        let due = self.due(true)?;
        if due.is_nothing() {
            return Ok(Turn::NothingToDo);
        }
        // A machine that stands still in the middle of something keeps the environment's lock until it goes on or is
        // ended. That is no failure of the backup, so none is begun.
        drop(self.lock()?);
        self.start_scheduled_backup(&due, Some(claim))?;
        Ok(Turn::Started)
    }

    fn waits_after_failure(&self) -> Result<bool, EngineError> {
        Ok(self.retry_at()?.is_some())
    }

    /// When a scheduled backup of the environment is tried again that has failed; `None` when nothing is waited for.
    fn retry_at(&self) -> Result<Option<Instant>, EngineError> {
        let name = self.name();
        let Some(failures) = self.catalog().scheduled_failures(name, JobKind::Backup)? else {
            return Ok(None);
        };
        let doublings = failures.count.saturating_sub(1).min(10);
        let minutes = (FIRST_RETRY_MINUTES << doublings).min(LAST_RETRY_MINUTES);
        let retry = failures.last + chrono::Duration::minutes(minutes);
        // A failure in the future was noted by a clock that was wrong.
        Ok((failures.last <= self.now() && self.now() < retry).then_some(retry))
    }
}

/// What is begun without anybody asking.
#[derive(Clone, Copy)]
pub struct Schedule<'e>(pub(in crate::engine) &'e Engine);

impl Schedule<'_> {
    /// Starts what is due now, the longest overdue first, as far as there is room for it. Environments that are busy, in
    /// maintenance mode or waiting after a failure are passed over; a later look meets them again.
    pub fn start_what_is_due(&self) {
        self.look_what_is_due();
    }

    /// Writes down what is due and starts as much as there is room for. Gives whether more may be left, for which there
    /// was none.
    fn look_what_is_due(&self) -> bool {
        if self.0.jobs().schedule_rests() {
            return false;
        }
        self.or_tell(self.note_what_is_due());
        self.serve_what_is_due()
    }

    /// Starts as much of what was written down as there is room for. Gives whether more may be left.
    fn serve_what_is_due(&self) -> bool {
        self.or_tell(self.serve_turns());
        self.or_tell(self.0.notifier().tell_of_late_backups());
        let jobs = self.0.jobs();
        #[cfg(feature = "object-storage")]
        for live in self.0.all_live() {
            if jobs.room_in_line() == 0 {
                break;
            }
            live.start_deletions_if_due();
        }
        !jobs.schedule_rests() && jobs.room_in_line() == 0
    }

    fn or_tell(&self, kept: Result<(), EngineError>) {
        if let Err(error) = kept {
            let text = format!("the schedule is not kept: {error}");
            self.0.notifier().round_went_wrong(&text);
            self.0.activity().remember_once(None, &text);
        }
    }

    /// Writes down what is due, by the time alone.
    fn note_what_is_due(&self) -> Result<(), EngineError> {
        let engine = self.0;
        let (catalog, now) = (engine.catalog(), engine.now());
        catalog.free_due_of_the_gone()?;
        // Nothing is in this thread's hands now.
        catalog.free_own_due()?;
        let environments: Vec<Live> = engine.all_live().collect();
        let schedules = environments
            .iter()
            .map(|live| (live.name(), &live.settings().schedule));
        let proofs = environments
            .iter()
            .filter_map(|live| Some((live.name().clone(), live.proof_due()?)));
        let mut book = engine.0.due.lock();
        book.note(catalog, schedules, now)?;
        book.note_proofs(catalog, proofs)?;
        Ok(())
    }

    /// Takes as many turns as there is room for.
    fn serve_turns(&self) -> Result<(), EngineError> {
        let engine = self.0;
        let now = engine.now();
        let room = u32::try_from(engine.jobs().room_in_line()).unwrap_or(u32::MAX);
        let serve = |claim: &DueClaim| {
            if engine.jobs().schedule_rests() {
                // For another machine, which may take it at once.
                return Ok(Turn::Later(now));
            }
            self.serve_turn(claim)
        };
        take_turns(engine.catalog(), now, room, &|claim| match serve(claim) {
            Ok(turn) => turn,
            Err(EngineError::Refused(_)) => Turn::Later(now + AGAIN),
            Err(error) => {
                let text = format!("the scheduled {} cannot be started: {error}", claim.kind);
                let topic = if claim.kind == turns::BACKUP {
                    Topic::BackupFailed
                } else {
                    Topic::VerifyFailed
                };
                let activity = engine.activity();
                activity.remember_once_as(topic, Some(&claim.environment), &text);
                Turn::Later(now + AGAIN)
            }
        })?;
        Ok(())
    }

    /// Serves one thing that is due and that this machine has claimed.
    fn serve_turn(&self, claim: &DueClaim) -> Result<Turn, EngineError> {
        let now = self.0.now();
        // Another machine may know of more environments, and of other kinds of work.
        let Ok(live) = self.0.live(&claim.environment) else {
            return Ok(Turn::Later(now + AGAIN));
        };
        match claim.kind.as_str() {
            turns::BACKUP => live.serve_backup(claim),
            turns::PROOF => live.serve_proof(),
            _ => Ok(Turn::Later(now + AGAIN)),
        }
    }

    /// Keeps it on a thread of its own until the returned [`Scheduler`] is dropped: looks at once, and then at the
    /// beginning of every minute.
    #[must_use]
    pub fn keep(&self) -> Scheduler {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let engine = self.0.clone();
        let looking = move || {
            go_at(Pace::Working);
            while !stopped.load(Ordering::Relaxed) {
                let engine = engine.current();
                let mut is_more_left = false;
                engine.activity().whatever_happens("looking what is due", || {
                    if let Err(error) = settle_abandoned(&engine) {
                        engine.notifier().round_went_wrong(&error.to_string());
                        engine.activity().remember_once(None, &error.to_string());
                    }
                    is_more_left = engine.schedule().look_what_is_due();
                    engine.notifier().round_ended();
                });
                engine.activity().whatever_happens("looking at targets", || {
                    engine.schedule().look_at_targets();
                });
                let into_minute =
                    u64::try_from(engine.now().timestamp_millis().rem_euclid(60_000)).unwrap_or(0);
                let rest = Duration::from_millis(60_000 - into_minute);
                let is_shared = engine.catalog().is_shared();
                let until = Monotonic::now() + if is_shared { rest.min(SHARED_LOOK) } else { rest };
                // The end of a job makes room for the next.
                while is_more_left && engine.jobs().wait_for_room(until) && !stopped.load(Ordering::Relaxed) {
                    is_more_left = false;
                    engine.activity().whatever_happens("looking what is due", || {
                        is_more_left = engine.schedule().serve_what_is_due();
                    });
                }
                let rest = until.saturating_duration_since(Monotonic::now());
                if is_shared {
                    engine.jobs().pause(rest);
                } else {
                    std::thread::sleep(rest);
                }
            }
        };
        let started = std::thread::Builder::new()
            .name("schedule".to_owned())
            .spawn(looking);
        if let Err(error) = started {
            let text = format!(
                "the schedule is not kept, no thread could be started: {error}",
                error = in_words(&error)
            );
            self.0.activity().remember_once(None, &text);
        }
        Scheduler { stop }
    }
}
