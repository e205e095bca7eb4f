//! The schedule of an environment: its window, what is due when, and how the last run ended.

use ratatui::layout::Rect;

use super::canvas::{Canvas, piece};
use super::layout::Main;
use super::text::Text;
use super::words;
use crate::domain::job::JobState;
use crate::domain::state::{EnvironmentDetails, SlotSchedule};
use crate::domain::{columns, measure};
use crate::tui::model::Model;
use crate::tui::theme::{Meaning, Symbols};

/// Draws the pane.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, panes: &Main) {
    let area = panes.schedule;
    canvas.titled_rule(area.x, area.y, area.width, "Schedule (UTC)", false);
    let Some(details) = model.shown_details() else {
        return;
    };
    let inside = Rect::new(area.x + 1, area.y + 1, area.width - 1, area.height - 1);
    let text = text(model, details, inside.width - 1, canvas.symbols());
    text.draw(canvas, inside, 0);
}

fn text(model: &Model, details: &EnvironmentDetails, width: u16, symbols: &Symbols) -> Text {
    let mut text = Text::new(width);
    let schedule = &details.schedule;
    let pair = |label: &str, value: String| {
        vec![
            piece(format!("{label:<8}"), Meaning::Quiet),
            piece(value, Meaning::Text),
        ]
    };
    if !schedule.enabled {
        text.paragraph(
            "off: no backup is made by itself. Take one with b.",
            Meaning::Warning,
        );
        return text;
    }
    text.line(pair("window", format!("{} UTC", schedule.window)));
    for slot in &details.slot_schedules {
        let mut line = pair(slot.slot.label(), due(model, slot));
        if slot.due {
            line[1].meaning = Meaning::Warning;
        }
        text.line(line);
    }
    if let Some(recent) = &details.recent {
        let next = match recent.next {
            _ if recent.due => "due now".to_owned(),
            Some(next) => words::countdown(next, model.now),
            None => "off".to_owned(),
        };
        let whole = format!("{next}, every {}", recent.every);
        // How often is on the environment's page: half of it here tells nothing.
        let fits = columns::count(&whole) + 8 <= text.width();
        text.line(pair("recent", if fits { whole } else { next }));
    }
    if let Some(late) = details.slot_schedules.iter().find(|slot| slot.last_late) {
        let label = format!("last {} was late", late.slot);
        text.line(vec![piece(label, Meaning::Warning)]);
    }
    let Some(job) = &details.last_scheduled else {
        text.line(pair("last", "no run yet".to_owned()));
        return text;
    };
    let (symbol, meaning) = words::job_symbol(&job.state, symbols);
    let at = measure::in_narrow_column(job.ended.unwrap_or(job.created));
    text.line(vec![
        piece(format!("{:<8}", "last"), Meaning::Quiet),
        piece(format!("{symbol} "), meaning),
        piece(at, Meaning::Text),
    ]);
    match &job.state {
        JobState::Failed { why } => text.paragraph(why, Meaning::Critical),
        JobState::Done => {
            if let Some(took) = job.took_millis(model.now) {
                text.line(pair("took", format!("{} in all", measure::millis(took))));
            }
        }
        _ => {}
    }
    text
}

fn due(model: &Model, slot: &SlotSchedule) -> String {
    if slot.due {
        return "due now".to_owned();
    }
    slot.next
        .map_or_else(|| "off".to_owned(), |next| words::countdown(next, model.now))
}
