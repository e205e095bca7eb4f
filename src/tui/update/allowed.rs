//! Whether an action makes sense at this moment, and if not, why: the footer leaves out what does not, and a key that
//! is pressed all the same gets the reason as its answer.
//!
//! The engine enforces the rules; this only explains them beforehand.

mod inside;

use crate::domain::backup::{BackupId, Verification};
use crate::domain::job::JobId;
use crate::domain::refusal::{self, Refusal};
use crate::domain::settings::RepositoryChoice;
use crate::domain::state::{EnvironmentDetails, EnvironmentSummary, UndoWay};
use crate::tui::action::{Action, Place};
use crate::tui::model::Model;
use crate::tui::model::backups::{self, RowKind};
use crate::tui::model::overview::rows;
use crate::tui::model::screens::{Dialog, Page, Screen};
use crate::tui::model::wizard::{PlanState, Purpose, Step};

/// Whether a backup before an upgrade can be taken.
fn upgradable(model: &Model) -> Result<(), String> {
    able_to_work(model)?;
    let Some(details) = model.target_details() else {
        return Err(STILL_LOADING.to_owned());
    };
    let trigger = crate::domain::backup::Trigger::Upgrade {
        to: crate::domain::version::MagnoliaVersion(String::new()),
    };
    refusal::upgrade_allowed(&details.summary.name, &trigger, &details.backups, model.now)
        .map_err(|refusal| refusal.to_string())
}

/// Whether the chosen backup expires.
fn extendable(model: &Model) -> Result<(), String> {
    chosen(model)?;
    let expires = model.chosen_backup().and_then(|backup| backup.manifest.expires);
    expires.map(|_| ()).ok_or_else(|| {
        "only upgrade and safety backups expire: the others are kept by their slots".to_owned()
    })
}

/// Whether there is anything to verify.
fn verifiable(model: &Model) -> Result<(), String> {
    able_to_work(model)?;
    match model.target_details() {
        Some(details) if !details.backups.is_empty() => Ok(()),
        Some(_) => Err("there is no backup to verify".to_owned()),
        None => Err(STILL_LOADING.to_owned()),
    }
}

/// Nothing, or the sentence that says why the action makes no sense now.
///
/// # Errors
/// The sentence.
pub fn check(model: &Model, action: Action) -> Result<(), String> {
    if action.row().changes && model.settings.read_only {
        return Err(Refusal::ReadOnly(model.settings.context.clone()).to_string());
    }
    if action.row().changes
        && let Some(why) = super::link::no_change(model)
    {
        return Err(why);
    }
    if model.is_for_marked(action) {
        return super::many::able(model, action);
    }
    match action {
        Action::Contexts => switchable(model),
        Action::Tour if model.tour.is_none() => Err("the tour is that of `lifeboat demo --tour`".to_owned()),
        Action::Backup => able_to_work(model),
        Action::UpgradeBackup => upgradable(model),
        Action::Restore => restore(model),
        Action::Undo => undoable(model),
        Action::Confirm => confirmable(model),
        Action::SafetyBackup => safety_optional(model),
        Action::OtherRepository => source_optional(model),
        Action::AllOrReplaced => replaced_known(model),
        Action::BreakLive => {
            if !model.is_demo() {
                return Err("only the demo breaks Live on purpose".to_owned());
            }
            able_to_work(model)
        }
        Action::Verify | Action::Drill => {
            able_to_work(model)?;
            in_the_first(model)
        }
        Action::VerifyAll => verifiable(model),
        Action::Delete => deletable(model),
        Action::Extend => extendable(model),
        Action::Approve => {
            super::approvals::waits(model)?;
            restorable(model)
        }
        Action::Reject => super::approvals::waits(model),
        Action::Pin => {
            chosen(model)?;
            in_the_first(model)?;
            able_to_work(model)
        }
        Action::CancelJob => cancellable(model),
        Action::Maintenance | Action::Protect | Action::MarkEnvironment => live_target(model).map(|_| ()),
        Action::Details if model.is_on_recents() => Ok(()),
        Action::Details => chosen(model),
        Action::Copy => match super::copying::meant(model) {
            Some(_) => Ok(()),
            None => Err("nothing is chosen here that could be copied".to_owned()),
        },
        Action::NextMatch | Action::PreviousMatch if !model.goes_on_seeking() => {
            Err("nothing is searched for".to_owned())
        }
        Action::Save => super::saving::of_all(model).map(|_| ()),
        Action::Watch => watchable(model),
        Action::OpenJob | Action::OpenLog => model
            .chosen_job()
            .map(|_| ())
            .ok_or_else(|| "no job belongs to this line".to_owned()),
        Action::GoToEnvironment => match model.screens.last() {
            Some(Screen::Fleet(shown)) if rows(model, shown).is_empty() => Err(no_environment(model)),
            _ => Ok(()),
        },
        Action::OpenBackups | Action::About => {
            model.target().map(|_| ()).ok_or_else(|| no_environment(model))
        }
        Action::Check => super::check::about(model).map(|_| ()),
        Action::Explore
        | Action::ExploreLive
        | Action::OpenNode
        | Action::UpTree
        | Action::GoThere
        | Action::Mark
        | Action::MarkWorkspace
        | Action::Unmark
        | Action::Export
        | Action::StopExport
        | Action::History
        | Action::Compare
        | Action::OlderSource
        | Action::NewerSource => inside::check(model, action),
        Action::NextStep => next_step(model),
        Action::Filter if !model.fleet.is_loaded() => Err(STILL_LOADING.to_owned()),
        Action::Filter => {
            let some = model.fleet.len() > 1;
            some.then_some(())
                .ok_or_else(|| "there is nothing to filter".to_owned())
        }
        Action::NextPane | Action::PreviousPane => other_field(model),
        Action::Help => on_other_page(model, &Page::Help),
        Action::Recovery => on_other_page(model, &Page::Recovery),
        Action::Notifications => not_on(matches!(model.screens.last(), Some(Screen::Notifications(_)))),
        Action::Activity => not_on(matches!(model.screens.last(), Some(Screen::Activity(_)))),
        Action::Jobs => not_on(matches!(model.screens.last(), Some(Screen::Jobs(_)))),
        Action::Accept => accept(model),
        _ => Ok(()),
    }
}

/// Whether a restore can be begun here.
fn restore(model: &Model) -> Result<(), String> {
    if model.place_below() == Place::Page {
        chosen(model)?;
    }
    if super::explore::is_inside(model) {
        super::marks::restorable(model)?;
    }
    restorable(model)?;
    match model.target_details() {
        Some(details) if details.all_backups().next().is_none() => {
            Err("there is no backup yet: take one with b".to_owned())
        }
        Some(_) => Ok(()),
        None => Err(STILL_LOADING.to_owned()),
    }
}

/// Whether there is another field or pane to go to.
fn other_field(model: &Model) -> Result<(), String> {
    match (&model.dialog, model.place()) {
        (Some(Dialog::Form(form)), _) if form.fields.len() < 2 => Err("there is one field".to_owned()),
        (None, Place::Typing) if matches!(model.screens.last(), Some(Screen::Search(_))) => Ok(()),
        (Some(Dialog::Palette(_)), _) | (None, Place::Typing) => Err("there is one field".to_owned()),
        _ => Ok(()),
    }
}

/// Whether there is a job of the environment to look at.
fn watchable(model: &Model) -> Result<(), String> {
    let name = model.target_name().ok_or_else(|| no_environment(model))?;
    if model.jobs.values().any(|job| job.environment == *name) {
        return Ok(());
    }
    Err(if model.jobs_loaded {
        format!("there has been no job on {name} yet")
    } else {
        "the jobs are still being read: try again in a moment".to_owned()
    })
}

/// Whether the chosen backup can be deleted: it holds no slot.
fn deletable(model: &Model) -> Result<(), String> {
    chosen(model)?;
    let holds_slot = model
        .target_details()
        .zip(model.chosen_backup())
        .is_some_and(|(details, chosen)| {
            let rows = backups::rows(details, backups::Recents::Listed);
            rows.iter().any(|row| {
                matches!(row.kind, RowKind::Slot(_) | RowKind::SecondOnly(_))
                    && row.of(details).is_some_and(|backup| backup.id == chosen.id)
            })
        });
    if holds_slot {
        return Err("it holds a slot, and goes when a newer backup has taken its place".to_owned());
    }
    Ok(())
}

const NONE_YET: &str = "no environment yet: `lifeboat init` writes a configuration with one";

const NO_ENVIRONMENT: &str = "no environment is selected";
const STILL_LOADING: &str = "the environment is still being read: try again in a moment";

/// Why there is no environment: none is selected, none can be had, or none is known yet.
pub(super) fn no_environment(model: &Model) -> String {
    match &model.fleet_problem {
        Some(problem) if !model.fleet.is_loaded() => problem.clone(),
        _ if model.fleet.is_loaded() && model.fleet.len() == 0 => NONE_YET.to_owned(),
        _ if model.fleet.is_loaded() => NO_ENVIRONMENT.to_owned(),
        _ => STILL_LOADING.to_owned(),
    }
}

/// The environment, if it is Live.
fn live_target(model: &Model) -> Result<&EnvironmentSummary, String> {
    let target = model.target().ok_or_else(|| no_environment(model))?;
    refusal::only_live(&target.name, target.kind).map_err(|refusal| refusal.to_string())?;
    Ok(target)
}

/// Whether a new job would be accepted.
fn able_to_work(model: &Model) -> Result<(), String> {
    let target = live_target(model)?;
    match model.job_of(&target.name) {
        Some(job) => Err(Refusal::Busy {
            environment: target.name.clone(),
            job: job.id,
            kind: job.kind,
        }
        .to_string()),
        None => Ok(()),
    }
}

fn restorable(model: &Model) -> Result<(), String> {
    able_to_work(model)?;
    let target = live_target(model)?;
    match &target.protection {
        Some(hold) => Err(Refusal::Protected {
            environment: target.name.clone(),
            reason: hold.reason.clone(),
        }
        .to_string()),
        None => Ok(()),
    }
}

fn undoable(model: &Model) -> Result<(), String> {
    if let Some(Screen::Job { id, .. }) = model.screens.last() {
        ended_with_undo(model, *id)?;
    }
    restorable(model)?;
    let target = live_target(model)?;
    match model.target_details() {
        Some(details) if details.undo_way.is_some() => Ok(()),
        Some(_) => Err(Refusal::NothingToUndo {
            environment: target.name.clone(),
        }
        .to_string()),
        None => Err(STILL_LOADING.to_owned()),
    }
}

/// On a job's screen undo is that job's: not that of an earlier restore which nobody is looking at.
fn ended_with_undo(model: &Model, id: JobId) -> Result<(), String> {
    let job = model.jobs.get(&id);
    let safety = job.and_then(|job| job.outcome.as_ref()?.safety.as_ref());
    let details = model.target_details();
    let way = details.and_then(|details| details.undo_way.as_ref());
    // An extension has given it another id.
    let is_same = |backup: &BackupId, safety: &BackupId| {
        let mut all = details.into_iter().flat_map(EnvironmentDetails::all_backups);
        backup == safety || all.any(|other| other.id == *backup && other.answers_to(safety))
    };
    let has_left = details.is_some_and(|details| details.replaced.iter().any(|tables| tables.job == id));
    match (way, safety) {
        (Some(UndoWay::Exchange { job, .. }), _) if *job == id => Ok(()),
        (Some(UndoWay::Safety { backup }), Some(safety)) if is_same(backup, safety) => Ok(()),
        (_, safety) if safety.is_some() || has_left => Err(
            "something has been restored since: undo from the main screen goes back to before that"
                .to_owned(),
        ),
        _ => Err("this job has replaced nothing: there is nothing of it to undo".to_owned()),
    }
}

/// Whether there are replaced tables that could be dropped.
fn confirmable(model: &Model) -> Result<(), String> {
    able_to_work(model)?;
    let target = live_target(model)?;
    match model.target_details() {
        Some(details) if !details.replaced.is_empty() => Ok(()),
        Some(_) => Err(Refusal::NothingToConfirm {
            environment: target.name.clone(),
        }
        .to_string()),
        None => Err(STILL_LOADING.to_owned()),
    }
}

/// Whether the wizard is about a restore whose safety backup can be left out.
fn safety_optional(model: &Model) -> Result<(), String> {
    match model.screens.last() {
        Some(Screen::Wizard(wizard)) if wizard.purpose == Purpose::Undo => {
            Err("undo always keeps what is live now".to_owned())
        }
        Some(Screen::Wizard(wizard)) if matches!(wizard.plan, PlanState::Loading(_)) => {
            Err("the plan is still being worked out".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether the wizard is about a safety backup of which it is known that the restore replaced only a part.
fn replaced_known(model: &Model) -> Result<(), String> {
    match model.screens.last() {
        Some(Screen::Wizard(wizard)) if wizard.replaced.is_none() => {
            Err("this is no safety backup of a restore of a part".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether the backup that the wizard is about can be taken from the second repository.
fn source_optional(model: &Model) -> Result<(), String> {
    let Some(Screen::Wizard(wizard)) = model.screens.last() else {
        return Ok(());
    };
    if wizard.purpose == Purpose::Undo {
        return Err("undo goes back to the safety backup where that is: it has no copy".to_owned());
    }
    if wizard.step == Step::Plan && matches!(wizard.plan, PlanState::Loading(_)) {
        return Err("the plan is still being worked out".to_owned());
    }
    let backup = model
        .wizard_backup()
        .ok_or("no backup is chosen: this slot is empty")?;
    if model
        .table_details()
        .is_some_and(|details| details.is_only_copied(&backup.id))
    {
        return Err("only the second repository has this backup: it is taken from there".to_owned());
    }
    if wizard.source(&backup.id) == RepositoryChoice::Copy {
        return Ok(());
    }
    let copies = model.table_details().and_then(|details| details.copies.as_ref());
    let copies = copies.ok_or("there is no second repository: the setting repository.copy names one")?;
    if let Some(trouble) = &copies.trouble {
        return Err(format!("the second repository is out of reach: {trouble}"));
    }
    match copies.of(&backup.id).map(|copy| &copy.backup.verification) {
        Some(Verification::Damaged { .. }) => {
            Err("its copy in the second repository is damaged: choose another backup".to_owned())
        }
        Some(_) => Ok(()),
        None => Err("this backup has no copy in the second repository".to_owned()),
    }
}

/// Whether nobody knows yet which backup is chosen, and somebody will soon.
pub fn waits_for_details(model: &Model) -> bool {
    if model.chosen_backup().is_some() || model.is_lost() {
        return false;
    }
    match model.target_name() {
        None => !model.fleet.is_loaded() && model.fleet_problem.is_none(),
        Some(name) => {
            !model.details_problems.contains_key(name)
                && (model.shown.as_ref() != Some(name) || !model.details.contains_key(name))
        }
    }
}

fn chosen(model: &Model) -> Result<(), String> {
    if model.chosen_backup().is_some() {
        return Ok(());
    }
    let Some(name) = model.target_name() else {
        return Err(no_environment(model));
    };
    if let Some(problem) = model.details_problems.get(name) {
        return Err(problem.clone());
    }
    // While another environment is still shown, or this one is being read, nobody knows what is in the slot.
    if model.shown.as_ref() != Some(name) || !model.details.contains_key(name) {
        return Err(STILL_LOADING.to_owned());
    }
    Err("no backup is chosen: this slot is empty".to_owned())
}

/// Whether the first repository has the chosen backup: what the second has besides is read back with all others.
fn in_the_first(model: &Model) -> Result<(), String> {
    chosen(model)?;
    match (model.chosen_backup(), model.target_details()) {
        (Some(backup), Some(details)) if details.is_only_copied(&backup.id) => Err(
            "only the second repository has this backup: V reads that one back too, while the first is in reach"
                .to_owned(),
        ),
        _ => Ok(()),
    }
}

fn cancellable(model: &Model) -> Result<(), String> {
    let job = match model.chosen_job() {
        Some(id) => model.jobs.get(&id),
        None => model.target_name().and_then(|name| model.job_of(name)),
    };
    match job {
        None => Err("no job runs here".to_owned()),
        Some(job) if job.can_cancel() => Ok(()),
        Some(job) if job.cancel_asked && job.past_stopping().is_none() => Err(format!(
            "job {} has been asked to stop already: it ends at its next safe point",
            job.id
        )),
        Some(job) if job.state.has_ended() => Err(format!("job {} has ended", job.id)),
        Some(job) if job.kind.switches_live() => Err(format!(
            "job {} has begun to switch Live and is finished now rather than left half done",
            job.id
        )),
        Some(job) => Err(format!(
            "job {} is clearing up after its {}, and ends by itself",
            job.id,
            job.kind.label()
        )),
    }
}

fn next_step(model: &Model) -> Result<(), String> {
    let Some(Screen::Wizard(wizard)) = model.screens.last() else {
        return Ok(());
    };
    if wizard.step != Step::Plan {
        return Ok(());
    }
    match &wizard.plan {
        PlanState::Exchange(_) => Ok(()),
        PlanState::Ready(plan) if plan.obstacles.is_empty() => Ok(()),
        PlanState::Ready(_) => Err("something stands in the way: the plan says what".to_owned()),
        PlanState::Failed(_) => Err("there is no plan: go back with Esc and choose again".to_owned()),
        PlanState::None | PlanState::Loading(_) => Err("the plan is still being worked out".to_owned()),
    }
}

fn accept(model: &Model) -> Result<(), String> {
    match model.screens.last() {
        Some(Screen::Wizard(wizard)) if model.dialog.is_none() && wizard.starting => {
            Err("the restore has been asked for".to_owned())
        }
        _ => Ok(()),
    }
}

/// Whether there is another context, and nothing here that would end with this one.
fn switchable(model: &Model) -> Result<(), String> {
    if model.settings.contexts.len() < 2 && !model.waits_for_opening {
        return Err("the configuration has no other context: `lifeboat login` adds one".to_owned());
    }
    match model.unfinished_jobs().next() {
        Some(job) if model.runs_jobs_itself() => Err(format!(
            "job {} of {} runs inside this program and would be stopped: wait for it, or cancel it first",
            job.id, job.environment
        )),
        _ => Ok(()),
    }
}

fn on_other_page(model: &Model, page: &Page) -> Result<(), String> {
    not_on(matches!(model.screens.last(), Some(Screen::Page { page: open, .. }) if open == page))
}

fn not_on(open: bool) -> Result<(), String> {
    if open {
        Err("this is on the screen already".to_owned())
    } else {
        Ok(())
    }
}
