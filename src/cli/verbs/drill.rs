//! `lifeboat drill ENV`: restores a backup into a scratch place, and compares it there.

use clap::Args;

use crate::cli::follow::{self, JobArguments};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;

/// What `lifeboat drill --help` says first.
pub const LONG_ABOUT: &str = "\
Proves that a backup can be restored: restores it into a scratch place beside nothing that is live, compares \
everything there with the backup's record, and removes it again. How long that took is shown as what a real \
restore will take. A backup that does not come back as it was taken holds no slot any more.";

/// What `lifeboat drill` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DrillArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// One backup: an id, a unique beginning of one, a slot's name, "upgrade" or "safety"; the newest good one without it,
    /// which is no safety backup
    #[arg(value_name = "BACKUP")]
    pub backup: Option<String>,
    /// How the job is followed.
    #[command(flatten)]
    pub job: JobArguments,
}

pub(super) async fn run(arguments: DrillArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    follow::start(&arguments.job, call, async |backend| {
        backend.start_drill(arguments.environment, arguments.backup).await
    })
    .await
}
