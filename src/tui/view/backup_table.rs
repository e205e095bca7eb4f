//! The table of an environment's backups: columns by how much they tell, as many as there is room for. The main screen and
//! the wizard show the same table.

use std::collections::BTreeSet;

use ratatui::layout::Rect;

use super::canvas::{Canvas, Piece, piece, wide};
use super::words;
use crate::domain::backup::{Backup, Trigger};
use crate::domain::job::JobKind;
use crate::domain::measure;
use crate::domain::principal::Principal;
use crate::domain::slot::Slot;
use crate::domain::state::EnvironmentDetails;
use crate::tui::model::Model;
use crate::tui::model::backups::{BackupRow, RowKind, recent};
use crate::tui::model::cursor::Cursor;
use crate::tui::theme::Meaning;

/// What a column tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    Taken { in_full: bool, seconds: bool },
    Age { in_full: bool },
    State { in_full: bool },
    Size,
    Release,
    Magnolia,
    About,
}

/// A column of the table: what it tells, where it begins and how wide it is.
#[derive(Debug, Clone, Copy)]
struct Column {
    tells: Tells,
    x: u16,
    width: u16,
}

/// Adds to what is told.
type More<'a> = &'a dyn Fn(&mut Vec<Tells>);

/// Where the names of slots begin, behind the marker, and how wide they are.
const SLOT: (u16, u16) = (2, 8);
/// What tells backups apart that look alike has at least so much room.
const ABOUT: u16 = 17;
/// It has up to so much before there is more than size, state and release.
const ALL_ABOUT: u16 = 48;

impl Tells {
    fn head(self) -> &'static str {
        match self {
            Self::Taken { .. } => "Taken (UTC)",
            Self::Age { .. } => "Age",
            Self::State { in_full: true } => "State",
            Self::State { in_full: false } => "Ok",
            Self::Size => "Size",
            Self::Release => "Release",
            Self::Magnolia => "Magnolia",
            Self::About => "About",
        }
    }

    fn width(self) -> u16 {
        match self {
            Self::Age { in_full: false } | Self::State { in_full: false } => 6,
            Self::Taken { in_full, seconds } => {
                let moment = if in_full { 16 } else { 11 };
                if seconds { moment + 3 } else { moment }
            }
            Self::Age { in_full: true } => 11,
            Self::State { in_full: true } => 16,
            Self::Size => 9,
            Self::Release | Self::Magnolia => 8,
            Self::About => ABOUT,
        }
    }

    /// Whether it ends at the end of its column.
    fn is_a_number(self) -> bool {
        matches!(self, Self::Age { .. } | Self::Size)
    }
}

/// The columns for a width, where the longest of what backups are about takes so many. When it was taken, whether it is
/// good and what it is about are there always; then come, as long as there is room: its size, its state in words, its
/// release; and where that does not cut off what it is about, the version of Magnolia, moments and ages in full. Moments have seconds
/// where two backups share a minute.
fn columns(width: u16, longest: u16, seconds: bool) -> Vec<Column> {
    let about = longest.min(ALL_ABOUT).saturating_sub(ABOUT);
    let fits = |told: &[Tells], about: u16| {
        let told: u16 = told.iter().map(|tells| tells.width() + 1).sum();
        SLOT.0 + SLOT.1 + told + about <= width + 1
    };
    let mut told = vec![
        Tells::Taken {
            in_full: false,
            seconds,
        },
        Tells::Age { in_full: false },
        Tells::State { in_full: false },
        Tells::About,
    ];
    let further: [More<'_>; 6] = [
        &|told| told.insert(3, Tells::Size),
        &|told| told[2] = Tells::State { in_full: true },
        &|told| told.insert(told.len() - 1, Tells::Release),
        &|told| told.insert(told.len() - 1, Tells::Magnolia),
        &|told| {
            told[0] = Tells::Taken {
                in_full: true,
                seconds,
            }
        },
        &|told| told[1] = Tells::Age { in_full: true },
    ];
    for (number, more) in further.into_iter().enumerate() {
        let mut with_more = told.clone();
        more(&mut with_more);
        if !fits(&with_more, if number < 3 { 0 } else { about }) {
            break;
        }
        told = with_more;
    }
    let mut x = SLOT.0 + SLOT.1;
    let mut columns = Vec::new();
    for tells in told {
        columns.push(Column {
            tells,
            x,
            width: tells.width(),
        });
        x += tells.width() + 1;
    }
    // What is left belongs to the words.
    if let Some(last) = columns.last_mut() {
        last.width = width.saturating_sub(last.x + 1).max(1);
    }
    columns
}

/// Draws a table of backups with its head into an area.
pub fn draw(
    canvas: &mut Canvas<'_>,
    model: &Model,
    details: &EnvironmentDetails,
    rows: &[BackupRow],
    (cursor, focused): (&Cursor, bool),
    area: Rect,
) {
    let minutes = shared_minutes(details, rows);
    let columns = columns(area.width, longest(model, details, rows), !minutes.is_empty());
    canvas.text(area.x + SLOT.0, area.y, SLOT.1, "Slot", Meaning::Column);
    for column in &columns {
        place(
            canvas,
            *column,
            area,
            area.y,
            // The head of the moments says their zone.
            match column.tells {
                Tells::Taken { .. } if model.looks.local => "Taken local",
                tells => tells.head(),
            },
            Meaning::Column,
        );
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
        canvas.text(area.x + SLOT.0, y, SLOT.1 - 1, row.kind.label(), meaning);
        if let Some(backup) = row.of(details) {
            filled(
                canvas,
                model,
                details,
                (*row, backup),
                (&columns, &minutes),
                (area, y),
            );
        } else {
            let text = match row.kind {
                RowKind::Recents => folded(model, details),
                kind => empty_slot(model, details, kind),
            };
            let x = area.x + SLOT.0 + SLOT.1;
            canvas.text(x, y, area.right().saturating_sub(x), &text, Meaning::Quiet);
        }
        if selected {
            canvas.select(area.x, y, area.width, focused);
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

fn place(canvas: &mut Canvas<'_>, column: Column, area: Rect, y: u16, text: &str, meaning: Meaning) {
    let x = area.x + column.x;
    if column.tells.is_a_number() {
        canvas.right(x, y, column.width, text, meaning);
    } else {
        canvas.text(x, y, column.width, text, meaning);
    }
}

fn filled(
    canvas: &mut Canvas<'_>,
    model: &Model,
    details: &EnvironmentDetails,
    (row, backup): (BackupRow, &Backup),
    (columns, minutes): (&[Column], &BTreeSet<i64>),
    (area, y): (Rect, u16),
) {
    let manifest = &backup.manifest;
    let now = model.now;
    // A version that is not the one that runs is what a restore brings trouble with.
    let differs = |is_so: bool| if is_so { Meaning::Warning } else { Meaning::Text };
    let current = details.versions.as_ref();
    for column in columns {
        let (text, meaning) = match column.tells {
            Tells::Taken { in_full, .. } => {
                let when = model.when();
                let moment = if in_full {
                    when.in_column(manifest.taken)
                } else {
                    when.in_narrow_column(manifest.taken)
                };
                let seconds = if minutes.contains(&minute(backup)) {
                    when.form(manifest.taken, ":%S")
                } else {
                    String::new()
                };
                (moment + &seconds, Meaning::Text)
            }
            Tells::Age { in_full: true } => (words::age(manifest.taken, now), Meaning::Text),
            Tells::Age { in_full: false } => (words::short_age(manifest.taken, now), Meaning::Text),
            Tells::Size => (measure::bytes(manifest.bytes()), Meaning::Text),
            Tells::Release => {
                let release = &manifest.versions.release;
                let other = current.is_some_and(|current| current.release != *release);
                (release.to_string(), differs(other))
            }
            Tells::Magnolia => {
                let magnolia = &manifest.versions.magnolia;
                let other = current.is_some_and(|current| current.magnolia != *magnolia);
                (magnolia.to_string(), differs(other))
            }
            Tells::State { in_full } => {
                let pieces = words::verified(backup, canvas.symbols(), in_full);
                canvas.pieces(area.x + column.x, y, column.width, &pieces);
                continue;
            }
            Tells::About => {
                let pieces = about(model, details, row, backup);
                canvas.pieces(area.x + column.x, y, column.width, &pieces);
                continue;
            }
        };
        place(canvas, *column, area, y, &text, meaning);
    }
}

/// The minute that a backup was taken in.
fn minute(backup: &Backup) -> i64 {
    backup.manifest.taken.timestamp().div_euclid(60)
}

/// The minutes that more than one of the backups was taken in.
fn shared_minutes(details: &EnvironmentDetails, rows: &[BackupRow]) -> BTreeSet<i64> {
    let shown: BTreeSet<usize> = rows.iter().filter_map(|row| row.backup).collect();
    let all = details.all_backups().enumerate();
    let mut once = BTreeSet::new();
    all.filter(|(number, _)| shown.contains(number))
        .map(|(_, backup)| minute(backup))
        .filter(|minute| !once.insert(*minute))
        .collect()
}

/// What tells a backup from others that look alike, the most telling first: where it is, which job has taken it for safety, that undo
/// goes back to it, which slot it was taken for, what was noted, and who asked for it.
fn about(model: &Model, details: &EnvironmentDetails, row: BackupRow, backup: &Backup) -> Vec<Piece> {
    let manifest = &backup.manifest;
    let mut parts = Vec::new();
    if details.is_only_copied(&backup.id) {
        parts.push(piece("2nd repository only", Meaning::Title));
    }
    if let Some(less) = &backup.less {
        parts.push(piece(less.in_short(), Meaning::Warning));
    }
    let job = model.job_of_safety(backup);
    if let Some(job) = job {
        parts.push(piece(format!("job {}", job.id), Meaning::Text));
    }
    if details.undo.as_ref() == Some(&backup.id) {
        parts.push(piece("undo goes here", Meaning::Information));
    }
    if row.kind == RowKind::Other
        && let Some(slot) = manifest.slots.first()
    {
        parts.push(piece(format!("was {slot}"), Meaning::Text));
    }
    if job.is_some_and(|job| job.kind == JobKind::Undo) {
        parts.push(piece("before an undo", Meaning::Text));
    } else if let Some(note) = &manifest.note {
        // The row says that it is one.
        let note = match manifest.trigger {
            Trigger::Restore => note.strip_prefix("safety backup ").unwrap_or(note),
            _ => note,
        };
        parts.push(piece(note, Meaning::Text));
    }
    if let Trigger::Upgrade { to } = &manifest.trigger {
        parts.push(piece(format!("before {to}"), Meaning::Text));
    }
    if manifest.by != Principal::Schedule {
        parts.push(piece(format!("by {}", manifest.by), Meaning::Quiet));
    }
    let mut pieces = Vec::new();
    for part in parts {
        if !pieces.is_empty() {
            pieces.push(piece(", ", Meaning::Quiet));
        }
        pieces.push(part);
    }
    pieces
}

/// How many columns the longest of what backups are about takes.
fn longest(model: &Model, details: &EnvironmentDetails, rows: &[BackupRow]) -> u16 {
    let widths = rows
        .iter()
        .filter_map(|row| Some(wide(&about(model, details, *row, row.of(details)?))));
    // One stays free behind it.
    u16::try_from(widths.max().map_or(0, |width| width + 1)).unwrap_or(u16::MAX)
}

/// What is said about the chosen backup, where the table has no room for all of it.
pub fn cut_off(model: &Model, width: u16) -> Option<Vec<Piece>> {
    let details = model.shown_details()?;
    let row = *model.backup_rows().get(model.backup_cursor.selected)?;
    let pieces = about(model, details, row, row.of(details)?);
    let rows = model.backup_rows();
    let seconds = !shared_minutes(details, &rows).is_empty();
    let columns = columns(width, longest(model, details, &rows), seconds);
    let room = columns.last().map_or(0, |column| column.width);
    // Who asked for it stands last, and on its page.
    let by = usize::from(row.of(details)?.manifest.by != Principal::Schedule) * 2;
    let told = pieces.get(..pieces.len().saturating_sub(by)).unwrap_or_default();
    (wide(told) > usize::from(room)).then_some(pieces)
}

/// What there is between the daily ones, in a line: how many, and how old the newest is.
fn folded(model: &Model, details: &EnvironmentDetails) -> String {
    let count = recent(details).count();
    let newest = recent(details)
        .next()
        .map(|backup| words::short_age(backup.manifest.taken, model.now));
    let enter = if model.recents_open {
        "Enter folds"
    } else {
        "Enter opens"
    };
    format!("{count} recent, newest {} ({enter})", newest.unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_come_by_how_much_they_tell_and_fill_the_width() {
        for width in 52..200 {
            let columns = columns(width, 0, false);
            for pair in columns.windows(2) {
                assert!(pair[0].x + pair[0].width < pair[1].x, "{width}: {columns:?}");
            }
            let last = columns.last().unwrap();
            assert_eq!(last.tells, Tells::About);
            assert_eq!(last.x + last.width + 1, width);
            assert!(last.width >= ABOUT - 1 || width < 53, "{width}: {columns:?}");
        }
        let count = |width| columns(width, 0, false).len();
        assert_eq!((count(58), count(77), count(89), count(157)), (4, 5, 6, 7));
    }

    #[test]
    fn what_backups_are_about_is_not_cut_off_for_less() {
        for width in 52..200 {
            for longest in [0, 20, 40, 60] {
                let columns = columns(width, longest, false);
                let about = columns.last().unwrap().width;
                assert!(
                    columns.len() <= 6 || about + 1 >= longest.min(ALL_ABOUT),
                    "{width}: {columns:?}"
                );
            }
        }
    }
}
