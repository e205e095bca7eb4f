//! The list of environments, grouped by project, with the state of each at a glance.

use super::canvas::{Canvas, shorten_middle, wrap};
use super::layout::Main;
use super::words;
use crate::domain::slot::Slot;
use crate::domain::state::{EnvironmentSummary, SlotState};
use crate::tui::model::Model;
use crate::tui::model::fleet::FleetRow;
use crate::tui::theme::Meaning;

/// Stands before what is marked.
pub(super) const MARKED: &str = "*";

/// Draws the list.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, panes: &Main, focused: bool) {
    let area = panes.environments;
    let fleet = &model.fleet;
    let title = match (fleet.marked.len(), fleet.filter()) {
        (0, "") => "Environments".to_owned(),
        (0, filter) => format!("/{filter}"),
        (count, "") => format!("{count} marked"),
        (count, filter) => format!("{count} marked /{filter}"),
    };
    canvas.titled_rule(area.x, area.y, area.width, &title, focused);
    let rows = fleet.rows();
    let visible = usize::from(area.height - 1);
    if rows.is_empty() {
        let text = empty(model);
        for (line, y) in wrap(&text, usize::from(area.width - 2))
            .iter()
            .zip(area.y + 1..area.bottom())
        {
            canvas.text(area.x + 1, y, area.width - 2, line, Meaning::Quiet);
        }
        return;
    }
    let offset = fleet.cursor.offset;
    for (number, row) in rows.iter().enumerate().skip(offset).take(visible) {
        let y = area.y + 1 + u16::try_from(number - offset).unwrap_or(0);
        match row {
            FleetRow::Project(index) => {
                let name = fleet.at(*index).map_or("", |summary| summary.name.project());
                canvas.text(area.x + 1, y, area.width - 1, name, Meaning::Title);
            }
            FleetRow::Environment(index) => {
                let selected = (number == fleet.cursor.selected).then_some(focused);
                if let Some(summary) = fleet.at(*index) {
                    environment(canvas, model, summary, (area.x, y, area.width), selected);
                    if let Some(focused) = selected {
                        canvas.select(area.x, y, area.width, focused);
                    }
                }
            }
        }
    }
    let symbols = canvas.symbols();
    if offset > 0 {
        canvas.text(area.right() - 2, area.y, 1, symbols.up, Meaning::Key);
    }
    if rows.len() > offset + visible {
        canvas.text(area.right() - 1, area.y, 1, symbols.below, Meaning::Key);
    }
}

fn empty(model: &Model) -> String {
    // Why they are not stands beside them, where there is room for it.
    if model.fleet_problem.is_some() && !model.looks.zoomed {
        return "R asks again.".to_owned();
    }
    if let Some(problem) = &model.fleet_problem {
        return crate::domain::printable::line(problem).into_owned();
    }
    if !model.fleet.is_loaded() {
        return model.still_to_come().to_owned();
    }
    if model.fleet.len() == 0 {
        return "There is no environment yet. `lifeboat init` writes a configuration with one.".to_owned();
    }
    "Nothing fits the filter. Esc in / shows all.".to_owned()
}

/// One environment in a place given by its column, row and width. `selected` says whether it is, and has the keys.
fn environment(
    canvas: &mut Canvas<'_>,
    model: &Model,
    summary: &EnvironmentSummary,
    (x, y, width): (u16, u16, u16),
    selected: Option<bool>,
) {
    let symbols = canvas.symbols();
    let job = summary.job.as_ref().and_then(|job| model.jobs.get(&job.id));
    let name_meaning = match selected {
        Some(true) => Meaning::Selected,
        Some(false) => Meaning::SelectedElsewhere,
        None => Meaning::Text,
    };
    if selected.is_some() {
        canvas.text(x, y, 1, symbols.marker, name_meaning);
    }
    let (symbol, meaning) = words::environment_symbol(summary, job, symbols);
    canvas.text(x + 1, y, 1, symbol, meaning);
    if model.fleet.marked.contains(&summary.name) {
        canvas.text(x + 2, y, 1, MARKED, Meaning::Key);
    }
    let name = summary.name.environment();
    if !summary.kind.is_recoverable() {
        let name_width = u16::try_from(crate::domain::columns::count(name)).unwrap_or(width);
        let taken = canvas.text(x + 3, y, width - 4, name, name_meaning);
        if name_width + 16 <= width {
            canvas.right(x + 3 + taken, y, width - 4 - taken, "no backups", Meaning::Quiet);
        }
        return;
    }
    let mut end = x + width - 1;
    let (age, age_meaning) = age(model, summary, job, symbols.more);
    canvas.right(end - 5, y, 5, &age, age_meaning);
    end -= 6;
    slots(canvas, end - 4, y, &summary.slots);
    end -= 5;
    for (is_so, symbol) in [
        (summary.protection.is_some(), symbols.protected),
        (summary.maintenance.is_some(), symbols.maintenance),
    ] {
        if is_so {
            end -= 1;
            canvas.text(end, y, 1, symbol, Meaning::Warning);
        }
    }
    // Names of one project are often alike at their beginning.
    let room = end.saturating_sub(x + 3);
    let name = shorten_middle(name, usize::from(room), symbols.more);
    canvas.text(x + 3, y, room, &name, name_meaning);
}

/// The age of the newest backup, or how far a running job is; `unknown` until the repository is read.
fn age(
    model: &Model,
    summary: &EnvironmentSummary,
    job: Option<&crate::domain::job::Job>,
    unknown: &str,
) -> (String, Meaning) {
    if let Some(job) = job {
        let percent = job.progress.as_ref().and_then(words::percent);
        let text = percent.map_or_else(|| "job".to_owned(), |percent| format!("{percent} %"));
        return (text, Meaning::Information);
    }
    match summary.newest {
        _ if summary.unread => (unknown.to_owned(), Meaning::Quiet),
        Some(at) => {
            let meaning = if summary.late {
                Meaning::Warning
            } else {
                Meaning::Quiet
            };
            (words::short_age(at, model.now).replace(" min", " m"), meaning)
        }
        None => ("none".to_owned(), Meaning::Warning),
    }
}

/// The four slots as letters: M, W, D and m, each a dot while it is empty.
fn slots(canvas: &mut Canvas<'_>, x: u16, y: u16, slots: &[SlotState]) {
    let empty = canvas.symbols().none;
    for (slot, column) in Slot::ALL.into_iter().zip(x..) {
        let state = slots.iter().find(|state| state.slot == slot);
        let letter = match slot {
            Slot::Monthly => "M",
            Slot::Weekly => "W",
            Slot::Daily => "D",
            Slot::Manual => "m",
        };
        let (text, meaning) = match state {
            Some(state) if state.late => {
                let text = if state.taken.is_some() { letter } else { "!" };
                (text, Meaning::Warning)
            }
            Some(state) if state.taken.is_some() => (letter, Meaning::Good),
            _ => (empty, Meaning::Quiet),
        };
        canvas.text(column, y, 1, text, meaning);
    }
}
