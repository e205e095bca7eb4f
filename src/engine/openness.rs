//! What others on this machine can look into or change though it is Lifeboat's: repositories in folders, and the state.
//!
//! What Lifeboat makes is its owner's alone (`disk::private`). This is about folders that were there before, or that somebody
//! has opened since.

use std::path::{Path, PathBuf};

use super::Live;
use crate::disk::private::{Writers, is_open_to_all, writers};
use crate::domain::settings::RepositoryChoice;

impl Live {
    /// What to know about a repository that everybody on this machine can look into or change.
    pub(super) fn open_repository(&self) -> Option<String> {
        let places = [RepositoryChoice::First, RepositoryChoice::Copy]
            .into_iter()
            .filter_map(|which| {
                let storage = self.storage(which).ok()??;
                storage.address().folder().map(Path::to_owned)
            });
        let open: Vec<PathBuf> = places.filter(|place| is_open_to_all(place)).collect();
        let place = open.first()?.display();
        Some(format!(
            "the repository in {place} is open to others on this machine: whoever reads its folder keys can try out \
             passwords, and whoever writes there can destroy every backup. Type chmod -R o-rwx {place}"
        ))
    }
}

/// What to know about a state folder that others on this machine can write to.
pub(super) fn open_state(state: &Path) -> Option<String> {
    let place = state.display();
    let (who, to_do) = match writers(state)? {
        Writers::Everybody => (
            "everybody on this machine".to_owned(),
            format!("Type chmod -R o-w {place}"),
        ),
        Writers::Owner(user) => {
            let me = rustix::process::geteuid().as_raw();
            (
                format!("user {user}, to whom it belongs, and Lifeboat runs as user {me}"),
                format!(
                    "Run it as user {user}; or, where nothing of that user needs it, type chown -R {me} {place}"
                ),
            )
        }
    };
    Some(format!(
        "the state folder {place} can be written to by {who}: whoever changes what is noted there about restores that are \
         not finished decides which folders Lifeboat moves and removes. {to_do}"
    ))
}
