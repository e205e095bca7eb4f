//! What a cockpit shows of an environment: a summary for the list of all, and the details of one.

use serde::{Deserialize, Serialize};

use super::Instant;
use super::approval::Asked;
use super::backup::{Backup, BackupId};
use super::copies::Copies;
use super::environment::{EnvironmentKind, EnvironmentName, Instance, InstanceName};
use super::job::{Job, JobId};
use super::plan::{Selection, Stopping};
use super::principal::Principal;
use super::proof::Drill;
use super::recent::Recent;
use super::schedule::Schedule;
use super::slot::{Keep, Slot};
use super::target::Standing;
use super::undoing::UndoOf;
use super::version::Versions;

/// Something about an environment that makes jobs wait or be refused (rule 9), with the reason in somebody's words.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Why.
    pub reason: Option<String>,
    /// Since when.
    pub since: Instant,
    /// Who set it.
    pub by: Principal,
}

/// One slot at a glance.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotState {
    /// The slot.
    pub slot: Slot,
    /// When its newest holder was taken. `None` for an empty slot.
    pub taken: Option<Instant>,
    /// Whether its holder was taken late, or it is due and past its window now.
    pub late: bool,
}

/// One environment in the list of all.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentSummary {
    /// Its name.
    pub name: EnvironmentName,
    /// What it is for.
    pub kind: EnvironmentKind,
    /// The four slots, in order. Empty for environments without backups.
    pub slots: Vec<SlotState>,
    /// When the newest good backup was taken that people go back to: no safety backup, which has what a restore has replaced.
    pub newest: Option<Instant>,
    /// How many of its backups were found damaged, or did not come back whole in a drill.
    #[serde(default, skip_serializing_if = "is_none_of_them")]
    pub bad: usize,
    /// Since when all that the backups hold has been read back: the oldest of their verifications.
    #[serde(default)]
    pub last_verified: Option<Instant>,
    /// The last drill, whatever it showed.
    #[serde(default)]
    pub last_drill: Option<Drill>,
    /// The last drill that brought everything back: how long a restore will take. One of a backup that a later drill did
    /// not bring back, or of a safety backup, proves nothing.
    #[serde(default)]
    pub last_proven: Option<Drill>,
    /// How its targets stand. Empty where none are set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Standing>,
    /// A restore that waits until another owner agrees.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Box<Asked>>,
    /// Whether an automatic slot is due and its window has closed.
    pub late: bool,
    /// Whether the last backup, restore or verification that ended had failed, with its sentence.
    pub failed: Option<String>,
    /// The job that runs or waits.
    pub job: Option<Job>,
    /// Maintenance mode: jobs wait.
    pub maintenance: Option<Hold>,
    /// Protection: restores are refused.
    pub protection: Option<Hold>,
    /// Something that needs a person now, as a sentence with what to do: content half switched, the repository out of
    /// reach.
    pub trouble: Option<String>,
    /// Whether its repository has not been read yet since the start: what comes from there is not known, and told by an
    /// event when it is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unread: bool,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde wants it so")]
fn is_none_of_them(count: &usize) -> bool {
    *count == 0
}

impl EnvironmentSummary {
    /// One of which nothing is known yet but that it is there.
    #[must_use]
    pub fn unread(name: EnvironmentName, kind: EnvironmentKind) -> Self {
        Self {
            name,
            kind,
            slots: Vec::new(),
            newest: None,
            bad: 0,
            last_verified: None,
            last_drill: None,
            last_proven: None,
            targets: Vec::new(),
            asked: None,
            late: false,
            failed: None,
            job: None,
            maintenance: None,
            protection: None,
            trouble: None,
            unread: kind.is_recoverable(),
        }
    }
}

/// How one automatic slot stands.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotSchedule {
    /// The slot.
    pub slot: Slot,
    /// When it is due next. `None` when the schedule is off.
    pub next: Option<Instant>,
    /// Whether it is due now.
    pub due: bool,
    /// When it was last served, and whether late.
    pub last_served: Option<Instant>,
    /// Whether that was late.
    pub last_late: bool,
}

/// Tables that a restore has replaced, and that stay in the database for a while.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplacedTables {
    /// The instance.
    pub instance: InstanceName,
    /// The schema that they are in.
    pub schema: String,
    /// The restore.
    pub job: JobId,
    /// When that was.
    pub at: Instant,
    /// Until when they stay, unless the outcome is confirmed before.
    pub expires: Instant,
    /// Bytes on the database's disk.
    pub bytes: u64,
    /// Which part of Live that restore was about.
    #[serde(default)]
    pub selection: Selection,
    /// Whether that restore added to the version storage: an exchange would then take back only a part of it.
    #[serde(default)]
    pub merged_versions: bool,
}

/// How undo would go back.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum UndoWay {
    /// By an exchange with the tables that a restore replaced. That takes a moment.
    Exchange {
        /// The restore.
        job: JobId,
        /// When the tables were replaced.
        at: Instant,
        /// Until when they stay.
        until: Instant,
    },
    /// By a restore of the safety backup that a restore took.
    Safety {
        /// The safety backup.
        backup: BackupId,
    },
}

impl UndoWay {
    /// What it is, in a few words.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Exchange { .. } => "an exchange with the replaced tables: it takes a moment",
            Self::Safety { .. } => "a restore of the safety backup",
        }
    }
}

/// What is known before an undo of what it does.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct BeforeUndo {
    /// Which restore it undoes, what it puts back, and what becomes of what was changed since, as sentences without their ends.
    /// Empty from an older Lifeboat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub puts_back: Vec<String>,
    /// Which restore or undo it takes back. `None` from an older Lifeboat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_of: Option<UndoOf>,
    /// Who stops Magnolia before it and starts it afterwards.
    #[serde(default, skip_serializing_if = "Stopping::is_nothing")]
    pub stopping: Stopping,
    /// What should be known before it is done, as sentences: what was written since into nodes, folders and files that the last
    /// restore brought back (nothing, where it brought back more than these), or that it cannot be told; and that the versions of
    /// what it puts back are not those that run now.
    pub written: Vec<String>,
}

/// One environment in full.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvironmentDetails {
    /// What the list shows.
    pub summary: EnvironmentSummary,
    /// Its instances.
    pub instances: Vec<Instance>,
    /// What runs in it now. `None` when it could not be read; `versions_problem` says why.
    pub versions: Option<Versions>,
    /// Why the versions could not be read.
    pub versions_problem: Option<String>,
    /// When its automatic slots are filled.
    pub schedule: Schedule,
    /// The environment's own minute in the window, counted from its start.
    pub minute_in_window: u16,
    /// How many backups each slot keeps.
    pub keep: Keep,
    /// Whether a restore waits until another owner agrees.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub approve: bool,
    /// How each automatic slot stands.
    pub slot_schedules: Vec<SlotSchedule>,
    /// The backups between the daily ones. `None` where none are made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recent: Option<Recent>,
    /// How the last scheduled backup ended.
    pub last_scheduled: Option<Job>,
    /// When backups are read back next. `None` when that is off.
    #[serde(default)]
    pub next_verify: Option<Instant>,
    /// When a backup is drilled next. `None` when that is off.
    #[serde(default)]
    pub next_drill: Option<Instant>,
    /// All its backups, newest first.
    pub backups: Vec<Backup>,
    /// The backup that undo would go back to.
    pub undo: Option<BackupId>,
    /// Tables that restores have replaced and that still stand: undo is an exchange with the newest of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replaced: Vec<ReplacedTables>,
    /// How undo would go back; `None` when there is nothing to go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_way: Option<UndoWay>,
    /// Which restore or undo an undo would take back. `None` when there is nothing to undo, and from an older Lifeboat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo_of: Option<UndoOf>,
    /// Where its backups are kept, for people.
    pub repository: String,
    /// The second repository. `None` when none is configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copies: Option<Copies>,
}

impl EnvironmentDetails {
    /// All its backups: those of the first repository, and after them those that only the second one has.
    pub fn all_backups(&self) -> impl Iterator<Item = &Backup> {
        self.backups.iter().chain(self.only_copied())
    }

    /// The backups that only the second repository has, newest first: what they are copies of has been dropped, or the first
    /// repository is out of reach, or they are safety backups that had to go there.
    pub fn only_copied(&self) -> impl Iterator<Item = &Backup> {
        let copies = self.copies.iter().flat_map(|copies| &copies.backups);
        copies
            .filter(|copy| self.backups.iter().all(|backup| backup.id != copy.of))
            .map(|copy| &copy.backup)
    }

    /// Whether only the second repository has this backup.
    #[must_use]
    pub fn is_only_copied(&self, id: &BackupId) -> bool {
        self.only_copied().any(|backup| backup.answers_to(id))
    }

    /// Whether what the first repository holds is not known: it is out of reach, or its records are.
    #[must_use]
    pub fn hides_backups(&self) -> bool {
        self.summary.trouble.is_some() && self.backups.is_empty()
    }
}
