//! The moment in which a job's backup appears, told beforehand: no catalog and no repository can be written in one step,
//! so whoever takes a job over has to be able to tell whether its backup is there, is not, or may still come.
//!
//! Before a record is written to a repository, its id is noted under the job's claim. Whoever takes the job over then
//! looks whether that record is there. If it is, it is a backup like any other. If it is not, it is declared void: should
//! it still come, from a machine that stood still in between, it counts for nothing, and goes.

use super::error::Fault;
use super::jobs::Claim;
use super::records::instant_to_sql;
use super::store::{Session, values};
use super::{Catalog, CatalogError};
use crate::domain::Instant;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobId;

/// The kind of the notes that tell of a record about to be written, by job.
const RECORDING: &str = "recording";

/// The kind of the notes that tell of an environment's void records.
fn void(environment: &EnvironmentName) -> String {
    format!("void {environment}")
}

impl Catalog {
    /// Notes that a job is about to write this record.
    ///
    /// # Errors
    /// [`CatalogError::NotOwned`] when the claim is lost: then it must not be written.
    pub fn begin_record(&self, claim: &Claim, record: &str, now: Instant) -> Result<(), CatalogError> {
        self.note_under(claim, RECORDING, &claim.job.0.to_string(), record, now)
    }

    /// Writes a note in one step with making sure that the claim stands.
    ///
    /// # Errors
    /// [`CatalogError::NotOwned`] when it does not. Then nothing is written.
    pub fn note_under(
        &self,
        claim: &Claim,
        kind: &str,
        name: &str,
        record: &str,
        now: Instant,
    ) -> Result<(), CatalogError> {
        self.under(claim, |session| {
            session.execute(
                "INSERT INTO notes (kind, name, at, record) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (kind, name) DO UPDATE SET at = excluded.at, record = excluded.record",
                values![kind, name, instant_to_sql(now), record],
            )?;
            Ok(())
        })
    }

    /// Drops a note in one step with making sure that the claim stands. One that is not there is no error.
    ///
    /// # Errors
    /// [`CatalogError::NotOwned`] when it does not. Then nothing is dropped.
    pub fn drop_note_under(&self, claim: &Claim, kind: &str, name: &str) -> Result<(), CatalogError> {
        self.under(claim, |session| {
            session.execute(
                "DELETE FROM notes WHERE kind = ?1 AND name = ?2",
                values![kind, name],
            )?;
            Ok(())
        })
    }

    /// Does something in one step with making sure that the claim stands.
    fn under(
        &self,
        claim: &Claim,
        work: impl Fn(&mut Session<'_>) -> Result<(), Fault> + Send + Sync,
    ) -> Result<(), CatalogError> {
        let done = self.write(|session| {
            self.presence.check_number(session, claim.process)?;
            // Whoever takes the job over waits here, or has gone first.
            let stands = session.execute(
                "UPDATE jobs SET fence = fence WHERE id = ?1 AND process = ?2 AND fence = ?3 AND ended IS NULL",
                values![claim.job.0, claim.process, claim.fence],
            )?;
            if stands == 0 {
                return Err(Fault::Refused(CatalogError::NotOwned(claim.job)));
            }
            work(session)
        });
        done.map_err(|error| super::jobs::lost(error, claim))
    }

    /// The record that a job was about to write, or has written, while it has not ended.
    pub fn recording(&self, job: JobId) -> Result<Option<String>, CatalogError> {
        self.note(RECORDING, &job.0.to_string())
    }

    /// Declares a record void, as whoever has taken the job over.
    ///
    /// # Errors
    /// [`CatalogError::NotOwned`] when the claim is lost: then somebody else says what counts.
    pub fn void_record(
        &self,
        claim: &Claim,
        environment: &EnvironmentName,
        record: &str,
        now: Instant,
    ) -> Result<(), CatalogError> {
        self.note_under(claim, &void(environment), record, "", now)
    }

    /// The void records of an environment.
    pub fn void_records(&self, environment: &EnvironmentName) -> Result<Vec<String>, CatalogError> {
        self.notes(&void(environment))
    }
}

/// A job that has ended writes no record any more.
pub(super) fn job_ended(session: &mut Session<'_>, job: JobId) -> Result<(), Fault> {
    session.execute(
        "DELETE FROM notes WHERE kind = ?1 AND name = ?2",
        values![RECORDING, job.0.to_string()],
    )?;
    Ok(())
}
