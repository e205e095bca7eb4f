//! Walks over all sources, and hands on what they meet in batches: files to pack, and the steps that folders are put
//! together from. It waits where those who take them are behind.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Instant as Stopwatch;

use rustic_core::DataId;
use rustic_core::repofile::Node;

use super::chunker::FileChunker;
use super::copy::Source;
use super::feed::top;
use super::folders::{Step, Steps};
use super::frozen::FrozenSources;
use super::parent::ParentTree;
use super::progress::Counts;
use super::stream::{Copying, Opening, Reading};
use super::walked::Walked;
use crate::concurrency::byte_budget::ByteBudget;
use crate::content::Item;
use crate::repository::error::RepositoryError;
use crate::repository::format::node;
use crate::watch::Watch;

/// A batch is handed on when it has this many bytes.
const BATCH_BYTES: u64 = 512 * 1024;
/// Or this many items.
const BATCH_ITEMS: usize = 512;
/// How many bytes may be under way of items that bring their content along.
const UNDER_WAY: usize = 32 * 1024 * 1024;

/// Files to pack, and where the ids of their pieces go.
pub(super) struct Batch {
    pub(in crate::repository) files: Vec<Opening>,
    pub(in crate::repository) packed: SyncSender<Vec<Vec<DataId>>>,
}

/// What walks have met and how much of it was known.
#[derive(Default)]
pub(super) struct WalkTotals {
    pub(in crate::repository) files: u64,
    pub(in crate::repository) known: u64,
    pub(in crate::repository) bytes: u64,
}

/// Where the walk hands on what it meets.
pub(super) struct Batcher {
    batches: SyncSender<Batch>,
    steps: SyncSender<Steps>,
    files: Vec<Opening>,
    bytes: u64,
    walked: Vec<Step>,
}

impl Batcher {
    pub(in crate::repository) fn new(batches: SyncSender<Batch>, steps: SyncSender<Steps>) -> Self {
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

/// One source, what is known of it before its walk, and what those share who read its files.
struct Visit<'a> {
    source: &'a Source,
    before: &'a Walked,
    reading: Arc<Reading>,
}

/// Walks over all sources.
pub(in crate::repository) struct Walks<'a> {
    visits: Vec<Visit<'a>>,
    copying: &'a Copying,
    counts: &'a Counts,
    watch: &'a dyn Watch,
    stopwatch: Stopwatch,
    budget: Arc<ByteBudget>,
}

impl<'a> Walks<'a> {
    /// `cutting` says how the files of a source are cut.
    pub(in crate::repository) fn new(
        frozen: &'a FrozenSources,
        earlier: &'a [Walked],
        copying: &'a Arc<Copying>,
        counts: &'a Counts,
        watch: &'a dyn Watch,
        chunker: &dyn Fn(&Walked) -> Arc<FileChunker>,
    ) -> Self {
        let visit = |(source, before): (&'a Source, &'a Walked)| Visit {
            source,
            before,
            reading: Arc::new(Reading::new(
                source.name.clone(),
                Arc::clone(copying),
                chunker(before),
                frozen.stopwatch,
            )),
        };
        Self {
            visits: frozen.sources.iter().zip(earlier).map(visit).collect(),
            copying,
            counts,
            watch,
            stopwatch: frozen.stopwatch,
            budget: ByteBudget::new(UNDER_WAY),
        }
    }

    /// Walks, one source after the other. `None` when it was called off, or nobody takes what is met any more.
    pub(super) fn walk_all(
        &self,
        mut known: ParentTree<'_>,
        mut batcher: Batcher,
    ) -> Result<Option<(Vec<Walked>, WalkTotals)>, RepositoryError> {
        let mut totals = WalkTotals::default();
        let mut all = Vec::new();
        for visit in &self.visits {
            self.watch.instance(&visit.source.name);
            let mut position = Position::new(&mut known, &mut batcher);
            position.enter(top(&visit.source.name, visit.before));
            let walked = Walked::walking(visit.source, &self.stopwatch, &mut |item| {
                self.meet(visit, item, &mut position, &mut totals)
            })?;
            position.leave_to(0);
            let Some(walked) = walked else { return Ok(None) };
            all.push(walked);
        }
        Ok(batcher.on().then_some((all, totals)))
    }

    /// What was met, now that everything was read: that may have gone on for longer than the walk.
    pub(in crate::repository) fn over(&self, all: Vec<Walked>) -> Vec<Walked> {
        let visits = self.visits.iter();
        let over = |(walked, visit): (Walked, &Visit<'_>)| Walked {
            began: if visit.before.is_held() {
                visit.before.began
            } else {
                walked.began
            },
            ended: walked.ended.max(visit.reading.last()),
            ..walked
        };
        all.into_iter().zip(visits).map(over).collect()
    }

    fn meet(
        &self,
        visit: &Visit<'_>,
        item: Item,
        position: &mut Position<'_, '_>,
        totals: &mut WalkTotals,
    ) -> Result<bool, RepositoryError> {
        let node = node::from_item(&item).ok_or_else(|| RepositoryError::ContentChanged {
            instance: visit.source.name.clone(),
            what: format!("{} has no name or no time", item.path.display()),
        })?;
        if !item.is_workspace() {
            self.counts.add_item();
        }
        let depth = item.path.iter().count();
        position.leave_to(depth);
        if node.is_dir() {
            // What is below a workspace of a database is its tables.
            if depth == 2 && visit.before.is_held() {
                self.watch.part(&node.name().to_string_lossy());
            }
            return Ok(position.enter(node) && !self.copying.is_aborted());
        }
        totals.files += u64::from(node.is_file());
        totals.bytes += node.meta.size;
        if item.held.is_some() {
            self.counts.add_bytes(node.meta.size);
        }
        let is_taken = if !node.is_file() {
            position.batcher.step(Step::Known(node))
        } else if let Some(content) = position.known.content(&item) {
            totals.known += 1;
            self.counts.add_bytes(node.meta.size);
            let mut node = node;
            node.content = Some(content);
            position.batcher.step(Step::Known(node))
        } else {
            // One that needs the whole budget waits until nothing else is under way, and that must not be up to us.
            if node.meta.size > BATCH_BYTES && !position.batcher.on() {
                return Ok(false);
            }
            // Whoever packs gives it back.
            let permit = item.held.as_ref().and_then(|held| self.budget.take(held.len()));
            let file = Opening::new(&visit.source.content, item, &visit.reading, permit);
            position.batcher.pack(node, file)
        };
        Ok(is_taken && !self.copying.is_aborted())
    }
}

/// Where a walk is: how many folders deep below the instance.
struct Position<'a, 'k> {
    known: &'a mut ParentTree<'k>,
    batcher: &'a mut Batcher,
    depth: usize,
}

impl<'a, 'k> Position<'a, 'k> {
    fn new(known: &'a mut ParentTree<'k>, batcher: &'a mut Batcher) -> Self {
        Self {
            known,
            batcher,
            depth: 0,
        }
    }

    fn enter(&mut self, node: Node) -> bool {
        self.known.enter(&node.name());
        self.depth += 1;
        self.batcher.step(Step::Enter(node))
    }

    /// Out of all folders below this depth.
    fn leave_to(&mut self, depth: usize) {
        while self.depth > depth {
            self.depth -= 1;
            self.known.leave();
            // Whether anybody takes it is told with the next item.
            self.batcher.step(Step::Leave);
        }
    }
}
