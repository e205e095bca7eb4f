//! One instance's content to be looked into, in a backup or in Live, whatever its kind.
//!
//! [`Inside`] reads whole workspaces, so that somebody can make an index of them, and single nodes where that index says
//! that they are. A repository in tables gives nodes as [`crate::jcr::Node`]; content in a folder gives a tree of [`Found`] files
//! and, below those that hold nodes, these. A whole home gives files too: its nodes are in a database of their own that is not
//! read here.
//!
//! - `found`: what an index keeps of a node; `table`: rows of a table that are nodes; `tables`: a backup of tables, `older`
//!   for what a Jackrabbit before 2.2 has written there; `files`: folders in a backup, `folder`: one of Live; `file_tree`: what
//!   both make of a walk; `documents`: files that hold nodes. Live's tables are in their own kind's folder.
//! - `blobs`: binaries and records that are rows in a backup.
//! - `fitting`: whether the nodes in a backup of tables fit together.
//!
//! Not in here: the index, and what is asked of it (`engine::explore`).

mod blobs;
mod documents;
pub(crate) mod file_tree;
pub(crate) mod files;
pub(crate) mod fitting;
pub(crate) mod folder;
pub mod found;
pub mod media;
mod older;
pub(crate) mod table;
pub(crate) mod tables;

use std::io::{Cursor, Read};
use std::sync::Arc;

use super::ContentError;
use super::backed_up::{BackedUp, BackedUpFiles};
use super::restoring::RestoreError;
use crate::jcr::bundle::BundleError;
use crate::jcr::namespaces::Namespaces;
use crate::jcr::values::{self, Place};
use crate::jcr::{Binary, Node, NodeId};
use crate::watch::Watch;
pub use found::{Found, What};

/// How files that hold nodes are called, as a rule.
pub const ENDINGS: [&str; 3] = [".xml", ".yaml", ".yml"];

/// A workspace that can be looked into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceInside {
    /// Its name, as content names it.
    pub name: String,
    /// Nodes or files in it, about.
    pub items: u64,
    /// Bytes, about.
    pub bytes: u64,
    /// The id of its root.
    pub root: NodeId,
}

/// A file, by what it takes to read it again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoredFile {
    /// In a backup: the names of its pieces, one after the other.
    pub pieces: Vec<u8>,
    /// Its length in bytes.
    pub size: u64,
    /// Where it is, for one with nodes in a folder: its names from the workspace on, parted by slashes.
    pub place: String,
}

/// Where something stands: in which file of a [`Chunk`] or an index, and at which byte of it. In Live, whose nodes are found
/// by their ids, nobody looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct At {
    /// Which of the files.
    pub file: u32,
    /// The byte that it begins with.
    pub offset: u32,
}

/// A node of a repository, as it was read.
#[derive(Debug)]
pub struct NodeRead {
    /// What it is kept by: its id. That of a node in a file is made of where it is, if it has none or another one has the
    /// same.
    pub id: NodeId,
    /// The id that is written with it.
    pub own: Option<NodeId>,
    /// What its bundle holds, or its part of a document.
    pub node: Result<Node, BundleError>,
    /// The length of its bundle, or of its names and values.
    pub size: u64,
    /// Where its row is.
    pub at: At,
}

/// A part of a workspace.
#[derive(Debug, Default)]
pub struct Chunk {
    /// The files that things are in.
    pub files: Vec<StoredFile>,
    /// Nodes of a repository.
    pub nodes: Vec<NodeRead>,
    /// Files and folders.
    pub items: Vec<Found>,
}

/// Whoever takes what is read, from several threads.
pub type Take<'a> = dyn Fn(Chunk) -> Result<(), RestoreError> + Sync + 'a;

/// How bytes begin, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beginning {
    /// How many there are.
    pub size: u64,
    /// The first of them.
    pub bytes: Vec<u8>,
}

/// All bytes of a binary, as a stream.
pub struct Bytes<'i> {
    /// How many there are.
    pub size: u64,
    /// They themselves.
    pub bytes: Box<dyn Read + 'i>,
}

/// The content of one instance, to be looked into.
pub trait Inside: Send + Sync {
    /// Its workspaces, by name.
    ///
    /// # Errors
    /// [`RestoreError`] when it is out of reach.
    fn workspaces(&self) -> Result<Vec<WorkspaceInside>, RestoreError>;

    /// One of them; `None` where there is none of that name. What it takes to count what is in it need not be done for that.
    ///
    /// # Errors
    /// [`RestoreError`] when it is out of reach.
    fn workspace(&self, name: &str) -> Result<Option<WorkspaceInside>, RestoreError> {
        Ok(self.workspaces()?.into_iter().find(|known| known.name == name))
    }

    /// The prefixes of its names.
    fn namespaces(&self) -> Arc<Namespaces>;

    /// What should be known by whoever looks into it, as a sentence.
    fn remark(&self) -> Option<String> {
        None
    }

    /// Reads a whole workspace, in any order. The watch is told of bytes, and asked whether to go on.
    ///
    /// # Errors
    /// What `take` says; [`RestoreError`] when it cannot be read, or was cancelled.
    fn read(&self, workspace: &str, take: &Take<'_>, watch: &dyn Watch) -> Result<(), RestoreError>;

    /// Reads a whole workspace as [`Inside::read`] does, for an index: of nodes there is no more than that keeps, and they are
    /// among the items.
    ///
    /// # Errors
    /// As [`Inside::read`].
    fn survey(&self, workspace: &str, take: &Take<'_>, watch: &dyn Watch) -> Result<(), RestoreError> {
        let names = self.namespaces();
        let take = |mut chunk: Chunk| {
            let nodes = std::mem::take(&mut chunk.nodes);
            chunk
                .items
                .extend(nodes.iter().map(|read| Found::of(read, &names)));
            drop(nodes);
            take(chunk)
        };
        self.read(workspace, &take, watch)
    }

    /// Reads one node of a repository; `None` where it is not there any more. `file` is what its index has of the file that
    /// it is in.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be read.
    fn node(
        &self,
        workspace: &str,
        id: &NodeId,
        file: &StoredFile,
        offset: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError>;

    /// Nodes of a workspace of a repository, for whoever reads many of them.
    ///
    /// # Errors
    /// [`RestoreError`] when they are out of reach, and where the workspace has no nodes but files.
    fn nodes(&self, workspace: &str) -> Result<Box<dyn Nodes + '_>, RestoreError> {
        Err(is_not_there(workspace))
    }

    /// Reads the beginning of a file; `None` where it is not there any more.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be read.
    fn file(
        &self,
        workspace: &str,
        names: &[String],
        file: &StoredFile,
        most: usize,
    ) -> Result<Option<Beginning>, RestoreError>;

    /// Reads the beginning of a record of the data store; `None` where it is not there, or where the store is a table.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be read.
    fn record(&self, id: &str, most: usize) -> Result<Option<Beginning>, RestoreError>;

    /// All of a record of the data store, as a stream; `None` as for [`Inside::record`].
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be read.
    fn open_record(&self, id: &str) -> Result<Option<Box<dyn Read + '_>>, RestoreError> {
        let _ = id;
        Ok(None)
    }

    /// The bytes of a binary of a node in a workspace, wherever they are; `None` where they are not there. It may take as long
    /// as reading all binaries of the workspace, once.
    ///
    /// # Errors
    /// [`RestoreError`] when they cannot be read.
    fn open_binary(&self, workspace: &str, binary: &Binary) -> Result<Option<Bytes<'_>>, RestoreError> {
        let _ = workspace;
        match values::place(binary) {
            Place::Held(bytes) => Ok(Some(Bytes {
                size: bytes.len() as u64,
                bytes: Box::new(Cursor::new(bytes.clone())),
            })),
            Place::Record { id, .. } => {
                let Some(about) = self.record(id, 0)? else {
                    return Ok(None);
                };
                Ok(self.open_record(id)?.map(|bytes| Bytes {
                    size: about.size,
                    bytes,
                }))
            }
            Place::Row(_) | Place::File(_) | Place::Nowhere => Ok(None),
        }
    }

    /// Whether [`Inside::open_binary`] answers soon. Where it does not, what it needs is begun.
    fn is_at_hand(&self, workspace: &str, binary: &Binary) -> bool {
        let _ = (workspace, binary);
        true
    }
}

/// Nodes that are read one after the other. What that takes is held meanwhile: a connection, or what was read last.
pub trait Nodes {
    /// Reads one, as [`Inside::node`] does.
    ///
    /// # Errors
    /// [`RestoreError`] when it cannot be read.
    fn node(
        &mut self,
        id: &NodeId,
        file: &StoredFile,
        offset: u32,
    ) -> Result<Option<Result<Node, BundleError>>, RestoreError>;
}

/// An instance's content in a backup.
///
/// # Errors
/// [`RestoreError`] when the backup cannot be read.
pub fn in_backup(backup: &dyn BackedUp) -> Result<Arc<dyn Inside>, RestoreError> {
    let files: Arc<dyn BackedUpFiles> = Arc::from(backup.files()?);
    let copy = backup.copy().clone();
    if copy.tables.is_empty() {
        return Ok(Arc::new(files::FilesInBackup::new(files, copy)));
    }
    Ok(Arc::new(tables::TablesInBackup::new(files, copy)?))
}

/// That a part of a workspace is not what it was when its index was made.
pub(crate) fn is_not_there(what: &str) -> RestoreError {
    RestoreError::Content(ContentError::Changed {
        path: what.into(),
        what: "vanished",
    })
}
