//! Search indexes of what was restored go before Magnolia starts, since Jackrabbit builds one only where there is none.
//!
//! Not in here: where they are and how one is removed (`content::search_indexes`).

use super::journal::Journal;
use crate::content::search_indexes::places;
use crate::domain::activity::Severity;
use crate::engine::Live;

impl Live {
    /// Removes the folders of search indexes of what was restored: Jackrabbit builds one only where there is none.
    pub(super) fn remove_search_indexes(
        &self,
        journal: &Journal,
        say: &dyn Fn(Severity, &str),
    ) -> Vec<String> {
        if journal.indexes_removed {
            return Vec::new();
        }
        let mut warnings = Vec::new();
        for record in &journal.instances {
            let Some(place) = self.place_of(&record.instance) else {
                continue;
            };
            for pattern in place.search_indexes() {
                for place in places(pattern, record.beside.workspaces()) {
                    let folder = place.path.display();
                    match place.remove() {
                        Ok(true) => say(
                            Severity::Information,
                            &format!("{}: the search index in {folder} is removed", record.instance),
                        ),
                        Ok(false) => {}
                        Err(why) => warnings.push(format!(
                            "the search index of {} in {folder} is still there ({why}): remove it before Magnolia starts, \
                             or its searches are wrong",
                            record.instance
                        )),
                    }
                }
            }
        }
        let removed = Journal {
            indexes_removed: true,
            ..journal.clone()
        };
        // Without it, a crash before the end has the indexes removed once more.
        if let Err(error) = self.write_journal(&removed) {
            warnings.push(error.to_string());
        }
        warnings
    }
}
