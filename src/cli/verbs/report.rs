//! `lifeboat report`: writes down what happened in a restore, or that backups are taken, read back and drilled.
//!
//! What it is made of is asked for like everything else, so that it works on a service as well.

use std::io::Write as _;

use clap::{Args, Subcommand, ValueEnum};

use crate::backend::Backend;
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{JobId, JobKind};
use crate::domain::report::{Document, ProofFacts, ProofReport, RestoreFacts, RestoreReport};
use crate::domain::request::JobQuery;
use crate::domain::{Instant, measure, printable};

/// What `lifeboat report --help` says first.
pub const LONG_ABOUT: &str = "\
Writes a report to standard output: of one restore or undo, for the review after it (what happened, who, when, phases with \
how long they took, digests, what was lost and is kept, warnings), or of a period (backups, verifications and drills by \
environment), for whoever wants to see that they are made.

It is made from what jobs, their logs, the activity log and the records of backups hold. As Markdown, as JSON, or as one \
HTML file that refers to nothing else and prints on paper.";

/// The most jobs and entries of the activity log that are asked for.
const MOST: u32 = 20_000;

/// What `lifeboat report` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ReportArguments {
    /// What it is about.
    #[command(subcommand)]
    pub what: ReportVerb,
}

/// What there are reports of.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ReportVerb {
    /// What happened in a restore or an undo
    Restore(RestoreArguments),
    /// That backups are taken, read back and drilled, over a period
    Proof(ProofArguments),
}

/// How a report is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// Markdown
    #[default]
    Markdown,
    /// One HTML file
    Html,
    /// The facts, as with --json
    Json,
}

/// What `lifeboat report restore` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RestoreArguments {
    /// The number of the restore's job
    #[arg(value_name = "JOB")]
    pub job: JobId,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    pub form: Form,
}

/// What `lifeboat report proof` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ProofArguments {
    /// From when on: a day, written 2026-11-01, or how long ago, written 30d
    #[arg(long, value_name = "WHEN", default_value = "30d", value_parser = since)]
    pub since: Since,
    /// Only this environment, written PROJECT/ENVIRONMENT
    #[arg(long, value_name = "ENV")]
    pub environment: Option<EnvironmentName>,
    /// How it is written
    #[arg(long, value_enum, default_value_t)]
    pub form: Form,
}

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// From the beginning of a day, in UTC.
    Day(Instant),
    /// So many days ago.
    DaysAgo(u16),
}

impl Since {
    fn at(self, now: Instant) -> Instant {
        match self {
            Self::Day(day) => day,
            Self::DaysAgo(days) => now - chrono::Duration::days(i64::from(days)),
        }
    }
}

fn since(text: &str) -> Result<Since, String> {
    let wrong =
        || format!("\"{text}\" is no time: write a day as 2026-11-01, or how long ago as 30d, up to 3650d");
    if let Some(days) = text.strip_suffix('d') {
        let days: u16 = days.parse().map_err(|_| wrong())?;
        return if (1..=3650).contains(&days) {
            Ok(Since::DaysAgo(days))
        } else {
            Err(wrong())
        };
    }
    let day: chrono::NaiveDate = text.parse().map_err(|_| wrong())?;
    Ok(Since::Day(day.and_time(chrono::NaiveTime::MIN).and_utc()))
}

pub(super) async fn run(arguments: ReportArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    match arguments.what {
        ReportVerb::Restore(which) => {
            let backend = call.backend().await?;
            let report = of_restore(which.job, &*backend, call.now()).await?;
            print(call, which.form, &report, RestoreReport::document)
        }
        ReportVerb::Proof(which) => {
            let since = which.since.at(call.now());
            if since > call.now() {
                return Err(CliError::usage(format!(
                    "--since {} has not come yet, it is {}: name a day that has begun, or how long ago, as 30d",
                    since.format("%Y-%m-%d"),
                    measure::moment(call.now())
                )));
            }
            let backend = call.backend().await?;
            let report = of_period(since, which.environment, &*backend, call.now()).await?;
            print(call, which.form, &report, ProofReport::document)
        }
    }
}

fn print<T: serde::Serialize>(
    call: &mut Call<'_>,
    form: Form,
    report: &T,
    document: impl Fn(&T) -> Document,
) -> Result<(), CliError> {
    if call.globals.json || form == Form::Json {
        return call.json(report);
    }
    let text = match form {
        Form::Html => document(report).html(),
        _ => document(report).markdown(),
    };
    for line in text.lines() {
        writeln!(call.outside.out, "{}", printable::line(line))?;
    }
    Ok(())
}

async fn of_restore(id: JobId, backend: &dyn Backend, now: Instant) -> Result<RestoreReport, CliError> {
    let job = backend.job(id).await?;
    if !matches!(job.kind, JobKind::Restore | JobKind::Undo) {
        return Err(CliError::usage(format!(
            "job {id} is a {}, and this is a report of restores and undos: `lifeboat jobs` lists what ran",
            job.kind.label()
        )));
    }
    let log = backend.job_log(id, 0).await?;
    let activity = backend.activity(MOST).await?;
    // An environment that is not configured any more has no backups to tell of.
    let details = backend.environment(&job.environment).await;
    let backups = details.map_or_else(|_| Vec::new(), |details| details.all_backups().cloned().collect());
    let facts = RestoreFacts {
        job,
        log,
        activity,
        backups,
    };
    Ok(RestoreReport::of(facts, now))
}

async fn of_period(
    since: Instant,
    only: Option<EnvironmentName>,
    backend: &dyn Backend,
    now: Instant,
) -> Result<ProofReport, CliError> {
    let names = if let Some(name) = only {
        vec![name]
    } else {
        let all = backend.environments().await?.into_iter();
        let live = all.filter(|summary| summary.kind.is_recoverable());
        live.map(|summary| summary.name).collect()
    };
    let mut environments = Vec::new();
    for name in names {
        let details = backend.environment(&name).await?;
        let query = JobQuery {
            environment: Some(name),
            id: None,
            limit: MOST,
        };
        environments.push((details, backend.jobs(query).await?));
    }
    let facts = ProofFacts {
        since,
        environments,
        most_jobs: usize::try_from(MOST).unwrap_or(usize::MAX),
    };
    Ok(ProofReport::of(facts, now))
}
