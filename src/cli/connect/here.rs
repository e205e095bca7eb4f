//! What of this machine needs the engine: the embedded backend, the demo, and a look at a database.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

use serde::Serialize;
use tokio::sync::broadcast;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{ThisMachine, left_behind, why_jobs_end};
use crate::backend::Backend as _;
use crate::backend::embedded::{Embedded, EmbeddedOptions, EngineSettings, Surroundings, look_at_database};
use crate::backend::serves::Serves as _;
use crate::cli::clearing::Left;
use crate::cli::verbs::demo::DemoArguments;
use crate::cli::wrap::{Wrapping, wrap_hanging};
use crate::cli::{
    Call, CliError, Connection, Globals, House as _, Interrupt, Interrupts, Outside, Stay, cockpit,
    cockpit_beyond, outside, plain,
};
use crate::clock::SystemClock;
use crate::config::{BackendAddress, Config, NamedContext, state_owner};
use crate::demo::{Demo, DemoError, Making};
use crate::domain::check::{DatabaseFound, NotLookedAt};
use crate::domain::deed::Deeds;
use crate::domain::printable;
use crate::domain::settings::{CatalogSettings, PostgresSettings, ServerSettings, Variables};
use crate::domain::shell::quoted;
use crate::domain::stop::{StopReason, Unseen};
use crate::tui::{self, CockpitSettings, OneContext, Showing};

/// So far from the left a step of the demo begins, behind its seconds.
const STEP_BEGINS: usize = 8;
/// Events that a listener may fall behind before it is told that it has missed some.
const EVENTS_KEPT: usize = 1024;

impl ThisMachine {
    /// The cache folder, unless the state is somewhere of its own: then what is kept of it is there as well.
    fn cache(&self) -> Option<std::path::PathBuf> {
        self.places.cache.clone().filter(|_| self.state.is_none())
    }

    /// The engine in this process. The schedule is kept while the cockpit is open, not while a verb runs: a script that
    /// lists backups must not begin one.
    pub(super) fn engine(
        &self,
        config: Config,
        keep_schedule: bool,
        deeds: Deeds,
    ) -> Result<Embedded, CliError> {
        let state = self.state_of(Some(&config))?;
        state_owner::claim(&state, &config)?;
        let settings = EngineSettings {
            cache: self.cache(),
            state,
            catalog: catalog_of(config.catalog),
            repository: config.repository,
            limits: config.limits,
            receivers: config.receivers,
            environments: config.environments,
        };
        let surroundings = Surroundings {
            clock: Arc::new(SystemClock),
            runtime: tokio::runtime::Handle::current(),
            events: broadcast::channel(EVENTS_KEPT).0,
            variables: Arc::clone(&self.variables),
            random: crate::random::system(),
        };
        let options = EmbeddedOptions {
            user: self.user.clone(),
            keep_schedule,
            break_live: None,
        };
        Ok(Embedded::start_telling(settings, surroundings, options, deeds))
    }

    /// The engine of this machine, and how it is served. Where the configuration is that of a client, or the context that
    /// was asked for leads elsewhere, that is said instead of working on an empty catalog here.
    pub(super) fn serving_engine(
        &self,
        globals: &Globals,
        keep_schedule: bool,
        deeds: Deeds,
    ) -> Result<(Embedded, ServerSettings), CliError> {
        let config = Config::load(&self.config_file(globals)?)?;
        let context = config.context(globals.context.as_deref())?;
        if let BackendAddress::Remote(address) = &context.context.backend
            && (globals.context.is_some() || config.environments.is_empty())
        {
            return Err(CliError::usage(format!(
                "the context \"{}\" leads to the service {address}, and this works on the machine of that service only: \
                 type it there",
                context.name
            )));
        }
        let settings = config.server.clone();
        Ok((self.engine(config, keep_schedule, deeds)?, settings))
    }

    /// Runs the demo until it is left.
    pub(super) async fn run_demo(
        &self,
        arguments: &DemoArguments,
        globals: &Globals,
        outside: &mut Outside,
    ) -> Result<(), CliError> {
        let on_a_terminal = outside.out_is_terminal && outside.input_is_terminal;
        let is_looked_at = !arguments.headless && !globals.json;
        let opens_lines = is_looked_at && globals.plain;
        let opens_cockpit = is_looked_at && on_a_terminal && !globals.plain;
        if opens_cockpit {
            cockpit::terminal(&self.variables)?;
            // A recording that cannot be begun would be told when the sandbox is there, and end it.
            if let Some(file) = &cockpit::showing(globals)?.record {
                tui::can_record(file)?;
            }
        }
        // From here on an interrupt arrives as a message: the sandbox has to go, whatever ends the demo.
        let mut interrupts = (outside.interrupts)();
        let (making, mut steps) = Making::new();
        let making = Arc::new(making);
        let at = arguments.at.as_deref();
        let opening = Demo::open(
            at,
            &self.temporary,
            &self.user,
            arguments.postgres,
            opens_cockpit || opens_lines,
            &making,
        );
        let demo = {
            // What is typed meanwhile is neither shown nor kept for the cockpit, where it would be taken for keys, or in lines for
            // answers to questions that nobody has seen.
            let is_heard_later = opens_cockpit || (opens_lines && outside.input_is_terminal);
            let _unheard = is_heard_later.then(|| Unheard::new(&outside.echo));
            let mut opening = std::pin::pin!(opening);
            let mut steps = Steps::new(&mut steps);
            loop {
                tokio::select! {
                    biased;
                    // A terminal that takes nothing any more has gone, and that is told by itself: to leave here would let
                    // the past go on writing to a sandbox that is being removed.
                    step = steps.next() => {
                        let width = outside.remark_width();
                        for line in step.lines().flat_map(|line| wrap_hanging(line, STEP_BEGINS, width)) {
                            let _ = writeln!(outside.err, "{line}");
                        }
                    }
                    demo = &mut opening => break demo?,
                    interrupt = outside::interrupted(&mut interrupts) => {
                        making.give_up();
                        // What still writes to the sandbox has to end before the sandbox can go.
                        if let Ok(demo) = opening.await {
                            demo.close(why_it_ends(interrupt)).await;
                        }
                        return Err(at.map_or_else(|| interrupted(interrupt), |at| half_made(at, interrupt)));
                    }
                }
            }
        };
        let (told, why) = tokio::select! {
            told = play(&demo, arguments, globals, outside) => (told, StopReason::DemoEnded),
            interrupt = outside::interrupted(&mut interrupts) => {
                (Err(interrupted(interrupt)), why_it_ends(interrupt))
            }
        };
        let (ended, why) = match told {
            Ok(()) if opens_lines => {
                let left = self.demo_in_lines(&demo, globals, outside).await;
                (left, StopReason::DemoEnded)
            }
            // The cockpit takes signals itself, so that it gives the terminal back.
            Ok(()) if opens_cockpit => {
                let context = NamedContext {
                    name: "demo".to_owned(),
                    context: crate::config::Context::default(),
                };
                let tour = arguments.tour.then_some(tui::tour::PAUSE);
                self.open_demo(&demo, &context, globals, tour).await
            }
            told => (told, why),
        };
        // A sandbox is no Live: nothing in it has to come to its end without anybody who looks on.
        demo.close(why).await;
        if opens_lines || opens_cockpit {
            left_behind::end(demo, opens_lines, outside).await;
        }
        ended
    }

    /// Opens the cockpit in lines on the demo's sandbox.
    async fn demo_in_lines(
        &self,
        demo: &Demo,
        globals: &Globals,
        outside: &mut Outside,
    ) -> Result<(), CliError> {
        let stay = Stay {
            connection: Connection {
                backend: demo.backend(),
                opening: None,
                context: NamedContext {
                    name: "demo".to_owned(),
                    context: crate::config::Context::default(),
                },
            },
            is_here: true,
            follows: self.follows_in_demo(demo),
            close: Box::new(|_, _| Box::pin(std::future::ready(()))),
        };
        let mut call = Call {
            outside,
            house: self,
            globals: globals.clone(),
            arguments: Vec::new(),
            in_background: false,
            left: Left::default(),
            in_lines: None,
        };
        plain::on(stay, &mut call).await
    }

    /// The configuration of the demo's sandbox, for whoever stays in it in lines.
    fn follows_in_demo(&self, demo: &Demo) -> Option<plain::Follows> {
        let config = Config::load(&demo.whereabouts().ok()?.config).ok()?;
        let follows = cockpit_beyond::follow_in_lines(config, "demo".to_owned(), &self.variables);
        Some(plain::Follows {
            opens_anew: false,
            ..follows
        })
    }

    /// Opens the cockpit on the demo's sandbox. Gives how it was left, and why jobs end with it.
    async fn open_demo(
        &self,
        demo: &Demo,
        context: &NamedContext,
        globals: &Globals,
        tour: Option<Duration>,
    ) -> (Result<(), CliError>, StopReason) {
        let settings = cockpit::settings(context, None, &self.variables);
        let mut settings = match settings.and_then(|settings| Ok((settings, cockpit::showing(globals)?))) {
            Ok((settings, showing)) => CockpitSettings {
                demo: true,
                command: sandbox(demo),
                showing: Showing {
                    tour,
                    is_kept: demo.is_kept(),
                    ..showing
                },
                ..settings
            },
            Err(error) => return (Err(error), StopReason::DemoEnded),
        };
        let places = demo.whereabouts().ok();
        if let Some(config) = places.and_then(|places| Config::load(&places.config).ok()) {
            let (name, variables) = (context.name.clone(), Arc::clone(&self.variables));
            cockpit_beyond::follow_in_demo(&mut settings.beyond, config, name, variables);
        }
        let left = tui::run(demo.backend(), settings, &mut OneContext).await;
        let why = why_jobs_end(&left, &self.user).unwrap_or(StopReason::TerminalGone);
        (left.map_err(CliError::from), why)
    }
}

/// The options that lead a command to the demo's sandbox.
fn sandbox(demo: &Demo) -> Vec<String> {
    let places = demo.whereabouts();
    places.map_or_else(
        |_| Vec::new(),
        |places| vec!["--config".to_owned(), places.config.display().to_string()],
    )
}

/// Nothing that is typed is shown or kept until this is dropped.
struct Unheard<'a>(&'a dyn Fn(bool) -> io::Result<()>);

impl<'a> Unheard<'a> {
    fn new(echo: &'a dyn Fn(bool) -> io::Result<()>) -> Self {
        // A terminal that cannot be told shows what is typed, and nothing worse.
        let _ = echo(false);
        Self(echo)
    }
}

impl Drop for Unheard<'_> {
    fn drop(&mut self) {
        // It also throws away what was typed meanwhile.
        let _ = (self.0)(true);
    }
}

/// The lines for whoever waits for a sandbox, with the seconds since it was begun.
struct Steps<'a> {
    told: &'a mut UnboundedReceiver<String>,
    began: Monotonic,
    has_begun: bool,
}

impl<'a> Steps<'a> {
    fn new(told: &'a mut UnboundedReceiver<String>) -> Self {
        Self {
            told,
            began: Monotonic::now(),
            has_begun: false,
        }
    }

    /// The next one; none ever when nobody tells any more.
    async fn next(&mut self) -> String {
        let Some(step) = self.told.recv().await else {
            return std::future::pending().await;
        };
        let step = format!(
            "{:>4} s  {}",
            self.began.elapsed().as_secs(),
            printable::line(&step)
        );
        if std::mem::replace(&mut self.has_begun, true) {
            return step;
        }
        format!(
            "Making a sandbox: real content, and a past of backups by the real engine.\nIt takes 10 to 30 seconds, longer on a \
             busy machine.\n{step}"
        )
    }
}

/// Lets what runs in this process go on to its end where nobody looks on any more. Asked to end, it stops at the next safe
/// point.
pub(super) async fn go_on_unseen(engine: &Embedded, interrupts: &mut Interrupts) {
    let ended = async {
        // Whatever cannot be noted goes on all the same. An engine that is opening settles what was left behind, and that
        // comes to its end as well.
        let _ = engine.go_on_unseen(Unseen::TerminalGone).await;
        let _ = engine.jobs_ended().await;
        let _ = engine.cleared().await;
    };
    tokio::select! {
        () = ended => {}
        () = outside::asked_to_end(interrupts) => engine.close(StopReason::Signal).await,
    }
}

/// Why what runs in a demo ends that was interrupted.
fn why_it_ends(interrupt: Interrupt) -> StopReason {
    match interrupt {
        Interrupt::CtrlC => StopReason::DemoEnded,
        Interrupt::Terminate => StopReason::Signal,
        Interrupt::HungUp => StopReason::TerminalGone,
    }
}

/// The catalog's database, with a name for this node.
pub(super) fn catalog_of(settings: Option<CatalogSettings>) -> Option<CatalogSettings> {
    settings.map(|mut catalog| {
        catalog.node = catalog.node.or_else(host_name);
        catalog
    })
}

/// What this machine is called.
fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// Looks at a database from a thread of its own: the client waits for the server, which a runtime's thread must not.
///
/// # Errors
/// A sentence that says why it cannot be looked at.
pub fn look_on_a_thread(
    settings: &PostgresSettings,
    variables: &Variables,
) -> Result<DatabaseFound, NotLookedAt> {
    std::thread::scope(|threads| {
        let variables = Arc::clone(variables);
        threads
            .spawn(move || look_at_database(settings, Path::new("/"), variables))
            .join()
            .unwrap_or_else(|_| {
                Err(NotLookedAt {
                    why: "looking at the database was broken off by an error of Lifeboat".to_owned(),
                    wants_ca_file: false,
                })
            })
    })
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
    // By its whole path: somebody who only tries it has nothing installed.
    let program = outside.program.display().to_string();
    let program = quoted(&program);
    let config = places.config.display().to_string();
    writeln!(
        outside.out,
        "The sandbox is kept. This works on it:\n  {program} --config {} environments",
        quoted(&config)
    )?;
    if demo.has_databases() {
        let root = demo.root().display().to_string();
        writeln!(
            outside.out,
            "Its databases run while the demo is open. This opens it again:\n  {program} demo --at {}",
            quoted(&root)
        )?;
    }
    Ok(outside.out.flush()?)
}

fn print_json(outside: &mut Outside, value: &impl Serialize) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from)?;
    Ok(writeln!(outside.out, "{}", printable::json(text))?)
}

/// Plays the whole story without a screen.
async fn story(demo: &Demo, globals: &Globals, outside: &mut Outside) -> Result<(), CliError> {
    let report = if globals.json {
        let report = demo.play_story(&mut outside.err).await?;
        print_json(outside, &report)?;
        report
    } else {
        let width = outside.table_width().unwrap_or(usize::MAX);
        demo.play_story(&mut Wrapping::new(&mut outside.out, width))
            .await?
    };
    if report.identical {
        return Ok(());
    }
    Err(CliError::failed(
        "the recovered content is not identical to what Live was before: that must never happen. Keep the sandbox with --at DIR and look at the differences above",
    ))
}

fn half_made(at: &Path, interrupt: Interrupt) -> CliError {
    CliError::failed(format!(
        "{} while it made its sandbox: {} holds a part of one, so delete that before you give the folder to --at again",
        happened(interrupt),
        at.display()
    ))
}

fn interrupted(interrupt: Interrupt) -> CliError {
    CliError::failed(format!(
        "{}; its sandbox is removed unless --at keeps it",
        happened(interrupt)
    ))
}

/// What has ended a demo.
fn happened(interrupt: Interrupt) -> &'static str {
    match interrupt {
        Interrupt::CtrlC => "the demo was interrupted",
        Interrupt::Terminate => "the demo was asked to end by a signal",
        Interrupt::HungUp => "the demo's terminal went away",
    }
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
