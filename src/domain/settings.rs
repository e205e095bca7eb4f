//! What an operator configures on the engine's side, as plain types: environments, instances, where secrets and
//! versions are read from. What there is to say about repositories is in [`super::storage`].
//!
//! Not in here: finding and parsing the file (`config`), and reading what a source names (`engine`).

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::environment::{EnvironmentKind, EnvironmentName, InstanceName, NameError, Role};
use super::schedule::Schedule;
use super::slot::Keep;

pub use super::storage::{
    CopySettings, CredentialSource, RepositoryChoice, RepositorySettings, StorageOptions,
};

/// Where a secret comes from: never from the configuration itself and never from the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// The first line of a file.
    PasswordFile(PathBuf),
    /// The first line that a command prints, started without a shell.
    PasswordCommand(Vec<String>),
    /// An environment variable.
    PasswordEnv(String),
}

/// Where a version is read from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "a version has to be a string, { file = \"…\" } or { command = [\"…\"] }"
)]
pub enum VersionSource {
    /// The version itself.
    Text(String),
    /// The first line of a file.
    File {
        /// The file.
        file: PathBuf,
    },
    /// The first line that a command prints, started without a shell.
    Command {
        /// The program and its arguments.
        command: Vec<String>,
    },
}

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentSettings {
    /// The customer's installation that it belongs to.
    pub project: String,
    /// Its name in the project.
    pub name: String,
    /// What it is for.
    pub kind: EnvironmentKind,
    /// Where the deployed release is read from. Needed for Live.
    #[serde(default)]
    pub release_version: Option<VersionSource>,
    /// Where the version of Magnolia is read from. Needed for Live.
    #[serde(default)]
    pub magnolia_version: Option<VersionSource>,
    /// When automatic backups are due.
    #[serde(default)]
    pub schedule: Schedule,
    /// How many backups each slot keeps.
    #[serde(default)]
    pub keep: Keep,
    /// Its instances, in the order they are copied and switched in.
    #[serde(default, rename = "instance")]
    pub instances: Vec<InstanceSettings>,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstanceSettings {
    /// Its name in the environment.
    pub name: InstanceName,
    /// What it does.
    pub role: Role,
    /// Where its content is.
    pub content: ContentSettings,
    /// The address that answers 200 when the instance is up.
    #[serde(default)]
    pub health: Option<String>,
    /// Commands around its restores.
    #[serde(default)]
    pub hooks: Hooks,
}

/// Where an instance's content is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum ContentSettings {
    /// A folder with one folder per workspace in it.
    Files {
        /// The folder.
        path: PathBuf,
    },
}

/// Commands that Lifeboat runs around its work on an instance: a program and its arguments, without a shell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hooks {
    /// After the restored content is in place.
    pub after_restore: Vec<String>,
}

/// Why an environment's settings do not hold together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A name is not usable.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Live needs something that is missing.
    #[error("{environment}: {what}")]
    Incomplete {
        /// The environment.
        environment: EnvironmentName,
        /// What is missing or wrong, as a sentence.
        what: String,
    },
}

impl EnvironmentSettings {
    /// The environment's whole name.
    ///
    /// # Errors
    /// [`SettingsError::Name`] when a part of it is not usable.
    pub fn environment_name(&self) -> Result<EnvironmentName, SettingsError> {
        Ok(EnvironmentName::new(&self.project, &self.name)?)
    }

    /// Whether the settings hold together: a Live environment has versions, at least one instance, and no two
    /// instances of the same name or in the same place, or one inside another.
    ///
    /// # Errors
    /// [`SettingsError`] with the first thing that is wrong.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let environment = self.environment_name()?;
        let incomplete = |what: &str| {
            Err(SettingsError::Incomplete {
                environment: environment.clone(),
                what: what.to_owned(),
            })
        };
        if !self.kind.is_recoverable() {
            return Ok(());
        }
        if self.release_version.is_none() {
            return incomplete("release_version is missing: give a string, { file = … } or { command = … }");
        }
        if self.magnolia_version.is_none() {
            return incomplete("magnolia_version is missing: give a string, { file = … } or { command = … }");
        }
        if self.instances.is_empty() {
            return incomplete("it has no instance: add an [[environment.instance]] with its content");
        }
        let names: BTreeSet<_> = self.instances.iter().map(|instance| &instance.name).collect();
        if names.len() != self.instances.len() {
            return incomplete("two of its instances have the same name");
        }
        let places: Vec<_> = self
            .instances
            .iter()
            .map(|instance| match &instance.content {
                ContentSettings::Files { path } => path,
            })
            .collect();
        if places.iter().any(|place| !place.is_absolute()) {
            return incomplete("the content path of each instance has to be absolute");
        }
        for (index, place) in places.iter().enumerate() {
            let overlaps = places
                .iter()
                .enumerate()
                .any(|(other, outer)| other != index && place.starts_with(outer));
            if overlaps {
                return incomplete("the content of one instance lies in that of another");
            }
        }
        Ok(())
    }
}
