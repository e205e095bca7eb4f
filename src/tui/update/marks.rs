//! What is marked inside a backup, and bringing that back.

use super::{explore, say, wizard};
use crate::domain::activity::Severity;
use crate::domain::backup::{Backup, Verification};
use crate::domain::explore::{ExportForm, Kind, NodePath, Source};
use crate::domain::plan::Selection;
use crate::domain::state::EnvironmentDetails;
use crate::tui::effects::Effect;
use crate::tui::model::Model;
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

/// Takes all marks of the backup on the screen away.
pub fn unmark(model: &mut Model) -> Vec<Effect> {
    if let Ok(there) = model.markable() {
        model.marks.clear(&there.environment, &there.source);
    }
    Vec::new()
}

/// Whether there are marks in the backup on the screen.
///
/// # Errors
/// The sentence that says why there are none.
pub fn has_marks(model: &Model) -> Result<(), String> {
    let there = model.markable()?;
    if model.marks.of(&there.environment, &there.source).len() == 0 {
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
    let there = model.markable()?;
    let marked = model
        .marks
        .of(&there.environment, &there.source)
        .cloned()
        .collect();
    let selection = Selection::of_paths(Vec::new(), marked).map_err(|error| error.to_string())?;
    let details = model.details.get(&there.environment);
    let mut all = details.into_iter().flat_map(EnvironmentDetails::all_backups);
    let backup = all.find(|backup| Source::from(&backup.id) == there.source);
    match backup {
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
    let are_files = is_marked_file || matches!(kind, Some(Kind::Folder | Kind::File | Kind::Workspace));
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
    wizard.nodes = Some(selection);
    if is_only_copied {
        wizard.from_copy = Some(backup.id);
    }
    model.screens.push(Screen::Wizard(Box::new(wizard)));
    wizard::ask_for_plan(model)
}
