//! How somebody likes to look: sorting, zooming, widths, zone; and coming back to what was on the screen.

use super::{act, overview, say};
use crate::domain::activity::Severity;
use crate::tui::action::Action;
use crate::tui::effects::{Effect, Fetch};
use crate::tui::model::listing::{MOST, PAGE};
use crate::tui::model::looks::{ListKind, Sort};
use crate::tui::model::selection::Selection;
use crate::tui::model::{Model, Pane};
use crate::tui::view::layout;

/// By how many columns a press of a key changes a width.
const STEP: i16 = 4;
/// So many rows before its end a list asks for more.
const AHEAD: usize = 20;

/// Sorts the list by its next column, or the other way round.
pub fn sort(model: &mut Model, turn: bool) -> Vec<Effect> {
    let Some(list) = model.list_on_screen() else {
        return Vec::new();
    };
    let selected = Selection::of(model);
    let sort = model.looks.sort(list);
    let sort = if turn {
        Sort {
            falls: !sort.falls,
            ..sort
        }
    } else {
        let column = (sort.column + 1) % list.columns().len();
        // Names are looked for from A on; the newest and what took longest come first.
        let falls = matches!((list, column), (_, 0) | (ListKind::Jobs, 4));
        Sort { column, falls }
    };
    if sort == Sort::default() {
        model.looks.sorts.remove(&list);
    } else {
        model.looks.sorts.insert(list, sort);
    }
    selected.keep(model);
    let column = list
        .columns()
        .get(sort.column)
        .copied()
        .unwrap_or_default()
        .to_lowercase();
    let order = match (list.is_of_words(sort.column), sort.falls) {
        (true, false) => "A to Z",
        (true, true) => "Z to A",
        (false, true) => "the largest or newest first",
        (false, false) => "the smallest or oldest first",
    };
    say(
        model,
        Severity::Information,
        format!("sorted by {column}, {order}"),
    );
    Vec::new()
}

/// Breaks long lines of logs, or cuts them off.
pub fn wrap(model: &mut Model) -> Vec<Effect> {
    model.looks.cut = !model.looks.cut;
    let words = if model.looks.cut {
        "long lines are cut off"
    } else {
        "long lines are broken"
    };
    say(model, Severity::Information, words);
    Vec::new()
}

/// Lets the pane fill the screen, or not.
pub fn zoom(model: &mut Model) -> Vec<Effect> {
    model.looks.zoomed = !model.looks.zoomed;
    Vec::new()
}

/// Makes the list of environments wider or narrower.
pub fn widen(model: &mut Model, wider: bool) -> Vec<Effect> {
    let before = layout::main(model).environments.width;
    let (usual, step) = (model.looks.wider, if wider { STEP } else { -STEP });
    model.looks.wider = usual + step;
    if layout::main(model).environments.width == before {
        model.looks.wider = usual;
        let key = model.settings.keys.first(Action::Zoom);
        say(
            model,
            Severity::Warning,
            format!("there is no room for that here: {key} lets the pane fill the screen"),
        );
    }
    Vec::new()
}

/// Shows times in the other zone.
pub fn zone(model: &mut Model) -> Vec<Effect> {
    model.looks.local = !model.looks.local;
    let words = format!("times are in {}", model.when().zone(model.now));
    say(model, Severity::Information, words);
    Vec::new()
}

/// Asks for more of the list on the screen when somebody has come near its end.
pub fn more(model: &mut Model) -> Option<Effect> {
    let list = model.list_on_screen()?;
    let length = model.length_of(list);
    let is_near = model.selected_row()? + AHEAD.max(layout::heights(model).screen) >= length;
    if !is_near || !model.has_more(list) {
        return None;
    }
    let asked = model.reach.get(&list).copied().unwrap_or_default().asked;
    let limit = (asked + PAGE.max(asked / 2)).min(MOST);
    model.fetch(Fetch::More(list, limit))
}

/// What was on the screen comes back.
pub fn come_back(model: &mut Model) -> Vec<Effect> {
    let Some(view) = model.settings.last_view.take() else {
        return Vec::new();
    };
    model.looks = view.looks;
    if view.in_environments {
        model.pane = Pane::Environments;
    }
    if !view.filter.is_empty() {
        model.fleet.set_filter(&view.filter);
    }
    if let Some(name) = view.environment.and_then(|name| name.parse().ok()) {
        model.fleet.select(&name);
    }
    if view.in_fleet {
        return overview::open(model);
    }
    match view.list {
        Some(ListKind::Jobs) => act::act(model, Action::Jobs),
        Some(ListKind::Activity) => act::act(model, Action::Activity),
        Some(ListKind::News) => act::act(model, Action::Notifications),
        None => Vec::new(),
    }
}
