//! How the part of a backup that a restore takes is named, behind something else or by itself.

use super::environment::InstanceName;
use super::measure;
use super::plan::Selection;

/// How many of the chosen paths are named.
const PATHS_NAMED: usize = 3;

/// What a selection takes, and on which instances. Empty where that is all there is.
fn named(selection: &Selection) -> (String, String) {
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
    (what, instances.join(" and "))
}

/// Which part a limited restore takes, to stand behind a name: `, only dam and website on author`. Empty for everything.
#[must_use]
pub fn limited(selection: &Selection) -> String {
    let (what, place) = named(selection);
    match (what.is_empty(), place.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!(", only on {place}"),
        (false, true) => format!(", only {what}"),
        (false, false) => format!(", only {what} on {place}"),
    }
}

/// The same, to stand by itself: `dam and website on author`, `what is on author`.
#[must_use]
pub fn part(selection: &Selection) -> String {
    let (what, place) = named(selection);
    match (what.is_empty(), place.is_empty()) {
        (true, true) => "everything".to_owned(),
        (true, false) => format!("what is on {place}"),
        (false, true) => what,
        (false, false) => format!("{what} on {place}"),
    }
}

/// The options of a verb that limit it to that part, each with what it is for.
#[must_use]
pub fn options(selection: &Selection) -> Vec<[String; 2]> {
    let with = |option: &str, what: String| [option.to_owned(), what];
    let instances = selection.instances.iter();
    let mut options: Vec<_> = instances
        .map(|name| with("--instance", name.to_string()))
        .collect();
    if selection.has_paths() {
        let paths = selection.paths.iter();
        options.extend(paths.map(|path| with("--path", path.to_string())));
    } else {
        let workspaces = selection.workspaces.iter();
        options.extend(workspaces.map(|name| with("--workspace", name.clone())));
    }
    options
}
