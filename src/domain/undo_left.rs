//! What is left of undo once something goes that it would go back to: told before it goes, in every face with the same words.

use super::backup::Backup;
use super::state::{EnvironmentDetails, UndoWay};

impl EnvironmentDetails {
    /// What undo is once the tables are dropped that restores have replaced, as sentences.
    #[must_use]
    pub fn undo_without_replaced_tables(&self) -> String {
        match &self.undo {
            Some(backup) => format!(
                "The tables are lost for good. Undo is a restore of the safety backup {backup} from then on."
            ),
            None => "The tables are lost for good, and there is no safety backup to go back to: nothing can be undone afterwards."
                .to_owned(),
        }
    }

    /// What undo is once this backup is deleted, as sentences. `None` where it goes on as it is.
    #[must_use]
    pub fn undo_without(&self, backup: &Backup) -> Option<String> {
        let goes_back_to_it = self.undo.as_ref().is_some_and(|undo| backup.answers_to(undo));
        let last = || self.undo_of.clone().unwrap_or_default().last();
        goes_back_to_it.then(|| match self.undo_way {
            Some(UndoWay::Exchange { .. }) => format!(
                "From then on {} can be undone only as long as the tables stand that it has replaced.",
                last()
            ),
            _ => format!("Undo goes back to it: {} cannot be undone afterwards.", last()),
        })
    }
}
