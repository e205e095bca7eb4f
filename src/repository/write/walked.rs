//! Walks over the content of the instances that are copied, and what they met.

use std::time::{Duration, Instant as Stopwatch};

use super::copy::Source;
use super::frozen::{Frozen, FrozenSources};
use crate::content::{FileTime, Item, LeftOut};
use crate::repository::error::RepositoryError;
use crate::repository::format::fingerprint::Fingerprints;
use crate::watch::Watch;

/// What one walk over an instance met.
#[derive(Debug, Default)]
pub(super) struct Walked {
    /// Its items, by workspace.
    pub(in crate::repository) fingerprints: Fingerprints,
    /// What stood beside them.
    pub(in crate::repository) left_out: LeftOut,
    /// From when sources were first held still to the beginning of the walk.
    pub(in crate::repository) began: Duration,
    /// From there to when the last of the content had been seen.
    pub(in crate::repository) ended: Duration,
    /// When the newest item changed.
    pub(in crate::repository) newest: FileTime,
    /// Who owns the first workspace.
    pub(in crate::repository) owner: (u32, u32),
    /// For content that is held still and has not been walked yet: about how many items and bytes it has.
    pub(super) estimate: Option<(u64, u64)>,
}

impl Walked {
    /// What is known of a source that is held still before it was walked.
    fn held(held: &Frozen) -> Self {
        Self {
            began: held.since,
            ended: held.since,
            estimate: Some(held.estimate),
            ..Self::default()
        }
    }

    /// Whether it is of a source that is held still, and tells nothing of what is in it yet.
    pub(super) fn is_held(&self) -> bool {
        self.estimate.is_some()
    }

    /// Items below the workspaces; about, for content that has not been walked yet.
    pub(in crate::repository) fn items(&self) -> u64 {
        self.estimate
            .map_or_else(|| self.fingerprints.items(), |(items, _)| items)
    }

    /// Bytes of content; about, for content that has not been walked yet.
    pub(in crate::repository) fn bytes(&self) -> u64 {
        self.estimate
            .map_or_else(|| self.fingerprints.bytes(), |(_, bytes)| bytes)
    }

    /// Walks an instance's content from its beginning to its end. `each` gets every item, and says whether to go on.
    /// Gives `None` if that said no.
    pub(super) fn walking(
        source: &Source,
        stopwatch: &Stopwatch,
        each: &mut dyn FnMut(Item) -> Result<bool, RepositoryError>,
    ) -> Result<Option<Self>, RepositoryError> {
        let mut walked = Self {
            began: stopwatch.elapsed(),
            ..Self::default()
        };
        let mut left_out = LeftOut::new();
        for item in source.content.walk(&mut |what| left_out.push(what)) {
            let item = item.map_err(|error| RepositoryError::content(&source.name, error))?;
            if walked.newest == FileTime::default() {
                walked.owner = item.owner;
            }
            walked.newest = walked.newest.max(item.modified);
            walked.fingerprints.add(&item);
            if !each(item)? {
                return Ok(None);
            }
        }
        walked.left_out = left_out;
        walked.ended = stopwatch.elapsed();
        Ok(Some(walked))
    }
}

/// Walks the content of all instances, one after the other. What is held still needs no such look.
pub(super) fn walk_all(frozen: &FrozenSources, watch: &dyn Watch) -> Result<Vec<Walked>, RepositoryError> {
    frozen
        .sources
        .iter()
        .zip(&frozen.held)
        .map(|(source, held)| {
            if let Some(held) = held {
                return Ok(Walked::held(held));
            }
            Walked::walking(source, &frozen.stopwatch, &mut |_| Ok(!watch.is_cancelled()))?
                .ok_or(RepositoryError::Cancelled)
        })
        .collect()
}
