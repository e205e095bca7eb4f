//! Whether a newer backup of tables has a node of an older one, with all that is below it, as indexes that are there already
//! say. None is made for it, and nothing is read of a repository.

use std::time::SystemTime;

use super::Answer;
use super::below::MOST_BELOW;
use super::index::Pages;
use super::shelf::Key;
use crate::content::inside::tables::root_of;
use crate::domain::backup::BackupId;
use crate::domain::environment::InstanceName;
use crate::domain::explore::{NodePath, Source, Step};
use crate::domain::newer::Holds;
use crate::engine::{EngineError, Live};

impl Live {
    /// Whether the newer one of two backups has a node of an instance's tables that the older one has; `None` where that has none
    /// there.
    ///
    /// # Errors
    /// [`EngineError`] when an index cannot be used.
    pub(in crate::engine) fn holds_node(
        &self,
        (older, newer): (&BackupId, &BackupId),
        instance: &InstanceName,
        path: &NodePath,
    ) -> Result<Option<Holds>, EngineError> {
        self.explored(|| {
            let (older, newer) = (
                self.pages_there(older, instance, path)?,
                self.pages_there(newer, instance, path)?,
            );
            let (Some(older), Some(newer)) = (older, newer) else {
                return Ok(Some(Holds::NotLooked));
            };
            holds(&older, &newer, &path.steps, MOST_BELOW)
        })
    }

    fn pages_there(
        &self,
        backup: &BackupId,
        instance: &InstanceName,
        path: &NodePath,
    ) -> Answer<Option<Pages>> {
        let workspace = path.workspace.clone().unwrap_or_default();
        let root = root_of(&workspace);
        let key = Key {
            environment: self.name().clone(),
            source: Source::from(backup),
            instance: instance.clone(),
            workspace,
            after: None,
        };
        let now = SystemTime::from(self.now());
        let index = self.engine().explorer().looks.there(&key, root, now);
        Ok(index.map(|index| index.open()).transpose()?)
    }
}

/// Whether the newer one has the node at a path, and all that the older one has below it: by their ids, so that what somebody
/// has made anew under the same name is not taken for it. `None` where the older one has no such node, as an instance has none of a
/// page that was never published.
pub(super) fn holds(older: &Pages, newer: &Pages, steps: &[Step], most: usize) -> Answer<Option<Holds>> {
    let Some(was) = older.resolve(steps)?.filter(super::index::Row::is_node) else {
        return Ok(None);
    };
    let Some(is) = newer.resolve(steps)?.filter(super::index::Row::is_node) else {
        return Ok(Some(Holds::No));
    };
    let (Some(before), Some(now)) = (older.below(&was, most)?, newer.below(&is, most)?) else {
        return Ok(Some(Holds::NotLooked));
    };
    if was.id != is.id || before.keys().any(|id| !now.contains_key(id)) {
        return Ok(Some(Holds::No));
    }
    // What has changed is there, and may have lost what is looked for.
    let is_same = (was.digest, was.list) == (is.digest, is.list)
        && before.iter().all(|(id, print)| now.get(id) == Some(print));
    Ok(Some(if is_same { Holds::Yes } else { Holds::NotLooked }))
}
