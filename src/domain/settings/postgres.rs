//! How an instance's content in a PostgreSQL database is reached and treated, as an operator configures it.
//!
//! Not in here: connecting, and what the tables hold (`content::postgres`).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Prefixes, SecretPlaces, SecretSource, SessionSettings};

/// One instance's database, with what stands beside it on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostgresSettings {
    /// Where the database is, in libpq's words without a password: `host=/run/postgresql dbname=magnolia user=lifeboat`
    /// or `postgres://lifeboat@db.internal:5432/magnolia`.
    pub connect: String,
    /// The schema that holds Jackrabbit's tables.
    #[serde(default = "public")]
    pub schema: String,
    /// The password is the first line of this file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The password is the first line that this command prints, started without a shell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_command: Option<Vec<String>>,
    /// The password is in this environment variable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_env: Option<String>,
    /// The certificates that the server's has to be signed by, in PEM form. With it the connection is encrypted and the
    /// server's name is checked; without it, the connection is not encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// What the tables of the workspaces begin with, before the workspace's name; of each repository, where there are several.
    #[serde(default = "workspace_prefix")]
    pub workspace_prefix: Prefixes,
    /// What the tables of the version storage begin with, of each repository.
    #[serde(default = "version_prefix")]
    pub version_prefix: Prefixes,
    /// What the names of tables begin with that are made like Jackrabbit's and belong to somebody else, such as another
    /// Magnolia in the same schema.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub leave_alone: Vec<String>,
    /// The folder of Jackrabbit's data store. Left out when binaries are kept in a table, or in none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_store: Option<PathBuf>,
    /// The home of the repository, of which namespaces, node types, privileges and the definitions of workspaces are backed
    /// up. Left out where it is not on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub home: Option<PathBuf>,
    /// Folders of search indexes that a restore removes, so that Jackrabbit builds them anew. `{workspace}` stands for
    /// the name of each restored workspace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub search_indexes: Vec<PathBuf>,
    /// How many connections read or load at the same time.
    #[serde(default = "connections")]
    pub connections: usize,
    /// How many hours the tables that a restore replaced stay in the database, as an undo that takes a moment.
    #[serde(default = "keep_replaced_hours")]
    pub keep_replaced_hours: u32,
    /// Who may stay connected while a restore exchanges the tables.
    #[serde(default, skip_serializing_if = "SessionSettings::is_default")]
    pub sessions: SessionSettings,
    /// A folder on the disk that the database is on, where free room is looked at. Found out by itself on the
    /// database's own machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<PathBuf>,
    /// Whether the user has rights for backups only: a check does not miss those for restores, and restores into it are
    /// refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub backups_only: bool,
    /// The program that writes down the schema.
    #[serde(default = "pg_dump")]
    pub pg_dump: PathBuf,
}

fn public() -> String {
    "public".to_owned()
}

fn workspace_prefix() -> Prefixes {
    Prefixes::one("pm_")
}

fn version_prefix() -> Prefixes {
    Prefixes::one("version_")
}

fn connections() -> usize {
    2
}

fn keep_replaced_hours() -> u32 {
    48
}

fn pg_dump() -> PathBuf {
    PathBuf::from("pg_dump")
}

impl PostgresSettings {
    /// The settings of a database that is reached by `connect`, everything else by default.
    #[must_use]
    pub fn at(connect: &str) -> Self {
        Self {
            connect: connect.to_owned(),
            schema: public(),
            password_file: None,
            password_command: None,
            password_env: None,
            ca_file: None,
            workspace_prefix: workspace_prefix(),
            version_prefix: version_prefix(),
            leave_alone: Vec::new(),
            data_store: None,
            home: None,
            search_indexes: Vec::new(),
            connections: connections(),
            keep_replaced_hours: keep_replaced_hours(),
            sessions: SessionSettings::default(),
            room: None,
            backups_only: false,
            pg_dump: pg_dump(),
        }
    }

    fn password_places(&self) -> SecretPlaces<'_> {
        SecretPlaces {
            key: "password",
            file: &self.password_file,
            command: &self.password_command,
            variable: &self.password_env,
        }
    }

    /// Where the password comes from; `None` when it is where libpq looks for it, or the server asks for none.
    #[must_use]
    pub fn password(&self) -> Option<SecretSource> {
        self.password_places().source()
    }

    fn are_prefixes_the_same(&self) -> bool {
        let mut workspaces = self.workspace_prefix.iter();
        workspaces.any(|one| {
            let mut versions = self.version_prefix.iter();
            versions.any(|other| one.to_lowercase() == other.to_lowercase())
        })
    }

    /// What is wrong with the settings, as a sentence without a subject; `None` when they hold together.
    pub(super) fn wrong(&self) -> Option<&'static str> {
        let is_relative = |path: &Path| !path.is_absolute();
        if self.connect.trim().is_empty() {
            Some(
                "connect is empty: say where the database is, for example \"host=/run/postgresql dbname=magnolia\"",
            )
        } else if self.password_places().count() > 1 {
            Some(
                "the database's password has more than one source: write only one of password_file, password_command and password_env",
            )
        } else if !(1..=16).contains(&self.connections) {
            Some("connections has to be a number from 1 to 16")
        } else if self.workspace_prefix.is_wrong() || self.version_prefix.is_wrong() {
            Some("workspace_prefix and version_prefix each take one text or several different ones")
        } else if self.workspace_prefix.ambiguous().is_some() {
            Some(
                "one workspace_prefix begins with another and ends in the middle of a word, so that a table may be of either: write \
                 each up to the sign before the name of the workspace, for example \"pm_\" and \"pm_web_\"",
            )
        } else if self.are_prefixes_the_same() {
            Some("workspace_prefix and version_prefix are the same: tables could not be told apart")
        } else if self.data_store.as_deref().is_some_and(is_relative) {
            Some("data_store has to be an absolute path")
        } else if self.home.as_deref().is_some_and(is_relative) {
            Some("home has to be an absolute path")
        } else if self.search_indexes.iter().any(|path| is_relative(path)) {
            Some("each of search_indexes has to be an absolute path")
        } else {
            self.sessions.wrong()
        }
    }
}
