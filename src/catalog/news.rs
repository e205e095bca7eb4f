//! What other Lifeboats have written since the last look, so that those who look on here hear of it.
//!
//! In a file nothing tells what was changed, only that something was. In a database every row that matters carries the
//! transaction of its last change. Transactions do not end in the order in which they began, so what is remembered of a
//! look is which of them had ended by then, in the server's own words for that. The next look tells of those that have
//! ended since, each once: however long an older one stays open, and however many end meanwhile.

use super::error::Fault;
use super::jobs;
use super::records::{NOTIFICATION, environment, notification};
use super::store::{Session, Store, values};
use super::{Catalog, CatalogError};
use crate::domain::activity::Notification;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::Job;

/// Rows of one kind that one look tells of. Where there are more, everything is to be asked again.
const TOLD_AT_ONCE: u32 = 200;

/// Up to where a look has seen: the number of changes of a file, or the transactions of a server that had ended. Its
/// length is bounded by how many a server runs at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen(String);

/// Something that another Lifeboat has changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Nobody knows what: everything has to be asked again.
    Anything,
    /// A job.
    Job(Box<Job>),
    /// The backups, holds or state of an environment.
    Environment(EnvironmentName),
    /// There is something to tell.
    Notification(Notification),
}

impl Catalog {
    /// Up to where everything is seen now.
    pub fn seen_so_far(&self) -> Result<Seen, CatalogError> {
        if let Store::Sqlite(store) = &self.store {
            return store.changes().map(|number| Seen(number.to_string()));
        }
        self.read(now)
    }

    /// What other Lifeboats have changed since `seen`, and up to where that is. What this one wrote does not count.
    pub fn changes_since(&self, seen: &Seen) -> Result<(Vec<Change>, Seen), CatalogError> {
        if let Store::Sqlite(_) = &self.store {
            let now = self.seen_so_far()?;
            return Ok((Vec::from_iter((now != *seen).then_some(Change::Anything)), now));
        }
        self.read(|session| changed(session, seen))
    }
}

/// How far the transactions are.
fn now(session: &mut Session<'_>) -> Result<Seen, Fault> {
    let row = session
        .row("SELECT CAST(pg_current_snapshot() AS TEXT)", &[])?
        .ok_or_else(|| Fault::Unreadable("it does not tell how far its transactions are".to_owned()))?;
    Ok(Seen(row.text(0)?))
}

fn changed(session: &mut Session<'_>, seen: &Seen) -> Result<(Vec<Change>, Seen), Fault> {
    // What had ended by now and not by then. The first line is for the index.
    const SINCE: &str = "changed >= pg_snapshot_xmin(CAST(CAST(?1 AS TEXT) AS pg_snapshot))
         AND NOT pg_visible_in_snapshot(changed, CAST(CAST(?1 AS TEXT) AS pg_snapshot))
         AND pg_visible_in_snapshot(changed, CAST(CAST(?3 AS TEXT) AS pg_snapshot))
         AND writer <> lifeboat.writer()";
    // Asked first: what is written while the rest is asked is left for the next look.
    let now = now(session)?;
    if now == *seen {
        return Ok((Vec::new(), now));
    }
    let values = values![seen.0.as_str(), TOLD_AT_ONCE, now.0.as_str()];
    let mut changes = Vec::new();
    let jobs = session.rows(
        &format!(
            "SELECT {} FROM jobs WHERE {SINCE} ORDER BY changed LIMIT ?2",
            jobs::COLUMNS
        ),
        values,
    )?;
    let environments = session.rows(
        &format!(
            "SELECT DISTINCT environment FROM activity WHERE {SINCE} AND environment IS NOT NULL LIMIT ?2"
        ),
        values,
    )?;
    let told = session.rows(
        &format!("SELECT {NOTIFICATION} FROM notifications WHERE {SINCE} ORDER BY number LIMIT ?2"),
        values,
    )?;
    let most = [jobs.len(), environments.len(), told.len()]
        .into_iter()
        .max()
        .unwrap_or(0);
    if most >= TOLD_AT_ONCE as usize {
        return Ok((vec![Change::Anything], now));
    }
    for row in &jobs {
        changes.push(Change::Job(Box::new(jobs::job(row)?)));
    }
    for row in &environments {
        changes.extend(environment(row, 0)?.map(Change::Environment));
    }
    for row in &told {
        changes.push(Change::Notification(notification(row)?));
    }
    Ok((changes, now))
}
