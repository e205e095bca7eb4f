//! How two sources differ.

use std::cmp::{Ordering, Reverse};

use serde::{Deserialize, Serialize};

use super::{NodePath, NotRead, PropertyFacts, Source, SourceAt};
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;

/// Asks how two sources differ.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DiffRequest {
    /// The environment.
    pub environment: EnvironmentName,
    /// What was before.
    pub older: Source,
    /// What is now. *Added* is what is in this one alone.
    pub newer: Source,
    /// Only in here: an environment, an instance, a workspace or a node.
    pub below: NodePath,
    /// How many lines to pass over.
    pub from: u64,
    /// How many lines to give.
    pub limit: u32,
}

/// A page of how two sources differ.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diff {
    /// What was before.
    pub older: SourceAt,
    /// What is now.
    pub newer: SourceAt,
    /// How many nodes differ.
    pub totals: Totals,
    /// How many lines there are in all: what is below something that was added or removed has none of its own.
    pub total: u64,
    /// How many lines come before this page.
    pub from: u64,
    /// The page: what stands for most nodes first, of as many what is gone, and then by path.
    pub lines: Vec<DiffLine>,
    /// Whether there are more than [`super::MOST_DIFFERENCES`] lines, of which the others are only counted.
    pub is_cut: bool,
    /// What could not be compared, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// What cannot be read in either of the two and looks the same in both: it has no line, and nobody knows whether anything differs
    /// in it. `None` where there is nothing of the kind, and from an older Lifeboat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_read: Option<NotCompared>,
}

impl Diff {
    /// Whether there is anything that was not compared: that nothing differs is then said of the rest only.
    #[must_use]
    pub fn is_in_part(&self) -> bool {
        self.not_read.is_some() || !self.remarks.is_empty()
    }
}

/// What cannot be read in either of two sources, and was not compared.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotCompared {
    /// How many files that hold nodes.
    pub files: u64,
    /// How many nodes.
    pub nodes: u64,
    /// The first of them, and why it cannot be read in the newer of the two.
    pub first: NotRead,
}

impl NotCompared {
    /// Takes those of another workspace with it.
    pub fn and(&mut self, other: &Self) {
        self.files += other.files;
        self.nodes += other.nodes;
    }

    /// How many, which one, and why, as a sentence without its end.
    #[must_use]
    pub fn in_words(&self) -> String {
        let files = (self.files > 0).then(|| measure::so_many(self.files, "file", "files"));
        let nodes = (self.nodes > 0).then(|| measure::nodes(self.nodes));
        let all: Vec<String> = files.into_iter().chain(nodes).collect();
        let were = if self.files + self.nodes == 1 {
            "cannot be read in either of the two, and was not compared:"
        } else {
            "cannot be read in either of the two, and were not compared; the first is"
        };
        let NotRead { file, why } = &self.first;
        format!("{} {were} {file}, {why}", all.join(" and "))
    }
}

/// Nodes that differ. One that was moved and changed counts twice; one that cannot be read is among those that have changed, for whoever
/// knows of no other word.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    /// In the newer one alone.
    pub added: u64,
    /// In both, with other types or properties, and all of `unreadable`.
    pub changed: u64,
    /// In the older one alone.
    pub removed: u64,
    /// In both, elsewhere or by another name.
    pub moved: u64,
    /// In both, with the same nodes in another order.
    pub reordered: u64,
    /// In both, and in one of them at least nobody can read it: files that hold nodes, and nodes. What is in such a file is not
    /// counted as added or removed.
    #[serde(default, skip_serializing_if = "is_none")]
    pub unreadable: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "that is how serde asks")]
fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Totals {
    /// Whether there is no difference.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// Those of which it is known that they have changed: what cannot be read is not among them.
    #[must_use]
    pub fn known_to_have_changed(&self) -> u64 {
        self.changed.saturating_sub(self.unreadable)
    }
}

/// What happened to a node.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is in the newer one alone.
    Added,
    /// It is in both, with other types or properties.
    Changed,
    /// It is in the older one alone.
    Removed,
    /// It is in both, elsewhere or by another name, and otherwise the same.
    Moved,
    /// It is elsewhere, with other types or properties.
    MovedAndChanged,
    /// What is in it has another order.
    Reordered,
}

impl Change {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Moved => "moved",
            Self::MovedAndChanged => "moved, changed",
            Self::Reordered => "reordered",
        }
    }
}

/// One node that differs.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffLine {
    /// What happened to it.
    pub change: Change,
    /// Where it was; `None` for what was added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<NodePath>,
    /// Where it is; `None` for what was removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer: Option<NodePath>,
    /// The id of a node, as a UUID; where another one stands in its place, that of the newer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The primary type of a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_type: Option<String>,
    /// How many nodes below it were added or removed with it. Of what cannot be read in one of the two: how many the other one has
    /// in it, which nobody can compare.
    pub below: u64,
    /// Where and why it cannot be read. What is in it is then neither gone nor new: nobody knows. To those who do not know of this
    /// it is something that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<Unreadable>,
}

/// Why something cannot be read: in the older one, in the newer one, or in both.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Unreadable {
    /// Why it cannot be read in the older one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<String>,
    /// Why it cannot be read in the newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer: Option<String>,
}

impl Unreadable {
    /// Where it cannot be read, and why: `in Live: it ends in the middle`. One for each of the two that it is true of.
    #[must_use]
    pub fn reasons(&self, older: &Source, newer: &Source) -> Vec<String> {
        let sides = [(older, &self.older), (newer, &self.newer)];
        let told = sides.into_iter().filter_map(|(source, why)| {
            let place = match source {
                Source::Live => "in Live".to_owned(),
                Source::Backup(_) => format!("in backup {}", source.short()),
            };
            Some(format!("{place}: {}", why.as_ref()?))
        });
        told.collect()
    }
}

/// Of what is gone from a workspace, that with the most below it; the first where several have as much.
#[must_use]
pub fn largest_loss<'a>(
    lines: impl IntoIterator<Item = &'a DiffLine>,
    workspace: &str,
) -> Option<&'a NodePath> {
    let gone = lines.into_iter().filter(|line| line.change == Change::Removed);
    let mut largest: Option<(u64, &NodePath)> = None;
    for line in gone {
        let Some(path) = line.older.as_ref() else { continue };
        let is_there = path.workspace.as_deref() == Some(workspace) && !path.steps.is_empty();
        if is_there && largest.is_none_or(|(below, _)| line.below > below) {
            largest = Some((line.below, path));
        }
    }
    largest.map(|(_, path)| path)
}

impl DiffLine {
    /// The word for what happened to it.
    #[must_use]
    pub fn label(&self) -> &'static str {
        if self.is_unknown() {
            "cannot be read"
        } else {
            self.change.label()
        }
    }

    /// Whether nobody knows what happened in it: it is in both, and cannot be read in one of them.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.unreadable.is_some() && !matches!(self.change, Change::Added | Change::Removed)
    }

    /// How much is below it that the line stands for as well, in words; nothing where that is nothing.
    #[must_use]
    pub fn below_words(&self) -> String {
        match (self.below, self.is_unknown()) {
            (0, _) => String::new(),
            (count, false) => format!(" and {} below it", measure::count(count)),
            (count, true) => format!(", {} not compared", measure::so_many(count, "node", "nodes")),
        }
    }

    /// How many nodes it stands for: the node itself, and what was added or removed with it.
    #[must_use]
    pub fn nodes(&self) -> u64 {
        self.below.saturating_add(1)
    }

    /// The order of a list: what stands for most nodes first, of as many what is gone or cannot be read, and then by path.
    #[must_use]
    pub fn by_size(&self, other: &Self) -> Ordering {
        let is_less = |line: &Self| line.change != Change::Removed && !line.is_unknown();
        let key = |line: &Self| (Reverse(line.nodes()), is_less(line));
        key(self)
            .cmp(&key(other))
            .then_with(|| self.path().cmp(&other.path()))
    }

    /// Where it is, or was.
    #[must_use]
    pub fn path(&self) -> Option<&NodePath> {
        self.newer.as_ref().or(self.older.as_ref())
    }
}

/// Asks how one node differs between two sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeDiffRequest {
    /// The environment.
    pub environment: EnvironmentName,
    /// What was before, and where the node was in it; `None` where it was not.
    pub older: (Source, Option<NodePath>),
    /// What is now, and where the node is in it; `None` where it is not.
    pub newer: (Source, Option<NodePath>),
    /// How many characters of each value to give.
    pub characters: u32,
}

/// How one node differs between two sources.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeDiff {
    /// What was before, and when.
    pub older: SourceAt,
    /// What is now, and since when.
    pub newer: SourceAt,
    /// Where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older_path: Option<NodePath>,
    /// Where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_path: Option<NodePath>,
    /// What differs, types first, then properties by name. Types stand in it as `jcr:primaryType` and `jcr:mixinTypes`.
    pub properties: Vec<PropertyChange>,
    /// What could not be compared, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// A property that differs.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyChange {
    /// Its name, with the prefix of its namespace.
    pub name: String,
    /// What it was; `None` where it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub older: Option<PropertyFacts>,
    /// What it is; `None` where it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer: Option<PropertyFacts>,
}
