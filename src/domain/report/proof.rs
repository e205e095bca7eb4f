//! That backups are taken, read back and drilled, over a period and by environment.

use serde::Serialize;

use super::targets::{Period, TargetProof};
use super::{Block, Document, FORM, Section};
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::job::{Job, JobId, JobKind, JobState};
use crate::domain::principal::Principal;
use crate::domain::proof::{Drill, without};
use crate::domain::state::EnvironmentDetails;
use crate::domain::{Instant, measure};

/// What a report of proof is made of.
#[derive(Debug, Clone)]
pub struct ProofFacts {
    /// From when on.
    pub since: Instant,
    /// Each Live environment, with its jobs as far back as they are known, newest first.
    pub environments: Vec<(EnvironmentDetails, Vec<Job>)>,
    /// The most jobs that were asked for of one environment: where there are as many, there may have been more.
    pub most_jobs: usize,
}

/// One job of the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Run {
    /// Its number.
    pub job: JobId,
    /// When it was asked for.
    pub at: Instant,
    /// What it was.
    pub what: String,
    /// Who asked for it.
    pub by: Principal,
    /// How it ended: `done`, `failed`, `cancelled`.
    pub ended: String,
    /// What it said at its end.
    pub said: String,
    /// How long it took, in milliseconds.
    pub took_millis: Option<u64>,
    /// Of a drill that proved a part only: the instances of which it proved nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_proven: Vec<InstanceName>,
}

/// A drill that proved a part only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InPart {
    /// When.
    pub at: Instant,
    /// The instances of which it proved nothing.
    pub not_proven: Vec<InstanceName>,
}

/// What a period has shown of one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnvironmentProof {
    /// The environment.
    pub environment: EnvironmentName,
    /// Since when its jobs are known: later than asked for where there were too many, or Lifeboat is new there.
    pub known_since: Instant,
    /// Backups that were taken in the period.
    pub backups_taken: u64,
    /// Backups that failed or were cancelled.
    pub backups_failed: u64,
    /// The longest time between two backups that were taken, or between the last one and the end of the period, in
    /// milliseconds. `None` without any.
    pub longest_gap_millis: Option<u64>,
    /// Backups that stand now.
    pub backups_standing: u64,
    /// When the newest good one was taken.
    pub newest: Option<Instant>,
    /// Since when all that the backups hold has been read back.
    pub all_verified: Option<Instant>,
    /// When a backup was last brought back whole by a drill, and how long that took in milliseconds.
    pub proven: Option<(Instant, u64)>,
    /// The last drill, where it proved a part only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proven_in_part: Option<InPart>,
    /// Verifications of the period.
    pub verifications: Vec<Run>,
    /// Drills of the period.
    pub drills: Vec<Run>,
    /// Restores and undos of the period.
    pub restores: Vec<Run>,
    /// Backups of the period that were not taken.
    pub failures: Vec<Run>,
    /// The targets of the environment and how they were met over the period; empty where none are set.
    pub targets: Vec<TargetProof>,
}

/// A report of proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProofReport {
    /// The form of this report.
    pub form: u32,
    /// When it was made.
    pub made: Instant,
    /// From when on.
    pub since: Instant,
    /// By environment.
    pub environments: Vec<EnvironmentProof>,
}

impl ProofReport {
    /// Makes it.
    #[must_use]
    pub fn of(facts: ProofFacts, made: Instant) -> Self {
        let (since, most) = (facts.since, facts.most_jobs);
        let environments = facts.environments.into_iter();
        Self {
            form: FORM,
            made,
            since,
            environments: environments
                .map(|(details, jobs)| EnvironmentProof::of(&details, &jobs, since, made, most))
                .collect(),
        }
    }

    /// It as people read it.
    #[must_use]
    pub fn document(&self) -> Document {
        let moment = |at: Option<Instant>| at.map_or_else(|| "never".to_owned(), measure::moment);
        let rows = self.environments.iter().map(|of| {
            vec![
                of.environment.to_string(),
                of.backups_taken.to_string(),
                of.backups_failed.to_string(),
                of.longest_gap_millis
                    .map_or_else(|| "no backup".to_owned(), measure::millis),
                moment(of.newest),
                moment(of.all_verified),
                of.last_proven(),
            ]
        });
        let mut sections = vec![Section {
            heading: "All environments".to_owned(),
            blocks: vec![Block::Table {
                heads: vec![
                    "environment",
                    "backups",
                    "failed",
                    "longest gap",
                    "newest now",
                    "all read back since, now",
                    "last proven",
                ],
                rows: rows.collect(),
            }],
        }];
        sections.extend(self.environments.iter().map(|of| of.section(self.since)));
        Document {
            title: format!(
                "Proof of backups, {} to {}",
                self.since.format("%Y-%m-%d"),
                self.made.format("%Y-%m-%d")
            ),
            subtitle: format!(
                "Report of Lifeboat {}, made at {}. All times are UTC. A backup counts as taken once all of it was read back.",
                env!("CARGO_PKG_VERSION"),
                measure::moment_exact(self.made)
            ),
            sections,
        }
    }
}

impl EnvironmentProof {
    fn of(details: &EnvironmentDetails, jobs: &[Job], since: Instant, made: Instant, most: usize) -> Self {
        let oldest = jobs.last().map_or(since, |job| job.created);
        let known_since = if jobs.len() >= most {
            oldest.max(since)
        } else {
            since
        };
        let known: Vec<_> = jobs
            .iter()
            .rev()
            .filter(|job| job.environment == details.summary.name && job.state.has_ended())
            .collect();
        let period = Period {
            from: since,
            to: made,
        };
        let targets = details.summary.targets.iter();
        let in_period: Vec<_> = known.iter().copied().filter(|job| job.created >= since).collect();
        let of_kind = |kinds: &[JobKind]| -> Vec<Run> {
            let of_kind = in_period.iter().filter(|job| kinds.contains(&job.kind));
            of_kind.map(|job| Run::of(job, made)).collect()
        };
        let backups = of_kind(&[JobKind::Backup]);
        let done = JobState::Done.label();
        let (taken, failures): (Vec<_>, Vec<_>) = backups.into_iter().partition(|run| run.ended == done);
        Self {
            environment: details.summary.name.clone(),
            known_since,
            backups_taken: count(&taken),
            backups_failed: count(&failures),
            longest_gap_millis: longest_gap(&taken, made),
            backups_standing: count(&details.backups),
            newest: details.summary.newest,
            all_verified: details.summary.last_verified,
            proven: details
                .summary
                .last_proven
                .as_ref()
                .map(|drill| (drill.at, drill.millis)),
            proven_in_part: details.summary.last_drill.as_ref().and_then(InPart::of),
            verifications: of_kind(&[JobKind::Verify]),
            drills: of_kind(&[JobKind::Drill]),
            restores: of_kind(&[JobKind::Restore, JobKind::Undo]),
            failures,
            targets: targets
                .map(|now| TargetProof::of(now, &known, &details.backups, period))
                .collect(),
        }
    }

    /// When all of a backup was last proven, and whether only a part of one was since.
    fn last_proven(&self) -> String {
        let whole = self.proven.map(|(at, took)| {
            let (at, took) = (measure::moment(at), measure::millis(took));
            format!("{at}, in {took}")
        });
        let part = self.proven_in_part.as_ref().and_then(|part| {
            let without = without(&part.not_proven)?;
            Some(format!("in part only at {}, {without}", measure::moment(part.at)))
        });
        match (whole, part) {
            (None, None) => "never".to_owned(),
            (Some(whole), None) => whole,
            (None, Some(part)) => format!("never as a whole; {part}"),
            (Some(whole), Some(part)) => format!("{whole}; {part}"),
        }
    }

    fn section(&self, since: Instant) -> Section {
        let mut blocks = Vec::new();
        if self.known_since > since {
            blocks.push(Block::Text(format!(
                "What was before {} is not known: there were too many jobs.",
                measure::moment(self.known_since)
            )));
        }
        blocks.push(Block::Facts(vec![
            ("backups taken".to_owned(), self.backups_taken.to_string()),
            (
                "backups that stand now".to_owned(),
                self.backups_standing.to_string(),
            ),
        ]));
        if !self.targets.is_empty() {
            let lines = self.targets.iter();
            let lines = lines.map(|target| format!("{}. Now: {}", target.said, target.now.in_words()));
            blocks.push(Block::List(lines.collect()));
        }
        for (what, none, runs) in [
            (
                "verification",
                "No backup was read back in the period.",
                &self.verifications,
            ),
            ("drill", "No backup was drilled in the period.", &self.drills),
            ("restore", "Nothing was restored in the period.", &self.restores),
            (
                "backup that was not taken",
                "No backup failed in the period.",
                &self.failures,
            ),
        ] {
            if runs.is_empty() {
                blocks.push(Block::Text(none.to_owned()));
                continue;
            }
            let rows = runs.iter().map(|run| {
                vec![
                    format!("{what}, job {}", run.job),
                    measure::moment(run.at),
                    run.by.to_string(),
                    run.ended_as(),
                    run.took_millis.map(measure::millis).unwrap_or_default(),
                    run.said.clone(),
                ]
            });
            blocks.push(Block::Table {
                heads: vec!["what", "when", "who", "ended as", "took", "said"],
                rows: rows.collect(),
            });
        }
        Section {
            heading: self.environment.to_string(),
            blocks,
        }
    }
}

impl Run {
    fn of(job: &Job, now: Instant) -> Self {
        let said = match (&job.state, &job.outcome) {
            (JobState::Failed { why }, _) => why.clone(),
            (JobState::Cancelled, _) => job.was_cancelled(),
            (_, Some(outcome)) => outcome.summary.clone(),
            (_, None) => String::new(),
        };
        Self {
            job: job.id,
            at: job.created,
            what: job.title.clone(),
            by: job.by.clone(),
            ended: job.state.label().to_owned(),
            said,
            took_millis: job.took_millis(now),
            not_proven: not_proven(job).to_vec(),
        }
    }

    /// How it ended, and of a drill whether that is true of a part only.
    fn ended_as(&self) -> String {
        match without(&self.not_proven) {
            Some(without) => format!("{}, in part only, {without}", self.ended),
            None => self.ended.clone(),
        }
    }
}

impl InPart {
    fn of(drill: &Drill) -> Option<Self> {
        let not_proven = drill.left_out().to_vec();
        (!not_proven.is_empty()).then_some(Self {
            at: drill.at,
            not_proven,
        })
    }
}

/// The instances of which a drill that has ended well proved nothing.
pub(super) fn not_proven(job: &Job) -> &[InstanceName] {
    job.outcome.as_ref().map_or(&[], |outcome| &outcome.not_proven)
}

/// A time in milliseconds; none where it is negative.
pub(super) fn millis_of(time: chrono::Duration) -> u64 {
    u64::try_from(time.num_milliseconds()).unwrap_or(0)
}

fn count<T>(all: &[T]) -> u64 {
    u64::try_from(all.len()).unwrap_or(u64::MAX)
}

/// The longest time without a backup, from the first of the period to its end.
fn longest_gap(taken: &[Run], end: Instant) -> Option<u64> {
    let times: Vec<_> = taken.iter().map(|run| run.at).chain([end]).collect();
    let gaps = times.windows(2).filter_map(|pair| match pair {
        [one, next] => Some(millis_of(*next - *one)),
        _ => None,
    });
    gaps.max()
}
