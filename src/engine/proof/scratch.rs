//! The scratch place of a drill: a folder that is removed with everything in it, whatever happens on the way.
//!
//! Before anything is made, a note in the state folder names the folder. It goes only when the place is clear again, so
//! the next start knows what a Lifeboat that died has left.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::disk::private;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobId;
use crate::engine::EngineError;

/// The note of a drill at work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine) struct ScratchNote {
    /// The drill's own folder.
    pub(in crate::engine) folder: PathBuf,
}

impl ScratchNote {
    fn path(state: &Path, environment: &EnvironmentName) -> PathBuf {
        // As for journals: '+' keeps apart names whose parts have a '.'.
        let name = format!("{}+{}.json", environment.project(), environment.environment());
        state.join("drills").join(name)
    }

    /// Whether a drill of the environment is at work or was left.
    pub(in crate::engine) fn stands(state: &Path, environment: &EnvironmentName) -> bool {
        Self::path(state, environment).exists()
    }

    /// Whether a drill of any environment is at work on this machine or was left.
    pub(in crate::engine) fn any(state: &Path) -> bool {
        fs::read_dir(state.join("drills")).is_ok_and(|mut notes| notes.next().is_some())
    }

    /// The note that stands. One that cannot be read was never finished, and nothing was made after it.
    pub(in crate::engine) fn read(state: &Path, environment: &EnvironmentName) -> io::Result<Option<Self>> {
        match fs::read(Self::path(state, environment)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Notes a folder that is not there yet, and makes it, readable by nobody else.
    pub(in crate::engine) fn make(
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
        match path.parent() {
            Some(parent) => fs::File::open(parent)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Removes the note: the place is clear.
    pub(in crate::engine) fn remove(state: &Path, environment: &EnvironmentName) -> io::Result<()> {
        match fs::remove_file(Self::path(state, environment)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
