//! What a restore changes in one workspace of one instance: how many items, and which for example.

use serde::{Deserialize, Serialize};

use super::environment::{InstanceName, WorkspaceKind};
use super::examples;
use super::measure;

/// What a restore does to one item.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemChange {
    /// It comes back.
    Added,
    /// It goes back to what it was.
    Changed,
    /// It goes.
    Removed,
}

impl ItemChange {
    /// The word that stands above its number, too.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }
}

/// What would change in one workspace of one instance.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceChange {
    /// The instance.
    pub instance: InstanceName,
    /// The workspace.
    pub workspace: String,
    /// Configuration or content.
    pub kind: WorkspaceKind,
    /// Items that are in the backup and not in Live: they come back.
    pub added: u64,
    /// Items that differ: they go back to what they were.
    pub changed: u64,
    /// Items that are in Live and not in the backup: they go.
    pub removed: u64,
    /// Items that are the same.
    pub unchanged: u64,
    /// Bytes of the workspace in the backup.
    pub bytes: u64,
    /// Up to five paths of items that change, below the workspace, as examples.
    pub examples: Vec<String>,
    /// What becomes of each of the examples, in their order. Empty where they say so themselves, and in a plan of an older Lifeboat.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub example_changes: Vec<ItemChange>,
    /// How much below each of the examples comes or goes with it, in their order. Empty where that is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub example_below: Vec<u64>,
}

impl WorkspaceChange {
    /// Whether the restore would change nothing in it.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        self.size() == 0
    }

    /// How many items the restore changes in it.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.added + self.changed + self.removed
    }

    /// The examples, each with what becomes of it where that is not in its own words, and with how much is below it.
    pub fn named(&self) -> impl Iterator<Item = (Option<ItemChange>, String)> {
        let changes = self.example_changes.iter().copied().map(Some);
        let changes = changes.chain(std::iter::repeat(None));
        let below = self.example_below.iter().copied().chain(std::iter::repeat(0));
        changes
            .zip(below)
            .zip(&self.examples)
            .map(|((change, below), example)| match below {
                0 => (change, example.clone()),
                below => (
                    change,
                    format!("{example} and {} below it", measure::count(below)),
                ),
            })
    }

    /// So many of them: of each kind the largest first, as far as there is room, in their order.
    #[must_use]
    pub fn named_at_most(&self, most: usize) -> Vec<(Option<ItemChange>, String)> {
        examples::of_each(self.named().collect(), most, |(change, _)| {
            change.map(ItemChange::label)
        })
    }

    /// The examples in words, each with what becomes of it.
    #[must_use]
    pub fn named_in_words(&self) -> Vec<String> {
        let words = self.named().map(|(change, example)| match change {
            Some(change) => format!("{example} ({})", change.label()),
            None => example,
        });
        words.collect()
    }

    /// How many items come, differ and go.
    fn counts(&self) -> (u64, u64, u64) {
        (self.added, self.changed, self.removed)
    }

    /// What this, which was found later, has otherwise than what was found `before`, as a sentence without its end.
    pub(super) fn differs_from(&self, before: Option<&Self>) -> Option<String> {
        let place = format!("{} {}", self.instance, self.workspace);
        let (added, changed, removed) = self.counts();
        let counted = format!(
            "{place}: {} to add, {} to change, {} to remove",
            measure::items(added),
            measure::count(changed),
            measure::count(removed)
        );
        match before {
            None => Some(counted),
            Some(before) if before.counts() != self.counts() => {
                let (added, changed, removed) = before.counts();
                Some(format!(
                    "{counted}, and no longer {}, {} and {}",
                    measure::count(added),
                    measure::count(changed),
                    measure::count(removed)
                ))
            }
            Some(before) if before.examples != self.examples => {
                let fresh = self.examples.iter().find(|path| !before.examples.contains(path));
                let such = fresh.map(|path| format!(", such as {path}")).unwrap_or_default();
                Some(format!("{place}: as many items as before, and others{such}"))
            }
            Some(_) => None,
        }
    }
}
