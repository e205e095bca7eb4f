//! Environments of projects, their instances and their workspaces.
//!
//! Not in here: where an instance's content is read from (`content`) and what state an environment is in
//! ([`super::state`]).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

use super::Instant;
use super::as_text::as_text;

/// Why a name for a project, an environment or an instance is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty, too long, or has characters that do not fit in a path and on a command line.
    #[error(
        "\"{0}\" is not a usable name: use 1 to 63 letters, digits, '-', '_' or '.', and start with a letter or a digit"
    )]
    NotAName(String),
    /// The text is not of the form `project/environment`.
    #[error("\"{0}\" does not name an environment: write PROJECT/ENVIRONMENT, for example acme/live")]
    NotAnEnvironment(String),
}

/// Whether a text may name a project, an environment or an instance: it becomes a folder in the repository, a host in
/// `restic snapshots` and an argument on command lines, so it is kept plain.
fn is_plain_name(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// The name of one environment, written `acme/live`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvironmentName {
    project: String,
    environment: String,
}

impl EnvironmentName {
    /// Puts a name together from its two parts.
    ///
    /// # Errors
    /// [`NameError::NotAName`] for a part that is not plain.
    pub fn new(project: &str, environment: &str) -> Result<Self, NameError> {
        for part in [project, environment] {
            if !is_plain_name(part) {
                return Err(NameError::NotAName(part.to_owned()));
            }
        }
        Ok(Self {
            project: project.to_owned(),
            environment: environment.to_owned(),
        })
    }

    /// The project's part, `acme`.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The environment's part, `live`.
    #[must_use]
    pub fn environment(&self) -> &str {
        &self.environment
    }
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}/{}", self.project, self.environment))
    }
}

impl FromStr for EnvironmentName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (project, environment) = text
            .split_once('/')
            .ok_or_else(|| NameError::NotAnEnvironment(text.to_owned()))?;
        Self::new(project, environment)
    }
}

as_text!(EnvironmentName);

/// What an environment is for. Only [`EnvironmentKind::Live`] is backed up and recoverable (rule 5).
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentKind {
    /// What visitors see. The only kind with backups.
    Live,
    /// User acceptance testing.
    Uat,
    /// Where developers bring their work together.
    Integration,
}

impl EnvironmentKind {
    /// Whether this kind is backed up and can be recovered.
    #[must_use]
    pub fn is_recoverable(self) -> bool {
        self == Self::Live
    }

    /// The word that people use for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Live => "Live",
            Self::Uat => "UAT",
            Self::Integration => "Integration",
        }
    }
}

/// What a Magnolia instance does in its environment.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Where editors work. One per environment.
    Author,
    /// What visitors reach. Any number of them.
    Public,
}

impl Role {
    /// The word that people use for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Public => "public",
        }
    }
}

/// A type for names that are plain.
macro_rules! plain_name {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                if is_plain_name(text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(NameError::NotAName(text.to_owned()))
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

plain_name! {
    /// The name of an instance inside its environment, for example `author` or `public-1`. A plain name, since it is a
    /// folder inside every backup.
    InstanceName
}

plain_name! {
    /// The name of one of the nodes that share an instance's content.
    NodeName
}

/// The name of an instance, or of one of its nodes. Written `author` and `author/node-1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct MemberName {
    /// The instance.
    pub instance: InstanceName,
    /// The node; `None` for the instance itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeName>,
}

impl fmt::Display for MemberName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.node {
            Some(node) => f.pad(&format!("{}/{node}", self.instance)),
            None => f.pad(self.instance.as_str()),
        }
    }
}

/// One running Magnolia of an environment, as the cockpit shows it.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Its name, unique in the environment.
    pub name: InstanceName,
    /// What it does.
    pub role: Role,
    /// Where its content is, as a sentence for people: a folder, later a database. Never a secret.
    pub content: String,
    /// The address that is asked whether the instance is up, if one is configured.
    pub health: Option<String>,
    /// What came of asking it last. `None` when it has no address or has not answered or failed to answer yet.
    #[serde(default)]
    pub answer: Option<Answer>,
    /// The nodes that share its content, if it is several Magnolias.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<Node>,
}

/// One of the nodes that share an instance's content, as the cockpit shows it.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Its name, unique in the instance.
    pub name: NodeName,
    /// The address that is asked whether it is up, if one is configured.
    pub health: Option<String>,
    /// What came of asking it last. `None` when it has no address or has not answered or failed to answer yet.
    #[serde(default)]
    pub answer: Option<Answer>,
}

/// What is asked whether it is up, of an instance or one of its nodes.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The node; `None` for the instance itself.
    pub node: Option<&'a NodeName>,
    /// The address.
    pub address: &'a str,
    /// What came of asking it last.
    pub answer: Option<&'a Answer>,
}

impl Instance {
    /// Whatever of it has an address: itself first, then its nodes.
    pub fn asked(&self) -> impl Iterator<Item = Asked<'_>> {
        let itself = self.health.as_deref().map(|address| Asked {
            node: None,
            address,
            answer: self.answer.as_ref(),
        });
        let nodes = self.nodes.iter().filter_map(|node| {
            Some(Asked {
                node: Some(&node.name),
                address: node.health.as_deref()?,
                answer: node.answer.as_ref(),
            })
        });
        itself.into_iter().chain(nodes)
    }
}

/// What came of asking an instance whether it is up.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// When it was asked.
    pub at: Instant,
    /// Whether it is up.
    pub up: bool,
    /// What it answered, or what went wrong.
    pub detail: String,
}

/// The version storage of a database, which belongs to all its workspaces. Like the four below it stands where
/// workspaces stand in a backup; no workspace has a name that begins with a dot.
pub const VERSIONS: &str = ".versions";
/// The data store that the binaries of all workspaces are kept in.
pub const DATA_STORE: &str = ".datastore";
/// The tables of a file system that Jackrabbit keeps in the database.
pub const FILE_SYSTEM: &str = ".filesystem";
/// The small files of the repository's home: namespaces, node types, privileges, workspaces.
pub const HOME: &str = ".home";
/// The description of the tables.
pub const SCHEMA: &str = ".schema";

/// What a workspace is called for people: its name, or words for what is none.
#[must_use]
pub fn workspace_label(name: &str) -> &str {
    match name {
        VERSIONS => "version storage",
        DATA_STORE => "data store",
        FILE_SYSTEM => "file system",
        HOME => "home",
        SCHEMA => "tables' layout",
        workspace => workspace,
    }
}

/// Whether a workspace holds configuration or content.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceKind {
    /// `config`, `users`, `userroles`, `usergroups`.
    Configuration,
    /// Every other workspace.
    Content,
    /// No workspace: what all workspaces of a database share, such as the version storage and the data store.
    Shared,
}

impl WorkspaceKind {
    /// The kind of the workspace with this name. The manuals write "configuration" for the workspace `config`, so
    /// both names count.
    #[must_use]
    pub fn of(workspace: &str) -> Self {
        match workspace {
            "config" | "configuration" | "users" | "userroles" | "usergroups" => Self::Configuration,
            VERSIONS | DATA_STORE | FILE_SYSTEM | HOME | SCHEMA => Self::Shared,
            _ => Self::Content,
        }
    }

    /// Where it stands in lists: configuration, content, and at their end what is shared.
    #[must_use]
    pub fn place(self) -> u8 {
        match self {
            Self::Configuration => 0,
            Self::Content => 1,
            Self::Shared => 2,
        }
    }

    /// The word that people use for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Content => "content",
            Self::Shared => "shared",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_names_are_project_and_environment() {
        let name: EnvironmentName = "acme/live".parse().unwrap();
        assert_eq!(name.project(), "acme");
        assert_eq!(name.environment(), "live");
        assert_eq!(name.to_string(), "acme/live");
        for bad in [
            "acme",
            "acme/",
            "/live",
            "a b/live",
            "acme/li\u{1b}ve",
            "../live",
            "acme/live/x",
        ] {
            assert!(bad.parse::<EnvironmentName>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_four_workspaces_are_configuration() {
        for name in ["config", "users", "userroles", "usergroups"] {
            assert_eq!(WorkspaceKind::of(name), WorkspaceKind::Configuration);
        }
        for name in ["website", "dam", "category", "contacts", "Config", "user"] {
            assert_eq!(WorkspaceKind::of(name), WorkspaceKind::Content);
        }
    }

    #[test]
    fn only_live_is_recoverable() {
        assert!(EnvironmentKind::Live.is_recoverable());
        assert!(!EnvironmentKind::Uat.is_recoverable());
        assert!(!EnvironmentKind::Integration.is_recoverable());
    }
}
