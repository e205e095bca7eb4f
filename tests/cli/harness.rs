//! Runs the command line in memory: streams, clock and signals of the test's own.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, BufReader, Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use async_trait::async_trait;
use lifeboat::backend::Backend;
use lifeboat::backend::embedded::Embedded;
use lifeboat::backend::read_only::ReadOnly;
use lifeboat::cli::verbs::demo::DemoArguments;
use lifeboat::cli::{CliError, Connection, ErrorKind, Globals, House, Interrupt, Outside, Survey};
use lifeboat::config::{Context, NamedContext, Places};
use lifeboat::domain::address::Address;
use lifeboat::domain::check::{DatabaseFound, HomeFound, NotLookedAt};
use lifeboat::domain::deed::Deeds;
use lifeboat::domain::environment::EnvironmentName;
use lifeboat::domain::settings::{PostgresSettings, ServerSettings, StorageOptions};
use lifeboat::domain::stop::Unseen;
use tokio::sync::mpsc;

use crate::made_up::{Fixture, one_project};
use crate::service::Service;

/// How long a question has been on a terminal before what is pasted or typed answers it, as in the program.
const MEANT_AFTER: Duration = Duration::from_millis(300);
/// How long it may take until something is asked.
const PATIENCE: Duration = Duration::from_mins(1);

/// How a command ended and what it printed.
#[derive(Debug)]
pub struct Ended {
    pub code: u8,
    pub out: String,
    pub err: String,
    /// The address of the service that was asked, where one was.
    pub address: Option<String>,
    /// Why the backend was told that nobody looks on any more, if it was.
    pub unseen: Option<Unseen>,
    /// What the backend was asked for, in order.
    pub calls: Vec<String>,
    /// How often the terminal was asked to throw away what was typed, and to show what is typed from then on.
    pub flushes: usize,
}

impl Ended {
    /// All of it, for a snapshot.
    pub fn transcript(&self) -> String {
        let mut text = format!("exit code {}\n", self.code);
        for (name, stream) in [("out", &self.out), ("err", &self.err)] {
            if !stream.is_empty() {
                text.extend(["--- ", name, "\n", stream]);
            }
        }
        text
    }
}

/// A run that is being prepared.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent circumstance of a run, named by the function that sets it"
)]
pub struct Run {
    arguments: Vec<String>,
    backend: Arc<Fixture>,
    /// What is typed: each of these in one go, once something is asked and the one before it was answered.
    input: Vec<String>,
    /// How long a question has been there before what is typed answers it.
    meant_after: Duration,
    on_terminal: bool,
    read_only: bool,
    out_of_reach: bool,
    reader_gone: bool,
    jobs_run_here: bool,
    interrupts: Vec<Interrupt>,
    deaf: Option<io::ErrorKind>,
    program: PathBuf,
    columns: Option<usize>,
    /// The service that the backend is asked through.
    through: Option<Arc<dyn Backend>>,
}

thread_local! {
    /// Whether the test on this thread asks its backend through a service.
    pub static ELSEWHERE: Cell<bool> = const { Cell::new(false) };
}

/// Runs a test twice: on a backend in this process, and through a service on loopback.
macro_rules! alike {
    ($name:ident) => {
        mod $name {
            use crate::harness::ELSEWHERE;

            #[test]
            fn here() {
                ELSEWHERE.set(false);
                super::$name();
            }

            #[test]
            fn elsewhere() {
                ELSEWHERE.set(true);
                super::$name();
            }
        }
    };
}
pub(crate) use alike;

/// Prepares a run of `lifeboat` with these arguments, on the usual made-up data.
pub fn lifeboat(arguments: &[&str]) -> Run {
    Run {
        arguments: std::iter::once("lifeboat")
            .chain(arguments.iter().copied())
            .map(str::to_owned)
            .collect(),
        backend: Arc::new(one_project::usual()),
        input: Vec::new(),
        meant_after: Duration::ZERO,
        on_terminal: false,
        read_only: false,
        out_of_reach: false,
        reader_gone: false,
        jobs_run_here: false,
        interrupts: Vec::new(),
        deaf: None,
        program: PathBuf::from("lifeboat"),
        columns: None,
        through: None,
    }
}

impl Run {
    pub fn on(mut self, backend: Fixture) -> Self {
        self.backend = Arc::new(backend);
        self
    }

    /// Types these lines on a terminal as a person does: each one once something is asked.
    pub fn typing(mut self, input: &str) -> Self {
        self.input = input.split_inclusive('\n').map(str::to_owned).collect();
        self.on_terminal = true;
        self
    }

    /// Pastes these on a terminal: each of them once something is asked, and whatever it holds in one go.
    pub fn pasting(mut self, pieces: &[&str]) -> Self {
        self.input = pieces.iter().map(|piece| (*piece).to_owned()).collect();
        self.meant_after = MEANT_AFTER;
        self.on_terminal = true;
        self
    }

    /// Types through a pipe, as an editor or a script does: all of it is there before anything is asked.
    pub fn piping(mut self, input: &str) -> Self {
        self.input = vec![input.to_owned()];
        self
    }

    pub fn on_a_terminal(mut self, columns: usize) -> Self {
        self.on_terminal = true;
        self.columns = Some(columns);
        self
    }

    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    pub fn out_of_reach(mut self) -> Self {
        self.out_of_reach = true;
        self
    }

    pub fn reader_gone(mut self) -> Self {
        self.reader_gone = true;
        self
    }

    pub fn interrupted(mut self, interrupts: &[Interrupt]) -> Self {
        self.interrupts = interrupts.to_vec();
        self
    }

    /// What is said beside the result cannot be written, since a terminal has gone or a reader.
    pub fn said_to_nobody(mut self, error: io::ErrorKind) -> Self {
        self.deaf = Some(error);
        self
    }

    pub fn jobs_run_here(mut self, program: &str) -> Self {
        self.jobs_run_here = true;
        self.program = program.into();
        self
    }

    /// Runs it to its end.
    pub fn ends(self) -> Ended {
        let (out, err) = (Pipe::default(), Pipe::default());
        let interrupts = self.interrupts.clone();
        let backend = Arc::clone(&self.backend);
        let flushes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&flushes);
        let mut outside = Outside {
            out: if self.reader_gone {
                Box::new(Deaf(io::ErrorKind::BrokenPipe))
            } else {
                Box::new(out.clone())
            },
            err: match self.deaf {
                Some(error) => Box::new(Deaf(error)),
                None => Box::new(err.clone()),
            },
            input: if self.on_terminal && self.deaf.is_none() {
                Box::new(BufReader::new(Typist {
                    pieces: self.input.clone().into(),
                    given: Cursor::default(),
                    answers_after: self.meant_after * 2,
                    shown: err.clone(),
                    answered: 0,
                }))
            } else {
                Box::new(BufReader::new(Cursor::new(self.input.concat())))
            },
            out_is_terminal: self.on_terminal,
            err_is_terminal: self.on_terminal,
            input_is_terminal: self.on_terminal,
            columns: self.columns,
            now: Box::new(one_project::now),
            interrupts: Box::new(move || {
                let (tell, told) = mpsc::unbounded_channel();
                for interrupt in &interrupts {
                    tell.send(*interrupt).unwrap();
                }
                told
            }),
            random: |buffer| {
                buffer.fill(0xa5);
                Ok(())
            },
            echo: Box::new(move |is_shown| {
                counted.fetch_add(usize::from(is_shown), Ordering::Relaxed);
                Ok(())
            }),
            typed_ahead: || 0,
            meant_after: self.meant_after,
            leave: |_, _| {},
            program: self.program.clone(),
            leave_terminal: || Ok(()),
            has_terminal: || false,
        };
        let arguments = self.arguments.iter().map(Into::into).collect();
        let (code, address) = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(async {
                let mut run = self;
                let mut address = None;
                if ELSEWHERE.get() {
                    let over = Service::over(Arc::clone(&run.backend) as _).await;
                    run.through = Some(Arc::new(over.client()));
                    address = Some(over.address.clone());
                    run.backend.hold_back();
                    tokio::spawn(play_when_heard(over, Arc::clone(&run.backend)));
                }
                (lifeboat::cli::run(arguments, &mut outside, &run).await, address)
            });
        let state = backend.state();
        Ended {
            code,
            out: out.text(),
            err: err.text(),
            address,
            unseen: state.unseen,
            calls: state.calls.clone(),
            flushes: flushes.load(Ordering::Relaxed),
        }
    }
}

/// Lets the backend tell what it has held back once a stream of events stands, and serves on.
async fn play_when_heard(service: Service, backend: Arc<Fixture>) {
    service.network.streams().await;
    backend.play();
    std::future::pending::<()>().await;
}

impl Survey for Run {
    fn database(&self, settings: &PostgresSettings) -> Result<DatabaseFound, NotLookedAt> {
        let variables: lifeboat::engine::Variables = Arc::new(|_| None);
        lifeboat::cli::look_on_a_thread(settings, &variables)
    }

    fn home(&self, home: &Path) -> Result<(), String> {
        lifeboat::engine::look_at_home(home)
    }

    fn folder(&self, folder: &Path) -> Option<HomeFound> {
        lifeboat::engine::look_at_folder(folder)
    }

    fn storage(
        &self,
        root: &Address,
        options: &StorageOptions,
        environment: &EnvironmentName,
    ) -> Result<bool, String> {
        let variables: lifeboat::engine::Variables = Arc::new(|_| None);
        lifeboat::engine::look_at_storage(root, options, environment, &variables)
    }

    fn key(
        &self,
        root: &Address,
        options: &StorageOptions,
        environment: &EnvironmentName,
        key: &Path,
    ) -> Result<(), String> {
        let variables: lifeboat::engine::Variables = Arc::new(|_| None);
        lifeboat::engine::try_key(root, options, environment, key, &variables)
    }
}

#[async_trait(?Send)]
impl House for Run {
    fn places(&self) -> &Places {
        static PLACES: std::sync::LazyLock<Places> = std::sync::LazyLock::new(|| Places {
            config: Some("/home/kim/.config/lifeboat".into()),
            state: Some("/home/kim/.local/state/lifeboat".into()),
            cache: Some("/home/kim/.cache/lifeboat".into()),
            data: Some("/home/kim/.local/share/lifeboat".into()),
        });
        &PLACES
    }

    fn config_file(&self, globals: &Globals) -> Result<PathBuf, CliError> {
        Ok(self.places().config_file(globals.config.as_deref())?)
    }

    fn state_folder(&self, _globals: &Globals) -> Result<PathBuf, CliError> {
        Ok(self.places().state_folder()?.to_owned())
    }

    fn jobs_run_here(&self, _globals: &Globals) -> Result<bool, CliError> {
        Ok(self.jobs_run_here)
    }

    fn survey(&self) -> &dyn Survey {
        self
    }

    async fn connect(&self, globals: &Globals) -> Result<Connection, CliError> {
        if self.out_of_reach {
            return Err(CliError::new(
                ErrorKind::OutOfReach,
                "backups.example.com does not answer",
            ));
        }
        let name = globals.context.clone().unwrap_or_else(|| "local".to_owned());
        let here = || Arc::clone(&self.backend) as Arc<dyn Backend>;
        let backend = self.through.clone().unwrap_or_else(here);
        Ok(Connection {
            opening: None,
            backend: if self.read_only {
                Arc::new(ReadOnly::new(backend, name.clone()))
            } else {
                backend
            },
            context: NamedContext {
                name,
                context: Context {
                    read_only: self.read_only,
                    ..Context::default()
                },
            },
        })
    }

    fn engine_here(
        &self,
        _globals: &Globals,
        _keep_schedule: bool,
        _deeds: Deeds,
    ) -> Result<(Embedded, ServerSettings), CliError> {
        Err(CliError::failed("the engine of this machine was opened"))
    }

    fn user(&self) -> &'static str {
        "kim"
    }

    fn variable(&self, _name: &str) -> Option<String> {
        None
    }

    async fn cockpit(&self, _globals: &Globals, _outside: &Outside) -> Result<(), CliError> {
        Err(CliError::failed("the cockpit was opened"))
    }

    async fn demo(
        &self,
        arguments: &DemoArguments,
        _globals: &Globals,
        outside: &mut Outside,
    ) -> Result<(), CliError> {
        writeln!(outside.out, "demo, headless: {}", arguments.headless)?;
        Ok(())
    }
}

/// A stream in memory.
#[derive(Debug, Clone, Default)]
struct Pipe(Arc<(Mutex<Vec<u8>>, Condvar)>);

impl Pipe {
    fn text(&self) -> String {
        String::from_utf8(self.0.0.lock().unwrap().clone()).unwrap()
    }

    /// Waits until something is asked behind so many bytes, and gives how many there are then.
    fn asks_behind(&self, known: usize) -> usize {
        let (shown, changed) = &*self.0;
        let is_asked = |shown: &Vec<u8>| {
            shown.len() > known && [&b"> "[..], b": "].iter().any(|end| shown.ends_with(end))
        };
        let waits = changed.wait_timeout_while(shown.lock().unwrap(), PATIENCE, |shown| !is_asked(shown));
        let (shown, waited) = waits.unwrap();
        assert!(
            !waited.timed_out(),
            "nothing was asked behind {}",
            String::from_utf8_lossy(&shown)
        );
        shown.len()
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.0.lock().unwrap().write(bytes);
        self.0.1.notify_all();
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Somebody at the keyboard of a terminal, who types when something is asked.
struct Typist {
    pieces: VecDeque<String>,
    /// What is typed now.
    given: Cursor<Vec<u8>>,
    /// How long it takes to read a question and to type.
    answers_after: Duration,
    /// Where questions are shown.
    shown: Pipe,
    /// How much was shown when something was typed last.
    answered: usize,
}

impl Read for Typist {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let is_given = self.given.position() == self.given.get_ref().len() as u64;
        if is_given && let Some(piece) = self.pieces.pop_front() {
            // Whoever is asked something else meanwhile answers that.
            loop {
                self.answered = self.shown.asks_behind(self.answered);
                thread::sleep(self.answers_after);
                if self.shown.text().len() == self.answered {
                    break;
                }
            }
            self.given = Cursor::new(piece.into_bytes());
        }
        self.given.read(into)
    }
}

/// A stream that nobody is at the other end of any more.
struct Deaf(io::ErrorKind);

impl Write for Deaf {
    fn write(&mut self, _bytes: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
