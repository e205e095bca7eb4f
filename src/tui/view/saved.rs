//! What is on the screen as a file: a list as a table (text, CSV or JSON), a log, a page.
//!
//! Nothing in a file is made for the width of a terminal, and every moment has its zone.

pub mod inside;

use serde_json::{Map, Value};

use super::{explore, screen_text};
use crate::domain::backup::Verification;
use crate::domain::target::Standing;
use crate::domain::{Instant, columns, printable};
use crate::tui::model::explore::Column;
use crate::tui::model::looks::ListKind;
use crate::tui::model::overview::{self, Overview};
use crate::tui::model::screens::Screen;
use crate::tui::model::{Model, Pane};

/// A list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The heads of its columns.
    pub heads: Vec<&'static str>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

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

/// What the file would be called, without its ending.
pub fn name(model: &Model) -> String {
    let day = model.now.format("%Y%m%d-%H%M");
    let what = match model.screens.last() {
        None => match model.pane {
            Pane::Environments => "environments".to_owned(),
            Pane::Backups => model.shown.as_ref().map_or_else(
                || "backups".to_owned(),
                |name| format!("backups-{}", name.to_string().replace('/', "-")),
            ),
        },
        Some(Screen::Log(log)) => format!("job-{}-log", log.job),
        Some(Screen::Job { id, .. }) => format!("job-{id}"),
        Some(screen) => match ListKind::of(screen) {
            Some(ListKind::Jobs) => "jobs".to_owned(),
            Some(ListKind::Activity) => "activity".to_owned(),
            Some(ListKind::News) => "notifications".to_owned(),
            None => other(screen).to_owned(),
        },
    };
    format!("{what}-{day}")
}

/// The word for a screen that is no list.
fn other(screen: &Screen) -> &'static str {
    match screen {
        Screen::Fleet(_) => "fleet",
        Screen::Explorer(explorer) => match explorer.column {
            Column::Tree => "content",
            Column::Node => "node",
            Column::History => "history",
        },
        Screen::Search(_) => "found",
        Screen::Differences(_) => "differences",
        _ => "lifeboat",
    }
}

/// The list or the text on the screen, written in a form.
///
/// # Errors
/// A sentence where it has no such form.
pub fn written(model: &Model, form: Form) -> Result<String, String> {
    let table = table(model);
    match (form, table) {
        (form, Some(table)) => in_form(&table, form),
        (Form::Text, None) => {
            match screen_text(model).map_or_else(|| explore::plain(model), |text| Some(text.plain())) {
                Some(lines) => {
                    let lines = lines.iter().flat_map(|line| [line.trim_end(), "\n"]);
                    Ok(lines.collect())
                }
                None => Err("there is nothing here to save".to_owned()),
            }
        }
        (Form::Csv | Form::Json, None) => {
            Err("this is no list: it can be saved as text, under a name that ends with .txt".to_owned())
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

/// The list on the screen: one of those that lie over the main screen, a log, or the pane that has the keys.
pub fn table(model: &Model) -> Option<Table> {
    match model.screens.last() {
        None => Some(main(model)),
        Some(Screen::Log(log)) => {
            let rows = log.lines.iter().flatten().map(|line| {
                vec![
                    zoned(line.at),
                    line.severity.label().to_owned(),
                    line.text.clone(),
                ]
            });
            Some(Table {
                heads: vec!["at", "severity", "text"],
                rows: rows.collect(),
            })
        }
        Some(Screen::Fleet(shown)) => Some(fleet(model, shown)),
        Some(_) => listed(model),
    }
}

/// The environments of every context that is reached, in the order of the screen.
fn fleet(model: &Model, shown: &Overview) -> Table {
    let row = |row: overview::Row<'_>| {
        let summary = row.summary;
        let proven = summary.last_proven.as_ref();
        let targets: Vec<String> = summary.targets.iter().map(Standing::in_words).collect();
        vec![
            row.context.unwrap_or(&model.settings.context).to_owned(),
            summary.name.to_string(),
            summary.kind.label().to_owned(),
            row.state.label().to_owned(),
            summary.newest.map_or_else(String::new, zoned),
            proven.map_or_else(String::new, |drill| zoned(drill.at)),
            proven.map_or_else(String::new, |drill| seconds(drill.millis)),
            targets.join("; "),
        ]
    };
    Table {
        heads: vec![
            "context",
            "environment",
            "kind",
            "state",
            "newest_backup",
            "last_proven",
            "proven_in_seconds",
            "targets",
        ],
        rows: overview::rows(model, shown).into_iter().map(row).collect(),
    }
}

/// Seconds with their milliseconds: many a job takes less than one.
fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}

/// A moment with its zone.
fn zoned(at: Instant) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// The rows of a list of jobs, activity or notifications, in the order that they are shown in.
pub fn listed(model: &Model) -> Option<Table> {
    let at = zoned;
    let text = |value: &Option<crate::domain::environment::EnvironmentName>| {
        value.as_ref().map_or_else(String::new, ToString::to_string)
    };
    let job = |job: Option<crate::domain::job::JobId>| job.map_or_else(String::new, |job| job.to_string());
    Some(match model.list_on_screen()? {
        ListKind::Jobs => Table {
            heads: vec![
                "job",
                "asked",
                "environment",
                "what",
                "by",
                "state",
                "took_seconds",
            ],
            rows: model
                .listed_jobs()
                .into_iter()
                .map(|job| {
                    let took = job.ended.and_then(|ended| job.took_millis(ended));
                    vec![
                        job.id.to_string(),
                        at(job.created),
                        job.environment.to_string(),
                        job.title.clone(),
                        job.by.to_string(),
                        job.state.label().to_owned(),
                        took.map_or_else(String::new, seconds),
                    ]
                })
                .collect(),
        },
        ListKind::Activity => Table {
            heads: vec!["at", "severity", "by", "environment", "what", "job"],
            rows: model
                .listed_activity()
                .into_iter()
                .map(|entry| {
                    vec![
                        at(entry.at),
                        entry.severity.label().to_owned(),
                        entry.by.to_string(),
                        text(&entry.environment),
                        entry.what.clone(),
                        job(entry.job),
                    ]
                })
                .collect(),
        },
        ListKind::News => Table {
            heads: vec!["at", "severity", "environment", "text", "job"],
            rows: model
                .listed_news()
                .into_iter()
                .map(|news| {
                    vec![
                        at(news.at),
                        news.severity.label().to_owned(),
                        text(&news.environment),
                        news.text.clone(),
                        job(news.job),
                    ]
                })
                .collect(),
        },
    })
}

/// The list of environments, or the table of backups.
fn main(model: &Model) -> Table {
    use crate::tui::model::fleet::FleetRow;
    match model.pane {
        Pane::Environments => Table {
            heads: vec![
                "environment",
                "kind",
                "state",
                "newest_backup",
                "job",
                "maintenance",
                "protected",
                "trouble",
            ],
            rows: model
                .fleet
                .rows()
                .iter()
                .filter_map(|row| match row {
                    FleetRow::Environment(index) => model.fleet.at(*index),
                    FleetRow::Project(_) => None,
                })
                .map(|summary| {
                    let yes = |is_so: bool| if is_so { "yes" } else { "no" }.to_owned();
                    vec![
                        summary.name.to_string(),
                        summary.kind.label().to_owned(),
                        overview::State::of(summary).label().to_owned(),
                        summary.newest.map_or_else(String::new, zoned),
                        summary
                            .job
                            .as_ref()
                            .map_or_else(String::new, |job| job.id.to_string()),
                        yes(summary.maintenance.is_some()),
                        yes(summary.protection.is_some()),
                        summary.trouble.clone().unwrap_or_default(),
                    ]
                })
                .collect(),
        },
        Pane::Backups => Table {
            heads: vec![
                "slot", "backup", "taken", "verified", "release", "magnolia", "items", "bytes", "by", "note",
            ],
            rows: model.shown_details().map_or_else(Vec::new, |details| {
                model
                    .backup_rows()
                    .into_iter()
                    .filter_map(|row| {
                        let backup = row.of(details)?;
                        Some(vec![
                            row.kind.label().to_owned(),
                            backup.id.0.clone(),
                            zoned(backup.manifest.taken),
                            match &backup.verification {
                                Verification::Verified { .. } => "yes".to_owned(),
                                Verification::Unverified => "no".to_owned(),
                                Verification::Damaged { .. } => "damaged".to_owned(),
                            },
                            backup.manifest.versions.release.to_string(),
                            backup.manifest.versions.magnolia.to_string(),
                            backup.manifest.items().to_string(),
                            backup.manifest.bytes().to_string(),
                            backup.manifest.by.to_string(),
                            backup.manifest.note.clone().unwrap_or_default(),
                        ])
                    })
                    .collect()
            }),
        },
    }
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
    let mut text = String::new();
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
    let mut text = csv_line(table.heads.iter().copied());
    for row in &table.rows {
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
    let rows: Vec<Value> = table
        .rows
        .iter()
        .map(|row| {
            let values = table.heads.iter().zip(row);
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
    fn what_takes_less_than_a_second_takes_some_of_it() {
        assert_eq!([7, 1_234, 120_000].map(seconds), ["0.007", "1.234", "120.000"]);
    }

    #[test]
    fn the_ending_of_the_name_says_the_form() {
        let table = Table {
            heads: vec!["job", "what"],
            rows: vec![vec!["7".to_owned(), "a, b".to_owned()]],
        };
        assert_eq!(csv(&table), "job,what\r\n7,\"a, b\"\r\n");
        assert_eq!(text(&table), "job  what\n7    a, b\n");
        assert_eq!(
            json(&table).unwrap(),
            "[\n  {\n    \"job\": \"7\",\n    \"what\": \"a, b\"\n  }\n]\n"
        );
        assert_eq!(Form::of("jobs.CSV"), Ok(Form::Csv));
        assert_eq!(Form::of("a.json"), Ok(Form::Json));
        assert_eq!(Form::of("a.b.txt"), Ok(Form::Text));
        for name in ["jobs", "jobs.", "jobs.xlsx", "csv", "reports.csv/jobs"] {
            assert!(Form::of(name).unwrap_err().contains(".txt"), "{name}");
        }
    }
}
