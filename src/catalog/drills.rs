//! What drills have shown, of backups that are there and of those that were dropped since.

use super::records::instant_to_sql;
use super::store::values;
use super::{Catalog, CatalogError, due};
use crate::domain::ahead::is_ahead;
use crate::domain::backup::BackupId;
use crate::domain::environment::EnvironmentName;
use crate::domain::proof::{Drill, DrillOutcome};

/// The kind of the notes that drills are: one for each environment, with its newest drills in it.
const DRILLS: &str = "drills";

/// The newest drills that are kept of an environment.
const KEPT: usize = 100;

impl Catalog {
    /// Remembers what a drill has shown.
    pub fn record_drill(&self, name: &EnvironmentName, drill: &Drill) -> Result<(), CatalogError> {
        self.write(|session| {
            let environment = name.to_string();
            let row = session.row(
                "SELECT record FROM notes WHERE kind = ?1 AND name = ?2",
                values![DRILLS, environment.as_str()],
            )?;
            let mut drills: Vec<Drill> = match row {
                Some(row) => serde_json::from_str(&row.text(0)?)?,
                None => Vec::new(),
            };
            drills.insert(0, drill.clone());
            // What a clock that was ahead has noted does not stay the newest until its time has come.
            let now = drill.at;
            drills.sort_by_key(|drill| (is_ahead(drill.at, now), std::cmp::Reverse(drill.at)));
            drills.truncate(KEPT);
            session.execute(
                "INSERT INTO notes (kind, name, at, record) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at, record = excluded.record",
                values![
                    DRILLS,
                    environment,
                    instant_to_sql(drill.at),
                    serde_json::to_string(&drills)?
                ],
            )?;
            // As with a backup that is found damaged: it serves its period no more.
            if matches!(drill.outcome, DrillOutcome::Failed { .. }) {
                due::reopen(session, name)?;
            }
            Ok(())
        })
    }

    /// A backup's record was changed, and with it its id: what is remembered of the backup goes with it.
    pub fn is_called(
        &self,
        name: &EnvironmentName,
        before: &BackupId,
        now: &BackupId,
    ) -> Result<(), CatalogError> {
        self.write(|session| {
            let environment = name.to_string();
            session.execute(
                "UPDATE verifications SET backup = ?3 WHERE environment = ?1 AND backup = ?2",
                values![environment.as_str(), before.0.as_str(), now.0.as_str()],
            )?;
            let row = session.row(
                "SELECT record FROM notes WHERE kind = ?1 AND name = ?2",
                values![DRILLS, environment.as_str()],
            )?;
            let Some(row) = row else { return Ok(()) };
            let mut drills: Vec<Drill> = serde_json::from_str(&row.text(0)?)?;
            for drill in drills.iter_mut().filter(|drill| drill.backup == *before) {
                drill.backup = now.clone();
            }
            session.execute(
                "UPDATE notes SET record = ?3 WHERE kind = ?1 AND name = ?2",
                values![DRILLS, environment, serde_json::to_string(&drills)?],
            )?;
            Ok(())
        })
    }

    /// What is remembered of an environment's drills, newest first.
    pub fn drills(&self, environment: &EnvironmentName) -> Result<Vec<Drill>, CatalogError> {
        self.read(|session| {
            let row = session.row(
                "SELECT record FROM notes WHERE kind = ?1 AND name = ?2",
                values![DRILLS, environment.to_string()],
            )?;
            match row {
                Some(row) => Ok(serde_json::from_str(&row.text(0)?)?),
                None => Ok(Vec::new()),
            }
        })
    }
}
