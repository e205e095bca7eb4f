//! What is written down line by line: job logs, the activity log and notifications.

use chrono::{DateTime, SubsecRound};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::error::Fault;
use super::{Catalog, CatalogError, LOG_LINES_KEPT, from_sql, to_sql};
use crate::domain::Instant;
use crate::domain::activity::{Activity, Notification, Severity};
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{JobId, LogLine};

impl Catalog {
    /// Adds a line to a job's log. Only the newest [`LOG_LINES_KEPT`] are kept, whatever a hook prints.
    ///
    /// # Errors
    /// [`CatalogError::UnknownJob`] when there is no such job.
    pub fn log(
        &self,
        job: JobId,
        now: Instant,
        severity: Severity,
        text: &str,
    ) -> Result<LogLine, CatalogError> {
        self.write(|tx| {
            let number: i64 = tx
                .prepare(
                    "SELECT coalesce((SELECT max(number) FROM log WHERE job = ?1), 0) + 1
                     FROM jobs WHERE id = ?1",
                )?
                .query_row([to_sql(job.0)], |row| row.get(0))
                .optional()?
                .ok_or(Fault::Refused(CatalogError::UnknownJob(job)))?;
            tx.prepare("INSERT INTO log (job, number, at, severity, text) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![
                    to_sql(job.0),
                    number,
                    instant_to_sql(now),
                    severity.label(),
                    text
                ])?;
            tx.prepare("DELETE FROM log WHERE job = ?1 AND number <= ?2")?
                .execute([to_sql(job.0), number - i64::from(LOG_LINES_KEPT)])?;
            Ok(LogLine {
                number: from_sql(number),
                at: kept(now),
                severity,
                text: text.to_owned(),
            })
        })
    }

    /// The lines of a job's log after line `after`, oldest first; 0 for all.
    pub fn log_after(&self, job: JobId, after: u64) -> Result<Vec<LogLine>, CatalogError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT number, at, severity, text FROM log WHERE job = ?1 AND number > ?2 ORDER BY number",
            )?;
            let mut rows = statement.query([to_sql(job.0), to_sql(after)])?;
            let mut lines = Vec::new();
            while let Some(row) = rows.next()? {
                lines.push(LogLine {
                    number: from_sql(row.get("number")?),
                    at: instant_from_sql(row.get("at")?)?,
                    severity: severity(row)?,
                    text: row.get("text")?,
                });
            }
            Ok(lines)
        })
    }

    /// Adds an entry to the activity log.
    pub fn add_activity(
        &self,
        now: Instant,
        by: &str,
        environment: Option<&EnvironmentName>,
        what: &str,
        job: Option<JobId>,
        severity: Severity,
    ) -> Result<Activity, CatalogError> {
        self.write(|tx| {
            tx.prepare(
                "INSERT INTO activity (at, asked_by, environment, what, job, severity)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![
                instant_to_sql(now),
                by,
                environment.map(ToString::to_string),
                what,
                job.map(|job| to_sql(job.0)),
                severity.label()
            ])?;
            Ok(Activity {
                number: from_sql(tx.last_insert_rowid()),
                at: kept(now),
                by: by.to_owned(),
                environment: environment.cloned(),
                what: what.to_owned(),
                job,
                severity,
            })
        })
    }

    /// The activity log, newest first, at most `limit` entries.
    pub fn activity(&self, limit: u32) -> Result<Vec<Activity>, CatalogError> {
        self.read(|connection| {
            let mut statement = connection.prepare("SELECT * FROM activity ORDER BY number DESC LIMIT ?1")?;
            let mut rows = statement.query([limit])?;
            let mut entries = Vec::new();
            while let Some(row) = rows.next()? {
                entries.push(Activity {
                    number: from_sql(row.get("number")?),
                    at: instant_from_sql(row.get("at")?)?,
                    by: row.get("asked_by")?,
                    environment: environment(row)?,
                    what: row.get("what")?,
                    job: job(row)?,
                    severity: severity(row)?,
                });
            }
            Ok(entries)
        })
    }

    /// Adds a notification, not seen yet.
    pub fn notify(
        &self,
        now: Instant,
        severity: Severity,
        environment: Option<&EnvironmentName>,
        text: &str,
        job: Option<JobId>,
    ) -> Result<Notification, CatalogError> {
        self.write(|tx| {
            tx.prepare(
                "INSERT INTO notifications (at, severity, environment, text, job) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                instant_to_sql(now),
                severity.label(),
                environment.map(ToString::to_string),
                text,
                job.map(|job| to_sql(job.0))
            ])?;
            Ok(Notification {
                number: from_sql(tx.last_insert_rowid()),
                at: kept(now),
                severity,
                environment: environment.cloned(),
                text: text.to_owned(),
                job,
                seen: false,
            })
        })
    }

    /// Notifications, newest first, at most `limit` of them.
    pub fn notifications(&self, limit: u32) -> Result<Vec<Notification>, CatalogError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT * FROM notifications ORDER BY number DESC LIMIT ?1")?;
            let mut rows = statement.query([limit])?;
            let mut notifications = Vec::new();
            while let Some(row) = rows.next()? {
                notifications.push(Notification {
                    number: from_sql(row.get("number")?),
                    at: instant_from_sql(row.get("at")?)?,
                    severity: severity(row)?,
                    environment: environment(row)?,
                    text: row.get("text")?,
                    job: job(row)?,
                    seen: row.get("seen")?,
                });
            }
            Ok(notifications)
        })
    }

    /// Marks the notifications up to this number as seen.
    pub fn seen(&self, up_to: u64) -> Result<(), CatalogError> {
        self.write(|tx| {
            tx.prepare("UPDATE notifications SET seen = 1 WHERE number <= ?1 AND seen = 0")?
                .execute([to_sql(up_to)])?;
            Ok(())
        })
    }
}

/// Drops the oldest entries of the activity log and the oldest notifications, down to `keep` of each.
pub(super) fn prune(tx: &Transaction, keep: u32) -> Result<(), Fault> {
    for table in ["activity", "notifications"] {
        tx.execute(
            &format!(
                "DELETE FROM {table}
                 WHERE number <= coalesce((SELECT number FROM {table} ORDER BY number DESC LIMIT 1 OFFSET ?1), 0)"
            ),
            [keep],
        )?;
    }
    Ok(())
}

/// A time as the tables keep it, in microseconds since 1970.
pub(super) fn instant_to_sql(at: Instant) -> i64 {
    at.timestamp_micros()
}

/// The other direction of [`instant_to_sql`].
pub(super) fn instant_from_sql(micros: i64) -> Result<Instant, Fault> {
    DateTime::from_timestamp_micros(micros)
        .ok_or_else(|| Fault::Unreadable(format!("{micros} is not a time")))
}

/// The time that will be read back for this one.
pub(super) fn kept(at: Instant) -> Instant {
    at.trunc_subsecs(6)
}

fn severity(row: &Row<'_>) -> Result<Severity, Fault> {
    let word: String = row.get("severity")?;
    [Severity::Information, Severity::Warning, Severity::Critical]
        .into_iter()
        .find(|severity| severity.label() == word)
        .ok_or_else(|| Fault::Unreadable(format!("\"{word}\" is not a severity")))
}

fn environment(row: &Row<'_>) -> Result<Option<EnvironmentName>, Fault> {
    row.get::<_, Option<String>>("environment")?
        .map(|name| name.parse())
        .transpose()
        .map_err(|error| Fault::Unreadable(format!("{error}")))
}

fn job(row: &Row<'_>) -> Result<Option<JobId>, Fault> {
    Ok(row.get::<_, Option<i64>>("job")?.map(|id| JobId(from_sql(id))))
}
