//! What an operator configures on the engine's side, as plain types: environments, instances, where secrets and
//! versions are read from. What there is to say about repositories is in [`super::storage`].
//!
//! Not in here: finding and parsing the file (`config`), and reading what a source names (`engine`).

mod apart;
mod catalog;
mod hooks;
mod node;
mod postgres;
mod prefixes;
mod secret_places;
mod server;
mod sessions;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::environment::{EnvironmentKind, EnvironmentName, InstanceName, NameError, Role};
use super::limit::TimeLimit;
use super::proof::{DrillSettings, VerifySettings};
use super::recent;
use super::schedule::Schedule;
use super::slot::Keep;
use super::target::{Target, Targets};

pub use super::storage::{
    CopySettings, CredentialSource, DeletionKey, Immutable, RepositoryChoice, RepositorySettings,
    StorageOptions,
};
pub use apart::each_has_its_own;
pub use catalog::CatalogSettings;
pub use hooks::{HookPoint, Hooks};
pub use node::{Member, NodeSettings};
pub use postgres::PostgresSettings;
pub use prefixes::Prefixes;
pub use secret_places::SecretPlaces;
pub use server::{MetricsAccess, RequestLimits, ServerSettings, TlsSettings};
pub use sessions::SessionSettings;

/// Looks up an environment variable.
pub type Variables = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Where a secret comes from: never from the configuration itself and never from the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretSource {
    /// A file: its first line; for the key of a repository, what `restic` takes from it.
    PasswordFile(PathBuf),
    /// What a command prints, in the same way. It is started without a shell.
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
    /// How many backups each slot keeps, and how many between the daily ones.
    #[serde(default)]
    pub keep: Keep,
    /// How much work may be lost at most.
    #[serde(default)]
    pub rpo: Option<Target>,
    /// How long a restore may take at most.
    #[serde(default)]
    pub rto: Option<Target>,
    /// Whether a restore waits until another owner agrees.
    #[serde(default)]
    pub approve: bool,
    /// How backups are read back by schedule.
    #[serde(default)]
    pub verify: VerifySettings,
    /// How backups are drilled.
    #[serde(default)]
    pub drill: DrillSettings,
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
    /// Where it is asked whether it is up.
    #[serde(default)]
    pub health: Option<HealthSettings>,
    /// Commands around its backups and restores.
    #[serde(default)]
    pub hooks: Hooks,
    /// The nodes that share its content, if it is several Magnolias.
    #[serde(default, rename = "node", skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeSettings>,
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
    /// The home of a repository on H2 or Derby: all of it is content, and its server has to stand still for a copy.
    Home {
        /// The folder with `repository`, `version` and `workspaces` in it.
        path: PathBuf,
    },
    /// A PostgreSQL database with the tables that Jackrabbit keeps its workspaces in.
    Postgres(Box<PostgresSettings>),
}

impl ContentSettings {
    /// Where the password of the database comes from that it is in, if it has one.
    #[must_use]
    pub fn password(&self) -> Option<SecretSource> {
        match self {
            Self::Files { .. } | Self::Home { .. } => None,
            Self::Postgres(database) => database.password(),
        }
    }

    /// Where it is, for people. Never a secret.
    #[must_use]
    pub fn place(&self) -> String {
        match self {
            Self::Files { path } => format!("folder {}", path.display()),
            Self::Home { path } => format!("repository home {}", path.display()),
            Self::Postgres(database) => format!("database {}, schema {}", database.connect, database.schema),
        }
    }
}

/// Where an instance is asked whether it is up: an address alone, or with a time limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "HealthKeys")]
pub struct HealthSettings {
    /// The address that answers 200 when the instance is up.
    pub url: String,
    /// How long it is asked again and again after a restore before it counts as down.
    pub limit: TimeLimit,
}

impl HealthSettings {
    /// The time limit where none is written: Magnolia takes minutes to start on a large repository.
    pub const LIMIT: TimeLimit = TimeLimit::minutes(3);

    /// An address with the usual time limit.
    #[must_use]
    pub fn at(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            limit: Self::LIMIT,
        }
    }
}

/// [`HealthSettings`] as they may be written.
#[derive(Deserialize)]
#[serde(
    untagged,
    deny_unknown_fields,
    expecting = "health has to be an address, or { url = \"…\", limit = \"3m\" } with a number and s, m or h as its limit"
)]
enum HealthKeys {
    Url(String),
    Table {
        url: String,
        #[serde(default)]
        limit: Option<TimeLimit>,
    },
}

impl From<HealthKeys> for HealthSettings {
    fn from(keys: HealthKeys) -> Self {
        match keys {
            HealthKeys::Url(url) => Self::at(&url),
            HealthKeys::Table { url, limit } => Self {
                url,
                limit: limit.unwrap_or(Self::LIMIT),
            },
        }
    }
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
    /// What is left of an environment of which nothing but its name is known: one that is not configured any more.
    #[must_use]
    pub fn without_instances(name: &EnvironmentName) -> Self {
        Self {
            project: name.project().to_owned(),
            name: name.environment().to_owned(),
            kind: EnvironmentKind::Live,
            release_version: None,
            magnolia_version: None,
            schedule: Schedule::default(),
            keep: Keep::default(),
            rpo: None,
            rto: None,
            approve: false,
            verify: VerifySettings::default(),
            drill: DrillSettings::default(),
            instances: Vec::new(),
        }
    }

    /// What is to be kept of it.
    #[must_use]
    pub fn targets(&self) -> Targets {
        Targets {
            rpo: self.rpo,
            rto: self.rto,
        }
    }

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
        for instance in &self.instances {
            let wrong = instance
                .members()
                .find_map(|member| wrong_command_or_address(&member));
            if let Some(wrong) = wrong.or_else(|| instance.wrong_node()) {
                return incomplete(&wrong);
            }
        }
        if self
            .drill
            .command
            .first()
            .is_some_and(|program| program.trim().is_empty())
        {
            return incomplete("the command of drill names no program: write [\"PROGRAM\", \"ARGUMENT\", …]");
        }
        if let Some(wrong) = self.schedule.every.and_then(recent::wrong_interval) {
            return incomplete(&wrong);
        }
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
        let databases: Vec<_> = self
            .instances
            .iter()
            .filter_map(|instance| match &instance.content {
                ContentSettings::Postgres(database) => Some(database),
                ContentSettings::Files { .. } | ContentSettings::Home { .. } => None,
            })
            .collect();
        if let Some(wrong) = databases.iter().find_map(|database| database.wrong()) {
            return incomplete(wrong);
        }
        let homes: Vec<_> = databases
            .iter()
            .filter_map(|database| database.home.as_ref())
            .collect();
        if homes.iter().collect::<BTreeSet<_>>().len() != homes.len() {
            return incomplete("two of its instances have the same home: each has one of its own");
        }
        let schemas: BTreeSet<_> = databases
            .iter()
            .map(|database| (&database.connect, &database.schema))
            .collect();
        if schemas.len() != databases.len() {
            return incomplete(
                "two of its instances have the same database and schema: each has content of its own",
            );
        }
        let places: Vec<_> = self
            .instances
            .iter()
            .filter_map(|instance| match &instance.content {
                ContentSettings::Files { path } | ContentSettings::Home { path } => Some(path),
                ContentSettings::Postgres(_) => None,
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

/// What is wrong with somebody's hooks or health address, as a sentence.
fn wrong_command_or_address(member: &Member<'_>) -> Option<String> {
    let nameless = HookPoint::ALL.into_iter().find(|point| {
        member
            .hooks()
            .at(*point)
            .first()
            .is_some_and(|program| program.trim().is_empty())
    });
    if let Some(point) = nameless {
        return Some(format!(
            "the {} hook of {member} names no program: write [\"PROGRAM\", \"ARGUMENT\", …]",
            point.label()
        ));
    }
    let url = &member.health()?.url;
    let is_address = ["http://", "https://"]
        .iter()
        .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
    (!is_address).then(|| {
        format!("the health address of {member} is \"{url}\": write one that begins with http:// or https://")
    })
}
