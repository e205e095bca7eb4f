//! `lifeboat history ENV PATH`: what happened to one node, as all backups and Live tell it.

use clap::Args;
use serde_json::json;

use super::looking::Waiting;
use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{
    HistoryRequest, NodeHistory, NodePath, NotRead, Occurrence, Source, SourceAt, Turn,
};
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
    call.tell(&history.path.to_string())?;
    if let Some(id) = &history.id {
        call.tell(&format!("id {id}"))?;
    }
    if history.is_unchanged() {
        let looked_at = measure::count(history.sights.len() as u64);
        call.tell(&format!(
            "Nothing happened to it: it is the same in all {looked_at} that were looked at."
        ))?;
    } else if call.globals.plain {
        // The newest first: that is what somebody asks for.
        for occurrence in history.occurrences.iter().rev() {
            call.tell(&sentence(occurrence, &history.path))?;
        }
    } else {
        call.table(&table(history))?;
    }
    if let (Some(last), Some(now)) = (history.last(), history.sights.last()) {
        let (source, at) = (last.seen.source.short(), measure::moment(last.seen.at));
        call.tell(&if let Some(NotRead { file, why }) = &now.not_read {
            let in_it = if now.path.is_some() {
                String::new()
            } else {
                format!(
                    " Whether the node is in it, nobody can tell. The last that has it is {source}, of {at}."
                )
            };
            format!(
                "{file} cannot be read in {}: {why}.{in_it}",
                now.seen.source.short()
            )
        } else if now.path.is_some() {
            format!("It is in {source}, as of {at}.")
        } else {
            format!(
                "It is not in {} any more. The last that has it is {source}, of {at}.",
                now.seen.source.short()
            )
        })?;
    }
    for remark in &history.remarks {
        call.tell(&format!("note: {remark}"))?;
    }
    Ok(())
}

fn table(history: &NodeHistory) -> Table {
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
    table
}

fn words(occurrence: &Occurrence) -> String {
    format!("{} {}", occurrence.words(), occurrence.place())
        .trim_end()
        .to_owned()
}

/// What happened and then when, for whoever hears it. The node's own path was said already.
fn sentence(occurrence: &Occurrence, known: &NodePath) -> String {
    let source = |seen: &SourceAt| match seen.source {
        Source::Live => format!("Live of {}", measure::moment(seen.at)),
        Source::Backup(_) => format!("backup {} of {}", seen.source.short(), measure::moment(seen.at)),
    };
    let words = match &occurrence.turn {
        Turn::FirstSeen { path } | Turn::Back { path } | Turn::Deleted { from: path } if path == known => {
            occurrence.words().to_owned()
        }
        _ => words(occurrence),
    };
    match &occurrence.after {
        Some(after) => format!(
            "{words}, after {} and before {}",
            source(after),
            source(&occurrence.before)
        ),
        None => format!("{words}, in {}", source(&occurrence.before)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_says_first_what_happened_and_ends_with_when() {
        let seen = |source: &str, at: &str| SourceAt {
            source: source.parse().unwrap(),
            at: format!("2026-11-23T{at}:00Z").parse().unwrap(),
        };
        let path: NodePath = "author:/website/home".parse().unwrap();
        let (old, new) = (seen("a1234567", "04:02"), seen("live", "05:30"));
        let said = |turn: Turn, after: Option<&SourceAt>| {
            let occurrence = Occurrence {
                turn,
                after: after.cloned(),
                before: new.clone(),
                below: None,
                readable: None,
            };
            sentence(&occurrence, &path)
        };
        let between = "after backup a1234567 of 2026-11-23 04:02 UTC and before Live of 2026-11-23 05:30 UTC";
        assert_eq!(said(Turn::Changed, Some(&old)), format!("changed, {between}"));
        let deleted = Turn::Deleted { from: path.clone() };
        assert_eq!(said(deleted, Some(&old)), format!("deleted, {between}"));
        let elsewhere: NodePath = "author:/website/draft".parse().unwrap();
        assert_eq!(
            said(Turn::FirstSeen { path: elsewhere }, None),
            "in the oldest backup already as author:/website/draft, in Live of 2026-11-23 05:30 UTC"
        );
    }
}
