//! Restore plans: what a restore would do, worked out beforehand without touching Live (rule 12).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Instant;
use super::backup::{Backup, InstanceCopy};
use super::environment::EnvironmentName;
use super::measure;
use super::newer::Newer;
pub use super::selection::{PartError, Reach, Selection};
use super::settings::RepositoryChoice;
pub use super::stopping::Stopping;
use super::version::Versions;
pub use super::workspace_change::{ItemChange, WorkspaceChange};

/// The id of a restore plan: a random text that nobody can guess.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlanId(pub String);

impl PlanId {
    /// An id out of random bytes.
    #[must_use]
    pub fn of_random(bytes: [u8; 16]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(bytes)))
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Room on one file system that the restore writes to.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// What the room is for: `staging beside author`, `safety backup in the repository`.
    pub purpose: String,
    /// The folder that was asked.
    pub folder: String,
    /// Bytes that the restore needs there at most.
    pub needed: u64,
    /// Bytes that are free there.
    pub free: u64,
}

impl Room {
    /// Whether there is enough.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        self.free >= self.needed
    }
}

/// How long the restore should take, and what that is based on.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedTime {
    /// Milliseconds until Live has the content, safety backup included where one is taken.
    pub millis: u64,
    /// From how many past restores of this environment it was worked out. With none, and without a drill, it is judged by how
    /// long the backup took to take.
    pub past_jobs: u64,
    /// When the drill was that it was worked out from, if it was: measured, and better than what past restores took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drill: Option<Instant>,
}

impl ExpectedTime {
    /// How long it takes, until when, and what that is based on, in words, at `now`.
    #[must_use]
    pub fn in_words(&self, without_safety: bool, now: Instant) -> String {
        let safety = if without_safety { "left out" } else { "included" };
        let basis = match (self.drill, self.past_jobs) {
            (Some(at), _) => format!("measured by a drill {} ago", measure::between(at, now)),
            (None, 0) => "judged by how long the backup took to take".to_owned(),
            (None, many) => format!(
                "judged by {}",
                measure::so_many(many, "past restore", "past restores")
            ),
        };
        format!(
            "about {} until Live has the content, safety backup {safety} ({basis})",
            measure::millis(self.millis)
        )
    }
}

/// What a restore would do.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the interface")]
pub struct RestorePlan {
    /// Its id: a restore is started by naming the plan that was looked at.
    pub id: PlanId,
    /// The environment that would be restored.
    pub environment: EnvironmentName,
    /// The backup.
    pub backup: Backup,
    /// Which part of it.
    pub selection: Selection,
    /// Whether the safety backup would be left out.
    #[serde(default)]
    pub without_safety: bool,
    /// Whether everything is put back also where nothing would change.
    #[serde(default)]
    pub even_if_unchanged: bool,
    /// Whether nothing at all would change, as far as the comparison sees.
    #[serde(default)]
    pub changes_nothing: bool,
    /// Which of the two repositories the backup comes from.
    #[serde(default)]
    pub from: RepositoryChoice,
    /// When the plan was made. Live goes on changing after that.
    pub made: Instant,
    /// Per instance and workspace, in order.
    pub changes: Vec<WorkspaceChange>,
    /// The newest change found in Live that the restore would undo, if it is later than the backup: work since then
    /// is lost (and is in the safety backup).
    pub newest_change: Option<Instant>,
    /// Of an undo: that nothing was written since into what it takes back, so that all that it changes is what had been brought.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub nothing_written: bool,
    /// Of a part: a newer backup that holds what was chosen as well, or may. `None` where none is known to hold it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer: Option<Newer>,
    /// What runs in Live now.
    pub versions_now: Versions,
    /// How long it should take. `None` as long as there is nothing to judge by.
    pub expected: Option<ExpectedTime>,
    /// Whether there is room, per file system.
    pub room: Vec<Room>,
    /// What makes the restore impossible, as sentences. Empty when it can be done.
    pub obstacles: Vec<String>,
    /// What should be known before it is done, as sentences, each once: first what somebody has to do about Magnolia.
    pub warnings: Vec<String>,
    /// Who stops Magnolia before it and starts it afterwards.
    #[serde(default, skip_serializing_if = "Stopping::is_nothing")]
    pub stopping: Stopping,
}

/// What a comparison of Live with a backup does not see, as a sentence.
const COMPARED: &str = "Files are compared by their kind, size, time and permissions: one that is damaged and has kept \
                        these is not seen.";

/// What a comparison of Live with the chosen part of a backup does not see, as a sentence. `None` where none of it is in
/// files: rows are compared as they are.
#[must_use]
pub fn how_compared(backup: &Backup, selection: &Selection) -> Option<&'static str> {
    let has_files = |copy: &InstanceCopy| {
        let mut workspaces = copy.workspaces.iter();
        workspaces.any(|workspace| {
            let is_table = copy.tables.iter().any(|table| table.workspace == workspace.name);
            !is_table && (selection.has_paths() || selection.has_workspace(&workspace.name))
        })
    };
    let chosen = |copy: &&InstanceCopy| selection.has_instance(&copy.name);
    let mut chosen = backup.manifest.instances.iter().filter(chosen);
    chosen.any(has_files).then_some(COMPARED)
}

/// What of the work in Live a restore would take away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkLost {
    /// In words. Whoever shows a plan says these.
    pub words: String,
    /// Whether any is lost, or may be.
    pub is_any: bool,
}

impl RestorePlan {
    /// Whether the restore would find nothing to do, say so and end.
    #[must_use]
    pub fn ends_at_once(&self) -> bool {
        self.changes_nothing && !self.even_if_unchanged
    }

    /// Whether what was compared is known to be all that was chosen: where something is in the way, parts may be left out.
    #[must_use]
    pub fn compares_all(&self) -> bool {
        self.obstacles.is_empty() && !self.changes.is_empty()
    }

    /// Whether nothing that is in Live is lost, as far as the comparison sees: everything in it is as in the backup.
    #[must_use]
    pub fn loses_nothing(&self) -> bool {
        self.compares_all()
            && (self.changes_nothing || self.changes.iter().all(WorkspaceChange::is_unchanged))
    }

    /// What of the work in Live would be lost, of what was chosen.
    #[must_use]
    pub fn work_lost(&self) -> WorkLost {
        let none = |words: &str| WorkLost {
            words: words.to_owned(),
            is_any: false,
        };
        let some = |words: String| WorkLost { words, is_any: true };
        let (_, changed, removed) = self.totals();
        let is_part = !self.selection.is_everything();
        let what = if is_part { "what was chosen" } else { "Live" };
        if self.changes_nothing {
            return none(&format!("none: {what} is the same as the backup"));
        }
        if self.nothing_written {
            return none("none: nothing was changed in Live since the restore that this takes back");
        }
        if !self.compares_all() && changed + removed == 0 {
            return none("not known: not all of it could be compared");
        }
        if changed + removed == 0 {
            return none("none: no item that Live has is changed or removed");
        }
        let Some(lost) = self.work_lost_millis().map(measure::millis) else {
            return some("nobody can tell: the backup is dated in the future".to_owned());
        };
        // Of a part it is known how much of it was changed: the time since the backup would tell of all the rest.
        let counted = || {
            let all = [(changed, "changed"), (removed, "added")];
            let there = all.into_iter().filter(|(count, _)| *count > 0);
            let said: Vec<_> = there
                .map(|(count, how)| format!("{} {how}", measure::items(count)))
                .collect();
            format!("{} in {what} since the backup", measure::listed(&said))
        };
        match self.newest_change {
            Some(newest) if is_part && self.has_no_times() => some(format!(
                "{}, last in folders {}; of rows nobody can tell when",
                counted(),
                measure::moment(newest)
            )),
            Some(newest) if is_part => some(format!("{}, last {}", counted(), measure::moment(newest))),
            Some(newest) => some(format!(
                "{lost} of work: Live last changed {}",
                measure::moment(newest)
            )),
            None if self.has_no_times() && is_part => {
                some(format!("{}, and nobody can tell when", counted()))
            }
            None if self.has_no_times() => some(format!(
                "up to {lost}: whatever was changed in {what} since the backup, and nobody can tell when it last was"
            )),
            None if is_part => none("none: no change of what was chosen since the backup was found in Live"),
            None => none(&format!(
                "none of the last {lost}: no change since the backup was found in Live"
            )),
        }
    }

    /// Whether some of what was chosen is in tables: their rows do not say when they were changed.
    fn has_no_times(&self) -> bool {
        let mut copies = self.backup.manifest.instances.iter();
        copies.any(|copy| self.selection.has_instance(&copy.name) && !copy.tables.is_empty())
    }

    /// How much time's work is lost, in milliseconds: from the backup to now. `None` when nobody can tell, because the
    /// backup is dated ahead of the clock.
    #[must_use]
    pub fn work_lost_millis(&self) -> Option<u64> {
        let lost = self.made - self.backup.manifest.taken;
        (!self.backup.dated_ahead).then(|| u64::try_from(lost.num_milliseconds()).unwrap_or(0))
    }

    /// What a plan of the same restore that was made `later` would do otherwise than this one, as far as it matters to
    /// whoever has looked at this one: each as a sentence without its end.
    #[must_use]
    pub fn differences(&self, later: &Self) -> Vec<String> {
        let mut told = Vec::new();
        if self.backup.manifest.instances != later.backup.manifest.instances {
            told.push(format!("backup {} holds something else", later.backup.id));
        }
        if (&self.selection, self.without_safety, self.from)
            != (&later.selection, later.without_safety, later.from)
        {
            told.push("another part of it, or in another way".to_owned());
        }
        for change in &later.changes {
            let is_same = |other: &&WorkspaceChange| {
                (&other.instance, &other.workspace) == (&change.instance, &change.workspace)
            };
            told.extend(change.differs_from(self.changes.iter().find(is_same)));
        }
        let is_gone = |change: &&WorkspaceChange| {
            let mut later = later.changes.iter();
            !later.any(|other| (&other.instance, &other.workspace) == (&change.instance, &change.workspace))
        };
        told.extend(
            self.changes
                .iter()
                .filter(is_gone)
                .map(|gone| format!("{} {}: it is left out", gone.instance, gone.workspace)),
        );
        // What was changed already was changed again, or nobody could say before.
        if told.is_empty()
            && let Some(at) = later
                .newest_change
                .filter(|_| self.newest_change != later.newest_change)
        {
            told.push(format!("somebody has changed Live at {}", measure::moment(at)));
        }
        let (were, are) = (&self.versions_now, &later.versions_now);
        if were != are {
            told.push(format!(
                "release {} and Magnolia {} run now, and {} and {} did",
                are.release, are.magnolia, were.release, were.magnolia
            ));
        }
        let fresh = later.obstacles.iter().filter(|why| !self.obstacles.contains(why));
        told.extend(fresh.cloned());
        told
    }

    /// What the comparison does not see, as a sentence, if there is such a thing.
    #[must_use]
    pub fn how_compared(&self) -> Option<&'static str> {
        how_compared(&self.backup, &self.selection)
    }

    /// What would come back, be turned back and be taken away, in words without an end. What none of them is said of is left out.
    #[must_use]
    pub fn changed_in_words(&self) -> String {
        let (added, changed, removed) = self.totals();
        let all = [
            (added, "comes back", "come back"),
            (changed, "is turned back", "are turned back"),
            (removed, "is taken away", "are taken away"),
        ];
        let there = all.into_iter().filter(|(count, ..)| *count > 0);
        let said: Vec<_> = there
            .enumerate()
            .map(|(place, (count, one, many))| {
                let items = if place == 0 {
                    measure::items(count)
                } else {
                    measure::count(count)
                };
                format!("{items} {}", if count == 1 { one } else { many })
            })
            .collect();
        if said.is_empty() {
            return "no item changes".to_owned();
        }
        said.join(", ")
    }

    /// Items added, changed and removed over all workspaces.
    #[must_use]
    pub fn totals(&self) -> (u64, u64, u64) {
        self.changes.iter().fold((0, 0, 0), |sum, change| {
            (
                sum.0 + change.added,
                sum.1 + change.changed,
                sum.2 + change.removed,
            )
        })
    }

    /// Whether the release differs between the backup and what runs now.
    #[must_use]
    pub fn release_differs(&self) -> bool {
        self.backup.manifest.versions.release != self.versions_now.release
    }

    /// Whether the Magnolia version differs between the backup and what runs now.
    #[must_use]
    pub fn magnolia_differs(&self) -> bool {
        self.backup.manifest.versions.magnolia != self.versions_now.magnolia
    }
}
