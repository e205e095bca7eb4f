//! The scratch place of a drill: a folder that is removed with everything in it, whatever happens on the way.
//!
//! Before anything is made, a note in the state folder names the folder. It goes only when the place is clear again, so
//! the next start knows what a Lifeboat that died has left.

use std::fs::{self, DirBuilder};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::records;
use super::switch::sync_parent;
use crate::content::Item;
use crate::content::postgres::data_store;
use crate::disk::private;
use crate::domain::environment::{DATA_STORE, EnvironmentName};
use crate::domain::job::JobId;
use crate::engine::EngineError;
use crate::repository::Files;
use crate::watch::Watch;

/// The note of a drill at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ScratchNote {
    /// The drill's own folder.
    pub(super) folder: PathBuf,
}

impl ScratchNote {
    fn path(state: &Path, environment: &EnvironmentName) -> PathBuf {
        // As for journals: '+' keeps apart names whose parts have a '.'.
        let name = format!("{}+{}.json", environment.project(), environment.environment());
        state.join("drills").join(name)
    }

    /// Whether a drill of the environment is at work or was left.
    pub(super) fn stands(state: &Path, environment: &EnvironmentName) -> bool {
        Self::path(state, environment).exists()
    }

    /// Whether a drill of any environment is at work on this machine or was left.
    pub(super) fn any(state: &Path) -> bool {
        fs::read_dir(state.join("drills")).is_ok_and(|mut notes| notes.next().is_some())
    }

    /// The note that stands. One that cannot be read was never finished, and nothing was made after it.
    pub(super) fn read(state: &Path, environment: &EnvironmentName) -> io::Result<Option<Self>> {
        match fs::read(Self::path(state, environment)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes a folder that is not there yet, and makes it, readable by nobody else.
    pub(super) fn make(
        state: &Path,
        base: &Path,
        environment: &EnvironmentName,
        job: JobId,
    ) -> Result<Self, EngineError> {
        let name = format!(
            ".lifeboat-drill-{}+{}-{job}",
            environment.project(),
            environment.environment()
        );
        // It holds content, which is nobody else's to read.
        private::folders(base).map_err(EngineError::io("creating", base))?;
        // Jobs are counted anew when the catalog is lost.
        let mut folder = base.join(&name);
        let mut again = 1;
        while folder.symlink_metadata().is_ok() {
            again += 1;
            folder = base.join(format!("{name}-{again}"));
        }
        let note = Self { folder };
        let path = Self::path(state, environment);
        note.write(&path).map_err(EngineError::io("writing", &path))?;
        let made = DirBuilder::new().mode(0o700).create(&note.folder);
        made.map_err(EngineError::io("creating", &note.folder))?;
        Ok(note)
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            private::folders(folder)?;
        }
        let mut file = private::file(path)?;
        serde_json::to_writer(&mut file, self).map_err(io::Error::other)?;
        file.flush()?;
        file.sync_all()?;
        sync_parent(path)
    }

    /// Removes the note: the place is clear.
    pub(super) fn remove(state: &Path, environment: &EnvironmentName) -> io::Result<()> {
        match fs::remove_file(Self::path(state, environment)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A data store of a drill: an empty folder that takes every record of the backup.
pub(super) struct ScratchStore {
    root: PathBuf,
    /// What was written, with the digest that it had when it came out of the repository.
    written: Mutex<Vec<(Item, [u8; 32])>>,
}

impl ScratchStore {
    /// A store in a folder that is not there yet.
    pub(super) fn new(root: PathBuf) -> Self {
        Self {
            root,
            written: Mutex::default(),
        }
    }

    /// Writes every record, as a restore into an empty data store would.
    pub(super) fn fill(&self, files: &Files, watch: &dyn Watch) -> Result<(), EngineError> {
        private::folders(&self.root).map_err(EngineError::io("creating", &self.root))?;
        watch.part(DATA_STORE);
        let mut wrong = Vec::new();
        for file in files.below(Path::new(DATA_STORE))? {
            if watch.is_cancelled() {
                return Err(EngineError::Cancelled);
            }
            let item = Item {
                path: Path::new(DATA_STORE).join(&file.item.path),
                ..file.item.clone()
            };
            let mut reader = Hashing {
                inner: files.reader(&file),
                digest: Sha256::new(),
            };
            if data_store::add(&self.root, &item, &mut reader, false)? == data_store::Added::Wrong {
                wrong.push(file.item.path.display().to_string());
                continue;
            }
            let digest = reader.digest.finalize().into();
            self.written.lock().push((item, digest));
        }
        records::notice_wrong(&wrong, watch);
        Ok(())
    }

    /// Reads every record back. Gives the first that is not what was written.
    pub(super) fn difference(&self, watch: &dyn Watch) -> Result<Option<String>, EngineError> {
        let written = self.written.lock();
        for (item, digest) in written.iter() {
            if watch.is_cancelled() {
                return Err(EngineError::Cancelled);
            }
            let mut reader = Hashing {
                inner: data_store::open(&self.root, item, &data_store::Doubts::default())?,
                digest: Sha256::new(),
            };
            io::copy(&mut reader, &mut io::sink()).map_err(EngineError::io("reading", &self.root))?;
            let found: [u8; 32] = reader.digest.finalize().into();
            if found != *digest {
                return Ok(Some(format!(
                    "the record {} of the data store was not written as it was read",
                    item.path.display()
                )));
            }
        }
        Ok(None)
    }
}

/// A reader that adds up the digest of what goes through it.
struct Hashing<R> {
    inner: R,
    digest: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.digest.update(buffer.get(..count).unwrap_or_default());
        Ok(count)
    }
}
