//! Brings content of a backup into a [`Sink`], file by file on all cores, by reading pieces straight from packs.
//!
//! The library's own restore holds more than a gigabyte of memory and panics where a disk fails. This one holds a few
//! pieces per core and returns errors.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use parking_lot::Mutex;

use super::store::Store;
use super::tree::{self, Stored, TreeWalk};
use crate::content::{ContentError, Item, ItemKind, Sink};
use crate::domain::backup::BackupId;
use crate::domain::environment::InstanceName;
use crate::domain::plan::Selection;
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::format::fingerprint::Fingerprints;
use crate::repository::format::node;
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
}

/// How many files the walk may be ahead of those that write them.
const AHEAD: usize = 256;

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
        let failure = Failure::default();
        let mut extracted = Extracted::default();
        let mut tallies = Fingerprints::default();
        let (files, received) = sync_channel::<Stored>(AHEAD);
        let received = Mutex::new(received);
        let mut names = Names::default();
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                let (store, received, failure) = (&store, &received, &failure);
                scope.spawn(move || write_files(store, received, instance, sink, watch, failure));
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

/// Writes files until no more come. After a failure anywhere it only takes them.
fn write_files(
    store: &Store,
    files: &Mutex<Receiver<Stored>>,
    instance: &InstanceName,
    sink: &dyn Sink,
    watch: &dyn Watch,
    failure: &Failure,
) {
    loop {
        let next = files.lock().recv();
        let Ok(stored) = next else { return };
        if failure.is_set() {
            continue;
        }
        if let Err(error) = write_file(store, &stored, instance, sink, watch) {
            failure.set(error);
        }
    }
}

fn write_file(
    store: &Store,
    stored: &Stored,
    instance: &InstanceName,
    sink: &dyn Sink,
    watch: &dyn Watch,
) -> Result<(), RepositoryError> {
    let in_content = |error| RepositoryError::content(instance, error);
    let mut file = sink.file(&stored.item).map_err(in_content)?;
    for chunk in &stored.chunks {
        if watch.is_cancelled() {
            return Err(RepositoryError::Cancelled);
        }
        let piece = store.piece(*chunk)?;
        file.write_all(&piece)
            .map_err(|error| in_content(writing(error, stored)))?;
        watch.advance(0, piece.len() as u64);
    }
    file.finish().map_err(in_content)?;
    watch.advance(1, 0);
    Ok(())
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
