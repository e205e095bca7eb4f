//! `lifeboat schedule ENV`: the window, the environment's own minute in it, and when each slot is due.

use clap::Args;
use serde_json::json;

use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError, trouble};
use crate::domain::environment::EnvironmentName;
use crate::domain::recent::Recent;
use crate::domain::schedule::{Schedule, weekday_label};
use crate::domain::slot::Slot;
use crate::domain::state::{EnvironmentDetails, SlotSchedule};
use crate::domain::{Instant, measure, refusal};

/// What `lifeboat schedule` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct ScheduleArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
}

pub(super) async fn run(arguments: &ScheduleArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let details = call.backend().await?.environment(&arguments.environment).await?;
    refusal::only_live(&details.summary.name, details.summary.kind)
        .map_err(crate::backend::BackendError::from)?;
    let minute = own_minute(&details);
    if call.globals.json {
        call.json(&json!({
            "environment": details.summary.name,
            "schedule": details.schedule,
            "begins_at": minute,
            "slots": details.slot_schedules,
            "recent": details.recent,
            "last_scheduled": details.last_scheduled,
            "next_verify": details.next_verify,
            "next_drill": details.next_drill,
            "trouble": details.summary.trouble,
        }))?;
        return trouble::end(&details);
    }
    let now = call.now();
    let name = &details.summary.name;
    if details.schedule.enabled {
        call.tell(&format!(
            "Automatic backups of {name} begin at {minute} UTC, its own minute in the window {}.",
            details.schedule.window
        ))?;
    } else {
        call.tell(&format!(
            "Automatic backups of {name} are off (enabled = false in its schedule): only backups by hand are made."
        ))?;
    }
    // When each slot was last served is written in the backups.
    if !trouble::hides_backups(&details) {
        call.say("")?;
        call.table(&table(&details, now))?;
    }
    if let Some(recent) = &details.recent {
        call.say("")?;
        call.tell(&between(recent, now))?;
    }
    let last = match &details.last_scheduled {
        Some(job) => format!(
            "The last automatic backup was job {}, {} {}.",
            job.id,
            job.state.label(),
            measure::moment(job.ended.unwrap_or(job.created))
        ),
        None => "No automatic backup has been made yet.".to_owned(),
    };
    call.say("")?;
    call.tell(&last)?;
    call.tell(&proofs(&details, now))?;
    trouble::end(&details)
}

/// How often backups are made between the daily ones, and when the next one is.
fn between(recent: &Recent, now: Instant) -> String {
    let next = match recent.next {
        _ if recent.due => "One is due now".to_owned(),
        Some(next) => format!(
            "The next step is {}, in {}",
            measure::moment(next),
            measure::between(now, next)
        ),
        None => "The schedule is off".to_owned(),
    };
    format!(
        "Between them a recent backup is made every {}, outside the slots and outside the window; {} are kept. {next}.",
        recent.every, recent.keep
    )
}

/// When backups are read back and drilled next.
fn proofs(details: &EnvironmentDetails, now: Instant) -> String {
    let next = |at: Option<Instant>| {
        at.map_or("off".to_owned(), |at| {
            format!("{}, in {}", measure::moment(at), measure::between(now, at))
        })
    };
    format!(
        "Next verification of every backup: {}. Next drill of one: {}.",
        next(details.next_verify),
        next(details.next_drill)
    )
}

/// The minute of the UTC day at which the environment's automatic backups begin, `00:17`.
fn own_minute(details: &EnvironmentDetails) -> String {
    let minute = (details.schedule.window.start_minute() + details.minute_in_window) % (24 * 60);
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

fn table(details: &EnvironmentDetails, now: Instant) -> Table {
    let mut table = Table::new(&[
        ("slot", Side::Left),
        ("filled", Side::Left),
        ("next (UTC)", Side::Left),
        ("in", Side::Left),
        ("last served (UTC)", Side::Left),
    ]);
    for slot in &details.slot_schedules {
        let (next, left) = match slot.next {
            _ if slot.due => ("now".to_owned(), "due".to_owned()),
            Some(next) => (measure::in_column(next), measure::between(now, next)),
            None => ("off".to_owned(), String::new()),
        };
        table.row([
            slot.slot.to_string(),
            rhythm(slot.slot, &details.schedule),
            next,
            left,
            last_served(slot),
        ]);
    }
    table
}

fn rhythm(slot: Slot, schedule: &Schedule) -> String {
    match slot {
        Slot::Monthly => format!("day {} of the month", schedule.monthly_on),
        Slot::Weekly => format!("every {}", weekday_label(schedule.weekly_on)),
        Slot::Daily => "every day".to_owned(),
        Slot::Manual => "by hand".to_owned(),
    }
}

fn last_served(slot: &SlotSchedule) -> String {
    let late = if slot.last_late { ", late" } else { "" };
    slot.last_served.map_or_else(
        || "never".to_owned(),
        |at| format!("{}{late}", measure::in_column(at)),
    )
}
