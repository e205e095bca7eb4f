//! `lifeboat backups ENV`: the four slots with their holders, then recent, upgrade and safety backups, then all others.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use serde_json::json;

use crate::backend::{Backend, BackendError};
use crate::cli::table::{Side, Table};
use crate::cli::{Call, CliError, trouble};
use crate::domain::backup::{Backup, Trigger, Verification};
use crate::domain::copies::Copies;
use crate::domain::environment::{EnvironmentName, Instance, MemberName};
use crate::domain::event::Event;
use crate::domain::refusal;
use crate::domain::slot::Slot;
use crate::domain::state::{EnvironmentDetails, ReplacedTables};
use crate::domain::{Instant, measure, proof, retention};

/// An instance answers within two seconds, or counts as down.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);

/// What `lifeboat backups` takes.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct BackupsArguments {
    /// The environment, written PROJECT/ENVIRONMENT
    #[arg(value_name = "ENV")]
    pub environment: EnvironmentName,
}

pub(super) async fn run(arguments: &BackupsArguments, call: &mut Call<'_>) -> Result<(), CliError> {
    let details = asked(call.backend().await?.as_ref(), &arguments.environment).await?;
    refusal::only_live(&details.summary.name, details.summary.kind).map_err(BackendError::from)?;
    if call.globals.json {
        let slots: Vec<_> = Slot::ALL
            .into_iter()
            .map(|slot| {
                let holders: Vec<_> = holders(&details, slot).map(|backup| &backup.id).collect();
                json!({ "slot": slot, "keep": details.keep.of(slot), "holders": holders })
            })
            .collect();
        call.json(&json!({
            "environment": details.summary.name,
            "slots": slots,
            "recent": details.recent,
            "backups": details.backups,
            "instances": details.instances,
            "copies": details.copies,
            "second_repository_only": details.only_copied().collect::<Vec<_>>(),
            "replaced": details.replaced,
            "last_verified": details.summary.last_verified,
            "last_drill": details.summary.last_drill,
            "last_proven": details.summary.last_proven,
            "undo_way": details.undo_way,
            "trouble": details.summary.trouble,
        }))?;
        return trouble::end(&details);
    }
    if trouble::hides_backups(&details) {
        return trouble::end(&details);
    }
    let now = call.now();
    call.table(&table(&details, now))?;
    let mut remarks = remarks(details.all_backups(), now);
    let summary = &details.summary;
    remarks.extend(proof::standing(
        summary.last_proven.as_ref(),
        summary.last_drill.as_ref(),
        now,
    ));
    remarks.extend(details.instances.iter().flat_map(health));
    if let Some(copies) = &details.copies {
        remarks.extend(copied(&details, copies, now));
    }
    remarks.extend(details.replaced.iter().map(|tables| replaced(tables, now)));
    if !remarks.is_empty() {
        call.say("")?;
    }
    for remark in remarks {
        call.tell(&remark)?;
    }
    trouble::end(&details)
}

/// The environment with what its instances answer. Asking for it never waits for them, so what they have not answered by
/// then is asked for once more when the news comes.
async fn asked(backend: &dyn Backend, name: &EnvironmentName) -> Result<EnvironmentDetails, BackendError> {
    let is_complete = |details: &EnvironmentDetails| {
        let mut asked = details.instances.iter().flat_map(Instance::asked);
        asked.all(|asked| asked.answer.is_some())
    };
    let mut events = backend.events();
    let mut details = backend.environment(name).await?;
    let news = async {
        while !is_complete(&details) {
            match events.next().await {
                Some(Event::Environment { name: told }) if told == *name => {
                    details = backend.environment(name).await?;
                }
                Some(_) => {}
                None => break,
            }
        }
        Ok::<_, BackendError>(())
    };
    // Without the answers there is still all the rest to show.
    tokio::time::timeout(ANSWER_LIMIT, news).await.unwrap_or(Ok(()))?;
    Ok(details)
}

/// Whether an instance and its nodes that can be asked are up, a line for each.
fn health(instance: &Instance) -> impl Iterator<Item = String> {
    instance.asked().map(|asked| {
        let name = MemberName {
            instance: instance.name.clone(),
            node: asked.node.cloned(),
        };
        match asked.answer {
            Some(answer) if answer.up => format!("{name}  UP"),
            Some(answer) => format!("{name}  DOWN: {}", answer.detail),
            None => format!("{name}  not asked yet"),
        }
    })
}

fn holders(details: &EnvironmentDetails, slot: Slot) -> impl Iterator<Item = &Backup> {
    retention::holders(&details.backups, &details.keep, slot).into_iter()
}

fn table(details: &EnvironmentDetails, now: Instant) -> Table {
    let mut table = Table::new(&[
        ("kept as", Side::Left),
        ("id", Side::Left),
        ("taken (UTC)", Side::Left),
        ("age", Side::Left),
        ("release", Side::Left),
        ("Magnolia", Side::Left),
        ("size", Side::Right),
        ("state", Side::Left),
    ]);
    for (word, backup) in rows(details) {
        match backup {
            Some(backup) => table.row([
                word.to_owned(),
                backup.id.to_string(),
                measure::in_column(backup.manifest.taken),
                if backup.dated_ahead {
                    "unknown".to_owned()
                } else {
                    measure::between(backup.manifest.taken, now)
                },
                backup.manifest.versions.release.to_string(),
                backup.manifest.versions.magnolia.to_string(),
                measure::bytes(backup.manifest.bytes()),
                if details.is_only_copied(&backup.id) {
                    format!("{}, second repository only", state(backup))
                } else {
                    state(backup)
                },
            ]),
            None => table.row([word.to_owned(), "-".to_owned(), "empty".to_owned()]),
        }
    }
    table
}

/// What each backup is kept as, in the order of the table. A backup that holds two slots is there twice; an empty slot
/// has a row without one. What only the second repository has comes last.
fn rows(details: &EnvironmentDetails) -> Vec<(&'static str, Option<&Backup>)> {
    let mut rows = Vec::new();
    // What cannot be listed is not empty.
    let slots = if details.hides_backups() {
        &[][..]
    } else {
        &Slot::ALL[..]
    };
    for slot in slots.iter().copied() {
        let mut holders = holders(details, slot).peekable();
        if holders.peek().is_none() {
            rows.push((slot.label(), None));
        }
        rows.extend(holders.map(|backup| (slot.label(), Some(backup))));
    }
    let recent = details
        .backups
        .iter()
        .filter(|backup| backup.is_recent() && !backup.dated_ahead);
    rows.extend(recent.map(|backup| ("recent", Some(backup))));
    let ahead = details.all_backups().filter(|backup| backup.dated_ahead);
    rows.extend(ahead.map(|backup| ("future", Some(backup))));
    for word in ["upgrade", "safety"] {
        let kept = details
            .all_backups()
            .filter(|backup| outside_label(&backup.manifest.trigger) == Some(word) && !backup.dated_ahead);
        rows.extend(kept.map(|backup| (word, Some(backup))));
    }
    let shown: BTreeSet<_> = rows
        .iter()
        .filter_map(|(_, backup)| backup.map(|backup| &backup.id))
        .collect();
    let others: Vec<_> = details
        .all_backups()
        .filter(|backup| !shown.contains(&backup.id))
        .collect();
    rows.extend(others.into_iter().map(|backup| {
        let word = match backup.manifest.slots.first() {
            Some(slot) if details.is_only_copied(&backup.id) => slot.label(),
            _ => "no slot",
        };
        (word, Some(backup))
    }));
    rows
}

/// The word for backups that stand outside the four slots.
fn outside_label(trigger: &Trigger) -> Option<&'static str> {
    match trigger {
        Trigger::Upgrade { .. } => Some("upgrade"),
        Trigger::Restore => Some("safety"),
        Trigger::Schedule | Trigger::Person => None,
    }
}

fn state(backup: &Backup) -> String {
    let state = match &backup.verification {
        Verification::Verified { .. } => "verified",
        Verification::Unverified => "unverified",
        Verification::Damaged { .. } => "DAMAGED",
    };
    let late = if backup.is_late() { ", late" } else { "" };
    let drilled = match &backup.drill {
        None => "",
        Some(drill) if drill.is_proven() => ", proven",
        Some(drill) if !drill.has_failed() => ", proven in part",
        Some(_) => ", DRILL FAILED",
    };
    let pinned = if backup.manifest.pin.is_some() {
        ", pinned"
    } else {
        ""
    };
    let less = backup.less.as_ref();
    let less = less.map_or_else(String::new, |less| format!(", {}", less.in_short()));
    format!("{state}{less}{drilled}{late}{pinned}")
}

/// What is in the second repository, and what should be.
fn copied(details: &EnvironmentDetails, copies: &Copies, now: Instant) -> Vec<String> {
    if let Some(trouble) = &copies.trouble {
        return vec![format!("second repository  {trouble}")];
    }
    let mut lines = vec![match copies.newest() {
        Some(newest) => format!(
            "second repository  {}: its newest copy is of {}, {} old",
            copies.repository,
            measure::moment(newest),
            measure::between(newest, now)
        ),
        None => format!("second repository  {}: no copy is in it yet", copies.repository),
    }];
    lines.extend(copies.backups.iter().map(|copy| {
        if details.is_only_copied(&copy.backup.id) {
            format!(
                "{id}  is in the second repository only: `lifeboat restore {} {id} --from copy` takes it from there",
                details.summary.name,
                id = copy.backup.id
            )
        } else {
            format!(
                "{}  has a copy there, {} ({})",
                copy.of,
                copy.backup.id,
                state(&copy.backup)
            )
        }
    }));
    lines.extend(
        copies
            .missing
            .iter()
            .map(|id| format!("{id}  has no good copy yet: the next backup makes one")),
    );
    lines
}

/// What a restore has left in a database.
fn replaced(tables: &ReplacedTables, now: Instant) -> String {
    let until = if tables.expires > now {
        format!(
            "they stay until {} (in {})",
            measure::moment(tables.expires),
            measure::between(now, tables.expires)
        )
    } else {
        "they go with the next job".to_owned()
    };
    format!(
        "{}  holds tables that job {} replaced {}, {}: {until}",
        tables.instance,
        tables.job,
        measure::moment(tables.at),
        measure::bytes(tables.bytes)
    )
}

/// What does not fit into the table: notes, expiries, damage.
fn remarks<'a>(backups: impl Iterator<Item = &'a Backup>, now: Instant) -> Vec<String> {
    let mut remarks = Vec::new();
    for backup in backups {
        if let Verification::Damaged { at, why } = &backup.verification {
            remarks.push(format!(
                "{}  damaged, found {}: {why}",
                backup.id,
                measure::moment(*at)
            ));
        }
        if let Some(less) = &backup.less {
            remarks.push(format!(
                "{}  has {}: look whether Live was whole",
                backup.id,
                less.in_words()
            ));
        }
        if let Trigger::Upgrade { to } = &backup.manifest.trigger {
            remarks.push(format!("{}  before the upgrade to Magnolia {to}", backup.id));
        }
        if let Some(expires) = backup.manifest.expires {
            let left = if expires > now {
                format!("in {}", measure::between(now, expires))
            } else {
                "it goes with the next backup".to_owned()
            };
            remarks.push(format!(
                "{}  expires {} ({left})",
                backup.id,
                measure::moment(expires)
            ));
        }
        if let Some(pin) = &backup.manifest.pin {
            let over = if pin.holds(now) { "" } else { " (that is over)" };
            remarks.push(format!("{}  pinned {}{over}", backup.id, pin.in_words()));
        }
        if let Some(note) = &backup.manifest.note {
            remarks.push(format!("{}  note by {}: {note}", backup.id, backup.manifest.by));
        }
    }
    remarks
}
