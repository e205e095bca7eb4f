//! Backups that say they were taken later than it is now: a clock was wrong, the one they were taken by or the one that
//! is asked now.
//!
//! Nobody can say how old such a backup is. It is shown and told as trouble, it can be restored by its id and deleted,
//! and it counts for nothing else: if it did, the oldest content could be "the newest" for years.

use chrono::Duration;

use super::Instant;
use super::backup::Backup;
use super::environment::EnvironmentName;
use super::measure;

/// How far clocks of sound machines may be apart. Object storage refuses requests from a clock that is further off, too.
pub const SKEW: Duration = Duration::minutes(15);

/// Whether a moment that was noted lies further ahead of `now` than sound clocks are apart.
#[must_use]
pub fn is_ahead(noted: Instant, now: Instant) -> bool {
    noted - now > SKEW
}

/// Marks the backups that are dated ahead of `now`, and those that were and are not any more.
pub fn mark(backups: &mut [Backup], now: Instant) {
    for backup in backups {
        backup.dated_ahead = is_ahead(backup.manifest.taken, now);
    }
}

/// Backups are taken daily, and a machine may be off over a long weekend: between two looks that are further apart, either
/// nothing ran for long or the clock has jumped.
pub const JUMP: Duration = Duration::days(5);
/// A jump of the clock counts from so long after it on.
pub const SETTLES: Duration = Duration::hours(20);

/// The clock of a look at what may be dropped: what it says, and up to when it can be believed.
///
/// Dropping is not taken back, and a clock that is days ahead for one backup would make everything look expired and
/// replaced. Whether it is ahead or nothing ran for as long cannot be told at the first look. So that one goes by the last
/// time known before, as if what came since were not there; and a later look, that is a good part of a day after and finds
/// the clock still there, by the clock. Where the clock was set right meanwhile, what it had dated is ahead and counts for
/// nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// What the clock says.
    pub now: Instant,
    /// What can be believed of it.
    pub settled: Instant,
}

impl Look {
    /// A look at `now`, by an environment for which Lifeboat did something at each of these moments.
    #[must_use]
    pub fn at(now: Instant, known: impl IntoIterator<Item = Instant>) -> Self {
        let mut times: Vec<_> = known.into_iter().filter(|at| *at <= now).collect();
        times.push(now);
        times.sort_unstable();
        let jump = times
            .iter()
            .zip(times.iter().skip(1))
            .rev()
            .find(|(before, after)| **after - **before > JUMP);
        let settled = match jump {
            Some((before, after)) if now - *after < SETTLES => *before,
            _ => now,
        };
        Self { now, settled }
    }

    /// Whether all of it can be believed.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.settled == self.now
    }
}

/// What to know about the marked backups of an environment, as a sentence. `None` when there are none.
#[must_use]
pub fn trouble(environment: &EnvironmentName, backups: &[Backup], now: Instant) -> Option<String> {
    let ahead: Vec<_> = backups.iter().filter(|backup| backup.dated_ahead).collect();
    let newest = ahead.first()?;
    let (which, they, delete) = match ahead.as_slice() {
        [one] => (
            format!(
                "backup {} says that it was taken at {}",
                one.id,
                measure::moment(one.manifest.taken)
            ),
            "It holds no slot and counts for nothing",
            "it",
        ),
        many => (
            format!("{} backups say that they were taken later than that", many.len()),
            "They hold no slot and count for nothing",
            "them",
        ),
    };
    Some(format!(
        "the clock says {}, and {which}: a clock is or was wrong. {they}. If this clock is right, delete {delete} \
         (`lifeboat delete {environment} {}`); if it is not, set it",
        measure::moment(now),
        newest.id,
    ))
}
