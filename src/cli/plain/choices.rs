//! What can be chosen, and how that is said.

use super::Place;
use super::asking::Care;
use crate::domain::environment::EnvironmentName;
use crate::domain::state::{EnvironmentDetails, EnvironmentSummary};
use crate::domain::{Instant, measure};

/// Something that can be chosen.
pub(super) struct Choice {
    /// The number that it is chosen by. One that was learned never means something else: of an environment, a choice keeps its
    /// number whatever else can be chosen, in every environment, and none is left out.
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
    /// Leads to what differs between a backup and Live.
    Differ(EnvironmentName),
    /// Breaks Live of a demo.
    Break(EnvironmentName),
    /// Asks for what a verb needs besides.
    Ask(Question),
    /// Leaves.
    Leave,
    /// Nothing now, for this reason. It has a number, so that what others have been learned by stays and none is missing.
    Not(&'static str),
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
    /// What is said to whoever types `help` there.
    pub(super) help: &'static str,
    /// Whether something begins with the answer.
    pub(super) care: Care,
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
pub(super) fn of_environments(environments: &[EnvironmentSummary], now: Instant) -> (Title, Vec<Choice>) {
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
    (Title::of(title), numbered_from(1, each.chain(of_all)))
}

/// What stands above the choices.
pub(super) struct Title {
    /// The whole of it.
    whole: String,
    /// Of an environment that needs somebody: what is said instead where that was said before.
    again: Option<Again>,
}

/// What is said of an environment that goes on to need somebody.
#[derive(PartialEq)]
pub(super) struct Again {
    /// Why it does.
    trouble: String,
    /// How it stands otherwise, without how long ago anything was.
    otherwise: String,
    /// How it stands, without why it needs somebody.
    without: String,
    /// That nothing else has happened either.
    nothing_else: String,
}

impl Title {
    fn of(whole: String) -> Self {
        Self { whole, again: None }
    }

    /// What is said where this was said last: all of why somebody is needed only once.
    pub(super) fn after(&self, last: Option<&Again>) -> &str {
        match (&self.again, last) {
            (Some(again), Some(last)) if again.trouble == last.trouble => {
                if again.otherwise == last.otherwise {
                    &again.nothing_else
                } else {
                    &again.without
                }
            }
            _ => &self.whole,
        }
    }

    /// It as what was said last.
    pub(super) fn into_said(self) -> Option<Again> {
        self.again
    }
}

/// How an environment stands, above what can be done with it.
fn title(environment: &EnvironmentSummary, now: Instant) -> Title {
    let again = environment.trouble.as_ref().map(|trouble| Again {
        trouble: trouble.clone(),
        otherwise: told(environment, environment.newest.unwrap_or(now), Trouble::AsBefore),
        without: format!("{}.", told(environment, now, Trouble::AsBefore)),
        nothing_else: format!("{} NEEDS YOU, as before.", environment.name),
    });
    let whole = format!("{}.", sentence(environment, now));
    Title { whole, again }
}

/// Whether it is said why somebody is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    Whole,
    AsBefore,
}

/// How an environment stands, in a sentence.
fn sentence(environment: &EnvironmentSummary, now: Instant) -> String {
    told(environment, now, Trouble::Whole)
}

fn told(environment: &EnvironmentSummary, now: Instant, which: Trouble) -> String {
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
        parts.push(match which {
            Trouble::Whole => format!("NEEDS YOU: {trouble}"),
            Trouble::AsBefore => "NEEDS YOU, as before".to_owned(),
        });
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

/// What is worked out for the choices of an environment.
pub(super) struct Offers {
    /// What an undo would do now; nothing where there is nothing to undo.
    pub(super) undo: Option<String>,
    /// What goes for the next backup that is taken by hand.
    pub(super) goes: Option<String>,
    /// Whether it is a demo, where Live can be broken.
    pub(super) is_demo: bool,
}

/// Why something cannot be done with an environment that is not Live.
const LIVE_ALONE: &str = "only Live is backed up";

/// What can be done with an environment. What comes and goes stands behind what does not, each with a number of its own, whether
/// it can be taken now or not.
pub(super) fn of_environment(
    details: &EnvironmentDetails,
    offers: Offers,
    now: Instant,
) -> (Title, Vec<Choice>) {
    let summary = &details.summary;
    let environment = &summary.name;
    let name = environment.to_string();
    let name = name.as_str();
    let verb = |label: &str, verb: &[&str]| (label.to_owned(), Does::Verb(words(verb)));
    let leads =
        |label: &str, does: fn(EnvironmentName) -> Does| (label.to_owned(), does(environment.clone()));
    let running = summary.job.as_ref().filter(|job| !job.state.has_ended());
    let not = |label: &str, why: &'static str| (label.to_owned(), Does::Not(why));
    let of_live = [
        verb("backups: say which there are", &["backups", name]),
        back_up(name, offers.goes),
        leads("restore Live from a backup", Does::Restore),
        leads("look inside a backup or Live", Does::Look),
        leads(
            "differences: what is gone from Live since a backup, what is new, what has changed",
            Does::Differ,
        ),
        find(name),
        verb("verify all backups", &["verify", name]),
        verb("drill: prove that the newest backup comes back", &["drill", name]),
        verb("schedule: when backups are due", &["schedule", name]),
        maintenance(summary, name),
        protection(summary, name),
    ];
    let recoverable = summary.kind.is_recoverable();
    let of_live = of_live.map(|(label, does)| {
        let does = if recoverable { does } else { Does::Not(LIVE_ALONE) };
        (label, does)
    });
    let of_all = [
        verb("jobs: what ran and what runs", &["jobs", "--environment", name]),
        verb("check: what works and what does not", &["check", name]),
        (
            "back to all environments".to_owned(),
            Does::Go(Place::Environments),
        ),
        ("quit".to_owned(), Does::Leave),
    ];
    // The order is that of the numbers.
    let sometimes = [
        match running {
            Some(job) => verb(
                &format!("cancel job {}", job.id),
                &["cancel", &job.id.to_string()],
            ),
            None => not("cancel a job", "none runs"),
        },
        match &offers.undo {
            Some(label) => verb(label, &["undo", name]),
            None => not("undo the last restore", "there is nothing to undo"),
        },
        if details.replaced.is_empty() {
            not("confirm a restore", "no tables stand that one has replaced")
        } else {
            verb(
                "confirm: drop the tables that restores have replaced",
                &["confirm", name],
            )
        },
    ];
    let breaks = (offers.is_demo && recoverable).then(|| {
        leads(
            "break Live, so that there is something to restore: in this demo only",
            Does::Break,
        )
    });
    let all = of_live.into_iter().chain(of_all).chain(sometimes).chain(breaks);
    (title(summary, now), numbered_from(1, all))
}

/// A backup by hand.
fn back_up(name: &str, goes: Option<String>) -> (String, Does) {
    let asks = Ask {
        what: "a note for the backup, or nothing",
        option: Some("--note"),
        is_needed: false,
        help: "Why the backup is taken, in your words: it is kept with it, and others see it. Enter alone takes it without a \
               note; \"back\" takes none. A note of the one word help is given with the verb: backup --note help.",
        care: Care::Meant,
    };
    ("back up now".to_owned(), asking(&["backup", name], goes, asks))
}

/// A page, by its name.
fn find(name: &str) -> (String, Does) {
    let asks = Ask {
        what: "a part of the name",
        option: None,
        is_needed: true,
        help: "A part of the name of the page, or of anything else that is looked for in all backups, such as news. Upper and lower \
               case are the same. \"back\" looks for nothing.",
        care: Care::TypedAhead,
    };
    (
        "find a page by its name".to_owned(),
        asking(&["find", name], None, asks),
    )
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
        help: "Why, in your words: everybody who is kept waiting by it sees it. \"back\" leaves it, and nothing is done.",
        care: Care::Meant,
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

/// The lines that say choices. Several that cannot be taken for one reason have one line.
pub(super) fn said(choices: &[&Choice]) -> Vec<String> {
    let why = |choice: &Choice| match choice.does {
        Does::Not(why) => Some(why),
        _ => None,
    };
    let groups = choices.chunk_by(|one, next| why(one).is_some() && why(one) == why(next));
    let line = |group: &[&Choice]| match group {
        [first, .., last] => format!(
            "{} to {}  not here: {}",
            first.number,
            last.number,
            why(first).unwrap_or_default()
        ),
        [only] => match why(only) {
            Some(why) => format!("{:>3}  not now, {why}: {}", only.number, only.label),
            None => format!("{:>3}  {}", only.number, only.label),
        },
        [] => String::new(),
    };
    groups.map(line).collect()
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

    #[test]
    fn what_cannot_be_taken_is_said_in_one_line_where_it_is_for_one_reason() {
        let choice = |number, label: &str, does| Choice {
            number,
            label: label.to_owned(),
            does,
        };
        let all = [
            choice(1, "backups", Does::Not(LIVE_ALONE)),
            choice(2, "back up now", Does::Not(LIVE_ALONE)),
            choice(3, "jobs", Does::Leave),
            choice(4, "cancel a job", Does::Not("none runs")),
            choice(5, "undo", Does::Not("there is nothing to undo")),
        ];
        assert_eq!(
            said(&all.iter().collect::<Vec<_>>()),
            [
                "1 to 2  not here: only Live is backed up",
                "  3  jobs",
                "  4  not now, none runs: cancel a job",
                "  5  not now, there is nothing to undo: undo",
            ]
        );
    }
}
