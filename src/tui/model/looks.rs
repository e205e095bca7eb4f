//! How somebody likes to look: what lists are sorted by, which pane is zoomed, in which zone times are. It is kept when the
//! cockpit is left, with what was on the screen, and comes back at the next start.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::overview::Order;
use super::screens::Screen;
use super::{Model, Pane};

/// A list that can be sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ListKind {
    /// The jobs.
    Jobs,
    /// The activity log.
    Activity,
    /// The notifications.
    News,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    /// The column, counted from 0. The first one is the list's own order.
    pub column: usize,
    /// Whether the largest, newest or last comes first.
    pub falls: bool,
}

impl Default for Sort {
    /// The newest first.
    fn default() -> Self {
        Self {
            column: 0,
            falls: true,
        }
    }
}

/// How somebody likes to look.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Looks {
    /// Whether times are in the machine's own zone.
    pub local: bool,
    /// Whether long lines of logs are cut off rather than broken.
    pub cut: bool,
    /// Whether the pane that has the keys fills the screen.
    pub zoomed: bool,
    /// By how many columns the list of environments is wider than usual.
    pub wider: i16,
    /// What lists are sorted by, where that is not their own order.
    pub sorts: BTreeMap<ListKind, Sort>,
    /// In which order the fleet is.
    pub fleet: Order,
}

impl Looks {
    /// What a list is sorted by.
    #[must_use]
    pub fn sort(&self, list: ListKind) -> Sort {
        let sort = self.sorts.get(&list).copied().unwrap_or_default();
        // What was kept may be of a Lifeboat with other columns.
        if sort.column < list.columns().len() {
            sort
        } else {
            Sort::default()
        }
    }
}

/// What was on the screen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LastView {
    /// The environment that was chosen.
    pub environment: Option<String>,
    /// What the list of environments was filtered by.
    pub filter: String,
    /// Whether the keys went to the list of environments.
    pub in_environments: bool,
    /// The list that was open over it.
    pub list: Option<ListKind>,
    /// Whether the fleet was.
    pub in_fleet: bool,
    /// How it looked.
    pub looks: Looks,
}

impl LastView {
    /// What is on the screen now.
    #[must_use]
    pub fn of(model: &Model) -> Self {
        Self {
            environment: model.fleet.selected().map(|summary| summary.name.to_string()),
            filter: model.fleet.filter().to_owned(),
            in_environments: model.pane == Pane::Environments,
            list: model.screens.first().and_then(ListKind::of),
            in_fleet: matches!(model.screens.first(), Some(Screen::Fleet(_))),
            looks: model.looks.clone(),
        }
    }
}

impl ListKind {
    /// The list that a screen shows.
    #[must_use]
    pub fn of(screen: &Screen) -> Option<Self> {
        match screen {
            Screen::Jobs(_) => Some(Self::Jobs),
            Screen::Activity(_) => Some(Self::Activity),
            Screen::Notifications(_) => Some(Self::News),
            _ => None,
        }
    }

    /// Whether there are words in a column, rather than moments and numbers.
    #[must_use]
    pub fn is_of_words(self, column: usize) -> bool {
        !matches!((self, column), (_, 0) | (Self::Jobs, 4))
    }

    /// The heads of its columns.
    #[must_use]
    pub fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Jobs => &["Job", "Environment", "What", "State", "Took"],
            Self::Activity => &["When", "Who and where", "What"],
            Self::News => &["When", "Environment", "What"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_by_another_lifeboat_does_no_harm() {
        let view: LastView = serde_json::from_str(
            r#"{"environment":"acme/live","new":1,"looks":{"local":true,"sorts":{"jobs":{"column":9,"falls":false}}}}"#,
        )
        .unwrap();
        assert!(view.looks.local);
        assert_eq!(view.looks.sort(ListKind::Jobs), Sort::default());
        assert_eq!(view.list, None);
    }
}
