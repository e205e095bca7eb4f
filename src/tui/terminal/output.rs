//! Writing to the terminal from a thread of its own: a link that stalls or a client that is stopped keeps that thread
//! waiting, and nobody else. Whoever draws asks first whether the last frame has been taken, and leaves frames out until
//! it has.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::sync::mpsc::UnboundedSender;

use crate::tui::key::Input;

/// The way to the terminal. Cheap to clone: every clone is the same way.
#[derive(Debug, Clone)]
pub(super) struct Output {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What is still to be written.
    waiting: Vec<u8>,
    /// Whether some of it is being written at this moment.
    writing: bool,
    /// Whether the terminal takes nothing any more, and never will.
    gone: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Output {
    /// Starts the thread. It says [`Input::Shown`] each time that everything has been written, and [`Input::Closed`] when
    /// the terminal has gone.
    pub(super) fn start(inputs: UnboundedSender<Input>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let writer = Arc::clone(&shared);
        std::thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || write_all_that_comes(&writer, &inputs))?;
        Ok(Self { shared })
    }

    /// Whether everything has been written.
    pub(super) fn is_free(&self) -> bool {
        let state = self.shared.lock();
        !state.writing && state.waiting.is_empty()
    }

    /// Has these bytes written after those before. Does not wait.
    pub(super) fn send(&self, bytes: &[u8]) {
        let mut state = self.shared.lock();
        if !state.gone {
            state.waiting.extend_from_slice(bytes);
            self.shared.changed.notify_all();
        }
    }

    /// Waits until everything has been written, but not for longer than that. Says whether it has.
    pub(super) fn wait(&self, limit: Duration) -> bool {
        let is_busy = |state: &mut State| !state.gone && (state.writing || !state.waiting.is_empty());
        let mut state = self.shared.lock();
        let waited = self.shared.changed.wait_while_for(&mut state, is_busy, limit);
        !waited.timed_out()
    }
}

fn write_all_that_comes(shared: &Shared, inputs: &UnboundedSender<Input>) {
    loop {
        let bytes = {
            let mut state = shared.lock();
            shared
                .changed
                .wait_while(&mut state, |state| state.waiting.is_empty());
            state.writing = true;
            std::mem::take(&mut state.waiting)
        };
        let written = write(&bytes);
        let mut state = shared.lock();
        state.writing = false;
        state.gone = written.is_err();
        let told = match written {
            Err(_) => Some(Input::Closed),
            Ok(()) => state.waiting.is_empty().then_some(Input::Shown),
        };
        shared.changed.notify_all();
        drop(state);
        // Nobody listens any more while the program ends: what is still to be written is written all the same.
        if let Some(told) = told {
            let closed = told == Input::Closed;
            let _ = inputs.send(told);
            if closed {
                return;
            }
        }
    }
}

/// Writes bytes in as few writes as the terminal takes them in.
fn write(mut bytes: &[u8]) -> rustix::io::Result<()> {
    let terminal = io::stdout();
    while !bytes.is_empty() {
        match rustix::io::write(&terminal, bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            // Another program has left the terminal like this.
            Err(Errno::AGAIN) => {
                poll(&mut [PollFd::new(&terminal, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
