//! What a restore or an undo tells of itself when Live has the content.

use super::Way;
use super::titles::{from_where, in_which, limited};
use crate::domain::backup::{Backup, BackupId, Trigger};
use crate::domain::job::{InstanceHealth, Outcome};
use crate::domain::measure;
use crate::domain::settings::RepositoryChoice;
use crate::engine::Work;

/// The same without those that say the same as one before.
pub(super) fn each_once(texts: Vec<String>) -> Vec<String> {
    let mut kept = Vec::with_capacity(texts.len());
    for text in texts {
        if !kept.contains(&text) {
            kept.push(text);
        }
    }
    kept
}

/// How a restore of a backup has ended, or an undo by one.
pub(super) fn outcome(
    work: &Work,
    backup: &Backup,
    way: &Way,
    safety: Option<(BackupId, RepositoryChoice)>,
    mut warnings: Vec<String>,
    health: Vec<InstanceHealth>,
) -> Outcome {
    let taken = measure::moment(backup.manifest.taken);
    if safety.is_some() {
        warnings.extend(way.first_lost.clone());
    }
    warnings.extend(work.noticed());
    warnings.extend(work.known());
    let warnings = each_once(warnings);
    let from = match backup.manifest.trigger {
        Trigger::Restore => in_which(way.from),
        _ => from_where(way.from),
    };
    let environment = work.environment().to_string();
    let (done, it) = if let Some(undone) = &way.undone {
        let state = (backup.manifest.taken, backup.manifest.came_from.as_ref());
        let done = undone.is_undone(&environment, &way.selection, Some(state));
        (format!("{done} (safety backup {}{from})", backup.id), "this undo")
    } else {
        let part = limited(&way.selection);
        let done = format!("{environment}{part} is back as it was at {taken}");
        (format!("{done} (backup {}{from})", backup.id), "it")
    };
    let undo = match &safety {
        Some((id, which)) => format!("; the safety backup {id}{} can undo {it}", in_which(*which)),
        None => String::new(),
    };
    Outcome {
        summary: format!("{done}{undo}"),
        backup: Some(backup.id.clone()),
        safety: safety.map(|(id, _)| id),
        warnings,
        health,
        not_proven: Vec::new(),
    }
}
