//! Folders and nodes: a page of what is in one, and what one is.

use serde::{Deserialize, Serialize};

use super::{NodePath, Source, SourceAt};
use crate::domain::Instant;
use crate::domain::environment::EnvironmentName;

/// Asks for what is in an environment, an instance, a workspace or a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildrenRequest {
    /// The environment.
    pub environment: EnvironmentName,
    /// Where to look.
    pub source: Source,
    /// What to look into.
    pub path: NodePath,
    /// How many lines to pass over.
    pub from: u64,
    /// How many lines to give.
    pub limit: u32,
}

/// A page of what is in something, in the order that it has there.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Children {
    /// Where it was looked, and when that was.
    pub seen: SourceAt,
    /// What they are in, with its instance.
    pub path: NodePath,
    /// What that is.
    pub kind: Kind,
    /// How many there are in all.
    pub total: u64,
    /// How many come before this page.
    pub from: u64,
    /// The page.
    pub lines: Vec<Line>,
    /// The file that they lie in, where they were read out of one: of content in folders nothing smaller comes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_file: Option<NodePath>,
    /// What should be known of all of them, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// What stands somewhere.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The environment as a whole.
    Environment,
    /// An instance.
    Instance,
    /// A workspace, which is its root node too.
    Workspace,
    /// A node of a repository.
    Node,
    /// A node that cannot be read.
    Unreadable,
    /// A node that its parent lists and that is not there.
    Missing,
    /// A folder.
    Folder,
    /// A file.
    File,
    /// A symbolic link.
    Link,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::Instance => "instance",
            Self::Workspace => "workspace",
            Self::Node => "node",
            Self::Unreadable => "unreadable",
            Self::Missing => "missing",
            Self::Folder => "folder",
            Self::File => "file",
            Self::Link => "link",
        }
    }
}

/// One of what is in something.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its name, without number.
    pub name: String,
    /// Which of the siblings of that name, from 1.
    pub index: u32,
    /// What it is.
    pub kind: Kind,
    /// The id of a node, as a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The primary type of a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_type: Option<String>,
    /// How many are in it. For an instance and a workspace that was never looked at it is how many the record says.
    pub children: u64,
    /// Bytes of the node itself, or of the file. Of a workspace, all of it.
    pub size: u64,
    /// Whether there is a version history of it.
    pub is_versionable: bool,
}

/// Asks what a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeRequest {
    /// The environment.
    pub environment: EnvironmentName,
    /// Where to look.
    pub source: Source,
    /// The node.
    pub path: NodePath,
    /// How many characters of each value to give.
    pub characters: u32,
}

/// What a node, or a file, is.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Where it was looked, and when that was.
    pub seen: SourceAt,
    /// Where it is, with its instance.
    pub path: NodePath,
    /// What it is.
    pub kind: Kind,
    /// The id of a node, as a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The primary type of a node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary_type: Option<String>,
    /// Its mixin types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mixin_types: Vec<String>,
    /// Its properties by name, the first [`super::MOST_PROPERTIES`] of them.
    pub properties: Vec<PropertyFacts>,
    /// How many properties it has.
    pub property_count: u64,
    /// How many nodes are in it.
    pub children: u64,
    /// Bytes of the node itself, or of the file.
    pub size: u64,
    /// When a file was changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Instant>,
    /// What is in a file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<BinaryFacts>,
    /// Whether there is a version history of it.
    pub is_versionable: bool,
    /// What is wrong with it, or not known, as sentences.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<String>,
}

/// A property.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PropertyFacts {
    /// Its name, with the prefix of its namespace.
    pub name: String,
    /// The type of its values.
    #[serde(rename = "type")]
    pub kind: ValueType,
    /// Whether it is a list, which one value does not tell.
    pub is_multiple: bool,
    /// How many values it has.
    pub count: u64,
    /// Its values, the first [`super::MOST_VALUES`] of them.
    pub values: Vec<ValueFacts>,
}

/// The types of JCR's properties, by the names that the specification gives them.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(missing_docs, reason = "they are called what the specification calls them")]
pub enum ValueType {
    String,
    Binary,
    Long,
    Double,
    Date,
    Boolean,
    Name,
    Path,
    Reference,
    WeakReference,
    #[serde(rename = "URI")]
    Uri,
    Decimal,
}

impl ValueType {
    /// Its name.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Binary => "Binary",
            Self::Long => "Long",
            Self::Double => "Double",
            Self::Date => "Date",
            Self::Boolean => "Boolean",
            Self::Name => "Name",
            Self::Path => "Path",
            Self::Reference => "Reference",
            Self::WeakReference => "WeakReference",
            Self::Uri => "URI",
            Self::Decimal => "Decimal",
        }
    }
}

/// A value.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueFacts {
    /// The value as text, from its beginning; empty for a binary.
    pub text: String,
    /// How many characters the whole text has. More than are given where it was cut.
    pub length: u64,
    /// Where the node is that it refers to, if that is in the same workspace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<NodePath>,
    /// What is known of a binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<BinaryFacts>,
}

impl ValueFacts {
    /// Whether more of it is there than is given.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        u64::try_from(self.text.chars().count()).is_ok_and(|given| given < self.length)
    }
}

/// What is known of bytes.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BinaryFacts {
    /// Where they are.
    pub place: BinaryPlace,
    /// How many; `None` where nobody can tell, because they are not there.
    pub size: Option<u64>,
    /// What they are by how they begin: `image/png`, `text/plain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// What can be said of them in a few words: `640 × 480 pixels`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<String>,
    /// How they begin, if they are text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<String>,
}

/// Where bytes are.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "in", content = "id", rename_all = "snake_case")]
pub enum BinaryPlace {
    /// With the node itself.
    Node,
    /// In the data store, under this id.
    DataStore(String),
    /// Beside the nodes of the workspace, under this id.
    Workspace(String),
    /// A file of its own.
    File,
}

/// Asks for the versions of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionsRequest {
    /// The environment.
    pub environment: EnvironmentName,
    /// Where to look.
    pub source: Source,
    /// The node.
    pub path: NodePath,
}

/// The versions of a node, in the order in which its history has them.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionList {
    /// Where it was looked, and when that was.
    pub seen: SourceAt,
    /// The node.
    pub path: NodePath,
    /// The versions, the newest [`super::MOST_LINES`] of them.
    pub versions: Vec<Version>,
    /// How many there are.
    pub total: u64,
    /// What is wrong with the history, or why there is none, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
}

/// A version of a node.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Its name: `1.0`.
    pub name: String,
    /// When it was made, as Jackrabbit has it.
    pub created: Option<String>,
    /// Where it is, in the version storage. What the node was then is below it, as `jcr:frozenNode`.
    pub path: NodePath,
}
