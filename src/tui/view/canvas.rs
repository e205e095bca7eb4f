//! The surface that views draw on. Every text goes through [`Canvas::text`], which makes it printable and shortens it
//! to its place: no view can put a control sequence on the screen or draw over its edge.

use std::borrow::Cow;
use std::num::NonZeroU16;

use ratatui::buffer::{Buffer, Cell, CellDiffOption, CellWidth as _};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::widgets::Widget;

use crate::domain::{columns, printable};
use crate::tui::theme::{Meaning, Symbols, Theme};

/// A piece of a line, with what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// What it means.
    pub meaning: Meaning,
}

/// A piece, its text made printable: how wide it is can be told from here on.
pub fn piece(text: impl Into<String>, meaning: Meaning) -> Piece {
    let text = text.into();
    let text = match printable::line(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(safe) => safe,
    };
    Piece { text, meaning }
}

/// How many columns pieces take together.
pub fn wide(pieces: &[Piece]) -> usize {
    pieces.iter().map(|piece| columns::count(&piece.text)).sum()
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

    /// The theme.
    pub fn theme(&self) -> &'a Theme {
        self.theme
    }

    /// Draws a widget that shows no text of its own into an area.
    pub fn widget(&mut self, area: Rect, widget: impl Widget) {
        widget.render(area.intersection(self.buffer.area), self.buffer);
    }

    /// Marks a row that has been drawn as the selected one, over its whole width. `focused` says whether its pane has the
    /// keys.
    pub fn select(&mut self, x: u16, y: u16, width: u16, focused: bool) {
        let row = Rect::new(x, y, width, 1).intersection(self.buffer.area);
        let loud = [Meaning::Critical, Meaning::Warning].map(|meaning| self.theme.style(meaning).fg);
        let plain = self.theme.style(Meaning::Text).fg.unwrap_or_default();
        // Where a colour marks the row, what is on it has one too, but for what is wrong: each change of it goes over the line.
        let is_plain = focused && self.theme.selected(Style::new(), focused).bg.is_some();
        let mut before: Option<(Color, Modifier)> = None;
        for position in row.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                // A blank is as what stands before it: nobody sees that, and the pen need not change twice.
                let (fg, modifier) = match before {
                    Some(before) if cell.symbol() == " " => before,
                    _ if is_plain && !loud.contains(&Some(cell.fg)) => (plain, Modifier::empty()),
                    _ => (cell.fg, cell.modifier),
                };
                before = Some((fg, modifier));
                cell.modifier = modifier;
                let style = Style::new().fg(fg).bg(cell.bg).add_modifier(modifier);
                cell.set_style(self.theme.selected(style, focused));
            }
        }
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
        let text = self.safe(text);
        let text = columns::shorten(&text, usize::from(width), self.symbols().more);
        // What was there before must not shine through.
        let style = Style::reset().patch(style);
        self.free(x, y);
        let mut end = x;
        // Each character has its own cell, with the marks that stand on it: the buffer would put those together that
        // are one to a reader, and take them for less wide than terminals do.
        for cluster in columns::clusters(&text) {
            let wide = u16::try_from(columns::count(cluster)).unwrap_or(0);
            let next = end + wide;
            if let Some(cell) = self.buffer.cell_mut((end, y)) {
                cell.reset();
                cell.set_symbol(cluster).set_style(style);
                // Where the buffer reckons otherwise, it would leave something of what was there before.
                if let Some(wide) = NonZeroU16::new(wide).filter(|wide| cluster.cell_width() != wide.get()) {
                    cell.set_diff_option(CellDiffOption::ForcedWidth(wide));
                }
            }
            for hidden in end + 1..next {
                if let Some(cell) = self.buffer.cell_mut((hidden, y)) {
                    cell.reset();
                }
            }
            end = next;
        }
        end - x
    }

    /// Takes away the character whose second half is at a place: what is drawn there would not be seen behind it.
    fn free(&mut self, x: u16, y: u16) {
        if let Some(before) = x.checked_sub(1)
            && let Some(cell) = self.buffer.cell_mut((before, y))
            && columns::count(cell.symbol()) > 1
        {
            cell.set_symbol(" ");
        }
    }

    /// The text with nothing in it that the terminal could obey or not show. Where it shows ASCII only, a question mark
    /// stands in each column of another character, so that the text is as wide as it was laid out for.
    fn safe(&self, text: &str) -> String {
        let text = printable::line(text);
        if !self.symbols().is_ascii() || text.is_ascii() {
            return text.into_owned();
        }
        columns::clusters(&text)
            .map(|cluster| {
                if cluster.is_ascii() {
                    cluster.to_owned()
                } else {
                    "?".repeat(columns::count(cluster))
                }
            })
            .collect()
    }

    /// Draws a text so that it ends at the end of its place.
    pub fn right(&mut self, x: u16, y: u16, width: u16, text: &str, meaning: Meaning) {
        let taken = columns::count(&printable::line(text));
        let taken = u16::try_from(taken).unwrap_or(width).min(width);
        self.text(x + width - taken, y, taken, text, meaning);
    }

    /// Draws pieces one after the other, shortened to `width` columns in all. Returns the columns they took.
    pub fn pieces(&mut self, x: u16, y: u16, width: u16, pieces: &[Piece]) -> u16 {
        let mut taken = 0;
        let mut left = pieces;
        while let Some((piece, rest)) = left.split_first()
            && taken < width
        {
            let room = width - taken;
            // One that ends where the place does would hide that there is more.
            let hides = columns::count(&piece.text) == usize::from(room)
                && rest.iter().any(|piece| !piece.text.trim().is_empty());
            taken += if hides {
                self.text(x + taken, y, room, &format!("{} ", piece.text), piece.meaning)
            } else {
                self.text(x + taken, y, room, &piece.text, piece.meaning)
            };
            left = rest;
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

    /// Draws where two lines meet, if there is a line: a title that stands there stays whole.
    pub fn joint(&mut self, x: u16, y: u16, symbol: &str) {
        let symbols = self.symbols();
        let style = self.theme.style(Meaning::Rule);
        let is_rule =
            |cell: &&Cell| cell.fg == style.fg.unwrap_or_default() && cell.modifier == style.add_modifier;
        let there = self.buffer.cell((x, y)).filter(is_rule).map(Cell::symbol);
        let lines = [
            symbols.across,
            symbols.down,
            symbols.tee_down,
            symbols.tee_up,
            symbols.tee_left,
            symbols.tee_right,
        ];
        if there.is_some_and(|there| lines.contains(&there)) {
            self.text(x, y, 1, symbol, Meaning::Rule);
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
        // Of long names of environments the end tells them apart.
        let title = shorten_middle(title, title_room(width), self.symbols().more);
        self.text(x + 1, y, width.saturating_sub(2), &format!(" {title} "), meaning);
    }

    /// Makes an area empty.
    pub fn clear(&mut self, area: Rect) {
        let area = area.intersection(self.buffer.area);
        for y in area.y..area.bottom() {
            self.free(area.x, y);
        }
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
        let title = shorten_middle(title, room, self.symbols().more);
        self.text(area.x + 2, area.y, area.width - 3, &format!(" {title} "), meaning);
        Rect::new(
            area.x + 2,
            area.y + 1,
            area.width.saturating_sub(4),
            area.height.saturating_sub(2),
        )
    }
}

/// How many columns the title on a rule of this width has.
pub fn title_room(width: u16) -> usize {
    usize::from(width.saturating_sub(4))
}

/// The text, made printable, in at most `width` columns, its end replaced by `more` where it is longer.
#[must_use]
pub fn shorten(text: &str, width: usize, more: &str) -> String {
    columns::shorten(&printable::line(text), width, more)
}

/// The text, made printable, in at most `width` columns, its middle replaced by `more` where it is longer.
#[must_use]
pub fn shorten_middle(text: &str, width: usize, more: &str) -> String {
    columns::shorten_middle(&printable::line(text), width, more)
}

/// The text, made printable, in lines of at most `width` columns, broken between words, or inside those that are longer.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut taken = 0;
    for word in printable::line(text).split_whitespace() {
        let gap = usize::from(taken > 0);
        let wide = columns::count(word);
        if taken + gap + wide <= width {
            line.push_str(&" ".repeat(gap));
            line.push_str(word);
            taken += gap + wide;
            continue;
        }
        if taken > 0 {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        }
        for cluster in columns::clusters(word) {
            let wide = columns::count(cluster);
            if taken > 0 && taken + wide > width {
                lines.push(std::mem::take(&mut line));
                taken = 0;
            }
            line.push_str(cluster);
            taken += wide;
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
    use unicode_width::UnicodeWidthStr as _;

    use super::*;
    use crate::tui::theme::ThemeChoice;

    #[test]
    fn words_are_kept_whole_where_they_fit() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("", 3), [""]);
    }

    #[test]
    fn what_is_cut_off_between_two_pieces_is_seen_to_be() {
        let theme = Theme::new(ThemeChoice::Dark, None, false);
        let shown = |width: u16, texts: &[&str]| -> String {
            let mut buffer = Buffer::empty(Rect::new(0, 0, 9, 1));
            let pieces: Vec<Piece> = texts.iter().map(|text| piece(*text, Meaning::Text)).collect();
            Canvas::new(&mut buffer, &theme).pieces(0, 0, width, &pieces);
            buffer
                .content()
                .iter()
                .map(ratatui::buffer::Cell::symbol)
                .collect()
        };
        assert_eq!(shown(6, &["back", "ups"]), "backu…   ");
        assert_eq!(shown(4, &["back", "ups"]), "bac…     ");
        assert_eq!(shown(4, &["back", "  "]), "back     ");
        assert_eq!(shown(7, &["back", "ups"]), "backups  ");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_but_characters_with_a_place_of_their_own_reaches_the_cells(
            text in any::<String>(),
            ascii in any::<bool>(),
            width in 0_u16..30,
        ) {
            let theme = Theme::new(ThemeChoice::Dark, None, ascii);
            let mut buffer = Buffer::empty(Rect::new(0, 0, 30, 3));
            let mut canvas = Canvas::new(&mut buffer, &theme);
            let taken = canvas.text(3, 1, width, &text, Meaning::Text);
            prop_assert!(taken <= width);
            canvas.right(0, 2, width, &text, Meaning::Text);
            canvas.titled_rule(0, 0, 30, &text, true);
            for cell in buffer.content() {
                let symbol = cell.symbol();
                prop_assert_eq!(printable::line(symbol), symbol);
                prop_assert!(!ascii || symbol.is_ascii());
                // Whoever compares and paints cells takes each for as wide as it was laid out.
                prop_assert_eq!(symbol.width(), columns::count(symbol));
            }
            // Nothing stands where the second half of a wide character is, or beyond the end of its place.
            for y in 0..3 {
                let mut x = 0;
                while x < 30 {
                    let wide = u16::try_from(columns::count(buffer[(x, y)].symbol())).unwrap();
                    for hidden in x + 1..x + wide {
                        prop_assert!(hidden < 30);
                        prop_assert_eq!(buffer[(hidden, y)].symbol(), " ");
                    }
                    x += wide.max(1);
                }
            }
            for x in 3 + taken..30 {
                prop_assert_eq!(buffer[(x, 1)].symbol(), " ");
            }
        }

        #[test]
        fn what_is_drawn_over_half_a_character_is_seen(text in "[日a]{0,10}", x in 0_u16..20) {
            let theme = Theme::new(ThemeChoice::Dark, None, false);
            let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
            let mut canvas = Canvas::new(&mut buffer, &theme);
            canvas.text(0, 0, 20, &text, Meaning::Text);
            canvas.text(0, 1, 20, &text, Meaning::Text);
            canvas.text(x, 0, 1, "|", Meaning::Text);
            canvas.clear(Rect::new(x, 1, 1, 1));
            for y in 0..2 {
                let before: usize = (0..x).map(|x| columns::count(buffer[(x, y)].symbol())).sum();
                let hidden = (1..x).filter(|x| columns::count(buffer[(x - 1, y)].symbol()) > 1).count();
                prop_assert_eq!(before - hidden, usize::from(x));
            }
            prop_assert_eq!(buffer[(x, 0)].symbol(), "|");
        }

        #[test]
        fn nothing_is_lost_in_wrapping(text in "[a-z 日\u{301}❤\u{fe0f}لا👍🏽]{0,80}", width in 2_usize..20) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| columns::count(line) <= width));
            prop_assert!(lines.iter().all(|line| printable::line(line) == *line));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&printable::line(&text)));
        }
    }
}
