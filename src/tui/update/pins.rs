//! Pins of backups: the form that sets one, and the question that takes one away.

use super::forms;
use crate::domain::backup::{Backup, BackupId};
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;
use crate::domain::pin::end_of;
use crate::domain::request::PinRequest;
use crate::tui::effects::Effect;
use crate::tui::model::Model;
use crate::tui::model::screens::{About, Dialog, Field, Form, FormKind, Question};

/// What is asked before a backup is pinned, or let go.
pub fn dialog(model: &Model, name: EnvironmentName, backup: &Backup) -> Dialog {
    let Some(pin) = &backup.manifest.pin else {
        let kind = FormKind::Pin(name, backup.id.clone());
        return forms::open(model, kind, &["Until", "Note"]);
    };
    let then = if backup.is_held_by_expiry(model.now) {
        "It is kept until it expires then."
    } else {
        "It is kept as long as a slot keeps it then, and goes with the next backup otherwise."
    };
    Dialog::Question(Question {
        title: format!("Let a pinned backup of {name} go"),
        text: vec![
            format!(
                "Backup {} ({}), taken {}, is pinned {}.",
                backup.id,
                backup.manifest.called(),
                measure::moment(backup.manifest.taken),
                pin.in_words()
            ),
            then.to_owned(),
        ],
        yes: "take the pin away",
        lost: None,
        about: About::Unpin(name, backup.id.clone()),
    })
}

/// What the form asks for; nothing when the day in it is none.
pub fn sent(form: &mut Form, environment: EnvironmentName, backup: BackupId) -> Vec<Effect> {
    let text = |index: usize| form.fields.get(index).and_then(Field::text);
    let note = text(1);
    let until = match text(0).as_deref().map(end_of) {
        None => None,
        Some(Ok(until)) => until,
        Some(Err(error)) => {
            form.problem = Some(error.to_string());
            form.active = 0;
            return Vec::new();
        }
    };
    vec![Effect::Pin(PinRequest {
        environment,
        backup,
        until,
        note,
    })]
}
