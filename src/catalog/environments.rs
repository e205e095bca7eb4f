//! What is remembered of environments and their backups: holds, verification results, and when each was first met.

use std::collections::{HashMap, HashSet};

use super::due;
use super::error::Fault;
use super::records::{instant_from_sql, instant_to_sql};
use super::store::{Row, Session, Value, values};
use super::{Catalog, CatalogError};
use crate::domain::Instant;
use crate::domain::ahead::is_ahead;
use crate::domain::backup::{BackupId, Verification};
use crate::domain::environment::EnvironmentName;
use crate::domain::request::HoldKind;
use crate::domain::state::Hold;

/// Environments that are written with one statement.
const NAMES_AT_ONCE: usize = 500;

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
        self.write(|session| {
            let environment = environment.to_string();
            match hold {
                Some(hold) => session.execute(
                    "INSERT INTO holds (environment, kind, record) VALUES (?1, ?2, ?3)
                     ON CONFLICT (environment, kind) DO UPDATE SET record = excluded.record",
                    values![environment, word(kind), serde_json::to_string(hold)?],
                )?,
                None => session.execute(
                    "DELETE FROM holds WHERE environment = ?1 AND kind = ?2",
                    values![environment, word(kind)],
                )?,
            };
            Ok(())
        })
    }

    /// The holds on an environment.
    pub fn holds(&self, environment: &EnvironmentName) -> Result<Holds, CatalogError> {
        self.read(|session| {
            let rows = session.rows(
                "SELECT kind, record FROM holds WHERE environment = ?1",
                values![environment.to_string()],
            )?;
            let mut holds = Holds::default();
            for row in &rows {
                hold_from(row, &mut holds)?;
            }
            Ok(holds)
        })
    }

    /// Remembers what reading a backup back has shown; it takes the place of what was remembered before.
    pub fn record_verification(
        &self,
        environment: &EnvironmentName,
        backup: &BackupId,
        verification: &Verification,
    ) -> Result<(), CatalogError> {
        self.write(|session| {
            session.execute(
                "INSERT INTO verifications (environment, backup, record) VALUES (?1, ?2, ?3)
                 ON CONFLICT (environment, backup) DO UPDATE SET record = excluded.record",
                values![
                    environment.to_string(),
                    backup.0.as_str(),
                    serde_json::to_string(verification)?
                ],
            )?;
            // It may be the one that serves the present period. Whoever claims that looks what there really is to do.
            if matches!(verification, Verification::Damaged { .. }) {
                due::reopen(session, environment)?;
            }
            Ok(())
        })
    }

    /// Forgets what is remembered of a backup, because it was dropped.
    pub fn forget_verification(
        &self,
        environment: &EnvironmentName,
        backup: &BackupId,
    ) -> Result<(), CatalogError> {
        self.write(|session| {
            session.execute(
                "DELETE FROM verifications WHERE environment = ?1 AND backup = ?2",
                values![environment.to_string(), backup.0.as_str()],
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
        self.read(|session| {
            let rows = session.rows(
                "SELECT backup, record FROM verifications WHERE environment = ?1",
                values![environment.to_string()],
            )?;
            rows.iter()
                .map(|row| Ok((BackupId(row.text(0)?), serde_json::from_str(&row.text(1)?)?)))
                .collect()
        })
    }

    /// When the environment was first met: `now`, if it is met for the first time. What was due before that was not
    /// missed.
    pub fn met(&self, environment: &EnvironmentName, now: Instant) -> Result<Instant, CatalogError> {
        let known = |session: &mut Session<'_>| {
            session
                .row(
                    "SELECT met FROM environments WHERE name = ?1",
                    values![environment.to_string()],
                )?
                .map(|row| instant_from_sql(row.number(0)?))
                .transpose()
        };
        match self.read(known)? {
            // A clock that was ahead has noted it: until then nothing would be late, and no drill due.
            Some(met) if is_ahead(met, now) => {
                self.write(|session| {
                    session.execute(
                        "UPDATE environments SET met = ?2 WHERE name = ?1",
                        values![environment.to_string(), instant_to_sql(now)],
                    )
                })?;
                return Ok(now);
            }
            Some(met) => return Ok(met),
            None => {}
        }
        self.meet(std::slice::from_ref(environment), now)?;
        Ok(self.read(known)?.unwrap_or(now))
    }

    /// The environments that were ever met, by their names.
    pub fn known(&self) -> Result<HashSet<String>, CatalogError> {
        self.read(|session| {
            let rows = session.rows("SELECT name FROM environments", &[])?;
            rows.iter().map(|row| row.text(0)).collect()
        })
    }

    /// Remembers that these environments are there from now on, as far as they were not known.
    pub fn meet(&self, environments: &[EnvironmentName], now: Instant) -> Result<(), CatalogError> {
        for names in environments.chunks(NAMES_AT_ONCE) {
            self.write(|session| {
                let mut values: Vec<Value> = vec![instant_to_sql(now).into()];
                let mut places = Vec::with_capacity(names.len());
                for name in names {
                    values.push(name.to_string().into());
                    places.push(format!("(?{}, ?1)", values.len()));
                }
                let places = places.join(", ");
                let sql =
                    format!("INSERT INTO environments (name, met) VALUES {places} ON CONFLICT DO NOTHING");
                session.execute(&sql, &values)
            })?;
        }
        Ok(())
    }
}

/// Reads one hold from its kind and its record.
pub(super) fn hold_from(row: &Row, holds: &mut Holds) -> Result<(), Fault> {
    let hold = Some(serde_json::from_str(&row.text(1)?)?);
    match row.text(0)?.as_str() {
        "maintenance" => holds.maintenance = hold,
        "protection" => holds.protection = hold,
        other => return Err(Fault::Unreadable(format!("\"{other}\" is not a hold"))),
    }
    Ok(())
}

/// The word that is stored for a hold.
fn word(kind: HoldKind) -> &'static str {
    match kind {
        HoldKind::Maintenance => "maintenance",
        HoldKind::Protection => "protection",
    }
}
