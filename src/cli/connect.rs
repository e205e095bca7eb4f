//! This machine: the one place where a context of the configuration is turned into a backend, and where the cockpit and
//! the demo are opened.

#[cfg(feature = "engine")]
mod here;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

#[cfg(feature = "engine")]
pub use here::look_on_a_thread;

use super::house::{Connection, House};
use super::verbs::demo::DemoArguments;
use super::{CliError, ErrorKind, Globals, Outside, cockpit};
use crate::backend::Backend;
#[cfg(feature = "engine")]
use crate::backend::embedded::Embedded;
use crate::backend::read_only::ReadOnly;
use crate::config::{BackendAddress, Config, NamedContext, Places};
use crate::domain::check::DatabaseFound;
use crate::domain::settings::{PostgresSettings, Variables};

/// The configuration and the engine of this machine.
pub struct ThisMachine {
    /// The folders of the account.
    pub places: Places,
    /// The configuration file that was named in the environment.
    pub config: Option<PathBuf>,
    /// The state folder that was named in the environment.
    pub state: Option<PathBuf>,
    /// The system's folder for temporary files.
    pub temporary: PathBuf,
    /// Who is at the keyboard: goes into each backup and the activity log.
    pub user: String,
    /// Environment variables, for keys that are kept in one and for the cockpit's colours.
    pub variables: Variables,
}

impl ThisMachine {
    fn load(&self, globals: &Globals) -> Result<(Config, NamedContext), CliError> {
        let config = Config::load(&self.config_file(globals)?)?;
        let context = config.context(globals.context.as_deref())?;
        Ok((config, context))
    }

    /// The state folder: what the environment names, else what the configuration names, else the platform's.
    fn state_of(&self, config: Option<&Config>) -> Result<PathBuf, CliError> {
        let named = self.state.as_deref();
        let configured = config.and_then(|config| config.state.as_deref());
        match named.or(configured) {
            Some(folder) => Ok(folder.to_owned()),
            None => Ok(self.places.state_folder()?.to_owned()),
        }
    }

    /// The backend that the context leads to, open.
    fn open(&self, globals: &Globals, keep_schedule: bool) -> Result<Opened, CliError> {
        let (config, context) = self.load(globals)?;
        match context.context.backend.clone() {
            BackendAddress::Embedded => self.open_here(config, context, keep_schedule),
            BackendAddress::Remote(address) => Err(CliError::new(
                ErrorKind::OutOfReach,
                format!(
                    "the context \"{}\" leads to the service {address}, and this version of Lifeboat talks to no service: it works on this machine's content only. Name a context whose backend is \"embedded\" with --context",
                    context.name
                ),
            )),
        }
    }

    #[cfg(feature = "engine")]
    fn open_here(
        &self,
        config: Config,
        context: NamedContext,
        keep_schedule: bool,
    ) -> Result<Opened, CliError> {
        let keep_schedule = keep_schedule && !context.context.read_only;
        let engine = Arc::new(self.engine(config, keep_schedule)?);
        Ok(Opened {
            backend: behind(&context, Arc::clone(&engine) as _),
            context,
            engine: Some(engine),
        })
    }

    #[cfg(not(feature = "engine"))]
    #[allow(clippy::unused_self, reason = "with an engine it is needed")]
    fn open_here(
        &self,
        _config: Config,
        context: NamedContext,
        _keep_schedule: bool,
    ) -> Result<Opened, CliError> {
        Err(no_engine(&format!("the context \"{}\"", context.name)))
    }
}

/// A backend that is open, and the context that led to it.
struct Opened {
    /// As the context allows it to be used.
    backend: Arc<dyn Backend>,
    context: NamedContext,
    /// The engine behind it, where that is in this process.
    #[cfg(feature = "engine")]
    engine: Option<Arc<Embedded>>,
}

impl Opened {
    /// Lets go of it: an engine in this process ends what it does at the next safe point.
    #[cfg_attr(
        not(feature = "engine"),
        allow(clippy::unused_async, reason = "an engine takes its time to close")
    )]
    async fn close(self) {
        #[cfg(feature = "engine")]
        if let Some(engine) = self.engine {
            engine.close().await;
        }
    }
}

/// Why something that needs the engine cannot be had from a program that has none.
#[cfg(not(feature = "engine"))]
fn no_engine(what: &str) -> CliError {
    CliError::usage(format!(
        "{what} needs the engine, and this Lifeboat is the cockpit without one, for services elsewhere: use a whole Lifeboat for that, or name a context whose backend is the address of a service with --context"
    ))
}

/// The backend as the context allows it to be used.
fn behind(context: &NamedContext, backend: Arc<dyn Backend>) -> Arc<dyn Backend> {
    if context.context.read_only {
        Arc::new(ReadOnly::new(backend, context.name.clone()))
    } else {
        backend
    }
}

#[async_trait(?Send)]
impl House for ThisMachine {
    fn places(&self) -> &Places {
        &self.places
    }

    fn config_file(&self, globals: &Globals) -> Result<PathBuf, CliError> {
        let named = globals.config.as_deref().or(self.config.as_deref());
        let file = self.places.config_file(named)?;
        // Relative paths inside the file count from its folder, so the folder has to be known in full.
        std::path::absolute(&file).map_err(|error| {
            CliError::usage(format!(
                "{} does not name a configuration file: {error}",
                file.display()
            ))
        })
    }

    fn state_folder(&self, globals: &Globals) -> Result<PathBuf, CliError> {
        // A configuration that cannot be read names no state folder; that it cannot be read is said elsewhere.
        let config = Config::load(&self.config_file(globals)?).ok();
        self.state_of(config.as_ref())
    }

    fn jobs_run_here(&self, globals: &Globals) -> Result<bool, CliError> {
        let (_, context) = self.load(globals)?;
        Ok(context.context.backend == BackendAddress::Embedded)
    }

    #[cfg(feature = "engine")]
    fn look_at_database(&self, settings: &PostgresSettings) -> Result<DatabaseFound, String> {
        look_on_a_thread(settings, &self.variables)
    }

    #[cfg(not(feature = "engine"))]
    fn look_at_database(&self, _settings: &PostgresSettings) -> Result<DatabaseFound, String> {
        Err(no_engine("looking at a database").message)
    }

    #[cfg(not(feature = "engine"))]
    fn engine_for(&self, what: &str) -> Result<(), CliError> {
        Err(no_engine(what))
    }

    #[cfg(feature = "engine")]
    fn engine_for(&self, _what: &str) -> Result<(), CliError> {
        Ok(())
    }

    async fn connect(&self, globals: &Globals) -> Result<Connection, CliError> {
        let opened = self.open(globals, false)?;
        Ok(Connection {
            backend: opened.backend,
            context: opened.context,
        })
    }

    async fn cockpit(&self, globals: &Globals) -> Result<(), CliError> {
        let opened = self.open(globals, true)?;
        let backend = Arc::clone(&opened.backend);
        let left = cockpit::open(backend, &opened.context, false, &self.variables).await;
        opened.close().await;
        left
    }

    #[cfg(feature = "engine")]
    async fn demo(
        &self,
        arguments: &DemoArguments,
        globals: &Globals,
        outside: &mut Outside,
    ) -> Result<(), CliError> {
        self.run_demo(arguments, globals, outside).await
    }

    #[cfg(not(feature = "engine"))]
    async fn demo(
        &self,
        _arguments: &DemoArguments,
        _globals: &Globals,
        _outside: &mut Outside,
    ) -> Result<(), CliError> {
        Err(no_engine("the demo"))
    }
}
