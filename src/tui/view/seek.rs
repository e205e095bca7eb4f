//! What can be searched on a screen, and how what is searched for looks: typed in the footer, marked in texts.

use ratatui::layout::{Position, Rect};

use super::canvas::Canvas;
use super::explore;
use super::field;
use super::layout;
use super::log;
use super::saved;
use super::screen_text;
use super::text::Text;
use crate::domain::columns;
use crate::tui::model::Model;
use crate::tui::model::screens::Screen;
use crate::tui::theme::Meaning;

/// The rows of the screen on top, as texts.
pub fn rows(model: &Model) -> Vec<String> {
    if let Some(table) = saved::listed(model) {
        return table.rows.into_iter().map(|row| row.join(" ")).collect();
    }
    match model.screens.last() {
        Some(Screen::Differences(differences)) => explore::differing(model, differences),
        _ => screen_text(model).map_or_else(Vec::new, |text| text.plain()),
    }
}

/// Whether rows of the screen are read as one comes to them, so that not all of them are here.
pub fn is_read_in_parts(model: &Model) -> bool {
    match model.screens.last() {
        Some(Screen::Differences(differences)) => {
            let lines = &differences.lines;
            !differences.in_node && (0..lines.len()).any(|row| lines.get(row).is_none())
        }
        _ => false,
    }
}

/// The rows of the log on the screen at which a warning or an error begins.
pub fn warnings(model: &Model) -> Vec<usize> {
    match model.screens.last() {
        Some(Screen::Log(shown)) => log::warnings(model, shown, layout::screen(model.size).width),
        _ => Vec::new(),
    }
}

/// Marks what is searched for in the lines of a text that are on the screen.
pub fn mark(canvas: &mut Canvas<'_>, model: &Model, text: &Text, area: Rect, scroll: usize) {
    let Some(seek) = model.seek_here().filter(|seek| !seek.text.is_empty()) else {
        return;
    };
    let lines = text.plain();
    let visible = lines
        .iter()
        .enumerate()
        .skip(scroll)
        .take(usize::from(area.height));
    for ((number, line), y) in visible.zip(area.y..) {
        let lower = line.to_lowercase();
        // Where a letter is longer in lower case, its place is not known.
        if lower.len() != line.len() {
            continue;
        }
        let meaning = if seek.at == Some(number) {
            Meaning::Selected
        } else {
            Meaning::Key
        };
        for (at, found) in lower.match_indices(&seek.text) {
            let (Some(before), Some(found)) = (line.get(..at), line.get(at..at + found.len())) else {
                continue;
            };
            let x = u16::try_from(columns::count(before)).unwrap_or(u16::MAX);
            if x < area.width {
                canvas.text(area.x + x, y, area.width - x, found, meaning);
            }
        }
    }
}

/// Draws what is typed into a search in the place of the footer. Gives where the cursor is, if something is typed.
pub fn footer(canvas: &mut Canvas<'_>, model: &Model) -> Option<Position> {
    let seek = model.seek_here()?;
    let input = seek.input.as_ref()?;
    let y = model.size.height - 1;
    canvas.text(1, y, 1, "/", Meaning::Key);
    let hint = if seek.at.is_none() && !seek.text.is_empty() {
        "nothing has it   Enter keep   Esc leave"
    } else {
        "Enter keep   Esc leave"
    };
    let taken = u16::try_from(columns::count(hint)).unwrap_or(0);
    let room = model.size.width - 3;
    let area = Rect::new(2, y, room.saturating_sub(taken + 1), 1);
    let cursor = field::draw(canvas, input, area);
    canvas.right(2, y, room, hint, Meaning::Quiet);
    Some(cursor)
}
