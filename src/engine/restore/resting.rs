//! The safety backup of content that has to be at rest for a copy: it is taken when `before_restore` has stopped the server,
//! between there and the switch, so that it is what the switch displaces to the last byte, and the server stops once.

use super::Way;
use super::journal::Journal;
use crate::domain::backup::Backup;
use crate::domain::settings::{HookPoint, InstanceSettings};
use crate::engine::{EngineError, Live, Work};

impl Live {
    /// The instances of a restore that have to rest.
    pub(super) fn resting<'i>(&self, chosen: &[&'i InstanceSettings]) -> Vec<&'i InstanceSettings> {
        let has_to_rest = |instance: &&&InstanceSettings| self.has_to_rest(instance);
        chosen.iter().filter(has_to_rest).copied().collect()
    }

    /// Makes sure that what has to rest does so, and takes the safety backup of it. Does nothing where nothing has to.
    ///
    /// # Errors
    /// Who is at work on Live; that the safety backup could not be taken. Live has not been touched.
    pub(super) fn save_at_rest(
        &self,
        work: &Work,
        backup: &Backup,
        way: &Way,
        journal: &Journal,
        safety: &mut Option<Backup>,
        warnings: &mut Vec<String>,
    ) -> Result<(), EngineError> {
        let is_restored = |instance: &&InstanceSettings| {
            let mut records = journal.instances.iter();
            records.any(|record| record.instance == instance.name)
        };
        let restored: Vec<_> = self.settings().instances.iter().filter(is_restored).collect();
        let resting = self.resting(&restored);
        if resting.is_empty() {
            return Ok(());
        }
        let rest = self.come_to_rest(&resting, HookPoint::BeforeRestore, work)?;
        if !way.without_safety {
            *safety = self.take_safety_backup(work, backup, way, warnings)?;
        }
        self.is_still_at_rest(&rest, HookPoint::BeforeRestore)
    }
}
