//! Restore plans that were made and may be followed, each with what it was made from.

use rusqlite::{OptionalExtension, params};
use serde::{Deserialize, Serialize};

use super::records::instant_to_sql;
use super::{Catalog, CatalogError, from_sql};
use crate::domain::Instant;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{JobId, JobKind, JobState};
use crate::domain::plan::{PlanId, RestorePlan};
use crate::domain::staleness::{Basis, LastChange};

/// How long plans are kept. That is longer than they are good for, so that an old one can be told from one that never
/// was.
const KEPT: chrono::Duration = chrono::Duration::days(1);

/// A plan and what it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPlan {
    /// The plan.
    pub plan: RestorePlan,
    /// What it was made from.
    pub basis: Basis,
}

impl Catalog {
    /// Keeps a plan for a day, and drops those that are older.
    pub fn add_plan(&self, stored: &StoredPlan) -> Result<(), CatalogError> {
        self.write(|tx| {
            let made = stored.plan.made;
            tx.execute("DELETE FROM plans WHERE made < ?1", [instant_to_sql(made - KEPT)])?;
            tx.execute(
                "INSERT INTO plans (id, made, record) VALUES (?1, ?2, ?3)",
                params![
                    stored.plan.id.0,
                    instant_to_sql(made),
                    serde_json::to_string(stored)?
                ],
            )?;
            Ok(())
        })
    }

    /// The plan of that id, if it was made here within a day before `now`.
    pub fn plan(&self, id: &PlanId, now: Instant) -> Result<Option<StoredPlan>, CatalogError> {
        self.read(|connection| {
            let record: Option<String> = connection
                .query_row(
                    "SELECT record FROM plans WHERE id = ?1 AND made >= ?2",
                    params![id.0, instant_to_sql(now - KEPT)],
                    |row| row.get(0),
                )
                .optional()?;
            record
                .map(|record| Ok(serde_json::from_str(&record)?))
                .transpose()
        })
    }

    /// The newest job that has, or may have, changed Live of the environment.
    pub fn last_change(&self, environment: &EnvironmentName) -> Result<Option<LastChange>, CatalogError> {
        self.read(|connection| {
            let row: Option<(i64, String)> = connection
                .query_row(
                    "SELECT id, kind FROM jobs WHERE environment = ?1 AND kind IN (?2, ?3) AND ended IS NOT NULL \
                     AND state <> ?4 ORDER BY id DESC LIMIT 1",
                    params![
                        environment.to_string(),
                        JobKind::Restore.label(),
                        JobKind::Undo.label(),
                        JobState::Cancelled.label()
                    ],
                    |row| Ok((row.get(0)?, row.get(1)?)),
                )
                .optional()?;
            Ok(row.map(|(id, kind)| LastChange {
                job: JobId(from_sql(id)),
                kind: if kind == JobKind::Undo.label() {
                    JobKind::Undo
                } else {
                    JobKind::Restore
                },
            }))
        })
    }
}
