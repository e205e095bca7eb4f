//! How titles and outcomes of restores name their part of a backup, and the repository that it comes from.

pub(super) use crate::domain::limited::limited;
use crate::domain::settings::RepositoryChoice;

/// What to add to a backup's id where it is a copy in the second repository.
pub(super) fn from_where(from: RepositoryChoice) -> &'static str {
    match from {
        RepositoryChoice::First => "",
        RepositoryChoice::Copy => ", a copy in the second repository",
    }
}

/// What to add to a safety backup's id where it had to go to the second repository.
pub(super) fn in_which(repository: RepositoryChoice) -> &'static str {
    match repository {
        RepositoryChoice::First => "",
        RepositoryChoice::Copy => " in the second repository",
    }
}
