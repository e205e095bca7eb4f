//! Listening: one thread that reads the terminal, and tasks that wait for signals. The thread sleeps in the kernel, so
//! an idle cockpit uses no time at all, and it ends when there is nothing more to read.

use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedSender;

use super::taken;
use crate::tui::decode::Decoder;
use crate::tui::key::Input;
use crate::tui::presses::Presses;

/// Signals that end a process unless it takes them. Here they end the cockpit, so that the terminal is given back.
const ENDING: [Signal; 11] = [
    Signal::TERM,
    Signal::INT,
    Signal::QUIT,
    Signal::ABORT,
    Signal::ALARM,
    Signal::USR1,
    Signal::USR2,
    Signal::VTALARM,
    Signal::PROF,
    Signal::XCPU,
    Signal::XFSZ,
];

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
    let ending = ENDING.map(|signal| (signal, Input::Terminate));
    for (kind, input) in ending.into_iter().chain(others) {
        let mut signals = signal(SignalKind::from_raw(kind.as_raw()))?;
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
