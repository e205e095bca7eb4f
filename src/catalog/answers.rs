//! Answers that are given again: a caller who did not hear the answer asks again with the same key, and what was started
//! the first time is not started a second time.
//!
//! A job that is started under a key is bound to it in the very step that creates the job. So whatever becomes of the
//! answer, of the request or of the Lifeboat that worked on it, the key leads to the job.

use chrono::Duration;

use super::error::Fault;
use super::records::instant_to_sql;
use super::store::{Session, values};
use super::{Catalog, CatalogError};
use crate::domain::Instant;
use crate::domain::caller::Caller;
use crate::domain::job::JobId;

/// How long an answer is given again.
pub const ANSWERS_KEPT: Duration = Duration::hours(24);

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The status of the response.
    pub status: u16,
    /// Its body.
    pub body: String,
    /// Where what was made is found, if something was.
    pub location: Option<String>,
}

/// What a key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reserved {
    /// Nothing yet: it is reserved now, and whoever has asked works the answer out.
    New,
    /// The same question, whose answer is being worked out by another Lifeboat.
    Running,
    /// The same question, which this Lifeboat has worked on. It knows whether it still does; if not, that came to nothing,
    /// and the key may be given back.
    RunningHere,
    /// The same question, and the job that it has started. Its answer was not kept, or not yet.
    Started(JobId),
    /// The same question, and its answer.
    Answered(StoredAnswer),
    /// Another question.
    Different,
}

impl Catalog {
    /// Reserves a key of a caller for a question, of which `digest` is the SHA-256. A reservation whose Lifeboat has gone
    /// before it answered, or started a job, is free again.
    pub fn reserve_answer(
        &self,
        who: &str,
        key: &str,
        digest: &[u8; 32],
        now: Instant,
    ) -> Result<Reserved, CatalogError> {
        self.write(|session| {
            session.execute(
                "DELETE FROM answers WHERE at < ?1",
                values![instant_to_sql(now - ANSWERS_KEPT)],
            )?;
            let me = self.presence.number();
            let reserved = session.execute(
                "INSERT INTO answers (who, key, digest, at, process) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (who, key) DO NOTHING",
                values![who, key, &digest[..], instant_to_sql(now), me],
            )?;
            if reserved == 1 {
                return Ok(Reserved::New);
            }
            let standing = session.row(
                "SELECT digest, process, status, body, location, job FROM answers WHERE who = ?1 AND key = ?2",
                values![who, key],
            )?;
            // It was released in between: whoever asked is told to wait a moment, and asks again.
            let Some(standing) = standing else {
                return Ok(Reserved::Running);
            };
            if standing.bytes(0)? != digest {
                return Ok(Reserved::Different);
            }
            let Some(status) = standing.some_number(2)? else {
                if let Some(job) = standing.some_number(5)? {
                    let job = u64::try_from(job)
                        .map_err(|_| Fault::Unreadable(format!("{job} is not the number of a job")))?;
                    return Ok(Reserved::Started(JobId(job)));
                }
                let process = standing.count(1)?;
                if process == me {
                    return Ok(Reserved::RunningHere);
                }
                if self.presence.is_alive(session, process)? {
                    return Ok(Reserved::Running);
                }
                let taken = session.execute(
                    "UPDATE answers SET process = ?4, at = ?5
                     WHERE who = ?1 AND key = ?2 AND process = ?3 AND status IS NULL",
                    values![who, key, process, me, instant_to_sql(now)],
                )?;
                return Ok(if taken == 1 {
                    Reserved::New
                } else {
                    Reserved::Running
                });
            };
            Ok(Reserved::Answered(StoredAnswer {
                status: u16::try_from(status)
                    .map_err(|_| Fault::Unreadable(format!("{status} is not a status")))?,
                body: standing.text(3)?,
                location: standing.some_text(4)?,
            }))
        })
    }

    /// Keeps the answer to a question whose key was reserved.
    pub fn store_answer(&self, who: &str, key: &str, answer: &StoredAnswer) -> Result<(), CatalogError> {
        self.write(|session| {
            session.execute(
                "UPDATE answers SET status = ?3, body = ?4, location = ?5 WHERE who = ?1 AND key = ?2",
                values![
                    who,
                    key,
                    u32::from(answer.status),
                    answer.body.as_str(),
                    answer.location.as_deref()
                ],
            )?;
            Ok(())
        })
    }

    /// Gives a key back whose question could not be answered, so that it can be asked again.
    pub fn release_answer(&self, who: &str, key: &str) -> Result<(), CatalogError> {
        self.write(|session| {
            session.execute(
                "DELETE FROM answers WHERE who = ?1 AND key = ?2 AND status IS NULL",
                values![who, key],
            )?;
            Ok(())
        })
    }
}

/// Binds a job that is being created to the key that it was asked for under, if there was one.
pub(super) fn bind(session: &mut Session<'_>, caller: &Caller, job: JobId) -> Result<(), Fault> {
    let Some(key) = &caller.key else { return Ok(()) };
    session.execute(
        "UPDATE answers SET job = ?3 WHERE who = ?1 AND key = ?2 AND status IS NULL AND job IS NULL",
        values![caller.who.as_str(), key.as_str(), job.0],
    )?;
    Ok(())
}
