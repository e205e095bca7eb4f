//! The configuration has changed while the cockpit runs: what can be taken over is, and the rest is said.

use super::{notice, say};
use crate::domain::activity::Severity;
use crate::tui::action::Action;
use crate::tui::beyond::{Changed, Found};
use crate::tui::effects::Effect;
use crate::tui::model::Model;

/// Takes over what was found.
pub fn found(model: &mut Model, found: Found) -> Vec<Effect> {
    match found {
        Found::Same => {}
        Found::Wrong(why) => notice(
            model,
            Severity::Warning,
            "the configuration has changed, and is not used",
            format!("{why}. What was read before stays in use."),
        ),
        Found::Changed(changed) => changed_to(model, *changed),
    }
    Vec::new()
}

fn changed_to(model: &mut Model, changed: Changed) {
    let settings = &mut model.settings;
    let mut taken = Vec::new();
    let mut take = |is_new: bool, what: &'static str| {
        if is_new {
            taken.push(what);
        }
    };
    take(settings.theme != changed.theme, "theme");
    take(settings.accent != changed.accent, "accent");
    take(settings.keys != changed.keys, "keys");
    take(settings.contexts != changed.contexts, "contexts");
    take(settings.idle_lock != changed.idle_lock, "idle_lock");
    take(settings.calling != changed.calling, "call");
    settings.theme = changed.theme;
    settings.accent = changed.accent;
    settings.keys = changed.keys;
    settings.contexts = changed.contexts;
    settings.idle_lock = changed.idle_lock;
    settings.calling = changed.calling;
    model.waits_for_opening = !changed.waits.is_empty();
    if taken.is_empty() && changed.waits.is_empty() {
        return;
    }
    let mut said = Vec::new();
    if !taken.is_empty() {
        said.push(format!(
            "the configuration was read again: {} changed",
            taken.join(", ")
        ));
    }
    if !changed.waits.is_empty() {
        let key = model.settings.keys.first(Action::Contexts);
        said.push(format!(
            "this is used once the context is opened anew, with {key} or by a new start: {}",
            changed.waits.join(", ")
        ));
    }
    say(model, Severity::Information, said.join("; "));
}
