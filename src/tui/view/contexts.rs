//! The dialog in which another context is chosen.

use ratatui::layout::Rect;

use super::canvas::Canvas;
use super::layout::CONTEXT_ROWS;
use crate::tui::model::Model;
use crate::tui::model::cursor::Cursor;
use crate::tui::theme::Meaning;

const WIDTH: u16 = 72;
const NAME: u16 = 18;

/// Draws the contexts, the active one with a dot, each in its own colour.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, cursor: &Cursor) {
    let settings = &model.settings;
    let rows = settings.contexts.len().min(CONTEXT_ROWS);
    let height = u16::try_from(rows).unwrap_or(1) + 2;
    let x = (model.size.width - WIDTH) / 2;
    let y = 1 + (model.size.height - 3 - height) / 2;
    let inside = canvas.frame(Rect::new(x, y, WIDTH, height), "Contexts", Meaning::FocusedTitle);
    let symbols = canvas.symbols();
    let shown = settings.contexts.iter().enumerate().skip(cursor.offset);
    for ((number, choice), y) in shown.zip(inside.y..inside.bottom()) {
        let is_selected = number == cursor.selected;
        if is_selected {
            canvas.text(inside.x, y, 1, symbols.marker, Meaning::Selected);
        }
        if choice.name == settings.context {
            canvas.text(inside.x + 2, y, 1, symbols.full, Meaning::Good);
        }
        let colours = canvas.theme().with_accent(choice.accent);
        canvas.text_as(
            inside.x + 4,
            y,
            NAME,
            &format!(" {} ", choice.name),
            colours.style(Meaning::Context),
        );
        let mark = if choice.read_only { "READ-ONLY" } else { "" };
        canvas.right(inside.x, y, inside.width, mark, Meaning::Warning);
        let from = inside.x + 4 + NAME + 2;
        let meaning = if is_selected {
            Meaning::Selected
        } else {
            Meaning::Quiet
        };
        canvas.text(from, y, inside.right() - from - 10, &choice.leads_to, meaning);
        if is_selected {
            canvas.select(inside.x, y, inside.width, true);
        }
    }
}
