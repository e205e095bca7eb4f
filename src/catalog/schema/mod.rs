//! The tables of the catalog, as numbered migrations: the same tables in every store, in the store's own words.
//!
//! A migration that has been released is never changed; a new one is added below it.

mod postgres;
mod sqlite;

use super::activity;
use super::error::Fault;
use super::store::Session;

pub(super) use postgres::MIGRATIONS as POSTGRES;
pub(super) use sqlite::MIGRATIONS as SQLITE;

/// Something that is done to the tables in the migration's transaction.
type Step = fn(&mut Session<'_>) -> Result<(), Fault>;

/// One step from a form of the tables to the next.
pub(super) struct Migration {
    /// The statements.
    pub sql: &'static str,
    /// What no statement can do.
    pub then: Option<Step>,
}

impl Migration {
    /// A step that statements can do.
    pub(super) const fn of(sql: &'static str) -> Self {
        Self { sql, then: None }
    }
}

/// Does the migrations that tables in the form `found` have not had, and gives the form that they have now. The caller
/// holds a transaction.
pub(super) fn migrate(session: &mut Session<'_>, migrations: &[Migration], found: i64) -> Result<i64, Fault> {
    let known = i64::try_from(migrations.len()).unwrap_or(i64::MAX);
    let Some(missing) = usize::try_from(found).ok().and_then(|had| migrations.get(had..)) else {
        return Err(Fault::Newer { found, known });
    };
    for migration in missing {
        session.run(migration.sql)?;
        if let Some(then) = migration.then {
            then(session)?;
        }
    }
    Ok(known)
}

/// Links what the activity log held before it was a chain.
const LINK: Step = activity::link_all;
