//! Which nodes of two indexes are not the same in both.

use std::collections::HashMap;

use super::Answer;
use super::index::{Pages, Row, SLICES};
use super::source::WorkspaceOpen;
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
