//! What the restore wizard is about: a backup, and which of the two repositories it is taken from.

use super::Model;
use super::backups;
use super::screens::Screen;
use super::wizard::Step;
use crate::domain::backup::Backup;
use crate::domain::settings::RepositoryChoice;

impl Model {
    /// The backup that the restore wizard is about: while one is being chosen, that of the selected row.
    #[must_use]
    pub fn wizard_backup(&self) -> Option<&Backup> {
        let Some(Screen::Wizard(wizard)) = self.screens.last() else {
            return None;
        };
        let details = self.table_details()?;
        if wizard.step == Step::Choose {
            let row = *backups::rows(details, self.recents()).get(wizard.choice.selected)?;
            return row.of(details);
        }
        let id = wizard.backup.as_ref()?;
        details.all_backups().find(|backup| backup.id == *id)
    }

    /// Which of the two repositories the wizard's backup would be taken from. There is no choice where only the second one
    /// has it.
    #[must_use]
    pub fn wizard_source(&self) -> RepositoryChoice {
        let (Some(Screen::Wizard(wizard)), Some(backup)) = (self.screens.last(), self.wizard_backup()) else {
            return RepositoryChoice::First;
        };
        let only_there = self
            .table_details()
            .is_some_and(|details| details.is_only_copied(&backup.id));
        if only_there {
            RepositoryChoice::Copy
        } else {
            wizard.source(&backup.id)
        }
    }
}
