//! What is wrong inside the content of a backup: nodes that do not fit together. It is in the backup as it was in Live, so it
//! is a warning, and no fault of the backup.
//!
//! Not in here: finding it (`jcr::integrity`).

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::Instant;
use super::backup::BackupId;
use super::environment::{InstanceName, workspace_label};
use super::measure;
use super::plan::Selection;
use super::printable;

/// So many workspaces are named in a sentence.
const NAMED: usize = 4;
/// So many letters of a path stand in a sentence.
const LETTERS: usize = 120;

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

/// What is wrong in one workspace of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceIntegrity {
    /// The instance.
    pub instance: InstanceName,
    /// The workspace, or the version storage.
    pub workspace: String,
    /// What was found.
    pub found: Integrity,
}

/// What is wrong in the content of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupIntegrity {
    /// How it was looked; see [`BackupIntegrity::FORM`].
    pub form: u32,
    /// The backup.
    pub backup: BackupId,
    /// When that was taken.
    pub taken: Instant,
    /// Each workspace that was looked at, by instance.
    pub workspaces: Vec<WorkspaceIntegrity>,
    /// What was not looked at and why, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

impl BackupIntegrity {
    /// It goes up with what is looked for: what was found in an earlier form is found again.
    pub const FORM: u32 = 1;

    /// How many nodes were looked at.
    #[must_use]
    pub fn nodes(&self) -> u64 {
        self.workspaces.iter().map(|of| of.found.nodes).sum()
    }

    /// How much is wrong in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.workspaces.iter().map(|of| of.found.total()).sum()
    }

    /// The same of what a restore would bring back.
    #[must_use]
    pub fn within(&self, selection: &Selection) -> Self {
        let mut within = self.clone();
        within
            .workspaces
            .retain(|of| selection.has_instance(&of.instance) && selection.has_workspace(&of.workspace));
        within
    }

    /// How much more is wrong than in another backup. All of a workspace that was not looked at there is new.
    #[must_use]
    pub fn new_since(&self, before: &Self) -> u64 {
        let news = self.workspaces.iter().map(|of| {
            let is_same = |other: &&WorkspaceIntegrity| {
                other.instance == of.instance && other.workspace == of.workspace
            };
            match before.workspaces.iter().find(is_same) {
                Some(then) => of.found.new_since(&then.found),
                None => of.found.total(),
            }
        });
        news.sum()
    }

    /// How much is wrong: `3 faults`.
    #[must_use]
    pub fn counted(&self) -> String {
        match self.total() {
            1 => "1 fault".to_owned(),
            many => format!("{} faults", measure::count(many)),
        }
    }

    /// What is wrong where, with the first path of each workspace, of those with the most of it.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut wrong: Vec<_> = self.workspaces.iter().filter(|of| !of.found.is_sound()).collect();
        wrong.sort_by_key(|of| std::cmp::Reverse(of.found.total()));
        let more = wrong.len().saturating_sub(NAMED);
        let mut parts: Vec<String> = wrong
            .into_iter()
            .take(NAMED)
            .map(|of| {
                let first = of.found.first.first().map(|fault| shortened(&fault.path));
                let path = first.map_or(String::new(), |path| format!(" (first {path})"));
                format!(
                    "{} {}: {}{path}",
                    of.instance,
                    printable::line(workspace_label(&of.workspace)),
                    of.found
                )
            })
            .collect();
        match more {
            0 => {}
            1 => parts.push("and 1 more workspace".to_owned()),
            more => parts.push(format!("and {more} more workspaces")),
        }
        parts.join("; ")
    }

    /// How much of it is new since the backup before that was looked at, as a sentence without its end.
    #[must_use]
    pub fn news(&self, before: Option<&Self>) -> String {
        let Some(before) = before else {
            return "No earlier backup was looked at in this way".to_owned();
        };
        let since = format!("since the backup of {}", measure::moment(before.taken));
        match self.new_since(before) {
            0 => format!("None of them is new {since}"),
            1 => format!("1 of them is new {since}"),
            many => format!("{} of them are new {since}", measure::count(many)),
        }
    }
}

impl WorkspaceIntegrity {
    /// A line for each of the first faults.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        let place = format!(
            "{} {}",
            self.instance,
            printable::line(workspace_label(&self.workspace))
        );
        self.found.first.iter().map(move |fault| {
            let about = match fault.about.as_str() {
                "" => String::new(),
                about => format!(" ({})", shortened(about)),
            };
            format!(
                "{place}: {}: {}{about}",
                fault.kind.words(1),
                shortened(&fault.path)
            )
        })
    }
}

/// The end of a text that is too long for a sentence, as it may be shown: the end of a path says more than its beginning.
fn shortened(text: &str) -> String {
    let letters = text.chars().count();
    let text = if letters > LETTERS {
        let end: String = text.chars().skip(letters - LETTERS).collect();
        format!("…{end}")
    } else {
        text.to_owned()
    };
    printable::line(&text).into_owned()
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

    fn of_backup(workspaces: &[(&str, Integrity)]) -> BackupIntegrity {
        BackupIntegrity {
            form: BackupIntegrity::FORM,
            backup: BackupId("0a".repeat(32)),
            taken: Instant::UNIX_EPOCH,
            workspaces: workspaces
                .iter()
                .map(|(workspace, found)| WorkspaceIntegrity {
                    instance: "author".parse().unwrap(),
                    workspace: (*workspace).to_owned(),
                    found: found.clone(),
                })
                .collect(),
            left_out: Vec::new(),
        }
    }

    #[test]
    fn faults_of_a_backup_are_counted_and_told_by_workspace() {
        let mut website = with(&[(FaultKind::MissingChild, 2)]);
        website.first.push(Fault {
            kind: FaultKind::MissingChild,
            path: format!("/home/{}\u{1b}[2J", "x".repeat(200)),
            id: String::new(),
            about: String::new(),
        });
        let sound = of_backup(&[("website", with(&[])), (".versions", with(&[]))]);
        let found = of_backup(&[
            (".versions", with(&[(FaultKind::MissingVersion, 1)])),
            ("website", website),
            ("dam", with(&[])),
        ]);
        assert_eq!(
            (found.counted(), found.new_since(&sound)),
            ("3 faults".to_owned(), 3)
        );
        let told = found.in_words();
        assert!(
            told.starts_with("author website: 2 children that are missing (first …xxx"),
            "{told}"
        );
        assert!(
            told.ends_with("; author version storage: 1 reference to a version that is missing"),
            "{told}"
        );
        assert!(!told.contains('\u{1b}') && told.len() < 400, "{told}");
        assert_eq!(
            found.news(Some(&sound)),
            "3 of them are new since the backup of 1970-01-01 00:00 UTC"
        );
        assert!(found.news(Some(&found)).starts_with("None of them is new"));
        let only = Selection {
            workspaces: vec!["dam".to_owned()],
            ..Selection::default()
        };
        assert_eq!(found.within(&only).total(), 0);
        assert_eq!(found.within(&Selection::default()), found);
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
