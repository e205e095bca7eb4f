//! `lifeboat approve ENV` and `lifeboat reject ENV`: the second person's answer to a restore that waits.

use clap::Args;
use serde_json::json;

use crate::backend::{Backend, BackendError};
use crate::cli::follow::{self, Begun, JobArguments};
use crate::cli::plain::asking::Wanted;
use crate::cli::{Call, CliError};
use crate::domain::approval::Asked;
use crate::domain::environment::EnvironmentName;
use crate::domain::free_text;
use crate::domain::refusal::{Refusal, confirmed};

/// What `lifeboat approve --help` says first.
pub const LONG_ABOUT: &str = "\
Agrees to the restore that waits in an environment whose configuration says approve = true, and follows it. Whoever asked \
for it cannot approve it, nor can a token that one of the two has made for the other. What is approved is the plan \
that was asked for, and kept with the question: if Live was restored, or the backup or the configuration are others by now, it is refused, \
and has to be asked for anew. Live is compared once more before anything begins: where the restore would add, change or remove something \
else by now, nothing is done, what is different is printed, and it waits with the new plan, which is what the next approve agrees to. That one is \
followed without a further look for ten minutes; what people write meanwhile goes with the restore, and its safety backup has it. \
It waits for an hour.";

/// What `lifeboat approve` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ApproveArguments {
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

/// What `lifeboat reject` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RejectArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// Why; whoever asked reads it
    #[arg(long, value_name = "TEXT", value_parser = free_text::argument)]
    pub reason: Option<String>,
}

pub(super) async fn approve(arguments: ApproveArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let detached = arguments.job.detach;
    follow::start_telling(&arguments.job, call, async |backend, call| {
        let name = &arguments.environment;
        let asked = waiting(backend, name).await?;
        let tells = !call.globals.json && !call.in_background;
        let asks = arguments.confirm.is_none() && call.can_ask() && !detached;
        let mut asked = asked;
        let id = loop {
            if tells {
                show(&asked, call)?;
            }
            let confirm = match &arguments.confirm {
                Some(confirm) => confirm.clone(),
                None if asks => {
                    let question = format!("To agree, and to restore it now, type {name}: ");
                    call.ask_for(Wanted::Name(name), &question).await?
                }
                None => String::new(),
            };
            confirmed(name, &confirm).map_err(BackendError::from)?;
            let agreed = backend
                .approve_restore(name.clone(), asked.plan.clone(), confirm)
                .await;
            match agreed {
                // Whoever is there sees the plan that is true now, and is asked once more.
                Err(BackendError::Refused(refusal @ Refusal::PlanMoved { .. })) if asks => {
                    call.remark(&refusal.to_string())?;
                    asked = waiting(backend, name).await?;
                }
                agreed => break agreed?,
            }
        };
        Ok(Begun {
            id,
            remark: None,
            told: if tells { asked.warnings } else { Vec::new() },
        })
    })
    .await
}

pub(super) async fn reject(arguments: RejectArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    let name = &arguments.environment;
    let asked = waiting(backend.as_ref(), name).await?;
    backend
        .reject_restore(
            name.clone(),
            asked.plan.clone(),
            free_text::said(arguments.reason),
        )
        .await?;
    if call.globals.json {
        return call.json(&json!({ "environment": name, "rejected": asked }));
    }
    call.tell(&format!(
        "The {} of {name}, asked by {}, is rejected: nothing was done.",
        asked.title, asked.by
    ))
}

/// What is to be known before somebody agrees.
fn show(asked: &Asked, call: &mut Call<'_>) -> Result<(), CliError> {
    call.remark(&asked.in_words())?;
    for moved in &asked.moved {
        call.remark(&format!("not as it was asked for: {moved}"))?;
    }
    for warning in &asked.warnings {
        call.remark(&format!("warning: {warning}"))?;
    }
    Ok(())
}

/// What waits in an environment.
async fn waiting(backend: &dyn Backend, name: &EnvironmentName) -> Result<Asked, BackendError> {
    let details = backend.environment(name).await?;
    let nothing = || {
        let environment = name.clone();
        if details.approve {
            Refusal::NothingToApprove {
                environment,
                waits: None,
            }
        } else {
            Refusal::NobodyHasToAgree { environment }
        }
    };
    Ok(*details.summary.asked.ok_or_else(nothing)?)
}
