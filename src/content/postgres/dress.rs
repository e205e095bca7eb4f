//! What an administrator can set on a table besides its columns, keys and rights: storage parameters, policies,
//! comments and the like.

use serde::{Deserialize, Serialize};

/// See the module.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dress {
    /// Whether its rows are lost when the server crashes.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unlogged: bool,
    /// Storage parameters: name and value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<(String, String)>,
    /// Those of what is stored out of line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub toast_options: Vec<(String, String)>,
    /// The tablespace, if it is not the database's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tablespace: Option<String>,
    /// What is set on single columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<ColumnDress>,
    /// What is set on indexes, also on those that a constraint made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub indexes: Vec<IndexDress>,
    /// What tells replicas which row is meant, if it is not the primary key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_identity: Option<ReplicaIdentity>,
    /// The index that `CLUSTER` goes by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clustered_on: Option<String>,
    /// Whether policies decide who sees which rows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub row_security: bool,
    /// Whether they do so for the owner as well.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forced_row_security: bool,
    /// The policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Policy>,
    /// Statistics over several columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statistics: Vec<Statistics>,
    /// Foreign keys: name and definition, without the schema.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub foreign_keys: Vec<(String, String)>,
    /// Comments.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub comments: Vec<Comment>,
}

/// What is set on a column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ColumnDress {
    /// The column.
    pub name: String,
    /// How much the server looks at to know what is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statistics: Option<i32>,
    /// How large values are compressed, as one letter of the server's: `p` or `l`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<String>,
    /// Options: name and value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<(String, String)>,
}

/// What is set on an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct IndexDress {
    /// The index.
    pub name: String,
    /// Storage parameters: name and value.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<(String, String)>,
    /// The tablespace, if it is not the database's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tablespace: Option<String>,
    /// How much the server looks at to know what is in an expression of it: the place of the expression, from 1, and that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub statistics: Vec<(i16, i32)>,
}

/// What tells replicas which row is meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicaIdentity {
    /// The whole row.
    Full,
    /// Nothing does.
    Nothing,
    /// The columns of this index.
    Index(String),
}

/// Who sees which rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// Its name.
    pub name: String,
    /// Whether it allows; else it only forbids.
    pub permissive: bool,
    /// What it is about, as one letter of the server's: `*`, `r`, `a`, `w`, `d`.
    pub command: String,
    /// Whom it is about; `PUBLIC` for everybody.
    pub roles: Vec<String>,
    /// Which rows are seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub using: Option<String>,
    /// Which rows may be written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// The comment on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// Statistics over several columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Their name.
    pub name: String,
    /// What is looked at, as letters of the server's: `d`, `f`, `m`.
    pub kinds: Vec<String>,
    /// The columns.
    pub columns: Vec<String>,
    /// The expressions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expressions: Vec<String>,
    /// How much the server looks at for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<i32>,
    /// The comment on them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

/// A comment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// What it is on.
    pub on: CommentOn,
    /// The name of that; empty for the table itself.
    pub name: String,
    /// What it says.
    pub text: String,
}

/// What a comment is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommentOn {
    /// The table.
    Table,
    /// A column of it.
    Column,
    /// An index of it.
    Index,
    /// A constraint of it.
    Constraint,
}
