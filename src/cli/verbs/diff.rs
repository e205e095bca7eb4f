//! `lifeboat diff ENV OLDER NEWER [PATH]`: how two backups, or a backup and Live, differ, down to properties.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::browse::text;
use super::looking::Waiting;
use crate::backend::Backend;
use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError};
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{
    Change, Diff, DiffLine, DiffRequest, MOST_LINES, NodeDiff, NodeDiffRequest, NodePath, PropertyFacts,
    Source,
};
use crate::domain::measure;

/// What `lifeboat diff --help` says first.
pub const LONG_ABOUT: &str = "\
Shows how two backups, or a backup and Live, differ: nodes that were added, changed, removed or moved. With \
--properties, also which properties of those that changed, with both values. The first look at a workspace \
reads all of it once; Ctrl-C cancels. The version storage is compared only where PATH names it.";

/// The characters of a value that are shown.
const SHOWN: u32 = 200;

/// What `lifeboat diff` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DiffArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// What was before: "live", or a backup: an id, a unique beginning of one, or a slot's name
    #[arg(value_name = "OLDER")]
    pub older: Source,
    /// What came after it
    #[arg(value_name = "NEWER")]
    pub newer: Source,
    /// The path.
    #[arg(
        value_name = "PATH",
        help = "Only in this instance, workspace or node: INSTANCE:/WORKSPACE/NODE/…"
    )]
    pub path: Option<NodePath>,
    /// Show which properties have changed, with both values
    #[arg(long)]
    pub properties: bool,
    /// Pass over so many lines
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub from: u64,
    /// Show at most so many lines
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_LINES)))]
    pub limit: u32,
}

pub(super) async fn run(arguments: DiffArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    let request = DiffRequest {
        environment: arguments.environment,
        older: arguments.older,
        newer: arguments.newer,
        below: arguments.path.unwrap_or_default(),
        from: arguments.from,
        limit: arguments.limit,
    };
    let diff = Waiting::default()
        .for_answer(call, || backend.diff(request.clone()))
        .await?;
    let mut changes = Vec::new();
    if arguments.properties {
        for line in &diff.lines {
            if matches!(line.change, Change::Changed | Change::MovedAndChanged) {
                changes.push(of_node(&request, line, &diff, &backend, call).await?);
            }
        }
    }
    if call.globals.json {
        return call.json(&json!({ "diff": diff, "nodes": changes }));
    }
    print(&diff, &changes, call)
}

async fn of_node(
    request: &DiffRequest,
    line: &DiffLine,
    diff: &Diff,
    backend: &Arc<dyn Backend>,
    call: &mut Call<'_>,
) -> Result<NodeDiff, CliError> {
    let request = NodeDiffRequest {
        environment: request.environment.clone(),
        older: (diff.older.source.clone(), line.older.clone()),
        newer: (diff.newer.source.clone(), line.newer.clone()),
        characters: SHOWN,
    };
    Waiting::default()
        .for_answer(call, || backend.node_diff(request.clone()))
        .await
}

fn print(diff: &Diff, changes: &[NodeDiff], call: &mut Call<'_>) -> Result<(), CliError> {
    call.tell(&format!(
        "From {}, as of {}, to {}, as of {}:",
        diff.older.source.short(),
        measure::moment(diff.older.at),
        diff.newer.source.short(),
        measure::moment(diff.newer.at)
    ))?;
    let totals = &diff.totals;
    if totals.is_none() {
        call.say("There is no difference.")?;
    } else {
        call.tell(&format!(
            "{} added, {} changed, {} removed, {} moved, {} in another order",
            measure::count(totals.added),
            measure::count(totals.changed),
            measure::count(totals.removed),
            measure::count(totals.moved),
            measure::count(totals.reordered)
        ))?;
        call.say("")?;
    }
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
    for line in &diff.lines {
        table.row([line.change.label().to_owned(), place(line)]);
        let is_of_line =
            |change: &&NodeDiff| change.newer_path == line.newer && change.older_path == line.older;
        for property in changes
            .iter()
            .filter(is_of_line)
            .flat_map(|change| &change.properties)
        {
            table.row([String::new(), format!("  {}", property.name)]);
            for (sign, side) in [('-', &property.older), ('+', &property.newer)] {
                for value in values(side.as_ref()) {
                    table.row([String::new(), format!("  {sign} {value}")]);
                }
            }
        }
    }
    if !table.is_empty() {
        call.table(&table)?;
    }
    let shown = diff.lines.len() as u64;
    if shown < diff.total {
        call.say(&format!(
            "{} lines of {}; --from NUMBER shows others",
            measure::count(shown),
            measure::count(diff.total)
        ))?;
    }
    if diff.is_cut {
        call.say("There are more lines than are kept; the numbers above count all.")?;
    }
    for remark in &diff.remarks {
        call.tell(&format!("note: {remark}"))?;
    }
    Ok(())
}

fn place(line: &DiffLine) -> String {
    let mut text = line.path().map(ToString::to_string).unwrap_or_default();
    if let (Change::Moved | Change::MovedAndChanged, Some(older)) = (line.change, &line.older) {
        let _ = write!(text, " (was {older})");
    }
    if line.below > 0 {
        let _ = write!(text, " and {} below it", measure::count(line.below));
    }
    text
}

fn values(property: Option<&PropertyFacts>) -> Vec<String> {
    property.map_or_else(Vec::new, |property| property.values.iter().map(text).collect())
}
