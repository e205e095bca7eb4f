//! The configuration has changed while the cockpit runs: what can be taken over is, and the rest is said.

use super::{check, notice};
use crate::domain::activity::Severity;
use crate::domain::check::in_use_still;
use crate::domain::{columns, printable};
use crate::tui::action::Action;
use crate::tui::beyond::{Changed, Found};
use crate::tui::effects::Effect;
use crate::tui::model::screens::Dialog;
use crate::tui::model::{Line, Model};

/// What a message about a configuration that cannot be used is called.
const NOT_USED: &str = "the configuration has changed, and is not used";

/// What has happened when it can be used.
const AGAIN: &str = "the configuration was read again";

/// Takes over what was found.
pub fn found(model: &mut Model, found: Found) -> Vec<Effect> {
    match found {
        Found::Same => {}
        Found::Wrong(why) => {
            forget_what_was_wrong(model);
            // Whoever looks at what works and what does not reads it there.
            if !check::is_open(model) {
                notice(model, Severity::Warning, NOT_USED, in_use_still(&why));
            }
            model.wrong_configuration = Some(why);
        }
        Found::Changed(changed) => {
            forget_what_was_wrong(model);
            changed_to(model, *changed);
        }
    }
    Vec::new()
}

/// What was wrong is not so any more: nobody has to read it.
fn forget_what_was_wrong(model: &mut Model) {
    let Some(why) = model.wrong_configuration.take() else {
        return;
    };
    let told = in_use_still(&why);
    model.waiting.retain(|notice| notice.text != told);
    if matches!(&model.dialog, Some(Dialog::Notice(notice)) if notice.text == told) {
        model.dialog = None;
    }
}

fn changed_to(model: &mut Model, changed: Changed) {
    let is_demo = model.is_demo();
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
    // The demo's engine is that of its sandbox, and is opened once.
    model.waits_for_opening = !changed.waits.is_empty() && !is_demo;
    // Where something waits, and where it cannot be used, what was read before is in use.
    if !model.waits_for_opening
        && let Some(file) = &mut model.settings.beyond.configuration
    {
        file.read = Some(model.now);
    }
    if changed.waits.is_empty() {
        took_over(model, &taken);
    } else {
        waits(model, &taken, &changed.waits.join(", "));
    }
}

/// All that is new is used from now on.
fn took_over(model: &mut Model, taken: &[&str]) {
    let news = match taken {
        [] => format!("{AGAIN}: nothing that is used here has changed"),
        taken => format!("{AGAIN}: {} changed", taken.join(", ")),
    };
    let shorter = format!("{AGAIN}: {} settings changed", taken.len());
    let text = if fits(model, &news) { news } else { shorter };
    tell(model, text);
}

/// Something that is new asks for something, or is not used at all.
fn waits(model: &mut Model, taken: &[&str], waiting: &str) {
    let key = model.settings.keys.first(Action::Contexts);
    let (briefly, whole) = if model.is_demo() {
        let goes_on = format!("the demo goes on with what it began with: {waiting}");
        (
            goes_on,
            format!("The demo goes on with what it began with; this is new: {waiting}"),
        )
    } else {
        (
            format!("{key} opens the context anew with the rest: {waiting}"),
            format!("This is used once the context is opened anew, with {key} or by a new start: {waiting}"),
        )
    };
    let (changed, in_use) = match taken {
        [] => (String::new(), String::new()),
        taken => {
            let taken = taken.join(", ");
            (format!(": {taken} changed"), format!("In use now: {taken}. "))
        }
    };
    let news = format!("{AGAIN}{changed}; {briefly}");
    if fits(model, &news) {
        tell(model, news);
    } else {
        // Whoever has written it wants to see all of it.
        notice(model, Severity::Information, AGAIN, format!("{in_use}{whole}"));
    }
}

/// Says it on the line above the footer.
fn tell(model: &mut Model, text: String) {
    model.line = Some(Line {
        severity: Severity::Information,
        text,
        job: None,
    });
}

/// Whether a text has room on that line.
fn fits(model: &Model, text: &str) -> bool {
    let room = usize::from(model.size.width).saturating_sub(6);
    columns::count(&printable::line(text)) <= room
}
