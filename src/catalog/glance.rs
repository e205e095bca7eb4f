//! What stands in the catalog for all environments at once: a list of ten thousand is not asked for one by one.

use std::collections::{BTreeSet, HashMap};

use super::environments::hold_from;
use super::jobs;
use super::records::environment;
use super::store::values;
use super::{Catalog, CatalogError, Holds};
use crate::domain::environment::EnvironmentName;
use crate::domain::job::Job;

impl Catalog {
    /// The holds on all environments that have any.
    pub fn all_holds(&self) -> Result<HashMap<EnvironmentName, Holds>, CatalogError> {
        self.read(|session| {
            let mut all: HashMap<EnvironmentName, Holds> = HashMap::new();
            for row in session.rows("SELECT kind, record, environment FROM holds", &[])? {
                if let Some(name) = environment(&row, 2)? {
                    hold_from(&row, all.entry(name).or_default())?;
                }
            }
            Ok(all)
        })
    }

    /// The jobs that have not ended and whose Lifeboat lives, by their environments.
    pub fn all_running(&self) -> Result<HashMap<EnvironmentName, Job>, CatalogError> {
        self.read(|session| {
            let sql = format!("SELECT {} FROM jobs WHERE ended IS NULL", jobs::COLUMNS);
            let mut alive = HashMap::new();
            let mut all = HashMap::new();
            for row in session.rows(&sql, &[])? {
                let process = row.count(2)?;
                let is_alive = if let Some(is_alive) = alive.get(&process) {
                    *is_alive
                } else {
                    let is_alive = self.presence.is_alive(session, process)?;
                    alive.insert(process, is_alive);
                    is_alive
                };
                if is_alive {
                    let job = jobs::job(&row)?;
                    all.insert(job.environment.clone(), job);
                }
            }
            Ok(all)
        })
    }

    /// The environments that the activity log names in entries behind this number, and the number of its newest entry.
    pub fn touched_since(&self, number: u64) -> Result<(BTreeSet<EnvironmentName>, u64), CatalogError> {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.read(|session| {
            let row = session.row("SELECT coalesce(max(number), 0) FROM activity", &[])?;
            let newest = row.map_or(Ok(0), |row| row.count(0))?;
            let rows = session.rows(
                "SELECT DISTINCT environment FROM activity WHERE number > ?1 AND environment IS NOT NULL",
                values![number],
            )?;
            let mut touched = BTreeSet::new();
            for row in &rows {
                touched.extend(environment(row, 0)?);
            }
            Ok((touched, newest))
        })
    }
}
