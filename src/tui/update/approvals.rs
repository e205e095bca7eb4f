//! The second person's answer to a restore that waits: the form that agrees, and the one that does not.

use super::forms;
use crate::domain::environment::EnvironmentName;
use crate::domain::plan::PlanId;
use crate::domain::refusal::confirmed;
use crate::tui::action::Action;
use crate::tui::effects::Effect;
use crate::tui::model::Model;
use crate::tui::model::screens::{Dialog, Field, Form, FormKind};

/// Whether a restore waits in the environment that actions are about.
pub fn waits(model: &Model) -> Result<(), String> {
    if model.target().is_some_and(|target| target.asked.is_some()) {
        return Ok(());
    }
    let details = model.target_details();
    Err(match details.filter(|details| !details.approve) {
        Some(details) => format!(
            "nobody has to agree to a restore of {}: approve = true is not set in its configuration",
            details.summary.name
        ),
        None => "no restore waits for another owner".to_owned(),
    })
}

/// The form that answers it.
pub fn dialog(model: &Model, action: Action, name: EnvironmentName) -> Option<Dialog> {
    let plan = model.target()?.asked.as_ref()?.plan.clone();
    Some(if action == Action::Approve {
        // What was typed before was typed under something else.
        Dialog::Form(Form::new(FormKind::Approve(name, plan), &["Its name"]))
    } else {
        forms::open(model, FormKind::Reject(name, plan), &["Why not"])
    })
}

/// Agrees, if the environment's name was typed.
pub fn approved(form: &mut Form, environment: EnvironmentName, plan: PlanId) -> Vec<Effect> {
    let typed = form.fields.first().and_then(Field::text).unwrap_or_default();
    match confirmed(&environment, &typed) {
        Ok(()) => vec![Effect::Approve(environment, plan, typed)],
        Err(refusal) => {
            form.problem = Some(refusal.to_string());
            Vec::new()
        }
    }
}
