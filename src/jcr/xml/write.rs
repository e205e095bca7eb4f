//! Writes nodes as a system view, as they come: nothing but the way to the node that is being written is held, whatever the
//! size of the tree and of its binaries.
//!
//! The id of every node is written, of those too that do not show it, so that an import puts each back as what it was. What
//! an import makes by itself is left out as Magnolia's exporter leaves it out: where a node is in the version storage, and who
//! has locked it.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use base64::engine::general_purpose::STANDARD;
use base64::write::EncoderWriter;

use super::super::namespaces::{JCR, MIX, NT, Namespaces, is_address};
use super::super::{Binary, Name, Node, NodeId, Property, PropertyType, Value, ids};
use super::{BASE64, SV, TYPES};

use crate::domain::os_error::in_words;

/// The namespaces that every XML has without saying so.
const BUILT_IN: [&str; 2] = ["", "http://www.w3.org/XML/1998/namespace"];

/// Properties of `jcr:` that an import makes by itself, or that are nothing without the version storage.
const LEFT_OUT: [&str; 9] = [
    "activity",
    "baseVersion",
    "configuration",
    "isCheckedOut",
    "lockIsDeep",
    "lockOwner",
    "mergeFailed",
    "predecessors",
    "versionHistory",
];

/// Whoever has the bytes of binaries.
pub trait Binaries {
    /// The bytes of one.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn open(&self, binary: &Binary) -> io::Result<Box<dyn Read + '_>>;
}

/// Why a tree cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A name has letters that no XML has.
    #[error("the name {0:?} cannot be written as XML")]
    Name(String),
    /// The bytes of a binary cannot be read.
    #[error("the binary {property} cannot be read: {}", in_words(source))]
    Binary {
        /// The property that it is a value of.
        property: String,
        /// Why.
        source: io::Error,
    },
    /// What is written to takes nothing.
    #[error("writing failed: {}", in_words(.0))]
    Output(#[from] io::Error),
    /// A node was closed that was not open.
    #[error("a node ends that has not begun")]
    NotOpen,
}

/// A system view while it is written.
pub struct SystemView<'n, W: Write> {
    out: W,
    prefixes: Prefixes<'n>,
    /// For each open node, the prefixes that it has declared.
    open: Vec<Vec<String>>,
    left_out: Vec<String>,
}

impl<'n, W: Write> SystemView<'n, W> {
    /// Begins a view. `namespaces` are those of the repository; addresses that it does not know get prefixes of their own.
    ///
    /// # Errors
    /// What writing said.
    pub fn begin(mut out: W, namespaces: &'n Namespaces) -> Result<Self, WriteError> {
        out.write_all(b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
        Ok(Self {
            out,
            prefixes: Prefixes {
                namespaces,
                made: BTreeMap::new(),
            },
            open: Vec::new(),
            left_out: Vec::new(),
        })
    }

    /// Begins a node with all its properties, in the one that was begun last. `name` is what its parent calls it; that of a
    /// root is `jcr:root`.
    ///
    /// # Errors
    /// A name that no XML has; a binary that cannot be read; what writing said.
    pub fn node(&mut self, name: &Name, node: &Node, binaries: &dyn Binaries) -> Result<(), WriteError> {
        let properties: Vec<&Property> = node
            .properties
            .iter()
            .filter(|one| !is_left_out(&one.name))
            .collect();
        let mut used: Vec<&str> = vec![SV, JCR, &name.namespace, &node.primary_type.namespace];
        used.extend(node.mixin_types.iter().map(|name| &*name.namespace));
        for property in &properties {
            used.push(&property.name.namespace);
            for value in &property.values {
                match value {
                    Value::Name(name) => used.push(&name.namespace),
                    Value::Path(path) => used.extend(addresses(path)),
                    _ => {}
                }
            }
        }
        self.start(name, &used)?;
        self.names("primaryType", false, std::slice::from_ref(&node.primary_type))?;
        if !node.mixin_types.is_empty() {
            self.names("mixinTypes", true, &node.mixin_types)?;
        }
        self.id(&node.id)?;
        for property in properties {
            self.property(&node.id, property, binaries)?;
        }
        Ok(())
    }

    /// A further place of a node that is written already and has several parents. Nothing is written of it: JCR has a form
    /// for it, `nt:share`, which Jackrabbit's import refuses where ids are kept.
    ///
    /// # Errors
    /// As [`SystemView::node`].
    pub fn share(&mut self, name: &Name, id: &NodeId) -> Result<(), WriteError> {
        let shown = self.shown(name)?;
        self.left_out.push(format!(
            "{shown} is a further place of the shared node {}, which is written once: an import takes no shares",
            ids::show(id)
        ));
        Ok(())
    }

    /// Ends the node that was begun last.
    ///
    /// # Errors
    /// That there is none; what writing said.
    pub fn end(&mut self) -> Result<(), WriteError> {
        self.open.pop().ok_or(WriteError::NotOpen)?;
        let sv = self.prefixes.of(SV);
        Ok(writeln!(self.out, "</{sv}:node>")?)
    }

    /// Ends the view. Gives what was not written, as sentences.
    ///
    /// # Errors
    /// That a node was not ended; what writing said.
    pub fn finish(mut self) -> Result<(W, Vec<String>), WriteError> {
        if !self.open.is_empty() {
            return Err(WriteError::NotOpen);
        }
        self.out.flush()?;
        Ok((self.out, self.left_out))
    }

    /// The start of a node, with the prefixes that are used in it and not declared around it.
    fn start(&mut self, name: &Name, used: &[&str]) -> Result<(), WriteError> {
        let mut declared = Vec::new();
        let sv = self.prefixes.of(SV);
        let shown = self.shown(name)?;
        write!(self.out, "<{sv}:node {sv}:name=\"{}\"", attribute(&shown))?;
        for address in used.iter().filter(|address| !BUILT_IN.contains(address)) {
            let prefix = self.prefixes.of(address);
            let is_declared = self
                .open
                .iter()
                .flatten()
                .chain(&declared)
                .any(|known| *known == prefix);
            if !is_declared {
                write!(self.out, " xmlns:{prefix}=\"{}\"", attribute(address))?;
                declared.push(prefix);
            }
        }
        self.open.push(declared);
        Ok(self.out.write_all(b">")?)
    }

    /// A name as the view has it.
    fn shown(&mut self, name: &Name) -> Result<String, WriteError> {
        let shown = match self.prefixes.of(&name.namespace) {
            prefix if prefix.is_empty() => name.local.to_string(),
            prefix => format!("{prefix}:{}", name.local),
        };
        if shown.chars().all(is_of_xml) {
            Ok(shown)
        } else {
            Err(WriteError::Name(shown))
        }
    }

    /// A name as the value of a property has it. A prefix that was made for this view says nothing there: Jackrabbit's import
    /// reads values with the prefixes of its session, whatever the view declares (`BufferedStringValue.getValue`, seen in
    /// 2.20). The expanded form says the same to all.
    fn name_as_value(&mut self, name: &Name) -> Result<String, WriteError> {
        if self.prefixes.is_known(&name.namespace) || !is_address(&name.namespace) {
            return self.shown(name);
        }
        Ok(format!("{{{}}}{}", name.namespace, name.local))
    }

    /// A path as the view has it, from the form in which it is kept.
    fn path(&mut self, kept: &str) -> Result<String, WriteError> {
        let mut steps = Vec::new();
        for step in kept.split('\t') {
            let Some((address, local)) = cut(step) else {
                steps.push(step.to_owned());
                continue;
            };
            let name = Name {
                namespace: address.to_owned().into(),
                local: local.to_owned().into(),
            };
            steps.push(self.name_as_value(&name)?);
        }
        // The root is a name without letters.
        Ok(match steps.as_slice() {
            [root] if root.is_empty() => "/".to_owned(),
            steps => steps.join("/"),
        })
    }

    /// One of the properties that every node has, which hold names.
    fn names(&mut self, local: &str, is_multiple: bool, names: &[Name]) -> Result<(), WriteError> {
        let shown = format!("{}:{local}", self.prefixes.of(JCR));
        self.head(&shown, PropertyType::Name, is_multiple)?;
        for name in names {
            let value = self.shown(name)?;
            self.text(&value)?;
        }
        self.tail()
    }

    fn id(&mut self, id: &NodeId) -> Result<(), WriteError> {
        let shown = format!("{}:uuid", self.prefixes.of(JCR));
        self.head(&shown, PropertyType::String, false)?;
        self.text(&ids::show(id))?;
        self.tail()
    }

    fn property(
        &mut self,
        of: &NodeId,
        property: &Property,
        binaries: &dyn Binaries,
    ) -> Result<(), WriteError> {
        let shown = self.shown(&property.name)?;
        if let Some(why) = self.no_import_takes(&property.values) {
            self.left_out
                .push(format!("{shown} of the node {} {why}", ids::show(of)));
            return Ok(());
        }
        self.head(&shown, property.kind, property.is_multiple)?;
        for value in &property.values {
            match value {
                Value::Binary(binary) => self.binary(&shown, binary, binaries)?,
                value => {
                    let text = self.value(value)?;
                    self.text(&text)?;
                }
            }
        }
        self.tail()
    }

    /// Why no import takes a property with these values.
    fn no_import_takes(&self, values: &[Value]) -> Option<String> {
        values.iter().find_map(|value| match value {
            Value::Decimal(None) => Some("has no number, which an import does not take".to_owned()),
            // Jackrabbit's reader of paths knows no numbers behind names in the expanded form (`PathParser`).
            Value::Path(path) => path.split('\t').find_map(|step| {
                let (address, local) = cut(step)?;
                (local.ends_with(']') && !self.prefixes.is_known(address)).then(|| {
                    format!(
                        "is a path through {step}, which an import takes only with the prefix of {address}: it is kept in the \
                         repository's home, so name that in the configuration (`home`)"
                    )
                })
            }),
            _ => None,
        })
    }

    /// A value that is no binary, as JCR shows it.
    fn value(&mut self, value: &Value) -> Result<String, WriteError> {
        Ok(match value {
            Value::String(text) | Value::Date(text) | Value::Uri(text) | Value::Decimal(Some(text)) => {
                text.clone()
            }
            Value::Binary(_) | Value::Decimal(None) => String::new(),
            Value::Long(number) => number.to_string(),
            Value::Double(number) if number.is_infinite() => {
                if *number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
            }
            Value::Double(number) => format!("{number:?}"),
            Value::Boolean(is_so) => is_so.to_string(),
            Value::Name(name) => self.name_as_value(name)?,
            Value::Path(path) => self.path(path)?,
            Value::Reference(id) | Value::WeakReference(id) => ids::show(id),
        })
    }

    fn head(&mut self, shown: &str, kind: PropertyType, is_multiple: bool) -> Result<(), WriteError> {
        let sv = self.prefixes.of(SV);
        let called = TYPES.iter().find(|(_, known)| *known == kind);
        let called = called.map_or("undefined", |(called, _)| called);
        let name = attribute(shown);
        write!(
            self.out,
            "<{sv}:property {sv}:name=\"{name}\" {sv}:type=\"{called}\""
        )?;
        if is_multiple {
            write!(self.out, " {sv}:multiple=\"true\"")?;
        }
        Ok(self.out.write_all(b">")?)
    }

    fn tail(&mut self) -> Result<(), WriteError> {
        let sv = self.prefixes.of(SV);
        Ok(write!(self.out, "</{sv}:property>")?)
    }

    /// A text as a value. One that XML cannot have is written in base64, and says so.
    fn text(&mut self, text: &str) -> Result<(), WriteError> {
        let sv = self.prefixes.of(SV);
        if text.chars().all(is_of_xml) {
            return Ok(write!(self.out, "<{sv}:value>{}</{sv}:value>", escaped(text))?);
        }
        let (key, value) = BASE64;
        write!(
            self.out,
            "<{sv}:value {key}=\"{value}\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
             xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"
        )?;
        let mut encoder = EncoderWriter::new(&mut self.out, &STANDARD);
        encoder.write_all(text.as_bytes())?;
        encoder.finish()?;
        drop(encoder);
        Ok(write!(self.out, "</{sv}:value>")?)
    }

    fn binary(&mut self, property: &str, binary: &Binary, binaries: &dyn Binaries) -> Result<(), WriteError> {
        let failed = |source| WriteError::Binary {
            property: property.to_owned(),
            source,
        };
        let sv = self.prefixes.of(SV);
        write!(self.out, "<{sv}:value>")?;
        let mut reader = binaries.open(binary).map_err(failed)?;
        let mut encoder = EncoderWriter::new(&mut self.out, &STANDARD);
        let mut piece = vec![0; 48 * 1024];
        loop {
            let count = match reader.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(failed(error)),
            };
            encoder.write_all(piece.get(..count).unwrap_or_default())?;
        }
        encoder.finish()?;
        drop(encoder);
        Ok(write!(self.out, "</{sv}:value>")?)
    }
}

/// The prefixes of a view.
struct Prefixes<'n> {
    namespaces: &'n Namespaces,
    /// Those that the repository has none for.
    made: BTreeMap<String, String>,
}

impl Prefixes<'_> {
    /// Whether the repository has a prefix for an address, or every XML has.
    fn is_known(&self, address: &str) -> bool {
        BUILT_IN.contains(&address) || self.namespaces.prefix(address).is_some()
    }

    fn of(&mut self, address: &str) -> String {
        if address == BUILT_IN[1] {
            return "xml".to_owned();
        }
        if let Some(prefix) = self.namespaces.prefix(address) {
            return prefix.to_owned();
        }
        if let Some(prefix) = self.made.get(address) {
            return prefix.clone();
        }
        let wanted = match address {
            SV => Some("sv"),
            NT => Some("nt"),
            MIX => Some("mix"),
            _ => None,
        };
        let mut tried = wanted
            .map(str::to_owned)
            .into_iter()
            .chain((1..).map(|n| format!("ns{n}")));
        let is_free = |prefix: &String| {
            self.namespaces.address(prefix).is_none() && !self.made.values().any(|made| made == prefix)
        };
        let prefix = tried.find(is_free).unwrap_or_default();
        self.made.insert(address.to_owned(), prefix.clone());
        prefix
    }
}

/// Whether a property is none that an import takes: it makes it by itself.
pub(in crate::jcr) fn is_left_out(name: &Name) -> bool {
    name.namespace == JCR && LEFT_OUT.contains(&&*name.local)
}

/// The addresses in a path as it is kept.
fn addresses(kept: &str) -> impl Iterator<Item = &str> {
    kept.split('\t')
        .filter_map(|step| cut(step).map(|(address, _)| address))
}

/// The address and the rest of one step of a path as it is kept: `{http://…}area[2]`.
fn cut(step: &str) -> Option<(&str, &str)> {
    step.strip_prefix('{')?.split_once('}')
}

/// Whether a letter can be in an XML 1.0 document (production 2 of the recommendation).
fn is_of_xml(letter: char) -> bool {
    matches!(letter, '\t' | '\n' | '\r') || (letter >= ' ' && !matches!(letter, '\u{fffe}' | '\u{ffff}'))
}

/// A text between elements. A carriage return would be read as a line feed.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' => escaped.push_str("&#13;"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// A text in an attribute, where white space would be read as spaces.
fn attribute(text: &str) -> String {
    let text = escaped(text);
    text.replace('"', "&quot;")
        .replace('\n', "&#10;")
        .replace('\t', "&#9;")
}
