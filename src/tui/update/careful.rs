//! Whether a key is meant: nothing starts, goes or is confirmed by a key that was not pressed by itself, after what it
//! answers was on the screen.

use super::{act, say};
use crate::domain::activity::Severity;
use crate::tui::action::{Action, Place};
use crate::tui::effects::{Effect, Timer};
use crate::tui::key::{Behind, How, Key, Press};
use crate::tui::model::Model;
use crate::tui::model::screens::{Dialog, FormKind, Screen};

/// Does the action if the press of its key is meant, or says why it does not count.
pub fn act_on(model: &mut Model, action: Action, press: Press) -> Vec<Effect> {
    if let Err(why) = is_meant(model, action, press) {
        say(model, Severity::Warning, why);
        return Vec::new();
    }
    if !is_answer(model, action) {
        return act::try_act(model, action);
    }
    if !model.answering.is_read() {
        say(
            model,
            Severity::Warning,
            "that key came before this could be read: press it again",
        );
        return Vec::new();
    }
    if is_too_soon(model, action, press) {
        say(
            model,
            Severity::Warning,
            "that key came too soon after another: press it again in a moment",
        );
        return Vec::new();
    }
    let care = &model.settings.care;
    let alone_for = match action {
        Action::YesForGood => care.alone_for_good,
        _ => care.alone_for,
    };
    if alone_for.is_zero() {
        return act::try_act(model, action);
    }
    model.answering.give(action);
    vec![Effect::After(alone_for, Timer::Alone(model.answering.number()))]
}

/// Whether an answer came too soon after something else. Keys that follow each other as letters of a text do are none.
///
/// Where something is typed, Enter follows its last letter as closely as that followed the one before: the answer is the
/// text, and the name of an environment that was typed whole is all the care that there is. Only what nobody types is
/// kept from confirming itself: text that came in one go, and keys that keep up a pace that no hand does.
fn is_too_soon(model: &Model, action: Action, press: Press) -> bool {
    let care = &model.settings.care;
    match action {
        // A new file replaces none, and changes nothing else.
        Action::Accept if is_about_a_file(model) => false,
        Action::Accept => match press.behind {
            Behind::Text => press.quiet < care.quiet_after_text,
            Behind::Keys => press.quiet < care.quiet_before_enter,
            Behind::Hand => press.pace < care.typed_no_faster,
        },
        Action::NextStep => press.quiet < care.quiet_before_enter,
        _ => press.quiet < care.quiet_before,
    }
}

/// Whether a form is open that saves what is on the screen.
fn is_about_a_file(model: &Model) -> bool {
    matches!(&model.dialog, Some(Dialog::Form(form)) if form.kind == FormKind::Save)
}

/// Nothing came right after an answer: it counts.
pub fn stayed_alone(model: &mut Model, number: u64) -> Vec<Effect> {
    if number != model.answering.number() {
        return Vec::new();
    }
    match model.answering.take_given() {
        Some(action) => act::try_act(model, action),
        None => Vec::new(),
    }
}

/// Something came right after an answer: it does not count.
pub fn break_off(model: &mut Model) -> bool {
    model.answering.take_given().is_some()
}

fn is_meant(model: &Model, action: Action, press: Press) -> Result<(), &'static str> {
    match press.how {
        How::Together if !does_no_harm(model, action, press.key) => {
            Err("several keys came at once: this one was not used, press it by itself")
        }
        How::Again if leads_on(model, action) => {
            Err("a key held down or pressed twice does not lead on: press it once more")
        }
        How::Alone | How::Again | How::Together => Ok(()),
    }
}

/// Whether an action does no harm when it comes with others: moving about by keys that are no letters, and leaving things
/// as they are.
fn does_no_harm(model: &Model, action: Action, key: Key) -> bool {
    match action {
        Action::Back | Action::No | Action::Redraw | Action::Toggle => true,
        // Up to the plan the wizard only asks what to plan; whoever hammers on Ctrl-C wants to get out. Where something is
        // asked, either is the answer, and has to wait.
        Action::NextStep | Action::QuitAnywhere => !is_answer(model, action),
        // A filter that is kept changes nothing.
        Action::Accept => is_only_looked_for(model),
        _ => action.moves() && !matches!(key, Key::Char(_)),
    }
}

/// Whether what is typed is only looked for: in the list of environments, or inside a backup.
fn is_only_looked_for(model: &Model) -> bool {
    let is_search = matches!(model.screens.last(), Some(Screen::Search(_)));
    model.dialog.is_none() && (model.filtering.is_some() || is_search || model.types_seek())
}

/// Whether an action leads from one thing to the next: held down, its key would lead through several.
fn leads_on(model: &Model, action: Action) -> bool {
    is_answer(model, action) || matches!(action, Action::Accept | Action::SwitchTo | Action::Quit)
}

/// Whether an action answers something that has to be read first.
fn is_answer(model: &Model, action: Action) -> bool {
    match action {
        Action::Yes | Action::YesForGood | Action::Dismiss => true,
        Action::Accept => {
            matches!(model.dialog, Some(Dialog::Form(_)))
                || (model.dialog.is_none() && !is_only_looked_for(model))
        }
        Action::NextStep => model.place() == Place::Plan,
        _ => false,
    }
}
