//! The lists of jobs, activity and notifications in the order that they are shown in, and how much of them has been asked
//! for. Every number of a row counts in this order.

use std::cmp::Ordering;

use super::Model;
use super::looks::{ListKind, Sort};
use super::screens::Screen;
use crate::domain::activity::{Activity, Notification};
use crate::domain::job::Job;

/// How many entries come at a time.
pub const PAGE: u32 = 200;
/// How many entries of a list are shown at most.
pub const MOST: u32 = 20_000;

/// How much of a list has been asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// So many of the newest.
    pub asked: u32,
    /// Whether there are no more.
    pub all: bool,
}

impl Default for Reach {
    fn default() -> Self {
        Self {
            asked: PAGE,
            all: false,
        }
    }
}

fn turned(order: Ordering, sort: Sort) -> Ordering {
    if sort.falls { order.reverse() } else { order }
}

fn in_order<T>(list: &mut [&T], sort: Sort, number: impl Fn(&T) -> u64, column: impl Fn(&T, &T) -> Ordering) {
    list.sort_by(|a, b| turned(column(a, b), sort).then_with(|| number(b).cmp(&number(a))));
}

impl Model {
    /// Jobs in the order that the list shows them in.
    #[must_use]
    pub fn listed_jobs(&self) -> Vec<&Job> {
        let sort = self.looks.sort(ListKind::Jobs);
        let mut jobs: Vec<&Job> = self.jobs_newest_first().collect();
        // One that runs takes as long as nobody knows.
        let took = |job: &Job| job.ended.and_then(|ended| job.took_millis(ended));
        in_order(
            &mut jobs,
            sort,
            |job| job.id.0,
            |a, b| match sort.column {
                1 => a.environment.cmp(&b.environment),
                2 => a.title.cmp(&b.title),
                3 => a.state.label().cmp(b.state.label()),
                4 => took(a).cmp(&took(b)),
                _ => a.id.cmp(&b.id),
            },
        );
        jobs
    }

    /// The activity log in the order that the list shows it in.
    #[must_use]
    pub fn listed_activity(&self) -> Vec<&Activity> {
        let sort = self.looks.sort(ListKind::Activity);
        let mut entries: Vec<&Activity> = self.activity.iter().flatten().collect();
        in_order(
            &mut entries,
            sort,
            |entry| entry.number,
            |a, b| match sort.column {
                1 => {
                    a.by.as_str()
                        .cmp(b.by.as_str())
                        .then_with(|| a.environment.cmp(&b.environment))
                }
                2 => a.what.cmp(&b.what),
                _ => a.number.cmp(&b.number),
            },
        );
        entries
    }

    /// The notifications in the order that the list shows them in.
    #[must_use]
    pub fn listed_news(&self) -> Vec<&Notification> {
        let sort = self.looks.sort(ListKind::News);
        let mut news: Vec<&Notification> = self.notifications.iter().flatten().collect();
        in_order(
            &mut news,
            sort,
            |news| news.number,
            |a, b| match sort.column {
                1 => a.environment.cmp(&b.environment),
                2 => a.text.cmp(&b.text),
                _ => a.number.cmp(&b.number),
            },
        );
        news
    }

    /// How many entries of a list are here.
    #[must_use]
    pub fn length_of(&self, list: ListKind) -> usize {
        match list {
            ListKind::Jobs => self.jobs.len(),
            ListKind::Activity => self.activity.as_ref().map_or(0, Vec::len),
            ListKind::News => self.notifications.as_ref().map_or(0, Vec::len),
        }
    }

    /// The list on the screen, if there is one.
    #[must_use]
    pub fn list_on_screen(&self) -> Option<ListKind> {
        self.screens.last().and_then(ListKind::of)
    }

    /// Whether the list on the screen has more than is here.
    #[must_use]
    pub fn has_more(&self, list: ListKind) -> bool {
        let reach = self.reach.get(&list).copied().unwrap_or_default();
        !reach.all && self.length_of(list) >= reach.asked as usize && reach.asked < MOST
    }

    /// The selected row of the list on the screen.
    #[must_use]
    pub fn selected_row(&self) -> Option<usize> {
        match self.screens.last()? {
            Screen::Jobs(cursor) | Screen::Activity(cursor) => Some(cursor.selected),
            Screen::Notifications(news) => Some(news.cursor.selected),
            Screen::Differences(differences) if differences.in_node => {
                differences.node.as_ref().map(|node| node.cursor.selected)
            }
            Screen::Differences(differences) => Some(differences.lines.cursor.selected),
            _ => None,
        }
    }
}
