//! Turns the difference between two screens into the fewest bytes that a terminal needs.
//!
//! Over SSH every byte counts, and a draw that changes nothing must write nothing. This is why the cockpit encodes
//! frames itself: it writes colours in their short forms, writes over small gaps instead of jumping them, erases runs
//! of blanks in one command, and leaves the cursor alone when it has not moved.
//!
//! Not in here: what is on the screen (`view`) and where the bytes go (`terminal`).

use std::io::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Position;
use ratatui::style::{Color, Modifier};

use crate::domain::columns;

/// What one frame shows: its cells, and the cursor where a person types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The cells.
    pub buffer: Buffer,
    /// Where the cursor stands; `None` when nobody types anything.
    pub cursor: Option<Position>,
}

/// Begins an update that the terminal shows only when it is whole.
const BEGIN: &[u8] = b"\x1b[?2026h";
/// Ends it.
const END: &[u8] = b"\x1b[?2026l";

/// The widest gap of unchanged cells that is written again rather than jumped over.
const GAP: u16 = 4;

/// Remembers what the terminal shows.
#[derive(Debug, Default)]
pub struct Painter {
    shown: Option<Frame>,
}

/// How the terminal would draw a character written now.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Painter {
    /// Forgets what the terminal shows, so that the next frame is written whole.
    pub fn forget(&mut self) {
        self.shown = None;
    }

    /// The bytes that bring the terminal from what it shows to the frame. Empty when it already shows it.
    pub fn encode(&mut self, frame: Frame) -> Vec<u8> {
        let mut out = Out::default();
        let mut cursor_before = None;
        match &self.shown {
            Some(shown) if shown.buffer.area == frame.buffer.area => {
                cursor_before = shown.cursor;
                out.cells(&shown.buffer, &frame.buffer);
            }
            _ => {
                out.bytes.extend_from_slice(b"\x1b[?25l\x1b[m\x1b[2J");
                out.cells(&Buffer::empty(frame.buffer.area), &frame.buffer);
            }
        }
        out.pen(Pen::default());
        match (cursor_before, frame.cursor) {
            (_, Some(at)) if cursor_before != Some(at) || !out.bytes.is_empty() => {
                out.put(format_args!("\x1b[{};{}H", at.y + 1, at.x + 1));
                if cursor_before.is_none() {
                    out.bytes.extend_from_slice(b"\x1b[?25h");
                }
            }
            (Some(_), None) => out.bytes.extend_from_slice(b"\x1b[?25l"),
            _ => {}
        }
        self.shown = Some(frame);
        if out.bytes.is_empty() {
            return out.bytes;
        }
        [BEGIN, &out.bytes, END].concat()
    }
}

/// The cells to write. What a terminal leaves of the second half of a wide character when its first half is written
/// over differs, so that half is written again as well.
fn changes<'a>(before: &Buffer, after: &'a Buffer) -> Vec<(u16, u16, &'a Cell)> {
    let mut rest = before.diff(after).into_iter().peekable();
    let mut changes = Vec::new();
    while let Some((x, y, cell)) = rest.next() {
        changes.push((x, y, cell));
        let width = u16::try_from(columns::count(cell.symbol())).unwrap_or(1).max(1);
        let (last, half) = (x + width - 1, x + width);
        let halved = before
            .cell((last, y))
            .is_some_and(|cell| columns::count(cell.symbol()) > 1);
        let follows = rest
            .peek()
            .is_some_and(|(next, row, _)| (*next, *row) == (half, y));
        if halved
            && !follows
            && let Some(cell) = after.cell((half, y))
        {
            changes.push((half, y, cell));
        }
    }
    changes
}

/// The bytes so far, and the state they leave the terminal in.
#[derive(Default)]
struct Out {
    bytes: Vec<u8>,
    pen: Pen,
    /// Where the next character would go; `None` when that is not certain, as after the last column.
    at: Option<Position>,
}

impl Out {
    fn put(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing into memory cannot fail.
        let _ = self.bytes.write_fmt(text);
    }

    fn cells(&mut self, before: &Buffer, after: &Buffer) {
        let changes = changes(before, after);
        let mut index = 0;
        while let Some((x, y, cell)) = changes.get(index).copied() {
            let (last, count, to_end) = blank_run(after, &changes[index..]);
            let run = last - x + 1;
            if to_end && run >= 3 {
                self.go(x, y, after);
                self.pen(Pen::default());
                self.bytes.extend_from_slice(b"\x1b[K");
                index += count;
            } else if run >= 6 {
                self.go(x, y, after);
                self.pen(Pen::default());
                self.put(format_args!("\x1b[{run}X"));
                index += count;
            } else {
                self.go(x, y, after);
                self.cell(cell, after.area.width);
                index += 1;
            }
        }
    }

    fn cell(&mut self, cell: &Cell, columns: u16) {
        let wanted = Pen {
            fg: cell.fg,
            bg: cell.bg,
            modifier: cell.modifier,
        };
        if !(is_blank(cell) && self.pen.shows_blanks_plain()) {
            self.pen(wanted);
        }
        self.bytes.extend_from_slice(cell.symbol().as_bytes());
        let width = u16::try_from(columns::count(cell.symbol())).unwrap_or(1);
        self.at = self
            .at
            .map(|at| Position::new(at.x + width, at.y))
            .filter(|at| at.x < columns && is_settled(cell.symbol()));
    }

    /// Moves to a cell, by writing the unchanged cells before it again where that is shorter.
    fn go(&mut self, x: u16, y: u16, after: &Buffer) {
        let target = Position::new(x, y);
        if self.at == Some(target) {
            return;
        }
        if let Some(at) = self.at
            && at.y == y
            && at.x < x
        {
            let between = || (at.x..x).filter_map(|column| after.cell((column, y)));
            if x - at.x <= GAP && between().all(|cell| self.pen.draws(cell)) {
                let text: String = between().map(Cell::symbol).collect();
                self.bytes.extend_from_slice(text.as_bytes());
            } else {
                self.put(format_args!("\x1b[{}C", x - at.x));
            }
        } else if let Some(at) = self.at
            && at.y + 1 == y
            && (x..=x + GAP).contains(&at.x)
        {
            // The next row a little to the left, as in a column of numbers.
            self.bytes.extend_from_slice(b"\x1b[B");
            self.bytes.extend(std::iter::repeat_n(8, usize::from(at.x - x)));
        } else {
            self.put(format_args!("\x1b[{};{}H", y + 1, x + 1));
        }
        self.at = Some(target);
    }

    fn pen(&mut self, wanted: Pen) {
        if self.pen == wanted {
            return;
        }
        if wanted == Pen::default() {
            self.bytes.extend_from_slice(b"\x1b[m");
        } else {
            let change = self.pen.codes_to(wanted);
            let afresh = format!("0;{}", Pen::default().codes_to(wanted));
            let shorter = if change.len() <= afresh.len() {
                change
            } else {
                afresh
            };
            self.put(format_args!("\x1b[{shorter}m"));
        }
        self.pen = wanted;
    }
}

/// Whether every terminal agrees on how many columns a symbol takes. Behind another one the next place is gone to, so
/// that the rest of its row stays where it belongs.
fn is_settled(symbol: &str) -> bool {
    symbol.chars().all(|c| {
        matches!(c,
            // Latin, Greek, Cyrillic, Armenian; not the marks that stand on them.
            '\0'..='\u{2ff}' | '\u{370}'..='\u{482}' | '\u{48a}'..='\u{58f}'
            // Punctuation, lines, blocks and symbols.
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}' | '\u{2070}'..='\u{20cf}'
            | '\u{2100}'..='\u{27bf}'
            // Chinese, Japanese and Korean.
            | '\u{3000}'..='\u{3029}' | '\u{3030}'..='\u{3098}' | '\u{309b}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7a3}' | '\u{ff01}'..='\u{ff9d}')
    })
}

impl Pen {
    /// Whether writing the cell's symbol with this pen shows the cell as it should be.
    fn draws(self, cell: &Cell) -> bool {
        let same = self.fg == cell.fg && self.bg == cell.bg && self.modifier == cell.modifier;
        (same || (is_blank(cell) && self.shows_blanks_plain()))
            && cell.symbol().is_ascii()
            && !cell.symbol().is_empty()
    }

    fn shows_blanks_plain(self) -> bool {
        self.bg == Color::Reset
            && !self
                .modifier
                .intersects(Modifier::REVERSED | Modifier::UNDERLINED | Modifier::CROSSED_OUT)
    }

    /// The parameters of the command that turns this pen into the wanted one.
    fn codes_to(self, wanted: Self) -> String {
        const BOLDNESS: Modifier = Modifier::BOLD.union(Modifier::DIM);
        let mut codes = Vec::new();
        let mut kept = self.modifier;
        let gone = self.modifier.difference(wanted.modifier);
        if gone.intersects(BOLDNESS) {
            codes.push("22".to_owned());
            kept.remove(BOLDNESS);
        }
        for (modifier, off) in [
            (Modifier::ITALIC, "23"),
            (Modifier::UNDERLINED, "24"),
            (Modifier::REVERSED, "27"),
        ] {
            if gone.contains(modifier) {
                codes.push(off.to_owned());
            }
        }
        for (modifier, on) in [
            (Modifier::BOLD, "1"),
            (Modifier::DIM, "2"),
            (Modifier::ITALIC, "3"),
            (Modifier::UNDERLINED, "4"),
            (Modifier::REVERSED, "7"),
        ] {
            if wanted.modifier.contains(modifier) && !kept.contains(modifier) {
                codes.push(on.to_owned());
            }
        }
        if self.fg != wanted.fg {
            codes.push(colour_code(wanted.fg, 30));
        }
        if self.bg != wanted.bg {
            codes.push(colour_code(wanted.bg, 40));
        }
        codes.join(";")
    }
}

/// The parameter for a colour; `base` is 30 for the foreground and 40 for the background.
fn colour_code(colour: Color, base: u8) -> String {
    let named = |index: u8| {
        let code = if index < 8 {
            base + index
        } else {
            base + 60 + index - 8
        };
        code.to_string()
    };
    match colour {
        Color::Reset => (base + 9).to_string(),
        Color::Black => named(0),
        Color::Red => named(1),
        Color::Green => named(2),
        Color::Yellow => named(3),
        Color::Blue => named(4),
        Color::Magenta => named(5),
        Color::Cyan => named(6),
        Color::Gray => named(7),
        Color::DarkGray => named(8),
        Color::LightRed => named(9),
        Color::LightGreen => named(10),
        Color::LightYellow => named(11),
        Color::LightBlue => named(12),
        Color::LightMagenta => named(13),
        Color::LightCyan => named(14),
        Color::White => named(15),
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Rgb(red, green, blue) => format!("{};2;{red};{green};{blue}", base + 8),
    }
}

/// Whether a cell shows nothing, whatever its foreground.
fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " "
        && Pen {
            fg: Color::Reset,
            bg: cell.bg,
            modifier: cell.modifier,
        }
        .shows_blanks_plain()
}

/// The run of blank cells that begins at the first change: the column of the last change in it, how many changes it
/// takes in, and whether it reaches the end of the row.
fn blank_run(after: &Buffer, changes: &[(u16, u16, &Cell)]) -> (u16, usize, bool) {
    let Some((x, y, _)) = changes.first().copied() else {
        return (0, 0, false);
    };
    let right = after.area.right();
    let blank = |column: &u16| after.cell((*column, y)).is_some_and(is_blank);
    let end = (x..right).find(|column| !blank(column)).unwrap_or(right);
    let inside = changes
        .iter()
        .take_while(|(column, row, _)| *row == y && *column < end);
    let count = inside.clone().count();
    let last = inside.last().map_or(x, |(column, _, _)| *column);
    (last, count, end == right)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    use super::*;
    use crate::tui::theme::{Meaning, Theme, ThemeChoice};
    use crate::tui::view::canvas::Canvas;

    fn frame(lines: &[&str]) -> Frame {
        Frame {
            buffer: Buffer::with_lines(lines.iter().map(|line| (*line).to_owned())),
            cursor: None,
        }
    }

    #[test]
    fn the_same_frame_twice_writes_nothing() {
        let mut painter = Painter::default();
        assert!(!painter.encode(frame(&["abc"])).is_empty());
        assert!(painter.encode(frame(&["abc"])).is_empty());
    }

    #[test]
    fn small_gaps_are_written_over_and_blanks_erased() {
        let mut painter = Painter::default();
        painter.encode(frame(&["abcdef long text that goes"]));
        let bytes = painter.encode(frame(&["Abcdef                    "]));
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text, "\x1b[?2026h\x1b[1;1HA\x1b[6C\x1b[K\x1b[?2026l");
    }

    #[test]
    fn a_row_stays_in_line_whatever_a_terminal_takes_its_emoji_for() {
        let mut painter = Painter::default();
        let text = String::from_utf8(painter.encode(frame(&["a👍b日c│d"]))).unwrap();
        assert!(text.contains("a👍\x1b[1;4Hb日c│d"), "{text:?}");
    }

    #[test]
    fn named_colours_take_their_short_form() {
        let mut painter = Painter::default();
        painter.encode(frame(&["ab"]));
        let mut next = frame(&["ab"]);
        next.buffer
            .set_style(Rect::new(0, 0, 1, 1), Style::new().fg(Color::Red));
        let text = String::from_utf8(painter.encode(next)).unwrap();
        assert_eq!(text, "\x1b[?2026h\x1b[1;1H\x1b[31ma\x1b[m\x1b[?2026l");
    }

    /// What a terminal shows: each cell's text and whether it is bold, reversed and in which colour.
    fn seen(parser: &vt100::Parser, area: Rect) -> Vec<(String, bool, bool, vt100::Color)> {
        area.positions()
            .filter_map(|at| parser.screen().cell(at.y, at.x))
            .map(|cell| {
                let text = if cell.contents().is_empty() {
                    " "
                } else {
                    cell.contents()
                };
                // The colour of a blank cannot be seen.
                let colour = if text == " " {
                    vt100::Color::Default
                } else {
                    cell.fgcolor()
                };
                let bold = text != " " && cell.bold();
                (text.to_owned(), bold, cell.inverse(), colour)
            })
            .collect()
    }

    fn any_frame() -> impl Strategy<Value = Buffer> {
        // One piece a row: buffers in which one wide character covers half of another are not well-formed.
        let piece = (0_u16..30, "[a-c 日é]{0,12}", 0_usize..5);
        proptest::collection::vec(piece, 0..7).prop_map(|pieces| {
            let styles = [
                Style::new(),
                Style::new().fg(Color::Red),
                Style::new().fg(Color::LightBlue).add_modifier(Modifier::BOLD),
                Style::new().add_modifier(Modifier::REVERSED),
                Style::new().fg(Color::Indexed(208)),
            ];
            let mut buffer = Buffer::empty(Rect::new(0, 0, 30, 6));
            for ((x, text, style), y) in pieces.into_iter().zip(0..6) {
                buffer.set_string(x, y, text, styles[style]);
            }
            buffer
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_stands_behind_any_text_is_in_its_column(
            texts in proptest::collection::vec(prop_oneof![any::<String>(), "[ﾞﾊ❤\u{fe0f}👍🏽👩\u{200d}💻🇩🇪1\u{20e3}لاក្日a\u{301} ]{0,40}"], 3),
            ascii in any::<bool>(),
        ) {
            let theme = Theme::new(ThemeChoice::Dark, None, ascii);
            let mut painter = Painter::default();
            let mut terminal = vt100::Parser::new(1, 40, 0);
            for text in texts {
                let mut buffer = Buffer::empty(Rect::new(0, 0, 40, 1));
                let mut canvas = Canvas::new(&mut buffer, &theme);
                let end = canvas.text(2, 0, 36, &text, Meaning::Text) + 2;
                canvas.text(38, 0, 1, "|", Meaning::Text);
                terminal.process(&painter.encode(Frame { buffer, cursor: None }));
                let shown = |x: u16| terminal.screen().cell(0, x).unwrap().contents().trim().to_owned();
                prop_assert_eq!(shown(38), "|");
                for x in (0..2).chain(end..38) {
                    prop_assert_eq!(shown(x), "", "column {}", x);
                }
            }
        }

        #[test]
        fn a_terminal_shows_what_was_drawn(frames in proptest::collection::vec(any_frame(), 1..6)) {
            let mut painter = Painter::default();
            let mut stepwise = vt100::Parser::new(6, 30, 0);
            for buffer in frames {
                let area = buffer.area;
                stepwise.process(&painter.encode(Frame { buffer: buffer.clone(), cursor: None }));
                let mut whole = vt100::Parser::new(6, 30, 0);
                whole.process(&Painter::default().encode(Frame { buffer: buffer.clone(), cursor: None }));
                prop_assert_eq!(seen(&stepwise, area), seen(&whole, area));
                for at in area.positions() {
                    let cell = &buffer[at];
                    let shown = stepwise.screen().cell(at.y, at.x).map(|cell| cell.contents().to_owned());
                    if cell.symbol() != " " {
                        prop_assert_eq!(shown, Some(cell.symbol().to_owned()));
                    }
                }
            }
        }
    }
}
