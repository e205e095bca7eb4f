//! The restore wizard, step by step.

use crate::domain::backup::Verification;
use crate::domain::plan::RestorePlan;
use crate::domain::refusal;
use crate::domain::settings::RepositoryChoice;
use crate::tui::action::Action;
use crate::tui::effects::Effect;
use crate::tui::model::Model;
use crate::tui::model::screens::Screen;
use crate::tui::model::wizard::{PlanState, Purpose, Step, Wizard};
use crate::tui::update::{allowed, ask};

fn wizard(model: &mut Model) -> Option<&mut Wizard> {
    match model.screens.last_mut() {
        Some(Screen::Wizard(wizard)) => Some(wizard),
        _ => None,
    }
}

/// Goes on to the next step.
pub fn next(model: &mut Model) -> Vec<Effect> {
    let Some(step) = wizard(model).map(|wizard| wizard.step) else {
        return Vec::new();
    };
    match step {
        Step::Choose => choose(model),
        Step::Scope => {
            let Some(wizard) = wizard(model) else {
                return Vec::new();
            };
            wizard.problem = wizard.scope_problem();
            if wizard.problem.is_some() {
                return Vec::new();
            }
            // What was said of another part says nothing of this one.
            wizard.even_if_unchanged = false;
            ask_for_plan(model)
        }
        Step::Plan if is_unchanged(model) => {
            ask::even_if_unchanged(model);
            Vec::new()
        }
        Step::Plan => {
            if let Some(wizard) = wizard(model) {
                wizard.step = Step::Name;
                wizard.typed.reset();
                wizard.problem = None;
            }
            Vec::new()
        }
        Step::Name => confirm(model),
    }
}

fn choose(model: &mut Model) -> Vec<Effect> {
    let has_copy = allowed::check(model, Action::OtherRepository).is_ok();
    let chosen = model.wizard_backup().cloned();
    let source = model.wizard_source();
    let Some(wizard) = wizard(model) else {
        return Vec::new();
    };
    match &chosen {
        None => wizard.problem = Some("this slot is empty: choose another row".to_owned()),
        Some(backup)
            if matches!(backup.verification, Verification::Damaged { .. })
                && (source == RepositoryChoice::First || !has_copy) =>
        {
            let instead = if has_copy {
                "Tab takes its copy instead"
            } else {
                "it is not restored, choose another one"
            };
            wizard.problem = Some(format!("reading this backup back found damage: {instead}"));
        }
        Some(backup) => {
            if wizard.choose(backup) {
                // All the rest of it would set aside what was changed since, and is not what was lost.
                wizard.take_replaced(backup);
            }
            if source == RepositoryChoice::Copy {
                wizard.from_copy = Some(backup.id.clone());
            }
            wizard.problem = None;
            wizard.step = Step::Scope;
        }
    }
    Vec::new()
}

/// Asks for the plan of what has been chosen.
pub fn ask_for_plan(model: &mut Model) -> Vec<Effect> {
    model.plans += 1;
    let number = model.plans;
    let Some(wizard) = wizard(model) else {
        return Vec::new();
    };
    let Some(request) = wizard.request() else {
        return Vec::new();
    };
    wizard.step = Step::Plan;
    wizard.scroll = 0;
    wizard.problem = None;
    wizard.plan = PlanState::Loading(number);
    vec![Effect::Plan(number, request)]
}

/// Changes which part is taken.
pub fn take(model: &mut Model, action: Action) -> Vec<Effect> {
    if let Some(wizard) = wizard(model) {
        wizard.problem = None;
        match action {
            Action::OnlyThis => wizard.take_only_selected(),
            Action::ToggleAll => wizard.take_all_or_none(),
            _ => wizard.toggle_selected(),
        }
    }
    Vec::new()
}

/// Takes everything instead of the part that the restore replaced which the backup was taken for, or that part again.
pub fn take_all_or_replaced(model: &mut Model) -> Vec<Effect> {
    let backup = model.wizard_backup().cloned();
    if let (Some(wizard), Some(backup)) = (wizard(model), backup) {
        wizard.problem = None;
        wizard.take_all_or_replaced(&backup);
    }
    Vec::new()
}

/// Leaves the safety backup out, or takes it after all. The plan is made anew: its room, its warnings and its time
/// depend on it.
pub fn set_safety(model: &mut Model, with_safety: bool) -> Vec<Effect> {
    match wizard(model) {
        Some(wizard) if wizard.step == Step::Plan => {
            wizard.without_safety = !with_safety;
            ask_for_plan(model)
        }
        _ => Vec::new(),
    }
}

/// Whether the restore of the plan would find nothing to do.
fn is_unchanged(model: &mut Model) -> bool {
    wizard(model).is_some_and(|wizard| {
        wizard.purpose == Purpose::Restore && wizard.ready_plan().is_some_and(RestorePlan::ends_at_once)
    })
}

/// Everything is put back although nothing would change. The plan is made anew: it is what is followed.
pub fn go_on_unchanged(model: &mut Model) -> Vec<Effect> {
    match wizard(model) {
        Some(wizard) if wizard.step == Step::Plan => {
            wizard.even_if_unchanged = true;
            ask_for_plan(model)
        }
        _ => Vec::new(),
    }
}

/// Takes the backup from the second repository, or from the first one after all. A plan is made anew: what it has found
/// damaged, and the id that it names, are those of one of the two.
pub fn toggle_source(model: &mut Model) -> Vec<Effect> {
    let Some(id) = model.wizard_backup().map(|backup| backup.id.clone()) else {
        return Vec::new();
    };
    let Some(wizard) = wizard(model) else {
        return Vec::new();
    };
    wizard.problem = None;
    wizard.from_copy = match wizard.source(&id) {
        RepositoryChoice::First => Some(id),
        RepositoryChoice::Copy => None,
    };
    if wizard.step == Step::Plan {
        return ask_for_plan(model);
    }
    Vec::new()
}

/// Changes the typed name.
pub fn edit(wizard: &mut Wizard, change: impl FnOnce(&mut tui_input::Input)) {
    if wizard.step == Step::Name && !wizard.starting {
        wizard.problem = None;
        change(&mut wizard.typed);
    }
}

/// Goes back one step, or out of the wizard from the first one.
pub fn back(model: &mut Model) {
    let Some(wizard) = wizard(model) else {
        return;
    };
    wizard.problem = None;
    let steps = wizard.steps();
    let position = steps.iter().position(|step| *step == wizard.step).unwrap_or(0);
    match position.checked_sub(1).and_then(|before| steps.get(before)) {
        Some(step) => wizard.step = *step,
        None => {
            model.screens.pop();
        }
    }
}

/// Starts the restore, if the environment's name was typed.
pub fn confirm(model: &mut Model) -> Vec<Effect> {
    let Some(wizard) = wizard(model) else {
        return Vec::new();
    };
    if wizard.step != Step::Name || wizard.starting {
        return Vec::new();
    }
    let typed = wizard.typed.value().trim().to_owned();
    if let Err(refusal) = refusal::confirmed(&wizard.environment, &typed) {
        wizard.problem = Some(refusal.to_string());
        return Vec::new();
    }
    let start = match wizard.purpose {
        Purpose::Restore => wizard
            .ready_plan()
            .map(|plan| Effect::Restore(plan.id.clone(), typed)),
        Purpose::Undo => Some(Effect::Undo(wizard.environment.clone(), typed)),
    };
    wizard.starting = start.is_some();
    start.into_iter().collect()
}
