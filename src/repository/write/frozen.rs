//! The sources of a copy from the moment on at which those that can be held still are.
//!
//! It comes before everything else that a copy needs, so that a database can be taken hold of while the repository is
//! still being opened.

use std::time::{Duration, Instant as Stopwatch};

use super::copy::Source;
use super::walked::{Walked, walk_all};
use crate::clock::Clock;
use crate::domain::Instant;
use crate::repository::error::RepositoryError;
use crate::watch::Watch;

/// Sources in the order of their names. What is held still is let go of when this is dropped.
pub struct FrozenSources {
    pub(super) sources: Vec<Source>,
    pub(in crate::repository) held: Vec<Option<Frozen>>,
    pub(in crate::repository) start: Instant,
    pub(in crate::repository) stopwatch: Stopwatch,
    /// What walks in advance met, if there were any.
    pub(super) met: Option<Met>,
}

/// What walks in advance met.
pub(super) struct Met {
    pub(super) first: Vec<Walked>,
    /// The same once more, right after: enough to know that nothing moved, where nothing has to be read in between.
    pub(super) again: Option<Vec<Walked>>,
}

/// A source that is held still: since when, counted from the beginning, and about how much there is.
#[derive(Debug, Clone, Copy)]
pub(in crate::repository) struct Frozen {
    pub(in crate::repository) since: Duration,
    pub(super) estimate: (u64, u64),
}

impl FrozenSources {
    /// Holds every source still that can be: all of them before the first is read, so that their moments lie as close
    /// together as they can. The clock says when that began; a stopwatch measures from there.
    ///
    /// # Errors
    /// [`RepositoryError`] when a source is out of reach. Then none is held.
    pub fn take(sources: &[Source], clock: &dyn Clock) -> Result<Self, RepositoryError> {
        let (start, stopwatch) = (clock.now(), Stopwatch::now());
        let mut sources = sources.to_vec();
        sources.sort_by(|a, b| a.name.as_str().as_bytes().cmp(b.name.as_str().as_bytes()));
        let mut frozen = Self {
            sources,
            held: Vec::new(),
            start,
            stopwatch,
            met: None,
        };
        for source in &frozen.sources {
            let estimate = source
                .content
                .freeze()
                .map_err(|error| RepositoryError::content(&source.name, error))?;
            frozen.held.push(estimate.map(|estimate| Frozen {
                since: stopwatch.elapsed(),
                estimate,
            }));
        }
        // The first is read first, and only that much is kept in memory.
        if let Some(first) = frozen.sources.first() {
            first.content.read_ahead();
        }
        Ok(frozen)
    }

    /// Makes the walk over what cannot be held still that a copy begins with. For whoever waits for something else
    /// meanwhile, and lets nobody change the content before the copy on purpose, as a hook does. Where that fails, the
    /// copy walks by itself, and says what is wrong or tries again.
    ///
    /// While `is_waiting` says so after that, the time is taken for the second walk as well, which is the last one where
    /// nothing has changed since an earlier backup.
    #[must_use]
    pub fn walk_ahead(mut self, is_waiting: &dyn Fn() -> bool, watch: &dyn Watch) -> Self {
        self.met = walk_all(&self, watch).ok().map(|first| Met {
            first,
            again: is_waiting().then(|| walk_all(&self, watch).ok()).flatten(),
        });
        self
    }

    /// When that began.
    #[must_use]
    pub fn start(&self) -> Instant {
        self.start
    }
}

impl Drop for FrozenSources {
    fn drop(&mut self) {
        for source in &self.sources {
            source.content.thaw();
        }
    }
}
