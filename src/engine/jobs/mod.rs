//! What runs in this process: which jobs are at work, waiting for them, and what applies to all of them.
//!
//! Not in here: what one job is (`work`), how jobs come to their end (`endings`), and what a dead process has left
//! (`restore::recover`).

pub(super) mod endings;
pub(super) mod fence;
pub(super) mod lock;
pub(super) mod papers;
pub(super) mod queue;
pub(super) mod start;
pub(super) mod work;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant as Monotonic};

use parking_lot::{Condvar, Mutex};

use crate::catalog::CatalogError;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{Job, JobId, Phase};
use crate::domain::stop::Unseen;
use crate::engine::{Engine, EngineError, Work};

/// What an engine keeps of the jobs that run in its process.
#[derive(Default)]
pub(in crate::engine) struct AtWork {
    works: Mutex<HashMap<JobId, Arc<Work>>>,
    /// Told whenever a job begins or ends.
    changed: Condvar,
    /// Jobs that are claimed for this process and that nobody in it works on, with when that was first seen.
    pub(in crate::engine) orphans: Mutex<HashMap<JobId, Monotonic>>,
    /// Which step was told last of what is being settled.
    pub(in crate::engine) settling: Mutex<HashMap<EnvironmentName, Phase>>,
    /// Why nobody looks on any more at what runs here.
    pub(in crate::engine) unseen: Mutex<Option<Unseen>>,
    /// Whether no job of the schedule is begun any more.
    resting: AtomicBool,
}

impl AtWork {
    /// A job is at work no more.
    pub(in crate::engine) fn ended(&self, id: JobId) {
        let work = self.works.lock().remove(&id);
        drop(work);
        self.changed.notify_all();
    }
}

/// The jobs of one engine.
#[derive(Clone, Copy)]
pub struct Jobs<'e>(pub(in crate::engine) &'e Engine);

impl<'e> Jobs<'e> {
    pub(in crate::engine) fn state(&self) -> &'e AtWork {
        &self.0.0.jobs
    }

    /// One job, of whichever process.
    ///
    /// # Errors
    /// [`EngineError::UnknownJob`]; a catalog that cannot be read.
    pub fn job(&self, id: JobId) -> Result<Job, EngineError> {
        match self.0.catalog().job(id) {
            Err(CatalogError::UnknownJob(id)) => Err(EngineError::UnknownJob(id)),
            result => Ok(result?),
        }
    }

    /// Those that are at work here.
    #[must_use]
    pub fn at_work(&self) -> Vec<JobId> {
        self.state().works.lock().keys().copied().collect()
    }

    pub(in crate::engine) fn all(&self) -> Vec<Arc<Work>> {
        self.state().works.lock().values().cloned().collect()
    }

    pub(in crate::engine) fn find(&self, id: JobId) -> Option<Arc<Work>> {
        self.state().works.lock().get(&id).cloned()
    }

    pub(in crate::engine) fn begun(&self, work: &Arc<Work>) {
        self.state().works.lock().insert(work.id(), Arc::clone(work));
        self.state().changed.notify_all();
    }

    pub(in crate::engine) fn ended(&self, id: JobId) {
        self.state().ended(id);
    }

    /// Waits until a job of this process has ended.
    pub fn wait_for(&self, id: JobId) {
        self.wait_while(|works| works.contains_key(&id));
    }

    /// Waits until no job is at work in this process any more.
    pub fn wait_for_all(&self) {
        self.wait_while(|works| !works.is_empty());
    }

    fn wait_while(&self, is_so: impl Fn(&HashMap<JobId, Arc<Work>>) -> bool) {
        let state = self.state();
        let mut works = state.works.lock();
        while is_so(&works) {
            state.changed.wait(&mut works);
        }
    }

    /// Waits for a while, or until a job ends.
    pub(in crate::engine) fn pause(&self, time: Duration) {
        let state = self.state();
        state.changed.wait_for(&mut state.works.lock(), time);
    }

    /// No job of the schedule is begun in this process any more, also not by a look that is under way.
    pub fn rest_schedule(&self) {
        self.state().resting.store(true, Ordering::Relaxed);
    }

    /// Whether no job of the schedule is begun any more.
    pub(in crate::engine) fn schedule_rests(&self) -> bool {
        self.state().resting.load(Ordering::Relaxed)
    }
}
