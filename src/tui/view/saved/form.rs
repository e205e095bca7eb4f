//! The forms of a file: text, CSV, JSON.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::Table;
use crate::domain::{columns, printable};

/// The form of a file, by the ending of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Columns under each other.
    Text,
    /// Values with commas between them, as RFC 4180 has it.
    Csv,
    /// One object for each row.
    Json,
}

impl Form {
    /// The form of a file of this name.
    ///
    /// # Errors
    /// A sentence where its ending is none of the three.
    pub fn of(name: &str) -> Result<Self, String> {
        let ending = name
            .rsplit_once('.')
            .map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("txt") => Ok(Self::Text),
            Some("csv") => Ok(Self::Csv),
            Some("json") => Ok(Self::Json),
            _ => Err(
                "the ending says what is written: end the name with .txt for text, or with .csv or .json for a list"
                    .to_owned(),
            ),
        }
    }
}

/// A list in a form.
///
/// # Errors
/// A sentence where it cannot be written as JSON.
pub fn in_form(table: &Table, form: Form) -> Result<String, String> {
    match form {
        Form::Csv => Ok(csv(table)),
        Form::Json => json(table),
        Form::Text => Ok(text(table)),
    }
}

/// What a text is about, above it.
pub(super) fn heading(about: &[(&'static str, String)]) -> String {
    let width = about.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (name, value) in about {
        let name = name.replace('_', " ");
        // Writing into memory cannot fail.
        let _ = writeln!(text, "{name:width$}  {}", printable::line(value));
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// Columns under each other.
fn text(table: &Table) -> String {
    let heads: Vec<String> = table.heads.iter().map(|head| head.replace('_', " ")).collect();
    let rows: Vec<Vec<String>> = std::iter::once(heads)
        .chain(table.rows.iter().cloned())
        .map(|row| {
            row.iter()
                .map(|value| printable::line(value).into_owned())
                .collect()
        })
        .collect();
    let width = |column: usize| {
        let values = rows.iter().filter_map(|row| row.get(column));
        values.map(|value| columns::count(value)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.heads.len()).map(width).collect();
    let mut text = heading(&table.about);
    for row in &rows {
        let line: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(value, width)| columns::fill(value, *width))
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Values with commas between them, as RFC 4180 has it.
fn csv(table: &Table) -> String {
    let (heads, rows) = table.columns();
    let mut text = csv_line(heads.into_iter());
    for row in &rows {
        text.push_str(&csv_line(row.iter().map(String::as_str)));
    }
    text
}

fn csv_line<'a>(values: impl Iterator<Item = &'a str>) -> String {
    let values: Vec<String> = values.map(csv_value).collect();
    values.join(",") + "\r\n"
}

/// A value of a CSV file. What a spreadsheet would take for a formula gets an apostrophe in front, which it takes for text:
/// notes and names come from others.
fn csv_value(value: &str) -> String {
    let is_formula = value
        .trim_start_matches(' ')
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let value = if is_formula {
        format!("'{value}")
    } else {
        value.to_owned()
    };
    if value.contains([',', '"', '\r', '\n']) || value.starts_with(' ') || value.ends_with(' ') {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value
    }
}

/// One object for each row.
fn json(table: &Table) -> Result<String, String> {
    let (heads, rows) = table.columns();
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let values = heads.iter().zip(row);
            let object: Map<String, Value> = values
                .map(|(head, value)| ((*head).to_owned(), Value::String(value.clone())))
                .collect();
            Value::Object(object)
        })
        .collect();
    let text =
        serde_json::to_string_pretty(&rows).map_err(|error| format!("writing JSON failed: {error}"))?;
    Ok(printable::json(text) + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_becomes_a_formula() {
        for (value, written) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+49 30 1234", "'+49 30 1234"),
            ("-2", "'-2"),
            ("@SUM(A1)", "'@SUM(A1)"),
            (" =1", "' =1"),
            ("\t=1", "'\t=1"),
            ("=HYPERLINK(\"x\",\"y\")", "\"'=HYPERLINK(\"\"x\"\",\"\"y\"\")\""),
            ("say \"hi\", twice", "\"say \"\"hi\"\", twice\""),
            ("two\nlines", "\"two\nlines\""),
        ] {
            assert_eq!(csv_value(value), written);
        }
    }

    #[test]
    fn the_ending_of_the_name_says_the_form() {
        let table = Table {
            about: Vec::new(),
            heads: vec!["job", "what"],
            rows: vec![vec!["7".to_owned(), "a, b".to_owned()]],
        };
        assert_eq!(csv(&table), "job,what\r\n7,\"a, b\"\r\n");
        assert_eq!(text(&table), "job  what\n7    a, b\n");
        assert_eq!(
            json(&table).unwrap(),
            "[\n  {\n    \"job\": \"7\",\n    \"what\": \"a, b\"\n  }\n]\n"
        );
        // What all of it is about stands above a text, and in each row of what programs read.
        let table = Table {
            about: vec![
                ("environment", "acme/live".to_owned()),
                ("as_of", "today".to_owned()),
            ],
            ..table
        };
        assert_eq!(
            csv(&table),
            "job,what,environment,as_of\r\n7,\"a, b\",acme/live,today\r\n"
        );
        assert_eq!(
            text(&table),
            "environment  acme/live\nas of        today\n\njob  what\n7    a, b\n"
        );
        assert!(json(&table).unwrap().contains("\"environment\": \"acme/live\""));
        assert_eq!(Form::of("jobs.CSV"), Ok(Form::Csv));
        assert_eq!(Form::of("a.json"), Ok(Form::Json));
        assert_eq!(Form::of("a.b.txt"), Ok(Form::Text));
        for name in ["jobs", "jobs.", "jobs.xlsx", "csv", "reports.csv/jobs"] {
            assert!(Form::of(name).unwrap_err().contains(".txt"), "{name}");
        }
    }
}
