//! A restore, question by question: which backup, what of it, what that would do, and the name to type.

use super::answering::{Answer, said_again};
use super::asking::Question;
use super::{Ended, Session, Why};
use crate::cli::CliError;
use crate::domain::backup::{Backup, Verification};
use crate::domain::environment::EnvironmentName;
use crate::domain::refusal::Refusal;
use crate::domain::shrinking::Less;
use crate::domain::{Instant, measure};

/// What is said to whoever asks for help where a backup is chosen.
pub(super) const WHICH_HELP: &str = "Type the number of one of them, its id or the beginning of that, or the beginning of its words where \
    that fits one alone, such as daily. Digits alone are a number, or from four of them on the beginning of an id. Enter alone says \
    them again; \"back\" leaves the question, and nothing is done.";

/// The same where it is said what to do with a plan.
const WHAT_HELP: &str = "Nothing has been done to Live yet, and whatever is chosen, nothing is before the name of the environment is \
    typed. Type the number of a choice, or the beginning of its words. Enter alone says them again; \"back\" leaves the restore.";

/// The same where some of several are chosen.
const SOME_HELP: &str = "Type their numbers with spaces between them, such as 1 3, or nothing for all of them. Nothing is restored by \
    that: the plan is made anew, and said. \"back\" leaves the restore.";

/// The same where a path is typed.
pub(super) const PATH_HELP: &str = "A path is the instance, a colon, the workspace, and the nodes down to the one that is meant: \
    author:/website/home/news. Without the instance it is on each of them. \"find\" and a part of a name, where choices are, finds \
    one. Enter alone means what the question says; \"back\" leaves it.";

impl Session<'_, '_> {
    /// Leads through a restore. Gives why to leave, if that came of it.
    pub(super) async fn restore(&mut self, name: &EnvironmentName) -> Result<Option<Why>, CliError> {
        let details = self.backend.environment(name).await?;
        let mut backups: Vec<&Backup> = details.all_backups().collect();
        backups.sort_by_key(|backup| std::cmp::Reverse(backup.manifest.taken));
        if backups.is_empty() {
            self.call.tell(
                details
                    .summary
                    .trouble
                    .as_deref()
                    .unwrap_or("There is no backup yet."),
            )?;
            return Ok(None);
        }
        let now = self.call.now();
        let labels = sentences(&backups, now);
        let options = Options::with(&labels, &backups);
        let Some(place) = (match self
            .one_of("Backups, the newest first:", options, "which backup", WHICH_HELP)
            .await?
        {
            Ok(place) => place,
            Err(why) => return Ok(Some(why)),
        }) else {
            return Ok(None);
        };
        let Some(backup) = backups.get(place) else {
            return Ok(None);
        };
        let mut arguments = vec![name.to_string(), backup.id.to_string()];
        if details.is_only_copied(&backup.id) {
            arguments.extend(["--from".to_owned(), "copy".to_owned()]);
        }
        if let Some(hold) = &details.summary.protection {
            let refusal = Refusal::Protected {
                environment: name.clone(),
                reason: hold.reason.clone(),
            };
            self.call
                .remark(&format!("It cannot be restored now: {refusal}"))?;
        }
        let of_all = arguments.len();
        match self.replaced(backup).await? {
            Ok(Some(part)) => arguments.extend(part),
            Ok(None) => return Ok(None),
            Err(why) => return Ok(Some(why)),
        }
        let mut began = Ended::Well;
        loop {
            let plan = [vec!["plan".to_owned()], arguments.clone()].concat();
            if let Some(why) = self.verb(&plan).await? {
                return Ok(Some(why));
            }
            // What is in the way may be gone in a moment, or be the room for a safety backup: the choices stay.
            let is_in_the_way = self.ended != Ended::Well || details.summary.protection.is_some();
            let (title, labels) = what_now(is_in_the_way, began);
            let chosen = match self
                .one_of(title, Options::of(&labels), "restore", WHAT_HELP)
                .await?
            {
                Ok(chosen) => chosen,
                Err(why) => return Ok(Some(why)),
            };
            match chosen {
                Some(way @ (0 | 1)) => {
                    let without_safety: &[&str] = if way == 1 {
                        &["--without-safety-backup"]
                    } else {
                        &[]
                    };
                    let over = self.begin(&arguments, without_safety).await?;
                    // What has not begun can be begun another way: what was chosen for it stays.
                    if over.is_some() || self.ended == Ended::Well {
                        return Ok(over);
                    }
                    began = self.ended;
                }
                Some(2) => {
                    self.drops_choice(&mut arguments, of_all)?;
                    match self.parts(backup).await? {
                        Ok(Some(parts)) => arguments.extend(parts),
                        Ok(None) => return Ok(None),
                        Err(why) => return Ok(Some(why)),
                    }
                }
                Some(3) => {
                    self.drops_choice(&mut arguments, of_all)?;
                    match self.paths(backup).await? {
                        Ok(Some(paths)) => arguments.extend(paths),
                        Ok(None) => return Ok(None),
                        Err(why) => return Ok(Some(why)),
                    }
                }
                _ => return Ok(None),
            }
        }
    }

    /// Drops what was chosen before, which is said: what is chosen now would come back on other instances than that.
    fn drops_choice(&mut self, arguments: &mut Vec<String>, of_all: usize) -> Result<(), CliError> {
        let dropped = arguments.split_off(of_all);
        if dropped.is_empty() {
            return Ok(());
        }
        self.call.remark("what was chosen before is dropped:")?;
        // An option and what it is for.
        for pair in dropped.chunks(2) {
            self.call.remark(&format!("  {}", pair.join(" ")))?;
        }
        self.call
            .remark("Choose anew; a path can begin with its instance, author:/website/home")
    }

    async fn begin(&mut self, arguments: &[String], more: &[&str]) -> Result<Option<Why>, CliError> {
        let mut restore = vec!["restore".to_owned()];
        restore.extend_from_slice(arguments);
        restore.extend(more.iter().map(ToString::to_string));
        self.verb(&restore).await
    }

    /// One of some; `None` for none of them.
    pub(super) async fn one_of(
        &mut self,
        title: &str,
        options: Options<'_>,
        question: &str,
        help: &str,
    ) -> Result<Result<Option<usize>, Why>, CliError> {
        let labels = options.labels;
        self.call.say("")?;
        self.call.tell(title)?;
        self.numbered(labels)?;
        let id = if options.backups.is_empty() { "" } else { ", an id" };
        let question = format!("{question} (1 to {}{id}, or back)> ", labels.len());
        loop {
            match self.answer(&Question::open(&question, help)).await? {
                Answer::Over(why) => return Ok(Err(why)),
                Answer::Line(line) if line.is_empty() => self.numbered(labels)?,
                Answer::Line(line) if line == "b" => return Ok(Ok(None)),
                Answer::Line(line) if self.leaves_the_question(&line)? => return Ok(Ok(None)),
                Answer::Line(line) if self.helps_with_a_verb(&line).await? => {}
                Answer::Line(line) => match options.place(&line) {
                    Ok(place) => return Ok(Ok(Some(place))),
                    Err(why) => self.does_not_fit(&why)?,
                },
            }
        }
    }

    /// Some of them, or all where nothing is typed; `None` where the question was left.
    pub(super) async fn some_of(
        &mut self,
        what: &str,
        backup: &Backup,
        labels: &[String],
    ) -> Result<Result<Option<Vec<usize>>, Why>, CliError> {
        self.call.say("")?;
        self.call.tell(&format!("Which {what} of {}?", backup.named()))?;
        self.numbered(labels)?;
        let question = format!("{what}, numbers with spaces between them, or nothing for all> ");
        loop {
            let line = match self.answer(&Question::open(&question, SOME_HELP)).await? {
                Answer::Over(why) => return Ok(Err(why)),
                Answer::Line(line) => line,
            };
            if self.leaves_the_question(&line)? {
                return Ok(Ok(None));
            }
            if self.helps_with_a_verb(&line).await? {
                continue;
            }
            match places(&line, labels) {
                Ok(chosen) => return Ok(Ok(Some(chosen))),
                Err(why) => self.does_not_fit(&why)?,
            }
        }
    }

    fn numbered(&mut self, labels: &[String]) -> Result<(), CliError> {
        for (number, label) in (1..).zip(labels) {
            self.call.tell(&format!("{number:>3}  {label}"))?;
        }
        Ok(())
    }
}

/// What one of is chosen.
#[derive(Clone, Copy)]
pub(super) struct Options<'o> {
    /// What is said of each.
    labels: &'o [String],
    /// The backups that the first of them are; each can be chosen by its id as well.
    backups: &'o [&'o Backup],
}

impl<'o> Options<'o> {
    /// Of which none is a backup.
    pub(super) fn of(labels: &'o [String]) -> Self {
        Self { labels, backups: &[] }
    }

    /// Of which the first are backups.
    pub(super) fn with(labels: &'o [String], backups: &'o [&'o Backup]) -> Self {
        Self { labels, backups }
    }

    /// The place, from 0, of what is meant: by its number, the beginning of its words, or its id.
    fn place(&self, typed: &str) -> Result<usize, String> {
        match place(typed, self.labels) {
            Ok(place) => Ok(place),
            Err(why) => match by_id(typed, self.backups)? {
                Some(place) => Ok(place),
                None => Err(why),
            },
        }
    }
}

/// From so many digits on they may be the beginning of an id. Fewer are a number that was mistyped.
const NO_NUMBER: usize = 4;

/// The place of the backup that has an id which begins so, or had one before it was pinned or extended.
fn by_id(typed: &str, backups: &[&Backup]) -> Result<Option<usize>, String> {
    let typed = typed.to_lowercase();
    let is_number = typed.chars().all(|one| one.is_ascii_digit());
    if typed.is_empty() || is_number && typed.len() < NO_NUMBER {
        return Ok(None);
    }
    let has_it = |backup: &Backup| {
        let ids = std::iter::once(&backup.id).chain(&backup.manifest.earlier);
        ids.into_iter().any(|id| id.0.starts_with(&typed))
    };
    let fit: Vec<usize> = (0..)
        .zip(backups)
        .filter(|(_, backup)| has_it(backup))
        .map(|(place, _)| place)
        .collect();
    match fit.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        several => {
            let numbers: Vec<String> = several.iter().map(|place| (place + 1).to_string()).collect();
            Err(format!(
                "{} begins the ids of {} of these: type more of one, or its number ({})",
                said_again(&typed),
                several.len(),
                measure::listed(&numbers)
            ))
        }
    }
}

/// The places of several, each once, in the order in which they were typed.
fn places(typed: &str, labels: &[String]) -> Result<Vec<usize>, String> {
    let mut places = Vec::new();
    for word in typed.split([' ', ',']).filter(|word| !word.is_empty()) {
        let place = place(word, labels)?;
        if !places.contains(&place) {
            places.push(place);
        }
    }
    Ok(places)
}

/// What is asked under a plan, and what can be chosen: not as if nothing had been said, where it cannot be done or was not begun.
fn what_now(is_in_the_way: bool, began: Ended) -> (&'static str, [String; 5]) {
    let title = match (is_in_the_way, began) {
        (_, Ended::Untold) => {
            "Whether the restore was begun is not known. Leave it, and look at the jobs first. What now?"
        }
        (true, _) => "It cannot be done as it is. What now?",
        (_, Ended::Refused) => "It was not begun, and nothing was changed. What now?",
        _ => "What now?",
    };
    let [restore, without_safety] = if is_in_the_way || matches!(began, Ended::Refused | Ended::Untold) {
        ["try to restore it all the same", "try it without a safety backup"]
    } else {
        ["restore it", "restore it without a safety backup"]
    };
    let labels = [
        restore,
        without_safety,
        "only some instances or workspaces",
        "only some paths",
        "leave it: nothing is restored",
    ];
    (title, labels.map(str::to_owned))
}

/// The place in a list, from 0, of what is meant: by its number, or by the beginning of its words where that is unique. Else why it is
/// not clear.
fn place(typed: &str, labels: &[String]) -> Result<usize, String> {
    let count = labels.len();
    if let Ok(number) = typed.parse::<usize>() {
        let place = number.checked_sub(1).filter(|place| *place < count);
        return place.ok_or_else(|| format!("{} is no number from 1 to {count}", said_again(typed)));
    }
    let words = typed.to_lowercase();
    let labels = labels.iter().map(|label| label.to_lowercase());
    let fit: Vec<(usize, String)> = labels
        .enumerate()
        .filter(|(_, label)| label.starts_with(&words))
        .collect();
    match fit.as_slice() {
        [(only, _)] => Ok(*only),
        [] => Err(format!(
            "{} is no number from 1 to {count}, and none of these begins with it",
            said_again(typed)
        )),
        // What is all of one of them is that one, though another goes on from there.
        several => several
            .iter()
            .find(|(_, label)| *label == words)
            .map(|(place, _)| *place)
            .ok_or_else(|| {
                let numbers: Vec<String> = several.iter().map(|(place, _)| (place + 1).to_string()).collect();
                format!(
                    "{} begins {} of these: type more of one, or its number ({})",
                    said_again(typed),
                    several.len(),
                    measure::listed(&numbers)
                )
            }),
    }
}

/// What there is to say of each of these backups.
pub(super) fn sentences(backups: &[&Backup], now: Instant) -> Vec<String> {
    let minute = |backup: &Backup| measure::moment(backup.manifest.taken);
    let has_company = |backup: &Backup| {
        let of_it = backups.iter().filter(|other| minute(other) == minute(backup));
        of_it.count() > 1
    };
    // A restore, its undo and what came before may all be of one minute.
    let taken = |backup: &Backup| {
        if has_company(backup) {
            measure::moment_exact(backup.manifest.taken)
        } else {
            minute(backup)
        }
    };
    let each = backups.iter();
    each.map(|backup| sentence(backup, &taken(backup), now)).collect()
}

/// What there is to say of a backup, the most important first.
fn sentence(backup: &Backup, taken: &str, now: Instant) -> String {
    let manifest = &backup.manifest;
    let slots: Vec<&str> = manifest.slots.iter().map(|slot| slot.label()).collect();
    let kind = if slots.is_empty() {
        manifest.trigger.names().to_owned()
    } else {
        slots.join(" and ")
    };
    let mut parts = vec![
        kind,
        format!("taken {taken}, {} ago", measure::between(manifest.taken, now)),
        match &backup.verification {
            Verification::Verified { .. } => "verified".to_owned(),
            Verification::Unverified => "not verified".to_owned(),
            Verification::Damaged { .. } => "DAMAGED".to_owned(),
        },
    ];
    parts.extend(backup.less.as_ref().map(Less::in_words));
    parts.extend([
        format!("release {}", manifest.versions.release),
        measure::bytes(manifest.bytes()),
        format!("id {}", backup.id),
    ]);
    if let Some(note) = &manifest.note {
        parts.push(format!("note by {}: {note}", manifest.by));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_twice_is_chosen_once() {
        let labels = ["author", "public-1", "public-2"].map(str::to_owned);
        assert_eq!(places("1, 1", &labels), Ok(vec![0]));
        assert_eq!(places("3 author 1,3", &labels), Ok(vec![2, 0]));
        assert_eq!(places("", &labels), Ok(Vec::new()));
        assert!(places("1 4", &labels).is_err());
    }

    #[test]
    fn a_number_or_the_beginning_of_the_words_is_meant() {
        let labels = [
            "restore it",
            "restore it without a safety backup",
            "only some paths",
            "Manual, taken",
        ]
        .map(str::to_owned);
        assert_eq!(place("3", &labels), Ok(2));
        assert_eq!(place("restore it", &labels), Ok(0));
        assert_eq!(place("restore it w", &labels), Ok(1));
        assert_eq!(place("manual", &labels), Ok(3));
        for (typed, told) in [
            ("0", "no number from 1 to 4"),
            ("5", "no number from 1 to 4"),
            ("daily", "none of these begins with it"),
            ("rest", "begins 2 of these"),
        ] {
            let why = place(typed, &labels).unwrap_err();
            assert!(why.contains(told), "{why}");
        }
        let why = place(&"é".repeat(5_000_000), &labels).unwrap_err();
        assert!(why.chars().count() < 150, "{}", why.len());
    }
}
