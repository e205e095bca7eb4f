//! `lifeboat environments`: every environment at a glance.

use std::time::Duration;

use serde_json::json;

use crate::backend::{Backend, BackendError};
use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError};
use crate::domain::measure;
use crate::domain::proof::DrillOutcome;
use crate::domain::state::{EnvironmentSummary, Hold};
use crate::domain::target::Standing;

/// How long it is waited for news of environments that are not read yet.
const ASK_AGAIN: Duration = Duration::from_secs(2);

pub(super) async fn run(call: &mut Call<'_>) -> Result<(), CliError> {
    let backend = call.backend().await?;
    let environments = all(backend.as_ref()).await?;
    if call.globals.json {
        return call.json(&json!({ "environments": environments }));
    }
    if environments.is_empty() {
        if !call.house.jobs_run_here(&call.globals)? {
            return call.tell(
                "The service shows no environment: it has none, or the token is limited to projects of which there is none.",
            );
        }
        let info = call.command("info");
        return call.tell(&format!(
            "There is no environment yet: add an [[environment]] to the configuration (`{info}` says where it is)."
        ));
    }
    let now = call.now();
    let mut table = Table::new(&[
        ("environment", Side::Left),
        ("kind", Side::Left),
        ("slots", Side::Left),
        ("newest backup (UTC)", Side::Left),
        ("age", Side::Left),
        ("state", Side::Left),
    ]);
    for environment in &environments {
        let filled = environment
            .slots
            .iter()
            .filter(|slot| slot.taken.is_some())
            .count();
        let slots = match environment.slots.len() {
            0 => "none".to_owned(),
            all => format!("{filled} of {all}"),
        };
        table.row([
            environment.name.to_string(),
            environment.kind.label().to_owned(),
            slots,
            environment
                .newest
                .map_or_else(|| none_of(environment).to_owned(), measure::in_column),
            environment
                .newest
                .map(|taken| measure::between(taken, now))
                .unwrap_or_default(),
            state(environment, is_due(environment, backend.as_ref()).await),
        ]);
    }
    call.table(&table)
}

/// Every environment, with what is in its repository: whoever prints that once waits until it was read.
pub(in crate::cli) async fn all(backend: &dyn Backend) -> Result<Vec<EnvironmentSummary>, BackendError> {
    let mut events = backend.events();
    loop {
        let environments = backend.environments().await?;
        if environments.iter().all(|environment| !environment.unread) {
            return Ok(environments);
        }
        // Not asked again for each of them, and also where no event comes.
        let _ = tokio::time::timeout(ASK_AGAIN, events.next()).await;
        tokio::time::sleep(ASK_AGAIN / 4).await;
    }
}

/// Whether an automatic backup is due. Asked only where nothing more urgent is known; an environment that cannot say is
/// told of by its summary.
async fn is_due(environment: &EnvironmentSummary, backend: &dyn Backend) -> bool {
    if !environment.kind.is_recoverable() || environment.late || environment.trouble.is_some() {
        return false;
    }
    let details = backend.environment(&environment.name).await;
    details.is_ok_and(|details| details.slot_schedules.iter().any(|slot| slot.due))
}

/// How it stands, the most urgent first.
fn state(environment: &EnvironmentSummary, is_due: bool) -> String {
    let mut states = Vec::new();
    if let Some(trouble) = &environment.trouble {
        states.push(format!("NEEDS YOU: {trouble}"));
    }
    if let Some(job) = &environment.job {
        let part = job
            .progress
            .as_ref()
            .and_then(crate::domain::job::Progress::per_mille)
            .map(|part| format!(" {} %", part / 10))
            .unwrap_or_default();
        states.push(format!("{} {}{part}", job.kind.label(), job.state.label()));
    }
    if let Some(hold) = &environment.maintenance {
        states.push(held("maintenance", hold));
    }
    if let Some(hold) = &environment.protection {
        states.push(held("protected", hold));
    }
    if let Some(why) = &environment.failed {
        states.push(format!("failed: {why}"));
    }
    if let Some(drill) = &environment.last_drill
        && let DrillOutcome::Failed { why } = &drill.outcome
    {
        states.push(format!(
            "last drill failed: backup {} did not come back: {why}",
            drill.backup
        ));
    }
    match (environment.bad, environment.newest) {
        (0, Some(_)) => {}
        // Without its repository nobody knows what is in it.
        (0, None) if environment.trouble.is_some() || !environment.kind.is_recoverable() => {}
        (0, None) => states.push("no backup yet".to_owned()),
        (1, _) => states.push("1 backup cannot be relied on".to_owned()),
        (bad, _) => states.push(format!("{bad} backups cannot be relied on")),
    }
    if let Some(asked) = &environment.asked {
        states.push(format!(
            "waits for approval: {}, asked by {}",
            asked.title, asked.by
        ));
    }
    states.extend(
        environment
            .targets
            .iter()
            .filter(|standing| !standing.met)
            .map(Standing::in_words),
    );
    if environment.late {
        states.push("late".to_owned());
    }
    if is_due {
        states.push("due".to_owned());
    }
    if !environment.kind.is_recoverable() {
        states.push("only Live is backed up".to_owned());
    }
    if states.is_empty() {
        states.push("ok".to_owned());
    }
    states.join(", ")
}

/// What stands where the newest good backup would.
fn none_of(environment: &EnvironmentSummary) -> &'static str {
    if environment.bad > 0 { "none good" } else { "none" }
}

fn held(word: &str, hold: &Hold) -> String {
    hold.reason
        .as_ref()
        .map_or_else(|| word.to_owned(), |reason| format!("{word} ({reason})"))
}
