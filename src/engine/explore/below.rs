//! What changed below a node from one source to the next: how much, and some of it by name.
//!
//! Its own nodes are compared, as long as they are few: a history asks that of every source, while somebody waits for the
//! answer. Of a larger part it is said that it was not compared; a comparison of two sources does that by itself.

use std::collections::HashMap;

use super::Answer;
use super::diff::{Found, Sides};
use super::differing::Differing;
use super::index::{Pages, Row};
use super::source::WorkspaceOpen;
use crate::content::inside::What;
use crate::domain::explore::{DiffLine, NodePath};
use crate::jcr::NodeId;

/// So many nodes below one are compared.
pub(super) const MOST_BELOW: usize = 5_000;
/// So many are named.
const NAMED: usize = 3;

/// A node, as one source has it.
pub(super) struct Place<'p> {
    pub(super) open: &'p WorkspaceOpen,
    pub(super) pages: &'p Pages,
    pub(super) row: &'p Row,
    pub(super) path: &'p NodePath,
}

/// What changed below it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Below {
    pub(super) count: u64,
    pub(super) names: Vec<String>,
}

/// What is known of what is below a node.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing changed.
    Same,
    /// This did.
    Changed(Below),
    /// Something did, and it is too much to be compared.
    Somehow,
    /// It is too much to be compared, and nothing is known of it.
    TooMuch,
}

/// What changed below a node, where at most so many are below it.
pub(super) fn below(older: &Place<'_>, newer: &Place<'_>, most: usize) -> Answer<Told> {
    if older.row.children == 0 && newer.row.children == 0 || older.open.index.is_same(&newer.open.index) {
        return Ok(Told::Same);
    }
    let before = older.pages.below(older.row, most)?;
    let now = newer.pages.below(newer.row, most)?;
    let (before, now) = match (before, now) {
        (Some(before), Some(now)) => (before, now),
        (None, None) => return Ok(Told::TooMuch),
        // It is no more as much as it was.
        _ => return Ok(Told::Somehow),
    };
    let differing = themselves((older, &before), (newer, &now))?;
    Ok(counted(older, newer, differing)?.map_or(Told::Same, Told::Changed))
}

/// What of all that differs is below a node; `None` where that is nothing.
pub(super) fn counted(
    older: &Place<'_>,
    newer: &Place<'_>,
    mut differing: Differing,
) -> Answer<Option<Below>> {
    // What is in a file changes with it: whoever asks for a folder asks for files.
    if newer.row.what == What::Folder {
        let is_file = |row: &Row| matches!(row.what, What::Folder | What::File);
        differing.both.retain(|(_, row)| is_file(row));
        differing.added.retain(|_, row| is_file(row));
        differing.removed.retain(|_, row| is_file(row));
    }
    let sides = Sides {
        older: older.open,
        newer: newer.open,
        before: older.pages,
        now: newer.pages,
        below: (older.path, newer.path),
    };
    let mut found = Found::default();
    sides.all(differing, &mut found)?;
    let itself =
        |line: &DiffLine| line.older.as_ref() == Some(older.path) || line.newer.as_ref() == Some(newer.path);
    found.lines.retain(|line| !itself(line));
    found.lines.sort_by(DiffLine::by_size);
    let count = found.lines.iter().map(DiffLine::nodes).sum();
    let names = found.lines.iter().take(NAMED);
    let names = names.filter_map(|line| {
        let within = |path: &Option<NodePath>, top: &NodePath| {
            let path = path.as_ref().filter(|path| path.is_within(top))?;
            let steps = path.steps.iter().skip(top.steps.len()).map(ToString::to_string);
            Some(steps.collect::<Vec<_>>().join("/"))
        };
        within(&line.newer, newer.path).or_else(|| within(&line.older, older.path))
    });
    Ok((count > 0).then(|| Below {
        count,
        names: names.collect(),
    }))
}

/// What differs among the nodes below, each with what tells it from the same one elsewhere.
fn themselves(
    (older, before): (&Place<'_>, &HashMap<NodeId, i64>),
    (newer, now): (&Place<'_>, &HashMap<NodeId, i64>),
) -> Answer<Differing> {
    let mut differing = Differing::default();
    // Its own list tells which of what is in it have another name.
    differing.both.push((older.row.clone(), newer.row.clone()));
    let is_other = |id: &NodeId, print: &i64, others: &HashMap<NodeId, i64>| others.get(id) != Some(print);
    for id in now
        .iter()
        .filter(|(id, print)| is_other(id, print, before))
        .map(|(id, _)| id)
    {
        let Some(row) = newer.pages.row(id)? else { continue };
        // It may have been elsewhere.
        match older.pages.row(id)? {
            Some(was) => differing.both.push((was, row)),
            None => drop(differing.added.insert(*id, row)),
        }
    }
    for id in before.keys().filter(|id| !now.contains_key(*id)) {
        let Some(row) = older.pages.row(id)? else { continue };
        match newer.pages.row(id)? {
            Some(is) => differing.both.push((row, is)),
            None => drop(differing.removed.insert(*id, row)),
        }
    }
    Ok(differing)
}
