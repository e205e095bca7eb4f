//! What is wrong inside the content of a backup: nodes that do not fit together. It is in the backup as it was in Live, so it
//! is a warning, and no fault of the backup.
//!
//! Not in here: finding it (`content::jcr::integrity`).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What can be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A node lists a child that is not there.
    MissingChild,
    /// A node's parent does not list it, or is not there.
    NotListed,
    /// An id occurs twice, or stands in the lists of two nodes that do not share it.
    Twice,
    /// A node is below itself.
    Cycle,
    /// A reference has no target.
    MissingTarget,
    /// A version or a version history is referred to and not there.
    MissingVersion,
    /// The bytes of a binary are not there.
    MissingBinary,
    /// A node cannot be read.
    Unreadable,
}

impl FaultKind {
    /// What so many of them are called, in a list.
    #[must_use]
    pub fn words(self, count: u64) -> String {
        let (one, more) = match self {
            Self::MissingChild => ("child that is missing", "children that are missing"),
            Self::NotListed => (
                "node that its parent does not list",
                "nodes that their parents do not list",
            ),
            Self::Twice => ("id that occurs twice", "ids that occur twice"),
            Self::Cycle => ("circle of nodes", "circles of nodes"),
            Self::MissingTarget => ("reference without a target", "references without a target"),
            Self::MissingVersion => (
                "reference to a version that is missing",
                "references to versions that are missing",
            ),
            Self::MissingBinary => ("binary that is missing", "binaries that are missing"),
            Self::Unreadable => ("node that cannot be read", "nodes that cannot be read"),
        };
        format!("{count} {}", if count == 1 { one } else { more })
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Fault {
    /// What it is.
    pub kind: FaultKind,
    /// Where: the path of the node, or of the child that is missing. It begins with an id in brackets where nothing leads
    /// there from the root.
    pub path: String,
    /// The id of the node, as JCR writes it.
    pub id: String,
    /// The property and what it refers to, or why the node cannot be read; empty where there is nothing more to say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}

/// What is wrong in a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Integrity {
    /// How many nodes were looked at.
    pub nodes: u64,
    /// How much of what is wrong; what there is nothing of is not in it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<FaultKind, u64>,
    /// The first ones of each kind, by path.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub first: Vec<Fault>,
}

impl Integrity {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.counts.is_empty()
    }

    /// How much is wrong in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How much more is wrong than before, kind by kind: what was mended meanwhile is not set off against what is new.
    #[must_use]
    pub fn new_since(&self, before: &Self) -> u64 {
        let more = self.counts.iter().map(|(kind, count)| {
            let then = before.counts.get(kind).copied().unwrap_or_default();
            count.saturating_sub(then)
        });
        more.sum()
    }
}

impl fmt::Display for Integrity {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_sound() {
            return formatter.pad("nothing is wrong");
        }
        let parts: Vec<String> = self
            .counts
            .iter()
            .map(|(kind, count)| kind.words(*count))
            .collect();
        formatter.pad(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(counts: &[(FaultKind, u64)]) -> Integrity {
        Integrity {
            counts: counts.iter().copied().collect(),
            ..Integrity::default()
        }
    }

    #[test]
    fn what_was_mended_does_not_hide_what_is_new() {
        let before = with(&[(FaultKind::MissingChild, 20)]);
        let now = with(&[(FaultKind::MissingChild, 3), (FaultKind::MissingBinary, 17)]);
        assert_eq!(now.new_since(&before), 17);
        assert_eq!(before.new_since(&before), 0);
        assert_eq!(now.total(), 20);
        assert!(!now.is_sound() && with(&[]).is_sound());
    }

    #[test]
    fn it_is_told_in_words() {
        let told = with(&[(FaultKind::MissingChild, 1), (FaultKind::MissingTarget, 2)]);
        assert_eq!(
            told.to_string(),
            "1 child that is missing, 2 references without a target"
        );
        assert_eq!(with(&[]).to_string(), "nothing is wrong");
    }
}
