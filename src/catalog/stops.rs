//! That a job is to stop, and why: asked by any Lifeboat, found by the one that works on it.
//!
//! The reason is a note beside the job's record, which only its own Lifeboat writes; with the job's end it is in the
//! record, and the note goes.

use super::activity::{self, Said};
use super::error::Fault;
use super::jobs::owner;
use super::records::instant_to_sql;
use super::store::{Session, values};
use super::{Catalog, CatalogError};
use crate::domain::Instant;
use crate::domain::job::JobId;
use crate::domain::stop::StopReason;

/// The kind of the notes that tell why a job is to stop, by job. The columns of a job name it as well.
const STOP: &str = "stop";

/// That a job was asked to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StopRequest {
    /// Why; none when a Lifeboat asked that does not tell.
    pub reason: Option<StopReason>,
}

impl Catalog {
    /// Asks a job to stop at its next safe point, and notes why; any Lifeboat may. Returns whether that changed anything:
    /// `false` for a job that has ended or has been asked already. Otherwise the activity log says so in the same step: before
    /// the job knows of it, and tells that it has stopped.
    ///
    /// # Errors
    /// [`CatalogError::UnknownJob`] when there is none.
    pub fn request_cancel(
        &self,
        id: JobId,
        why: &StopReason,
        now: Instant,
        said: &Said<'_>,
    ) -> Result<bool, CatalogError> {
        self.write(|session| {
            owner(session, id)?;
            let asked = session.execute(
                "UPDATE jobs SET cancel_asked = 1 WHERE id = ?1 AND ended IS NULL AND cancel_asked = 0",
                values![id.0],
            )?;
            if asked == 1 {
                session.execute(
                    "INSERT INTO notes (kind, name, at, record) VALUES (?1, ?2, ?3, ?4)
                     ON CONFLICT (kind, name) DO NOTHING",
                    values![
                        STOP,
                        id.0.to_string(),
                        instant_to_sql(now),
                        serde_json::to_string(why)?
                    ],
                )?;
                activity::add(session, now, said)?;
            }
            Ok(asked == 1)
        })
    }

    /// Whether the job was asked to stop, and why.
    ///
    /// # Errors
    /// [`CatalogError::UnknownJob`] when there is none.
    pub fn cancel_requested(&self, id: JobId) -> Result<Option<StopRequest>, CatalogError> {
        self.read(|session| {
            let row = session
                .row("SELECT cancel_asked FROM jobs WHERE id = ?1", values![id.0])?
                .ok_or(Fault::Refused(CatalogError::UnknownJob(id)))?;
            // Asked several times a second; the reason is looked up only when there is one.
            if !row.truth(0)? {
                return Ok(None);
            }
            let note = session.row(
                "SELECT record FROM notes WHERE kind = ?1 AND name = ?2",
                values![STOP, id.0.to_string()],
            )?;
            let reason = note.map(|row| reason(&row.text(0)?)).transpose()?;
            Ok(Some(StopRequest { reason }))
        })
    }
}

/// A reason from its note.
pub(super) fn reason(note: &str) -> Result<StopReason, Fault> {
    Ok(serde_json::from_str(note)?)
}

/// What a job that has ended was asked is in its record.
pub(super) fn job_ended(session: &mut Session<'_>, job: JobId) -> Result<(), Fault> {
    session.execute(
        "DELETE FROM notes WHERE kind = ?1 AND name = ?2",
        values![STOP, job.0.to_string()],
    )?;
    Ok(())
}
