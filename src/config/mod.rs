//! The configuration: finding the TOML file, reading it, and choosing a context.
//!
//! What the file may say about the engine is in [`crate::domain::settings`]; this room knows where the file is, turns
//! it into those types and says what is wrong with it. It never reads an environment variable: `main` passes in what
//! somebody named. It reads no secret either, only where secrets are.

mod changes;
mod context;
mod error;
mod file;
mod places;
#[cfg(feature = "engine")]
pub mod state_owner;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

pub use changes::Changes;
pub use context::{BackendAddress, Context, IdleLock, NamedContext};
pub use error::ConfigError;
pub use places::{CONFIG_FILE, Places};

use crate::domain::nearest::nearest;
use crate::domain::notify::Receiver;
use crate::domain::os_error::in_words;
use crate::domain::settings::{CatalogSettings, EnvironmentSettings, RepositorySettings, ServerSettings};
use crate::domain::waiting_line::EngineLimits;

/// The name of the context that is there without being written: the engine in this process.
pub const IMPLICIT_CONTEXT: &str = "local";

/// Every setting with its default and its consequence, as a file to start from.
pub const SAMPLE: &str = include_str!("../../assets/lifeboat.toml");

/// A whole configuration. The paths in it are as they were written, except that relative ones count from the folder
/// of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The file that it was read from.
    pub file: PathBuf,
    /// The context that is used when none is named.
    pub default_context: Option<String>,
    /// The contexts, by name.
    pub contexts: BTreeMap<String, Context>,
    /// The folder for jobs, activity, locks and the journal of restores, instead of the platform's.
    pub state: Option<PathBuf>,
    /// The database for jobs, activity and journals that several machines share, instead of the state folder.
    pub catalog: Option<CatalogSettings>,
    /// Where backups are kept. There whenever there are environments.
    pub repository: Option<RepositorySettings>,
    /// How much is done at the same time.
    pub limits: EngineLimits,
    /// How the service is reached.
    pub server: ServerSettings,
    /// Keys of the cockpit by the names of its actions, as they are written. What is no action or no key is told by whoever
    /// uses them.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Who is told of what happens, and what is called for as long as all is well.
    pub receivers: Vec<Receiver>,
    /// The environments, in the order of the file. Each is valid, and no two have the same name.
    pub environments: Vec<EnvironmentSettings>,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ConfigError`] when it is missing, cannot be read, or says something that does not hold together.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = text_of(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => ConfigError::Missing {
                file: path.to_owned(),
            },
            _ => ConfigError::Unreadable {
                file: path.to_owned(),
                why: in_words(&source),
            },
        })?;
        Self::parse(&text, path)
    }

    /// Reads the text of a configuration as if it stood in `file`.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] with the line of the first thing that is wrong.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        file::parse(text, file)
    }

    /// The context of this name; without a name the default one, or the only one, or the engine in this process when
    /// the file names environments and no contexts.
    ///
    /// # Errors
    /// [`ConfigError`] when there is no such context, or it is not clear which one is meant.
    pub fn context(&self, name: Option<&str>) -> Result<NamedContext, ConfigError> {
        let known = || {
            let names: Vec<_> = self.contexts.keys().map(String::as_str).collect();
            match names.as_slice() {
                [] => format!("only {IMPLICIT_CONTEXT}"),
                _ => names.join(", "),
            }
        };
        let named = |name: &str| NamedContext {
            name: name.to_owned(),
            context: self.contexts.get(name).cloned().unwrap_or_default(),
        };
        if self.contexts.is_empty() && self.environments.is_empty() {
            return Err(ConfigError::Empty {
                file: self.file.clone(),
            });
        }
        match name.or(self.default_context.as_deref()) {
            Some(name) if self.contexts.contains_key(name) => Ok(named(name)),
            Some(IMPLICIT_CONTEXT) if self.contexts.is_empty() => Ok(named(IMPLICIT_CONTEXT)),
            Some(name) => Err(ConfigError::UnknownContext {
                name: name.to_owned(),
                file: self.file.clone(),
                known: known(),
                near: nearest(name, self.contexts.keys().map(String::as_str)),
            }),
            None => match self.contexts.keys().collect::<Vec<_>>().as_slice() {
                [] => Ok(named(IMPLICIT_CONTEXT)),
                [only] => Ok(named(only)),
                _ => Err(ConfigError::NoDefaultContext {
                    file: self.file.clone(),
                    known: known(),
                }),
            },
        }
    }
}

/// What a file says. A program that runs reads its configuration again: a pipe or a device in the file's place is refused, since
/// reading one may never end.
fn text_of(path: &Path) -> io::Result<String> {
    // Without NONBLOCK, opening a named pipe would wait for somebody who writes into it.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed();
    let mut file = File::options().read(true).custom_flags(flags).open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(io::Error::other("it is a folder: name the file in it"));
    }
    if !kind.is_file() {
        return Err(io::Error::other(
            "it is no regular file but a pipe or a device, and a configuration is read again while Lifeboat runs: write it into a file",
        ));
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests;
