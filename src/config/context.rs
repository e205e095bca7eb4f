//! Contexts: which backend a cockpit or a command talks to, and how the cockpit looks on it.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use crate::domain::limit::TimeLimit;
use crate::domain::settings::{SecretPlaces, SecretSource};

/// Where a backend is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BackendAddress {
    /// The engine runs in this process, on this machine's content.
    #[default]
    Embedded,
    /// A service at this address.
    Remote(String),
}

impl fmt::Display for BackendAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Embedded => "this machine",
            Self::Remote(address) => address,
        })
    }
}

impl<'de> Deserialize<'de> for BackendAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.as_str() {
            "embedded" => Ok(Self::Embedded),
            address if address.starts_with("https://") || address.starts_with("http://") => {
                Ok(Self::Remote(text))
            }
            _ => Err(serde::de::Error::custom(format!(
                "\"{text}\" is not a backend: write \"embedded\", or the address of a service that begins with https://"
            ))),
        }
    }
}

/// One context.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own, as the configuration has it"
)]
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Where its backend is.
    pub backend: BackendAddress,
    /// The file whose first line is the token for a service. Only its owner may be able to read it.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
    /// A command that prints the token, started without a shell.
    #[serde(default)]
    pub token_command: Option<Vec<String>>,
    /// The environment variable that holds the token.
    #[serde(default)]
    pub token_env: Option<String>,
    /// Certificates that are believed beside the system's, in PEM form.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// Whether the token may go to another machine over an unencrypted connection.
    #[serde(default)]
    pub plain_http: bool,
    /// Whether every change through it is refused.
    #[serde(default)]
    pub read_only: bool,
    /// The colour that marks the cockpit on this context, so that production is not taken for a test.
    #[serde(default)]
    pub accent: Option<String>,
    /// The cockpit's theme.
    #[serde(default)]
    pub theme: Option<String>,
    /// Whether the cockpit takes clicks and the wheel.
    #[serde(default)]
    pub mouse: bool,
    /// After how long without a key the cockpit hides everything.
    #[serde(default)]
    pub idle_lock: IdleLock,
    /// How the cockpit calls somebody who looks at another window.
    #[serde(default)]
    pub call: Option<String>,
}

/// After how long without a key the cockpit hides everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdleLock {
    /// Never.
    Off,
    /// After this long.
    After(TimeLimit),
}

impl Default for IdleLock {
    fn default() -> Self {
        Self::After(TimeLimit::minutes(30))
    }
}

impl IdleLock {
    /// As the time that it is.
    #[must_use]
    pub fn limit(self) -> Option<Duration> {
        match self {
            Self::Off => None,
            Self::After(limit) => Some(limit.duration()),
        }
    }
}

impl<'de> Deserialize<'de> for IdleLock {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::After).map_err(|error| {
            serde::de::Error::custom(format!(
                "{error}; or write \"off\" for an idle_lock that never comes"
            ))
        })
    }
}

impl Context {
    fn token_places(&self) -> SecretPlaces<'_> {
        SecretPlaces {
            key: "token",
            file: &self.token_file,
            command: &self.token_command,
            variable: &self.token_env,
        }
    }

    /// Where the token for a service is.
    #[must_use]
    pub fn token(&self) -> Option<SecretSource> {
        self.token_places().source()
    }

    /// What is wrong with it, as a sentence.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        let places = self.token_places();
        if let Some(what_to_do) = places.several() {
            return Some(format!("a context takes its token from one place: {what_to_do}"));
        }
        places
            .has_empty_command()
            .then(|| "token_command is empty: write a program and its arguments".to_owned())
    }
}

/// The context that a command works in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedContext {
    /// Its name in the configuration.
    pub name: String,
    /// What it says.
    pub context: Context,
}
