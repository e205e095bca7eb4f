//! What an undo would do to Live now, in words: it takes back the last restore, or the last undo, and whoever has undone something
//! has to know which of the two. Told by the jobs that led there.
//!
//! Not in here: which way an undo goes, which the engine decides ([`super::state::UndoWay`]).

use super::job::{Job, JobKind, JobState};
use super::measure;
use super::state::{EnvironmentDetails, UndoWay};

/// So many of an environment's newest jobs are looked at for what an undo takes back.
pub const JOBS_LOOKED_AT: u32 = 50;

/// What an undo would do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoing<'j> {
    /// From what Live comes back.
    how: String,
    /// What is taken back.
    of: TakesBack<'j>,
}

/// What an undo takes back.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TakesBack<'j> {
    /// A restore, of which nothing more is known.
    SomeRestore,
    /// This restore.
    Restore(&'j Job),
    /// This undo, or an undo of one, and so on.
    Undo {
        /// The last one.
        undo: &'j Job,
        /// The restore that all of them are about.
        restore: Option<&'j Job>,
        /// Whether Live would have then what that restore had made it, or what it was before that.
        restores: bool,
    },
}

impl<'j> Undoing<'j> {
    /// What an undo would do, of which this is the way, by the environment's newest jobs, the newest first.
    #[must_use]
    pub fn of(details: &EnvironmentDetails, way: &UndoWay, jobs: &'j [Job]) -> Self {
        Self {
            how: how(details, way),
            of: takes_back(details, way, jobs),
        }
    }

    /// What is taken back, to stand behind `undo`.
    #[must_use]
    pub fn object(&self) -> &'static str {
        match self.of {
            TakesBack::SomeRestore | TakesBack::Restore(_) => "the last restore",
            TakesBack::Undo { .. } => "the undo",
        }
    }

    /// The whole of it, as a sentence without its end.
    #[must_use]
    pub fn in_words(&self) -> String {
        let (object, becomes) = (self.object(), self.becomes());
        match &self.of {
            TakesBack::SomeRestore => format!("undo {object}: {becomes}"),
            TakesBack::Restore(job) | TakesBack::Undo { undo: job, .. } => {
                format!("undo {object}, {}: {becomes}", which(job))
            }
        }
    }

    /// What Live would be, and from what, as a sentence without its end: for where it is said already what is taken back.
    #[must_use]
    pub fn becomes(&self) -> String {
        let how = &self.how;
        match &self.of {
            TakesBack::SomeRestore | TakesBack::Restore(_) => {
                format!("Live goes back to what it was before it, {how}")
            }
            TakesBack::Undo {
                restore, restores, ..
            } => {
                let of = restore.map_or_else(
                    || "the restore before it".to_owned(),
                    |restore| format!("the {} (job {})", restore.title, restore.id),
                );
                if *restores {
                    format!("Live becomes again what {of} had made it, {how}")
                } else {
                    format!("Live goes back to what it was before {of}, {how}")
                }
            }
        }
    }
}

/// Which job it is, and when it was done.
fn which(job: &Job) -> String {
    let done = job.ended.unwrap_or(job.created);
    format!("job {} of {}", job.id, measure::moment_exact(done))
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

fn takes_back<'j>(details: &EnvironmentDetails, way: &UndoWay, jobs: &'j [Job]) -> TakesBack<'j> {
    let mut led_here = jobs.iter().filter(|job| {
        job.environment == details.summary.name
            && job.state == JobState::Done
            && matches!(job.kind, JobKind::Restore | JobKind::Undo)
    });
    // A later one of which nothing can be undone would be taken for the one that can.
    let Some(last) = led_here.next().filter(|last| led_to(last, details, way)) else {
        return TakesBack::SomeRestore;
    };
    if last.kind == JobKind::Restore {
        return TakesBack::Restore(last);
    }
    let mut restores = true;
    for job in led_here {
        if job.kind == JobKind::Restore {
            return TakesBack::Undo {
                undo: last,
                restore: Some(job),
                restores,
            };
        }
        restores = !restores;
    }
    // How many undos there were is not known: neither is what Live would have.
    TakesBack::SomeRestore
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
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::domain::environment::{EnvironmentKind, EnvironmentName};
    use crate::domain::state::EnvironmentSummary;

    fn details() -> EnvironmentDetails {
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
    fn job(id: u64, kind: JobKind, safety: char) -> Job {
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

    fn safety(digit: char) -> UndoWay {
        serde_json::from_value(json!({ "by": "safety", "backup": digit.to_string().repeat(64) })).unwrap()
    }

    #[test]
    fn what_is_taken_back_is_told_by_the_jobs_that_led_there() {
        let details = details();
        let restore = job(41, JobKind::Restore, 'a');
        let undo = job(42, JobKind::Undo, 'b');
        let again = job(43, JobKind::Undo, 'c');
        let said = |way: &UndoWay, jobs: &[Job]| Undoing::of(&details, way, jobs).in_words();
        assert_eq!(
            said(&safety('a'), std::slice::from_ref(&restore)),
            "undo the last restore, job 41 of 2026-12-01 05:00:41 UTC: Live goes back to what it was before it, from the safety \
             backup aaaaaaaa"
        );
        assert_eq!(
            said(&safety('b'), &[undo.clone(), restore.clone()]),
            "undo the undo, job 42 of 2026-12-01 05:00:42 UTC: Live becomes again what the restore of b1234567 (daily) (job 41) \
             had made it, from the safety backup bbbbbbbb"
        );
        assert_eq!(
            said(&safety('c'), &[again.clone(), undo.clone(), restore.clone()]),
            "undo the undo, job 43 of 2026-12-01 05:00:43 UTC: Live goes back to what it was before the restore of b1234567 \
             (daily) (job 41), from the safety backup cccccccc"
        );
        // What is not known is not said: no restore among the jobs, a later one that took no safety backup.
        let plain =
            "undo the last restore: Live goes back to what it was before it, from the safety backup bbbbbbbb";
        assert_eq!(said(&safety('b'), &[]), plain);
        assert_eq!(said(&safety('b'), std::slice::from_ref(&undo)), plain);
        assert_eq!(said(&safety('b'), &[again, undo.clone(), restore.clone()]), plain);
        // A job that failed, and one of another environment, led nowhere.
        let mut failed = job(44, JobKind::Restore, 'd');
        failed.state = JobState::Cancelled;
        let mut other = job(45, JobKind::Restore, 'b');
        other.environment = "globex/live".parse().unwrap();
        let jobs = [other, failed, undo, restore];
        assert!(said(&safety('b'), &jobs).starts_with("undo the undo, job 42"));
        assert_eq!(Undoing::of(&details, &safety('b'), &jobs).object(), "the undo");
    }
}
