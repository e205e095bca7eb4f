//! What a restore of nodes would do, worked out without loading anything: the same decision as the restore takes, on Live at
//! one moment and on the rows in the backup.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::sides;
use super::tables::PartTables;
use crate::content::backed_up::BackedUpFiles;
use crate::content::postgres::connect::Connector;
use crate::content::postgres::moment::Moment;
use crate::content::postgres::restore::each_row::Seen;
use crate::content::postgres::tables::Table;
use crate::content::restoring::{Found, RestoreError};
use crate::domain::backup::InstanceCopy;
use crate::domain::environment::WorkspaceKind;
use crate::domain::examples::{Example, Examples};
use crate::domain::measure;
use crate::domain::plan::{ItemChange, Selection, WorkspaceChange};
use crate::jcr::NodeId;
use crate::jcr::graft::{self, Graft, Moved, Sides};
use crate::jcr::tree::{Names, Target, Tree};
use crate::watch::Watch;

/// How many nodes are named per workspace, and in a sentence.
const EXAMPLES: usize = 5;
/// No node is deeper.
const DEEPEST: usize = 1_000;
const NAMED: usize = 3;

/// Works out what would change, workspace by workspace. What stands in the way, and what should be known, is added to what was
/// found.
///
/// # Errors
/// [`RestoreError`] when either side cannot be read, or it was cancelled.
pub(in crate::content::postgres::restore) fn changes(
    connector: &Connector,
    files: &dyn BackedUpFiles,
    described: &[Table],
    copy: &InstanceCopy,
    selection: &Selection,
    found: &mut Found,
    watch: &dyn Watch,
) -> Result<(), RestoreError> {
    let moment = Moment::take(connector, false)?;
    let connector = &moment.connector;
    let namespaces = sides::namespaces(files)?;
    watch.instance(&copy.name);
    for workspace in &selection.workspaces {
        watch.part(workspace);
        if watch.is_cancelled() {
            return Err(RestoreError::Cancelled);
        }
        let tables = match PartTables::find(workspace, described, &moment.layout.tables) {
            Ok(tables) => tables,
            Err(why) => {
                found.obstacles.push(format!("{}: {why}", copy.name));
                continue;
            }
        };
        let mut names = Names::default();
        let seen = Seen::AtOneMoment(&moment.id);
        let schema = &connector.settings().schema;
        let trees = sides::of_table(connector, schema, &tables.bundles, seen, &mut names).and_then(|live| {
            let backup = sides::of_backup(files, described, &tables.bundles, &mut names, watch)?;
            Ok((live, backup))
        });
        let (live, backup) = match trees {
            // Why the rest of the backup can come back all the same.
            Err(RestoreError::Unreadable(why)) => {
                found.obstacles.push(format!("{}: {why}", copy.name));
                continue;
            }
            trees => trees?,
        };
        let sides = Sides {
            backup: &backup,
            live: &live,
            names: &names,
            namespaces: &namespaces,
        };
        let paths: Vec<_> = selection.paths_in(workspace).collect();
        match graft::graft(&sides, &paths) {
            Ok(graft) => {
                let what = What {
                    copy,
                    workspace,
                    sides: &sides,
                    graft: &graft,
                };
                let change = what.change();
                // Where nothing but the order of pages would change, or a binary, there is still something to do.
                let has_binaries =
                    |id: &NodeId| backup.nodes.get(id).is_some_and(|node| !node.binaries.is_empty());
                found.changes_more |= !graft.lists.is_empty() || graft.comes.iter().any(has_binaries);
                found.warnings.extend(what.warnings(&change));
                found.changes.push(change);
            }
            Err(why) => {
                let told = why
                    .into_iter()
                    .map(|why| format!("{} of {}: {why}", workspace, copy.name));
                found.obstacles.extend(told);
            }
        }
    }
    Ok(())
}

/// Those whose parent is not among them, with how many of them are below each; the one with most first.
fn tops(tree: &Tree, ids: &BTreeSet<NodeId>) -> Vec<(u64, NodeId)> {
    let mut counts: BTreeMap<NodeId, u64> = BTreeMap::new();
    for id in ids {
        let mut top = *id;
        // Parents that lead in a circle end somewhere in it.
        for _ in 0..DEEPEST {
            let parent = tree.nodes.get(&top).and_then(|node| node.parent);
            match parent.filter(|parent| ids.contains(parent)) {
                Some(parent) => top = parent,
                None => break,
            }
        }
        *counts.entry(top).or_default() += u64::from(top != *id);
    }
    let mut tops: Vec<_> = counts.into_iter().map(|(id, below)| (below, id)).collect();
    tops.sort_unstable_by_key(|(below, id)| (Reverse(*below), *id));
    tops
}

/// What comes of one workspace.
struct What<'w> {
    copy: &'w InstanceCopy,
    workspace: &'w str,
    sides: &'w Sides<'w>,
    graft: &'w Graft,
}

impl What<'_> {
    fn change(&self) -> WorkspaceChange {
        let (backup, live) = (self.sides.backup, self.sides.live);
        let copied = self
            .copy
            .workspaces
            .iter()
            .find(|copied| copied.name == *self.workspace);
        let mut change = WorkspaceChange {
            instance: self.copy.name.clone(),
            workspace: self.workspace.to_owned(),
            kind: WorkspaceKind::of(self.workspace),
            added: 0,
            changed: 0,
            removed: self.graft.goes.len() as u64,
            unchanged: 0,
            bytes: copied.map_or(0, |copied| copied.bytes),
            examples: Vec::new(),
            example_changes: Vec::new(),
            example_below: Vec::new(),
        };
        let (mut added, mut examples) = (BTreeSet::new(), Examples::new(EXAMPLES));
        let mut changed = Vec::new();
        let is_below = |id: &&NodeId| !self.graft.tops.contains(id);
        let below = self.graft.comes.iter().filter(is_below);
        for id in self.graft.tops.iter().chain(below) {
            let mark = |tree: &Tree| tree.nodes.get(id).map(|node| node.mark);
            match (mark(live), mark(backup)) {
                (None, _) => {
                    change.added += 1;
                    added.insert(*id);
                }
                (now, then) if now == then && !self.graft.parents.contains_key(id) => {
                    change.unchanged += 1;
                }
                _ => {
                    change.changed += 1;
                    // What was chosen is told before what is below it.
                    changed.push((!self.graft.tops.contains(id), *id));
                }
            }
        }
        changed.sort_unstable();
        for (becomes, tree, ids) in [
            (ItemChange::Removed, live, &self.graft.goes),
            (ItemChange::Added, backup, &added),
        ] {
            for (below, id) in tops(tree, ids).into_iter().take(EXAMPLES) {
                examples.add_whole(Example {
                    change: becomes,
                    path: self.sides.path_in(tree, id),
                    below,
                });
            }
        }
        for (_, id) in changed.into_iter().take(EXAMPLES) {
            examples.add_whole(Example {
                change: ItemChange::Changed,
                path: self.sides.path_in(backup, id),
                below: 0,
            });
        }
        examples.give(&mut change);
        change
    }

    fn warnings(&self, change: &WorkspaceChange) -> Vec<String> {
        let place = format!("{} of {}", self.workspace, self.copy.name);
        let mut told = Vec::new();
        for Moved { to, from } in self.graft.moved.iter().take(NAMED) {
            told.push(match from {
                Some(from) => format!(
                    "{place}: {to} is at {from} in Live. It is taken from there, with all that is below it, and comes back to \
                     where it was"
                ),
                None => format!(
                    "{place}: {to} is in Live but hangs nowhere: what was above it is gone. It comes back to where it was, with \
                     all that is below it"
                ),
            });
        }
        let more = self.graft.moved.len().saturating_sub(NAMED);
        if more > 0 {
            told.push(format!(
                "{place}: {}",
                measure::so_many(
                    more as u64,
                    "more node has moved, and comes back to where it was",
                    "more nodes have moved, and come back to where they were"
                )
            ));
        }
        if !self.graft.gone_elsewhere.is_empty() {
            told.push(format!(
                "{place}: {} with it: {}",
                measure::so_many(
                    self.graft.gone_elsewhere.len() as u64,
                    "node was made below what has moved since, and goes",
                    "nodes were made below what has moved since, and go"
                ),
                self.named(self.sides.live, self.graft.gone_elsewhere.iter().copied())
            ));
        }
        told.extend(self.without_end(&place));
        told.push(format!(
            "{place}: all else stays as it is when the restore begins to switch; whatever is written to it from then on stops the \
             restore, and Live keeps it. An undo brings back all of {} as it is now, not these nodes alone",
            self.workspace
        ));
        if change.removed > 0 {
            told.push(format!(
                "{place}: {}: {}",
                measure::so_many(
                    change.removed,
                    "node that was made since goes",
                    "nodes that were made since go"
                ),
                self.named(self.sides.live, self.graft.goes.iter().copied())
            ));
        }
        told
    }

    /// The paths of the first ones.
    fn named(&self, tree: &Tree, ids: impl Iterator<Item = NodeId>) -> String {
        let mut paths: Vec<_> = ids
            .take(NAMED + 1)
            .map(|id| self.sides.path_in(tree, id))
            .collect();
        if paths.len() > NAMED {
            paths.truncate(NAMED);
            paths.push("…".to_owned());
        }
        paths.join(", ")
    }

    /// References that lead nowhere afterwards.
    fn without_end(&self, place: &str) -> Vec<String> {
        let (backup, live) = (self.sides.backup, self.sides.live);
        let (comes, goes) = (&self.graft.comes, &self.graft.goes);
        let stands = |id: &NodeId| comes.contains(id) || live.nodes.contains_key(id) && !goes.contains(id);
        let refers = |tree: &Tree, id: &NodeId, is_lost: &dyn Fn(&Target) -> bool| {
            let node = tree.nodes.get(id);
            node.is_some_and(|node| node.targets.iter().any(is_lost))
        };
        let out: BTreeSet<NodeId> = comes
            .iter()
            .filter(|id| refers(backup, id, &|target| !stands(&target.id)))
            .copied()
            .collect();
        let into: BTreeSet<NodeId> = live
            .nodes
            .keys()
            .filter(|id| !comes.contains(*id) && !goes.contains(*id))
            .filter(|id| refers(live, id, &|target| goes.contains(&target.id)))
            .copied()
            .collect();
        let mut told = Vec::new();
        if !out.is_empty() {
            told.push(format!(
                "{place}: {} to nodes that are not in Live: {}",
                measure::so_many(
                    out.len() as u64,
                    "of the nodes that come back refers",
                    "of the nodes that come back refer"
                ),
                self.named(backup, out.iter().copied())
            ));
        }
        if !into.is_empty() {
            told.push(format!(
                "{place}: {} to nodes that go: {}",
                measure::so_many(
                    into.len() as u64,
                    "node that stays refers",
                    "nodes that stay refer"
                ),
                self.named(live, into.iter().copied())
            ));
        }
        told
    }
}
