//! The restore wizard: its steps on the first line, and the step it is at below.

use ratatui::layout::{Position, Rect};

use super::canvas::{Canvas, piece, shorten_middle, wrap};
use super::text::Text;
use super::{backup_table, field, plan, words};
use crate::domain::columns;
use crate::domain::settings::RepositoryChoice;
use crate::tui::action::Action;
use crate::tui::model::Model;
use crate::tui::model::wizard::{PlanState, Purpose, ScopeWhat, Step, Wizard};
use crate::tui::theme::Meaning;
use crate::tui::update::allowed;

/// The screen's title, in so many columns: once a backup is chosen, which one that is. Where there is no room for all of it, the time
/// goes, then the middle of the environment's name.
pub fn title(model: &Model, wizard: &Wizard, width: usize, more: &str) -> String {
    let what = match wizard.purpose {
        Purpose::Restore => "Restore ".to_owned(),
        Purpose::Undo => format!("Undo {} of ", wizard.taken_back()),
    };
    let name = wizard.environment.to_string();
    let chosen = model.wizard_backup().filter(|_| wizard.step != Step::Choose);
    let Some(backup) = chosen else {
        return what + &name;
    };
    let around = columns::count(&what) + 2;
    let named = words::taken(
        model,
        backup,
        width.saturating_sub(around + columns::count(&name)),
    );
    let room = width.saturating_sub(around + columns::count(&named)).max(12);
    format!("{what}{}: {named}", shorten_middle(&name, room, more))
}

/// Draws the wizard. Returns where the cursor stands while the name is typed.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model, wizard: &Wizard, area: Rect) -> Option<Position> {
    steps(canvas, wizard, area);
    let below = Rect::new(area.x, area.y + 2, area.width, area.height - 2);
    match wizard.step {
        Step::Choose => choose(canvas, model, wizard, below),
        Step::Scope => scope(canvas, model, wizard, below),
        Step::Plan => plan::text(model, wizard, area.width).draw(canvas, below, wizard.scroll),
        Step::Name => return Some(name(canvas, model, wizard, below)),
    }
    if let Some(problem) = &wizard.problem {
        let y = area.bottom() - 1;
        canvas.clear(Rect::new(area.x, y, area.width, 1));
        canvas.text(area.x, y, area.width, problem, Meaning::Warning);
    }
    None
}

fn steps(canvas: &mut Canvas<'_>, wizard: &Wizard, area: Rect) {
    let next = canvas.symbols().next;
    let mut pieces = Vec::new();
    for (index, step) in wizard.steps().iter().enumerate() {
        if index > 0 {
            pieces.push(piece(format!("  {next}  "), Meaning::Quiet));
        }
        let meaning = if *step == wizard.step {
            Meaning::FocusedTitle
        } else {
            Meaning::Quiet
        };
        pieces.push(piece(format!("{} {}", index + 1, step.label()), meaning));
    }
    canvas.pieces(area.x, area.y, area.width, &pieces);
}

fn choose(canvas: &mut Canvas<'_>, model: &Model, wizard: &Wizard, area: Rect) {
    let Some(details) = model.table_details() else {
        canvas.text(area.x, area.y, area.width, model.still_to_come(), Meaning::Quiet);
        return;
    };
    let rows = model.backup_rows();
    let height = area.height.saturating_sub(4);
    let table = Rect {
        height: height + 1,
        ..area
    };
    backup_table::draw(canvas, model, details, &rows, (&wizard.choice, true), table);
    let row = rows.get(wizard.choice.selected);
    let chosen = row.and_then(|row| row.of(details));
    let y = area.bottom() - 2;
    if let Some(backup) = chosen {
        let note = backup.manifest.note.as_deref();
        let words = match note {
            Some(note) => format!("{}, by {}: {note}", backup.id, backup.manifest.by),
            None => format!("{}, by {}", backup.id, backup.manifest.by),
        };
        canvas.text(area.x, y, area.width, &words, Meaning::Quiet);
    }
    if let Some((words, meaning)) = source(model) {
        canvas.text(area.x, y + 1, area.width, &words, meaning);
    }
}

/// Which of the two repositories a backup comes from, and what the key for the other one does. `None` where there is no other
/// one. Where there is room for one line, where the copy lies is left to the plan.
pub fn taken_from(model: &Model, from: RepositoryChoice, with_place: bool) -> Option<String> {
    let key = model.settings.keys.first(Action::OtherRepository);
    let place = model
        .table_details()
        .and_then(|details| details.copies.as_ref())
        .filter(|_| with_place)
        .map_or_else(String::new, |copies| format!(", {}", copies.repository));
    let only_there = model
        .wizard_backup()
        .zip(model.table_details())
        .is_some_and(|(backup, details)| details.is_only_copied(&backup.id));
    match from {
        RepositoryChoice::Copy if only_there => {
            Some(format!("the second repository, which alone has it{place}"))
        }
        RepositoryChoice::Copy => Some(format!(
            "its copy in the second repository{place}; {key} goes back to the first"
        )),
        RepositoryChoice::First if allowed::check(model, Action::OtherRepository).is_ok() => Some(format!(
            "the first repository; {key} takes its copy in the second one{place}"
        )),
        RepositoryChoice::First => None,
    }
}

/// Which of the two repositories the backup comes from, in a line. `None` where there is nothing to choose.
fn source(model: &Model) -> Option<(String, Meaning)> {
    model.wizard_backup()?;
    let from = model.wizard_source();
    let words = taken_from(model, from, false)?;
    let meaning = match from {
        RepositoryChoice::First => Meaning::Quiet,
        RepositoryChoice::Copy => Meaning::Title,
    };
    Some((format!("Taken from {words}."), meaning))
}

/// So many lines stand above the instances and workspaces.
pub fn scope_head(wizard: &Wizard) -> u16 {
    if wizard.replaced.is_some() { 3 } else { 2 }
}

fn scope(canvas: &mut Canvas<'_>, model: &Model, wizard: &Wizard, area: Rect) {
    // Where nothing is marked, nothing comes back.
    let all = wizard.scope_problem().is_none() && wizard.selection().is_everything();
    let key = |action| model.settings.keys.first(action);
    let words = if all {
        format!(
            "Everything will be restored. {} leaves one out, {} takes only this one.",
            key(Action::Toggle),
            key(Action::OnlyThis)
        )
    } else {
        "Only what is marked will be restored; everything else in Live stays as it is.".to_owned()
    };
    canvas.text(area.x, area.y, area.width, &words, Meaning::Quiet);
    let head = scope_head(wizard);
    let list = area.y + head;
    if wizard.replaced.is_some() {
        let key = key(Action::AllOrReplaced);
        let (words, meaning) = if wizard.takes_replaced() {
            (
                format!("It takes back the restore that this backup was taken for. {key} takes everything."),
                Meaning::Title,
            )
        } else {
            (
                format!("To take back the restore that took this backup, a part is enough: {key} takes it."),
                Meaning::Quiet,
            )
        };
        canvas.text(area.x, area.y + 1, area.width, &words, meaning);
    }
    if let Some((words, meaning)) = source(model) {
        canvas.text(area.x, list - 1, area.width, &words, meaning);
    }
    let symbols = canvas.symbols();
    let visible = usize::from(area.height.saturating_sub(head + 2));
    let cursor = &wizard.scope_cursor;
    let items = wizard.scope.iter().enumerate().skip(cursor.offset).take(visible);
    for ((number, item), y) in items.zip(list..) {
        let selected = number == cursor.selected;
        let meaning = if selected {
            Meaning::Selected
        } else {
            Meaning::Text
        };
        if selected {
            canvas.text(area.x, y, 1, symbols.marker, meaning);
        }
        let (mark, colour) = if item.taken {
            (symbols.good, Meaning::Good)
        } else {
            (symbols.none, Meaning::Quiet)
        };
        canvas.text(area.x + 2, y, 1, mark, colour);
        let (kind, name) = match &item.what {
            ScopeWhat::Instance(name) => ("instance", name.to_string()),
            ScopeWhat::Workspace(name) => ("workspace", name.clone()),
            // Paths are told apart by how they begin and how they end.
            ScopeWhat::Path(path) => {
                let room = usize::from(area.width.saturating_sub(15));
                ("path", shorten_middle(&path.to_string(), room, symbols.more))
            }
        };
        canvas.text(area.x + 4, y, 10, kind, Meaning::Quiet);
        canvas.text(area.x + 15, y, area.width - 15, &name, meaning);
        if selected {
            canvas.select(area.x, y, area.width, true);
        }
    }
    if wizard.scope.len() > cursor.offset + visible {
        canvas.text(area.right(), area.bottom() - 3, 1, symbols.below, Meaning::Key);
    }
    if cursor.offset > 0 {
        canvas.text(area.right(), list, 1, symbols.up, Meaning::Key);
    }
}

/// The last step: what is about to happen, and the field for the name.
fn name(canvas: &mut Canvas<'_>, model: &Model, wizard: &Wizard, area: Rect) -> Position {
    let width = area.width.min(90);
    let mut text = Text::new(width);
    if let Some(plan) = wizard.ready_plan() {
        let from = match plan.from {
            RepositoryChoice::First => "",
            RepositoryChoice::Copy => ", from the second repository",
        };
        text.paragraph(
            &format!(
                "{} goes back to {}{from}: {}.",
                wizard.environment,
                words::taken(model, &plan.backup, usize::MAX),
                plan.changed_in_words(),
            ),
            Meaning::Text,
        );
        if !plan.selection.is_everything() {
            let mark = [piece(format!("{} ", canvas.symbols().warning), Meaning::Warning)];
            text.marked(&mark, &plan::only_a_part(plan), Meaning::Warning);
        }
        text.blank();
    }
    match &wizard.plan {
        PlanState::Exchange(tables) => {
            let since = tables.iter().map(|tables| tables.at).min();
            let since = since.map_or_else(String::new, |at| format!(", which was live until {}", model.when().moment(at)));
            text.paragraph(
                &format!("{} is exchanged with what {} replaced{since}.", wizard.environment, wizard.taken_back()),
                Meaning::Text,
            );
            text.blank();
            text.paragraph(
                "That takes a moment. What is live now is set aside in the same way, so that this can be undone too.",
                Meaning::Quiet,
            );
        }
        _ if wizard.without_safety => {
            let mark = [piece(format!("{} ", canvas.symbols().warning), Meaning::Warning)];
            text.marked(&mark, plan::NO_SAFETY, Meaning::Warning);
            text.blank();
            text.paragraph(
                "Live is switched only when the restored content is complete and verified.",
                Meaning::Quiet,
            );
        }
        _ => text.paragraph(
            "A safety backup of Live is taken first, so that undo can go back. Live is switched only when the restored content is complete and verified.",
            Meaning::Quiet,
        ),
    }
    text.blank();
    text.line(vec![
        piece("Type ", Meaning::Text),
        piece(wizard.environment.to_string(), Meaning::Title),
        piece(" and press Enter:", Meaning::Text),
    ]);
    text.draw(canvas, area, 0);
    let y = area.y + u16::try_from(text.len()).unwrap_or(0) + 1;
    canvas.text(area.x, y, 2, canvas.symbols().next, Meaning::Key);
    let cursor = field::draw(canvas, &wizard.typed, Rect::new(area.x + 2, y, width - 3, 1));
    let after = if wizard.starting {
        Some(("asking the backend".to_owned(), Meaning::Quiet))
    } else {
        wizard.problem.clone().map(|problem| (problem, Meaning::Warning))
    };
    if let Some((words, meaning)) = after {
        for (line, y) in wrap(&words, usize::from(width)).iter().zip(y + 2..area.bottom()) {
            canvas.text(area.x, y, width, line, meaning);
        }
    }
    cursor
}
