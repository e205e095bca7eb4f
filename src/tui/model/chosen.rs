//! What the actions on a screen are about: the backup, the job, the news.

use super::Model;
use super::backups;
use super::screens::Screen;
use super::wizard::Step;
use crate::domain::activity::Notification;
use crate::domain::backup::Backup;
use crate::domain::job::{Job, JobId};
use crate::domain::settings::RepositoryChoice;
use crate::tui::action::Action;
use crate::tui::model::cursor::Cursor;

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
        details.all_backups().find(|backup| backup.answers_to(id))
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

    /// Jobs, newest first.
    pub fn jobs_newest_first(&self) -> impl Iterator<Item = &Job> {
        self.jobs.values().rev()
    }

    /// The selected job of the list.
    #[must_use]
    pub fn job_in_list(&self, cursor: &Cursor) -> Option<&Job> {
        self.listed_jobs().get(cursor.selected).copied()
    }

    /// The job that the selected line of a list is about, or the one on the screen.
    #[must_use]
    pub fn chosen_job(&self) -> Option<JobId> {
        match self.screens.last() {
            Some(Screen::Job { id, .. }) => Some(*id),
            Some(Screen::Jobs(cursor)) => self.job_in_list(cursor).map(|job| job.id),
            Some(Screen::Activity(cursor)) => self.listed_activity().get(cursor.selected)?.job,
            Some(Screen::Notifications(list)) => self.listed_news().get(list.cursor.selected)?.job,
            _ => None,
        }
    }

    /// The newest notification that nobody has seen.
    #[must_use]
    pub fn newest_unseen(&self) -> Option<&Notification> {
        self.notifications.iter().flatten().find(|news| !news.seen)
    }

    /// Whether the first key of an action stands for it at this moment: while something is searched for, some stand for
    /// going on with that.
    #[must_use]
    pub fn is_reached(&self, action: Action) -> bool {
        let keys = &self.settings.keys;
        let first = keys.keys(action).first();
        first.is_some_and(|key| keys.action(*key, self.place(), self.goes_on_seeking()) == Some(action))
    }

    /// Whether an action is for all environments that are marked: in their list, where some are.
    #[must_use]
    pub fn is_for_marked(&self, action: Action) -> bool {
        matches!(
            action,
            Action::Backup | Action::VerifyAll | Action::Drill | Action::Maintenance
        ) && self.place_below() == crate::tui::action::Place::Environments
            && !self.fleet.marked.is_empty()
    }
}
