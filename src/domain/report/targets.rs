//! How the targets of an environment were met over a period, from what is known of it: when each backup was taken and complete,
//! and how long drills and restores took.
//!
//! Not in here: how they stand now ([`crate::domain::target`]).

use chrono::Duration;
use serde::Serialize;

use super::proof::{millis_of, not_proven};
use crate::domain::backup::{Backup, BackupId};
use crate::domain::environment::InstanceName;
use crate::domain::job::{Job, JobKind, JobState};
use crate::domain::milestone::Milestone;
use crate::domain::proof::{last_copy, without};
use crate::domain::target::{Aim, Standing, Target, newest_restorable};
use crate::domain::{Instant, measure};

/// How a target was met over a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TargetProof {
    /// Which.
    pub aim: Aim,
    /// What is to be kept, as it is configured now.
    pub target: Target,
    /// Whether it was met over all of the period that is known. `None` where nothing is.
    pub met: Option<bool>,
    /// Since when it is known in the period. `None` where nothing is.
    pub known_since: Option<Instant>,
    /// When it was missed first.
    pub first_missed: Option<Instant>,
    /// For how long in all it was missed, in milliseconds.
    pub missed_millis: u64,
    /// The worst of the period, in milliseconds: of an RPO how old the newest backup was at most, of an RTO how long a drill or
    /// a restore took at most.
    pub worst_millis: Option<u64>,
    /// Of an RTO, the instances of which a drill of the period proved nothing that brought back the others in time: it says nothing
    /// of all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_proven: Vec<InstanceName>,
    /// It in a sentence.
    pub said: String,
    /// How it stands now.
    pub now: Standing,
}

/// From when to when it is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    pub(super) from: Instant,
    pub(super) to: Instant,
}

impl TargetProof {
    /// Of the target that stands like this now. `jobs` are all that are known of the environment, the oldest first.
    pub(super) fn of(now: &Standing, jobs: &[&Job], backups: &[Backup], period: Period) -> Self {
        let mut seen = match now.aim {
            Aim::Rpo => exposure(now.target.duration(), &states(jobs, backups), period),
            Aim::Rto => {
                let bytes = newest_restorable(backups).map_or(0, |backup| backup.manifest.bytes());
                let of = Recovered {
                    bytes,
                    copying: last_copy(backups).unwrap_or(0),
                };
                recoveries(now.target.seconds().saturating_mul(1_000), jobs, of, period)
            }
        };
        seen.missed.retain(|(from, to)| to > from);
        let missed = seen.missed.iter().map(|(from, to)| millis_of(*to - *from)).sum();
        let first = seen.missed.first().map(|(from, _)| *from);
        let mut proof = Self {
            aim: now.aim,
            target: now.target,
            met: seen.known.map(|_| first.is_none()),
            known_since: seen.known,
            first_missed: first,
            missed_millis: missed,
            worst_millis: seen.worst,
            not_proven: seen.not_proven,
            said: String::new(),
            now: now.clone(),
        };
        proof.said = proof.sentence(period);
        proof
    }

    fn sentence(&self, period: Period) -> String {
        let target = format!("{} {}", self.aim.label(), self.target);
        let worst = self.worst_millis.map(|worst| match self.aim {
            Aim::Rpo => format!(" (the newest backup was {} old at most)", measure::millis(worst)),
            Aim::Rto => format!(" ({} at most, safety backup included)", measure::millis(worst)),
        });
        let worst = worst.unwrap_or_default();
        let of = match self.aim {
            Aim::Rpo => "no backup",
            Aim::Rto => "no drill and no restore of all of it",
        };
        let known = match self.known_since {
            Some(since) if since > period.from => {
                format!("; of the time before {} {of} is known", measure::moment(since))
            }
            _ => String::new(),
        };
        let in_part = without(&self.not_proven).map(|without| {
            format!("; a drill of the period proved a part only, {without}, and does not count for all of it")
        });
        let in_part = in_part.unwrap_or_default();
        match (self.met, self.first_missed) {
            (None, _) => {
                let known_by = match self.aim {
                    Aim::Rpo => "",
                    Aim::Rto => "; a drill makes it known",
                };
                format!(
                    "{target}: not known whether it was met, {of} up to the end of the period is known{in_part}{known_by}"
                )
            }
            (Some(_), Some(first)) => format!(
                "{target} missed in the period: first at {}, for {} in all{worst}{known}{in_part}",
                measure::moment(first),
                measure::millis(self.missed_millis)
            ),
            (Some(_), None) => format!("{target} met over the period{worst}{known}{in_part}"),
        }
    }
}

/// What a period has shown of a target.
struct Seen {
    /// From when on it is known.
    known: Option<Instant>,
    /// From when to when it was missed, in order.
    missed: Vec<(Instant, Instant)>,
    worst: Option<u64>,
    /// What drills of a part have left out.
    not_proven: Vec<InstanceName>,
}

/// A state that could be gone back to.
struct State {
    /// Of when its content is.
    of: Instant,
    /// From when on it could be gone back to: when it was read back.
    from: Instant,
}

/// The states that could be gone back to: backups of Live that jobs have taken, and those that stand. In the order in which they
/// were complete.
fn states(jobs: &[&Job], backups: &[Backup]) -> Vec<State> {
    let is_bad = |id: Option<&BackupId>| {
        let stands = backups.iter().find(|backup| Some(&backup.id) == id);
        stands.is_some_and(|backup| !backup.is_good_of_live())
    };
    let taken = jobs.iter().filter_map(|job| {
        let backup = job.outcome.as_ref().and_then(|outcome| outcome.backup.as_ref());
        let is_taken = job.kind == JobKind::Backup && job.state == JobState::Done && !is_bad(backup);
        let complete = job.reached.map(|reached| reached.at).or(job.ended);
        let state = State {
            of: job.began.unwrap_or(job.created),
            from: complete?,
        };
        is_taken.then_some(state)
    });
    let standing = backups.iter().filter(|backup| backup.is_good_of_live());
    let standing = standing.map(|backup| {
        let manifest = &backup.manifest;
        let took = manifest.copy_millis.saturating_add(manifest.verify_millis);
        State {
            of: manifest.taken,
            from: manifest.taken + Duration::milliseconds(i64::try_from(took).unwrap_or(0)),
        }
    });
    let mut states: Vec<_> = taken.chain(standing).collect();
    states.sort_by_key(|state| state.from);
    states
}

/// When the newest state was older than the target.
fn exposure(target: Duration, states: &[State], period: Period) -> Seen {
    let before = states.iter().filter(|state| state.from <= period.from);
    let mut newest = before.map(|state| state.of).max();
    let within = states
        .iter()
        .filter(|state| state.from > period.from && state.from <= period.to);
    let mut seen = Seen {
        known: newest.map(|_| period.from),
        missed: Vec::new(),
        worst: None,
        not_proven: Vec::new(),
    };
    let end = State {
        of: period.to,
        from: period.to,
    };
    for state in within.chain([&end]) {
        if let Some(newest) = newest {
            let old = millis_of(state.from - newest);
            seen.worst = seen.worst.max(Some(old));
            seen.missed.push(((newest + target).max(period.from), state.from));
        } else if state.from < period.to {
            seen.known = Some(state.from);
        }
        newest = newest.max(Some(state.of));
    }
    joined(&mut seen.missed);
    seen
}

/// What a recovery is measured by.
#[derive(Clone, Copy)]
struct Recovered {
    /// As much as comes back.
    bytes: u64,
    /// How long a copy of Live takes, in milliseconds: a drill takes no safety backup, and a restore does.
    copying: u64,
}

/// When the last drill, or the last restore of about all of so many bytes, had taken longer than the target, or the last drill
/// had failed.
fn recoveries(target_millis: u64, jobs: &[&Job], of: Recovered, period: Period) -> Seen {
    let mut seen = Seen {
        known: None,
        missed: Vec::new(),
        worst: None,
        not_proven: Vec::new(),
    };
    // Whether the last drill and the last restore were as they should be.
    let (mut drill, mut restore) = (true, true);
    let mut missed_since: Option<Instant> = None;
    for job in jobs {
        let Some(ended) = job.ended.filter(|ended| *ended <= period.to) else {
            continue;
        };
        let took = match (job.kind, &job.state) {
            (JobKind::Drill, JobState::Done) => {
                job.took_millis(ended).map(|took| took.saturating_add(of.copying))
            }
            (JobKind::Drill, JobState::Failed { .. }) => None,
            (JobKind::Restore, JobState::Done) if is_whole(job, of.bytes) => until_live(job, ended),
            _ => continue,
        };
        let is_met = took.is_some_and(|took| took <= target_millis);
        // What a part has taken all of it takes at least: only that it was in time says nothing.
        let left_out = not_proven(job);
        if is_met && !left_out.is_empty() {
            if ended >= period.from {
                let known = &mut seen.not_proven;
                known.extend(
                    left_out
                        .iter()
                        .filter(|name| !known.contains(*name))
                        .cloned()
                        .collect::<Vec<_>>(),
                );
            }
            continue;
        }
        if job.kind == JobKind::Drill {
            drill = is_met;
        } else {
            restore = is_met;
        }
        let at = ended.max(period.from);
        seen.known.get_or_insert(at);
        if ended >= period.from {
            seen.worst = seen.worst.max(took);
        }
        match (drill && restore, missed_since) {
            (false, None) => missed_since = Some(at),
            (true, Some(since)) => {
                seen.missed.push((since, at));
                missed_since = None;
            }
            _ => (),
        }
    }
    seen.missed.extend(missed_since.map(|since| (since, period.to)));
    seen
}

/// Whether a restore was of about all of the content: a page alone comes back in no time, and says nothing of the whole.
fn is_whole(job: &Job, bytes: u64) -> bool {
    let done = job.progress.as_ref().map_or(0, |progress| progress.bytes_done);
    done.saturating_mul(2) >= bytes
}

/// How long a restore took until Live had its content.
fn until_live(job: &Job, ended: Instant) -> Option<u64> {
    let live = job
        .reached
        .filter(|reached| reached.what == Milestone::ContentLive);
    let live = live.map_or(ended, |reached| reached.at);
    job.began.map(|began| millis_of(live - began))
}

/// Makes one of those that follow one another without a pause.
fn joined(spans: &mut Vec<(Instant, Instant)>) {
    spans.retain(|(from, to)| to > from);
    spans.dedup_by(|next, before| {
        let follows = next.0 <= before.1;
        if follows {
            before.1 = before.1.max(next.1);
        }
        follows
    });
}
