//! All environments over all contexts, the worst first: the fleet at a glance.
//!
//! Not in here: how it looks (`view::overview`) and what keys do in it (`update::overview`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Model;
use super::cursor::Cursor;
use super::screens::Screen;
use crate::domain::Instant;
use crate::domain::environment::EnvironmentName;
use crate::domain::state::EnvironmentSummary;
use crate::domain::target::Aim;

/// What the environments of another context are: none yet, or why they cannot be had.
pub type Known = Option<Result<Vec<EnvironmentSummary>, String>>;

/// The screen's own state.
#[derive(Debug, Clone, Default)]
pub struct Overview {
    /// The selected row.
    pub cursor: Cursor,
    /// In which order the rows are.
    pub order: Order,
    /// What is selected, so that it stays so when rows change their places.
    pub chosen: Option<Which>,
    /// What is known of the other contexts.
    pub elsewhere: BTreeMap<String, Known>,
}

/// The order of the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// What needs a person first.
    #[default]
    Worst,
    /// The oldest newest backup first.
    Age,
    /// By name.
    Name,
}

impl Order {
    /// The next one, round and round.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Worst => Self::Age,
            Self::Age => Self::Name,
            Self::Name => Self::Worst,
        }
    }

    /// The words for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Worst => "worst first",
            Self::Age => "oldest first",
            Self::Name => "by name",
        }
    }
}

/// An environment of a context; `None` for the context that is open.
pub type Which = (Option<String>, EnvironmentName);

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// The other context that it is of.
    pub context: Option<&'a str>,
    /// The environment.
    pub summary: &'a EnvironmentSummary,
    /// How it stands.
    pub state: State,
}

impl Row<'_> {
    /// What it is.
    #[must_use]
    pub fn which(&self) -> Which {
        (self.context.map(str::to_owned), self.summary.name.clone())
    }
}

/// How an environment stands, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Something needs a person now.
    Trouble,
    /// There is nothing to go back to.
    NoBackup,
    /// The last job failed.
    Failed,
    /// The newest backup is older than the schedule promises.
    Late,
    /// The last drill did not bring its backup back.
    NotProven,
    /// A restore takes longer than it may.
    TooSlow,
    /// How long a restore takes is not known, and there is a target for it.
    Unmeasured,
    /// Jobs wait.
    Maintenance,
    /// Its repository has not been read yet.
    Unread,
    /// Restores are refused.
    Protected,
    /// All is as it should be.
    Good,
    /// UAT and Integration.
    NotBackedUp,
}

impl State {
    /// How an environment stands.
    #[must_use]
    pub fn of(summary: &EnvironmentSummary) -> Self {
        let missed = |aim| {
            let mut targets = summary.targets.iter();
            targets.find(|standing| standing.aim == aim && !standing.met)
        };
        let drill_failed = || {
            summary
                .last_drill
                .as_ref()
                .is_some_and(crate::domain::proof::Drill::has_failed)
        };
        if !summary.kind.is_recoverable() {
            Self::NotBackedUp
        } else if summary.trouble.is_some() {
            Self::Trouble
        } else if summary.unread {
            Self::Unread
        } else if summary.newest.is_none() {
            Self::NoBackup
        } else if summary.failed.is_some() {
            Self::Failed
        } else if summary.late || missed(Aim::Rpo).is_some() {
            Self::Late
        } else if drill_failed() {
            Self::NotProven
        } else if let Some(rto) = missed(Aim::Rto) {
            if rto.is_known() {
                Self::TooSlow
            } else {
                Self::Unmeasured
            }
        } else if summary.maintenance.is_some() {
            Self::Maintenance
        } else if summary.protection.is_some() {
            Self::Protected
        } else {
            Self::Good
        }
    }

    /// The words for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Trouble => "needs you now",
            Self::NoBackup => "no backup",
            Self::Failed => "last job failed",
            Self::Late => "late",
            Self::NotProven => "drill failed",
            Self::TooSlow => "RTO missed",
            Self::Unmeasured => "RTO not known",
            Self::Maintenance => "maintenance",
            Self::Unread => "being read",
            Self::Protected => "protected",
            Self::Good => "good",
            Self::NotBackedUp => "no backups",
        }
    }
}

/// The rows that the filter lets through, in the order of the screen.
#[must_use]
pub fn rows<'a>(model: &'a Model, overview: &'a Overview) -> Vec<Row<'a>> {
    let here = model.fleet.all().map(|summary| (None, summary));
    let elsewhere = overview.elsewhere.iter().flat_map(|(context, known)| {
        let summaries = known.iter().flatten().flatten();
        summaries.map(move |summary| (Some(context.as_str()), summary))
    });
    let filter = model.fleet.filter();
    let mut rows: Vec<Row<'a>> = here
        .chain(elsewhere)
        .map(|(context, summary)| Row {
            context,
            summary,
            state: State::of(summary),
        })
        .filter(|row| {
            filter.is_empty()
                || row.summary.name.to_string().to_lowercase().contains(filter)
                || row.state.label().to_lowercase().contains(filter)
                || row
                    .context
                    .is_some_and(|context| context.to_lowercase().contains(filter))
        })
        .collect();
    // The oldest first; what has none is older than anything.
    let age = |row: &Row<'_>| row.summary.newest.unwrap_or(Instant::MIN_UTC);
    match overview.order {
        Order::Worst => rows.sort_by(|one, other| {
            let key = |row: &Row<'a>| (row.state, age(row));
            key(one).cmp(&key(other)).then_with(|| by_name(one, other))
        }),
        Order::Age => rows.sort_by(|one, other| {
            let key = |row: &Row<'a>| (!row.summary.kind.is_recoverable(), age(row));
            key(one).cmp(&key(other)).then_with(|| by_name(one, other))
        }),
        Order::Name => rows.sort_by(by_name),
    }
    rows
}

fn by_name(one: &Row<'_>, other: &Row<'_>) -> std::cmp::Ordering {
    (&one.summary.name, one.context).cmp(&(&other.summary.name, other.context))
}

/// How many environments are not as they should be.
#[must_use]
pub fn worrying(rows: &[Row<'_>]) -> usize {
    rows.iter().filter(|row| row.state < State::Maintenance).count()
}

/// Keeps the selection on what it was on, and on the screen.
pub fn keep(model: &mut Model, page: usize) {
    let Some(Screen::Fleet(overview)) = model.screens.last() else {
        return;
    };
    let rows = rows(model, overview);
    let chosen = overview.chosen.as_ref();
    let position = chosen.and_then(|chosen| rows.iter().position(|row| row.which() == *chosen));
    let length = rows.len();
    if let Some(Screen::Fleet(overview)) = model.screens.last_mut() {
        if let Some(position) = position {
            overview.cursor.selected = position;
        }
        overview.cursor.keep_visible(length, page);
    }
}
