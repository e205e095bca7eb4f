//! What runs in this process: which jobs are at work, waiting for them, and what applies to all of them.
//!
//! Not in here: what one job is (`work`), how jobs come to their end (`endings`), and what a dead process has left
//! (`restore::recover`).

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use super::{Engine, EngineError, Work, locked};
use crate::catalog::CatalogError;
use crate::domain::job::{Job, JobId};
use crate::domain::stop::Unseen;

/// What an engine keeps of the jobs that run in its process.
#[derive(Default)]
pub(super) struct AtWork {
    works: Mutex<HashMap<JobId, Arc<Work>>>,
    /// Told whenever a job begins or ends.
    changed: Condvar,
    /// Jobs that are claimed for this process and that nobody in it works on, with when that was first seen.
    pub(super) orphans: Mutex<HashMap<JobId, Monotonic>>,
    /// Why nobody looks on any more at what runs here.
    pub(super) unseen: Mutex<Option<Unseen>>,
    /// Whether no job of the schedule is begun any more.
    resting: AtomicBool,
}

impl AtWork {
    /// A job is at work no more.
    pub(super) fn ended(&self, id: JobId) {
        let work = locked(&self.works).remove(&id);
        drop(work);
        self.changed.notify_all();
    }
}

/// The jobs of one engine.
#[derive(Clone, Copy)]
pub struct Jobs<'e>(pub(super) &'e Engine);

impl<'e> Jobs<'e> {
    pub(super) fn state(&self) -> &'e AtWork {
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
        locked(&self.state().works).keys().copied().collect()
    }

    pub(super) fn all(&self) -> Vec<Arc<Work>> {
        locked(&self.state().works).values().cloned().collect()
    }

    pub(super) fn find(&self, id: JobId) -> Option<Arc<Work>> {
        locked(&self.state().works).get(&id).cloned()
    }

    pub(super) fn begun(&self, work: &Arc<Work>) {
        locked(&self.state().works).insert(work.id(), Arc::clone(work));
        self.state().changed.notify_all();
    }

    pub(super) fn ended(&self, id: JobId) {
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
        let mut works = locked(&state.works);
        while is_so(&works) {
            works = state.changed.wait(works).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for a while, or until a job ends.
    pub(super) fn pause(&self, time: Duration) {
        let works = locked(&self.state().works);
        drop(self.state().changed.wait_timeout(works, time));
    }

    /// No job of the schedule is begun in this process any more, also not by a look that is under way.
    pub fn rest_schedule(&self) {
        self.state().resting.store(true, Ordering::Relaxed);
    }

    /// Whether no job of the schedule is begun any more.
    pub(super) fn schedule_rests(&self) -> bool {
        self.state().resting.load(Ordering::Relaxed)
    }
}
