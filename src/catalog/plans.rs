//! Restore plans that were made and may be followed, each with what it was made from.

use serde::{Deserialize, Serialize};

use super::records::instant_to_sql;
use super::store::values;
use super::{Catalog, CatalogError};
use crate::domain::Instant;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{JobId, JobKind, JobState};
use crate::domain::plan::{PlanId, RestorePlan};
use crate::domain::staleness::{Basis, LastChange};

/// How long plans are kept. That is longer than they are good for, so that an old one can be told from one that never
/// was.
const KEPT: chrono::Duration = chrono::Duration::days(1);

/// How many plans of one environment are kept for one caller. Whoever makes more has looked at the newest last; and nobody
/// fills the catalog with them, or drops those of others.
const PER_CALLER: usize = 20;

/// The kind of the notes that plans are.
const PLAN: &str = "plan";
/// The kind of the notes that say which plans of an environment a caller has, oldest first.
const PLANS_OF: &str = "plans of";

/// A plan and what it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPlan {
    /// The plan.
    pub plan: RestorePlan,
    /// What it was made from.
    pub basis: Basis,
}

impl Catalog {
    /// Keeps a plan that somebody has made for a day, and drops those that are older, or too many.
    pub fn add_plan(&self, stored: &StoredPlan, by: &str) -> Result<(), CatalogError> {
        let made = stored.plan.made;
        let holder = format!("{} {by}", stored.plan.environment);
        self.write(|session| {
            session.execute(
                "DELETE FROM notes WHERE kind IN (?1, ?2) AND at < ?3",
                values![PLAN, PLANS_OF, instant_to_sql(made - KEPT)],
            )?;
            session.execute(
                "INSERT INTO notes (kind, name, at, record) VALUES (?1, ?2, ?3, ?4)",
                values![
                    PLAN,
                    stored.plan.id.0.as_str(),
                    instant_to_sql(made),
                    serde_json::to_string(stored)?
                ],
            )?;
            let row = session.row(
                "SELECT record FROM notes WHERE kind = ?1 AND name = ?2",
                values![PLANS_OF, holder.as_str()],
            )?;
            let mut theirs: Vec<PlanId> = match row {
                Some(row) => serde_json::from_str(&row.text(0)?)?,
                None => Vec::new(),
            };
            theirs.push(stored.plan.id.clone());
            let too_many = theirs.len().saturating_sub(PER_CALLER);
            for old in theirs.drain(..too_many) {
                session.execute(
                    "DELETE FROM notes WHERE kind = ?1 AND name = ?2",
                    values![PLAN, old.0.as_str()],
                )?;
            }
            session.execute(
                "INSERT INTO notes (kind, name, at, record) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at, record = excluded.record",
                values![
                    PLANS_OF,
                    holder.as_str(),
                    instant_to_sql(made),
                    serde_json::to_string(&theirs)?
                ],
            )?;
            Ok(())
        })
    }

    /// The plan of that id, if it was made here within a day before `now`.
    pub fn plan(&self, id: &PlanId, now: Instant) -> Result<Option<StoredPlan>, CatalogError> {
        self.read(|session| {
            let row = session.row(
                "SELECT record FROM notes WHERE kind = ?1 AND name = ?2 AND at >= ?3",
                values![PLAN, id.0.as_str(), instant_to_sql(now - KEPT)],
            )?;
            row.map(|row| Ok(serde_json::from_str(&row.text(0)?)?))
                .transpose()
        })
    }

    /// The newest job that has, or may have, changed Live of the environment.
    pub fn last_change(&self, environment: &EnvironmentName) -> Result<Option<LastChange>, CatalogError> {
        self.read(|session| {
            let row = session.row(
                "SELECT id, kind FROM jobs WHERE environment = ?1 AND kind IN (?2, ?3) AND ended IS NOT NULL
                 AND state <> ?4 ORDER BY id DESC LIMIT 1",
                values![
                    environment.to_string(),
                    JobKind::Restore.label(),
                    JobKind::Undo.label(),
                    JobState::Cancelled.label()
                ],
            )?;
            row.map(|row| {
                Ok(LastChange {
                    job: JobId(row.count(0)?),
                    kind: if row.text(1)? == JobKind::Undo.label() {
                        JobKind::Undo
                    } else {
                        JobKind::Restore
                    },
                })
            })
            .transpose()
        })
    }
}
