//! The log of who did what, and the notifications that say how things ended.

use serde::{Deserialize, Serialize};

use super::Instant;
use super::environment::EnvironmentName;
use super::job::JobId;
use super::principal::Principal;

/// How serious something is. The colours are the cockpit's: red, yellow, blue.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Good to know.
    Information,
    /// Look at it soon.
    Warning,
    /// Act now.
    Critical,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// One entry of the activity log: who did what to which environment, and how it ended.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Counted up from 1.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// A person's name, `schedule`, or `lifeboat` for what it did by itself, such as finishing after a crash.
    pub by: Principal,
    /// The environment, where there is one.
    pub environment: Option<EnvironmentName>,
    /// What, as a sentence.
    pub what: String,
    /// The job, where there is one.
    pub job: Option<JobId>,
    /// How it ended: information for done, warning for cancelled or refused, critical for failed.
    pub severity: Severity,
    /// The address that it was asked from, where that was not this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The id of the request that asked for it, where there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
}

/// What checking the activity log's chain has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainReport {
    /// How many entries are there.
    pub entries: u64,
    /// The first place where the log is not what was written, if there is one.
    pub broken: Option<BrokenLink>,
}

/// Where the activity log is not what was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokenLink {
    /// The number of the entry.
    pub number: u64,
    /// What is wrong there, as a sentence.
    pub why: String,
}

/// Something that a person should see: how a job ended, or what needs attention.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Counted up from 1.
    pub number: u64,
    /// When.
    pub at: Instant,
    /// How serious.
    pub severity: Severity,
    /// The environment, where there is one.
    pub environment: Option<EnvironmentName>,
    /// What, as a sentence.
    pub text: String,
    /// The job it is about, where there is one.
    pub job: Option<JobId>,
    /// Whether somebody has seen it.
    pub seen: bool,
}
