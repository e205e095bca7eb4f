//! Reads back what is stored: every folder and every piece of content once, from disk, on all cores.
//!
//! A piece is sound when it decrypts and its SHA-256 is its name; a pack, when the list at its end tells where its pieces
//! lie; a backup is, when all its pieces and packs are and the digests worked out from what is stored are those of its manifest. Checking without reading the data would miss a flipped
//! bit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant as Stopwatch;

use rustic_core::{DataId, Id, NoProgressBars, RusticError, TreeId};

use super::Repository;
use super::copy::Copy;
use super::damage::sizes;
use super::error::{RepositoryError, judged};
use super::guard::{Guard, Purpose};
use super::runs::{Check, RunReader, runs};
use super::store::{Lying, Store};
use super::tree::{self, Holding, TreeWalk};
use crate::domain::backup::{BackupId, InstanceCopy};
use crate::watch::Watch;

/// What was read back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VerifyReport {
    /// Files, links and folders in the backup.
    pub items: u64,
    /// Bytes of content that were read: what several files share is stored, and read, once.
    pub bytes: u64,
    /// Pieces of content that were read.
    pub pieces: u64,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

/// How many threads there are beyond one for each core: while some wait for the disk, the others check.
const WAITING: usize = 2;

impl Repository {
    /// The second step of a backup: reads everything of a copy back that was not read back since it was written. Gives
    /// the milliseconds that it took.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`] when something is not what was stored.
    pub fn read_back(&self, copy: &Copy, watch: &dyn Watch) -> Result<u64, RepositoryError> {
        let stopwatch = Stopwatch::now();
        // The folders were read and checked when the copy was compared with its source.
        let is_left = |piece: &&Lying| !copy.proven.contains(&piece.pack);
        let left: Vec<Lying> = copy.pieces.iter().filter(is_left).cloned().collect();
        let folders: Vec<Lying> = copy.folders.iter().filter(is_left).cloned().collect();
        let proven = bytes(&copy.pieces) - bytes(&left);
        watch.total(items(&copy.instances), bytes(&copy.pieces));
        watch.advance(items(&copy.instances), proven);
        self.read(&left, &folders, copy.tree, watch)?;
        Ok(millis(stopwatch))
    }

    /// Reads a whole backup back and compares it with the digests in its manifest.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`] when something is not what was stored; [`RepositoryError::Io`] when it could not
    /// be read, which says nothing about the backup.
    pub fn verify(&self, id: &BackupId, watch: &dyn Watch) -> Result<VerifyReport, RepositoryError> {
        let stopwatch = Stopwatch::now();
        let (manifest, root) = self.find(id)?;
        let store = self.store()?;
        let holding = Holding::read(&store, root, watch)?;
        compare(&store, &manifest.instances, &holding)?;
        let (items, bytes) = (items(&manifest.instances), bytes(&holding.pieces));
        watch.total(items, bytes);
        watch.advance(items, 0);
        self.read(&holding.pieces, &holding.folders, root, watch)?;
        Ok(VerifyReport {
            items,
            bytes,
            pieces: holding.pieces.len() as u64,
            millis: millis(stopwatch),
        })
    }

    /// Reads pieces of content, and the lists of the packs that they and these folders lie in.
    pub(super) fn read(
        &self,
        pieces: &[Lying],
        folders: &[Lying],
        root: TreeId,
        watch: &dyn Watch,
    ) -> Result<(), RepositoryError> {
        let store = self.store()?;
        let (_, guard) = self
            .handle(Purpose::Read, NoProgressBars)
            .map_err(|error| judged(&error, "reading the content", self.place()))?;
        let packs = packs(pieces, folders, &guard)
            .map_err(|error| judged(&error, "listing the packs", self.place()))?;
        let reader = || RunReader::new(self.place(), &self.key, &guard, store.damage());
        read_all(pieces, &packs, &reader, watch).map_err(|failed| match *failed {
            (RepositoryError::Damaged { place, what }, Some(piece)) => RepositoryError::Damaged {
                place,
                what: format!("{what}{}", needed_by(&store, root, piece)),
            },
            (error, _) => error,
        })
    }
}

/// Bytes of pieces, unpacked.
fn bytes(pieces: &[Lying]) -> u64 {
    pieces.iter().map(|piece| u64::from(piece.length)).sum()
}

fn items(instances: &[InstanceCopy]) -> u64 {
    let workspaces = instances.iter().flat_map(|instance| &instance.workspaces);
    workspaces.map(|workspace| workspace.items).sum()
}

fn millis(stopwatch: Stopwatch) -> u64 {
    u64::try_from(stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Whether what is stored has the instances, workspaces and digests that it should have.
pub(super) fn compare(
    store: &Store,
    expected: &[InstanceCopy],
    holding: &Holding,
) -> Result<(), RepositoryError> {
    let found = &holding.instances;
    if expected.len() != found.len() {
        return Err(store.damaged(format!(
            "it holds {} instances where its manifest names {}",
            found.len(),
            expected.len()
        )));
    }
    for instance in expected {
        let name = &instance.name;
        let Some(tallies) = holding.instance(name) else {
            return Err(store.damaged(format!("{name} is missing in it")));
        };
        if tallies.iter().count() != instance.workspaces.len() {
            return Err(store.damaged(format!(
                "{name} has more or fewer workspaces than its manifest names"
            )));
        }
        for ((workspace, tally), copy) in tallies.iter().zip(&instance.workspaces) {
            if workspace.to_string_lossy() != copy.name || tally.digest() != copy.digest {
                return Err(store.damaged(format!(
                    "the workspace {} of {name} is not what its manifest says",
                    copy.name
                )));
            }
        }
    }
    Ok(())
}

/// A pack, its bytes, and what of it is asked for. What has no size is not there, which reading has told.
type Listed<'a> = (Id, u32, Vec<&'a Lying>);

/// The packs that pieces and folders lie in.
fn packs<'a>(
    pieces: &'a [Lying],
    folders: &'a [Lying],
    guard: &Guard,
) -> Result<Vec<Listed<'a>>, Box<RusticError>> {
    let mut wanted: BTreeMap<Id, Vec<&Lying>> = BTreeMap::new();
    for lying in pieces.iter().chain(folders) {
        wanted.entry(lying.pack).or_default().push(lying);
    }
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let sizes = sizes(guard)?;
    let known = wanted.into_iter();
    Ok(known
        .filter_map(|(pack, lying)| Some((pack, *sizes.get(&pack)?, lying)))
        .collect())
}

/// Reads pieces, and the lists of packs, on all cores. What is damaged is noted, all of it. An error comes with the piece
/// that it is about.
fn read_all<'a>(
    pieces: &[Lying],
    packs: &[Listed<'_>],
    reader: &(dyn Fn() -> Result<RunReader<'a>, RepositoryError> + Sync),
    watch: &dyn Watch,
) -> Result<(), Box<(RepositoryError, Option<DataId>)>> {
    let runs = runs(pieces);
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    let is_over = AtomicBool::new(false);
    let fail = |error, piece: Option<DataId>| {
        let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a pack that is cut off, the list is not what it was either; what is in it matters more.
        let is_told = failed
            .as_ref()
            .is_some_and(|(_, told): &(_, Option<DataId>)| told.is_some() || piece.is_none());
        if !matches!(error, RepositoryError::Damaged { .. }) {
            is_over.store(true, Ordering::Relaxed);
            *failed = Some((error, piece));
        } else if !is_told {
            *failed = Some((error, piece));
        }
    };
    let read = || {
        let mut reader = match reader() {
            Ok(reader) => reader,
            Err(error) => return fail(error, None),
        };
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if watch.is_cancelled() {
                fail(RepositoryError::Cancelled, None);
            }
            if is_over.load(Ordering::Relaxed) {
                return;
            }
            let Some(run) = runs.get(number) else {
                let Some((pack, size, lying)) = packs.get(number - runs.len()) else {
                    return;
                };
                if let Err(error) = reader.check_list(*pack, *size, lying) {
                    fail(error, None);
                }
                continue;
            };
            let mut bytes = 0;
            let done = reader.read(run, pieces, Check::Name, &mut |text| bytes += text.len() as u64);
            watch.advance(0, bytes);
            if let Err(failed) = done {
                let (error, piece) = *failed;
                fail(error, Some(piece));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..WAITING + thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(read);
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(failed) => Err(Box::new(failed)),
        None => Ok(()),
    }
}

/// Which files a damaged piece of content is part of: the first few, as the end of a sentence.
fn needed_by(store: &Store, root: TreeId, piece: DataId) -> String {
    const NAMED: usize = 3;
    let mut names = Vec::new();
    for (instance, tree) in tree::instances(store, root).unwrap_or_default() {
        let Ok(walk) = TreeWalk::new(store, tree, &|_| true) else {
            continue;
        };
        for stored in walk.filter_map(Result::ok) {
            if names.len() < NAMED && stored.chunks.contains(&piece) {
                names.push(format!("{instance}/{}", stored.item.path.display()));
            }
        }
    }
    if names.is_empty() {
        String::new()
    } else {
        format!(" (needed by {})", names.join(", "))
    }
}
