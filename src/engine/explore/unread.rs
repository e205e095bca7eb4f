//! What both sides of a comparison have, and nobody can read in one of them: what is in it is neither gone nor new.

use std::collections::{HashMap, HashSet};

use super::Answer;
use super::index::{Pages, Row};
use super::source::WorkspaceOpen;
use crate::content::inside::What;
use crate::domain::explore::{NodePath, NotCompared, Unreadable};
use crate::jcr::NodeId;

/// What both sides have, and cannot be read in one of them: as it was, as it is, and how many nodes the other one has in it.
pub(super) struct Unread(pub(super) HashMap<NodeId, (Row, Row, u64)>);

impl Unread {
    /// Takes it out of what differs: it is not known how.
    pub(super) fn take(both: &mut Vec<(Row, Row)>) -> Self {
        let is_unread = |(was, is): &mut (Row, Row)| was.why_not_read().or(is.why_not_read()).is_some();
        let taken = both.extract_if(.., is_unread);
        Self(taken.map(|(was, is)| (is.id, (was, is, 0))).collect())
    }

    /// Whether something that only one side has is in it there: it is counted then. With it come so many nodes.
    pub(super) fn has(&mut self, pages: &Pages, row: &Row, nodes: u64) -> Answer<bool> {
        // Nearly always nothing is, and nobody climbs.
        if self.0.is_empty() {
            return Ok(false);
        }
        let mut current = row.clone();
        while current.is_node() {
            let Some(parent) = current.parent else {
                return Ok(false);
            };
            // Of a node whose bundle cannot be read, those below it are known by themselves.
            if let Some((_, is, below)) = self.0.get_mut(&parent)
                && is.what == What::File
            {
                *below += nodes;
                return Ok(true);
            }
            match pages.row(&parent)? {
                // A node may say that it is below itself.
                Some(above) if above.id != current.id => current = above,
                _ => return Ok(false),
            }
        }
        Ok(false)
    }
}

/// What nobody can read in either of two sources and looks the same in both, so that it is not among what differs. `below` says where it is looked.
pub(super) fn in_neither(
    (newer, now): (&WorkspaceOpen, &Pages),
    before: &Pages,
    both: &[(Row, Row)],
    below: &NodePath,
) -> Answer<Option<NotCompared>> {
    let told: HashSet<NodeId> = both.iter().map(|(_, is)| is.id).collect();
    let mut found: Option<NotCompared> = None;
    for id in now.unreadable()? {
        if told.contains(&id) {
            continue;
        }
        let (Some(was), Some(is)) = (before.row(&id)?, now.row(&id)?) else {
            continue;
        };
        let Some(first) = newer.not_read(now, &is)?.filter(|_| was.why_not_read().is_some()) else {
            continue;
        };
        // What is looked below may itself be in the file.
        if !first.file.is_within(below) && !below.is_within(&first.file) {
            continue;
        }
        let (files, nodes) = if is.what == What::File { (1, 0) } else { (0, 1) };
        let one = NotCompared { files, nodes, first };
        match &mut found {
            Some(found) => found.and(&one),
            None => found = Some(one),
        }
    }
    Ok(found)
}

/// Why something cannot be read, and on which side.
pub(super) fn unreadable(was: Option<&Row>, is: Option<&Row>) -> Option<Unreadable> {
    let why = |row: Option<&Row>| row.and_then(Row::why_not_read).map(str::to_owned);
    let unreadable = Unreadable {
        older: why(was),
        newer: why(is),
    };
    (unreadable != Unreadable::default()).then_some(unreadable)
}
