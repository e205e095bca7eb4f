//! What a command gets from the world: streams, the clock, signals, randomness.
//!
//! `main` fills it with the real ones, tests with their own. Nothing else in the command line touches them.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;

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
    /// Listens to Ctrl-C and to being asked to end, from the first call on: one message each time. Until it is called
    /// they end the process.
    pub interrupts: Box<dyn Fn() -> mpsc::UnboundedReceiver<()> + Send + Sync>,
    /// Fills a buffer with random bytes that are good enough for a key.
    pub random: fn(&mut [u8]) -> io::Result<()>,
    /// Shows what is typed on the terminal, or does not: for secrets.
    pub echo: Box<dyn Fn(bool) -> io::Result<()> + Send + Sync>,
    /// This program's file, to start it again in the background.
    pub program: PathBuf,
    /// Cuts the process loose from its terminal, so that it goes on when the terminal closes.
    pub leave_terminal: fn() -> io::Result<()>,
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
}
