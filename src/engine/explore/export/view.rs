//! What nodes are written as while they are gone through, and where the bytes of their binaries come from.

use std::cell::Cell;
use std::io::{self, Cursor, Read, Write};

use super::archive::Takes;
use super::readable::Readable;
use crate::content::inside::Bytes;
use crate::engine::explore::source::WorkspaceOpen;
use crate::jcr::values::{self, Place};
use crate::jcr::xml::write::{Binaries, SystemView, WriteError};
use crate::jcr::yaml::write::Yaml;
use crate::jcr::{Binary, Name, Node};

/// Whoever has the bytes of binaries, and knows how many there are.
pub(super) trait Reads: Binaries {
    fn sized(&self, binary: &Binary) -> io::Result<Bytes<'_>>;
}

/// Nodes as they are written.
pub(super) trait View {
    /// Begins a node in the one that was begun last. No where it has no place there.
    fn node(&mut self, name: &Name, node: &Node, path: &str, reads: &dyn Reads) -> Result<bool, WriteError>;

    /// Ends the node that was begun last.
    fn end(&mut self) -> Result<(), WriteError>;
}

impl<W: Write> View for SystemView<'_, W> {
    fn node(&mut self, name: &Name, node: &Node, _: &str, reads: &dyn Reads) -> Result<bool, WriteError> {
        SystemView::node(self, name, node, &Through(reads))?;
        Ok(true)
    }

    fn end(&mut self) -> Result<(), WriteError> {
        SystemView::end(self)
    }
}

impl<W: Write> View for Yaml<'_, W> {
    fn node(&mut self, name: &Name, node: &Node, _: &str, reads: &dyn Reads) -> Result<bool, WriteError> {
        Yaml::node(self, name, node, &Through(reads))
    }

    fn end(&mut self) -> Result<(), WriteError> {
        Yaml::end(self)
    }
}

impl<T: Takes> View for Readable<'_, T> {
    fn node(&mut self, name: &Name, node: &Node, path: &str, reads: &dyn Reads) -> Result<bool, WriteError> {
        let written = Readable::node(self, name, node, path, reads);
        written.map_err(|(property, source)| match property {
            Some(property) => WriteError::Binary { property, source },
            None => WriteError::Output(source),
        })?;
        Ok(true)
    }

    fn end(&mut self) -> Result<(), WriteError> {
        Readable::end(self);
        Ok(())
    }
}

struct Through<'r>(&'r dyn Reads);

impl Binaries for Through<'_> {
    fn open(&self, binary: &Binary) -> io::Result<Box<dyn Read + '_>> {
        self.0.open(binary)
    }
}

/// Looks whether binaries are there, and how large they are.
pub(super) struct Looks<'o> {
    open: &'o WorkspaceOpen,
    /// How many bytes they have in base64, those aside that nodes hold themselves.
    pub(super) bytes: Cell<u64>,
}

impl<'o> Looks<'o> {
    pub(super) fn new(open: &'o WorkspaceOpen) -> Self {
        Self {
            open,
            bytes: Cell::default(),
        }
    }
}

impl Binaries for Looks<'_> {
    fn open(&self, binary: &Binary) -> io::Result<Box<dyn Read + '_>> {
        if let Binary::Held(bytes) = binary {
            return Ok(Box::new(Cursor::new(bytes.clone())));
        }
        let found = opened(self.open, binary)?;
        let bytes = found.size.div_ceil(3).saturating_mul(4);
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        Ok(Box::new(io::empty()))
    }
}

impl Reads for Looks<'_> {
    fn sized(&self, binary: &Binary) -> io::Result<Bytes<'_>> {
        opened(self.open, binary)
    }
}

/// Reads binaries.
pub(super) struct Opens<'o>(pub(super) &'o WorkspaceOpen);

impl Binaries for Opens<'_> {
    fn open(&self, binary: &Binary) -> io::Result<Box<dyn Read + '_>> {
        Ok(opened(self.0, binary)?.bytes)
    }
}

impl Reads for Opens<'_> {
    fn sized(&self, binary: &Binary) -> io::Result<Bytes<'_>> {
        opened(self.0, binary)
    }
}

fn opened<'o>(open: &'o WorkspaceOpen, binary: &Binary) -> io::Result<Bytes<'o>> {
    let found = open.inside.open_binary(&open.workspace, binary);
    found.map_err(io::Error::other)?.ok_or_else(|| is_missing(binary))
}

fn is_missing(binary: &Binary) -> io::Error {
    io::Error::other(match values::place(binary) {
        Place::Record { id, .. } => format!("the data store has no file and no row {id}"),
        Place::Row(id) => format!("the workspace's table of binaries has no row {id}"),
        Place::File(path) => format!(
            "it is in a file of the repository's home, blobs/{path}, which is not there: backups of tables hold no such files, \
             and out of Live it is read where the home is configured"
        ),
        Place::Held(_) | Place::Nowhere => "what is kept in its place is not the name of anything".to_owned(),
    })
}
