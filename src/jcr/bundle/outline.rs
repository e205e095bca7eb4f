//! What a bundle says of other nodes and of binaries, without its values: fast enough for every node of a repository.

use super::super::{Binary, Name, Node, NodeId, PropertyType, Value};
use super::cursor::Cursor;
use super::names::BorrowedName;
use super::read::{Counts, Head, SHORTEST_CHILD, WrittenBinary, begin, end};
use super::{BundleError, NOBODY};

/// A node as others see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline<'b> {
    /// The node that it is below; `None` for a root.
    pub parent: Option<NodeId>,
    /// `jcr:primaryType`.
    pub primary_type: BorrowedName<'b>,
    /// `jcr:mixinTypes`.
    pub mixin_types: Vec<BorrowedName<'b>>,
    /// The nodes below it, in their order.
    pub children: Vec<(BorrowedName<'b>, NodeId)>,
    /// The nodes that its properties refer to, in the order in which they are kept.
    pub references: Vec<Reference<'b>>,
    /// Its binaries that are elsewhere.
    pub binaries: Vec<BorrowedBinary<'b>>,
    /// The parents of a node that several nodes share.
    pub shared_set: Vec<NodeId>,
    /// Whether its id is a property too.
    pub is_referenceable: bool,
}

/// A value that refers to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'b> {
    /// The property that has it.
    pub property: BorrowedName<'b>,
    /// The node.
    pub target: NodeId,
    /// Whether the node may be gone.
    pub is_weak: bool,
}

/// Where the bytes of a binary are, if not in the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BorrowedBinary<'b> {
    /// In the data store, under this id.
    Record(&'b str),
    /// In a row or a file of its own, under this id.
    Beside(&'b str),
}

/// Reads what a bundle says of other nodes. It is as strict as reading the node.
///
/// # Errors
/// [`BundleError`] when the bytes are not the whole of a bundle of version 3.
pub fn outline(bytes: &[u8]) -> Result<Outline<'_>, BundleError> {
    let mut from = begin(bytes)?;
    let primary_type = from.name()?;
    let parent = Some(from.id()?).filter(|parent| *parent != NOBODY);
    from.modified_count()?;
    let counts = Counts(from.byte()?);
    let mut outline = Outline {
        parent,
        primary_type,
        mixin_types: Vec::new(),
        children: Vec::new(),
        references: Vec::new(),
        binaries: Vec::new(),
        shared_set: Vec::new(),
        is_referenceable: counts.is_referenceable(),
    };
    for _ in 0..counts.mixin_types(&mut from)? {
        outline.mixin_types.push(from.name()?);
    }
    for _ in 0..counts.properties(&mut from)? {
        let head = Head::read(&mut from)?;
        for _ in 0..head.values() {
            outline.value(&mut from, &head)?;
        }
    }
    let count = counts.children(&mut from)?;
    outline.children.reserve(count.min(from.left() / SHORTEST_CHILD));
    for _ in 0..count {
        outline.children.push((from.name()?, from.id()?));
    }
    for _ in 0..counts.shared_set(&mut from)? {
        outline.shared_set.push(from.id()?);
    }
    end(&from)?;
    Ok(outline)
}

impl<'b> Outline<'b> {
    fn value(&mut self, from: &mut Cursor<'b>, head: &Head<'b>) -> Result<(), BundleError> {
        match head.kind {
            PropertyType::Undefined => return Err(BundleError::NoType(0)),
            PropertyType::String | PropertyType::Path | PropertyType::Uri => {
                from.text()?;
            }
            PropertyType::Binary => match WrittenBinary::read(from)? {
                WrittenBinary::Held(_) => {}
                WrittenBinary::Record(id) => self.binaries.push(BorrowedBinary::Record(id)),
                WrittenBinary::Beside(id) => self.binaries.push(BorrowedBinary::Beside(id)),
            },
            PropertyType::Long | PropertyType::Date => {
                from.signed()?;
            }
            PropertyType::Double => {
                from.take(8)?;
            }
            PropertyType::Boolean => {
                from.byte()?;
            }
            PropertyType::Name => {
                from.name()?;
            }
            PropertyType::Reference | PropertyType::WeakReference => self.references.push(Reference {
                property: head.name,
                target: from.id()?,
                is_weak: head.kind == PropertyType::WeakReference,
            }),
            PropertyType::Decimal => {
                if from.byte()? != 0 {
                    from.text()?;
                }
            }
        }
        Ok(())
    }
}

impl Node {
    /// The same of a node that has been read.
    #[must_use]
    pub fn outline(&self) -> Outline<'_> {
        let mut outline = Outline {
            parent: self.parent,
            primary_type: borrowed(&self.primary_type),
            mixin_types: self.mixin_types.iter().map(borrowed).collect(),
            children: self
                .children
                .iter()
                .map(|child| (borrowed(&child.name), child.id))
                .collect(),
            references: Vec::new(),
            binaries: Vec::new(),
            shared_set: self.shared_set.clone(),
            is_referenceable: self.is_referenceable,
        };
        for property in &self.properties {
            for value in &property.values {
                match value {
                    Value::Reference(target) | Value::WeakReference(target) => {
                        outline.references.push(Reference {
                            property: borrowed(&property.name),
                            target: *target,
                            is_weak: matches!(value, Value::WeakReference(_)),
                        });
                    }
                    Value::Binary(Binary::Record(id)) => outline.binaries.push(BorrowedBinary::Record(id)),
                    Value::Binary(Binary::Beside(id)) => outline.binaries.push(BorrowedBinary::Beside(id)),
                    _ => {}
                }
            }
        }
        outline
    }
}

fn borrowed(name: &Name) -> BorrowedName<'_> {
    BorrowedName {
        namespace: &name.namespace,
        local: &name.local,
    }
}
