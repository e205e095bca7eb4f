//! Typing into a search: what is typed is looked for once it rests, but for texts in properties, which reads all of the
//! content and begins with Enter.

use super::explore;
use crate::domain::explore::By;
use crate::tui::effects::{Effect, Timer};
use crate::tui::model::Model;
use crate::tui::model::explore::search::Search;
use crate::tui::model::screens::Screen;

fn search(model: &mut Model) -> Option<&mut Search> {
    match model.screens.last_mut() {
        Some(Screen::Search(search)) => Some(search),
        _ => None,
    }
}

/// What is typed changes.
pub fn edit(model: &mut Model, change: impl FnOnce(&mut tui_input::Input)) -> Vec<Effect> {
    if let Some(search) = search(model) {
        change(&mut search.input);
    }
    model.moves += 1;
    let rest = model.settings.care.typing_rests;
    vec![Effect::After(rest, Timer::Rested(model.moves))]
}

/// What is typed has rested.
pub fn rested(search: &mut Search) {
    if search.is_typed && search.by != By::Text && !search.is_current() {
        search.begin();
    }
}

/// Tab: something else to look for by, or somewhere else to look.
pub fn turn(model: &mut Model, forward: bool) -> Vec<Effect> {
    if let Some(search) = search(model) {
        if forward {
            search.next_by();
        } else {
            search.next_scope();
        }
        search.begin();
        if search.by == By::Text {
            search.text = None;
        }
    }
    Vec::new()
}

/// Enter: looks for what is typed, or goes to what was found of it.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let Some(search) = search(model) else {
        return Vec::new();
    };
    if !search.is_current() {
        search.begin();
        return Vec::new();
    }
    if search.finds.selected().is_none() {
        return Vec::new();
    }
    search.is_typed = false;
    explore::go_there(model)
}
