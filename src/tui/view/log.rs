//! A job's log: its title with the days that it is of and whether it is followed, its lines, and where its warnings are.

use super::canvas::{Piece, piece, shorten, wrap};
use super::text::Text;
use super::words;
use crate::domain::activity::Severity;
use crate::domain::job::LogLine;
use crate::tui::action::Action;
use crate::tui::model::Model;
use crate::tui::model::screens::Log;
use crate::tui::theme::{Meaning, Symbols, Theme};

/// The day of a line.
const DAY: &str = "%Y-%m-%d";

/// The first and the last day of the lines.
fn days(model: &Model, lines: &[LogLine]) -> Option<(String, String)> {
    let day = |line: &LogLine| model.when().form(line.at, DAY);
    Some((day(lines.first()?), day(lines.last()?)))
}

/// The title: which job, of which day, in which zone, and whether the log is followed.
pub fn title(model: &Model, log: &Log) -> String {
    let lines = log.lines.as_deref().unwrap_or_default();
    let days = match days(model, lines) {
        Some((first, last)) if first == last => format!(", {first}"),
        Some((first, last)) => format!(", {first} to {last}"),
        None => String::new(),
    };
    let has_ended = model.jobs.get(&log.job).is_some_and(|job| job.state.has_ended());
    let follows = match (log.follow, has_ended) {
        (_, true) => String::new(),
        (true, false) => ", following".to_owned(),
        (false, false) => format!(", stopped: {} follows", model.settings.keys.first(Action::Bottom)),
    };
    format!(
        "Log of job {}{days}, times in {}{follows}",
        log.job,
        model.when().zone(model.now)
    )
}

/// How the times of a log are written: with their day unless all are of one, which the title says then, and all alike, so
/// that they stand under each other.
fn form(model: &Model, lines: &[LogLine]) -> &'static str {
    match days(model, lines) {
        Some((first, last)) if first != last => "%Y-%m-%d %H:%M:%S ",
        _ => "%H:%M:%S ",
    }
}

/// What stands before a line.
fn mark(model: &Model, line: &LogLine, form: &str, symbols: &Symbols) -> ([Piece; 2], Meaning) {
    let (symbol, meaning) = match line.severity {
        Severity::Information => (" ", Meaning::Text),
        other => words::severity(other, symbols),
    };
    let at = piece(model.when().form(line.at, form), Meaning::Quiet);
    ([at, piece(format!("{symbol} "), meaning)], meaning)
}

/// How many columns stand before a line.
fn indent(form: &str) -> usize {
    if form.len() > 10 { 22 } else { 11 }
}

/// The text.
pub fn text(model: &Model, log: &Log, width: u16) -> Text {
    let mut text = Text::new(width);
    let settings = &model.settings;
    let symbols = Theme::new(settings.theme, settings.accent, settings.ascii).symbols;
    let Some(lines) = &log.lines else {
        text.paragraph(model.still_to_come(), Meaning::Quiet);
        return text;
    };
    if lines.is_empty() {
        text.paragraph("The job has said nothing yet.", Meaning::Quiet);
    }
    let form = form(model, lines);
    for line in lines {
        let (mark, meaning) = mark(model, line, form, symbols);
        if model.looks.cut {
            let [at, symbol] = mark;
            let room = usize::from(width).saturating_sub(indent(form));
            let words = shorten(&line.text, room, symbols.more);
            text.line(vec![at, symbol, piece(words, meaning)]);
        } else {
            text.marked(&mark, &line.text, meaning);
        }
    }
    text
}

/// The rows at which warnings and errors begin.
pub fn warnings(model: &Model, log: &Log, width: u16) -> Vec<usize> {
    let lines = log.lines.as_deref().unwrap_or_default();
    let room = usize::from(width).saturating_sub(indent(form(model, lines)));
    let mut row = 0;
    let mut rows = Vec::new();
    for line in lines {
        if line.severity != Severity::Information {
            rows.push(row);
        }
        row += if model.looks.cut {
            1
        } else {
            wrap(&line.text, room).len()
        };
    }
    rows
}
