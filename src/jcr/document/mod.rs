//! Documents that hold nodes: the system view and the document view of XML (`xml`), and Magnolia's YAML ([`yaml`]).
//!
//! What a document is says how it begins, not what it is called: [`form_of`]. Whatever is in it, reading takes no more memory
//! and goes no deeper than [`Limits`] allow, and ends with the nodes, or with why there are none.
//!
//! Not in here: which files are looked into, and how the ids of several documents go together.

pub(in crate::jcr) mod open;
pub mod yaml;
#[cfg(test)]
mod yaml_tests;

use std::io::{self, BufRead};

use super::{Name, Node};

/// So many bytes tell what a document is.
pub const BEGINNING: usize = 64 << 10;

/// How much is read.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Nodes in nodes.
    pub depth: usize,
    /// Nodes in all.
    pub nodes: u64,
    /// Bytes of one text, or of one tag.
    pub piece: u64,
    /// Bytes of a document that can only be read whole.
    pub whole: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 500,
            nodes: 1_000_000,
            piece: 64 << 20,
            whole: 64 << 20,
        }
    }
}

/// Why a document holds no nodes, or cannot be read whole.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is not what it looks like.
    #[error("it is no {0}: {1}")]
    Malformed(&'static str, String),
    /// It is some other document of its form.
    #[error("it is {0}, and no view of a content repository")]
    NotAView(&'static str),
    /// It has a document type, which could name files or grow without end.
    #[error("it has a document type, which is not read")]
    DocumentType,
    /// An entity that XML does not have by itself.
    #[error("it has the entity &{0};, which is not read")]
    Entity(String),
    /// A part of it stands for another one, which could grow without end.
    #[error("a part of it stands for another one (an alias), which is not read")]
    Alias,
    /// A limit was reached.
    #[error("{0}")]
    TooMuch(String),
    /// What is written in it does not go with what it says that it is.
    #[error("{what} of the node {path} makes no sense: {why}")]
    Wrong {
        /// The property, or the name.
        what: String,
        /// Where.
        path: String,
        /// Why.
        why: String,
    },
    /// It begins as a loss of power leaves files.
    #[error("it begins with nothing but zeroes")]
    Zeroes,
    /// The file could not be read.
    #[error("it could not be read: {0}")]
    Input(io::Error),
}

/// A node, and where it is in its document.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    /// The names from the topmost node of the document to it, each with its number among its like, from 1.
    pub path: Vec<(Name, usize)>,
    /// The node. Its id is made of its path where none is written, and then it is not referenceable.
    pub node: Node,
}

/// What a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A system view or a document view.
    Xml,
    /// What Magnolia's exporter writes.
    Yaml,
}

/// What a document is that begins so, if it looks as if it held nodes. A view has to name JCR's namespace in its first tag, and
/// a node in YAML its type.
#[must_use]
pub fn form_of(beginning: &[u8]) -> Option<Form> {
    let beginning = beginning.get(..BEGINNING).unwrap_or(beginning);
    let text = match std::str::from_utf8(beginning) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(beginning.get(..error.valid_up_to())?).ok()?,
    };
    let text = text.trim_start_matches('\u{feff}').trim_start();
    match text.as_bytes().first()? {
        b'<' => text.contains("http://www.jcp.org/jcr/").then_some(Form::Xml),
        // JSON, which is YAML too, is somebody else's.
        b'{' | b'[' => None,
        _ => text.contains("jcr:primaryType").then_some(Form::Yaml),
    }
}

/// Reads a document. Each node is given when it ends: those that are in it come before it.
///
/// # Errors
/// [`ReadError`]; what was given until then was there.
pub fn read(
    form: Form,
    mut input: impl BufRead,
    limits: Limits,
    take: &mut dyn FnMut(Placed),
) -> Result<(), ReadError> {
    match form {
        Form::Xml => super::xml::read::read(input, limits, take),
        Form::Yaml => {
            let mut bytes = Vec::new();
            let most = limits.whole.saturating_add(1);
            io::Read::read_to_end(&mut io::Read::take(&mut input, most), &mut bytes)
                .map_err(ReadError::Input)?;
            if bytes.len() as u64 > limits.whole {
                let whole = limits.whole;
                return Err(ReadError::TooMuch(format!(
                    "it is YAML of more than {whole} bytes, which can only be read whole"
                )));
            }
            let text = String::from_utf8(bytes)
                .map_err(|_| ReadError::Malformed("YAML", "its text is not UTF-8".to_owned()))?;
            yaml::read(&text, limits, take)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_document_is_says_how_it_begins() {
        for (text, form) in [
            (
                "<sv:node xmlns:sv=\"http://www.jcp.org/jcr/sv/1.0\"/>",
                Some(Form::Xml),
            ),
            (
                "\u{feff} <?xml version='1.0'?><a xmlns:jcr='http://www.jcp.org/jcr/1.0'/>",
                Some(Form::Xml),
            ),
            ("'home':\n  'jcr:primaryType': 'mgnl:page'\n", Some(Form::Yaml)),
            ("<html><p>jcr:primaryType</p></html>", None),
            ("{\"home\": {\"jcr:primaryType\": \"mgnl:page\"}}", None),
            ("class: info.magnolia.ui.App\n", None),
            ("", None),
        ] {
            assert_eq!(form_of(text.as_bytes()), form, "{text}");
        }
        assert_eq!(form_of(b"\xff\xfe<\0s\0v\0"), None);
        // A letter that is cut at the end of the beginning is nothing odd.
        let cut = "'jcr:primaryType': 'ü".as_bytes();
        assert_eq!(form_of(&cut[..cut.len() - 1]), Some(Form::Yaml));
    }
}
