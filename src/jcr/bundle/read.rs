//! A bundle as a node.

use std::borrow::Cow;

use bytes::Bytes;

use super::super::{Binary, Child, Name, Node, NodeId, Property, PropertyType, Value};
use super::cursor::Cursor;
use super::names::BorrowedName;
use super::{BESIDE, BundleError, NOBODY, RECORD, RECORD_PREFIX, VERSION, date};

/// Reads the bundle of the node with this id.
///
/// # Errors
/// [`BundleError`] when the bytes are not the whole of a bundle of version 3.
pub fn read(id: NodeId, bytes: &[u8]) -> Result<Node, BundleError> {
    let mut from = begin(bytes)?;
    let primary_type = from.name()?.to_name();
    let parent = Some(from.id()?).filter(|parent| *parent != NOBODY);
    let modified_count = from.modified_count()?;
    let counts = Counts(from.byte()?);
    let mut mixin_types = Vec::new();
    for _ in 0..counts.mixin_types(&mut from)? {
        mixin_types.push(from.name()?.to_name());
    }
    let mut properties = Vec::new();
    for _ in 0..counts.properties(&mut from)? {
        properties.push(property(&mut from)?);
    }
    let count = counts.children(&mut from)?;
    let mut children = Vec::with_capacity(count.min(from.left() / SHORTEST_CHILD));
    for _ in 0..count {
        children.push(Child {
            name: from.name()?.to_name(),
            id: from.id()?,
        });
    }
    let mut shared_set = Vec::new();
    for _ in 0..counts.shared_set(&mut from)? {
        shared_set.push(from.id()?);
    }
    end(&from)?;
    Ok(Node {
        id,
        parent,
        primary_type,
        mixin_types,
        properties,
        children,
        shared_set,
        is_referenceable: counts.is_referenceable(),
        modified_count,
    })
}

/// A common name and an id.
pub(super) const SHORTEST_CHILD: usize = 17;

/// Looks at the version.
pub(super) fn begin(bytes: &[u8]) -> Result<Cursor<'_>, BundleError> {
    let mut from = Cursor::new(bytes);
    match from.byte().map_err(|_| BundleError::Empty)? {
        VERSION => Ok(from),
        older @ ..VERSION => Err(BundleError::Older(older)),
        unknown => Err(BundleError::Unknown(unknown)),
    }
}

pub(super) fn end(from: &Cursor<'_>) -> Result<(), BundleError> {
    match from.left() {
        0 => Ok(()),
        left => Err(BundleError::TooLong(left)),
    }
}

/// The byte that counts what a bundle has, as far as there is room in it.
#[derive(Clone, Copy)]
pub(super) struct Counts(pub(super) u8);

impl Counts {
    pub(super) fn is_referenceable(self) -> bool {
        self.0 & 1 != 0
    }

    pub(super) fn mixin_types(self, from: &mut Cursor<'_>) -> Result<usize, BundleError> {
        from.shared_count(self.0 >> 7, 1)
    }

    pub(super) fn properties(self, from: &mut Cursor<'_>) -> Result<usize, BundleError> {
        from.shared_count((self.0 >> 4) & 7, 7)
    }

    pub(super) fn children(self, from: &mut Cursor<'_>) -> Result<usize, BundleError> {
        from.shared_count((self.0 >> 2) & 3, 3)
    }

    pub(super) fn shared_set(self, from: &mut Cursor<'_>) -> Result<usize, BundleError> {
        from.shared_count((self.0 >> 1) & 1, 1)
    }
}

/// What stands before the values of a property.
pub(super) struct Head<'b> {
    pub(super) name: BorrowedName<'b>,
    pub(super) kind: PropertyType,
    /// `None` for a property that is no list.
    count: Option<usize>,
    modified_count: u16,
}

impl<'b> Head<'b> {
    pub(super) fn read(from: &mut Cursor<'b>) -> Result<Self, BundleError> {
        let name = from.name()?;
        let byte = from.byte()?;
        let kind = kind(byte & 15)?;
        let count = match byte >> 4 {
            0 => None,
            15 => Some(from.count()?.checked_add(14).ok_or(BundleError::NoNumber)?),
            more => Some(usize::from(more) - 1),
        };
        Ok(Self {
            name,
            kind,
            count,
            modified_count: from.modified_count()?,
        })
    }

    pub(super) fn is_multiple(&self) -> bool {
        self.count.is_some()
    }

    /// How many values follow.
    pub(super) fn values(&self) -> usize {
        self.count.unwrap_or(1)
    }
}

/// The type with this number.
pub(super) fn kind(number: u8) -> Result<PropertyType, BundleError> {
    Ok(match number {
        0 => PropertyType::Undefined,
        1 => PropertyType::String,
        2 => PropertyType::Binary,
        3 => PropertyType::Long,
        4 => PropertyType::Double,
        5 => PropertyType::Date,
        6 => PropertyType::Boolean,
        7 => PropertyType::Name,
        8 => PropertyType::Path,
        9 => PropertyType::Reference,
        10 => PropertyType::WeakReference,
        11 => PropertyType::Uri,
        12 => PropertyType::Decimal,
        unknown => return Err(BundleError::NoType(unknown)),
    })
}

fn property(from: &mut Cursor<'_>) -> Result<Property, BundleError> {
    let head = Head::read(from)?;
    let mut values = Vec::with_capacity(head.values().min(from.left()));
    for _ in 0..head.values() {
        values.push(value(from, head.kind)?);
    }
    Ok(Property {
        name: head.name.to_name(),
        kind: head.kind,
        is_multiple: head.is_multiple(),
        values,
        modified_count: head.modified_count,
    })
}

fn value(from: &mut Cursor<'_>, kind: PropertyType) -> Result<Value, BundleError> {
    Ok(match kind {
        PropertyType::Undefined => return Err(BundleError::NoType(0)),
        PropertyType::String => Value::String(from.text()?.to_owned()),
        PropertyType::Binary => Value::Binary(match WrittenBinary::read(from)? {
            WrittenBinary::Held(bytes) => Binary::Held(Bytes::copy_from_slice(bytes)),
            WrittenBinary::Record(id) => Binary::Record(id.to_owned()),
            WrittenBinary::Beside(id) => Binary::Beside(id.to_owned()),
        }),
        PropertyType::Long => Value::Long(from.signed()?),
        PropertyType::Double => Value::Double(f64::from_be_bytes(from.array()?)),
        PropertyType::Date => Value::Date(date::read(from.signed()?)),
        PropertyType::Boolean => Value::Boolean(from.byte()? != 0),
        PropertyType::Name => Value::Name(from.name()?.to_name()),
        PropertyType::Path => Value::Path(from.text()?.to_owned()),
        PropertyType::Reference => Value::Reference(from.id()?),
        PropertyType::WeakReference => Value::WeakReference(from.id()?),
        PropertyType::Uri => Value::Uri(from.text()?.to_owned()),
        PropertyType::Decimal => Value::Decimal(match from.byte()? {
            0 => None,
            _ => Some(from.text()?.to_owned()),
        }),
    })
}

/// A binary as it stands in a bundle.
pub(super) enum WrittenBinary<'b> {
    Held(&'b [u8]),
    Record(&'b str),
    Beside(&'b str),
}

impl<'b> WrittenBinary<'b> {
    /// The id of a record out of how it is written.
    pub(super) fn record(written: &str) -> Result<&str, BundleError> {
        written.strip_prefix(RECORD_PREFIX).ok_or(BundleError::NoBinary)
    }

    pub(super) fn read(from: &mut Cursor<'b>) -> Result<Self, BundleError> {
        match i32::from_be_bytes(from.array()?) {
            RECORD => Self::record(from.text()?).map(Self::Record),
            BESIDE => Ok(Self::Beside(from.text()?)),
            length => {
                let length = usize::try_from(length).map_err(|_| BundleError::NoBinary)?;
                Ok(Self::Held(from.take(length)?))
            }
        }
    }
}

impl Name {
    /// A name that is known when the program is built.
    #[must_use]
    pub const fn known(namespace: &'static str, local: &'static str) -> Self {
        Self {
            namespace: Cow::Borrowed(namespace),
            local: Cow::Borrowed(local),
        }
    }
}
