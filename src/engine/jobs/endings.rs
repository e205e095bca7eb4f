//! How what runs in this process comes to its end, also before its time, and goes on where nobody looks on any more.
//!
//! A job is asked to stop with a [`StopReason`], which is kept with it, told in its log and in the activity log, and
//! stands in how it ended. It stops at its next safe point; past the last one it is finished. A job's end is told three
//! times: in the job itself, in the activity log and as a notification.
//!
//! Not in here: what a safe point is (`work`), and jobs whose process has died (`restore::recover`).

use std::time::Duration;

use crate::catalog::{CatalogError, Said};
use crate::domain::activity::Severity;
use crate::domain::deed::Deed;
use crate::domain::event::Event;
use crate::domain::job::{JobId, JobKind, JobState, Outcome};
use crate::domain::measure;
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::stop::{StopReason, Unseen};
use crate::engine::jobs::Jobs;
use crate::engine::{EngineError, Work};

/// How soon the end of a job is written again after the catalog refused it.
const END_RETRY: Duration = Duration::from_secs(5);
/// How often that is tried.
const END_TRIES: u32 = 12;

impl Jobs<'_> {
    /// Asks a job to stop at its next safe point on behalf of whoever asks, whichever Lifeboat runs it.
    ///
    /// # Errors
    /// As [`Jobs::stop`].
    pub fn cancel(&self, id: JobId) -> Result<(), EngineError> {
        let by = self.0.who().clone();
        self.stop(id, &StopReason::Asked { by })
    }

    /// Asks a job to stop at its next safe point, for this reason, whichever Lifeboat runs it. Where it was asked before,
    /// the first reason stands.
    ///
    /// # Errors
    /// [`EngineError::UnknownJob`]; a refusal when it has ended or can no longer be stopped.
    pub fn stop(&self, id: JobId, why: &StopReason) -> Result<(), EngineError> {
        let job = self.job(id)?;
        if job.state.has_ended() {
            return Err(Refusal::JobEnded {
                job: id,
                state: job.state.label().to_owned(),
            }
            .into());
        }
        if !job.can_cancel() && !job.cancel_asked {
            return Err(Refusal::PastStopping {
                job: id,
                kind: Some(job.kind),
            }
            .into());
        }
        let (by, text) = match why {
            StopReason::Asked { by } => (by, format!("asked for job {id} ({}) to be cancelled", job.title)),
            _ => (
                &Principal::Lifeboat,
                format!(
                    "job {id} ({}) is to stop at its next safe point, since {why}",
                    job.title
                ),
            ),
        };
        let said = Said {
            by: &self.0.caller(by),
            environment: Some(&job.environment),
            what: &text,
            job: Some(id),
            severity: Severity::Information,
        };
        let is_first = self.0.catalog().request_cancel(id, why, self.0.now(), &said)?;
        if is_first {
            self.log_of(id, &format!("it is to stop at its next safe point, since {why}"));
        } else if *by != Principal::Lifeboat {
            // What a person asks for is put down each time, what follows from something else once.
            self.0
                .activity()
                .add(by, Some(&job.environment), &text, Some(id), Severity::Information);
        }
        if let Some(work) = self.find(id) {
            work.note_cancel_asked();
        }
        // One that waits ends now.
        self.do_not_begin(id, EngineError::Cancelled);
        Ok(())
    }

    /// Asks every job of this process to stop at its next safe point, and waits until they have. A switch that has
    /// begun is finished. No job of the schedule is begun any more.
    pub fn close(&self, why: &StopReason) {
        self.rest_schedule();
        // What those that stop make room for begins no more.
        let _shut = self.shut_line();
        loop {
            let at_work = self.at_work();
            if at_work.is_empty() {
                return;
            }
            for id in &at_work {
                // One that has just ended needs no stopping, and one that cannot be asked is waited for.
                if let Err(EngineError::Refused(Refusal::PastStopping { .. })) = self.stop(*id, why) {
                    self.log_of(
                        *id,
                        &format!("it is past its last safe point and is finished first, although {why}"),
                    );
                }
                self.do_not_begin(*id, EngineError::Cancelled);
            }
            for id in at_work {
                self.wait_for(id);
            }
        }
    }

    /// From now on nobody looks on at what runs in this process. What has begun goes on to its end, and that is noted in
    /// its log and in the activity log. What has not begun is stopped, since it might wait for days. No job of the schedule
    /// is begun any more.
    pub fn go_on_unseen(&self, why: Unseen) {
        self.rest_schedule();
        let why = *self.state().unseen.lock().get_or_insert(why);
        self.stop_those_that_wait(why);
        for work in self.all() {
            note_unseen(&work, why);
        }
    }

    /// Why nobody looks on any more, if that is so.
    pub(in crate::engine) fn unseen(&self) -> Option<Unseen> {
        *self.state().unseen.lock()
    }

    /// Adds a warning to a job's log, also that of another Lifeboat's job. A log that cannot be written stops nothing.
    fn log_of(&self, id: JobId, text: &str) {
        if let Err(error) = self.0.catalog().log(id, self.0.now(), Severity::Warning, text) {
            self.0.activity().report_catalog(&error);
        }
    }
}

/// Notes once that a job goes on where nobody looks on. One that waits, or has waited, does not go on.
pub(in crate::engine) fn note_unseen(work: &Work, why: Unseen) {
    let is_in_line = work.live().engine().jobs().is_in_line(work.id());
    if work.does_not_begin() || is_in_line || !work.is_first_told_unseen() {
        return;
    }
    let (id, title) = (work.id(), work.title());
    let text = format!("{why}; it goes on without a screen");
    work.log(Severity::Warning, &text);
    work.live().record_activity(
        &Principal::Lifeboat,
        &format!("job {id} ({title}): {text}"),
        Some(id),
        Severity::Information,
    );
}

/// Tells how a job ended: in the job, in the activity log, and as a notification.
pub(in crate::engine) fn end(work: &Work, result: Result<Outcome, EngineError>) {
    let live = work.live();
    let engine = live.engine();
    // Whoever has taken the job over has told how it ended, or will.
    let result = match (work.check_claim(), result) {
        (Err(_), _) => {
            engine.did(Deed::LostJob(Box::new(work.job())));
            return engine.tell(Event::Missed);
        }
        (Ok(()), result) => result,
    };
    let (state, outcome) = match result {
        Ok(outcome) => (JobState::Done, Some(outcome)),
        Err(error) => (broken_off(&error, work.stop_reason()), None),
    };
    let job = work.ended(state, outcome);
    let took = job.took_millis(live.now()).map_or(String::new(), |took| {
        // Of a drill the time that counts has been said: this one has its preparations and its clearing up in it.
        let what = match job.kind {
            JobKind::Drill => "the whole drill took",
            _ => "it took",
        };
        format!("; {what} {}", measure::millis(took))
    });
    let known = work.known();
    let (severity, text) = match &job.state {
        JobState::Done => {
            let outcome = job.outcome.clone().unwrap_or_default();
            let severity = if outcome.warnings.iter().all(|warning| known.contains(warning)) {
                Severity::Information
            } else {
                Severity::Warning
            };
            (severity, format!("{}{took}", outcome.summary))
        }
        JobState::Failed { why } => (Severity::Critical, format!("{} failed: {why}", job.title)),
        _ => (
            Severity::Warning,
            format!("{} {}; nothing was changed", job.title, job.was_cancelled()),
        ),
    };
    work.log(severity, &text);
    let logged = [known, work.noticed()].concat();
    let warnings = job.outcome.iter().flat_map(|outcome| &outcome.warnings);
    for warning in warnings.filter(|warning| !logged.contains(warning)) {
        work.log(Severity::Warning, warning);
    }
    engine.did(Deed::JobEnded(Box::new(job.clone())));
    // The end is written last: whoever sees the job as ended finds its log, activity and notification complete.
    live.remember_end(&job.by, &text, &job, severity);
    // Until this is written the environment stays so it is tried for a minute: another program's lock goes,
    // and room is made on a full disk. After that the next start settles the job.
    let _writing = work.writing();
    for _ in 0..END_TRIES {
        match live.catalog().update_job(&work.claim, &job) {
            Ok(()) | Err(CatalogError::NotOwned(_)) => break,
            Err(error) => {
                // That may last: whoever waits for the job learns now how it ended, and not in a minute.
                if matches!(error, CatalogError::Full { .. }) {
                    engine.tell(Event::Job(Box::new(job.clone())));
                }
                live.report_catalog(&error);
            }
        }
        engine.jobs().pause(END_RETRY);
    }
    engine.tell(Event::Job(Box::new(job.clone())));
    engine.tell(Event::Environment {
        name: job.environment,
    });
}

/// How a job ends that did not come to its end.
fn broken_off(error: &EngineError, reason: Option<StopReason>) -> JobState {
    match reason {
        // Nobody asked for that.
        Some(reason @ StopReason::LockLost) if error.is_cancelled() => JobState::Failed {
            why: format!("it stopped at a safe point, since {reason}: start it again"),
        },
        _ if error.is_cancelled() => JobState::Cancelled,
        _ => JobState::Failed {
            why: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_whose_lock_was_lost_was_not_cancelled_by_anybody() {
        let ends = |reason| broken_off(&EngineError::Cancelled, reason);
        assert_eq!(ends(None), JobState::Cancelled);
        assert_eq!(ends(Some(StopReason::Signal)), JobState::Cancelled);
        let JobState::Failed { why } = ends(Some(StopReason::LockLost)) else {
            panic!("it failed");
        };
        assert!(why.contains("its lock on the environment was lost"), "{why}");
        let other = broken_off(&EngineError::Failed("no room".into()), Some(StopReason::Signal));
        assert_eq!(
            other,
            JobState::Failed {
                why: "no room".into()
            }
        );
    }
}
