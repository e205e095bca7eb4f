//! Jobs: created one at a time for an environment, claimed by one Lifeboat, and kept as records of the past.

use super::answers;
use super::due::{self, DueClaim};
use super::error::Fault;
use super::recording;
use super::records::{instant_from_sql, instant_to_sql};
use super::stops;
use super::store::{Row, Session, values};
use super::{Catalog, CatalogError};
use crate::domain::Instant;
use crate::domain::caller::Caller;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{Job, JobId, JobKind, JobState, Phase};
use crate::domain::principal::Principal;
use crate::domain::request::JobQuery;

/// How long one job took that ended well, to tell how long the next will take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastRun {
    /// From its beginning to its end, in milliseconds.
    pub millis: u64,
    /// The most bytes that any of its phases went through.
    pub bytes: u64,
}

/// Scheduled jobs of one kind that failed one after the other, up to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScheduledFailures {
    /// How many in a row.
    pub count: u32,
    /// When the last of them ended.
    pub last: Instant,
}

/// The right to work on a job and to say how it goes on. It is lost, and never comes back, when another Lifeboat takes
/// the job over: the fence has grown then, even where that other one lost it again since.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Claim {
    /// The job.
    pub job: JobId,
    pub(super) process: u64,
    pub(super) fence: u64,
}

/// What a job is to be.
#[derive(Debug, Clone, Copy)]
pub struct NewJob<'n> {
    /// The environment that it works on.
    pub environment: &'n EnvironmentName,
    /// What it does.
    pub kind: JobKind,
    /// What it is about, in a few words.
    pub title: &'n str,
    /// Who asks for it.
    pub by: &'n Principal,
    /// The claimed part of the schedule that it serves, if it serves one. That counts as served when the job ends well,
    /// and is free again when it does not.
    pub due: Option<&'n DueClaim>,
}

/// What [`job`] reads. Why a job is to stop is a note, until the job's own record has it.
pub(super) const COLUMNS: &str = "record, cancel_asked, process,
    (SELECT notes.record FROM notes WHERE notes.kind = 'stop' AND notes.name = CAST(jobs.id AS TEXT))";

impl Catalog {
    /// Creates a job and claims it for this Lifeboat. `state` is [`JobState::Running`] or [`JobState::Waiting`].
    ///
    /// # Errors
    /// [`CatalogError::Busy`] when the environment has a job that has not ended (rule 8), and
    /// [`CatalogError::Abandoned`] when that job's Lifeboat is gone: see [`Catalog::abandoned`].
    /// [`CatalogError::NotDue`] when the part of the schedule that it was to serve is somebody else's by now.
    pub fn create_job(
        &self,
        new: NewJob<'_>,
        now: Instant,
        state: &JobState,
    ) -> Result<(Job, Claim), CatalogError> {
        self.create_job_for(&Caller::here(new.by), new, now, state)
    }

    /// As [`Catalog::create_job`], for a caller who may have asked under a key: that leads to the job from then on.
    pub fn create_job_for(
        &self,
        caller: &Caller,
        new: NewJob<'_>,
        now: Instant,
        state: &JobState,
    ) -> Result<(Job, Claim), CatalogError> {
        self.write(|session| {
            let process = self.presence.number();
            self.presence.check(session)?;
            let inserted = session.row(
                "INSERT INTO jobs (environment, kind, asked_by, state, process, record) VALUES (?1, ?2, ?3, ?4, ?5, '{}')
                 ON CONFLICT DO NOTHING RETURNING id",
                values![
                    new.environment.to_string(),
                    new.kind.label(),
                    new.by.as_str(),
                    state.label(),
                    process
                ],
            )?;
            let Some(inserted) = inserted else {
                return Err(Fault::Refused(self.standing(session, new.environment)?));
            };
            let id = JobId(inserted.count(0)?);
            if let Some(claim) = new.due
                && !due::assign(session, &self.presence, claim, id)?
            {
                return Err(Fault::Refused(CatalogError::NotDue(new.environment.clone())));
            }
            answers::bind(session, caller, id)?;
            let job = Job {
                id,
                environment: new.environment.clone(),
                kind: new.kind,
                title: new.title.to_owned(),
                by: new.by.clone(),
                created: now,
                began: (*state == JobState::Running).then_some(now),
                ended: None,
                state: state.clone(),
                progress: None,
                left_out: Vec::new(),
                cancel_asked: false,
                stop_reason: None,
                reached: None,
                outcome: None,
            };
            let claim = Claim {
                job: id,
                process,
                fence: 1,
            };
            store(session, &claim, &job)?;
            Ok((job, claim))
        })
    }

    /// Why no job can be created: what stands on the environment.
    fn standing(
        &self,
        session: &mut Session<'_>,
        environment: &EnvironmentName,
    ) -> Result<CatalogError, Fault> {
        let environment = environment.clone();
        let Some((job, process)) = unended(session, &environment)? else {
            // It has ended in this very moment.
            return Ok(CatalogError::JustEnded(environment));
        };
        Ok(if self.presence.is_alive(session, process)? {
            CatalogError::Busy {
                environment,
                job: job.id,
                kind: job.kind,
            }
        } else {
            CatalogError::Abandoned {
                environment,
                job: job.id,
            }
        })
    }

    /// Stores how a claimed job stands. Whether it is to be cancelled is not taken from `job`: only
    /// [`Catalog::request_cancel`] says that. With its end, the part of the schedule that it served is served, or free
    /// again.
    ///
    /// # Errors
    /// [`CatalogError::NotOwned`] when the claim is lost, [`CatalogError::UnknownJob`] when there is no such job.
    pub fn update_job(&self, claim: &Claim, job: &Job) -> Result<(), CatalogError> {
        let updated = self.write(|session| {
            self.presence.check_number(session, claim.process)?;
            if !store(session, claim, job)? {
                owner(session, job.id)?;
                return Err(Fault::Refused(CatalogError::NotOwned(job.id)));
            }
            if job.state.has_ended() {
                due::job_ended(session, job)?;
                recording::job_ended(session, job.id)?;
                stops::job_ended(session, job.id)?;
            }
            Ok(())
        });
        updated.map_err(|error| lost(error, claim))
    }

    /// Makes sure that a claim still stands. Asked right before anything that another Lifeboat must not do as well.
    ///
    /// # Errors
    /// [`CatalogError::NotOwned`] when it is lost; what keeps the catalog from being asked.
    pub fn check_claim(&self, claim: &Claim) -> Result<(), CatalogError> {
        let stands = self.read(|session| {
            self.presence.check_number(session, claim.process)?;
            session.row(
                "SELECT 1 FROM jobs WHERE id = ?1 AND process = ?2 AND fence = ?3 AND ended IS NULL",
                values![claim.job.0, claim.process, claim.fence],
            )
        });
        let stands = stands.map_err(|error| lost(error, claim))?;
        stands.map(|_| ()).ok_or(CatalogError::NotOwned(claim.job))
    }

    /// One job.
    ///
    /// # Errors
    /// [`CatalogError::UnknownJob`] when there is none.
    pub fn job(&self, id: JobId) -> Result<Job, CatalogError> {
        self.read(|session| {
            one(session, "id = ?1", values![id.0])?.ok_or(Fault::Refused(CatalogError::UnknownJob(id)))
        })
    }

    /// Jobs, newest first. A limit of 0 means as many as there are.
    pub fn jobs(&self, query: &JobQuery) -> Result<Vec<Job>, CatalogError> {
        let limit = if query.limit == 0 {
            i64::MAX
        } else {
            i64::from(query.limit)
        };
        self.read(|session| {
            let mut conditions = Vec::new();
            let mut values = vec![limit.into()];
            if let Some(environment) = &query.environment {
                values.push(environment.to_string().into());
                conditions.push(format!("environment = ?{}", values.len()));
            }
            if let Some(id) = query.id {
                values.push(id.0.into());
                conditions.push(format!("id = ?{}", values.len()));
            }
            let condition = if conditions.is_empty() {
                String::new()
            } else {
                format!("WHERE {}", conditions.join(" AND "))
            };
            let sql = format!("SELECT {COLUMNS} FROM jobs {condition} ORDER BY id DESC LIMIT ?1");
            session.rows(&sql, &values)?.iter().map(job).collect()
        })
    }

    /// The job of the environment that has not ended and whose Lifeboat lives.
    pub fn running(&self, environment: &EnvironmentName) -> Result<Option<Job>, CatalogError> {
        self.read(|session| {
            let Some((job, process)) = unended(session, environment)? else {
                return Ok(None);
            };
            Ok(self.presence.is_alive(session, process)?.then_some(job))
        })
    }

    /// The newest job of the environment that has ended.
    pub fn last_ended(&self, environment: &EnvironmentName) -> Result<Option<Job>, CatalogError> {
        self.read(|session| {
            one(
                session,
                "environment = ?1 AND ended IS NOT NULL",
                values![environment.to_string()],
            )
        })
    }

    /// The newest backup of the environment that the schedule asked for and that has ended.
    pub fn last_scheduled(&self, environment: &EnvironmentName) -> Result<Option<Job>, CatalogError> {
        self.read(|session| {
            one(
                session,
                "environment = ?1 AND ended IS NOT NULL AND asked_by = ?2 AND kind = ?3",
                values![
                    environment.to_string(),
                    Principal::Schedule.as_str(),
                    JobKind::Backup.label()
                ],
            )
        })
    }

    /// Jobs that have not ended and whose Lifeboat is gone, oldest first. Whoever settles one takes it over with
    /// [`Catalog::adopt`] first.
    pub fn abandoned(&self) -> Result<Vec<Job>, CatalogError> {
        self.read(|session| {
            let sql = format!("SELECT {COLUMNS} FROM jobs WHERE ended IS NULL ORDER BY id");
            let mut jobs = Vec::new();
            for row in session.rows(&sql, &[])? {
                if !self.presence.is_alive(session, row.count(2)?)? {
                    jobs.push(job(&row)?);
                }
            }
            Ok(jobs)
        })
    }

    /// The jobs that this Lifeboat has claimed and that have not ended, oldest first.
    pub fn own_unended(&self) -> Result<Vec<Job>, CatalogError> {
        self.read(|session| {
            let sql = format!("SELECT {COLUMNS} FROM jobs WHERE ended IS NULL AND process = ?1 ORDER BY id");
            let rows = session.rows(&sql, values![self.presence.number()])?;
            rows.iter().map(job).collect()
        })
    }

    /// Claims a job anew that this Lifeboat has the claim of already, because nobody in it works on the job: a claim whose
    /// confirmation was lost on the way, or an end that could not be written. `None` when it has ended meanwhile.
    pub fn adopt_own(&self, id: JobId) -> Result<Option<Claim>, CatalogError> {
        self.write(|session| {
            self.presence.check(session)?;
            let process = self.presence.number();
            let row = session.row(
                "UPDATE jobs SET fence = fence + 1 WHERE id = ?1 AND process = ?2 AND ended IS NULL RETURNING fence",
                values![id.0, process],
            )?;
            row.map(|row| {
                Ok(Claim {
                    job: id,
                    process,
                    fence: row.count(0)?,
                })
            })
            .transpose()
        })
    }

    /// Takes over a job whose Lifeboat is gone. Of several that try, exactly one gets the claim; none is given either for
    /// a job that has ended or whose Lifeboat lives.
    ///
    /// # Errors
    /// [`CatalogError::UnknownJob`] when there is none.
    pub fn adopt(&self, id: JobId) -> Result<Option<Claim>, CatalogError> {
        self.write(|session| {
            let (owner, fence) = owner(session, id)?;
            if !self.presence.declare_gone(session, owner)? {
                return Ok(None);
            }
            let process = self.presence.number();
            self.presence.check(session)?;
            let taken = session.execute(
                "UPDATE jobs SET process = ?4, fence = fence + 1
                 WHERE id = ?1 AND process = ?2 AND fence = ?3 AND ended IS NULL",
                values![id.0, owner, fence, process],
            )?;
            Ok((taken == 1).then_some(Claim {
                job: id,
                process,
                fence: fence + 1,
            }))
        })
    }

    /// How long jobs of this kind took on the environment when they ended well, newest first.
    pub fn past_durations(
        &self,
        environment: &EnvironmentName,
        kind: JobKind,
        limit: u32,
    ) -> Result<Vec<PastRun>, CatalogError> {
        self.read(|session| {
            let rows = session.rows(
                "SELECT millis, bytes FROM jobs
                 WHERE environment = ?1 AND kind = ?2 AND state = ?3 AND millis IS NOT NULL
                 ORDER BY id DESC LIMIT ?4",
                values![
                    environment.to_string(),
                    kind.label(),
                    JobState::Done.label(),
                    limit
                ],
            )?;
            rows.iter()
                .map(|row| {
                    Ok(PastRun {
                        millis: row.count(0)?,
                        bytes: row.count(1)?,
                    })
                })
                .collect()
        })
    }

    /// The scheduled jobs of a kind on the environment that have failed since the last one that ended well; `None` when
    /// the last one did. For waiting longer after each failure. A single one whose Lifeboat died is no failure of the
    /// environment: it is made again at once. Where that happens again, it may be what kills them.
    pub fn scheduled_failures(
        &self,
        environment: &EnvironmentName,
        kind: JobKind,
    ) -> Result<Option<ScheduledFailures>, CatalogError> {
        self.read(|session| {
            let row = session.row(
                "SELECT count(*), max(ended), sum(CASE WHEN fence = 1 THEN 1 ELSE 0 END) FROM jobs
                 WHERE environment = ?1 AND kind = ?2 AND asked_by = ?3 AND ended IS NOT NULL
                   AND id > coalesce((SELECT max(id) FROM jobs
                                      WHERE environment = ?1 AND kind = ?2 AND asked_by = ?3 AND state = ?4), 0)",
                values![
                    environment.to_string(),
                    kind.label(),
                    Principal::Schedule.as_str(),
                    JobState::Done.label()
                ],
            )?;
            let Some(row) = row else { return Ok(None) };
            if row.number(0)? == 1 && row.some_number(2)? == Some(0) {
                return Ok(None);
            }
            row.some_number(1)?
                .map(|last| {
                    Ok(ScheduledFailures {
                        count: u32::try_from(row.count(0)?).unwrap_or(u32::MAX),
                        last: instant_from_sql(last)?,
                    })
                })
                .transpose()
        })
    }
}

/// Whoever was declared gone has lost its claims.
pub(super) fn lost(error: CatalogError, claim: &Claim) -> CatalogError {
    match error {
        CatalogError::TakenForDead => CatalogError::NotOwned(claim.job),
        other => other,
    }
}

/// A job from [`COLUMNS`].
pub(super) fn job(row: &Row) -> Result<Job, Fault> {
    let mut job: Job = serde_json::from_str(&row.text(0)?)?;
    job.cancel_asked = row.truth(1)?;
    if let Some(note) = row.some_text(3)? {
        job.stop_reason = Some(stops::reason(&note)?);
    }
    Ok(job)
}

/// The newest job that the condition fits.
fn one(
    session: &mut Session<'_>,
    condition: &str,
    values: &[super::store::Value],
) -> Result<Option<Job>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE {condition} ORDER BY id DESC LIMIT 1");
    session.row(&sql, values)?.as_ref().map(job).transpose()
}

/// The job of the environment that has not ended, and the process that it belongs to.
fn unended(session: &mut Session<'_>, environment: &EnvironmentName) -> Result<Option<(Job, u64)>, Fault> {
    let sql = format!("SELECT {COLUMNS} FROM jobs WHERE environment = ?1 AND ended IS NULL");
    session
        .row(&sql, values![environment.to_string()])?
        .map(|row| Ok((job(&row)?, row.count(2)?)))
        .transpose()
}

/// The process that a job belongs to, and the job's fence.
pub(super) fn owner(session: &mut Session<'_>, id: JobId) -> Result<(u64, u64), Fault> {
    let row = session
        .row("SELECT process, fence FROM jobs WHERE id = ?1", values![id.0])?
        .ok_or(Fault::Refused(CatalogError::UnknownJob(id)))?;
    Ok((row.count(0)?, row.count(1)?))
}

/// Writes a claimed job's record and the columns that follow from it. Returns whether the claim stands.
fn store(session: &mut Session<'_>, claim: &Claim, job: &Job) -> Result<bool, Fault> {
    let ended = job.state.has_ended().then(|| job.ended.unwrap_or(job.created));
    // One that found nothing to do tells nothing of how long others take.
    let is_restore = matches!(job.kind, JobKind::Restore | JobKind::Undo);
    let has_done = !is_restore || !job.left_out.contains(&Phase::Switching);
    let millis = ended
        .filter(|_| has_done)
        .and_then(|ended| job.took_millis(ended));
    let bytes = job.progress.as_ref().map_or(0, |progress| progress.bytes_done);
    let stored = session.execute(
        "UPDATE jobs SET state = ?4, ended = ?5, millis = ?6, record = ?8,
                         bytes = CASE WHEN bytes < ?7 THEN ?7 ELSE bytes END
         WHERE id = ?1 AND process = ?2 AND fence = ?3",
        values![
            job.id.0,
            claim.process,
            claim.fence,
            job.state.label(),
            ended.map(instant_to_sql),
            millis,
            bytes,
            serde_json::to_string(job)?
        ],
    )?;
    Ok(stored == 1)
}

/// Drops the oldest jobs that have ended, down to `keep`; their logs go with them.
pub(super) fn prune(session: &mut Session<'_>, keep: u32) -> Result<(), Fault> {
    session.execute(
        "DELETE FROM jobs WHERE ended IS NOT NULL
           AND id <= coalesce((SELECT id FROM jobs ORDER BY id DESC LIMIT 1 OFFSET ?1), 0)",
        values![keep],
    )?;
    Ok(())
}
