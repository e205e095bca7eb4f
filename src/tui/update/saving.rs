//! Saving what is on the screen: a form asks for the name, whose ending says the form.

use super::{forms, say};
use crate::domain::activity::Severity;
use crate::tui::effects::Effect;
use crate::tui::model::Model;
use crate::tui::model::screens::{Dialog, Field, Form, FormKind};
use crate::tui::view::saved;

/// Asks for the name of the file.
pub fn begin(model: &mut Model) -> Vec<Effect> {
    let mut form = Form::new(FormKind::Save, &["File"]);
    let ending = if saved::table(model).is_some() {
        "csv"
    } else {
        "txt"
    };
    form.fill(vec![format!("{}.{ending}", saved::name(model))]);
    model.dialog = Some(Dialog::Form(form));
    Vec::new()
}

/// Writes the file that the form names.
pub fn send(model: &mut Model, mut form: Form) -> Vec<Effect> {
    let name = form.fields.first().and_then(Field::text);
    let written = name
        .ok_or_else(|| "write the name of a file".to_owned())
        .and_then(|name| Ok((saved::written(model, saved::Form::of(&name)?)?, name)));
    match written {
        Ok((text, name)) => {
            model.sent = Some(form);
            vec![Effect::Save(name, text)]
        }
        Err(why) => {
            form.problem = Some(why);
            model.dialog = Some(Dialog::Form(form));
            Vec::new()
        }
    }
}

/// The file is written, or is not.
pub fn ended(model: &mut Model, answer: Result<String, String>) -> Vec<Effect> {
    match answer {
        Ok(place) => {
            forms::taken(model);
            say(model, Severity::Information, format!("saved as {place}"));
        }
        Err(why) => {
            if !forms::refused(model, &why) {
                say(model, Severity::Warning, why);
            }
        }
    }
    Vec::new()
}
