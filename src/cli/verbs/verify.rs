//! `lifeboat verify ENV`: reads backups back and compares every digest.

use clap::Args;

use crate::cli::follow::{self, JobArguments};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;

/// What `lifeboat verify` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct VerifyArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// One backup: an id, a unique beginning of one, a slot's name, "upgrade" or "safety"; all of them without it
    #[arg(value_name = "BACKUP")]
    pub backup: Option<String>,
    /// How the job is followed.
    #[command(flatten)]
    pub job: JobArguments,
}

pub(super) async fn run(arguments: VerifyArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    follow::start(&arguments.job, call, async |backend| {
        backend
            .start_verify(arguments.environment, arguments.backup)
            .await
    })
    .await
}
