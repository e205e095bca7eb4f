//! What is marked inside a backup, and bringing that back.

use super::{explore, say, wizard};
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, Verification};
use crate::domain::environment::{EnvironmentName, WorkspaceKind};
use crate::domain::explore::{ExportForm, Kind, NodePath, Source};
use crate::domain::plan::{PartError, Selection};
use crate::domain::state::EnvironmentDetails;
use crate::tui::action::Action;
use crate::tui::effects::Effect;
use crate::tui::model::Model;
use crate::tui::model::backups;
use crate::tui::model::cursor::Motion;
use crate::tui::model::explore::Column;
use crate::tui::model::explore::chosen::There;
use crate::tui::model::explore::marks::Mark;
use crate::tui::model::screens::{Dialog, Form, FormKind, Screen};
use crate::tui::model::wizard::{Purpose, Wizard};

/// Marks the chosen node, or takes its mark away.
pub fn mark(model: &mut Model) -> Vec<Effect> {
    if let Ok(there) = model.markable() {
        let whole = model.file_around_chosen().map(NodePath::name);
        model.marks.toggle(&there.environment, &there.source, there.path);
        if let Some(file) = whole {
            let told = format!(
                "{file} is marked as a whole, with all else in it: of content in folders nothing smaller than a file comes back"
            );
            say(model, Severity::Information, &told);
            return Vec::new();
        }
        if let Some(told) = model.marked_as_it_is() {
            say(model, Severity::Warning, &told);
            return Vec::new();
        }
        // One after the other is marked by the same key.
        if matches!(
            model.screens.last(),
            Some(Screen::Explorer(explorer)) if explorer.column == Column::Tree
        ) {
            return explore::scroll(model, Motion::Down);
        }
    }
    Vec::new()
}

/// Whether the chosen node can be marked.
///
/// # Errors
/// The sentence that says why it cannot.
pub fn can_mark(model: &Model) -> Result<(), String> {
    let there = model.markable()?;
    mixes_nothing(model, &there)?;
    match model.marks.mark(&there.environment, &there.source, &there.path) {
        Mark::Within => Err("it is in something that is marked already, and comes back with that".to_owned()),
        Mark::Marked => match model.file_around_chosen() {
            Some(file) => Err(format!(
                "it is in {}, which is marked as a whole: there Space takes the mark away",
                file.name()
            )),
            None => Ok(()),
        },
        Mark::None | Mark::Inside => Ok(()),
    }
}

/// Whether a mark is of what is marked already in this backup: a restore brings back whole workspaces or nodes.
fn mixes_nothing(model: &Model, there: &There) -> Result<(), String> {
    let is_workspace = there.path.steps.is_empty();
    let workspace = there.path.workspace.as_deref().unwrap_or_default();
    if WorkspaceKind::of(workspace) == WorkspaceKind::Shared {
        return Err(PartError::Shared(there.path.clone()).to_string());
    }
    if is_workspace && !has_workspace(model, there) {
        return Err(format!("{} is not in this backup", there.path));
    }
    let mut marked = model.marks.of(&there.environment, &there.source);
    // What is in it goes along with it; what it is in is told of otherwise.
    let is_other = |other: &&NodePath| !other.is_within(&there.path) && !there.path.is_within(other);
    let other = marked.find(|other| is_other(other) && other.steps.is_empty() != is_workspace);
    let key = model.settings.keys.first(Action::Unmark);
    match other {
        None => Ok(()),
        Some(other) => Err(format!(
            "{other} is marked: one restore brings back whole workspaces or nodes, not both; {key} takes all marks away"
        )),
    }
}

/// The backup that a source is, as far as it is still there.
fn backup_of<'m>(model: &'m Model, environment: &EnvironmentName, source: &Source) -> Option<&'m Backup> {
    let details = model.details.get(environment);
    let mut all = details.into_iter().flat_map(EnvironmentDetails::all_backups);
    all.find(|backup| Source::from(&backup.id) == *source)
}

/// Whether the backup has such a workspace.
fn has_workspace(model: &Model, there: &There) -> bool {
    let backup = backup_of(model, &there.environment, &there.source);
    backup.is_some_and(|backup| {
        backup.manifest.instances.iter().any(|instance| {
            let is_it = there
                .path
                .instance
                .as_ref()
                .is_none_or(|name| *name == instance.name);
            let mut workspaces = instance.workspaces.iter();
            is_it && workspaces.any(|workspace| Some(&workspace.name) == there.path.workspace.as_ref())
        })
    })
}

/// Marks the workspace that the chosen node is in, all of it, or takes that mark away.
pub fn mark_workspace(model: &mut Model) -> Vec<Effect> {
    if let Ok(there) = model.markable_workspace() {
        let path = there.path.clone();
        model
            .marks
            .toggle(&there.environment, &there.source, there.path.clone());
        let mark = model.marks.mark(&there.environment, &there.source, &path);
        let told = if mark == Mark::Marked {
            let key = model.settings.keys.first(Action::Restore);
            format!("{path} is marked as a whole: {key} plans its restore")
        } else {
            format!("{path} is not marked any more")
        };
        say(model, Severity::Information, told);
    }
    Vec::new()
}

/// Whether that workspace can be marked.
///
/// # Errors
/// The sentence that says why it cannot.
pub fn can_mark_workspace(model: &Model) -> Result<(), String> {
    mixes_nothing(model, &model.markable_workspace()?)
}

/// Takes all marks of the backup on the screen away.
pub fn unmark(model: &mut Model) -> Vec<Effect> {
    if let Ok((environment, source)) = model.marked_in() {
        model.marks.clear(&environment, &source);
    }
    Vec::new()
}

/// Whether there are marks in the backup on the screen.
///
/// # Errors
/// The sentence that says why there are none.
pub fn has_marks(model: &Model) -> Result<(), String> {
    let (environment, source) = model.marked_in()?;
    if model.marks.of(&environment, &source).len() == 0 {
        return Err("nothing is marked in this backup: Space marks".to_owned());
    }
    Ok(())
}

/// The backup and what is marked in it, as a part that can be restored.
///
/// # Errors
/// The sentence that says why nothing of it can be.
pub fn restorable(model: &Model) -> Result<(Backup, Selection), String> {
    has_marks(model)?;
    let (environment, source) = model.marked_in()?;
    let marked: Vec<NodePath> = model.marks.of(&environment, &source).cloned().collect();
    let selection = if marked.iter().all(|path| path.steps.is_empty()) {
        Selection::of_workspaces(marked)
    } else {
        Selection::of_paths(Vec::new(), marked)
    };
    let selection = selection.map_err(|error| error.to_string())?;
    match backup_of(model, &environment, &source) {
        Some(backup) if matches!(backup.verification, Verification::Damaged { .. }) => {
            Err("reading this backup back found damage: nothing in it is restored".to_owned())
        }
        Some(backup) => Ok((backup.clone(), selection)),
        None => Err("this backup is no longer there".to_owned()),
    }
}

/// What would be exported: what is marked in the backup on the screen, or else the chosen node.
///
/// # Errors
/// The sentence that says why nothing can be.
pub fn exportable(model: &Model) -> Result<(There, Vec<NodePath>), String> {
    if model.exports {
        return Err("an export is being written: c stops it".to_owned());
    }
    let there = model.chosen_node().ok_or("no node is chosen")?;
    let marked: Vec<_> = model
        .marks
        .of(&there.environment, &there.source)
        .cloned()
        .collect();
    if !marked.is_empty() {
        return Ok((there, marked));
    }
    if there.path.workspace.is_none() {
        return Err("a node is exported, or a workspace as files: go into one".to_owned());
    }
    let path = there.path.clone();
    Ok((there, vec![path]))
}

/// Asks as what, and where to.
pub fn export(model: &mut Model) -> Vec<Effect> {
    let Ok((there, paths)) = exportable(model) else {
        return Vec::new();
    };
    let kind = match model.screens.last() {
        Some(Screen::Explorer(explorer)) => explorer.chosen_line().map(|line| line.kind),
        _ => None,
    };
    // Of a file that is marked, nodes in it are chosen.
    let is_marked_file = model
        .file_around_chosen()
        .is_some_and(|file| paths.contains(file));
    let are_workspaces = paths.iter().all(|path| path.steps.is_empty());
    let are_files =
        is_marked_file || are_workspaces || matches!(kind, Some(Kind::Folder | Kind::File | Kind::Workspace));
    let usual = if are_files {
        ExportForm::Files
    } else {
        ExportForm::Xml
    };
    let kind = FormKind::Export(there.environment, there.source, paths);
    let mut form = Form::new(kind, &["As", "Folder"]);
    let draft = model.drafts.iter().find(|(of, _)| *of == form.kind);
    let texts = draft.map(|(_, texts)| texts.clone());
    form.fill(texts.unwrap_or_else(|| vec![usual.to_string(), ".".to_owned()]));
    model.dialog = Some(Dialog::Form(form));
    Vec::new()
}

/// Plans the restore of what is marked, in the wizard.
pub fn restore(model: &mut Model) -> Vec<Effect> {
    let (Ok((backup, selection)), Some(environment)) = (restorable(model), model.target_name().cloned())
    else {
        return Vec::new();
    };
    let is_only_copied = model
        .details
        .get(&environment)
        .is_some_and(|details| details.is_only_copied(&backup.id));
    let mut wizard = Wizard::new(environment, Purpose::Restore);
    wizard.choose(&backup);
    if selection.has_paths() {
        wizard.settled = Some(selection);
    } else {
        // Whole workspaces are a part as the wizard's own step has it, which Esc goes back to.
        wizard.limit(&selection);
        if let Some(details) = model.details.get(&wizard.environment) {
            wizard.choice.selected = backups::row_of(details, &backup.id).unwrap_or(0);
        }
    }
    if is_only_copied {
        wizard.from_copy = Some(backup.id);
    }
    model.screens.push(Screen::Wizard(Box::new(wizard)));
    wizard::ask_for_plan(model)
}
