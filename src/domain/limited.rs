//! How the part of a backup that a restore takes is named, behind something else.

use super::environment::InstanceName;
use super::measure;
use super::plan::Selection;

/// How many of the chosen paths are named.
const PATHS_NAMED: usize = 3;

/// Which part a limited restore takes, to stand behind a name: `, only dam and website on author`. Empty for everything.
#[must_use]
pub fn limited(selection: &Selection) -> String {
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
