//! The `lifeboat` command that does from a shell what a screen, a question or a form does here, so that a runbook can be
//! written from what one does.
//!
//! A command never has the answer to a question in it (`--confirm`): whoever runs it types the name, or writes that
//! themselves.

use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{By, NodePath, Source};
use crate::domain::limited;
use crate::domain::request::HoldKind;
use crate::domain::settings::RepositoryChoice;
use crate::domain::{printable, shell};
use crate::tui::action::Action;
use crate::tui::model::explore::Column;
use crate::tui::model::explore::search::Scope;
use crate::tui::model::looks::ListKind;
use crate::tui::model::screens::{About, Deed, Dialog, Field, Form, FormKind, Page, Question, Screen};
use crate::tui::model::wizard::{Purpose, Step, Wizard};
use crate::tui::model::{Model, Pane};

/// A command: the words behind `lifeboat`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Words(Vec<String>);

impl Words {
    fn of(words: &[&str]) -> Self {
        Self(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn on(verb: &str, environment: &EnvironmentName) -> Self {
        Self::of(&[verb, &environment.to_string()])
    }

    #[allow(
        clippy::needless_pass_by_value,
        reason = "some words are borrowed and some are not"
    )]
    fn and(mut self, word: impl ToString) -> Self {
        self.0.push(word.to_string());
        self
    }

    fn option(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.and(name).and(value),
            None => self,
        }
    }

    fn flag(self, name: &str, is_set: bool) -> Self {
        if is_set { self.and(name) } else { self }
    }
}

/// The command that does what the screen shows, or asks.
///
/// # Errors
/// A sentence that says why none does.
pub fn here(model: &Model) -> Result<String, String> {
    let words = match &model.dialog {
        Some(Dialog::Question(question)) => asked(question)?,
        Some(Dialog::Form(form)) => vec![filled(form)?],
        Some(Dialog::Palette(palette)) => {
            let found = crate::tui::update::palette_matches(model, palette.input.value());
            let row = found.get(palette.cursor.selected).ok_or("no action is chosen")?;
            vec![of_action(model, row.action)?]
        }
        Some(Dialog::Contexts(cursor)) => return in_context(model, cursor.selected),
        Some(Dialog::Notice(_)) => return Err("this is a message: no command does it".to_owned()),
        None => vec![shown(model)?],
    };
    let lines: Vec<String> = words.iter().map(|words| line(model, words)).collect();
    Ok(lines.join("\n"))
}

/// The command that opens the cockpit in another context.
fn in_context(model: &Model, number: usize) -> Result<String, String> {
    let contexts = &model.settings.contexts;
    let choice = contexts.get(number).ok_or("no context is chosen")?;
    let mut words = Words::of(&["--context", &choice.name]);
    let mut options = model.settings.command.iter();
    while let Some(option) = options.next() {
        match option.as_str() {
            // That of the context that is open gives way.
            "--context" => _ = options.next(),
            _ => words = words.and(option),
        }
    }
    Ok(quoted(words.0.iter()))
}

/// The command as a line for a POSIX shell, leading to the same configuration and context.
fn line(model: &Model, words: &Words) -> String {
    quoted(words.0.iter().chain(&model.settings.command))
}

fn quoted<'a>(words: impl Iterator<Item = &'a String>) -> String {
    // What would be a line of its own, or end one, has no place in a command to paste.
    let words = words.map(|word| format!(" {}", shell::quoted(&printable::line(word))));
    format!("lifeboat{}", words.collect::<String>())
}

/// What a question would do; one command for each environment.
fn asked(question: &Question) -> Result<Vec<Words>, String> {
    Ok(vec![match &question.about {
        About::Verify(name, backup) => {
            let words = Words::on("verify", name);
            match backup {
                Some(id) => words.and(&id.0),
                None => words,
            }
        }
        About::Drill(name, id) => Words::on("drill", name).and(&id.0),
        About::Extend(name, id) => Words::on("extend", name).and(&id.0),
        About::Unpin(name, id) => Words::on("unpin", name).and(&id.0),
        About::Delete(name, id) => Words::on("delete", name).and(&id.0),
        About::Confirm(name) => Words::on("confirm", name),
        About::Cancel(id) => Words::of(&["cancel", &id.to_string()]),
        About::Lift(name, hold) => Words::on(hold_verb(*hold), name).and("--off"),
        About::Many(deed, names) => return Ok(names.iter().map(|name| of_deed(*deed, name)).collect()),
        About::NoSafety(_) | About::EvenIfUnchanged(_) => {
            return Err(
                "this is a part of a restore: Y on its plan copies the command of all of it".to_owned(),
            );
        }
        About::Quit | About::Suspend => return Err("this is about the cockpit alone".to_owned()),
        About::Break(_) => return Err("only the demo breaks Live, and from its cockpit".to_owned()),
    }])
}

fn of_deed(deed: Deed, name: &EnvironmentName) -> Words {
    match deed {
        Deed::Backup => Words::on("backup", name),
        Deed::Verify => Words::on("verify", name),
        Deed::Drill => Words::on("drill", name),
        Deed::Maintenance(on) => Words::on("maintenance", name).flag("--off", !on),
    }
}

fn hold_verb(hold: HoldKind) -> &'static str {
    match hold {
        HoldKind::Maintenance => "maintenance",
        HoldKind::Protection => "protect",
    }
}

/// What a form would do with what is typed so far.
fn filled(form: &Form) -> Result<Words, String> {
    let text = |index: usize| form.fields.get(index).and_then(Field::text);
    Ok(match &form.kind {
        FormKind::Backup(name) => Words::on("backup", name).option("--note", text(0)),
        FormKind::UpgradeBackup(name) => Words::on("backup", name)
            .and("--trigger")
            .and("upgrade")
            .and("--to")
            .and(text(0).unwrap_or_else(|| "VERSION".to_owned()))
            .option("--note", text(1)),
        FormKind::Hold(name, hold) => Words::on(hold_verb(*hold), name).option("--reason", text(0)),
        FormKind::Pin(name, id) => Words::on("pin", name)
            .and(&id.0)
            .option("--until", text(0))
            .option("--note", text(1)),
        FormKind::Approve(name, _) => Words::on("approve", name),
        FormKind::Reject(name, _) => Words::on("reject", name).option("--reason", text(0)),
        FormKind::Export(name, source, paths) => {
            // Each of several nodes is a file of its own; a verb writes one.
            let [path] = paths.as_slice() else {
                return Err("a verb writes one node: mark one, or none".to_owned());
            };
            Words::on("export", name)
                .and(source)
                .and(path)
                .option("--as", text(0))
                .option("--to", text(1))
        }
        FormKind::Save => {
            return Err("a file is written by the cockpit alone: with a verb, use --json".to_owned());
        }
    })
}

/// What the screen shows.
fn shown(model: &Model) -> Result<Words, String> {
    let Some(screen) = model.screens.last() else {
        return of_action(
            model,
            match model.pane {
                Pane::Environments => Action::OpenBackups,
                Pane::Backups => Action::Details,
            },
        );
    };
    Ok(match screen {
        Screen::Wizard(wizard) => restored(model, wizard)?,
        Screen::Job { id, .. } => Words::of(&["jobs", &id.to_string()]),
        Screen::Log(log) => Words::of(&["jobs", &log.job.to_string(), "--log"]),
        Screen::Fleet(_) => Words::of(&["environments"]),
        Screen::Jobs(_) => with_limit(model, Words::of(&["jobs"]), ListKind::Jobs),
        Screen::Activity(_) => with_limit(model, Words::of(&["activity"]), ListKind::Activity),
        Screen::Notifications(_) => {
            return Err(
                "no verb lists notifications: `lifeboat jobs` and `lifeboat activity` tell of the same"
                    .to_owned(),
            );
        }
        Screen::Page { page, .. } => match page {
            Page::Help => Words::of(&["info", "--keys"]),
            Page::Recovery => return Err("this table is in the manual: no verb prints it".to_owned()),
            Page::Backup(name, _) => Words::on("backups", name),
            Page::About(name) => Words::on("schedule", name),
            Page::Check(name) => Words::on("check", name),
        },
        Screen::Explorer(explorer) => match (explorer.column, model.chosen_node()) {
            (Column::History, Some(there)) => Words::on("history", &there.environment).and(&there.path),
            (Column::Tree, _) | (_, None) => looked(&explorer.environment, &explorer.source, &explorer.path),
            (Column::Node, Some(there)) => looked(&there.environment, &there.source, &there.path),
        },
        Screen::Search(search) => {
            let by = match search.by {
                By::Name => "name",
                By::Path => "path",
                By::Id => "id",
                By::Text => "text",
            };
            let below = match search.scope {
                Scope::Source => None,
                Scope::Place | Scope::Backups => {
                    Some(&search.place).filter(|place| **place != NodePath::default())
                }
            };
            Words::on("find", &search.environment)
                .and(search.input.value().trim())
                .and("--by")
                .and(by)
                .option("--in", (search.scope != Scope::Backups).then_some(&search.source))
                .option("--below", below)
        }
        Screen::Differences(differences) => {
            let words = Words::on("diff", &differences.environment)
                .and(&differences.older)
                .and(&differences.newer);
            if differences.below == NodePath::default() {
                words
            } else {
                words.and(&differences.below)
            }
        }
    })
}

fn looked(environment: &EnvironmentName, source: &Source, path: &NodePath) -> Words {
    let words = Words::on("browse", environment).and(source);
    if *path == NodePath::default() {
        words
    } else {
        words.and(path)
    }
}

/// As many entries as are on the screen, where that is more than usual.
fn with_limit(model: &Model, words: Words, list: ListKind) -> Words {
    words.option("--limit", Some(model.length_of(list).max(1)))
}

/// What the wizard is about to do: up to the plan only to plan it, then to do it.
fn restored(model: &Model, wizard: &Wizard) -> Result<Words, String> {
    if wizard.purpose == Purpose::Undo {
        return Ok(Words::on("undo", &wizard.environment));
    }
    let verb = match wizard.step {
        Step::Choose | Step::Scope => "plan",
        Step::Plan | Step::Name => "restore",
    };
    let backup = model
        .wizard_backup()
        .ok_or("no backup is chosen: this slot is empty")?;
    // A command without a part means everything.
    if wizard.step == Step::Scope
        && let Some(nothing) = wizard.scope_problem()
    {
        return Err(nothing);
    }
    let selection = wizard.selection();
    let mut words = Words::on(verb, &wizard.environment).and(&backup.id.0);
    for [option, what] in limited::options(&selection) {
        words = words.and(option).and(what);
    }
    let from_copy = model.wizard_source() == RepositoryChoice::Copy;
    Ok(words
        .option("--from", from_copy.then_some("copy"))
        .flag("--without-safety-backup", wizard.without_safety)
        .flag(
            "--even-if-unchanged",
            wizard.even_if_unchanged && verb == "restore",
        ))
}

/// What an action would do on the screen.
///
/// # Errors
/// A sentence: no verb does that, or what it would be about is not known.
fn of_action(model: &Model, action: Action) -> Result<Words, String> {
    let verb = verb(action).map_err(|why| format!("no command does this: {why}"))?;
    let name = || model.target_name().ok_or("no environment is selected");
    let backup = || {
        let backup = model.chosen_backup().or_else(|| model.wizard_backup());
        backup.map(|backup| &backup.id.0).ok_or("no backup is chosen")
    };
    let job = || {
        model
            .chosen_job()
            .or_else(|| model.job_of(model.target_name()?).map(|job| job.id))
    };
    Ok(match action {
        Action::UpgradeBackup => Words::on(verb, name()?)
            .and("--trigger")
            .and("upgrade")
            .and("--to")
            .and("VERSION"),
        Action::Restore | Action::Verify | Action::Drill | Action::Extend | Action::Delete => {
            Words::on(verb, name()?).and(backup()?)
        }
        Action::Explore => Words::on(verb, name()?).and(backup()?),
        Action::ExploreLive => Words::on(verb, name()?).and(Source::Live),
        Action::Compare => match model.comparable() {
            Ok(compared) => Words::on(verb, &compared.environment)
                .and(&compared.older)
                .and(&compared.newer),
            Err(why) => return Err(why),
        },
        Action::History => match model.chosen_node() {
            Some(there) => Words::on(verb, &there.environment).and(&there.path),
            None => return Err("no node is chosen".to_owned()),
        },
        Action::Pin => {
            let backup = model.chosen_backup().ok_or("no backup is chosen")?;
            let verb = if backup.manifest.pin.is_some() {
                "unpin"
            } else {
                verb
            };
            Words::on(verb, name()?).and(&backup.id.0)
        }
        Action::Export => match model.chosen_node() {
            Some(there) => Words::on(verb, &there.environment)
                .and(&there.source)
                .and(&there.path)
                .and("--to")
                .and("."),
            None => return Err("no node is chosen".to_owned()),
        },
        Action::Find | Action::OpenNode | Action::UpTree | Action::GoThere => return shown(model),
        Action::CancelJob | Action::OpenJob | Action::Watch => {
            let id = job().ok_or("no job belongs to this line")?;
            Words::of(&[verb, &id.to_string()])
        }
        Action::OpenLog => {
            let id = job().ok_or("no job belongs to this line")?;
            Words::of(&[verb, &id.to_string(), "--log"])
        }
        Action::Fleet | Action::Jobs | Action::Activity => Words::of(&[verb]),
        Action::Help => Words::of(&[verb, "--keys"]),
        Action::Maintenance => {
            let is_on = model
                .target()
                .is_some_and(|summary| summary.maintenance.is_some());
            Words::on(verb, name()?).flag("--off", is_on)
        }
        Action::Protect => {
            let is_on = model.target().is_some_and(|summary| summary.protection.is_some());
            Words::on(verb, name()?).flag("--off", is_on)
        }
        _ => Words::on(verb, name()?),
    })
}

/// The verb that does what an action does.
///
/// # Errors
/// Why there is none.
pub fn verb(action: Action) -> Result<&'static str, &'static str> {
    const MOVES: &str = "it only moves about";
    const SCREEN: &str = "it is about what is on the screen";
    const COCKPIT: &str = "it is about the cockpit alone";
    const PART: &str = "it is a part of a restore: copy the command on its plan";
    const ANSWER: &str = "it answers what is asked here: copy the command at the question";
    Ok(match action {
        Action::Backup | Action::UpgradeBackup => "backup",
        Action::Restore => "restore",
        Action::Undo => "undo",
        Action::Confirm => "confirm",
        Action::OpenBackups | Action::Details => "backups",
        Action::OpenJob | Action::OpenLog | Action::Watch | Action::Jobs => "jobs",
        Action::CancelJob => "cancel",
        Action::Verify | Action::VerifyAll => "verify",
        Action::Drill => "drill",
        Action::Extend => "extend",
        Action::Pin => "pin",
        Action::Approve => "approve",
        Action::Reject => "reject",
        Action::Export => "export",
        Action::Fleet => "environments",
        Action::Delete => "delete",
        Action::Maintenance => "maintenance",
        Action::Protect => "protect",
        Action::Explore | Action::ExploreLive | Action::OpenNode | Action::UpTree | Action::GoThere => {
            "browse"
        }
        Action::History => "history",
        Action::Compare => "diff",
        Action::Find => "find",
        Action::Activity => "activity",
        Action::About => "schedule",
        Action::Check => "check",
        Action::Help => "info",
        Action::BreakLive => return Err("only the demo breaks Live, and from its cockpit"),
        Action::Tour | Action::TourOn | Action::TourBack => {
            return Err("the tour is in the cockpit of the demo: `lifeboat demo --tour`");
        }
        Action::Notifications => return Err("the jobs and the activity log tell of the same"),
        Action::Recovery => return Err("the table is in the manual"),
        #[rustfmt::skip]
        Action::SafetyBackup | Action::OtherRepository | Action::NextStep | Action::Toggle | Action::OnlyThis
        | Action::ToggleAll | Action::AllOrReplaced => return Err(PART),
        Action::Mark | Action::MarkWorkspace | Action::Unmark => {
            return Err("marks become --path or --workspace of a restore: copy the command on its plan");
        }
        Action::StopExport => return Err("Ctrl-C stops the verb"),
        Action::GoToEnvironment => return Err("--context leads a verb there"),
        Action::MarkEnvironment | Action::MarkAll => return Err("a verb is for one environment"),
        Action::Accept | Action::Yes | Action::YesForGood | Action::No | Action::Dismiss => {
            return Err(ANSWER);
        }
        Action::OlderSource
        | Action::NewerSource
        | Action::Filter
        | Action::Search
        | Action::NextMatch
        | Action::PreviousMatch
        | Action::NextWarning
        | Action::Wrap
        | Action::Sort
        | Action::SortBack
        | Action::SortFleet
        | Action::Save
        | Action::Copy
        | Action::CopyCommand
        | Action::CopyTyped
        | Action::Zone => return Err(SCREEN),
        Action::Zoom
        | Action::Wider
        | Action::Narrower
        | Action::Palette
        | Action::Contexts
        | Action::SwitchTo
        | Action::Refresh
        | Action::Redraw
        | Action::Suspend
        | Action::Quit
        | Action::QuitAnywhere => return Err(COCKPIT),
        Action::Back
        | Action::NextPane
        | Action::PreviousPane
        | Action::Left
        | Action::Right
        | Action::Up
        | Action::Down
        | Action::PageUp
        | Action::PageDown
        | Action::Top
        | Action::Bottom => return Err(MOVES),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::action::TABLE;

    #[test]
    fn every_action_has_a_verb_or_a_reason() {
        let mut text = String::new();
        for row in TABLE {
            let line = match verb(row.action) {
                Ok(verb) => format!("{:<20} lifeboat {verb}\n", row.action.name()),
                Err(why) => format!("{:<20} none: {why}\n", row.action.name()),
            };
            text.push_str(&line);
        }
        insta::assert_snapshot!(text);
        let changes = TABLE
            .iter()
            .filter(|row| row.changes && verb(row.action).is_err());
        let without: Vec<_> = changes.map(|row| row.action).collect();
        assert_eq!(without, [Action::BreakLive]);
    }
}
