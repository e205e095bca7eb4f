//! `lifeboat delete ENV BACKUP`: deletes an upgrade or safety backup before it expires.

use clap::Args;
use serde_json::json;

use crate::backend::{Backend, EventStream};
use crate::cli::plain::asking::Wanted;
use crate::cli::{Call, CliError, trouble};
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
hand: each goes when its successor is complete and verified.";

/// What `lifeboat delete` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DeleteArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The backup: "upgrade", "safety", an id or a unique beginning of one
    #[arg(value_name = "BACKUP")]
    pub backup: String,
}

pub(super) async fn run(arguments: &DeleteArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    let name = &arguments.environment;
    let details = backend.environment(name).await?;
    let chosen = trouble::choose(&details, &arguments.backup)?;
    if call.in_lines.is_some() {
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

/// Asks whether a backup is to go, where somebody talks with Lifeboat line by line: in a shell, the verb is the answer.
async fn is_meant(
    details: &EnvironmentDetails,
    chosen: &Backup,
    call: &mut Call<'_>,
) -> Result<(), CliError> {
    let undo = details.undo_without(chosen);
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
    call.ask_for(Wanted::Yes, "Delete it? (yes or no, Enter for no): ")
        .await?;
    Ok(())
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
