//! The switch, from its last safe point to the end: [`Live::begin_switch`], then forward ([`Live::finish_switch`]) or back,
//! and cleaning up. A job and the recovery of one that died call the same functions; how far it is, is the journal's
//! [`Stage`].
//!
//! Not in here: how one instance is exchanged (`content::restoring`), and when a dead process's switch is finished (`recover`).

use std::path::Path;

use super::brought::Content;
use super::journal::{self, InstanceRecord, Journal, SettledInstance, Stage};
use super::lost::{leave_copies, remove_copies};
use super::staged::StagedInstance;
use crate::content::switching::Stuck;
use crate::domain::activity::Severity;
use crate::domain::backup::Backup;
use crate::domain::environment::InstanceName;
use crate::domain::job::Phase;
use crate::domain::measure;
use crate::domain::os_error::in_words;
use crate::domain::plan::Selection;
use crate::engine::{EngineError, Live, Work};

impl Live {
    pub(super) fn write_journal(&self, journal: &Journal) -> Result<(), EngineError> {
        journal
            .write(self.papers())
            .map_err(self.paper_failed("writing the journal in", journal::KIND))
    }

    /// The last safe point: from here on the switch is finished, whatever happens.
    pub(super) fn begin_switch(
        &self,
        work: &Work,
        selection: &Selection,
        staged: &[StagedInstance<'_>],
        safety: Option<&Backup>,
        journal: &mut Journal,
    ) -> Result<(), EngineError> {
        if work.is_cancelled_now() {
            return Err(EngineError::Cancelled);
        }
        work.phase(Phase::Switching)?;
        // Should the journal be lost, this is what tells that the switch had begun.
        work.record()?;
        work.check_claim()?;
        for (staged, record) in staged.iter().zip(&mut journal.instances) {
            record.beside = staged.to_switch(selection, &record.beside)?;
        }
        journal.safety = safety.map(|safety| safety.id.clone());
        journal.safety_taken = safety.map(|safety| safety.manifest.taken);
        if let (Some(brought), Some(safety)) = (&mut journal.brought, safety) {
            brought.before = Some(Content::saved_by(safety));
        }
        let mut switching = journal.clone();
        switching.stage = Stage::Switching;
        leave_copies(&switching)?;
        self.write_journal(&switching)?;
        *journal = switching;
        // The last look before the first exchange. Whoever has taken the job over finds the journal and finishes it.
        work.check_claim()
    }

    /// Does the switch. If a step cannot be done, those that were are taken back, so that Live is whole either way.
    pub(super) fn switch(&self, work: &Work, journal: &mut Journal) -> Result<(), EngineError> {
        let say = |text: &str| work.log(Severity::Information, text);
        let Err(stuck) = self.finish_switch(journal, &say) else {
            return Ok(());
        };
        // Whoever has taken the job over finishes it; it must not be taken back under their hands.
        work.check_claim()?;
        let settled = self.go_back(journal);
        if !self.nothing_is_switched(journal) {
            return Err(self.half(journal, &stuck));
        }
        // What is staged is dropped next. Under a journal that still says "switching", the next start would make live
        // what is left of it.
        let mut back = journal.clone();
        back.stage = Stage::Staging;
        self.write_journal(&back).map_err(|error| {
            EngineError::Failed(format!(
                "the switch could not be done, and Live has its old content: {stuck}. That cannot be written down ({error}): \
                 mend that, and start Lifeboat again, which then does the switch"
            ))
        })?;
        *journal = back;
        let say = |severity: Severity, text: &str| work.log(severity, text);
        for warning in self.remove_overtaken_indexes(&settled, journal, &say) {
            say(Severity::Warning, &warning);
        }
        Err(EngineError::Failed(format!(
            "the switch could not be done, and Live has its old content: {stuck}"
        )))
    }

    /// Does every step of the switch that is not done yet, and notes in the journal that all are, and what was done to clusters
    /// with them. `say` is told that, and how long a database's tables were locked.
    ///
    /// # Errors
    /// Which step could not be done, and why. Whether Live then is half switched depends on what the caller does next.
    pub(super) fn finish_switch(&self, journal: &mut Journal, say: &dyn Fn(&str)) -> Result<(), Stuck> {
        if journal.stage > Stage::Switching {
            return Ok(());
        }
        self.is_known(journal)?;
        let mut settled = Vec::new();
        for record in &journal.instances {
            let switched = self.part_of(&record.instance, &record.beside)?.forward()?;
            if let Some(held) = switched.held {
                say(&format!(
                    "{}: switched, its tables were locked for {} ms",
                    record.instance,
                    held.as_millis()
                ));
            }
            settled.extend(switched.settled.into_iter().map(|settled| SettledInstance {
                instance: record.instance.clone(),
                settled,
            }));
        }
        for settled in &settled {
            say(&settled.to_string());
        }
        journal.settled = settled;
        journal.stage = Stage::Switched;
        // Live is whole and new. A journal that still says "switching" leads the next start to the same end.
        if journal.write(self.papers()).is_ok() {
            // One that cannot be removed now is removed with what it lies in, or named there.
            let _ = remove_copies(journal);
        }
        Ok(())
    }

    /// Makes sure that of every exchange it can be told whether it was done, before the first one is made: a Live that is
    /// whole is not mixed by finishing what can only be finished in part.
    fn is_known(&self, journal: &Journal) -> Result<(), Stuck> {
        for record in &journal.instances {
            self.part_of(&record.instance, &record.beside)?.is_known()?;
        }
        Ok(())
    }

    /// The error about a switch that is done in part, and what it was stopped by.
    pub(super) fn half(&self, journal: &Journal, stuck: &dyn std::fmt::Display) -> EngineError {
        EngineError::Failed(format!(
            "{} is half switched: {stuck}; do not edit content now. Mend the cause and start Lifeboat again, which finishes \
             the switch. If you have made Live whole by hand, move the journal of {} in {} away, and the folders beside Live \
             whose names begin with a dot and have \"lifeboat\" in them",
            journal.environment,
            journal.environment,
            self.papers().place(journal::KIND)
        ))
    }

    /// Drops what was staged before the switch, and the journal. What is in a database and cannot be dropped now is left
    /// there, since it is in nobody's way, and so is what somebody has put in the place of a folder; gives sentences about
    /// that.
    pub(super) fn drop_staged(&self, journal: &Journal) -> Result<Vec<String>, EngineError> {
        let mut left = Vec::new();
        for record in &journal.instances {
            let folder = record.beside.folder().unwrap_or(Path::new(""));
            let removed = record.beside.remove();
            left.extend(removed.map_err(EngineError::io("removing", folder))?);
        }
        left.extend(self.drop_schemas(journal)?);
        journal
            .remove(self.papers())
            .map_err(self.paper_failed("updating the journal in", journal::KIND))?;
        Ok(left)
    }

    /// Drops what was staged, and then the safety backup, which saved nothing. The error that led here is what is told,
    /// together with what could not be dropped.
    pub(super) fn give_up(
        &self,
        work: &Work,
        journal: &Journal,
        safety: Option<&Backup>,
        error: EngineError,
    ) -> EngineError {
        if work.is_in(Phase::Switching) {
            // A job that dies in its switch and has no journal may have left Live mixed. This one has not.
            work.log(Severity::Information, "Live has its old content");
            let _ = work.phase(Phase::CleaningUp);
        }
        match self.drop_staged(journal) {
            Ok(left) => {
                self.drop_safety(safety, &|severity, text| work.log(severity, text));
                if left.is_empty() {
                    return error;
                }
                EngineError::Failed(format!("{}; and {}", work.told(&error), left.join("; and ")))
            }
            Err(left) => EngineError::Failed(format!(
                "{}; and what was staged is still there: {left}",
                work.told(&error)
            )),
        }
    }

    /// Whether Live is what it was and nothing of it stands beside: dropping what is staged then loses nothing.
    pub(super) fn nothing_is_switched(&self, journal: &Journal) -> bool {
        journal.instances.iter().all(|record| {
            let part = self.part_of(&record.instance, &record.beside);
            part.is_ok_and(|part| part.is_untouched())
        })
    }

    /// Takes back the exchanges that were done, last first, each that can be. Whether all are back is looked at afterwards.
    /// Gives what was settled with them.
    fn go_back(&self, journal: &Journal) -> Vec<SettledInstance> {
        let mut settled = Vec::new();
        for record in journal.instances.iter().rev() {
            // One that is not configured any more is told by the look that follows.
            if let Ok(part) = self.part_of(&record.instance, &record.beside) {
                settled.extend(part.back().into_iter().map(|settled| SettledInstance {
                    instance: record.instance.clone(),
                    settled,
                }));
            }
        }
        settled
    }

    /// Leaves what the switch displaced to be removed once the job is over (`clearing`), if the safety backup holds all of
    /// it, and removes the journal.
    pub(super) fn clean_up(&self, journal: &Journal) -> Vec<String> {
        let mut warnings = Vec::new();
        if let Err(error) = remove_copies(journal) {
            warnings.push(error.to_string());
        }
        let kept: Vec<_> = journal
            .instances
            .iter()
            .filter_map(|record| Some((record, self.why_kept(journal, record)?)))
            .collect();
        let mut is_decided = false;
        if kept.is_empty() {
            // From here on what was displaced may be gone in part: after a crash it is not compared again.
            let clearing = Journal {
                stage: Stage::Clearing,
                ..journal.clone()
            };
            match self.write_journal(&clearing) {
                Ok(()) => is_decided = true,
                Err(error) => warnings.push(error.to_string()),
            }
        }
        for (record, why) in &kept {
            if let Some(staging) = record.beside.folder() {
                warnings.push(format!(
                    "what was live in {} before is kept in {}, since {why}: remove it when nobody needs it",
                    record.instance,
                    staging.display()
                ));
            }
        }
        let is_kept = |instance: &InstanceName| kept.iter().any(|(record, _)| record.instance == *instance);
        if is_decided {
            warnings.extend(self.leave_all_but(journal, &is_kept));
        }
        warnings.extend(self.drop_emptied(journal, &is_kept));
        self.note_replaced(journal);
        match journal.remove(self.papers()) {
            Ok(()) => {
                // As long as there is a journal that does not say so, whoever takes the job over compares for itself, and
                // may have reason to keep what this one would not.
                if !is_decided {
                    warnings.extend(self.leave_all_but(journal, &is_kept));
                }
                self.begin_clearing(journal.job);
            }
            Err(error) => warnings.push(format!(
                "the journal of the restore could not be removed: {error}"
            )),
        }
        warnings
    }

    /// Leaves everything that a finished restore no longer needs to be removed, and removes the journal. Returns what
    /// cannot be removed.
    pub(super) fn clear(&self, journal: &Journal) -> Vec<String> {
        let mut left = self.leave_all_but(journal, &|_| false);
        left.extend(self.drop_emptied(journal, &|_| false));
        self.note_replaced(journal);
        match journal.remove(self.papers()) {
            Ok(()) => self.begin_clearing(journal.job),
            Err(error) => left.push(format!(
                "the journal of the restore could not be removed: {error}"
            )),
        }
        left
    }

    /// Leaves the folders that a restore has made to be removed. Gives what cannot be.
    fn leave_all_but(&self, journal: &Journal, is_kept: &dyn Fn(&InstanceName) -> bool) -> Vec<String> {
        let mut left = Vec::new();
        for record in &journal.instances {
            if is_kept(&record.instance) {
                continue;
            }
            match self.leave_to_clearing(journal, record) {
                Ok(stranger) => left.extend(stranger),
                Err(error) => {
                    let folder = record.beside.folder().unwrap_or(Path::new(""));
                    left.push(format!(
                        "{} could not be removed: {error}",
                        folder.display(),
                        error = in_words(&error)
                    ));
                }
            }
        }
        left
    }

    /// Drops the schemas that a switch has emptied. Gives what could not be dropped.
    fn drop_emptied(&self, journal: &Journal, is_kept: &dyn Fn(&InstanceName) -> bool) -> Vec<String> {
        let mut left = Vec::new();
        for record in &journal.instances {
            if is_kept(&record.instance) {
                continue;
            }
            match self.drop_or_leave_behind(&record.instance, &record.beside.emptied()) {
                Ok(sentences) => left.extend(sentences),
                Err(error) => left.push(error.to_string()),
            }
        }
        left
    }

    /// Why what was displaced of an instance has to be kept: it holds something that the safety backup does not.
    fn why_kept(&self, journal: &Journal, record: &InstanceRecord) -> Option<String> {
        let displaced = match record.beside.displaced() {
            Ok(None) => return None,
            Ok(Some(displaced)) => displaced,
            Err(error) => {
                return Some(format!(
                    "it could not be compared with the safety backup ({error})"
                ));
            }
        };
        let safety = journal.safety.as_ref().map(|id| self.find_backup(id));
        let unsaved = safety
            .transpose()
            .and_then(|safety| self.unsaved(safety.as_ref(), &record.instance, &*displaced));
        match unsaved {
            Ok(0) => None,
            Ok(items) if journal.safety.is_none() => Some(format!(
                "no safety backup was taken, and {} in it may be in no backup",
                measure::items(items)
            )),
            Ok(items) => Some(format!(
                "{} not in the safety backup",
                measure::so_many(items, "item in it is", "items in it are")
            )),
            Err(error) => Some(format!(
                "it could not be compared with the safety backup ({error})"
            )),
        }
    }
}
