//! What is sent to ask what is inside.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use super::number;
use crate::domain::explore::{
    By, ExportForm, LONGEST_NEEDLE, MOST_CHARACTERS, MOST_LINES, NodePath, Source, USUAL_CHARACTERS,
    USUAL_LINES,
};

/// Which children.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct WhichChildren {
    /// Where to look.
    #[serde(deserialize_with = "source")]
    pub(in crate::server) source: Source,
    /// What to look into.
    #[serde(deserialize_with = "path")]
    pub(in crate::server) path: NodePath,
    /// How many to pass over.
    #[serde(default, deserialize_with = "number")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub(in crate::server) from: u64,
    /// At most so many.
    #[serde(default = "usual_lines", deserialize_with = "lines")]
    #[schemars(range(min = 1, max = 1_000))]
    pub(in crate::server) limit: u32,
}

/// Which node.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct WhichNode {
    /// Where to look.
    #[serde(deserialize_with = "source")]
    pub(in crate::server) source: Source,
    /// The node.
    #[serde(deserialize_with = "path")]
    pub(in crate::server) path: NodePath,
    /// At most so many characters of each value.
    #[serde(default = "usual_characters", deserialize_with = "characters")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(in crate::server) characters: u32,
}

/// What to export.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct WhichExport {
    /// Where to take it from.
    #[serde(deserialize_with = "source")]
    pub(in crate::server) source: Source,
    /// The node.
    #[serde(deserialize_with = "path")]
    pub(in crate::server) path: NodePath,
}

/// What to export, and as what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct WhichExportFacts {
    /// Where to take it from.
    #[serde(deserialize_with = "source")]
    pub(in crate::server) source: Source,
    /// The node, the folder or the file; for a tar a workspace, an instance, or nothing for all of it.
    #[serde(deserialize_with = "path")]
    pub(in crate::server) path: NodePath,
    /// As what.
    #[serde(default)]
    pub(in crate::server) form: ExportForm,
}

/// Whose versions.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct WhichVersions {
    /// Where to look.
    #[serde(deserialize_with = "source")]
    pub(in crate::server) source: Source,
    /// The node.
    #[serde(deserialize_with = "path")]
    pub(in crate::server) path: NodePath,
}

/// What to find.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct WhichFinds {
    /// Where to look; in all backups when it is left out.
    #[serde(default, deserialize_with = "some_source")]
    pub(in crate::server) source: Option<Source>,
    /// What it is looked for by.
    #[serde(default)]
    pub(in crate::server) by: By,
    /// What is looked for.
    #[serde(deserialize_with = "needle")]
    #[schemars(
        length(min = 1, max = 200),
        regex(pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$")
    )]
    pub(in crate::server) text: String,
    /// Only in here.
    #[serde(default, deserialize_with = "path")]
    pub(in crate::server) below: NodePath,
    /// How many to pass over.
    #[serde(default, deserialize_with = "number")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub(in crate::server) from: u64,
    /// At most so many.
    #[serde(default = "usual_lines", deserialize_with = "lines")]
    #[schemars(range(min = 1, max = 1_000))]
    pub(in crate::server) limit: u32,
}

/// Whose history.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct WhichHistory {
    /// Where the path is meant; where the node was last seen when it is left out.
    #[serde(default, deserialize_with = "some_source")]
    pub(in crate::server) source: Option<Source>,
    /// The node.
    #[serde(deserialize_with = "path")]
    pub(in crate::server) path: NodePath,
}

/// What to compare.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct WhichDiff {
    /// What was before.
    #[serde(deserialize_with = "source")]
    pub(in crate::server) older: Source,
    /// What is now.
    #[serde(deserialize_with = "source")]
    pub(in crate::server) newer: Source,
    /// Only in here.
    #[serde(default, deserialize_with = "path")]
    pub(in crate::server) below: NodePath,
    /// How many to pass over.
    #[serde(default, deserialize_with = "number")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_u64))]
    pub(in crate::server) from: u64,
    /// At most so many.
    #[serde(default = "usual_lines", deserialize_with = "lines")]
    #[schemars(range(min = 1, max = 1_000))]
    pub(in crate::server) limit: u32,
}

/// Which node to compare.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::server) struct WhichNodeDiff {
    /// What was before.
    #[serde(deserialize_with = "source")]
    pub(in crate::server) older: Source,
    /// Where the node was in it, if it was.
    #[serde(default, deserialize_with = "some_path")]
    pub(in crate::server) older_path: Option<NodePath>,
    /// What is now.
    #[serde(deserialize_with = "source")]
    pub(in crate::server) newer: Source,
    /// Where the node is in it, if it is.
    #[serde(default, deserialize_with = "some_path")]
    pub(in crate::server) newer_path: Option<NodePath>,
    /// At most so many characters of each value.
    #[serde(default = "usual_characters", deserialize_with = "characters")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(in crate::server) characters: u32,
}

fn usual_lines() -> u32 {
    USUAL_LINES
}

fn usual_characters() -> u32 {
    USUAL_CHARACTERS
}

fn lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    within(deserializer, "limit", MOST_LINES)
}

fn characters<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    within(deserializer, "characters", MOST_CHARACTERS)
}

fn within<'de, D: Deserializer<'de>>(deserializer: D, what: &str, most: u32) -> Result<u32, D::Error> {
    let number = u32::deserialize(deserializer)?;
    if (1..=most).contains(&number) {
        Ok(number)
    } else {
        Err(serde::de::Error::custom(format!(
            "{what} has to be from 1 to {most}"
        )))
    }
}

/// A word that can name a backup, or `live`.
fn source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Source, D::Error> {
    let text = String::deserialize(deserializer)?;
    if (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        let Ok(source) = text.parse();
        Ok(source)
    } else {
        Err(serde::de::Error::custom(
            "a source is live, a backup's id, a beginning of one, or a slot's name",
        ))
    }
}

fn some_source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Source>, D::Error> {
    source(deserializer).map(Some)
}

fn path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NodePath, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.chars().any(char::is_control) {
        return Err(serde::de::Error::custom(
            "a path has control characters in it: write a percent sign and two digits for each of their bytes",
        ));
    }
    text.parse().map_err(serde::de::Error::custom)
}

fn some_path<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NodePath>, D::Error> {
    path(deserializer).map(Some)
}

fn needle<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() || text.chars().count() > LONGEST_NEEDLE {
        return Err(serde::de::Error::custom(format!(
            "what is looked for has to have 1 to {LONGEST_NEEDLE} characters"
        )));
    }
    if text.chars().any(char::is_control) {
        return Err(serde::de::Error::custom(
            "what is looked for has control characters in it",
        ));
    }
    Ok(text)
}
