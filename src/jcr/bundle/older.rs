//! Bundles as Jackrabbit 1.x to 2.1 wrote them (versions 0 to 2): a node that nobody has saved since is still kept so.
//!
//! Names are numbers in them: those of namespaces are kept in the home, those of local names in the table `names` beside the
//! bundles. They are read as Jackrabbit's `BundleReader` does, and never written.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;

use super::super::namespaces::JCR;
use super::super::{Binary, Child, Name, Node, NodeId, Property, PropertyType, Value};
use super::cursor::Cursor;
use super::read::{WrittenBinary, kind};
use super::{BESIDE, BundleError, RECORD, VERSION};

/// What the numbers in older bundles stand for.
#[derive(Debug, Clone, Copy)]
pub struct Numbers<'n> {
    /// The addresses of namespaces.
    pub namespaces: &'n BTreeMap<u32, String>,
    /// Local names.
    pub names: &'n HashMap<u32, String>,
}

/// Properties that a node has anyway.
const REDUNDANT: [Name; 2] = [Name::known(JCR, "primaryType"), Name::known(JCR, "uuid")];

/// Reads a bundle of a version before the third one.
///
/// # Errors
/// [`BundleError`] when the bytes are not those of such a bundle, or have a number that stands for nothing.
pub fn read_older(id: NodeId, bytes: &[u8], numbers: Numbers<'_>) -> Result<Node, BundleError> {
    let mut cursor = Cursor::new(bytes);
    let version = cursor.byte().map_err(|_| BundleError::Empty)?;
    if version >= VERSION {
        return Err(BundleError::Unknown(version));
    }
    let mut from = Older {
        from: cursor,
        numbers,
    };
    let [high, middle, low] = from.from.array()?;
    let namespace = u32::from_be_bytes([0, high, middle, low]);
    let primary_type = from.numbered(namespace)?;
    let parent = from.id()?;
    // How its type defines it, which Jackrabbit looks up by now.
    from.text()?;
    let mut mixin_types = Vec::new();
    while let Some(name) = from.name()? {
        mixin_types.push(name);
    }
    let mut properties = Vec::new();
    while let Some(name) = from.name()? {
        let property = from.property(name)?;
        if !REDUNDANT.contains(&property.name) {
            properties.push(property);
        }
    }
    let is_referenceable = from.from.byte()? != 0;
    let mut children = Vec::new();
    while let Some(id) = from.id()? {
        let name = from.written_name()?;
        children.push(Child { name, id });
    }
    let modified_count = if version >= 1 {
        u16::from_be_bytes(from.from.array()?)
    } else {
        0
    };
    let mut shared_set = Vec::new();
    if version >= 2 {
        while let Some(parent) = from.id()? {
            shared_set.push(parent);
        }
    }
    // Some have more bytes behind it, which Jackrabbit leaves alone.
    Ok(Node {
        id,
        parent,
        primary_type,
        mixin_types,
        properties,
        children,
        shared_set,
        is_referenceable,
        modified_count,
    })
}

struct Older<'b, 'n> {
    from: Cursor<'b>,
    numbers: Numbers<'n>,
}

impl<'b> Older<'b, '_> {
    fn number(&mut self) -> Result<u32, BundleError> {
        Ok(u32::from_be_bytes(self.from.array()?))
    }

    fn length(&mut self) -> Result<usize, BundleError> {
        let number = i32::from_be_bytes(self.from.array()?);
        usize::try_from(number).map_err(|_| BundleError::NoNumber)
    }

    /// A name by its namespace's number and its own.
    fn numbered(&mut self, namespace: u32) -> Result<Name, BundleError> {
        let local = self.number()?;
        let local = self.numbers.names.get(&local);
        let local = local.ok_or(BundleError::NoMeaning)?.clone();
        self.named(namespace, local)
    }

    fn named(&self, namespace: u32, local: String) -> Result<Name, BundleError> {
        let namespace = self.numbers.namespaces.get(&namespace);
        Ok(Name {
            namespace: namespace.ok_or(BundleError::NoMeaning)?.clone().into(),
            local: local.into(),
        })
    }

    /// A name by numbers; `None` at the end of a list.
    fn name(&mut self) -> Result<Option<Name>, BundleError> {
        let namespace = self.number()?;
        if namespace.cast_signed() < 0 {
            return Ok(None);
        }
        self.numbered(namespace).map(Some)
    }

    /// A name whose local part is written out.
    fn written_name(&mut self) -> Result<Name, BundleError> {
        let namespace = self.number()?;
        let local = self.text()?;
        self.named(namespace, local)
    }

    fn id(&mut self) -> Result<Option<NodeId>, BundleError> {
        match self.from.byte()? {
            0 => Ok(None),
            _ => self.from.id().map(Some),
        }
    }

    /// A text of at most 64 KiB, as Java's `writeUTF` writes it.
    fn text(&mut self) -> Result<String, BundleError> {
        let length = usize::from(u16::from_be_bytes(self.from.array()?));
        modified_utf8(self.from.take(length)?).ok_or(BundleError::NoText)
    }

    fn long_text(&mut self) -> Result<&'b str, BundleError> {
        let length = self.length()?;
        self.from.text_of(length)
    }

    fn property(&mut self, name: Name) -> Result<Property, BundleError> {
        let [high, low, _, number] = self.from.array()?;
        let kind = kind(number)?;
        let modified_count = u16::from_be_bytes([high, low]);
        let is_multiple = self.from.byte()? != 0;
        self.text()?;
        let count = self.length()?;
        if !is_multiple && count != 1 {
            return Err(BundleError::NoNumber);
        }
        let mut values = Vec::with_capacity(count.min(self.from.left()));
        for _ in 0..count {
            values.push(self.value(kind)?);
        }
        Ok(Property {
            name,
            kind,
            is_multiple,
            values,
            modified_count,
        })
    }

    fn value(&mut self, kind: PropertyType) -> Result<Value, BundleError> {
        let target = |id: Option<NodeId>| id.ok_or(BundleError::NoMeaning);
        Ok(match kind {
            PropertyType::Undefined => return Err(BundleError::NoType(0)),
            PropertyType::String => Value::String(self.long_text()?.to_owned()),
            PropertyType::Path => Value::Path(self.long_text()?.to_owned()),
            PropertyType::Uri => Value::Uri(self.long_text()?.to_owned()),
            PropertyType::Date => Value::Date(self.long_text()?.to_owned()),
            PropertyType::Binary => Value::Binary(self.binary()?),
            PropertyType::Long => Value::Long(i64::from_be_bytes(self.from.array()?)),
            PropertyType::Double => Value::Double(f64::from_be_bytes(self.from.array()?)),
            PropertyType::Boolean => Value::Boolean(self.from.byte()? != 0),
            PropertyType::Name => Value::Name(self.written_name()?),
            PropertyType::Reference => Value::Reference(target(self.id()?)?),
            PropertyType::WeakReference => Value::WeakReference(target(self.id()?)?),
            PropertyType::Decimal => Value::Decimal(match self.from.byte()? {
                0 => None,
                _ => Some(self.text()?),
            }),
        })
    }

    fn binary(&mut self) -> Result<Binary, BundleError> {
        match i32::from_be_bytes(self.from.array()?) {
            RECORD => WrittenBinary::record(&self.text()?).map(|id| Binary::Record(id.to_owned())),
            BESIDE => Ok(Binary::Beside(self.text()?)),
            length => {
                let length = usize::try_from(length).map_err(|_| BundleError::NoBinary)?;
                Ok(Binary::Held(Bytes::copy_from_slice(self.from.take(length)?)))
            }
        }
    }
}

/// Java's form of UTF-8: no byte is zero, and letters beyond 16 bits are two of three bytes each.
fn modified_utf8(bytes: &[u8]) -> Option<String> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let (unit, behind) = match rest {
            [] => break,
            [one @ 0..=0x7f, behind @ ..] => (u16::from(*one), behind),
            [one @ 0xc0..=0xdf, two @ 0x80..=0xbf, behind @ ..] => {
                (u16::from(one & 0x1f) << 6 | u16::from(two & 0x3f), behind)
            }
            [
                one @ 0xe0..=0xef,
                two @ 0x80..=0xbf,
                three @ 0x80..=0xbf,
                behind @ ..,
            ] => (
                u16::from(one & 0x0f) << 12 | u16::from(two & 0x3f) << 6 | u16::from(three & 0x3f),
                behind,
            ),
            _ => return None,
        };
        units.push(unit);
        rest = behind;
    }
    String::from_utf16(&units).ok()
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// What Jackrabbit's own test of bundles that are wrong in the newer form has: written by version 1.
    const WRITTEN: &[i16] = &[
        1, 0, 0, 13, 0, 0, 0, 49, 1, -14, 44, 120, -116, -85, -104, 71, -49, -107, -85, 108, 73, 82, 57,
        -128, 122, 0, 10, 49, 55, 48, 53, 48, 55, 55, 48, 56, 51, -1, -1, -1, -1, 0, 0, 0, 1, 0, 0, 1, -3, 0,
        1, 0, 5, 0, 0, 9, 56, 48, 54, 52, 55, 48, 53, 56, 48, 0, 0, 0, 1, 0, 0, 0, 33, 50, 48, 49, 49, 50,
        48, 50, 50, 45, 49, 49, 45, 49, 49, 84, 49, 57, 58, 48, 48, 58, 48, 48, 46, 48, 48, 48, 43, 48, 49,
        58, 48, 48, -1, -1, -1, -1, 0, 1, 8, 2, 108, -97, -88, -118, 71, 27, -68, -61, -4, -94, -67, -126, 0,
        11, 0, 0, 0, 1, 0, 15, 108, 105, 110, 107, 101, 100, 95, 112, 114, 111, 100, 117, 99, 116, 115, 0, 3,
        0, 0, 0, 0, 70, -53, 75, -124,
    ];

    fn bytes() -> Vec<u8> {
        WRITTEN.iter().map(|byte| byte.to_be_bytes()[1]).collect()
    }

    fn tables() -> (BTreeMap<u32, String>, HashMap<u32, String>) {
        (
            [(13, "urn:type".to_owned()), (1, String::new())].into(),
            [(49, "product".to_owned()), (509, "when".to_owned())].into(),
        )
    }

    #[test]
    fn a_bundle_of_version_1_is_read() {
        let (namespaces, names) = tables();
        let numbers = Numbers {
            namespaces: &namespaces,
            names: &names,
        };
        let node = read_older([1; 16], &bytes(), numbers).unwrap();
        assert_eq!(node.primary_type, Name::known("urn:type", "product"));
        assert_eq!(node.parent.unwrap()[..4], [0xf2, 0x2c, 0x78, 0x8c]);
        assert_eq!(node.modified_count, 0x0300);
        assert_eq!(node.children[0].name, Name::known("", "linked_products"));
        let [when] = node.properties.as_slice() else {
            panic!("{node:#?}")
        };
        assert_eq!(when.modified_count, 1);
        let text = "20112022-11-11T19:00:00.000+01:00".to_owned();
        assert_eq!(when.values, [Value::Date(text)]);
        let unknown = BTreeMap::new();
        let numbers = Numbers {
            namespaces: &unknown,
            names: &names,
        };
        assert_eq!(
            read_older([1; 16], &bytes(), numbers),
            Err(BundleError::NoMeaning)
        );
    }

    #[test]
    fn java_writes_letters_in_its_own_way() {
        assert_eq!(modified_utf8(b"a\xc0\x80\xc3\xa4").unwrap(), "a\0ä");
        assert_eq!(modified_utf8(b"\xed\xa0\xbd\xed\xbb\x9f").unwrap(), "🛟");
        assert_eq!(modified_utf8(b"\xed\xa0\xbd"), None);
        assert_eq!(modified_utf8(b"\xf0\x9f\x9b\x9f"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(version in 0..3_u8, at in any::<prop::sample::Index>(), wrong in vec(any::<u8>(), 0..9)) {
            let (namespaces, names) = tables();
            let numbers = Numbers { namespaces: &namespaces, names: &names };
            let mut bytes = bytes();
            bytes[0] = version;
            let at = at.index(bytes.len());
            bytes.splice(at..(at + wrong.len()).min(bytes.len()), wrong);
            drop(read_older([0; 16], &bytes, numbers));
        }
    }
}
