//! Which `after_` hooks are still to be run: a record for each environment and kind of work, written before the `before_`
//! hook of an instance begins and removed when the `after_` hooks have run. After a crash it says what to start again.
//!
//! It is a record of its own beside the journal, since backups have no journal and owe hooks all the same.

use std::io;

use serde::{Deserialize, Serialize};

use super::{Around, Occasion};
use crate::domain::environment::{EnvironmentName, InstanceName, MemberName};
use crate::engine::jobs::papers::{self, Papers};

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine) struct Owed {
    /// What the hooks are told.
    pub occasion: Occasion,
    /// The instances whose own `after_` hook is to be run.
    pub instances: Vec<InstanceName>,
    /// The nodes of instances whose `after_` hook is to be run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<MemberName>,
}

/// What its records are called.
pub(in crate::engine) const KIND: &str = "hooks";

fn name_of(around: Around, environment: &EnvironmentName) -> String {
    format!("{}+{}", papers::name_of(environment), around.after().label())
}

impl Owed {
    /// Somebody's is owed too.
    pub(in crate::engine) fn add(&mut self, member: MemberName) {
        if member.node.is_some() {
            self.nodes.push(member);
        } else {
            self.instances.push(member.instance);
        }
    }

    /// Whether somebody's is owed.
    pub(in crate::engine) fn has(&self, member: &MemberName) -> bool {
        if member.node.is_some() {
            self.nodes.contains(member)
        } else {
            self.instances.contains(&member.instance)
        }
    }

    /// Where it is, for people.
    pub(in crate::engine) fn place(
        papers: &Papers<'_>,
        around: Around,
        environment: &EnvironmentName,
    ) -> String {
        format!("{} as {}", papers.place(KIND), name_of(around, environment))
    }

    /// Whether anything is owed, as far as can be told.
    pub(in crate::engine) fn stands(
        papers: &Papers<'_>,
        around: Around,
        environment: &EnvironmentName,
    ) -> bool {
        papers.has(KIND, &name_of(around, environment))
    }

    /// What is owed, if anything is.
    pub(in crate::engine) fn read<'p>(
        papers: impl Into<Papers<'p>>,
        around: Around,
        environment: &EnvironmentName,
    ) -> io::Result<Option<Self>> {
        papers.into().read(KIND, &name_of(around, environment))
    }

    /// Writes it, durably, in the place of the one before.
    pub(in crate::engine) fn write<'p>(
        &self,
        papers: impl Into<Papers<'p>>,
        around: Around,
    ) -> io::Result<()> {
        papers
            .into()
            .write(KIND, &name_of(around, &self.occasion.environment), self)
    }

    /// Removes it: nothing is owed any more.
    pub(in crate::engine) fn remove<'p>(
        papers: impl Into<Papers<'p>>,
        around: Around,
        environment: &EnvironmentName,
    ) -> io::Result<()> {
        papers.into().remove(KIND, &name_of(around, environment))
    }
}
