//! Stores content that is held still, as a database is: its walk brings the content along, in pieces that are cut
//! already, and many of them are what an earlier backup has. So nothing has to be opened, and the name of a piece, which
//! is the digest of what is in it, tells whether the repository has it.
//!
//! One thread walks, others pack what it meets (`packing`), one puts the folders together (`folders`). Items are handed
//! on in batches. A data store in a folder beside the database is part of such a walk: its files are read where they
//! are packed.

use std::io::Read;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant as Stopwatch};

use rustic_core::repofile::{BlobType, Node, SnapshotSummary};
use rustic_core::{DataId, NoProgressBars, ReadSourceOpen, RusticError};

use super::bars::{Counts, pulse};
use super::copy::Source;
use super::earlier::Earlier;
use super::error::{RepositoryError, judged};
use super::feed::{Fed, UNDER_WAY, top};
use super::folders::{self, Step, Steps};
use super::guard::Purpose;
use super::packing::{Added, Bench, Packing};
use super::still::Still;
use super::stream::{Call, Opening, Reading};
use super::walks::Met;
use super::{Repository, node};
use crate::concurrency::byte_budget::ByteBudget;
use crate::content::Item;
use crate::domain::backup::BackupId;
use crate::watch::Watch;

/// A batch is handed on when it has this many bytes.
const BATCH_BYTES: u64 = 512 * 1024;
/// Or this many items.
const BATCH_ITEMS: usize = 512;
/// How many batches may wait to be packed.
const BATCHES: usize = 8;
/// How many may wait for their folders to be put together.
const FOLDERS: usize = 64;
/// What is longer is cut, as the library does it where it does not look for places to cut.
const PIECE: usize = 1024 * 1024;

/// Files to pack, and where the ids of their pieces go.
struct Batch {
    files: Vec<Opening>,
    packed: SyncSender<Vec<Vec<DataId>>>,
}

/// What a walk has met and how much of it was known.
#[derive(Default)]
struct Told {
    files: u64,
    known: u64,
    bytes: u64,
}

impl Repository {
    /// Stores what the walks over content that is held still meet. What is known of each source before its walk is in
    /// `earlier`.
    pub(super) fn feed_held(
        &self,
        still: &Still,
        earlier: &[Met],
        parent: Option<&BackupId>,
        watch: &dyn Watch,
    ) -> Result<Fed, RepositoryError> {
        let judge = |error: Box<RusticError>| judged(&error, "storing the content", self.place());
        let (open, guard) = self.handle(Purpose::Copy, NoProgressBars).map_err(judge)?;
        let level = open.config().zstd().map_err(judge)?;
        // Without it a data store's files are all read again, and what the repository has is still not written again.
        let parent = parent
            .and_then(|parent| self.find(parent).ok())
            .map(|(_, tree)| tree);
        let store = self.store()?;
        let call = Arc::new(Call::new(Arc::clone(&guard)));
        let counts = Counts::default();
        let known = AtomicU64::new(0);
        let packing = Packing::new(self.place(), &self.key, level, &store, &guard, &call);
        let walks = Walks {
            sources: &still.sources,
            earlier,
            call: &call,
            counts: &counts,
            watch,
            stopwatch: still.stopwatch,
            budget: ByteBudget::new(UNDER_WAY),
        };

        let (met, built) = thread::scope(|scope| {
            let (working, work) = channel::<()>();
            let (told, known, call) = (&counts, &known, &call);
            scope.spawn(move || pulse(told, watch, &work, || call.off(RepositoryError::Cancelled)));
            let counter = packing.start(scope);
            let (batches, received) = sync_channel::<Batch>(BATCHES);
            let (steps, taken) = sync_channel::<Steps>(FOLDERS);
            let received = Arc::new(Mutex::new(received));
            for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
                let (received, counter) = (Arc::clone(&received), counter.clone());
                let packing = &packing;
                scope.spawn(move || {
                    let packed = packing
                        .bench(BlobType::Data, &counter)
                        .and_then(|bench| pack(&received, bench, call, told, known));
                    if let Err(error) = packed {
                        call.off(error);
                    }
                });
            }
            // Whoever waits for one to take its batch must not be the only one left that could.
            drop(received);
            let building = scope.spawn({
                let packing = &packing;
                move || {
                    let built = packing.bench(BlobType::Tree, &counter).and_then(|mut bench| {
                        let built = folders::build(&taken, &mut bench)?;
                        bench.finish()?;
                        Ok(built)
                    });
                    built.unwrap_or_else(|error| {
                        call.off(error);
                        None
                    })
                }
            });
            let met = walks.walk_all(Earlier::new(&store, parent), Hand::new(batches, steps));
            let built = building.join().unwrap_or(None);
            drop(working);
            (met, built)
        });
        let met = met.map_err(|failure| call.off(failure)).ok().flatten();
        let stored = match (call.failure().or_else(|| guard.failure()), met, built) {
            (Some(failure), ..) => Err(failure),
            (None, Some((walked, mut told)), Some((tree, folders))) => packing.finish().map(|stored| {
                told.known += known.into_inner();
                Fed {
                    tree,
                    summary: Some(summary(&told, folders, stored.content, stored.folders)),
                    proven: stored.proven,
                    met: walked.into_iter().map(Walked::met).collect(),
                }
            }),
            (None, ..) => Err(RepositoryError::Io {
                doing: "storing the content".to_owned(),
                place: self.place().clone(),
                why: "a thread of it gave up; its message is on standard error".to_owned(),
            }),
        };
        stored.inspect_err(|_| guard.withdraw())
    }
}

/// What `restic` shows of a backup.
fn summary(told: &Told, folders: u64, content: Added, trees: Added) -> SnapshotSummary {
    let mut summary = SnapshotSummary::default();
    summary.files_new = told.files - told.known;
    summary.files_unmodified = told.known;
    summary.total_files_processed = told.files;
    summary.total_bytes_processed = told.bytes;
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
    mut bench: Bench<'_>,
    call: &Call,
    counts: &Counts,
    known: &AtomicU64,
) -> Result<(), RepositoryError> {
    let mut buffer = Vec::new();
    loop {
        let next = received.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { break };
        if call.is_off() {
            continue;
        }
        let mut packed = Vec::with_capacity(batch.files.len());
        for file in batch.files {
            packed.push(match &file.item.held {
                Some(bytes) => {
                    let before = bench.known();
                    let pieces = bytes
                        .chunks(PIECE)
                        .map(|piece| bench.store(piece).map(DataId::from));
                    let pieces = pieces.collect::<Result<Vec<_>, _>>()?;
                    let is_known = bench.known() - before == pieces.len() as u64;
                    known.fetch_add(u64::from(is_known), Ordering::Relaxed);
                    pieces
                }
                None => pack_file(file, &mut bench, &mut buffer, counts)?,
            });
        }
        // Whoever puts folders together has its own reason to have gone.
        let _ = batch.packed.send(packed);
    }
    if call.is_off() {
        return Ok(());
    }
    bench.finish()
}

/// Packs a file that has to be read.
fn pack_file(
    file: Opening,
    bench: &mut Bench<'_>,
    buffer: &mut Vec<u8>,
    counts: &Counts,
) -> Result<Vec<DataId>, RepositoryError> {
    buffer.resize(PIECE, 0);
    // What went wrong in opening and reading has called the copy off already, and the first reason counts.
    let mut reader = file.open().map_err(|_| RepositoryError::Cancelled)?;
    let mut pieces = Vec::new();
    loop {
        let length = reader.read(buffer).map_err(|_| RepositoryError::Cancelled)?;
        if length == 0 {
            return Ok(pieces);
        }
        pieces.push(DataId::from(bench.store(&buffer[..length])?));
        counts.add_bytes(length as u64);
    }
}

/// Where the walk hands on what it meets.
struct Hand {
    batches: SyncSender<Batch>,
    steps: SyncSender<Steps>,
    files: Vec<Opening>,
    bytes: u64,
    walked: Vec<Step>,
}

impl Hand {
    fn new(batches: SyncSender<Batch>, steps: SyncSender<Steps>) -> Self {
        Self {
            batches,
            steps,
            files: Vec::new(),
            bytes: 0,
            walked: Vec::new(),
        }
    }

    fn step(&mut self, step: Step) -> bool {
        self.walked.push(step);
        self.walked.len() < BATCH_ITEMS || self.on()
    }

    fn pack(&mut self, node: Node, file: Opening) -> bool {
        self.bytes += node.meta.size;
        self.files.push(file);
        self.walked.push(Step::Packed(node));
        (self.bytes < BATCH_BYTES && self.walked.len() < BATCH_ITEMS) || self.on()
    }

    /// Hands on what has come together. `false` when nobody takes it any more.
    fn on(&mut self) -> bool {
        let (packed, ids) = sync_channel(1);
        let files = std::mem::take(&mut self.files);
        self.bytes = 0;
        let is_taken = if files.is_empty() {
            packed.send(Vec::new()).is_ok()
        } else {
            self.batches.send(Batch { files, packed }).is_ok()
        };
        let steps = std::mem::take(&mut self.walked);
        is_taken && self.steps.send(Steps { steps, packed: ids }).is_ok()
    }
}

/// A walk that is over, while files that it has met may still be read.
struct Walked {
    met: Met,
    reading: Arc<Reading>,
    /// When the content was held still.
    since: Duration,
}

impl Walked {
    /// What was met, once everything was read.
    fn met(self) -> Met {
        Met {
            began: self.since,
            ended: self.met.ended.max(self.reading.last()),
            ..self.met
        }
    }
}

/// Walks over all sources.
struct Walks<'a> {
    sources: &'a [Source],
    earlier: &'a [Met],
    call: &'a Arc<Call>,
    counts: &'a Counts,
    watch: &'a dyn Watch,
    stopwatch: Stopwatch,
    budget: Arc<ByteBudget>,
}

impl Walks<'_> {
    /// `None` when it was called off, or nobody takes what is met any more.
    fn walk_all(
        &self,
        mut known: Earlier<'_>,
        mut hand: Hand,
    ) -> Result<Option<(Vec<Walked>, Told)>, RepositoryError> {
        let mut told = Told::default();
        let mut walks = Vec::new();
        for (source, before) in self.sources.iter().zip(self.earlier) {
            self.watch.instance(&source.name);
            let reading = Arc::new(Reading::new(
                source.name.clone(),
                Arc::clone(self.call),
                self.stopwatch,
            ));
            let mut place = Place::new(&mut known, &mut hand);
            place.enter(top(&source.name, before));
            let met = Met::walking(source, &self.stopwatch, &mut |item| {
                self.meet(source, item, &reading, &mut place, &mut told)
            })?;
            place.leave_to(0);
            let Some(met) = met else { return Ok(None) };
            walks.push(Walked {
                met,
                reading,
                since: before.began,
            });
        }
        Ok(hand.on().then_some((walks, told)))
    }

    fn meet(
        &self,
        source: &Source,
        item: Item,
        reading: &Arc<Reading>,
        place: &mut Place<'_, '_>,
        told: &mut Told,
    ) -> Result<bool, RepositoryError> {
        let node = node::from_item(&item).ok_or_else(|| RepositoryError::ContentChanged {
            instance: source.name.clone(),
            what: format!("{} has no name or no time", item.path.display()),
        })?;
        if !item.is_workspace() {
            self.counts.add_item();
        }
        let depth = item.path.iter().count();
        place.leave_to(depth);
        if node.is_dir() {
            // What is below a workspace of a database is its tables.
            if depth == 2 {
                self.watch.part(&node.name().to_string_lossy());
            }
            return Ok(place.enter(node) && !self.call.is_off());
        }
        told.files += u64::from(node.is_file());
        told.bytes += node.meta.size;
        if item.held.is_some() {
            self.counts.add_bytes(node.meta.size);
        }
        let is_taken = if !node.is_file() {
            place.hand.step(Step::Known(node))
        } else if let Some(content) = place.known.content(&item) {
            told.known += 1;
            if item.held.is_none() {
                self.counts.add_bytes(node.meta.size);
            }
            let mut node = node;
            node.content = Some(content);
            place.hand.step(Step::Known(node))
        } else {
            // One that needs the whole budget waits until nothing else is under way, and that must not be up to us.
            if node.meta.size > BATCH_BYTES && !place.hand.on() {
                return Ok(false);
            }
            // Whoever packs gives it back.
            let permit = item.held.as_ref().and_then(|held| self.budget.take(held.len()));
            let file = Opening {
                content: Arc::clone(&source.content),
                item,
                reading: Arc::clone(reading),
                permit,
            };
            place.hand.pack(node, file)
        };
        Ok(is_taken && !self.call.is_off())
    }
}

/// Where a walk is: how many folders deep below the instance.
struct Place<'a, 'k> {
    known: &'a mut Earlier<'k>,
    hand: &'a mut Hand,
    depth: usize,
}

impl<'a, 'k> Place<'a, 'k> {
    fn new(known: &'a mut Earlier<'k>, hand: &'a mut Hand) -> Self {
        Self {
            known,
            hand,
            depth: 0,
        }
    }

    fn enter(&mut self, node: Node) -> bool {
        self.known.enter(&node.name());
        self.depth += 1;
        self.hand.step(Step::Enter(node))
    }

    /// Out of all folders below this depth.
    fn leave_to(&mut self, depth: usize) {
        while self.depth > depth {
            self.depth -= 1;
            self.known.leave();
            // Whether anybody takes it is told with the next item.
            self.hand.step(Step::Leave);
        }
    }
}
