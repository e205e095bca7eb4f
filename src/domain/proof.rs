//! Proof that backups can be restored (rule 14): how often they are read back and drilled, what is due, which backup is
//! next, and what a drill has shown.
//!
//! Like the schedule of backups this is derived and not stored: pure functions of the settings, the environment's name,
//! the backups with what is known of them, and the time. Not in here: reading back and drilling (`engine`).

mod named;

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use chrono::{Days, Duration, NaiveDate, NaiveTime, TimeZone, Timelike, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Instant;
use super::as_text::as_text;
use super::backup::{Backup, BackupId, Verification};
use super::environment::{EnvironmentName, InstanceName};
use super::limit::TimeLimit;
use super::measure;
use super::schedule::Window;

pub use named::{ProofOf, proof_of};

const MINUTES_A_DAY: u32 = 24 * 60;
/// No proof begins within so many minutes before the backup window opens: a backup would have to wait for it.
const MINUTES_BEFORE_WINDOW: u32 = 60;

/// How often something is done, in whole days: `7d`, `4w`, or `never`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every(Option<u16>);

/// A text does not say how often.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" does not say how often: write a number of days or weeks, from \"1d\" to \"366d\", or \"never\""
)]
pub struct EveryError(String);

impl Every {
    /// Not at all.
    pub const NEVER: Self = Self(None);

    /// So many days; at least one.
    #[must_use]
    pub const fn days(days: u16) -> Self {
        Self(Some(if days == 0 { 1 } else { days }))
    }

    /// How many days. `None` for never.
    #[must_use]
    pub fn in_days(self) -> Option<u16> {
        self.0
    }
}

impl FromStr for Every {
    type Err = EveryError;

    fn from_str(text: &str) -> Result<Self, EveryError> {
        let wrong = || EveryError(text.to_owned());
        if text == "never" {
            return Ok(Self::NEVER);
        }
        let (number, unit) = text
            .strip_suffix('d')
            .map(|number| (number, 1))
            .or_else(|| text.strip_suffix('w').map(|number| (number, 7)))
            .ok_or_else(wrong)?;
        let number: u16 = number.parse().map_err(|_| wrong())?;
        match number.checked_mul(unit) {
            Some(days) if (1..=366).contains(&days) => Ok(Self::days(days)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.pad("never"),
            Some(days) => f.pad(&format!("{days}d")),
        }
    }
}

as_text!(Every);

/// How backups are read back by schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct VerifySettings {
    /// How often.
    pub every: Every,
}

impl Default for VerifySettings {
    fn default() -> Self {
        Self {
            every: Every::days(7),
        }
    }
}

/// How backups are drilled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DrillSettings {
    /// How often, by schedule.
    pub every: Every,
    /// The folder that drills restore into. Each makes a folder of its own in it and removes that. Without it they use
    /// the state folder.
    pub scratch: Option<PathBuf>,
    /// The database that drills restore into, written as `connect` is. Without it each instance's own is used, where a
    /// drill makes a schema of its own and drops that.
    pub database: Option<String>,
    /// A program that is given what was restored of each instance, and says by its exit code whether it works: a program
    /// and its arguments, without a shell. An empty one is not run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// How long it may take for each before it is ended.
    pub limit: TimeLimit,
}

impl DrillSettings {
    /// The time limit of the program where none is written: it may open a large repository.
    pub const LIMIT: TimeLimit = TimeLimit::minutes(30);
}

impl Default for DrillSettings {
    fn default() -> Self {
        Self {
            every: Every::days(30),
            scratch: None,
            database: None,
            command: Vec::new(),
            limit: Self::LIMIT,
        }
    }
}

/// What a drill has shown.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drill {
    /// When it ended.
    pub at: Instant,
    /// The backup that was restored.
    pub backup: BackupId,
    /// How long restoring it and reading it back took, in milliseconds.
    pub millis: u64,
    /// Bytes that were restored, as the backup's record counts them.
    pub bytes: u64,
    /// Whether it was the newest good backup at that time.
    pub newest: bool,
    /// What it showed.
    #[serde(flatten)]
    pub outcome: DrillOutcome,
}

/// What a drill has shown of its backup.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum DrillOutcome {
    /// Everything came back as it was.
    Proven,
    /// What was restored came back as it was, and it was not everything.
    ProvenInPart {
        /// The instances of which nothing is proven: they are in the backup and not configured any more.
        left_out: Vec<InstanceName>,
    },
    /// Something did not.
    Failed {
        /// What, as a sentence.
        why: String,
    },
}

impl Drill {
    /// Whether the backup was proven restorable, whole.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.outcome == DrillOutcome::Proven
    }

    /// Whether something did not come back as it was.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        matches!(self.outcome, DrillOutcome::Failed { .. })
    }

    /// What was proven in part only, as words: which instances were left out. `None` for any other outcome.
    #[must_use]
    pub fn in_part(&self) -> Option<String> {
        without(self.left_out())
    }

    /// The instances of which nothing is proven, though others are; none of any other outcome.
    #[must_use]
    pub fn left_out(&self) -> &[InstanceName] {
        match &self.outcome {
            DrillOutcome::ProvenInPart { left_out } => left_out,
            DrillOutcome::Proven | DrillOutcome::Failed { .. } => &[],
        }
    }

    /// What counts of a backup's drills, newest first: the last that says something of all of it, or else the last.
    #[must_use]
    pub fn of<'d>(backup: &BackupId, drills: &'d [Self]) -> Option<&'d Self> {
        let of_it = || drills.iter().filter(|drill| drill.backup == *backup);
        of_it()
            .find(|drill| drill.in_part().is_none())
            .or_else(|| of_it().next())
    }

    /// How long restoring so many bytes should take, by this drill.
    #[must_use]
    pub fn millis_for(&self, bytes: u64) -> u64 {
        match self.bytes {
            0 => self.millis,
            drilled => u64::try_from(u128::from(self.millis) * u128::from(bytes) / u128::from(drilled))
                .unwrap_or(u64::MAX),
        }
    }
}

/// That something is proven without some instances, as words; `None` where there are none.
#[must_use]
pub fn without(instances: &[InstanceName]) -> Option<String> {
    let names: Vec<_> = instances.iter().map(InstanceName::as_str).collect();
    (!names.is_empty()).then(|| format!("without {}", names.join(" and ")))
}

/// How long the last copy of Live took that counts, read back, in milliseconds. `None` where there is none: one that is
/// damaged, unread or dated ahead of the clock says nothing of the next.
#[must_use]
pub fn last_copy(backups: &[Backup]) -> Option<u64> {
    let good = backups.iter().filter(|backup| backup.is_good());
    let newest = good.max_by_key(|backup| (backup.manifest.taken, &backup.id))?;
    Some(newest.manifest.took_millis())
}

/// How long it takes until Live has so many bytes of content, if a restore began now, in milliseconds: as a drill has restored
/// them and read them back, and as long again as the last copy of Live took, for the safety backup.
#[must_use]
pub fn until_live(drill: &Drill, bytes: u64, backups: &[Backup]) -> u64 {
    let copying = last_copy(backups).unwrap_or(0);
    drill.millis_for(bytes).saturating_add(copying)
}

/// What is known of whether backups can be restored, in a line or two.
#[must_use]
pub fn standing(last_proven: Option<&Drill>, last_drill: Option<&Drill>, now: Instant) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(Drill {
        at,
        backup,
        outcome: DrillOutcome::Failed { why },
        ..
    }) = last_drill
    {
        lines.push(format!(
            "THE LAST DRILL FAILED, {} ago: backup {backup} did not come back as it was taken: {why}",
            measure::between(*at, now)
        ));
    }
    if let Some(drill) = last_drill
        && let Some(part) = drill.in_part()
    {
        lines.push(format!(
            "The last drill, {} ago, proved backup {} in part only: {part}, not configured any more",
            measure::between(drill.at, now),
            drill.backup
        ));
    }
    lines.push(match last_proven {
        Some(drill) => format!(
            "Last proven restorable: backup {}, {} ago, by a drill that brought it back in {}",
            drill.backup,
            measure::between(drill.at, now),
            measure::millis(drill.millis)
        ),
        None => "Not proven restorable yet: no drill has brought a backup back".to_owned(),
    });
    lines
}

/// What is done by schedule to prove that backups can be restored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Reading back what has its turn, for every backup.
    Verify,
    /// Restoring one into a scratch place.
    Drill,
}

impl Proof {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Verify, Self::Drill];

    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Drill => "drill",
        }
    }
}

/// When an environment's proofs are due.
#[derive(Debug, Clone, Copy)]
pub struct ProofTimes<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// Which of the two.
    pub proof: Proof,
    /// How often.
    pub every: Every,
    /// When backups may begin: proofs keep out of it.
    pub window: Window,
}

impl ProofTimes<'_> {
    /// A stable number of the environment, so that many of them spread over days and minutes.
    fn hash(&self, what: &str) -> u64 {
        let label = self.proof.label();
        let digest = Sha256::digest(format!("{} {label} {what}", self.environment).as_bytes());
        digest
            .iter()
            .take(8)
            .fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }

    /// The environment's own minute of the UTC day, outside the window and the hour before it.
    fn minute(&self) -> u32 {
        let length = quiet_minutes(self.window, MINUTES_BEFORE_WINDOW);
        let own = u32::try_from(self.hash("minute") % u64::from(length)).unwrap_or(0);
        (window_end(self.window) + own) % MINUTES_A_DAY
    }

    fn on(&self, date: NaiveDate) -> Instant {
        Utc.from_utc_datetime(&date.and_time(NaiveTime::MIN)) + Duration::minutes(i64::from(self.minute()))
    }

    /// The days since 1970 of `now`'s date, less those since the day on which it was due at last, so many days after the
    /// environment's own.
    fn last_day(&self, date: NaiveDate, after: u16) -> Option<NaiveDate> {
        let every = u64::from(self.every.in_days()?);
        let days = u64::try_from((date - NaiveDate::default()).num_days()).ok()?;
        let own = (self.hash("day") % every + u64::from(after)) % every;
        date.checked_sub_days(Days::new((days + every - own) % every))
    }

    /// The moment at or before `now` at which it became due. `None` when it is off.
    #[must_use]
    pub fn last(&self, now: Instant) -> Option<Instant> {
        self.last_after(0, now)
    }

    /// The same for a part that comes so many days after the environment's own day.
    pub(super) fn last_after(&self, after: u16, now: Instant) -> Option<Instant> {
        let day = self.last_day(now.date_naive(), after)?;
        let due = self.on(day);
        if due <= now {
            return Some(due);
        }
        let days = Days::new(u64::from(self.every.in_days()?));
        day.checked_sub_days(days).map(|day| self.on(day))
    }

    /// The moment after `now` at which it becomes due. `None` when it is off.
    #[must_use]
    pub fn next(&self, now: Instant) -> Option<Instant> {
        self.last(now)
            .map(|last| last + Duration::days(i64::from(self.every.in_days().unwrap_or(1))))
    }
}

fn window_end(window: Window) -> u32 {
    u32::from(window.start_minute()) + u32::from(window.length_minutes())
}

/// The minutes of a day in which a proof may begin that needs `margin` minutes before the window opens. A window that
/// leaves too few leaves all that are outside it.
fn quiet_minutes(window: Window, margin: u32) -> u32 {
    let outside = MINUTES_A_DAY - u32::from(window.length_minutes()).min(MINUTES_A_DAY - 1);
    if outside > margin {
        outside - margin
    } else {
        outside
    }
}

/// Whether a proof that takes about `millis` may begin at `now`: outside the backup window, and long enough before it.
#[must_use]
pub fn may_begin(window: Window, millis: u64, now: Instant) -> bool {
    let twice = u32::try_from(millis.saturating_mul(2) / 60_000).unwrap_or(u32::MAX);
    let margin = MINUTES_BEFORE_WINDOW.max(twice);
    let minute = now.hour() * 60 + now.minute();
    let since_end = (minute + 2 * MINUTES_A_DAY - window_end(window)) % MINUTES_A_DAY;
    since_end < quiet_minutes(window, margin)
}

/// The backups that are to be read back because the moment `due` has come: those of which not all was read since.
#[must_use]
pub fn to_verify(backups: &[Backup], due: Instant, now: Instant) -> Vec<&Backup> {
    backups
        .iter()
        .filter(|backup| match &backup.verification {
            Verification::Unverified => true,
            // What a clock that was wrong has noted counts for nothing.
            Verification::Verified { at } | Verification::Damaged { at, .. } => *at < due || *at > now,
        })
        .collect()
}

/// Whether a drill is due: the moment `due` has come since the environment is known, and there was none since.
#[must_use]
pub fn drill_is_due(last: Option<&Drill>, due: Instant, known_since: Instant, now: Instant) -> bool {
    due >= known_since && last.is_none_or(|drill| drill.at < due || drill.at > now)
}

/// The backup that is drilled next: the newest good one and the one that has gone unproven the longest, in turns; no
/// safety backup. The
/// first is what most restores are of; the second keeps a fault from lying unseen in an old one.
#[must_use]
pub fn to_drill<'a>(backups: &'a [Backup], last: Option<&Drill>) -> Option<&'a Backup> {
    let good = || backups.iter().filter(|backup| backup.is_good_of_live());
    let newest = good().max_by_key(|backup| (backup.manifest.taken, &backup.id))?;
    if last.is_none_or(|drill| !drill.newest) {
        return Some(newest);
    }
    let unproven_since = |backup: &&Backup| {
        let drilled = backup.drill.as_ref().map(|drill| drill.at);
        (drilled.max(Some(backup.manifest.taken)), backup.id.clone())
    };
    good()
        .filter(|backup| backup.id != newest.id)
        .min_by_key(unproven_since)
        .or(Some(newest))
}

/// Since when everything that counts has been read back: the oldest of the backups' verifications. `None` without backups, or
/// when one never was.
#[must_use]
pub fn last_verified(backups: &[Backup]) -> Option<Instant> {
    let mut oldest = None;
    for backup in backups.iter().filter(|backup| !backup.dated_ahead) {
        let at = match &backup.verification {
            Verification::Unverified => return None,
            Verification::Verified { at } | Verification::Damaged { at, .. } => *at,
        };
        oldest = Some(oldest.map_or(at, |oldest: Instant| oldest.min(at)));
    }
    oldest
}

#[cfg(test)]
mod tests;
