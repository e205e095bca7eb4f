//! Recent backups: those that the schedule makes between the daily ones (`schedule.every`), outside the four slots, and
//! which of them stay as they age.
//!
//! Not in here: when one is due ([`super::schedule`]), and what else holds a backup ([`super::retention`]).

use std::collections::BTreeSet;

use chrono::{Duration, TimeDelta};
use serde::{Deserialize, Serialize};

use super::Instant;
use super::backup::Backup;
use super::limit::TimeLimit;
use super::slot::Keep;

/// The shortest time between two of them: each reads all of Live that may have changed.
pub const SHORTEST: TimeLimit = TimeLimit::minutes(5);
/// The longest: beyond it there is nothing between the daily ones.
pub const LONGEST: TimeLimit = TimeLimit::minutes(12 * 60);

/// Up to this age all of them stay.
const ALL: TimeDelta = TimeDelta::hours(3);
/// Up to this age the newest of each hour stays.
const HOURLY: TimeDelta = TimeDelta::hours(24);
/// Up to this age the newest of each quarter of a day stays. Older ones go.
const QUARTERLY: TimeDelta = TimeDelta::days(7);

/// How the backups between the daily ones stand.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// How often they are made.
    pub every: TimeLimit,
    /// At most so many are kept.
    pub keep: u16,
    /// When the next step begins. `None` when the schedule is off.
    pub next: Option<Instant>,
    /// Whether one is due now.
    pub due: bool,
}

/// Why `every` cannot be kept, as a sentence. `None` when it can.
#[must_use]
pub fn wrong_interval(every: TimeLimit) -> Option<String> {
    (!(SHORTEST..=LONGEST).contains(&every)).then(|| {
        format!(
            "schedule.every is {every}: write a time from {SHORTEST} to {LONGEST}, for example \"1h\" (daily backups are \
             made in any case)"
        )
    })
}

/// The recent backups that stay at `now`, newest first. Good ones only: what is damaged or dated ahead holds no place.
///
/// All of the last 3 hours stay, then the newest of each hour (UTC) until a day, then the newest of each quarter of a day
/// until a week, and of all these the newest, as many as `keep` says. Hours lie in quarters, so that thinning often
/// and thinning once leave the same.
#[must_use]
pub fn kept<'a>(backups: &'a [Backup], keep: &Keep, now: Instant) -> Vec<&'a Backup> {
    let mut recent: Vec<_> = backups
        .iter()
        .filter(|backup| backup.is_recent() && backup.is_good())
        .collect();
    recent.sort_by(|a, b| (b.manifest.taken, &b.id).cmp(&(a.manifest.taken, &a.id)));
    let mut places = BTreeSet::new();
    recent.retain(|backup| match place(backup.manifest.taken, now) {
        Place::OfItsOwn => true,
        Place::Shared { hours, number } => places.insert((hours, number)),
        Place::None => false,
    });
    recent.truncate(keep.recent());
    recent
}

/// Where a backup of some age stands.
enum Place {
    /// It stays whatever else there is.
    OfItsOwn,
    /// One of those that were taken within the same so many hours stays.
    Shared { hours: i64, number: i64 },
    /// It is too old.
    None,
}

fn place(taken: Instant, now: Instant) -> Place {
    let age = now - taken;
    let within = |hours: i64| Place::Shared {
        hours,
        number: taken.timestamp().div_euclid(Duration::hours(hours).num_seconds()),
    };
    if age < ALL {
        Place::OfItsOwn
    } else if age < HOURLY {
        within(1)
    } else if age < QUARTERLY {
        within(6)
    } else {
        Place::None
    }
}
