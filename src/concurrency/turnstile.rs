//! How many may be in one place at the same time, each let in in the order in which they came.
//!
//! For what takes much of the machine for a moment: deriving a repository's key takes 128 MiB. Whoever comes again and
//! again does not push ahead of whoever waits.

use std::sync::{Condvar, Mutex, PoisonError};

/// A place that only so many may be in.
#[derive(Debug)]
pub(crate) struct Turnstile {
    room: u64,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The number of the last one that came.
    came: u64,
    /// How many have gone again.
    gone: u64,
}

/// Being inside, until this is dropped.
#[derive(Debug)]
pub(crate) struct Inside<'t>(&'t Turnstile);

impl Turnstile {
    /// Room for so many, at least for one.
    pub(crate) fn new(room: u64) -> Self {
        Self {
            room: room.max(1),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Waits until there is room for whoever came now.
    pub(crate) fn enter(&self) -> Inside<'_> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.came += 1;
        let number = state.came;
        while number > state.gone + self.room {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Inside(self)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner).gone += 1;
        // Only one of them is next, and nobody knows which thread that is.
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn never_more_are_inside_than_there_is_room_for_and_everybody_gets_in() {
        let turnstile = Arc::new(Turnstile::new(2));
        let (inside, most, visits) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        thread::scope(|scope| {
            for _ in 0..6 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let place = turnstile.enter();
                        most.fetch_max(inside.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        thread::yield_now();
                        inside.fetch_sub(1, Ordering::SeqCst);
                        visits.fetch_add(1, Ordering::SeqCst);
                        drop(place);
                    }
                });
            }
        });
        assert_eq!(visits.into_inner(), 6 * 200);
        assert!(most.into_inner() <= 2);
    }

    #[test]
    fn whoever_waits_goes_before_whoever_comes_again() {
        let turnstile = Arc::new(Turnstile::new(1));
        let first = turnstile.enter();
        let waits = {
            let turnstile = Arc::clone(&turnstile);
            thread::spawn(move || drop(turnstile.enter()))
        };
        while turnstile.state.lock().unwrap().came < 2 {
            thread::yield_now();
        }
        drop(first);
        // Were it let in first, the other would wait for it for ever.
        let again = turnstile.enter();
        waits.join().unwrap();
        drop(again);
    }
}
