//! `lifeboat browse ENV SOURCE [PATH]`: what is in a backup or in Live, folder by folder, and what a node is.

use std::fmt::Write as _;
use std::sync::Arc;

use clap::Args;
use serde_json::json;

use super::looking::{Waiting, size};
use crate::backend::Backend;
use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError};
use crate::domain::environment::{EnvironmentName, workspace_label};
use crate::domain::explore::{
    BinaryFacts, BinaryPlace, Children, ChildrenRequest, Kind, Line, MOST_LINES, NodeFacts, NodePath,
    NodeRequest, PropertyFacts, Source, Step, ValueFacts, VersionList, VersionsRequest,
};
use crate::domain::measure;

/// What `lifeboat browse --help` says first.
pub const LONG_ABOUT: &str = "\
Shows what is in a backup or in Live: the instances, their workspaces, and the nodes in them with their \
properties. The first look at a workspace reads all of it once, and shows how far it is; Ctrl-C cancels.";

/// The characters of a value that a table shows.
const SHOWN: u32 = 300;

/// What `lifeboat browse` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BrowseArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
    /// Where to look: "live", or a backup: an id, a unique beginning of one, or a slot's name
    #[arg(value_name = "SOURCE")]
    pub source: Source,
    /// The path.
    #[arg(
        value_name = "PATH",
        help = "What to look at: INSTANCE:/WORKSPACE/NODE/…, as author:/website/home; without it, the instances"
    )]
    pub path: Option<NodePath>,
    /// Pass over so many of what is in it
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub from: u64,
    /// Show at most so many of what is in it
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_LINES)))]
    pub limit: u32,
    /// Show at most so many characters of each value
    #[arg(long, value_name = "NUMBER", default_value_t = SHOWN, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub characters: u32,
    /// List the versions of the node as well
    #[arg(long)]
    pub versions: bool,
}

pub(super) async fn run(arguments: BrowseArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    let path = arguments.path.clone().unwrap_or_default();
    let mut waiting = Waiting::default();
    let request = ChildrenRequest {
        environment: arguments.environment.clone(),
        source: arguments.source.clone(),
        path: path.clone(),
        from: arguments.from,
        limit: arguments.limit,
    };
    let children = waiting
        .for_answer(call, || backend.children(request.clone()))
        .await?;
    let node = if path.workspace.is_some() {
        let request = NodeRequest {
            environment: arguments.environment.clone(),
            source: arguments.source.clone(),
            path: path.clone(),
            characters: arguments.characters,
        };
        Some(waiting.for_answer(call, || backend.node(request.clone())).await?)
    } else {
        None
    };
    let versions = if arguments.versions && node.is_some() {
        Some(versions(&arguments, path, &backend, call).await?)
    } else {
        None
    };
    if call.globals.json {
        return call.json(&json!({ "node": node, "children": children, "versions": versions }));
    }
    print(&children, node.as_ref(), call)?;
    versions.map_or(Ok(()), |versions| print_versions(&versions, call))
}

async fn versions(
    arguments: &BrowseArguments,
    path: NodePath,
    backend: &Arc<dyn Backend>,
    call: &mut Call<'_>,
) -> Result<VersionList, CliError> {
    let request = VersionsRequest {
        environment: arguments.environment.clone(),
        source: arguments.source.clone(),
        path,
    };
    Waiting::default()
        .for_answer(call, || backend.versions(request.clone()))
        .await
}

fn print(children: &Children, node: Option<&NodeFacts>, call: &mut Call<'_>) -> Result<(), CliError> {
    call.tell(&format!(
        "{} in {}, as of {}:",
        children.path,
        children.seen.source.short(),
        measure::moment(children.seen.at)
    ))?;
    if let Some(node) = node {
        print_node(node, call)?;
    }
    for remark in &children.remarks {
        call.tell(&format!("note: {remark}"))?;
    }
    if children.total == 0 {
        return Ok(());
    }
    call.say("")?;
    let shown = children.lines.len() as u64;
    if shown == 0 {
        return call.say(&format!(
            "none from {} on: there are {}",
            measure::count(children.from.saturating_add(1)),
            measure::count(children.total)
        ));
    }
    if call.globals.plain {
        children
            .lines
            .iter()
            .try_for_each(|line| call.tell(&spoken(line)))?;
    } else {
        call.table(&lines(children))?;
    }
    if shown < children.total {
        call.say(&format!(
            "{} to {} of {}; --from NUMBER shows others",
            measure::count(children.from + 1),
            measure::count(children.from + shown),
            measure::count(children.total)
        ))?;
    }
    Ok(())
}

fn lines(children: &Children) -> Table {
    let has_types = children.lines.iter().any(|line| line.primary_type.is_some());
    let kind = if has_types { "type" } else { "is" };
    let mut table = Table::new(&[
        ("inside", Side::Right),
        ("size", Side::Right),
        (kind, Side::Left),
        ("name", Side::Left),
    ]);
    for line in &children.lines {
        table.row([
            if line.children == 0 {
                String::new()
            } else {
                measure::count(line.children)
            },
            size(line.size),
            what(line),
            name(line),
        ]);
    }
    table
}

/// A line for whoever hears it: the name first.
fn spoken(line: &Line) -> String {
    let mut parts = vec![name(line), what(line)];
    if line.children > 0 {
        parts.push(format!("{} inside", measure::count(line.children)));
    }
    parts.extend(Some(size(line.size)).filter(|size| !size.is_empty()));
    parts.join(", ")
}

/// A node is what its type says; everything else is what it is.
fn what(line: &Line) -> String {
    match &line.primary_type {
        Some(primary_type) => primary_type.clone(),
        None => line.kind.label().to_owned(),
    }
}

/// The name as it stands in a path.
fn name(line: &Line) -> String {
    if line.kind == Kind::Workspace && workspace_label(&line.name) != line.name {
        return format!("{} ({})", line.name, workspace_label(&line.name));
    }
    Step {
        name: line.name.clone(),
        index: line.index,
    }
    .to_string()
}

fn print_node(node: &NodeFacts, call: &mut Call<'_>) -> Result<(), CliError> {
    let mut table = Table::new(&[("", Side::Left), ("", Side::Left)]);
    let mut fact = |name: &str, value: String| table.row([name.to_owned(), value]);
    if let Some(id) = &node.id {
        fact("id", id.clone());
    }
    match &node.primary_type {
        Some(primary_type) => {
            let types = std::iter::once(primary_type).chain(&node.mixin_types);
            fact("type", types.map(String::as_str).collect::<Vec<_>>().join(", "));
        }
        None => fact("is", node.kind.label().to_owned()),
    }
    if let Some(modified) = node.modified {
        fact("modified", measure::moment(modified));
    }
    if let Some(content) = &node.content {
        fact("content", binary(content));
    }
    for property in &node.properties {
        for (at, value) in property.values.iter().enumerate() {
            let name = if at == 0 {
                property_name(property)
            } else {
                String::new()
            };
            fact(&name, text(value));
        }
        if property.values.is_empty() {
            fact(&property_name(property), "(no values)".to_owned());
        }
        let given = property.values.len() as u64;
        if given < property.count {
            fact(
                "",
                format!("… and {} more", measure::count(property.count - given)),
            );
        }
    }
    let given = node.properties.len() as u64;
    if given < node.property_count {
        fact(
            "…",
            format!("and {} more", measure::count(node.property_count - given)),
        );
    }
    call.table(&table)?;
    for remark in &node.remarks {
        call.tell(&format!("note: {remark}"))?;
    }
    Ok(())
}

fn property_name(property: &PropertyFacts) -> String {
    let list = if property.is_multiple { "[]" } else { "" };
    format!("{} ({}{list})", property.name, property.kind.label())
}

/// A value in one line.
pub(super) fn text(value: &ValueFacts) -> String {
    if let Some(of_value) = &value.binary {
        return binary(of_value);
    }
    let mut text = value.text.clone();
    if value.is_cut() {
        let _ = write!(text, "… ({} characters)", measure::count(value.length));
    }
    if let Some(target) = &value.target {
        let _ = write!(text, " → {target}");
    }
    text
}

fn binary(facts: &BinaryFacts) -> String {
    let mut parts = vec![match facts.size {
        Some(bytes) => measure::bytes(bytes),
        None => "of unknown size".to_owned(),
    }];
    parts.extend(facts.media_type.clone());
    parts.extend(facts.facts.clone());
    match &facts.place {
        BinaryPlace::Node | BinaryPlace::File => {}
        BinaryPlace::DataStore(id) => parts.push(format!("in the data store as {id}")),
        BinaryPlace::Workspace(id) => parts.push(format!("beside the nodes as {id}")),
    }
    parts.extend(facts.preview.as_ref().map(|text| format!("“{text}”")));
    parts.join(", ")
}

fn print_versions(versions: &VersionList, call: &mut Call<'_>) -> Result<(), CliError> {
    call.say("")?;
    if let Some(remark) = &versions.remark {
        return call.tell(&format!("note: {remark}"));
    }
    let mut table = Table::new(&[
        ("version", Side::Left),
        ("made", Side::Left),
        ("path", Side::Left),
    ]);
    for version in &versions.versions {
        table.row([
            version.name.clone(),
            version.created.clone().unwrap_or_default(),
            version.path.to_string(),
        ]);
    }
    call.table(&table)
}
