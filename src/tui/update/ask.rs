//! What is asked before an action is done: what takes long, changes something or takes something away is never one key.

use super::{approvals, forms, pins, wizard};
use crate::domain::backup::Backup;
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;
use crate::domain::plan::RestorePlan;
use crate::domain::request::HoldKind;
use crate::domain::state::EnvironmentDetails;
use crate::tui::action::Action;
use crate::tui::display::Stop;
use crate::tui::effects::Effect;
use crate::tui::model::Model;
use crate::tui::model::screens::{About, Dialog, FormKind, Question, Screen};

/// Asks what an action asks first.
pub fn first(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(name) = model.target_name().cloned() else {
        return Vec::new();
    };
    let dialog = match action {
        Action::Backup => forms::open(model, FormKind::Backup(name), &["Note"]),
        Action::UpgradeBackup => forms::open(model, FormKind::UpgradeBackup(name), &["Upgrade to", "Note"]),
        Action::Maintenance => hold_dialog(model, name, HoldKind::Maintenance),
        Action::Protect => hold_dialog(model, name, HoldKind::Protection),
        Action::BreakLive => Dialog::Question(Question {
            title: format!("Break {name}"),
            text: vec!["Restore a backup afterwards to see a recovery.".to_owned()],
            lost: Some(format!(
                "This deletes and changes content of {name} for real, in the demo's sandbox only."
            )),
            yes: "break Live",
            about: About::Break(name),
        }),
        Action::Delete => match model.chosen_backup() {
            Some(backup) => delete_question(model, name, backup),
            None => return Vec::new(),
        },
        Action::Verify | Action::VerifyAll | Action::Drill | Action::Extend => {
            match about_backup(model, action, name) {
                Some(question) => Dialog::Question(question),
                None => return Vec::new(),
            }
        }
        Action::Pin => match model.chosen_backup() {
            Some(backup) => pins::dialog(model, name, backup),
            None => return Vec::new(),
        },
        Action::Approve | Action::Reject => match approvals::dialog(model, action, name) {
            Some(dialog) => dialog,
            None => return Vec::new(),
        },
        Action::Confirm => confirm_question(model, name),
        Action::CancelJob => {
            let chosen = model.chosen_job().and_then(|id| model.jobs.get(&id));
            let Some(job) = chosen.or_else(|| model.job_of(&name)) else {
                return Vec::new();
            };
            Dialog::Question(Question {
                title: format!("Cancel job {}", job.id),
                text: vec![
                    format!(
                        "The {} of {} stops at its next safe point.",
                        job.title, job.environment
                    ),
                    "Live stays as it is, and nothing half done is kept.".to_owned(),
                ],
                yes: "cancel the job",
                lost: None,
                about: About::Cancel(job.id),
            })
        }
        _ => return Vec::new(),
    };
    model.dialog = Some(dialog);
    Vec::new()
}

/// What goes when the outcome of a restore is confirmed.
fn confirm_question(model: &Model, name: EnvironmentName) -> Dialog {
    let details = model.details.get(&name);
    let replaced = details.map_or(&[][..], |details| &details.replaced);
    let mut text = vec![format!(
        "The tables that restores of {name} have replaced are dropped from the database, and their room is free:"
    )];
    text.extend(replaced.iter().map(|tables| {
        format!(
            "{}: {}, replaced {} by job {}; they would stay until {}.",
            tables.instance,
            measure::bytes(tables.bytes),
            measure::moment(tables.at),
            tables.job,
            measure::moment(tables.expires)
        )
    }));
    let lost = details.map_or_else(
        || "The tables are lost for good.".to_owned(),
        EnvironmentDetails::undo_without_replaced_tables,
    );
    Dialog::Question(Question {
        title: format!("Confirm the restore of {name}"),
        text,
        yes: "drop the replaced tables",
        lost: Some(lost),
        about: About::Confirm(name),
    })
}

/// Setting a hold asks for the reason, lifting one whether it is meant.
fn hold_dialog(model: &Model, name: EnvironmentName, hold: HoldKind) -> Dialog {
    let summary = model.fleet.get(&name);
    let standing = summary.and_then(|summary| match hold {
        HoldKind::Maintenance => summary.maintenance.as_ref(),
        HoldKind::Protection => summary.protection.as_ref(),
    });
    let Some(standing) = standing else {
        return forms::open(model, FormKind::Hold(name, hold), &["Reason"]);
    };
    let (what, then) = match hold {
        HoldKind::Maintenance => ("maintenance mode", "Jobs that wait for it begin then."),
        HoldKind::Protection => ("protection", "Restores are accepted again then."),
    };
    let reason = standing.reason.as_deref().unwrap_or("no reason was given");
    Dialog::Question(Question {
        title: format!("Lift {what} of {name}"),
        text: vec![
            format!(
                "Set by {} on {}: {reason}.",
                standing.by,
                measure::moment(standing.since)
            ),
            then.to_owned(),
        ],
        yes: "lift it",
        lost: None,
        about: About::Lift(name, hold),
    })
}

/// Ends the cockpit, after a question where jobs would end with it.
pub fn quit(model: &mut Model) -> Vec<Effect> {
    let running = running_here(model);
    if running.is_empty() {
        return vec![Effect::Quit];
    }
    model.dialog = Some(Dialog::Question(quit_question(running)));
    Vec::new()
}

fn quit_question(running: Vec<String>) -> Question {
    let mut text = vec![
        "Jobs run inside this program. Live stays whole: the next start finishes or rolls back what was begun."
            .to_owned(),
    ];
    text.extend(running);
    Question {
        title: "Quit while jobs run".to_owned(),
        text,
        yes: "quit",
        lost: Some("Quitting stops them: what they have done so far is lost.".to_owned()),
        about: About::Quit,
    }
}

/// Stops the process, after a question where jobs would stand still with it.
pub fn suspend(model: &mut Model) -> Vec<Effect> {
    let running = running_here(model);
    if running.is_empty() {
        return vec![Effect::Suspend(Stop::Group)];
    }
    model.dialog = Some(Dialog::Question(stop_question(running)));
    Vec::new()
}

fn stop_question(running: Vec<String>) -> Question {
    let mut text = vec![
        "Jobs run inside this program. While it is stopped they stand still, hold their locks, and everybody else is refused."
            .to_owned(),
    ];
    text.extend(running);
    Question {
        title: "Stop while jobs run".to_owned(),
        text,
        yes: "stop",
        lost: Some("A restore that stands still leaves the site as its hooks have left it.".to_owned()),
        about: About::Suspend,
    }
}

/// Brings a question about jobs that run here up to date: one whose jobs have ended asks nothing any more.
pub fn look_again(model: &mut Model) {
    let Some(Dialog::Question(question)) = &model.dialog else {
        return;
    };
    let about = match question.about {
        About::Quit => quit_question,
        About::Suspend => stop_question,
        _ => return,
    };
    let running = running_here(model);
    model.dialog = (!running.is_empty()).then(|| Dialog::Question(about(running)));
}

/// The jobs that run in this process, a line for each.
pub fn running_here(model: &Model) -> Vec<String> {
    if !model.runs_jobs_itself() {
        return Vec::new();
    }
    model
        .unfinished_jobs()
        .map(|job| format!("job {}: {} of {}", job.id, job.title, job.environment))
        .collect()
}

/// Takes the safety backup into the restore after all, or asks whether it is to be left out.
pub fn safety(model: &mut Model) -> Vec<Effect> {
    let Some(Screen::Wizard(wizard)) = model.screens.last() else {
        return Vec::new();
    };
    if wizard.without_safety {
        return wizard::set_safety(model, true);
    }
    let environment = wizard.environment.clone();
    model.dialog = Some(Dialog::Question(Question {
        title: format!("Restore {environment} without a safety backup"),
        text: vec!["Leave it out only where Live is worth nothing any more, or cannot be read.".to_owned()],
        lost: Some("No backup keeps what is live now: only what the restore replaces beside Live can undo it, as long as that stays.".to_owned()),
        yes: "leave the safety backup out",
        about: About::NoSafety(environment),
    }));
    Vec::new()
}

/// Asks whether everything is to be put back although nothing would change.
pub fn even_if_unchanged(model: &mut Model) {
    let Some(Screen::Wizard(wizard)) = model.screens.last() else {
        return;
    };
    let environment = wizard.environment.clone();
    let compared = wizard.ready_plan().and_then(RestorePlan::how_compared);
    let text = ["Nothing would change, and a restore would say so and end."]
        .into_iter()
        .chain(compared)
        .chain(["It can be put back all the same, with a safety backup, hooks and a switch."]);
    let text = text.map(str::to_owned).collect();
    model.dialog = Some(Dialog::Question(Question {
        title: format!("Restore {environment} although nothing would change"),
        text,
        lost: None,
        yes: "put it back all the same",
        about: About::EvenIfUnchanged(environment),
    }));
}

/// What deleting a backup takes away.
fn delete_question(model: &Model, name: EnvironmentName, backup: &Backup) -> Dialog {
    let which = format!(
        "Backup {} ({}), taken {}.",
        backup.id,
        backup.manifest.trigger.names(),
        measure::moment(backup.manifest.taken),
    );
    let lost = "It is deleted from the repository and cannot be brought back.";
    let details = model.details.get(&name);
    let lost = match details.and_then(|details| details.undo_without(backup)) {
        Some(undo) => format!("{lost} {undo}"),
        None => lost.to_owned(),
    };
    Dialog::Question(Question {
        title: format!("Delete a backup of {name}"),
        text: vec![which],
        yes: "delete",
        lost: Some(lost),
        about: About::Delete(name, backup.id.clone()),
    })
}

/// What is asked before something is done with the chosen backup, or with all.
fn about_backup(model: &Model, action: Action, name: EnvironmentName) -> Option<Question> {
    if action == Action::VerifyAll {
        let count = model.target_details()?.backups.len();
        return Some(Question {
            title: format!("Verify all backups of {name}"),
            text: vec![format!(
                "{} read back and compared. Until that is done {name} takes no other job.",
                match count {
                    1 => "The 1 backup is".to_owned(),
                    _ => format!("All {count} backups are"),
                }
            )],
            yes: "verify them",
            lost: None,
            about: About::Verify(name, None),
        });
    }
    let backup = model.chosen_backup()?;
    let id = backup.id.clone();
    let which = format!(
        "Backup {id} ({}), taken {},",
        backup.manifest.trigger.names(),
        measure::moment(backup.manifest.taken)
    );
    let size = measure::bytes(backup.manifest.bytes());
    let question = |title: &str, text: Vec<String>, yes, about| {
        Some(Question {
            title: format!("{title} of {name}"),
            text,
            yes,
            lost: None,
            about,
        })
    };
    let busy = format!("Until that is done {name} takes no other job.");
    match action {
        Action::Verify => question(
            "Verify a backup",
            vec![format!("{which} is read back and compared: {size}. {busy}")],
            "verify it",
            About::Verify(name.clone(), Some(id)),
        ),
        Action::Drill => question(
            "Drill a backup",
            vec![format!(
                "{which} is restored into a scratch place and compared there: {size}. Live is not touched. {busy}"
            )],
            "begin the drill",
            About::Drill(name.clone(), id),
        ),
        Action::Extend => question(
            "Keep a backup",
            vec![format!(
                "{which} is kept for another 48 hours, and its room stays taken."
            )],
            "keep it",
            About::Extend(name.clone(), id),
        ),
        _ => None,
    }
}
