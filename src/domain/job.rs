//! Jobs: asynchronous pieces of work on one environment, their phases, progress, log and end.
//!
//! Not in here: doing the work (`engine`) and keeping the records (`catalog`).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Instant;
use super::activity::Severity;
use super::backup::BackupId;
use super::environment::{EnvironmentName, InstanceName, MemberName, NodeName};
use super::measure;
use super::milestone::Reached;
use super::principal::Principal;
use super::stop::StopReason;

pub use super::job_state::JobState;

/// The number of a job, counted up from 1 in one catalog.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub u64);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.parse().map(Self);
        number.map_err(|_| "the id of a job is a number: `lifeboat jobs` lists them".to_owned())
    }
}

/// What a job does.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Takes a backup.
    Backup,
    /// Puts a backup's content back into Live.
    Restore,
    /// Puts back what a restore replaced.
    Undo,
    /// Reads backups back and compares digests.
    Verify,
    /// Restores a backup into a scratch place and compares it there.
    Drill,
    /// Restores a backup into a place that is nobody's, to be looked at there. Live is not touched.
    Extract,
    /// Drops what retention allows and frees its room.
    Prune,
}

impl JobKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Backup,
        Self::Restore,
        Self::Undo,
        Self::Verify,
        Self::Drill,
        Self::Extract,
        Self::Prune,
    ];

    /// Whether it exchanges what is live.
    #[must_use]
    pub fn switches_live(self) -> bool {
        matches!(self, Self::Restore | Self::Undo)
    }

    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Backup => "backup",
            Self::Restore => "restore",
            Self::Undo => "undo",
            Self::Verify => "verify",
            Self::Drill => "drill",
            Self::Extract => "extract",
            Self::Prune => "prune",
        }
    }
}

/// A step of a job. Each kind of job goes through its own steps in order; see [`Phase::of`].
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Working out what there is to do.
    Preparing,
    /// Backup: reading content into the repository.
    Copying,
    /// Reading back from the repository what was stored.
    Verifying,
    /// Dropping what retention allows.
    Retention,
    /// Backup: copying it into the second repository.
    SecondCopy,
    /// Restore: copying Live before touching it.
    SafetyBackup,
    /// Restore: writing the backup's content beside Live.
    Staging,
    /// Restore: reading the staged content back.
    VerifyingStaged,
    /// Drill: writing the backup's content into a scratch place.
    Rehearsing,
    /// Extract: writing the backup's content into the place that was named.
    Extracting,
    /// Drill and extract: comparing what is there with the backup's record.
    Comparing,
    /// Restore: running the hooks that go before the switch.
    HooksBefore,
    /// Restore: exchanging Live and the staged content. From here on the job cannot be cancelled.
    Switching,
    /// Restore: running the hooks that follow it.
    Hooks,
    /// Restore: asking the instances whether they are up.
    Health,
    /// Removing what is no longer needed.
    CleaningUp,
}

impl Phase {
    /// The steps of a kind of job, in order.
    #[must_use]
    pub fn of(kind: JobKind) -> &'static [Self] {
        match kind {
            JobKind::Backup => &[Self::Preparing, Self::Copying, Self::Verifying, Self::Retention],
            JobKind::Restore | JobKind::Undo => &[
                Self::Preparing,
                Self::SafetyBackup,
                Self::Staging,
                Self::VerifyingStaged,
                Self::HooksBefore,
                Self::Switching,
                Self::Hooks,
                Self::Health,
                Self::CleaningUp,
            ],
            JobKind::Verify => &[Self::Preparing, Self::Verifying],
            JobKind::Drill => &[
                Self::Preparing,
                Self::Rehearsing,
                Self::Comparing,
                Self::CleaningUp,
            ],
            JobKind::Extract => &[Self::Preparing, Self::Extracting, Self::Comparing],
            JobKind::Prune => &[Self::Preparing, Self::Retention],
        }
    }

    /// What it does, in a word or two.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Preparing => "preparing",
            Self::Copying => "copying Live",
            Self::Verifying => "verifying",
            Self::Retention => "retention",
            Self::SecondCopy => "second repository",
            Self::SafetyBackup => "safety backup",
            Self::Staging => "staging beside Live",
            Self::VerifyingStaged => "verifying staged",
            Self::Rehearsing => "restoring to scratch",
            Self::Extracting => "restoring elsewhere",
            Self::Comparing => "comparing",
            Self::HooksBefore => "hooks before",
            Self::Switching => "switching",
            Self::Hooks => "hooks after",
            Self::Health => "health check",
            Self::CleaningUp => "cleaning up",
        }
    }

    /// Whether a job can still be cancelled in this step. Once the switch begins it is finished instead.
    #[must_use]
    pub fn can_cancel(self) -> bool {
        self < Self::Switching
    }
}

/// How far a job is in its current phase.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The step.
    pub phase: Phase,
    /// Which instance it is on, where that matters.
    pub instance: Option<InstanceName>,
    /// Which part of it: a table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<String>,
    /// Items finished in this phase.
    pub items_done: u64,
    /// Items in this phase, once known.
    pub items_total: Option<u64>,
    /// Bytes finished in this phase; of a job that has ended, in the phase of it that went through most.
    pub bytes_done: u64,
    /// Bytes in this phase, once known.
    pub bytes_total: Option<u64>,
    /// Bytes a second, averaged over the phase.
    pub bytes_per_second: Option<u64>,
    /// Time left in this phase, in milliseconds, at that rate.
    pub left_millis: Option<u64>,
}

impl Progress {
    /// The beginning of a phase.
    #[must_use]
    pub fn start(phase: Phase) -> Self {
        Self {
            phase,
            instance: None,
            part: None,
            items_done: 0,
            items_total: None,
            bytes_done: 0,
            bytes_total: None,
            bytes_per_second: None,
            left_millis: None,
        }
    }

    /// The finished part of the phase in per mille, 0 to 1,000, by bytes, or by items where bytes are not known.
    #[must_use]
    pub fn per_mille(&self) -> Option<u16> {
        let part = |done: u64, total: u64| {
            let part = u128::from(done.min(total)) * 1000 / u128::from(total.max(1));
            u16::try_from(part).ok()
        };
        match (self.bytes_total, self.items_total) {
            (Some(total), _) if total > 0 => part(self.bytes_done, total),
            (_, Some(total)) if total > 0 => part(self.items_done, total),
            _ => None,
        }
    }
}

/// What a finished job leaves behind, for its outcome screen and for scripts.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// One sentence.
    pub summary: String,
    /// The backup that was made, restored or verified.
    pub backup: Option<BackupId>,
    /// Restore: the safety backup it took.
    pub safety: Option<BackupId>,
    /// Things to know that did not make it fail.
    pub warnings: Vec<String>,
    /// Per instance: whether it answered the health check, as a sentence.
    pub health: Vec<InstanceHealth>,
    /// Drill: the instances of which nothing was proven, as they are in the backup and not configured any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_proven: Vec<InstanceName>,
}

impl Outcome {
    /// The same, with more at the end of its sentence.
    #[must_use]
    pub fn with_more(mut self, more: &str) -> Self {
        self.summary.push_str(more);
        self
    }
}

/// How one instance, or one of its nodes, answered after a restore.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceHealth {
    /// The instance.
    pub instance: InstanceName,
    /// The node of it; left out for the instance itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
    /// Whether it is up.
    pub up: bool,
    /// What it answered, or what went wrong.
    pub detail: String,
}

impl InstanceHealth {
    /// Who has answered.
    #[must_use]
    pub fn who(&self) -> MemberName {
        MemberName {
            instance: self.instance.clone(),
            node: self.node.clone(),
        }
    }

    /// Whether it is up, and what went wrong if it is not: what one that is up has answered says nothing more.
    #[must_use]
    pub fn state_in_words(&self) -> String {
        if self.up {
            "up".to_owned()
        } else {
            format!("NOT up: {}", self.detail)
        }
    }
}

/// A job, as cockpits see it.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its number.
    pub id: JobId,
    /// The environment it works on.
    pub environment: EnvironmentName,
    /// What it does.
    pub kind: JobKind,
    /// What it is about, in a few words: `manual backup`, `restore of 1a2b3c4d (daily)`.
    pub title: String,
    /// Who asked for it: a person's name, or `schedule`.
    pub by: Principal,
    /// When it was asked for.
    pub created: Instant,
    /// When work began.
    pub began: Option<Instant>,
    /// When it ended.
    pub ended: Option<Instant>,
    /// Where it stands.
    #[serde(flatten)]
    pub state: JobState,
    /// How far it is, while it runs; how far it came, when it has ended.
    pub progress: Option<Progress>,
    /// Steps of its kind that it does not take: a restore without a safety backup, an undo by exchange, hooks and health
    /// checks where none are configured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<Phase>,
    /// Whether somebody has asked for it to be cancelled.
    pub cancel_asked: bool,
    /// Why it was asked to stop, once it has been.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_reason: Option<StopReason>,
    /// The moment that counts, once it has come. What the job does from then on is clearing up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached: Option<Reached>,
    /// What it left behind.
    pub outcome: Option<Outcome>,
}

impl Job {
    /// How long it has taken so far, or took, in milliseconds. `None` before it has begun.
    #[must_use]
    pub fn took_millis(&self, now: Instant) -> Option<u64> {
        let took = self.ended.unwrap_or(now) - self.began?;
        Some(u64::try_from(took.num_milliseconds()).unwrap_or(0))
    }

    /// How long it took, or has taken until now, from its beginning to its end, in words that say what is in that. `None` of one that
    /// has not begun.
    #[must_use]
    pub fn took_in_words(&self, now: Instant) -> Option<String> {
        let took = measure::millis(self.took_millis(now)?);
        let ended_well = self.state == JobState::Done;
        Some(match self.time_includes().filter(|_| ended_well) {
            Some(included) => format!("{took} in all, {included} included"),
            None => took,
        })
    }

    /// What its time has in it beside what is told of it as an own time: of copying and reading back in a backup, of bringing back in
    /// a drill, of the time until Live has the content. `None` where nothing else is told.
    fn time_includes(&self) -> Option<&'static str> {
        let runs = |phase: Phase| !self.left_out.contains(&phase);
        let hooks = runs(Phase::HooksBefore) || runs(Phase::Hooks);
        match self.kind {
            JobKind::Backup if runs(Phase::HooksBefore) => Some("hooks and retention"),
            JobKind::Backup => Some("retention"),
            JobKind::Drill => Some("preparing, looking through the content and clearing up"),
            JobKind::Restore | JobKind::Undo => Some(match (hooks, runs(Phase::Health)) {
                (true, true) => "hooks, health and clearing up",
                (true, false) => "hooks and clearing up",
                (false, true) => "health and clearing up",
                (false, false) => "clearing up",
            }),
            JobKind::Verify | JobKind::Extract | JobKind::Prune => None,
        }
    }

    /// How a job that was cancelled is told, behind its name: `was cancelled, since …`. The reason is left out where the
    /// Lifeboat that stopped it did not tell one.
    #[must_use]
    pub fn was_cancelled(&self) -> String {
        match &self.stop_reason {
            Some(reason) => format!("was cancelled, since {reason}"),
            None => "was cancelled".to_owned(),
        }
    }

    /// Why it is finished now rather than stopped, in words: it has begun to exchange what is live, or only clears up. `None`
    /// while it can be stopped, and when it has ended.
    #[must_use]
    pub fn past_stopping(&self) -> Option<&'static str> {
        let phase = self.progress.as_ref().map(|progress| progress.phase);
        let is_past = !self.state.has_ended() && phase.is_some_and(|phase| !phase.can_cancel());
        let why = if self.kind.switches_live() {
            "past the switch"
        } else {
            "clearing up"
        };
        is_past.then_some(why)
    }

    /// Whether asking for it to be cancelled would do something.
    #[must_use]
    pub fn can_cancel(&self) -> bool {
        !self.state.has_ended()
            && !self.cancel_asked
            && self
                .progress
                .as_ref()
                .is_none_or(|progress| progress.phase.can_cancel())
    }
}

/// One line of a job's log.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// Counted up from 1 in each job; a reader asks for what came after the last one it has.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// How serious.
    pub severity: Severity,
    /// The text. May hold anything that a hook printed: make it printable before showing it.
    pub text: String,
}
