//! What keys do in the fleet at a glance.

use super::{allowed, say, selection_moved};
use crate::domain::activity::Severity;
use crate::domain::state::EnvironmentSummary;
use crate::tui::action::Action;
use crate::tui::effects::Effect;
use crate::tui::model::cursor::{Cursor, Motion};
use crate::tui::model::overview::{self, Overview};
use crate::tui::model::screens::Screen;
use crate::tui::model::{Model, Pane};

/// Opens it, and asks the other contexts for their environments.
pub fn open(model: &mut Model) -> Vec<Effect> {
    let mut overview = Overview {
        order: model.looks.fleet,
        ..Overview::default()
    };
    let mut effects = Vec::new();
    if model.settings.elsewhere.is_some() {
        for choice in &model.settings.contexts {
            // A context of this machine's own engine cannot be looked at beside another one.
            if choice.name != model.settings.context && choice.is_a_service {
                overview.elsewhere.insert(choice.name.clone(), None);
                effects.push(Effect::LookElsewhere(choice.name.clone()));
            }
        }
    }
    model.screens.push(Screen::Fleet(Box::new(overview)));
    effects
}

/// Another context has answered, or cannot be reached.
pub fn heard(model: &mut Model, context: String, answer: Result<Vec<EnvironmentSummary>, String>) {
    let open = model.screens.iter_mut().find_map(|screen| match screen {
        Screen::Fleet(overview) => Some(overview),
        _ => None,
    });
    if let Some(overview) = open {
        overview.elsewhere.insert(context, Some(answer));
    }
}

/// Moves the selection.
pub fn scroll(model: &mut Model, motion: Motion, page: usize) {
    let Some(Screen::Fleet(overview)) = model.screens.last() else {
        return;
    };
    let rows = overview::rows(model, overview);
    let mut cursor = overview.cursor;
    cursor.go(motion, rows.len(), page);
    let chosen = rows.get(cursor.selected).map(overview::Row::which);
    if let Some(Screen::Fleet(overview)) = model.screens.last_mut() {
        overview.cursor = cursor;
        overview.chosen = chosen;
    }
}

/// Shows the rows in the next order.
pub fn sort(model: &mut Model) {
    if let Some(Screen::Fleet(overview)) = model.screens.last_mut() {
        overview.order = overview.order.next();
        model.looks.fleet = overview.order;
        overview.chosen = None;
        overview.cursor = Cursor::default();
    }
}

/// Goes to the selected environment, into another context where it is one of that.
pub fn go_there(model: &mut Model) -> Vec<Effect> {
    let Some(Screen::Fleet(overview)) = model.screens.last() else {
        return Vec::new();
    };
    let rows = overview::rows(model, overview);
    let Some((context, name)) = rows.get(overview.cursor.selected).map(overview::Row::which) else {
        return Vec::new();
    };
    if let Some(context) = context {
        return match allowed::check(model, Action::Contexts) {
            Ok(()) => vec![Effect::SwitchTo(context, name)],
            Err(why) => {
                say(model, Severity::Warning, why);
                Vec::new()
            }
        };
    }
    model.screens.clear();
    model.pane = Pane::Backups;
    model.fleet.select(&name);
    selection_moved(model)
}
