//! Contexts: which backend a cockpit or a command talks to, and how the cockpit looks on it.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};

/// Where a backend is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum BackendAddress {
    /// The engine runs in this process, on this machine's content.
    #[default]
    Embedded,
    /// A service at this address.
    Remote(String),
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
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// Where its backend is.
    pub backend: BackendAddress,
    /// The file that holds the token for a remote backend.
    #[serde(default)]
    pub token_file: Option<PathBuf>,
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
}

/// The context that a command works in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedContext {
    /// Its name in the configuration.
    pub name: String,
    /// What it says.
    pub context: Context,
}
