//! When something is told: quiet hours, what counts as a repeat, and how long is waited before a receiver is tried again.

use chrono::{Duration, Timelike as _};

use super::{Message, Topic};
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::environment::EnvironmentName;
use crate::domain::schedule::Window;

/// Minutes.
const DAY: i64 = 24 * 60;

/// The part of the UTC day in which only what is critical is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet(pub Window);

impl Quiet {
    /// Until when something that happened `at` is held back. `None` when it is told at once.
    #[must_use]
    pub fn holds_until(self, severity: Severity, at: Instant) -> Option<Instant> {
        if severity >= Severity::Critical {
            return None;
        }
        let minute = i64::from(at.hour() * 60 + at.minute());
        let into = (minute - i64::from(self.0.start_minute())).rem_euclid(DAY);
        let length = i64::from(self.0.length_minutes());
        let whole = at
            .with_second(0)
            .and_then(|at| at.with_nanosecond(0))
            .unwrap_or(at);
        (into < length).then(|| whole + Duration::minutes(length - into))
    }
}

/// Whether something that is like something else is a repeat of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Folding {
    /// It is: it is counted.
    Repeats,
    /// Each is told: somebody has done something, or something has changed.
    Never,
}

impl Folding {
    /// What holds for all messages about this.
    #[must_use]
    pub fn of(topic: Topic) -> Self {
        match topic {
            // Live is changed, by somebody who meant it; and a target is told of when it comes to be missed.
            Topic::RestoreBegun | Topic::RestoreDone | Topic::RestoreFailed | Topic::TargetMissed => {
                Self::Never
            }
            _ => Self::Repeats,
        }
    }
}

/// The topics of which something is no repeat any more once this has happened to the same environment: a backup that fails
/// after one that was taken is another failure. Empty for most.
#[must_use]
pub fn ends_folding_of(topic: Topic) -> &'static [Topic] {
    match topic {
        Topic::BackupDone => &[Topic::BackupFailed, Topic::BackupLate],
        Topic::BackupFailed => &[Topic::BackupDone],
        Topic::VerifyDone => &[Topic::VerifyFailed],
        Topic::VerifyFailed => &[Topic::VerifyDone],
        Topic::DrillDone => &[Topic::DrillFailed],
        Topic::DrillFailed => &[Topic::DrillDone],
        _ => &[],
    }
}

/// What the repeats of everything that is about this topic and environment begin with, see [`folds_with`].
#[must_use]
pub fn folds_of(topic: Topic, environment: Option<&EnvironmentName>) -> String {
    let environment = environment.map(ToString::to_string);
    format!("{}|{}|", topic.word(), environment.unwrap_or_default())
}

/// What repeats of a message have in common: everything but when it was, and the numbers in it.
#[must_use]
pub fn folds_with(message: &Message) -> String {
    let mut common = folds_of(message.topic, message.environment.as_ref());
    let mut is_number = false;
    for c in message.text.chars() {
        if c.is_ascii_digit() {
            if !is_number {
                common.push('#');
            }
            is_number = true;
        } else {
            is_number = false;
            common.push(c);
        }
    }
    common
}

/// The first pause before a receiver is tried again. It doubles each time.
const FIRST_PAUSE: Duration = Duration::seconds(15);
/// The longest pause.
pub const LONGEST_PAUSE: Duration = Duration::minutes(30);

/// How long is waited after so many failures in a row, the first of them included. `chance`, from 0 to 255, takes up to a
/// quarter off, so that many who failed at the same moment do not come back at the same moment.
#[must_use]
pub fn retry_after(failures: u32, chance: u8) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    let pause = (FIRST_PAUSE * (1 << doublings)).min(LONGEST_PAUSE);
    pause - pause * i32::from(chance) / 1024
}
