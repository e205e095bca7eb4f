//! What a check of one instance is told by whoever knows the rest of it: the engine, which knows its backups, its hooks and its
//! nodes.

use crate::domain::Instant;
use crate::domain::backup::InstanceCopy;
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::settings::{HookPoint, NodeSettings};

/// What a check of one instance is told by whoever knows the rest of it.
pub struct Checked<'a> {
    /// The environment.
    pub environment: &'a EnvironmentName,
    /// The instance.
    pub instance: &'a InstanceName,
    /// What the newest backup holds of it.
    pub last: Option<&'a InstanceCopy>,
    /// What backups have read of it and found not to be what it says, as a sentence.
    pub doubts: Option<String>,
    /// At which points nothing is run, neither for the instance nor for one of its nodes.
    pub unhooked: Vec<HookPoint>,
    /// The nodes that nothing stops before a restore, though something is run for others.
    pub unstopped: Vec<String>,
    /// Whether a job is at work on the environment.
    pub is_at_work: bool,
    /// What could not be dropped though its time is over: its name, and why.
    pub undropped: Vec<(String, String)>,
    /// The nodes that are configured to share its content.
    pub nodes: &'a [NodeSettings],
    /// The time now.
    pub now: Instant,
}

impl Checked<'_> {
    /// Whether anything is run at this point, for the instance or for one of its nodes.
    #[must_use]
    pub fn has_hook(&self, point: HookPoint) -> bool {
        !self.unhooked.contains(&point)
    }
}
