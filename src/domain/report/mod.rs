//! Reports: what happened in a restore, for the review after it; and that backups are taken, read back and drilled over a
//! period, for whoever wants to see it proven.
//!
//! Both are made from what jobs, their logs, the activity log and the records of backups hold. A report is data first, which
//! is its JSON; a [`Document`] of it is what Markdown and HTML are written from.
//!
//! Not in here: asking for what they are made of (`cli`).

mod document;
mod markdown;
mod proof;
mod restore;
mod targets;
#[cfg(test)]
mod tests;

pub use document::{Block, Document, Section};
pub use proof::{EnvironmentProof, ProofFacts, ProofReport, Run};
pub use restore::{BackupFacts, PhaseTook, RestoreFacts, RestoreReport, WorkBetween};
pub use targets::TargetProof;

/// The form of a report's JSON. A field may be added; one that changes its meaning makes a new form.
pub const FORM: u32 = 1;
