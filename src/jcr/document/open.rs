//! The nodes that are open while a document is read: whatever it is written in, they count, have limits, and end the same way.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::super::{Child, Name, Node, NodeId, Property};
use super::{Limits, Placed, ReadError};

/// A node that has begun.
pub(in crate::jcr) struct Open {
    pub(in crate::jcr) name: Name,
    index: usize,
    pub(in crate::jcr) id: Option<NodeId>,
    pub(in crate::jcr) primary_type: Option<Name>,
    pub(in crate::jcr) mixin_types: Vec<Name>,
    pub(in crate::jcr) properties: Vec<Property>,
    pub(in crate::jcr) children: Vec<Child>,
    /// How many children of each name there are so far.
    names: HashMap<Name, usize>,
}

/// The way from the topmost node to the one that began last.
pub(in crate::jcr) struct Way {
    /// What the document is called in messages.
    form: &'static str,
    limits: Limits,
    open: Vec<Open>,
    /// How many topmost nodes of each name there are so far.
    tops: HashMap<Name, usize>,
    count: u64,
}

impl Way {
    /// Nothing yet.
    pub(in crate::jcr) fn new(form: &'static str, limits: Limits) -> Self {
        Self {
            form,
            limits,
            open: Vec::new(),
            tops: HashMap::new(),
            count: 0,
        }
    }

    /// How many nodes have begun.
    pub(in crate::jcr) fn count(&self) -> u64 {
        self.count
    }

    /// Whether no node is open.
    pub(in crate::jcr) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Makes sure that one more node may begin, and counts it.
    pub(in crate::jcr) fn has_room(&mut self) -> Result<(), ReadError> {
        self.count += 1;
        let Limits { depth, nodes, .. } = self.limits;
        if self.open.len() >= depth {
            return Err(ReadError::TooMuch(format!("it has nodes more than {depth} deep")));
        }
        if self.count > nodes {
            return Err(ReadError::TooMuch(format!("it has more than {nodes} nodes")));
        }
        Ok(())
    }

    /// Begins a node that there is room for.
    pub(in crate::jcr) fn begin(&mut self, name: Name) {
        let names = self
            .open
            .last_mut()
            .map_or(&mut self.tops, |above| &mut above.names);
        let count = names.entry(name.clone()).or_default();
        *count += 1;
        let index = *count;
        self.open.push(Open {
            name,
            index,
            id: None,
            primary_type: None,
            mixin_types: Vec::new(),
            properties: Vec::new(),
            children: Vec::new(),
            names: HashMap::new(),
        });
    }

    /// Ends the node that began last; `None` when none is open. `untyped` says what it is where that is not written.
    pub(in crate::jcr) fn end(
        &mut self,
        untyped: impl FnOnce(&Self) -> Result<Name, ReadError>,
    ) -> Result<Option<Placed>, ReadError> {
        let Some(last) = self.open.last() else {
            return Ok(None);
        };
        let primary_type = match &last.primary_type {
            Some(primary_type) => primary_type.clone(),
            None => untyped(self)?,
        };
        let above = self.open.len().saturating_sub(1);
        let parent = self.open.get(..above).filter(|above| !above.is_empty());
        let (id, parent, path) = (id_of(&self.open), parent.map(id_of), path_of(&self.open));
        let Some(open) = self.open.pop() else {
            return Ok(None);
        };
        if let Some(above) = self.open.last_mut() {
            above.children.push(Child { name: open.name, id });
        }
        Ok(Some(Placed {
            path,
            node: Node {
                id,
                parent,
                primary_type,
                mixin_types: open.mixin_types,
                properties: open.properties,
                children: open.children,
                shared_set: Vec::new(),
                is_referenceable: open.id.is_some(),
                modified_count: 0,
            },
        }))
    }

    /// Whether the node that began last is a topmost one.
    pub(in crate::jcr) fn is_at_top(&self) -> bool {
        self.open.len() == 1
    }

    /// The node that began last.
    pub(in crate::jcr) fn node(&mut self) -> Result<&mut Open, ReadError> {
        self.open.last_mut().ok_or(ReadError::NotAView(self.form))
    }

    /// That something of that node makes no sense.
    pub(in crate::jcr) fn wrong(&self, what: &str, why: &str) -> ReadError {
        let steps = self.open.iter().map(|open| open.name.local.as_ref());
        ReadError::Wrong {
            what: what.to_owned(),
            path: format!("/{}", steps.collect::<Vec<_>>().join("/")),
            why: why.to_owned(),
        }
    }
}

fn path_of(open: &[Open]) -> Vec<(Name, usize)> {
    open.iter().map(|open| (open.name.clone(), open.index)).collect()
}

/// The id of the last of these: the one that is written, or one that is made of its path.
fn id_of(open: &[Open]) -> NodeId {
    if let Some(id) = open.last().and_then(|last| last.id) {
        return id;
    }
    let digest = Sha256::digest(format!("{:?}", path_of(open)));
    let first: Option<NodeId> = digest.get(..16).and_then(|half| half.try_into().ok());
    first.unwrap_or_default()
}
