//! Turns: how several machines share what the schedule asks for, so that each part of it is served once.
//!
//! Every machine writes down what is due, by the time alone; what another one has written already stays as it is. Then
//! each claims as much as it has room for and looks, for that alone, at what there really is to do.
//!
//! Not in here: what is done in a turn.

use std::collections::HashMap;

use crate::catalog::{Catalog, CatalogError, Due, DueClaim};
use crate::domain::Instant;
use crate::domain::environment::EnvironmentName;
use crate::domain::schedule::Schedule;
use crate::domain::slot::Slot;

/// What backups by the schedule are called among what is due.
pub const BACKUP: &str = "backup";

/// What verifications and drills by the schedule are called. They are claimed after backups: see [`Catalog::claim_due`].
pub const PROOF: &str = "proof";

/// What this machine has written down already, so that it does not write it every minute.
#[derive(Debug, Default)]
pub struct DueBook(HashMap<(&'static str, EnvironmentName), Instant>);

/// How a turn went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A job was started for it. Its end says how it goes on.
    Started,
    /// A job was started for it that does not say how it goes on; at this time it is looked at again.
    Begun(Instant),
    /// There was nothing to do any more.
    NothingToDo,
    /// It cannot be begun now.
    Later(Instant),
}

impl DueBook {
    /// Writes down what is due now. One row stands for all automatic slots of an environment: each of them becomes due at
    /// the moment at which the daily one does, and one backup serves them all. Each step between the daily ones has a row
    /// of its own, which takes the place of earlier ones that nobody has begun to serve. Returns how many rows were new.
    ///
    /// # Errors
    /// What keeps the catalog from being written. What was not written then is written at the next look.
    pub fn note<'e>(
        &mut self,
        catalog: &Catalog,
        environments: impl Iterator<Item = (&'e EnvironmentName, &'e Schedule)>,
        now: Instant,
    ) -> Result<u64, CatalogError> {
        let due = environments
            .filter(|(_, schedule)| schedule.enabled)
            .filter_map(|(name, schedule)| {
                let daily = || schedule.period_of(name, Slot::Daily, now);
                Some((name.clone(), schedule.step_of(name, now).or_else(daily)?))
            });
        let noted = self.write(catalog, BACKUP, due)?;
        if noted > 0 {
            // What could not be served in an earlier step is not made up for.
            catalog.drop_outrun_due(BACKUP, now)?;
        }
        Ok(noted)
    }

    /// Writes down which environments are to be proven, with when that became due: one row stands for reading back and
    /// for a drill. Returns how many rows were new.
    ///
    /// # Errors
    /// As [`DueBook::note`].
    pub fn note_proofs(
        &mut self,
        catalog: &Catalog,
        due: impl Iterator<Item = (EnvironmentName, Instant)>,
    ) -> Result<u64, CatalogError> {
        self.write(catalog, PROOF, due)
    }

    fn write(
        &mut self,
        catalog: &Catalog,
        kind: &'static str,
        due: impl Iterator<Item = (EnvironmentName, Instant)>,
    ) -> Result<u64, CatalogError> {
        let mut fresh = Vec::new();
        let mut known = Vec::new();
        for (environment, period) in due {
            let key = (kind, environment);
            if self.0.get(&key) != Some(&period) {
                fresh.push(Due {
                    environment: key.1.clone(),
                    period,
                });
                known.push((key, period));
            }
        }
        let noted = catalog.note_due(kind, &fresh)?;
        self.0.extend(known);
        Ok(noted)
    }
}

/// Claims what is due, and serves it, until `room` jobs are started or nothing is left. Returns how many were started.
///
/// # Errors
/// What keeps the catalog from being asked. What was claimed then is free again when this machine's lease has ended.
pub fn take_turns(
    catalog: &Catalog,
    now: Instant,
    room: u32,
    serve: &dyn Fn(&DueClaim) -> Turn,
) -> Result<u32, CatalogError> {
    let mut started = 0;
    while started < room {
        let claims = catalog.claim_due(now, room - started)?;
        if claims.is_empty() {
            break;
        }
        for claim in claims {
            match serve(&claim) {
                Turn::Started => started += 1,
                Turn::NothingToDo => {
                    catalog.serve_due(&claim, now)?;
                }
                Turn::Begun(time) => {
                    started += 1;
                    catalog.put_back_due(&claim, time)?;
                }
                // Never claimed again in this look: it would go on for ever.
                Turn::Later(time) => {
                    catalog.put_back_due(&claim, time.max(now + chrono::Duration::seconds(1)))?;
                }
            }
        }
    }
    Ok(started)
}
