//! Reads nodes from YAML as Magnolia's exporter writes it: a map for each node, in which a map is a node below it and anything
//! else a property.
//!
//! YAML writes no types. A value in quotes is a text; one without is what it looks like: yes or no, a number, a moment, a text.
//! Bytes are `!!binary`. A node below another one that names no type is a `mgnl:contentNode`, as to Magnolia's importer.
//!
//! Aliases are not read: a few lines of them can stand for more than any memory holds.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Tag};

use super::super::namespaces::{MGNL, Namespaces};
use super::super::{Binary, Name, Property, PropertyType, Value, ids};
use super::open::Way;
use super::{Limits, Placed, ReadError};

/// What it is called in messages.
const YAML: &str = "YAML";

/// Reads a document. Each node is given when it ends: those that are in it come before it.
///
/// # Errors
/// [`ReadError`]; what was given until then was there.
pub fn read(text: &str, limits: Limits, take: &mut dyn FnMut(Placed)) -> Result<(), ReadError> {
    let mut tree = Tree {
        limits,
        names: Namespaces::default(),
        way: Way::new(YAML, limits),
        state: State::Before,
        take,
    };
    let mut parser = Parser::new_from_str(text.trim_start_matches('\u{feff}'));
    while let Some(event) = parser.next_event() {
        let (event, _) = event.map_err(|error: ScanError| malformed(&error.to_string()))?;
        tree.event(event)?;
    }
    match tree.state {
        State::After if tree.way.count() > 0 => Ok(()),
        State::Before | State::After => Err(ReadError::NotAView(YAML)),
        State::Key | State::Of(_) | State::List(..) => Err(malformed("it ends in the middle")),
    }
}

fn malformed(why: &str) -> ReadError {
    ReadError::Malformed(YAML, why.to_owned())
}

/// What comes next.
enum State {
    /// The document has not begun.
    Before,
    /// A name, or the end of a node.
    Key,
    /// What the name stands for.
    Of(String),
    /// The values of a list.
    List(String, Vec<Value>),
    /// The document is over.
    After,
}

struct Tree<'t> {
    limits: Limits,
    names: Namespaces,
    way: Way,
    state: State,
    take: &'t mut dyn FnMut(Placed),
}

impl Tree<'_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), ReadError> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
            Event::DocumentStart(_) => match self.state {
                State::Before => Ok(()),
                _ => Err(malformed("it has several documents")),
            },
            Event::Alias(_) => Err(ReadError::Alias),
            Event::Scalar(text, style, _, tag) => self.scalar(text, style, tag.as_deref()),
            Event::SequenceStart(_, tag) => self.list(tag.as_deref()),
            Event::SequenceEnd => self.end_list(),
            Event::MappingStart(_, tag) => self.map(tag.as_deref()),
            Event::MappingEnd => self.end_map(),
        }
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, tag: Option<&Tag>) -> Result<(), ReadError> {
        if text.len() as u64 > self.limits.piece {
            let piece = self.limits.piece;
            return Err(ReadError::TooMuch(format!(
                "it has a text of more than {piece} bytes"
            )));
        }
        match std::mem::replace(&mut self.state, State::Key) {
            State::Key => {
                self.state = State::Of(text.into_owned());
                Ok(())
            }
            // Of the whole document there are only nodes.
            State::Of(_) if self.way.is_empty() => Err(ReadError::NotAView(YAML)),
            State::Of(key) => {
                let value = self.value(&key, text, style, tag)?;
                self.property(&key, false, vec![value])
            }
            State::List(key, mut values) => {
                values.push(self.value(&key, text, style, tag)?);
                self.state = State::List(key, values);
                Ok(())
            }
            State::Before | State::After => Err(ReadError::NotAView(YAML)),
        }
    }

    fn list(&mut self, tag: Option<&Tag>) -> Result<(), ReadError> {
        match std::mem::replace(&mut self.state, State::Key) {
            State::Of(key) if !self.way.is_empty() => {
                if tag.is_some_and(|tag| core(tag) != Some("seq")) {
                    return Err(self.way.wrong(&key, "its tag is not known"));
                }
                self.state = State::List(key, Vec::new());
                Ok(())
            }
            State::List(key, _) => Err(self.way.wrong(&key, "it is a list of lists")),
            _ => Err(ReadError::NotAView(YAML)),
        }
    }

    fn end_list(&mut self) -> Result<(), ReadError> {
        match std::mem::replace(&mut self.state, State::Key) {
            State::List(key, values) => self.property(&key, true, values),
            _ => Err(malformed("a list ends that has not begun")),
        }
    }

    fn map(&mut self, tag: Option<&Tag>) -> Result<(), ReadError> {
        match std::mem::replace(&mut self.state, State::Key) {
            // The document itself.
            State::Before => Ok(()),
            State::Of(key) => {
                if tag.is_some_and(|tag| core(tag) != Some("map")) {
                    return Err(self.way.wrong(&key, "its tag is not known"));
                }
                self.begin(&key)
            }
            State::List(key, _) => Err(self.way.wrong(&key, "it is a list of nodes")),
            State::Key => Err(ReadError::NotAView(YAML)),
            State::After => Err(malformed("it has several documents")),
        }
    }

    fn begin(&mut self, key: &str) -> Result<(), ReadError> {
        self.way.has_room()?;
        // The topmost may be called by its whole path.
        let is_top = self.way.is_empty();
        let shown = match key.rsplit_once('/') {
            Some((_, "")) if is_top => "jcr:root",
            Some((_, last)) if is_top => last,
            _ => key,
        };
        if shown.is_empty() {
            return Err(self.way.wrong("the name", "it is empty"));
        }
        let name = self.name(shown);
        self.way.begin(name);
        Ok(())
    }

    fn end_map(&mut self) -> Result<(), ReadError> {
        let ended = self.way.end(|way| {
            // Of a document whose topmost map is no node there is none at all.
            if way.is_at_top() {
                return Err(ReadError::NotAView(YAML));
            }
            Ok(Name::known(MGNL, "contentNode"))
        })?;
        match ended {
            Some(node) => (self.take)(node),
            None => self.state = State::After,
        }
        Ok(())
    }

    fn property(&mut self, key: &str, is_multiple: bool, values: Vec<Value>) -> Result<(), ReadError> {
        let done = match (key, values.as_slice()) {
            ("jcr:primaryType", [Value::String(shown)]) => {
                let name = self.name(shown);
                self.way.node()?.primary_type = Some(name);
                Ok(())
            }
            ("jcr:primaryType", _) => Err("it is no name"),
            ("jcr:mixinTypes", values) => {
                let names = values.iter().map(|value| match value {
                    Value::String(shown) => Ok(self.name(shown)),
                    _ => Err("it is no name"),
                });
                match names.collect() {
                    Ok(names) => {
                        self.way.node()?.mixin_types = names;
                        Ok(())
                    }
                    Err(why) => Err(why),
                }
            }
            ("jcr:uuid", [Value::String(text)]) => self.id(text)?,
            ("jcr:uuid", _) => Err("it is no id"),
            _ => {
                let name = self.name(key);
                self.add(name, is_multiple, values)?
            }
        };
        done.map_err(|why| self.way.wrong(key, why))
    }

    /// The id of a node; or why it is none.
    fn id(&mut self, text: &str) -> Result<Result<(), &'static str>, ReadError> {
        let node = self.way.node()?;
        Ok(match ids::parse(text) {
            None => Err("it is no id"),
            Some(_) if !node.children.is_empty() => Err("it comes after nodes that are below it"),
            id => {
                node.id = id;
                Ok(())
            }
        })
    }

    /// Adds a property; or says why not.
    fn add(
        &mut self,
        name: Name,
        is_multiple: bool,
        values: Vec<Value>,
    ) -> Result<Result<(), &'static str>, ReadError> {
        let kind = values.first().map_or(PropertyType::Undefined, kind_of);
        let node = self.way.node()?;
        if values.iter().any(|value| kind_of(value) != kind) {
            return Ok(Err("its values are of several types"));
        }
        if node.properties.iter().any(|known| known.name == name) {
            return Ok(Err("it is there twice"));
        }
        node.properties.push(Property {
            name,
            kind,
            is_multiple,
            values,
            modified_count: 0,
        });
        Ok(Ok(()))
    }

    fn value(
        &self,
        key: &str,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tag: Option<&Tag>,
    ) -> Result<Value, ReadError> {
        let wrong = |why| self.way.wrong(key, why);
        let Some(tag) = tag else {
            return Ok(match style {
                ScalarStyle::Plain => plain(&text),
                _ => Value::String(text.into_owned()),
            });
        };
        let plain = plain(&text);
        match (core(tag), &plain) {
            (Some("binary"), _) => {
                let letters: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
                let bytes = STANDARD
                    .decode(letters)
                    .map_err(|_| wrong("it is not written in base64"))?;
                Ok(Value::Binary(Binary::Held(Bytes::from(bytes))))
            }
            (Some("str"), _) => Ok(Value::String(text.into_owned())),
            (Some("int"), Value::Long(_) | Value::Decimal(_))
            | (Some("float"), Value::Double(_))
            | (Some("bool"), Value::Boolean(_))
            | (Some("timestamp"), Value::Date(_)) => Ok(plain),
            (Some("float"), Value::Long(_)) => {
                let number = text.parse().map_err(|_| wrong("it is no number"))?;
                Ok(Value::Double(number))
            }
            (Some("int" | "float" | "bool" | "timestamp"), _) => Err(wrong("it is not what its tag says")),
            _ => Err(wrong("its tag is not known")),
        }
    }

    /// A name with a prefix. One whose prefix nobody knows has none: YAML does not say what prefixes stand for.
    fn name(&self, shown: &str) -> Name {
        self.names.name(shown).unwrap_or_else(|| Name {
            namespace: "".into(),
            local: shown.to_owned().into(),
        })
    }
}

/// The tag without its handle, if it is one of YAML's own.
fn core(tag: &Tag) -> Option<&str> {
    tag.is_yaml_core_schema().then_some(tag.suffix.as_str())
}

fn kind_of(value: &Value) -> PropertyType {
    match value {
        Value::String(_) => PropertyType::String,
        Value::Binary(_) => PropertyType::Binary,
        Value::Long(_) => PropertyType::Long,
        Value::Double(_) => PropertyType::Double,
        Value::Date(_) => PropertyType::Date,
        Value::Boolean(_) => PropertyType::Boolean,
        Value::Name(_) => PropertyType::Name,
        Value::Path(_) => PropertyType::Path,
        Value::Reference(_) => PropertyType::Reference,
        Value::WeakReference(_) => PropertyType::WeakReference,
        Value::Uri(_) => PropertyType::Uri,
        Value::Decimal(_) => PropertyType::Decimal,
    }
}

/// What a value without quotes looks like.
fn plain(text: &str) -> Value {
    let string = || Value::String(text.to_owned());
    match text {
        "true" | "True" | "TRUE" => return Value::Boolean(true),
        "false" | "False" | "FALSE" => return Value::Boolean(false),
        // Nothing at all is an empty text: JCR has no property without a value.
        "~" | "null" | "Null" | "NULL" => return Value::String(String::new()),
        ".inf" | "+.inf" => return Value::Double(f64::INFINITY),
        "-.inf" => return Value::Double(f64::NEG_INFINITY),
        ".nan" | ".NaN" => return Value::Double(f64::NAN),
        _ => {}
    }
    if is_moment(text) {
        return Value::Date(text.to_owned());
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return string();
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that begins with a nought would be one of base eight to some.
        return match text.parse() {
            _ if digits.len() > 1 && digits.starts_with('0') => string(),
            Ok(number) => Value::Long(number),
            Err(_) => Value::Decimal(Some(text.to_owned())),
        };
    }
    let is_number = digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && digits.bytes().any(|byte| b".eE".contains(&byte));
    match text.parse() {
        Ok(number) if is_number => Value::Double(number),
        _ => string(),
    }
}

/// Whether a text begins as a day does, and goes on as a time of it, if it goes on.
fn is_moment(text: &str) -> bool {
    let Some((day, rest)) = text.split_at_checked(10) else {
        return false;
    };
    let is_day = day.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let is_time = |time: &str| {
        time.len() >= 5
            && time.starts_with(|c: char| c.is_ascii_digit())
            && time
                .bytes()
                .all(|byte| byte.is_ascii_digit() || b":.+-Z ".contains(&byte))
            && time.contains(':')
    };
    is_day && (rest.is_empty() || rest.strip_prefix(['T', 't', ' ']).is_some_and(is_time))
}
