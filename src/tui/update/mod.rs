//! What follows from each message: the model changes, and effects are to be started. Pure: no clock, no backend, no
//! terminal.
//!
//! - `answers`: what the backend said.
//! - `news`: how jobs end, and notifications.
//! - `keys`: what a person did, up to the action it stands for or the text it types.
//! - `allowed`: whether an action makes sense now, and if not, why.
//! - `careful`: whether a key was meant.
//! - `act`: what an action does. `ask`: what is asked before some of them.
//! - `explore`, `search`, `marks`: looking inside a backup or Live.
//! - `seek`: searching on any other screen. `copying`, `saving`: taking something away from it.
//! - `looks`: sorting, zooming, zones, and what was on the screen the last time.
//! - `many`: doing something for several environments. `calls`: calling somebody when a job has ended.
//! - `reread`: the configuration has changed. `check`: looking at what works.
//! - `link`: how the backend is reached.
//! - `overview`: the fleet at a glance.
//! - `lock`: hiding everything while nobody is there.
//! - `tour`: going along the path of the tour.
//! - `forms`, `wizard`: the dialogs and the restore wizard.

mod act;
pub mod allowed;
mod answers;
mod approvals;
mod ask;
mod calls;
mod careful;
mod check;
mod copying;
pub mod explore;
mod forms;
pub use forms::palette_matches;
mod keys;
mod link;
pub mod lock;
mod looks;
mod many;
mod marks;
mod news;
mod overview;
mod pins;
mod reread;
pub mod saving;
mod search;
mod seek;
pub mod tour;
mod wizard;

use super::action::Place;
use super::display::Stop;
use super::effects::{Effect, Fetch, Timer};
use super::key::Input;
use super::message::Message;
use super::model::screens::{Dialog, Notice, Screen};
use super::model::selection::{self, BackupChoice, Selection};
use super::model::{Line, Model};
use super::settings::Ended;
use super::view::layout;
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::request::{HoldKind, HoldRequest};
use crate::domain::state::EnvironmentDetails;
use crate::domain::{columns, printable};

/// What the cockpit asks for when it starts.
pub fn start(model: &mut Model) -> Vec<Effect> {
    let mut effects = vec![Effect::Listen];
    effects.extend(everything(model));
    effects.extend(looks::come_back(model));
    effects
}

/// Asks for everything again, whether the link is thought to be up or not: an answer brings it up.
fn refresh(model: &mut Model) -> Vec<Effect> {
    let mut effects = if model.is_lost() {
        vec![Effect::Fetch(Fetch::Info)]
    } else {
        everything(model)
    };
    effects.push(Effect::Reread);
    effects
}

/// Asks for everything that is on some screen.
fn everything(model: &mut Model) -> Vec<Effect> {
    let mut fetches = vec![
        Fetch::Info,
        Fetch::Environments,
        Fetch::Notifications,
        Fetch::Jobs,
    ];
    fetches.extend(model.shown.clone().map(Fetch::Details));
    if model.activity.is_some() {
        fetches.push(Fetch::Activity);
    }
    match model.screens.last() {
        Some(Screen::Job { id, .. }) => fetches.push(Fetch::Job(*id)),
        Some(Screen::Log(log)) => fetches.push(Fetch::Log(log.job, log.last())),
        _ => {}
    }
    fetches
        .into_iter()
        .filter_map(|fetch| model.fetch(fetch))
        .collect()
}

/// Takes one message in.
pub fn update(model: &mut Model, now: Instant, message: Message) -> Vec<Effect> {
    model.now = now;
    if let Some(effects) = lock::before(model, &message) {
        return effects;
    }
    let mut effects = match message {
        Message::Input(input) => taken_in(model, input),
        Message::Time => look_again(model),
        Message::Read(number) => {
            model.answering.read(number);
            Vec::new()
        }
        Message::Alone(number) => careful::stayed_alone(model, number),
        Message::Copied(sentence, _) => {
            say(model, Severity::Information, sentence);
            Vec::new()
        }
        Message::AskAgain(number) => {
            model.asking.rested(number);
            Vec::new()
        }
        Message::Tour(number) => {
            tour::rang(model, number);
            Vec::new()
        }
        Message::Elsewhere(context, answer) => {
            overview::heard(model, context, answer);
            Vec::new()
        }
        Message::Told(question, answer) => explore::told(model, &question, answer),
        Message::CannotStop => {
            say(
                model,
                Severity::Warning,
                "not stopped: no shell would continue Lifeboat here with fg",
            );
            Vec::new()
        }
        Message::Rested(number) => {
            if number == model.moves {
                explore::rested(model);
                show_selected(model)
            } else {
                Vec::new()
            }
        }
        other => {
            let selected = Selection::of(model);
            let effects = answers::taken_in(model, other);
            selected.keep(model);
            selection::go_to_begun(model);
            selection::follow_the_answer(model);
            effects
        }
    };
    effects.extend(act::fulfil(model));
    effects.extend(tour::go_on(model));
    effects.extend(calls::call(model));
    seek::keep(model);
    effects.extend(looks::more(model));
    effects.extend(mark_seen(model));
    ask::look_again(model);
    show_what_waits(model);
    let asks = model.asks();
    model.answering.note(asks);
    keep_in_view(model);
    effects.extend(explore::ask(model));
    effects
}

/// Once a minute, as long as an environment is on the screen whose instances are asked whether they are up, it is asked
/// for again: an instance that goes down tells nobody.
fn look_again(model: &mut Model) -> Vec<Effect> {
    let is_asked = |details: &EnvironmentDetails| {
        details
            .instances
            .iter()
            .any(|instance| instance.asked().next().is_some())
    };
    let shown = model.shown_details().filter(|details| is_asked(details));
    let name = shown.map(|details| details.summary.name.clone());
    let details = name.and_then(|name| model.fetch(Fetch::Details(name)));
    details.into_iter().collect()
}

fn taken_in(model: &mut Model, input: Input) -> Vec<Effect> {
    match input {
        Input::Key(press) => keys::pressed(model, press),
        Input::Focus(has_it) => calls::focus(model, has_it),
        Input::Alt(key) => keys::pressed_with_alt(model, key),
        Input::Paste(pasted) => keys::pasted(model, &pasted),
        Input::Wheel { up } => keys::turned(model, up),
        Input::Click { column, row } => keys::clicked(model, column, row),
        Input::Resized | Input::Corner(_) | Input::Background(_) | Input::Shown => Vec::new(),
        Input::Stop => vec![Effect::Suspend(Stop::Process)],
        Input::Continued => vec![Effect::Redraw],
        Input::Terminate => vec![Effect::End(Ended::Asked)],
        Input::HungUp | Input::Closed => vec![Effect::End(Ended::TerminalGone)],
        Input::Panicked(text) => {
            notice(
                model,
                Severity::Critical,
                "a part of Lifeboat stopped unexpectedly",
                format!("{text}. What it was doing may not have been finished: look at the list of jobs."),
            );
            Vec::new()
        }
    }
}

/// Lets the right side follow the selection.
fn show_selected(model: &mut Model) -> Vec<Effect> {
    let name = model.fleet.selected().map(|summary| summary.name.clone());
    if name == model.shown {
        return Vec::new();
    }
    model.shown = name;
    model.backup_cursor = super::model::cursor::Cursor::default();
    model.backup_choice = BackupChoice::default();
    selection::follow_the_answer(model);
    match model.shown.clone() {
        Some(name) => model.fetch(Fetch::Details(name)).into_iter().collect(),
        None => Vec::new(),
    }
}

/// The selection has moved to another environment: the right side follows in a moment.
fn selection_moved(model: &mut Model) -> Vec<Effect> {
    model.moves += 1;
    let rest = model.settings.care.selection_rests;
    vec![Effect::After(rest, Timer::Rested(model.moves))]
}

/// While the notifications are on the screen, what comes has been seen.
fn mark_seen(model: &mut Model) -> Option<Effect> {
    if model.locked || !matches!(model.screens.last(), Some(Screen::Notifications(_))) {
        return None;
    }
    let newest = model.newest_unseen()?.number;
    for news in model.notifications.iter_mut().flatten() {
        news.seen = true;
    }
    (!model.settings.read_only).then_some(Effect::Seen(newest))
}

/// Brings every selection onto the screen after lists or the terminal have changed their size.
fn keep_in_view(model: &mut Model) {
    let heights = layout::heights(model);
    model
        .fleet
        .cursor
        .keep_visible(model.fleet.rows().len(), heights.environments);
    let rows = model.backup_rows().len();
    model.backup_cursor.keep_visible(rows, heights.backups);
    if let Some(Screen::Log(log)) = model.screens.last_mut()
        && log.follow
    {
        log.scroll = usize::MAX;
    }
    layout::clamp_scrolls(model);
    explore::keep_in_view(model);
}

/// Says something on the line above the footer, or in a dialog when it is too long for that or an error.
fn say(model: &mut Model, severity: Severity, text: impl Into<String>) {
    let text = text.into();
    let room = usize::from(model.size.width).saturating_sub(6);
    if severity == Severity::Critical || columns::count(&printable::line(&text)) > room {
        let title = match severity {
            Severity::Critical => "that did not work",
            Severity::Warning => "not now",
            Severity::Information => "done",
        };
        notice(model, severity, title, text);
    } else {
        model.line = Some(Line {
            severity,
            text,
            job: None,
        });
    }
}

/// Says something in a dialog: at once, or when what is typed or asked at this moment is done.
fn notice(model: &mut Model, severity: Severity, title: &str, text: String) {
    let notice = Notice {
        severity,
        title: title.to_owned(),
        text,
        scroll: 0,
    };
    let is_shown = matches!(&model.dialog, Some(Dialog::Notice(shown)) if shown.text == notice.text);
    if is_shown || model.waiting.contains(&notice) {
        return;
    }
    if model.dialog.is_some() || model.place() == Place::Typing {
        model.line = Some(Line {
            severity,
            text: format!("{title}: more is told once this is closed"),
            job: None,
        });
    }
    model.waiting.push(notice);
    show_what_waits(model);
}

/// Shows the message that has waited longest, unless something is typed or asked.
fn show_what_waits(model: &mut Model) {
    if !model.waiting.is_empty() && model.dialog.is_none() && model.place() != Place::Typing {
        let notice = model.waiting.remove(0);
        model.dialog = Some(Dialog::Notice(notice));
    }
}

/// What was done when a hold has been set or lifted.
pub fn hold_sentence(request: &HoldRequest) -> String {
    let name = &request.environment;
    match (request.hold, request.on) {
        (HoldKind::Maintenance, true) => format!("{name} is in maintenance mode: jobs wait"),
        (HoldKind::Maintenance, false) => format!("{name} is out of maintenance mode"),
        (HoldKind::Protection, true) => format!("{name} is protected: restores are refused"),
        (HoldKind::Protection, false) => format!("{name} is no longer protected"),
    }
}
