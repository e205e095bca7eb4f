//! Calling somebody who looks at another window when a job ends that they began here.

use crate::domain::job::{Job, JobId, JobState};
use crate::tui::effects::Effect;
use crate::tui::model::Model;
use crate::tui::terminal_call::Calling;

/// The terminal has got the focus, or lost it.
pub fn focus(model: &mut Model, has_it: bool) -> Vec<Effect> {
    model.is_away = !has_it;
    Vec::new()
}

/// A job was begun here.
pub fn begun(model: &mut Model, id: JobId) {
    model.begun_here.insert(id);
}

/// Calls somebody for each job that was begun here and has ended since. A terminal that tells nothing of its focus is taken
/// to have it.
pub fn call(model: &mut Model) -> Vec<Effect> {
    let ended: Vec<JobId> = model
        .begun_here
        .iter()
        .copied()
        .filter(|id| model.jobs.get(id).is_some_and(|job| job.state.has_ended()))
        .collect();
    let mut effects = Vec::new();
    for id in ended {
        model.begun_here.remove(&id);
        if model.is_away
            && model.settings.calling != Calling::Off
            && let Some(job) = model.jobs.get(&id)
        {
            effects.push(Effect::Call(sentence(job)));
        }
    }
    effects
}

fn sentence(job: &Job) -> String {
    let how = match &job.state {
        JobState::Failed { .. } => "failed",
        JobState::Cancelled => "was cancelled",
        _ => "is done",
    };
    format!("job {}, {} of {}, {how}", job.id, job.title, job.environment)
}
