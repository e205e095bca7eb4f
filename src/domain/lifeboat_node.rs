//! The Lifeboats that have one catalog open, as an operator looks at them: which there are, which of them live, and what
//! each works on. A node in here is a machine, never a node of content.

use serde::{Deserialize, Serialize};

use super::Instant;
use super::environment::EnvironmentName;
use super::job::{JobId, JobKind};

/// One of the Lifeboats that have the catalog open, or had it open lately.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifeboatNode {
    /// Its number, which no other one has had in this catalog.
    pub number: u64,
    /// What it is called; left out where one machine has the catalog for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it opened the catalog; left out where that is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Instant>,
    /// Until when the others take it for alive without hearing of it; left out where no leases are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<Instant>,
    /// Whether it keeps the schedule, as a service or a cockpit does; a verb does not, and ends by itself. Left out where
    /// that is not kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keeps_schedule: Option<bool>,
    /// How it stands.
    pub standing: NodeStanding,
    /// Whether it is the one that was asked.
    pub is_this: bool,
    /// What it works on, or has left unfinished.
    pub jobs: Vec<NodeJob>,
}

/// How a Lifeboat stands.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeStanding {
    /// It lives.
    Alive,
    /// Its lease has run out, and nobody has declared it gone yet. A verb that is late was killed.
    Late,
    /// It has ended, or was declared gone: what it had is taken over.
    Gone,
}

impl NodeStanding {
    /// The word for it.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Late => "late",
            Self::Gone => "gone",
        }
    }
}

/// A job that has not ended.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeJob {
    /// Its number.
    pub id: JobId,
    /// The environment that it works on.
    pub environment: EnvironmentName,
    /// What it does.
    pub kind: JobKind,
    /// What it is about, in a few words.
    pub title: String,
}
