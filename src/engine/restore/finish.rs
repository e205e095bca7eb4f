//! Going through with a switch, or taking it back: every exchange of all instances, so that Live is whole either way.
//!
//! Not in here: one exchange (`switch`), and what is done after a crash (`recover`).

use super::journal::{self, Beside, Journal, Stage};
use super::lost::remove_copies;
use crate::disk::removal;
use crate::domain::activity::Severity;
use crate::domain::backup::Backup;
use crate::domain::job::Phase;
use crate::engine::{Engine, EngineError, Work};

impl Engine {
    /// Does the switch. If a step cannot be done, those that were are taken back, so that Live is whole either way.
    pub(super) fn switch(&self, work: &Work, journal: &mut Journal) -> Result<(), EngineError> {
        let say = |text: &str| work.log(Severity::Information, text);
        let Err(stuck) = self.finish_switch(journal, &say) else {
            return Ok(());
        };
        // Whoever has taken the job over finishes it; it must not be taken back under their hands.
        work.check_claim()?;
        self.go_back(journal);
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
        Err(EngineError::Failed(format!(
            "the switch could not be done, and Live has its old content: {stuck}"
        )))
    }

    /// Does every step of the switch that is not done yet, and notes in the journal that all are. `say` is told how long
    /// a database's tables were locked.
    ///
    /// # Errors
    /// Which step could not be done, and why. Whether Live then is half switched depends on what the caller does next.
    pub(super) fn finish_switch(&self, journal: &mut Journal, say: &dyn Fn(&str)) -> Result<(), Stuck> {
        if journal.stage > Stage::Switching {
            return Ok(());
        }
        for record in &journal.instances {
            match &record.beside {
                Beside::Folder { steps, .. } => {
                    for step in steps {
                        step.forward().map_err(|error| {
                            let (live, beside) = (step.live.display(), step.beside.display());
                            Stuck(format!("{live} could not be exchanged with {beside} ({error})"))
                        })?;
                    }
                }
                Beside::Schema(schema) => {
                    let switched = self
                        .connector_of(&journal.environment, &record.instance)
                        .and_then(|connector| Ok(schema.forward(&connector)?));
                    let held = switched.map_err(|error| {
                        Stuck(format!(
                            "the tables of {} could not be exchanged ({error})",
                            record.instance
                        ))
                    })?;
                    say(&format!(
                        "{}: switched, its tables were locked for {} ms",
                        record.instance,
                        held.as_millis()
                    ));
                }
            }
        }
        journal.stage = Stage::Switched;
        // Live is whole and new. A journal that still says "switching" leads the next start to the same end.
        if journal.write(self.papers_of(&journal.environment)).is_ok() {
            // One that cannot be removed now is removed with what it lies in, or named there.
            let _ = remove_copies(journal);
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
    /// there, since it is in nobody's way; gives sentences about that.
    pub(super) fn drop_staged(&self, journal: &Journal) -> Result<Vec<String>, EngineError> {
        for record in &journal.instances {
            if let Beside::Folder { staging, .. } = &record.beside {
                removal::remove(staging).map_err(EngineError::io("removing", staging))?;
            }
        }
        let left = self.drop_schemas(journal)?;
        journal
            .remove(self.papers_of(&journal.environment))
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
                self.drop_safety(safety);
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
}

/// Why a step of the switch could not be done, as a part of a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Stuck(String);
