//! Which Lifeboats have the catalog open and live, told from those that are gone and have left jobs behind.
//!
//! On one machine a Lifeboat is a process with a lock on a file of its own ([`process`]). Where several machines share a
//! catalog, it is a node with a lease in it ([`node`]).
//!
//! Not in here: what happens to what was left behind.

mod node;
mod process;

use super::error::Fault;
use super::store::Session;
use crate::domain::Instant;
use crate::domain::lifeboat_node::{LifeboatNode, NodeStanding};

pub use node::Lease;

use node::Ending;
pub(super) use node::Node;
pub(super) use process::{OpeningLock, Process};

/// This Lifeboat, as the others see it.
#[derive(Debug)]
pub(super) enum Presence {
    /// A process of this machine.
    Process(Process),
    /// A node among others.
    Node(Node),
}

impl Presence {
    /// Its number, which no Lifeboat has had before it in this catalog.
    pub(super) fn number(&self) -> u64 {
        match self {
            Self::Process(process) => process.number(),
            Self::Node(node) => node.number(),
        }
    }

    /// What tells the catalog from every other one, if several machines share it.
    pub(super) fn installation(&self) -> Option<&str> {
        match self {
            Self::Process(_) => None,
            Self::Node(node) => node.installation(),
        }
    }

    /// Whether the Lifeboat with this number lives, as far as can be told.
    pub(super) fn is_alive(&self, session: &mut Session<'_>, number: u64) -> Result<bool, Fault> {
        match self {
            Self::Process(process) => Ok(process.is_alive(number)?),
            Self::Node(node) => node.is_alive(session, number),
        }
    }

    /// This Lifeboat moves, which others are to know. A node says so by its lease.
    pub(super) fn moves(&self, now: Instant) {
        match self {
            Self::Process(process) => process.moves(now),
            Self::Node(_) => {}
        }
    }

    /// Whether the Lifeboat with this number lives and does not stand still: a process that was stopped has its lock, and of a
    /// node whose lease has run out nobody knows what it does.
    pub(super) fn is_heard_of(
        &self,
        session: &mut Session<'_>,
        number: u64,
        now: Instant,
    ) -> Result<bool, Fault> {
        match self {
            Self::Process(process) => Ok(process.is_heard_of(number, now)?),
            Self::Node(_) => Node::is_heard_of(session, number),
        }
    }

    /// The Lifeboats that have the catalog open, and of nodes those that were heard of within a day. Without their jobs.
    pub(super) fn list(&self, session: &mut Session<'_>) -> Result<Vec<LifeboatNode>, Fault> {
        match self {
            Self::Node(node) => node.list(session),
            Self::Process(process) => {
                let numbers = process.alive()?.into_iter();
                let nodes = numbers.map(|number| LifeboatNode {
                    number,
                    name: None,
                    started: None,
                    lease: None,
                    keeps_schedule: None,
                    standing: NodeStanding::Alive,
                    is_this: number == process.number(),
                    jobs: Vec::new(),
                });
                Ok(nodes.collect())
            }
        }
    }

    /// This Lifeboat keeps the schedule from now on, and is to be seen for longer than a verb.
    pub(super) fn keeps_schedule(&self, session: &mut Session<'_>) -> Result<(), Fault> {
        match self {
            Self::Process(_) => Ok(()),
            Self::Node(node) => node.keeps_schedule(session),
        }
    }

    /// This Lifeboat has ended all that it did, whatever still holds its catalog: the others need not wait for its lease.
    pub(super) fn sign_off(&self) {
        match self {
            Self::Process(_) => {}
            Self::Node(node) => node.end(Ending::Orderly),
        }
    }

    /// Makes sure that what the Lifeboat with this number had may be taken over: it is gone, and can never come back
    /// under this number. Returns `false` when it lives.
    pub(super) fn declare_gone(&self, session: &mut Session<'_>, number: u64) -> Result<bool, Fault> {
        match self {
            Self::Process(process) => Ok(!process.is_alive(number)?),
            Self::Node(node) => node.declare_gone(session, number),
        }
    }

    /// Makes sure that this Lifeboat was not declared gone. The caller holds a transaction.
    pub(super) fn check(&self, session: &mut Session<'_>) -> Result<(), Fault> {
        self.check_number(session, self.number())
    }

    /// The same for a number that this Lifeboat has or had.
    pub(super) fn check_number(&self, session: &mut Session<'_>, number: u64) -> Result<(), Fault> {
        match self {
            // The system has the lock for as long as the process lives.
            Self::Process(_) => Ok(()),
            Self::Node(_) => Node::check(session, number),
        }
    }
}
