//! To which receivers this process is under way: to each at most once, and to none because of another.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

use parking_lot::{Condvar, Mutex};
use tokio::sync::watch;

use super::Mailroom;

/// Who is being told something by this process.
#[derive(Default)]
pub(super) struct UnderWay {
    state: Mutex<State>,
    changed: Condvar,
    /// Says that this process ends, after it has waited for so long.
    ends: watch::Sender<Duration>,
}

#[derive(Default)]
struct State {
    to: HashSet<String>,
    /// How much was taken since this process began.
    taken: usize,
}

impl UnderWay {
    pub(super) fn is_to(&self, receiver: &str) -> bool {
        self.state.lock().to.contains(receiver)
    }

    pub(super) fn took(&self, count: usize) {
        self.state.lock().taken += count;
    }

    pub(super) fn taken(&self) -> usize {
        self.state.lock().taken
    }

    pub(super) fn is_to_anybody(&self) -> bool {
        !self.state.lock().to.is_empty()
    }

    /// What is under way is broken off, after so long, and written down as that.
    pub(super) fn break_off(&self, waited: Duration) {
        self.ends.send_replace(waited);
    }

    /// Waits until nobody is under way any more, until then at most.
    pub(super) fn wait(&self, until: Option<Monotonic>) {
        let mut state = self.state.lock();
        while !state.to.is_empty() {
            match until {
                None => self.changed.wait(&mut state),
                Some(until) if self.changed.wait_until(&mut state, until).timed_out() => return,
                Some(_) => {}
            }
        }
    }
}

/// The way to one receiver. It ends when this is dropped.
pub(super) struct Trip {
    room: Arc<Mailroom>,
    receiver: String,
    ends: watch::Receiver<Duration>,
}

impl Trip {
    pub(super) fn begin(room: &Arc<Mailroom>, receiver: &str) -> Self {
        room.under_way.state.lock().to.insert(receiver.to_owned());
        Self {
            room: Arc::clone(room),
            receiver: receiver.to_owned(),
            ends: room.under_way.ends.subscribe(),
        }
    }

    pub(super) fn receiver(&self) -> &str {
        &self.receiver
    }

    /// Waits until it is to be broken off. Gives how long it was waited for.
    pub(super) async fn is_broken_off(&mut self) -> Duration {
        if self.ends.changed().await.is_err() {
            // Nobody is left who could say so.
            std::future::pending::<()>().await;
        }
        *self.ends.borrow()
    }

    /// Whether nothing more is to be begun.
    pub(super) fn is_over(&self) -> bool {
        self.ends.has_changed().unwrap_or(true)
    }

    /// It has ended as it should: what came in meanwhile is looked at.
    pub(super) fn end(self) {
        let room = Arc::clone(&self.room);
        drop(self);
        room.ring(|_| ());
    }
}

impl Drop for Trip {
    fn drop(&mut self) {
        let under_way = &self.room.under_way;
        under_way.state.lock().to.remove(&self.receiver);
        under_way.changed.notify_all();
    }
}
