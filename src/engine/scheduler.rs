//! Keeps the schedule: once a minute, starts what is due.
//!
//! What is due is worked out by `domain::schedule` from the list of backups, so nothing has to be remembered: after a
//! night off, the next look makes up for what was missed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::{Engine, EngineError};
use crate::domain::activity::Severity;
use crate::domain::backup::Served;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobKind;

/// How long after a failed scheduled backup the next is tried: doubled each time, up to an hour.
const FIRST_RETRY_MINUTES: i64 = 5;
const LAST_RETRY_MINUTES: i64 = 60;

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
        let backups = if afresh {
            self.list_backups(name)?
        } else {
            self.backups(name)?
        };
        let known_since = self.catalog().met(name, self.now())?;
        Ok(settings.schedule.due(name, &backups, known_since, self.now()))
    }

    /// Starts every backup that is due now. Environments that are busy, in maintenance mode or waiting after a failure
    /// are passed over; the next look meets them again.
    pub fn start_what_is_due(&self) {
        let names: Vec<_> = self
            .environments()
            .filter(|(_, settings)| settings.kind.is_recoverable())
            .map(|(name, _)| name.clone())
            .collect();
        for name in &names {
            self.start_if_due(name);
            self.start_proof_if_due(name);
        }
    }

    /// Starts a backup of the environment if one is due and nothing speaks against it.
    pub fn start_if_due(&self, name: &EnvironmentName) {
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
            self.start_scheduled_backup(name, &due)?;
        }
        Ok(())
    }

    /// Tells once, not every minute, that something is wrong.
    pub(super) fn remember_once(&self, name: Option<&EnvironmentName>, text: &str) {
        let recent = self.catalog().notifications(50).unwrap_or_default();
        let known = recent.iter().any(|notification| {
            notification.environment.as_ref() == name && notification.text.ends_with(text)
        });
        if !known {
            self.remember("schedule", name, text, None, Severity::Critical);
        }
    }

    fn waits_after_failure(&self, name: &EnvironmentName) -> Result<bool, EngineError> {
        let Some(failures) = self.catalog().scheduled_failures(name, JobKind::Backup)? else {
            return Ok(false);
        };
        let doublings = failures.count.saturating_sub(1).min(10);
        let minutes = (FIRST_RETRY_MINUTES << doublings).min(LAST_RETRY_MINUTES);
        let retry = failures.last + chrono::Duration::minutes(minutes);
        // A failure in the future was noted by a clock that was wrong.
        Ok(failures.last <= self.now() && self.now() < retry)
    }

    /// Keeps the schedule on a thread of its own until the returned [`Scheduler`] is dropped: looks at once, and then
    /// at the beginning of every minute.
    #[must_use]
    pub fn keep_schedule(&self) -> Scheduler {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let engine = self.clone();
        let looking = move || {
            while !stopped.load(Ordering::Relaxed) {
                if let Err(error) = engine.settle_abandoned() {
                    engine.remember_once(None, &error.to_string());
                }
                engine.start_what_is_due();
                let into_minute =
                    u64::try_from(engine.now().timestamp_millis().rem_euclid(60_000)).unwrap_or(0);
                std::thread::sleep(Duration::from_millis(60_000 - into_minute));
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
