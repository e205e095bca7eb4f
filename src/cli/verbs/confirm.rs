//! `lifeboat confirm ENV`: drops the tables that restores have replaced.

use clap::Args;

use crate::cli::follow::{self, JobArguments};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;

/// What `lifeboat confirm --help` says first.
pub const LONG_ABOUT: &str = "\
A restore into a database leaves the tables that it replaced in a schema of their own, so that `lifeboat undo` \
takes a moment. They go by themselves when their time is over. This drops them at once and frees their room; \
from then on only the safety backup can undo the restore.";

/// What `lifeboat confirm` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ConfirmArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// How the job is followed.
    #[command(flatten)]
    pub job: JobArguments,
}

pub(super) async fn run(arguments: ConfirmArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    follow::start(&arguments.job, call, async |backend| {
        backend.start_confirm(arguments.environment).await
    })
    .await
}
