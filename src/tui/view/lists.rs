//! The activity log, the notifications, and a job's log.

use ratatui::layout::Rect;

use super::canvas::{Canvas, piece, wrap};
use super::text::Text;
use super::words;
use crate::domain::activity::Severity;
use crate::domain::measure;
use crate::domain::printable;
use crate::tui::model::Model;
use crate::tui::model::cursor::Cursor;
use crate::tui::model::screens::{Log, News};
use crate::tui::theme::{Meaning, Theme};

/// One line of a list: when, how serious, who or where, and what.
struct Entry<'a> {
    at: String,
    severity: Severity,
    who: String,
    what: &'a str,
    new: bool,
}

/// Draws the activity log.
pub fn activity(canvas: &mut Canvas<'_>, model: &Model, cursor: &Cursor, area: Rect) {
    let Some(entries) = &model.activity else {
        canvas.text(area.x, area.y, area.width, model.still_to_come(), Meaning::Quiet);
        return;
    };
    if entries.is_empty() {
        let text = "Nobody has done anything yet. Esc goes back.";
        canvas.text(area.x, area.y, area.width, text, Meaning::Quiet);
        return;
    }
    let entries = entries.iter().map(|entry| Entry {
        at: measure::moment(entry.at),
        severity: entry.severity,
        who: match &entry.environment {
            Some(environment) => format!("{} {environment}", entry.by),
            None => entry.by.clone(),
        },
        what: &entry.what,
        new: false,
    });
    list(canvas, entries, cursor, area, "Who and where");
}

/// Draws the notifications.
pub fn notifications(canvas: &mut Canvas<'_>, model: &Model, news: &News, area: Rect) {
    let Some(entries) = &model.notifications else {
        canvas.text(area.x, area.y, area.width, model.still_to_come(), Meaning::Quiet);
        return;
    };
    if entries.is_empty() {
        let text = "There is nothing new: how jobs end will be told here. Esc goes back.";
        canvas.text(area.x, area.y, area.width, text, Meaning::Quiet);
        return;
    }
    let seen_before = news.seen_before;
    let entries = entries.iter().map(|entry| Entry {
        at: measure::moment(entry.at),
        severity: entry.severity,
        who: entry
            .environment
            .as_ref()
            .map_or_else(String::new, ToString::to_string),
        what: &entry.text,
        new: entry.number > seen_before,
    });
    list(canvas, entries, &news.cursor, area, "Environment");
}

/// Draws entries one line each, the selected one in full below the list.
fn list<'a>(
    canvas: &mut Canvas<'_>,
    entries: impl Iterator<Item = Entry<'a>> + Clone,
    cursor: &Cursor,
    area: Rect,
    who: &str,
) {
    let who_width = if area.width > 100 { 28 } else { 20 };
    let selected = entries.clone().nth(cursor.selected);
    let what_x = 21 + who_width + 1;
    let whole = selected
        .map(|entry| wrap(&printable::line(entry.what), usize::from(area.width - 2)))
        .unwrap_or_default();
    // The whole text takes the last rows only when the line has no room for it.
    let needs = if whole.len() > 1
        || whole
            .first()
            .is_some_and(|line| line.chars().count() > usize::from(area.width - what_x))
    {
        u16::try_from(whole.len()).unwrap_or(1) + 1
    } else {
        0
    };
    let rows = area.height.saturating_sub(1 + needs);
    canvas.text(area.x + 4, area.y, 16, "When (UTC)", Meaning::Column);
    canvas.text(area.x + 21, area.y, who_width, who, Meaning::Column);
    canvas.text(area.x + what_x, area.y, 4, "What", Meaning::Column);
    // The rows that the whole text takes must not hide the selected one.
    let hidden = usize::from(area.height - 1 - rows);
    let below = (cursor.selected + 1).saturating_sub(cursor.offset + usize::from(rows));
    let offset = cursor.offset + below.min(hidden);
    let shown = entries.enumerate().skip(offset).take(usize::from(rows));
    for ((number, entry), y) in shown.zip(area.y + 1..) {
        let is_selected = number == cursor.selected;
        let meaning = match (is_selected, entry.new) {
            (true, _) => Meaning::Selected,
            (_, true) => Meaning::Title,
            _ => Meaning::Text,
        };
        if is_selected {
            canvas.text(area.x, y, 1, canvas.symbols().marker, meaning);
        }
        let (symbol, colour) = words::severity(entry.severity, canvas.symbols());
        canvas.text(area.x + 2, y, 1, symbol, colour);
        canvas.text(area.x + 4, y, 16, &entry.at, Meaning::Quiet);
        canvas.text(area.x + 21, y, who_width, &entry.who, Meaning::Quiet);
        let width = area.width - what_x;
        canvas.text(area.x + what_x, y, width, entry.what, meaning);
    }
    if needs > 0 {
        let y = area.bottom() - needs;
        canvas.across(area.x, y, area.width, Meaning::Rule);
        for (line, y) in whole.iter().zip(y + 1..area.bottom()) {
            canvas.text(area.x + 2, y, area.width - 2, line, Meaning::Text);
        }
    }
}

/// The text of a job's log.
pub fn log(model: &Model, log: &Log, width: u16) -> Text {
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
    for line in lines {
        let (symbol, meaning) = match line.severity {
            Severity::Information => (" ", Meaning::Text),
            other => words::severity(other, symbols),
        };
        let mark = [
            piece(format!("{} ", line.at.format("%H:%M:%S")), Meaning::Quiet),
            piece(format!("{symbol} "), meaning),
        ];
        let meaning = if line.severity == Severity::Information {
            Meaning::Text
        } else {
            meaning
        };
        text.marked(&mark, &line.text, meaning);
    }
    text
}
