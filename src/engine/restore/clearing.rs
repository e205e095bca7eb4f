//! Clearing away what a restore has replaced in folders, once the restore is over: removing hundreds of thousands of files
//! may take longer than everything before it, and nobody should wait for that.
//!
//! The job decides what may go, by comparing it with the safety backup (`switching`), and notes it in the state folder of
//! this machine, which has the folder. From then on a thread of the engine removes it, and the note at last. What is left
//! of it when that is ended is removed by the next engine that is opened on this state folder. Only the very folder that
//! was noted is removed, known by its [`Identity`].
//!
//! Not in here: what may go and what has to be kept (`switching`), and how a folder is removed (`disk::removal`).

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Monotonic};

use parking_lot::{Condvar, Mutex, MutexGuard};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::journal::{InstanceRecord, Journal, Stage};
use crate::concurrency::turnstile::{Pace, go_at};
use crate::disk::held::Identity;
use crate::disk::removal;
use crate::disk::room::same_disk;
use crate::domain::activity::Severity;
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::job::JobId;
use crate::domain::measure;
use crate::domain::plan::Room;
use crate::domain::principal::Principal;
use crate::engine::jobs::papers::{Papers, name_of};
use crate::engine::{Engine, Live, WeakEngine};

/// What the notes are called.
const CLEARING: &str = "clearing";

/// How long whoever ends the clearing waits for the file that it is at.
const LAST_FILE: Duration = Duration::from_secs(10);

/// A folder that may go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Replaced {
    environment: EnvironmentName,
    instance: InstanceName,
    job: JobId,
    folder: PathBuf,
    made: Identity,
    /// How much it held, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    /// Why it could not be removed when that was last tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl Replaced {
    /// The name of its note: one for each folder.
    fn name(&self) -> String {
        let digest = Sha256::digest(self.folder.as_os_str().as_encoded_bytes());
        let digest = digest
            .iter()
            .take(8)
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        format!("{}+{digest:016x}", name_of(&self.environment))
    }

    fn write(&self, state: &Path) -> io::Result<()> {
        Papers::Folder(state).write(CLEARING, &self.name(), self)
    }

    /// Whether its note stands, and not one of another folder that has come to its path since.
    fn is_noted(&self, state: &Path) -> bool {
        let noted = Papers::Folder(state).read::<Self>(CLEARING, &self.name());
        noted.is_ok_and(|noted| noted.is_some_and(|noted| noted.made == self.made))
    }

    /// Removes its note. One that cannot be removed leads to a folder that is gone.
    fn drop_note(&self, state: &Path) {
        if self.is_noted(state) {
            let _ = Papers::Folder(state).remove(CLEARING, &self.name());
        }
    }

    /// What is to be done about one that could not be removed.
    fn sentence(&self, why: &str) -> String {
        format!(
            "what job {} replaced beside the content of {} could not all be removed: {why}. The safety backup held all of \
             it: once the cause is mended (`lsattr -R` shows immutable files) the next start of Lifeboat removes {}, or \
             remove it by hand",
            self.job,
            self.instance,
            self.folder.display()
        )
    }
}

/// The notes that stand in a state folder. What cannot be read is passed over, and its folder is told as one that was left.
fn noted(state: &Path) -> Vec<Replaced> {
    let papers = Papers::Folder(state);
    let names = papers.names(CLEARING).unwrap_or_default();
    let read = |name: String| papers.read::<Replaced>(CLEARING, &name).ok().flatten();
    names.into_iter().filter_map(read).collect()
}

/// What an engine clears away.
#[derive(Default)]
pub struct Clearing(Arc<State>);

#[derive(Default)]
struct State {
    queue: Mutex<Queue>,
    /// Told when the thread has ended.
    ended: Condvar,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Replaced>,
    at: Option<Replaced>,
    is_at_work: bool,
}

impl Drop for Clearing {
    fn drop(&mut self) {
        // The engine is gone, and the next one goes on.
        self.0.stopped.store(true, Ordering::Relaxed);
    }
}

impl Clearing {
    /// What is being removed now, in a few words. `None` when nothing is.
    #[must_use]
    pub fn what(&self) -> Option<String> {
        let queue = self.0.queue.lock();
        if !queue.is_at_work {
            return None;
        }
        let at = queue.at.as_ref().or_else(|| queue.waiting.front())?;
        let more = queue.waiting.iter().filter(|waiting| *waiting != at).count();
        let and = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        Some(format!("{}{and}", at.folder.display()))
    }

    /// Waits until nothing is being removed any more.
    pub fn wait(&self) {
        let mut queue = self.0.queue.lock();
        while queue.is_at_work {
            self.0.ended.wait(&mut queue);
        }
    }

    /// Removes nothing any more from the next file on: the next engine goes on. Waits for the file that is being removed.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
        let until = Monotonic::now() + LAST_FILE;
        let mut queue = self.0.queue.lock();
        while queue.is_at_work && !self.0.ended.wait_until(&mut queue, until).timed_out() {}
    }

    fn add(&self, engine: &Engine, replaced: Vec<Replaced>) {
        let state = &self.0;
        let mut queue = state.queue.lock();
        for one in replaced {
            if queue.at.as_ref() != Some(&one) && !queue.waiting.contains(&one) {
                queue.waiting.push_back(one);
            }
        }
        if queue.is_at_work || queue.waiting.is_empty() || state.stopped.load(Ordering::Relaxed) {
            return;
        }
        let (shared, folder, weak) = (Arc::clone(state), engine.state().to_owned(), engine.downgrade());
        let begun = std::thread::Builder::new()
            .name("clear".to_owned())
            .spawn(move || clear_away(&mut AtWork(Some(shared)), &folder, &weak));
        // Without a thread the next restore tries it again, and the next start.
        queue.is_at_work = begun.is_ok();
    }
}

/// That the thread is at work. An error of Lifeboat in it keeps nobody waiting.
struct AtWork(Option<Arc<State>>);

impl AtWork {
    /// What is to be removed next. `None` ends the work: whoever comes after that begins it again.
    fn next(&mut self) -> Option<(Replaced, Arc<State>)> {
        let state = self.0.take()?;
        let mut queue = state.queue.lock();
        let stopped = state.stopped.load(Ordering::Relaxed);
        queue.at = if stopped { None } else { queue.waiting.pop_front() };
        let Some(next) = queue.at.clone() else {
            end(&state, queue);
            return None;
        };
        drop(queue);
        self.0 = Some(Arc::clone(&state));
        Some((next, state))
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if let Some(state) = self.0.take() {
            end(&state, state.queue.lock());
        }
    }
}

fn end(state: &State, mut queue: MutexGuard<'_, Queue>) {
    (queue.at, queue.is_at_work) = (None, false);
    state.ended.notify_all();
}

/// Removes one folder after the other. It keeps no engine open.
fn clear_away(work: &mut AtWork, folder: &Path, engine: &WeakEngine) {
    go_at(Pace::Beside);
    while let Some((replaced, state)) = work.next() {
        clear(&replaced, &state.stopped, folder, engine);
    }
}

fn clear(replaced: &Replaced, stopped: &AtomicBool, state: &Path, engine: &WeakEngine) {
    let began = Monotonic::now();
    let mut items = 0;
    let mut goes_on = || {
        items += 1;
        !stopped.load(Ordering::Relaxed)
    };
    let removed = removal::remove_made_while(&replaced.folder, Some(replaced.made), &mut goes_on);
    let place = replaced.folder.display();
    match removed {
        Ok(true) => {
            replaced.drop_note(state);
            // Another process was at it, too, or an earlier one had just ended with it.
            if items == 0 {
                return;
            }
            let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
            let text = format!(
                "{}: what was live before is removed, {} in {}",
                replaced.instance,
                measure::so_many(items, "file or folder", "files and folders"),
                measure::millis(took)
            );
            if let Some(engine) = engine.upgrade() {
                // In the log of the job that has left it, unless nobody knows that any more.
                let severity = Severity::Information;
                let _ = engine.catalog().log(replaced.job, engine.now(), severity, &text);
                if replaced.why.is_some() {
                    engine.changed(&replaced.environment);
                }
            }
        }
        Ok(false) => {
            replaced.drop_note(state);
            let text = format!(
                "{place} is not the folder that job {} left there to be removed: something else has taken its place, and is \
                 left alone. See who can write to the folder that holds it, and remove both",
                replaced.job
            );
            warn(engine, replaced, &text);
        }
        Err(_) if stopped.load(Ordering::Relaxed) => {}
        Err(error) => {
            let why = error.to_string();
            // Told once, and not at every start.
            if replaced.why.as_ref() == Some(&why) || !replaced.is_noted(state) {
                return;
            }
            let failed = Replaced {
                why: Some(why.clone()),
                ..replaced.clone()
            };
            // Without that it is told once more.
            let _ = failed.write(state);
            warn(engine, replaced, &replaced.sentence(&why));
        }
    }
}

fn warn(engine: &WeakEngine, replaced: &Replaced, text: &str) {
    let Some(engine) = engine.upgrade() else { return };
    let (severity, name) = (Severity::Warning, &replaced.environment);
    let job = engine.jobs().job(replaced.job).ok().map(|job| job.id);
    if let Some(job) = job {
        let _ = engine.catalog().log(job, engine.now(), severity, text);
    }
    engine
        .activity()
        .remember(&Principal::Lifeboat, Some(name), text, job, severity);
    engine.changed(name);
}

/// Goes on with everything that is noted in the state folder of an engine.
pub(in crate::engine) fn go_on(engine: &Engine) {
    engine.clearing().add(engine, noted(engine.state()));
}

impl Live {
    /// Notes that the folder that a restore has made beside an instance may go, with what it replaced. Where that cannot be
    /// noted the folder is removed at once. Gives a sentence about what has taken its place.
    ///
    /// # Errors
    /// What the system said; that something is mounted in it.
    pub(super) fn leave_to_clearing(
        &self,
        journal: &Journal,
        record: &InstanceRecord,
    ) -> io::Result<Option<String>> {
        let (Some(folder), Ok(Some(open))) = (record.beside.folder(), record.beside.open()) else {
            return record.beside.remove();
        };
        // What is in the way of all of it is told in the job.
        removal::is_seen_by_nobody_else(&open, folder)?;
        let replaced = Replaced {
            environment: self.name().clone(),
            instance: record.instance.clone(),
            job: journal.job,
            folder: folder.to_owned(),
            made: Identity::of_open(&open)?,
            bytes: self.bytes_replaced(journal, &record.instance),
            why: None,
        };
        drop(open);
        match replaced.write(self.state()) {
            Ok(()) => Ok(None),
            Err(_) => record.beside.remove(),
        }
    }

    /// How much of an instance a restore has replaced, as its safety backup knows. A start does not list backups for it.
    fn bytes_replaced(&self, journal: &Journal, instance: &InstanceName) -> Option<u64> {
        if journal.stage == Stage::Clearing {
            return None;
        }
        let safety = self.find_backup(journal.safety.as_ref()?).ok()?.manifest;
        let selection = safety.replaced.unwrap_or_default();
        let copy = safety.instances.into_iter().find(|copy| copy.name == *instance)?;
        let workspaces = copy.workspaces.iter();
        let replaced = workspaces.filter(|workspace| selection.has_workspace(&workspace.name));
        Some(replaced.map(|workspace| workspace.bytes).sum())
    }

    /// Begins to remove what a restore that is over has noted.
    pub(super) fn begin_clearing(&self, job: JobId) {
        let mut left = noted(self.state());
        left.retain(|replaced| replaced.environment == *self.name() && replaced.job == job);
        for replaced in &left {
            let text = format!(
                "{}: what was live before is removed from {} from now on, beside everything else",
                replaced.instance,
                replaced.folder.display()
            );
            let now = self.now();
            let _ = self.catalog().log(job, now, Severity::Information, &text);
        }
        self.engine().clearing().add(self.engine(), left);
    }

    /// What is said of a folder beside Live that was left to be removed: nothing while that is under way, and why it could
    /// not be done where that was tried. `None` for one that was not.
    pub(super) fn cleared_or_why_not(&self) -> impl Fn(&Path) -> Option<Option<String>> + use<> {
        let noted = noted(self.state());
        move |folder| {
            let replaced = noted.iter().find(|replaced| replaced.folder == folder)?;
            Some(replaced.why.as_ref().map(|why| replaced.sentence(why)))
        }
    }

    /// A warning where there is too little room for now, and what earlier restores have replaced is still being removed
    /// from the same disk.
    pub(in crate::engine) fn being_freed(&self, room: &[Room]) -> Option<String> {
        let noted = noted(self.state());
        let on = |folder: &Path, other: &str| {
            let above = folder.parent().unwrap_or(folder);
            same_disk(above, Path::new(other))
        };
        let is_short = |replaced: &&Replaced| {
            let on_it = room.iter().filter(|room| on(&replaced.folder, &room.folder));
            let (needed, free) = on_it.fold((0, u64::MAX), |(needed, free): (u64, u64), room| {
                (needed.saturating_add(room.needed), free.min(room.free))
            });
            replaced.why.is_none() && needed > free
        };
        let short: Vec<_> = noted.iter().filter(is_short).collect();
        let first = short.first()?;
        let bytes: u64 = short.iter().filter_map(|replaced| replaced.bytes).sum();
        let how_much = if bytes == 0 {
            "more becomes".to_owned()
        } else {
            format!("up to {} become", measure::bytes(bytes))
        };
        Some(format!(
            "what an earlier restore replaced is still being removed from {}: {how_much} free by itself, and the room that \
             is told is what is free now. Plan again when it is gone",
            first.folder.display()
        ))
    }
}
