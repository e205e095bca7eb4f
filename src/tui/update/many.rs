//! Doing something for several environments: those that are marked in their list. One question names them, and those that
//! are left out.

use super::{notice, say};
use crate::domain::activity::Severity;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobId;
use crate::domain::measure;
use crate::domain::refusal::{self, Refusal};
use crate::domain::state::EnvironmentSummary;
use crate::tui::action::Action;
use crate::tui::effects::{Effect, Fetch};
use crate::tui::message::Answer;
use crate::tui::model::Model;
use crate::tui::model::fleet::FleetRow;
use crate::tui::model::screens::{About, Deed, Dialog, Question};

/// Marks the selected environment, or takes its mark away, and goes on to the next one.
pub fn mark(model: &mut Model) -> Vec<Effect> {
    let Some(name) = model.fleet.selected().map(|summary| summary.name.clone()) else {
        return Vec::new();
    };
    if !model.fleet.marked.remove(&name) {
        model.fleet.marked.insert(name);
    }
    tell(model);
    Vec::new()
}

/// Marks all that are listed and can be backed up, or takes all marks away.
pub fn mark_all(model: &mut Model) -> Vec<Effect> {
    if model.fleet.marked.is_empty() {
        let listed = model.fleet.rows().iter().filter_map(|row| match row {
            FleetRow::Environment(index) => model.fleet.at(*index),
            FleetRow::Project(_) => None,
        });
        let names = listed.filter(|summary| summary.kind.is_recoverable());
        model.fleet.marked = names.map(|summary| summary.name.clone()).collect();
    } else {
        model.fleet.marked.clear();
    }
    tell(model);
    Vec::new()
}

fn tell(model: &mut Model) {
    let keys = &model.settings.keys;
    let [backup, verify, drill, maintenance] = [
        Action::Backup,
        Action::VerifyAll,
        Action::Drill,
        Action::Maintenance,
    ]
    .map(|action| keys.first(action));
    let text = match model.fleet.marked.len() {
        0 => "no environment is marked".to_owned(),
        count => format!(
            "{} marked: {backup} backs up, {verify} verifies, {drill} drills all of them, {maintenance} is maintenance",
            measure::count(count as u64)
        ),
    };
    say(model, Severity::Information, text);
}

fn deed_of(model: &Model, action: Action) -> Option<Deed> {
    Some(match action {
        Action::Backup => Deed::Backup,
        Action::VerifyAll => Deed::Verify,
        Action::Drill => Deed::Drill,
        Action::Maintenance => {
            let mut marked = model.fleet.marked.iter().filter_map(|name| model.fleet.get(name));
            Deed::Maintenance(marked.any(|summary| summary.maintenance.is_none()))
        }
        _ => return None,
    })
}

/// Why an environment is left out, if it is.
fn left_out(summary: &EnvironmentSummary, deed: Deed) -> Option<String> {
    if let Err(refusal) = refusal::only_live(&summary.name, summary.kind) {
        return Some(refusal.to_string());
    }
    if let Deed::Maintenance(on) = deed {
        return (summary.maintenance.is_some() == on).then(|| {
            if on {
                "it is in maintenance mode already"
            } else {
                "it is in no maintenance mode"
            }
            .to_owned()
        });
    }
    if let Some(job) = &summary.job {
        let busy = Refusal::Busy {
            environment: summary.name.clone(),
            job: job.id,
            kind: job.kind,
        };
        return Some(busy.to_string());
    }
    (deed != Deed::Backup && summary.newest.is_none()).then(|| "it has no backup yet".to_owned())
}

/// The marked environments that it is done for, and those that are left out, with the reason.
fn parts(model: &Model, deed: Deed) -> (Vec<EnvironmentName>, Vec<String>) {
    let (mut names, mut out) = (Vec::new(), Vec::new());
    for summary in model.fleet.marked.iter().filter_map(|name| model.fleet.get(name)) {
        match left_out(summary, deed) {
            None => names.push(summary.name.clone()),
            Some(why) => out.push(format!("{}: {why}", summary.name)),
        }
    }
    (names, out)
}

/// Whether there is one that it can be done for.
pub fn able(model: &Model, action: Action) -> Result<(), String> {
    let Some(deed) = deed_of(model, action) else {
        return Ok(());
    };
    match parts(model, deed) {
        (names, _) if !names.is_empty() => Ok(()),
        (_, out) => Err(format!("none of the marked environments: {}", out.join("; "))),
    }
}

/// Asks whether to do it.
pub fn ask(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(deed) = deed_of(model, action) else {
        return Vec::new();
    };
    let (names, out) = parts(model, deed);
    let count = measure::count(names.len() as u64);
    let (title, what, yes) = match deed {
        Deed::Backup => ("Back up", "A manual backup is taken of each", "back up all"),
        Deed::Verify => (
            "Verify",
            "All backups of each are read back and compared",
            "verify all",
        ),
        Deed::Drill => (
            "Drill",
            "The newest backup of each is restored into a scratch place and compared",
            "drill all",
        ),
        Deed::Maintenance(true) => (
            "Maintenance mode for",
            "The jobs of each wait until it is lifted",
            "set for all",
        ),
        Deed::Maintenance(false) => (
            "Lift maintenance mode of",
            "The jobs that wait begin then",
            "lift for all",
        ),
    };
    let listed: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut text = vec![format!("{what}:"), format!("{}.", listed.join(", "))];
    if !out.is_empty() {
        text.push(format!("Left out: {}.", out.join("; ")));
    }
    let plural = if names.len() == 1 { "" } else { "s" };
    model.dialog = Some(Dialog::Question(Question {
        title: format!("{title} {count} environment{plural}"),
        text,
        yes,
        lost: None,
        about: About::Many(deed, names),
    }));
    Vec::new()
}

/// What came of it.
pub fn done(
    model: &mut Model,
    deed: Deed,
    answers: Vec<(EnvironmentName, Answer<Option<JobId>>)>,
) -> Vec<Effect> {
    let (mut good, mut jobs, mut refused) = (0_usize, Vec::new(), Vec::new());
    for (name, answer) in answers {
        match answer {
            Ok(job) => {
                good += 1;
                model.fleet.marked.remove(&name);
                jobs.extend(job);
            }
            Err(error) => refused.push(format!("{name}: {error}")),
        }
    }
    for id in &jobs {
        super::calls::begun(model, *id);
    }
    let count = measure::count(good as u64);
    let plural = if good == 1 { "" } else { "s" };
    let mut text = match deed {
        Deed::Maintenance(true) => format!("{count} environment{plural} in maintenance mode now"),
        Deed::Maintenance(false) => format!("{count} environment{plural} out of maintenance mode now"),
        _ if jobs.is_empty() => "no job has begun".to_owned(),
        _ => {
            let numbers: Vec<String> = jobs.iter().map(ToString::to_string).collect();
            format!("{count} job{plural} begun: {}", numbers.join(", "))
        }
    };
    if refused.is_empty() {
        say(model, Severity::Information, text);
    } else {
        // What stays marked can be tried again.
        text.extend([". Not for ", &refused.join("; ")]);
        notice(model, Severity::Warning, "not for all of them", text);
    }
    [Fetch::Jobs, Fetch::Environments]
        .into_iter()
        .filter_map(|fetch| model.fetch(fetch))
        .collect()
}
