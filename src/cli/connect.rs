//! This machine: the one place where a context of the configuration is turned into a backend, and where the cockpit and
//! the demo are opened.

mod elsewhere;
#[cfg(feature = "engine")]
mod here;
mod leaving;
#[cfg(feature = "engine")]
mod left_behind;
mod names;
#[cfg(feature = "engine")]
mod survey;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;

#[cfg(feature = "engine")]
pub use here::look_on_a_thread;

use self::elsewhere::OtherServices;
use self::leaving::why_jobs_end;
use super::house::{Connection, House, Survey};
use super::known::Wanted;
use super::opening::Opening;
use super::verbs::demo::DemoArguments;
use super::{CliError, Closing, Globals, Interrupts, Outside, Stay, Why, cockpit, cockpit_beyond};
#[cfg(feature = "engine")]
use crate::backend::embedded::Embedded;
use crate::backend::read_only::ReadOnly;
use crate::backend::remote::{Pace, Remote, RemoteSettings};
use crate::backend::{Backend, BackendInfo};
#[cfg(feature = "engine")]
use crate::config::state_owner;
use crate::config::{BackendAddress, Config, NamedContext, Places};
use crate::domain::deed::Deeds;
use crate::domain::os_error::in_words;
use crate::domain::principal::Principal;
#[cfg(feature = "engine")]
use crate::domain::settings::ServerSettings;
use crate::domain::settings::{SecretSource, Variables};
use crate::domain::stop::StopReason;
use crate::tui::{self, CockpitSettings, Contexts};

/// The configuration and the engine of this machine.
#[derive(Clone)]
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
    /// Random numbers: for the keys of requests to a service.
    pub random: fn(&mut [u8]) -> io::Result<()>,
}

impl ThisMachine {
    fn load(&self, globals: &Globals) -> Result<(Config, NamedContext), CliError> {
        let config = Config::load(&self.config_file(globals)?)?;
        let context = config.context(globals.context.as_deref())?;
        Ok((config, context))
    }

    /// What a cockpit on a context is opened with.
    fn cockpit_settings(
        &self,
        globals: &Globals,
        config: Config,
        context: &NamedContext,
    ) -> Result<CockpitSettings, CliError> {
        let mut settings = cockpit::settings(context, Some(&config), &self.variables)?;
        let is_named = globals.config.is_some() || self.config.is_some();
        settings.showing = cockpit::showing(globals)?;
        settings.elsewhere = Some(Arc::new(OtherServices::of(self, globals)));
        settings.command = cockpit::options(&config, is_named, &context.name);
        let (file, name) = (config.file.clone(), context.name.clone());
        // Where there is no folder for state, nothing is kept.
        if let Ok(state) = self.state_of(Some(&config)) {
            settings.last_view = cockpit_beyond::last_view(&state, &file, &name);
            let name = name.clone();
            settings.beyond.keep =
                Arc::new(move |view| cockpit_beyond::keep_view(&state, &file, &name, view));
        }
        cockpit_beyond::follow(&mut settings.beyond, config, name, Arc::clone(&self.variables));
        Ok(settings)
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
    fn open(&self, globals: &Globals, keep_schedule: bool, deeds: Deeds) -> Result<Opened, CliError> {
        let (config, context) = self.load(globals)?;
        match context.context.backend.clone() {
            BackendAddress::Embedded => self.open_here(config, context, keep_schedule, deeds),
            BackendAddress::Remote(address) => {
                let backend: Arc<dyn Backend> = Arc::new(self.remote(&context, address, None)?);
                Ok(Opened {
                    backend: behind(&context, backend),
                    context,
                    #[cfg(feature = "engine")]
                    engine: None,
                })
            }
        }
    }

    /// The service of a context, asked with the context's token, or with the one that is given.
    fn remote(
        &self,
        context: &NamedContext,
        address: String,
        token: Option<String>,
    ) -> Result<Remote, CliError> {
        let mut variables = Arc::clone(&self.variables);
        let mut source = context.context.token();
        let mut backend: fn(RemoteSettings) -> Result<Remote, String> = Remote::new;
        if let Some(token) = token {
            backend = Remote::trying_a_token;
            source = Some(SecretSource::PasswordEnv(String::new()));
            variables = Arc::new(move |_| Some(token.clone()));
        }
        backend(RemoteSettings {
            context: context.name.clone(),
            address,
            token: source,
            ca_file: context.context.ca_file.clone(),
            plain_http: context.context.plain_http,
            variables,
            random: self.random,
            clock: Arc::new(chrono::Utc::now),
            pace: Pace::default(),
        })
        .map_err(CliError::usage)
    }

    #[cfg(feature = "engine")]
    fn open_here(
        &self,
        config: Config,
        context: NamedContext,
        keep_schedule: bool,
        deeds: Deeds,
    ) -> Result<Opened, CliError> {
        let keep_schedule = keep_schedule && !context.context.read_only;
        let engine = Arc::new(self.engine(config, keep_schedule, deeds)?);
        Ok(Opened {
            backend: behind(&context, Arc::clone(&engine) as _),
            context,
            engine: Some(engine),
        })
    }

    #[cfg(not(feature = "engine"))]
    #[allow(
        clippy::unused_self,
        clippy::needless_pass_by_value,
        reason = "with an engine they are needed"
    )]
    fn open_here(
        &self,
        _config: Config,
        context: NamedContext,
        _keep_schedule: bool,
        _deeds: Deeds,
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
    /// Lets go of it: an engine in this process ends what it does at the next safe point, for this reason.
    #[cfg_attr(
        not(feature = "engine"),
        allow(
            clippy::unused_async,
            clippy::needless_pass_by_value,
            reason = "an engine takes its time to close, and keeps the reason"
        )
    )]
    async fn close(self, why: StopReason) {
        #[cfg(feature = "engine")]
        if let Some(engine) = self.engine {
            engine.close(why).await;
        }
        #[cfg(not(feature = "engine"))]
        let _ = why;
    }

    /// Nobody looks on any more: what runs in this process goes on to its end, unless the process is asked to end before.
    #[cfg_attr(
        not(feature = "engine"),
        allow(clippy::unused_async, reason = "an engine goes on for a while")
    )]
    async fn go_on_unseen(self, interrupts: &mut Interrupts) {
        #[cfg(feature = "engine")]
        if let Some(engine) = self.engine {
            here::go_on_unseen(&engine, interrupts).await;
        }
        #[cfg(not(feature = "engine"))]
        let _ = interrupts;
    }
}

/// The contexts of the configuration, one of them open.
struct Doors<'a> {
    machine: &'a ThisMachine,
    globals: Globals,
    open: Option<Opened>,
}

impl Doors<'_> {
    /// Why jobs end with the context that is left.
    fn changed(&self) -> StopReason {
        StopReason::ContextChanged {
            by: Principal::account(&self.machine.user),
        }
    }
}

#[async_trait]
impl Contexts for Doors<'_> {
    async fn change(&mut self, name: &str) -> Result<(Arc<dyn Backend>, CockpitSettings), String> {
        let said = |error: CliError| format!("the context \"{name}\" cannot be opened: {}", error.message);
        let globals = Globals {
            context: Some(name.to_owned()),
            ..self.globals.clone()
        };
        let (config, context) = self.machine.load(&globals).map_err(said)?;
        let settings = self
            .machine
            .cockpit_settings(&globals, config, &context)
            .map_err(said)?;
        let is_here = context.context.backend == BackendAddress::Embedded;
        if is_here && let Some(before) = self.open.take() {
            // Two engines on the same content would be in each other's way.
            before.close(self.changed()).await;
        }
        let opened = self
            .machine
            .open(&globals, true, Deeds::default())
            .map_err(said)?;
        let backend = Arc::clone(&opened.backend);
        if let Some(before) = self.open.replace(opened) {
            before.close(self.changed()).await;
        }
        Ok((backend, settings))
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

/// Without an engine it finds nothing.
#[cfg(not(feature = "engine"))]
impl Survey for ThisMachine {}

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
                file.display(),
                error = in_words(&error),
            ))
        })
    }

    fn state_folder(&self, globals: &Globals) -> Result<PathBuf, CliError> {
        // A configuration that cannot be read names no state folder; that it cannot be read is said elsewhere.
        let config = Config::load(&self.config_file(globals)?).ok();
        self.state_of(config.as_ref())
    }

    #[cfg(feature = "engine")]
    fn state_of_another(&self, config: &Config) -> Result<Option<PathBuf>, CliError> {
        let state = self.state_of(Some(config))?;
        let owner = state_owner::of_another(&state, config);
        if let (Some(owner), Some(_)) = (&owner, &self.state) {
            return Err(CliError::usage(format!(
                "LIFEBOAT_STATE names {}, which has the jobs of the configuration {}: name another folder, or none",
                state.display(),
                owner.display()
            )));
        }
        Ok(owner)
    }

    fn why_no_cockpit(&self, globals: &Globals) -> Vec<String> {
        self.load(globals)
            .map_or_else(|_| Vec::new(), |(config, _)| cockpit::problems(&config))
    }

    fn jobs_run_here(&self, globals: &Globals) -> Result<bool, CliError> {
        let (_, context) = self.load(globals)?;
        Ok(context.context.backend == BackendAddress::Embedded)
    }

    fn survey(&self) -> &dyn Survey {
        self
    }

    #[cfg(not(feature = "engine"))]
    fn engine_for(&self, what: &str) -> Result<(), CliError> {
        Err(no_engine(what))
    }

    #[cfg(feature = "engine")]
    fn engine_for(&self, _what: &str) -> Result<(), CliError> {
        Ok(())
    }

    #[cfg(feature = "engine")]
    fn engine_here(
        &self,
        globals: &Globals,
        keep_schedule: bool,
        deeds: Deeds,
    ) -> Result<(Embedded, ServerSettings), CliError> {
        self.serving_engine(globals, keep_schedule, deeds)
    }

    fn user(&self) -> &str {
        &self.user
    }

    fn variable(&self, name: &str) -> Option<String> {
        (self.variables)(name)
    }

    async fn connect(&self, globals: &Globals) -> Result<Connection, CliError> {
        let (deeds, opening) = Opening::heard();
        let opened = self.open(globals, false, deeds)?;
        Ok(Connection {
            backend: opened.backend,
            context: opened.context,
            opening: Some(opening),
        })
    }

    async fn stay<'h>(&'h self, globals: &Globals) -> Result<Stay<'h>, CliError> {
        let (config, context) = self.load(globals)?;
        let is_here = context.context.backend == BackendAddress::Embedded;
        let follows = cockpit_beyond::follow_in_lines(config, context.name, &self.variables);
        let (deeds, opening) = Opening::heard();
        let opened = self.open(globals, true, deeds)?;
        let connection = Connection {
            backend: Arc::clone(&opened.backend),
            opening: Some(opening),
            context: NamedContext {
                name: opened.context.name.clone(),
                context: opened.context.context.clone(),
            },
        };
        let close: Closing<'h> = Box::new(move |why, mut interrupts| {
            Box::pin(async move {
                match why {
                    Why::Asked => {
                        let by = Principal::account(&self.user);
                        opened.close(StopReason::CockpitLeft { by }).await;
                    }
                    Why::Anew => {
                        let by = Principal::account(&self.user);
                        opened.close(StopReason::ContextChanged { by }).await;
                    }
                    Why::Signal => opened.close(StopReason::Signal).await,
                    Why::Gone => opened.go_on_unseen(&mut interrupts).await,
                }
            })
        });
        Ok(Stay {
            connection,
            is_here,
            follows: Some(follows),
            close,
        })
    }

    async fn known(&self, globals: &Globals, wanted: &Wanted) -> Vec<String> {
        self.names(globals, wanted).await
    }

    async fn cockpit(&self, globals: &Globals, outside: &Outside) -> Result<(), CliError> {
        let (config, context) = self.load(globals)?;
        let settings = self.cockpit_settings(globals, config, &context)?;
        let opened = self.open(globals, true, Deeds::default())?;
        let backend = Arc::clone(&opened.backend);
        let mut doors = Doors {
            machine: self,
            globals: globals.clone(),
            open: Some(opened),
        };
        // The cockpit takes signals itself, and gives the terminal back. What comes while it ends must not be missed.
        let mut interrupts = (outside.interrupts)();
        let left = tui::run(backend, settings, &mut doors).await;
        if let Some(opened) = doors.open {
            match why_jobs_end(&left, &self.user) {
                Some(why) => opened.close(why).await,
                None => opened.go_on_unseen(&mut interrupts).await,
            }
        }
        Ok(left?)
    }

    async fn try_token(&self, context: &NamedContext, token: &str) -> Result<BackendInfo, CliError> {
        let BackendAddress::Remote(address) = context.context.backend.clone() else {
            return Err(CliError::usage(format!(
                "the context \"{}\" leads to this machine, which wants no token",
                context.name
            )));
        };
        let remote = self.remote(context, address, Some(token.to_owned()))?;
        Ok(remote.info().await?)
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
