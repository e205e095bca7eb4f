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
