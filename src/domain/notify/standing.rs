//! How a receiver stands: what waits for it, and whether it takes what is sent.

use serde::{Deserialize, Serialize};

use super::Topic;
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::measure;

/// How a receiver stands.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverStanding {
    /// Its name in the configuration.
    pub name: String,
    /// What it is: `webhook`, `slack`, `teams`, `ntfy`, `email`, `command`, `alive`.
    pub kind: String,
    /// Where it is, for people. Never a secret: of an address only the machine.
    pub place: String,
    /// What it is told of; empty for everything that is serious enough.
    pub events: Vec<Topic>,
    /// The environments it is told of; empty for all.
    pub environments: Vec<String>,
    /// The least severity that it is told of.
    pub severity: Severity,
    /// How many messages wait for it.
    pub waiting: u64,
    /// When the oldest of them happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest: Option<Instant>,
    /// Until when its quiet hours hold back what waits and is not critical. `None` outside of them, and where nothing waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet_until: Option<Instant>,
    /// When it took something last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<Instant>,
    /// Since when it has taken nothing. `None` as long as it does, or has not been tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<Instant>,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<Instant>,
    /// Why it took nothing, as a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

impl ReceiverStanding {
    /// What a person should know when it takes nothing. `None` as long as it does.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let since = self.failing_since?;
        // Some of those it is for may have what others of them were refused.
        let how_much = match self.delivered {
            Some(delivered) if delivered >= since => "not everything",
            _ => "nothing",
        };
        let since = measure::moment(since);
        let why = self.why.as_deref().unwrap_or("it does not say why");
        Some(format!(
            "{how_much} has reached the receiver \"{}\" since {since}: {why}. `lifeboat notify list` shows what waits, and \
             `lifeboat notify test {}` tries it",
            self.name, self.name
        ))
    }
}

/// What trying a receiver has shown.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverTest {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: String,
    /// Whether it took the test message.
    pub delivered: bool,
    /// What it said, or why it was not reached, as a sentence.
    pub detail: String,
}
