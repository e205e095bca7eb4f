//! Copies a backup into another repository. As with backups of Live, nothing is to be seen there before all of it was
//! read back: the content is stored, compared with the manifest, read, and only then recorded. What is there already and was
//! read back not too long ago only has to be there.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;

use rustic_core::RusticError;
use rustic_core::repofile::SnapshotFile;

use super::progress::{Counts, LibraryProgress, report};
use super::record::Changes;
use crate::domain::backup::BackupId;
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::guard::Access;
use crate::repository::library::{caught, classified};
use crate::repository::read::readings::Known;
use crate::repository::read::tree::Holding;
use crate::repository::read::verify::compare;
use crate::watch::Watch;

/// How often it is begun anew while damage is found.
const MENDINGS: u32 = 8;

impl Repository {
    /// Copies a backup into another repository, and gives its id there. What that one has already is not copied again, and
    /// is not read back there either where that is `known` of it.
    ///
    /// # Errors
    /// [`RepositoryError`] when either repository fails, or it was cancelled. Then there is no such backup in the other
    /// one.
    pub fn copy_to(
        &self,
        other: &Self,
        id: &BackupId,
        known: &mut Known<'_>,
        watch: &dyn Watch,
    ) -> Result<BackupId, RepositoryError> {
        let record = self.find_record(id)?;
        let mut manifest = record.manifest().map_err(|why| self.unreadable(id, why))?;
        let mut transferred = || {
            watch.total(0, manifest.bytes());
            other.forget_damage();
            self.transfer(other, &record.file, watch)?;
            let store = other.store()?;
            let holding = Holding::read(&store, record.file.tree, watch)?;
            compare(&store, &manifest.instances, &holding)?;
            watch.total(manifest.items(), manifest.bytes());
            watch.advance(manifest.items(), 0);
            // The library has written it, and nobody has read it back.
            let locations = (&holding.pieces[..], &holding.folders[..]);
            other.read(locations, &HashMap::new(), holding.root, known, watch)
        };
        other.complete_index(watch)?;
        let mut mendings = 0..MENDINGS;
        let (since, _) = loop {
            match transferred() {
                // What the other one holds damaged counts as not stored from here on.
                Err(RepositoryError::Damaged { .. })
                    if mendings.next().is_some() && other.mend(watch)? > 0 => {}
                transferred => break transferred?,
            }
        };
        if watch.is_cancelled() {
            return Err(RepositoryError::Cancelled);
        }
        let mut file = SnapshotFile {
            tree: record.file.tree,
            summary: record.file.summary.clone(),
            original: Some(record.origin()),
            ..SnapshotFile::default()
        };
        manifest.read_since = None;
        // A pin holds what it was set on. Copies follow their slots.
        manifest.set_pin(None);
        manifest.read_since = since.filter(|since| *since < manifest.read_back());
        other.describe(&mut file, &manifest, Changes::default())?;
        other.write(file)
    }

    /// Stores what a backup needs in another repository, without a record.
    fn transfer(&self, other: &Self, file: &SnapshotFile, watch: &dyn Watch) -> Result<(), RepositoryError> {
        let counts = Arc::new(Counts::default());
        let classify = |error: Box<RusticError>| classified(&error, "storing the copy", other.place());
        let source = self.store()?;
        let (open, guard) = other
            .handle(Access::Copy, LibraryProgress(Arc::clone(&counts)))
            .map_err(classify)?;
        let destination = caught("reading the index", other.place(), || {
            open.to_indexed_ids().map_err(classify)
        })?;
        let copied = thread::scope(|scope| {
            let (working, work) = channel::<()>();
            let (counts, guard) = (&counts, &guard);
            scope.spawn(move || report(counts, watch, &work, || guard.abort()));
            let copied = caught("storing the copy", other.place(), || {
                Ok(source.library().copy(&destination, [file]))
            });
            drop(working);
            copied
        });
        let result = match (guard.failure(), copied) {
            (Some(failure), _) => Err(failure),
            (None, _) if watch.is_cancelled() => Err(RepositoryError::Cancelled),
            (None, Err(gave_up)) => Err(gave_up),
            (None, Ok(Err(error))) => Err(classified(&error, "reading what is to be copied", self.place())),
            (None, Ok(Ok(()))) => Ok(()),
        };
        result.inspect_err(|_| guard.withdraw())
    }
}
