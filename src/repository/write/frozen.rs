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
    /// What a walk in advance met, if there was one.
    pub(super) met: Option<Vec<Walked>>,
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
    #[must_use]
    pub fn walk_ahead(mut self, watch: &dyn Watch) -> Self {
        self.met = walk_all(&self, watch).ok();
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
