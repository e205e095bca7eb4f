//! `lifeboat jobs`: what ran and what runs, of all environments or of one; with a number, one job and its log.

use std::str::FromStr;

use clap::Args;
use serde_json::json;

use crate::backend::{Backend, BackendError};
use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError, follow};
use crate::domain::environment::{EnvironmentName, NameError};
use crate::domain::job::{Job, JobId, JobState, LogLine};
use crate::domain::request::JobQuery;
use crate::domain::{Instant, measure};

/// What `lifeboat jobs` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct JobsArguments {
    /// The number of one job, or the environment whose jobs are listed; all of them without it, newest first
    #[arg(value_name = "ID|ENV")]
    pub which: Option<Which>,
    /// Print the log of the one job
    #[arg(long)]
    pub log: bool,
    /// Only the jobs of this environment
    #[arg(long, value_name = "ENV", conflicts_with = "which")]
    pub environment: Option<EnvironmentName>,
    /// At most so many; 20 without it
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: Option<u32>,
}

/// So many jobs are listed where nobody says how many.
const LISTED: u32 = 20;

/// Which jobs are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// The one of this number.
    Job(JobId),
    /// Those of this environment.
    Of(EnvironmentName),
}

impl FromStr for Which {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Whoever writes a slash means an environment, and is told what is wrong with that name.
        if text.contains('/') {
            return text
                .parse()
                .map(Self::Of)
                .map_err(|wrong: NameError| wrong.to_string());
        }
        text.parse().map(Self::Job).map_err(|_| {
            "the id of a job is a number, which `lifeboat jobs` lists, and an environment is written PROJECT/ENVIRONMENT"
                .to_owned()
        })
    }
}

pub(super) async fn run(arguments: JobsArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let environment = match arguments.which {
        Some(Which::Job(_)) if arguments.limit.is_some() => {
            return Err(CliError::usage(
                "--limit is for a list of jobs, and a number is one job: leave one of them away",
            ));
        }
        Some(Which::Job(id)) => {
            let backend = call.backend().await?;
            return one(id, arguments.log, backend.as_ref(), call).await;
        }
        // The parser asks for no id where an option is given that does not go with one.
        _ if arguments.log => {
            return Err(CliError::usage(
                "--log prints the log of one job: give its id, as in `lifeboat jobs 12 --log`",
            ));
        }
        Some(Which::Of(name)) => Some(name),
        None => arguments.environment,
    };
    let backend = call.backend().await?;
    let query = JobQuery {
        environment: environment.clone(),
        id: None,
        limit: arguments.limit.unwrap_or(LISTED),
    };
    let jobs = backend.jobs(query).await?;
    // One that is configured no more has jobs still; one that has none may be spelled badly.
    if let Some(name) = environment.as_ref().filter(|_| jobs.is_empty())
        && let Err(unknown @ BackendError::UnknownEnvironment { .. }) = backend.environment(name).await
    {
        return Err(unknown.into());
    }
    if call.globals.json {
        return call.json(&json!({ "jobs": jobs }));
    }
    if jobs.is_empty() {
        return match environment {
            Some(name) => call.say(&format!("There has been no job of {name} yet.")),
            None => call.say("There has been no job yet."),
        };
    }
    let now = call.now();
    let mut table = Table::new(&[
        ("job", Side::Right),
        ("asked for (UTC)", Side::Left),
        ("environment", Side::Left),
        ("state", Side::Left),
        ("took", Side::Left),
        ("what", Side::Left),
    ]);
    for job in &jobs {
        table.row([
            job.id.to_string(),
            measure::in_column(job.created),
            job.environment.to_string(),
            state(job),
            job.took_millis(now).map(measure::millis).unwrap_or_default(),
            format!("{} by {}", job.title, job.by),
        ]);
    }
    call.table(&table)
}

/// How a job stands, with its place where it waits for its turn.
fn state(job: &Job) -> String {
    match &job.state {
        JobState::Waiting {
            place: Some(place), ..
        } => format!("{}, {place}", job.state.label()),
        state => state.label().to_owned(),
    }
}

/// Shows one job, with its log if that was asked for.
async fn one(id: JobId, with_log: bool, backend: &dyn Backend, call: &mut Call<'_>) -> Result<(), CliError> {
    let job = backend.job(id).await?;
    let log = if with_log {
        backend.job_log(id, 0).await?
    } else {
        Vec::new()
    };
    if call.globals.json {
        let mut object = json!({ "job": job });
        if with_log {
            object["log"] = json!(log);
        }
        return call.json(&object);
    }
    call.table(&facts(&job, call.now()))?;
    if let Some(ways) = follow::ways_out(&job, call) {
        call.tell(&ways)?;
    }
    if let Some(outcome) = &job.outcome {
        for warning in &outcome.warnings {
            call.tell(&format!("warning: {warning}"))?;
        }
        for health in &outcome.health {
            call.tell(&format!("{} is {}", health.who(), health.state_in_words()))?;
        }
    }
    if with_log {
        call.say("")?;
    }
    for line in &log {
        call.say(&log_line(line))?;
    }
    Ok(())
}

fn facts(job: &Job, now: Instant) -> Table {
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
    let mut fact = |word: &str, value: String| table.row([word.to_owned(), value]);
    fact("job", format!("{} ({})", job.id, job.kind.label()));
    fact("environment", job.environment.to_string());
    fact("what", job.title.clone());
    fact("by", job.by.to_string());
    fact("asked for", measure::moment_exact(job.created));
    if let Some(began) = job.began {
        fact("began", measure::moment_exact(began));
    }
    if let Some(ended) = job.ended {
        fact("ended", measure::moment_exact(ended));
    }
    if let Some(took) = job.took_in_words(now) {
        fact("took", took);
    }
    let why = match (&job.state, &job.stop_reason) {
        (JobState::Failed { why } | JobState::Waiting { why, place: None, .. }, _) => format!(": {why}"),
        (JobState::Waiting { why, .. }, _) => format!(" {why}"),
        (JobState::Cancelled, Some(reason)) => format!(", since {reason}"),
        (JobState::Running, Some(reason)) => format!(", to stop at its next safe point, since {reason}"),
        _ => String::new(),
    };
    fact("state", format!("{}{why}", job.state.label()));
    if let Some(progress) = &job.progress {
        fact("phase", progress.phase.label().to_owned());
    }
    if let Some(outcome) = &job.outcome {
        fact("outcome", outcome.summary.clone());
        if let Some(backup) = &outcome.backup {
            fact("backup", backup.to_string());
        }
        if let Some(safety) = &outcome.safety {
            fact("safety backup", safety.to_string());
        }
    }
    table
}

fn log_line(line: &LogLine) -> String {
    format!(
        "{}  {:<11}  {}",
        measure::moment_exact(line.at),
        line.severity.label(),
        line.text
    )
}
