//! What can be asked of a backend: the arguments of each action.

use serde::{Deserialize, Serialize};

use super::Instant;
use super::backup::BackupId;
use super::elsewhere::Elsewhere;
use super::environment::EnvironmentName;
use super::job::JobId;
use super::plan::Selection;
use super::settings::RepositoryChoice;
use super::version::MagnoliaVersion;

/// Take a backup.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackupRequest {
    /// Of which environment.
    pub environment: EnvironmentName,
    /// Why, in the words of whoever asks.
    pub note: Option<String>,
    /// Before an upgrade of Magnolia to this version; `None` for a manual backup.
    pub upgrade_to: Option<MagnoliaVersion>,
}

/// Work out, or do, a restore.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreRequest {
    /// Of which environment.
    pub environment: EnvironmentName,
    /// From which backup: an id, a unique beginning of one, or a slot's name.
    pub backup: String,
    /// Which part of it.
    #[serde(default)]
    pub selection: Selection,
    /// Whether the safety backup is left out, for somebody in a hurry who knows what that means.
    #[serde(default)]
    pub without_safety: bool,
    /// Whether everything is put back also where nothing would change, as far as that can be seen.
    #[serde(default)]
    pub even_if_unchanged: bool,
    /// From which of the two repositories.
    #[serde(default)]
    pub from: RepositoryChoice,
}

/// Restore into a place that is nobody's, to look at a backup there. Nothing of Live is touched.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtractRequest {
    /// Of which environment.
    pub environment: EnvironmentName,
    /// From which backup: an id, a unique beginning of one, or a slot's name.
    pub backup: String,
    /// Which part of it.
    #[serde(default)]
    pub selection: Selection,
    /// From which of the two repositories.
    #[serde(default)]
    pub from: RepositoryChoice,
    /// Where to.
    pub into: Elsewhere,
}

/// Keep a backup on purpose.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinRequest {
    /// Of which environment.
    pub environment: EnvironmentName,
    /// Which backup.
    pub backup: BackupId,
    /// Until when. `None`: for ever.
    pub until: Option<Instant>,
    /// Why.
    pub note: Option<String>,
}

/// Put an environment into maintenance mode or under protection, or take it out.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldRequest {
    /// Which environment.
    pub environment: EnvironmentName,
    /// Which of the two.
    pub hold: HoldKind,
    /// On or off.
    pub on: bool,
    /// Why.
    pub reason: Option<String>,
}

/// The two holds of rule 9.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldKind {
    /// Jobs wait.
    Maintenance,
    /// Restores are refused.
    Protection,
}

/// Which jobs to list.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobQuery {
    /// Only of this environment.
    pub environment: Option<EnvironmentName>,
    /// Only this one.
    pub id: Option<JobId>,
    /// At most so many, newest first.
    pub limit: u32,
}
