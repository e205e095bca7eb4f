//! How the backend is reached. What is shown stays on the screen while it is not, and everything is asked for again once
//! it is.

use super::everything;
use crate::backend::link::Link;
use crate::tui::effects::Effect;
use crate::tui::model::{Connection, Model};

/// The link has changed.
pub fn changed(model: &mut Model, link: Link) -> Vec<Effect> {
    match link {
        Link::Up if model.is_lost() => {
            // It is not so any more.
            let said = no_change(model);
            model.line.take_if(|line| Some(&line.text) == said.as_ref());
            model.connection = if model.data_from.is_some() {
                Connection::Connected
            } else {
                Connection::Connecting
            };
            everything(model)
        }
        // Whether it is reached at all is known with its first answer.
        Link::Up => Vec::new(),
        Link::Down {
            since,
            attempt,
            next_try,
            why,
        } => {
            if !model.is_lost() {
                lost(model, since);
            }
            model.connection = Connection::Lost {
                why,
                attempt,
                next_try,
            };
            Vec::new()
        }
    }
}

/// The backend tells of nothing any more, and will not.
pub fn ended(model: &mut Model) -> Vec<Effect> {
    let now = model.now;
    lost(model, now);
    model.connection = Connection::Lost {
        why: "the backend has ended the connection".to_owned(),
        attempt: 0,
        next_try: None,
    };
    Vec::new()
}

/// What was asked is not answered any more.
fn lost(model: &mut Model, since: crate::domain::Instant) {
    model.asked.clear();
    model.asking.forget();
    model.data_from = model.data_from.map(|at| at.max(since));
}

/// Why nothing can be changed now.
pub fn no_change(model: &Model) -> Option<String> {
    model.is_lost().then(|| {
        format!(
            "not now: the link to {} is down, and nothing can be changed until it is up again",
            model.settings.context
        )
    })
}
