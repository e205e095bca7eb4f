//! Small records that have to be found after a crash: journals of restores, hooks that are owed, what the last restore
//! replaced.
//!
//! On one machine they are files in the state folder, written durably and replaced as a whole. Where several machines
//! share a catalog they are notes in that, so that whichever takes a job over finds them.
//!
//! Not in here: what is in them.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::catalog::{Catalog, Claim};
use crate::disk::private;
use crate::domain::Instant;
use crate::domain::environment::EnvironmentName;
use crate::domain::os_error::in_words;
use crate::engine::{EngineError, Live};

/// Where the records are.
#[derive(Debug, Clone, Copy)]
pub(in crate::engine) enum Papers<'p> {
    /// In a state folder.
    Folder(&'p Path),
    /// In a catalog that several machines share; what is written is marked with the time, and only under the claim of the
    /// job that writes it, where a job does.
    Shared(&'p Catalog, Instant, Option<Claim>),
}

impl<'p> From<&'p Path> for Papers<'p> {
    fn from(state: &'p Path) -> Self {
        Self::Folder(state)
    }
}

impl<'p> From<&'p PathBuf> for Papers<'p> {
    fn from(state: &'p PathBuf) -> Self {
        Self::Folder(state)
    }
}

/// The name of an environment's record.
pub(in crate::engine) fn name_of(environment: &EnvironmentName) -> String {
    // Names have no '/' in their parts and may have '.', so '+' keeps two of them apart.
    format!("{}+{}", environment.project(), environment.environment())
}

impl Papers<'_> {
    /// Where the records of a kind are, for people.
    pub(in crate::engine) fn place(&self, kind: &str) -> String {
        match self {
            Self::Folder(state) => state.join(kind).display().to_string(),
            Self::Shared(catalog, ..) => format!("the table lifeboat.notes ({kind}) of {}", catalog.place()),
        }
    }

    fn file(state: &Path, kind: &str, name: &str) -> PathBuf {
        state.join(kind).join(format!("{name}.json"))
    }

    /// A record, if it is there.
    ///
    /// # Errors
    /// What the system or the catalog said, or that it is not such a record.
    pub(in crate::engine) fn read<T: DeserializeOwned>(
        &self,
        kind: &str,
        name: &str,
    ) -> io::Result<Option<T>> {
        let bytes = match self {
            Self::Folder(state) => match fs::read(Self::file(state, kind, name)) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(error),
            },
            Self::Shared(catalog, ..) => match catalog.note(kind, name).map_err(io::Error::other)? {
                Some(record) => record.into_bytes(),
                None => return Ok(None),
            },
        };
        serde_json::from_slice(&bytes).map(Some).map_err(io::Error::other)
    }

    /// Writes a record, durably, in the place of the one before.
    ///
    /// # Errors
    /// What the system or the catalog said. The one before then still stands.
    pub(in crate::engine) fn write<T: Serialize>(
        &self,
        kind: &str,
        name: &str,
        record: &T,
    ) -> io::Result<()> {
        let text = serde_json::to_string_pretty(record).map_err(io::Error::other)?;
        match self {
            Self::Folder(state) => {
                let path = Self::file(state, kind, name);
                let folder = state.join(kind);
                private::folders(&folder)?;
                let fresh = path.with_extension("new");
                let mut file = private::file(&fresh)?;
                file.write_all(text.as_bytes())?;
                file.sync_all()?;
                fs::rename(&fresh, &path)?;
                File::open(folder)?.sync_all()
            }
            Self::Shared(catalog, now, claim) => match claim {
                Some(claim) => catalog.note_under(claim, kind, name, &text, *now),
                None => catalog.set_note(kind, name, &text, *now),
            }
            .map_err(io::Error::other),
        }
    }

    /// Removes a record. One that is not there is no error.
    ///
    /// # Errors
    /// What the system or the catalog said.
    pub(in crate::engine) fn remove(&self, kind: &str, name: &str) -> io::Result<()> {
        match self {
            Self::Folder(state) => match fs::remove_file(Self::file(state, kind, name)) {
                Ok(()) => File::open(state.join(kind))?.sync_all(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            },
            Self::Shared(catalog, _, claim) => match claim {
                Some(claim) => catalog.drop_note_under(claim, kind, name),
                None => catalog.drop_note(kind, name),
            }
            .map_err(io::Error::other),
        }
    }

    /// The names of the records of a kind.
    ///
    /// # Errors
    /// What the system or the catalog said.
    pub(in crate::engine) fn names(&self, kind: &str) -> io::Result<Vec<String>> {
        let state = match self {
            Self::Folder(state) => state,
            Self::Shared(catalog, ..) => return catalog.notes(kind).map_err(io::Error::other),
        };
        let entries = match fs::read_dir(state.join(kind)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            names.extend(
                name.to_str()
                    .and_then(|name| name.strip_suffix(".json"))
                    .map(str::to_owned),
            );
        }
        names.sort();
        Ok(names)
    }

    /// Whether a record is there, or cannot be looked for.
    pub(in crate::engine) fn has(&self, kind: &str, name: &str) -> bool {
        match self {
            Self::Folder(state) => Self::file(state, kind, name).exists(),
            Self::Shared(catalog, ..) => catalog.note(kind, name).map_or(true, |note| note.is_some()),
        }
    }
}

impl Live {
    /// Where its small records are: to be looked at, or to be written by the job that is at work on it, if there is one. A
    /// machine that stood still while others took its job over changes nothing in them any more.
    pub(in crate::engine) fn papers(&self) -> Papers<'_> {
        self.papers_under(self.claim())
    }

    /// The same, under a claim that is known.
    pub(in crate::engine) fn papers_under(&self, claim: Option<Claim>) -> Papers<'_> {
        if self.catalog().is_shared() {
            Papers::Shared(self.catalog(), self.now(), claim)
        } else {
            Papers::Folder(self.state())
        }
    }

    /// For `map_err` on a call about a record.
    pub(in crate::engine) fn paper_failed(
        &self,
        action: &'static str,
        kind: &str,
    ) -> impl FnOnce(io::Error) -> EngineError {
        let place = self.papers().place(kind);
        move |error| {
            EngineError::Failed(format!(
                "{action} {place} failed: {error}",
                error = in_words(&error)
            ))
        }
    }
}
