//! A backup: one consistent copy of every workspace of every instance of a Live environment, with both versions.
//!
//! [`Manifest`] is the record that travels inside the repository with the content, so that a new machine with the
//! repository's address and key shows the same backups (rule 15). [`Backup`] is that record as read back, together
//! with what is known about it from outside: when it was last verified.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Instant;
use super::ahead::JUMP;
use super::environment::{EnvironmentName, InstanceName, Role, WorkspaceKind};
use super::measure;
use super::pin::Pin;
use super::plan::Selection;
use super::principal::Principal;
use super::proof::Drill;
use super::shrinking::Less;
use super::slot::Slot;
use super::version::{MagnoliaVersion, Versions};

pub use super::choice::{ChoiceError, choose};

/// The id of a backup: the id of its snapshot in the repository, 64 hexadecimal digits.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BackupId(pub String);

impl BackupId {
    /// The first eight digits: what screens show and `restic snapshots` prints.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..8).unwrap_or(&self.0)
    }
}

impl fmt::Display for BackupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.short())
    }
}

/// The word for backups between the daily ones, and for the newest of them.
pub(super) const RECENT: &str = "recent";
/// The word for the newest good backup of Live, whatever it was made for.
pub(super) const LATEST: &str = "latest";

/// What made a backup.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trigger {
    /// The schedule: fills automatic slots.
    Schedule,
    /// A person: fills the manual slot.
    Person,
    /// An upgrade of Magnolia: stands outside the four slots and expires (rule 6).
    Upgrade {
        /// The version that Live is about to be upgraded to.
        to: MagnoliaVersion,
    },
    /// A restore: its safety backup, which undo goes back to (rule 10).
    Restore,
}

impl Trigger {
    /// What a backup that it made is called: `manual`, `upgrade`.
    #[must_use]
    pub fn names(&self) -> &'static str {
        match self {
            Self::Schedule => "scheduled",
            Self::Person => "manual",
            Self::Upgrade { .. } => "upgrade",
            Self::Restore => "safety",
        }
    }

    /// The word for it, on screens and in tags.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Person => "person",
            Self::Upgrade { .. } => "upgrade",
            Self::Restore => "restore",
        }
    }
}

/// One period that a scheduled backup serves.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Served {
    /// The slot.
    pub slot: Slot,
    /// When the slot became due in this period; also names the period.
    pub due: Instant,
    /// Whether the backup was begun only after that period's window had closed.
    pub late: bool,
}

/// One workspace of one instance in a backup.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceCopy {
    /// The workspace's name, as the content names it.
    pub name: String,
    /// Configuration or content.
    pub kind: WorkspaceKind,
    /// Files, links and folders below the workspace (for databases: nodes).
    pub items: u64,
    /// Bytes of content, before compression and deduplication.
    pub bytes: u64,
    /// SHA-256, in hexadecimal, over every item's path, kind, permissions, time and content, in order. Verification
    /// works it out again from what the repository holds and compares.
    pub digest: String,
}

/// One table of an instance in a backup. Only databases have them.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCopy {
    /// Its name, as the database has it.
    pub name: String,
    /// The workspace, or the part of the whole, that it belongs to.
    pub workspace: String,
    /// Rows.
    pub rows: u64,
    /// Bytes of the rows, in PostgreSQL's binary COPY form.
    pub bytes: u64,
    /// The sum over the XXH3 (128 bits) of every row, in hexadecimal, whatever order they are in. In records of the first
    /// form, and where the database stands beside folders, over their SHA-256: 64 digits and not 32. A restore works it out
    /// again from the table that it has loaded, and compares.
    pub digest: String,
}

/// One instance in a backup.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceCopy {
    /// The instance's name.
    pub name: InstanceName,
    /// What it does.
    pub role: Role,
    /// When reading it began.
    pub began: Instant,
    /// When the last of its content had been read.
    pub ended: Instant,
    /// Its workspaces, by name.
    pub workspaces: Vec<WorkspaceCopy>,
    /// Its tables, if it is a database.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tables: Vec<TableCopy>,
    /// What stood beside the workspaces or could not be kept (sockets, devices), as sentences for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
    /// What stood beside the workspaces and is in no backup by its nature (tables that are not Jackrabbit's, the journal of a
    /// cluster), as sentences for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_alone: Vec<String>,
    /// What was read for this backup and is not what it says that it is (records of a data store), as sentences. What was
    /// known from an earlier backup was not read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doubts: Vec<String>,
}

/// The backup that content had come from.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CameFrom {
    /// Its id, then.
    pub backup: BackupId,
    /// When it was taken.
    pub taken: Instant,
}

impl fmt::Display for CameFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "backup {} of {}", self.backup, measure::moment(self.taken))
    }
}

/// The record of a backup inside the repository.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The form of this record; see [`Manifest::FORMAT`].
    pub format: u32,
    /// The Live environment.
    pub environment: EnvironmentName,
    /// When the copy was begun. A backup's age counts from here.
    pub taken: Instant,
    /// How long reading and storing took, in milliseconds.
    pub copy_millis: u64,
    /// How long reading it back took, in milliseconds.
    pub verify_millis: u64,
    /// What made it.
    pub trigger: Trigger,
    /// Who asked for it: a person's name, or `schedule`.
    pub by: Principal,
    /// Why, in the words of whoever asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The versions that belong to its content: what ran in Live when the copy was taken. Of a safety backup of what a restore had
    /// brought back, those of the backup that it came from.
    pub versions: Versions,
    /// What ran in Live when the copy was taken, where that was something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ran: Option<Versions>,
    /// For safety backups: the backup that what the restore was about to replace had come from, by the restore or undo before.
    /// `None` where none had brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub came_from: Option<CameFrom>,
    /// The slots that it was taken for. Empty for upgrade and safety backups.
    pub slots: Vec<Slot>,
    /// For scheduled backups: the periods that it serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub serves: Vec<Served>,
    /// Upgrade and safety backups are kept until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<Instant>,
    /// That somebody keeps it on purpose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin: Option<Pin>,
    /// For safety backups: which part of Live the restore was about to replace, so that undo puts back that part and
    /// leaves later work elsewhere alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaced: Option<Selection>,
    /// Bytes that this backup added to the repository, as stored.
    pub added_bytes: u64,
    /// Since when all of it had been read back, where a part of it is shared with earlier backups and was last read before
    /// this one was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_since: Option<Instant>,
    /// The ids that it had before, the first one first: a pin and an extension give it another. Whoever has noted one of
    /// them still finds it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<BackupId>,
    /// What it holds.
    pub instances: Vec<InstanceCopy>,
}

impl InstanceCopy {
    /// Items over all workspaces.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.workspaces.iter().map(|workspace| workspace.items).sum()
    }

    /// Bytes over all workspaces.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.workspaces.iter().map(|workspace| workspace.bytes).sum()
    }
}

impl Manifest {
    /// The form of the record that this version of Lifeboat writes. It reads the earlier ones too: in the first, the
    /// digests of tables were made another way (see [`TableCopy::digest`]).
    pub const FORMAT: u32 = 2;
    /// The form of the record of a pinned backup. A Lifeboat that does not know of pins leaves such a record alone, and so
    /// the backup with it: it would drop it otherwise.
    pub const PINNED_FORMAT: u32 = 3;

    /// Notes an id that it had before, unless it is noted already.
    pub fn was_called(&mut self, id: BackupId) {
        if !self.earlier.contains(&id) {
            self.earlier.push(id);
        }
    }

    /// Sets or takes away a pin, and with it the form of the record.
    pub fn set_pin(&mut self, pin: Option<Pin>) {
        self.format = match pin {
            Some(_) => Self::PINNED_FORMAT,
            // An earlier form says how the digests were made.
            None => self.format.min(Self::FORMAT),
        };
        self.pin = pin;
    }

    /// Whether it was made between the daily ones, outside the slots ([`super::recent`]).
    #[must_use]
    pub fn is_recent(&self) -> bool {
        self.trigger == Trigger::Schedule && self.slots.is_empty()
    }

    /// Whether it stands in line with others of its kind: those of slots, and those between the daily ones. Upgrade and
    /// safety backups stand alone.
    #[must_use]
    pub fn is_in_line(&self) -> bool {
        !self.slots.is_empty() || self.is_recent()
    }

    /// What it is called: its slots, or what made it.
    #[must_use]
    pub fn called(&self) -> String {
        if self.is_recent() {
            return RECENT.to_owned();
        }
        if self.slots.is_empty() {
            return self.trigger.names().to_owned();
        }
        let slots: Vec<_> = self.slots.iter().map(|slot| slot.label()).collect();
        slots.join(", ")
    }

    /// When it was complete.
    #[must_use]
    pub fn ended(&self) -> Instant {
        let took = self.copy_millis.saturating_add(self.verify_millis);
        i64::try_from(took)
            .ok()
            .and_then(chrono::TimeDelta::try_milliseconds)
            .and_then(|took| self.taken.checked_add_signed(took))
            .unwrap_or(self.taken)
    }

    /// Items over all instances and workspaces.
    #[must_use]
    pub fn items(&self) -> u64 {
        self.instances.iter().map(InstanceCopy::items).sum()
    }

    /// How long copying Live and reading the copy back took, in milliseconds.
    #[must_use]
    pub fn took_millis(&self) -> u64 {
        self.copy_millis.saturating_add(self.verify_millis)
    }

    /// Bytes over all instances and workspaces.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.instances.iter().map(InstanceCopy::bytes).sum()
    }

    /// Since when all of it has been read back: from the reading of it that is the longest ago. The record is written only
    /// after that.
    #[must_use]
    pub fn read_back(&self) -> Instant {
        self.read_since.unwrap_or_else(|| self.ended())
    }

    /// The time between the instances' copies, in milliseconds: from the first instance's beginning to the last one's
    /// beginning. Zero for one instance.
    #[must_use]
    pub fn spread_millis(&self) -> u64 {
        let begins = || self.instances.iter().map(|instance| instance.began);
        match (begins().min(), begins().max()) {
            (Some(first), Some(last)) => u64::try_from((last - first).num_milliseconds()).unwrap_or(0),
            _ => 0,
        }
    }
}

/// What is known of a backup's soundness.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Verification {
    /// Never read back, or its record is unreadable.
    Unverified,
    /// Read back whole, and every digest was right.
    Verified {
        /// When.
        at: Instant,
    },
    /// Reading it back found damage.
    Damaged {
        /// When.
        at: Instant,
        /// What was wrong, as a sentence.
        why: String,
    },
}

/// A backup, as cockpits see it. Every backup in a repository is complete: an unfinished one never gets a record.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backup {
    /// Its id.
    pub id: BackupId,
    /// Its record.
    #[serde(flatten)]
    pub manifest: Manifest,
    /// Since when all of it has been read back, and with what result.
    pub verification: Verification,
    /// The last drill of it. `None` when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Drill>,
    /// Whether it says that it was taken later than it is now ([`super::ahead`]): a clock is or was wrong.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dated_ahead: bool,
    /// That it holds so much less than one before it that it may be a copy of a broken Live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub less: Option<Less>,
}

impl Backup {
    /// Which it is, where it is not chosen from a list: `backup 3b90aa17 (daily)`.
    #[must_use]
    pub fn named(&self) -> String {
        format!("backup {} ({})", self.id, self.manifest.called())
    }

    /// Whether it has this id, or had it before its record was changed.
    #[must_use]
    pub fn answers_to(&self, id: &BackupId) -> bool {
        self.id == *id || self.manifest.earlier.contains(id)
    }

    /// Whether it counts: it is sound, and not dated ahead of the clock.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.is_sound() && !self.dated_ahead
    }

    /// Whether it counts, and was taken to be gone back to: a safety backup has what a restore has replaced, which was
    /// wrong more often than not. What is proven without anybody naming it is one of these.
    #[must_use]
    pub fn is_good_of_live(&self) -> bool {
        self.is_good() && self.manifest.trigger != Trigger::Restore
    }

    /// Whether it can be relied on, however old it is: it was read back and nothing was wrong, and the last drill of it,
    /// if there was any, has found nothing that did not come back.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        matches!(self.verification, Verification::Verified { .. })
            && !self.drill.as_ref().is_some_and(Drill::has_failed)
    }

    /// Whether it was made between the daily ones, outside the slots.
    #[must_use]
    pub fn is_recent(&self) -> bool {
        self.manifest.is_recent()
    }

    /// Whether it is known that it cannot be relied on: it was found damaged, or did not come back whole in a drill.
    #[must_use]
    pub fn is_bad(&self) -> bool {
        matches!(self.verification, Verification::Damaged { .. })
            || self.drill.as_ref().is_some_and(Drill::has_failed)
    }

    /// Whether it was taken for the slot.
    #[must_use]
    pub fn is_for(&self, slot: Slot) -> bool {
        self.manifest.slots.contains(&slot)
    }

    /// Whether an expiry still holds it at `now`.
    #[must_use]
    pub fn is_held_by_expiry(&self, now: Instant) -> bool {
        self.manifest.expires.is_some_and(|expires| expires > now)
    }

    /// The pin that keeps it at `now`, if one does.
    #[must_use]
    pub fn pinned(&self, now: Instant) -> Option<&Pin> {
        self.manifest.pin.as_ref().filter(|pin| pin.holds(now))
    }

    /// Whether retention leaves it alone for a pin at `now`. That is for longer than the pin holds: a clock that jumps by less
    /// than [`JUMP`] is not seen, and ends no pin either.
    #[must_use]
    pub fn is_left_for_its_pin(&self, now: Instant) -> bool {
        // From the clock's side: a pin may end at the end of all time.
        let pin = self.manifest.pin.as_ref();
        pin.is_some_and(|pin| pin.holds(now - JUMP))
    }

    /// Whether any period was served late.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.manifest.serves.iter().any(|served| served.late)
    }
}
