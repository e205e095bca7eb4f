//! Where everything is: pure functions of the model, read by the views, by the mouse, and by `update` to keep
//! selections on the screen.

use ratatui::layout::{Rect, Size};

use super::{dialogs, screen_text};
use crate::tui::model::overview;
use crate::tui::model::screens::{Dialog, Screen};
use crate::tui::model::wizard::Step;
use crate::tui::model::{Model, Pane};

/// How many actions the palette shows at once.
pub const PALETTE_ROWS: usize = 12;
/// How many contexts are shown at once.
pub const CONTEXT_ROWS: usize = 12;
/// From this width on, tables show more columns.
const WIDE: u16 = 100;
/// From this width on there is a pane beside the others.
const BESIDE: u16 = 140;
/// From this height on there is one below the others, where there is none beside them.
const BELOW: u16 = 44;
/// How wide the pane is that stands beside the others, and how high the one below them.
const ASIDE: (u16, u16) = (37, 11);

/// How wide the list of environments is at least.
const LEFT: u16 = 21;
/// How wide the table of backups is at least, with few columns and with more.
const NARROW_RIGHT: u16 = 58;
const WIDE_RIGHT: u16 = 74;

/// The panes of the main screen. A rule with the pane's title is the first row of each.
#[derive(Debug, Clone, Copy)]
pub struct Main {
    /// The list of environments.
    pub environments: Rect,
    /// The state of the environment and the table of backups.
    pub backups: Rect,
    /// How many rows of the table are visible.
    pub table_rows: u16,
    /// How many lines about the environment's state stand over the table.
    pub state_lines: u16,
    /// The schedule.
    pub schedule: Rect,
    /// Everything known of the chosen backup.
    pub metadata: Rect,
    /// Running jobs; no height when there is none.
    pub jobs: Rect,
    /// What has happened, and how the backups grow: beside everything else, or below it. None where there is no room.
    pub aside: Option<Rect>,
    /// Whether there is room for the wide tables.
    pub wide: bool,
}

/// Whether the terminal is wide enough for the wide tables.
#[must_use]
pub fn is_wide(size: Size) -> bool {
    size.width >= WIDE
}

/// How wide the list of environments and the schedule are.
fn sides(model: &Model) -> (u16, u16) {
    let width = model.size.width;
    let (usual, schedule, narrowest) = match width {
        BESIDE.. => (28, 25, WIDE_RIGHT),
        WIDE.. => ((width / 4).min(40), 31, WIDE_RIGHT),
        _ => (LEFT, 25, NARROW_RIGHT),
    };
    // The table of backups keeps the room that its columns need.
    let most = width
        .saturating_sub(beside_width(width) + narrowest + 1)
        .max(LEFT);
    let left = usual.saturating_add_signed(model.looks.wider).clamp(LEFT, most);
    (left, schedule)
}

/// How much the pane beside the others takes, with the line before it.
fn beside_width(width: u16) -> u16 {
    if width >= BESIDE { ASIDE.0 + 1 } else { 0 }
}

/// How wide the pane of the environment is.
#[must_use]
pub fn main_width(model: &Model) -> u16 {
    let width = model.size.width;
    if model.looks.zoomed {
        return width;
    }
    let left = sides(model).0 + 1;
    width.saturating_sub(left + beside_width(width))
}

/// The panes of the main screen.
#[must_use]
pub fn main(model: &Model) -> Main {
    if model.looks.zoomed {
        return zoomed(model);
    }
    let size = model.size;
    let wide = is_wide(size);
    let (left, schedule_width) = sides(model);
    let body = size.height.saturating_sub(3);
    let most_jobs: usize = if size.height >= 30 { 4 } else { 2 };
    let shown_jobs = model.unfinished_jobs().count().min(most_jobs);
    let jobs_height = match u16::try_from(shown_jobs).unwrap_or(0) {
        0 => 0,
        count => count + 1,
    };
    let beside = size.width >= BESIDE;
    let below_height = if !beside && size.height >= BELOW {
        ASIDE.1
    } else {
        0
    };
    let panes = body - jobs_height - below_height;
    let right = left + 1;
    let right_width = main_width(model);
    let aside = if beside {
        let x = right + right_width + 1;
        Some(Rect::new(x, 1, size.width - x, panes))
    } else {
        (below_height > 0).then(|| Rect::new(0, 1 + panes, size.width, below_height))
    };

    // What is wrong with the environment itself may need two.
    let is_in_trouble = model
        .shown_details()
        .is_some_and(|details| details.summary.trouble.is_some());
    let most_lines = match (size.height >= 30, is_in_trouble) {
        (true, _) => 4,
        (false, true) => 3,
        (false, false) => 2,
    };
    let state_lines = super::backups::state_lines(model).len().clamp(1, most_lines);
    let state_lines = u16::try_from(state_lines).unwrap_or(1);
    let rows = u16::try_from(model.backup_rows().len()).unwrap_or(u16::MAX);
    // A rule, the state, the head of the table; and the panes below keep their rule and seven rows.
    let around = 1 + state_lines + 1;
    let table_rows = rows.min(panes.saturating_sub(around + 8)).max(4);
    let backups_height = around + table_rows;
    let below = 1 + backups_height;
    let rest_height = panes.saturating_sub(backups_height);
    let metadata_x = right + schedule_width + 1;
    Main {
        environments: Rect::new(0, 1, left, panes),
        backups: Rect::new(right, 1, right_width, backups_height),
        table_rows,
        state_lines,
        schedule: Rect::new(right, below, schedule_width, rest_height),
        metadata: Rect::new(metadata_x, below, right + right_width - metadata_x, rest_height),
        jobs: Rect::new(0, 1 + panes + below_height, size.width, jobs_height),
        aside,
        wide,
    }
}

/// The main screen where one pane fills it.
fn zoomed(model: &Model) -> Main {
    let size = model.size;
    let body = size.height.saturating_sub(3);
    let nowhere = Rect::new(0, 1 + body, size.width, 0);
    let whole = Rect::new(0, 1, size.width, body);
    let state_lines = super::backups::state_lines(model).len().clamp(1, 4);
    let state_lines = u16::try_from(state_lines).unwrap_or(1);
    let (environments, backups) = match model.pane {
        Pane::Environments => (whole, nowhere),
        Pane::Backups => (nowhere, whole),
    };
    Main {
        environments,
        backups,
        table_rows: body.saturating_sub(2 + state_lines),
        state_lines,
        schedule: nowhere,
        metadata: nowhere,
        jobs: nowhere,
        aside: None,
        wide: is_wide(size),
    }
}

/// The area of a screen that takes the main screen's place, under its title.
#[must_use]
pub fn screen(size: Size) -> Rect {
    Rect::new(1, 2, size.width.saturating_sub(3), size.height.saturating_sub(4))
}

/// How many rows are visible of whatever can be scrolled.
#[derive(Debug, Clone, Copy)]
pub struct Heights {
    /// Of the list of environments.
    pub environments: usize,
    /// Of the table of backups.
    pub backups: usize,
    /// Of the wizard's table of backups.
    pub choose: usize,
    /// Of the wizard's instances and workspaces.
    pub scope: usize,
    /// Of any other screen.
    pub screen: usize,
    /// Of a message.
    pub notice: usize,
}

/// How many rows are visible of whatever can be scrolled.
#[must_use]
pub fn heights(model: &Model) -> Heights {
    if model.is_too_small() {
        return Heights {
            environments: 1,
            backups: 1,
            choose: 1,
            scope: 1,
            screen: 1,
            notice: 1,
        };
    }
    let main = main(model);
    let rows = usize::from(screen(model.size).height);
    Heights {
        environments: usize::from(main.environments.height.saturating_sub(1)),
        backups: usize::from(main.table_rows),
        choose: rows.saturating_sub(6),
        scope: match model.screens.last() {
            Some(Screen::Wizard(wizard)) => {
                rows.saturating_sub(4 + usize::from(super::wizard::scope_head(wizard)))
            }
            _ => rows,
        },
        screen: match model.screens.last() {
            // The lists have a head, the wizard's steps a line that shows them.
            Some(Screen::Jobs(_) | Screen::Activity(_) | Screen::Notifications(_)) => rows - 1,
            Some(Screen::Fleet(fleet)) => {
                let away = fleet
                    .elsewhere
                    .values()
                    .filter(|known| !matches!(known, Some(Ok(_))));
                rows.saturating_sub(1 + away.count().min(rows / 3)).max(1)
            }
            Some(Screen::Wizard(_)) => rows - 2,
            _ => rows,
        },
        notice: dialogs::notice_rows(model),
    }
}

/// Brings everything that is scrolled back to where there is something to see.
pub fn clamp_scrolls(model: &mut Model) {
    let heights = heights(model);
    if let Some(Dialog::Notice(notice)) = &model.dialog {
        let last = dialogs::notice_text(model, notice)
            .len()
            .saturating_sub(heights.notice);
        if let Some(Dialog::Notice(notice)) = &mut model.dialog {
            notice.scroll = notice.scroll.min(last);
        }
    }
    overview::keep(model, heights.screen);
    let length = screen_text(model).map_or(0, |text| text.len());
    let rows = model.backup_rows().len();
    let jobs = model.jobs.len();
    let activity = model.activity.as_ref().map_or(0, Vec::len);
    let notifications = model.notifications.as_ref().map_or(0, Vec::len);
    let last = length.saturating_sub(heights.screen);
    match model.screens.last_mut() {
        Some(Screen::Wizard(wizard)) => {
            wizard.choice.keep_visible(rows, heights.choose);
            wizard
                .scope_cursor
                .keep_visible(wizard.scope.len(), heights.scope);
            if wizard.step == Step::Plan {
                wizard.scroll = wizard.scroll.min(last);
            }
        }
        Some(Screen::Jobs(cursor)) => cursor.keep_visible(jobs, heights.screen),
        Some(Screen::Activity(cursor)) => cursor.keep_visible(activity, heights.screen),
        Some(Screen::Notifications(news)) => news.cursor.keep_visible(notifications, heights.screen),
        Some(Screen::Job { scroll, .. } | Screen::Page { scroll, .. }) => *scroll = (*scroll).min(last),
        Some(Screen::Log(log)) => {
            log.scroll = log.scroll.min(last);
        }
        Some(Screen::Fleet(_) | Screen::Explorer(_) | Screen::Search(_) | Screen::Differences(_)) | None => {}
    }
}

/// What a click can hit on the main screen: a row, by its number in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hit {
    /// A row of the list of environments.
    Environment(usize),
    /// A row of the table of backups.
    Backup(usize),
}

/// What is at a column and a row of the main screen.
#[must_use]
pub fn hit(model: &Model, column: u16, row: u16) -> Option<Hit> {
    let main = main(model);
    if main.environments.contains((column, row).into()) {
        let index = usize::from(row.checked_sub(main.environments.y + 1)?) + model.fleet.cursor.offset;
        return (index < model.fleet.rows().len()).then_some(Hit::Environment(index));
    }
    if main.backups.contains((column, row).into()) {
        let first = main.backups.y + 1 + main.state_lines + 1;
        let index = usize::from(row.checked_sub(first)?) + model.backup_cursor.offset;
        return (index < model.backup_rows().len()).then_some(Hit::Backup(index));
    }
    None
}
