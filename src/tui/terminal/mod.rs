//! The real terminal: taking it, giving it back whatever happens, and listening to it.
//!
//! It is given back after quitting, after an error, after a panic, on every signal that would end the process, and while
//! the process is stopped. Nothing here waits for a terminal that takes no output for longer than a moment.
//!
//! - `asking`: whether an answer of the terminal is on its way.
//! - `modes`: the terminal's own settings.
//! - `output`: the thread that writes.
//! - `listen`: the thread that reads, and signals.
//! - `taken`: whether it is taken at this moment.
//! - `shell`: whether a process that is stopped here would ever go on.
//! - `panics`: what a panic does.

mod asking;
mod listen;
mod modes;
mod output;
mod panics;
mod shell;
mod taken;

use std::io::{self, IsTerminal as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ratatui::layout::Size;
use rustix::process::{Signal, getpid, kill_current_process_group, kill_process};
use rustix::termios::tcgetwinsize;
use tokio::sync::mpsc::UnboundedSender;

pub use self::listen::listen;
use self::output::Output;
pub use self::panics::{PanicGuard, in_loop};
use super::display::{Display, Shown, Stop};
use super::key::Input;
use super::paint::{Frame, Painter};

/// The other screen, no cursor, pasted text told from typed text, and whether the terminal has the focus.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h\x1b[?1004h";
/// Clicks and the wheel.
const MOUSE: &[u8] = b"\x1b[?1000h\x1b[?1006h";
/// Takes back all of it, and ends an update that was left open. The screen is emptied before it is left: where there is no
/// other screen, the cockpit would stay behind as if it still ran.
const LEAVE: &[u8] =
    b"\x1b[?2026l\x1b[m\x1b[?1006l\x1b[?1000l\x1b[?1004l\x1b[?2004l\x1b[H\x1b[2J\x1b[?25h\x1b[?1049l";
/// Sends the cursor to the last corner, asks where it is, and brings it back.
const ASK_CORNER: &[u8] = b"\x1b7\x1b[999;999H\x1b[6n\x1b8";
/// Asks what the terminal writes on. The answer comes as input, whenever it does: nothing waits for it.
const ASK_BACKGROUND: &[u8] = b"\x1b]11;?\x1b\\";
/// How long an answer may be on its way when the terminal is given back. One that comes later would be typed into the
/// shell.
const ANSWERED: Duration = Duration::from_millis(250);
/// How long a terminal may take to take what gives it back. One that stalls is left as it is.
const LEAVING: Duration = Duration::from_millis(300);
/// How often it is looked whether a job in the background has the terminal again.
const LOOK: Duration = Duration::from_millis(200);
/// What a terminal has that does not say.
const USUAL: Size = Size {
    width: 80,
    height: 24,
};

/// The way to it, for whoever has to give it back.
static OUTPUT: OnceLock<Output> = OnceLock::new();

/// The terminal, taken. Dropping it gives it back.
#[derive(Debug)]
pub struct Terminal {
    output: Output,
    painter: Painter,
    mouse: bool,
    /// The size that the terminal has told, where the system does not know it.
    corner: Option<Size>,
    inputs: UnboundedSender<Input>,
    /// Whether somebody looks whether the terminal is this process's again.
    waits: Arc<AtomicBool>,
}

impl Terminal {
    /// Takes the terminal, and asks what it writes on where `asks_background` says so. What becomes of its frames is told as
    /// input, and so is the answer.
    pub fn take(mouse: bool, asks_background: bool, inputs: &UnboundedSender<Input>) -> io::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(io::Error::other("input or output is not a terminal"));
        }
        let output = Output::start(inputs.clone())?;
        let _ = OUTPUT.set(output.clone());
        let mut terminal = Self {
            output,
            painter: Painter::default(),
            mouse,
            corner: None,
            inputs: inputs.clone(),
            waits: Arc::default(),
        };
        terminal.enter()?;
        if asks_background {
            asking::asked();
            terminal.output.send(ASK_BACKGROUND);
        }
        Ok(terminal)
    }

    /// Says [`Input::Continued`] when the terminal is this process's again: shells do not say so to a job that runs.
    fn wait_in_the_background(&mut self) {
        if self.waits.swap(true, Ordering::SeqCst) {
            return;
        }
        let (inputs, waits) = (self.inputs.clone(), Arc::clone(&self.waits));
        tokio::spawn(async move {
            while !shell::has_the_terminal() {
                tokio::time::sleep(LOOK).await;
            }
            waits.store(false, Ordering::SeqCst);
            // The cockpit may have ended meanwhile.
            let _ = inputs.send(Input::Continued);
        });
    }

    fn enter(&mut self) -> io::Result<()> {
        modes::take()?;
        taken::set(true);
        self.output.send(ENTER);
        if self.mouse {
            self.output.send(MOUSE);
        }
        if told_size().is_none() {
            self.output.send(ASK_CORNER);
        }
        self.painter.forget();
        Ok(())
    }
}

/// The size that the system knows. Serial lines and some containers have none.
fn told_size() -> Option<Size> {
    let size = tcgetwinsize(io::stdout()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then_some(Size {
        width: size.ws_col,
        height: size.ws_row,
    })
}

/// Gives the terminal back, if it is taken. The errors of a terminal that is gone are of no use to anybody.
fn give_back() {
    if !taken::set(false) {
        return;
    }
    if let Some(output) = OUTPUT.get() {
        output.send(LEAVE);
        if !output.wait(LEAVING) {
            // What it has not taken yet is not wanted any more.
            modes::drop_output();
            output.wait(LEAVING);
        }
    }
    asking::wait(ANSWERED);
    let _ = modes::give_back();
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

impl Display for Terminal {
    fn size(&self) -> io::Result<Size> {
        Ok(told_size().or(self.corner).unwrap_or(USUAL))
    }

    fn corner(&mut self, size: Size) {
        self.corner = Some(size);
    }

    fn show(&mut self, frame: Frame) -> io::Result<Shown> {
        if !taken::is_so() || !self.output.is_free() {
            return Ok(Shown::NotYet);
        }
        let bytes = self.painter.encode(frame);
        if bytes.is_empty() {
            return Ok(Shown::Already);
        }
        self.output.send(&bytes);
        Ok(Shown::UnderWay)
    }

    fn forget(&mut self) {
        self.painter.forget();
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.send(bytes);
        Ok(())
    }

    fn can_stop(&self) -> bool {
        shell::would_continue()
    }

    fn suspend(&mut self, stop: Stop) -> io::Result<()> {
        give_back();
        // SIGSTOP, since SIGTSTP is taken by this process itself.
        match stop {
            // The whole group, as the terminal itself would do it: a wrapper that waits for this process stops with it,
            // and the shell notices.
            Stop::Group => kill_current_process_group(Signal::STOP)?,
            Stop::Process => kill_process(getpid(), Signal::STOP)?,
        }
        Ok(())
    }

    fn resume(&mut self) -> io::Result<()> {
        // Continued in the background (`bg`, or a signal that lets a job go on): the terminal is somebody else's, and jobs
        // go on without it. `fg` continues the process once more.
        if !shell::has_the_terminal() {
            taken::set(false);
            self.wait_in_the_background();
            return Ok(());
        }
        // Also when it had not been given back: whoever stopped the process from outside has changed the settings.
        self.enter()
    }
}
