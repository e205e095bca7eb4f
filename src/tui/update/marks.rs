//! What is marked inside a backup, and bringing that back.

use super::{explore, wizard};
use crate::domain::backup::{Backup, Verification};
use crate::domain::explore::Source;
use crate::domain::plan::Selection;
use crate::domain::state::EnvironmentDetails;
use crate::tui::effects::Effect;
use crate::tui::model::Model;
use crate::tui::model::cursor::Motion;
use crate::tui::model::explore::Column;
use crate::tui::model::explore::marks::Mark;
use crate::tui::model::screens::Screen;
use crate::tui::model::wizard::{Purpose, Wizard};

/// Marks the chosen node, or takes its mark away.
pub fn mark(model: &mut Model) -> Vec<Effect> {
    if let Ok(there) = model.markable() {
        model.marks.toggle(&there.environment, &there.source, there.path);
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
        Mark::None | Mark::Marked | Mark::Inside => Ok(()),
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
