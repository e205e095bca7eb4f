//! A restore, question by question: which backup, what of it, what that would do, and the name to type.

use super::answering::Answer;
use super::asking::Question;
use super::options::{Options, places};
use super::{Ended, Session, Why};
use crate::cli::CliError;
use crate::domain::backup::{Backup, Verification};
use crate::domain::environment::EnvironmentName;
use crate::domain::refusal::Refusal;
use crate::domain::shrinking::Less;
use crate::domain::{Instant, measure};

/// What is said to whoever asks for help where a backup is chosen.
pub(super) const WHICH_HELP: &str = "Type the number of one of them, its id or the beginning of that, the beginning of its words where \
    that fits one alone, or what verbs take: monthly, weekly, daily or manual for a slot, upgrade, safety or recent for the newest of \
    those, latest for the newest good one but safety backups. Digits alone are a number, or from four of them on the beginning of an \
    id. Enter alone says them again; \"back\" leaves the question, and nothing is done.";

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
        let options = Options::with(&labels, &backups, &details.backups);
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
        let labels = options.labels();
        self.call.say("")?;
        self.call.tell(title)?;
        self.numbered(labels)?;
        let id = if options.are_backups() { ", an id" } else { "" };
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
