//! `lifeboat nodes`: which Lifeboats share the catalog, how their leases stand, and what each works on.

use serde_json::json;

use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError};
use crate::domain::lifeboat_node::{LifeboatNode, NodeStanding};
use crate::domain::measure;

/// What `lifeboat nodes --help` says first.
pub const LONG_ABOUT: &str = "\
Lists the Lifeboats that have the catalog open: the nodes that share one in PostgreSQL, services and cockpits that have \
gone within a day included, or the processes of this machine where it has the catalog for itself. Of each: since when, \
until when its lease lasts that it renews every few seconds, whether it keeps the schedule, as a service or a cockpit \
does, or is a verb that ends by itself, and what it works on. A node is \"late\" once its lease has run out, and \"gone\" \
once it has ended or the others have declared it gone; they take over what it had. A verb that has ended in order is not \
listed; one that is late was killed.";

pub(super) async fn run(call: &mut Call<'_>) -> Result<(), CliError> {
    let nodes = call.backend().await?.nodes().await?;
    let is_here = call.house.jobs_run_here(&call.globals)?;
    if call.globals.json {
        return call.json(&json!({ "nodes": nodes }));
    }
    let mut table = Table::new(&[
        ("node", Side::Left),
        ("number", Side::Right),
        ("keeps", Side::Left),
        ("stands", Side::Left),
        ("since (UTC)", Side::Left),
        ("lease until (UTC)", Side::Left),
        ("works on", Side::Left),
    ]);
    for node in &nodes {
        let mut jobs = node.jobs.iter().map(|job| {
            let left = if node.standing == NodeStanding::Gone {
                " (left unfinished)"
            } else {
                ""
            };
            format!("job {}: {} of {}{left}", job.id, job.title, job.environment)
        });
        let moment = |at: Option<_>| at.map(measure::in_column).unwrap_or_default();
        table.row([
            called(node, is_here),
            node.number.to_string(),
            keeps(node).to_owned(),
            node.standing.label().to_owned(),
            moment(node.started),
            moment(node.lease),
            jobs.next().unwrap_or_default(),
        ]);
        for job in jobs {
            table.row([
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                String::new(),
                job,
            ]);
        }
    }
    call.table(&table)
}

/// Whether it keeps the schedule, or only does what one call has asked for.
fn keeps(node: &LifeboatNode) -> &'static str {
    match node.keeps_schedule {
        Some(true) => "schedule",
        Some(false) => "a verb",
        None => "",
    }
}

/// What it is called, and whether it is the one that was asked: this process, or the service.
fn called(node: &LifeboatNode, is_here: bool) -> String {
    let (machine, this) = if is_here {
        ("a process of this machine", "this one")
    } else {
        ("a process of the service's machine", "the service that was asked")
    };
    let name = node.name.as_deref().unwrap_or(machine);
    if node.is_this {
        format!("{name} ({this})")
    } else {
        name.to_owned()
    }
}
