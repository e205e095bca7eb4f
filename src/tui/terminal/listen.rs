//! Listening: one thread that reads the terminal, and tasks that wait for signals. The thread sleeps in the kernel, so
//! an idle cockpit uses no time at all, and it ends when there is nothing more to read.

use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;

use super::{asking, taken};
use crate::tui::decode::Decoder;
use crate::tui::key::Input;
use crate::tui::presses::Presses;

/// Signals that end a process unless it takes them. Here they end the cockpit, so that the terminal is given back.
///
/// Left out are those that say that the next instruction of this process cannot be run (SIGBUS, SIGFPE, SIGILL, SIGSEGV):
/// it would be tried again for ever. SIGPIPE is ignored by every program in Rust.
const ENDING: [Signal; 14] = [
    Signal::TERM,
    Signal::INT,
    Signal::QUIT,
    Signal::TRAP,
    Signal::ABORT,
    Signal::SYS,
    Signal::ALARM,
    Signal::USR1,
    Signal::USR2,
    Signal::VTALARM,
    Signal::PROF,
    Signal::XCPU,
    Signal::XFSZ,
    Signal::IO,
];

/// More of them, which only Linux has.
#[cfg(target_os = "linux")]
const ENDING_ON_LINUX: [Signal; 2] = [Signal::POWER, Signal::STKFLT];
#[cfg(not(target_os = "linux"))]
const ENDING_ON_LINUX: [Signal; 0] = [];

/// The numbers of the real-time signals, which end a process too. The C library keeps the first few for itself, how many
/// depends on the library, and lets nobody take them.
#[cfg(target_os = "linux")]
const REAL_TIME: std::ops::RangeInclusive<i32> = 32..=64;
#[cfg(not(target_os = "linux"))]
const REAL_TIME: std::ops::Range<i32> = 0..0;

/// Starts the thread and the tasks.
pub fn listen(inputs: &UnboundedSender<Input>) -> io::Result<()> {
    let keys = inputs.clone();
    std::thread::Builder::new()
        .name("keys".to_owned())
        .spawn(move || {
            // Nobody listens any more once the cockpit has ended.
            if read_until_closed(&keys).is_some() {
                let _ = keys.send(Input::Closed);
            }
        })?;
    let others = [
        (Signal::HUP, Input::HungUp),
        (Signal::TSTP, Input::Stop),
        (Signal::CONT, Input::Continued),
        (Signal::WINCH, Input::Resized),
    ];
    let ending = ENDING.into_iter().chain(ENDING_ON_LINUX);
    for (kind, input) in ending.map(|kind| (kind, Input::Terminate)).chain(others) {
        tell(take(kind.as_raw())?, input, inputs);
    }
    for signals in REAL_TIME.filter_map(|number| take(number).ok()) {
        tell(signals, Input::Terminate, inputs);
    }
    Ok(())
}

/// Takes a signal from the system, for good.
fn take(number: i32) -> io::Result<Signals> {
    signal(SignalKind::from_raw(number))
}

/// Tells every signal of a kind as input.
fn tell(mut signals: Signals, input: Input, inputs: &UnboundedSender<Input>) {
    let inputs = inputs.clone();
    tokio::spawn(async move {
        while signals.recv().await.is_some() {
            if inputs.send(input.clone()).is_err() {
                return;
            }
        }
    });
}

/// Reads until the terminal gives no more; `None` when nobody wants to know any more.
fn read_until_closed(inputs: &UnboundedSender<Input>) -> Option<()> {
    let terminal = io::stdin();
    let (mut decoder, mut presses) = (Decoder::default(), Presses::default());
    let mut buffer = [0; 4096];
    let mut at = Instant::now();
    loop {
        let came = match wait_and_read(&terminal, decoder.patience(), &mut buffer) {
            Ok(Some(0)) | Err(_) => return Some(()),
            Ok(Some(count)) => {
                at = Instant::now();
                decoder.feed(&buffer[..count])
            }
            // What a pause decides on was pressed before it.
            Ok(None) => decoder.paused(),
        };
        for input in presses.sort(at, came) {
            if matches!(input, Input::Background(_)) {
                asking::answered();
            }
            inputs.send(input).ok()?;
        }
    }
}

/// Reads what is there, as soon as something is; `None` when nothing came in time.
fn wait_and_read(
    terminal: &io::Stdin,
    patience: Option<Duration>,
    buffer: &mut [u8],
) -> rustix::io::Result<Option<usize>> {
    let limit = patience.and_then(|patience| Timespec::try_from(patience).ok());
    loop {
        let ready = match poll(&mut [PollFd::new(terminal, PollFlags::IN)], limit.as_ref()) {
            Err(Errno::INTR) => continue,
            ready => ready?,
        };
        if ready == 0 {
            return Ok(None);
        }
        taken::wait();
        match rustix::io::read(terminal, &mut *buffer) {
            Err(Errno::INTR | Errno::AGAIN) => {}
            read => return Ok(Some(read?)),
        }
    }
}
