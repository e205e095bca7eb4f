//! Newer backups than the one that a part is brought back from, and whether they hold that part as well: whoever looks for a
//! lost page goes back as far as he does because the newer ones lack it.
//!
//! Not in here: looking into backups where their records do not say it (`engine::restore`).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::backup::{Backup, BackupId, InstanceCopy, Manifest};
use super::selection::Selection;
use super::shrinking::{Shrunk, shrunk};

/// A newer backup that should be known of before a part of an older one is brought back.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Newer {
    /// The newest one that is known to hold what was chosen.
    Holds(BackupId),
    /// The newest one that may hold it: it was not looked whether it does, since that would have taken too long.
    NotLooked(BackupId),
}

impl Newer {
    /// Which backup it is.
    #[must_use]
    pub fn backup(&self) -> &BackupId {
        match self {
            Self::Holds(backup) | Self::NotLooked(backup) => backup,
        }
    }

    /// What is known of it, as the end of a sentence.
    #[must_use]
    pub fn in_words(&self) -> &'static str {
        match self {
            Self::Holds(_) => "holds what was chosen too",
            Self::NotLooked(_) => "not looked whether it holds what was chosen",
        }
    }
}

/// Whether a newer backup holds what was chosen of an older one. Of several parts the least counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holds {
    /// Some of it is not there.
    No,
    /// Nobody has looked.
    NotLooked,
    /// All of it is there.
    Yes,
}

/// The backups that Live can be brought back to and that are newer than one, the newest first. They are read back and sound,
/// and no safety backups.
#[must_use]
pub fn newer_than<'b>(backups: impl Iterator<Item = &'b Backup>, backup: &Backup) -> Vec<&'b Backup> {
    let taken = backup.manifest.taken;
    let mut newer: Vec<_> = backups
        .filter(|other| other.is_good_of_live() && other.manifest.taken > taken)
        .collect();
    newer.sort_by_key(|other| std::cmp::Reverse((other.manifest.taken, &other.id)));
    newer
}

/// Whether a newer backup holds the chosen workspaces of an older one, as their records say: one that has become less than half
/// does not hold what is looked for, and of one that has changed nobody knows whether something of it is gone.
#[must_use]
pub fn holds_workspaces(older: &Manifest, newer: &Manifest, selection: &Selection) -> Holds {
    let is_chosen = |one: &Shrunk| {
        let all = selection.workspaces.is_empty();
        selection.has_instance(&one.instance)
            && one.part.as_ref().map_or(all, |part| {
                let mut copies = older.instances.iter();
                let copy = copies.find(|copy| copy.name == one.instance);
                let mut tables = copy.into_iter().flat_map(|copy| &copy.tables);
                let table = tables.find(|table| table.name == *part);
                selection.has_workspace(table.map_or(part, |table| &table.workspace))
            })
    };
    if shrunk(older, newer).iter().any(is_chosen) {
        return Holds::No;
    }
    let chosen = older
        .instances
        .iter()
        .filter(|copy| selection.has_instance(&copy.name));
    let each = chosen.flat_map(|copy| {
        let workspaces = copy.workspaces.iter();
        let workspaces = workspaces.filter(|workspace| selection.has_workspace(&workspace.name));
        workspaces.map(|was| {
            let newer = of_newer(newer, copy).filter(|newer| {
                let mut workspaces = newer.workspaces.iter();
                workspaces.any(|is| is.name == was.name)
            });
            match newer {
                None => Holds::No,
                Some(newer) if is_same_workspace(copy, newer, &was.name) => Holds::Yes,
                Some(_) => Holds::NotLooked,
            }
        })
    });
    each.min().unwrap_or(Holds::No)
}

/// What a newer backup has of an instance.
#[must_use]
pub fn of_newer<'m>(newer: &'m Manifest, older: &InstanceCopy) -> Option<&'m InstanceCopy> {
    newer.instances.iter().find(|copy| copy.name == older.name)
}

/// Whether a workspace is the same in both, as their records say. Where this says no, it may be the same all the same.
#[must_use]
pub fn is_same_workspace(older: &InstanceCopy, newer: &InstanceCopy, workspace: &str) -> bool {
    let tables = |copy: &InstanceCopy| -> BTreeSet<(String, String)> {
        let tables = copy.tables.iter().filter(|table| table.workspace == workspace);
        tables
            .map(|table| (table.name.clone(), table.digest.clone()))
            .collect()
    };
    let digest = |copy: &InstanceCopy| {
        let mut workspaces = copy.workspaces.iter();
        let found = workspaces.find(|known| known.name == workspace);
        found.map(|found| found.digest.clone())
    };
    let (was, is) = (tables(older), tables(newer));
    let in_tables = !was.is_empty() || !is.is_empty();
    was == is && (in_tables || digest(older).is_some_and(|was| digest(newer) == Some(was)))
}
