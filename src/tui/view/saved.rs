//! What is on the screen as a file: a list as a table (text, CSV or JSON), a log, a page.
//!
//! Nothing in a file is made for the width of a terminal, and every moment has its zone.

pub mod form;
pub mod inside;

use self::form::{Form, heading, in_form};
use super::{explore, screen_text};
use crate::domain::Instant;
use crate::domain::backup::Verification;
use crate::domain::target::Standing;
use crate::tui::model::explore::Column;
use crate::tui::model::looks::ListKind;
use crate::tui::model::overview::{self, Overview};
use crate::tui::model::screens::Screen;
use crate::tui::model::{Model, Pane};

/// A list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// What all of it is about, by name: above a text, and in every row of a table for programs, which is one table that way.
    pub about: Vec<(&'static str, String)>,
    /// The heads of its columns.
    pub heads: Vec<&'static str>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// The list alone, for whoever knows what it is about.
    #[must_use]
    pub fn about_nothing(self) -> Self {
        Self {
            about: Vec::new(),
            ..self
        }
    }

    /// The heads of all columns for programs, and the rows below them.
    fn columns(&self) -> (Vec<&'static str>, Vec<Vec<String>>) {
        let heads = self.heads.iter().copied();
        let about = self.about.iter().map(|(head, _)| *head);
        let values = self.about.iter().map(|(_, value)| value);
        let rows = self.rows.iter();
        let rows = rows.map(|row| row.iter().chain(values.clone()).cloned().collect());
        (heads.chain(about).collect(), rows.collect())
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
                    let mut text = heading(&inside::about(model));
                    text.extend(lines.iter().flat_map(|line| [line.trim_end(), "\n"]));
                    Ok(text)
                }
                None => Err("there is nothing here to save".to_owned()),
            }
        }
        (Form::Csv | Form::Json, None) => {
            Err("this is no list: it can be saved as text, under a name that ends with .txt".to_owned())
        }
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
            let job = model.jobs.get(&log.job);
            let environment = job.map_or_else(String::new, |job| job.environment.to_string());
            Some(Table {
                about: vec![("environment", environment), ("job", log.job.to_string())],
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
        about: Vec::new(),
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
            about: Vec::new(),
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
            about: Vec::new(),
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
            about: Vec::new(),
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

/// The environment whose backups are shown.
fn shown_name(model: &Model) -> String {
    model.shown.as_ref().map_or_else(String::new, ToString::to_string)
}

/// The list of environments, or the table of backups.
fn main(model: &Model) -> Table {
    use crate::tui::model::fleet::FleetRow;
    match model.pane {
        Pane::Environments => Table {
            about: Vec::new(),
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
            about: vec![("environment", shown_name(model))],
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_less_than_a_second_takes_some_of_it() {
        assert_eq!([7, 1_234, 120_000].map(seconds), ["0.007", "1.234", "120.000"]);
    }
}
