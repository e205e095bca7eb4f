//! Making an index anew that is damaged, or a part of which is gone: every pack says at its end what is in it.
//!
//! Nothing is lost by a damaged index, and nothing can be read either until there is another one. Packs that no sound index
//! file tells of go into a new one. Among them may be such as no backup needs: those go with the next prune.

use std::collections::HashSet;

use rustic_core::repofile::{IndexFile, IndexId};
use rustic_core::{FileType, NoProgressBars, RusticError, WriteBackend as _};

use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::format::cipher::Cipher;
use crate::repository::format::index;
use crate::repository::format::pack::Packer;
use crate::repository::format::piece::path_of;
use crate::repository::guard::{Access, Guard};
use crate::repository::library::{classified, of_pack};
use crate::repository::read::damage::Damage;
use crate::repository::read::runs::RunReader;
use crate::watch::Watch;

impl Repository {
    /// Makes the index anew if a file of it is damaged, or it does not tell of every backup that has a record. Gives how many
    /// packs it did not tell of before; `None` when there was nothing to do.
    ///
    /// # Errors
    /// [`RepositoryError`] when something cannot be read, which says nothing of what is there, or not be written.
    pub fn complete_index(&self, watch: &dyn Watch) -> Result<Option<u64>, RepositoryError> {
        let is_whole = match self.store() {
            Ok(store) => {
                let mut records = self.records()?.into_iter().flatten();
                records.all(|record| store.has(&record.file.tree))
            }
            Err(RepositoryError::Damaged { .. }) => false,
            Err(error) => return Err(error),
        };
        if is_whole { Ok(None) } else { self.reindex(watch) }
    }

    /// Makes the index tell of every pack whose list can be read, and removes the files of it that are damaged.
    fn reindex(&self, watch: &dyn Watch) -> Result<Option<u64>, RepositoryError> {
        let classify = |error: Box<RusticError>| classified(&error, "making the index anew", self.place());
        let failed = |why: String| RepositoryError::io("making the index anew", self.place(), why);
        let (open, guard) = self.handle(Access::Prune, NoProgressBars).map_err(classify)?;
        let (mut told, mut damaged) = (HashSet::new(), Vec::new());
        for id in open.list::<IndexId>().map_err(classify)? {
            match open.get_file::<IndexFile>(&id).map_err(classify) {
                Ok(index) => {
                    let marked = index.packs_to_delete.iter();
                    told.extend(index.packs.iter().chain(marked).map(|pack| *pack.id));
                }
                Err(RepositoryError::Damaged { .. }) => damaged.push(id),
                Err(error) => return Err(error),
            }
        }
        let level = open.config().zstd().map_err(classify)?;
        let packer = Cipher::new(&self.key).and_then(|cipher| Packer::new(cipher, level));
        let mut fresh = Fresh {
            guard: &guard,
            packer: packer.map_err(failed)?,
            packs: Vec::new(),
            pieces: 0,
        };
        let mut reader = RunReader::new(self.place(), &self.key, &guard, &Damage::default())?;
        let mut found = 0;
        for (pack, size) in guard.pack_sizes().map_err(classify)? {
            if told.contains(&pack) {
                continue;
            }
            if watch.is_cancelled() {
                return Err(RepositoryError::Cancelled);
            }
            let read = reader.list(pack, size);
            let list = match read.map_err(|error| of_pack(&error, &path_of(pack), self.place())) {
                Ok(Some(list)) => list,
                // Whatever it held is stored anew.
                Ok(None) | Err(RepositoryError::Damaged { .. }) => continue,
                Err(error) => return Err(error),
            };
            fresh.pieces += list.len();
            fresh
                .packs
                .push(index::pack((pack, size), &list).map_err(failed)?);
            found += 1;
            if fresh.pieces >= index::PIECES {
                fresh.write().map_err(failed)?.map_err(classify)?;
            }
        }
        if !fresh.packs.is_empty() {
            fresh.write().map_err(failed)?.map_err(classify)?;
        }
        let is_something = found > 0 || !damaged.is_empty();
        // Only now, when another tells what these should have told.
        for id in damaged {
            guard.remove(FileType::Index, &id, false).map_err(classify)?;
        }
        Ok(is_something.then_some(found))
    }
}

/// An index file that is being made.
struct Fresh<'a> {
    guard: &'a Guard,
    packer: Packer,
    /// Packs, as the file has them.
    packs: Vec<String>,
    pieces: usize,
}

impl Fresh<'_> {
    /// Writes the file, and begins another.
    fn write(&mut self) -> Result<Result<(), Box<RusticError>>, String> {
        let text = index::text(&std::mem::take(&mut self.packs), &[]);
        self.pieces = 0;
        let content = self.packer.file(text.as_bytes())?;
        Ok(self.guard.write_named(FileType::Index, content.into()).map(drop))
    }
}
