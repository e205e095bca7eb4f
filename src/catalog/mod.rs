//! The catalog: what one machine remembers of jobs, their logs, activity, notifications, holds and verifications, in
//! one SQLite file. It is also the lock that lets one job at a time run on an environment.
//!
//! No backup depends on it. Everything needed to understand a backup is in the repository; if the catalog is lost or
//! damaged it can be moved away, and only the past of jobs and activity goes with it.
//!
//! Several Lifeboats may have the same catalog open. Each registers itself ([`presence`]) and every job is claimed by one
//! of them, so that a job whose Lifeboat was killed is told from one that runs.
//!
//! Not in here: what a job does, and when a job that was left behind is settled; the engine decides that. Calls block
//! for as long as SQLite needs, and every time is an argument.

mod activity;
mod answers;
mod begun;
mod couriers;
mod drills;
mod due;
mod environments;
mod error;
mod glance;
mod holders;
mod jobs;
mod news;
mod nodes;
mod notes;
mod notify;
mod plans;
mod presence;
mod recording;
mod records;
mod schema;
mod stops;
mod store;
#[cfg(test)]
mod tests;
mod tokens;

use std::fs::{DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

pub use activity::Said;
pub use answers::ANSWERS_KEPT;
pub use begun::Begun;
pub use due::{Due, DueClaim};
pub use environments::Holds;
pub use error::CatalogError;
pub use jobs::{Claim, NewJob, PastRun, ScheduledFailures};
pub use notify::{Bag, Fate, Outgoing, ReceiverRow, Waiting};
pub use plans::StoredPlan;
pub use stops::StopRequest;

use error::Fault;
use presence::{Node, OpeningLock, Presence, Process};
use store::{Postgres, Session, Sqlite, Store};

pub use news::{Change, Seen};
pub use presence::Lease;

use super::content::postgres::Connector;
use crate::domain::Instant;
use crate::domain::deed::Deeds;

/// The newest jobs that [`Catalog::prune`] keeps.
pub const JOBS_KEPT: u32 = 2_000;
/// The newest lines that are kept of one job's log.
pub const LOG_LINES_KEPT: u32 = 10_000;
/// The newest entries that [`Catalog::prune`] keeps of the activity log, and of the notifications.
pub const ACTIVITY_KEPT: u32 = 20_000;

/// An open catalog. Dropping it ends this Lifeboat's claim on its jobs.
#[derive(Debug)]
pub struct Catalog {
    store: Store,
    presence: Presence,
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
        let file = state_dir.join("catalog.sqlite");
        // Its companions get the same permissions from SQLite.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&file)
            .map_err(|source| CatalogError::io("making", &file, source))?;
        let store = Store::Sqlite(Sqlite::open(&file)?);
        let process = Process::register(&processes, &opening, || {
            store.write(|session| {
                session
                    .row("UPDATE processes SET last = last + 1 RETURNING last", &[])?
                    .ok_or_else(|| Fault::Unreadable("it gives no numbers to processes".to_owned()))?
                    .count(0)
            })
        })?;
        drop(opening);
        Ok(Self {
            store,
            presence: Presence::Process(process),
        })
    }

    /// Opens a catalog that several Lifeboats share, in the database that `connector` reaches: brings its tables to the
    /// newest form, and registers this one there as a node of this name.
    ///
    /// # Errors
    /// [`CatalogError::OutOfReach`] when the database cannot be reached, [`CatalogError::DatabaseNewer`] when a newer
    /// Lifeboat has brought it to its form.
    pub fn share(connector: Connector, node: &str, lease: Lease) -> Result<Self, CatalogError> {
        Self::share_telling(connector, node, lease, Deeds::default())
    }

    /// As [`Catalog::share`]. What becomes of the node's lease is told to `deeds`.
    pub fn share_telling(
        connector: Connector,
        node: &str,
        lease: Lease,
        deeds: Deeds,
    ) -> Result<Self, CatalogError> {
        let connector = connector.giving_up_after(lease.lasts);
        let node = Node::register(&connector, node, lease, deeds)?;
        Ok(Self {
            store: Store::Postgres(Postgres::new(connector, node.number())),
            presence: Presence::Node(node),
        })
    }

    /// This Lifeboat keeps the schedule from now on: the others tell it from a verb, which ends by itself.
    ///
    /// # Errors
    /// A catalog that cannot be written.
    pub fn keeps_schedule(&self) -> Result<(), CatalogError> {
        self.write(|session| self.presence.keeps_schedule(session))
    }

    /// This Lifeboat has ended all that it did, though something may still hold the catalog: where others share it, they need
    /// not wait until its lease has run out. Nothing that it writes from here on counts.
    pub fn sign_off(&self) {
        self.presence.sign_off();
    }

    /// Whether other machines may have this catalog open as well.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        matches!(self.store, Store::Postgres(_))
    }

    /// Where the catalog is, for people.
    #[must_use]
    pub fn place(&self) -> String {
        self.store.place()
    }

    /// Drops what is too old to keep: jobs beyond [`JOBS_KEPT`] with their logs, activity and notifications beyond
    /// [`ACTIVITY_KEPT`]. A job that has not ended is never dropped.
    pub fn prune(&self, now: Instant) -> Result<(), CatalogError> {
        self.write(|session| {
            jobs::prune(session, JOBS_KEPT)?;
            activity::prune(session, ACTIVITY_KEPT)?;
            records::prune(session, ACTIVITY_KEPT)?;
            notify::prune(session, now)?;
            due::prune(session, now)
        })
    }

    /// Runs something that only reads.
    fn read<T: Send>(
        &self,
        work: impl Fn(&mut Session<'_>) -> Result<T, Fault> + Sync,
    ) -> Result<T, CatalogError> {
        self.store.read(work)
    }

    /// Runs something that writes, whole or not at all.
    fn write<T: Send>(
        &self,
        work: impl Fn(&mut Session<'_>) -> Result<T, Fault> + Sync,
    ) -> Result<T, CatalogError> {
        self.store.write(work)
    }
}
