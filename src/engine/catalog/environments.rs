//! What is remembered of environments and their backups: holds, verification results, and when each was first met.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};

use super::error::Fault;
use super::records::{instant_from_sql, instant_to_sql};
use super::{Catalog, CatalogError};
use crate::domain::Instant;
use crate::domain::backup::{BackupId, Verification};
use crate::domain::environment::EnvironmentName;
use crate::domain::request::HoldKind;
use crate::domain::state::Hold;

/// The two holds of rule 9, as far as they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holds {
    /// Jobs wait.
    pub maintenance: Option<Hold>,
    /// Restores are refused.
    pub protection: Option<Hold>,
}

impl Catalog {
    /// Sets a hold on an environment, or lifts it with `None`.
    pub fn set_hold(
        &self,
        environment: &EnvironmentName,
        kind: HoldKind,
        hold: Option<&Hold>,
    ) -> Result<(), CatalogError> {
        self.write(|tx| {
            let environment = environment.to_string();
            match hold {
                Some(hold) => tx.execute(
                    "INSERT OR REPLACE INTO holds (environment, kind, record) VALUES (?1, ?2, ?3)",
                    params![environment, word(kind), serde_json::to_string(hold)?],
                )?,
                None => tx.execute(
                    "DELETE FROM holds WHERE environment = ?1 AND kind = ?2",
                    params![environment, word(kind)],
                )?,
            };
            Ok(())
        })
    }

    /// The holds on an environment.
    pub fn holds(&self, environment: &EnvironmentName) -> Result<Holds, CatalogError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT record FROM holds WHERE environment = ?1 AND kind = ?2")?;
            let mut hold = |kind| -> Result<Option<Hold>, Fault> {
                statement
                    .query_row(params![environment.to_string(), word(kind)], |row| {
                        row.get::<_, String>(0)
                    })
                    .optional()?
                    .map(|record| Ok(serde_json::from_str(&record)?))
                    .transpose()
            };
            Ok(Holds {
                maintenance: hold(HoldKind::Maintenance)?,
                protection: hold(HoldKind::Protection)?,
            })
        })
    }

    /// Remembers what reading a backup back has shown; it takes the place of what was remembered before.
    pub fn record_verification(
        &self,
        environment: &EnvironmentName,
        backup: &BackupId,
        verification: &Verification,
    ) -> Result<(), CatalogError> {
        self.write(|tx| {
            tx.execute(
                "INSERT OR REPLACE INTO verifications (environment, backup, record) VALUES (?1, ?2, ?3)",
                params![
                    environment.to_string(),
                    backup.0,
                    serde_json::to_string(verification)?
                ],
            )?;
            Ok(())
        })
    }

    /// Forgets what is remembered of a backup, because it was dropped.
    pub fn forget_verification(
        &self,
        environment: &EnvironmentName,
        backup: &BackupId,
    ) -> Result<(), CatalogError> {
        self.write(|tx| {
            tx.execute(
                "DELETE FROM verifications WHERE environment = ?1 AND backup = ?2",
                params![environment.to_string(), backup.0],
            )?;
            Ok(())
        })
    }

    /// What is remembered of the environment's backups. One that is missing here was never read back, as far as this
    /// catalog knows.
    pub fn verifications(
        &self,
        environment: &EnvironmentName,
    ) -> Result<HashMap<BackupId, Verification>, CatalogError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT backup, record FROM verifications WHERE environment = ?1")?;
            let rows = statement.query_map([environment.to_string()], |row| {
                Ok((BackupId(row.get(0)?), row.get::<_, String>(1)?))
            })?;
            rows.map(|row| {
                let (backup, record) = row?;
                Ok((backup, serde_json::from_str(&record)?))
            })
            .collect()
        })
    }

    /// When the environment was first met: `now`, if it is met for the first time. What was due before that was not
    /// missed.
    pub fn met(&self, environment: &EnvironmentName, now: Instant) -> Result<Instant, CatalogError> {
        let known = |connection: &rusqlite::Connection| {
            connection
                .prepare("SELECT met FROM environments WHERE name = ?1")?
                .query_row([environment.to_string()], |row| row.get::<_, i64>(0))
                .optional()?
                .map(instant_from_sql)
                .transpose()
        };
        if let Some(met) = self.read(known)? {
            return Ok(met);
        }
        self.write(|tx| {
            tx.execute(
                "INSERT OR IGNORE INTO environments (name, met) VALUES (?1, ?2)",
                params![environment.to_string(), instant_to_sql(now)],
            )?;
            Ok(known(tx)?.unwrap_or(now))
        })
    }
}

/// The word that is stored for a hold.
fn word(kind: HoldKind) -> &'static str {
    match kind {
        HoldKind::Maintenance => "maintenance",
        HoldKind::Protection => "protection",
    }
}
