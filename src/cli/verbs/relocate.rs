//! `lifeboat relocate ENV`: lets the next backup begin a new repository where the configuration says, since the one that
//! held the backups so far is left behind or lost. On the machine of the catalog only.

use clap::Args;
use serde_json::json;

use crate::backend::{Backend as _, BackendError};
use crate::cli::plain::asking::Wanted;
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::refusal::confirmed;

/// What `lifeboat relocate --help` says first.
pub const LONG_ABOUT: &str = "\
Lets the next backup begin a new repository in the place that the configuration names, where there is none. Lifeboat makes \
none by itself once there were backups: a disk may not be mounted. Not needed where the repository was copied to its new \
place as it is: then all its backups are there. Jobs, activity, holds and tokens stay. What the place before holds is not \
touched, and is not shown any more.";

/// What `lifeboat relocate` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RelocateArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The environment's name once more, so that no backups are left behind by reflex; asked for on a terminal
    #[arg(long, value_name = "ENV")]
    pub confirm: Option<String>,
}

pub(super) async fn run(arguments: RelocateArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let name = arguments.environment;
    let engine = call.engine_here().await?;
    // A name that is not there is no question of being sure.
    engine.environment(&name).await?;
    let confirm = match arguments.confirm {
        Some(confirm) => confirm,
        None if call.can_ask() => {
            let question =
                format!("To leave the backups of {name} behind and begin a new repository, type {name}: ");
            call.ask_for(Wanted::Name(&name), &question).await?
        }
        None => String::new(),
    };
    confirmed(&name, &confirm).map_err(BackendError::from)?;
    let place = engine.relocate(name.clone()).await?;
    if call.globals.json {
        return call.json(&json!({ "environment": name, "repository": place }));
    }
    call.tell(&format!(
        "The next backup of {name} begins a new repository in {place}."
    ))
}
