//! The lock on an environment's repository and content, for Lifeboats that do not share a state folder.
//!
//! The catalog keeps one job at a time for all that use the same state folder, and knows the name of the job that runs.
//! Another account has another state folder; what both share is the repository. So whoever works on an environment also
//! holds a lock beside its repository, which the system releases however its holder ends.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

use super::{Engine, EngineError};
use crate::domain::environment::EnvironmentName;

/// The lock, held until this is dropped.
#[derive(Debug)]
pub(super) struct EnvironmentLock(#[expect(dead_code, reason = "the open file is the lock")] File);

impl Engine {
    /// Takes the environment's lock.
    ///
    /// # Errors
    /// A sentence when another Lifeboat holds it, or it cannot be made.
    pub(super) fn lock(&self, name: &EnvironmentName) -> Result<EnvironmentLock, EngineError> {
        let place = self.repository_place(name)?;
        let Some(place) = place.folder() else {
            return Err(EngineError::Failed("no lock".to_owned()));
        };
        let folder = place.parent().unwrap_or(place);
        let file = folder.join(format!(".{}.lock", name.environment()));
        match take(folder, &file) {
            Ok(lock) => Ok(EnvironmentLock(lock)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Err(EngineError::Failed(format!(
                "another Lifeboat, with another state folder, is at work on {name}: wait until it has ended (it holds {})",
                file.display()
            ))),
            Err(error) => Err(EngineError::io("locking", &file)(error)),
        }
    }
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
