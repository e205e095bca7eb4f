//! The pane of an environment: whether it can be brought back, what is wrong, what runs, and the table of its backups.

use ratatui::layout::Rect;

use super::canvas::{Canvas, Piece, piece, wide, wrap};
use super::layout::Main;
use super::{answer, backup_table};
use crate::domain::backup::Backup;
use crate::domain::measure;
use crate::domain::proof::{Drill, DrillOutcome};
use crate::domain::refusal;
use crate::domain::shrinking::Less;
use crate::domain::state::{EnvironmentDetails, Hold, UndoWay};
use crate::domain::target::newest_restorable;
use crate::tui::model::{Connection, Model, OPENING};
use crate::tui::theme::Meaning;

/// Says that there is more than the lines have room for, and where.
const MORE: &str = "i: more";

/// Draws the pane.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, panes: &Main, focused: bool) {
    let area = panes.backups;
    let title = match &model.shown {
        Some(name) => format!("Backups of {name}"),
        None => "Backups".to_owned(),
    };
    canvas.titled_rule(area.x, area.y, area.width, &title, focused);
    let inside = Rect::new(area.x + 1, area.y + 1, area.width - 2, area.height - 1);
    let Some(details) = model.shown_details() else {
        return nothing(canvas, model, inside);
    };
    let summary = &details.summary;
    if let Err(refusal) = refusal::only_live(&summary.name, summary.kind) {
        let whole = Rect {
            height: model.size.height.saturating_sub(5),
            ..inside
        };
        return paragraph(canvas, whole, &format!("{refusal}."), Meaning::Quiet);
    }
    let lines = state_lines(model);
    let last = inside.y + panes.state_lines - 1;
    let goes_on = lines.len() > usize::from(panes.state_lines);
    for ((number, line), y) in lines.iter().enumerate().zip(inside.y..=last) {
        // What runs is in the table as well: that it is cut off is no news.
        let is_cut = number + 1 < lines.len() && wide(line) > usize::from(inside.width);
        let has_more = is_cut || (goes_on && y == last);
        let taken = if has_more { MORE.len() + 1 } else { 0 };
        let width = inside.width.saturating_sub(u16::try_from(taken).unwrap_or(0));
        canvas.pieces(inside.x, y, width, line);
        if has_more {
            canvas.right(inside.x, y, inside.width, MORE, Meaning::Key);
        }
    }
    let table = Rect {
        x: area.x,
        y: inside.y + panes.state_lines,
        width: area.width,
        height: panes.table_rows + 1,
    };
    let rows = model.backup_rows();
    backup_table::draw(
        canvas,
        model,
        details,
        &rows,
        (&model.backup_cursor, focused),
        table,
    );
}

fn nothing(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    let problem = match &model.shown {
        Some(name) => model.details_problems.get(name),
        None => model.fleet_problem.as_ref(),
    };
    match problem {
        Some(problem) => {
            let problem = crate::domain::printable::line(problem).into_owned();
            let whole = Rect { height: 14, ..area };
            paragraph(canvas, whole, &problem, Meaning::Critical);
        }
        None if model.fleet.is_loaded() && model.shown.is_none() => {
            let words = match &model.settings.beyond.configuration {
                Some(file) if model.fleet.len() == 0 => {
                    format!("No environment is in {}. {SHOWN}", file.path)
                }
                _ if model.fleet.len() == 0 => SHOWN.to_owned(),
                _ => "No environment is selected.".to_owned(),
            };
            paragraph(canvas, area, &words, Meaning::Quiet);
        }
        None if opens_for_long(model) => paragraph(canvas, area, OPENS, Meaning::Text),
        None => paragraph(canvas, area, model.still_to_come(), Meaning::Quiet),
    }
}

/// Where to see what is not here.
const SHOWN: &str = "`lifeboat demo` shows environments with backups.";

/// Why opening may take minutes.
const OPENS: &str =
    "still loading: a job that was interrupted is settled first, with its hooks and health checks";

/// Whether the engine in this process has not opened for so long that somebody wonders.
fn opens_for_long(model: &Model) -> bool {
    let open = &model.settings.context;
    let mut contexts = model.settings.contexts.iter();
    matches!(model.connection, Connection::Connecting)
        && model.now - model.opened >= OPENING
        && !contexts.any(|choice| choice.name == *open && choice.is_a_service)
}

fn paragraph(canvas: &mut Canvas<'_>, area: Rect, text: &str, meaning: Meaning) {
    let width = area.width.min(76);
    for (line, y) in wrap(text, usize::from(width)).iter().zip(area.y..area.bottom()) {
        canvas.text(area.x, y, width, line, meaning);
    }
}

/// What is to be said of the environment, each on a line: whether Live can be brought back, then what is wrong, the most
/// urgent first, then what runs. The page about the environment says it in full.
pub fn state_lines(model: &Model) -> Vec<Vec<Piece>> {
    let Some(details) = model.shown_details() else {
        return Vec::new();
    };
    let summary = &details.summary;
    let mut lines = answer::lines(model, details);
    if let Some(trouble) = &summary.trouble {
        lines.extend(in_trouble(model, trouble));
    }
    let mut problem = |label: &str, text: &str, meaning| {
        lines.push(vec![
            piece(format!("{label}: "), meaning),
            piece(text, Meaning::Text),
        ]);
    };
    if let Some(why) = &summary.failed {
        problem("last job failed", why, Meaning::Critical);
    }
    if let Some(hold) = &summary.maintenance {
        problem("maintenance", &reason(model, hold), Meaning::Warning);
    }
    if let Some(hold) = &summary.protection {
        problem("protected", &reason(model, hold), Meaning::Warning);
    }
    if let Some(asked) = &summary.asked {
        let text = format!("{} (A agrees, O rejects)", asked.in_words());
        problem("waits for another owner", &text, Meaning::Warning);
    }
    for missed in summary.targets.iter().filter(|one| !one.met) {
        let state = missed.state_in_words();
        let label = format!("{} {} {state}", missed.aim.label(), missed.target);
        problem(
            &label,
            missed.cause.as_deref().unwrap_or_default(),
            Meaning::Warning,
        );
    }
    // Where there is nothing to go back to, the answer has said it.
    if let Some((label, text)) = standing(details).filter(|_| summary.newest.is_some()) {
        problem(label, &text, Meaning::Warning);
    }
    // Of one that holds so much less that Live may have been broken, the answer does not speak.
    if let Some((newest, less)) = held_by_the_newest(details).filter(|_| summary.trouble.is_none()) {
        let when = model.when().narrow(newest.manifest.taken);
        let text = format!("{}, {when}: was Live whole?", less.in_short());
        problem("newest", &text, Meaning::Warning);
    }
    let second_only = details.only_copied().count();
    if second_only > 0 {
        let backups = if second_only == 1 { "backup" } else { "backups" };
        problem(
            "second repository only",
            &format!("{second_only} {backups}, marked 2nd: r takes one from there"),
            Meaning::Warning,
        );
    }
    if let Some(Drill {
        backup,
        outcome: DrillOutcome::Failed { why },
        ..
    }) = &summary.last_drill
    {
        problem(
            "last drill failed",
            &format!("backup {backup} did not come back: {why}"),
            Meaning::Critical,
        );
    }
    if let Some((drill, part)) = summary
        .last_drill
        .as_ref()
        .and_then(|drill| Some((drill, drill.in_part()?)))
    {
        let text = format!(
            "proven in part only, {part}, not configured any more: backup {}",
            drill.backup
        );
        problem("last drill", &text, Meaning::Warning);
    }
    if let Some(text) = replaced(model, details) {
        problem("replaced tables", &text, Meaning::Information);
    }
    lines.push(running(details));
    lines
}

/// What is wrong with the environment itself. No job may be able to begin: what to do stands at its end, so that it has a second line
/// where one is not enough.
fn in_trouble(model: &Model, trouble: &str) -> Vec<Vec<Piece>> {
    const LABEL: &str = "trouble: ";
    let label = piece(LABEL, Meaning::Critical);
    let room = usize::from(super::layout::main_width(model)).saturating_sub(2);
    let whole = vec![label.clone(), piece(trouble, Meaning::Text)];
    if wide(&whole) <= room {
        return vec![whole];
    }
    let mut rest = wrap(trouble, room.saturating_sub(LABEL.len())).into_iter();
    let first = rest.next().unwrap_or_default();
    let rest: Vec<String> = rest.collect();
    vec![
        vec![label, piece(first, Meaning::Text)],
        vec![piece(rest.join(" "), Meaning::Text)],
    ]
}

/// The newest good backup, where it holds less than those before it, and how much less.
pub(super) fn held_by_the_newest(details: &EnvironmentDetails) -> Option<(&Backup, &Less)> {
    let newest = newest_restorable(&details.backups)?;
    Some((newest, newest.less.as_ref()?))
}

/// What restores have left in the databases, in a line: how much, and until when.
fn replaced(model: &Model, details: &EnvironmentDetails) -> Option<String> {
    let until = details.replaced.iter().map(|tables| tables.expires).max()?;
    let bytes = details.replaced.iter().map(|tables| tables.bytes).sum();
    let undo = match details.undo_way {
        Some(UndoWay::Exchange { .. }) => "u undo, C drop",
        _ => "C drop",
    };
    let left = if until > model.now {
        measure::between(super::words::minute(model.now), until) + " left"
    } else {
        "they go now".to_owned()
    };
    Some(format!("{}, {left}: {undo}", measure::bytes(bytes)))
}

/// Whether there is something to go back to, and whether a scheduled backup is due or overdue: a label and a text, or
/// `None` when all is as it should be.
pub fn standing(details: &EnvironmentDetails) -> Option<(&'static str, String)> {
    // Of a repository that cannot be listed, the trouble says everything.
    if !details.summary.kind.is_recoverable() || details.hides_backups() {
        return None;
    }
    let late = details.summary.late;
    let due: Vec<_> = details
        .slot_schedules
        .iter()
        .filter(|schedule| schedule.due)
        .map(|schedule| schedule.slot.label())
        .collect();
    let verb = if due.len() == 1 { "is" } else { "are" };
    let due = due.join(", ");
    let label = match (details.backups.is_empty(), details.summary.newest, late) {
        (true, _, true) => "no backup yet, and late",
        (true, _, false) => "no backup yet",
        (false, None, _) => "no good backup",
        (false, Some(_), true) => "late",
        (false, Some(_), false) if !due.is_empty() => "due now",
        (false, Some(_), false) => return None,
    };
    let text = match (due.is_empty(), late) {
        (false, true) => format!("{due} {verb} overdue"),
        (true, true) => "a scheduled backup is overdue".to_owned(),
        (false, false) if label == "due now" => due,
        (false, false) => format!("{due} {verb} due now"),
        (true, false) => "b takes one".to_owned(),
    };
    Some((label, text))
}

fn reason(model: &Model, hold: &Hold) -> String {
    match &hold.reason {
        Some(reason) => format!("{reason} ({}, {})", hold.by, model.when().moment(hold.since)),
        None => format!("set by {} on {}", hold.by, model.when().moment(hold.since)),
    }
}

/// What runs in the environment.
fn running(details: &EnvironmentDetails) -> Vec<Piece> {
    let names: Vec<_> = details
        .instances
        .iter()
        .map(|instance| instance.name.to_string())
        .collect();
    let on = format!(" on {}", names.join(", "));
    match (&details.versions, &details.versions_problem) {
        (Some(versions), _) => vec![
            piece("now: ", Meaning::Quiet),
            piece(
                format!("{}, Magnolia {}", versions.release, versions.magnolia),
                Meaning::Text,
            ),
            piece(on, Meaning::Quiet),
        ],
        (None, Some(problem)) => vec![
            piece("versions unknown: ", Meaning::Warning),
            piece(problem, Meaning::Text),
        ],
        (None, None) => vec![
            piece("versions unknown", Meaning::Warning),
            piece(on, Meaning::Quiet),
        ],
    }
}
