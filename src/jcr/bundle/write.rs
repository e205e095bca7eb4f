//! A node as a bundle.

use super::super::{Binary, Name, Node, NodeId, Property, PropertyType, Value};
use super::{BESIDE, BundleError, NOBODY, RECORD, RECORD_PREFIX, VERSION, date, names};

/// The node's bundle, as Jackrabbit writes it.
///
/// # Errors
/// [`BundleError`] for what cannot be read again: an empty name, a property whose values are not of its type, a date that is
/// none.
pub fn write(node: &Node) -> Result<Vec<u8>, BundleError> {
    let mut to = Writer {
        bytes: vec![VERSION],
        namespaces: Vec::new(),
    };
    to.name(&node.primary_type)?;
    to.id(&node.parent.unwrap_or(NOBODY));
    to.modified_count(node.modified_count);
    let few = |count: usize, most: u8| u8::try_from(count).map_or(most, |count| count.min(most));
    to.bytes.push(
        few(node.mixin_types.len(), 1) << 7
            | few(node.properties.len(), 7) << 4
            | few(node.children.len(), 3) << 2
            | few(node.shared_set.len(), 1) << 1
            | u8::from(node.is_referenceable),
    );
    to.rest_of_count(node.mixin_types.len(), 1)?;
    for name in &node.mixin_types {
        to.name(name)?;
    }
    to.rest_of_count(node.properties.len(), 7)?;
    for property in &node.properties {
        to.property(property)?;
    }
    to.rest_of_count(node.children.len(), 3)?;
    for child in &node.children {
        to.name(&child.name)?;
        to.id(&child.id);
    }
    to.rest_of_count(node.shared_set.len(), 1)?;
    for parent in &node.shared_set {
        to.id(parent);
    }
    Ok(to.bytes)
}

struct Writer<'n> {
    bytes: Vec<u8>,
    /// Those that have a place by now, the default one aside, which has the first.
    namespaces: Vec<&'n str>,
}

/// How many namespaces have a place besides the default one.
const PLACES: usize = 6;

impl<'n> Writer<'n> {
    fn id(&mut self, id: &NodeId) {
        self.bytes.extend_from_slice(id);
    }

    /// Seven bits in each byte, the lowest first.
    fn number(&mut self, mut number: u64) {
        while number > 0x7f {
            let [low, ..] = number.to_le_bytes();
            self.bytes.push(low | 0x80);
            number >>= 7;
        }
        let [low, ..] = number.to_le_bytes();
        self.bytes.push(low);
    }

    fn signed(&mut self, number: i64) {
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    fn count(&mut self, count: usize) -> Result<(), BundleError> {
        let count = i32::try_from(count).map_err(|_| BundleError::TooLarge)?;
        self.number(u64::from(count.cast_unsigned()));
        Ok(())
    }

    /// What of a count has no room in the byte that it shares.
    fn rest_of_count(&mut self, count: usize, base: usize) -> Result<(), BundleError> {
        count.checked_sub(base).map_or(Ok(()), |rest| self.count(rest))
    }

    /// Jackrabbit counts in 16 bits with a sign, and writes them as 32.
    fn modified_count(&mut self, count: u16) {
        self.number(u64::from(i32::from(count.cast_signed()).cast_unsigned()));
    }

    fn text(&mut self, text: &str) -> Result<(), BundleError> {
        self.count(text.len())?;
        self.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn name(&mut self, name: &'n Name) -> Result<(), BundleError> {
        if let Some(number) = names::number_of(name) {
            self.bytes.push(number);
            return Ok(());
        }
        let (namespace, local) = (name.namespace.as_ref(), name.local.as_bytes());
        let length = local.len();
        let short = length.checked_sub(1).ok_or(BundleError::EmptyName)?.min(15);
        let known = self.namespaces.iter().position(|known| *known == namespace);
        let place = if namespace.is_empty() {
            0
        } else {
            known.unwrap_or(self.namespaces.len()) + 1
        };
        self.bytes
            .push(0x80 | u8::try_from(place << 4 | short).unwrap_or(u8::MAX));
        if !namespace.is_empty() && known.is_none() {
            self.text(namespace)?;
            if self.namespaces.len() < PLACES {
                self.namespaces.push(namespace);
            }
        }
        if short == 15 {
            self.count(length - 16)?;
        }
        self.bytes.extend_from_slice(local);
        Ok(())
    }

    fn property(&mut self, property: &'n Property) -> Result<(), BundleError> {
        let wrong = || BundleError::WrongValues(property.name.local.clone().into_owned());
        self.name(&property.name)?;
        let kind = property.kind as u8;
        let count = property.values.len();
        if !property.is_multiple {
            if count != 1 {
                return Err(wrong());
            }
            self.bytes.push(kind);
        } else if let Some(few) = u8::try_from(count + 1).ok().filter(|few| *few < 15) {
            self.bytes.push(few << 4 | kind);
        } else {
            self.bytes.push(0xf0 | kind);
            self.count(count - 14)?;
        }
        self.modified_count(property.modified_count);
        for value in &property.values {
            if value.kind() != property.kind {
                return Err(wrong());
            }
            self.value(value)?;
        }
        Ok(())
    }

    fn value(&mut self, value: &'n Value) -> Result<(), BundleError> {
        match value {
            Value::String(text) | Value::Path(text) | Value::Uri(text) => self.text(text)?,
            Value::Binary(binary) => self.binary(binary)?,
            Value::Long(number) => self.signed(*number),
            // Java knows one form of what is not a number.
            Value::Double(number) if number.is_nan() => {
                self.bytes
                    .extend_from_slice(&0x7ff8_0000_0000_0000_u64.to_be_bytes());
            }
            Value::Double(number) => self.bytes.extend_from_slice(&number.to_be_bytes()),
            Value::Date(text) => {
                let number = date::write(text).ok_or_else(|| BundleError::NoDate(text.clone()))?;
                self.signed(number);
            }
            Value::Boolean(is_so) => self.bytes.push(u8::from(*is_so)),
            Value::Name(name) => self.name(name)?,
            Value::Reference(id) | Value::WeakReference(id) => self.id(id),
            Value::Decimal(None) => self.bytes.push(0),
            Value::Decimal(Some(text)) => {
                self.bytes.push(1);
                self.text(text)?;
            }
        }
        Ok(())
    }

    fn binary(&mut self, binary: &Binary) -> Result<(), BundleError> {
        match binary {
            Binary::Held(bytes) => {
                let length = i32::try_from(bytes.len()).map_err(|_| BundleError::TooLarge)?;
                self.bytes.extend_from_slice(&length.to_be_bytes());
                self.bytes.extend_from_slice(bytes);
            }
            Binary::Record(id) => {
                self.bytes.extend_from_slice(&RECORD.to_be_bytes());
                self.text(&format!("{RECORD_PREFIX}{id}"))?;
            }
            Binary::Beside(id) => {
                self.bytes.extend_from_slice(&BESIDE.to_be_bytes());
                self.text(id)?;
            }
        }
        Ok(())
    }
}

impl Value {
    /// Its type.
    #[must_use]
    pub fn kind(&self) -> PropertyType {
        match self {
            Self::String(_) => PropertyType::String,
            Self::Binary(_) => PropertyType::Binary,
            Self::Long(_) => PropertyType::Long,
            Self::Double(_) => PropertyType::Double,
            Self::Date(_) => PropertyType::Date,
            Self::Boolean(_) => PropertyType::Boolean,
            Self::Name(_) => PropertyType::Name,
            Self::Path(_) => PropertyType::Path,
            Self::Reference(_) => PropertyType::Reference,
            Self::WeakReference(_) => PropertyType::WeakReference,
            Self::Uri(_) => PropertyType::Uri,
            Self::Decimal(_) => PropertyType::Decimal,
        }
    }
}
