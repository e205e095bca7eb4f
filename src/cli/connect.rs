//! This machine: the one place where a context of the configuration is turned into a backend, and where the cockpit and
//! the demo are opened.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use serde::Serialize;
use tokio::sync::broadcast;

use super::house::{Connection, House};
use super::verbs::demo::DemoArguments;
use super::{CliError, ErrorKind, Globals, Outside, cockpit};
use crate::backend::Backend;
use crate::backend::embedded::{Embedded, EmbeddedOptions};
use crate::backend::read_only::ReadOnly;
use crate::config::{BackendAddress, Config, NamedContext, Places};
use crate::demo::{Demo, DemoError};
use crate::domain::check::DatabaseFound;
use crate::domain::settings::PostgresSettings;
use crate::engine::clock::SystemClock;
use crate::engine::{EngineSettings, Surroundings, Variables, look_at_database};

/// Events that a listener may fall behind before it is told that it has missed some.
const EVENTS_KEPT: usize = 1024;

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

    /// The engine in this process. The schedule is kept while the cockpit is open, not while a verb runs: a script that
    /// lists backups must not begin one.
    fn engine(&self, config: Config, keep_schedule: bool) -> Result<Embedded, CliError> {
        let settings = EngineSettings {
            state: self.state_of(Some(&config))?,
            repository: config.repository,
            environments: config.environments,
        };
        let surroundings = Surroundings {
            clock: Arc::new(SystemClock),
            runtime: tokio::runtime::Handle::current(),
            events: broadcast::channel(EVENTS_KEPT).0,
            variables: Arc::clone(&self.variables),
            random: crate::engine::random::system(),
        };
        let options = EmbeddedOptions {
            user: self.user.clone(),
            keep_schedule,
            break_live: None,
        };
        Ok(Embedded::start(settings, surroundings, options))
    }

    /// The engine that the context leads to.
    fn open(
        &self,
        globals: &Globals,
        keep_schedule: bool,
    ) -> Result<(Arc<Embedded>, NamedContext), CliError> {
        let (config, context) = self.load(globals)?;
        match &context.context.backend {
            BackendAddress::Embedded => {
                let keep_schedule = keep_schedule && !context.context.read_only;
                Ok((Arc::new(self.engine(config, keep_schedule)?), context))
            }
            BackendAddress::Remote(address) => Err(CliError::new(
                ErrorKind::OutOfReach,
                format!(
                    "the context \"{}\" leads to the service {address}, and this version of Lifeboat talks to no service: it works on this machine's content only. Name a context whose backend is \"embedded\" with --context",
                    context.name
                ),
            )),
        }
    }
}

/// Looks at a database from a thread of its own: the client waits for the server, which a runtime's thread must not.
///
/// # Errors
/// A sentence that says why it cannot be looked at.
pub fn look_on_a_thread(settings: &PostgresSettings, variables: &Variables) -> Result<DatabaseFound, String> {
    std::thread::scope(|threads| {
        let variables = Arc::clone(variables);
        threads
            .spawn(move || look_at_database(settings, Path::new("/"), variables))
            .join()
            .unwrap_or_else(|_| {
                Err("looking at the database was broken off by an error of Lifeboat".to_owned())
            })
    })
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

    fn look_at_database(&self, settings: &PostgresSettings) -> Result<DatabaseFound, String> {
        look_on_a_thread(settings, &self.variables)
    }

    async fn connect(&self, globals: &Globals) -> Result<Connection, CliError> {
        let (engine, context) = self.open(globals, false)?;
        Ok(Connection {
            backend: behind(&context, engine),
            context,
        })
    }

    async fn cockpit(&self, globals: &Globals) -> Result<(), CliError> {
        let (engine, context) = self.open(globals, true)?;
        let backend = behind(&context, Arc::clone(&engine) as _);
        let left = cockpit::open(backend, &context, false, &self.variables).await;
        engine.close().await;
        left
    }

    async fn demo(
        &self,
        arguments: &DemoArguments,
        globals: &Globals,
        outside: &mut Outside,
    ) -> Result<(), CliError> {
        let on_a_terminal = outside.out_is_terminal && outside.input_is_terminal;
        let opens_cockpit = !arguments.headless && !globals.json && on_a_terminal;
        if opens_cockpit {
            writeln!(
                outside.err,
                "Making a sandbox with real content and a past of backups. This takes some seconds."
            )?;
        }
        // From here on an interrupt arrives as a message: the sandbox has to go, whatever ends the demo.
        let mut interrupts = (outside.interrupts)();
        let give_up = Arc::new(AtomicBool::new(false));
        let at = arguments.at.as_deref();
        let opening = Demo::open(
            at,
            &self.temporary,
            &self.user,
            arguments.postgres,
            opens_cockpit,
            &give_up,
        );
        let demo = {
            let mut opening = std::pin::pin!(opening);
            tokio::select! {
                demo = &mut opening => demo?,
                Some(()) = interrupts.recv() => {
                    give_up.store(true, Ordering::Relaxed);
                    // What still writes to the sandbox has to end before the sandbox can go.
                    if let Ok(demo) = opening.await {
                        demo.close().await;
                    }
                    return Err(at.map_or_else(interrupted, half_made));
                }
            }
        };
        let told = tokio::select! {
            told = play(&demo, arguments, globals, outside) => told,
            Some(()) = interrupts.recv() => Err(interrupted()),
        };
        let ended = match told {
            // The cockpit takes signals itself, so that it gives the terminal back.
            Ok(()) if opens_cockpit => {
                let context = NamedContext {
                    name: "demo".to_owned(),
                    context: crate::config::Context::default(),
                };
                cockpit::open(demo.backend(), &context, true, &self.variables).await
            }
            told => told,
        };
        demo.close().await;
        ended
    }
}

/// Plays the demo's story, or tells where a sandbox that is kept has everything.
async fn play(
    demo: &Demo,
    arguments: &DemoArguments,
    globals: &Globals,
    outside: &mut Outside,
) -> Result<(), CliError> {
    if arguments.headless {
        story(demo, globals, outside).await?;
        if globals.json {
            return Ok(());
        }
    }
    if !demo.is_kept() {
        return Ok(());
    }
    let places = demo.whereabouts()?;
    if globals.json {
        return print_json(outside, &places);
    }
    let mut say = |word: &str, path: &Path| writeln!(outside.out, "  {word:<13}  {}", path.display());
    say("configuration", &places.config)?;
    say("key", &places.password_file)?;
    for live in &places.environments {
        say(&live.environment.to_string(), &live.repository)?;
        for (instance, folder) in &live.content {
            say(instance, folder)?;
        }
    }
    writeln!(
        outside.out,
        "The sandbox is kept: lifeboat --config {} works on it.",
        places.config.display()
    )?;
    if demo.has_databases() {
        writeln!(
            outside.out,
            "Its databases run while the demo is open: lifeboat demo --at opens it again."
        )?;
    }
    Ok(outside.out.flush()?)
}

fn print_json(outside: &mut Outside, value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    Ok(writeln!(outside.out, "{text}")?)
}

/// Plays the whole story without a screen.
async fn story(demo: &Demo, globals: &Globals, outside: &mut Outside) -> Result<(), CliError> {
    let report = if globals.json {
        let report = demo.play_story(&mut outside.err).await?;
        print_json(outside, &report)?;
        report
    } else {
        demo.play_story(&mut outside.out).await?
    };
    if report.identical {
        return Ok(());
    }
    Err(CliError::failed(
        "the recovered content is not identical to what Live was before: that must never happen. Keep the sandbox with --at DIR and look at the differences above",
    ))
}

fn half_made(at: &Path) -> CliError {
    CliError::failed(format!(
        "the demo was interrupted while it made its sandbox: {} holds a part of one, so delete that before you give the folder to --at again",
        at.display()
    ))
}

fn interrupted() -> CliError {
    CliError::failed("the demo was interrupted; its sandbox is removed unless --at keeps it")
}

impl From<DemoError> for CliError {
    fn from(error: DemoError) -> Self {
        match error {
            DemoError::Output(error) => error.into(),
            DemoError::Backend(error) => error.into(),
            DemoError::NotEmpty(_) => Self::usage(error.to_string()),
            other => Self::failed(other.to_string()),
        }
    }
}
