//! `lifeboat delete ENV BACKUP`: deletes an upgrade or safety backup before it expires.

use clap::Args;
use serde_json::json;

use crate::backend::{Backend, EventStream};
use crate::cli::plain::asking::{self, Typed, Wanted};
use crate::cli::{Call, CliError, ErrorKind, trouble};
use crate::domain::backup::Backup;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobKind;
use crate::domain::measure;
use crate::domain::request::JobQuery;
use crate::domain::state::EnvironmentDetails;

/// How many jobs are looked at for the one that frees the room: it is among the newest.
const NEWEST: u32 = 20;

/// What `lifeboat delete --help` says first.
pub const LONG_ABOUT: &str = "\
Deletes an upgrade or safety backup before it expires. The backups in the four slots are never deleted by \
hand: each goes when its successor is complete and verified. On a terminal it asks first. Where nobody can be asked, a \
backup that `lifeboat undo` goes back to is only deleted with --yes.";

/// What `lifeboat delete` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DeleteArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The backup: "upgrade", "safety", an id or a unique beginning of one
    #[arg(value_name = "BACKUP")]
    pub backup: String,
    /// Ask nothing, and delete it even if undo goes back to it
    #[arg(long)]
    pub yes: bool,
}

pub(super) async fn run(arguments: &DeleteArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    let name = &arguments.environment;
    let details = backend.environment(name).await?;
    let chosen = trouble::choose(&details, &arguments.backup)?;
    if !arguments.yes {
        is_meant(&details, &chosen, call).await?;
    }
    let events = backend.events();
    backend.delete_backup(name.clone(), chosen.id.clone()).await?;
    if call.house.jobs_run_here(&call.globals)? {
        room_is_freed(backend.as_ref(), name, events).await?;
    }
    if call.globals.json {
        return call.json(&json!({
            "environment": name,
            "deleted": chosen.id,
            "trouble": details.summary.trouble,
        }));
    }
    call.tell(&format!("Backup {} of {name} is deleted.", chosen.id))?;
    trouble::remark(&details, call)
}

/// Asks whether a backup is to go. Where nobody can be asked, the verb is the answer, unless undo is lost by it.
async fn is_meant(
    details: &EnvironmentDetails,
    chosen: &Backup,
    call: &mut Call<'_>,
) -> Result<(), CliError> {
    let undo = details.undo_without(chosen);
    if !call.can_ask() {
        return undo.map_or(Ok(()), |undo| {
            let why = format!(
                "backup {} is not deleted. {undo} With --yes it is deleted all the same",
                chosen.id.short()
            );
            Err(CliError::new(ErrorKind::Refused, why))
        });
    }
    call.remark(&format!(
        "This deletes the {} backup {}, taken {} by {}{}. It cannot be brought back.{}",
        chosen.manifest.trigger.names(),
        chosen.id,
        measure::moment(chosen.manifest.taken),
        chosen.manifest.by,
        chosen
            .manifest
            .note
            .as_ref()
            .map_or_else(String::new, |note| format!(" (\"{note}\")")),
        undo.map_or_else(String::new, |undo| format!(" {undo}"))
    ))?;
    let question = "Delete it? (yes or no, Enter for no): ";
    let answer = call.ask_for(Wanted::Yes, question).await?;
    // Line by line, any other answer has ended the question already.
    if matches!(asking::typed(Wanted::Yes, &answer), Typed::Wanted) {
        return Ok(());
    }
    Err(CliError::new(ErrorKind::Refused, "nothing was deleted"))
}

/// Waits for the job that frees the room of what was deleted, which runs in this process: ended with it, it would be told
/// as failed.
async fn room_is_freed(
    backend: &dyn Backend,
    name: &EnvironmentName,
    mut events: EventStream,
) -> Result<(), CliError> {
    loop {
        let query = JobQuery {
            environment: Some(name.clone()),
            limit: NEWEST,
            ..JobQuery::default()
        };
        let jobs = backend.jobs(query).await?;
        let frees = |kind: JobKind| kind == JobKind::Prune;
        if !jobs.iter().any(|job| frees(job.kind) && !job.state.has_ended()) {
            return Ok(());
        }
        if events.next().await.is_none() {
            return Ok(());
        }
    }
}
