//! What a bundle says of other nodes and of binaries, without its values, or with values as they stand in it: fast enough for
//! every node of a repository.

use std::borrow::Cow;

use super::super::{Binary, Name, Node, NodeId, PropertyType, Value};
use super::cursor::Cursor;
use super::date;
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

/// A value as it stands in a bundle, or in a node.
#[derive(Debug, Clone, PartialEq)]
pub enum BorrowedValue<'b> {
    /// A text, a path or an address.
    Text(&'b str),
    /// A moment.
    Date(WrittenDate<'b>),
    /// Bytes.
    Held(&'b [u8]),
    /// Bytes that are elsewhere.
    Elsewhere(BorrowedBinary<'b>),
    /// A whole number.
    Long(i64),
    /// A number.
    Double(f64),
    /// Yes or no.
    Boolean(bool),
    /// A name.
    Name(BorrowedName<'b>),
    /// The id of a node.
    Id(NodeId),
    /// A decimal number.
    Decimal(Option<&'b str>),
}

/// A moment as a bundle has it, or a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrittenDate<'b> {
    /// In a bundle.
    Number(i64),
    /// In a node.
    Text(&'b str),
}

impl WrittenDate<'_> {
    /// The text of it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Number(number) => Cow::Owned(date::read(*number)),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }
}

/// What stands before the values of a property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PropertyHead<'b> {
    /// Its name.
    pub name: BorrowedName<'b>,
    /// The type of each of its values.
    pub kind: PropertyType,
    /// Whether it is a list.
    pub is_multiple: bool,
    /// How many values follow.
    pub count: usize,
}

/// Whoever is told the properties of a bundle while it is gone through: the head of one, and then its values.
pub trait Told<'b> {
    /// A property begins.
    fn property(&mut self, head: PropertyHead<'b>);
    /// One of its values.
    fn value(&mut self, value: BorrowedValue<'b>);
}

/// Nobody.
struct Untold;

impl Told<'_> for Untold {
    fn property(&mut self, _: PropertyHead<'_>) {}
    fn value(&mut self, _: BorrowedValue<'_>) {}
}

/// Reads what a bundle says of other nodes. It is as strict as reading the node.
///
/// # Errors
/// [`BundleError`] when the bytes are not the whole of a bundle of version 3.
pub fn outline(bytes: &[u8]) -> Result<Outline<'_>, BundleError> {
    outline_telling(bytes, &mut Untold)
}

/// The same, and tells the properties to somebody, in the order in which they are kept.
///
/// # Errors
/// As [`outline`]. Some properties may have been told by then.
pub fn outline_telling<'b>(bytes: &'b [u8], told: &mut impl Told<'b>) -> Result<Outline<'b>, BundleError> {
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
        told.property(PropertyHead {
            name: head.name,
            kind: head.kind,
            is_multiple: head.is_multiple(),
            count: head.values(),
        });
        for _ in 0..head.values() {
            outline.value(&mut from, &head, told)?;
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
    fn value(
        &mut self,
        from: &mut Cursor<'b>,
        head: &Head<'b>,
        told: &mut impl Told<'b>,
    ) -> Result<(), BundleError> {
        told.value(match head.kind {
            PropertyType::Undefined => return Err(BundleError::NoType(0)),
            PropertyType::String | PropertyType::Path | PropertyType::Uri => {
                BorrowedValue::Text(from.text()?)
            }
            PropertyType::Binary => match WrittenBinary::read(from)? {
                WrittenBinary::Held(bytes) => BorrowedValue::Held(bytes),
                WrittenBinary::Record(id) => self.binary(BorrowedBinary::Record(id)),
                WrittenBinary::Beside(id) => self.binary(BorrowedBinary::Beside(id)),
            },
            PropertyType::Long => BorrowedValue::Long(from.signed()?),
            PropertyType::Date => BorrowedValue::Date(WrittenDate::Number(from.signed()?)),
            PropertyType::Double => BorrowedValue::Double(f64::from_be_bytes(from.array()?)),
            PropertyType::Boolean => BorrowedValue::Boolean(from.byte()? != 0),
            PropertyType::Name => BorrowedValue::Name(from.name()?),
            PropertyType::Reference | PropertyType::WeakReference => {
                let target = from.id()?;
                self.references.push(Reference {
                    property: head.name,
                    target,
                    is_weak: head.kind == PropertyType::WeakReference,
                });
                BorrowedValue::Id(target)
            }
            PropertyType::Decimal => BorrowedValue::Decimal(match from.byte()? {
                0 => None,
                _ => Some(from.text()?),
            }),
        });
        Ok(())
    }

    fn binary(&mut self, binary: BorrowedBinary<'b>) -> BorrowedValue<'b> {
        self.binaries.push(binary);
        BorrowedValue::Elsewhere(binary)
    }
}

impl Value {
    /// The same without its bytes.
    #[must_use]
    pub fn borrowed(&self) -> BorrowedValue<'_> {
        match self {
            Self::String(text) | Self::Path(text) | Self::Uri(text) => BorrowedValue::Text(text),
            Self::Date(text) => BorrowedValue::Date(WrittenDate::Text(text)),
            Self::Binary(Binary::Held(bytes)) => BorrowedValue::Held(bytes),
            Self::Binary(Binary::Record(id)) => BorrowedValue::Elsewhere(BorrowedBinary::Record(id)),
            Self::Binary(Binary::Beside(id)) => BorrowedValue::Elsewhere(BorrowedBinary::Beside(id)),
            Self::Long(number) => BorrowedValue::Long(*number),
            Self::Double(number) => BorrowedValue::Double(*number),
            Self::Boolean(is_set) => BorrowedValue::Boolean(*is_set),
            Self::Name(name) => BorrowedValue::Name(borrowed(name)),
            Self::Reference(id) | Self::WeakReference(id) => BorrowedValue::Id(*id),
            Self::Decimal(number) => BorrowedValue::Decimal(number.as_deref()),
        }
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
