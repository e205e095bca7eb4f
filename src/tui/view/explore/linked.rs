//! Lines to read of which some lead somewhere: a node's column, its history, what differs in a node.

use std::collections::BTreeMap;

use ratatui::layout::Rect;

use super::super::canvas::{Canvas, Piece, piece, wide};
use super::super::text::Text;
use crate::domain::explore::{NodePath, Source};
use crate::domain::{columns, printable};
use crate::tui::model::cursor::Cursor;
use crate::tui::theme::Meaning;

/// Columns before the text, in which the selected line has its marker.
const MARGIN: u16 = 2;

/// Lines, and where some of them lead.
pub struct Linked {
    /// The lines.
    pub text: Text,
    links: BTreeMap<usize, (Source, NodePath)>,
}

impl Linked {
    /// No lines yet, for a column of a width.
    pub fn new(width: u16) -> Self {
        Self {
            text: Text::new(width.saturating_sub(MARGIN)),
            links: BTreeMap::new(),
        }
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Where a line leads.
    pub fn link(&self, line: usize) -> Option<(Source, NodePath)> {
        self.links.get(&line).cloned()
    }

    /// Adds lines that all lead to one node.
    pub fn leading(&mut self, source: &Source, path: &NodePath, write: impl FnOnce(&mut Text)) {
        let before = self.text.len();
        write(&mut self.text);
        for line in before..self.text.len() {
            self.links.insert(line, (source.clone(), path.clone()));
        }
    }

    /// Draws the lines around the selected one.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, cursor: Cursor, focused: bool) {
        let inside = Rect::new(
            area.x + MARGIN,
            area.y,
            area.width.saturating_sub(MARGIN),
            area.height,
        );
        self.text.draw(canvas, inside, cursor.offset);
        let row = cursor.selected.saturating_sub(cursor.offset);
        if focused
            && cursor.selected < self.text.len()
            && let Ok(row) = u16::try_from(row)
            && row < area.height
        {
            let meaning = if self.links.contains_key(&cursor.selected) {
                Meaning::Key
            } else {
                Meaning::Selected
            };
            canvas.text(area.x, area.y + row, 1, canvas.symbols().marker, meaning);
            canvas.select(area.x, area.y + row, area.width, true);
        }
    }
}

/// Adds words of different meanings as one paragraph behind a mark.
pub fn flow(text: &mut Text, mark: &[Piece], words: impl IntoIterator<Item = (String, Meaning)>) {
    let indent = wide(mark);
    let width = text.width().max(indent + 1);
    let mut line = mark.to_vec();
    let mut taken = indent;
    let mut push = |line: &mut Vec<Piece>| {
        let next = vec![piece(" ".repeat(indent), Meaning::Text)];
        text.line(std::mem::replace(line, next));
    };
    for (word, meaning) in words {
        let word = printable::line(word.trim()).into_owned();
        let needs = columns::count(&word);
        if needs == 0 {
            continue;
        }
        if taken > indent && taken + 1 + needs > width {
            push(&mut line);
            taken = indent;
        }
        if taken > indent {
            line.push(piece(" ", Meaning::Text));
            taken += 1;
        }
        // A word that is wider than the column is broken inside.
        let mut part = String::new();
        for cluster in columns::clusters(&word) {
            let wide = columns::count(cluster);
            if taken + wide > width && taken > indent {
                line.push(piece(std::mem::take(&mut part), meaning));
                push(&mut line);
                taken = indent;
            }
            part.push_str(cluster);
            taken += wide;
        }
        line.push(piece(part, meaning));
    }
    push(&mut line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_two_meanings_are_wrapped_as_one_paragraph() {
        let mut text = Text::new(12);
        let mark = [piece("- ", Meaning::Text)];
        let words = ["one", "two", "three", "abcdefghijklmnop", "日本"];
        flow(
            &mut text,
            &mark,
            words.map(|word| (word.to_owned(), Meaning::Added)),
        );
        assert_eq!(
            text.plain(),
            ["- one two", "  three", "  abcdefghij", "  klmnop", "  日本"]
        );
    }
}
