//! Brings content of a backup into a [`Sink`], file by file on all cores, by reading pieces straight from packs.
//!
//! The library's own restore holds more than a gigabyte of memory and panics where a disk fails. This one holds a few
//! pieces per core and returns errors.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::mem::take;
use std::path::PathBuf;
use std::slice;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use parking_lot::Mutex;
use rustic_core::NoProgressBars;

use super::error::{RepositoryError, judged};
use super::guard::Purpose;
use super::runs::{Check, RunReader, runs};
use super::store::Store;
use super::tally::Tallies;
use super::tree::{self, Stored, TreeWalk};
use super::{Repository, node};
use crate::content::backed_up::Extracted;
use crate::content::{ContentError, Item, ItemKind, Sink, SinkFile};
use crate::domain::backup::BackupId;
use crate::domain::environment::InstanceName;
use crate::domain::plan::Selection;
use crate::watch::Watch;

/// How many batches the walk may be ahead of those that write them.
const AHEAD: usize = 8;
/// A batch has as many bytes, or as many files, as this.
const BATCH_BYTES: u64 = 4 * 1024 * 1024;
const BATCH_FILES: usize = 256;

impl Repository {
    /// Writes an instance's content, or the workspaces of it that are selected, into `sink`, and finishes it.
    ///
    /// Every piece that is written is known to come from this repository, and everything that was to be written is what
    /// the record says. Comparing what arrived with the backup ([`Repository::compare`]) is up to the caller.
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
        let (manifest, root) = self.find(id)?;
        let wanted = |workspace: &str| selection.has_workspace(workspace);
        let copies = manifest.instances.iter().filter(|copy| copy.name == *instance);
        let workspaces = || {
            copies
                .clone()
                .flat_map(|copy| &copy.workspaces)
                .filter(|copy| wanted(&copy.name))
        };
        watch.total(
            workspaces().map(|workspace| workspace.items).sum(),
            workspaces().map(|workspace| workspace.bytes).sum(),
        );
        watch.instance(instance);
        let store = self.store()?;
        let Some((_, tree)) = tree::instances(&store, root)?
            .into_iter()
            .find(|(name, _)| name == instance)
        else {
            return Ok(Extracted::default());
        };
        let (_, guard) = self
            .handle(Purpose::Read, NoProgressBars)
            .map_err(|error| judged(&error, "reading the content", self.place()))?;
        let writing = Writing {
            store: &store,
            instance,
            sink,
            watch,
            failure: Failure::default(),
        };
        let failure = &writing.failure;
        let mut batch = Batch::default();
        let mut extracted = Extracted::default();
        let mut tallies = Tallies::default();
        let (files, received) = sync_channel::<Vec<Stored>>(AHEAD);
        let received = Mutex::new(received);
        let mut names = Names::default();
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                let (writing, received, guard) = (&writing, &received, &guard);
                scope.spawn(move || {
                    let reader = RunReader::new(self.place(), &self.key, guard, writing.store.damage());
                    writing.write_files(reader, received);
                });
            }
            let mut make = || {
                for stored in TreeWalk::new(&store, tree, &wanted)? {
                    let mut stored = stored?;
                    tallies.add_stored(&stored.item, &stored.chunks);
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
                            let Some(stored) = names.first(stored) else {
                                continue;
                            };
                            let full = batch.add(stored);
                            // The writers take everything that is sent, even after a failure.
                            if failure.is_set() || full.is_some_and(|full| files.send(full).is_err()) {
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
                // As above.
                let _ = files.send(batch.take());
                Ok(())
            };
            if let Err(error) = make() {
                failure.set(error);
            }
            drop(files);
        });
        writing.failure.into_result()?;
        for (item, first) in names.again {
            sink.name_again(&item, &first)
                .map_err(|error| RepositoryError::content(instance, error))?;
            watch.advance(1, node::size(&item));
        }
        // Whenever it was verified last: what is staged is what the record says, or nothing is.
        let expected = workspaces().map(|copy| (copy.name.clone(), copy.digest.clone()));
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

/// Files that are written by one thread, one after the other: they were packed in this order, so what they have lies side
/// by side and is read in one go.
#[derive(Default)]
struct Batch {
    files: Vec<Stored>,
    bytes: u64,
}

impl Batch {
    /// Adds a file, and gives all of them when they are enough.
    fn add(&mut self, stored: Stored) -> Option<Vec<Stored>> {
        self.bytes += node::size(&stored.item);
        self.files.push(stored);
        (self.bytes >= BATCH_BYTES || self.files.len() >= BATCH_FILES).then(|| self.take())
    }

    fn take(&mut self) -> Vec<Stored> {
        self.bytes = 0;
        take(&mut self.files)
    }
}

/// Where files are written to, and who is told.
struct Writing<'a> {
    store: &'a Store,
    instance: &'a InstanceName,
    sink: &'a dyn Sink,
    watch: &'a dyn Watch,
    failure: Failure,
}

impl Writing<'_> {
    /// Writes files until no more come. After a failure anywhere it only takes them.
    fn write_files(
        &self,
        reader: Result<RunReader<'_>, RepositoryError>,
        files: &Mutex<Receiver<Vec<Stored>>>,
    ) {
        let mut reader = match reader {
            Ok(reader) => Some(reader),
            Err(error) => {
                self.failure.set(error);
                None
            }
        };
        loop {
            let next = files.lock().recv();
            let Ok(files) = next else { return };
            if self.failure.is_set() {
                continue;
            }
            if let Some(reader) = &mut reader
                && let Err(error) = self.write_batch(reader, &files)
            {
                self.failure.set(error);
            }
        }
    }

    fn write_batch(&self, reader: &mut RunReader<'_>, files: &[Stored]) -> Result<(), RepositoryError> {
        let pieces = files
            .iter()
            .flat_map(|stored| &stored.chunks)
            .map(|piece| self.store.find(*piece))
            .collect::<Result<Vec<_>, _>>()?;
        let mut writer = Writer {
            writing: self,
            files: files.iter(),
            open: None,
        };
        for run in runs(&pieces) {
            if self.watch.is_cancelled() {
                return Err(RepositoryError::Cancelled);
            }
            let mut done = Ok(());
            let read = reader.read(&run, &pieces, Check::Seal, &mut |text| {
                if done.is_ok() {
                    done = writer.write(text);
                }
            });
            // What was written after a piece that could not be read is as incomplete as everything else.
            read.map_err(|failed| failed.0)?;
            done?;
        }
        writer.end()
    }

    fn in_content(&self, error: ContentError) -> RepositoryError {
        RepositoryError::content(self.instance, error)
    }
}

/// Writes the files of a batch, piece by piece.
struct Writer<'a> {
    writing: &'a Writing<'a>,
    files: slice::Iter<'a, Stored>,
    /// The file that is being written, and how many pieces it still lacks.
    open: Option<(&'a Stored, Box<dyn SinkFile + 'a>, usize)>,
}

impl Writer<'_> {
    /// Writes the next piece, where it belongs.
    fn write(&mut self, piece: &[u8]) -> Result<(), RepositoryError> {
        self.open_next()?;
        let Some((stored, file, lacks)) = &mut self.open else {
            return Ok(());
        };
        file.write_all(piece)
            .map_err(|error| self.writing.in_content(writing(error, stored)))?;
        self.writing.watch.advance(0, piece.len() as u64);
        *lacks -= 1;
        if *lacks == 0 {
            self.finish()?;
        }
        Ok(())
    }

    /// Writes those that have nothing in them and come last.
    fn end(mut self) -> Result<(), RepositoryError> {
        self.open_next()
    }

    /// Opens the next file that has anything in it, unless one is open; those before it are done.
    fn open_next(&mut self) -> Result<(), RepositoryError> {
        while self.open.is_none() {
            let Some(stored) = self.files.next() else {
                return Ok(());
            };
            let writing = self.writing;
            let file = writing.sink.file(&stored.item);
            let file = file.map_err(|error| writing.in_content(error))?;
            self.open = Some((stored, file, stored.chunks.len()));
            if stored.chunks.is_empty() {
                self.finish()?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), RepositoryError> {
        if let Some((_, file, _)) = self.open.take() {
            file.finish().map_err(|error| self.writing.in_content(error))?;
            self.writing.watch.advance(1, 0);
        }
        Ok(())
    }
}

fn writing(source: io::Error, stored: &Stored) -> ContentError {
    ContentError::Io {
        action: "writing",
        path: stored.item.path.clone(),
        source,
    }
}

/// The first failure of several threads.
#[derive(Default)]
pub(super) struct Failure(Mutex<Option<RepositoryError>>);

impl Failure {
    pub(super) fn set(&self, error: RepositoryError) {
        self.0.lock().get_or_insert(error);
    }

    pub(super) fn is_set(&self) -> bool {
        self.0.lock().is_some()
    }

    pub(super) fn into_result(self) -> Result<(), RepositoryError> {
        match self.0.into_inner() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }
}
