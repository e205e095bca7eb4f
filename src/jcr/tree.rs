//! The nodes of a workspace as a tree: who is below whom, by which name, who refers to whom, and whether a node is the same
//! as another one of its id.
//!
//! A tree is what its rows say: whoever asks it has to expect nodes that are missing, and lists that are wrong.
//!
//! Not in here: what is in the nodes, and where their rows come from.

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};

use super::bundle::{self, BorrowedBinary, BundleError};
use super::namespaces::{JCR, Namespaces};
use super::{Name, NodeId, ids};
use crate::domain::explore::Step;

/// Enough of a digest to tell whether two bundles are the same.
pub type Mark = [u8; 16];

/// The mark of a bundle.
#[must_use]
pub fn mark(bundle: &[u8]) -> Mark {
    let digest = Sha256::digest(bundle);
    let mut mark = [0; 16];
    mark.copy_from_slice(&digest[..16]);
    mark
}

/// A name, as the number under which [`Names`] has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameNumber(u32);

/// The names of several trees, each kept once.
#[derive(Debug, Default)]
pub struct Names {
    numbers: HashMap<Name, NameNumber>,
    names: Vec<Name>,
}

impl Names {
    pub(super) fn number(&mut self, name: Name) -> NameNumber {
        if let Some(number) = self.numbers.get(&name) {
            return *number;
        }
        let number = NameNumber(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(name.clone());
        self.numbers.insert(name, number);
        number
    }

    /// The name of a number. `None` for a number of others.
    #[must_use]
    pub fn get(&self, number: NameNumber) -> Option<&Name> {
        self.names.get(usize::try_from(number.0).unwrap_or(usize::MAX))
    }

    fn show(&self, number: NameNumber, namespaces: &Namespaces) -> String {
        self.get(number)
            .map_or_else(String::new, |name| namespaces.show(name))
    }
}

/// An entry in a node's list of children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// By which name.
    pub name: NameNumber,
    /// Which node.
    pub id: NodeId,
}

/// A node that another one refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// The node.
    pub id: NodeId,
    /// Whether it may be gone.
    pub is_weak: bool,
}

/// One node of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeNode {
    /// What it is below; `None` for a root.
    pub parent: Option<NodeId>,
    /// The nodes below it, in their order.
    pub children: Vec<Entry>,
    /// What its properties refer to in its workspace: what versioning refers to is in the version storage.
    pub targets: Vec<Target>,
    /// The ids of its binaries that are in rows of their own.
    pub binaries: Vec<String>,
    /// Whether several parents share it.
    pub is_shared: bool,
    /// What tells it from what it was before.
    pub mark: Mark,
}

/// Properties with which a node refers to the version storage.
const VERSIONING: [&str; 6] = [
    "versionHistory",
    "baseVersion",
    "predecessors",
    "mergeFailed",
    "activity",
    "configuration",
];

/// What came of looking for a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The nodes on the way, the root first and the one at the path last.
    There(Vec<NodeId>),
    /// So many of the steps were found, and the next one is not there.
    Missing(usize),
}

/// See the module.
#[derive(Debug, Default)]
pub struct Tree {
    /// The nodes by their ids.
    pub nodes: HashMap<NodeId, TreeNode>,
}

impl Tree {
    /// Adds a node out of its bundle.
    ///
    /// # Errors
    /// [`BundleError`] when the bundle is none of version 3.
    pub fn add(&mut self, names: &mut Names, id: NodeId, bytes: &[u8]) -> Result<(), BundleError> {
        let outline = bundle::outline(bytes)?;
        let targets = outline.references.iter().filter(|reference| {
            reference.property.namespace != JCR || !VERSIONING.contains(&reference.property.local)
        });
        let node = TreeNode {
            parent: outline.parent,
            targets: targets
                .map(|reference| Target {
                    id: reference.target,
                    is_weak: reference.is_weak,
                })
                .collect(),
            children: outline
                .children
                .iter()
                .map(|(name, id)| Entry {
                    name: names.number(name.to_name()),
                    id: *id,
                })
                .collect(),
            binaries: outline
                .binaries
                .iter()
                .filter_map(|binary| match binary {
                    BorrowedBinary::Beside(id) => Some((*id).to_owned()),
                    BorrowedBinary::Record(_) => None,
                })
                .collect(),
            is_shared: !outline.shared_set.is_empty(),
            mark: mark(bytes),
        };
        self.nodes.insert(id, node);
        Ok(())
    }

    /// Looks for a path, step by step from the root.
    #[must_use]
    pub fn find(&self, names: &Names, namespaces: &Namespaces, steps: &[Step]) -> Found {
        let mut way = vec![ids::ROOT];
        for (done, step) in steps.iter().enumerate() {
            let children = way
                .last()
                .and_then(|id| self.nodes.get(id))
                .map(|node| node.children.as_slice());
            let nth = usize::try_from(step.index)
                .unwrap_or(usize::MAX)
                .saturating_sub(1);
            let mut alike = children
                .unwrap_or_default()
                .iter()
                .filter(|entry| names.show(entry.name, namespaces) == step.name);
            match alike.nth(nth) {
                Some(entry) if self.nodes.contains_key(&entry.id) => way.push(entry.id),
                _ => return Found::Missing(done),
            }
        }
        Found::There(way)
    }

    /// A node and everything below it that is there and says so itself.
    #[must_use]
    pub fn below(&self, top: NodeId) -> Vec<NodeId> {
        let mut found = Vec::new();
        let mut seen = HashSet::new();
        let mut open = vec![top];
        while let Some(id) = open.pop() {
            let Some(node) = self.nodes.get(&id) else { continue };
            if !seen.insert(id) {
                continue;
            }
            found.push(id);
            let is_own = |entry: &&Entry| {
                let child = self.nodes.get(&entry.id);
                child.is_some_and(|child| child.parent == Some(id))
            };
            open.extend(node.children.iter().filter(is_own).map(|entry| entry.id));
        }
        found
    }

    /// The path of a node as people read it, below its workspace. `None` where its parents do not lead to the root.
    #[must_use]
    pub fn path(&self, names: &Names, namespaces: &Namespaces, id: NodeId) -> Option<String> {
        let mut steps = Vec::new();
        let mut at = id;
        while at != ids::ROOT {
            // A circle of parents ends as well.
            if steps.len() > self.nodes.len() {
                return None;
            }
            let parent = self.nodes.get(&at)?.parent?;
            let children = &self.nodes.get(&parent)?.children;
            let place = children.iter().position(|entry| entry.id == at)?;
            let name = children.get(place)?.name;
            let before = children.iter().take(place).filter(|entry| entry.name == name);
            steps.push(Step {
                name: names.show(name, namespaces),
                index: u32::try_from(before.count())
                    .unwrap_or(u32::MAX)
                    .saturating_add(1),
            });
            at = parent;
        }
        Some(shown(steps.iter().rev()))
    }
}

/// Steps as a path.
pub(super) fn shown<'s>(steps: impl Iterator<Item = &'s Step>) -> String {
    steps.fold(String::new(), |mut path, step| {
        path.push('/');
        path.push_str(&step.to_string());
        path
    })
}
