//! Finding nodes by name, path, id or text.

use serde::{Deserialize, Serialize};

use super::{FirstLook, Kind, NodePath, NotRead, Source, SourceAt};
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;

/// Asks where something is. The same request again goes on with the same search, and tells what was found meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FindRequest {
    /// The environment.
    pub environment: EnvironmentName,
    /// Where to look; `None` for all backups that stand, the newest first.
    pub source: Option<Source>,
    /// What it is looked for by.
    pub by: By,
    /// What is looked for. Upper and lower case are the same, but in an id.
    pub text: String,
    /// Only in here: an environment, an instance, a workspace or a node.
    pub below: NodePath,
    /// How many finds to pass over.
    pub from: u64,
    /// How many finds to give.
    pub limit: u32,
}

/// What something is looked for by.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A part of the name.
    #[default]
    Name,
    /// A part of the path below the workspace.
    Path,
    /// The whole id.
    Id,
    /// A part of a text in a property. Reads all of the content that is searched.
    Text,
}

/// What was found so far.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finds {
    /// How many come before this page.
    pub from: u64,
    /// The page. What once was in one stays where it is: later finds come after it.
    pub finds: Vec<Find>,
    /// How many were found so far.
    pub total: u64,
    /// Whether the search is over. Until then ask again in a moment.
    pub is_over: bool,
    /// Whether there is more than [`super::MOST_FINDS`]: the search has ended with those.
    pub is_cut: bool,
    /// What is being read before it can be searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading: Option<FirstLook>,
    /// What could not be searched, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
    /// What is in files that cannot be read, and is not found: the rest was searched. `None` where there are none, and from an older
    /// Lifeboat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_read: Option<NotSearched>,
}

/// Files that cannot be read: nothing that is in them is found.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotSearched {
    /// How many. One that cannot be read in several backups counts once.
    pub files: u64,
    /// The first of them, and why.
    pub first: NotRead,
    /// Where that was looked at, and when that was.
    pub seen: SourceAt,
}

impl NotSearched {
    /// How many, which one, and why, as a sentence without its end.
    #[must_use]
    pub fn in_words(&self) -> String {
        let files = measure::so_many(
            self.files,
            "file cannot be read, and nothing in it is found:",
            "files cannot be read, and nothing in them is found; the first is",
        );
        let NotRead { file, why } = &self.first;
        format!("{files} {file} in {}, {why}", self.seen.source.short())
    }
}

/// Something that was found.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Find {
    /// Where it was looked, and when that was.
    pub seen: SourceAt,
    /// Where it is.
    pub path: NodePath,
    /// What it is.
    pub kind: Kind,
    /// The id of a node, as a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The primary type of a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_type: Option<String>,
    /// The property that the text is in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// The text around what was looked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}
