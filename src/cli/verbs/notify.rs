//! `lifeboat notify`: shows who is told while nobody looks, how each receiver stands and what waits for it, and tries
//! receivers.

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError};
use crate::domain::measure;
use crate::domain::notify::ReceiverStanding;

/// What `lifeboat notify --help` says first.
pub const LONG_ABOUT: &str = "\
Shows who is told of what happens while nobody looks, and tries whether they are reached: webhooks, chats, e-mail, commands \
and dead man's switches, each a [[notify]] or an [[alive]] of the configuration.

What happens waits in a queue of the catalog until its receiver has taken it. `lifeboat serve` and an open cockpit deliver, on \
this machine, and where nodes share a catalog on any of them that has a receiver of that name. A verb leaves what it has done to \
them. Where none of them runs, or one has stood still for 20 seconds, it delivers for up to 5 seconds before it ends.";

/// What `lifeboat notify` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct NotifyArguments {
    /// What to do.
    #[command(subcommand)]
    pub what: NotifyVerb,
}

/// What can be done with receivers.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum NotifyVerb {
    /// List the receivers, whether each takes what is sent, and what waits for it
    List,
    /// Send a test message to one receiver, or to all; ends with 1 when one does not take it
    Test(TestArguments),
}

/// What `lifeboat notify test` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TestArguments {
    /// Only this receiver, by its name in the configuration
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
}

pub(super) async fn run(arguments: NotifyArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    match arguments.what {
        NotifyVerb::List => list(call).await,
        NotifyVerb::Test(test) => try_them(test.name, call).await,
    }
}

async fn list(call: &mut Call<'_>) -> Result<(), CliError> {
    let receivers = call.backend().await?.receivers().await?;
    if call.globals.json {
        return call.json(&json!({ "receivers": receivers }));
    }
    if receivers.is_empty() {
        return call.tell("Nobody is told while nobody looks: write a [[notify]] into the configuration.");
    }
    let mut table = Table::new(&[
        ("receiver", Side::Left),
        ("kind", Side::Left),
        ("place", Side::Left),
        ("told of", Side::Left),
        ("waiting", Side::Right),
        ("delivered (UTC)", Side::Left),
        ("failing since (UTC)", Side::Left),
    ]);
    let moment = |at: Option<_>| at.map(measure::in_column).unwrap_or_default();
    for receiver in &receivers {
        table.row([
            receiver.name.clone(),
            receiver.kind.clone(),
            receiver.place.clone(),
            told_of(receiver),
            waiting(receiver),
            moment(receiver.delivered),
            moment(receiver.failing_since),
        ]);
    }
    call.table(&table)?;
    for trouble in receivers.iter().filter_map(ReceiverStanding::trouble) {
        call.tell(&trouble)?;
    }
    Ok(())
}

/// How much waits for a receiver, and until when it does because of quiet hours.
fn waiting(receiver: &ReceiverStanding) -> String {
    match receiver.quiet_until {
        Some(until) => format!("{} until {}", receiver.waiting, measure::in_column(until)),
        None => receiver.waiting.to_string(),
    }
}

/// What a receiver is told of, in few words.
fn told_of(receiver: &ReceiverStanding) -> String {
    let what = match receiver.events.as_slice() {
        [] if receiver.kind == "alive" => "that the schedule is kept".to_owned(),
        [] => format!("{} or worse", receiver.severity.label()),
        [one] => one.label().to_owned(),
        many => format!("{} kinds of events", many.len()),
    };
    match receiver.environments.as_slice() {
        [] => what,
        names => format!("{what}, of {}", names.join(", ")),
    }
}

async fn try_them(name: Option<String>, call: &mut Call<'_>) -> Result<(), CliError> {
    let tests = call.backend().await?.test_receivers(name).await?;
    let refused = tests.iter().filter(|test| !test.delivered).count();
    if call.globals.json {
        call.json(&json!({ "receivers": tests, "works": refused == 0 }))?;
    } else if tests.is_empty() {
        call.tell("There is nobody to tell: write a [[notify]] into the configuration.")?;
    } else {
        for test in &tests {
            let word = if test.delivered { "ok" } else { "FAILED" };
            call.tell(&format!(
                "{word:<7}  {} ({}): {}",
                test.name, test.kind, test.detail
            ))?;
        }
    }
    match refused {
        0 => Ok(()),
        1 => Err(CliError::failed("1 receiver did not take the test message")),
        many => Err(CliError::failed(format!(
            "{many} receivers did not take the test message"
        ))),
    }
}
