//! The lock on an environment's repository and content, for Lifeboats that do not share a state folder.
//!
//! The catalog keeps one job at a time for all that use the same state folder, and knows the name of the job that runs.
//! Another account has another state folder; what both share is the repository. So whoever works on an environment also
//! holds a lock beside its repository, which the system releases however its holder ends; or, where the repository is in
//! object storage, one inside it (`repository::lock`).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::repository::RepositoryError;
#[cfg(feature = "object-storage")]
use super::repository::RepositoryLock;
use super::{Engine, EngineError};
use crate::domain::environment::EnvironmentName;
use crate::domain::settings::RepositoryChoice;

/// The lock, held until this is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "what is inside is held, not read")]
pub(super) enum EnvironmentLock {
    /// The locks on both repositories, as far as there are two that can be locked.
    Both(Box<[EnvironmentLock; 2]>),
    /// An open file is the lock.
    Beside(LockedFile),
    /// A lock in the repository, which is in object storage.
    #[cfg(feature = "object-storage")]
    Inside(RepositoryLock),
    /// There is no repository yet, and nothing that could meet in it.
    Nothing,
}

/// A file that is locked. A program that is started on another thread has it open too, for the moment between its
/// beginning and its own program, so closing it is not enough to let go of it.
#[derive(Debug)]
pub(super) struct LockedFile(File);

impl Drop for LockedFile {
    fn drop(&mut self) {
        // Closing it, which comes next, does the same a moment later.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

impl Engine {
    /// Takes the environment's lock.
    ///
    /// # Errors
    /// A sentence when another Lifeboat holds it, or it cannot be made.
    pub(super) fn lock(&self, name: &EnvironmentName) -> Result<EnvironmentLock, EngineError> {
        self.lock_of(name, RepositoryChoice::First, false)
    }

    /// Takes the environment's lock, and goes on without it when the repository is out of reach: for what has to be done
    /// to Live and needs no repository. Then the lock on the second repository is taken, if there is one that can be
    /// locked. The catalog's lock, and a database's own, stand all the same.
    ///
    /// # Errors
    /// A sentence when another Lifeboat holds it.
    pub(super) fn lock_unless_out_of_reach(
        &self,
        name: &EnvironmentName,
    ) -> Result<EnvironmentLock, EngineError> {
        let out_of_reach = match self.lock(name) {
            Ok(lock) if !matches!(lock, EnvironmentLock::Nothing) => return Ok(lock),
            Ok(_) => None,
            Err(error) if is_held(&error) => return Err(error),
            Err(error) => Some(error),
        };
        match self.lock_of(name, RepositoryChoice::Copy, false) {
            Ok(lock) if out_of_reach.is_none() || !matches!(lock, EnvironmentLock::Nothing) => Ok(lock),
            Err(error) if is_held(&error) => Err(error),
            _ => match out_of_reach {
                None
                | Some(EngineError::Repository(
                    RepositoryError::Io { .. } | RepositoryError::NoAccess { .. },
                )) => Ok(EnvironmentLock::Nothing),
                Some(error) => Err(error),
            },
        }
    }

    /// Takes the locks for a restore from the second repository: the one on that, and the one on the first repository as
    /// well, unless that one cannot be used.
    ///
    /// # Errors
    /// A sentence when another Lifeboat holds either, or the second repository cannot be locked.
    pub(super) fn lock_both(&self, name: &EnvironmentName) -> Result<EnvironmentLock, EngineError> {
        let first = match self.lock(name) {
            Err(error) if !is_held(&error) => EnvironmentLock::Nothing,
            result => result?,
        };
        let second = self.lock_of(name, RepositoryChoice::Copy, false)?;
        Ok(EnvironmentLock::Both(Box::new([first, second])))
    }

    /// Takes the lock on the environment's repository, or on its second one. With `create` the repository is made if
    /// it has to be for that.
    ///
    /// # Errors
    /// A sentence when another Lifeboat holds it, or it cannot be made.
    pub(super) fn lock_of(
        &self,
        name: &EnvironmentName,
        which: RepositoryChoice,
        create: bool,
    ) -> Result<EnvironmentLock, EngineError> {
        let place = match self.storage(name, which)? {
            None => return Ok(EnvironmentLock::Nothing),
            Some(storage) => storage.address(),
        };
        let Some(place) = place.folder() else {
            return self.lock_inside(name, which, create);
        };
        let folder = place.parent().unwrap_or(place);
        // Where nothing is, nothing is made in the way of a disk that comes back.
        if !create && !folder.exists() {
            return Ok(EnvironmentLock::Nothing);
        }
        let file = folder.join(format!(".{}.lock", name.environment()));
        match take(folder, &file) {
            Ok(lock) => Ok(EnvironmentLock::Beside(LockedFile(lock))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(EngineError::AtWork(format!(
                "another Lifeboat, with another state folder, is at work on {name}: wait until it has ended (it holds {})",
                file.display()
            ))),
            Err(error) => Err(EngineError::io("locking", &file)(error)),
        }
    }

    #[cfg(feature = "object-storage")]
    fn lock_inside(
        &self,
        name: &EnvironmentName,
        which: RepositoryChoice,
        create: bool,
    ) -> Result<EnvironmentLock, EngineError> {
        let Some(repository) = self.repository_of(name, which, create)? else {
            return Ok(EnvironmentLock::Nothing);
        };
        Ok(repository
            .lock(&self.0.clock)?
            .map_or(EnvironmentLock::Nothing, EnvironmentLock::Inside))
    }

    #[cfg(not(feature = "object-storage"))]
    fn lock_inside(
        &self,
        name: &EnvironmentName,
        which: RepositoryChoice,
        create: bool,
    ) -> Result<EnvironmentLock, EngineError> {
        // Reaching for a bucket has failed before, with the reason.
        self.repository_of(name, which, create)?;
        Ok(EnvironmentLock::Nothing)
    }
}

/// Whether the lock is somebody else's, and not merely out of reach.
fn is_held(error: &EngineError) -> bool {
    matches!(
        error,
        EngineError::AtWork(_) | EngineError::Repository(RepositoryError::Locked { .. })
    )
}

fn take(folder: &Path, path: &Path) -> io::Result<File> {
    fs::create_dir_all(folder)?;
    // Another account may have made it: reading is enough to lock it.
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            OpenOptions::new().create(true).append(true).open(path)?
        }
        opened => opened?,
    };
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}
