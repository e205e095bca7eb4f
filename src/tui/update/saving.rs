//! Saving what is on the screen: a form asks for the name, whose ending says the form.

use super::{forms, notice, say};
use crate::domain::activity::Severity;
use crate::domain::measure;
use crate::tui::collecting::Collected;
use crate::tui::effects::Effect;
use crate::tui::message::Answer;
use crate::tui::model::Model;
use crate::tui::model::explore::pages::Pages;
use crate::tui::model::explore::{Column, Known};
use crate::tui::model::screens::{Dialog, Field, Form, FormKind, Screen};
use crate::tui::question::Question;
use crate::tui::view::saved;

/// The question for all of a list inside a backup or Live, of which the screen has a few pages only. `None` where all that is
/// saved is here.
///
/// # Errors
/// The sentence that says why there is nothing to save yet.
pub fn of_all(model: &Model) -> Result<Option<Question>, String> {
    Ok(match model.screens.last() {
        Some(Screen::Differences(differences)) if !differences.in_node => {
            is_here(
                &differences.lines,
                "nothing differs here: there is nothing to save",
            )?;
            Some(differences.question(0))
        }
        Some(Screen::Explorer(explorer)) if explorer.column == Column::Tree => {
            is_here(&explorer.lines, "nothing is in here: there is nothing to save")?;
            Some(explorer.question(0))
        }
        Some(Screen::Search(search)) => {
            if !search.is_over {
                return Err("the search goes on: save what it finds once it is over".to_owned());
            }
            is_here(&search.finds, "nothing was found: there is nothing to save")?;
            search.question(0)
        }
        _ => None,
    })
}

fn is_here<T>(pages: &Pages<T>, empty: &str) -> Result<(), String> {
    match pages.length() {
        Known::Here(0) => Err(empty.to_owned()),
        Known::Here(_) => Ok(()),
        Known::Failed(why) => Err(why.clone()),
        Known::NotYet | Known::Reading(_) => {
            Err("the list is still being read: save it once it is here".to_owned())
        }
    }
}

/// Whether what is saved is a list, with columns.
pub fn is_list(model: &Model) -> bool {
    saved::table(model).is_some() || matches!(of_all(model), Ok(Some(_)))
}

/// Asks for the name of the file.
pub fn begin(model: &mut Model) -> Vec<Effect> {
    let mut form = Form::new(FormKind::Save, &["File"]);
    let ending = if is_list(model) { "csv" } else { "txt" };
    form.fill(vec![format!("{}.{ending}", saved::name(model))]);
    model.dialog = Some(Dialog::Form(form));
    Vec::new()
}

/// Writes the file that the form names.
pub fn send(model: &mut Model, mut form: Form) -> Vec<Effect> {
    let name = form.fields.first().and_then(Field::text);
    let asked = name
        .ok_or_else(|| "write the name of a file".to_owned())
        .and_then(|name| write(model, name));
    match asked {
        Ok(effect) => {
            model.sent = Some(form);
            vec![effect]
        }
        Err(why) => {
            form.problem = Some(why);
            model.dialog = Some(Dialog::Form(form));
            Vec::new()
        }
    }
}

fn write(model: &Model, name: String) -> Result<Effect, String> {
    let form = saved::form::Form::of(&name)?;
    Ok(match of_all(model)? {
        Some(question) => Effect::Collect(Box::new(question), name),
        None => Effect::Save(name, saved::written(model, form)?),
    })
}

/// All of a list is here, and is written.
pub fn collected(model: &mut Model, name: &str, answer: Answer<Collected>) -> Vec<Effect> {
    let written = answer.map_err(|error| error.to_string()).and_then(|collected| {
        let table = saved::inside::table(&collected);
        let told = (collected.is_cut, table.rows.len());
        Ok((saved::form::in_form(&table, saved::form::Form::of(name)?)?, told))
    });
    match written {
        Ok((text, (is_cut, rows))) => {
            if is_cut {
                let text = format!(
                    "The file has the first {} rows. There are more, which are only counted: look in a smaller place to have them all.",
                    measure::count(rows as u64)
                );
                notice(model, Severity::Warning, "not all of it was saved", text);
            }
            vec![Effect::Save(name.to_owned(), text)]
        }
        Err(why) => ended(model, Err(why)),
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
