//! Dialogs: what happens when a form is sent, a question is answered, or the palette's choice is taken.

use super::{act, allowed, approvals, link, pins, saving, say, search, seek, wizard};
use crate::domain::activity::Severity;
use crate::domain::explore::ExportForm;
use crate::domain::request::{BackupRequest, HoldKind, HoldRequest};
use crate::domain::version::MagnoliaVersion;
use crate::tui::action::{Action, Place, Row, TABLE};
use crate::tui::display::Stop;
use crate::tui::effects::Effect;
use crate::tui::exporting::Order;
use crate::tui::model::Model;
use crate::tui::model::screens::{About, Dialog, Field, Form, FormKind, Question, Screen};

/// Enter was pressed where somebody types.
pub fn accept(model: &mut Model) -> Vec<Effect> {
    let changes = match (&model.dialog, model.screens.last()) {
        (Some(dialog), _) => matches!(dialog, Dialog::Form(form) if form.kind != FormKind::Save),
        (None, screen) => matches!(screen, Some(Screen::Wizard(_))),
    };
    if changes && let Some(effects) = not_now(model) {
        return effects;
    }
    match model.dialog.take() {
        Some(Dialog::Form(form)) if form.kind == FormKind::Save => saving::send(model, form),
        Some(Dialog::Form(form)) => send(model, form),
        Some(Dialog::Palette(palette)) => {
            let found = palette_matches(model, palette.input.value());
            match found.get(palette.cursor.selected) {
                Some(row) => act::try_act(model, row.action),
                None => Vec::new(),
            }
        }
        other => {
            model.dialog = other;
            if model.types_seek() {
                return seek::accept(model);
            }
            match model.screens.last() {
                Some(Screen::Wizard(_)) => return wizard::confirm(model),
                Some(Screen::Search(_)) => return search::accept(model),
                _ => {}
            }
            // The filter stays, and the keys go to the list again.
            model.filtering = None;
            Vec::new()
        }
    }
}

/// While the link is down, says so; what was typed stays.
fn not_now(model: &mut Model) -> Option<Vec<Effect>> {
    let why = link::no_change(model)?;
    match (&mut model.dialog, model.screens.last_mut()) {
        (Some(Dialog::Form(form)), _) => form.problem = Some(why),
        (None, Some(Screen::Wizard(wizard))) => wizard.problem = Some(why),
        _ => say(model, Severity::Warning, why),
    }
    Some(Vec::new())
}

/// Opens a form, with what was typed into it before it was closed or refused.
pub fn open(model: &Model, kind: FormKind, labels: &[&'static str]) -> Dialog {
    let draft = model.drafts.iter().find(|(of, _)| *of == kind);
    let texts = draft.map(|(_, texts)| texts.clone());
    let mut form = Form::new(kind, labels);
    form.fill(texts.unwrap_or_default());
    Dialog::Form(form)
}

/// Keeps what was typed into a form for when it is opened again.
pub fn keep_draft(model: &mut Model, form: &Form) {
    model.drafts.retain(|(of, _)| *of != form.kind);
    if let Some(typed) = form.typed() {
        model.drafts.push((form.kind.clone(), typed));
    }
}

/// The form that was sent was taken: what was typed into it has had its effect.
pub fn taken(model: &mut Model) {
    if let Some(form) = model.sent.take() {
        model.drafts.retain(|(of, _)| *of != form.kind);
    }
}

/// The form that was sent was refused: it comes back with what was typed and the reason, unless something else is on the
/// screen by now. Says whether it came back.
pub fn refused(model: &mut Model, why: &str) -> bool {
    let Some(mut form) = model.sent.take() else {
        return false;
    };
    keep_draft(model, &form);
    if model.dialog.is_some() || model.place() == Place::Typing {
        return false;
    }
    form.problem = Some(why.to_owned());
    model.dialog = Some(Dialog::Form(form));
    true
}

fn send(model: &mut Model, mut form: Form) -> Vec<Effect> {
    let effects = effects_of(&mut form);
    if effects.is_empty() {
        model.dialog = Some(Dialog::Form(form));
    } else if let FormKind::Export(..) = form.kind {
        // Other forms are sent while it is written. What was typed is there when it is opened again.
        keep_draft(model, &form);
        model.exports = true;
    } else {
        model.sent = Some(form);
    }
    effects
}

/// What a form that is sent asks for; nothing when something is missing in it.
fn effects_of(form: &mut Form) -> Vec<Effect> {
    let text = |index: usize| form.fields.get(index).and_then(Field::text);
    match form.kind.clone() {
        FormKind::Backup(environment) => vec![Effect::Backup(BackupRequest {
            environment,
            note: text(0),
            upgrade_to: None,
        })],
        FormKind::UpgradeBackup(environment) => {
            let Some(version) = text(0) else {
                form.problem = Some("write the version of Magnolia that Live is upgraded to".to_owned());
                form.active = 0;
                return Vec::new();
            };
            vec![Effect::Backup(BackupRequest {
                environment,
                note: text(1),
                upgrade_to: Some(MagnoliaVersion(version)),
            })]
        }
        FormKind::Export(environment, source, paths) => {
            let written = text(0).unwrap_or_default().to_lowercase();
            let as_what = written.parse::<ExportForm>();
            let as_what = as_what.ok().filter(|as_what| *as_what != ExportForm::Tar);
            let (Some(as_what), Some(folder)) = (as_what, text(1)) else {
                form.active = usize::from(as_what.is_some());
                form.problem = Some(match as_what {
                    Some(_) => "write the folder that it goes into".to_owned(),
                    None => "write xml, yaml or files".to_owned(),
                });
                return Vec::new();
            };
            vec![Effect::Export(Box::new(Order {
                environment,
                source,
                paths,
                form: as_what,
                folder: folder.into(),
            }))]
        }
        FormKind::Approve(environment, plan) => approvals::approved(form, environment, plan),
        FormKind::Reject(environment, plan) => vec![Effect::Reject(environment, plan, text(0))],
        FormKind::Pin(environment, backup) => pins::sent(form, environment, backup),
        FormKind::Hold(environment, hold) => vec![Effect::Hold(HoldRequest {
            environment,
            hold,
            on: true,
            reason: text(0),
        })],
        // What is saved is on the screen: `saving` sends it.
        FormKind::Save => Vec::new(),
    }
}

/// A question was answered with yes.
pub fn yes(model: &mut Model) -> Vec<Effect> {
    let stays_here = matches!(
        &model.dialog,
        Some(Dialog::Question(question)) if matches!(question.about, About::Quit | About::Suspend)
    );
    if !stays_here && let Some(effects) = not_now(model) {
        return effects;
    }
    let Some(Dialog::Question(Question { about, .. })) = model.dialog.take() else {
        return Vec::new();
    };
    match about {
        About::Quit => vec![Effect::Quit],
        About::Suspend => vec![Effect::Suspend(Stop::Group)],
        About::Verify(name, backup) => vec![Effect::Verify(name, backup)],
        About::Drill(name, id) => vec![Effect::Drill(name, id)],
        About::Extend(name, id) => vec![Effect::Extend(name, id)],
        About::Unpin(name, id) => vec![Effect::Unpin(name, id)],
        About::NoSafety(_) => wizard::set_safety(model, false),
        About::EvenIfUnchanged(_) => wizard::go_on_unchanged(model),
        About::Break(name) => vec![Effect::Break(name)],
        About::Cancel(id) => vec![Effect::Cancel(id)],
        About::Delete(name, id) => {
            // The page of a backup that is about to go has nothing more to say.
            if matches!(model.screens.last(), Some(Screen::Page { .. })) {
                model.screens.pop();
            }
            vec![Effect::Delete(name, id)]
        }
        About::Confirm(name) => vec![Effect::Confirm(name)],
        About::Lift(environment, hold) => lift(environment, hold),
        About::Many(deed, names) => vec![Effect::Many(deed, names)],
    }
}

fn lift(environment: crate::domain::environment::EnvironmentName, hold: HoldKind) -> Vec<Effect> {
    vec![Effect::Hold(HoldRequest {
        environment,
        hold,
        on: false,
        reason: None,
    })]
}

/// The actions that make sense on the screen under the palette and have the typed text in their words.
pub fn palette_matches(model: &Model, typed: &str) -> Vec<&'static Row> {
    let place = model.place_below();
    let typed = typed.trim().to_lowercase();
    let mut found: Vec<&Row> = TABLE
        .iter()
        .filter(|row| row.places.contains(&place) && row.action != Action::Palette)
        .filter(|row| !is_movement(row.action) && allowed::check(model, row.action).is_ok())
        .filter(|row| row.label.contains(&typed) || row.help.to_lowercase().contains(&typed))
        .collect();
    // What is called so comes before what is only described so, and what was done before, before the rest.
    let used = |row: &Row| model.used.get(&row.action).copied().unwrap_or(0);
    found.sort_by_key(|row| (!row.label.contains(&typed), std::cmp::Reverse(used(row))));
    found
}

/// Movements are quicker by their keys than through a palette.
fn is_movement(action: Action) -> bool {
    action.moves() || matches!(action, Action::QuitAnywhere | Action::Back)
}
