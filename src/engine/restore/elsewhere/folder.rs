//! The folder of a restore elsewhere: new or empty, with a folder for each instance in it. A file in it says what it is as
//! long as not everything in it was read back.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::removal;
use crate::domain::Instant;
use crate::domain::backup::BackupId;
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::job::JobId;
use crate::domain::os_error::in_words;
use crate::engine::EngineError;

/// The file that a folder has while it is filled.
const MARK: &str = ".lifeboat-unfinished";

/// What stands in that file.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    environment: EnvironmentName,
    backup: BackupId,
    job: JobId,
    began: Instant,
}

/// A folder that a job has taken for what it restores.
pub(super) struct Ground {
    folder: PathBuf,
    /// Whether the job has made it.
    is_made: bool,
}

impl Ground {
    /// Why a folder cannot be taken, as a sentence.
    pub(super) fn why_not_free(folder: &Path) -> Option<String> {
        let place = folder.display();
        let mut entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let above = folder.parent()?;
                return (!above.is_dir())
                    .then(|| format!("there is no folder {}: make it first", above.display()));
            }
            Err(error) => {
                return Some(format!(
                    "the folder {place} cannot be read: {error}",
                    error = in_words(&error)
                ));
            }
            Ok(entries) => entries,
        };
        // Whatever it is, and also if it cannot be told what.
        let _ = entries.next()?;
        let mark: Option<Mark> = fs::read(folder.join(MARK))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok());
        Some(match mark {
            Some(mark) => format!(
                "the folder {place} holds what job {} has begun to restore there from backup {} and did not finish: remove it, or \
                 name another one",
                mark.job, mark.backup
            ),
            None => format!(
                "the folder {place} is not empty, and nothing that is there is ever overwritten: name a new or an empty one"
            ),
        })
    }

    /// Takes a folder: makes it, readable by nobody else, or marks the empty one that is there.
    pub(super) fn take(
        folder: &Path,
        environment: &EnvironmentName,
        job: JobId,
        backup: &BackupId,
        began: Instant,
    ) -> Result<Self, EngineError> {
        let is_made = match DirBuilder::new().mode(0o700).create(folder) {
            Ok(()) => true,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(EngineError::io("creating", folder)(error)),
        };
        // What is staged is held by paths without links.
        let real = folder
            .canonicalize()
            .map_err(EngineError::io("finding", folder))?;
        let path = real.join(MARK);
        let mark = Mark {
            environment: environment.clone(),
            backup: backup.clone(),
            job,
            began,
        };
        let write = || -> io::Result<()> {
            let mut file = OpenOptions::new()
                .create_new(true)
                .write(true)
                .mode(0o600)
                .open(&path)?;
            serde_json::to_writer(&mut file, &mark).map_err(io::Error::other)?;
            file.flush()?;
            file.sync_all()?;
            fs::File::open(&real)?.sync_all()
        };
        write().map_err(EngineError::io("creating", &path))?;
        let ground = Self {
            folder: real,
            is_made,
        };
        // Whoever came at the same time has seen an empty folder, too.
        let entries = fs::read_dir(&ground.folder).map_err(EngineError::io("reading", &ground.folder))?;
        if entries.count() > 1 {
            ground.unmark()?;
            return Err(EngineError::Failed(format!(
                "somebody else has just put something into {}: name another folder",
                folder.display()
            )));
        }
        Ok(ground)
    }

    /// The folder of one instance in it.
    pub(super) fn part(&self, instance: &InstanceName) -> PathBuf {
        self.folder.join(instance.as_str())
    }

    /// Gives it to whoever asked for it: it is whole.
    pub(super) fn give(&self) -> Result<(), EngineError> {
        self.unmark()?;
        let synced = fs::File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(EngineError::io("writing", &self.folder))
    }

    fn unmark(&self) -> Result<(), EngineError> {
        let mark = self.folder.join(MARK);
        fs::remove_file(&mark).map_err(EngineError::io("removing", &mark))
    }

    /// Removes everything that was made in it, and itself if the job has made it.
    pub(super) fn clear(self) -> Result<(), EngineError> {
        if self.is_made {
            return removal::remove(&self.folder).map_err(EngineError::io("removing", &self.folder));
        }
        let entries = fs::read_dir(&self.folder).map_err(EngineError::io("reading", &self.folder))?;
        for entry in entries {
            let path = entry.map_err(EngineError::io("reading", &self.folder))?.path();
            if !path.ends_with(MARK) {
                removal::remove(&path).map_err(EngineError::io("removing", &path))?;
            }
        }
        self.unmark()
    }
}
