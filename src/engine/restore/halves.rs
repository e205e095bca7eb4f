//! A switch of databases that was left in the middle and of which no journal tells: the state folder is gone, and with it
//! the job. The databases themselves know it: of the schemas that one restore has made in each of them, some say that
//! their tables are live and others that theirs are not.
//!
//! It is written down where it is found, so that everything says it from then on; and taken away when the databases say
//! so no more. Not in here: what else tells of a lost journal (`lost`).

use std::collections::BTreeMap;

use super::journal;
use super::lost::{LOST, Lost};
use super::undo::LeftByInstance;
use crate::content::left::{Left, NoteState};
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::job::JobId;
use crate::engine::jobs::papers::name_of;
use crate::engine::{EngineError, Live};

impl Live {
    /// Looks whether the databases of an environment tell of a switch that was left in the middle, and writes it down or
    /// takes it away. Only for where no job is at work on it; where a journal stands, that knows better. What cannot be
    /// looked into says nothing.
    ///
    /// # Errors
    /// That it cannot be written down.
    pub(in crate::engine) fn look_for_halves(&self) -> Result<(), EngineError> {
        let name = self.name();
        let (papers, file) = (self.papers(), name_of(name));
        if papers.has(journal::KIND, &file) {
            return Ok(());
        }
        let Ok(left) = self.left_in_databases() else {
            return Ok(());
        };
        let known = papers.read::<Lost>(LOST, &file);
        let known = known.map_err(self.paper_failed("reading", LOST))?;
        match (half_of(name, &left).or_else(|| files_missing(name, &left)), known) {
            (Some(half), known) if known.as_ref() != Some(&half) => papers
                .write(LOST, &file, &half)
                .map_err(self.paper_failed("writing the record of a lost journal in", LOST)),
            (None, Some(known)) if known.told.is_some() => papers
                .remove(LOST, &file)
                .map_err(self.paper_failed("removing the record of a lost journal in", LOST)),
            _ => Ok(()),
        }
    }

    /// The same for an environment of whose past nobody here knows anything, before it is shown for the first time. Once:
    /// a database that is away does not hold up whoever looks again, and every job looks for itself.
    pub(in crate::engine) fn look_for_halves_of_the_unknown(&self) {
        if self.is_met_for_the_first_time()
            && let Err(error) = self.look_for_halves()
        {
            self.remember_once(&error.to_string());
        }
    }
}

/// The newest restore that has switched the tables of an instance and not the files that belong to them.
fn files_missing(name: &EnvironmentName, left: &LeftByInstance) -> Option<Lost> {
    let (instance, left) = left.iter().find(|(_, left)| !left.not_exchanged().is_empty())?;
    let job = left.note.job;
    let files: Vec<_> = left
        .not_exchanged()
        .iter()
        .map(|step| {
            let (live, beside) = (step.live.display(), step.beside.display());
            match (&step.old, &step.new) {
                // There is nothing in Live to exchange it with.
                (None, _) => format!("move {beside} to {live}"),
                (_, None) => format!("move {live} away, to {beside}"),
                _ => format!("exchange {live} with {beside}"),
            }
        })
        .collect();
    Some(Lost {
        job: JobId(job),
        title: String::new(),
        told: Some(format!(
            "{name} is half switched: job {job} was left in the middle of the switch, and its journal is lost. The tables of {instance} \
             are those that came, and some files of its home are not. Do not edit content now, and no job starts. By hand, {}. \
             If another Lifeboat is at work on it right now, wait for that",
            files.join(", ")
        )),
    })
}

/// The newest restore that has switched some of the databases and not the others.
fn half_of(name: &EnvironmentName, left: &LeftByInstance) -> Option<Lost> {
    let mut restores: BTreeMap<_, Vec<&(InstanceName, Left)>> = BTreeMap::new();
    for one in left {
        restores
            .entry((one.1.note.at, one.1.note.job))
            .or_default()
            .push(one);
    }
    restores.into_iter().rev().find_map(|((_, job), left)| {
        let state = |state| left.iter().filter(move |(_, left)| left.note.state == state);
        let switched: Vec<_> = state(NoteState::Replaced).map(|(instance, _)| instance).collect();
        // One that is switched keeps the schema that its tables came from until it is cleaned up.
        let pending: Vec<_> = state(NoteState::Staged)
            .filter(|(instance, _)| !switched.contains(&instance))
            .collect();
        // One that could not be dropped when all was done is no half.
        let is_half = pending.iter().any(|(_, left)| left.takes_replaced);
        if switched.is_empty() || !is_half {
            return None;
        }
        let mut done: Vec<_> = switched.iter().map(ToString::to_string).collect();
        done.dedup();
        let schemas: Vec<_> = pending
            .iter()
            .map(|(instance, left)| format!("{} in the database of {instance}", left.place))
            .collect();
        Some(Lost {
            job: JobId(job),
            title: String::new(),
            told: Some(format!(
                "{name} is half switched: job {job} was left in the middle of the switch, and its journal is lost. The \
                 database of {} has what came, and {} not. Do not edit content now, and no job starts. Exchange the tables \
                 of the live schema by hand (ALTER TABLE … SET SCHEMA), either way, so that all belong together; when Live \
                 is whole, take away the comments of these schemas (COMMENT ON SCHEMA … IS NULL): {}. If another Lifeboat \
                 is at work on it right now, wait for that",
                done.join(" and that of "),
                others(&pending),
                schemas.join(", ")
            )),
        })
    })
}

/// The instances that are not switched, each once.
fn others(pending: &[&&(InstanceName, Left)]) -> String {
    let mut names: Vec<_> = pending
        .iter()
        .map(|(instance, _)| format!("that of {instance}"))
        .collect();
    names.sort();
    names.dedup();
    names.join(" and ")
}
