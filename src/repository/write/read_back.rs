//! The second step of a backup: whatever a copy refers to is read back, unless it was since it was written or not too long
//! ago.

use std::time::Instant as Stopwatch;

use super::copy::UnrecordedBackup;
use crate::domain::Instant;
use crate::repository::Repository;
use crate::repository::error::RepositoryError;
use crate::repository::read::readings::Known;
use crate::repository::read::verify::{bytes, items, knowing_nothing, millis};
use crate::watch::Watch;

/// What came of the second step of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadBack {
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Since when all that it refers to has been read, where that is not all since the job began.
    pub since: Option<Instant>,
    /// Bytes of content that were there before and were read now, since that was not known of them, or too long ago.
    pub again: u64,
}

impl Repository {
    /// The second step of a backup, for whoever knows of no earlier reading: reads everything of a copy back that was not
    /// read back since it was written. Gives the milliseconds that it took.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`] when something is not what was stored.
    pub fn read_back(&self, copy: &UnrecordedBackup, watch: &dyn Watch) -> Result<u64, RepositoryError> {
        knowing_nothing(|known| self.read_back_unless(copy, known, watch)).map(|read| read.millis)
    }

    /// The second step of a backup: makes sure that everything of a copy is there, and reads back what was neither read
    /// back since it was written nor counts by what is known.
    ///
    /// # Errors
    /// [`RepositoryError::Damaged`] when something is not what was stored.
    pub fn read_back_unless(
        &self,
        copy: &UnrecordedBackup,
        known: &mut Known<'_>,
        watch: &dyn Watch,
    ) -> Result<ReadBack, RepositoryError> {
        let stopwatch = Stopwatch::now();
        watch.total(items(&copy.instances), bytes(&copy.pieces));
        watch.advance(items(&copy.instances), 0);
        // The folders were read and checked when the copy was compared with its source; of their packs that says little.
        let (since, again) = self.read(
            (&copy.pieces, &copy.folders),
            &copy.proven,
            copy.tree,
            known,
            watch,
        )?;
        Ok(ReadBack {
            millis: millis(stopwatch),
            since,
            again,
        })
    }
}
