//! `lifeboat history ENV PATH`: what happened to one node, as all backups and Live tell it.

use clap::Args;
use serde_json::json;

use super::looking::Waiting;
use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{HistoryRequest, NodeHistory, NodePath, Occurrence, Source, Turn};
use crate::domain::measure;

/// What `lifeboat history --help` says first.
pub const LONG_ABOUT: &str = "\
Shows what happened to one node over all backups and Live: when it was first and last seen, between which \
backups it was changed, moved or deleted. It is followed by its id, wherever it was moved. The first look at \
its workspace reads all of it once in every backup; Ctrl-C cancels.";

/// What `lifeboat history` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct HistoryArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// The path.
    #[arg(
        value_name = "PATH",
        help = "The node: INSTANCE:/WORKSPACE/NODE/…, as author:/website/home"
    )]
    pub path: NodePath,
    /// Where the path is meant: "live" or a backup; where something was last seen there without it
    #[arg(long = "in", value_name = "SOURCE")]
    pub source: Option<Source>,
}

pub(super) async fn run(arguments: HistoryArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    let request = HistoryRequest {
        environment: arguments.environment,
        source: arguments.source,
        path: arguments.path,
    };
    let history = Waiting::default()
        .for_answer(call, || backend.history(request.clone()))
        .await?;
    if call.globals.json {
        return call.json(&json!({ "history": history }));
    }
    print(&history, call)
}

fn print(history: &NodeHistory, call: &mut Call<'_>) -> Result<(), CliError> {
    let id = history
        .id
        .as_ref()
        .map(|id| format!(", {id}"))
        .unwrap_or_default();
    call.tell(&format!("{}{id}:", history.path))?;
    let mut table = Table::new(&[
        ("after (UTC)", Side::Left),
        ("before (UTC)", Side::Left),
        ("in", Side::Left),
        ("what", Side::Left),
    ]);
    for occurrence in &history.occurrences {
        let after = occurrence.after.as_ref();
        table.row([
            after.map(|seen| measure::in_column(seen.at)).unwrap_or_default(),
            measure::in_column(occurrence.before.at),
            occurrence.before.source.short().to_owned(),
            words(occurrence),
        ]);
    }
    call.table(&table)?;
    let now = history.sights.last();
    if let (Some(last), Some(now)) = (history.last(), now)
        && now.path.is_some()
    {
        call.tell(&format!(
            "It is in {}, as of {}.",
            last.seen.source.short(),
            measure::moment(last.seen.at)
        ))?;
    }
    for remark in &history.remarks {
        call.tell(&format!("note: {remark}"))?;
    }
    Ok(())
}

fn words(occurrence: &Occurrence) -> String {
    match &occurrence.turn {
        Turn::FirstSeen { path } => format!("first seen, {path}"),
        Turn::Changed => "changed".to_owned(),
        Turn::ChildrenChanged => "other nodes in it, or another order".to_owned(),
        Turn::Moved { from, to } => format!("moved from {from} to {to}"),
        Turn::Deleted { from } => format!("deleted from {from}"),
        Turn::Back { path } => format!("back, {path}"),
    }
}
