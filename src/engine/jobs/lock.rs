//! The lock on an environment's repository and content, for Lifeboats that do not share a state folder.
//!
//! The catalog keeps one job at a time for all that use the same state folder, and knows the name of the job that runs.
//! Another account has another state folder; what both share is the repository. So whoever works on an environment also
//! holds a lock beside its repository, which the system releases however its holder ends; or, where the repository is in
//! object storage, one inside it (`repository::lock`).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use crate::disk::private;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobKind;
use crate::domain::settings::RepositoryChoice;
use crate::engine::{EngineError, Live};
use crate::repository::RepositoryError;
#[cfg(feature = "object-storage")]
use crate::repository::RepositoryLock;

/// What a job does with the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Needs {
    /// It reads from it, and can do so where nothing can be written: a lock neither.
    Reading,
    /// It writes to it.
    Writing,
}

/// The lock, held until this is dropped.
#[derive(Debug)]
#[expect(dead_code, reason = "what is inside is held, not read")]
pub(in crate::engine) enum EnvironmentLock {
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
pub(in crate::engine) struct LockedFile(File);

impl Drop for LockedFile {
    fn drop(&mut self) {
        // Closing it, which comes next, does the same a moment later.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

impl Live {
    /// Takes the environment's lock.
    ///
    /// # Errors
    /// A sentence when another Lifeboat holds it, or it cannot be made.
    pub(in crate::engine) fn lock(&self) -> Result<EnvironmentLock, EngineError> {
        self.lock_of(RepositoryChoice::First, false)
    }

    /// Takes the environment's lock, and goes on without it when the repository is out of reach: for what has to be done
    /// to Live and needs no repository. Then the lock on the second repository is taken, if there is one that can be
    /// locked. The catalog's lock, and a database's own, stand all the same.
    ///
    /// # Errors
    /// A sentence when another Lifeboat holds it.
    pub(in crate::engine) fn lock_unless_out_of_reach(&self) -> Result<EnvironmentLock, EngineError> {
        self.lock_within_reach(Ok)
    }

    /// As [`Live::lock_unless_out_of_reach`], with `more` to be locked where the first repository is.
    fn lock_within_reach(
        &self,
        more: impl FnOnce(EnvironmentLock) -> Result<EnvironmentLock, EngineError>,
    ) -> Result<EnvironmentLock, EngineError> {
        let out_of_reach = match self.lock() {
            Ok(lock) if !matches!(lock, EnvironmentLock::Nothing) => return more(lock),
            Ok(_) => None,
            Err(error) if is_held(&error) || matches!(error, EngineError::Catalog(_)) => return Err(error),
            Err(error) => Some(error),
        };
        match self.lock_of(RepositoryChoice::Copy, false) {
            Ok(lock) if out_of_reach.is_none() || !matches!(lock, EnvironmentLock::Nothing) => Ok(lock),
            Err(error) if is_held(&error) => Err(error),
            _ => match out_of_reach {
                None
                | Some(EngineError::Repository(
                    RepositoryError::Io { .. }
                    | RepositoryError::NoAccess { .. }
                    | RepositoryError::NoRoom { .. },
                )) => Ok(EnvironmentLock::Nothing),
                Some(error) => Err(error),
            },
        }
    }

    /// Takes the locks for what switches Live: on both repositories, as far as each can be used. One Lifeboat may read
    /// from the one and another from the other, because each of them sees only that: whoever sees both is met by either.
    ///
    /// # Errors
    /// A sentence when another Lifeboat holds one of them, or the one that is read from cannot be locked.
    pub(in crate::engine) fn lock_to_switch(
        &self,
        reads: RepositoryChoice,
        kind: JobKind,
        needs: Needs,
    ) -> Result<EnvironmentLock, EngineError> {
        match (reads, kind) {
            (RepositoryChoice::Copy, _) => self.lock_both(needs),
            // An undo that exchanges tables needs no repository; one that reads a backup finds out itself.
            (RepositoryChoice::First, JobKind::Undo) => self.lock_all_within_reach(),
            (RepositoryChoice::First, _) => {
                let first = self.lock_for(reads, needs).map_err(|error| {
                    if needs == Needs::Writing && takes_nothing(&error) {
                        return EngineError::Failed(format!(
                            "{error}. So no safety backup can be taken. What is there can still be restored without one \
                             (--without-safety-backup)"
                        ));
                    }
                    error
                })?;
                self.and_second(first)
            }
        }
    }

    /// Takes the lock for what a job needs of a repository that is there.
    ///
    /// # Errors
    /// A sentence when another Lifeboat holds it, or it cannot be made and the job writes, or nobody can be looked for.
    pub(in crate::engine) fn lock_for(
        &self,
        which: RepositoryChoice,
        needs: Needs,
    ) -> Result<EnvironmentLock, EngineError> {
        match self.lock_of(which, false) {
            Err(error) if needs == Needs::Reading && takes_nothing(&error) => {
                // Why nothing can be written says more than why nothing can be read either.
                self.look_for_others(which)
                    .map_err(|other| if is_held(&other) { other } else { error })
            }
            lock => lock,
        }
    }

    /// What keeps others out of a repository that takes nothing, as far as anything can: in a folder, a lock on that
    /// itself; in object storage, only a look at who holds a lock now.
    fn look_for_others(&self, which: RepositoryChoice) -> Result<EnvironmentLock, EngineError> {
        let name = self.name();
        let place = match self.storage(which)? {
            None => return Ok(EnvironmentLock::Nothing),
            Some(storage) => storage.address(),
        };
        if let Some(folder) = place.folder() {
            let opened = File::open(folder).map_err(EngineError::io("locking", folder))?;
            return match flock(&opened, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => Ok(EnvironmentLock::Beside(LockedFile(opened))),
                Err(rustix::io::Errno::WOULDBLOCK) => Err(at_work(name, folder)),
                Err(error) => Err(EngineError::io("locking", folder)(error.into())),
            };
        }
        #[cfg(feature = "object-storage")]
        if let Some(repository) = self.repository_of(which, false)? {
            repository.refuse_beside_holders(&self.engine().0.clock)?;
        }
        Ok(EnvironmentLock::Nothing)
    }

    /// The same, for a switch that needs no repository: one that is finished, or goes back to tables.
    ///
    /// # Errors
    /// A sentence when another Lifeboat holds one of them.
    pub(in crate::engine) fn lock_all_within_reach(&self) -> Result<EnvironmentLock, EngineError> {
        self.lock_within_reach(|first| self.and_second(first))
    }

    /// Adds the lock on the second repository, where there is one that can be locked.
    fn and_second(&self, first: EnvironmentLock) -> Result<EnvironmentLock, EngineError> {
        match self.lock_of(RepositoryChoice::Copy, false) {
            Ok(second) => Ok(EnvironmentLock::Both(Box::new([first, second]))),
            Err(error) if is_held(&error) || matches!(error, EngineError::Catalog(_)) => Err(error),
            // The second is for the night that the first one is lost. That it cannot be used stops nothing.
            Err(_) => Ok(first),
        }
    }

    /// Takes the locks for what reads from the second repository: the one on that, and the one on the first repository as
    /// well, unless that one cannot be used.
    ///
    /// # Errors
    /// A sentence when another Lifeboat holds either, or the second repository cannot be locked; why the first cannot be
    /// when it is not lost.
    pub(in crate::engine) fn lock_both(&self, needs: Needs) -> Result<EnvironmentLock, EngineError> {
        let first = match self.lock() {
            Ok(lock) => lock,
            Err(error) if self.goes_on_without_first(&error)? => EnvironmentLock::Nothing,
            Err(error) => return Err(error),
        };
        let second = self.lock_for(RepositoryChoice::Copy, needs)?;
        Ok(EnvironmentLock::Both(Box::new([first, second])))
    }

    /// Whether a first repository that cannot be locked is one that a restore from the second does without: one that is
    /// lost, or that takes nothing, be it a backup or a lock.
    fn goes_on_without_first(&self, error: &EngineError) -> Result<bool, EngineError> {
        if is_held(error) || matches!(error, EngineError::Catalog(_)) {
            return Ok(false);
        }
        let takes_nothing = matches!(error, EngineError::Repository(error) if error.is_of_the_repository());
        Ok(takes_nothing || self.first_is_lost()?.is_some())
    }

    /// Takes the lock on the environment's repository, or on its second one. With `create` the repository is made if
    /// it has to be for that.
    ///
    /// # Errors
    /// A sentence when another Lifeboat holds it, or it cannot be made; when the repository held backups and is not there.
    pub(in crate::engine) fn lock_of(
        &self,
        which: RepositoryChoice,
        create: bool,
    ) -> Result<EnvironmentLock, EngineError> {
        let name = self.name();
        let place = match self.storage(which)? {
            None => return Ok(EnvironmentLock::Nothing),
            Some(storage) => storage.address(),
        };
        let Some(place) = place.folder() else {
            return self.lock_inside(which, create);
        };
        let folder = place.parent().unwrap_or(place);
        if create {
            // Where one is missed, not even a lock is made that would look like the beginning of another one.
            self.is_there_or_new(which)?;
        }
        // Where nothing is, nothing is made in the way of a disk that comes back.
        if !create && !folder.exists() {
            return Ok(EnvironmentLock::Nothing);
        }
        let file = folder.join(format!(".{}.lock", name.environment()));
        match take(folder, &file) {
            Ok(lock) => Ok(EnvironmentLock::Beside(LockedFile(lock))),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(at_work(name, &file)),
            Err(error) => Err(EngineError::io("locking", &file)(error)),
        }
    }

    #[cfg(feature = "object-storage")]
    fn lock_inside(&self, which: RepositoryChoice, create: bool) -> Result<EnvironmentLock, EngineError> {
        if create {
            // A bucket that keeps nothing would refuse the first object in words of its own.
            self.can_be_kept(which)?;
        }
        let Some(repository) = self.repository_of(which, create)? else {
            return Ok(EnvironmentLock::Nothing);
        };
        Ok(repository
            .lock(&self.engine().0.clock)?
            .map_or(EnvironmentLock::Nothing, EnvironmentLock::Inside))
    }

    #[cfg(not(feature = "object-storage"))]
    fn lock_inside(&self, which: RepositoryChoice, create: bool) -> Result<EnvironmentLock, EngineError> {
        // Reaching for a bucket has failed before, with the reason.
        self.repository_of(which, create)?;
        Ok(EnvironmentLock::Nothing)
    }
}

fn at_work(name: &EnvironmentName, holds: &Path) -> EngineError {
    EngineError::AtWork(format!(
        "another Lifeboat, with another state folder, is at work on {name}: wait until it has ended (it holds {})",
        holds.display()
    ))
}

/// Whether a lock could not be taken because nothing can be written there, whatever the reason.
fn takes_nothing(error: &EngineError) -> bool {
    match error {
        EngineError::Io { .. } => true,
        EngineError::Repository(error) => error.is_of_the_repository(),
        _ => false,
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
    private::folders(folder)?;
    // Another account may have made it: reading is enough to lock it.
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mode = private::mode_below(folder) & 0o666;
            OpenOptions::new()
                .create(true)
                .append(true)
                .mode(mode)
                .open(path)?
        }
        opened => opened?,
    };
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    Ok(file)
}
