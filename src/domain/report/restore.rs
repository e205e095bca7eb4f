//! What happened in a restore or an undo: who, when, which backup, how long each phase took, what of the work in Live came
//! to an end with it and where that is kept, and what went wrong.

use serde::Serialize;

use super::{Block, Document, FORM, Section};
use crate::domain::activity::{Activity, Severity};
use crate::domain::backup::{Backup, BackupId, Verification};
use crate::domain::environment::InstanceName;
use crate::domain::job::{Job, JobState, LogLine, Phase};
use crate::domain::milestone::Milestone;
use crate::domain::{Instant, measure};

/// What a report on a restore is made of.
#[derive(Debug, Clone)]
pub struct RestoreFacts {
    /// The restore or undo.
    pub job: Job,
    /// Its log, in order.
    pub log: Vec<LogLine>,
    /// The activity log, whole or its newest part, in any order.
    pub activity: Vec<Activity>,
    /// The backups of its environment that stand.
    pub backups: Vec<Backup>,
}

/// A phase of a job, and how long it took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PhaseTook {
    /// The phase.
    pub phase: Phase,
    /// When it began.
    pub began: Instant,
    /// Until the next one began, or the job ended, in milliseconds.
    pub millis: u64,
}

/// What is known of a backup that a restore had to do with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupFacts {
    /// Its id.
    pub id: BackupId,
    /// Whether it stands now. What is told of it beside its id is known only then.
    pub stands: bool,
    /// When it was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken: Option<Instant>,
    /// What ran in Live when it was taken, as words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<String>,
    /// Since when all of it has been read back with nothing wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Instant>,
    /// Until when it is kept, where that ends by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Instant>,
    /// The SHA-256 of each workspace: instance, workspace, items, bytes, digest.
    pub digests: Vec<(InstanceName, String, u64, u64, String)>,
}

/// The work in Live that came to an end with a restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkBetween {
    /// Since the backup was taken.
    pub since: Instant,
    /// Until the restore began.
    pub until: Instant,
    /// How long that is, in milliseconds.
    pub millis: u64,
}

/// A report on a restore or an undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RestoreReport {
    /// The form of this report.
    pub form: u32,
    /// When it was made.
    pub made: Instant,
    /// The restore.
    pub job: Job,
    /// How long it took, in milliseconds.
    pub took_millis: Option<u64>,
    /// From when it began until Live had the restored content, in milliseconds: how long Live was not as it should be.
    pub live_after_millis: Option<u64>,
    /// Its phases, in order.
    pub phases: Vec<PhaseTook>,
    /// The backup that was put back.
    pub backup: Option<BackupFacts>,
    /// The safety backup of what Live was before.
    pub safety: Option<BackupFacts>,
    /// The work that came to an end: what was done in Live in this time is not in it any more.
    pub work: Option<WorkBetween>,
    /// Warnings and errors, as the job's log has them.
    pub warnings: Vec<LogLine>,
    /// What the activity log says of it, the oldest first.
    pub activity: Vec<Activity>,
}

impl BackupFacts {
    /// When it was read back. Of what it shares with earlier backups that may have been before it was taken.
    fn read_back(&self) -> Option<String> {
        let at = self.verified?;
        let moment = measure::moment_exact(at);
        Some(match self.taken {
            Some(taken) if at < taken => {
                format!(
                    "when it was taken; what it shares with earlier backups last at {moment} or after that"
                )
            }
            _ => moment,
        })
    }
}

impl RestoreReport {
    /// Makes it.
    #[must_use]
    pub fn of(facts: RestoreFacts, made: Instant) -> Self {
        let RestoreFacts {
            job,
            log,
            mut activity,
            backups,
        } = facts;
        let outcome = job.outcome.as_ref();
        let backup = outcome.and_then(|outcome| known(outcome.backup.as_ref(), &backups));
        let safety = outcome.and_then(|outcome| known(outcome.safety.as_ref(), &backups));
        let phases = phases(&job, &log);
        let work = backup.as_ref().and_then(|backup| {
            let (since, until) = (backup.taken?, job.began?);
            Some(WorkBetween {
                since,
                until,
                millis: between(since, until),
            })
        });
        activity.retain(|entry| entry.job == Some(job.id));
        activity.sort_by_key(|entry| entry.number);
        let live_after_millis = live_after(&job, &phases);
        Self {
            form: FORM,
            made,
            took_millis: job.took_millis(made),
            live_after_millis,
            phases,
            backup,
            safety,
            work,
            warnings: log
                .into_iter()
                .filter(|line| line.severity > Severity::Information)
                .collect(),
            activity,
            job,
        }
    }

    /// It as people read it.
    #[must_use]
    pub fn document(&self) -> Document {
        let job = &self.job;
        Document {
            title: format!("{} of {}: job {}", title_of(job), job.environment, job.id),
            subtitle: format!(
                "Report of Lifeboat {}, made at {}. All times are UTC.",
                env!("CARGO_PKG_VERSION"),
                measure::moment_exact(self.made)
            ),
            sections: [
                Some(self.what_happened()),
                Some(self.timeline()),
                Some(self.lost_and_kept()),
                self.digests(),
                Some(self.what_went_wrong()),
                self.who_did_what(),
            ]
            .into_iter()
            .flatten()
            .collect(),
        }
    }

    fn what_happened(&self) -> Section {
        let job = &self.job;
        let said = match (&job.state, &job.outcome) {
            (JobState::Done, Some(outcome)) => outcome.summary.clone(),
            (JobState::Failed { why }, _) => format!("It failed: {why}"),
            (JobState::Cancelled, _) => format!("It {}; nothing was changed.", job.was_cancelled()),
            (state, _) => format!("It has not ended: it is {}.", state.label()),
        };
        let mut facts = vec![
            fact("environment", job.environment.to_string()),
            fact("what", job.title.as_str()),
            fact("asked for by", job.by.to_string()),
            fact("asked for", measure::moment_exact(job.created)),
        ];
        let mut time = |name: &str, at: Option<Instant>| {
            facts.extend(at.map(|at| fact(name, measure::moment_exact(at))));
        };
        time("began", job.began);
        time("ended", job.ended);
        facts.extend(self.took_millis.map(|took| fact("took", measure::millis(took))));
        facts.extend(
            self.live_after_millis
                .map(|after| fact("Live had the restored content after", measure::millis(after))),
        );
        facts.push(fact("ended as", job.state.label()));
        let health = job.outcome.iter().flat_map(|outcome| &outcome.health);
        facts.extend(health.map(|health| fact(&health.who().to_string(), health.state_in_words())));
        Section {
            heading: "What happened".to_owned(),
            blocks: vec![Block::Text(said), Block::Facts(facts)],
        }
    }

    fn timeline(&self) -> Section {
        let rows = self.phases.iter().map(|phase| {
            vec![
                phase.phase.label().to_owned(),
                measure::moment_exact(phase.began),
                measure::millis(phase.millis),
            ]
        });
        let mut blocks = vec![Block::Table {
            heads: vec!["phase", "began", "took"],
            rows: rows.collect(),
        }];
        if !self.job.left_out.is_empty() {
            let labels: Vec<_> = self
                .job
                .left_out
                .iter()
                .map(|phase| phase.label().to_owned())
                .collect();
            blocks.push(Block::Text(format!("Left out: {}.", measure::listed(&labels))));
        }
        Section {
            heading: "Phases".to_owned(),
            blocks,
        }
    }

    fn lost_and_kept(&self) -> Section {
        let mut blocks = Vec::new();
        if let Some(work) = &self.work {
            blocks.push(Block::Text(format!(
                "What was done in Live between {} and {} ({}), in what was restored, is not in Live any more.",
                measure::moment_exact(work.since),
                measure::moment_exact(work.until),
                measure::between(work.since, work.until)
            )));
        }
        blocks.push(Block::Text(match &self.safety {
            Some(safety) if safety.stands => format!(
                "It is kept in the safety backup {}{}. As long as no other restore or undo has come after this one, lifeboat undo {} \
                 goes back to it.",
                safety.id,
                safety.expires.map_or(String::new(), |until| format!(
                    ", until {}",
                    measure::moment(until)
                )),
                self.job.environment
            ),
            Some(safety) => format!(
                "It was kept in the safety backup {}, which stands no more.",
                safety.id
            ),
            None => "No safety backup belongs to this job.".to_owned(),
        }));
        if let Some(backup) = &self.backup {
            let mut facts = vec![
                fact("backup put back", backup.id.to_string()),
                fact("stands now", if backup.stands { "yes" } else { "no" }),
            ];
            facts.extend(backup.taken.map(|at| fact("taken", measure::moment_exact(at))));
            facts.extend(
                backup
                    .versions
                    .as_ref()
                    .map(|versions| fact("versions then", versions.clone())),
            );
            facts.extend(backup.read_back().map(|words| fact("read back", words)));
            blocks.push(Block::Facts(facts));
        }
        Section {
            heading: "What was lost, and what is kept".to_owned(),
            blocks,
        }
    }

    fn digests(&self) -> Option<Section> {
        let digests = &self.backup.as_ref()?.digests;
        if digests.is_empty() {
            return None;
        }
        let rows = digests.iter().map(|(instance, workspace, items, bytes, digest)| {
            vec![
                instance.to_string(),
                workspace.clone(),
                measure::count(*items),
                measure::bytes(*bytes),
                digest.clone(),
            ]
        });
        Some(Section {
            heading: "Digests of the backup".to_owned(),
            blocks: vec![Block::Table {
                heads: vec!["instance", "workspace", "items", "size", "SHA-256"],
                rows: rows.collect(),
            }],
        })
    }

    fn what_went_wrong(&self) -> Section {
        let block = if self.warnings.is_empty() {
            Block::Text("The job's log has no warning.".to_owned())
        } else {
            Block::Table {
                heads: vec!["when", "level", "what"],
                rows: self
                    .warnings
                    .iter()
                    .map(|line| {
                        vec![
                            measure::moment_exact(line.at),
                            line.severity.label().to_owned(),
                            line.text.clone(),
                        ]
                    })
                    .collect(),
            }
        };
        Section {
            heading: "Warnings".to_owned(),
            blocks: vec![block],
        }
    }

    fn who_did_what(&self) -> Option<Section> {
        let rows: Vec<_> = self
            .activity
            .iter()
            .map(|entry| {
                vec![
                    measure::moment_exact(entry.at),
                    entry.by.to_string(),
                    entry.from.clone().unwrap_or_default(),
                    entry.what.clone(),
                ]
            })
            .collect();
        (!rows.is_empty()).then(|| Section {
            heading: "Activity".to_owned(),
            blocks: vec![Block::Table {
                heads: vec!["when", "who", "from", "what"],
                rows,
            }],
        })
    }
}

/// A name and a value.
fn fact(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// The kind of a job at the beginning of a title.
fn title_of(job: &Job) -> String {
    let label = job.kind.label();
    let mut letters = label.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn between(earlier: Instant, later: Instant) -> u64 {
    u64::try_from((later - earlier).num_milliseconds()).unwrap_or(0)
}

/// What is known of a backup: all of it as long as it stands.
fn known(id: Option<&BackupId>, backups: &[Backup]) -> Option<BackupFacts> {
    let id = id?;
    let Some(backup) = backups.iter().find(|backup| backup.answers_to(id)) else {
        return Some(BackupFacts {
            id: id.clone(),
            stands: false,
            taken: None,
            versions: None,
            verified: None,
            expires: None,
            digests: Vec::new(),
        });
    };
    let manifest = &backup.manifest;
    let digests = manifest.instances.iter().flat_map(|instance| {
        let name = &instance.name;
        instance.workspaces.iter().map(|workspace| {
            let (items, bytes) = (workspace.items, workspace.bytes);
            let digest = workspace.digest.clone();
            (name.clone(), workspace.name.clone(), items, bytes, digest)
        })
    });
    Some(BackupFacts {
        id: id.clone(),
        stands: true,
        taken: Some(manifest.taken),
        versions: Some(format!(
            "release {}, Magnolia {}",
            manifest.versions.release, manifest.versions.magnolia
        )),
        verified: match backup.verification {
            Verification::Verified { at } => Some(at),
            _ => None,
        },
        expires: manifest.expires,
        digests: digests.collect(),
    })
}

/// The phases of a job. Its log has a line at the beginning of each, which is the phase's own word and nothing else.
fn phases(job: &Job, log: &[LogLine]) -> Vec<PhaseTook> {
    let begun_by = |line: &LogLine| {
        let phases = Phase::of(job.kind).iter();
        let mut begun = phases.filter(|phase| phase.label() == line.text);
        begun
            .next()
            .copied()
            .filter(|_| line.severity == Severity::Information)
    };
    let mut begins: Vec<_> = log
        .iter()
        .filter_map(|line| Some((begun_by(line)?, line.at)))
        .collect();
    // Some parts of a job turn to the phase that it is in already.
    begins.dedup_by_key(|(phase, _)| *phase);
    let last = log.last().map(|line| line.at);
    begins
        .iter()
        .enumerate()
        .map(|(index, (phase, began))| {
            let next = begins.get(index + 1).map(|(_, at)| *at);
            let ended = next.or(job.ended).or(last).unwrap_or(*began);
            PhaseTook {
                phase: *phase,
                began: *began,
                millis: between(*began, ended),
            }
        })
        .collect()
}

/// How long after its beginning Live had the restored content: when that was noted; in what an earlier version has left, when
/// the switch was over.
fn live_after(job: &Job, phases: &[PhaseTook]) -> Option<u64> {
    let noted = job
        .reached
        .filter(|reached| reached.what == Milestone::ContentLive);
    if let Some(reached) = noted {
        return Some(between(job.began?, reached.at));
    }
    let switch = phases.iter().find(|phase| phase.phase == Phase::Switching)?;
    (job.state == JobState::Done).then_some(())?;
    Some(between(job.began?, switch.began) + switch.millis)
}
