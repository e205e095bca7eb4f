//! One job at work: its progress and log, and how it learns that it is to stop.
//!
//! Not in here: how a job is begun (`start`) and how it ends (`endings`).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant as Monotonic};

use parking_lot::{Mutex, MutexGuard};

use crate::catalog::{CatalogError, Claim};
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::deed::Deed;
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::event::Event;
use crate::domain::job::{Job, JobId, JobKind, JobState, Outcome, Phase, Progress};
use crate::domain::milestone::{Milestone, Reached};
use crate::domain::principal::Principal;
use crate::domain::settings::{HookPoint, InstanceSettings};
use crate::domain::stop::StopReason;
use crate::engine::{EngineError, Live};
use crate::watch::Watch;

/// A running progress is told at most four times a second.
const TELL_EVERY: Duration = Duration::from_millis(250);
/// How long a phase has to be at work before it is said how long it takes: at its beginning files are opened and queues
/// are filled, and what was done by then says nothing.
const FIRST_ESTIMATE: Duration = Duration::from_secs(2);

/// A job at work, as the code that does it sees it.
pub struct Work {
    live: Live,
    job: Mutex<Job>,
    pub(in crate::engine) claim: Claim,
    id: JobId,
    phase: Mutex<PhaseClock>,
    items: AtomicU64,
    bytes: AtomicU64,
    /// The most that one of the phases before has gone through.
    most_bytes: AtomicU64,
    cancelled: AtomicBool,
    /// Why it is to stop, where that was told.
    stop_reason: Mutex<Option<StopReason>>,
    lost: AtomicBool,
    told_unseen: AtomicBool,
    /// Held by whoever writes the job down, so that an older state never comes after a newer one.
    writing: Mutex<()>,
    /// What turned out on the way.
    noticed: Mutex<Vec<String>>,
    /// What was known beforehand, and is in the log already.
    known: Mutex<Vec<String>>,
}

struct PhaseClock {
    began: Monotonic,
    told: Monotonic,
}

impl Work {
    /// A job that was claimed and has not begun.
    pub(in crate::engine) fn new(live: Live, job: Job, claim: Claim) -> Self {
        let now = Monotonic::now();
        Self {
            live,
            claim,
            id: job.id,
            job: Mutex::new(job),
            phase: Mutex::new(PhaseClock {
                began: now,
                told: now,
            }),
            items: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            most_bytes: AtomicU64::new(0),
            cancelled: AtomicBool::new(false),
            stop_reason: Mutex::default(),
            lost: AtomicBool::new(false),
            told_unseen: AtomicBool::new(false),
            writing: Mutex::default(),
            noticed: Mutex::default(),
            known: Mutex::default(),
        }
    }

    /// The environment that it works on.
    pub(in crate::engine) fn live(&self) -> &Live {
        &self.live
    }

    /// The job as it is now.
    pub(in crate::engine) fn job(&self) -> Job {
        self.lock_job().clone()
    }

    /// The job's number.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.id
    }

    /// The name of the environment that it works on.
    #[must_use]
    pub fn environment(&self) -> &EnvironmentName {
        self.live.name()
    }

    /// Who asked for it.
    #[must_use]
    pub fn by(&self) -> Principal {
        self.lock_job().by.clone()
    }

    /// What it is about, in a few words.
    pub(in crate::engine) fn title(&self) -> String {
        self.lock_job().title.clone()
    }

    /// Whether it was asked to stop before it had begun.
    pub(in crate::engine) fn does_not_begin(&self) -> bool {
        let job = self.lock_job();
        job.began.is_none() && job.cancel_asked
    }

    /// Whether this is the first time that it is told to go on unseen.
    pub(in crate::engine) fn is_first_told_unseen(&self) -> bool {
        !self.told_unseen.swap(true, Ordering::Relaxed)
    }

    fn lock_job(&self) -> MutexGuard<'_, Job> {
        self.job.lock()
    }

    /// Nobody else writes the job down until this is dropped.
    pub(in crate::engine) fn writing(&self) -> MutexGuard<'_, ()> {
        self.writing.lock()
    }

    fn lock_phase(&self) -> MutexGuard<'_, PhaseClock> {
        self.phase.lock()
    }

    /// Turns to the next phase, unless the job leaves it out. This is a safe point: a job that was asked to stop stops
    /// here, unless the phase is one that has to be gone through.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`].
    pub fn phase(&self, phase: Phase) -> Result<(), EngineError> {
        if phase.can_cancel() && self.is_cancelled_now() {
            return Err(EngineError::Cancelled);
        }
        self.check_claim()?;
        if self.lock_job().left_out.contains(&phase) {
            return Ok(());
        }
        // A step that is done again, or has two parts, is one in the log.
        let is_new = !self.is_in(phase);
        self.items.store(0, Ordering::Relaxed);
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        self.most_bytes.fetch_max(bytes, Ordering::Relaxed);
        {
            let mut clock = self.lock_phase();
            clock.began = Monotonic::now();
            clock.told = clock.began;
            self.lock_job().progress = Some(Progress::start(phase));
        }
        self.tell();
        if is_new {
            self.log(Severity::Information, phase.label());
        }
        Ok(())
    }

    /// Notes that the moment has come that whoever waits for the job waits for, and tells everybody at once. Only the first
    /// one counts.
    pub fn reached(&self, what: Milestone, content_of: Option<Instant>) {
        let at = self.live.now();
        let reached = Reached { what, at, content_of };
        self.lock_job().reached.get_or_insert(reached);
        self.tell();
    }

    /// Whether it is in this phase now.
    pub fn is_in(&self, phase: Phase) -> bool {
        let job = self.lock_job();
        job.progress
            .as_ref()
            .is_some_and(|progress| progress.phase == phase)
    }

    /// Makes sure that the catalog has the job as it is now.
    ///
    /// # Errors
    /// What the catalog said.
    pub fn record(&self) -> Result<(), EngineError> {
        let job = self.lock_job().clone();
        Ok(self.live.catalog().update_job(&self.claim, &job)?)
    }

    /// Notes that the job does not take these steps of its kind, so that nobody thinks they were done.
    pub fn leaves_out(&self, phases: &[Phase]) {
        let mut job = self.lock_job();
        for phase in phases {
            if !job.left_out.contains(phase) {
                job.left_out.push(*phase);
            }
        }
    }

    /// Notes that a backup runs no hooks, where none of its instances has one. What a backup within another job runs is no step of
    /// that job's kind.
    pub fn leaves_out_hooks_of_backup(&self, instances: &[&InstanceSettings]) {
        let around = [HookPoint::BeforeBackup, HookPoint::AfterBackup];
        let has_hook = |point: &HookPoint| instances.iter().any(|instance| instance.has_hook(*point));
        if self.lock_job().kind == JobKind::Backup && !around.iter().any(has_hook) {
            self.leaves_out(&[Phase::HooksBefore, Phase::Hooks]);
        }
    }

    /// Makes sure that this job is still this Lifeboat's. Asked before whatever another one must not do as well.
    ///
    /// # Errors
    /// A sentence when another Lifeboat has taken the job over. That the catalog is out of reach is no reason to stop: the
    /// repository asks once more before anything becomes a backup. But whoever has taken the job over meanwhile has taken
    /// away the lock that it held in object storage.
    pub fn check_claim(&self) -> Result<(), EngineError> {
        let lost = match self.live.catalog().check_claim(&self.claim) {
            Ok(()) => return Ok(()),
            Err(error @ CatalogError::NotOwned(_)) => error,
            #[cfg(feature = "object-storage")]
            Err(_) if self.live.has_lost_a_lock() => CatalogError::NotOwned(self.id),
            Err(_) => return Ok(()),
        };
        self.lost.store(true, Ordering::Relaxed);
        Err(lost.into())
    }

    /// Adds a line to the job's log. A log that cannot be written does not stop the job.
    pub fn log(&self, severity: Severity, text: &str) {
        let now = self.live.now();
        if let Err(error) = self.live.catalog().log(self.id, now, severity, text) {
            self.live.report_catalog(&error);
        }
    }

    /// Notes what whoever confirmed the job was told beforehand. It stands in the log and in the outcome, and does not make
    /// a good end a doubtful one.
    pub(in crate::engine) fn was_known(&self, warnings: &[String]) {
        for warning in warnings {
            self.log(Severity::Warning, warning);
        }
        self.known.lock().extend_from_slice(warnings);
    }

    /// What was told beforehand.
    pub(in crate::engine) fn known(&self) -> Vec<String> {
        let known = self.known.lock();
        known.clone()
    }

    /// What turned out on the way that people should know.
    pub(in crate::engine) fn noticed(&self) -> Vec<String> {
        let noticed = self.noticed.lock();
        noticed.clone()
    }

    /// Writes the job down and tells everybody.
    fn tell(&self) {
        let _writing = self.writing();
        let job = self.lock_job().clone();
        match self.live.catalog().update_job(&self.claim, &job) {
            // Another Lifeboat goes on with the job, or has ended it. Only that one tells how it stands.
            Err(CatalogError::NotOwned(_)) => {
                self.lost.store(true, Ordering::Relaxed);
                return;
            }
            Err(error) => self.live.report_catalog(&error),
            Ok(()) => {}
        }
        self.live.engine().tell(Event::Job(Box::new(job)));
    }

    fn tell_progress(&self) {
        let elapsed = {
            let mut clock = self.lock_phase();
            if clock.told.elapsed() < TELL_EVERY {
                return;
            }
            clock.told = Monotonic::now();
            clock.began.elapsed()
        };
        self.learn_whether_to_stop();
        if let Some(progress) = &mut self.lock_job().progress {
            progress.items_done = self.items.load(Ordering::Relaxed);
            progress.bytes_done = self.bytes.load(Ordering::Relaxed);
            rate(progress, elapsed);
        }
        self.tell();
    }

    /// Whether the job should stop, with a fresh look at what other Lifeboats have asked.
    #[must_use]
    pub fn is_cancelled_now(&self) -> bool {
        self.learn_whether_to_stop();
        self.is_cancelled()
    }

    /// Looks whether any Lifeboat has asked the job to stop, and why. A catalog that is away says nothing.
    fn learn_whether_to_stop(&self) {
        let Ok(Some(request)) = self.live.catalog().cancel_requested(self.id) else {
            return;
        };
        if let Some(reason) = request.reason {
            self.stop_reason.lock().get_or_insert(reason);
        }
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Why it was asked to stop, or has to.
    pub(in crate::engine) fn stop_reason(&self) -> Option<StopReason> {
        let asked = self.stop_reason.lock();
        let lost = self.lost.load(Ordering::Relaxed).then_some(StopReason::LockLost);
        asked.clone().or(lost)
    }

    /// An error of this job's, for people: for one that says that the job stops, why it does.
    pub(in crate::engine) fn told(&self, error: &EngineError) -> String {
        match self.stop_reason() {
            Some(reason) if error.is_cancelled() => format!("it was stopped, since {reason}"),
            None if error.is_cancelled() => "it was stopped".to_owned(),
            _ => error.to_string(),
        }
    }

    pub(in crate::engine) fn ended(&self, state: JobState, outcome: Option<Outcome>) -> Job {
        let mut job = self.lock_job();
        if let Some(progress) = &mut job.progress {
            progress.items_done = self.items.load(Ordering::Relaxed);
            // The last phases of most kinds go through nothing.
            let bytes = self.bytes.load(Ordering::Relaxed);
            progress.bytes_done = self.most_bytes.load(Ordering::Relaxed).max(bytes);
            progress.left_millis = None;
        }
        job.ended = Some(self.live.now());
        // A lock that was lost unnoticed has stopped nothing.
        let reason = self.stop_reason();
        if state != JobState::Done || reason != Some(StopReason::LockLost) {
            job.stop_reason = reason;
        }
        job.state = state;
        job.outcome = outcome;
        job.clone()
    }

    /// Takes in at once that the job was asked to stop.
    pub(in crate::engine) fn note_cancel_asked(&self) {
        self.learn_whether_to_stop();
        self.cancelled.store(true, Ordering::Relaxed);
        let reason = self.stop_reason();
        {
            let mut job = self.lock_job();
            job.cancel_asked = true;
            job.stop_reason = reason;
        }
        self.tell();
    }

    /// It waits, for this reason. What is at work or has ended does not wait any more.
    pub(in crate::engine) fn waits(&self, waiting: JobState) {
        {
            let mut job = self.lock_job();
            if job.state == waiting || !matches!(job.state, JobState::Waiting { .. }) {
                return;
            }
            job.state = waiting;
        }
        self.tell();
    }

    /// It is at work from now on. That is told where somebody has read what it waited for.
    pub(in crate::engine) fn begins(&self) {
        let has_waited = {
            let mut job = self.lock_job();
            let about_to_begin = JobState::waiting(JobState::ABOUT_TO_BEGIN);
            job.began = Some(self.live.now());
            std::mem::replace(&mut job.state, JobState::Running) != about_to_begin
        };
        let job = self.job();
        self.live.engine().notifier().begun(&job);
        self.live.engine().did(Deed::JobBegan(Box::new(job)));
        if has_waited {
            self.tell();
        }
    }
}

/// Works out rate and time left from what is done.
fn rate(progress: &mut Progress, elapsed: Duration) {
    let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX).max(1);
    let per_second = u128::from(progress.bytes_done) * 1000 / u128::from(millis);
    progress.bytes_per_second = u64::try_from(per_second).ok().filter(|rate| *rate > 0);
    progress.left_millis = match (progress.bytes_total, progress.bytes_per_second) {
        (Some(total), Some(rate)) if total > progress.bytes_done && elapsed >= FIRST_ESTIMATE => {
            Some((total - progress.bytes_done).saturating_mul(1000) / rate)
        }
        _ => None,
    };
}

/// A part of the work begins, of so many items and bytes: one instance after the other says how much it is, and what is done by
/// then was of those before.
fn begin_part(progress: &mut Progress, done: (u64, u64), part: (u64, u64)) {
    progress.items_total = Some(done.0.saturating_add(part.0));
    progress.bytes_total = Some(done.1.saturating_add(part.1));
}

impl Watch for Work {
    fn total(&self, items: u64, bytes: u64) {
        let done = (
            self.items.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        );
        if let Some(progress) = &mut self.lock_job().progress {
            begin_part(progress, done, (items, bytes));
        }
    }

    fn instance(&self, name: &InstanceName) {
        if let Some(progress) = &mut self.lock_job().progress {
            progress.instance = Some(name.clone());
            progress.part = None;
        }
    }

    fn part(&self, name: &str) {
        if let Some(progress) = &mut self.lock_job().progress {
            progress.part = Some(name.to_owned());
        }
    }

    fn notice(&self, text: &str) {
        self.log(Severity::Warning, text);
        self.noticed.lock().push(text.to_owned());
    }

    fn advance(&self, items: u64, bytes: u64) {
        self.items.fetch_add(items, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.tell_progress();
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed) || self.lost.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_done_than_there_is_in_any_of_several_parts() {
        let mut progress = Progress::start(Phase::Staging);
        begin_part(&mut progress, (0, 0), (2_700, 5_000));
        assert_eq!(
            (progress.items_total, progress.bytes_total),
            (Some(2_700), Some(5_000))
        );
        begin_part(&mut progress, (2_700, 5_000), (2_001, 3_500));
        assert_eq!(
            (progress.items_total, progress.bytes_total),
            (Some(4_701), Some(8_500))
        );
        progress.bytes_done = 6_750;
        rate(&mut progress, Duration::from_secs(2));
        assert_eq!(progress.left_millis, Some(518), "of the part that goes on");
    }

    #[test]
    fn rate_and_time_left_follow_from_what_is_done() {
        let mut progress = Progress::start(Phase::Copying);
        progress.bytes_total = Some(4_000);
        progress.bytes_done = 1_000;
        rate(&mut progress, Duration::from_secs(2));
        assert_eq!(progress.bytes_per_second, Some(500));
        assert_eq!(progress.left_millis, Some(6_000));
        rate(&mut progress, Duration::from_millis(900));
        assert_eq!(progress.left_millis, None, "nobody can tell yet");
        progress.bytes_done = 4_000;
        rate(&mut progress, Duration::from_secs(2));
        assert_eq!(progress.left_millis, None);
    }
}
