//! What can be chosen, and how that is said.

use super::Place;
use crate::domain::environment::EnvironmentName;
use crate::domain::retention;
use crate::domain::slot::Slot;
use crate::domain::state::{EnvironmentDetails, EnvironmentSummary, UndoWay};
use crate::domain::{Instant, measure, printable};

/// Something that can be chosen.
pub(super) struct Choice {
    /// The number that it is chosen by. One that was learned never means something else: of an environment, a choice keeps its
    /// number whatever else can be chosen, in every environment.
    pub(super) number: usize,
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
    /// Leads to a look inside a backup or Live.
    Look(EnvironmentName),
    /// Breaks Live of a demo.
    Break(EnvironmentName),
    /// Asks for what a verb needs besides.
    Ask(Question),
    /// Leaves.
    Leave,
}

/// A verb that needs more.
#[derive(Clone, Eq)]
pub(super) struct Question {
    /// What is to be known before it is answered.
    pub(super) before: Option<String>,
    pub(super) verb: Vec<String>,
    pub(super) asks: Ask,
}

/// It is the same choice whatever is to be known before: that is said when it is taken.
impl PartialEq for Question {
    fn eq(&self, other: &Self) -> bool {
        (&self.verb, &self.asks) == (&other.verb, &other.asks)
    }
}

/// What is asked for.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) what: &'static str,
    /// The option that it is given with; none for an argument.
    pub(super) option: Option<&'static str>,
    pub(super) is_needed: bool,
}

/// What was typed, as a choice.
#[derive(PartialEq, Eq)]
pub(super) enum Chosen {
    /// This one.
    This(Does),
    /// A number that no choice has now.
    NoNumber,
    /// Words that none, or more than one, begins with.
    Nothing,
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(ToString::to_string).collect()
}

/// Choices with the numbers from this one on.
fn numbered_from(first: usize, choices: impl IntoIterator<Item = (String, Does)>) -> Vec<Choice> {
    (first..)
        .zip(choices)
        .map(|(number, (label, does))| Choice { number, label, does })
        .collect()
}

/// The environments.
pub(super) fn of_environments(environments: &[EnvironmentSummary], now: Instant) -> (String, Vec<Choice>) {
    let of_all = [
        (
            "check: what works and what does not",
            Does::Verb(words(&["check"])),
        ),
        ("jobs: what ran and what runs", Does::Verb(words(&["jobs"]))),
        ("activity: who did what", Does::Verb(words(&["activity"]))),
        ("quit", Does::Leave),
    ]
    .map(|(label, does)| (label.to_owned(), does));
    let each = environments.iter().map(|environment| {
        (
            sentence(environment, now),
            Does::Go(Place::Environment(environment.name.clone())),
        )
    });
    let title = match environments.len() {
        0 => "There is no environment yet.".to_owned(),
        1 => "1 environment:".to_owned(),
        many => format!("{many} environments:"),
    };
    (title, numbered_from(1, each.chain(of_all)))
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

/// Which backup would go for the next one that is taken by hand.
fn replaced(details: &EnvironmentDetails) -> Option<String> {
    let backup = retention::replaced_by_next(&details.backups, &details.keep, Slot::Manual)?;
    let note = backup.manifest.note.as_deref();
    let note = note.map_or_else(String::new, |note| format!(", \"{}\"", printable::line(note)));
    Some(format!(
        "It replaces the manual backup {} of {}{note}.",
        backup.id,
        measure::moment(backup.manifest.taken)
    ))
}

/// What an undo does, behind what offers that.
fn undone(details: &EnvironmentDetails, way: &UndoWay) -> String {
    format!("undo the last restore: {}", details.undo_in_words(way))
}

/// What can be done with an environment. What comes and goes stands behind what does not, each with a number of its own.
pub(super) fn of_environment(
    details: &EnvironmentDetails,
    is_demo: bool,
    now: Instant,
) -> (String, Vec<Choice>) {
    let summary = &details.summary;
    let environment = &summary.name;
    let name = environment.to_string();
    let name = name.as_str();
    let recoverable = summary.kind.is_recoverable();
    let verb = |label: &str, verb: &[&str]| (label.to_owned(), Does::Verb(words(verb)));
    let running = summary.job.as_ref().filter(|job| !job.state.has_ended());
    // The order is that of the numbers: a new one goes to the end, and one that is no more leaves its number free.
    let all = [
        recoverable.then(|| verb("backups: say which there are", &["backups", name])),
        recoverable.then(|| {
            (
                "back up now".to_owned(),
                asking(
                    &["backup", name],
                    replaced(details),
                    Ask {
                        what: "a note for the backup, or nothing",
                        option: Some("--note"),
                        is_needed: false,
                    },
                ),
            )
        }),
        recoverable.then(|| {
            (
                "restore Live from a backup".to_owned(),
                Does::Restore(environment.clone()),
            )
        }),
        recoverable.then(|| {
            (
                "look inside a backup or Live".to_owned(),
                Does::Look(environment.clone()),
            )
        }),
        recoverable.then(|| {
            (
                "find a page by its name".to_owned(),
                asking(
                    &["find", name],
                    None,
                    Ask {
                        what: "a part of the name",
                        option: None,
                        is_needed: true,
                    },
                ),
            )
        }),
        recoverable.then(|| verb("verify all backups", &["verify", name])),
        recoverable.then(|| verb("drill: prove that the newest backup comes back", &["drill", name])),
        recoverable.then(|| verb("schedule: when backups are due", &["schedule", name])),
        recoverable.then(|| maintenance(summary, name)),
        recoverable.then(|| protection(summary, name)),
        Some(verb(
            "jobs: what ran and what runs",
            &["jobs", "--environment", name],
        )),
        Some(verb("check: what works and what does not", &["check", name])),
        Some((
            "back to all environments".to_owned(),
            Does::Go(Place::Environments),
        )),
        Some(("quit".to_owned(), Does::Leave)),
        running.map(|job| {
            verb(
                &format!("cancel job {}", job.id),
                &["cancel", &job.id.to_string()],
            )
        }),
        details
            .undo_way
            .as_ref()
            .map(|way| verb(&undone(details, way), &["undo", name])),
        (!details.replaced.is_empty()).then(|| {
            verb(
                "confirm: drop the tables that restores have replaced",
                &["confirm", name],
            )
        }),
        (is_demo && recoverable).then(|| {
            (
                "break Live, so that there is something to restore: in this demo only".to_owned(),
                Does::Break(environment.clone()),
            )
        }),
    ];
    let choices = (1..)
        .zip(all)
        .filter_map(|(number, choice)| choice.map(|(label, does)| Choice { number, label, does }));
    (format!("{}.", sentence(summary, now)), choices.collect())
}

fn asking(verb: &[&str], before: Option<String>, asks: Ask) -> Does {
    Does::Ask(Question {
        before,
        verb: words(verb),
        asks,
    })
}

/// Why something is held.
fn reason() -> Ask {
    Ask {
        what: "the reason",
        option: Some("--reason"),
        is_needed: true,
    }
}

/// Maintenance: what it is not.
fn maintenance(summary: &EnvironmentSummary, name: &str) -> (String, Does) {
    if summary.maintenance.is_some() {
        let off = Does::Verb(words(&["maintenance", name, "--off"]));
        return ("end maintenance mode".to_owned(), off);
    }
    (
        "maintenance mode: let jobs wait".to_owned(),
        asking(&["maintenance", name], None, reason()),
    )
}

/// Protection: what it is not.
fn protection(summary: &EnvironmentSummary, name: &str) -> (String, Does) {
    if summary.protection.is_some() {
        let off = Does::Verb(words(&["protect", name, "--off"]));
        return ("end the protection".to_owned(), off);
    }
    (
        "protect: refuse restores".to_owned(),
        asking(&["protect", name], None, reason()),
    )
}

/// What was chosen: by its number, or by the beginning of its words where that is unique.
pub(super) fn chosen(typed: &str, choices: Vec<Choice>) -> Chosen {
    if let Ok(number) = typed.parse::<usize>() {
        let mut choices = choices.into_iter();
        let this = choices.find(|choice| choice.number == number);
        return this.map_or(Chosen::NoNumber, |choice| Chosen::This(choice.does));
    }
    let mut fit = choices
        .into_iter()
        .filter(|choice| choice.label.to_lowercase().starts_with(typed));
    match (fit.next(), fit.next()) {
        (Some(only), None) => Chosen::This(only.does),
        _ => Chosen::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choices(numbers: &[(usize, &str)]) -> Vec<Choice> {
        let all = numbers.iter().map(|(number, label)| Choice {
            number: *number,
            label: (*label).to_owned(),
            does: Does::Verb(words(&[label])),
        });
        all.collect()
    }

    #[test]
    fn a_number_means_its_choice_alone_whatever_else_is_there() {
        let all = || choices(&[(1, "backups"), (2, "back up now"), (16, "undo")]);
        let this = |label: &str| Chosen::This(Does::Verb(words(&[label])));
        assert!(chosen("16", all()) == this("undo"));
        assert!(chosen("u", all()) == this("undo"));
        assert!(chosen("3", all()) == Chosen::NoNumber);
        assert!(chosen("back", all()) == Chosen::Nothing);
    }
}
