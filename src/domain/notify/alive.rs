//! Dead man's switches as an operator writes them: addresses that are called for as long as all is well.
//!
//! Not in here: calling them (`engine::notify`).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::settings::seconds;
use super::{Pattern, ReceiverKind, ReceiverSettings, Topic};
use crate::domain::activity::Severity;
use crate::domain::limit::TimeLimit;

/// A dead man's switch, as it is written: an address that is called for as long as all is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AliveSettings {
    /// What it is called in lists and messages.
    pub name: String,
    /// Whether it is called after each round of the schedule.
    #[serde(default)]
    pub rounds: bool,
    /// The environments whose backups it is called around.
    #[serde(default)]
    pub environments: Vec<Pattern>,
    /// The address, with `{project}` and `{environment}` for what the backup is of.
    #[serde(default)]
    pub url: Option<String>,
    /// The address is the first line of this file.
    #[serde(default)]
    pub url_file: Option<PathBuf>,
    /// The address is the first line that this command prints.
    #[serde(default)]
    pub url_command: Option<Vec<String>>,
    /// The address is in this environment variable.
    #[serde(default)]
    pub url_env: Option<String>,
    /// Certificates that are believed beside the system's, in PEM form.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long one call may take.
    #[serde(default = "seconds")]
    pub limit: TimeLimit,
}

impl AliveSettings {
    /// The files that it names.
    pub fn files(&mut self) -> impl Iterator<Item = &mut PathBuf> {
        [&mut self.url_file, &mut self.ca_file].into_iter().flatten()
    }

    /// What is wrong with it, as a sentence; `None` when it holds together.
    #[must_use]
    pub fn wrong(&self) -> Option<String> {
        if self.rounds != self.environments.is_empty() {
            return Some(format!(
                "[[alive]] \"{}\" has to be called for one thing: write rounds = true, or environments = [\"acme/live\"]",
                self.name
            ));
        }
        self.receiver().wrong()
    }

    /// It as a receiver of what happens to backups.
    #[must_use]
    pub fn receiver(&self) -> ReceiverSettings {
        let of_backups = vec![Topic::BackupBegun, Topic::BackupDone, Topic::BackupFailed];
        ReceiverSettings {
            events: if self.rounds { Vec::new() } else { of_backups },
            environments: self.environments.clone(),
            severity: Some(Severity::Information),
            give_up: TimeLimit::minutes(60),
            limit: self.limit,
            url: self.url.clone(),
            url_file: self.url_file.clone(),
            url_command: self.url_command.clone(),
            url_env: self.url_env.clone(),
            ca_file: self.ca_file.clone(),
            ..ReceiverSettings::of(&self.name, ReceiverKind::Alive)
        }
    }
}
