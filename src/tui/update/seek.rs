//! Searching for a text on the screen: as one types, the first row that has it is gone to; then `n` and `N` go on.

use super::selection_moved;
use crate::domain::activity::Severity;
use crate::domain::measure;
use crate::tui::effects::Effect;
use crate::tui::model::Line;
use crate::tui::model::Model;
use crate::tui::model::screens::Screen;
use crate::tui::model::seek::Seek;
use crate::tui::view::{layout, seek as shown};

/// Begins a search on the screen on top.
pub fn begin(model: &mut Model) -> Vec<Effect> {
    let from = position(model);
    model.seek = Some(Seek {
        depth: model.screens.len(),
        input: Some(tui_input::Input::default()),
        text: String::new(),
        from,
        at: None,
    });
    Vec::new()
}

/// What is typed changes: goes to the first row that has it, from where the search began.
pub fn edit(model: &mut Model, change: impl FnOnce(&mut tui_input::Input)) -> Vec<Effect> {
    let Some(seek) = &mut model.seek else {
        return Vec::new();
    };
    if let Some(input) = &mut seek.input {
        change(input);
        seek.text = input.value().to_lowercase();
    }
    let from = seek.from;
    let found = rows_with(model);
    let at = found
        .iter()
        .copied()
        .find(|row| *row >= from)
        .or(found.first().copied());
    if let Some(seek) = &mut model.seek {
        seek.at = at;
    }
    go_to(model, at.unwrap_or(from))
}

/// Enter: what is typed stays, and keys go to the screen again.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    if model.seek.as_ref().is_some_and(|seek| seek.text.is_empty()) {
        model.seek = None;
        return Vec::new();
    }
    if let Some(seek) = &mut model.seek {
        seek.input = None;
    }
    tell(model);
    Vec::new()
}

/// Esc: the search ends. One that was still typed leaves everything where it was.
pub fn end(model: &mut Model) -> Vec<Effect> {
    if let Some(seek) = model.seek.take()
        && seek.input.is_some()
    {
        return go_to(model, seek.from);
    }
    Vec::new()
}

/// The next row that has the text, or the one before.
pub fn next(model: &mut Model, forward: bool) -> Vec<Effect> {
    let found = rows_with(model);
    let here = model.seek.as_ref().and_then(|seek| seek.at);
    // Somebody may have moved on meanwhile.
    let here = here
        .filter(|_| model.selected_row().is_none())
        .unwrap_or_else(|| position(model));
    let next = if forward {
        found.iter().find(|row| **row > here).or(found.first())
    } else {
        found.iter().rev().find(|row| **row < here).or(found.last())
    };
    let mut effects = Vec::new();
    if let Some(row) = next.copied() {
        if let Some(seek) = &mut model.seek {
            seek.at = Some(row);
        }
        effects = go_to(model, row);
    }
    if !model.types_seek() {
        tell(model);
    }
    effects
}

/// The next line of the log that is a warning or an error.
pub fn next_warning(model: &mut Model) -> Vec<Effect> {
    let here = position(model);
    let warnings = shown::warnings(model);
    let next = warnings.iter().find(|row| **row > here).or(warnings.first());
    match next.copied() {
        Some(row) => {
            if let Some(Screen::Log(log)) = model.screens.last_mut() {
                log.follow = false;
                // At the top, so that the next one is the one below it.
                log.scroll = row;
            }
            let number = warnings.iter().position(|other| *other == row).unwrap_or(0) + 1;
            say(
                model,
                Severity::Warning,
                format!("{number} of {}", of(warnings.len(), "warning")),
            );
        }
        None => say(
            model,
            Severity::Information,
            "no line of this log is a warning or an error".to_owned(),
        ),
    }
    Vec::new()
}

/// A search belongs to its screen, and goes with it.
pub fn keep(model: &mut Model) {
    if model
        .seek
        .as_ref()
        .is_some_and(|seek| seek.depth > model.screens.len())
    {
        model.seek = None;
    }
}

fn of(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {what}{plural}", measure::count(count as u64))
}

/// Says how many rows have it, and which of them this is.
fn tell(model: &mut Model) {
    let found = rows_with(model);
    let Some(seek) = &model.seek else {
        return;
    };
    let number = seek.at.and_then(|at| found.iter().position(|row| *row == at));
    let (severity, text) = match number {
        Some(number) => (
            Severity::Information,
            format!("\"{}\": {} of {}", seek.text, number + 1, of(found.len(), "line")),
        ),
        None if shown::is_read_in_parts(model) => (
            Severity::Warning,
            format!(
                "no line that has been read has \"{}\": scrolling reads more",
                seek.text
            ),
        ),
        None => (Severity::Warning, format!("no line here has \"{}\"", seek.text)),
    };
    say(model, severity, text);
}

fn say(model: &mut Model, severity: Severity, text: String) {
    model.line = Some(Line {
        severity,
        text,
        job: None,
    });
}

/// The rows of the screen that have the text.
fn rows_with(model: &Model) -> Vec<usize> {
    let Some(seek) = model.seek.as_ref().filter(|seek| !seek.text.is_empty()) else {
        return Vec::new();
    };
    let has = |row: &String| row.to_lowercase().contains(&seek.text);
    let rows = shown::rows(model);
    rows.iter()
        .enumerate()
        .filter(|(_, row)| has(row))
        .map(|(at, _)| at)
        .collect()
}

/// The row that one is at.
fn position(model: &Model) -> usize {
    if let Some(row) = model.selected_row() {
        return row;
    }
    match model.screens.last() {
        Some(Screen::Job { scroll, .. } | Screen::Page { scroll, .. }) => *scroll,
        Some(Screen::Log(log)) => log.scroll,
        _ => 0,
    }
}

/// Brings a row onto the screen, selected where the screen has a selection.
fn go_to(model: &mut Model, row: usize) -> Vec<Effect> {
    let height = layout::heights(model).screen.max(1);
    let into_view = |scroll: &mut usize| {
        if row < *scroll || row >= *scroll + height {
            *scroll = row.saturating_sub(height / 3);
        }
    };
    match model.screens.last_mut() {
        Some(Screen::Jobs(cursor) | Screen::Activity(cursor)) => cursor.selected = row,
        Some(Screen::Notifications(news)) => news.cursor.selected = row,
        Some(Screen::Job { scroll, .. } | Screen::Page { scroll, .. }) => into_view(scroll),
        Some(Screen::Log(log)) => {
            log.follow = false;
            into_view(&mut log.scroll);
        }
        Some(Screen::Differences(differences)) if differences.in_node => {
            if let Some(node) = &mut differences.node {
                node.cursor.selected = row;
            }
        }
        Some(Screen::Differences(differences)) => {
            differences.lines.cursor.selected = row;
            return selection_moved(model);
        }
        _ => {}
    }
    Vec::new()
}
