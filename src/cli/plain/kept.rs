//! One backend for the whole of a stay: verbs that run in it do not open another one.

use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;

use super::configured::Follows;
#[cfg(feature = "engine")]
use crate::backend::embedded::Embedded;
use crate::cli::verbs::demo::DemoArguments;
use crate::cli::{CliError, Connection, Globals, House, Interrupts, Outside, Survey};
use crate::config::{Config, Places};
#[cfg(feature = "engine")]
use crate::domain::deed::Deeds;
#[cfg(feature = "engine")]
use crate::domain::settings::ServerSettings;

/// Why a stay has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The person wanted it.
    Asked,
    /// The process was asked to end.
    Signal,
    /// There is nobody any more: what runs goes on to its end.
    Gone,
    /// The context is to be opened anew, with what is new in the configuration.
    Anew,
}

/// What closes a backend that was open for a stay. Where something goes on in this process, interrupts end it.
pub type Closing<'h> = Box<dyn FnOnce(Why, Interrupts) -> Pin<Box<dyn Future<Output = ()> + 'h>> + 'h>;

/// A backend that is open for a stay.
pub struct Stay<'h> {
    /// The backend, and the context that led to it.
    pub connection: Connection,
    /// Whether its jobs run in this process.
    pub is_here: bool,
    /// The configuration that led to it, looked at for whoever stays; none where there is no file of one.
    pub follows: Option<Follows>,
    /// Lets go of it.
    pub close: Closing<'h>,
}

/// The house around a stay.
pub(super) struct Kept<'h> {
    house: &'h dyn House,
    connection: Connection,
    is_here: bool,
    is_demo: bool,
}

impl<'h> Kept<'h> {
    pub(super) fn new(house: &'h dyn House, connection: Connection, is_here: bool, is_demo: bool) -> Self {
        Self {
            house,
            connection,
            is_here,
            is_demo,
        }
    }

    /// Whether jobs run in this process.
    pub(super) fn is_here(&self) -> bool {
        self.is_here
    }

    /// Whether it is a demo, where Live can be broken.
    pub(super) fn is_demo(&self) -> bool {
        self.is_demo
    }

    /// The name of the context.
    pub(super) fn context(&self) -> &str {
        &self.connection.context.name
    }

    /// Whether it refuses changes.
    pub(super) fn is_read_only(&self) -> bool {
        self.connection.context.context.read_only
    }

    /// Whether these arguments lead to the same context.
    fn is_same(&self, globals: &Globals) -> bool {
        globals
            .context
            .as_ref()
            .is_none_or(|context| *context == self.connection.context.name)
    }
}

#[async_trait(?Send)]
impl House for Kept<'_> {
    fn places(&self) -> &Places {
        self.house.places()
    }

    fn config_file(&self, globals: &Globals) -> Result<PathBuf, CliError> {
        self.house.config_file(globals)
    }

    fn state_folder(&self, globals: &Globals) -> Result<PathBuf, CliError> {
        self.house.state_folder(globals)
    }

    fn state_of_another(&self, config: &Config) -> Result<Option<PathBuf>, CliError> {
        self.house.state_of_another(config)
    }

    fn jobs_run_here(&self, globals: &Globals) -> Result<bool, CliError> {
        if self.is_same(globals) {
            return Ok(self.is_here);
        }
        self.house.jobs_run_here(globals)
    }

    fn engine_for(&self, what: &str) -> Result<(), CliError> {
        self.house.engine_for(what)
    }

    fn survey(&self) -> &dyn Survey {
        self.house.survey()
    }

    async fn connect(&self, globals: &Globals) -> Result<Connection, CliError> {
        if self.is_same(globals) {
            return Ok(Connection {
                backend: Arc::clone(&self.connection.backend),
                context: self.connection.context.clone(),
                // It is open.
                opening: None,
            });
        }
        // Two engines on the same content would be in each other's way.
        if self.is_here && self.house.jobs_run_here(globals)? {
            return Err(CliError::usage(format!(
                "the context \"{}\" is of this machine as well: leave, and come back with --context",
                globals.context.as_deref().unwrap_or_default()
            )));
        }
        self.house.connect(globals).await
    }

    #[cfg(feature = "engine")]
    fn engine_here(
        &self,
        globals: &Globals,
        keep_schedule: bool,
        deeds: Deeds,
    ) -> Result<(Embedded, ServerSettings), CliError> {
        self.house.engine_here(globals, keep_schedule, deeds)
    }

    fn user(&self) -> &str {
        self.house.user()
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.house.variable(name)
    }

    async fn cockpit(&self, globals: &Globals, outside: &Outside) -> Result<(), CliError> {
        self.house.cockpit(globals, outside).await
    }

    async fn demo(
        &self,
        arguments: &DemoArguments,
        globals: &Globals,
        outside: &mut Outside,
    ) -> Result<(), CliError> {
        self.house.demo(arguments, globals, outside).await
    }
}
