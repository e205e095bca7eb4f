//! The surface that views draw on. Every text goes through [`Canvas::text`], which makes it printable and shortens it
//! to its place: no view can put a control sequence on the screen or draw over its edge.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::domain::printable;
use crate::tui::theme::{Meaning, Symbols, Theme};

/// A piece of a line, with what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// What it means.
    pub meaning: Meaning,
}

/// A piece.
pub fn piece(text: impl Into<String>, meaning: Meaning) -> Piece {
    Piece {
        text: text.into(),
        meaning,
    }
}

/// See the module.
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    theme: &'a Theme,
}

impl<'a> Canvas<'a> {
    /// A canvas over a buffer.
    pub fn new(buffer: &'a mut Buffer, theme: &'a Theme) -> Self {
        Self { buffer, theme }
    }

    /// The theme's symbols.
    pub fn symbols(&self) -> &'static Symbols {
        self.theme.symbols
    }

    /// Draws a text from a column on, shortened to `width` columns. Returns the columns it took.
    pub fn text(&mut self, x: u16, y: u16, width: u16, text: &str, meaning: Meaning) -> u16 {
        self.text_as(x, y, width, text, self.theme.style(meaning))
    }

    /// The same in a style of another theme: that of another context.
    pub fn text_as(&mut self, x: u16, y: u16, width: u16, text: &str, style: Style) -> u16 {
        if !self.buffer.area.contains((x, y).into()) {
            return 0;
        }
        let width = width.min(self.buffer.area.right() - x);
        let text = shorten(&self.safe(text), usize::from(width), self.symbols().more);
        // What was there before must not shine through.
        let style = Style::reset().patch(style);
        let (end, _) = self.buffer.set_stringn(x, y, &text, usize::from(width), style);
        end - x
    }

    /// The text with nothing in it that the terminal could obey or not show.
    fn safe(&self, text: &str) -> String {
        let text = printable::line(text);
        if self.symbols().is_ascii() {
            text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect()
        } else {
            text.into_owned()
        }
    }

    /// Draws a text so that it ends at the end of its place.
    pub fn right(&mut self, x: u16, y: u16, width: u16, text: &str, meaning: Meaning) {
        let taken = u16::try_from(text.width()).unwrap_or(width).min(width);
        self.text(x + width - taken, y, taken, text, meaning);
    }

    /// Draws pieces one after the other, shortened to `width` columns in all. Returns the columns they took.
    pub fn pieces(&mut self, x: u16, y: u16, width: u16, pieces: &[Piece]) -> u16 {
        let mut taken = 0;
        for piece in pieces {
            if taken >= width {
                break;
            }
            taken += self.text(x + taken, y, width - taken, &piece.text, piece.meaning);
        }
        taken
    }

    /// Draws a line across.
    pub fn across(&mut self, x: u16, y: u16, width: u16, meaning: Meaning) {
        let line = self.symbols().across.repeat(usize::from(width));
        self.text(x, y, width, &line, meaning);
    }

    /// Draws a line down.
    pub fn down(&mut self, x: u16, y: u16, height: u16) {
        for row in y..y + height {
            self.text(x, row, 1, self.symbols().down, Meaning::Rule);
        }
    }

    /// Draws a line across with a title in it.
    pub fn titled_rule(&mut self, x: u16, y: u16, width: u16, title: &str, focused: bool) {
        self.across(x, y, width, Meaning::Rule);
        let meaning = if focused {
            Meaning::FocusedTitle
        } else {
            Meaning::Title
        };
        let title = shorten(title, usize::from(width.saturating_sub(4)), self.symbols().more);
        self.text(x + 1, y, width.saturating_sub(2), &format!(" {title} "), meaning);
    }

    /// Makes an area empty.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for position in area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
            }
        }
    }

    /// Draws a frame with a title around an emptied area, and returns the inside.
    pub fn frame(&mut self, area: Rect, title: &str, meaning: Meaning) -> Rect {
        self.clear(area);
        let [top_left, top_right, bottom_left, bottom_right] = self.symbols().corners;
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        self.across(area.x, area.y, area.width, Meaning::Rule);
        self.across(area.x, bottom, area.width, Meaning::Rule);
        self.down(area.x, area.y, area.height);
        self.down(right, area.y, area.height);
        for (x, y, corner) in [
            (area.x, area.y, top_left),
            (right, area.y, top_right),
            (area.x, bottom, bottom_left),
            (right, bottom, bottom_right),
        ] {
            self.text(x, y, 1, corner, Meaning::Rule);
        }
        let room = usize::from(area.width.saturating_sub(6));
        let title = shorten(title, room, self.symbols().more);
        self.text(area.x + 2, area.y, area.width - 3, &format!(" {title} "), meaning);
        Rect::new(
            area.x + 2,
            area.y + 1,
            area.width.saturating_sub(4),
            area.height.saturating_sub(2),
        )
    }
}

/// The text in at most `width` columns, its end replaced by `more` where it is longer.
#[must_use]
pub fn shorten(text: &str, width: usize, more: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut taken = more.width();
    for c in text.chars() {
        taken += c.width().unwrap_or(0);
        if taken > width {
            break;
        }
        short.push(c);
    }
    if width > 0 {
        short.push_str(more);
    }
    short
}

/// The text in at most `width` columns, its middle replaced by `more` where it is longer: for names that are told apart
/// by how they begin and how they end.
#[must_use]
pub fn shorten_middle(text: &str, width: usize, more: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let room = width.saturating_sub(more.width());
    let start = shorten(text, room.div_ceil(2), "");
    let backwards: String = text.chars().rev().collect();
    let end = shorten(&backwards, room / 2, "");
    let end: String = end.chars().rev().collect();
    format!("{start}{more}{end}")
}

/// The text in lines of at most `width` columns, broken between words, or inside those that are longer.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let gap = usize::from(!line.is_empty());
        if line.width() + gap + word.width() <= width {
            if gap == 1 {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            if line.width() + c.width().unwrap_or(0) > width {
                lines.push(std::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::tui::theme::ThemeChoice;

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_control_character_reaches_a_cell(text in any::<String>(), ascii in any::<bool>(), width in 0_u16..30) {
            let theme = Theme::new(ThemeChoice::Dark, None, ascii);
            let mut buffer = Buffer::empty(Rect::new(0, 0, 30, 3));
            let mut canvas = Canvas::new(&mut buffer, &theme);
            canvas.text(3, 1, width, &text, Meaning::Text);
            canvas.right(0, 2, width, &text, Meaning::Text);
            canvas.titled_rule(0, 0, 30, &text, true);
            for cell in buffer.content() {
                for c in cell.symbol().chars() {
                    prop_assert!(!c.is_control());
                    let reorders = ['\u{200b}', '\u{200e}', '\u{202e}', '\u{2066}'].contains(&c);
                    prop_assert!(!reorders);
                    prop_assert!(!ascii || c.is_ascii());
                }
            }
        }

        #[test]
        fn nothing_is_lost_in_wrapping(text in "[a-z 日]{0,80}", width in 2_usize..20) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| line.width() <= width));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
