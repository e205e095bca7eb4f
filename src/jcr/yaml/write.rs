//! Writes nodes as YAML, as they come: nothing but the names on the way to the node that is being written is held, whatever the
//! size of the tree and of its binaries.
//!
//! What an import makes by itself is left out as in the system view.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::{self, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::namespaces::Namespaces;
use super::super::xml::write::{Binaries, WriteError, is_left_out};
use super::super::{Name, Node, NodeId, Property, Value, ids};

/// Keys that are longer need a question mark before them.
const LONGEST_KEY: usize = 1_000;
/// So many bytes make one line of base64.
const LINE: usize = 57;

/// YAML while it is written.
pub struct Yaml<'n, W: Write> {
    out: W,
    namespaces: &'n Namespaces,
    /// For each open node, the names that are taken in it.
    open: Vec<HashSet<String>>,
    left_out: Vec<String>,
    /// How many values come back as texts.
    texts: u64,
}

impl<'n, W: Write> Yaml<'n, W> {
    /// Begins a document. `namespaces` are those of the repository.
    #[must_use]
    pub fn begin(out: W, namespaces: &'n Namespaces) -> Self {
        Self {
            out,
            namespaces,
            open: Vec::new(),
            left_out: Vec::new(),
            texts: 0,
        }
    }

    /// Begins a node with all its properties, in the one that was begun last. Says no where there is no place for it: a
    /// mapping has each name once. It is not begun then, and told of at the end.
    ///
    /// # Errors
    /// A binary that cannot be read; what writing said.
    pub fn node(&mut self, name: &Name, node: &Node, binaries: &dyn Binaries) -> Result<bool, WriteError> {
        let shown = self.namespaces.show(name);
        if let Some(taken) = self.open.last_mut()
            && !taken.insert(shown.clone())
        {
            self.left_out.push(format!(
                "the node {} is one more that is named {shown} in its parent, which YAML has no form for, with all that is below \
                 it: write it as XML",
                ids::show(&node.id)
            ));
            return Ok(false);
        }
        self.key(&shown)?;
        writeln!(self.out)?;
        self.open.push(HashSet::new());
        let show = |name: &Name| quoted(&self.namespaces.show(name));
        let kind = show(&node.primary_type);
        let mixins: Vec<_> = node.mixin_types.iter().map(show).collect();
        self.scalar("jcr:primaryType", &kind)?;
        if !mixins.is_empty() {
            self.list("jcr:mixinTypes", mixins)?;
        }
        self.scalar("jcr:uuid", &quoted(&ids::show(&node.id)))?;
        for property in &node.properties {
            if !is_left_out(&property.name) {
                self.property(&node.id, property, binaries)?;
            }
        }
        Ok(true)
    }

    /// Ends the node that was begun last.
    ///
    /// # Errors
    /// That there is none.
    pub fn end(&mut self) -> Result<(), WriteError> {
        self.open.pop().map(|_| ()).ok_or(WriteError::NotOpen)
    }

    /// Ends the document. Gives what was not written, or not as what it was, as sentences.
    ///
    /// # Errors
    /// That a node was not ended; what writing said.
    pub fn finish(mut self) -> Result<(W, Vec<String>), WriteError> {
        if !self.open.is_empty() {
            return Err(WriteError::NotOpen);
        }
        self.out.flush()?;
        match self.texts {
            0 => {}
            1 => self.left_out.push(
                "the type of 1 value, which is a name, a path, a reference, an address or a decimal number: YAML has no form for \
                 it, and it comes back as a text. XML keeps it"
                    .to_owned(),
            ),
            many => self.left_out.push(format!(
                "the types of {many} values, which are names, paths, references, addresses or decimal numbers: YAML has no form \
                 for them, and they come back as texts. XML keeps them"
            )),
        }
        Ok((self.out, self.left_out))
    }

    fn property(
        &mut self,
        of: &NodeId,
        property: &Property,
        binaries: &dyn Binaries,
    ) -> Result<(), WriteError> {
        let shown = self.namespaces.show(&property.name);
        if property.values.contains(&Value::Decimal(None)) {
            self.left_out.push(format!(
                "{shown} of the node {} has no number, which an import does not take",
                ids::show(of)
            ));
            return Ok(());
        }
        let is_first = self
            .open
            .last_mut()
            .is_none_or(|taken| taken.insert(shown.clone()));
        if !is_first {
            // Jackrabbit keeps the types of some nodes twice.
            return Ok(());
        }
        if let [Value::Binary(binary)] = property.values.as_slice()
            && !property.is_multiple
        {
            self.key(&shown)?;
            let reader = binaries.open(binary);
            return self.binary(&shown, reader, 1);
        }
        if !property.is_multiple {
            let value = property.values.first().map(|value| self.value(value));
            return self.scalar(&shown, &value.unwrap_or_else(|| "''".to_owned()));
        }
        if !property
            .values
            .iter()
            .any(|value| matches!(value, Value::Binary(_)))
        {
            let values = property.values.iter().map(|value| self.value(value)).collect();
            return self.list(&shown, values);
        }
        self.key(&shown)?;
        writeln!(self.out)?;
        for value in &property.values {
            write!(self.out, "{}-", self.indent(1))?;
            match value {
                Value::Binary(binary) => {
                    let reader = binaries.open(binary);
                    // Deeper than its dash.
                    self.binary(&shown, reader, 2)?;
                }
                value => {
                    let value = self.value(value);
                    writeln!(self.out, " {value}")?;
                }
            }
        }
        Ok(())
    }

    /// A key with its colon, at the depth of what is open.
    fn key(&mut self, shown: &str) -> io::Result<()> {
        let (indent, key) = (self.indent(0), quoted(shown));
        if key.len() > LONGEST_KEY {
            return write!(self.out, "{indent}? {key}\n{indent}:");
        }
        write!(self.out, "{indent}{key}:")
    }

    fn scalar(&mut self, shown: &str, value: &str) -> Result<(), WriteError> {
        if let Some(taken) = self.open.last_mut() {
            taken.insert(shown.to_owned());
        }
        self.key(shown)?;
        Ok(writeln!(self.out, " {value}")?)
    }

    fn list(&mut self, shown: &str, values: Vec<String>) -> Result<(), WriteError> {
        if values.is_empty() {
            return self.scalar(shown, "[]");
        }
        if let Some(taken) = self.open.last_mut() {
            taken.insert(shown.to_owned());
        }
        self.key(shown)?;
        writeln!(self.out)?;
        let indent = self.indent(1);
        for value in values {
            writeln!(self.out, "{indent}- {value}")?;
        }
        Ok(())
    }

    fn indent(&self, more: usize) -> String {
        "  ".repeat(self.open.len() + more)
    }

    /// A value that is no binary.
    fn value(&mut self, value: &Value) -> String {
        let text = match value {
            Value::String(text) => return quoted(text),
            Value::Binary(_) | Value::Decimal(None) => return "''".to_owned(),
            Value::Long(number) => return number.to_string(),
            Value::Double(number) => return double(*number),
            Value::Boolean(is_so) => return is_so.to_string(),
            Value::Date(text) if is_moment(text) => return text.clone(),
            Value::Date(text) | Value::Uri(text) | Value::Decimal(Some(text)) => text.clone(),
            Value::Name(name) => self.namespaces.show(name),
            Value::Path(path) => self.namespaces.show_path(path),
            Value::Reference(id) | Value::WeakReference(id) => ids::show(id),
        };
        self.texts += 1;
        quoted(&text)
    }

    /// Bytes, behind a key or a dash: lines that stand so much deeper than what is open.
    fn binary(
        &mut self,
        property: &str,
        reader: io::Result<Box<dyn Read + '_>>,
        deeper: usize,
    ) -> Result<(), WriteError> {
        let failed = |source| WriteError::Binary {
            property: property.to_owned(),
            source,
        };
        let mut reader = reader.map_err(failed)?;
        let indent = self.indent(deeper);
        let mut piece = vec![0; LINE * 1024];
        let mut text = String::new();
        let mut is_begun = false;
        loop {
            let mut filled = 0;
            while let Some(room) = piece.get_mut(filled..).filter(|room| !room.is_empty()) {
                match reader.read(room) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(failed(error)),
                }
            }
            if !is_begun {
                let head = if filled == 0 {
                    " !!binary ''"
                } else {
                    " !!binary |"
                };
                writeln!(self.out, "{head}")?;
                is_begun = true;
            }
            for line in piece.get(..filled).unwrap_or_default().chunks(LINE) {
                text.clear();
                STANDARD.encode_string(line, &mut text);
                writeln!(self.out, "{indent}{text}")?;
            }
            if filled < piece.len() {
                return Ok(());
            }
        }
    }
}

/// A text in quotes: single ones as Magnolia has them, double ones where something in it has to be written as a code.
fn quoted(text: &str) -> String {
    if text.chars().all(is_plain) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        // Writing into memory cannot fail.
        let _ = match letter {
            '"' | '\\' => write!(quoted, "\\{letter}"),
            '\n' => write!(quoted, "\\n"),
            '\r' => write!(quoted, "\\r"),
            '\t' => write!(quoted, "\\t"),
            letter if is_plain(letter) => write!(quoted, "{letter}"),
            letter => match u32::from(letter) {
                code @ 0..=0xff => write!(quoted, "\\x{code:02X}"),
                code @ 0x100..=0xffff => write!(quoted, "\\u{code:04X}"),
                code => write!(quoted, "\\U{code:08X}"),
            },
        };
    }
    quoted.push('"');
    quoted
}

/// Whether a letter can stand in a line in single quotes, for YAML 1.1 as well, which knows none beyond the first plane.
fn is_plain(letter: char) -> bool {
    matches!(letter, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

/// A number with a fraction, in a form that YAML 1.1 takes for one.
fn double(number: f64) -> String {
    if number.is_nan() {
        return ".nan".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let text = format!("{number:?}");
    let Some((digits, exponent)) = text.split_once('e') else {
        return text;
    };
    let fraction = if digits.contains('.') { "" } else { ".0" };
    let sign = if exponent.starts_with('-') { "" } else { "+" };
    format!("{digits}{fraction}e{sign}{exponent}")
}

/// Whether a moment is written as YAML writes one: with a year of four digits.
fn is_moment(text: &str) -> bool {
    let (year, rest) = text.split_at_checked(4).unwrap_or_default();
    year.bytes().all(|digit| digit.is_ascii_digit())
        && rest.starts_with('-')
        && rest
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b"-+:.TZ".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_so_that_they_come_back_as_they_were() {
        for (text, expected) in [
            ("News", "'News'"),
            ("it's: # no", "'it''s: # no'"),
            ("two\nlines", "\"two\\nlines\""),
            ("a \"b\"\\\u{1b}", "\"a \\\"b\\\"\\\\\\x1B\""),
            ("\u{feff}größer", "\"\\uFEFFgrößer\""),
            ("\u{1f30a}", "\"\\U0001F30A\""),
            ("", "''"),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn numbers_and_moments_are_what_yaml_takes_them_for() {
        for (number, expected) in [
            (1.0, "1.0"),
            (1e300, "1.0e+300"),
            (-2.5e-9, "-2.5e-9"),
            (f64::NEG_INFINITY, "-.inf"),
        ] {
            assert_eq!(double(number), expected);
        }
        assert_eq!(double(f64::NAN), ".nan");
        assert!(is_moment("2026-11-29T23:30:00.000+01:00"));
        assert!(!is_moment("+12026-11-29T23:30:00.000Z") && !is_moment("-0001-01-01T00:00:00.000Z"));
    }
}
