//! What a press of the tour waits for: conditions on the state of the cockpit.

use super::Notes;
use super::steps::Aim;
use crate::domain::explore::{DiffLine, NodePath, Source, largest_loss};
use crate::domain::job::{Job, JobKind, JobState};
use crate::domain::state::UndoWay;
use crate::tui::model::explore::differences::Differences;
use crate::tui::model::explore::{Column, Explorer, Node};
use crate::tui::model::screens::{Dialog, Screen};
use crate::tui::model::wizard::{PlanState, Step as WizardStep, Wizard};
use crate::tui::model::{Model, backups};

/// The workspace that editors miss first.
const MISSED: &str = "website";

/// Something that is so on the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Anything.
    Always,
    /// The main screen, with the environment on it and no job that runs there.
    Main,
    /// The same, with the backup that the tour has taken among the others.
    Listed,
    /// The same, and it is selected.
    Chosen,
    /// The main screen, once it knows that the last restore can be undone.
    Undoable,
    /// A form that can be filled in and sent.
    Form,
    /// A question that can be answered.
    Question,
    /// A message that can be read.
    Notice,
    /// What differs, with something that is gone.
    Compared,
    /// The inside of a backup.
    Inside,
    /// A search in which something can be typed.
    Searching,
    /// What is gone among what was found.
    Found,
    /// What is gone, inside the backup: what it is.
    Node,
    /// The same: its history.
    History,
    /// The wizard, where a backup is chosen.
    Choosing,
    /// The wizard, where a part is chosen.
    Scope,
    /// A plan that was made and can be followed.
    Planned,
    /// Where the name is typed.
    Name,
    /// A job of this kind that the step has begun.
    Begun(JobKind),
    /// The end of that job.
    Ended,
}

impl Seen {
    /// Whether it may take as long as it takes.
    #[must_use]
    pub fn is_work(self) -> bool {
        self == Self::Ended
    }

    /// Whether content has to be read for it.
    #[must_use]
    pub fn is_read_for(self) -> bool {
        matches!(
            self,
            Self::Compared | Self::Inside | Self::Found | Self::Node | Self::History | Self::Planned
        )
    }

    /// Whether it is so.
    #[must_use]
    pub fn is_so(self, model: &Model, notes: &Notes) -> bool {
        match self {
            Self::Always => true,
            Self::Main => is_main(model, notes),
            Self::Chosen => {
                let chosen = model.chosen_backup().map(|backup| &backup.id);
                is_main(model, notes) && chosen.is_some() && chosen == notes.backup.as_ref()
            }
            Self::Listed => is_main(model, notes) && backup_row(model, notes).is_some(),
            Self::Undoable => is_main(model, notes) && is_undoable(model, notes),
            Self::Form => matches!(model.dialog, Some(Dialog::Form(_))) && model.answering.is_read(),
            Self::Question => matches!(model.dialog, Some(Dialog::Question(_))) && model.answering.is_read(),
            Self::Notice => matches!(model.dialog, Some(Dialog::Notice(_))) && model.answering.is_read(),
            Self::Compared => differences(model).is_some_and(|differences| lost(differences).is_some()),
            Self::Inside => explorer(model).is_some_and(|explorer| explorer.lines.len() > 0),
            Self::Searching => {
                matches!(model.screens.last(), Some(Screen::Search(search)) if search.is_typed)
            }
            Self::Found => aim(model, notes, Aim::Lost).is_some(),
            Self::Node => node_of(model, notes).is_some_and(|node| node.facts.here().is_some()),
            Self::History => {
                let in_history = explorer(model).is_some_and(|explorer| explorer.column == Column::History);
                in_history && node_of(model, notes).is_some_and(|node| node.history.here().is_some())
            }
            Self::Choosing => wizard_at(model, WizardStep::Choose).is_some(),
            Self::Scope => wizard_at(model, WizardStep::Scope).is_some(),
            Self::Planned => {
                let ready =
                    |wizard: &Wizard| matches!(wizard.plan, PlanState::Ready(_) | PlanState::Exchange(_));
                wizard_at(model, WizardStep::Plan).is_some_and(ready) && model.answering.is_read()
            }
            Self::Name => wizard_at(model, WizardStep::Name).is_some() && model.answering.is_read(),
            Self::Begun(kind) => begun(model, notes, kind).is_some(),
            Self::Ended => job(model, notes).is_some_and(|job| job.state == JobState::Done),
        }
    }
}

fn is_main(model: &Model, notes: &Notes) -> bool {
    let Some(name) = &notes.environment else {
        return false;
    };
    model.dialog.is_none()
        && model.screens.is_empty()
        && model.filtering.is_none()
        && model.shown.as_ref() == Some(name)
        && model.target_name() == Some(name)
        && model.details.contains_key(name)
        && model.job_of(name).is_none()
}

/// Whether what is known of the environment is newer than its last restore, and an undo would take that back.
fn is_undoable(model: &Model, notes: &Notes) -> bool {
    let details = notes
        .environment
        .as_ref()
        .and_then(|name| model.details.get(name));
    let is_restore = |job: &&Job| {
        job.kind == JobKind::Restore
            && Some(&job.environment) == notes.environment.as_ref()
            && job.state == JobState::Done
    };
    let (Some(details), Some(restore)) = (details, model.jobs.values().rfind(is_restore)) else {
        return false;
    };
    match &details.undo_way {
        Some(UndoWay::Exchange { job, .. }) => *job == restore.id,
        Some(UndoWay::Safety { backup }) => {
            let outcome = restore.outcome.as_ref();
            outcome.and_then(|outcome| outcome.safety.as_ref()) == Some(backup)
        }
        None => false,
    }
}

fn explorer(model: &Model) -> Option<&Explorer> {
    match model.screens.last()? {
        Screen::Explorer(explorer) => Some(explorer),
        _ => None,
    }
}

fn differences(model: &Model) -> Option<&Differences> {
    match model.screens.last()? {
        Screen::Differences(differences) => Some(differences),
        _ => None,
    }
}

/// The node that the explorer is on, if that is what is gone.
fn node_of<'a>(model: &'a Model, notes: &Notes) -> Option<&'a Node> {
    let node = explorer(model)?.node.as_ref()?;
    (Some(&node.path) == notes.lost.as_ref()).then_some(node)
}

fn wizard_at(model: &Model, step: WizardStep) -> Option<&Wizard> {
    match model.screens.last()? {
        Screen::Wizard(wizard) if wizard.step == step && model.dialog.is_none() => Some(wizard),
        _ => None,
    }
}

/// The job of a kind that the step has begun.
#[must_use]
pub fn begun<'a>(model: &'a Model, notes: &Notes, kind: JobKind) -> Option<&'a Job> {
    let is_it = |job: &&Job| {
        job.kind == kind
            && Some(&job.environment) == notes.environment.as_ref()
            && Some(job.id) > notes.newest_job
    };
    model.jobs.values().rfind(is_it)
}

/// The job that the step has begun, once that was noted.
#[must_use]
pub fn job<'a>(model: &'a Model, notes: &Notes) -> Option<&'a Job> {
    model.jobs.get(&notes.job?)
}

/// What is gone, by what differs: of the workspace that editors miss first, that with the most below it.
#[must_use]
pub fn lost(differences: &Differences) -> Option<NodePath> {
    let lines = (0..differences.lines.len()).filter_map(|row| differences.lines.get(row));
    largest_loss(lines, MISSED).cloned()
}

/// The row that is aimed at, and the one that is selected.
#[must_use]
pub fn aim(model: &Model, notes: &Notes, at: Aim) -> Option<(usize, usize)> {
    match (at, model.screens.last()) {
        (Aim::Backup, None) => Some((backup_row(model, notes)?, model.backup_cursor.selected)),
        (Aim::Backup, Some(Screen::Wizard(wizard))) => {
            Some((backup_row(model, notes)?, wizard.choice.selected))
        }
        (Aim::Lost, Some(Screen::Differences(differences))) => {
            let is_it = |line: &DiffLine| line.older == notes.lost;
            let lines = &differences.lines;
            let row = (0..lines.len()).find(|row| lines.get(*row).is_some_and(is_it))?;
            Some((row, lines.cursor.selected))
        }
        (Aim::Lost, Some(Screen::Search(search))) => {
            let source = Source::from(notes.backup.as_ref()?);
            let finds = &search.finds;
            let row = (0..finds.len()).find(|row| {
                finds
                    .get(*row)
                    .is_some_and(|find| Some(&find.path) == notes.lost.as_ref() && find.seen.source == source)
            })?;
            (search.is_over && search.is_current()).then_some((row, finds.cursor.selected))
        }
        _ => None,
    }
}

fn backup_row(model: &Model, notes: &Notes) -> Option<usize> {
    let details = model.table_details()?;
    let rows = match model.screens.last() {
        None => model.backup_rows(),
        Some(_) => backups::rows(details, backups::Recents::Listed),
    };
    let is_it = |row: &backups::BackupRow| {
        let backup = row.of(details);
        backup.is_some() && backup.map(|backup| &backup.id) == notes.backup.as_ref()
    };
    rows.iter().position(is_it)
}
