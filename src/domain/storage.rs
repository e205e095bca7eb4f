//! What an operator configures about repositories: where they are, how object storage is reached, and the second
//! repository that some backups are copied to.
//!
//! Not in here: reading the secrets that are named, and reaching the storage (`repository`).

mod immutable;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, Serialize};

pub use immutable::{DeletionKey, Immutable};

use super::address::Address;
use super::settings::{SecretPlaces, SecretSource};
use super::slot::Slot;

/// Where backups are kept. Each environment has a repository of its own, in `PROJECT/ENVIRONMENT` below the root.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "RepositoryKeys")]
pub struct RepositorySettings {
    /// What holds the environments' repositories.
    pub root: Address,
    /// Where the key is read from.
    pub key: SecretSource,
    /// How object storage is reached.
    pub options: StorageOptions,
    /// The second repository.
    pub copy: Option<CopySettings>,
}

impl RepositorySettings {
    /// Repositories in folders, and no second one.
    #[must_use]
    pub fn in_folder(root: PathBuf, key: SecretSource) -> Self {
        Self {
            root: Address::Folder(root),
            key,
            options: StorageOptions::default(),
            copy: None,
        }
    }
}

/// The second repository: one lost file of the first can damage every backup that shares it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "CopyKeys")]
pub struct CopySettings {
    /// What holds the copies.
    pub root: Address,
    /// Where its key is read from. `None`: it has the same key as the first.
    pub key: Option<SecretSource>,
    /// How its object storage is reached.
    pub options: StorageOptions,
    /// Backups for these slots are copied.
    pub slots: Vec<Slot>,
}

/// One of the two repositories that an environment can have.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepositoryChoice {
    /// The one that backups are made in.
    #[default]
    First,
    /// The one that some are copied to.
    Copy,
}

/// How object storage is reached. Nothing in here is a secret: what is secret is read from where this says.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StorageOptions {
    /// The address of the service; `None` for Amazon's own.
    pub endpoint: Option<String>,
    /// The region that the bucket is in.
    pub region: String,
    /// Whether the bucket is part of the host's name rather than of the path.
    pub virtual_host_style: bool,
    /// The certificate of the authority that vouches for the service, if that is a private one.
    pub ca_file: Option<PathBuf>,
    /// Where the keys come from.
    pub credentials: CredentialSource,
    /// The environment variable with the id of the access key.
    pub access_key_id_env: Option<String>,
    /// The file whose first line is the id of the access key.
    pub access_key_id_file: Option<PathBuf>,
    /// The environment variable with the secret access key.
    pub secret_access_key_env: Option<String>,
    /// The file whose first line is the secret access key.
    pub secret_access_key_file: Option<PathBuf>,
    /// The environment variable with the token of a temporary key.
    pub session_token_env: Option<String>,
    /// The file whose first line is the token of a temporary key.
    pub session_token_file: Option<PathBuf>,
    /// At most so many requests at a time.
    pub connections: u16,
    /// At most so many bytes a second, both ways together. `None` for as fast as it goes.
    #[serde(deserialize_with = "bandwidth")]
    pub bandwidth: Option<u64>,
    /// A connection on which nothing has moved for so long is given up.
    pub timeout_seconds: u16,
    /// For so long after a first failure, requests are tried again.
    pub retry_seconds: u16,
    /// The key that may delete, where objects are kept for a while.
    pub deletions: Option<DeletionKey>,
    /// For how long objects are kept. It is written one level up.
    #[serde(skip)]
    pub immutable: Option<Immutable>,
}

/// Where the keys of object storage come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialSource {
    /// From the files and variables that the options name.
    #[default]
    Options,
    /// From wherever Amazon's tools find them: a profile, a web identity, the container's or the machine's role.
    Aws,
}

impl Default for StorageOptions {
    fn default() -> Self {
        Self {
            endpoint: None,
            region: "us-east-1".to_owned(),
            virtual_host_style: false,
            ca_file: None,
            credentials: CredentialSource::Options,
            access_key_id_env: None,
            access_key_id_file: None,
            secret_access_key_env: None,
            secret_access_key_file: None,
            session_token_env: None,
            session_token_file: None,
            connections: 8,
            bandwidth: None,
            timeout_seconds: 20,
            retry_seconds: 30,
            deletions: None,
            immutable: None,
        }
    }
}

impl StorageOptions {
    /// The paths in it, which count from the folder of the configuration.
    pub fn paths(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [
            &mut self.ca_file,
            &mut self.access_key_id_file,
            &mut self.secret_access_key_file,
            &mut self.session_token_file,
        ]
        .into_iter()
        .flatten()
        .chain(self.deletions.iter_mut().flat_map(DeletionKey::paths))
    }

    fn checked(mut self, root: &Address, immutable: Option<Immutable>) -> Result<Self, String> {
        if root.folder().is_some() && self != Self::default() {
            return Err(
                "there are options for object storage, and the root is a folder: write root = \
                        \"s3://BUCKET/PREFIX\", or leave the options out"
                    .to_owned(),
            );
        }
        if root.folder().is_some() && immutable.is_some() {
            return Err(
                "immutable is for a root in a bucket, where the storage itself keeps objects: write root = \
                 \"s3://BUCKET/PREFIX\", or leave it out"
                    .to_owned(),
            );
        }
        match &self.deletions {
            Some(_) if immutable.is_none() => {
                return Err(
                    "a key for deletions is named, and immutable is not set: without it the first key deletes. Write \
                     immutable = \"30d\" as well, or leave the key out"
                        .to_owned(),
                );
            }
            Some(deletions) => deletions.check()?,
            None => {}
        }
        self.immutable = immutable;
        if let Some(endpoint) = &self.endpoint
            && !(endpoint.starts_with("http://") || endpoint.starts_with("https://"))
        {
            return Err(format!(
                "endpoint is \"{endpoint}\": write an address that begins with https:// (or http://, where nobody can \
                 listen)"
            ));
        }
        for (what, number) in [
            ("connections", self.connections),
            ("timeout_seconds", self.timeout_seconds),
        ] {
            if number == 0 {
                return Err(format!("{what} is 0: write a number from 1"));
            }
        }
        for (what, env, file) in [
            ("access_key_id", &self.access_key_id_env, &self.access_key_id_file),
            (
                "secret_access_key",
                &self.secret_access_key_env,
                &self.secret_access_key_file,
            ),
            ("session_token", &self.session_token_env, &self.session_token_file),
        ] {
            one_source(what, env.as_deref(), file.as_deref())?;
            if self.credentials == CredentialSource::Aws && (env.is_some() || file.is_some()) {
                return Err(format!(
                    "credentials is \"aws\", so the keys are found as Amazon's tools find them: leave {what}_… out"
                ));
            }
        }
        Ok(self)
    }
}

/// A secret comes from one place.
fn one_source(what: &str, env: Option<&str>, file: Option<&Path>) -> Result<(), String> {
    if env.is_some() && file.is_some() {
        return Err(format!("write only one of {what}_env and {what}_file"));
    }
    Ok(())
}

/// `"10 MiB"`, as a number of bytes.
fn bandwidth<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = || {
        serde::de::Error::custom(format!(
            "bandwidth is \"{text}\": write how much may pass in a second, for example \"10 MiB\""
        ))
    };
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let unit = match unit.trim() {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        "GB" => 1_000_000_000,
        "GiB" => 1 << 30,
        _ => return Err(wrong()),
    };
    match number.checked_mul(unit) {
        Some(bytes) if bytes >= 1024 => Ok(Some(bytes)),
        _ => Err(wrong()),
    }
}

/// The keys of [`RepositorySettings`] as they are written. A flattened enum could be read as well, but its errors speak
/// of variants, not of what to write.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RepositoryKeys {
    root: Address,
    password_file: Option<PathBuf>,
    password_command: Option<Vec<String>>,
    password_env: Option<String>,
    #[serde(default)]
    options: StorageOptions,
    immutable: Option<Immutable>,
    copy: Option<CopySettings>,
}

impl TryFrom<RepositoryKeys> for RepositorySettings {
    type Error = String;

    fn try_from(keys: RepositoryKeys) -> Result<Self, String> {
        let key = key_from(SecretPlaces {
            key: "password",
            file: &keys.password_file,
            command: &keys.password_command,
            variable: &keys.password_env,
        })?
        .ok_or("the key is missing: write one of password_file, password_command and password_env")?;
        if keys.copy.as_ref().is_some_and(|copy| copy.root == keys.root) {
            return Err(
                "[repository.copy] has the same root as [repository]: a copy in the same place is no copy"
                    .to_owned(),
            );
        }
        Ok(Self {
            options: keys.options.checked(&keys.root, keys.immutable)?,
            root: keys.root,
            key,
            copy: keys.copy,
        })
    }
}

/// The keys of [`CopySettings`] as they are written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CopyKeys {
    root: Address,
    password_file: Option<PathBuf>,
    password_command: Option<Vec<String>>,
    password_env: Option<String>,
    #[serde(default)]
    options: StorageOptions,
    immutable: Option<Immutable>,
    #[serde(default = "monthly")]
    slots: Vec<Slot>,
}

fn monthly() -> Vec<Slot> {
    vec![Slot::Monthly]
}

impl TryFrom<CopyKeys> for CopySettings {
    type Error = String;

    fn try_from(keys: CopyKeys) -> Result<Self, String> {
        if keys.slots.is_empty() {
            return Err(
                "slots is empty: name the slots whose backups are copied, or leave [repository.copy] out"
                    .to_owned(),
            );
        }
        Ok(Self {
            options: keys.options.checked(&keys.root, keys.immutable)?,
            root: keys.root,
            key: key_from(SecretPlaces {
                key: "password",
                file: &keys.password_file,
                command: &keys.password_command,
                variable: &keys.password_env,
            })?,
            slots: keys.slots,
        })
    }
}

fn key_from(places: SecretPlaces<'_>) -> Result<Option<SecretSource>, String> {
    match places.several() {
        Some(what_to_do) => Err(format!("the key has more than one source: {what_to_do}")),
        None => Ok(places.source()),
    }
}
