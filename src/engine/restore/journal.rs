//! The journal of a restore: a record that says how far it is, written before each step that matters.
//!
//! It is all that is needed to finish or undo a switch after a crash. One environment has at most one journal, since
//! one job at a time works on it. Where it is kept, it is replaced atomically (`jobs::papers`): a reader sees the old record or
//! the new one.

use std::fmt::Write as _;
use std::io;

use serde::{Deserialize, Serialize};

use super::brought::Brought;
use crate::content::kinds::Beside;
use crate::content::left::Settled;
use crate::domain::Instant;
use crate::domain::backup::BackupId;
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::job::JobId;
use crate::engine::jobs::papers::{Papers, name_of};

/// How far a restore is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Content is being written beside Live, which has not been touched. After a crash: drop what is beside.
    Staging,
    /// Everything is staged and verified, and the switch has begun. After a crash: finish it.
    Switching,
    /// The restored content is live everywhere. After a crash: run hooks, check health, clean up.
    Switched,
    /// What was live before is in the safety backup and is being removed. After a crash: remove the rest.
    Clearing,
}

/// One instance in the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceRecord {
    /// The instance.
    pub instance: InstanceName,
    /// What stands beside its content.
    #[serde(flatten)]
    pub beside: Beside,
}

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// The environment.
    pub environment: EnvironmentName,
    /// The job.
    pub job: JobId,
    /// The backup that is restored.
    pub backup: BackupId,
    /// The safety backup, if there was anything to save.
    pub safety: Option<BackupId>,
    /// When that was taken: undo finds it by this once the restore is over, whether or not its repository can be read
    /// just then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub safety_taken: Option<Instant>,
    /// What becomes of the content of Live. `None` of an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::engine) brought: Option<Brought>,
    /// How far it is.
    pub stage: Stage,
    /// Its instances, in the order they are switched in.
    pub instances: Vec<InstanceRecord>,
    /// Whether the search indexes are removed. After that the instances may have been started, and have new ones.
    #[serde(default)]
    pub indexes_removed: bool,
    /// What was done with the switch to the clusters of its instances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<SettledInstance>,
}

/// What was done with the switch to a cluster of an instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledInstance {
    /// The instance.
    pub instance: InstanceName,
    /// What was done.
    #[serde(flatten)]
    pub settled: Settled,
}

impl std::fmt::Display for SettledInstance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.instance, self.settled.sentence())
    }
}

/// What its records are called.
pub(in crate::engine) const KIND: &str = "journal";

impl Journal {
    /// The journal of an environment, if one stands.
    ///
    /// # Errors
    /// What the system said, or that the record is not a journal.
    pub(in crate::engine) fn read<'p>(
        papers: impl Into<Papers<'p>>,
        environment: &EnvironmentName,
    ) -> io::Result<Option<Self>> {
        papers.into().read(KIND, &name_of(environment))
    }

    /// Writes it, durably, in the place of the one before.
    ///
    /// # Errors
    /// What the system said. The one before then still stands.
    pub(in crate::engine) fn write<'p>(&self, papers: impl Into<Papers<'p>>) -> io::Result<()> {
        papers.into().write(KIND, &name_of(&self.environment), self)
    }

    /// Whether nothing that was live is among what was staged in folders: what has to hold while it says that nothing was
    /// switched.
    pub(in crate::engine) fn holds_nothing_of_live(&self) -> bool {
        self.instances
            .iter()
            .all(|record| record.beside.holds_nothing_of_live())
    }

    /// What was done to clusters with the switch, to stand behind what else an outcome says. Empty where there are none.
    pub(super) fn told_of_clusters(&self) -> String {
        self.settled.iter().fold(String::new(), |mut text, settled| {
            // Writing to a string cannot fail.
            let _ = write!(text, "; {settled}");
            text
        })
    }

    /// Removes it: the restore is over.
    ///
    /// # Errors
    /// What the system said.
    pub(in crate::engine) fn remove<'p>(&self, papers: impl Into<Papers<'p>>) -> io::Result<()> {
        papers.into().remove(KIND, &name_of(&self.environment))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::files::beside::FolderRecord;
    use crate::content::files::layout::Layout;

    #[test]
    fn a_journal_is_read_as_it_was_written_and_goes_when_it_is_removed() {
        let state = tempfile::tempdir().unwrap();
        let environment: EnvironmentName = "acme/live".parse().unwrap();
        assert_eq!(Journal::read(state.path(), &environment).unwrap(), None);
        let mut journal = Journal {
            environment: environment.clone(),
            job: JobId(7),
            backup: BackupId("ab".repeat(32)),
            safety: None,
            safety_taken: None,
            brought: None,
            stage: Stage::Staging,
            instances: vec![InstanceRecord {
                instance: "author".parse().unwrap(),
                beside: Beside::Folder(FolderRecord {
                    layout: Layout::default(),
                    staging: "/srv/.lifeboat".into(),
                    made: None,
                    steps: Vec::new(),
                }),
            }],
            indexes_removed: false,
            settled: Vec::new(),
        };
        journal.write(state.path()).unwrap();
        journal.stage = Stage::Switching;
        journal.write(state.path()).unwrap();
        assert_eq!(
            Journal::read(state.path(), &environment).unwrap().as_ref(),
            Some(&journal)
        );
        journal.remove(state.path()).unwrap();
        journal.remove(state.path()).unwrap();
        assert_eq!(Journal::read(state.path(), &environment).unwrap(), None);
    }
}
