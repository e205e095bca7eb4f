//! The caption of the tour, below the cockpit: which step it is, why, and what the presenter's key does.

use ratatui::layout::Rect;

use super::canvas::{Canvas, Piece, piece, wide, wrap};
use crate::tui::action::Action;
use crate::tui::model::Model;
use crate::tui::theme::Meaning;
use crate::tui::tour::steps::{Press, STEPS, Step, Words};
use crate::tui::tour::{Run, Tour};
use crate::tui::update;

/// Lines that are longer are hard to read from far away.
const READABLE: u16 = 110;
/// How many lines the text has.
const LINES: usize = 3;
/// Between two keys.
const GAP: &str = "   ";

/// Draws what is below the cockpit.
pub fn draw(canvas: &mut Canvas<'_>, model: &Model) {
    let Some(tour) = &model.tour else {
        return;
    };
    let top = model.size.height;
    let area = Rect::new(0, top, model.terminal.width, model.terminal.height - top);
    if tour.on_path {
        caption(canvas, model, tour, area);
    } else {
        away(canvas, model, tour, area);
    }
}

fn number(tour: &Tour) -> String {
    format!(" TOUR {} of {} ", tour.at + 1, STEPS.len())
}

/// The one line that is left of it while somebody plays.
fn away(canvas: &mut Canvas<'_>, model: &Model, tour: &Tour, area: Rect) {
    let key = model.settings.keys.first(Action::Tour);
    let words = if tour.is_over() {
        " The tour is over: q ends the program. "
    } else {
        " The tour waits: the cockpit is yours. "
    };
    let pieces = [
        piece(number(tour), Meaning::Mark),
        piece(words, Meaning::Text),
        piece(key, Meaning::Key),
        piece(format!(" {}", super::chrome::BACK_TO_THE_TOUR), Meaning::Text),
    ];
    canvas.pieces(0, area.y, area.width, &pieces);
}

fn caption(canvas: &mut Canvas<'_>, model: &Model, tour: &Tour, area: Rect) {
    let step = tour.step();
    canvas.across(0, area.y, area.width, Meaning::Rule);
    let title = [
        piece(number(tour), Meaning::Mark),
        piece(format!(" {} ", step.title), Meaning::FocusedTitle),
    ];
    let taken = canvas.pieces(0, area.y, area.width, &title);
    // It is the same at every step, and the keys of a step need their line.
    let leave = [
        piece(" ", Meaning::Text),
        piece(model.settings.keys.first(Action::Tour), Meaning::Key),
        piece(format!(" {} ", Action::Tour.row().label), Meaning::Text),
    ];
    let needed = u16::try_from(wide(&leave)).unwrap_or(u16::MAX);
    if needed <= area.width - taken {
        canvas.pieces(area.right() - needed, area.y, needed, &leave);
    }
    let width = area.width.saturating_sub(2).min(READABLE);
    let meaning = if matches!(tour.run, Run::Stuck(_)) && !tour.is_earlier() {
        Meaning::Warning
    } else {
        Meaning::Text
    };
    let lines = wrap(&tour.text(), usize::from(width));
    for (line, y) in lines.iter().take(LINES).zip(area.y + 1..) {
        canvas.text(1, y, width, line, meaning);
    }
    keys(canvas, model, tour, area.bottom() - 1, area.width);
}

/// What is pressed now, or what the keys of the tour do.
fn keys(canvas: &mut Canvas<'_>, model: &Model, tour: &Tour, y: u16, width: u16) {
    let step = tour.step();
    if let (Some(going), false) = (tour.going(), tour.is_earlier()) {
        let mut pieces = vec![piece("pressed: ", Meaning::Quiet)];
        for (number, words) in pressed(model, step) {
            let meaning = match number.cmp(&going.beat) {
                std::cmp::Ordering::Less => Meaning::Quiet,
                std::cmp::Ordering::Equal => Meaning::Mark,
                std::cmp::Ordering::Greater => Meaning::Text,
            };
            pieces.push(piece(words, meaning));
            pieces.push(piece(" ", Meaning::Text));
        }
        canvas.pieces(1, y, width - 2, &pieces);
        return;
    }
    let key = |action| piece(model.settings.keys.first(action), Meaning::Key);
    let rest = match tour.at {
        // How long somebody stays at a step is theirs: how much is left would be a guess that stands still.
        0 => vec![piece(
            format!("about {} min in all", Tour::minutes()),
            Meaning::Quiet,
        )],
        _ => vec![key(Action::TourBack), piece(" back", Meaning::Text)],
    };
    let room = width - 2;
    let taken = u16::try_from(wide(&rest)).unwrap_or(room).min(room);
    canvas.pieces(1 + room - taken, y, taken, &rest);
    let mut pieces = vec![key(Action::TourOn)];
    pieces.extend(does(model, tour));
    canvas.pieces(1, y, room - taken - 1, &pieces);
}

/// What the presenter's key does now, and by which keys the same is done by hand.
fn does(model: &Model, tour: &Tour) -> Vec<Piece> {
    let step = tour.step();
    let goes_on = tour.is_earlier() || tour.run == Run::Done;
    if goes_on {
        let words = if tour.is_over() { "end the tour" } else { "go on" };
        return vec![piece(format!(" {words}"), Meaning::Text)];
    }
    let by_hand: Vec<String> = step
        .beats
        .iter()
        .filter_map(|beat| by_hand(model, beat.press))
        .collect();
    vec![
        piece(format!(" {}", step.does), Meaning::Text),
        piece(
            format!("{GAP}keys: {}", counted(&by_hand).join(" ")),
            Meaning::Quiet,
        ),
    ]
}

/// Keys in their order, with one that is pressed several times in a row said once: `Enter x3`.
fn counted(keys: &[String]) -> Vec<String> {
    let runs = keys.chunk_by(|one, next| one == next);
    let said = runs.filter_map(|run| {
        let key = run.first()?;
        Some(match run.len() {
            1 => key.clone(),
            times => format!("{key} x{times}"),
        })
    });
    said.collect()
}

/// What is pressed by hand for it: of a text, what it is.
fn by_hand(model: &Model, press: Press) -> Option<String> {
    match press {
        Press::Text(Words::Note) => Some("note".to_owned()),
        Press::Text(Words::Lost | Words::Environment) => Some("name".to_owned()),
        other => pressed_now(model, other),
    }
}

/// What a press is on the screen. Arrows, and the way back to the main screen, go without saying.
fn pressed_now(model: &Model, press: Press) -> Option<String> {
    match press {
        Press::Key(action) => Some(model.settings.keys.first(action)),
        Press::Mark => Some(model.settings.keys.first(Action::Mark)),
        Press::Text(words) => Some(update::tour::text(model, words)),
        Press::Home | Press::To(_) | Press::Nothing => None,
    }
}

/// What a step presses, with the numbers of its beats.
fn pressed(model: &Model, step: &Step) -> Vec<(usize, String)> {
    let beats = step.beats.iter().enumerate();
    beats
        .filter_map(|(number, beat)| Some((number, pressed_now(model, beat.press)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_pressed_again_is_said_once() {
        let keys = ["r", "Enter", "Enter", "Enter", "name", "Enter"].map(str::to_owned);
        assert_eq!(counted(&keys), ["r", "Enter x3", "name", "Enter"]);
        assert_eq!(counted(&[]), [""; 0]);
    }
}
