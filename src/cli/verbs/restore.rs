//! `lifeboat restore ENV BACKUP`: puts a backup's content back into Live.

use clap::Args;

use super::plan::{From, Part};
use crate::cli::follow::{self, JobArguments};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::refusal::confirmed;
use crate::domain::request::RestoreRequest;

/// What `lifeboat restore --help` says first.
pub const LONG_ABOUT: &str = "\
Makes a plan of the restore and follows it: puts a backup's content back into Live. A safety backup of what is there comes first; the content is staged \
beside Live and verified before Live is switched to it, so that Live is old or new and never mixed. \
A restore that would change nothing says so and ends. \
`lifeboat plan` says beforehand what would change, and `lifeboat undo` goes back.";

/// What `lifeboat restore` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RestoreArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The backup: an id, a unique beginning of one, a slot's name, "upgrade" or "safety"
    #[arg(value_name = "BACKUP")]
    pub backup: String,
    /// The environment's name once more, so that nothing is restored by reflex
    #[arg(long, value_name = "ENV")]
    pub confirm: Option<String>,
    /// Which of the two repositories to take it from
    #[arg(long, value_enum, default_value_t = From::Repository)]
    pub from: From,
    /// Which part of it.
    #[command(flatten)]
    pub part: Part,
    /// Put everything back also where nothing would change, as far as that can be seen
    #[arg(long)]
    pub even_if_unchanged: bool,
    /// How the job is followed.
    #[command(flatten)]
    pub job: JobArguments,
}

pub(super) async fn run(arguments: RestoreArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let request = RestoreRequest {
        environment: arguments.environment,
        backup: arguments.backup,
        without_safety: arguments.part.without_safety_backup,
        even_if_unchanged: arguments.even_if_unchanged,
        from: arguments.from.into(),
        selection: arguments.part.try_into()?,
    };
    let confirm = arguments.confirm.unwrap_or_default();
    follow::start(&arguments.job, call, async |backend| {
        // Making a plan takes a while. Whether the name is right is known before.
        confirmed(&request.environment, &confirm)?;
        let plan = backend.plan_restore(request).await?;
        backend.start_restore(plan.id, confirm).await
    })
    .await
}
