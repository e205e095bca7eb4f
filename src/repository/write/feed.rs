//! Stores the content of all instances: whatever walks over it meet is packed, and put together to folders.
//!
//! One thread walks (`batching`), others read, cut and pack what it meets (`packing`), and one puts the folders together
//! (`folders`). Items are handed on in batches. Content that is held still, as a database is, brings what is in its files
//! along with the walk, in pieces that are cut already; all other files are read where they are packed. One that an
//! earlier backup has, and that has not changed since, is not read again.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::thread;

use parking_lot::Mutex;
use rustic_core::repofile::{BlobType, Metadata, Node, NodeType, SnapshotSummary};
use rustic_core::{DataId, Id, NoProgressBars, RusticError, TreeId};

use super::batching::{Batch, Batcher, WalkTotals, Walks};
use super::chunker::FileChunker;
use super::folders::{self, Steps};
use super::frozen::FrozenSources;
use super::packing::{Added, PackFiller, Packing};
use super::parent::ParentTree;
use super::progress::{Counts, report};
use super::stream::{Copying, Opening};
use super::walked::Walked;
use crate::concurrency::machine::cores;
use crate::content::{Item, ItemKind};
use crate::domain::backup::BackupId;
use crate::domain::environment::InstanceName;
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::format::node;
use crate::repository::guard::Access;
use crate::repository::library::{caught, classified};
use crate::watch::Watch;

/// The most threads that cut and pack. Each may have a pack of 18 MiB and 8.5 MiB of a file in its hands; a backup is to stay
/// below 250 MiB on a machine with many cores as well.
const PACKERS: usize = 6;
/// How many batches may wait to be packed.
const BATCHES: usize = 8;
/// How many may wait for their folders to be put together.
const FOLDERS: usize = 64;
/// What is brought along and is longer than this is cut, and so are files of a data store. Neither is ever changed in its
/// middle, so nothing is gained by looking for places to cut.
const PIECE: usize = 1024 * 1024;

/// What was stored, before it is a backup.
pub(super) struct Fed {
    /// The folder above the instances.
    pub(in crate::repository) tree: TreeId,
    /// What was counted, for `restic` to show.
    pub(in crate::repository) summary: SnapshotSummary,
    /// What was met, by instance.
    pub(in crate::repository) walked: Vec<Walked>,
    /// Packs that were written for it, and read back since.
    pub(in crate::repository) proven: HashMap<Id, u32>,
}

impl Repository {
    /// Stores what walks over all sources meet. What is known of each before that is in `earlier`; files that are in the
    /// backup `parent` and have not changed since are not read.
    pub(super) fn feed(
        &self,
        frozen: &FrozenSources,
        earlier: &[Walked],
        parent: Option<&BackupId>,
        watch: &dyn Watch,
    ) -> Result<Fed, RepositoryError> {
        let classify = |error: Box<RusticError>| classified(&error, "storing the content", self.place());
        let failed = |why: String| RepositoryError::io("storing the content", self.place(), why);
        let (open, guard) = self.handle(Access::Copy, NoProgressBars).map_err(classify)?;
        let level = open.config().zstd().map_err(classify)?;
        // Without it all files are read again, and what the repository has is still not written again.
        let parent = parent
            .and_then(|parent| self.find(parent).ok())
            .map(|(_, tree)| tree);
        let store = self.store()?;
        let copying = Arc::new(Copying::new(Arc::clone(&guard)));
        let counts = Counts::default();
        let known = AtomicU64::new(0);
        let packing = Packing::new(self.place(), &self.key, level, &store, &guard, &copying);
        let by_content = Arc::new(FileChunker::of(open.config()).map_err(failed)?);
        let evenly = Arc::new(FileChunker::evenly(PIECE));
        let chunker = |earlier: &Walked| Arc::clone(if earlier.is_held() { &evenly } else { &by_content });
        let walks = Walks::new(frozen, earlier, &copying, &counts, watch, &chunker);

        let fed = || {
            thread::scope(|scope| {
                let (working, work) = channel::<()>();
                let (counts, known, copying) = (&counts, &known, &copying);
                scope.spawn(move || {
                    report(counts, watch, &work, || copying.abort(RepositoryError::Cancelled));
                });
                let sender = packing.start(scope);
                let (batches, received) = sync_channel::<Batch>(BATCHES);
                let (steps, taken) = sync_channel::<Steps>(FOLDERS);
                let received = Arc::new(Mutex::new(received));
                for _ in 0..cores().min(PACKERS) {
                    let (received, sender) = (Arc::clone(&received), sender.clone());
                    let packing = &packing;
                    scope.spawn(move || {
                        let packed = packing
                            .filler(BlobType::Data, &sender)
                            .and_then(|filler| pack(&received, filler, copying, counts, known));
                        if let Err(error) = packed {
                            copying.abort(error);
                        }
                    });
                }
                // Whoever waits for one to take its batch must not be the only one left that could.
                drop(received);
                let building = scope.spawn({
                    let packing = &packing;
                    move || {
                        let built = packing.filler(BlobType::Tree, &sender).and_then(|mut filler| {
                            let built = folders::build(&taken, &mut filler)?;
                            filler.finish()?;
                            Ok(built)
                        });
                        built.unwrap_or_else(|error| {
                            copying.abort(error);
                            None
                        })
                    }
                });
                let walked = walks.walk_all(ParentTree::new(&store, parent), Batcher::new(batches, steps));
                let built = building.join().unwrap_or(None);
                drop(working);
                (walked, built)
            })
        };
        let fed = caught("storing the content", self.place(), || Ok(fed()));
        let (walked, built) = fed.inspect_err(|_| guard.withdraw())?;
        let walked = walked.map_err(|failure| copying.abort(failure)).ok().flatten();
        let stored = match (copying.failure().or_else(|| guard.failure()), walked, built) {
            (Some(failure), ..) => Err(failure),
            (None, Some((walked, mut totals)), Some((tree, folders))) => packing.finish().map(|stored| {
                totals.known += known.into_inner();
                Fed {
                    tree,
                    summary: summary(&totals, folders, stored.content, stored.folders),
                    proven: stored.proven,
                    walked: walks.over(walked),
                }
            }),
            (None, ..) => Err(failed(
                "a thread of it gave up; its message is on standard error".to_owned(),
            )),
        };
        stored.inspect_err(|_| guard.withdraw())
    }
}

/// What `restic` shows of a backup.
fn summary(totals: &WalkTotals, folders: u64, content: Added, trees: Added) -> SnapshotSummary {
    let mut summary = SnapshotSummary::default();
    summary.files_new = totals.files - totals.known;
    summary.files_unmodified = totals.known;
    summary.total_files_processed = totals.files;
    summary.total_bytes_processed = totals.bytes;
    summary.total_dirs_processed = folders;
    summary.data_blobs = content.pieces;
    summary.tree_blobs = trees.pieces;
    summary.data_added = content.bytes + trees.bytes;
    summary.data_added_packed = content.packed + trees.packed;
    summary.data_added_files = content.bytes;
    summary.data_added_files_packed = content.packed;
    summary.data_added_trees = trees.bytes;
    summary.data_added_trees_packed = trees.packed;
    summary
}

/// Packs batches until no more come, and counts in `known` the files whose walk brought along what the repository has
/// already. A batch that is not packed drops where its ids would go, which tells.
fn pack(
    received: &Mutex<Receiver<Batch>>,
    mut filler: PackFiller<'_>,
    copying: &Copying,
    counts: &Counts,
    known: &AtomicU64,
) -> Result<(), RepositoryError> {
    let mut buffer = Vec::new();
    loop {
        let next = received.lock().recv();
        let Ok(batch) = next else { break };
        if copying.is_aborted() {
            continue;
        }
        let mut packed = Vec::with_capacity(batch.files.len());
        for file in batch.files {
            packed.push(match &file.item.held {
                Some(bytes) => {
                    let before = filler.known();
                    let pieces = bytes
                        .chunks(PIECE)
                        .map(|piece| filler.store(piece).map(DataId::from));
                    let pieces = pieces.collect::<Result<Vec<_>, _>>()?;
                    let is_known = filler.known() - before == pieces.len() as u64;
                    known.fetch_add(u64::from(is_known), Ordering::Relaxed);
                    pieces
                }
                None => pack_file(&file, &mut filler, &mut buffer, counts)?,
            });
        }
        // Whoever puts folders together has its own reason to have gone.
        let _ = batch.packed.send(packed);
    }
    if copying.is_aborted() {
        return Ok(());
    }
    filler.finish()
}

/// Packs a file that has to be read.
fn pack_file(
    file: &Opening,
    filler: &mut PackFiller<'_>,
    buffer: &mut Vec<u8>,
    counts: &Counts,
) -> Result<Vec<DataId>, RepositoryError> {
    let mut opened = file.open()?;
    let mut pieces = Vec::new();
    let mut store = |piece: &[u8]| {
        pieces.push(DataId::from(filler.store(piece)?));
        counts.add_bytes(piece.len() as u64);
        Ok(())
    };
    file.reading
        .chunker
        .cut(buffer, &mut |room| opened.fill(room), &mut store)?;
    Ok(pieces)
}

/// The folder of an instance at the top of the tree: as new as the newest item in it.
pub(in crate::repository) fn top(name: &InstanceName, walked: &Walked) -> Node {
    let item = Item {
        path: PathBuf::from(name.as_str()),
        kind: ItemKind::Folder,
        mode: 0o755,
        owner: walked.owner,
        modified: walked.newest,
        changed: walked.newest,
        inode: 0,
        held: None,
        rare: None,
    };
    node::from_item(&item).unwrap_or_else(|| {
        Node::new_node(
            std::ffi::OsStr::new(name.as_str()),
            NodeType::Dir,
            Metadata::default(),
        )
    })
}
