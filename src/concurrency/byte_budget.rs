//! How many bytes may be under way at the same time between those who read and those who store.
//!
//! Channels count what they hold; rows of a database can be a hundred bytes long or a hundred megabytes.

use std::sync::Arc;

use parking_lot::{Condvar, Mutex};

/// A number of bytes that is shared out.
#[derive(Debug)]
pub(crate) struct ByteBudget {
    limit: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    used: usize,
    waiting: usize,
    closed: bool,
}

/// Some of the bytes, given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    budget: Arc<ByteBudget>,
    bytes: usize,
}

impl ByteBudget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Waits until so many bytes are left. More than there are in all are given to whoever is alone. `None` when nobody
    /// takes what is read any more.
    pub(crate) fn take(self: &Arc<Self>, bytes: usize) -> Option<Permit> {
        let mut state = self.state.lock();
        while !state.closed && state.used > 0 && state.used.saturating_add(bytes) > self.limit {
            state.waiting += 1;
            self.changed.wait(&mut state);
            state.waiting -= 1;
        }
        if state.closed {
            return None;
        }
        state.used += bytes;
        Some(Permit {
            budget: Arc::clone(self),
            bytes,
        })
    }

    /// From now on nothing is given any more.
    pub(crate) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        self.changed.notify_all();
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.budget.state.lock();
        state.used -= self.bytes;
        // To tell nobody costs a call to the system as well.
        let is_awaited = state.waiting > 0;
        drop(state);
        if is_awaited {
            self.budget.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_takes_too_much_waits_and_one_that_is_too_large_goes_alone() {
        let budget = ByteBudget::new(10);
        let first = budget.take(8).unwrap();
        let waiting = std::thread::spawn({
            let budget = Arc::clone(&budget);
            move || budget.take(100).map(|permit| permit.bytes)
        });
        drop(first);
        assert_eq!(waiting.join().unwrap(), Some(100));
        budget.close();
        assert!(budget.take(1).is_none());
    }

    #[test]
    fn several_at_once_never_have_more_than_there_is() {
        let budget = ByteBudget::new(10);
        let under_way = Arc::new(Mutex::new((0_usize, 0_usize)));
        let takers: Vec<_> = (0..4)
            .map(|taker| {
                let (budget, under_way) = (Arc::clone(&budget), Arc::clone(&under_way));
                std::thread::spawn(move || {
                    for round in 0..500 {
                        let bytes = 1 + (taker + round) % 9;
                        let permit = budget.take(bytes).unwrap();
                        {
                            let mut sums = under_way.lock();
                            sums.0 += bytes;
                            sums.1 = sums.1.max(sums.0);
                        }
                        std::thread::yield_now();
                        // Counted out before the bytes are given back: whoever gets them counts them in after that.
                        under_way.lock().0 -= bytes;
                        drop(permit);
                    }
                })
            })
            .collect();
        for taker in takers {
            taker.join().unwrap();
        }
        let (left, most) = *under_way.lock();
        assert_eq!(left, 0);
        assert!((9..=10).contains(&most), "{most} at once");
    }
}
