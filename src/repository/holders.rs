//! Looks who is at work on a repository in object storage, for those who only read from it: where nothing can be written,
//! no lock can be.

use std::sync::Arc;
use std::time::SystemTime;

use super::Repository;
use super::error::RepositoryError;
use super::guard::LeaseState;
use super::lock::{decrypt, is_stale};
use super::storage::Storage;
use crate::clock::Clock;

impl Repository {
    /// Refuses while somebody else is at work on a repository in object storage. Writes nothing, and so keeps nobody from
    /// beginning right after.
    ///
    /// # Errors
    /// [`RepositoryError::Locked`] while somebody holds a lock that would exclude this one's.
    pub(crate) fn refuse_beside_holders(&self, clock: &Arc<dyn Clock>) -> Result<(), RepositoryError> {
        let Storage::Bucket(bucket) = &self.storage else {
            return Ok(());
        };
        // The storage's own clock cannot be read without writing; they are not far apart, or it would refuse.
        let now = Some(SystemTime::from(clock.now()));
        for lock in bucket.locks()? {
            if is_stale(lock.written, now) {
                continue;
            }
            let Some(content) = bucket.read_lock(&lock.name)? else {
                continue;
            };
            let written = decrypt(&self.key, &content);
            if let Some(written) = written.filter(|written| written.excludes() && !written.is_of_the_dead()) {
                return Err(RepositoryError::Locked {
                    place: self.place.clone(),
                    holder: written.holder(LeaseState::Unknown),
                });
            }
        }
        Ok(())
    }
}
