//! The table of an environment's backups, with the environment's state over it. The wizard shows the same table.

use ratatui::layout::Rect;

use super::canvas::{Canvas, Piece, piece, wrap};
use super::layout::Main;
use super::words;
use crate::domain::backup::Backup;
use crate::domain::measure;
use crate::domain::proof::{Drill, DrillOutcome};
use crate::domain::refusal;
use crate::domain::slot::Slot;
use crate::domain::state::{EnvironmentDetails, Hold, UndoWay};
use crate::tui::model::Model;
use crate::tui::model::backups::{BackupRow, RowKind};
use crate::tui::model::cursor::Cursor;
use crate::tui::theme::Meaning;

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
    for (line, y) in lines.iter().take(usize::from(panes.state_lines)).zip(inside.y..) {
        canvas.pieces(inside.x, y, inside.width, line);
    }
    if lines.len() > usize::from(panes.state_lines) {
        let y = inside.y + panes.state_lines - 1;
        canvas.right(inside.x, y, inside.width, "  i: more", Meaning::Key);
    }
    let table = Rect {
        x: area.x,
        y: inside.y + panes.state_lines,
        width: area.width,
        height: panes.table_rows + 1,
    };
    let rows = model.backup_rows();
    draw_table(
        canvas,
        model,
        details,
        &rows,
        (&model.backup_cursor, focused),
        table,
    );
}

fn nothing(canvas: &mut Canvas<'_>, model: &Model, area: Rect) {
    let problem = model
        .shown
        .as_ref()
        .and_then(|name| model.details_problems.get(name));
    match problem {
        Some(problem) => {
            let problem = crate::domain::printable::line(problem).into_owned();
            let whole = Rect { height: 14, ..area };
            paragraph(canvas, whole, &problem, Meaning::Critical);
        }
        None if model.fleet.is_loaded() && model.shown.is_none() => {
            paragraph(canvas, area, "No environment is selected.", Meaning::Quiet);
        }
        None => paragraph(canvas, area, model.still_to_come(), Meaning::Quiet),
    }
}

fn paragraph(canvas: &mut Canvas<'_>, area: Rect, text: &str, meaning: Meaning) {
    let width = area.width.min(76);
    for (line, y) in wrap(text, usize::from(width)).iter().zip(area.y..area.bottom()) {
        canvas.text(area.x, y, width, line, meaning);
    }
}

/// What is to be said of the environment's state, the most urgent first, each on a line. The page about the
/// environment says it in full.
pub fn state_lines(model: &Model) -> Vec<Vec<Piece>> {
    let Some(details) = model.shown_details() else {
        return Vec::new();
    };
    let summary = &details.summary;
    let mut lines = Vec::new();
    let mut problem = |label: &str, text: &str, meaning| {
        lines.push(vec![
            piece(format!("{label}: "), meaning),
            piece(text, Meaning::Text),
        ]);
    };
    if let Some(trouble) = &summary.trouble {
        problem("trouble", trouble, Meaning::Critical);
    }
    if let Some(why) = &summary.failed {
        problem("last job failed", why, Meaning::Critical);
    }
    if let Some(hold) = &summary.maintenance {
        problem("maintenance", &reason(model, hold), Meaning::Warning);
    }
    if let Some(hold) = &summary.protection {
        problem("protected", &reason(model, hold), Meaning::Warning);
    }
    if let Some((label, text)) = standing(details) {
        problem(label, &text, Meaning::Warning);
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
    lines.extend(summary.last_proven.as_ref().map(|drill| proven(model, drill)));
    lines.push(running(details));
    lines
}

/// When a drill last brought everything back, and how long that took.
fn proven(model: &Model, drill: &Drill) -> Vec<Piece> {
    vec![
        piece("last proven restorable, ", Meaning::Quiet),
        piece(format!("in {}", measure::millis(drill.millis)), Meaning::Good),
        piece(
            match words::short_age(drill.at, model.now).as_str() {
                "now" => ", just now".to_owned(),
                age => format!(", {age} ago"),
            },
            Meaning::Quiet,
        ),
    ]
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

/// A column of the table: its head, where it begins, how wide it is, and whether it ends at its end.
struct Column {
    head: &'static str,
    x: u16,
    width: u16,
    right: bool,
}

const fn column(head: &'static str, x: u16, width: u16, right: bool) -> Column {
    Column {
        head,
        x,
        width,
        right,
    }
}

/// For 58 columns.
const NARROW: [Column; 7] = [
    column("Slot", 2, 7, false),
    column("Taken (UTC)", 10, 11, false),
    column("Age", 22, 6, true),
    column("Release", 29, 7, false),
    column("CMS", 37, 6, false),
    column("Size", 43, 8, true),
    column("Ok", 52, 6, false),
];

/// For 75 columns and more.
const BROAD: [Column; 7] = [
    column("Slot", 2, 8, false),
    column("Taken (UTC)", 11, 16, false),
    column("Age", 28, 11, true),
    column("Release", 41, 8, false),
    column("Magnolia", 50, 8, false),
    column("Size", 58, 9, true),
    column("State", 69, 22, false),
];

/// Draws a table of backups with its head into an area.
pub fn draw_table(
    canvas: &mut Canvas<'_>,
    model: &Model,
    details: &EnvironmentDetails,
    rows: &[BackupRow],
    (cursor, focused): (&Cursor, bool),
    area: Rect,
) {
    let broad = area.width >= 82;
    let columns = if broad { &BROAD } else { &NARROW };
    for column in columns {
        let x = area.x + column.x;
        let width = column.width.min(area.right().saturating_sub(x));
        // The head of the moments says their zone.
        let head = match column.head {
            "Taken (UTC)" if model.looks.local => "Taken local",
            head => head,
        };
        if column.right {
            canvas.right(x, area.y, width, head, Meaning::Column);
        } else {
            canvas.text(x, area.y, width, head, Meaning::Column);
        }
    }
    let visible = usize::from(area.height - 1);
    let shown = rows.iter().enumerate().skip(cursor.offset).take(visible);
    for ((number, row), y) in shown.zip(area.y + 1..) {
        let selected = number == cursor.selected;
        let meaning = match (selected, focused) {
            (true, true) => Meaning::Selected,
            (true, false) => Meaning::SelectedElsewhere,
            _ => Meaning::Text,
        };
        if selected {
            canvas.text(area.x, y, 1, canvas.symbols().marker, meaning);
        }
        canvas.text(
            area.x + columns[0].x,
            y,
            columns[0].width,
            row.kind.label(),
            meaning,
        );
        if let Some(backup) = row.of(details) {
            let second_only = details.is_only_copied(&backup.id);
            filled(canvas, model, (backup, second_only), columns, (area, y));
        } else {
            let text = empty_slot(model, details, row.kind);
            let x = area.x + columns[1].x;
            canvas.text(x, y, area.right().saturating_sub(x), &text, Meaning::Quiet);
        }
    }
    let symbols = canvas.symbols();
    if cursor.offset > 0 {
        canvas.text(area.right() - 1, area.y, 1, symbols.up, Meaning::Key);
    }
    if rows.len() > cursor.offset + visible {
        let last = area.bottom() - 1;
        canvas.text(area.right() - 1, last, 1, symbols.below, Meaning::Key);
    }
}

fn filled(
    canvas: &mut Canvas<'_>,
    model: &Model,
    (backup, second_only): (&Backup, bool),
    columns: &[Column; 7],
    (area, y): (Rect, u16),
) {
    let manifest = &backup.manifest;
    let broad = columns[1].width > 11;
    let (taken, age) = if broad {
        (
            model.when().in_column(manifest.taken),
            words::age(manifest.taken, model.now),
        )
    } else {
        (
            model.when().in_narrow_column(manifest.taken),
            words::short_age(manifest.taken, model.now),
        )
    };
    let cells = [
        (taken, Meaning::Text),
        (age, Meaning::Quiet),
        (manifest.versions.release.to_string(), Meaning::Text),
        (manifest.versions.magnolia.to_string(), Meaning::Text),
        (measure::bytes(manifest.bytes()), Meaning::Text),
    ];
    for (column, (text, meaning)) in columns[1..6].iter().zip(cells) {
        let x = area.x + column.x;
        if column.right {
            canvas.right(x, y, column.width, &text, meaning);
        } else {
            canvas.text(x, y, column.width, &text, meaning);
        }
    }
    let x = area.x + columns[6].x;
    let width = columns[6].width.min(area.right().saturating_sub(x));
    let mut pieces = words::verified(backup, canvas.symbols(), broad);
    if second_only {
        // There is no room for more, and where it is counts for more than that it came late.
        pieces.truncate(1);
        let mark = if broad { " 2nd only" } else { " 2nd" };
        pieces.push(piece(mark, Meaning::Title));
    }
    canvas.pieces(x, y, width, &pieces);
}

/// What an empty slot waits for.
fn empty_slot(model: &Model, details: &EnvironmentDetails, kind: RowKind) -> String {
    if details.hides_backups() {
        return "not known".to_owned();
    }
    match kind {
        RowKind::Slot(Slot::Manual) => "empty: b takes one".to_owned(),
        RowKind::Slot(slot) => {
            let schedule = details.slot_schedules.iter().find(|other| other.slot == slot);
            match schedule {
                Some(schedule) if schedule.due => "empty: due now".to_owned(),
                Some(schedule) => match schedule.next {
                    Some(next) => format!("empty: next {}", words::countdown(next, model.now)),
                    None => "empty: the schedule is off".to_owned(),
                },
                None => "empty".to_owned(),
            }
        }
        _ => String::new(),
    }
}
