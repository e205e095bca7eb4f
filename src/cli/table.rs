//! Tables for people: aligned columns with a header, safe to print.

use crate::domain::{columns, printable};

/// The space between two columns.
const GAP: &str = "  ";

/// Which side the cells of a column keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table under construction.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<(&'static str, Side)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns. Empty titles everywhere mean no header.
    pub(super) fn new(columns: &[(&'static str, Side)]) -> Self {
        Self {
            columns: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Missing cells at its end are empty. Whatever the cells hold is made safe to print here.
    pub(super) fn row<const N: usize>(&mut self, cells: [String; N]) {
        let mut row: Vec<String> = cells
            .into_iter()
            .map(|cell| printable::line(&cell).into_owned())
            .collect();
        row.resize(self.columns.len(), String::new());
        self.rows.push(row);
    }

    /// Whether it has no rows.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, without spaces at their ends. With a width, the last column is cut so that lines fit where they can.
    pub(super) fn lines(&self, width: Option<usize>) -> Vec<String> {
        let header: Vec<String> = self
            .columns
            .iter()
            .map(|(title, _)| (*title).to_owned())
            .collect();
        let has_header = header.iter().any(|title| !title.is_empty());
        let rows: Vec<&Vec<String>> = has_header
            .then_some(&header)
            .into_iter()
            .chain(&self.rows)
            .collect();
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| {
                rows.iter()
                    .map(|row| columns::count(&row[column]))
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        rows.into_iter()
            .map(|row| {
                let line = row
                    .iter()
                    .zip(&self.columns)
                    .zip(&widths)
                    .map(|((cell, (_, side)), width)| pad(cell, *width, *side))
                    .collect::<Vec<_>>()
                    .join(GAP);
                let line = line.trim_end();
                width.map_or_else(|| line.to_owned(), |width| cut(line, width))
            })
            .collect()
    }
}

impl Table {
    /// Each row as a sentence, for whoever hears it: what it is about, then each value behind its title.
    pub(super) fn spoken(&self) -> Vec<String> {
        let has_header = self.columns.iter().any(|(title, _)| !title.is_empty());
        self.rows
            .iter()
            .map(|row| {
                let cells = row.iter().zip(&self.columns).enumerate();
                let said: Vec<String> = cells
                    .filter(|(_, (cell, _))| !matches!(cell.trim(), "" | "-"))
                    .map(|(column, (cell, (title, _)))| match column {
                        0 => cell.trim().to_owned(),
                        _ => format!("{title} {cell}").trim().to_owned(),
                    })
                    .collect();
                said.join(if has_header { ", " } else { ": " })
            })
            .collect()
    }
}

fn pad(cell: &str, width: usize, side: Side) -> String {
    let space = " ".repeat(width.saturating_sub(columns::count(cell)));
    match side {
        Side::Left => format!("{cell}{space}"),
        Side::Right => format!("{space}{cell}"),
    }
}

/// The text in at most `width` columns, with `…` at the place where something was cut off.
pub(super) fn cut(text: &str, width: usize) -> String {
    columns::shorten(text, width, "…")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[("name", Side::Left), ("items", Side::Right), ("note", Side::Left)]);
        table.row(["日本".into(), "1,234".into(), "before\u{1b}[2J the sale".into()]);
        table.row(["website".into(), "7".into()]);
        table
    }

    #[test]
    fn whoever_hears_a_row_hears_what_each_value_is() {
        let mut facts = Table::new(&[("", Side::Left), ("", Side::Left)]);
        facts.row(["room".into(), "enough".into()]);
        facts.row([String::new(), "and more".into()]);
        assert_eq!(facts.spoken(), ["room: enough", "and more"]);
        let spoken = table().spoken();
        assert_eq!(spoken[1], "website, items 7");
        assert!(
            spoken[0].starts_with("日本, items 1,234, note before"),
            "{spoken:?}"
        );
    }

    #[test]
    fn columns_line_up_whatever_the_script() {
        assert_eq!(
            table().lines(None),
            [
                "name     items  note",
                "日本     1,234  before\u{fffd}[2J the sale",
                "website      7",
            ]
        );
    }

    #[test]
    fn long_lines_are_cut_on_a_terminal() {
        assert_eq!(table().lines(Some(22))[1], "日本     1,234  befor…");
    }
}
