//! Brings content of a backup into a [`Sink`], file by file on all cores, by reading pieces straight from packs.
//!
//! The library's own restore holds more than a gigabyte of memory and panics where a disk fails. This one holds a few
//! pieces per core and returns errors.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use bytes::Bytes;
use parking_lot::Mutex;
use rustic_core::{DataId, Id};
use sha2::{Digest, Sha256};

use super::error::RepositoryError;
use super::store::Store;
use super::tally::Tallies;
use super::tree::{self, Stored, TreeWalk};
use super::{Repository, node};
use crate::content::files::Donor;
use crate::content::{ContentError, Item, ItemKind, Sink};
use crate::domain::backup::BackupId;
use crate::domain::environment::InstanceName;
use crate::domain::plan::Selection;
use crate::watch::Watch;

/// What an extraction has written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extracted {
    /// Files, links and folders.
    pub items: u64,
    /// Bytes of content.
    pub bytes: u64,
    /// Files that had a set-uid or set-gid bit, and come back without it.
    pub without_set_ids: u64,
    /// Bytes of content that did not have to be read in the repository.
    pub donated: u64,
}

/// How many files the walk may be ahead of those that write them.
const AHEAD: usize = 256;

impl Repository {
    /// Writes an instance's content, or the workspaces of it that are selected, into `sink`, and finishes it.
    ///
    /// Every piece that is written is known to come from this repository, or is by its digest what is in it, and everything that was to be written is what
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
        donor: Option<&Donor>,
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
        let failure = Failure::default();
        let mut extracted = Extracted::default();
        let mut tallies = Tallies::default();
        let (files, received) = sync_channel::<Stored>(AHEAD);
        let received = Mutex::new(received);
        let mut names = Names::default();
        let writer = Writer {
            store: &store,
            instance,
            sink,
            donor,
            watch,
            donated: AtomicU64::new(0),
        };
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                let (writer, received, failure) = (&writer, &received, &failure);
                scope.spawn(move || writer.write_files(received, failure));
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
                            // The writers take everything that is sent, even after a failure.
                            if failure.is_set() || files.send(stored).is_err() {
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
                Ok(())
            };
            if let Err(error) = make() {
                failure.set(error);
            }
            drop(files);
        });
        failure.into_result()?;
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
        extracted.donated = writer.donated.into_inner();
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

/// What every thread that writes files has.
struct Writer<'w> {
    store: &'w Store,
    instance: &'w InstanceName,
    sink: &'w dyn Sink,
    donor: Option<&'w Donor>,
    watch: &'w dyn Watch,
    donated: AtomicU64,
}

impl Writer<'_> {
    /// Writes files until no more come. After a failure anywhere it only takes them.
    fn write_files(&self, files: &Mutex<Receiver<Stored>>, failure: &Failure) {
        loop {
            let next = files.lock().recv();
            let Ok(stored) = next else { return };
            if failure.is_set() {
                continue;
            }
            if let Err(error) = self.write_file(&stored) {
                failure.set(error);
            }
        }
    }

    fn write_file(&self, stored: &Stored) -> Result<(), RepositoryError> {
        let in_content = |error| RepositoryError::content(self.instance, error);
        let mut file = self.sink.file(&stored.item).map_err(in_content)?;
        let given = self.donor.and_then(|donor| donor.open(&stored.item));
        let mut given = given.map(|file| Given { file, at: 0 });
        for chunk in &stored.chunks {
            if self.watch.is_cancelled() {
                return Err(RepositoryError::Cancelled);
            }
            let length = self.store.find(*chunk)?.length;
            let donated = given.as_mut().and_then(|given| given.next(*chunk, length));
            let piece = match donated {
                Some(piece) => {
                    self.donated.fetch_add(u64::from(length), Ordering::Relaxed);
                    piece
                }
                None => self.store.piece(*chunk)?,
            };
            file.write_all(&piece)
                .map_err(|error| in_content(writing(error, stored)))?;
            self.watch.advance(0, piece.len() as u64);
        }
        file.finish().map_err(in_content)?;
        self.watch.advance(1, 0);
        Ok(())
    }
}

/// A file that may have what belongs into the one that is written.
struct Given {
    file: File,
    /// Where the next piece belongs.
    at: u64,
}

impl Given {
    /// What it has where the next piece belongs, if that is the piece.
    fn next(&mut self, piece: DataId, length: u32) -> Option<Bytes> {
        let at = self.at;
        self.at += u64::from(length);
        // It is not longer than the file is said to be: no memory is taken for what was made up.
        if self.file.metadata().ok()?.len() < self.at {
            return None;
        }
        let mut text = vec![0; length as usize];
        self.file.read_exact_at(&mut text, at).ok()?;
        (Id::new(Sha256::digest(&text).into()) == *piece).then(|| text.into())
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
