//! A Lifeboat among several on one PostgreSQL catalog: a row with a lease, which a thread of its own renews.
//!
//! All leases are told by the server's clock. A lease that has run out is no proof that its holder is dead; it is what
//! gives the others the right to declare it gone. That is done once and for good, and only then is anything taken over:
//! from that moment on nothing that the holder writes under its number counts. A holder that was only slow, and that
//! nobody has declared gone yet, renews its lease and goes on.
//!
//! Whoever could not renew its own lease without a break for as long as a lease lasts declares nobody gone: when the
//! server itself was away, all leases have run out, and all holders live.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant as Monotonic};

use parking_lot::{Condvar, Mutex};

use crate::catalog::error::{CatalogError, Fault};
use crate::catalog::records::some_instant;
use crate::catalog::store::{Link, Row, Session, values};
use crate::content::postgres::Connector;
use crate::domain::deed::{Deed, Deeds, LeaseNews};
use crate::domain::lifeboat_node::{LifeboatNode, NodeStanding};
use crate::domain::os_error::in_words;

/// How leases are kept.
#[derive(Debug, Clone, Copy)]
pub struct Lease {
    /// How long one lasts that is not renewed. It is renewed four times in that time.
    pub lasts: Duration,
    /// For how long a Lifeboat has to have renewed its own without a break before it declares another one gone.
    pub steady_after: Duration,
}

impl Default for Lease {
    /// What a dead Lifeboat had is taken over within half a minute.
    fn default() -> Self {
        Self {
            lasts: Duration::from_secs(20),
            steady_after: Duration::from_secs(20),
        }
    }
}

/// This Lifeboat's row.
#[derive(Debug)]
pub(in crate::catalog) struct Node {
    shared: Arc<Shared>,
    installation: Option<String>,
    beating: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    number: AtomicU64,
    name: String,
    keeps_schedule: AtomicBool,
    lease: Lease,
    deeds: Deeds,
    steady_since: Mutex<Option<Monotonic>>,
    ending: Mutex<Ending>,
    ended: Condvar,
}

/// How the thread is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    NotYet,
    /// Whatever is left is free at once.
    Orderly,
    /// As if the machine had lost its power: for tests.
    #[cfg(test)]
    Killed,
}

impl Node {
    /// Brings the database's tables to the newest form, registers a node there, and begins to renew its lease.
    pub(in crate::catalog) fn register(
        connector: &Connector,
        name: &str,
        lease: Lease,
        deeds: Deeds,
    ) -> Result<Self, CatalogError> {
        let located = |fault: Fault| fault.on(&connector.place());
        let mut link = Link::open(connector, 0)?;
        link.migrate().map_err(located)?;
        let installation = installation(&mut link).map_err(located)?;
        let number = registered(&mut link, name, lease, false).map_err(located)?;
        deeds.tell(Deed::Lease(LeaseNews::Taken {
            node: name.to_owned(),
            number,
        }));
        let shared = Arc::new(Shared {
            number: AtomicU64::new(number),
            name: name.to_owned(),
            keeps_schedule: AtomicBool::new(false),
            lease,
            deeds,
            steady_since: Mutex::new(Some(Monotonic::now())),
            ending: Mutex::new(Ending::NotYet),
            ended: Condvar::new(),
        });
        let (beat, connector) = (Arc::clone(&shared), connector.clone());
        let beating = thread::Builder::new()
            .name("lease".to_owned())
            .spawn(move || beat.keep(&connector, Some(link)))
            .map_err(|error| CatalogError::OutOfReach {
                why: format!(
                    "no thread could be started that keeps this Lifeboat's lease: {error}",
                    error = in_words(&error)
                ),
            })?;
        Ok(Self {
            shared,
            installation,
            beating: Mutex::new(Some(beating)),
        })
    }

    pub(in crate::catalog) fn number(&self) -> u64 {
        self.shared.number.load(Ordering::Acquire)
    }

    /// What tells the catalog from every other one. `None` where the server does not say enough of itself.
    pub(super) fn installation(&self) -> Option<&str> {
        self.installation.as_deref()
    }

    /// Whether the node lives, as far as can be told: its lease stands, or nobody may say yet that it has run out.
    pub(super) fn is_alive(&self, session: &mut Session<'_>, number: u64) -> Result<bool, Fault> {
        if number == self.number() {
            return Ok(true);
        }
        let row = session.row(
            "SELECT gone, lease > clock_timestamp() FROM nodes WHERE number = ?1",
            values![number],
        )?;
        Ok(match row {
            None => false,
            Some(row) => !row.truth(0)? && (row.truth(1)? || !self.shared.is_steady()),
        })
    }

    /// Whether the node's lease stands, whoever asks.
    pub(super) fn is_heard_of(session: &mut Session<'_>, number: u64) -> Result<bool, Fault> {
        let row = session.row(
            "SELECT 1 FROM nodes WHERE number = ?1 AND NOT gone AND lease > clock_timestamp()",
            values![number],
        )?;
        Ok(row.is_some())
    }

    /// The node keeps the schedule from now on.
    pub(super) fn keeps_schedule(&self, session: &mut Session<'_>) -> Result<(), Fault> {
        self.shared.keeps_schedule.store(true, Ordering::Release);
        session.execute(
            "UPDATE nodes SET keeps_schedule = TRUE WHERE number = ?1",
            values![self.number()],
        )?;
        Ok(())
    }

    /// The nodes that were heard of within a day, without verbs that have ended in order and left no job behind; and those
    /// that keep the schedule and were not declared gone.
    pub(super) fn list(&self, session: &mut Session<'_>) -> Result<Vec<LifeboatNode>, Fault> {
        let rows = session.rows(
            "SELECT number, name, CAST(extract(epoch FROM started) * 1000000 AS BIGINT),
                    CAST(extract(epoch FROM lease) * 1000000 AS BIGINT), gone, lease > clock_timestamp(), keeps_schedule
             FROM nodes
             WHERE keeps_schedule AND NOT gone
                OR lease > clock_timestamp() - interval '1 day'
                   AND (keeps_schedule OR lease > started
                        OR EXISTS (SELECT 1 FROM jobs WHERE ended IS NULL AND process = nodes.number))
             ORDER BY number",
            &[],
        )?;
        let node = |row: &Row| {
            let number = row.count(0)?;
            Ok(LifeboatNode {
                number,
                name: Some(row.text(1)?),
                started: some_instant(row, 2)?,
                lease: some_instant(row, 3)?,
                keeps_schedule: Some(row.truth(6)?),
                standing: match (row.truth(4)?, row.truth(5)?) {
                    (true, _) => NodeStanding::Gone,
                    (false, true) => NodeStanding::Alive,
                    (false, false) => NodeStanding::Late,
                },
                is_this: number == self.number(),
                jobs: Vec::new(),
            })
        };
        rows.iter().map(node).collect()
    }

    /// Declares the node gone if its lease has run out. Returns whether it is gone.
    pub(super) fn declare_gone(&self, session: &mut Session<'_>, number: u64) -> Result<bool, Fault> {
        if self.is_alive(session, number)? {
            return Ok(false);
        }
        session.execute(
            "UPDATE nodes SET gone = TRUE WHERE number = ?1 AND NOT gone AND lease <= clock_timestamp()",
            values![number],
        )?;
        // It may have renewed its lease in between.
        let stands = session.row(
            "SELECT 1 FROM nodes WHERE number = ?1 AND NOT gone",
            values![number],
        )?;
        Ok(stands.is_none())
    }

    /// Makes sure that the node was not declared gone.
    pub(super) fn check(session: &mut Session<'_>, number: u64) -> Result<(), Fault> {
        session
            .row(
                "SELECT 1 FROM nodes WHERE number = ?1 AND NOT gone",
                values![number],
            )?
            .map(|_| ())
            .ok_or(Fault::Refused(CatalogError::TakenForDead))
    }

    /// Stops as `kill -9` does: the row stays as it is.
    #[cfg(test)]
    pub(in crate::catalog) fn kill(&mut self) {
        self.end(Ending::Killed);
    }

    pub(super) fn end(&self, how: Ending) {
        {
            let mut ending = self.shared.ending.lock();
            if *ending == Ending::NotYet {
                *ending = how;
            }
            self.shared.ended.notify_all();
        }
        let beating = self.beating.lock().take();
        if let Some(beating) = beating {
            let _ = beating.join();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end(Ending::Orderly);
    }
}

impl Shared {
    fn is_steady(&self) -> bool {
        let since = *self.steady_since.lock();
        since.is_some_and(|since| since.elapsed() >= self.lease.steady_after)
    }

    /// Renews the lease until the end.
    fn keep(&self, connector: &Connector, mut link: Option<Link>) {
        loop {
            let ending = self.wait();
            let mut why = None;
            if link.as_ref().is_none_or(Link::is_closed) {
                let opened = Link::open(connector, self.number.load(Ordering::Acquire));
                link = opened.map_err(|error| why = Some(error.to_string())).ok();
            }
            match ending {
                Ending::NotYet => {}
                Ending::Orderly => {
                    if let Some(link) = &mut link {
                        // If this cannot be told now, the others find out when the lease has run out.
                        let _ = self.give_back(link);
                    }
                    self.deeds.tell(Deed::Lease(LeaseNews::GivenBack));
                    return;
                }
                #[cfg(test)]
                Ending::Killed => return,
            }
            let renewed = match &mut link {
                Some(link) => self.renew(link),
                None => Ok(false),
            };
            let is_renewed = matches!(renewed, Ok(true));
            match renewed {
                // It goes on under a new number.
                Ok(false) if link.is_some() => self.deeds.tell(Deed::Lease(LeaseNews::DeclaredGone {
                    number: self.number.load(Ordering::Acquire),
                })),
                // It is renewed, or there was no connection at all.
                Ok(_) => {}
                Err(fault) => {
                    link = None;
                    why = Some(fault.on(&connector.place()).to_string());
                }
            }
            self.keeps_steady(is_renewed, why);
        }
    }

    /// Gives the lease back: one that ends when it began tells a verb that has ended in order from one that was killed. A
    /// service is listed for a while all the same, and so is what the others have declared gone.
    fn give_back(&self, link: &mut Link) -> Result<(), Fault> {
        Session::Postgres(link).execute(
            "UPDATE nodes SET gone = TRUE,
                    lease = CASE WHEN keeps_schedule OR gone THEN clock_timestamp() ELSE started END
             WHERE number = ?1",
            values![self.number.load(Ordering::Acquire)],
        )?;
        Ok(())
    }

    /// Notes whether the lease was renewed, and tells when that has changed. `why` says what was in the way.
    fn keeps_steady(&self, is_renewed: bool, why: Option<String>) {
        let was_steady = {
            let mut steady_since = self.steady_since.lock();
            let was_steady = steady_since.is_some();
            if is_renewed {
                steady_since.get_or_insert_with(Monotonic::now);
            } else {
                *steady_since = None;
            }
            was_steady
        };
        match (was_steady, is_renewed, why) {
            (true, false, Some(why)) => self.deeds.tell(Deed::Lease(LeaseNews::NotRenewed { why })),
            (false, true, _) => self.deeds.tell(Deed::Lease(LeaseNews::Renewed)),
            _ => {}
        }
    }

    /// Waits until it is time to renew the lease, or to end.
    fn wait(&self) -> Ending {
        let mut ending = self.ending.lock();
        let is_to_wait = |ending: &mut Ending| *ending == Ending::NotYet;
        self.ended
            .wait_while_for(&mut ending, is_to_wait, self.lease.lasts / 4);
        *ending
    }

    /// Renews the lease, or goes on under another number when this one was declared gone.
    fn renew(&self, link: &mut Link) -> Result<bool, Fault> {
        let renewed = Session::Postgres(link).execute(
            "UPDATE nodes SET lease = clock_timestamp() + CAST(?2 AS BIGINT) * interval '1 millisecond' WHERE number = ?1 AND NOT gone",
            values![self.number.load(Ordering::Acquire), millis(self.lease.lasts)],
        )?;
        if renewed == 1 {
            return Ok(true);
        }
        let keeps_schedule = self.keeps_schedule.load(Ordering::Acquire);
        let number = registered(link, &self.name, self.lease, keeps_schedule)?;
        self.number.store(number, Ordering::Release);
        Ok(false)
    }
}

/// The server, the database on it, and what was drawn when the tables were made: a catalog that was dumped and read into
/// another database is another one.
fn installation(link: &mut Link) -> Result<Option<String>, Fault> {
    let mut session = Session::Postgres(link);
    let may_ask = session.row(
        "SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')",
        &[],
    )?;
    if !may_ask.is_some_and(|row| row.truth(0).unwrap_or(false)) {
        return Ok(None);
    }
    session
        .row(
            "SELECT concat_ws('/', server.system_identifier, base.oid, installation.id)
             FROM pg_catalog.pg_control_system() AS server, pg_catalog.pg_database AS base, installation
             WHERE base.datname = current_database()",
            &[],
        )?
        .map(|row| row.text(0))
        .transpose()
}

/// A new number, with a fresh lease. Rows of nodes that are long gone are cleared away.
fn registered(link: &mut Link, name: &str, lease: Lease, keeps_schedule: bool) -> Result<u64, Fault> {
    let mut session = Session::Postgres(link);
    session.execute(
        "DELETE FROM nodes WHERE (gone OR NOT keeps_schedule) AND lease < clock_timestamp() - interval '30 days'
           AND NOT EXISTS (SELECT 1 FROM jobs WHERE ended IS NULL AND process = nodes.number)",
        &[],
    )?;
    session
        .row(
            "INSERT INTO nodes (name, lease, keeps_schedule)
             VALUES (?1, clock_timestamp() + CAST(?2 AS BIGINT) * interval '1 millisecond', CAST(?3 AS BIGINT) <> 0)
             RETURNING number",
            values![name, millis(lease.lasts), u64::from(keeps_schedule)],
        )?
        .ok_or_else(|| Fault::Unreadable("it gives no numbers to nodes".to_owned()))?
        .count(0)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
