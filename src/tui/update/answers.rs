//! What the backend said: answers to questions, and events.

mod lists;

use super::{
    calls, everything, forms, link, many, news, notice, reread, saving, say, selection_moved, show_selected,
    wizard,
};
use crate::backend::BackendError;
use crate::domain::activity::Severity;
use crate::domain::check::Report;
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::explore::Source;
use crate::domain::job::{Job, JobId, LogLine};
use crate::domain::plan::RestorePlan;
use crate::domain::refusal::Refusal;
use crate::domain::state::{BeforeUndo, EnvironmentDetails, EnvironmentSummary};
use crate::domain::undoing::not_told;
use crate::tui::effects::{Effect, Fetch};
use crate::tui::message::{Answer, Message, Start};
use crate::tui::model::screens::Screen;
use crate::tui::model::selection::BackupChoice;
use crate::tui::model::wizard::{PlanState, Wizard};
use crate::tui::model::{Connection, Line, Model};

/// Takes in what the backend said.
pub fn taken_in(model: &mut Model, message: Message) -> Vec<Effect> {
    match message {
        Message::Link(changed) => link::changed(model, changed),
        Message::Event(event) => happened(model, event),
        Message::EventsEnded => link::ended(model),
        Message::Info(answer) => {
            let mut effects = settle(model, &Fetch::Info);
            match answer {
                Ok(info) => {
                    model.info = Some(info);
                    heard(model);
                }
                Err(error) => effects.extend(unanswered(model, error)),
            }
            effects
        }
        Message::Environments(answer) => environments(model, answer),
        Message::Details(name, answer) => details(model, name, *answer),
        Message::Jobs(answer) => jobs(model, answer),
        Message::Job(answer) => job(model, *answer),
        Message::Log(id, answer) => log(model, id, answer),
        Message::Activity(answer) => {
            let mut effects = settle(model, &Fetch::Activity);
            match answer {
                Ok(entries) => {
                    let known = model.activity.take().unwrap_or_default();
                    model.activity = Some(lists::with_older(entries, known, |entry| entry.number));
                }
                Err(error) => effects.extend(unanswered(model, error)),
            }
            effects
        }
        Message::Notifications(answer) => {
            let mut effects = settle(model, &Fetch::Notifications);
            match answer {
                Ok(news) => {
                    let known = model.notifications.take().unwrap_or_default();
                    model.notifications = Some(lists::with_older(news, known, |news| news.number));
                }
                Err(error) => effects.extend(unanswered(model, error)),
            }
            effects
        }
        Message::More(list, limit, answer) => lists::more(model, list, limit, answer),
        Message::Collected(name, answer) => saving::collected(model, &name, answer),
        Message::Saved(answer) => saving::ended(model, answer),
        Message::Reread(found) => reread::found(model, found),
        Message::Many(deed, answers) => many::done(model, deed, answers),
        Message::Checked(name, answer) => checked(model, name, answer),
        Message::BeforeUndo(name, answer) => before_undo(model, name, &answer),
        Message::Plan(number, answer) => plan(model, number, *answer),
        Message::Started(start, answer) => started(model, start, answer),
        Message::Held(done, answer) => match answer {
            Ok(()) => {
                forms::taken(model);
                say(model, Severity::Information, done);
                Vec::new()
            }
            Err(error) if forms::refused(model, &error.to_string()) => Vec::new(),
            Err(error) => failed(model, error),
        },
        Message::Done(done, answer) => match answer {
            Ok(()) => {
                say(model, Severity::Information, done);
                Vec::new()
            }
            Err(error) => failed(model, error),
        },
        Message::Exporting(far) => {
            say(model, Severity::Information, far);
            Vec::new()
        }
        Message::Exported(ended) => {
            model.exports = false;
            match ended {
                Ok(done) => say(model, Severity::Information, done),
                Err(why) => notice(model, Severity::Warning, "not all of it was exported", why),
            }
            Vec::new()
        }
        Message::Broke(answer) => match answer {
            Ok(sentence) => {
                notice(model, Severity::Warning, "Live is broken now", sentence);
                Vec::new()
            }
            Err(error) => failed(model, error),
        },
        Message::Input(_)
        | Message::Time
        | Message::Rested(_)
        | Message::Read(_)
        | Message::Alone(_)
        | Message::AskAgain(_)
        | Message::Tour(_)
        | Message::Told(..)
        | Message::Elsewhere(..)
        | Message::Copied(..)
        | Message::CannotStop => Vec::new(),
    }
}

/// Something was heard from the backend.
pub(super) fn heard(model: &mut Model) {
    model.data_from = Some(model.now);
    if matches!(
        model.connection,
        Connection::Connecting | Connection::Failing { .. }
    ) {
        model.connection = Connection::Connected;
    }
}

pub(super) fn settle(model: &mut Model, fetch: &Fetch) -> Vec<Effect> {
    model.answered(fetch).into_iter().collect()
}

/// A question was answered with an error. That the backend is out of reach is told by its link.
pub(super) fn unanswered(model: &mut Model, error: BackendError) -> Vec<Effect> {
    match error {
        BackendError::OutOfReach(_) => Vec::new(),
        other => {
            cannot_work(model, &other);
            failed(model, other)
        }
    }
}

/// The backend has answered that it cannot: as long as nothing else has been heard of it, that is how it stands.
fn cannot_work(model: &mut Model, error: &BackendError) {
    if model.data_from.is_none() && !model.is_lost() {
        model.connection = Connection::Failing {
            why: error.to_string(),
        };
    }
}

/// Something that somebody wanted done was not: a refusal is said as it is.
fn failed(model: &mut Model, error: BackendError) -> Vec<Effect> {
    match error {
        BackendError::OutOfReach(why) => {
            say(model, Severity::Warning, why);
            Vec::new()
        }
        BackendError::Refused(refusal) => {
            say(model, Severity::Warning, refusal.to_string());
            Vec::new()
        }
        other => {
            say(model, Severity::Critical, other.to_string());
            Vec::new()
        }
    }
}

fn environments(model: &mut Model, answer: Answer<Vec<EnvironmentSummary>>) -> Vec<Effect> {
    let mut effects = settle(model, &Fetch::Environments);
    let summaries = match answer {
        Ok(summaries) => summaries,
        Err(error) => {
            if !matches!(error, BackendError::OutOfReach(_)) {
                cannot_work(model, &error);
            }
            if !model.fleet.is_loaded() {
                model.fleet_problem = Some(error.to_string());
            }
            return effects;
        }
    };
    model.fleet_problem = None;
    heard(model);
    let first_time = !model.fleet.is_loaded();
    let running: Vec<Job> = summaries
        .iter()
        .filter_map(|summary| summary.job.clone())
        .collect();
    model.fleet.replace(summaries);
    // A job that was running and is not any more has ended unheard: ask how.
    let unheard: Vec<JobId> = model
        .unfinished_jobs()
        .map(|job| job.id)
        .filter(|id| !running.iter().any(|job| job.id == *id))
        .collect();
    effects.extend(unheard.into_iter().filter_map(|id| model.fetch(Fetch::Job(id))));
    for job in running {
        news::of_job(model, job);
    }
    if first_time {
        effects.extend(show_selected(model));
    } else if model.fleet.selected().map(|summary| &summary.name) != model.shown.as_ref() {
        effects.extend(selection_moved(model));
    }
    effects
}

fn details(model: &mut Model, name: EnvironmentName, answer: Answer<EnvironmentDetails>) -> Vec<Effect> {
    let effects = settle(model, &Fetch::Details(name.clone()));
    match answer {
        Ok(details) => {
            heard(model);
            model.details_problems.remove(&name);
            model.fleet.put(details.summary.clone());
            if let Some(job) = &details.summary.job {
                news::of_job(model, job.clone());
            }
            model.details.insert(name.clone(), details);
            model.forget_details_of_others(&name);
        }
        Err(BackendError::OutOfReach(_)) => {}
        Err(error) => {
            model.details_problems.insert(name, error.to_string());
        }
    }
    effects
}

fn jobs(model: &mut Model, answer: Answer<Vec<Job>>) -> Vec<Effect> {
    let mut effects = settle(model, &Fetch::Jobs);
    match answer {
        Ok(jobs) => {
            model.jobs_loaded = true;
            for job in jobs {
                news::of_job(model, job);
            }
        }
        Err(error) => effects.extend(unanswered(model, error)),
    }
    effects
}

fn checked(model: &mut Model, name: EnvironmentName, answer: Answer<Report>) -> Vec<Effect> {
    let effects = settle(model, &Fetch::Check(name.clone()));
    model
        .checks
        .insert(name, answer.map_err(|error| error.to_string()));
    effects
}

fn job(model: &mut Model, answer: Answer<Job>) -> Vec<Effect> {
    match answer {
        Ok(job) => {
            let effects = settle(model, &Fetch::Job(job.id));
            news::of_job(model, job);
            effects
        }
        // The answer does not say which job it is about: ask afresh for any that was being asked for.
        Err(error) => {
            model.asked.retain(|fetch, _| !matches!(fetch, Fetch::Job(_)));
            unanswered(model, error)
        }
    }
}

fn log(model: &mut Model, id: JobId, answer: Answer<Vec<LogLine>>) -> Vec<Effect> {
    model
        .asked
        .retain(|fetch, _| !matches!(fetch, Fetch::Log(job, _) if *job == id));
    let has_ended = model.jobs.get(&id).is_some_and(|job| job.state.has_ended());
    match answer {
        Ok(lines) => {
            let Some(Screen::Log(log)) = model.screens.last_mut() else {
                return Vec::new();
            };
            if log.job != id {
                return Vec::new();
            }
            let last = log.last();
            let is_first = log.lines.is_none();
            let known = log.lines.get_or_insert_default();
            known.extend(lines.into_iter().filter(|line| line.number > last));
            if is_first && has_ended {
                log.follow = false;
                log.scroll = 0;
            }
            Vec::new()
        }
        Err(error) => unanswered(model, error),
    }
}

fn before_undo(model: &mut Model, name: EnvironmentName, answer: &Answer<BeforeUndo>) -> Vec<Effect> {
    for screen in &mut model.screens {
        if let Screen::Wizard(wizard) = screen
            && wizard.environment == name
        {
            if let Ok(told) = answer {
                wizard.puts_back.clone_from(&told.puts_back);
                wizard.undo_of = told.undo_of.clone().or_else(|| wizard.undo_of.take());
                wizard.stopping = told.stopping.clone();
            }
            wizard.written = Some(match answer {
                Ok(told) => told.written.clone(),
                Err(error) => vec![not_told(error)],
            });
        }
    }
    settle(model, &Fetch::BeforeUndo(name))
}

fn plan(model: &mut Model, number: u64, answer: Answer<RestorePlan>) -> Vec<Effect> {
    // The help may lie over the wizard meanwhile.
    let wizard = model.screens.iter_mut().rev().find_map(|screen| match screen {
        Screen::Wizard(wizard) => Some(wizard),
        _ => None,
    });
    let Some(wizard) = wizard else {
        return Vec::new();
    };
    if !matches!(wizard.plan, PlanState::Loading(asked) if asked == number) {
        return Vec::new();
    }
    match answer {
        Ok(plan) => {
            wizard.plan = PlanState::Ready(Box::new(plan));
            Vec::new()
        }
        Err(error) => {
            wizard.plan = PlanState::Failed(error.to_string());
            Vec::new()
        }
    }
}

fn started(model: &mut Model, start: Start, answer: Answer<JobId>) -> Vec<Effect> {
    match answer {
        Ok(id) => {
            calls::begun(model, id);
            if start == Start::Filled {
                forms::taken(model);
                model.backup_choice = BackupChoice::Begun(id);
            }
            if start == Start::Watched
                && let Some(wizard) = wizard_that_starts(model)
            {
                // What was marked comes back now: left behind, it would be planned again with what is marked next.
                let of = wizard.backup.as_ref().map(Source::from);
                let environment = wizard.environment.clone();
                if let Some(backup) = of {
                    model.marks.clear(&environment, &backup);
                }
                model.screens.clear();
                model.screens.push(Screen::Job { id, scroll: 0 });
            } else {
                say_begun(model, id);
            }
            model.fetch(Fetch::Job(id)).into_iter().collect()
        }
        Err(error) => not_started(model, start, error),
    }
}

fn say_begun(model: &mut Model, id: JobId) {
    match model.jobs.get(&id).filter(|job| job.state.has_ended()).cloned() {
        // A short job can have ended before the answer to its start came.
        Some(job) => news::say_ended(model, &job),
        None => {
            model.line = Some(Line {
                severity: Severity::Information,
                text: format!("job {id} has begun: the cockpit stays usable"),
                job: Some(id),
            });
        }
    }
}

fn not_started(model: &mut Model, start: Start, error: BackendError) -> Vec<Effect> {
    match start {
        Start::Filled if forms::refused(model, &error.to_string()) => return Vec::new(),
        Start::Watched => {
            if let Some(wizard) = wizard_that_starts(model) {
                wizard.starting = false;
                // The plan does not hold any more: a new one is made and shown, with the reason above it.
                if let BackendError::Refused(refusal @ Refusal::StalePlan { .. }) = error {
                    let effects = wizard::ask_for_plan(model);
                    say(model, Severity::Warning, refusal.to_string());
                    return effects;
                }
                // What was typed stays, and what to do about the reason is decided here.
                wizard.problem = Some(error.to_string());
                return Vec::new();
            }
        }
        Start::Filled | Start::Aside => {}
    }
    failed(model, error)
}

/// The wizard whose restore has been asked for, while it is still on the screen.
fn wizard_that_starts(model: &mut Model) -> Option<&mut Wizard> {
    match model.screens.last_mut() {
        Some(Screen::Wizard(wizard)) if wizard.starting => Some(wizard),
        _ => None,
    }
}

fn happened(model: &mut Model, event: Event) -> Vec<Effect> {
    heard(model);
    match event {
        Event::Job(job) => {
            let id = job.id;
            let has_ended = job.state.has_ended();
            news::of_job(model, *job);
            let mut effects = Vec::new();
            let asked_from = match model.screens.last() {
                Some(Screen::Log(log)) if log.job == id => Some(log.last()),
                _ => None,
            };
            if let Some(after) = asked_from {
                effects.extend(model.fetch(Fetch::Log(id, after)));
            }
            if has_ended && model.activity.is_some() {
                effects.extend(model.fetch(Fetch::Activity));
            }
            effects
        }
        Event::Environment { name } => {
            if model.fleet.get(&name).is_none() {
                return model.fetch(Fetch::Environments).into_iter().collect();
            }
            model.fetch(Fetch::Details(name)).into_iter().collect()
        }
        Event::Summary(mut summary) => {
            let Some(known) = model.fleet.get(&summary.name) else {
                return model.fetch(Fetch::Environments).into_iter().collect();
            };
            // What jobs tell themselves is newer.
            summary.job.clone_from(&known.job);
            model.fleet.put(*summary);
            Vec::new()
        }
        Event::Notification(news) => {
            news::of_notification(model, news);
            Vec::new()
        }
        Event::Missed => everything(model),
    }
}
