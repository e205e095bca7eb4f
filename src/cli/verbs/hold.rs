//! `lifeboat protect ENV` and `lifeboat maintenance ENV`: the two holds of an environment, set and lifted.

use clap::Args;

use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::free_text;
use crate::domain::request::{HoldKind, HoldRequest};

/// What `lifeboat protect` and `lifeboat maintenance` take.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct HoldArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// Lift it instead
    #[arg(long)]
    pub off: bool,
    /// Why; shown to everybody whom it keeps waiting
    #[arg(long, value_name = "TEXT", conflicts_with = "off", value_parser = free_text::argument)]
    pub reason: Option<String>,
}

pub(super) async fn run(
    arguments: HoldArguments,
    hold: HoldKind,
    call: &mut Call<'_>,
) -> Result<(), CliError> {
    let request = HoldRequest {
        environment: arguments.environment,
        hold,
        on: !arguments.off,
        reason: free_text::said(arguments.reason),
    };
    call.backend().await?.hold(request.clone()).await?;
    if call.globals.json {
        return call.json(&request);
    }
    let name = &request.environment;
    let sentence = match (hold, request.on) {
        (HoldKind::Protection, true) => {
            let lift = call.command(&format!("protect {name} --off"));
            format!("{name} is protected: restores are refused until `{lift}`.")
        }
        (HoldKind::Protection, false) => format!("{name} is not protected any more: it can be restored."),
        (HoldKind::Maintenance, true) => {
            let lift = call.command(&format!("maintenance {name} --off"));
            format!("{name} is in maintenance mode: jobs wait until `{lift}`.")
        }
        (HoldKind::Maintenance, false) => format!("{name} is out of maintenance mode: jobs run again."),
    };
    call.tell(&sentence)
}
