//! Copying: what is meant on the spot, and the command that does the same from a shell.

use super::say;
use crate::domain::activity::Severity;
use crate::domain::job::JobState;
use crate::tui::command;
use crate::tui::effects::Effect;
use crate::tui::model::screens::{Dialog, Page, Screen};
use crate::tui::model::wizard::Step;
use crate::tui::model::{Model, Pane};
use crate::tui::view::{saved, screen_text};

/// What would be copied here: what it is, in words, and the text. `None` where nothing is meant.
pub fn meant(model: &Model) -> Option<(String, String)> {
    if let Some(Dialog::Notice(notice)) = &model.dialog {
        return Some((
            "the message".to_owned(),
            format!("{}: {}", notice.title, notice.text),
        ));
    }
    if let Some(Dialog::Contexts(cursor)) = &model.dialog {
        let name = model.settings.contexts.get(cursor.selected)?.name.clone();
        return Some((format!("the name {name}"), name));
    }
    let backup = |backup: &crate::domain::backup::Backup| {
        (format!("the id of backup {}", backup.id), backup.id.0.clone())
    };
    match model.screens.last() {
        None if model.pane == Pane::Environments => {
            let name = model.fleet.selected()?.name.to_string();
            Some((format!("the name {name}"), name))
        }
        None
        | Some(Screen::Page {
            page: Page::Backup(..),
            ..
        }) => model.chosen_backup().map(backup),
        Some(Screen::Wizard(wizard)) if wizard.step == Step::Plan => read(model, "the plan"),
        Some(Screen::Wizard(_)) => model.wizard_backup().map(backup),
        Some(Screen::Job { id, .. }) => match model.jobs.get(id).map(|job| &job.state) {
            Some(JobState::Failed { why }) => Some((format!("the error of job {id}"), why.clone())),
            _ => read(model, &format!("what is told of job {id}")),
        },
        Some(Screen::Jobs(_) | Screen::Activity(_) | Screen::Notifications(_)) => {
            let row = saved::listed(model)?
                .rows
                .into_iter()
                .nth(model.selected_row()?)?;
            Some(("the line".to_owned(), row.join("\t")))
        }
        Some(Screen::Log(log)) => {
            let what = format!("the log of job {}", log.job);
            // Of which job it is need not be said to whoever copies it from there.
            let table = saved::table(model)?.about_nothing();
            let text = saved::form::in_form(&table, saved::form::Form::Text).ok()?;
            (!text.is_empty()).then_some((what, text))
        }
        Some(Screen::Fleet(fleet)) => {
            let rows = crate::tui::model::overview::rows(model, fleet);
            let name = rows.get(fleet.cursor.selected)?.summary.name.to_string();
            Some((format!("the name {name}"), name))
        }
        Some(Screen::Page { .. }) => read(model, "the page"),
        Some(Screen::Explorer(_) | Screen::Search(_) | Screen::Differences(_)) => {
            let there = model.chosen_node()?;
            Some(("the path".to_owned(), there.path.to_string()))
        }
    }
}

/// The whole text of the screen.
fn read(model: &Model, what: &str) -> Option<(String, String)> {
    let lines = screen_text(model)?.plain();
    let text: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    Some((what.to_owned(), text.join("\n")))
}

/// Copies what is meant.
pub fn copy(model: &Model) -> Vec<Effect> {
    match meant(model) {
        Some((what, text)) => vec![Effect::Copy(what, text)],
        None => Vec::new(),
    }
}

/// A command in words that fit on the line: what it does is at its beginning.
fn named(command: &str) -> String {
    const MOST: usize = 28;
    let first = command.lines().next().unwrap_or_default();
    let mut words: String = first.chars().take(MOST).collect();
    if words.len() < command.len() {
        words.push_str("...");
    }
    format!("`{words}`")
}

/// Copies the command that does the same.
pub fn copy_command(model: &mut Model) -> Vec<Effect> {
    match command::here(model) {
        Ok(command) => vec![Effect::Copy(named(&command), command)],
        Err(why) => {
            say(model, Severity::Warning, why);
            Vec::new()
        }
    }
}
