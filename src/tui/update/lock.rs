//! Hides everything while nobody is there: a cockpit that was left open tells a passer-by nothing. It is no password:
//! whoever presses a key sees it again. Work goes on, and news is taken in.

use std::time::Duration;

use crate::tui::effects::Effect;
use crate::tui::key::Input;
use crate::tui::message::Message;
use crate::tui::model::Model;

/// Locks and unlocks as time and keys say. Gives what follows if the message is dealt with by that.
pub fn before(model: &mut Model, message: &Message) -> Option<Vec<Effect>> {
    let is_person = matches!(
        message,
        Message::Input(
            Input::Key(_) | Input::Alt(_) | Input::Paste(_) | Input::Wheel { .. } | Input::Click { .. }
        )
    );
    if model.locked {
        if !is_person {
            return None;
        }
        model.last_input = model.now;
        // Moving the mouse or pasting is not what was asked for.
        if matches!(message, Message::Input(Input::Key(_))) {
            model.locked = false;
        }
        return Some(Vec::new());
    }
    if left(model) == Some(Duration::ZERO) {
        model.locked = true;
        // Nothing of what was there may be left under what is written now. A key that comes this late was meant for
        // what its user saw before they went.
        return match message {
            Message::Input(
                Input::Terminate
                | Input::HungUp
                | Input::Closed
                | Input::Stop
                | Input::Continued
                | Input::Shown,
            ) => None,
            Message::Input(Input::Focus(has_it)) => {
                model.is_away = !has_it;
                Some(vec![Effect::Redraw])
            }
            Message::Input(_) | Message::Time => Some(vec![Effect::Redraw]),
            _ => None,
        };
    }
    if is_person {
        model.last_input = model.now;
    }
    None
}

/// How long it is until everything is hidden; `None` when it is already, or never is.
#[must_use]
pub fn left(model: &Model) -> Option<Duration> {
    let limit = model.settings.idle_lock.filter(|_| !model.locked)?;
    let limit = chrono::Duration::from_std(limit).ok()?;
    let left = model.last_input + limit - (model.settings.clock)();
    Some(left.to_std().unwrap_or_default())
}
