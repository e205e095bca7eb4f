//! Which nodes of two indexes are not the same in both.

use std::collections::{HashMap, HashSet};

use super::Answer;
use super::index::{Pages, Row, SLICES};
use super::source::WorkspaceOpen;
use crate::content::inside::What;
use crate::engine::EngineError;
use crate::jcr::NodeId;
use crate::watch::Watch;

/// The nodes of two indexes that are not the same in both.
#[derive(Default)]
pub(super) struct Differing {
    /// Those that both have, as they were and as they are.
    pub(super) both: Vec<(Row, Row)>,
    pub(super) added: HashMap<NodeId, Row>,
    pub(super) removed: HashMap<NodeId, Row>,
}

impl Differing {
    /// All of a workspace. `watch` is told how many nodes have been looked at.
    pub(super) fn of(
        (older, before): (&WorkspaceOpen, &Pages),
        (newer, now): (&WorkspaceOpen, &Pages),
        watch: &dyn Watch,
    ) -> Answer<Self> {
        let mut differing = Self::default();
        let (old, new) = (before.count()?, now.count()?);
        watch.total(0, old + new);
        let look = |count: u64| {
            let mut slice = 0;
            move || {
                slice += 1;
                let so_far = |slice: u64| count * slice / u64::from(SLICES);
                watch.advance(0, so_far(slice) - so_far(slice - 1));
                !watch.is_cancelled()
            }
        };
        now.differing(
            &older.index,
            &mut |row, other| match other {
                Some(other) => differing.both.push((other, row)),
                None => drop(differing.added.insert(row.id, row)),
            },
            &mut look(new),
        )?;
        before.differing(
            &newer.index,
            &mut |row, other| {
                if other.is_none() {
                    differing.removed.insert(row.id, row);
                }
            },
            &mut look(old),
        )?;
        if watch.is_cancelled() {
            return Err(EngineError::Cancelled.into());
        }
        Ok(differing)
    }
}

/// Those whose parent is not among them, with how many are below each. Where parents lead in a circle, one of them counts as
/// the top.
pub(super) fn tops(rows: &HashMap<NodeId, Row>) -> HashMap<NodeId, u64> {
    let mut top_of: HashMap<NodeId, NodeId> = HashMap::with_capacity(rows.len());
    let mut tops: HashMap<NodeId, u64> = HashMap::new();
    for id in rows.keys() {
        let mut way = Vec::new();
        let mut met = HashSet::new();
        let mut current = *id;
        let top = loop {
            if let Some(top) = top_of.get(&current) {
                break *top;
            }
            way.push(current);
            met.insert(current);
            let parent = rows.get(&current).and_then(|row| row.parent);
            match parent.filter(|parent| rows.contains_key(parent)) {
                Some(parent) if met.contains(&parent) => break parent,
                Some(parent) => current = parent,
                None => break current,
            }
        };
        for id in way {
            top_of.insert(id, top);
            let below = tops.entry(top).or_default();
            *below += u64::from(id != top);
        }
    }
    tops
}

/// Whether one is other than the same of the other side. Of a file nothing may differ but its time: both backups say which pieces
/// it has.
pub(super) fn is_another((before, was): (&Pages, &Row), (now, is): (&Pages, &Row)) -> Answer<bool> {
    if was.digest == is.digest {
        return Ok(false);
    }
    if (was.what, is.what) != (What::File, What::File) {
        return Ok(true);
    }
    let (was, is) = (before.file(was)?, now.file(is)?);
    Ok(was.pieces.is_empty() || was != is)
}
