//! Targets of an environment: how much work may be lost (`rpo`), and how long a restore may take (`rto`); and whether they are
//! met, with the cause where they are not.
//!
//! Not in here: who is told when that changes (`engine::targets`).

use std::fmt;
use std::str::FromStr;

use chrono::Duration;
use serde::{Deserialize, Serialize};

use super::Instant;
use super::as_text::as_text;
use super::backup::{Backup, Trigger, Verification};
use super::environment::InstanceName;
use super::measure;
use super::proof::{Drill, DrillOutcome, until_live};
use super::shrinking::shrunk;

/// A target in whole minutes, from one minute to a year, as operators write it: `30m`, `26h`, `7d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target(u32);

/// A text is no target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a target: write a number and m, h or d, from \"1m\" to \"366d\", for example \"26h\""
)]
pub struct TargetError(String);

impl Target {
    const HOUR: u32 = 60;
    const DAY: u32 = 24 * Self::HOUR;

    /// As the time that it is.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::minutes(i64::from(self.0))
    }

    /// In seconds.
    #[must_use]
    pub fn seconds(self) -> u64 {
        u64::from(self.0) * 60
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let wrong = || TargetError(text.to_owned());
        let (number, unit) = text
            .strip_suffix('m')
            .map(|number| (number, 1))
            .or_else(|| text.strip_suffix('h').map(|number| (number, Self::HOUR)))
            .or_else(|| text.strip_suffix('d').map(|number| (number, Self::DAY)))
            .ok_or_else(wrong)?;
        let number: u32 = number.parse().map_err(|_| wrong())?;
        match number.checked_mul(unit) {
            Some(minutes) if (1..=366 * Self::DAY).contains(&minutes) => Ok(Self(minutes)),
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self.0 {
            minutes if minutes % Self::DAY == 0 => format!("{}d", minutes / Self::DAY),
            minutes if minutes % Self::HOUR == 0 => format!("{}h", minutes / Self::HOUR),
            minutes => format!("{minutes}m"),
        };
        f.pad(&text)
    }
}

as_text!(Target);

/// Which of the two.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aim {
    /// How much work may be lost: the age of the newest state that can be gone back to.
    Rpo,
    /// How long a restore may take.
    Rto,
}

impl Aim {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Rpo => "RPO",
            Self::Rto => "RTO",
        }
    }
}

/// How a target stands.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Which.
    pub aim: Aim,
    /// What is to be kept.
    pub target: Target,
    /// Whether it is.
    pub met: bool,
    /// Of an RPO, when the newest state was taken that can be gone back to. Its age counts from there, and is not told: it would be
    /// another one at each look. `None` when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Instant>,
    /// Of an RTO, how long a restore takes, in seconds. `None` when nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Of an RTO, whether the last drill failed: then it is missed, whatever was measured.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill_failed: bool,
    /// Why it is not met, as a sentence without its full stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

impl Standing {
    /// What it is at `now`, in seconds: the age of the newest state that can be gone back to, or how long a restore takes.
    #[must_use]
    pub fn measured(&self, now: Instant) -> Option<u64> {
        let age = |since: Instant| u64::try_from((now - since).num_seconds()).unwrap_or(0);
        self.since.map(age).or(self.seconds)
    }

    /// Whether it can be told at all how it stands: nobody has seen yet how long a restore takes before there was one, or a drill.
    #[must_use]
    pub fn is_known(&self) -> bool {
        match self.aim {
            Aim::Rpo => true,
            Aim::Rto => self.met || self.drill_failed || self.seconds.is_some(),
        }
    }

    /// How it stands: `met`, `missed` or `not known`.
    #[must_use]
    pub fn state_in_words(&self) -> &'static str {
        match (self.met, self.is_known()) {
            (true, _) => "met",
            (false, true) => "missed",
            (false, false) => "not known",
        }
    }

    /// The same, and where it is met what it is now.
    #[must_use]
    pub fn in_words_at(&self, now: Instant) -> String {
        let is_now = match (self.met, self.since, self.seconds) {
            (false, ..) => None,
            (true, Some(since), _) => Some(format!(
                ": the newest good backup is {} old",
                measure::between(since, now)
            )),
            (true, None, seconds) => seconds.map(|seconds| {
                let millis = seconds.saturating_mul(1_000);
                format!(": a restore takes {}", measure::millis(millis))
            }),
        };
        self.in_words() + &is_now.unwrap_or_default()
    }

    /// It in a line: `RPO 26h missed: no backup since …`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let state = self.state_in_words();
        let cause = self.cause.as_ref().map(|cause| format!(": {cause}"));
        format!(
            "{} {} {state}{}",
            self.aim.label(),
            self.target,
            cause.unwrap_or_default()
        )
    }
}

/// What an environment says of its targets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Targets {
    /// How much work may be lost.
    pub rpo: Option<Target>,
    /// How long a restore may take.
    pub rto: Option<Target>,
}

/// What is known of an environment, to tell how its targets stand.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its backups.
    pub backups: &'a [Backup],
    /// Why nobody can say which there are.
    pub trouble: Option<&'a str>,
    /// How its last job failed, if it did.
    pub failed: Option<&'a str>,
    /// That jobs wait, and why.
    pub waits: Option<&'a str>,
    /// Whether backups are made by schedule.
    pub is_scheduled: bool,
    /// The last drill.
    pub last_drill: Option<&'a Drill>,
    /// The last drill that brought everything back.
    pub last_proven: Option<&'a Drill>,
    /// How long the last restore of about all of it took, in milliseconds.
    pub last_restore: Option<u64>,
    /// The time.
    pub now: Instant,
}

impl Targets {
    /// Whether there are any.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.rpo.is_some() || self.rto.is_some()
    }

    /// How each stands.
    #[must_use]
    pub fn standing(&self, known: &Known<'_>) -> Vec<Standing> {
        let rpo = self.rpo.map(|target| rpo(target, known));
        let rto = self.rto.map(|target| rto(target, known));
        rpo.into_iter().chain(rto).collect()
    }
}

/// The newest backup that Live can be brought back to: read back and sound, no safety backup, not dated ahead.
#[must_use]
pub fn newest_restorable(backups: &[Backup]) -> Option<&Backup> {
    backups
        .iter()
        .filter(|backup| backup.is_good_of_live())
        .max_by_key(|backup| (backup.manifest.taken, &backup.id))
}

/// The backup that somebody goes back to who names none: the newest restorable one that is not likely to be of a broken Live. Where
/// all are, it is the newest of them.
#[must_use]
pub fn to_go_back_to(backups: &[Backup]) -> Option<&Backup> {
    newest_whole(backups).or_else(|| newest_restorable(backups))
}

/// The newest restorable backup that is not likely to be of a broken Live.
#[must_use]
pub fn newest_whole(backups: &[Backup]) -> Option<&Backup> {
    let restorable = backups.iter().filter(|backup| backup.is_good_of_live());
    let whole = restorable.filter(|backup| !is_doubtful(backup, backups));
    whole.max_by_key(|backup| (backup.manifest.taken, &backup.id))
}

/// Whether a backup holds less than half of some part of what the one holds that it is compared with: going back to it may well
/// be going back to a broken Live.
fn is_doubtful(backup: &Backup, among: &[Backup]) -> bool {
    let Some(less) = &backup.less else {
        return false;
    };
    let mut others = among.iter();
    let Some(earlier) = others.find(|other| other.manifest.taken == less.than) else {
        // It is not there any more: what was said of it is what is known.
        return less.part.is_some() || less.percent > 50;
    };
    let is_configured = |name: &InstanceName| {
        let mut copies = backup.manifest.instances.iter();
        copies.any(|copy| copy.name == *name)
    };
    let mut less = shrunk(&earlier.manifest, &backup.manifest).into_iter();
    less.any(|one| is_configured(&one.instance))
}

/// By the newest restorable one, whatever it holds: after somebody has cleared up on purpose, what holds less is right, and nobody but
/// a person knows. That it may be of a broken Live is said elsewhere, as trouble of the environment.
fn rpo(target: Target, known: &Known<'_>) -> Standing {
    let newest = newest_restorable(known.backups);
    let age = newest.map(|backup| (known.now - backup.manifest.taken).max(Duration::zero()));
    let met = age.is_some_and(|age| age <= target.duration());
    Standing {
        aim: Aim::Rpo,
        target,
        met,
        since: newest.map(|backup| backup.manifest.taken),
        seconds: None,
        drill_failed: false,
        cause: (!met).then(|| why_old(newest, known)),
    }
}

/// Why the newest state is as old as it is.
fn why_old(newest: Option<&Backup>, known: &Known<'_>) -> String {
    let since = newest.map_or_else(
        || "there is no backup that can be gone back to".to_owned(),
        |newest| format!("no good backup since {}", measure::moment(newest.manifest.taken)),
    );
    let doubtful = known.backups.iter().filter(|backup| {
        backup.manifest.trigger != Trigger::Restore
            && !backup.is_good()
            && newest.is_none_or(|newest| backup.manifest.taken > newest.manifest.taken)
    });
    let doubtful = doubtful.max_by_key(|backup| (backup.manifest.taken, &backup.id));
    let because = if let Some(trouble) = known.trouble {
        Some(trouble.to_owned())
    } else if let Some(backup) = doubtful {
        Some(format!("the newest one, {}, {}", backup.id, why_not_good(backup)))
    } else if let Some(failed) = known.failed {
        Some(format!("the last job failed: {failed}"))
    } else if let Some(waits) = known.waits {
        Some(waits.to_owned())
    } else if known.is_scheduled {
        None
    } else {
        Some("the schedule is off".to_owned())
    };
    match because {
        Some(because) => format!("{since}: {because}"),
        None => since,
    }
}

fn why_not_good(backup: &Backup) -> &'static str {
    match &backup.verification {
        Verification::Damaged { .. } => "was found damaged",
        Verification::Unverified => "was never read back",
        Verification::Verified { .. } if backup.dated_ahead => "is dated ahead of the clock",
        Verification::Verified { .. } => "did not come back in a drill",
    }
}

fn rto(target: Target, known: &Known<'_>) -> Standing {
    let bytes = newest_restorable(known.backups).map(|backup| backup.manifest.bytes());
    let by_drill = known.last_proven.map(|drill| {
        let millis = until_live(drill, bytes.unwrap_or(drill.bytes), known.backups);
        (
            millis,
            "by the last drill and the last copy of Live a restore takes",
        )
    });
    let by_restore = known.last_restore.map(|millis| (millis, "the last restore took"));
    let longest = by_drill
        .into_iter()
        .chain(by_restore)
        .max_by_key(|(millis, _)| *millis);
    let failed = known.last_drill.and_then(|drill| match &drill.outcome {
        DrillOutcome::Failed { why } => Some(format!("the last drill failed: {why}")),
        _ => None,
    });
    let drill_failed = failed.is_some();
    let cause = match (failed, longest) {
        (Some(failed), _) => Some(failed),
        (None, None) => Some("no drill or restore of all of it yet; a drill makes it known".to_owned()),
        (None, Some((millis, what))) if millis > target.seconds().saturating_mul(1_000) => {
            Some(format!("{what} {}", measure::millis(millis)))
        }
        _ => None,
    };
    Standing {
        aim: Aim::Rto,
        target,
        met: cause.is_none(),
        since: None,
        // Not less than it takes, and of what is there never none.
        seconds: longest.map(|(millis, _)| millis.div_ceil(1_000)),
        drill_failed,
        cause,
    }
}

#[cfg(test)]
mod tests;
