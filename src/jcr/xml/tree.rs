//! The nodes that are open while a view is read, and what its elements, attributes and texts make of them.
//!
//! Not in here: the reading itself, and its limits (`read`).

use std::io::BufRead;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use quick_xml::escape::unescape;
use quick_xml::events::BytesStart;
use quick_xml::name::{Namespace, QName, ResolveResult};
use quick_xml::{NsReader, XmlVersion};

use super::super::document::open::Way;
use super::super::namespaces::{JCR, NT, expanded, first_step, is_address};
use super::super::{Binary, Name, Property, PropertyType, Value, ids};
use super::read::{Bounded, Limits, Placed, ReadError, XML, not_utf8};
use super::{BASE64, SV, TYPES, decoded};

/// Which of the two views it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum View {
    System,
    Document,
}

/// A property of a system view that has begun.
struct Pending {
    shown: String,
    name: Name,
    kind: Option<PropertyType>,
    is_multiple: bool,
    values: Vec<Value>,
    /// The value that has begun, and whether it is in base64.
    value: Option<(String, bool)>,
}

/// A tree while it is read.
pub(super) struct Tree<'t> {
    limits: Limits,
    view: Option<View>,
    way: Way,
    property: Option<Pending>,
    take: &'t mut dyn FnMut(Placed),
}

type Reader<R> = NsReader<Bounded<R>>;

impl<'t> Tree<'t> {
    /// Nothing yet.
    pub(super) fn new(limits: Limits, take: &'t mut dyn FnMut(Placed)) -> Self {
        Self {
            limits,
            view: None,
            way: Way::new(XML, limits),
            property: None,
            take,
        }
    }

    /// Whether an element has come.
    pub(super) fn has_begun(&self) -> bool {
        self.view.is_some()
    }

    /// The start of an element.
    pub(super) fn start<R: BufRead>(
        &mut self,
        start: &BytesStart<'_>,
        reader: &Reader<R>,
    ) -> Result<(), ReadError> {
        let element = self.qualified(start.name(), true, reader)?;
        let is_sv = |local: &str| element.namespace == SV && element.local == local;
        let view = match self.view {
            Some(view) => view,
            None if is_sv("node") => View::System,
            None => View::Document,
        };
        self.view = Some(view);
        let attributes = self.attributes(start, reader)?;
        let find = |namespace: &str, local: &str| {
            let mut all = attributes.iter();
            let found = all.find(|(name, _)| name.namespace == namespace && name.local == local);
            found.map(|(_, value)| value.as_str())
        };
        if view == View::Document {
            if self.way.is_empty() && find(JCR, "primaryType").is_none() {
                return Err(ReadError::NotAView(XML));
            }
            let name = Name {
                namespace: element.namespace,
                local: decoded(&element.local).into(),
            };
            self.begin(name)?;
            for (name, value) in attributes {
                self.attribute(&name, &value, reader)?;
            }
            return Ok(());
        }
        if is_sv("node") && self.property.is_none() {
            let shown = find(SV, "name").ok_or_else(|| self.way.wrong("the name", "it has none"))?;
            let name = self.name(shown, reader)?;
            self.begin(name)
        } else if is_sv("property") && self.property.is_none() && !self.way.is_empty() {
            let shown = find(SV, "name").ok_or_else(|| self.way.wrong("a property", "it has no name"))?;
            let kind = find(SV, "type").unwrap_or("String");
            let known = TYPES.iter().find(|(called, _)| called.eq_ignore_ascii_case(kind));
            if known.is_none() {
                return Err(self.way.wrong(shown, &format!("there is no type {kind}")));
            }
            self.property = Some(Pending {
                name: self.name(shown, reader)?,
                shown: shown.to_owned(),
                kind: known.map(|(_, kind)| *kind),
                is_multiple: find(SV, "multiple") == Some("true"),
                values: Vec::new(),
                value: None,
            });
            Ok(())
        } else if is_sv("value") {
            let is_base64 = attributes
                .iter()
                .any(|(name, value)| name.local == "type" && name.namespace != SV && value == BASE64.1);
            match &mut self.property {
                Some(property) if property.value.is_none() => {
                    property.value = Some((String::new(), is_base64));
                    Ok(())
                }
                _ => Err(self.way.wrong("a value", "it is in no property")),
            }
        } else {
            Err(ReadError::NotAView(XML))
        }
    }

    fn begin(&mut self, name: Name) -> Result<(), ReadError> {
        self.way.has_room()?;
        self.way.begin(name);
        Ok(())
    }

    /// An attribute of a document view: a property, whose type is not written.
    fn attribute<R: BufRead>(
        &mut self,
        name: &Name,
        value: &str,
        reader: &Reader<R>,
    ) -> Result<(), ReadError> {
        let name = Name {
            namespace: name.namespace.clone(),
            local: decoded(&name.local).into(),
        };
        let own = (name.namespace == JCR).then(|| name.local.to_string());
        match own.as_deref() {
            Some("primaryType") => {
                let kind = self.name(value, reader)?;
                self.way.node()?.primary_type = Some(kind);
            }
            Some("mixinTypes") => {
                for shown in value.split_ascii_whitespace() {
                    let kind = self.name(shown, reader)?;
                    self.way.node()?.mixin_types.push(kind);
                }
            }
            Some("uuid") => self.way.node()?.id = ids::parse(value),
            _ => self.way.node()?.properties.push(Property {
                name,
                kind: PropertyType::String,
                is_multiple: false,
                values: vec![Value::String(value.to_owned())],
                modified_count: 0,
            }),
        }
        Ok(())
    }

    /// Text: a part of a value, or in a document view a node of its own.
    pub(super) fn text(&mut self, text: &str) -> Result<(), ReadError> {
        if let Some(property) = &mut self.property {
            if let Some((value, _)) = &mut property.value {
                if (value.len() + text.len()) as u64 > self.limits.piece {
                    let piece = self.limits.piece;
                    return Err(ReadError::TooMuch(format!(
                        "it has a value of more than {piece} bytes"
                    )));
                }
                value.push_str(text);
            }
            return Ok(());
        }
        let is_shown = self.view == Some(View::Document) && !self.way.is_empty() && !text.trim().is_empty();
        if is_shown {
            self.begin(name_of(JCR, "xmltext"))?;
            self.way.node()?.properties.push(Property {
                name: name_of(JCR, "xmlcharacters"),
                kind: PropertyType::String,
                is_multiple: false,
                values: vec![Value::String(text.to_owned())],
                modified_count: 0,
            });
            // It has no type of its own in the view.
            self.way.node()?.primary_type = Some(name_of(NT, "unstructured"));
            self.end_node()?;
        }
        Ok(())
    }

    /// The end of whatever was begun last. Whether that was the topmost node.
    pub(super) fn end<R: BufRead>(&mut self, reader: &Reader<R>) -> Result<bool, ReadError> {
        let Some(mut pending) = self.property.take() else {
            return self.end_node();
        };
        match pending.value.take() {
            Some((text, is_base64)) => {
                let value = self.value(&pending, text, is_base64, reader)?;
                pending.values.push(value);
                self.property = Some(pending);
            }
            None => self.settle(pending)?,
        }
        Ok(false)
    }

    fn end_node(&mut self) -> Result<bool, ReadError> {
        let ended = self.way.end(|way| Err(way.wrong("the type", "it has none")))?;
        (self.take)(ended.ok_or(ReadError::NotAView(XML))?);
        Ok(self.way.is_empty())
    }

    /// A property that is whole.
    fn settle(&mut self, pending: Pending) -> Result<(), ReadError> {
        let own = (pending.name.namespace == JCR).then(|| pending.name.local.to_string());
        let names = pending.values.iter().filter_map(|value| match value {
            Value::Name(name) => Some(name.clone()),
            _ => None,
        });
        match (own.as_deref(), pending.values.as_slice()) {
            (Some("primaryType"), [Value::Name(name)]) => self.way.node()?.primary_type = Some(name.clone()),
            (Some("mixinTypes"), _) => self.way.node()?.mixin_types = names.collect(),
            (Some("uuid"), [Value::String(text)]) => {
                let id = ids::parse(text).ok_or_else(|| self.way.wrong("jcr:uuid", "it is no id"))?;
                self.way.node()?.id = Some(id);
            }
            _ => {
                let is_multiple = pending.is_multiple || pending.values.len() != 1;
                self.way.node()?.properties.push(Property {
                    name: pending.name,
                    kind: pending.kind.unwrap_or(PropertyType::String),
                    is_multiple,
                    values: pending.values,
                    modified_count: 0,
                });
            }
        }
        Ok(())
    }

    fn value<R: BufRead>(
        &self,
        pending: &Pending,
        text: String,
        is_base64: bool,
        reader: &Reader<R>,
    ) -> Result<Value, ReadError> {
        let wrong = |why: &str| self.way.wrong(&pending.shown, why);
        let bytes = |text: &str| {
            let letters: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
            STANDARD
                .decode(letters)
                .map_err(|_| wrong("it is not written in base64"))
        };
        let kind = pending.kind.unwrap_or(PropertyType::String);
        if kind == PropertyType::Binary {
            return Ok(Value::Binary(Binary::Held(Bytes::from(bytes(&text)?))));
        }
        let text = if is_base64 {
            String::from_utf8(bytes(&text)?).map_err(|_| wrong("it is not UTF-8"))?
        } else {
            text
        };
        let id = || ids::parse(&text).ok_or_else(|| wrong("it is no id"));
        Ok(match kind {
            PropertyType::String | PropertyType::Undefined | PropertyType::Binary => Value::String(text),
            PropertyType::Long => Value::Long(text.parse().map_err(|_| wrong("it is no whole number"))?),
            PropertyType::Double => Value::Double(text.parse().map_err(|_| wrong("it is no number"))?),
            PropertyType::Date => Value::Date(text),
            PropertyType::Boolean => Value::Boolean(text.eq_ignore_ascii_case("true")),
            PropertyType::Name => Value::Name(self.name(&text, reader)?),
            PropertyType::Path => Value::Path(self.path(&text, reader)?),
            PropertyType::Reference => Value::Reference(id()?),
            PropertyType::WeakReference => Value::WeakReference(id()?),
            PropertyType::Uri => Value::Uri(text),
            PropertyType::Decimal => Value::Decimal(Some(text)),
        })
    }

    /// A path in the form in which it is kept, from the one that is shown.
    fn path<R: BufRead>(&self, shown: &str, reader: &Reader<R>) -> Result<String, ReadError> {
        if shown.starts_with('[') {
            return Ok(shown.to_owned());
        }
        let shown = if shown == "/" { "" } else { shown };
        let mut steps = Vec::new();
        let mut rest = Some(shown);
        while let Some(shown) = rest {
            let (step, behind) = first_step(shown);
            let name = self.name(step, reader)?;
            steps.push(format!("{{{}}}{}", name.namespace, name.local));
            rest = behind.strip_prefix('/');
        }
        Ok(steps.join("\t"))
    }

    /// A name that is a value: with a prefix, with an address, or without a namespace.
    fn name<R: BufRead>(&self, shown: &str, reader: &Reader<R>) -> Result<Name, ReadError> {
        if let Some((namespace, local)) = expanded(shown).filter(|(braced, _)| is_address(braced)) {
            return Ok(Name {
                namespace: namespace.to_owned().into(),
                local: local.to_owned().into(),
            });
        }
        let Some((_, local)) = shown.split_once(':') else {
            return Ok(Name {
                namespace: "".into(),
                local: shown.to_owned().into(),
            });
        };
        let prefix = QName(shown.as_bytes()).prefix();
        match reader.resolver().resolve_prefix(prefix, false) {
            ResolveResult::Bound(namespace) => Ok(Name {
                namespace: address_of(namespace)?.into(),
                local: local.to_owned().into(),
            }),
            _ => Err(self.way.wrong(shown, "its prefix is not declared")),
        }
    }

    /// The name of an element or an attribute.
    fn qualified<R: BufRead>(
        &self,
        name: QName<'_>,
        is_element: bool,
        reader: &Reader<R>,
    ) -> Result<Name, ReadError> {
        let local = text_of(name.local_name().into_inner())?;
        match reader.resolver().resolve_prefix(name.prefix(), is_element) {
            ResolveResult::Bound(namespace) => Ok(Name {
                namespace: address_of(namespace)?.into(),
                local: local.into(),
            }),
            ResolveResult::Unbound => Ok(Name {
                namespace: "".into(),
                local: local.into(),
            }),
            ResolveResult::Unknown(_) => Err(self.way.wrong(&local, "its prefix is not declared")),
        }
    }

    fn attributes<R: BufRead>(
        &self,
        start: &BytesStart<'_>,
        reader: &Reader<R>,
    ) -> Result<Vec<(Name, String)>, ReadError> {
        let mut found = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|error| ReadError::Malformed(XML, error.to_string()))?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let name = self.qualified(attribute.key, false, reader)?;
            let value = attribute
                .decoded_and_normalized_value(XmlVersion::Implicit1_0, reader.decoder())
                .map_err(|error| ReadError::Malformed(XML, error.to_string()))?;
            found.push((name, value.into_owned()));
        }
        Ok(found)
    }
}

fn name_of(namespace: &'static str, local: &'static str) -> Name {
    Name {
        namespace: namespace.into(),
        local: local.into(),
    }
}

fn text_of(bytes: &[u8]) -> Result<String, ReadError> {
    String::from_utf8(bytes.to_vec()).map_err(|_| not_utf8())
}

/// The address of a namespace, in which letters may be written as references.
fn address_of(namespace: Namespace<'_>) -> Result<String, ReadError> {
    let written = text_of(namespace.0)?;
    let address = unescape(&written).map_err(|error| ReadError::Malformed(XML, error.to_string()))?;
    Ok(address.into_owned())
}
