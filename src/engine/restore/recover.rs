//! Settles what a Lifeboat that died has left behind: its jobs, and a restore that it was in the middle of.
//!
//! The journal decides. Before the switch began, what was staged is dropped and Live has its old content. Once it has
//! begun, everything was staged and verified, so it is finished and Live has the restored content. There is no third
//! way: an exchange that can neither be finished nor be told is reported, critically, and nothing is guessed.

use std::time::{Duration, Instant as Monotonic};

use super::interrupted::Told;
use super::journal::{self, Journal, Stage};
use crate::catalog::{CatalogError, Claim};
use crate::domain::activity::Severity;
use crate::domain::deed::Deed;
use crate::domain::job::{Job, JobKind, JobState, Outcome, Phase};
use crate::domain::principal::Principal;
use crate::domain::printable;
use crate::engine::jobs::papers;
use crate::engine::proof::drill::with_scratch;
use crate::engine::{Engine, EngineError, Live, hooks};

/// A job that nobody works on is an orphan after so long: between its claim and its thread there are milliseconds.
const ORPHANED_AFTER: Duration = Duration::from_secs(30);

/// A sentence, and what was left behind.
fn with_left(sentence: String, left: &[String]) -> String {
    if left.is_empty() {
        return sentence;
    }
    format!("{sentence}; {}", left.join("; "))
}

/// How an interrupted restore was settled.
struct Settled {
    done: bool,
    sentence: String,
    warnings: Vec<String>,
    health: Vec<crate::domain::job::InstanceHealth>,
    safety: Option<crate::domain::backup::BackupId>,
}

/// Settles every job whose Lifeboat has died. Of several Lifeboats that look at the same time, one settles each.
///
/// # Errors
/// A catalog that cannot be read or written.
pub(in crate::engine) fn settle_abandoned(engine: &Engine) -> Result<(), EngineError> {
    let abandoned = engine.catalog().abandoned()?.into_iter().map(|job| (job, false));
    let orphans = orphans(engine)?.into_iter().map(|job| (job, true));
    // What drills have left can wait, and may take long where a database is away. A Live that is half switched cannot.
    let (drills, others): (Vec<_>, Vec<_>) = abandoned
        .chain(orphans)
        .partition(|(job, _)| job.kind == JobKind::Drill);
    take_over(engine, others)?;
    for live in with_papers(engine)? {
        // A journal without a job: the catalog was lost, or an earlier start could not finish. What still cannot
        // be settled is shown as the environment's trouble, and stops every job on it.
        if engine.catalog().running(live.name())?.is_none()
            && let Err(error) = live.settle_journal()
        {
            live.remember_once(&error.to_string());
        }
    }
    take_over(engine, drills)?;
    settle_drills(engine)
}

/// Where several machines share the catalog: settles what those have left behind that are gone.
pub fn look_for_the_dead(engine: &Engine) {
    if !engine.catalog().is_shared() {
        return;
    }
    match settle_abandoned(engine) {
        // That the catalog is away is seen by everybody who asks it for anything.
        Ok(()) | Err(EngineError::Catalog(CatalogError::OutOfReach { .. })) => {}
        Err(error) => engine.activity().remember_once(None, &error.to_string()),
    }
}

/// Takes jobs over and settles them: those of other processes, and those of this one's own.
fn take_over(engine: &Engine, jobs: Vec<(Job, bool)>) -> Result<(), EngineError> {
    for (job, is_own) in jobs {
        let from = if is_own {
            None
        } else {
            engine.catalog().node_of(job.id)?
        };
        let claim = if is_own {
            engine.catalog().adopt_own(job.id)?
        } else {
            engine.catalog().adopt(job.id)?
        };
        if let Some(claim) = claim {
            if !is_own {
                engine.did(Deed::TookOver {
                    job: Box::new(job.clone()),
                    from: from.clone(),
                });
                engine.notifier().took_over(&job, from.as_deref());
            }
            let live = engine.live_to_settle(&job.environment);
            live.settle_job(job, &claim, from.as_deref())?;
        }
    }
    Ok(())
}

/// Jobs that are claimed for this process, and that nobody in it has worked on for a while: the catalog was away when
/// their claim was confirmed, or for longer than their end was tried to be written.
fn orphans(engine: &Engine) -> Result<Vec<Job>, EngineError> {
    let unended = engine.catalog().own_unended()?;
    let at_work = engine.jobs().at_work();
    let mut seen = engine.jobs().state().orphans.lock();
    let orphans: Vec<_> = unended
        .into_iter()
        .filter(|job| !at_work.contains(&job.id))
        .collect();
    seen.retain(|id, _| orphans.iter().any(|job| job.id == *id));
    Ok(orphans
        .into_iter()
        .filter(|job| seen.entry(job.id).or_insert_with(Monotonic::now).elapsed() >= ORPHANED_AFTER)
        .collect())
}

/// Removes what drills have left that nobody is at any more: on this machine, and in databases.
fn settle_drills(engine: &Engine) -> Result<(), EngineError> {
    for live in with_scratch(engine)? {
        if engine.catalog().running(live.name())?.is_none()
            && let Err(error) = live.settle_scratch()
        {
            live.remember_once(&format!("what a drill has left could not be removed: {error}"));
        }
    }
    Ok(())
}

/// The environments that may have something to be settled.
fn with_papers(engine: &Engine) -> Result<Vec<Live>, EngineError> {
    let all = engine.all_to_settle();
    if !engine.catalog().is_shared() {
        return Ok(all.collect());
    }
    // Thousands of environments are not asked for one by one, several times a minute.
    let mut noted = engine.catalog().notes(journal::KIND)?;
    noted.extend(engine.catalog().notes(hooks::OWED)?);
    let stands = |live: &Live| {
        let paper = papers::name_of(live.name());
        noted.iter().any(|noted| {
            noted
                .strip_prefix(&paper)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
        })
    };
    Ok(all.filter(stands).collect())
}

impl Live {
    /// Settles a job that was taken over. Where that cannot be written down it is an orphan, and comes again.
    fn settle_job(&self, mut job: Job, claim: &Claim, from: Option<&str>) -> Result<(), EngineError> {
        self.settle_record(&job, claim)?;
        self.settle_drill(&job, claim)?;
        let settled = {
            // Whoever settles can stand still too, and be taken for gone.
            let _fence = self.behind_fence(*claim);
            self.settle().and_then(|settled| {
                if settled.is_none() {
                    self.did_not_die_switching(&job, claim)?;
                }
                Ok(settled)
            })
        };
        self.end_abandoned(&mut job, claim, from, settled)
    }

    /// Looks whether the backup is there that a job was about to record. If it is known not to be, it is void: it might
    /// still come, from a machine that stands still.
    fn settle_record(&self, job: &Job, claim: &Claim) -> Result<(), EngineError> {
        let Some(record) = self.catalog().recording(job.id)? else {
            return Ok(());
        };
        let name = &job.environment;
        // A repository that cannot be listed says nothing. A record is written only when its backup is whole and read
        // back: one too many does no harm, and one that is declared void by mistake may be the way back from a restore.
        let Ok(backups) = self.list_backups() else {
            return Ok(());
        };
        let copies = if self.may_record_in_the_second(job) {
            // One that is not there says as little: its disk may not be mounted.
            let (Ok(None), Ok(copies)) = (self.second_is_away(), self.list_copies()) else {
                return Ok(());
            };
            copies
        } else {
            Vec::new()
        };
        let ids = backups.iter().chain(copies.iter().map(|copy| &copy.backup));
        if ids.into_iter().all(|backup| backup.id.0 != record) {
            self.catalog().void_record(claim, name, &record, self.now())?;
            self.changed();
        }
        Ok(())
    }

    /// Whether what a job was about to record may be in the second repository: the safety backup of a restore, or a copy.
    /// No other job has to wait for that repository to be told what became of its record.
    fn may_record_in_the_second(&self, job: &Job) -> bool {
        let is_copying = || {
            job.progress
                .as_ref()
                .is_some_and(|progress| progress.phase == Phase::SecondCopy)
        };
        self.copy_settings().is_some()
            && (matches!(job.kind, JobKind::Restore | JobKind::Undo) || is_copying())
    }

    /// Settles a journal that no job stands for. Nothing may work on the environment before that is done.
    pub(in crate::engine) fn settle_journal(&self) -> Result<(), EngineError> {
        if let Some(settled) = self.settle()? {
            let severity = if settled.done {
                Severity::Warning
            } else {
                Severity::Information
            };
            self.remember(&Principal::Lifeboat, &settled.sentence, None, severity);
        }
        Ok(())
    }

    fn end_abandoned(
        &self,
        job: &mut Job,
        claim: &Claim,
        from: Option<&str>,
        settled: Result<Option<Settled>, EngineError>,
    ) -> Result<(), EngineError> {
        let (state, outcome, text, severity) = match settled {
            Ok(Some(settled)) if settled.done => {
                let outcome = Outcome {
                    summary: settled.sentence.clone(),
                    safety: settled.safety,
                    warnings: settled.warnings,
                    health: settled.health,
                    ..Outcome::default()
                };
                (JobState::Done, Some(outcome), settled.sentence, Severity::Warning)
            }
            Ok(Some(settled)) => (
                JobState::Failed {
                    why: settled.sentence.clone(),
                },
                None,
                settled.sentence,
                Severity::Warning,
            ),
            Ok(None) => {
                let ended = match from {
                    Some(node) => format!(
                        "the Lifeboat on {} that ran it was ended in the middle of it, or was not heard of for too long",
                        printable::line(node)
                    ),
                    None if self.catalog().is_shared() => {
                        "the Lifeboat that ran it was ended in the middle of it, or was not heard of for too long"
                            .to_owned()
                    }
                    None => "Lifeboat was ended in the middle of it".to_owned(),
                };
                let asked = match &job.stop_reason {
                    Some(reason) => format!(". It was to stop, since {reason}"),
                    None => String::new(),
                };
                let text = format!("{} was interrupted: {ended}{asked}", job.title);
                let why = format!("{text}; {}", after_an_end(job));
                (JobState::Failed { why }, None, text, Severity::Warning)
            }
            Err(error) => {
                let text = error.to_string();
                (
                    JobState::Failed { why: text.clone() },
                    None,
                    text,
                    Severity::Critical,
                )
            }
        };
        let now = self.now();
        self.catalog().log(job.id, now, severity, &text)?;
        job.ended = Some(now);
        job.state = state;
        job.outcome = outcome;
        self.engine().did(Deed::JobEnded(Box::new(job.clone())));
        self.remember_end(&Principal::Lifeboat, &text, job, severity);
        self.catalog().update_job(claim, job)?;
        Ok(())
    }

    /// Finishes or undoes the restore that an environment's journal tells of, and then runs the hooks that an
    /// interrupted job still owes. `None` when there is no journal.
    fn settle(&self) -> Result<Option<Settled>, EngineError> {
        if self.journal()?.is_none() && !self.owes_hooks() {
            return Ok(None);
        }
        self.settling(Phase::Switching);
        // Two Lifeboats that both settled it would exchange Live twice. Read again under the lock: it may be settled now.
        let _lock = self.lock_all_within_reach()?;
        // As long as Live may be mixed, nothing that was stopped for the switch is started on it.
        let mut settled = self.settle_restore()?;
        if settled.is_some() {
            // What was noted while the journal was lost may be settled by one that was brought back. Whoever begins a job
            // looks again.
            let _ = self.look_for_halves();
        }
        if self.owes_hooks() {
            self.settling(Phase::Hooks);
        }
        let warnings = self.run_left_over();
        match &mut settled {
            Some(settled) if settled.done => settled.warnings.extend(warnings),
            Some(settled) => {
                for warning in warnings {
                    settled.sentence = format!("{}; {warning}", settled.sentence);
                }
            }
            None => {
                for warning in warnings {
                    self.remember(&Principal::Lifeboat, &warning, None, Severity::Warning);
                }
            }
        }
        self.has_settled();
        Ok(settled)
    }

    /// The part of [`Live::settle`] that is about the journal, under the environment's lock.
    fn settle_restore(&self) -> Result<Option<Settled>, EngineError> {
        let Some(mut journal) = self.journal()? else {
            return Ok(None);
        };
        let told = Told::of(self, &journal);
        let job = journal.job;
        let say = |severity: Severity, text: &str| {
            // A log that cannot be written does not stop the recovery.
            let _ = self.catalog().log(job, self.now(), severity, text);
        };
        self.is_within_reach(&journal)?;
        if journal.stage == Stage::Staging {
            if !journal.holds_nothing_of_live() {
                return Err(self.half(&journal, &"Live is not the content that it had before"));
            }
            let left = self.drop_staged(&journal)?;
            if let Some(id) = &journal.safety {
                self.drop_safety(self.find_backup(id).ok().as_ref(), &say);
            }
            return Ok(Some(Settled {
                done: false,
                sentence: with_left(
                    format!(
                        "{told} was interrupted before the switch, and did not happen: Live has {}, whole",
                        told.before()
                    ),
                    &left,
                ),
                warnings: Vec::new(),
                health: Vec::new(),
                safety: None,
            }));
        }
        if journal.stage == Stage::Clearing {
            // What cannot be removed is in nobody's way.
            let left = self.clear(&journal);
            return Ok(Some(Settled {
                done: true,
                sentence: format!(
                    "{told} was done when Lifeboat was ended: Live has {}, whole",
                    told.after()
                ),
                warnings: left,
                health: Vec::new(),
                safety: journal.safety,
            }));
        }
        if let Err(stuck) = self.finish_switch(&mut journal, &|_| {}) {
            if !self.nothing_is_switched(&journal) {
                return Err(self.half(&journal, &stuck));
            }
            // Of what is half dropped nothing may become live, should this be ended in the middle.
            journal.stage = Stage::Staging;
            self.write_journal(&journal)?;
            let left = self.drop_staged(&journal)?;
            if let Some(id) = &journal.safety {
                self.drop_safety(self.find_backup(id).ok().as_ref(), &say);
            }
            return Ok(Some(Settled {
                done: false,
                sentence: with_left(
                    format!(
                        "{told} was interrupted and could not be finished, and Live is as it was: {stuck}"
                    ),
                    &left,
                ),
                warnings: Vec::new(),
                health: Vec::new(),
                safety: None,
            }));
        }
        for settled in &journal.settled {
            say(Severity::Information, &settled.to_string());
        }
        let mut warnings = self.unconfirmed(&journal, &say);
        warnings.extend(self.remove_search_indexes(&journal, &say));
        self.settling(Phase::Hooks);
        warnings.extend(self.run_hooks(&journal, &say));
        self.settling(Phase::Health);
        let health = self.check_health(&journal, &say);
        warnings.extend(self.clean_up(&journal));
        Ok(Some(Settled {
            done: true,
            sentence: format!(
                "{told} was interrupted in the switch and is now finished: Live has {}, whole{}",
                told.after(),
                journal.told_of_clusters()
            ),
            warnings,
            health,
            safety: journal.safety.clone(),
        }))
    }

    /// Makes sure that what the journal tells of is to be seen from this machine. Where several share a catalog, another
    /// one may have been at work on folders that only that one has.
    fn is_within_reach(&self, journal: &Journal) -> Result<(), EngineError> {
        if !self.catalog().is_shared() {
            return Ok(());
        }
        for record in &journal.instances {
            let Some(staging) = record.beside.folder() else {
                continue;
            };
            if !record.beside.is_seen() {
                return Err(EngineError::Failed(format!(
                    "job {} of {} was left in the middle by another machine, and the content of {} beside {} is not to be \
                     seen from this one: start Lifeboat on the machine that has it, or mount it here at the same path; \
                     until then nothing is changed",
                    journal.job,
                    journal.environment,
                    record.instance,
                    staging.display()
                )));
            }
        }
        Ok(())
    }

    /// The journal of an environment, if one stands.
    fn journal(&self) -> Result<Option<Journal>, EngineError> {
        let name = self.name();
        Journal::read(self.papers(), name).map_err(|error| {
            EngineError::Failed(format!(
                "the journal of an interrupted restore of {name} in {} cannot be read ({error}): look at Live and at \
                 the folders beside it, whose names begin with a dot and have \"lifeboat\" in them; when Live is \
                 whole, move the journal away",
                self.papers().place(journal::KIND)
            ))
        })
    }

    /// What a person has to know about a restore that is neither done nor undone. `None` when all is well.
    pub(in crate::engine) fn half_switched(&self) -> Option<String> {
        let name = self.name();
        match self.journal() {
            Err(error) => Some(error.to_string()),
            Ok(Some(journal))
                if journal.stage == Stage::Switching
                    || journal.stage == Stage::Staging && !journal.holds_nothing_of_live() =>
            {
                Some(format!(
                    "{name} is half switched by job {}: do not edit content; mend what the notifications say, and start \
                 Lifeboat again, which finishes the switch",
                    journal.job
                ))
            }
            Ok(Some(_)) => None,
            Ok(None) => self.left_without_a_journal(),
        }
    }
}

/// What became of Live in a job that was interrupted and has left no journal, to follow a semicolon.
fn after_an_end(job: &Job) -> &'static str {
    let phase = job.progress.as_ref().map(|progress| progress.phase);
    match (job.kind, phase) {
        (JobKind::Restore | JobKind::Undo, Some(Phase::Hooks | Phase::Health)) => {
            "Live has the restored content, whole, and the journal that tells what was still to be done is gone: see whether \
             the instances are up, and look for what was live before beside them, in folders whose names begin with a dot and \
             have \"lifeboat\" in them"
        }
        (JobKind::Restore | JobKind::Undo, Some(Phase::CleaningUp)) => {
            "it was cleaning up, and Live is whole: the job's log says which content it has"
        }
        _ => "nothing was lost, start it again",
    }
}
