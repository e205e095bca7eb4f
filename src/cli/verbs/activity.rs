//! `lifeboat activity`: who did what, when, and how it ended.

use clap::Args;
use serde_json::json;

use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError};
use crate::domain::measure;

/// What `lifeboat activity` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ActivityArguments {
    /// At most so many entries, newest first
    #[arg(long, value_name = "NUMBER", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Check instead that the log on this machine is what was written, and say where it is not
    #[cfg(feature = "engine")]
    #[arg(long, conflicts_with = "limit")]
    pub verify: bool,
}

pub(super) async fn run(arguments: &ActivityArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    #[cfg(feature = "engine")]
    if arguments.verify {
        return verify(call).await;
    }
    let activity = call.backend().await?.activity(arguments.limit).await?;
    if call.globals.json {
        return call.json(&json!({ "activity": activity }));
    }
    if activity.is_empty() {
        return call.say("Nothing has been done yet.");
    }
    let mut table = Table::new(&[
        ("when (UTC)", Side::Left),
        ("who", Side::Left),
        ("environment", Side::Left),
        ("job", Side::Right),
        ("level", Side::Left),
        ("what", Side::Left),
    ]);
    for entry in &activity {
        table.row([
            measure::in_column(entry.at),
            entry.by.to_string(),
            entry
                .environment
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
            entry.job.as_ref().map(ToString::to_string).unwrap_or_default(),
            entry.severity.label().to_owned(),
            entry.what.clone(),
        ]);
    }
    call.table(&table)
}

/// Checks the chain that the entries make.
#[cfg(feature = "engine")]
async fn verify(call: &mut Call<'_>) -> Result<(), CliError> {
    let engine = call.engine_here().await?;
    let report = engine.verify_activity().await?;
    if call.globals.json {
        call.json(&report)?;
    }
    if let Some(broken) = &report.broken {
        return Err(CliError::failed(format!(
            "the activity log is not what was written, at entry {}: {}. Everything before it holds",
            broken.number, broken.why
        )));
    }
    if call.globals.json {
        return Ok(());
    }
    call.tell(&match report.entries {
        0 => "The activity log has no entry yet.".to_owned(),
        1 => "The 1 entry of the activity log is what was written.".to_owned(),
        many => format!(
            "All {} entries of the activity log are what was written, each following from the one before it.",
            measure::count(many)
        ),
    })
}
