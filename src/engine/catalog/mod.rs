//! The catalog: what one machine remembers of jobs, their logs, activity, notifications, holds and verifications, in
//! one SQLite file. It is also the lock that lets one job at a time run on an environment.
//!
//! No backup depends on it. Everything needed to understand a backup is in the repository; if the catalog is lost or
//! damaged it can be moved away, and only the past of jobs and activity goes with it.
//!
//! Several Lifeboats may have the same catalog open. Each registers itself as a process ([`process`]) and every job
//! belongs to one of them, so that a job whose process was killed is told from one that runs.
//!
//! Not in here: what a job does, and when a job that was left behind is settled; the engine decides that. Calls block
//! for as long as SQLite needs, and every time is an argument.

mod environments;
mod error;
mod jobs;
mod plans;
mod process;
mod records;
mod schema;
#[cfg(test)]
mod tests;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};

pub use environments::Holds;
pub use error::CatalogError;
pub use jobs::{PastRun, ScheduledFailures};
pub use plans::StoredPlan;

use error::Fault;
use process::{OpeningLock, Process};

/// How long a call waits for another Lifeboat's transaction before it gives up. All of them are short.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The newest jobs that [`Catalog::prune`] keeps.
pub const JOBS_KEPT: u32 = 2_000;
/// The newest lines that are kept of one job's log.
pub const LOG_LINES_KEPT: u32 = 10_000;
/// The newest entries that [`Catalog::prune`] keeps of the activity log, and of the notifications.
pub const ACTIVITY_KEPT: u32 = 20_000;

/// An open catalog. Dropping it ends this process's claim on its jobs.
#[derive(Debug)]
pub struct Catalog {
    connection: Mutex<Connection>,
    process: Process,
    path: PathBuf,
}

impl Catalog {
    /// Opens the catalog in the state directory, making both if they are not there, and registers this process.
    ///
    /// # Errors
    /// [`CatalogError::Io`] when the directory cannot be used, [`CatalogError::Damaged`] when the file is not a
    /// catalog, [`CatalogError::Newer`] when a newer Lifeboat has written it.
    pub fn open(state_dir: &Path) -> Result<Self, CatalogError> {
        let processes = state_dir.join("processes");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&processes)
            .map_err(|source| CatalogError::io("making the directory", &processes, source))?;
        // One at a time from here: the switch to WAL and the migrations are not safe against each other.
        let opening = OpeningLock::take(&processes)?;
        let path = state_dir.join("catalog.sqlite");
        let located = |fault: Fault| fault.at(&path);
        let mut connection = Connection::open(&path).map_err(|error| located(error.into()))?;
        schema::prepare(&mut connection, BUSY_TIMEOUT).map_err(located)?;
        let process = Process::register(&processes, &opening, || {
            schema::next_process(&connection).map_err(|error| located(error.into()))
        })?;
        drop(opening);
        Ok(Self {
            connection: Mutex::new(connection),
            process,
            path,
        })
    }

    /// The catalog's file, for people.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A number that differs from its earlier answer when *another* Lifeboat has written since. What this one writes
    /// does not count. Reads nothing from the disk but the head of the log, so it may be asked every second.
    pub fn changes(&self) -> Result<u64, CatalogError> {
        self.read(|connection| {
            Ok(connection.query_row("PRAGMA data_version", [], |row| Ok(from_sql(row.get(0)?)))?)
        })
    }

    /// Drops what is too old to keep: jobs beyond [`JOBS_KEPT`] with their logs, activity and notifications beyond
    /// [`ACTIVITY_KEPT`]. A job that has not ended is never dropped.
    pub fn prune(&self) -> Result<(), CatalogError> {
        self.write(|tx| {
            jobs::prune(tx, JOBS_KEPT)?;
            records::prune(tx, ACTIVITY_KEPT)?;
            Ok(())
        })
    }

    /// Runs something that only reads.
    fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, CatalogError> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&connection).map_err(|fault| fault.at(&self.path))
    }

    /// Runs something that writes, whole or not at all. The transaction is IMMEDIATE: what `work` reads cannot be
    /// changed by another Lifeboat before it writes.
    fn write<T>(&self, work: impl FnOnce(&Transaction) -> Result<T, Fault>) -> Result<T, CatalogError> {
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        let run = |connection: &mut Connection| {
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let result = work(&transaction)?;
            transaction.commit()?;
            Ok(result)
        };
        run(&mut connection).map_err(|fault: Fault| fault.at(&self.path))
    }
}

/// SQLite has signed numbers only. What is stored here is counted or measured and never comes near the limit; if it
/// did, it would be cut off there.
fn to_sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The other direction of [`to_sql`].
fn from_sql(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
