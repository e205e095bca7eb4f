//! The activity log: who did what, as a chain in which every entry's hash is made over the one before it.
//!
//! Whoever changes, drops or slips in an entry later breaks the chain from there on, and [`Catalog::verify_activity`]
//! finds the place. Dropping the oldest entries, which [`Catalog::prune`] does, leaves the hash of the last one that went
//! as the anchor of those that stay. Somebody who may write to the tables could make a whole new chain; so whoever has to
//! prove more keeps a copy of the last hash elsewhere.

use sha2::{Digest, Sha256};

use super::error::Fault;
use super::records::{environment, instant_from_sql, instant_to_sql, job, kept, severity};
use super::store::{Row, Session, values};
use super::{Catalog, CatalogError};
use crate::domain::Instant;
use crate::domain::activity::{Activity, BrokenLink, ChainReport, Severity};
use crate::domain::caller::Caller;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobId;

/// How many entries are read at a time when the chain is checked.
const STRIDE: u32 = 1_000;

const COLUMNS: &str = "number, at, asked_by, environment, what, job, severity, came_from, request, hash";

/// What is added to the activity log.
pub struct Said<'a> {
    /// Who did it.
    pub by: &'a Caller,
    /// The environment that it is about.
    pub environment: Option<&'a EnvironmentName>,
    /// What was done, as a sentence without its end.
    pub what: &'a str,
    /// The job that it is about.
    pub job: Option<JobId>,
    /// How much it matters.
    pub severity: Severity,
}

/// Adds an entry, with what else a transaction writes.
pub(super) fn add(session: &mut Session<'_>, now: Instant, said: &Said<'_>) -> Result<Activity, Fault> {
    // Whoever adds the next entry waits here until this one is there.
    let head = session
        .row("UPDATE chain SET head = head + 1 RETURNING head, hash", &[])?
        .ok_or_else(no_chain)?;
    let entry = Activity {
        number: head.count(0)?,
        at: kept(now),
        by: plain(said.by.who.as_str()).into(),
        environment: said.environment.cloned(),
        what: plain(said.what),
        job: said.job,
        severity: said.severity,
        from: said.by.from.as_deref().map(plain),
        request: said.by.request.as_deref().map(plain),
    };
    let hash = link(&head.bytes(1)?, &entry)?;
    session.execute(
        "INSERT INTO activity
             (number, at, asked_by, environment, what, job, severity, came_from, request, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        values![
            entry.number,
            instant_to_sql(entry.at),
            entry.by.as_str(),
            entry.environment.as_ref().map(ToString::to_string),
            entry.what.as_str(),
            entry.job.map(|job| job.0),
            said.severity.label(),
            entry.from.as_deref(),
            entry.request.as_deref(),
            &hash[..],
        ],
    )?;
    session.execute("UPDATE chain SET hash = ?1", values![&hash[..]])?;
    Ok(entry)
}

impl Catalog {
    /// Adds an entry to the activity log.
    pub fn add_activity(
        &self,
        now: Instant,
        by: &Caller,
        environment: Option<&EnvironmentName>,
        what: &str,
        job: Option<JobId>,
        severity: Severity,
    ) -> Result<Activity, CatalogError> {
        let said = Said {
            by,
            environment,
            what,
            job,
            severity,
        };
        self.write(|session| add(session, now, &said))
    }

    /// The activity log, newest first, at most `limit` entries.
    pub fn activity(&self, limit: u32) -> Result<Vec<Activity>, CatalogError> {
        self.read(|session| {
            let sql = format!("SELECT {COLUMNS} FROM activity ORDER BY number DESC LIMIT ?1");
            session.rows(&sql, values![limit])?.iter().map(entry).collect()
        })
    }

    /// Checks that the activity log is what was written: every entry that is kept, from the oldest to the newest.
    pub fn verify_activity(&self) -> Result<ChainReport, CatalogError> {
        // Whoever adds or prunes waits: what is read is one state of the log.
        self.write(|session| {
            let ends = session
                .row("UPDATE chain SET head = head RETURNING head, hash, anchor, anchor_hash", &[])?
                .ok_or_else(no_chain)?;
            let (head, anchor) = (ends.count(0)?, ends.count(2)?);
            let sql = format!("SELECT {COLUMNS} FROM activity WHERE number > ?1 ORDER BY number LIMIT ?2");
            let mut report = ChainReport {
                entries: 0,
                broken: None,
            };
            let (mut at, mut hash) = (anchor, ends.bytes(3)?);
            loop {
                let rows = session.rows(&sql, values![at, STRIDE])?;
                if rows.is_empty() {
                    break;
                }
                for row in &rows {
                    let broken = |why: &str| {
                        Some(BrokenLink {
                            number: row.count(0).unwrap_or(at + 1),
                            why: why.to_owned(),
                        })
                    };
                    report.entries += 1;
                    let Ok(entry) = entry(row) else {
                        report.broken = broken("the entry cannot be read: it was changed after it was written");
                        return Ok(report);
                    };
                    hash = link(&hash, &entry)?.to_vec();
                    if row.some_bytes(9)?.as_deref() != Some(&hash[..]) {
                        report.broken = broken(
                            "the entry does not follow from the one before it: one of the two was changed, or one \
                             between them was taken away or put in",
                        );
                        return Ok(report);
                    }
                    at = entry.number;
                }
            }
            if at != head || hash != ends.bytes(1)? {
                report.broken = Some(BrokenLink {
                    number: at + 1,
                    why: format!("the log goes up to entry {head}, and the last ones were taken away"),
                });
            }
            Ok(report)
        })
    }
}

/// An entry from [`COLUMNS`].
fn entry(row: &Row) -> Result<Activity, Fault> {
    Ok(Activity {
        number: row.count(0)?,
        at: instant_from_sql(row.number(1)?)?,
        by: row.text(2)?.into(),
        environment: environment(row, 3)?,
        what: row.text(4)?,
        job: job(row, 5)?,
        severity: severity(row, 6)?,
        from: row.some_text(7)?,
        request: row.some_text(8)?,
    })
}

/// The hash of an entry that stands behind one with the hash `before`.
fn link(before: &[u8], entry: &Activity) -> Result<[u8; 32], Fault> {
    // A list has one form only. The name of the form is part of it, so that a later one can be told from this.
    let canonical = serde_json::to_vec(&(
        "activity 1",
        entry.number,
        instant_to_sql(entry.at),
        &entry.by,
        &entry.environment,
        &entry.what,
        entry.job,
        entry.severity.label(),
        &entry.from,
        &entry.request,
    ))?;
    Ok(Sha256::new()
        .chain_update(before)
        .chain_update(canonical)
        .finalize()
        .into())
}

/// A text as every store keeps it: PostgreSQL has no place for a zero byte.
fn plain(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

fn no_chain() -> Fault {
    Fault::Unreadable("the activity log has lost the end of its chain".to_owned())
}

/// Makes a chain of what was written down before the log was one.
pub(super) fn link_all(session: &mut Session<'_>) -> Result<(), Fault> {
    let ends = session
        .row("SELECT anchor, anchor_hash FROM chain", &[])?
        .ok_or_else(no_chain)?;
    let (mut at, mut hash) = (ends.count(0)?, ends.bytes(1)?);
    let sql = format!("SELECT {COLUMNS} FROM activity WHERE number > ?1 ORDER BY number LIMIT ?2");
    loop {
        let rows = session.rows(&sql, values![at, STRIDE])?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            let entry = entry(row)?;
            hash = link(&hash, &entry)?.to_vec();
            at = entry.number;
            session.execute(
                "UPDATE activity SET hash = ?2 WHERE number = ?1",
                values![at, &hash[..]],
            )?;
        }
    }
    session.execute("UPDATE chain SET head = ?1, hash = ?2", values![at, &hash[..]])?;
    Ok(())
}

/// Drops the oldest entries, down to `keep`, and keeps the hash of the last that goes as the anchor of the others.
pub(super) fn prune(session: &mut Session<'_>, keep: u32) -> Result<(), Fault> {
    let last = session.row(
        "SELECT number, hash FROM activity ORDER BY number DESC LIMIT 1 OFFSET ?1",
        values![keep],
    )?;
    let Some(last) = last else { return Ok(()) };
    session.execute(
        "UPDATE chain SET anchor = ?1, anchor_hash = ?2 WHERE anchor < ?1",
        values![last.count(0)?, &last.bytes(1)?[..]],
    )?;
    session.execute("DELETE FROM activity WHERE number <= ?1", values![last.count(0)?])?;
    Ok(())
}
