//! How titles and outcomes of restores name their part of a backup, and the repository that it comes from.

use crate::domain::environment::InstanceName;
use crate::domain::measure;
use crate::domain::plan::Selection;
use crate::domain::settings::RepositoryChoice;

/// How many of the chosen paths are named in a job's title.
const PATHS_NAMED: usize = 3;

/// Which part a limited restore takes, to stand behind a name: `, only dam and website on author`. Empty for everything.
pub(super) fn limited(selection: &Selection) -> String {
    let instances: Vec<_> = selection.instances.iter().map(InstanceName::as_str).collect();
    let what = if selection.has_paths() {
        let mut named: Vec<_> = selection.paths.iter().map(ToString::to_string).collect();
        let more = named.len().saturating_sub(PATHS_NAMED);
        if more > 0 {
            named.truncate(PATHS_NAMED);
            named.push(measure::so_many(more as u64, "more path", "more paths"));
        }
        measure::listed(&named)
    } else {
        selection.workspaces.join(" and ")
    };
    let place = instances.join(" and ");
    match (what.is_empty(), place.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!(", only on {place}"),
        (false, true) => format!(", only {what}"),
        (false, false) => format!(", only {what} on {place}"),
    }
}

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
