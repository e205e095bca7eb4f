//! Hooks: what an operator has run around the work on an instance, and for which of its nodes.
//!
//! Not in here: running them (`engine::hooks`).

use serde::{Deserialize, Serialize};

use super::InstanceSettings;
use crate::domain::limit::TimeLimit;

/// Commands that Lifeboat runs around its work on an instance: a program and its arguments, without a shell. An empty
/// one is not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Hooks {
    /// How long each may take before it is ended.
    pub limit: TimeLimit,
    /// Right before its content is copied.
    pub before_backup: Vec<String>,
    /// After a backup that got that far, however it ended.
    pub after_backup: Vec<String>,
    /// Right before the switch, when everything is staged and verified.
    pub before_restore: Vec<String>,
    /// After the restored content is in place, or when the restore stopped after its `before_restore`.
    pub after_restore: Vec<String>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            limit: TimeLimit::minutes(5),
            before_backup: Vec::new(),
            after_backup: Vec::new(),
            before_restore: Vec::new(),
            after_restore: Vec::new(),
        }
    }
}

impl Hooks {
    /// The program and the arguments of one point. Empty when nothing is to be run there.
    #[must_use]
    pub fn at(&self, point: HookPoint) -> &[String] {
        match point {
            HookPoint::BeforeBackup => &self.before_backup,
            HookPoint::AfterBackup => &self.after_backup,
            HookPoint::BeforeRestore => &self.before_restore,
            HookPoint::AfterRestore => &self.after_restore,
        }
    }
}

/// A point at which a hook is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HookPoint {
    /// Right before an instance is copied.
    BeforeBackup,
    /// After the backup, however it ended.
    AfterBackup,
    /// Right before the switch.
    BeforeRestore,
    /// After the switch, or when it did not come to one.
    AfterRestore,
}

impl HookPoint {
    /// Every point.
    pub const ALL: [Self; 4] = [
        Self::BeforeBackup,
        Self::AfterBackup,
        Self::BeforeRestore,
        Self::AfterRestore,
    ];

    /// Its name, as it is written in the settings.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::BeforeBackup => "before_backup",
            Self::AfterBackup => "after_backup",
            Self::BeforeRestore => "before_restore",
            Self::AfterRestore => "after_restore",
        }
    }
}

impl InstanceSettings {
    /// Whether anything is run at this point, for the instance or for one of its nodes.
    #[must_use]
    pub fn has_hook(&self, point: HookPoint) -> bool {
        let mut members = self.members();
        members.any(|member| !member.hooks().at(point).is_empty())
    }
}
