//! What the schedule asks for: one row for each thing that is due, written by every Lifeboat that looks and claimed by
//! one of them.
//!
//! A row is a claim on looking, not a proof: whoever has it still looks at the list of backups. A row is served when the
//! job that was started for it ends well, in the same step as that job; when the job does not, or its Lifeboat dies, the
//! row is free again.
//!
//! Not in here: when something is due (`domain::schedule`), and starting it (`engine::schedule`).

use chrono::Duration;

use super::error::Fault;
use super::presence::Presence;
use super::records::{instant_from_sql, instant_to_sql};
use super::store::{Row, Session, Value, values};
use super::{Catalog, CatalogError};
use crate::domain::Instant;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{Job, JobId, JobState};

/// How long a row that was served is kept. It stands for its period, so this is longer than any that is still looked at.
const SERVED_KEPT: Duration = Duration::days(60);

/// How long a row that was served is kept where later ones of its kind are there. Clocks of nodes are not so far apart.
const OUTRUN_KEPT: Duration = Duration::days(2);

/// Rows that are written with one statement.
const ROWS_AT_ONCE: usize = 500;

/// One thing that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The environment.
    pub environment: EnvironmentName,
    /// When it became due; together with the environment and the kind, its name.
    pub period: Instant,
}

/// The right to serve something that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueClaim {
    /// The environment.
    pub environment: EnvironmentName,
    /// What is due there, as the one who noted it has called it.
    pub kind: String,
    /// When it became due.
    pub period: Instant,
    process: u64,
    fence: u64,
}

impl Catalog {
    /// Notes what is due. What was noted before, by any Lifeboat, stays as it is. Returns how many were new.
    pub fn note_due(&self, kind: &str, due: &[Due]) -> Result<u64, CatalogError> {
        let mut noted = 0;
        for rows in due.chunks(ROWS_AT_ONCE) {
            noted += self.write(|session| {
                let mut values: Vec<Value> = vec![kind.into()];
                let mut places = Vec::with_capacity(rows.len());
                for row in rows {
                    let (name, period) = (values.len() + 1, values.len() + 2);
                    places.push(format!("(?{name}, ?1, ?{period}, ?{period})"));
                    values.push(row.environment.to_string().into());
                    values.push(instant_to_sql(row.period).into());
                }
                let sql = format!(
                    "INSERT INTO due (environment, kind, period, not_before) VALUES {} ON CONFLICT DO NOTHING",
                    places.join(", ")
                );
                session.execute(&sql, &values)
            })?;
        }
        Ok(noted)
    }

    /// Claims up to `limit` things that are due, kind by kind as their names are in order, and of each the longest waiting
    /// first. No two Lifeboats get the same one, and none
    /// waits for another.
    pub fn claim_due(&self, now: Instant, limit: u32) -> Result<Vec<DueClaim>, CatalogError> {
        self.write(|session| {
            self.presence.check(session)?;
            let process = self.presence.number();
            let sql = format!(
                "WITH picked AS MATERIALIZED (
                     SELECT environment, kind, period FROM due
                     WHERE served IS NULL AND process IS NULL AND not_before <= ?1
                     ORDER BY kind, not_before LIMIT ?2 {}
                 )
                 UPDATE due SET process = ?3, fence = fence + 1, job = NULL FROM picked
                 WHERE due.environment = picked.environment AND due.kind = picked.kind AND due.period = picked.period
                 RETURNING due.environment, due.kind, due.period, due.fence",
                session.passing_over_locked_rows()
            );
            let rows = session.rows(&sql, values![instant_to_sql(now), limit, process])?;
            rows.iter().map(|row| claim(row, process)).collect()
        })
    }

    /// Gives back what was claimed and could not be begun, to be tried again from `not_before` on. Returns `false` when
    /// the claim is lost.
    pub fn put_back_due(&self, claim: &DueClaim, not_before: Instant) -> Result<bool, CatalogError> {
        self.end_claim(claim, "process = NULL, job = NULL, not_before = ?6", not_before)
    }

    /// Says that what was claimed is served: somebody has looked, and there was nothing to do any more. Returns `false`
    /// when the claim is lost.
    pub fn serve_due(&self, claim: &DueClaim, now: Instant) -> Result<bool, CatalogError> {
        self.end_claim(claim, "served = ?6", now)
    }

    /// Drops what nobody has begun to serve and what was served, where something later of the same kind is due in the same
    /// environment: there is one thing to do, however often it was missed. What a job stands for stays. Returns how many went.
    pub fn drop_outrun_due(&self, kind: &str, now: Instant) -> Result<u64, CatalogError> {
        self.write(|session| {
            session.execute(
                "DELETE FROM due WHERE kind = ?1 AND (served IS NULL AND process IS NULL OR served IS NOT NULL AND period < ?2)
                   AND EXISTS (SELECT 1 FROM due AS later WHERE later.environment = due.environment
                               AND later.kind = due.kind AND later.period > due.period AND later.period <= ?3)",
                values![kind, instant_to_sql(now - OUTRUN_KEPT), instant_to_sql(now)],
            )
        })
    }

    fn end_claim(&self, claim: &DueClaim, change: &str, at: Instant) -> Result<bool, CatalogError> {
        let ended = self.write(|session| {
            self.presence.check_number(session, claim.process)?;
            let sql = format!("UPDATE due SET {change} WHERE {CLAIMED}");
            let mut values = key(claim);
            values.push(instant_to_sql(at).into());
            Ok(session.execute(&sql, &values)? == 1)
        });
        match ended {
            Err(CatalogError::TakenForDead) => Ok(false),
            ended => ended,
        }
    }

    /// Frees what Lifeboats had claimed that are gone, and returns how much that was.
    pub fn free_due_of_the_gone(&self) -> Result<u64, CatalogError> {
        self.write(|session| {
            let holders = session.rows(
                "SELECT DISTINCT process FROM due WHERE served IS NULL AND process IS NOT NULL",
                &[],
            )?;
            let mut freed = 0;
            for holder in holders {
                let process = holder.count(0)?;
                if self.presence.declare_gone(session, process)? {
                    // Whoever was putting a job to one of them has done so, or will not: a job that comes while this waits for
                    // the row would not be seen by the statement that waits.
                    let held = format!(
                        "SELECT 1 FROM due WHERE served IS NULL AND process = ?1 ORDER BY environment, kind, period {}",
                        session.waiting_for_locked_rows()
                    );
                    session.rows(&held, values![process])?;
                    // What a job stands for is freed, or served, with the end of that job.
                    freed += session.execute(
                        "UPDATE due SET process = NULL WHERE served IS NULL AND process = ?1
                           AND NOT EXISTS (SELECT 1 FROM jobs WHERE jobs.id = due.job AND jobs.ended IS NULL)",
                        values![process],
                    )?;
                }
            }
            Ok(freed)
        })
    }

    /// Frees what this Lifeboat has claimed, if no job stands for it: a claim whose confirmation was lost on the way, or
    /// that could not be given back. Only for whoever claims, between two looks: nothing may be in its hands.
    pub fn free_own_due(&self) -> Result<u64, CatalogError> {
        self.write(|session| {
            session.execute(
                "UPDATE due SET process = NULL WHERE served IS NULL AND process = ?1 AND job IS NULL",
                values![self.presence.number()],
            )
        })
    }

    /// How much of what was noted is not served yet.
    pub fn due_open(&self) -> Result<u64, CatalogError> {
        self.read(|session| {
            session
                .row("SELECT count(*) FROM due WHERE served IS NULL", &[])?
                .map_or(Ok(0), |row| row.count(0))
        })
    }
}

/// The row of a claim, if the claim stands.
const CLAIMED: &str =
    "environment = ?1 AND kind = ?2 AND period = ?3 AND process = ?4 AND fence = ?5 AND served IS NULL";

/// The arguments of [`CLAIMED`].
fn key(claim: &DueClaim) -> Vec<Value> {
    vec![
        claim.environment.to_string().into(),
        claim.kind.as_str().into(),
        instant_to_sql(claim.period).into(),
        claim.process.into(),
        claim.fence.into(),
    ]
}

fn claim(row: &Row, process: u64) -> Result<DueClaim, Fault> {
    Ok(DueClaim {
        environment: row
            .text(0)?
            .parse()
            .map_err(|error| Fault::Unreadable(format!("{error}")))?,
        kind: row.text(1)?,
        period: instant_from_sql(row.number(2)?)?,
        process,
        fence: row.count(3)?,
    })
}

/// Puts a job to what it serves. Returns whether the claim stands. One that was made under a number that was declared gone does
/// not, free again or not: a Lifeboat that goes on under another number may have it still, and whoever frees what the old number
/// had would free it under the job of the new one, which would be made once more.
pub(super) fn assign(
    session: &mut Session<'_>,
    presence: &Presence,
    claim: &DueClaim,
    job: JobId,
) -> Result<bool, Fault> {
    match presence.check_number(session, claim.process) {
        Err(Fault::Refused(CatalogError::TakenForDead)) => return Ok(false),
        checked => checked?,
    }
    let sql = format!("UPDATE due SET job = ?6 WHERE {CLAIMED}");
    let mut values = key(claim);
    values.push(job.0.into());
    Ok(session.execute(&sql, &values)? == 1)
}

/// What a job served that has ended is served now, or free again.
pub(super) fn job_ended(session: &mut Session<'_>, job: &Job) -> Result<(), Fault> {
    if job.state == JobState::Done {
        session.execute(
            "UPDATE due SET served = ?2 WHERE job = ?1 AND served IS NULL",
            values![job.id.0, instant_to_sql(job.ended.unwrap_or(job.created))],
        )?;
    } else {
        session.execute(
            "UPDATE due SET process = NULL, job = NULL WHERE job = ?1 AND served IS NULL",
            values![job.id.0],
        )?;
    }
    Ok(())
}

/// What the newest backup of an environment had served is due again: it was found damaged.
pub(super) fn reopen(session: &mut Session<'_>, environment: &EnvironmentName) -> Result<(), Fault> {
    session.execute(
        "UPDATE due SET served = NULL, process = NULL, job = NULL
         WHERE environment = ?1 AND served IS NOT NULL
           AND period = (SELECT max(period) FROM due AS newest
                         WHERE newest.environment = due.environment AND newest.kind = due.kind)",
        values![environment.to_string()],
    )?;
    Ok(())
}

/// Drops rows of periods that are long over.
pub(super) fn prune(session: &mut Session<'_>, now: Instant) -> Result<(), Fault> {
    session.execute(
        "DELETE FROM due WHERE served IS NOT NULL AND period < ?1",
        values![instant_to_sql(now - SERVED_KEPT)],
    )?;
    Ok(())
}
