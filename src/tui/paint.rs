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
            self.go(x, y, after);
            // Where nothing is blank, nothing is erased.
            let next = changes.get(index + count).filter(|_| count > 0);
            let behind = next
                .filter(|(_, row, _)| *row == y)
                .map(|(column, _, _)| column - last - 1);
            if to_end && run >= 3 {
                self.erase(format_args!("\x1b[K"));
                index += count;
            } else if erasing_is_shorter(run, behind) {
                self.erase(format_args!("\x1b[{run}X"));
                index += count;
            } else {
                self.cell(cell, after.area.width);
                index += 1;
            }
        }
    }

    /// Erases with a command: that takes the background of the pen, and nothing else of it.
    fn erase(&mut self, command: std::fmt::Arguments<'_>) {
        if !self.pen.shows_blanks_plain() {
            self.pen(Pen::default());
        }
        self.put(command);
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
        } else {
            let absolute = format!("\x1b[{};{}H", y + 1, x + 1);
            let relative = self.at.filter(|at| at.y < y).map(|at| down(at, target));
            let shorter = relative.filter(|relative| relative.len() < absolute.len());
            self.bytes
                .extend_from_slice(shorter.unwrap_or(absolute).as_bytes());
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

/// The command that moves the cursor down from one place to another, and to the side.
fn down(from: Position, to: Position) -> String {
    let command = |count: u16, letter: char| match count {
        1 => format!("\x1b[{letter}"),
        count => format!("\x1b[{count}{letter}"),
    };
    let side = match (to.x.checked_sub(from.x), from.x.saturating_sub(to.x)) {
        (Some(0), _) => String::new(),
        (Some(right), _) => command(right, 'C'),
        // As in a column of numbers.
        (None, left @ ..=GAP) => "\x08".repeat(usize::from(left)),
        (None, left) => command(left, 'D'),
    };
    command(to.y - from.y, 'B') + &side
}

/// Whether a command that erases a run of blanks is shorter than the blanks, which leave the cursor behind themselves. `behind`
/// is how many cells stay as they are between the run and the next change of the row, if there is one.
fn erasing_is_shorter(run: u16, behind: Option<u16>) -> bool {
    let command = |count: u16| 3 + count.max(1).ilog10() + 1;
    let (written, erased) = match behind {
        Some(gap) => (
            u32::from(run) + u32::from(gap).min(command(gap)),
            command(run) + command(run + gap),
        ),
        None => (u32::from(run), command(run)),
    };
    erased < written
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
mod tests;
