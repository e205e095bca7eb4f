//! `lifeboat cancel JOB`: asks a running job to stop at its next safe point.

use clap::Args;
use serde_json::json;

use crate::cli::{Call, CliError};
use crate::domain::job::JobId;

/// What `lifeboat cancel --help` says first.
pub const LONG_ABOUT: &str = "\
Asks a running job to stop at its next safe point. A restore that has begun to switch Live is finished \
instead, so that Live is never left mixed; `lifeboat undo` goes back then.";

/// What `lifeboat cancel` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct CancelArguments {
    /// The job's number, as `lifeboat jobs` shows it
    #[arg(value_name = "JOB")]
    pub job: JobId,
}

pub(super) async fn run(arguments: &CancelArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    backend.cancel(arguments.job).await?;
    let job = backend.job(arguments.job).await?;
    if call.globals.json {
        return call.json(&json!({ "job": job }));
    }
    let look = call.command(&format!("jobs {}", job.id));
    call.tell(&format!(
        "Job {} ({} of {}) was asked to stop at its next safe point. `{look}` shows how it ends.",
        job.id, job.title, job.environment
    ))
}
