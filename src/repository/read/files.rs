//! Reading single files of a backup, in order, without a sink: for whoever loads them somewhere else.

use std::io::{self, Read};
use std::path::{Component, Path};
use std::slice;
use std::sync::Arc;

use bytes::Bytes;
use rustic_core::repofile::MasterKey;
use rustic_core::{DataId, Id, NoProgressBars, TreeId};

use super::runs::{Check, RunReader, runs};
use super::store::Store;
use super::tree::{self, TreeWalk};
use crate::content::backed_up::{BackedUpFile, BackedUpFiles};
use crate::content::restoring::RestoreError;
use crate::content::{Item, ItemKind};
use crate::domain::address::Address;
use crate::domain::backup::BackupId;
use crate::domain::environment::InstanceName;
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::format::node::{self, to_item};
use crate::repository::guard::{Access, Guard};
use crate::repository::library::classified;

/// What says what a backup holds is not longer than this.
const LONGEST: usize = 64 * 1024 * 1024;
/// How many files are looked up before they are read.
const TOGETHER: usize = 512;

/// The bytes of a name, which the library only gives as text.
pub(super) fn bytes_of(id: Id) -> [u8; 32] {
    let hex = id.to_hex();
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(hex.as_str().as_bytes().as_chunks::<2>().0) {
        let digits = std::str::from_utf8(pair).unwrap_or_default();
        *byte = u8::from_str_radix(digits, 16).unwrap_or_default();
    }
    digest
}

/// The piece of this name.
fn named(piece: &[u8; 32]) -> DataId {
    DataId::from(Id::new(*piece))
}

/// The content of files of one backup and instance.
pub struct Files {
    store: Store,
    top: Option<TreeId>,
    place: Address,
    key: MasterKey,
    guard: Arc<Guard>,
}

impl Repository {
    /// Reads files of an instance in a backup. An instance that the backup does not hold has none.
    ///
    /// # Errors
    /// [`RepositoryError`] when there is no such backup, or it cannot be read.
    pub fn files(&self, id: &BackupId, instance: &InstanceName) -> Result<Files, RepositoryError> {
        let (_, root) = self.find(id)?;
        let store = self.store()?;
        let top = tree::instances(&store, root)?
            .into_iter()
            .find(|(name, _)| name == instance)
            .map(|(_, tree)| tree);
        let (_, guard) = self
            .handle(Access::Read, NoProgressBars)
            .map_err(|error| classified(&error, "reading the content", self.place()))?;
        Ok(Files {
            store,
            top,
            place: self.place().clone(),
            key: self.key.clone(),
            guard,
        })
    }
}

impl BackedUpFiles for Files {
    fn below(&self, folder: &Path) -> Result<Vec<BackedUpFile>, RestoreError> {
        let Some(tree) = self.descend(folder)? else {
            return Ok(Vec::new());
        };
        let mut files = Vec::new();
        for stored in TreeWalk::new(&self.store, tree, &|_| true)? {
            let stored = stored?;
            if matches!(stored.item.kind, ItemKind::File { .. }) {
                files.push(BackedUpFile {
                    item: stored.item,
                    pieces: stored.chunks.iter().map(|piece| bytes_of(**piece)).collect(),
                });
            }
        }
        Ok(files)
    }

    fn walk(
        &self,
        folder: &Path,
        each: &mut dyn FnMut(BackedUpFile) -> Result<(), RestoreError>,
    ) -> Result<(), RestoreError> {
        let Some(tree) = self.descend(folder)? else {
            return Ok(());
        };
        for stored in TreeWalk::new(&self.store, tree, &|_| true)? {
            let stored = stored?;
            each(BackedUpFile {
                item: stored.item,
                pieces: stored.chunks.iter().map(|piece| bytes_of(**piece)).collect(),
            })?;
        }
        Ok(())
    }

    fn item(&self, path: &Path) -> Result<Option<Item>, RestoreError> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(None);
        };
        let Some(tree) = self.descend(folder)? else {
            return Ok(None);
        };
        let nodes = self.store.folder(tree)?.nodes;
        let node = nodes.iter().find(|node| *node.name() == *name);
        Ok(node.and_then(|node| node::to_item(node, folder)))
    }

    fn pour(
        &self,
        file: &BackedUpFile,
        each: &mut dyn FnMut(&[u8]) -> Result<(), RestoreError>,
    ) -> Result<(), RestoreError> {
        for piece in &file.pieces {
            each(&self.store.piece(named(piece))?)?;
        }
        Ok(())
    }

    fn pour_all(
        &self,
        files: &[BackedUpFile],
        each: &mut dyn FnMut(&[u8]) -> Result<(), RestoreError>,
    ) -> Result<(), RestoreError> {
        let mut reader = RunReader::new(&self.place, &self.key, &self.guard, self.store.damage())?;
        for files in files.chunks(TOGETHER) {
            let ids = files.iter().flat_map(|file| &file.pieces);
            let pieces = ids
                .map(|id| self.store.find(named(id)))
                .collect::<Result<Vec<_>, _>>()?;
            for run in runs(&pieces) {
                let mut done = Ok(());
                reader
                    .read(&run, &pieces, Check::Seal, &mut |_, text| {
                        if done.is_ok() {
                            done = each(text);
                        }
                    })
                    .map_err(|failed| failed.0)?;
                done?;
            }
        }
        Ok(())
    }

    fn reader<'a>(&'a self, file: &'a BackedUpFile) -> Box<dyn Read + 'a> {
        Box::new(PieceReader {
            store: &self.store,
            pieces: file.pieces.iter(),
            current: Bytes::new(),
        })
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, RestoreError> {
        let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(None);
        };
        let Some(tree) = self.descend(folder)? else {
            return Ok(None);
        };
        let nodes = self.store.folder(tree)?.nodes;
        let Some(node) = nodes
            .into_iter()
            .find(|node| *node.name() == *name && node.is_file())
        else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        for piece in node.content.unwrap_or_default() {
            bytes.extend_from_slice(&self.store.piece(piece)?);
            // A file may name one piece a million times.
            if bytes.len() > LONGEST {
                return Err(RestoreError::from(self.store.damaged(format!(
                    "{} has more than {LONGEST} bytes, and no backup has such a file of that length",
                    path.display()
                ))));
            }
        }
        Ok(Some(bytes))
    }
}

impl Files {
    /// Tells everything in those workspaces that are wanted, with their own folders, parents before children. Paths are below
    /// the instance.
    ///
    /// # Errors
    /// What `each` says; [`RestoreError`] when a folder cannot be read.
    pub fn walk_workspaces(
        &self,
        is_wanted: &dyn Fn(&str) -> bool,
        each: &mut dyn FnMut(BackedUpFile) -> Result<(), RestoreError>,
    ) -> Result<(), RestoreError> {
        let Some(tree) = self.top else { return Ok(()) };
        for stored in TreeWalk::new(&self.store, tree, is_wanted)? {
            let stored = stored?;
            each(BackedUpFile {
                item: stored.item,
                pieces: stored.chunks.iter().map(|piece| bytes_of(**piece)).collect(),
            })?;
        }
        Ok(())
    }

    fn descend(&self, folder: &Path) -> Result<Option<TreeId>, RepositoryError> {
        let Some(mut tree) = self.top else { return Ok(None) };
        for part in folder.components() {
            let Component::Normal(name) = part else {
                return Ok(None);
            };
            let nodes = self.store.folder(tree)?.nodes;
            let found = nodes.into_iter().find(|node| *node.name() == *name);
            match found.and_then(|node| node.subtree) {
                Some(subtree) => tree = subtree,
                None => return Ok(None),
            }
        }
        Ok(Some(tree))
    }
}

impl Repository {
    /// The folders of the instances in a backup, as its tree has them.
    ///
    /// # Errors
    /// [`RepositoryError`] when there is no such backup, or it cannot be read.
    pub fn instance_folders(&self, id: &BackupId) -> Result<Vec<Item>, RepositoryError> {
        let (_, root) = self.find(id)?;
        let nodes = self.store()?.folder(root)?.nodes;
        let folders = nodes.iter().filter(|node| node.is_dir());
        Ok(folders.filter_map(|node| to_item(node, Path::new(""))).collect())
    }
}

/// Reads pieces one after the other.
struct PieceReader<'a> {
    store: &'a Store,
    pieces: slice::Iter<'a, [u8; 32]>,
    current: Bytes,
}

impl Read for PieceReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            let Some(piece) = self.pieces.next() else {
                return Ok(0);
            };
            self.current = self.store.piece(named(piece)).map_err(io::Error::other)?;
        }
        let count = buffer.len().min(self.current.len());
        buffer[..count].copy_from_slice(&self.current.split_to(count));
        Ok(count)
    }
}
