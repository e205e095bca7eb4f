//! News that nobody has asked for: how jobs end, and notifications. They take the place of whatever stands on the line
//! above the footer, so that nobody has to press a key to learn how a job has ended.

use crate::domain::activity::{Notification, Severity};
use crate::domain::job::{Job, JobState};
use crate::tui::model::looks::ListKind;
use crate::tui::model::screens::Screen;
use crate::tui::model::{Line, Model};

/// How many jobs and notifications are remembered at least.
const REMEMBERED: usize = 500;

/// How many entries of a list are remembered: no fewer than somebody has scrolled to.
fn remembered(model: &Model, list: ListKind) -> usize {
    let asked = model.reach.get(&list).map_or(0, |reach| reach.asked as usize);
    REMEMBERED.max(asked)
}

/// Takes note of how a job stands, and says so when it has ended since it was last heard of.
pub fn of_job(model: &mut Model, job: Job) {
    let before = model.jobs.get(&job.id).map(|known| known.state.has_ended());
    // Answers can overtake each other: what has ended stays so.
    if before == Some(true) && !job.state.has_ended() {
        if let Some(known) = model.jobs.get(&job.id) {
            model.fleet.put_job(known);
        }
        return;
    }
    // A job that was started here may have ended before anything else was heard of it.
    let awaited = || model.line.as_ref().is_some_and(|line| line.job == Some(job.id));
    if job.state.has_ended() && (before == Some(false) || (before.is_none() && awaited())) {
        say_ended(model, &job);
    }
    say_reached(model, &job);
    model.fleet.put_job(&job);
    model.jobs.insert(job.id, job);
    while model.jobs.len() > remembered(model, ListKind::Jobs) {
        model.jobs.pop_first();
    }
}

/// Says on the line how a job has ended, unless its own screen does.
pub fn say_ended(model: &mut Model, job: &Job) {
    let line = ended(job);
    let on_its_screen = matches!(model.screens.last(), Some(Screen::Job { id, .. }) if *id == job.id);
    if on_its_screen {
        forget_line_of(model, job);
    } else if !is_outranked(model, &line) {
        model.line = Some(line);
    }
}

/// Says on the line that the moment has come that counts, while the job still clears up. Its own screen says so larger.
fn say_reached(model: &mut Model, job: &Job) {
    let known = model.jobs.get(&job.id);
    let (Some(reached), true) = (
        job.reached_so_far(),
        known.is_some_and(|known| known.reached.is_none()),
    ) else {
        return;
    };
    let line = Line {
        severity: Severity::Information,
        text: format!("{}: {}", job.environment, reached.sentence()),
        job: Some(job.id),
    };
    let on_its_screen = matches!(model.screens.last(), Some(Screen::Job { id, .. }) if *id == job.id);
    if !on_its_screen && !is_outranked(model, &line) {
        model.line = Some(line);
    }
}

/// What the job's own screen says is not to be contradicted by an earlier line about it.
fn forget_line_of(model: &mut Model, job: &Job) {
    if model.line.as_ref().is_some_and(|line| line.job == Some(job.id)) {
        model.line = None;
    }
}

/// How a job has ended, in a sentence.
fn ended(job: &Job) -> Line {
    let what = format!("job {}, {} of {}", job.id, job.title, job.environment);
    let (severity, text) = match &job.state {
        JobState::Failed { why } => (Severity::Critical, format!("{what}, failed: {why}")),
        JobState::Cancelled => (
            Severity::Warning,
            format!("{what}, {}: Live is as it was", job.was_cancelled()),
        ),
        _ => (Severity::Information, format!("{what}, is done")),
    };
    Line {
        severity,
        text,
        job: Some(job.id),
    }
}

/// Whether a failure of another job is on the line: it stays until a key is pressed, or something as serious comes.
fn is_outranked(model: &Model, line: &Line) -> bool {
    let failure = model
        .line
        .as_ref()
        .filter(|line| line.severity == Severity::Critical);
    failure.is_some_and(|failure| line.severity != Severity::Critical && failure.job != line.job)
}

/// Takes a notification in. What stands on the line makes room for it.
pub fn of_notification(model: &mut Model, news: Notification) {
    let most = remembered(model, ListKind::News);
    let known = model.notifications.get_or_insert_default();
    if known.iter().any(|other| other.number == news.number) {
        return;
    }
    let line = Line {
        severity: news.severity,
        text: String::new(),
        job: news.job,
    };
    known.insert(0, news);
    known.truncate(most);
    if !is_outranked(model, &line) {
        model.line = None;
    }
}
