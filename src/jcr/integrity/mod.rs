//! Looks whether the nodes of a workspace, or of the version storage, fit together: nodes come in any order, once each, and
//! what is wrong is told at the end.
//!
//! A reference that is weak may lead nowhere. What a version has kept of a node may refer to what is gone since. Nodes that
//! Jackrabbit makes up itself have no row. None of these is wrong.
//!
//! It keeps some hundred bytes of a node and not its properties, so that half a million nodes fit into memory. Not in here: where
//! nodes and the names of what they refer to come from.

mod judging;
mod names;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ops::Deref;

use self::names::{NameAt, Names};
use super::NodeId;
use super::bundle::{BorrowedBinary, BorrowedName, BundleError, Outline};
use super::ids::{ACTIVITIES, CONFIGURATIONS, NODE_TYPES, SYSTEM, VERSION_STORAGE};
use super::namespaces::{JCR, NT};
use crate::domain::integrity::FaultKind;

/// Nodes that are not among those of a workspace, and that some of it may refer to or list.
const ELSEWHERE: [NodeId; 5] = [SYSTEM, VERSION_STORAGE, ACTIVITIES, CONFIGURATIONS, NODE_TYPES];

/// The properties that lead from a workspace into the version storage.
const OF_VERSIONS: [&str; 6] = [
    "versionHistory",
    "baseVersion",
    "predecessors",
    "mergeFailed",
    "activity",
    "configuration",
];

/// The types of nodes that versions are made of. What is below them is a copy of a node as it was, with references as they
/// were.
const OF_HISTORIES: [&str; 3] = ["versionHistory", "version", "versionLabels"];

/// Whose nodes they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A workspace's.
    Workspace,
    /// The version storage's, which all workspaces share.
    Versions,
}

/// What nodes refer to besides each other.
pub trait Beside {
    /// Whether the version storage has this node. Asked at the end alone, when all of it may have been seen.
    fn has_version(&self, id: &NodeId) -> bool;
    /// Whether the data store has this record.
    fn has_record(&self, id: &str) -> bool;
    /// Whether this row or file of a binary is there.
    fn has_binary(&self, id: &str) -> bool;
}

impl<P> Beside for P
where
    P: Deref,
    P::Target: Beside,
{
    fn has_version(&self, id: &NodeId) -> bool {
        (**self).has_version(id)
    }

    fn has_record(&self, id: &str) -> bool {
        (**self).has_record(id)
    }

    fn has_binary(&self, id: &str) -> bool {
        (**self).has_binary(id)
    }
}

/// A node that has been seen.
struct Row {
    id: NodeId,
    parent: Option<NodeId>,
    is_readable: bool,
}

/// An entry in a node's list of children.
struct Entry {
    child: NodeId,
    /// The place of the node whose list it is in [`Check::rows`].
    parent: u32,
    name: NameAt,
    /// Which of its name it is.
    index: u32,
}

/// A reference whose target may still come.
struct Pending {
    source: u32,
    property: NameAt,
    target: NodeId,
    /// Whether it can only be a version.
    is_version: bool,
}

/// What was wrong when a node came.
struct Wrong {
    kind: FaultKind,
    row: u32,
    about: About,
}

/// What there is to say of it.
enum About {
    Binary(NameAt),
    Why(BundleError),
}

/// See the module.
pub struct Check<B> {
    whose: Whose,
    beside: B,
    rows: Vec<Row>,
    entries: Vec<Entry>,
    pending: Vec<Pending>,
    shared: Vec<(u32, NodeId)>,
    wrong: Vec<Wrong>,
    names: Names,
}

impl<B: Beside> Check<B> {
    /// A check of nodes that are to come.
    pub fn new(whose: Whose, beside: B) -> Self {
        Self {
            whose,
            beside,
            rows: Vec::new(),
            entries: Vec::new(),
            pending: Vec::new(),
            shared: Vec::new(),
            wrong: Vec::new(),
            names: Names::default(),
        }
    }

    /// A node.
    pub fn node(&mut self, id: NodeId, outline: &Outline<'_>) {
        let row = self.row(id, outline.parent, true);
        self.list(row, &outline.children);
        self.shared
            .extend(outline.shared_set.iter().map(|parent| (row, *parent)));
        for reference in outline.references.iter().filter(|reference| !reference.is_weak) {
            self.refer(row, outline, reference.property, reference.target);
        }
        for binary in &outline.binaries {
            let (id, is_there) = match binary {
                BorrowedBinary::Record(id) => (id, self.beside.has_record(id)),
                BorrowedBinary::Beside(id) => (id, self.beside.has_binary(id)),
            };
            if !is_there {
                let id = self.names.add(BorrowedName {
                    namespace: "",
                    local: id,
                });
                self.wrong.push(Wrong {
                    kind: FaultKind::MissingBinary,
                    row,
                    about: About::Binary(id),
                });
            }
        }
    }

    /// A node whose bundle cannot be read. What is below it is not looked for in its list.
    pub fn unreadable(&mut self, id: NodeId, why: BundleError) {
        let row = self.row(id, None, false);
        self.wrong.push(Wrong {
            kind: FaultKind::Unreadable,
            row,
            about: About::Why(why),
        });
    }

    /// The ids of all nodes so far, sorted: what the version storage has, say.
    #[must_use]
    pub fn ids(&self) -> Vec<NodeId> {
        let mut ids: Vec<NodeId> = self.rows.iter().map(|row| row.id).collect();
        ids.sort_unstable();
        ids
    }

    fn row(&mut self, id: NodeId, parent: Option<NodeId>, is_readable: bool) -> u32 {
        let row = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        self.rows.push(Row {
            id,
            parent,
            is_readable,
        });
        row
    }

    fn list(&mut self, row: u32, children: &[(BorrowedName<'_>, NodeId)]) {
        self.entries.reserve(children.len());
        let mut seen: HashMap<BorrowedName<'_>, u32> = HashMap::new();
        for (name, child) in children {
            let index = seen.entry(*name).or_default();
            *index = index.saturating_add(1);
            self.entries.push(Entry {
                child: *child,
                parent: row,
                name: self.names.add(*name),
                index: *index,
            });
        }
    }

    fn refer(&mut self, row: u32, outline: &Outline<'_>, property: BorrowedName<'_>, target: NodeId) {
        let kind = outline.primary_type;
        let is_looked_at = match self.whose {
            Whose::Workspace => !ELSEWHERE.contains(&target),
            Whose::Versions => kind.namespace == NT && OF_HISTORIES.contains(&kind.local),
        };
        if is_looked_at {
            let is_version = self.whose == Whose::Workspace
                && property.namespace == JCR
                && OF_VERSIONS.contains(&property.local);
            self.pending.push(Pending {
                source: row,
                property: self.names.add(property),
                target,
                is_version,
            });
        }
    }
}
