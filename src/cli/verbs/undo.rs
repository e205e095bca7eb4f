//! `lifeboat undo ENV`: goes back to what Live was before the last restore.

use clap::Args;

use crate::backend::BackendError;
use crate::cli::follow::{self, Begun, JobArguments};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::state::BeforeUndo;

/// What `lifeboat undo --help` says first.
pub const LONG_ABOUT: &str = "\
Goes back to what Live was before the last restore. Where the restore has replaced tables of a database and \
they still stand, Live is exchanged with them, which takes a moment. Everywhere else the safety backup that the \
restore took is restored, after another safety backup. Either way an undo can be undone.";

/// What `lifeboat undo` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct UndoArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The environment's name once more, so that nothing is restored by reflex; asked for on a terminal
    #[arg(long, value_name = "ENV")]
    pub confirm: Option<String>,
    /// How the job is followed.
    #[command(flatten)]
    pub job: JobArguments,
}

pub(super) async fn run(arguments: UndoArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let detached = arguments.job.detach;
    follow::start_telling(&arguments.job, call, async |backend, call| {
        let name = &arguments.environment;
        let details = backend.environment(name).await?;
        let way = details.undo_way.clone();
        let BeforeUndo {
            puts_back,
            stopping,
            written,
        } = match backend.before_undo(name).await {
            // Nobody is asked whether they are sure of what there is not.
            Err(BackendError::Refused(refusal)) => return Err(BackendError::Refused(refusal).into()),
            // A service may be older than the question.
            answer => answer.unwrap_or_default(),
        };
        let tells = !call.globals.json && !call.in_background;
        for told in puts_back.iter().chain(&stopping.by_hooks).filter(|_| tells) {
            call.remark(&format!("{told}."))?;
        }
        let written = [stopping.by_hand, written].concat();
        for told in written.iter().filter(|_| tells) {
            call.warn(told)?;
        }
        let mut remark = way.as_ref().map(|way| format!("undo is {}", way.label()));
        let confirm = match arguments.confirm {
            Some(confirm) => confirm,
            None if call.can_ask() && !detached => {
                if let Some(way) = way {
                    call.remark(&format!("undo the last restore: {}", details.undo_in_words(&way)))?;
                }
                remark = None;
                call.ask_for_name(name, &format!("To undo the last restore, type {name}: "))
                    .await?
            }
            None => String::new(),
        };
        let id = backend.start_undo(arguments.environment, confirm).await?;
        Ok(Begun {
            id,
            remark,
            told: if tells { written } else { Vec::new() },
        })
    })
    .await
}
