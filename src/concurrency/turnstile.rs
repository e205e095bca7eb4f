//! How many may be in one place at the same time, and who is let in first: by how urgent it is, and then as they came.
//!
//! For what takes much of the machine for a moment: deriving a repository's key takes up to 128 MiB. Whoever waits in front of a
//! screen goes before what works, and that before what is only looked up in advance. Whoever comes again and again does
//! not push ahead of whoever waits.

use std::cell::Cell;
use std::collections::BTreeSet;

use parking_lot::{Condvar, Mutex, MutexGuard};

/// How urgent it is what a thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pace {
    /// Somebody waits for it.
    AtOnce,
    /// It is work.
    Working,
    /// Nobody waits for it.
    Beside,
}

thread_local! {
    static PACE: Cell<Pace> = const { Cell::new(Pace::AtOnce) };
}

/// Says how urgent it is what this thread does from here on. Without that, somebody waits for it.
pub(crate) fn go_at(pace: Pace) {
    PACE.set(pace);
}

/// A place that only so many may be in.
#[derive(Debug)]
pub(crate) struct Turnstile {
    room: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    inside: usize,
    waiting: BTreeSet<(Pace, u64)>,
    /// The number of the last one that came.
    came: u64,
}

/// Being inside, until this is dropped.
#[derive(Debug)]
pub(crate) struct Inside<'t>(&'t Turnstile);

impl Turnstile {
    /// Room for so many, at least for one.
    pub(crate) fn new(room: usize) -> Self {
        Self {
            room: room.max(1),
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Waits until there is room for whoever came now.
    pub(crate) fn enter(&self) -> Inside<'_> {
        let mut state = self.state();
        state.came += 1;
        let me = (PACE.get(), state.came);
        state.waiting.insert(me);
        while state.inside >= self.room || state.waiting.first() != Some(&me) {
            self.changed.wait(&mut state);
        }
        state.waiting.remove(&me);
        state.inside += 1;
        // Where there is room for more, the next one is another now.
        self.changed.notify_all();
        Inside(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.state().inside -= 1;
        // Only one of them is next, and nobody knows which thread that is.
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;

    use super::*;

    #[test]
    fn never_more_are_inside_than_there_is_room_for_and_everybody_gets_in() {
        let turnstile = Turnstile::new(2);
        let (inside, most, visits) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for pace in [Pace::AtOnce, Pace::Working, Pace::Beside]
                .into_iter()
                .cycle()
                .take(6)
            {
                let (turnstile, inside, most, visits) = (&turnstile, &inside, &most, &visits);
                scope.spawn(move || {
                    go_at(pace);
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
    fn what_somebody_waits_for_goes_first_and_the_rest_as_it_came() {
        let turnstile = Turnstile::new(1);
        let (tell, told) = channel();
        thread::scope(|scope| {
            let first = turnstile.enter();
            let paces = [Pace::Beside, Pace::Working, Pace::Working, Pace::AtOnce];
            for (number, pace) in paces.into_iter().enumerate() {
                let (turnstile, tell) = (&turnstile, tell.clone());
                scope.spawn(move || {
                    go_at(pace);
                    let _place = turnstile.enter();
                    tell.send(number).unwrap();
                });
                // Each comes after the one before it.
                while turnstile.state().waiting.len() <= number {
                    thread::yield_now();
                }
            }
            drop(first);
        });
        drop(tell);
        assert_eq!(told.into_iter().collect::<Vec<_>>(), [3, 1, 2, 0]);
    }
}
