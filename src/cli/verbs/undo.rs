//! `lifeboat undo ENV`: goes back to what Live was before the last restore.

use clap::Args;

use super::plan::part_arguments;
use crate::backend::{Backend, BackendError};
use crate::cli::follow::{self, Begun, JobArguments};
use crate::cli::plain::asking::Wanted;
use crate::cli::{Call, CliError, heard};
use crate::domain::earlier::Earlier;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobKind;
use crate::domain::measure;
use crate::domain::request::JobQuery;
use crate::domain::state::{BeforeUndo, EnvironmentDetails};
use crate::domain::undoing::{JOBS_LOOKED_AT, UndoOf, Undoing, not_told};

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

/// What an undo would do now, in words.
pub(in crate::cli) struct WouldDo {
    /// What it takes back.
    pub(in crate::cli) object: &'static str,
    /// The whole of it.
    pub(in crate::cli) in_words: String,
    /// What Live would be, for where the rest is said already.
    becomes: String,
}

/// What an undo would do now, where the service has said what it takes back; nothing where there is nothing to undo.
pub(in crate::cli) async fn would_do(
    backend: &dyn Backend,
    details: &EnvironmentDetails,
    of: Option<&UndoOf>,
) -> Result<Option<WouldDo>, BackendError> {
    let Some(way) = &details.undo_way else {
        return Ok(None);
    };
    let of = if let Some(of) = of.or(details.undo_of.as_ref()) {
        of.clone()
    } else {
        // An older service does not say it.
        let jobs = backend.jobs(newest_jobs(details)).await;
        jobs.map_or_else(|_| UndoOf::default(), |jobs| UndoOf::by_jobs(details, way, &jobs))
    };
    let undo = Undoing::new(details, way, of);
    Ok(Some(WouldDo {
        object: undo.object(),
        in_words: undo.in_words(),
        becomes: undo.becomes(),
    }))
}

/// Where an undo takes back an undo: the restore before it that stays. Nothing where the jobs cannot be told.
async fn earlier(backend: &dyn Backend, details: &EnvironmentDetails) -> Option<Earlier> {
    let of = details.undo_of.as_ref()?;
    if of.kind != Some(JobKind::Undo) {
        return None;
    }
    let jobs = backend.jobs(newest_jobs(details)).await.ok()?;
    Earlier::of(details, &jobs)
}

/// Asks for the environment's newest jobs.
fn newest_jobs(details: &EnvironmentDetails) -> JobQuery {
    JobQuery {
        environment: Some(details.summary.name.clone()),
        limit: JOBS_LOOKED_AT,
        ..JobQuery::default()
    }
}

pub(super) async fn run(arguments: UndoArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let detached = arguments.job.detach;
    follow::start_telling(&arguments.job, call, async |backend, call| {
        let name = &arguments.environment;
        let details = backend.environment(name).await?;
        let BeforeUndo {
            puts_back,
            undo_of,
            stopping,
            written,
        } = match backend.before_undo(name).await {
            // Nobody is asked whether they are sure of what there is not.
            Err(BackendError::Refused(refusal)) => return Err(BackendError::Refused(refusal).into()),
            Err(error) => BeforeUndo {
                written: vec![not_told(&error)],
                ..BeforeUndo::default()
            },
            Ok(told) => told,
        };
        let tells = !call.globals.json && !call.in_background;
        for told in puts_back.iter().filter(|_| tells) {
            heard(call.remark(&format!("{told}.")))?;
        }
        if tells && let Some(earlier) = earlier(backend, &details).await {
            let restore = format!(
                "restore {name} {}{}",
                earlier.safety,
                part_arguments(&earlier.part)
            );
            // In lines a verb is typed as it is.
            let restore = match call.in_lines {
                Some(_) => restore,
                None => call.command(&restore),
            };
            heard(call.remark(&format!("{}: {restore}", earlier.in_words(measure::moment))))?;
        }
        for told in stopping.by_hooks.iter().filter(|_| tells) {
            heard(call.remark(&format!("{told}.")))?;
        }
        let written = [stopping.by_hand, written].concat();
        for told in written.iter().filter(|_| tells) {
            heard(call.warn(told))?;
        }
        let way = details.undo_way.as_ref();
        let mut remark = way.map(|way| format!("undo is {}", way.label()));
        let confirm = match arguments.confirm {
            Some(confirm) => confirm,
            None if call.can_ask() && !detached => {
                let undo = would_do(backend, &details, undo_of.as_ref()).await?;
                let object = undo
                    .as_ref()
                    .map_or("the last restore or undo", |undo| undo.object);
                if let Some(undo) = &undo {
                    call.remark(if puts_back.is_empty() {
                        &undo.in_words
                    } else {
                        &undo.becomes
                    })?;
                }
                remark = None;
                call.ask_for(Wanted::Name(name), &format!("To undo {object}, type {name}: "))
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
