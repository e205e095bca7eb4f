//! What happens while a cockpit looks on. Events say that something changed; whoever needs the whole asks for it.

use serde::{Deserialize, Serialize};

use super::activity::Notification;
use super::environment::EnvironmentName;
use super::job::Job;
use super::state::EnvironmentSummary;

/// Something happened.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A job was created, moved on or ended. Comes at most four times a second for one job.
    Job(Box<Job>),
    /// The environment's backups, holds or state changed: ask for it again.
    Environment {
        /// Which.
        name: EnvironmentName,
    },
    /// How an environment stands whose repository was read, for the list of all.
    Summary(Box<EnvironmentSummary>),
    /// There is something to tell.
    Notification(Notification),
    /// Events were lost because the listener was too slow, or another Lifeboat changed something: ask for everything
    /// again.
    Missed,
}
