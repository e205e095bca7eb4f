//! What a command gets from the world: streams, the clock, signals, randomness.
//!
//! `main` fills it with the real ones, tests with their own. Nothing else in the command line touches them.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::domain::Instant;

/// The width that text for people is laid out for when no terminal says otherwise.
const USUAL_WIDTH: usize = 80;

/// What a command gets from the world.
pub struct Outside {
    /// Results go here.
    pub out: Box<dyn Write + Send>,
    /// Progress, questions and errors go here.
    pub err: Box<dyn Write + Send>,
    /// Answers come from here.
    pub input: Box<dyn BufRead + Send>,
    /// Whether `out` is a terminal.
    pub out_is_terminal: bool,
    /// Whether `err` is a terminal.
    pub err_is_terminal: bool,
    /// Whether `input` is a terminal.
    pub input_is_terminal: bool,
    /// The terminal's columns, where there is a terminal.
    pub columns: Option<usize>,
    /// The time.
    pub now: Box<dyn Fn() -> Instant + Send + Sync>,
    /// Listens to what interrupts a command, from the first call on: one message each time. Until it is called that ends
    /// the process.
    pub interrupts: Box<dyn Fn() -> Interrupts + Send + Sync>,
    /// Fills a buffer with random bytes that are good enough for a key.
    pub random: fn(&mut [u8]) -> io::Result<()>,
    /// Shows what is typed on the terminal, or does not: for secrets.
    pub echo: Box<dyn Fn(bool) -> io::Result<()> + Send + Sync>,
    /// Takes the lines that were typed on the terminal and that nobody has read, and says how many. Nobody else may be reading there.
    pub typed_ahead: fn() -> usize,
    /// This program's file, to start it again in the background.
    pub program: PathBuf,
    /// Cuts the process loose from its terminal, so that it goes on when the terminal closes.
    pub leave_terminal: fn() -> io::Result<()>,
    /// How long a question has been on a terminal before a line answers it that begins or confirms something: nobody reads or hears
    /// it, and types the answer, in less. What comes sooner was pasted, or typed before it was asked.
    pub meant_after: Duration,
    /// Says why, and ends the process at once with this exit code, whatever it waits for. What is typed is shown again.
    pub leave: fn(&str, u8),
    /// Whether the process has a terminal that is still there, wherever its streams lead.
    pub has_terminal: fn() -> bool,
}

/// What interrupts a command, as it comes.
pub type Interrupts = mpsc::UnboundedReceiver<Interrupt>;

/// Something that interrupts a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Ctrl-C: somebody at the keyboard wants it to stop.
    CtrlC,
    /// A signal asks the process to end.
    Terminate,
    /// The terminal went away. Not told where the process was started to outlive that, as by `nohup`.
    HungUp,
}

/// The next interrupt; none ever when nothing listens to them any more.
pub(super) async fn interrupted(interrupts: &mut Interrupts) -> Interrupt {
    match interrupts.recv().await {
        Some(interrupt) => interrupt,
        None => std::future::pending().await,
    }
}

/// Waits until the process is asked to end, by a person or by a signal.
#[cfg(feature = "engine")]
pub(super) async fn asked_to_end(interrupts: &mut Interrupts) {
    // A terminal that goes away may say so twice: the kernel does, and the shell does.
    while interrupted(interrupts).await == Interrupt::HungUp {}
}

impl Outside {
    /// How wide tables on `out` may be; `None` for as wide as they are.
    #[must_use]
    pub fn table_width(&self) -> Option<usize> {
        self.out_is_terminal.then(|| self.columns.unwrap_or(USUAL_WIDTH))
    }

    /// How wide sentences may be: up to 100 columns, so that they stay easy to read.
    #[must_use]
    pub fn error_width(&self) -> usize {
        self.columns.unwrap_or(USUAL_WIDTH).clamp(40, 100)
    }

    /// How wide lines may be about what goes on: as sentences where somebody reads them, and whole for programs.
    #[must_use]
    pub fn remark_width(&self) -> usize {
        if self.err_is_terminal {
            self.error_width()
        } else {
            usize::MAX
        }
    }
}
