//! Reads nodes from the system view or the document view of a tree, one after the other. What is no such view is told for
//! what it is, so that it can be shown as a file.
//!
//! Nothing that a document says makes this take more memory or go deeper than [`Limits`] allow: entities are not expanded, a
//! document type is refused, and no part of the text is believed before it is there.

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use quick_xml::NsReader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

pub use super::super::document::{Limits, Placed, ReadError};
use super::tree::Tree;

/// What it is called in messages.
pub(super) const XML: &str = "XML";

/// Reads a view. Each node is given when it ends: those that are in it come before it.
///
/// # Errors
/// [`ReadError`]; what was given until then was there.
pub fn read(input: impl BufRead, limits: Limits, take: &mut dyn FnMut(Placed)) -> Result<(), ReadError> {
    let left = Rc::new(Cell::new(limits.piece));
    let bounded = Bounded {
        inner: input,
        left: Rc::clone(&left),
    };
    let mut reader = NsReader::from_reader(bounded);
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.check_end_names = true;
    let mut tree = Tree::new(limits, take);
    let mut buffer = Vec::new();
    let mut is_over = false;
    loop {
        buffer.clear();
        left.set(limits.piece);
        let event = reader
            .read_event_into(&mut buffer)
            .map_err(|error| not_read(error, limits))?;
        match event {
            Event::Start(_) if is_over => {
                return Err(ReadError::Malformed(
                    XML,
                    "it has two topmost elements".to_owned(),
                ));
            }
            Event::Start(start) => tree.start(&start, &reader)?,
            Event::End(_) => is_over = tree.end(&reader)?,
            Event::Text(text) => {
                let text = text.xml10_content().map_err(|_| not_utf8())?;
                tree.text(&text)?;
            }
            Event::CData(text) => {
                let text = text.decode().map_err(|_| not_utf8())?;
                tree.text(&text)?;
            }
            Event::GeneralRef(entity) => {
                let letter = entity
                    .resolve_char_ref()
                    .map_err(|error| not_read(error, limits))?;
                if let Some(letter) = letter {
                    tree.text(letter.encode_utf8(&mut [0; 4]))?;
                } else {
                    let name = entity.decode().map_err(|_| not_utf8())?;
                    let known = resolve_predefined_entity(&name);
                    tree.text(known.ok_or_else(|| ReadError::Entity(name.to_string()))?)?;
                }
            }
            Event::DocType(_) => return Err(ReadError::DocumentType),
            Event::Eof if is_over => return Ok(()),
            Event::Eof if !tree.has_begun() => {
                return Err(ReadError::Malformed(XML, "there is nothing in it".to_owned()));
            }
            Event::Eof => return Err(ReadError::Malformed(XML, "it ends in the middle".to_owned())),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Empty(_) => {}
        }
    }
}

pub(super) fn not_utf8() -> ReadError {
    ReadError::Malformed(XML, "its text is not UTF-8".to_owned())
}

fn not_read(error: quick_xml::Error, limits: Limits) -> ReadError {
    match error {
        quick_xml::Error::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => ReadError::TooMuch(
            format!("it has a text or a tag of more than {} bytes", limits.piece),
        ),
        quick_xml::Error::Io(error) => ReadError::Input(io::Error::new(error.kind(), error.to_string())),
        error => ReadError::Malformed(XML, error.to_string()),
    }
}

/// A reader that gives only so much before it is asked again.
pub(super) struct Bounded<R> {
    inner: R,
    left: Rc<Cell<u64>>,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let found = self.fill_buf()?;
        let count = found.len().min(buffer.len());
        if let (Some(into), Some(from)) = (buffer.get_mut(..count), found.get(..count)) {
            into.copy_from_slice(from);
        }
        self.consume(count);
        Ok(count)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left.get() == 0 {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.left.set(self.left.get().saturating_sub(count as u64));
        self.inner.consume(count);
    }
}
