//! Brings content of a backup into a [`Sink`], file by file on all cores, by reading pieces straight from packs.
//!
//! The library's own restore holds more than a gigabyte of memory and panics where a disk fails. This one holds a few
//! pieces per core and returns errors.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

use rustic_core::NoProgressBars;

use super::batch::Batch;
use super::file_writing::FileWriting;
use super::runs::RunReader;
use super::tree::{Stored, TreeWalk};
use crate::concurrency::machine::cores;
use crate::concurrency::workers::{self, Feed};
use crate::content::backed_up::{Donor, Extracted};
use crate::content::{Item, ItemKind, Sink};
use crate::domain::backup::BackupId;
use crate::domain::environment::InstanceName;
use crate::domain::plan::{Reach, Selection};
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::format::fingerprint::Fingerprints;
use crate::repository::format::node;
use crate::repository::guard::Access;
use crate::repository::library::classified;
use crate::watch::Watch;

/// How many batches the walk may be ahead of those that write them.
const AHEAD: usize = 8;
/// How many threads write beyond one for each core: while some wait for packs, which come past the system's cache or over a
/// network, the others unpack and write.
const WAITING: usize = 2;

impl Repository {
    /// Writes an instance's content, or what of it is selected, into `sink`, and finishes it. Folders on the way to a part that is
    /// selected are written as well.
    ///
    /// Every piece that is written is known to come from this repository, or to be by its digest what is in it, and everything
    /// that was to be written is what the record says. Comparing what arrived with the backup ([`Repository::compare`]) is up to the caller.
    ///
    /// # Errors
    /// [`RepositoryError`] when it cannot be read, written, or was cancelled. What was written until then is incomplete.
    pub fn extract(
        &self,
        id: &BackupId,
        instance: &InstanceName,
        selection: &Selection,
        sink: &dyn Sink,
        watch: &dyn Watch,
    ) -> Result<Extracted, RepositoryError> {
        self.extract_with(id, instance, selection, sink, None, watch)
    }

    /// As [`Repository::extract`]. What a file of the same path and length in `donor` has where a piece belongs is taken
    /// for it if its digest, worked out of what is then written, is the piece's name: it is the same text.
    ///
    /// # Errors
    /// As [`Repository::extract`].
    pub fn extract_with(
        &self,
        id: &BackupId,
        instance: &InstanceName,
        selection: &Selection,
        sink: &dyn Sink,
        donor: Option<&dyn Donor>,
        watch: &dyn Watch,
    ) -> Result<Extracted, RepositoryError> {
        let opened = self.open_instance(id, instance, selection, watch)?;
        let (store, Some(tree)) = (opened.store, opened.tree) else {
            return Ok(Extracted::default());
        };
        let wanted = |workspace: &str| selection.has_workspace(workspace);
        let (_, guard) = self
            .handle(Access::Read, NoProgressBars)
            .map_err(|error| classified(&error, "reading the content", self.place()))?;
        let writing = FileWriting {
            store: &store,
            instance,
            sink,
            donor,
            watch,
            donated: AtomicU64::new(0),
        };
        let mut extracted = Extracted::default();
        let mut tallies = Fingerprints::default();
        let mut names = Names::default();
        let make = |files: &Feed<'_, Vec<Stored>>| {
            let mut batch = Batch::default();
            for stored in TreeWalk::new(&store, tree, &wanted)? {
                let mut stored = stored?;
                tallies.add_stored(&stored.item, &stored.chunks);
                // What a part is taken out of is known to be what the record says all the same.
                if selection.reach(&stored.item.path) == Reach::Outside {
                    if watch.is_cancelled() {
                        return Err(RepositoryError::Cancelled);
                    }
                    continue;
                }
                let restored = stored.item.restored_mode();
                if restored != stored.item.mode {
                    stored.item.mode = restored;
                    extracted.without_set_ids += 1;
                }
                if watch.is_cancelled() {
                    return Err(RepositoryError::Cancelled);
                }
                extracted.items += 1;
                let made = match stored.item.kind {
                    ItemKind::Folder => sink.folder(&stored.item),
                    ItemKind::Link { .. } => sink.link(&stored.item),
                    ItemKind::File { size } => {
                        extracted.bytes += size;
                        if let Some(full) = names.first(stored).and_then(|stored| batch.add(stored, size))
                            && !files.give(full)
                        {
                            return Ok(());
                        }
                        continue;
                    }
                };
                made.map_err(|error| RepositoryError::content(instance, error))?;
                if !stored.item.is_workspace() {
                    watch.advance(1, 0);
                }
            }
            // Where nobody takes it any more, that is told.
            files.give(batch.take());
            Ok(())
        };
        workers::fed((WAITING + cores(), AHEAD), make, |batches| {
            let mut reader = RunReader::new(self.place(), &self.key, &guard, store.damage())?;
            batches.try_for_each(|files| writing.write(&mut reader, files))
        })?;
        for (item, first) in names.again {
            sink.name_again(&item, &first)
                .map_err(|error| RepositoryError::content(instance, error))?;
            watch.advance(1, node::size(&item));
        }
        // Whenever it was verified last: what is staged is what the record says, or nothing is.
        let expected = opened.workspaces.into_iter().map(|copy| (copy.name, copy.digest));
        let found = tallies.iter();
        let found = found.map(|(name, tally)| (name.to_string_lossy().into_owned(), tally.digest()));
        if expected.collect::<BTreeMap<_, _>>() != found.collect::<BTreeMap<_, _>>() {
            return Err(store.damaged(format!(
                "what it holds of {instance} is not what the record of backup {} says",
                id.short()
            )));
        }
        sink.finish()
            .map_err(|error| RepositoryError::content(instance, error))?;
        extracted.donated = writing.donated.into_inner();
        Ok(extracted)
    }
}

/// Files with several names: each is written once, and gets its other names when all files are written.
#[derive(Default)]
struct Names {
    met: HashMap<(u64, u64), Stored>,
    /// An item that is another name, and the path of the first.
    again: Vec<(Item, PathBuf)>,
}

impl Names {
    /// Gives a file back that has to be written: any but another name of one that was met. What the backup says of the two
    /// has to be the same; names can be made up.
    fn first(&mut self, stored: Stored) -> Option<Stored> {
        let Some(file) = stored.item.file_of_names() else {
            return Some(stored);
        };
        let Some(first) = self.met.get(&file) else {
            self.met.insert(file, stored.clone());
            return Some(stored);
        };
        let (one, other) = (&first.item, &stored.item);
        let is_same = first.chunks == stored.chunks
            && (&one.kind, one.mode, one.owner, one.modified)
                == (&other.kind, other.mode, other.owner, other.modified)
            && one.attributes() == other.attributes();
        if !is_same {
            return Some(stored);
        }
        self.again.push((stored.item, one.path.clone()));
        None
    }
}
