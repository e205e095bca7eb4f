//! First looks: reading a workspace once to make its index, in the background, for as long as somebody asks how far it is.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant as Monotonic, SystemTime};

use parking_lot::{Condvar, Mutex};

use super::index::{Builder, Index, IndexError};
use super::shelf::{Key, Shelf};
use crate::concurrency::workers::{self, Feed};
use crate::content::inside::{Chunk, Inside, WorkspaceInside};
use crate::content::restoring::RestoreError;
use crate::domain::environment::InstanceName;
use crate::domain::explore::{FirstLook, Looked, PATIENCE_SECONDS, Source};
use crate::domain::os_error::in_words;
use crate::engine::EngineError;
use crate::jcr::NodeId;
use crate::watch::Watch;

/// Whoever asks waits so long himself: what takes no longer is answered at once.
const AT_ONCE: Duration = Duration::from_millis(400);
/// So many workspaces are read at the same time; others wait their turn.
const AT_A_TIME: usize = 2;
/// So many parts of a workspace wait to be written.
const AHEAD: usize = 4;
/// A file of so many bytes at most is known to be whole before anybody has waited.
const QUICKLY: u64 = 256 << 20;
/// What was read of Live counts as Live for so long.
const LIVE_LASTS: Duration = Duration::from_mins(5);

/// How far something is that goes on in the background.
#[derive(Debug)]
pub(super) struct Progress {
    done: AtomicU64,
    total: AtomicU64,
    /// When somebody last asked.
    asked: Mutex<Monotonic>,
    has_ended: Mutex<bool>,
    ended: Condvar,
    is_stopped: AtomicBool,
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            done: AtomicU64::new(0),
            total: AtomicU64::new(0),
            asked: Mutex::new(Monotonic::now()),
            has_ended: Mutex::new(false),
            ended: Condvar::new(),
            is_stopped: AtomicBool::new(false),
        }
    }
}

impl Progress {
    /// Somebody asks, and waits a moment whether it ends.
    pub(super) fn ask(&self) {
        *self.asked.lock() = Monotonic::now();
        self.rest();
    }

    /// How much is done, and of how much.
    pub(super) fn so_far(&self) -> (u64, u64) {
        (
            self.done.load(Ordering::Relaxed),
            self.total.load(Ordering::Relaxed),
        )
    }

    /// Waits a moment, or until it ends. Nobody has asked by that.
    pub(super) fn rest(&self) {
        let mut has_ended = self.has_ended.lock();
        if !*has_ended {
            self.ended.wait_for(&mut has_ended, AT_ONCE);
        }
    }

    /// It is over.
    pub(super) fn end(&self) {
        *self.has_ended.lock() = true;
        self.ended.notify_all();
    }

    /// Nobody is to wait for it any more.
    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }
}

impl Watch for Progress {
    fn total(&self, _items: u64, bytes: u64) {
        self.total.fetch_add(bytes, Ordering::Relaxed);
    }

    fn instance(&self, _name: &InstanceName) {}

    fn advance(&self, _items: u64, bytes: u64) {
        self.done.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whoever does not ask again has cancelled.
    fn is_cancelled(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
            || self.asked.lock().elapsed() > Duration::from_secs(PATIENCE_SECONDS)
    }
}

/// How a workspace's index stands.
enum State {
    Reading(Arc<Progress>),
    Ready { index: Index, since: Monotonic },
    Failed(String),
}

/// All first looks of this process.
pub(super) struct FirstLooks {
    shelf: Shelf,
    /// Where an index is made when the shelf cannot be written to.
    second: Option<Shelf>,
    states: Mutex<HashMap<Key, State>>,
}

/// What it takes to begin one.
pub(super) struct Wanted {
    pub(super) key: Key,
    pub(super) inside: Arc<dyn Inside>,
    pub(super) workspace: WorkspaceInside,
    /// A word that no other process comes by.
    pub(super) token: String,
    pub(super) now: SystemTime,
}

impl FirstLooks {
    pub(super) fn new(shelf: Shelf, second: Option<Shelf>) -> Self {
        Self {
            shelf,
            second,
            states: Mutex::default(),
        }
    }

    /// The index, or how far its reading is, which begins with this.
    pub(super) fn index(self: &Arc<Self>, wanted: &Wanted) -> Result<Looked<Index>, EngineError> {
        if let Some(index) = self.ready(wanted)? {
            return Ok(Looked::Ready(index));
        }
        let Some(progress) = self.reading(wanted)? else {
            // All hands are at work elsewhere.
            return Ok(Looked::Reading(look(wanted, 0, 0)));
        };
        progress.ask();
        if let Some(index) = self.ready(wanted)? {
            return Ok(Looked::Ready(index));
        }
        let (done, total) = (
            progress.done.load(Ordering::Relaxed),
            progress.total.load(Ordering::Relaxed),
        );
        Ok(Looked::Reading(look(wanted, done, total)))
    }

    /// The index of a backup's workspace, if it was made before and that is known quickly: none is begun.
    pub(super) fn there(&self, key: &Key, root: NodeId, now: SystemTime) -> Option<Index> {
        match self.states.lock().get(key) {
            Some(State::Ready { index, .. }) if index.path.exists() => return Some(index.clone()),
            Some(State::Reading(_) | State::Failed(_)) => return None,
            Some(State::Ready { .. }) | None => {}
        }
        let path = self
            .shelves()
            .find_map(|shelf| shelf.find_up_to(key, now, QUICKLY))?;
        Some(Index {
            path,
            root,
            read: now,
        })
    }

    /// Forgets an index that turned out to be none: it is made again.
    pub(super) fn forget(&self, path: &Path) {
        // What cannot be used is in the way of whoever comes next; if it is gone already, so much the better.
        let _ = std::fs::remove_file(path);
        let is_it = |state: &State| matches!(state, State::Ready { index, .. } if index.path == path);
        self.states.lock().retain(|_, state| !is_it(state));
    }

    /// All shelves, the usual one first.
    pub(super) fn shelves(&self) -> impl Iterator<Item = &Shelf> {
        std::iter::once(&self.shelf).chain(&self.second)
    }

    fn ready(&self, wanted: &Wanted) -> Result<Option<Index>, EngineError> {
        let key = &wanted.key;
        let mut states = self.states.lock();
        match states.get(key) {
            Some(State::Ready { index, since }) => {
                let is_stale = key.source == Source::Live && since.elapsed() > LIVE_LASTS;
                if !is_stale && index.path.exists() {
                    return Ok(Some(index.clone()));
                }
                states.remove(key);
            }
            Some(State::Failed(_)) => {
                // Told once: whoever asks again has it tried again.
                if let Some(State::Failed(why)) = states.remove(key) {
                    return Err(EngineError::Failed(why));
                }
            }
            // What Live was when another process looked is not what it is now.
            None if key.source != Source::Live => {
                drop(states);
                let found = self.shelves().find_map(|shelf| shelf.find(key, wanted.now));
                if let Some(path) = found {
                    let index = Index {
                        path,
                        root: wanted.workspace.root,
                        read: wanted.now,
                    };
                    self.set_ready(key, index.clone());
                    return Ok(Some(index));
                }
            }
            Some(State::Reading(_)) | None => {}
        }
        Ok(None)
    }

    fn set_ready(&self, key: &Key, index: Index) {
        let since = Monotonic::now();
        let mut states = self.states.lock();
        // What was seen of Live before another job is asked for no more.
        let is_earlier = |other: &Key, state: &State| {
            let place = |key: &Key| {
                (
                    key.environment.clone(),
                    key.instance.clone(),
                    key.workspace.clone(),
                )
            };
            matches!(state, State::Ready { .. })
                && other.source == Source::Live
                && key.source == Source::Live
                && other.after < key.after
                && place(other) == place(key)
        };
        states.retain(|other, state| !is_earlier(other, state));
        states.insert(key.clone(), State::Ready { index, since });
    }

    /// The reading that is under way, or begins. `None` when too many are.
    fn reading(self: &Arc<Self>, wanted: &Wanted) -> Result<Option<Arc<Progress>>, EngineError> {
        let mut states = self.states.lock();
        if let Some(State::Reading(progress)) = states.get(&wanted.key) {
            return Ok(Some(Arc::clone(progress)));
        }
        let at_work = |state: &&State| matches!(state, State::Reading(_));
        if states.values().filter(at_work).count() >= AT_A_TIME {
            return Ok(None);
        }
        let progress = Arc::new(Progress::default());
        let (looks, told) = (Arc::clone(self), Arc::clone(&progress));
        let (key, inside, workspace) = (
            wanted.key.clone(),
            Arc::clone(&wanted.inside),
            wanted.workspace.clone(),
        );
        let (token, now) = (wanted.token.clone(), wanted.now);
        let started = std::thread::Builder::new()
            .name("first look".to_owned())
            .spawn(move || {
                let ending = Ending { looks, key, told };
                let made = make(
                    &ending.looks,
                    &ending.key,
                    &*inside,
                    &workspace,
                    (&token, now),
                    &ending.told,
                );
                ending.end(made.map(|path| Index {
                    path,
                    root: workspace.root,
                    read: now,
                }));
            });
        started.map_err(EngineError::io("starting to read for", self.shelf.root()))?;
        states.insert(wanted.key.clone(), State::Reading(Arc::clone(&progress)));
        Ok(Some(progress))
    }
}

/// Whatever happens to the thread that reads, those that wait learn that it has ended.
struct Ending {
    looks: Arc<FirstLooks>,
    key: Key,
    told: Arc<Progress>,
}

impl Ending {
    fn end(self, made: Result<Index, Stop>) {
        match made {
            Ok(index) => self.looks.set_ready(&self.key, index),
            Err(Stop::Cancelled) => drop(self.looks.states.lock().remove(&self.key)),
            Err(Stop::Failed(why)) => {
                let mut states = self.looks.states.lock();
                states.insert(self.key.clone(), State::Failed(why));
            }
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let why = "whoever read it has stopped; its message is on standard error".to_owned();
            let mut states = self.looks.states.lock();
            states.insert(self.key.clone(), State::Failed(why));
        }
        self.told.end();
    }
}

/// Why there is no index.
enum Stop {
    Cancelled,
    Failed(String),
}

fn look(wanted: &Wanted, done: u64, total: u64) -> FirstLook {
    FirstLook {
        source: wanted.key.source.clone(),
        instance: wanted.key.instance.clone(),
        workspace: wanted.key.workspace.clone(),
        done,
        // Nothing is said of a total that nobody knows.
        total: if total == 0 { 0 } else { total.max(done) },
        others: 0,
        comparing: false,
    }
}

/// Reads a workspace and makes its index.
fn make(
    looks: &FirstLooks,
    key: &Key,
    inside: &dyn Inside,
    workspace: &WorkspaceInside,
    (token, now): (&str, SystemTime),
    watch: &Progress,
) -> Result<PathBuf, Stop> {
    kept_on_first(looks.shelves(), &key.workspace, |shelf| {
        let refused = |error: std::io::Error| Unfilled::Place(in_words(&error));
        let half = shelf.begin(key, token).map_err(refused)?;
        let made =
            fill(&half, inside, workspace, watch).and_then(|()| shelf.put(key, &half, now).map_err(refused));
        if made.is_err() {
            // It is nothing but a cache: what is left of it goes with the next one.
            let _ = std::fs::remove_file(&half);
        }
        made
    })
}

/// Makes an index on the first shelf that takes it: one that cannot be written to, or is full, is passed over.
fn kept_on_first<'s>(
    shelves: impl Iterator<Item = &'s Shelf>,
    workspace: &str,
    mut keep: impl FnMut(&Shelf) -> Result<PathBuf, Unfilled>,
) -> Result<PathBuf, Stop> {
    let mut refused = Vec::new();
    for shelf in shelves {
        match keep(shelf) {
            Ok(path) => return Ok(path),
            Err(Unfilled::Place(why)) => refused.push(format!("{} ({why})", shelf.root().display())),
            Err(Unfilled::Content(RestoreError::Cancelled)) => return Err(Stop::Cancelled),
            Err(Unfilled::Content(error)) => {
                return Err(Stop::Failed(format!(
                    "{workspace} cannot be looked into: {error}"
                )));
            }
        }
    }
    Err(Stop::Failed(format!(
        "the index of {workspace} cannot be kept in {}: make room there, or let Lifeboat write there. What is in a folder for \
         indexes may be deleted at any time",
        refused.join(", nor in ")
    )))
}

/// Why an index was not made.
#[derive(Debug)]
pub(super) enum Unfilled {
    /// Where it is made takes nothing, or no more.
    Place(String),
    /// What it is of cannot be read.
    Content(RestoreError),
}

impl From<IndexError> for Unfilled {
    fn from(error: IndexError) -> Self {
        Self::Place(error.to_string())
    }
}

/// Fills an index with everything that a workspace has.
pub(super) fn fill(
    half: &Path,
    inside: &dyn Inside,
    workspace: &WorkspaceInside,
    watch: &dyn Watch,
) -> Result<(), Unfilled> {
    let read = |feed: &Feed<'_, Chunk>| {
        let take = |chunk| {
            // Whoever writes says why there is no more to be read.
            let is_taken = feed.give(chunk);
            is_taken.then_some(()).ok_or(RestoreError::Cancelled)
        };
        inside
            .survey(&workspace.name, &take, watch)
            .map_err(Unfilled::Content)?;
        if watch.is_cancelled() {
            return Err(Unfilled::Content(RestoreError::Cancelled));
        }
        Ok(())
    };
    // SQLite has one who writes: those who read do not wait for it.
    let built = workers::fed((1, AHEAD), read, |chunks| {
        let mut builder = Builder::begin(half)?;
        for chunk in chunks {
            builder.add(&chunk.files, &chunk.items)?;
        }
        Ok(builder)
    })?;
    for builder in built {
        builder.finish()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shelf_that_is_full_is_passed_over_and_named_if_there_is_no_other() {
        let shelves = ["/cache", "/state/cache"].map(|root| Shelf::new(Path::new(root)));
        let full = || Err(Unfilled::Place("database or disk is full".to_owned()));
        let mut asked = 0;
        let kept = kept_on_first(shelves.iter(), "website", |shelf| {
            asked += 1;
            if asked == 1 {
                full()
            } else {
                Ok(shelf.root().join("index"))
            }
        });
        assert_eq!(kept.ok(), Some(PathBuf::from("/state/cache/explore/index")));
        let Err(Stop::Failed(why)) = kept_on_first(shelves.iter(), "website", |_| full()) else {
            panic!("it was kept")
        };
        for said in [
            "/cache/explore (database or disk is full)",
            "/state/cache/explore",
            "make room",
        ] {
            assert!(why.contains(said), "{why}");
        }
        let unread = kept_on_first(shelves.iter(), "website", |_| {
            Err(Unfilled::Content(RestoreError::Cancelled))
        });
        assert!(matches!(unread, Err(Stop::Cancelled)));
    }
}
