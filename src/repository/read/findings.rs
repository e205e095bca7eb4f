//! What a comparison of content with a backup finds, added up per workspace.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::content::FileTime;
use crate::content::backed_up::Comparison;
use crate::domain::Instant;
use crate::domain::environment::{InstanceName, WorkspaceKind};
use crate::domain::examples::Examples;
use crate::domain::plan::{ItemChange, WorkspaceChange};

/// How many paths are named per workspace.
const EXAMPLES: usize = 5;

/// How one item fares in a restore.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Added,
    Changed,
    Removed,
    Unchanged,
}

/// What was found so far.
#[derive(Default)]
pub(super) struct Findings {
    workspaces: BTreeMap<String, Finding>,
    newest: Option<FileTime>,
}

struct Finding {
    added: u64,
    changed: u64,
    removed: u64,
    unchanged: u64,
    bytes: u64,
    examples: Examples,
}

impl Default for Finding {
    fn default() -> Self {
        Self {
            added: 0,
            changed: 0,
            removed: 0,
            unchanged: 0,
            bytes: 0,
            examples: Examples::new(EXAMPLES),
        }
    }
}

impl Finding {
    fn add(&mut self, fate: Fate, path: &Path) {
        let below = path.iter().skip(1).collect::<PathBuf>();
        let (count, change) = match fate {
            Fate::Added => (&mut self.added, ItemChange::Added),
            Fate::Changed => (&mut self.changed, ItemChange::Changed),
            Fate::Removed => (&mut self.removed, ItemChange::Removed),
            Fate::Unchanged if below.as_os_str().is_empty() => return,
            Fate::Unchanged => {
                self.unchanged += 1;
                return;
            }
        };
        *count += 1;
        // What is said of a workspace as a whole is said by the numbers.
        if !below.as_os_str().is_empty() {
            self.examples.add(change, below.to_string_lossy().into_owned());
        }
    }
}

impl Findings {
    /// Notes how an item fares, the bytes of it that the backup has, and when it changed in the content if a restore
    /// would undo that.
    pub(in crate::repository) fn add(
        &mut self,
        path: &Path,
        fate: Fate,
        bytes: u64,
        changed: Option<FileTime>,
    ) {
        self.notice(changed);
        let workspace = path.iter().next().unwrap_or_default().to_string_lossy();
        let finding = self.workspaces.entry(workspace.into_owned()).or_default();
        finding.bytes += bytes;
        finding.add(fate, path);
    }

    /// Notes that something changed then.
    pub(super) fn notice(&mut self, changed: Option<FileTime>) {
        self.newest = self.newest.max(changed);
    }

    /// All of it, for an instance.
    pub(super) fn into_comparison(self, instance: &InstanceName) -> Comparison {
        let changes = self.workspaces.into_iter().map(|(workspace, finding)| {
            let mut change = WorkspaceChange {
                instance: instance.clone(),
                kind: WorkspaceKind::of(&workspace),
                workspace,
                added: finding.added,
                changed: finding.changed,
                removed: finding.removed,
                unchanged: finding.unchanged,
                bytes: finding.bytes,
                examples: Vec::new(),
                example_changes: Vec::new(),
                example_below: Vec::new(),
            };
            finding.examples.give(&mut change);
            change
        });
        Comparison {
            changes: changes.collect(),
            newest_change: self
                .newest
                .and_then(|time| Instant::from_timestamp(time.seconds, time.nanos)),
        }
    }
}
