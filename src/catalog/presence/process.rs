//! Which Lifeboats are alive: each holds an exclusive lock on a file of its own for as long as it lives.
//!
//! The kernel releases the lock however the process ends, `kill -9` and a power cut included, so nothing has to be
//! written, refreshed or timed out. Locks belong to an open file, not to a process number: two catalogs opened by one
//! process count as two.
//!
//! One that was stopped from outside lives. Whoever does something for others says each few seconds that it moves, by the
//! time of its file: in the catalog that would be a change for everybody who looks at it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::catalog::error::CatalogError;
use crate::domain;

/// Held while a catalog is being opened, so that registering and clearing away never meet.
#[derive(Debug)]
pub(in crate::catalog) struct OpeningLock(#[expect(dead_code, reason = "held for its lock")] File);

/// How long another one may take to open the catalog. It takes a moment; one that stands still in it, stopped from outside,
/// must not hold up all others for as long as it stands.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the lock is tried meanwhile.
const TRY_AGAIN: Duration = Duration::from_millis(20);
/// How often at most a process says that it moves.
const SAYS_EVERY: chrono::Duration = chrono::Duration::seconds(5);
/// One that has not said so for longer stands still.
const STANDS_STILL_AFTER: chrono::Duration = chrono::Duration::seconds(20);

impl OpeningLock {
    pub(in crate::catalog) fn take(processes: &Path) -> Result<Self, CatalogError> {
        Self::take_within(processes, PATIENCE)
    }

    fn take_within(processes: &Path, patience: Duration) -> Result<Self, CatalogError> {
        let began = Instant::now();
        let path = processes.join("opening.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| CatalogError::io("opening", &path, source))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::Error(source)) => return Err(CatalogError::io("locking", &path, source)),
                Err(TryLockError::WouldBlock) if began.elapsed() >= patience => {
                    return Err(CatalogError::Locked { path });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(TRY_AGAIN),
            }
        }
    }
}

/// This process, as others see it.
#[derive(Debug)]
pub(in crate::catalog) struct Process {
    number: u64,
    directory: PathBuf,
    /// Keeps the lock.
    file: File,
    /// When it has said that it moves.
    moved: Mutex<Option<domain::Instant>>,
}

impl Process {
    /// Clears away the files of dead processes, then takes a number from `next_number` and locks a file for it. A
    /// number whose file is locked is passed over: after a catalog was moved away, numbers begin at 1 again while
    /// older Lifeboats may still run.
    pub(in crate::catalog) fn register(
        directory: &Path,
        _opening: &OpeningLock,
        mut next_number: impl FnMut() -> Result<u64, CatalogError>,
    ) -> Result<Self, CatalogError> {
        clear_away_the_dead(directory)?;
        loop {
            let number = next_number()?;
            let path = lock_path(directory, number);
            match OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)
            {
                Ok(file) => {
                    file.lock()
                        .map_err(|source| CatalogError::io("locking", &path, source))?;
                    return Ok(Self {
                        number,
                        directory: directory.to_owned(),
                        file,
                        moved: Mutex::new(None),
                    });
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(source) => return Err(CatalogError::io("making", &path, source)),
            }
        }
    }

    /// This process's number, unique in the catalog.
    pub(in crate::catalog) fn number(&self) -> u64 {
        self.number
    }

    /// The file that it holds the lock of.
    pub(in crate::catalog) fn path(&self) -> PathBuf {
        lock_path(&self.directory, self.number)
    }

    /// Whether the process with this number lives.
    pub(in crate::catalog) fn is_alive(&self, number: u64) -> Result<bool, CatalogError> {
        if number == self.number {
            return Ok(true);
        }
        is_locked(&lock_path(&self.directory, number))
    }

    /// Says that this one moves, unless it has said so a moment ago.
    pub(in crate::catalog) fn moves(&self, now: domain::Instant) {
        let mut moved = self.moved.lock();
        let is_said = |said: domain::Instant| said <= now && now - said < SAYS_EVERY;
        // Where the file system keeps no times nothing is left to this one, and nothing is lost.
        if !moved.is_some_and(is_said) && self.file.set_modified(now.into()).is_ok() {
            *moved = Some(now);
        }
    }

    /// Whether the process with this number lives, and has said that it moves.
    pub(in crate::catalog) fn is_heard_of(
        &self,
        number: u64,
        now: domain::Instant,
    ) -> Result<bool, CatalogError> {
        if !self.is_alive(number)? {
            return Ok(false);
        }
        let path = lock_path(&self.directory, number);
        match fs::metadata(&path).and_then(|file| file.modified()) {
            // One that a clock which was ahead has said is as old as one that is behind by as much.
            Ok(said) => Ok((now - domain::Instant::from(said)).abs() <= STANDS_STILL_AFTER),
            // It has ended in between.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(source) => Err(CatalogError::io("looking at", &path, source)),
        }
    }
}

impl Process {
    /// The numbers of all processes that live, in order.
    pub(in crate::catalog) fn alive(&self) -> Result<Vec<u64>, CatalogError> {
        let failed = |source| CatalogError::io("reading", &self.directory, source);
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            if let Some(number) = stem.and_then(|stem| stem.parse().ok())
                && self.is_alive(number)?
            {
                numbers.push(number);
            }
        }
        numbers.sort_unstable();
        Ok(numbers)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Only tidiness: what stays is cleared away by the next Lifeboat that opens the catalog.
        let _ = fs::remove_file(self.path());
    }
}

fn lock_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number}.lock"))
}

/// Whether somebody holds the file's lock. Asked with a shared lock, so that two who ask at the same time do not take
/// each other for its holder.
fn is_locked(path: &Path) -> Result<bool, CatalogError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(CatalogError::io("opening", path, source)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(CatalogError::io("locking", path, source)),
    }
}

/// Removes the files of processes that no longer live.
fn clear_away_the_dead(directory: &Path) -> Result<(), CatalogError> {
    let failed = |source| CatalogError::io("reading", directory, source);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_of_a_process = path
            .file_stem()
            .and_then(|stem| stem.to_str())
            .is_some_and(|stem| stem.parse::<u64>().is_ok());
        if is_of_a_process && !is_locked(&path)? {
            match fs::remove_file(&path) {
                Err(source) if source.kind() != ErrorKind::NotFound => {
                    return Err(CatalogError::io("removing", &path, source));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_stands_still_while_it_opens_does_not_hold_up_others_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let standing = OpeningLock::take(folder.path()).unwrap();
        let refused = OpeningLock::take_within(folder.path(), Duration::ZERO);
        assert!(matches!(refused, Err(CatalogError::Locked { .. })), "{refused:?}");
        drop(standing);
        OpeningLock::take_within(folder.path(), Duration::ZERO).unwrap();
    }
}
