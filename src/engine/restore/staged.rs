//! What is staged for each instance of a restore or a drill: made, written, read back, and handed to the switch.
//!
//! Not in here: how one instance is staged (`content::restoring`).

use super::journal::InstanceRecord;
use crate::content::kinds::Beside;
use crate::content::restoring::{About, Staged};
use crate::domain::Instant;
use crate::domain::backup::{Backup, InstanceCopy};
use crate::domain::environment::InstanceName;
use crate::domain::plan::Selection;
use crate::domain::settings::InstanceSettings;
use crate::engine::{EngineError, Live, Work};
use crate::repository::{InstanceBackup, Repository};
use crate::watch::Watch as _;

/// One instance, while it is restored.
pub(in crate::engine) struct StagedInstance<'s> {
    pub(in crate::engine) instance: &'s InstanceName,
    pub(in crate::engine) staged: Box<dyn Staged>,
}

/// The backup that is restored, where it is, and which part of it.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Restored<'r> {
    pub(in crate::engine) repository: &'r Repository,
    pub(in crate::engine) backup: &'r Backup,
    pub(in crate::engine) selection: &'r Selection,
}

impl<'r> Restored<'r> {
    /// One instance of it.
    pub(in crate::engine) fn instance(&self, name: &InstanceName) -> Result<InstanceBackup<'r>, EngineError> {
        let copy = copy_of(self.backup, name)?;
        Ok(self.repository.instance(&self.backup.id, copy))
    }
}

/// What a backup says of an instance.
fn copy_of<'b>(backup: &'b Backup, instance: &InstanceName) -> Result<&'b InstanceCopy, EngineError> {
    let mut copies = backup.manifest.instances.iter();
    copies
        .find(|copy| copy.name == *instance)
        .ok_or_else(|| EngineError::Failed(format!("the backup holds nothing of {instance}")))
}

impl Live {
    /// What a job is about, for what it makes of one instance to tell. `now` is one moment for all its instances: what they
    /// have left is known by it to belong together.
    pub(in crate::engine) fn about<'a>(
        &'a self,
        work: &Work,
        instance: &'a InstanceName,
        backup: Option<&'a Backup>,
        selection: &'a Selection,
        now: Instant,
    ) -> About<'a> {
        About {
            environment: self.name(),
            instance,
            job: work.id(),
            backup: backup.map(|backup| &backup.id),
            selection,
            now,
        }
    }

    /// Works out where everything is staged. Makes nothing yet.
    pub(in crate::engine) fn beside<'s>(
        &self,
        work: &Work,
        restored: Restored<'_>,
        chosen: &[&'s InstanceSettings],
    ) -> Result<Vec<StagedInstance<'s>>, EngineError> {
        let now = self.now();
        let stage = |instance: &&'s InstanceSettings| {
            let backed_up = restored.instance(&instance.name)?;
            let (backup, selection) = (Some(restored.backup), restored.selection);
            let about = self.about(work, &instance.name, backup, selection, now);
            Ok(StagedInstance {
                instance: &instance.name,
                staged: self.place(instance).stage(&backed_up, &about)?,
            })
        };
        chosen.iter().map(stage).collect()
    }
}

impl StagedInstance<'_> {
    /// What the journal keeps of it before anything is staged.
    pub(in crate::engine) fn record(&self) -> Result<InstanceRecord, EngineError> {
        Ok(InstanceRecord {
            instance: self.instance.clone(),
            beside: self.staged.record()?,
        })
    }

    /// What the journal keeps of it when everything is staged.
    pub(in crate::engine) fn to_switch(
        &self,
        selection: &Selection,
        before: &Beside,
    ) -> Result<Beside, EngineError> {
        Ok(self.staged.to_switch(selection, before)?)
    }

    /// Writes the backup's content beside Live.
    pub(in crate::engine) fn stage(&self, restored: Restored<'_>, work: &Work) -> Result<(), EngineError> {
        let backed_up = restored.instance(self.instance)?;
        for (severity, line) in self.staged.stage(&backed_up, restored.selection, work)? {
            work.log(severity, &line);
        }
        Ok(())
    }

    /// Reads what was staged back. Gives what is not as it is in the backup, as a part of a sentence.
    pub(in crate::engine) fn difference(
        &self,
        restored: Restored<'_>,
        work: &Work,
    ) -> Result<Option<String>, EngineError> {
        let backed_up = restored.instance(self.instance)?;
        Ok(self.staged.difference(&backed_up, restored.selection, work)?)
    }

    /// Reads what was staged back. Only what is right is added to what is never exchanged: a data store in a table.
    pub(in crate::engine) fn verify(&self, restored: Restored<'_>, work: &Work) -> Result<(), EngineError> {
        if let Some(difference) = self.difference(restored, work)? {
            return Err(EngineError::Failed(format!(
                "what was staged for {} is not what the backup holds: {difference}. Live was not touched; look at the disk \
                 and the memory of {}",
                self.instance,
                self.staged.machine()
            )));
        }
        for left_out in self.staged.settle()? {
            work.notice(&format!("{}: {left_out}", self.instance));
        }
        Ok(())
    }
}
