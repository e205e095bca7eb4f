//! Begins jobs: each has its place in the catalog, which is also the lock on its environment, and a thread of its own.
//!
//! A job may have to wait for its turn (`queue`). What it does is a closure given to [`Live::start`]; what all jobs have in common is in `work`, and how they end in
//! `endings`.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::catalog::{CatalogError, Claim, DueClaim, NewJob};
use crate::domain::deed::Deed;
use crate::domain::event::Event;
use crate::domain::job::{Job, JobId, JobKind, JobState, Outcome};
use crate::domain::refusal::Refusal;
use crate::domain::settings::RepositoryChoice;
use crate::engine::jobs::endings;
use crate::engine::jobs::lock::EnvironmentLock;
use crate::engine::jobs::lock::Needs;
use crate::engine::restore::recover::settle_abandoned;
use crate::engine::{EngineError, Live, Work};

/// What is known of a job before it begins.
pub(in crate::engine) struct Beginning<'b> {
    pub(in crate::engine) kind: JobKind,
    /// What it is about, in a few words.
    pub(in crate::engine) title: &'b str,
    /// Which repository it reads a backup from. One that reads from the second has to do without the first where that
    /// cannot be used.
    pub(in crate::engine) reads: RepositoryChoice,
    pub(in crate::engine) needs: Needs,
    /// The claimed part of the schedule that it serves.
    pub(in crate::engine) due: Option<&'b DueClaim>,
}

impl<'b> Beginning<'b> {
    /// A job that has to do with the first repository.
    pub(in crate::engine) fn of(kind: JobKind, title: &'b str) -> Self {
        Self {
            kind,
            title,
            reads: RepositoryChoice::First,
            needs: match kind {
                JobKind::Verify | JobKind::Drill => Needs::Reading,
                _ => Needs::Writing,
            },
            due: None,
        }
    }
}

impl Live {
    /// Creates a job, for whoever asks, and does it on a thread of its own when it is its turn. Returns at once.
    ///
    /// # Errors
    /// [`Refusal::Busy`] when another job of the environment has not ended; a catalog that cannot be written.
    pub fn start<F>(&self, kind: JobKind, title: &str, body: F) -> Result<JobId, EngineError>
    where
        F: FnOnce(&Self, &Work) -> Result<Outcome, EngineError> + Send + 'static,
    {
        self.begin(&Beginning::of(kind, title), body)
    }

    /// As [`Live::start`], where there is more to say of it beforehand.
    pub(in crate::engine) fn begin<F>(&self, beginning: &Beginning<'_>, body: F) -> Result<JobId, EngineError>
    where
        F: FnOnce(&Self, &Work) -> Result<Outcome, EngineError> + Send + 'static,
    {
        let (kind, reads, needs) = (beginning.kind, beginning.reads, beginning.needs);
        let (job, claim) = self.create_job(beginning)?;
        let id = job.id;
        let work = Arc::new(Work::new(self.clone(), job, claim));
        let jobs = self.engine().jobs();
        jobs.begun(&work);
        self.engine().tell(Event::Job(Box::new(work.job())));
        let task = {
            let work = Arc::clone(&work);
            move |turn: Result<(), EngineError>| {
                let live = work.live();
                let result = catch_unwind(AssertUnwindSafe(|| {
                    turn?;
                    work.begins();
                    // Before the lock, which says which claim it is held for, and until after it.
                    let _fence = live.behind_fence(work.claim);
                    let _lock = live.lock_to_work(reads, kind, needs)?;
                    let result = body(live, &work);
                    live.forget_what_is_doubtful(&work);
                    result
                }))
                .unwrap_or_else(|_| {
                    Err(EngineError::Failed(
                        "the job stopped at a fault in Lifeboat itself; Live was not switched by it"
                            .to_owned(),
                    ))
                });
                endings::end(&work, result);
            }
        };
        jobs.wait_in_line(work, kind, Box::new(task));
        Ok(id)
    }

    /// The locks that a job of this kind takes.
    fn lock_to_work(
        &self,
        reads: RepositoryChoice,
        kind: JobKind,
        needs: Needs,
    ) -> Result<EnvironmentLock, EngineError> {
        match (reads, kind) {
            (_, JobKind::Restore | JobKind::Undo) => self.lock_to_switch(reads, kind, needs),
            (RepositoryChoice::Copy, _) => self.lock_both(needs),
            _ if needs == Needs::Reading => self.lock_for(reads, needs),
            _ => self.lock_of(reads, kind == JobKind::Backup),
        }
    }

    /// A job in the catalog, which is also the lock on its environment (rule 8). What a Lifeboat that died has left is
    /// settled first.
    fn create_job(&self, beginning: &Beginning<'_>) -> Result<(Job, Claim), EngineError> {
        let new = NewJob {
            environment: self.name(),
            kind: beginning.kind,
            title: beginning.title,
            by: self.who(),
            due: beginning.due,
        };
        for _ in 0..3 {
            let state = JobState::waiting(JobState::ABOUT_TO_BEGIN);
            let caller = self.engine().asked_by();
            match self.catalog().create_job_for(caller, new, self.now(), &state) {
                Ok((job, claim)) => return self.on_whole_content(job, claim),
                Err(CatalogError::JustEnded(_)) => {}
                Err(CatalogError::Busy { job, kind, .. }) => {
                    return Err(Refusal::Busy {
                        environment: self.name().clone(),
                        job,
                        kind,
                    }
                    .into());
                }
                Err(CatalogError::Abandoned { .. }) => settle_abandoned(self.engine())?,
                Err(error) => return Err(error.into()),
            }
        }
        Err(EngineError::Failed(format!(
            "a job of {} that was interrupted could not be settled: see the notifications",
            self.name()
        )))
    }

    /// Makes sure that a job that now holds the environment does not begin on content that is half switched.
    fn on_whole_content(&self, mut job: Job, claim: Claim) -> Result<(Job, Claim), EngineError> {
        let settled = {
            let _fence = self.behind_fence(claim);
            let settled = self.settle_journal();
            if settled.is_ok() {
                self.drop_left_behind();
            }
            settled.and_then(|()| self.is_not_lost())
        };
        let Err(error) = settled else {
            return Ok((job, claim));
        };
        job.ended = Some(self.now());
        job.state = JobState::Failed {
            why: error.to_string(),
        };
        self.engine().did(Deed::JobEnded(Box::new(job.clone())));
        self.catalog().update_job(&claim, &job)?;
        Err(error)
    }
}
