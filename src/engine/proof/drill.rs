//! Drills (rule 14): a backup is restored into a scratch place, compared there with its record, and timed. The way is that
//! of a restore up to the switch, which never comes: nothing of Live is touched.
//!
//! Content in folders goes into a folder for scratch; content in a database into a schema of its own, in the same
//! database or one that is set aside for it; the records of a data store into a folder beside. All of it is removed at
//! the end, and by the next start after a crash. Where several machines share a catalog, whoever takes over the job of one
//! that died drops its schemas, too; folders wait for the machine that has them.

use std::path::{Path, PathBuf};

use crate::catalog::Claim;
use crate::content::left::NoteState;
use crate::content::restoring::Found;
use crate::disk::{private, removal};
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, InstanceCopy, Verification, choose};
use crate::domain::environment::InstanceName;
use crate::domain::job::{Job, JobId, JobKind, Outcome, Phase};
use crate::domain::measure;
use crate::domain::plan::Selection;
use crate::domain::proof::{Drill, DrillOutcome};
use crate::domain::refusal::Refusal;
use crate::domain::settings::{EnvironmentSettings, InstanceSettings};
use crate::engine::proof::integrity::Said;
use crate::engine::proof::scratch::ScratchNote;
use crate::engine::restore::plan::too_little_in_all;
use crate::engine::restore::staged::{Restored, StagedInstance};
use crate::engine::{Engine, EngineError, Live, Work};
use crate::repository::{Repository, RepositoryError};

/// The kind of the notes, by environment, that a drill of a machine that died has left something in a database.
const LEFT: &str = "drill left";

/// The parts of a backup that a drill restores: each instance as it is configured, and its copy.
type Parts<'a> = Vec<(&'a InstanceSettings, &'a InstanceCopy)>;

/// The environments of which a drill has left something that this machine can remove, or may have.
pub(in crate::engine) fn with_scratch(engine: &Engine) -> Result<Vec<Live>, EngineError> {
    let noted = if engine.catalog().is_shared() {
        engine.catalog().notes(LEFT)?
    } else {
        Vec::new()
    };
    // Mostly there is none, and then thousands of environments need not be looked at one by one.
    if noted.is_empty() && !ScratchNote::any(engine.state()) {
        return Ok(Vec::new());
    }
    let has_left = |live: &Live| {
        ScratchNote::stands(engine.state(), live.name()) || noted.contains(&live.name().to_string())
    };
    Ok(engine.all_live().filter(has_left).collect())
}

impl Live {
    /// Starts a drill of one backup, or of the newest good one.
    ///
    /// # Errors
    /// A refusal (rules 5, 8); a backup that does not exist; a repository or catalog out of reach.
    pub fn start_drill(&self, backup: Option<&str>) -> Result<JobId, EngineError> {
        let name = self.name();
        let backups = self.list_backups()?;
        let newest = backups
            .iter()
            .filter(|backup| backup.is_good_of_live())
            .max_by_key(|backup| backup.manifest.taken);
        let chosen = match backup {
            Some(text) => choose(&backups, text)?,
            None => newest.ok_or_else(|| Refusal::NothingToDrill {
                environment: name.clone(),
                safety: backups.iter().any(Backup::is_good),
            })?,
        };
        let is_newest = newest.is_some_and(|newest| newest.id == chosen.id);
        self.start_drill_of(chosen.clone(), is_newest)
    }

    /// Starts a drill of a backup.
    pub(in crate::engine) fn start_drill_of(
        &self,
        backup: Backup,
        is_newest: bool,
    ) -> Result<JobId, EngineError> {
        let title = format!("drill of backup {}", backup.id);
        self.start(JobKind::Drill, &title, move |live, work| {
            live.drill(work, &backup, is_newest)
        })
    }

    fn drill(&self, work: &Work, backup: &Backup, is_newest: bool) -> Result<Outcome, EngineError> {
        let name = self.name();
        work.phase(Phase::Preparing)?;
        // What an interrupted drill has left would be in the way of this one's room.
        self.clear_scratch()?;
        let settings = self.settings();
        let repository = self.repository_holding(&backup.id)?;
        let base = self.scratch_base(settings);
        let (parts, left_out) = parts_of(self, backup)?;
        let warnings: Vec<_> = left_out.iter().map(not_drilled).collect();
        for warning in &warnings {
            work.log(Severity::Warning, warning);
        }
        self.room_for_drill(work, &repository, backup, &parts, &base)?;

        let note = ScratchNote::make(self.state(), &base, name, work.id())?;
        let rehearsed = self.rehearse(work, &repository, backup, &parts, &note);
        // Whoever stops it now has his proof all the same.
        let inside = match rehearsed {
            Ok((_, None)) => self.integrity_of(work, Phase::Comparing, &repository, backup),
            _ => Ok(Said::default()),
        };
        let inside = inside.unwrap_or_default();
        let cleared = work.phase(Phase::CleaningUp).and_then(|()| self.clear_scratch());
        if let Err(left) = &cleared {
            work.log(
                Severity::Warning,
                &format!("the scratch place is not clear, and is cleared at the next start: {left}"),
            );
        }
        let (millis, outcome) = match rehearsed {
            Ok((millis, None)) if left_out.is_empty() => (millis, DrillOutcome::Proven),
            Ok((millis, None)) => (millis, DrillOutcome::ProvenInPart { left_out }),
            Ok((millis, Some(why))) => (millis, DrillOutcome::Failed { why }),
            Err(EngineError::Repository(RepositoryError::Damaged { what, .. })) => {
                let damaged = Verification::Damaged {
                    at: self.now(),
                    why: what.clone(),
                };
                self.catalog().record_verification(name, &backup.id, &damaged)?;
                (0, DrillOutcome::Failed { why: what })
            }
            // Whatever kept the drill from going on says nothing about the backup.
            Err(error) => return Err(error),
        };
        let drill = Drill {
            at: self.now(),
            backup: backup.id.clone(),
            millis,
            bytes: parts.iter().map(|(_, copy)| copy.bytes()).sum(),
            newest: is_newest,
            outcome,
        };
        self.catalog().record_drill(name, &drill)?;
        self.changed();
        if let DrillOutcome::Failed { why } = &drill.outcome {
            return Err(EngineError::Failed(format!(
                "backup {} did not come back as it was taken: {why}. It holds no slot any more, and older good ones are \
                 kept: take a new backup now, and drill that{}",
                backup.id,
                self.copy_instead(&backup.id)
            )));
        }
        Ok(Outcome {
            summary: format!("{}{}", summary(&drill, &parts), inside.in_short),
            backup: Some(backup.id.clone()),
            not_proven: drill.left_out().to_vec(),
            warnings: warnings
                .into_iter()
                .chain(inside.warnings)
                .chain(work.noticed())
                .chain(cleared.err().map(|left| left.to_string()))
                .collect(),
            ..Outcome::default()
        })
    }

    /// Restores into the scratch place and compares. Gives how long that took, and what did not come back as it was.
    fn rehearse(
        &self,
        work: &Work,
        repository: &Repository,
        backup: &Backup,
        parts: &Parts<'_>,
        note: &ScratchNote,
    ) -> Result<(u64, Option<String>), EngineError> {
        let everything = Selection::default();
        let restored = Restored {
            repository,
            backup,
            selection: &everything,
        };
        let now = self.now();
        let mut staged = Vec::new();
        for (instance, _) in parts {
            let scratch = note.folder.join(instance.name.as_str());
            let about = self.about(work, &instance.name, Some(backup), &everything, now);
            let backed_up = restored.instance(&instance.name)?;
            let place = self.place_of_drills(instance);
            staged.push(StagedInstance {
                instance: &instance.name,
                staged: place.stage_in_scratch(&scratch, &backed_up, &about)?,
            });
        }
        for text in staged.iter().flat_map(|staged| staged.staged.left_out()) {
            work.log(Severity::Warning, text);
        }
        let began = self.now();
        work.phase(Phase::Rehearsing)?;
        for staged in &staged {
            staged.stage(restored, work)?;
        }
        work.phase(Phase::Comparing)?;
        for staged in &staged {
            if let Some(difference) = staged.difference(restored, work)? {
                return Ok((self.millis_since(began), Some(difference)));
            }
        }
        let millis = self.millis_since(began);
        for staged in &staged {
            let facts = || Ok(staged.staged.facts()?);
            if let Some(why) = self.judged(work, backup, staged.instance, facts)? {
                return Ok((millis, Some(why)));
            }
        }
        Ok((millis, None))
    }

    fn millis_since(&self, began: crate::domain::Instant) -> u64 {
        u64::try_from((self.now() - began).num_milliseconds()).unwrap_or(0)
    }

    /// The folder that drills of an environment make theirs in.
    fn scratch_base(&self, settings: &EnvironmentSettings) -> PathBuf {
        let configured = settings.drill.scratch.clone();
        configured.unwrap_or_else(|| self.state().join("scratch"))
    }

    /// Whether there is room for everything that is restored, and whether it may be put there.
    fn room_for_drill(
        &self,
        work: &Work,
        repository: &Repository,
        backup: &Backup,
        parts: &Parts<'_>,
        base: &Path,
    ) -> Result<(), EngineError> {
        private::folders(base).map_err(EngineError::io("creating", base))?;
        let mut found = Found::default();
        for (instance, copy) in parts {
            let backed_up = repository.instance(&backup.id, copy);
            self.place_of_drills(instance).plan_in_scratch(
                base,
                &backed_up,
                &Selection::default(),
                &mut found,
            )?;
        }
        for warning in &found.warnings {
            work.log(Severity::Warning, warning);
        }
        let together = too_little_in_all(&found.room);
        match found.obstacles.into_iter().chain(together).next() {
            Some(obstacle) => Err(EngineError::Failed(format!(
                "the drill was not begun: {obstacle}. Make room, or name another place for drills in [environment.drill]"
            ))),
            None => Ok(()),
        }
    }

    /// Drops what the drill of a machine that died has left in databases, as whoever has taken its job over. Its folders
    /// are on its own disk, and go when it starts again. What cannot be dropped now is noted, for any machine to try again.
    pub(in crate::engine) fn settle_drill(&self, job: &Job, claim: &Claim) -> Result<(), EngineError> {
        if job.kind != JobKind::Drill || !self.catalog().is_shared() {
            return Ok(());
        }
        let name = self.name();
        let dropped = {
            let _fence = self.behind_fence(*claim);
            self.lock_unless_out_of_reach()
                .and_then(|_lock| self.drop_scratch_schemas())
        };
        if let Err(error) = dropped {
            let text =
                format!("what the drill has left in a database is still there, and is tried again: {error}");
            self.catalog().log(job.id, self.now(), Severity::Warning, &text)?;
            self.catalog()
                .note_under(claim, LEFT, &name.to_string(), &text, self.now())?;
        }
        Ok(())
    }

    /// Removes what a Lifeboat that died in a drill has left. Whatever works on the environment holds its lock.
    ///
    /// # Errors
    /// What cannot be removed, or a database that is out of reach: it is tried again at the next look.
    pub(in crate::engine) fn settle_scratch(&self) -> Result<(), EngineError> {
        let name = self.name();
        let _lock = self.lock_unless_out_of_reach()?;
        if self.catalog().running(name)?.is_some() {
            return Ok(());
        }
        if self.catalog().is_shared() && self.catalog().note(LEFT, &name.to_string())?.is_some() {
            self.drop_scratch_schemas()?;
            self.catalog().drop_note(LEFT, &name.to_string())?;
        }
        self.clear_scratch()
    }

    /// Drops the schemas that drills of the environment have left. The caller holds the environment's lock.
    fn drop_scratch_schemas(&self) -> Result<(), EngineError> {
        let name = self.name();
        for instance in &self.settings().instances {
            let place = self.place_of_drills(instance);
            for left in place.left(name, &instance.name)? {
                if left.note.state == NoteState::Drill {
                    place.drop_made(&left.place)?;
                }
            }
        }
        Ok(())
    }

    /// Removes everything that a drill of this machine has made, and then its note.
    fn clear_scratch(&self) -> Result<(), EngineError> {
        let name = self.name();
        if !ScratchNote::stands(self.state(), name) {
            return Ok(());
        }
        self.drop_scratch_schemas()?;
        let reading = EngineError::io("reading the note of a drill in", self.state());
        if let Some(note) = ScratchNote::read(self.state(), name).map_err(reading)? {
            removal::remove(&note.folder).map_err(EngineError::io("removing", &note.folder))?;
        }
        ScratchNote::remove(self.state(), name)
            .map_err(EngineError::io("removing the note of a drill in", self.state()))
    }
}

/// How a drill has gone that has proven something.
fn summary(drill: &Drill, parts: &Parts<'_>) -> String {
    let items = parts.iter().map(|(_, copy)| copy.items()).sum();
    let (proven, what) = match &drill.outcome {
        DrillOutcome::ProvenInPart { .. } => {
            let drilled: Vec<_> = parts.iter().map(|(_, copy)| copy.name.as_str()).collect();
            (
                "proven restorable in part only",
                format!("all of {}", drilled.join(" and ")),
            )
        }
        _ => ("proven restorable", "everything".to_owned()),
    };
    format!(
        "backup {} is {proven}: {what} came back as it was taken, {} and {}, restored and read back in {}",
        drill.backup,
        measure::items(items),
        measure::bytes(drill.bytes),
        measure::millis(drill.millis)
    )
}

/// Why an instance of a backup was not drilled, and what to do.
fn not_drilled(instance: &InstanceName) -> String {
    format!(
        "{instance} is in the backup and not configured any more, so there was no place to drill it in: nothing is proven \
         of it. Configure it again to drill the whole backup, or drill one that was taken without it"
    )
}

/// The instances that can be drilled, and those that cannot because they are no longer configured.
fn parts_of<'a>(live: &'a Live, backup: &'a Backup) -> Result<(Parts<'a>, Vec<InstanceName>), EngineError> {
    let mut parts = Vec::new();
    let mut left_out = Vec::new();
    for copy in &backup.manifest.instances {
        let known = live
            .settings()
            .instances
            .iter()
            .find(|known| known.name == copy.name);
        let Some(instance) = known else {
            left_out.push(copy.name.clone());
            continue;
        };
        let takes = live.place(instance).takes(copy);
        takes.map_err(|why| EngineError::Failed(format!("{why}: it cannot be drilled there")))?;
        parts.push((instance, copy));
    }
    if parts.is_empty() {
        return Err(EngineError::Failed(
            "the drill was not begun: nothing of this environment is in the backup".to_owned(),
        ));
    }
    Ok((parts, left_out))
}
