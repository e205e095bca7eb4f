//! All environments, grouped by project, filtered, with one selected. Made for ten thousand of them: what the filter
//! lets through is worked out when it changes, not when it is drawn.

use std::collections::{BTreeSet, HashMap};

use super::cursor::{Cursor, Motion};
use crate::domain::environment::EnvironmentName;
use crate::domain::job::Job;
use crate::domain::state::EnvironmentSummary;

/// One row of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FleetRow {
    /// The head of a project; the number is that of its first environment shown.
    Project(usize),
    /// An environment.
    Environment(usize),
}

/// The environments.
#[derive(Debug, Default)]
pub struct Fleet {
    all: Vec<EnvironmentSummary>,
    /// For each environment, what the filter looks at, in lower case.
    searched: Vec<String>,
    positions: HashMap<EnvironmentName, usize>,
    rows: Vec<FleetRow>,
    /// The selected row. Always an environment's, unless there is none.
    pub cursor: Cursor,
    /// Those that are marked, so that something is done for all of them.
    pub marked: BTreeSet<EnvironmentName>,
    filter: String,
    loaded: bool,
    /// What is to be selected once the environments are known.
    wanted: Option<EnvironmentName>,
}

impl Fleet {
    /// Whether the environments have been heard of at all.
    #[must_use]
    pub fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// How many there are, whatever the filter.
    #[must_use]
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// All of them, whatever the filter.
    pub fn all(&self) -> impl Iterator<Item = &EnvironmentSummary> {
        self.all.iter()
    }

    /// Selects an environment, as soon as it is known. A filter that hides it is taken away.
    pub fn select(&mut self, name: &EnvironmentName) {
        if !self.loaded {
            self.wanted = Some(name.clone());
            return;
        }
        self.arrange(Some(name));
        if self.selected().is_none_or(|selected| selected.name != *name) {
            self.set_filter("");
            self.arrange(Some(name));
        }
    }

    /// The rows that the filter lets through.
    #[must_use]
    pub fn rows(&self) -> &[FleetRow] {
        &self.rows
    }

    /// An environment by its number in a row.
    #[must_use]
    pub fn at(&self, index: usize) -> Option<&EnvironmentSummary> {
        self.all.get(index)
    }

    /// An environment by its name.
    #[must_use]
    pub fn get(&self, name: &EnvironmentName) -> Option<&EnvironmentSummary> {
        self.positions.get(name).and_then(|index| self.all.get(*index))
    }

    /// The text of the filter; empty for none.
    #[must_use]
    pub fn filter(&self) -> &str {
        &self.filter
    }

    /// The selected environment.
    #[must_use]
    pub fn selected(&self) -> Option<&EnvironmentSummary> {
        match self.rows.get(self.cursor.selected)? {
            FleetRow::Environment(index) => self.all.get(*index),
            FleetRow::Project(_) => None,
        }
    }

    /// Takes all environments anew. The selection stays on the environment it was on, if that is still there.
    pub fn replace(&mut self, mut summaries: Vec<EnvironmentSummary>) {
        summaries
            .sort_by(|a, b| (a.name.project(), a.kind, &a.name).cmp(&(b.name.project(), b.kind, &b.name)));
        let selected = self.selected().map(|summary| summary.name.clone());
        let selected = self.wanted.take().or(selected);
        self.searched = summaries.iter().map(searched).collect();
        self.positions = summaries
            .iter()
            .enumerate()
            .map(|(index, summary)| (summary.name.clone(), index))
            .collect();
        self.all = summaries;
        self.marked.retain(|name| self.positions.contains_key(name));
        self.loaded = true;
        self.arrange(selected.as_ref());
    }

    /// Takes one environment anew. One that is not there is not added: the whole list is to be asked for then.
    pub fn put(&mut self, summary: EnvironmentSummary) {
        let Some(index) = self.positions.get(&summary.name).copied() else {
            return;
        };
        let (Some(place), Some(searched_place)) = (self.all.get_mut(index), self.searched.get_mut(index))
        else {
            return;
        };
        *searched_place = searched(&summary);
        *place = summary;
        if !self.filter.is_empty() {
            let selected = self.selected().map(|summary| summary.name.clone());
            self.arrange(selected.as_ref());
        }
    }

    /// Takes note of how a job stands on its environment. One that is older than the job that runs there changes
    /// nothing: lists of jobs tell of long past ones too.
    pub fn put_job(&mut self, job: &Job) {
        let index = self.positions.get(&job.environment).copied();
        if let Some(summary) = index.and_then(|index| self.all.get_mut(index))
            && summary.job.as_ref().is_none_or(|known| known.id <= job.id)
        {
            summary.job = (!job.state.has_ended()).then(|| job.clone());
        }
    }

    /// Shows only environments that have the text in their name, kind or state.
    pub fn set_filter(&mut self, text: &str) {
        let selected = self.selected().map(|summary| summary.name.clone());
        self.filter = text.to_lowercase();
        self.arrange(selected.as_ref());
    }

    /// Moves the selection, over the heads of projects.
    pub fn go(&mut self, motion: Motion, page: usize) {
        let target = motion.from(self.cursor.selected, self.rows.len(), page);
        let up = matches!(motion, Motion::Up | Motion::PageUp);
        self.select_near(target, up);
        self.cursor.keep_visible(self.rows.len(), page);
        if self.cursor.selected <= 1 {
            self.cursor.offset = 0;
        }
    }

    /// Selects the row, or the next environment's where it is the head of a project.
    pub fn select_near(&mut self, row: usize, up: bool) {
        let is_environment = |index: &usize| matches!(self.rows.get(*index), Some(FleetRow::Environment(_)));
        let before = || (0..=row).rev().find(is_environment);
        let after = || (row..self.rows.len()).find(is_environment);
        let found = if up {
            before().or_else(after)
        } else {
            after().or_else(before)
        };
        self.cursor.selected = found.unwrap_or(0);
    }

    fn arrange(&mut self, selected: Option<&EnvironmentName>) {
        self.rows.clear();
        let mut project: Option<&str> = None;
        for (index, (summary, searched)) in self.all.iter().zip(&self.searched).enumerate() {
            if !searched.contains(&self.filter) {
                continue;
            }
            if project != Some(summary.name.project()) {
                project = Some(summary.name.project());
                self.rows.push(FleetRow::Project(index));
            }
            self.rows.push(FleetRow::Environment(index));
        }
        let index = selected.and_then(|name| self.positions.get(name)).copied();
        let row = index.and_then(|index| {
            self.rows
                .iter()
                .position(|row| *row == FleetRow::Environment(index))
        });
        self.select_near(row.unwrap_or(0), false);
    }
}

/// The words of an environment that the filter looks at.
fn searched(summary: &EnvironmentSummary) -> String {
    let mut words = format!("{} {}", summary.name, summary.kind.label());
    let states = [
        (summary.late, " late"),
        (summary.failed.is_some(), " failed"),
        (summary.trouble.is_some(), " trouble"),
        (summary.job.is_some(), " running"),
        (summary.maintenance.is_some(), " maintenance"),
        (summary.protection.is_some(), " protected"),
    ];
    for (is_so, word) in states {
        if is_so {
            words.push_str(word);
        }
    }
    words.to_lowercase()
}
