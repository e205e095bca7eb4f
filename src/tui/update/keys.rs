//! What a person did: a key becomes an action through the one table, or text where somebody types.

use tui_input::InputRequest;

use super::{act, allowed, ask, careful, explore, forms, say, search, seek, selection_moved, tour, wizard};
use crate::domain::activity::Severity;
use crate::domain::free_text::TEXT_LIMIT;
use crate::domain::{measure, printable};
use crate::tui::action::{Action, Place, TABLE};
use crate::tui::effects::Effect;
use crate::tui::key::{Key, Pasted, Press};
use crate::tui::model::cursor::Motion;
use crate::tui::model::screens::{Dialog, Screen};
use crate::tui::model::selection::BackupChoice;
use crate::tui::model::{Model, Pane};
use crate::tui::view::layout;

/// A person has pressed a key.
pub fn pressed(model: &mut Model, press: Press) -> Vec<Effect> {
    match tour::pressed(model, press) {
        Some(effects) => effects,
        None => pressed_by_any(model, press),
    }
}

/// A key was pressed, by a person or by the tour.
pub fn pressed_by_any(model: &mut Model, press: Press) -> Vec<Effect> {
    // A key that comes right after an answer takes it back: nobody presses two of them as fast.
    careful::break_off(model);
    model.line = None;
    model.wish = None;
    let place = model.place();
    let action = model
        .settings
        .keys
        .action(press.key, place, model.goes_on_seeking());
    if model.is_too_small() {
        // Nothing can be seen: only keys that do no harm count.
        let asks_first = matches!(
            action,
            Some(Action::Quit | Action::QuitAnywhere | Action::Suspend)
        ) && !ask::running_here(model).is_empty();
        return match action {
            // The question could not be seen either.
            _ if asks_first => Vec::new(),
            Some(action @ (Action::Quit | Action::QuitAnywhere | Action::Suspend | Action::Redraw)) => {
                careful::act_on(model, action, press)
            }
            _ => Vec::new(),
        };
    }
    match action {
        Some(action) => careful::act_on(model, action, press),
        None if place == Place::Typing => typed(model, press.key),
        None => {
            if let Some(hint) = hint(model, place, press.key) {
                say(model, Severity::Warning, hint);
            }
            Vec::new()
        }
    }
}

/// A key was pressed together with Alt, or right after Esc on a slow line. It is never the key alone. Where something is
/// typed it moves by words, as in shells; elsewhere it is the Esc, which leaves everything as it is.
pub fn pressed_with_alt(model: &mut Model, key: Key) -> Vec<Effect> {
    careful::break_off(model);
    tour::leave_path(model);
    if model.is_too_small() {
        return Vec::new();
    }
    if model.place() != Place::Typing {
        return match model.settings.keys.action(Key::Esc, model.place(), false) {
            Some(action) => act::try_act(model, action),
            None => Vec::new(),
        };
    }
    let request = match key {
        Key::Char('b') | Key::Left => InputRequest::GoToPrevWord,
        Key::Char('f') | Key::Right => InputRequest::GoToNextWord,
        Key::Char('d') | Key::Delete => InputRequest::DeleteNextWord,
        Key::Backspace => InputRequest::DeletePrevWord,
        _ => return Vec::new(),
    };
    edit(model, |input| {
        input.handle(request);
    })
}

/// What to do instead of pressing a key that means nothing here.
fn hint(model: &Model, place: Place, key: Key) -> Option<String> {
    match place {
        Place::Grave if key == Key::Enter => {
            Some("Enter is not enough for this: press y, or Esc to leave it".to_owned())
        }
        _ if !matches!(key, Key::Char(_)) => None,
        // What is asked says by itself which keys there are.
        Place::Grave | Place::Question | Place::Notice | Place::Contexts | Place::Typing => None,
        // Names have no capitals: this is no name that is typed too early.
        Place::Choose | Place::Scope | Place::Plan
            if matches!(key, Key::Char(c) if c.is_uppercase())
                && allowed::check(model, Action::NextStep).is_ok() =>
        {
            let told = of_other_screens(model, key);
            let told = told.map_or_else(String::new, |told| format!("{told} does nothing in the wizard: "));
            Some(format!("{told}press Enter to go on"))
        }
        Place::Choose | Place::Scope => {
            Some("press Enter to go on to the plan: the name is typed after it".to_owned())
        }
        Place::Plan => Some(match allowed::check(model, Action::NextStep) {
            Ok(()) => "press Enter, then type the name".to_owned(),
            Err(why) => why,
        }),
        _ => not_here(model, key),
    }
}

/// That a key does something on other screens, and nothing on this one. `None` where it does nothing anywhere.
fn not_here(model: &Model, key: Key) -> Option<String> {
    let help = model.settings.keys.first(Action::Help);
    let told = of_other_screens(model, key)?;
    Some(format!(
        "{told} does nothing on this screen: {help} lists the keys that do"
    ))
}

/// A key, with what it does elsewhere: on most of the screens where it does something.
fn of_other_screens(model: &Model, key: Key) -> Option<String> {
    let keys = &model.settings.keys;
    let rows = TABLE.iter().filter(|row| {
        let is_there = row.action != Action::BreakLive || model.is_demo();
        is_there && !row.action.is_of_tour() && !row.action.goes_on() && keys.keys(row.action).contains(&key)
    });
    let row = rows.min_by_key(|row| std::cmp::Reverse(row.places.len()))?;
    Some(format!("{} ({})", key.label(), row.label))
}

/// Text was pasted: it goes where text goes, in one piece, and nowhere else. A line end in it confirms nothing.
pub fn pasted(model: &mut Model, pasted: &Pasted) -> Vec<Effect> {
    careful::break_off(model);
    tour::leave_path(model);
    if model.is_too_small() {
        return Vec::new();
    }
    if model.place() != Place::Typing {
        let why = if pasted.marked {
            "text was pasted where nothing is typed: it was not used"
        } else {
            "that came faster than anybody types: it counts as pasted and was not used"
        };
        say(model, Severity::Warning, why);
        return Vec::new();
    }
    let ends_a_line = pasted.text.ends_with(['\n', '\r']);
    let text = printable::typed(&pasted.text).trim().to_owned();
    let mut left_out = pasted.left_out;
    let effects = edit(model, |input| left_out += insert(input, &text));
    if left_out > 0 {
        let kept = measure::count(TEXT_LIMIT as u64);
        say(
            model,
            Severity::Warning,
            format!("the pasted text was too long and has been cut: {kept} characters fit here"),
        );
    } else if ends_a_line && !pasted.marked {
        say(
            model,
            Severity::Warning,
            "Enter came together with text and was left out: press it by itself",
        );
    }
    effects
}

/// Puts text in at the cursor, in one piece and as far as there is room. Gives how many characters were left out.
fn insert(input: &mut tui_input::Input, text: &str) -> usize {
    let before = input.value().chars().count();
    let fits = TEXT_LIMIT.saturating_sub(before);
    let taken: String = text.chars().take(fits).collect();
    let cursor = input.cursor();
    let at = input
        .value()
        .char_indices()
        .nth(cursor)
        .map_or(input.value().len(), |(at, _)| at);
    let (head, tail) = input.value().split_at(at);
    let count = taken.chars().count();
    *input = tui_input::Input::new(format!("{head}{taken}{tail}")).with_cursor(cursor + count);
    text.chars().count() - count
}

/// The wheel was turned.
pub fn turned(model: &mut Model, up: bool) -> Vec<Effect> {
    if matches!(model.place(), Place::Typing | Place::Question | Place::Grave) {
        return Vec::new();
    }
    act::scroll(model, if up { Motion::Up } else { Motion::Down })
}

/// The left button was pressed.
pub fn clicked(model: &mut Model, column: u16, row: u16) -> Vec<Effect> {
    if model.dialog.is_some()
        || !model.screens.is_empty()
        || model.filtering.is_some()
        || model.is_too_small()
    {
        return Vec::new();
    }
    match layout::hit(model, column, row) {
        Some(layout::Hit::Environment(row)) => {
            model.pane = Pane::Environments;
            model.fleet.select_near(row, false);
            selection_moved(model)
        }
        Some(layout::Hit::Backup(row)) => {
            model.pane = Pane::Backups;
            model.backup_choice = BackupChoice::Somebodys;
            model.backup_cursor.selected = row;
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn typed(model: &mut Model, key: Key) -> Vec<Effect> {
    let request = match key {
        Key::Char(c) => {
            return edit(model, |input| {
                insert(input, c.encode_utf8(&mut [0; 4]));
            });
        }
        Key::Backspace => InputRequest::DeletePrevChar,
        Key::Delete => InputRequest::DeleteNextChar,
        Key::Left => InputRequest::GoToPrevChar,
        Key::Right => InputRequest::GoToNextChar,
        Key::Home | Key::Ctrl('a') => InputRequest::GoToStart,
        Key::End | Key::Ctrl('e') => InputRequest::GoToEnd,
        Key::Ctrl('w') => InputRequest::DeletePrevWord,
        Key::Ctrl('u') => InputRequest::DeleteLine,
        Key::Ctrl('k') => InputRequest::DeleteTillEnd,
        Key::Up => return moved_while_typing(model, Motion::Up),
        Key::Down => return moved_while_typing(model, Motion::Down),
        _ => return Vec::new(),
    };
    edit(model, |input| {
        input.handle(request);
    })
}

/// The arrows choose among what the text has found.
fn moved_while_typing(model: &mut Model, motion: Motion) -> Vec<Effect> {
    if let Some(Dialog::Palette(palette)) = &model.dialog {
        let found = forms::palette_matches(model, palette.input.value()).len();
        if let Some(Dialog::Palette(palette)) = &mut model.dialog {
            palette.cursor.go(motion, found, layout::PALETTE_ROWS);
        }
        return Vec::new();
    }
    if model.types_seek() {
        return seek::next(model, motion == Motion::Down);
    }
    if let Some(Screen::Search(_)) = model.screens.last() {
        return explore::scroll(model, motion);
    }
    if model.dialog.is_none() && model.filtering.is_some() {
        let page = layout::heights(model).environments;
        model.fleet.go(motion, page);
        return selection_moved(model);
    }
    Vec::new()
}

/// Changes what is being typed.
fn edit(model: &mut Model, change: impl FnOnce(&mut tui_input::Input)) -> Vec<Effect> {
    match &mut model.dialog {
        Some(Dialog::Form(form)) => {
            form.problem = None;
            if let Some(field) = form.fields.get_mut(form.active) {
                change(&mut field.input);
            }
            return Vec::new();
        }
        Some(Dialog::Palette(palette)) => {
            change(&mut palette.input);
            palette.cursor.selected = 0;
            palette.cursor.offset = 0;
            return Vec::new();
        }
        _ => {}
    }
    if model.types_seek() {
        return seek::edit(model, change);
    }
    if let Some(Screen::Wizard(wizard)) = model.screens.last_mut() {
        wizard::edit(wizard, change);
        return Vec::new();
    }
    if let Some(Screen::Search(_)) = model.screens.last() {
        return search::edit(model, change);
    }
    let Some(input) = &mut model.filtering else {
        return Vec::new();
    };
    change(input);
    let text = input.value().to_owned();
    let before = model.fleet.selected().map(|summary| summary.name.clone());
    model.fleet.set_filter(&text);
    if before.as_ref() == model.fleet.selected().map(|summary| &summary.name) {
        return Vec::new();
    }
    selection_moved(model)
}
