//! What an undo would do to Live now, in words: it takes back the last restore, or the last undo, and whoever has undone something
//! has to know which of the two. The engine says it; where an older service does not, the jobs that led there do.
//!
//! Not in here: which way an undo goes, which the engine decides ([`super::state::UndoWay`]).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Instant;
use super::job::{Job, JobId, JobKind, JobState, Phase};
use super::measure;
use super::milestone::Milestone;
use super::state::{EnvironmentDetails, UndoWay};

/// So many of an environment's newest jobs are looked at for what an undo takes back, where the service does not say it.
pub const JOBS_LOOKED_AT: u32 = 50;

/// What an undo takes back.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct UndoOf {
    /// Whether it was a restore or an undo. `None` where nobody remembers it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<JobKind>,
    /// The job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// Since when Live had what it brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Instant>,
}

impl UndoOf {
    /// What it is, with nothing of which it is the last: `restore`, `undo`, or that it is one of the two.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self.kind {
            Some(JobKind::Undo) => "undo",
            Some(_) => "restore",
            None => "restore or undo",
        }
    }

    /// The same as the last one, where it does not stand behind `undo`.
    #[must_use]
    pub fn last(&self) -> String {
        format!("the last {}", self.label())
    }

    /// The same, to stand behind `undo`.
    #[must_use]
    pub fn object(&self) -> &'static str {
        match self.kind {
            Some(JobKind::Undo) => "the undo",
            Some(_) => "the last restore",
            None => "the last restore or undo",
        }
    }

    /// What led to Live as it is, by the environment's newest jobs, the newest first.
    #[must_use]
    pub fn by_jobs(details: &EnvironmentDetails, way: &UndoWay, jobs: &[Job]) -> Self {
        let led_here = jobs.iter().find(|job| {
            job.environment == details.summary.name
                && matches!(job.kind, JobKind::Restore | JobKind::Undo)
                && has_switched(job)
        });
        // A later one of which nothing can be undone would be taken for the one that can.
        let Some(job) = led_here.filter(|last| led_to(last, details, way)) else {
            return Self::default();
        };
        Self {
            kind: Some(job.kind),
            job: Some(job.id),
            at: Some(job.ended.unwrap_or(job.created)),
        }
    }
}

/// What an undo would do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoing {
    /// From what Live comes back.
    how: String,
    /// What is taken back.
    of: UndoOf,
}

impl Undoing {
    /// What an undo of this would do, of which this is the way.
    #[must_use]
    pub fn new(details: &EnvironmentDetails, way: &UndoWay, of: UndoOf) -> Self {
        Self {
            how: how(details, way),
            of,
        }
    }

    /// What is taken back, to stand behind `undo`.
    #[must_use]
    pub fn object(&self) -> &'static str {
        self.of.object()
    }

    /// The whole of it, as a sentence without its end.
    #[must_use]
    pub fn in_words(&self) -> String {
        let job = self.of.job.map(|job| format!(", job {job}"));
        let at = self.of.at.filter(|_| job.is_some());
        let at = at.map(|at| format!(" of {}", measure::moment_exact(at)));
        format!(
            "undo {}{}{}: {}",
            self.object(),
            job.unwrap_or_default(),
            at.unwrap_or_default(),
            self.becomes()
        )
    }

    /// What Live would be, and from what, as a sentence without its end: for where it is said already what is taken back. It is
    /// not said to be what some restore had made it: people work between a restore and its undo.
    #[must_use]
    pub fn becomes(&self) -> String {
        let how = &self.how;
        match self.of.kind {
            Some(JobKind::Undo) => format!("Live becomes again as it was before that undo, {how}"),
            _ => format!("Live goes back to what it was before it, {how}"),
        }
    }
}

/// That it cannot be told what an undo does, for whoever is about to confirm it. As a sentence without its end.
#[must_use]
pub fn not_told(why: &dyn fmt::Display) -> String {
    format!(
        "what the undo puts back, who stops Magnolia and what was written since the restore cannot be told: {why}"
    )
}

/// Whether an undo would take back this very job, and not one before it: the job may have changed nothing.
#[must_use]
pub fn takes_back(job: &Job, details: &EnvironmentDetails) -> bool {
    match (details.undo_of.as_ref().and_then(|of| of.job), &details.undo_way) {
        (Some(last), _) => last == job.id,
        // An older service does not say it.
        (None, Some(way)) => led_to(job, details, way),
        (None, None) => false,
    }
}

/// Whether Live has had what this job brought, however it ended. One that found nothing to do is done as well, and has left the switch
/// out; a safety backup tells less, since restores without one and exchanges switch too.
pub(super) fn has_switched(job: &Job) -> bool {
    let is_live = |reached: &super::milestone::Reached| reached.what == Milestone::ContentLive;
    let has_switched_to_its_end = job.state == JobState::Done && !job.left_out.contains(&Phase::Switching);
    has_switched_to_its_end || job.reached.as_ref().is_some_and(is_live)
}

/// From what Live comes back.
fn how(details: &EnvironmentDetails, way: &UndoWay) -> String {
    match way {
        UndoWay::Exchange { .. } => {
            "by an exchange with the tables that it replaced, which takes a moment".to_owned()
        }
        UndoWay::Safety { backup } => {
            let safety = details.all_backups().find(|known| known.answers_to(backup));
            safety.map_or_else(
                || format!("from the safety backup {backup}"),
                |safety| {
                    format!(
                        "from the safety backup {} of {}",
                        safety.id,
                        measure::moment_exact(safety.manifest.taken)
                    )
                },
            )
        }
    }
}

/// Whether it is this job that an undo takes back.
fn led_to(job: &Job, details: &EnvironmentDetails, way: &UndoWay) -> bool {
    match way {
        UndoWay::Exchange { job: replaced, .. } => job.id == *replaced,
        UndoWay::Safety { backup } => {
            let taken = job.outcome.as_ref().and_then(|outcome| outcome.safety.as_ref());
            taken.is_some_and(|taken| {
                let safety = details.all_backups().find(|known| known.answers_to(backup));
                taken == backup || safety.is_some_and(|safety| safety.answers_to(taken))
            })
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::environment::{EnvironmentKind, EnvironmentName};
    use crate::domain::state::EnvironmentSummary;

    pub(in crate::domain) fn details() -> EnvironmentDetails {
        let name: EnvironmentName = "acme/live".parse().unwrap();
        let summary = EnvironmentSummary::unread(name, EnvironmentKind::Live);
        let mut value: Value = json!({
            "instances": [], "versions": null, "versions_problem": null, "schedule": crate::domain::schedule::Schedule::default(),
            "minute_in_window": 0, "keep": crate::domain::slot::Keep::default(), "slot_schedules": [], "last_scheduled": null,
            "backups": [], "undo": null, "repository": "/srv/repository",
        });
        value["summary"] = serde_json::to_value(summary).unwrap();
        serde_json::from_value(value).unwrap()
    }

    /// A job that is done, and the safety backup that it took.
    pub(in crate::domain) fn job(id: u64, kind: JobKind, safety: char) -> Job {
        serde_json::from_value(json!({
            "id": id, "environment": "acme/live", "kind": kind, "title": "restore of b1234567 (daily)", "by": "kim",
            "created": "2026-12-01T05:00:00Z", "began": null, "ended": format!("2026-12-01T05:00:{id}Z"),
            "state": "done", "progress": null, "cancel_asked": false,
            "outcome": {
                "summary": "done", "backup": null, "safety": safety.to_string().repeat(64), "warnings": [], "health": [],
            },
        }))
        .unwrap()
    }

    /// A restore that is done and found nothing to do.
    pub(in crate::domain) fn unchanged(id: u64) -> Job {
        let mut job = job(id, JobKind::Restore, '0');
        job.outcome = Some(crate::domain::job::Outcome::default());
        let steps = Phase::of(JobKind::Restore).iter();
        job.left_out = steps.copied().filter(|step| *step != Phase::Preparing).collect();
        job
    }

    fn safety(digit: char) -> UndoWay {
        serde_json::from_value(json!({ "by": "safety", "backup": digit.to_string().repeat(64) })).unwrap()
    }

    #[test]
    fn what_is_taken_back_is_told_as_the_engine_says() {
        let details = details();
        let said = |of| Undoing::new(&details, &safety('a'), of).in_words();
        let of = |kind| UndoOf {
            kind: Some(kind),
            job: Some(JobId(43)),
            at: job(43, kind, 'a').ended,
        };
        assert_eq!(
            said(of(JobKind::Restore)),
            "undo the last restore, job 43 of 2026-12-01 05:00:43 UTC: Live goes back to what it was before it, from the safety \
             backup aaaaaaaa"
        );
        assert_eq!(
            said(of(JobKind::Undo)),
            "undo the undo, job 43 of 2026-12-01 05:00:43 UTC: Live becomes again as it was before that undo, from the safety \
             backup aaaaaaaa"
        );
        assert_eq!(
            said(UndoOf::default()),
            "undo the last restore or undo: Live goes back to what it was before it, from the safety backup aaaaaaaa"
        );
    }

    #[test]
    fn an_older_service_is_known_by_the_jobs_that_led_there() {
        let details = details();
        let restore = job(41, JobKind::Restore, 'a');
        let undo = job(42, JobKind::Undo, 'b');
        let of = |way: &UndoWay, jobs: &[Job]| {
            let of = UndoOf::by_jobs(&details, way, jobs);
            (of.kind, of.job)
        };
        let is = |kind, id| (Some(kind), Some(JobId(id)));
        let unknown = (None, None);
        let both = [undo.clone(), restore.clone()];
        assert_eq!(of(&safety('a'), &both[1..]), is(JobKind::Restore, 41));
        assert_eq!(of(&safety('b'), &both), is(JobKind::Undo, 42));
        // What is not known is not said: no job, and a later one that took another safety backup.
        assert_eq!(of(&safety('b'), &[]), unknown);
        assert_eq!(of(&safety('a'), &both), unknown);
        // A job that ended before it switched, and one of another environment, led nowhere.
        let mut ended = job(44, JobKind::Restore, 'd');
        ended.state = JobState::Cancelled;
        let mut other = job(45, JobKind::Restore, 'b');
        other.environment = "globex/live".parse().unwrap();
        let mut jobs = vec![other, ended, unchanged(43), undo, restore];
        assert_eq!(of(&safety('b'), &jobs), is(JobKind::Undo, 42));
        // One that switched and failed then has led to Live as it is.
        jobs[1].state = JobState::Failed {
            why: "a hook".to_owned(),
        };
        jobs[1].reached = Some(crate::domain::milestone::Reached {
            what: Milestone::ContentLive,
            at: jobs[1].created,
            content_of: None,
        });
        assert_eq!(of(&safety('d'), &jobs), is(JobKind::Restore, 44));
        assert_eq!(of(&safety('b'), &jobs), unknown);
    }
}
