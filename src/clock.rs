//! Where the engine gets the time from, so that tests and the demo can set it.

use std::time::Instant as Monotonic;

use chrono::Utc;
use parking_lot::Mutex;

use crate::domain::Instant;

/// A source of time.
pub trait Clock: Send + Sync {
    /// The time now, in UTC.
    fn now(&self) -> Instant;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Utc::now()
    }
}

/// A clock that stands still until it is set. For tests: nothing in them depends on how long something takes.
#[derive(Debug)]
pub struct SetClock(Mutex<Instant>);

impl SetClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn at(now: Instant) -> Self {
        Self(Mutex::new(now))
    }

    /// Sets it, forwards or backwards.
    pub fn set(&self, now: Instant) {
        *self.0.lock() = now;
    }
}

impl Clock for SetClock {
    fn now(&self) -> Instant {
        *self.0.lock()
    }
}

/// A clock that goes on from the moment it was set to, as fast as time does. The demo plays its past on one, so that
/// the jobs of the past took as long as they really did.
#[derive(Debug)]
pub struct RunningClock(Mutex<(Instant, Monotonic)>);

impl RunningClock {
    /// A clock that goes on from `now`.
    #[must_use]
    pub fn at(now: Instant) -> Self {
        Self(Mutex::new((now, Monotonic::now())))
    }

    /// Sets it, forwards or backwards.
    pub fn set(&self, now: Instant) {
        *self.0.lock() = (now, Monotonic::now());
    }
}

impl Clock for RunningClock {
    fn now(&self) -> Instant {
        let (set, since) = *self.0.lock();
        set + since.elapsed()
    }
}
