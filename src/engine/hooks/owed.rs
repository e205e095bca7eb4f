//! Which `after_` hooks are still to be run: a file for each environment and kind of work, written before the `before_`
//! hook of an instance begins and removed when the `after_` hooks have run. After a crash it says what to start again.
//!
//! It is a file of its own beside the journal, since backups have no journal and owe hooks all the same.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Around, Occasion};
use crate::domain::environment::{EnvironmentName, InstanceName};

/// The record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::engine) struct Owed {
    /// What the hooks are told.
    pub occasion: Occasion,
    /// The instances whose `after_` hook is to be run.
    pub instances: Vec<InstanceName>,
}

impl Owed {
    pub(in crate::engine) fn path(state: &Path, around: Around, environment: &EnvironmentName) -> PathBuf {
        // Names have no '/' in their parts and may have '.', so '+' keeps them apart.
        let name = format!(
            "{}+{}+{}.json",
            environment.project(),
            environment.environment(),
            around.after().label()
        );
        state.join("hooks").join(name)
    }

    /// What is owed, if anything is.
    pub(in crate::engine) fn read(
        state: &Path,
        around: Around,
        environment: &EnvironmentName,
    ) -> io::Result<Option<Self>> {
        match fs::read(Self::path(state, around, environment)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes it, durably, in the place of the one before.
    pub(in crate::engine) fn write(&self, state: &Path, around: Around) -> io::Result<()> {
        let path = Self::path(state, around, &self.occasion.environment);
        let folder = state.join("hooks");
        fs::create_dir_all(&folder)?;
        let fresh = path.with_extension("new");
        let mut file = File::create(&fresh)?;
        serde_json::to_writer_pretty(&mut file, self).map_err(io::Error::other)?;
        file.flush()?;
        file.sync_all()?;
        fs::rename(&fresh, &path)?;
        File::open(folder)?.sync_all()
    }

    /// Removes it: nothing is owed any more.
    pub(in crate::engine) fn remove(
        state: &Path,
        around: Around,
        environment: &EnvironmentName,
    ) -> io::Result<()> {
        match fs::remove_file(Self::path(state, around, environment)) {
            Ok(()) => File::open(state.join("hooks"))?.sync_all(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        }
    }
}
