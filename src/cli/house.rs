//! What the command line reaches beyond itself: files, backends, the cockpit, the demo.
//!
//! Verbs and tests see only the trait [`House`]; [`super::ThisMachine`] is the real one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;

use super::known::{self, Wanted};
use super::opening::Opening;
use super::verbs::demo::DemoArguments;
use super::{CliError, Globals, Outside, Stay};
#[cfg(feature = "engine")]
use crate::backend::embedded::Embedded;
use crate::backend::{Backend, BackendInfo};
use crate::config::{Config, NamedContext, Places};
use crate::domain::address::Address;
use crate::domain::check::{DatabaseFound, HomeFound, NotLookedAt};
#[cfg(feature = "engine")]
use crate::domain::deed::Deeds;
use crate::domain::environment::EnvironmentName;
#[cfg(feature = "engine")]
use crate::domain::settings::ServerSettings;
use crate::domain::settings::{PostgresSettings, StorageOptions};

/// A backend, and the context that led to it.
pub struct Connection {
    /// The backend. It refuses changes if the context is read-only.
    pub backend: Arc<dyn Backend>,
    /// The context.
    pub context: NamedContext,
    /// What is heard of an engine that was opened for it in this process; nothing of one that was open, or is elsewhere.
    pub opening: Option<Opening>,
}

/// What is looked at before a configuration names it. By itself it finds nothing: that takes an engine.
pub trait Survey {
    /// What is in a database.
    ///
    /// # Errors
    /// A sentence that says why it cannot be looked at.
    fn database(&self, settings: &PostgresSettings) -> Result<DatabaseFound, NotLookedAt> {
        let _ = settings;
        Err(NotLookedAt {
            why: WITHOUT_ENGINE.to_owned(),
            wants_ca_file: false,
        })
    }

    /// Whether a folder is the home of a repository.
    ///
    /// # Errors
    /// Which folder to name, as a sentence.
    fn home(&self, home: &Path) -> Result<(), String> {
        let _ = home;
        Err(WITHOUT_ENGINE.to_owned())
    }

    /// The home of a repository that a folder leads to.
    fn folder(&self, folder: &Path) -> Option<HomeFound> {
        let _ = folder;
        None
    }

    /// Tries a place for backups. Gives whether backups of the environment are there.
    ///
    /// # Errors
    /// A sentence that says why it cannot be reached.
    fn storage(
        &self,
        root: &Address,
        options: &StorageOptions,
        environment: &EnvironmentName,
    ) -> Result<bool, String> {
        let _ = (root, options, environment);
        Err(WITHOUT_ENGINE.to_owned())
    }

    /// Tries the key in a file on the backups of the environment, which are there.
    ///
    /// # Errors
    /// A sentence that says that it does not open them, or why it cannot be tried.
    fn key(
        &self,
        root: &Address,
        options: &StorageOptions,
        environment: &EnvironmentName,
        key: &Path,
    ) -> Result<(), String> {
        let _ = (root, options, environment, key);
        Err(WITHOUT_ENGINE.to_owned())
    }
}

/// Why nothing is found where there is no engine.
const WITHOUT_ENGINE: &str =
    "this Lifeboat is the cockpit without an engine, which alone can look at it: use a whole Lifeboat";

/// What the command line reaches beyond itself.
#[async_trait(?Send)]
pub trait House {
    /// The folders that the platform gives Lifeboat on this machine.
    fn places(&self) -> &Places;

    /// The configuration file that would be used.
    fn config_file(&self, globals: &Globals) -> Result<PathBuf, CliError>;

    /// The state folder that would be used.
    fn state_folder(&self, globals: &Globals) -> Result<PathBuf, CliError>;

    /// The other configuration that the state folder belongs to which a new configuration would use: that one needs a folder of
    /// its own.
    ///
    /// # Errors
    /// Where that folder was named in the environment, which counts before whatever the configuration says.
    fn state_of_another(&self, config: &Config) -> Result<Option<PathBuf>, CliError> {
        let _ = config;
        Ok(None)
    }

    /// What of the configuration on this machine keeps the cockpit from opening, as sentences: keys that clash, colours that there
    /// are not. A configuration that cannot be read is told of elsewhere.
    fn why_no_cockpit(&self, globals: &Globals) -> Vec<String> {
        let _ = globals;
        Vec::new()
    }

    /// Whether a job that is started in this context runs in this process, and ends with it.
    fn jobs_run_here(&self, globals: &Globals) -> Result<bool, CliError>;

    /// Whether there is an engine in this program for something that needs one.
    ///
    /// # Errors
    /// [`CliError`] with a sentence about `what` when there is none.
    fn engine_for(&self, what: &str) -> Result<(), CliError> {
        let _ = what;
        Ok(())
    }

    /// Looks at what no configuration names yet.
    fn survey(&self) -> &dyn Survey;

    /// Opens the backend of the context.
    async fn connect(&self, globals: &Globals) -> Result<Connection, CliError>;

    /// Opens the backend of the context for somebody who stays: with the schedule kept, where it is in this process.
    async fn stay<'h>(&'h self, globals: &Globals) -> Result<Stay<'h>, CliError> {
        Ok(Stay {
            is_here: self.jobs_run_here(globals)?,
            connection: self.connect(globals).await?,
            follows: None,
            close: Box::new(|_, _| Box::pin(std::future::ready(()))),
        })
    }

    /// The names that a context is known to have. What is not known at once, or only to somebody who is asked, is left out.
    async fn known(&self, globals: &Globals, wanted: &Wanted) -> Vec<String> {
        match self.connect(globals).await {
            Ok(connection) => known::of_backend(connection.backend.as_ref(), wanted).await,
            Err(_) => Vec::new(),
        }
    }

    /// Asks the service of a context what it is, with a token that is not stored yet.
    async fn try_token(&self, context: &NamedContext, token: &str) -> Result<BackendInfo, CliError> {
        let _ = token;
        Err(CliError::usage(format!(
            "the context \"{}\" leads to no service that a token could be tried on",
            context.name
        )))
    }

    /// The engine on this machine's content and how it is served to others, also where the default context leads to a
    /// service. With `keep_schedule`, backups that are due are begun as long as it is open. What it does is told to
    /// `deeds`.
    #[cfg(feature = "engine")]
    fn engine_here(
        &self,
        globals: &Globals,
        keep_schedule: bool,
        deeds: Deeds,
    ) -> Result<(Embedded, ServerSettings), CliError>;

    /// The configuration of this machine as it is now, where the context that is used is in it.
    #[cfg(feature = "engine")]
    fn configuration(&self, globals: &Globals) -> Result<Config, CliError> {
        let config = Config::load(&self.config_file(globals)?)?;
        config.context(globals.context.as_deref())?;
        Ok(config)
    }

    /// Who is at the keyboard.
    fn user(&self) -> &str;

    /// An environment variable.
    fn variable(&self, name: &str) -> Option<String>;

    /// Runs the cockpit until it is left. Jobs of this process end with it, unless it was its terminal that went away: then
    /// they go on to their end.
    async fn cockpit(&self, globals: &Globals, outside: &Outside) -> Result<(), CliError>;

    /// Runs the demo until it is left.
    async fn demo(
        &self,
        arguments: &DemoArguments,
        globals: &Globals,
        outside: &mut Outside,
    ) -> Result<(), CliError>;
}
