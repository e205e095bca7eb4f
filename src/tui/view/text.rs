//! Text of several lines for pages, dialogs and plans: headings, facts with their labels, paragraphs, tables. It is
//! laid out for a width, so that its height is known before it is drawn, and nothing in it is ever cut off.

use ratatui::layout::Rect;

use super::canvas::{Canvas, Piece, piece, wide, wrap};
use crate::domain::{columns, printable};
use crate::tui::theme::Meaning;

/// Lines laid out for a width.
#[derive(Debug, Clone)]
pub struct Text {
    width: usize,
    lines: Vec<Vec<Piece>>,
}

impl Text {
    /// No lines yet.
    pub fn new(width: u16) -> Self {
        Self {
            width: usize::from(width),
            lines: Vec::new(),
        }
    }

    /// Another text below, with an empty line between them.
    pub fn append(&mut self, other: Self) {
        self.blank();
        self.lines.extend(other.lines);
    }

    /// Two texts beside each other.
    pub fn beside(left: Self, right: Self, gap: usize) -> Self {
        let column = left.width;
        let mut both = Self {
            width: column + gap + right.width,
            lines: Vec::new(),
        };
        let rows = left.lines.len().max(right.lines.len());
        let (mut left, mut right) = (left.lines.into_iter(), right.lines.into_iter());
        for _ in 0..rows {
            let mut line = left.next().unwrap_or_default();
            if let Some(more) = right.next() {
                let blanks = (column + gap).saturating_sub(wide(&line));
                line.push(piece(" ".repeat(blanks), Meaning::Text));
                line.extend(more);
            }
            both.lines.push(line);
        }
        both
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// How many columns there are.
    pub fn width(&self) -> usize {
        self.width
    }

    /// An empty line, unless there is one already or nothing stands above.
    pub fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| !line.is_empty()) {
            self.lines.push(Vec::new());
        }
    }

    /// A heading, with an empty line above it.
    pub fn heading(&mut self, text: &str) {
        self.blank();
        self.lines.push(vec![piece(text, Meaning::Title)]);
    }

    /// A line of pieces as they are. What does not fit is shortened.
    pub fn line(&mut self, pieces: Vec<Piece>) {
        self.lines.push(pieces);
    }

    /// A paragraph, wrapped.
    pub fn paragraph(&mut self, text: &str, meaning: Meaning) {
        self.marked(&[], text, meaning);
    }

    /// A paragraph behind a mark; its further lines stand under its first one.
    pub fn marked(&mut self, mark: &[Piece], text: &str, meaning: Meaning) {
        let indent = wide(mark);
        for (index, part) in wrap(text, self.width.saturating_sub(indent))
            .into_iter()
            .enumerate()
        {
            let mut line = if index == 0 {
                mark.to_vec()
            } else if indent > 0 {
                vec![piece(" ".repeat(indent), Meaning::Text)]
            } else {
                Vec::new()
            };
            line.push(piece(part, meaning));
            self.lines.push(line);
        }
    }

    /// A label and what belongs to it, wrapped beside it.
    pub fn fact(&mut self, label: &str, value: &str) {
        self.fact_as(label, value, Meaning::Text);
    }

    /// The same, with a meaning.
    pub fn fact_as(&mut self, label: &str, value: &str, meaning: Meaning) {
        let label = columns::fill(&printable::line(label), LABEL) + " ";
        let label = piece(label, Meaning::Quiet);
        self.marked(&[label], value, meaning);
    }

    /// The lines without what they mean.
    pub fn plain(&self) -> Vec<String> {
        let plain = |line: &Vec<Piece>| line.iter().map(|piece| piece.text.as_str()).collect();
        self.lines.iter().map(plain).collect()
    }

    /// Draws the lines from `scroll` on, and says at the right edge if there are more.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, scroll: usize) {
        let height = usize::from(area.height);
        for (line, y) in self.lines.iter().skip(scroll).take(height).zip(area.y..) {
            canvas.pieces(area.x, y, area.width, line);
        }
        let symbols = canvas.symbols();
        if scroll > 0 && area.height > 0 {
            canvas.text(area.right(), area.y, 1, symbols.up, Meaning::Key);
        }
        if self.lines.len() > scroll + height && area.height > 0 {
            canvas.text(area.right(), area.bottom() - 1, 1, symbols.below, Meaning::Key);
        }
    }
}

/// How wide the labels of facts are.
const LABEL: usize = 11;
