//! Tables that are like Jackrabbit's and are not known: what is in them may be content that nobody backs up. What is surely
//! made like one of Jackrabbit's stops the backup; what is only named so is told.

use std::collections::BTreeSet;

use super::connect::Connector;
use super::layout::{SUFFIXES, has, in_workspace, is_version_storage};
use super::tables::{Column, Holds, Table};

/// Tables that are named or made like Jackrabbit's and are not both: what is in them may be content that nobody backs up. Their
/// names, and a sentence about each.
pub(super) fn strangers(
    connector: &Connector,
    tables: &[Table],
    others: &[(String, Vec<Column>)],
) -> Vec<(String, String)> {
    let settings = connector.settings();
    let suffix_of = |name: &str| {
        let lower = name.to_lowercase();
        let mut suffixes = SUFFIXES.iter();
        suffixes.find(move |(suffix, _, _)| lower.ends_with(suffix))
    };
    let stem = |name: &str| -> Option<String> {
        let (suffix, _, _) = suffix_of(name)?;
        name.to_lowercase().strip_suffix(suffix).map(str::to_owned)
    };
    let known: BTreeSet<String> = tables.iter().filter_map(|table| stem(&table.name)).collect();
    let is_left_alone = |name: &str| is_left_alone(connector, name);
    let others = others.iter().filter_map(|(name, columns)| {
        let stem = stem(name)?;
        let (_, holds, wanted) = suffix_of(name)?;
        if is_left_alone(name) {
            return None;
        }
        // Names are kept by many; nodes and their binaries by nobody else.
        let is_telling = *holds != Holds::Names;
        let is_named_like_one = known.contains(&stem)
            || is_version_storage(connector, &stem)
            || is_telling && in_workspace(connector, &stem).is_some();
        let is_made_like_one = wanted.len() == columns.len() && has(columns, wanted);
        let sentence = if is_named_like_one {
            Some(format!(
                "the table {name} is named like one of Jackrabbit's and lacks its columns ({}): what is in it would be missing \
                 from backups; look what it is, and give it another name, or name it in leave_alone, if it is somebody else's",
                wanted.join(", ")
            ))
        } else if is_telling && is_made_like_one {
            Some(format!(
                "the table {name} is made like one of Jackrabbit's, and begins neither with {} nor with {}: what is in it would \
                 be missing from backups. {}",
                settings.workspace_prefix,
                settings.version_prefix,
                what_to_write(connector, name)
            ))
        } else {
            None
        };
        Some((name.clone(), sentence?))
    });
    others.collect()
}

fn is_left_alone(connector: &Connector, name: &str) -> bool {
    let mut alone = connector.settings().leave_alone.iter();
    alone.any(|begin| name.to_lowercase().starts_with(&begin.to_lowercase()))
}

/// What to write in the configuration about a table under a prefix that is not known.
fn what_to_write(connector: &Connector, name: &str) -> String {
    let settings = connector.settings();
    let prefix = name.find('_').map_or(name, |end| &name[..=end]);
    format!(
        "If it is a repository's of this instance, write what its tables begin with before the name of the workspace too, for \
         example workspace_prefix = {}, and version_prefix = {} for its versions, as in Jackrabbit's configuration; if it is \
         somebody else's, leave_alone = [\"{prefix}\"]",
        settings.workspace_prefix.with(prefix),
        settings.version_prefix.with(&format!("{prefix}version_"))
    )
}

/// Tables that are named like those with the nodes of a workspace and are neither known nor said to be somebody else's.
pub(super) fn suspects(
    connector: &Connector,
    schema: &str,
    others: &[(String, Vec<Column>)],
    told: &[(String, String)],
) -> Vec<String> {
    let is_told = |name: &str| told.iter().any(|(told, _)| told == name);
    let others = others.iter().map(|(name, _)| name.as_str());
    let suspects = others.filter(|name| {
        name.to_lowercase().ends_with("_bundle") && !is_left_alone(connector, name) && !is_told(name)
    });
    suspects
        .map(|name| {
            format!(
                "the table {name} in the schema {schema} is named like the nodes of a workspace, and is in no backup. {}",
                what_to_write(connector, name)
            )
        })
        .collect()
}
