//! The dialog in which another context is chosen.

use ratatui::layout::Rect;

use super::canvas::{Canvas, shorten_middle};
use super::layout::CONTEXT_ROWS;
use crate::domain::columns;
use crate::tui::model::Model;
use crate::tui::model::cursor::Cursor;
use crate::tui::theme::Meaning;

const WIDTH: u16 = 72;
/// How wide the names of contexts are at least and at most, with a blank on both sides.
const NAME: (u16, u16) = (18, 30);

/// Draws the contexts, the active one with a dot, each in its own colour.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, cursor: &Cursor) {
    let settings = &model.settings;
    let rows = settings.contexts.len().min(CONTEXT_ROWS);
    let height = u16::try_from(rows).unwrap_or(1) + 2;
    let x = (model.size.width - WIDTH) / 2;
    let y = 1 + (model.size.height - 3 - height) / 2;
    let inside = canvas.frame(Rect::new(x, y, WIDTH, height), "Contexts", Meaning::FocusedTitle);
    let symbols = canvas.symbols();
    let names = settings
        .contexts
        .iter()
        .map(|choice| columns::count(&choice.name));
    let name_width = u16::try_from(names.max().unwrap_or(0) + 2).unwrap_or(NAME.1);
    let name_width = name_width.clamp(NAME.0, NAME.1);
    let is_marked = settings.contexts.iter().any(|choice| choice.read_only);
    let mark_width = if is_marked { 10 } else { 0 };
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
            name_width,
            &format!(
                " {} ",
                shorten_middle(&choice.name, usize::from(name_width) - 2, symbols.more)
            ),
            colours.style(Meaning::Context),
        );
        let mark = if choice.read_only { "READ-ONLY" } else { "" };
        canvas.right(inside.x, y, inside.width, mark, Meaning::Warning);
        let from = inside.x + 4 + name_width + 2;
        let meaning = if is_selected {
            Meaning::Selected
        } else {
            Meaning::Quiet
        };
        canvas.text(
            from,
            y,
            inside.right() - from - mark_width,
            &choice.leads_to,
            meaning,
        );
        if is_selected {
            canvas.select(inside.x, y, inside.width, true);
        }
    }
}
