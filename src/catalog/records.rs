//! What is written down line by line: job logs and notifications. The activity log is in `activity`.

use chrono::{DateTime, SubsecRound};

use super::error::Fault;
use super::store::{Row, Session, values};
use super::{Catalog, CatalogError, LOG_LINES_KEPT};
use crate::domain::Instant;
use crate::domain::activity::{Notification, Severity};
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
        self.write(|session| {
            let number = session
                .row(
                    "UPDATE jobs SET log_lines = log_lines + 1 WHERE id = ?1 RETURNING log_lines",
                    values![job.0],
                )?
                .ok_or(Fault::Refused(CatalogError::UnknownJob(job)))?
                .count(0)?;
            session.execute(
                "INSERT INTO log (job, number, at, severity, text) VALUES (?1, ?2, ?3, ?4, ?5)",
                values![job.0, number, instant_to_sql(now), severity.label(), text],
            )?;
            if let Some(gone) = number.checked_sub(u64::from(LOG_LINES_KEPT)) {
                session.execute(
                    "DELETE FROM log WHERE job = ?1 AND number <= ?2",
                    values![job.0, gone],
                )?;
            }
            Ok(LogLine {
                number,
                at: kept(now),
                severity,
                text: text.to_owned(),
            })
        })
    }

    /// The lines of a job's log after line `after`, oldest first; 0 for all.
    pub fn log_after(&self, job: JobId, after: u64) -> Result<Vec<LogLine>, CatalogError> {
        self.read(|session| {
            let rows = session.rows(
                "SELECT number, at, severity, text FROM log WHERE job = ?1 AND number > ?2 ORDER BY number",
                values![job.0, after],
            )?;
            rows.iter()
                .map(|row| {
                    Ok(LogLine {
                        number: row.count(0)?,
                        at: instant_from_sql(row.number(1)?)?,
                        severity: severity(row, 2)?,
                        text: row.text(3)?,
                    })
                })
                .collect()
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
        self.write(|session| {
            let number = session
                .row(
                    "INSERT INTO notifications (at, severity, environment, text, job) VALUES (?1, ?2, ?3, ?4, ?5)
                     RETURNING number",
                    values![
                        instant_to_sql(now),
                        severity.label(),
                        environment.map(ToString::to_string),
                        text,
                        job.map(|job| job.0)
                    ],
                )?
                .ok_or_else(|| Fault::Unreadable("a notification got no number".to_owned()))?
                .count(0)?;
            Ok(Notification {
                number,
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
        self.read(|session| {
            let sql = format!("SELECT {NOTIFICATION} FROM notifications ORDER BY number DESC LIMIT ?1");
            session
                .rows(&sql, values![limit])?
                .iter()
                .map(notification)
                .collect()
        })
    }

    /// Marks the notifications up to this number as seen.
    pub fn seen(&self, up_to: u64) -> Result<(), CatalogError> {
        self.write(|session| {
            session.execute(
                "UPDATE notifications SET seen = 1 WHERE number <= ?1 AND seen = 0",
                values![up_to],
            )?;
            Ok(())
        })
    }
}

/// The columns that [`notification`] reads.
pub(super) const NOTIFICATION: &str = "number, at, severity, environment, text, job, seen";

/// A notification from the columns [`NOTIFICATION`].
pub(super) fn notification(row: &Row) -> Result<Notification, Fault> {
    Ok(Notification {
        number: row.count(0)?,
        at: instant_from_sql(row.number(1)?)?,
        severity: severity(row, 2)?,
        environment: environment(row, 3)?,
        text: row.text(4)?,
        job: job(row, 5)?,
        seen: row.truth(6)?,
    })
}

/// Drops the oldest notifications, down to `keep`.
pub(super) fn prune(session: &mut Session<'_>, keep: u32) -> Result<(), Fault> {
    session.execute(
        "DELETE FROM notifications WHERE number <= coalesce(
             (SELECT number FROM notifications ORDER BY number DESC LIMIT 1 OFFSET ?1), 0)",
        values![keep],
    )?;
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

/// A column with a time; `None` where there is nothing.
pub(super) fn some_instant(row: &Row, column: usize) -> Result<Option<Instant>, Fault> {
    row.some_number(column)?.map(instant_from_sql).transpose()
}

/// The time that will be read back for this one.
pub(super) fn kept(at: Instant) -> Instant {
    at.trunc_subsecs(6)
}

/// A column with a severity.
pub(super) fn severity(row: &Row, column: usize) -> Result<Severity, Fault> {
    let word = row.text(column)?;
    [Severity::Information, Severity::Warning, Severity::Critical]
        .into_iter()
        .find(|severity| severity.label() == word)
        .ok_or_else(|| Fault::Unreadable(format!("\"{word}\" is not a severity")))
}

/// A column with an environment; `None` where there is nothing.
pub(super) fn environment(row: &Row, column: usize) -> Result<Option<EnvironmentName>, Fault> {
    row.some_text(column)?
        .map(|name| name.parse())
        .transpose()
        .map_err(|error| Fault::Unreadable(format!("{error}")))
}

/// A column with a job; `None` where there is nothing.
pub(super) fn job(row: &Row, column: usize) -> Result<Option<JobId>, Fault> {
    let id = row.some_number(column)?;
    Ok(id.map(|id| JobId(u64::try_from(id).unwrap_or(0))))
}
