//! Feeds the content of all instances into the library, which stores it.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustic_core::repofile::{Metadata, Node, NodeType, SnapshotFile, SnapshotSummary};
use rustic_core::{
    BackupOptions, Id, ParentOptions, ReadSourceEntry, RusticError, SnapshotGroupCriterion, TreeId,
};

use super::bars::{Bars, Counts, pulse};
use super::copy::Source;
use super::error::{RepositoryError, caught, judged};
use super::guard::Purpose;
use super::still::Still;
use super::stream::{Call, Entry, Opening, Reading, Stream};
use super::walks::Met;
use super::{Repository, node};
use crate::concurrency::byte_budget::ByteBudget;
use crate::content::{Item, ItemKind};
use crate::domain::backup::BackupId;
use crate::domain::environment::InstanceName;
use crate::watch::Watch;

/// How many items the walk may be ahead of those that store them: so many that neither waits for the other each time.
const AHEAD: usize = 1024;
/// How many bytes may be under way of items that bring their content along.
pub(super) const UNDER_WAY: usize = 32 * 1024 * 1024;

/// What was stored, before it is a backup.
pub(super) struct Fed {
    /// The folder above the instances.
    pub(super) tree: TreeId,
    /// What was counted, for `restic` to show.
    pub(super) summary: Option<SnapshotSummary>,
    /// What was met, by instance.
    pub(super) met: Vec<Met>,
    /// Packs that were written for it, and read back since.
    pub(super) proven: HashSet<Id>,
}

/// One instance while it is fed.
struct Feed<'a> {
    source: &'a Source,
    reading: Arc<Reading>,
    /// The folder of the instance itself: it is not part of its content, and `restic` wants to know its times.
    top: Node,
    /// When the content was held still, if it was.
    since: Option<Duration>,
    budget: Arc<ByteBudget>,
    met: Mutex<Option<Met>>,
}

impl Repository {
    /// Stores what a walk over all instances meets. The record that the library makes up for it is written nowhere.
    /// `earlier` is what an earlier walk met.
    pub(super) fn feed(
        &self,
        still: &Still,
        earlier: &[Met],
        parent: Option<&BackupId>,
        watch: &dyn Watch,
    ) -> Result<Fed, RepositoryError> {
        if earlier.iter().all(|earlier| earlier.estimate.is_some()) {
            return self.feed_held(still, earlier, parent, watch);
        }
        let (sources, stopwatch) = (&still.sources, still.stopwatch);
        let counts = Arc::new(Counts::default());
        let judge = |error: Box<RusticError>| judged(&error, "storing the content", self.place());
        let (open, guard) = self
            .handle(Purpose::Copy, Bars(Arc::clone(&counts)))
            .map_err(judge)?;
        let call = Arc::new(Call::new(Arc::clone(&guard)));
        let budget = ByteBudget::new(UNDER_WAY);
        let feeds: Vec<_> = sources
            .iter()
            .zip(earlier)
            .map(|(source, earlier)| Feed {
                source,
                reading: Arc::new(Reading::new(source.name.clone(), Arc::clone(&call), stopwatch)),
                top: top(&source.name, earlier),
                budget: Arc::clone(&budget),
                since: earlier.estimate.map(|_| earlier.began),
                met: Mutex::default(),
            })
            .collect();

        let repository = caught("reading the index", self.place(), || {
            open.to_indexed_ids().map_err(judge)
        })?;
        let archived = thread::scope(|scope| {
            let (working, work) = channel::<()>();
            let (entries, received) = sync_channel(AHEAD);
            let stream = Stream::new(received);
            scope.spawn({
                let (counts, call) = (&counts, &call);
                move || pulse(counts, watch, &work, || call.off(RepositoryError::Cancelled))
            });
            scope.spawn(|| send_all(&feeds, entries, &call, &counts, watch));
            let paths: Vec<_> = sources.iter().map(|source| place_of(&source.name)).collect();
            let store = || repository.archive(&options(parent), &stream, SnapshotFile::default(), &paths);
            let archived = catch_unwind(AssertUnwindSafe(store));
            // Whoever still sends or counts learns by this that it is over.
            drop(stream);
            drop(working);
            archived
        });
        // The source's own failure says more than what the library made of it.
        let failure = call.failure().or_else(|| guard.failure());
        let stored = match (failure, archived) {
            (Some(failure), _) => Err(failure),
            (None, Ok(stored)) => stored.map_err(judge),
            (None, Err(_)) => Err(RepositoryError::Io {
                doing: "storing the content".to_owned(),
                place: self.place().clone(),
                why: "the repository's library gave up; its message is on standard error".to_owned(),
            }),
        };
        let stored: SnapshotFile = stored.inspect_err(|_| guard.withdraw())?;
        let met = feeds.into_iter().map(Feed::met).collect::<Option<Vec<_>>>();
        Ok(Fed {
            tree: stored.tree,
            summary: stored.summary,
            met: met.ok_or(RepositoryError::Cancelled)?,
            proven: HashSet::new(),
        })
    }
}

impl Feed<'_> {
    /// Walks the content and sends every item to be stored. `false` when it was called off.
    fn send(
        &self,
        entries: &SyncSender<Entry>,
        counts: &Counts,
        watch: &dyn Watch,
    ) -> Result<bool, RepositoryError> {
        let place = place_of(&self.source.name);
        let top = ReadSourceEntry {
            path: place.clone(),
            node: self.top.clone(),
            open: None,
        };
        // Nobody receives any more once the library has failed; it says why.
        if entries.send(top).is_err() {
            return Ok(false);
        }
        let met = Met::walking(self.source, &self.reading.began, &mut |item| {
            let node = node::from_item(&item).ok_or_else(|| RepositoryError::ContentChanged {
                instance: self.source.name.clone(),
                what: format!("{} has no name or no time", item.path.display()),
            })?;
            if !item.is_workspace() {
                counts.add_item();
            }
            // What is below a workspace of a database is its tables.
            if self.since.is_some() && node.is_dir() && item.path.iter().count() == 2 {
                watch.part(&node.name().to_string_lossy());
            }
            let path = place.join(&item.path);
            // Whoever stores gives it back, and all of it at once when the copy is called off.
            let permit = item.held.as_ref().and_then(|held| self.budget.take(held.len()));
            let open = node.is_file().then(|| Opening {
                content: Arc::clone(&self.source.content),
                item,
                reading: Arc::clone(&self.reading),
                permit,
            });
            let sent = entries.send(ReadSourceEntry { path, node, open });
            Ok(sent.is_ok() && !self.reading.call.is_off())
        })?;
        let is_whole = met.is_some();
        *self.met.lock().unwrap_or_else(PoisonError::into_inner) = met;
        Ok(is_whole)
    }

    /// What was met; reading may have gone on for longer than the walk.
    fn met(self) -> Option<Met> {
        let met = self.met.into_inner().unwrap_or_else(PoisonError::into_inner)?;
        Some(Met {
            began: self.since.unwrap_or(met.began),
            ended: met.ended.max(self.reading.last()),
            ..met
        })
    }
}

/// Sends the items of all instances, one instance after the other.
fn send_all(feeds: &[Feed<'_>], entries: SyncSender<Entry>, call: &Call, counts: &Counts, watch: &dyn Watch) {
    for feed in feeds {
        watch.instance(&feed.source.name);
        match feed.send(&entries, counts, watch) {
            Ok(true) => {}
            Ok(false) => break,
            Err(failure) => {
                call.off(failure);
                break;
            }
        }
    }
    drop(entries);
}

/// The folder of an instance at the top of the tree: as new as the newest item in it.
pub(super) fn top(name: &InstanceName, met: &Met) -> Node {
    let item = Item {
        path: PathBuf::from(name.as_str()),
        kind: ItemKind::Folder,
        mode: 0o755,
        owner: met.owner,
        modified: met.newest,
        changed: met.newest,
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

/// Where an instance is in the tree.
fn place_of(name: &InstanceName) -> PathBuf {
    Path::new("/").join(name.as_str())
}

fn options(parent: Option<&BackupId>) -> BackupOptions {
    let mut options = BackupOptions::default();
    options.no_scan = true;
    let parents = parent
        .map(|parent| parent.0.clone())
        .into_iter()
        .collect::<Vec<_>>();
    options.parent_opts = ParentOptions::default()
        .force(parents.is_empty())
        .parents(parents)
        .group_by(SnapshotGroupCriterion::new())
        // The library takes this the other way round: with it, files are told apart by their numbers too.
        .ignore_inode(true);
    options
}
