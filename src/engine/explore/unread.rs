//! What both sides of a comparison have, and nobody can read in one of them: what is in it is neither gone nor new.

use std::collections::HashMap;

use super::Answer;
use super::index::{Pages, Row};
use crate::content::inside::What;
use crate::domain::explore::Unreadable;
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

/// Why something cannot be read, and on which side.
pub(super) fn unreadable(was: Option<&Row>, is: Option<&Row>) -> Option<Unreadable> {
    let why = |row: Option<&Row>| row.and_then(Row::why_not_read).map(str::to_owned);
    let unreadable = Unreadable {
        older: why(was),
        newer: why(is),
    };
    (unreadable != Unreadable::default()).then_some(unreadable)
}
