//! Nodes as XML: the system view, which Jackrabbit and Magnolia import with every type and id, and the document view, which
//! is shorter and has neither (JCR 2.0, section 7).
//!
//! [`mod@write`] makes a system view, [`mod@read`] understands both.
//!
//! Not in here: where nodes come from, and which files are read or written.

pub mod read;
#[cfg(test)]
mod tests;
mod tree;
pub mod write;

/// The namespace of the system view's own elements and attributes.
const SV: &str = "http://www.jcp.org/jcr/sv/1.0";
/// The attribute by which a value says that it is written in base64, as Jackrabbit spells it.
const BASE64: (&str, &str) = ("xsi:type", "xs:base64Binary");

/// What the types of properties are called in the system view.
const TYPES: [(&str, super::PropertyType); 13] = {
    use super::PropertyType as Type;
    [
        ("undefined", Type::Undefined),
        ("String", Type::String),
        ("Binary", Type::Binary),
        ("Long", Type::Long),
        ("Double", Type::Double),
        ("Date", Type::Date),
        ("Boolean", Type::Boolean),
        ("Name", Type::Name),
        ("Path", Type::Path),
        ("Reference", Type::Reference),
        ("WeakReference", Type::WeakReference),
        ("URI", Type::Uri),
        ("Decimal", Type::Decimal),
    ]
};

/// What a type of properties is called in the system view.
#[must_use]
pub fn type_name(of: super::PropertyType) -> &'static str {
    let called = TYPES.iter().find(|(_, known)| *known == of);
    called.map_or("undefined", |(called, _)| called)
}

/// A name of the document view, in which letters that no XML name has are written as `_x0020_` (ISO 9075-14).
fn decoded(local: &str) -> String {
    let mut decoded = String::with_capacity(local.len());
    let mut rest = local;
    while let Some(at) = rest.find("_x") {
        let (before, from) = rest.split_at(at);
        decoded.push_str(before);
        let letter = from.get(2..6).filter(|_| from.get(6..7) == Some("_"));
        let letter = letter
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .and_then(char::from_u32);
        if let Some(letter) = letter {
            decoded.push(letter);
            rest = from.get(7..).unwrap_or_default();
        } else {
            decoded.push_str("_x");
            rest = from.get(2..).unwrap_or_default();
        }
    }
    decoded.push_str(rest);
    decoded
}
