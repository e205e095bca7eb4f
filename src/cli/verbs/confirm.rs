//! `lifeboat confirm ENV`: drops the tables that restores have replaced.

use clap::Args;

use crate::cli::follow::{self, Begun, JobArguments};
use crate::cli::plain::asking::Wanted;
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;
use crate::domain::state::EnvironmentDetails;

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
    follow::start_telling(&arguments.job, call, async |backend, call| {
        let name = &arguments.environment;
        if call.in_lines.is_some() {
            is_meant(&backend.environment(name).await?, call).await?;
        }
        Ok(Begun {
            id: backend.start_confirm(name.clone()).await?,
            remark: None,
            told: Vec::new(),
        })
    })
    .await
}

/// Asks whether the replaced tables are to go, where somebody talks with Lifeboat line by line: in a shell, the verb is the answer.
async fn is_meant(details: &EnvironmentDetails, call: &mut Call<'_>) -> Result<(), CliError> {
    if details.replaced.is_empty() {
        // What there is not is told by whoever would drop it.
        return Ok(());
    }
    let bytes = details.replaced.iter().map(|tables| tables.bytes).sum();
    call.remark(&format!(
        "This drops the tables that restores have replaced, {}. {}",
        measure::bytes(bytes),
        details.undo_without_replaced_tables()
    ))?;
    call.ask_for(Wanted::Yes, "Drop them? (yes or no, Enter for no): ")
        .await?;
    Ok(())
}
