//! What a plan is asked for.
//!
//! Not in here: what it finds (`restoring`).

use crate::domain::environment::InstanceName;
use crate::domain::plan::{Selection, WorkspaceChange};

/// What a plan is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// What is to be restored.
    pub selection: &'a Selection,
    /// Without a safety backup.
    pub without_safety: bool,
    /// What is known to change already, of all instances; `None` when it is to be found out.
    pub known: Option<&'a [WorkspaceChange]>,
}

impl Wanted<'_> {
    /// What is known to change in an instance.
    #[must_use]
    pub fn known_of(&self, instance: &InstanceName) -> Option<Vec<WorkspaceChange>> {
        let known = self.known?.iter();
        let of_it = known.filter(|change| change.instance == *instance);
        Some(of_it.cloned().collect())
    }
}
