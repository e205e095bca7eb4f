//! What changed below a node from one source to the next: how much, and some of it by name.
//!
//! Of a small part of a workspace its own nodes are compared; of a larger one all that differs is asked for, which goes
//! through the whole workspace and costs less than going down into every node.

use std::collections::HashMap;

use super::Answer;
use super::diff::{Found, Sides};
use super::differing::Differing;
use super::index::{Pages, Row};
use super::source::WorkspaceOpen;
use crate::content::inside::What;
use crate::domain::explore::{DiffLine, NodePath};
use crate::jcr::NodeId;
use crate::watch::Unwatched;

/// So many nodes below one are compared by themselves.
const BY_THEMSELVES: usize = 5_000;
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

/// What changed below a node; `None` where nothing did.
pub(super) fn below(older: &Place<'_>, newer: &Place<'_>) -> Answer<Option<Below>> {
    below_by(older, newer, BY_THEMSELVES)
}

/// The same, where at most so many are compared by themselves.
pub(super) fn below_by(older: &Place<'_>, newer: &Place<'_>, most: usize) -> Answer<Option<Below>> {
    if older.row.children == 0 && newer.row.children == 0 {
        return Ok(None);
    }
    let mut differing = match themselves(older, newer, most)? {
        Some(differing) => differing,
        None => Differing::of((older.open, older.pages), (newer.open, newer.pages), &Unwatched)?,
    };
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

/// What differs among the nodes below; `None` where they are too many.
fn themselves(older: &Place<'_>, newer: &Place<'_>, most: usize) -> Answer<Option<Differing>> {
    let before = older.pages.below(older.row, most)?;
    let now = newer.pages.below(newer.row, most)?;
    let (Some(before), Some(now)) = (before, now) else {
        return Ok(None);
    };
    let mut differing = Differing::default();
    // Its own list tells which of what is in it have another name.
    differing.both.push((older.row.clone(), newer.row.clone()));
    let is_other = |id: &NodeId, print: &i64, others: &HashMap<NodeId, i64>| others.get(id) != Some(print);
    for id in now
        .iter()
        .filter(|(id, print)| is_other(id, print, &before))
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
    Ok(Some(differing))
}
