//! Dialogs: forms, questions, messages and the palette. Each names what it is about, and wraps rather than cuts.

use ratatui::layout::{Position, Rect};

use super::canvas::{Canvas, piece, wrap};
use super::chrome::{label, moment_and_age};
use super::contexts;
use super::field;
use super::layout::PALETTE_ROWS;
use super::text::Text;
use super::words;
use crate::domain::ahead::Look;
use crate::domain::environment::EnvironmentName;
use crate::domain::retention;
use crate::domain::slot::Slot;
use crate::tui::model::Model;
use crate::tui::model::screens::{Dialog, Form, FormKind, Notice, Palette, Question};
use crate::tui::theme::Meaning;
use crate::tui::update;
use crate::tui::update::saving;

/// How wide dialogs are.
const WIDTH: u16 = 72;
/// How wide the inside of one is.
const INSIDE: u16 = WIDTH - 4;

/// So many paths are named in a form.
const PATHS: usize = 5;

/// Draws a dialog. Returns where the cursor stands in it.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, dialog: &Dialog) -> Option<Position> {
    match dialog {
        Dialog::Form(form) => Some(draw_form(canvas, model, form)),
        Dialog::Question(question) => {
            draw_question(canvas, model, question);
            None
        }
        Dialog::Notice(notice) => {
            draw_notice(canvas, model, notice);
            None
        }
        Dialog::Palette(palette) => Some(draw_palette(canvas, model, palette)),
        Dialog::Contexts(cursor) => {
            contexts::draw(canvas, model, cursor);
            None
        }
    }
}

/// A frame in the middle of the screen with so many rows inside.
fn frame(canvas: &mut Canvas<'_>, model: &Model, rows: usize, title: &str, meaning: Meaning) -> Rect {
    let rows = u16::try_from(rows).unwrap_or(u16::MAX);
    let height = rows.saturating_add(2).min(model.size.height - 3);
    let x = (model.size.width - WIDTH) / 2;
    let y = 1 + (model.size.height - 3 - height) / 2;
    canvas.frame(Rect::new(x, y, WIDTH, height), title, meaning)
}

fn form_title(kind: &FormKind) -> String {
    use crate::domain::request::HoldKind;
    match kind {
        FormKind::Backup(name) => format!("Manual backup of {name}"),
        FormKind::UpgradeBackup(name) => format!("Backup before an upgrade of {name}"),
        FormKind::Export(name, source, paths) => match paths.as_slice() {
            [_] => format!("Export out of {name}, {}", source.short()),
            paths => format!("Export {} marked out of {name}, {}", paths.len(), source.short()),
        },
        FormKind::Approve(name, _) => format!("Agree to a restore of {name}"),
        FormKind::Reject(name, _) => format!("Reject a restore of {name}"),
        FormKind::Pin(name, id) => format!("Pin backup {id} of {name}"),
        FormKind::Hold(name, HoldKind::Maintenance) => format!("Maintenance mode of {name}"),
        FormKind::Hold(name, HoldKind::Protection) => format!("Protect {name}"),
        FormKind::Save => "Save what is on the screen".to_owned(),
    }
}

/// Whether a restore of the environment waits for another owner.
fn waits_anew(model: &Model, name: &EnvironmentName) -> bool {
    model
        .fleet
        .get(name)
        .is_some_and(|summary| summary.asked.is_some())
}

/// What a backup by hand would do: what goes for it, and what may.
fn of_backup(text: &mut Text, model: &Model, name: &EnvironmentName) {
    text.paragraph(
        "Copies every workspace of every instance, reads the copy back, and only then lets go of the older one.",
        Meaning::Quiet,
    );
    text.blank();
    let details = model.details.get(name);
    let replaced =
        details.map(|details| retention::replaced_by_next(&details.backups, &details.keep, Slot::Manual));
    match replaced {
        Some(Some(backup)) => {
            let note = backup.manifest.note.as_deref();
            let note = note.map_or_else(String::new, |note| format!(": \"{note}\""));
            text.marked(
                &[piece("Replaces ", Meaning::Warning)],
                &format!(
                    "the manual backup {} of {}{note}",
                    backup.id,
                    moment_and_age(backup.manifest.taken, model)
                ),
                Meaning::Text,
            );
        }
        Some(None) => text.paragraph("Replaces nothing: the manual slot has room.", Meaning::Text),
        None => text.paragraph(
            "Which older backup it replaces is still being read.",
            Meaning::Quiet,
        ),
    }
    let look = Look {
        now: model.now,
        settled: model.now,
    };
    let kept = details.map(|details| {
        retention::kept_for_holding_more(&details.backups, &details.keep, Slot::Manual, &look)
    });
    for kept in kept.into_iter().flatten() {
        text.paragraph(
            &format!(
                "Look whether Live is whole first: backup {} of {}, kept because what came after it holds much less, goes \
                 as well if this one holds about as much.",
                kept.id,
                moment_and_age(kept.manifest.taken, model)
            ),
            Meaning::Warning,
        );
    }
}

/// What sending the form would do.
fn form_text(model: &Model, kind: &FormKind) -> Text {
    use crate::domain::request::HoldKind;
    let mut text = Text::new(INSIDE);
    match kind {
        FormKind::Backup(name) => of_backup(&mut text, model, name),
        FormKind::UpgradeBackup(_) => text.paragraph(
            "Stands outside the four slots and is kept for 48 hours. While it stands, no further upgrade of this Live is accepted.",
            Meaning::Quiet,
        ),
        FormKind::Export(_, _, paths) => {
            for path in paths.iter().take(PATHS) {
                text.paragraph(&path.to_string(), Meaning::Text);
            }
            if paths.len() > PATHS {
                text.paragraph(&format!("and {} more", paths.len() - PATHS), Meaning::Text);
            }
            text.blank();
            text.paragraph(
                "With all that is below, into a folder on this machine. xml and yaml: what Magnolia's own import takes, ids kept. \
                 files: folders and files to look at; of content in folders the files themselves. Nothing is written over.",
                Meaning::Quiet,
            );
        }
        FormKind::Approve(name, plan) | FormKind::Reject(name, plan) => {
            let asked = model.fleet.get(name).and_then(|summary| summary.asked.as_ref());
            match asked.filter(|asked| asked.plan == *plan) {
                Some(asked) => {
                    text.paragraph(&format!("The {}.", asked.in_words()), Meaning::Text);
                    for moved in &asked.moved {
                        text.marked(&[piece("! Not as it was asked: ", Meaning::Warning)], moved, Meaning::Text);
                    }
                    for warning in &asked.warnings {
                        text.marked(&[piece("! ", Meaning::Warning)], warning, Meaning::Text);
                    }
                }
                None if waits_anew(model, name) => text.paragraph(
                    "It waits with another plan now. Esc closes this; open it again to look at that one.",
                    Meaning::Warning,
                ),
                None => text.paragraph("It does not wait any more.", Meaning::Warning),
            }
            if matches!(kind, FormKind::Approve(..)) {
                text.paragraph(
                    &format!("It begins at once. Type {name} to agree."),
                    Meaning::Quiet,
                );
            }
        }
        FormKind::Pin(..) => text.paragraph(
            "It is kept whatever its slot does. Until is its last day (UTC), such as 2027-03-31; left empty, it is kept for ever.",
            Meaning::Text,
        ),
        FormKind::Hold(_, HoldKind::Maintenance) => text.paragraph(
            "Jobs wait, with the reason shown, until maintenance mode is lifted.",
            Meaning::Quiet,
        ),
        FormKind::Save => saving_text(&mut text, model),
        FormKind::Hold(_, HoldKind::Protection) => text.paragraph(
            "Restores are refused, with the reason shown, until protection is lifted.",
            Meaning::Quiet,
        ),
    }
    text
}

/// Where a file goes, and as what.
fn saving_text(text: &mut Text, model: &Model) {
    if let Some(folder) = &model.settings.beyond.folder {
        let goes = format!("It goes into {folder}, unless the name says another folder.");
        text.paragraph(&goes, Meaning::Text);
    }
    let endings = if saving::is_list(model) {
        "The ending of the name says the format: .csv, .json, or .txt for text."
    } else {
        "It is text: the name ends with .txt."
    };
    text.paragraph(endings, Meaning::Text);
    text.paragraph("A file that is there is never replaced.", Meaning::Quiet);
}

fn draw_form(canvas: &mut Canvas<'_>, model: &Model, form: &Form) -> Position {
    let mut text = form_text(model, &form.kind);
    text.blank();
    let problem = form.problem.as_ref().map(|problem| {
        let mut text = Text::new(INSIDE);
        text.paragraph(problem, Meaning::Warning);
        text
    });
    let problem_rows = problem.as_ref().map_or(0, Text::len);
    let rows = text.len() + form.fields.len() + problem_rows;
    let title = form_title(&form.kind);
    let inside = frame(canvas, model, rows, &title, Meaning::FocusedTitle);
    text.draw(canvas, inside, 0);
    let mut y = inside.y + u16::try_from(text.len()).unwrap_or(0);
    let mut cursor = Position::new(inside.x, y);
    for (index, line) in form.fields.iter().enumerate() {
        let active = index == form.active;
        let meaning = if active { Meaning::Key } else { Meaning::Quiet };
        canvas.text(inside.x, y, 11, line.label, meaning);
        canvas.text(inside.x + 11, y, 2, canvas.symbols().next, meaning);
        let at = field::draw(
            canvas,
            &line.input,
            Rect::new(inside.x + 13, y, inside.width - 13, 1),
        );
        if active {
            cursor = at;
        }
        y += 1;
    }
    if let Some(problem) = problem {
        problem.draw(canvas, Rect { y, ..inside }, 0);
    }
    cursor
}

fn draw_question(canvas: &mut Canvas<'_>, model: &Model, question: &Question) {
    let mut text = Text::new(INSIDE);
    for paragraph in &question.text {
        text.paragraph(paragraph, Meaning::Text);
    }
    if let Some(lost) = &question.lost {
        text.paragraph(lost, Meaning::Critical);
    }
    text.blank();
    // What cannot be taken back has the colour of what is serious, and another key.
    let (yes, meaning, title) = if question.is_grave() {
        let title = format!("{} {}", canvas.symbols().critical, question.title);
        ("y", Meaning::Critical, title)
    } else {
        ("Enter", Meaning::Warning, question.title.clone())
    };
    text.line(vec![
        piece(yes, Meaning::Key),
        piece(format!(" {}", question.yes), Meaning::Text),
        piece("    Esc", Meaning::Key),
        piece(" leave it", Meaning::Text),
    ]);
    let inside = frame(canvas, model, text.len(), &title, meaning);
    text.draw(canvas, inside, 0);
}

/// How many rows of a message are visible.
pub fn notice_rows(model: &Model) -> usize {
    usize::from(model.size.height.saturating_sub(7))
}

/// The whole text of a message.
pub fn notice_text(_model: &Model, notice: &Notice) -> Text {
    let mut text = Text::new(INSIDE);
    text.paragraph(&notice.text, Meaning::Text);
    text
}

fn draw_notice(canvas: &mut Canvas<'_>, model: &Model, notice: &Notice) {
    let text = notice_text(model, notice);
    let rows = text.len().min(notice_rows(model));
    let (symbol, meaning) = words::severity(notice.severity, canvas.symbols());
    let title = format!("{symbol} {}", notice.title);
    let inside = frame(canvas, model, rows, &title, meaning);
    text.draw(canvas, inside, notice.scroll);
}

/// How wide the palette is at most.
const PALETTE: u16 = 120;
/// How many rows the whole sentence of the selected action takes.
const SENTENCE: u16 = 2;

fn draw_palette(canvas: &mut Canvas<'_>, model: &Model, palette: &Palette) -> Position {
    let found = update::palette_matches(model, palette.input.value());
    let list = u16::try_from(PALETTE_ROWS).unwrap_or(1);
    // The typed text, an empty row, the actions, a line, and the sentence.
    let height = (1 + 1 + list + 1 + SENTENCE + 2).min(model.size.height - 3);
    let width = model.size.width.saturating_sub(8).clamp(WIDTH, PALETTE);
    let place = Rect::new(
        (model.size.width - width) / 2,
        1 + (model.size.height - 3 - height) / 2,
        width,
        height,
    );
    let inside = canvas.frame(
        place,
        "Actions: Enter runs the selected one",
        Meaning::FocusedTitle,
    );
    canvas.text(inside.x, inside.y, 1, ":", Meaning::Key);
    let cursor = field::draw(
        canvas,
        &palette.input,
        Rect::new(inside.x + 1, inside.y, inside.width - 1, 1),
    );
    if found.is_empty() {
        let text = "Nothing fits. Esc goes back.";
        canvas.text(inside.x, inside.y + 2, inside.width, text, Meaning::Quiet);
    }
    let rows = found
        .iter()
        .enumerate()
        .skip(palette.cursor.offset)
        .take(PALETTE_ROWS);
    for ((number, row), y) in rows.zip(inside.y + 2..inside.bottom()) {
        let selected = number == palette.cursor.selected;
        let meaning = if selected {
            Meaning::Selected
        } else {
            Meaning::Text
        };
        if selected {
            canvas.text(inside.x, y, 1, canvas.symbols().marker, meaning);
        }
        let key = model.settings.keys.first(row.action);
        canvas.text(inside.x + 2, y, 6, &key, Meaning::Key);
        canvas.text(inside.x + 8, y, 16, label(model, row), meaning);
        let x = inside.x + 24;
        canvas.text(x, y, inside.right().saturating_sub(x), row.help, Meaning::Quiet);
        if selected {
            canvas.select(inside.x, y, inside.width, true);
        }
    }
    if let Some(row) = found.get(palette.cursor.selected) {
        let y = inside.bottom() - SENTENCE - 1;
        canvas.across(inside.x, y, inside.width, Meaning::Rule);
        let sentence = wrap(row.help, usize::from(inside.width));
        for (line, y) in sentence.iter().zip(y + 1..inside.bottom()) {
            canvas.text(inside.x, y, inside.width, line, Meaning::Text);
        }
    }
    cursor
}
