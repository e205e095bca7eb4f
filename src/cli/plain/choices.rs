//! What can be chosen, and how that is said.

use super::Place;
use crate::domain::environment::EnvironmentName;
use crate::domain::retention;
use crate::domain::slot::Slot;
use crate::domain::state::{EnvironmentDetails, EnvironmentSummary};
use crate::domain::{Instant, measure, printable};

/// Something that can be chosen.
pub(super) struct Choice {
    /// What is said of it.
    pub(super) label: String,
    /// What it does.
    pub(super) does: Does,
}

/// What a choice does.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Does {
    /// Runs a verb, with these arguments.
    Verb(Vec<String>),
    /// Goes somewhere.
    Go(Place),
    /// Leads to a restore.
    Restore(EnvironmentName),
    /// Asks for what a verb needs besides.
    Ask(Question),
    /// Leaves.
    Leave,
}

/// A verb that needs more.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) verb: Vec<String>,
    pub(super) asks: Vec<Ask>,
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) what: &'static str,
    /// The option that it is given with; none for an argument.
    pub(super) option: Option<&'static str>,
    pub(super) is_needed: bool,
}

fn choice(label: impl Into<String>, does: Does) -> Choice {
    Choice {
        label: label.into(),
        does,
    }
}

fn verb(label: &str, words: &[&str]) -> Choice {
    choice(label, Does::Verb(words.iter().map(ToString::to_string).collect()))
}

fn asking(label: &str, words: &[&str], asks: Vec<Ask>) -> Choice {
    choice(
        label,
        Does::Ask(Question {
            verb: words.iter().map(ToString::to_string).collect(),
            asks,
        }),
    )
}

/// The environments.
pub(super) fn of_environments(environments: &[EnvironmentSummary], now: Instant) -> (String, Vec<Choice>) {
    let mut choices: Vec<Choice> = environments
        .iter()
        .map(|environment| {
            choice(
                sentence(environment, now),
                Does::Go(Place::Environment(environment.name.clone())),
            )
        })
        .collect();
    choices.push(verb("check: what works and what does not", &["check"]));
    choices.push(verb("jobs: what ran and what runs", &["jobs"]));
    choices.push(verb("activity: who did what", &["activity"]));
    choices.push(choice("quit", Does::Leave));
    let title = match environments.len() {
        0 => "There is no environment yet.".to_owned(),
        1 => "1 environment:".to_owned(),
        many => format!("{many} environments:"),
    };
    (title, choices)
}

/// How an environment stands, in a sentence.
fn sentence(environment: &EnvironmentSummary, now: Instant) -> String {
    let mut parts = vec![format!("{}, {}", environment.name, environment.kind.label())];
    if !environment.kind.is_recoverable() {
        return format!("{}, not backed up", parts.concat());
    }
    parts.push(match environment.newest {
        _ if environment.unread => "its repository is being read".to_owned(),
        Some(taken) => format!(
            "can be brought back to {}, {} ago",
            measure::moment(taken),
            measure::between(taken, now)
        ),
        None => "NOTHING can be brought back yet".to_owned(),
    });
    if let Some(trouble) = &environment.trouble {
        parts.push(format!("NEEDS YOU: {trouble}"));
    }
    if let Some(job) = &environment.job {
        parts.push(format!(
            "job {} is {}: {}",
            job.id,
            job.state.label(),
            job.kind.label()
        ));
    }
    if environment.late {
        parts.push("a backup is late".to_owned());
    }
    if let Some(why) = &environment.failed {
        parts.push(format!("failed: {why}"));
    }
    if environment.maintenance.is_some() {
        parts.push("maintenance mode".to_owned());
    }
    if environment.protection.is_some() {
        parts.push("protected from restores".to_owned());
    }
    parts.join("; ")
}

/// Which backup would go for the next one that is taken by hand, behind what offers that.
fn replaced(details: &EnvironmentDetails) -> String {
    let next = retention::replaced_by_next(&details.backups, &details.keep, Slot::Manual);
    next.map_or_else(String::new, |backup| {
        let note = backup.manifest.note.as_deref();
        let note = note.map_or_else(String::new, |note| format!(", \"{}\"", printable::line(note)));
        format!(
            ": it replaces the manual backup {} of {}{note}",
            backup.id,
            measure::moment(backup.manifest.taken)
        )
    })
}

/// What can be done with an environment.
pub(super) fn of_environment(details: &EnvironmentDetails, now: Instant) -> (String, Vec<Choice>) {
    let summary = &details.summary;
    let name = summary.name.to_string();
    let name = name.as_str();
    let title = format!("{}.", sentence(summary, now));
    let mut choices = Vec::new();
    if summary.kind.is_recoverable() {
        choices.push(verb("backups: say which there are", &["backups", name]));
        choices.push(asking(
            &format!("back up now{}", replaced(details)),
            &["backup", name],
            vec![Ask {
                what: "a note for the backup, or nothing",
                option: Some("--note"),
                is_needed: false,
            }],
        ));
        choices.push(choice(
            "restore Live from a backup",
            Does::Restore(summary.name.clone()),
        ));
        if let Some(way) = &details.undo_way {
            choices.push(verb(
                &format!("undo the last restore, which is {}", way.label()),
                &["undo", name],
            ));
        }
        if !details.replaced.is_empty() {
            choices.push(verb(
                "confirm: drop the tables that restores have replaced",
                &["confirm", name],
            ));
        }
        choices.push(asking(
            "look inside a backup or Live",
            &["browse", name],
            vec![
                Ask {
                    what: "the backup, or live",
                    option: None,
                    is_needed: true,
                },
                Ask {
                    what: "the path, such as author:/website/home, or nothing",
                    option: None,
                    is_needed: false,
                },
            ],
        ));
        choices.push(asking(
            "find a page by its name",
            &["find", name],
            vec![Ask {
                what: "a part of the name",
                option: None,
                is_needed: true,
            }],
        ));
        choices.push(verb("verify all backups", &["verify", name]));
        choices.push(verb(
            "drill: prove that the newest backup comes back",
            &["drill", name],
        ));
        choices.push(verb("schedule: when backups are due", &["schedule", name]));
        choices.extend(holds(summary, name));
    }
    choices.push(verb(
        "jobs: what ran and what runs",
        &["jobs", "--environment", name],
    ));
    if let Some(job) = summary.job.as_ref().filter(|job| !job.state.has_ended()) {
        let id = job.id.to_string();
        choices.push(verb(&format!("cancel job {id}"), &["cancel", &id]));
    }
    choices.push(verb("check: what works and what does not", &["check", name]));
    choices.push(choice("back to all environments", Does::Go(Place::Environments)));
    choices.push(choice("quit", Does::Leave));
    (title, choices)
}

/// Maintenance and protection: what they are not.
fn holds(summary: &EnvironmentSummary, name: &str) -> Vec<Choice> {
    let reason = || {
        vec![Ask {
            what: "the reason",
            option: Some("--reason"),
            is_needed: true,
        }]
    };
    vec![
        if summary.maintenance.is_some() {
            verb("end maintenance mode", &["maintenance", name, "--off"])
        } else {
            asking(
                "maintenance mode: let jobs wait",
                &["maintenance", name],
                reason(),
            )
        },
        if summary.protection.is_some() {
            verb("end the protection", &["protect", name, "--off"])
        } else {
            asking("protect: refuse restores", &["protect", name], reason())
        },
    ]
}

/// What was chosen: by its number, or by the beginning of its words where that is unique.
pub(super) fn chosen(typed: &str, choices: Vec<Choice>) -> Option<Does> {
    if let Ok(number) = typed.parse::<usize>() {
        return choices
            .into_iter()
            .nth(number.checked_sub(1)?)
            .map(|choice| choice.does);
    }
    let mut fit = choices
        .into_iter()
        .filter(|choice| choice.label.to_lowercase().starts_with(typed));
    let first = fit.next()?;
    fit.next().is_none().then_some(first.does)
}
