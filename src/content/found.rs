//! What a plan of a restore gathers about instances, of whatever kind: what would change, what it takes, and what is in the
//! way.
//!
//! Not in here: who finds it (`restoring` and the kinds of content).

use std::path::{Path, PathBuf};

use crate::disk::room::free_bytes;
use crate::domain::Instant;
use crate::domain::environment::InstanceName;
use crate::domain::measure;
use crate::domain::os_error::in_words;
use crate::domain::plan::{Room, WorkspaceChange};

/// What a plan has found about instances, of whatever kind.
#[derive(Debug, Default)]
pub struct Found {
    /// What would change.
    pub changes: Vec<WorkspaceChange>,
    /// Room that is needed, by place.
    pub room: Vec<Room>,
    /// Why it cannot be done, as sentences.
    pub obstacles: Vec<String>,
    /// What should be known before it is done, and is still so afterwards.
    pub warnings: Vec<String>,
    /// What should be known before it is done, and concerns only that: how Live stands now, and who is in the way.
    pub beforehand: Vec<String>,
    /// The newest change that was found in Live; nodes in a database do not tell.
    pub newest_change: Option<Instant>,
    /// Whether a restore would change more than the items that are counted.
    pub changes_more: bool,
    /// How many files and folders are staged in which folder so far.
    pub items: Vec<(PathBuf, u64)>,
    /// Instances whose content several nodes share, with the names by which their clusters know those.
    pub clusters: Vec<(InstanceName, Vec<String>)>,
}

impl Found {
    /// Adds what was found about another instance.
    pub fn add(&mut self, other: Self) {
        self.changes.extend(other.changes);
        self.room.extend(other.room);
        self.obstacles.extend(other.obstacles);
        self.warnings.extend(other.warnings);
        self.beforehand.extend(other.beforehand);
        self.items.extend(other.items);
        self.clusters.extend(other.clusters);
        self.newest_change = self.newest_change.max(other.newest_change);
        self.changes_more |= other.changes_more;
    }

    /// Whether a restore would change nothing at all, as far as the comparison sees.
    #[must_use]
    pub fn changes_nothing(&self) -> bool {
        let is_same = self.changes.iter().all(WorkspaceChange::is_unchanged);
        is_same && !self.changes.is_empty() && !self.changes_more
    }

    /// Adds room that is needed in a folder, and says where it is too little.
    pub fn push_room(&mut self, purpose: String, folder: &Path, needed: u64) {
        if let Err(why) = self.add_room(purpose, folder, needed, needed) {
            self.warnings.push(why);
        }
    }

    /// The same where `in_all` has to be free there, together with what others need.
    ///
    /// # Errors
    /// That nobody can tell how much is free, as a sentence.
    pub fn add_room(
        &mut self,
        purpose: String,
        folder: &Path,
        needed: u64,
        in_all: u64,
    ) -> Result<(), String> {
        let free = free_bytes(folder).map_err(|why| in_words(&why))?;
        let place = folder.display().to_string();
        if free < in_all {
            self.obstacles.push(format!(
                "{} are needed in {place} and {} are free",
                measure::bytes(in_all),
                measure::bytes(free)
            ));
        }
        self.room.push(Room {
            purpose,
            folder: place,
            needed,
            free,
        });
        Ok(())
    }
}
