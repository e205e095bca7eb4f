//! Jobs: created one at a time for an environment, owned by a process, and kept as records of the past.

use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};

use super::error::Fault;
use super::records::{instant_from_sql, instant_to_sql};
use super::{Catalog, CatalogError, from_sql, to_sql};
use crate::domain::Instant;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{Job, JobId, JobKind, JobState};
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

/// Who asks for the jobs of the schedule.
const SCHEDULE: &str = "schedule";

impl Catalog {
    /// Creates a job that belongs to this process. `state` is [`JobState::Running`] or [`JobState::Waiting`].
    ///
    /// # Errors
    /// [`CatalogError::Busy`] when the environment has a job that has not ended (rule 8), and
    /// [`CatalogError::Abandoned`] when that job's process is gone: see [`Catalog::abandoned`].
    pub fn create_job(
        &self,
        environment: &EnvironmentName,
        kind: JobKind,
        title: &str,
        by: &str,
        now: Instant,
        state: JobState,
    ) -> Result<Job, CatalogError> {
        self.write(|tx| {
            if let Some((standing, process)) = unended(tx, environment)? {
                let environment = environment.clone();
                return Err(Fault::Refused(if self.process.is_alive(process)? {
                    CatalogError::Busy {
                        environment,
                        job: standing.id,
                        kind: standing.kind,
                    }
                } else {
                    CatalogError::Abandoned {
                        environment,
                        job: standing.id,
                    }
                }));
            }
            let began = (state == JobState::Running).then_some(now);
            let mut job = Job {
                id: JobId(0),
                environment: environment.clone(),
                kind,
                title: title.to_owned(),
                by: by.to_owned(),
                created: now,
                began,
                ended: None,
                state,
                progress: None,
                cancel_asked: false,
                outcome: None,
            };
            tx.prepare(
                "INSERT INTO jobs (environment, kind, asked_by, state, process, record)
                 VALUES (?1, ?2, ?3, ?4, ?5, '{}')",
            )?
            .execute(params![
                environment.to_string(),
                kind.label(),
                by,
                job.state.label(),
                to_sql(self.process.number()),
            ])?;
            job.id = JobId(from_sql(tx.last_insert_rowid()));
            store(tx, &job)?;
            Ok(job)
        })
    }

    /// Stores how a job of this process stands. Whether it is to be cancelled is not taken from `job`: only
    /// [`Catalog::request_cancel`] says that.
    ///
    /// # Errors
    /// [`CatalogError::NotOwned`] when the job belongs to another process, [`CatalogError::UnknownJob`] when there is
    /// none.
    pub fn update_job(&self, job: &Job) -> Result<(), CatalogError> {
        self.write(|tx| {
            if owner(tx, job.id)? != self.process.number() {
                return Err(Fault::Refused(CatalogError::NotOwned(job.id)));
            }
            store(tx, job)
        })
    }

    /// One job.
    ///
    /// # Errors
    /// [`CatalogError::UnknownJob`] when there is none.
    pub fn job(&self, id: JobId) -> Result<Job, CatalogError> {
        self.read(|connection| {
            one(connection, "id = ?1", params![to_sql(id.0)])?
                .ok_or(Fault::Refused(CatalogError::UnknownJob(id)))
        })
    }

    /// Jobs, newest first. A limit of 0 means as many as there are.
    pub fn jobs(&self, query: &JobQuery) -> Result<Vec<Job>, CatalogError> {
        let limit = if query.limit == 0 {
            -1
        } else {
            i64::from(query.limit)
        };
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT record, cancel_asked, process FROM jobs
                 WHERE (:environment IS NULL OR environment = :environment) AND (:id IS NULL OR id = :id)
                 ORDER BY id DESC LIMIT :limit",
            )?;
            let rows = statement.query_map(
                named_params! {
                    ":environment": query.environment.as_ref().map(ToString::to_string),
                    ":id": query.id.map(|id| to_sql(id.0)),
                    ":limit": limit,
                },
                StoredJob::read,
            )?;
            rows.map(|row| row?.job()).collect()
        })
    }

    /// The job of the environment that has not ended and whose process lives.
    pub fn running(&self, environment: &EnvironmentName) -> Result<Option<Job>, CatalogError> {
        self.read(|connection| {
            let Some((job, process)) = unended(connection, environment)? else {
                return Ok(None);
            };
            Ok(self.process.is_alive(process)?.then_some(job))
        })
    }

    /// The newest job of the environment that has ended.
    pub fn last_ended(&self, environment: &EnvironmentName) -> Result<Option<Job>, CatalogError> {
        self.read(|connection| {
            one(
                connection,
                "environment = ?1 AND ended IS NOT NULL",
                params![environment.to_string()],
            )
        })
    }

    /// The newest backup of the environment that the schedule asked for and that has ended.
    pub fn last_scheduled(&self, environment: &EnvironmentName) -> Result<Option<Job>, CatalogError> {
        self.read(|connection| {
            one(
                connection,
                "environment = ?1 AND ended IS NOT NULL AND asked_by = ?2 AND kind = ?3",
                params![environment.to_string(), SCHEDULE, JobKind::Backup.label()],
            )
        })
    }

    /// Jobs that have not ended and whose process is gone, oldest first. Whoever settles one takes it over with
    /// [`Catalog::adopt`] first.
    pub fn abandoned(&self) -> Result<Vec<Job>, CatalogError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare("SELECT record, cancel_asked, process FROM jobs WHERE ended IS NULL ORDER BY id")?;
            let rows = statement.query_map([], StoredJob::read)?;
            let mut jobs = Vec::new();
            for row in rows {
                let row = row?;
                if !self.process.is_alive(row.process)? {
                    jobs.push(row.job()?);
                }
            }
            Ok(jobs)
        })
    }

    /// Takes over a job whose process is gone. Of several Lifeboats that try, exactly one gets `true`; `false` also for
    /// a job that has ended or whose process lives.
    ///
    /// # Errors
    /// [`CatalogError::UnknownJob`] when there is none.
    pub fn adopt(&self, id: JobId) -> Result<bool, CatalogError> {
        self.write(|tx| {
            if self.process.is_alive(owner(tx, id)?)? {
                return Ok(false);
            }
            let taken = tx
                .prepare("UPDATE jobs SET process = ?2 WHERE id = ?1 AND ended IS NULL")?
                .execute(params![to_sql(id.0), to_sql(self.process.number())])?;
            Ok(taken == 1)
        })
    }

    /// Asks a job to stop at its next safe point; any Lifeboat may. Returns whether that changed anything: `false` for
    /// a job that has ended or has been asked already.
    ///
    /// # Errors
    /// [`CatalogError::UnknownJob`] when there is none.
    pub fn request_cancel(&self, id: JobId) -> Result<bool, CatalogError> {
        self.write(|tx| {
            owner(tx, id)?;
            let asked = tx
                .prepare(
                    "UPDATE jobs SET cancel_asked = 1 WHERE id = ?1 AND ended IS NULL AND cancel_asked = 0",
                )?
                .execute([to_sql(id.0)])?;
            Ok(asked == 1)
        })
    }

    /// Whether somebody has asked the job to stop.
    ///
    /// # Errors
    /// [`CatalogError::UnknownJob`] when there is none.
    pub fn cancel_requested(&self, id: JobId) -> Result<bool, CatalogError> {
        self.read(|connection| {
            connection
                .prepare("SELECT cancel_asked FROM jobs WHERE id = ?1")?
                .query_row([to_sql(id.0)], |row| row.get(0))
                .optional()?
                .ok_or(Fault::Refused(CatalogError::UnknownJob(id)))
        })
    }

    /// How long jobs of this kind took on the environment when they ended well, newest first.
    pub fn past_durations(
        &self,
        environment: &EnvironmentName,
        kind: JobKind,
        limit: u32,
    ) -> Result<Vec<PastRun>, CatalogError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT millis, bytes FROM jobs
                 WHERE environment = ?1 AND kind = ?2 AND state = ?3 AND millis IS NOT NULL
                 ORDER BY id DESC LIMIT ?4",
            )?;
            let rows = statement.query_map(
                params![
                    environment.to_string(),
                    kind.label(),
                    JobState::Done.label(),
                    limit
                ],
                |row| {
                    Ok(PastRun {
                        millis: from_sql(row.get(0)?),
                        bytes: from_sql(row.get(1)?),
                    })
                },
            )?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The scheduled jobs of a kind on the environment that have failed since the last one that ended well; `None` when
    /// the last one did. For waiting longer after each failure.
    pub fn scheduled_failures(
        &self,
        environment: &EnvironmentName,
        kind: JobKind,
    ) -> Result<Option<ScheduledFailures>, CatalogError> {
        self.read(|connection| {
            let mut statement = connection.prepare(
                "SELECT count(*), max(ended) FROM jobs
                 WHERE environment = ?1 AND kind = ?2 AND asked_by = ?3 AND ended IS NOT NULL
                   AND id > coalesce((SELECT max(id) FROM jobs
                                      WHERE environment = ?1 AND kind = ?2 AND asked_by = ?3 AND state = ?4), 0)",
            )?;
            let (count, last): (u32, Option<i64>) = statement.query_row(
                params![
                    environment.to_string(),
                    kind.label(),
                    SCHEDULE,
                    JobState::Done.label()
                ],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            last.map(|last| {
                Ok(ScheduledFailures {
                    count,
                    last: instant_from_sql(last)?,
                })
            })
            .transpose()
        })
    }
}

/// A row of the table, before its record is taken apart.
struct StoredJob {
    record: String,
    cancel_asked: bool,
    process: u64,
}

impl StoredJob {
    /// From the columns `record, cancel_asked, process`.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            record: row.get(0)?,
            cancel_asked: row.get(1)?,
            process: from_sql(row.get(2)?),
        })
    }

    fn job(self) -> Result<Job, Fault> {
        let mut job: Job = serde_json::from_str(&self.record)?;
        job.cancel_asked = self.cancel_asked;
        Ok(job)
    }
}

/// The newest job that the condition fits.
fn one(
    connection: &Connection,
    condition: &str,
    arguments: impl rusqlite::Params,
) -> Result<Option<Job>, Fault> {
    connection
        .prepare(&format!(
            "SELECT record, cancel_asked, process FROM jobs WHERE {condition} ORDER BY id DESC LIMIT 1"
        ))?
        .query_row(arguments, StoredJob::read)
        .optional()?
        .map(StoredJob::job)
        .transpose()
}

/// The job of the environment that has not ended, and the process that it belongs to.
fn unended(connection: &Connection, environment: &EnvironmentName) -> Result<Option<(Job, u64)>, Fault> {
    let stored = connection
        .prepare("SELECT record, cancel_asked, process FROM jobs WHERE environment = ?1 AND ended IS NULL")?
        .query_row([environment.to_string()], StoredJob::read)
        .optional()?;
    stored
        .map(|stored| {
            let process = stored.process;
            Ok((stored.job()?, process))
        })
        .transpose()
}

/// The process that a job belongs to.
fn owner(tx: &Transaction, id: JobId) -> Result<u64, Fault> {
    tx.prepare("SELECT process FROM jobs WHERE id = ?1")?
        .query_row([to_sql(id.0)], |row| Ok(from_sql(row.get(0)?)))
        .optional()?
        .ok_or(Fault::Refused(CatalogError::UnknownJob(id)))
}

/// Writes a job's record and the columns that follow from it.
fn store(tx: &Transaction, job: &Job) -> Result<(), Fault> {
    let ended = job.state.has_ended().then(|| job.ended.unwrap_or(job.created));
    let millis = ended.and_then(|ended| job.took_millis(ended));
    tx.prepare(
        "UPDATE jobs SET state = :state, ended = :ended, millis = :millis, bytes = max(bytes, :bytes), record = :record
         WHERE id = :id",
    )?
    .execute(named_params! {
        ":id": to_sql(job.id.0),
        ":state": job.state.label(),
        ":ended": ended.map(instant_to_sql),
        ":millis": millis.map(to_sql),
        ":bytes": to_sql(job.progress.as_ref().map_or(0, |progress| progress.bytes_done)),
        ":record": serde_json::to_string(job)?,
    })?;
    Ok(())
}

/// Drops the oldest jobs that have ended, down to `keep`; their logs go with them.
pub(super) fn prune(tx: &Transaction, keep: u32) -> Result<(), Fault> {
    tx.execute(
        "DELETE FROM jobs WHERE ended IS NOT NULL
           AND id <= coalesce((SELECT id FROM jobs ORDER BY id DESC LIMIT 1 OFFSET ?1), 0)",
        [keep],
    )?;
    Ok(())
}
