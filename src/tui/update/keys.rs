//! What a person did: a key becomes an action through the one table, or text where somebody types.

use tui_input::InputRequest;

use super::{act, allowed, forms, say, selection_moved, wizard};
use crate::domain::activity::Severity;
use crate::domain::printable;
use crate::tui::action::{Action, Place};
use crate::tui::effects::Effect;
use crate::tui::key::Key;
use crate::tui::model::cursor::Motion;
use crate::tui::model::screens::{Dialog, Screen};
use crate::tui::model::{Model, Pane, SMALLEST};
use crate::tui::view::layout;

/// A key was pressed.
pub fn pressed(model: &mut Model, key: Key) -> Vec<Effect> {
    let place = model.place();
    model.line = None;
    if is_too_small(model) && place != Place::Typing {
        // Nothing can be seen: only keys that do no harm count.
        return match Action::of(key, place) {
            Some(action @ (Action::Quit | Action::QuitAnywhere | Action::Suspend | Action::Redraw)) => {
                act::act(model, action)
            }
            _ => Vec::new(),
        };
    }
    match Action::of(key, place) {
        Some(action) => act::try_act(model, action),
        None if place == Place::Typing => typed(model, key),
        None => {
            if matches!(key, Key::Char(_))
                && let Some(hint) = wizard_hint(model, place)
            {
                say(model, Severity::Warning, hint);
            }
            Vec::new()
        }
    }
}

/// What to do instead of typing in a step of the wizard where nothing is typed.
fn wizard_hint(model: &Model, place: Place) -> Option<String> {
    match place {
        Place::Choose | Place::Scope => {
            Some("press Enter to go on to the plan: the name is typed after it".to_owned())
        }
        Place::Plan => Some(match allowed::check(model, Action::NextStep) {
            Ok(()) => "press Enter, then type the name".to_owned(),
            Err(why) => why,
        }),
        _ => None,
    }
}

fn is_too_small(model: &Model) -> bool {
    model.size.width < SMALLEST.width || model.size.height < SMALLEST.height
}

/// Text was pasted: it goes where text goes, and nowhere else. A line end in it confirms nothing.
pub fn pasted(model: &mut Model, text: &str) -> Vec<Effect> {
    if model.place() != Place::Typing {
        say(
            model,
            Severity::Warning,
            "text was pasted where nothing is typed: it was not used",
        );
        return Vec::new();
    }
    let text = printable::typed(text).trim().to_owned();
    let mut effects = Vec::new();
    for c in text.chars() {
        effects = edit(model, InputRequest::InsertChar(c));
    }
    effects
}

/// The wheel was turned.
pub fn turned(model: &mut Model, up: bool) -> Vec<Effect> {
    if model.place() == Place::Typing || model.place() == Place::Question {
        return Vec::new();
    }
    act::scroll(model, if up { Motion::Up } else { Motion::Down })
}

/// The left button was pressed.
pub fn clicked(model: &mut Model, column: u16, row: u16) -> Vec<Effect> {
    if model.dialog.is_some() || !model.screens.is_empty() || model.filtering.is_some() || is_too_small(model)
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
            model.backup_cursor.selected = row;
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn typed(model: &mut Model, key: Key) -> Vec<Effect> {
    let request = match key {
        Key::Char(c) => InputRequest::InsertChar(c),
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
    edit(model, request)
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
    if model.dialog.is_none() && model.filtering.is_some() {
        let page = layout::heights(model).environments;
        model.fleet.go(motion, page);
        return selection_moved(model);
    }
    Vec::new()
}

fn edit(model: &mut Model, request: InputRequest) -> Vec<Effect> {
    match &mut model.dialog {
        Some(Dialog::Form(form)) => {
            form.problem = None;
            if let Some(field) = form.fields.get_mut(form.active) {
                field.input.handle(request);
            }
            return Vec::new();
        }
        Some(Dialog::Palette(palette)) => {
            palette.input.handle(request);
            palette.cursor.selected = 0;
            palette.cursor.offset = 0;
            return Vec::new();
        }
        _ => {}
    }
    if let Some(Screen::Wizard(wizard)) = model.screens.last_mut() {
        wizard::edit(wizard, request);
        return Vec::new();
    }
    let Some(input) = &mut model.filtering else {
        return Vec::new();
    };
    input.handle(request);
    let text = input.value().to_owned();
    let before = model.fleet.selected().map(|summary| summary.name.clone());
    model.fleet.set_filter(&text);
    if before.as_ref() == model.fleet.selected().map(|summary| &summary.name) {
        return Vec::new();
    }
    selection_moved(model)
}
