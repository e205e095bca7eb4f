//! What people have written into a restored part since: an undo sets it aside, and says beforehand how much that is.
//!
//! In folders what is live is compared with the backup that was brought back; in tables the rows tell (`Place::written_since`).
//! Of a restore of more than parts nothing is said: what it goes back to is compared with Live as a whole.

use super::undo::LeftByInstance;
use crate::content::restoring::RestoreError;
use crate::domain::backup::{Backup, BackupId};
use crate::domain::environment::InstanceName;
use crate::domain::measure;
use crate::domain::plan::Selection;
use crate::engine::{EngineError, Live};
use crate::repository::Depth;
use crate::watch::Watch;

/// That it cannot be told how much was written into what an instance got back.
fn not_told(instance: &InstanceName, why: &str) -> String {
    format!(
        "{instance}: how much was written into what the restore brought back cannot be told ({why}); an undo sets all of it aside"
    )
}

/// What was written since into what a restore brought back.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// In sentences.
    pub(super) told: Vec<String>,
    /// Whether it was looked for in all of that.
    was_looked_for: bool,
}

impl Written {
    /// Whether it is known that nothing was.
    pub(super) fn is_nothing(&self) -> bool {
        self.was_looked_for && self.told.is_empty()
    }
}

impl Live {
    /// What was written since into what the last restore brought back, if this is the safety backup that it took.
    pub(super) fn written_since(&self, safety: &Backup, watch: &dyn Watch) -> Written {
        let Some(last) = self.last_restore() else {
            return Written::default();
        };
        if last.safety != Some(safety.manifest.taken) {
            return Written::default();
        }
        let mut left = self.left_in_databases().unwrap_or_default();
        left.retain(|(_, left)| left.is_replaced() && left.note.job == last.job.0);
        let mut told = self.written_into_tables(&left);
        let selection = safety.manifest.replaced.clone().unwrap_or_default();
        if selection.has_paths() {
            for instance in &last.instances {
                let written = self.written_into_folder(last.backup.as_ref(), instance, &selection, watch);
                told.extend(written.unwrap_or_else(|error| Some(not_told(instance, &error.to_string()))));
            }
        }
        let has_tables = |instance: &InstanceName| {
            let mut of_it = left.iter().filter(|(known, _)| known == instance).peekable();
            of_it.peek().is_some() && of_it.all(|(_, left)| left.note.selection.has_paths())
        };
        Written {
            told,
            was_looked_for: selection.has_paths() || last.instances.iter().all(has_tables),
        }
    }

    /// The same of tables, for which these were replaced.
    pub(super) fn written_into_tables(&self, replaced: &LeftByInstance) -> Vec<String> {
        let mut told = Vec::new();
        for (instance, left) in replaced {
            if !left.note.selection.has_paths() {
                continue;
            }
            let written = match self.place_of(instance) {
                Some(place) => place.written_since(left),
                None => Err(RestoreError::Failed("it is not configured any more".to_owned())),
            };
            match written {
                Ok(Some(0)) => {}
                Ok(Some(nodes)) => told.push(format!(
                    "{instance}: {} added or changed since the restore in {}, and an undo sets that aside",
                    measure::so_many(nodes, "node was", "nodes were"),
                    left.note.selection.workspaces.join(" and ")
                )),
                Ok(None) => told.push(not_told(instance, "the database has forgotten when it was")),
                Err(error) => told.push(not_told(instance, &error.to_string())),
            }
        }
        told
    }

    fn written_into_folder(
        &self,
        brought: Option<&BackupId>,
        instance: &InstanceName,
        selection: &Selection,
        watch: &dyn Watch,
    ) -> Result<Option<String>, EngineError> {
        let Some(place) = self.place_of(instance) else {
            return Ok(None);
        };
        let Some(brought) = brought else {
            return Ok(Some(not_told(instance, "nobody remembers which backup it was")));
        };
        // A pin gives it another id.
        let brought = &self.find_backup(brought)?.id;
        let repository = self.repository_holding(brought)?;
        let content = place.content();
        let compared = repository.compare(brought, instance, selection, &*content, Depth::Quick, watch)?;
        let sum = |count: fn(&crate::domain::plan::WorkspaceChange) -> u64| -> u64 {
            compared.changes.iter().map(count).sum()
        };
        // What a restore would remove was added since, and what it would add was removed.
        let (added, changed, removed) = (
            sum(|change| change.removed),
            sum(|change| change.changed),
            sum(|change| change.added),
        );
        if added + changed + removed == 0 {
            return Ok(None);
        }
        let counted = [(added, "added"), (changed, "changed"), (removed, "removed")];
        let counted: Vec<_> = counted
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| {
                format!(
                    "{} {what}",
                    measure::so_many(*count, "file or folder was", "files and folders were")
                )
            })
            .collect();
        Ok(Some(format!(
            "{instance}: since the restore {} in what it brought back, and an undo sets that aside: the safety backup that it takes \
             holds it",
            measure::listed(&counted)
        )))
    }
}
