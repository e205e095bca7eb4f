//! What stands on the screen while everything is hidden: nothing of any environment.

use ratatui::layout::Rect;

use super::canvas::{Canvas, wrap};
use crate::tui::model::Model;
use crate::tui::theme::Meaning;

const WIDTH: u16 = 52;

/// Draws it.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model) {
    let limit = model.settings.idle_lock.unwrap_or_default().as_secs();
    let limit = match limit {
        0..120 => format!("{limit} seconds"),
        _ => format!("{} minutes", limit / 60),
    };
    let text = format!("Nobody pressed a key for {limit}, so everything is hidden. Jobs go on.");
    let lines = wrap(&text, usize::from(WIDTH - 4));
    let height = u16::try_from(lines.len()).unwrap_or(2) + 4;
    let area = Rect::new(
        (model.size.width - WIDTH) / 2,
        (model.size.height - height) / 2,
        WIDTH,
        height,
    );
    let inside = canvas.frame(area, "Locked", Meaning::FocusedTitle);
    for (line, y) in lines.iter().zip(inside.y..) {
        canvas.text(inside.x, y, inside.width, line, Meaning::Text);
    }
    let y = inside.bottom() - 1;
    canvas.text(inside.x, y, inside.width, "Press any key to go on.", Meaning::Key);
}
