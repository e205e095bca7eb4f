//! What drills have shown, of backups that are there and of those that were dropped since.

use rusqlite::params;

use super::error::Fault;
use super::records::instant_to_sql;
use super::{Catalog, CatalogError};
use crate::domain::environment::EnvironmentName;
use crate::domain::proof::Drill;

/// The newest drills that are kept of an environment.
const KEPT: u32 = 100;

impl Catalog {
    /// Remembers what a drill has shown.
    pub fn record_drill(&self, environment: &EnvironmentName, drill: &Drill) -> Result<(), CatalogError> {
        self.write(|tx| {
            let environment = environment.to_string();
            tx.execute(
                "INSERT OR REPLACE INTO drills (environment, ended, backup, record) VALUES (?1, ?2, ?3, ?4)",
                params![
                    environment,
                    instant_to_sql(drill.at),
                    drill.backup.0,
                    serde_json::to_string(drill)?
                ],
            )?;
            tx.execute(
                "DELETE FROM drills WHERE environment = ?1 AND ended < coalesce(
                   (SELECT ended FROM drills WHERE environment = ?1 ORDER BY ended DESC LIMIT 1 OFFSET ?2), 0)",
                params![environment, KEPT - 1],
            )?;
            Ok(())
        })
    }

    /// What is remembered of an environment's drills, newest first.
    pub fn drills(&self, environment: &EnvironmentName) -> Result<Vec<Drill>, CatalogError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT record FROM drills WHERE environment = ?1 ORDER BY ended DESC")?;
            let rows = statement.query_map([environment.to_string()], |row| row.get::<_, String>(0))?;
            rows.map(|row| Ok(serde_json::from_str(&row?)?))
                .collect::<Result<_, Fault>>()
        })
    }
}
