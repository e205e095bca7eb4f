//! `lifeboat backup ENV`: takes a backup of Live by hand, or before an upgrade.

use clap::{Args, ValueEnum};

use crate::cli::follow::{self, JobArguments};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::free_text;
use crate::domain::request::BackupRequest;
use crate::domain::version::MagnoliaVersion;

/// What a backup is taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BackupTrigger {
    /// Fills the manual slot
    Manual,
    /// Before an upgrade of Magnolia in Live: stands outside the four slots and expires after 48 hours
    Upgrade,
}

/// What `lifeboat backup --help` says first.
pub const LONG_ABOUT: &str = "\
Takes a backup of Live, reads back what it has written, and only then lets the one that it replaces go. A manual \
backup fills the manual slot. A backup before an upgrade stands outside the four slots and expires after 48 \
hours; while it stands, no further upgrade of the same Live is accepted.";

/// What `lifeboat backup` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BackupArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// Why, in your words; kept with the backup
    #[arg(long, value_name = "TEXT", value_parser = free_text::argument)]
    pub note: Option<String>,
    /// What the backup is taken for
    #[arg(long, value_enum, default_value_t = BackupTrigger::Manual)]
    pub trigger: BackupTrigger,
    /// The Magnolia version that Live is about to be upgraded to
    #[arg(long, value_name = "VERSION", required_if_eq("trigger", "upgrade"))]
    pub to: Option<String>,
    /// How the job is followed.
    #[command(flatten)]
    pub job: JobArguments,
}

pub(super) async fn run(arguments: BackupArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let upgrade_to = match (arguments.trigger, arguments.to) {
        (BackupTrigger::Upgrade, to) => to.map(MagnoliaVersion),
        (BackupTrigger::Manual, None) => None,
        (BackupTrigger::Manual, Some(_)) => {
            return Err(CliError::usage(
                "--to names the version of an upgrade: add --trigger upgrade, or leave --to out",
            ));
        }
    };
    let request = BackupRequest {
        environment: arguments.environment,
        note: free_text::said(arguments.note),
        upgrade_to,
    };
    follow::start(&arguments.job, call, async |backend| {
        backend.start_backup(request).await
    })
    .await
}
