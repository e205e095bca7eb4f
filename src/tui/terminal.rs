//! The real terminal: taking it, giving it back whatever happens, and listening to it.
//!
//! It is given back after quitting, after an error, after a panic, on SIGTERM, SIGHUP and SIGINT, and while the process
//! is stopped. All keys are read by one thread that sleeps in the kernel, so an idle cockpit uses no time at all.

use std::cell::Cell;
use std::io::{self, IsTerminal as _, Stdout, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossterm::event;
use crossterm::terminal::{disable_raw_mode, enable_raw_mode};
use ratatui::layout::Size;
use rustix::process::{Signal, kill_current_process_group};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;

use super::display::{Display, Written};
use super::key::Input;
use super::paint::Frame;

/// The other screen, no cursor, pasted text told from typed text.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?2004h";
/// Clicks and the wheel.
const MOUSE: &[u8] = b"\x1b[?1000h\x1b[?1006h";
/// Takes back all of it, and ends an update that a panic may have left open.
const LEAVE: &[u8] = b"\x1b[?2026l\x1b[m\x1b[?1006l\x1b[?1000l\x1b[?2004l\x1b[?25h\x1b[?1049l";

/// Whether the terminal is taken at this moment. The terminal belongs to the whole process, and so does this.
static TAKEN: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// Whether this thread is updating or drawing. A panic there ends the cockpit; one elsewhere does not.
    static IN_LOOP: Cell<bool> = const { Cell::new(false) };
}

/// Runs a part of the loop, so that a panic in it is known to be the cockpit's own.
pub fn in_loop<T>(part: impl FnOnce() -> T) -> T {
    IN_LOOP.set(true);
    let result = part();
    IN_LOOP.set(false);
    result
}

/// The terminal, taken. Dropping it gives it back.
#[derive(Debug)]
pub struct Terminal {
    out: Written<Stdout>,
    mouse: bool,
}

impl Terminal {
    /// Takes the terminal.
    pub fn take(mouse: bool) -> io::Result<Self> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return Err(io::Error::other("input or output is not a terminal"));
        }
        let mut terminal = Self {
            out: Written::new(io::stdout()),
            mouse,
        };
        terminal.enter()?;
        Ok(terminal)
    }

    fn enter(&mut self) -> io::Result<()> {
        enable_raw_mode()?;
        TAKEN.store(true, Ordering::SeqCst);
        self.out.send(ENTER)?;
        if self.mouse {
            self.out.send(MOUSE)?;
        }
        self.out.forget();
        Ok(())
    }
}

/// Gives the terminal back, if it is taken. The errors of a terminal that is gone are of no use to anybody.
fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        let mut out = io::stdout();
        let _ = out.write_all(LEAVE);
        let _ = out.flush();
        let _ = disable_raw_mode();
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

impl Display for Terminal {
    fn size(&self) -> io::Result<Size> {
        let (width, height) = crossterm::terminal::size()?;
        Ok(Size { width, height })
    }

    fn show(&mut self, frame: Frame) -> io::Result<()> {
        if TAKEN.load(Ordering::SeqCst) {
            self.out.show(frame)
        } else {
            Ok(())
        }
    }

    fn forget(&mut self) {
        self.out.forget();
    }

    fn copy(&mut self, text: &str) -> io::Result<()> {
        let encoded = base64(text.as_bytes());
        self.out.send(format!("\x1b]52;c;{encoded}\x07").as_bytes())
    }

    fn suspend(&mut self) -> io::Result<()> {
        give_back();
        // The whole group, as the terminal itself would do it: a wrapper that waits for this process stops with it,
        // and the shell notices. SIGSTOP rather than SIGTSTP, since the latter is ignored where no shell would
        // continue the process.
        kill_current_process_group(Signal::STOP).map_err(io::Error::from)
    }

    fn resume(&mut self) -> io::Result<()> {
        if TAKEN.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.enter()
    }
}

/// Base64, which the terminal's clipboard command takes.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let sixths = [
            group[0] >> 2,
            (group[0] & 3) << 4 | group[1] >> 4,
            (group[1] & 15) << 2 | group[2] >> 6,
            group[2] & 63,
        ];
        for (index, sixth) in sixths.into_iter().enumerate() {
            let letter = LETTERS[usize::from(sixth)];
            text.push(if index <= chunk.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

/// Starts the thread that reads the terminal, and the tasks that wait for signals.
pub fn listen(inputs: &UnboundedSender<Input>) -> io::Result<()> {
    let keys = inputs.clone();
    std::thread::Builder::new()
        .name("keys".to_owned())
        .spawn(move || {
            loop {
                let input = match event::read() {
                    Ok(event) => Input::from_event(event),
                    Err(_) => Some(Input::Closed),
                };
                let closed = input == Some(Input::Closed);
                if input.is_some_and(|input| keys.send(input).is_err()) || closed {
                    return;
                }
            }
        })?;
    for (kind, input) in [
        (SignalKind::terminate(), Input::Terminate),
        (SignalKind::hangup(), Input::HungUp),
        (SignalKind::interrupt(), Input::Terminate),
        (SignalKind::from_raw(Signal::CONT.as_raw()), Input::Continued),
    ] {
        let mut signals = signal(kind)?;
        let inputs = inputs.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if inputs.send(input.clone()).is_err() {
                    return;
                }
            }
        });
    }
    Ok(())
}

type Hook = Box<dyn Fn(&std::panic::PanicHookInfo<'_>) + Sync + Send>;

/// While it lives, a panic of the cockpit itself gives the terminal back before it is reported, and a panic elsewhere
/// is shown on the screen instead of being printed across it.
pub struct PanicGuard {
    before: Arc<Hook>,
}

impl PanicGuard {
    /// Puts the guard up.
    pub fn new(inputs: UnboundedSender<Input>) -> Self {
        let before: Arc<Hook> = Arc::new(std::panic::take_hook());
        let report = Arc::clone(&before);
        std::panic::set_hook(Box::new(move |info| {
            if IN_LOOP.get() || inputs.send(Input::Panicked(described(info))).is_err() {
                give_back();
                report(info);
            }
        }));
        Self { before }
    }
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        // Hooks cannot be changed while a panic is on its way.
        if !std::thread::panicking() {
            let before = Arc::clone(&self.before);
            std::panic::set_hook(Box::new(move |info| before(info)));
        }
    }
}

fn described(info: &std::panic::PanicHookInfo<'_>) -> String {
    let what = info.payload_as_str().unwrap_or("no reason was given");
    match info.location() {
        Some(at) => format!("{what} ({}:{})", at.file(), at.line()),
        None => what.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_others_have_it() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("1a2b3c4d", "MWEyYjNjNGQ="),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }
}
