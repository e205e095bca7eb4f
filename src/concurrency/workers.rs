//! Several threads that work through one queue, and stop at the first error.
//!
//! Each worker makes what it needs for itself, and then takes one item after the other until there are no more. The first
//! error ends it for all of them, and for whoever fills the queue; what others find because of that counts for nothing. A
//! panic ends it too, and goes on in the thread that has called.

use std::panic::resume_unwind;
use std::slice;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{IntoIter, SyncSender, sync_channel};
use std::thread;

use parking_lot::Mutex;

/// Whether it is over before its time, and why.
struct Stop<E> {
    is_set: AtomicBool,
    why: Mutex<Option<E>>,
}

impl<E> Stop<E> {
    /// What came of a part of the work. An error ends the rest.
    fn unless_done<R>(&self, done: Result<R, E>) -> Option<R> {
        done.map_err(|error| {
            self.why.lock().get_or_insert(error);
            // Only now: what others find by this comes later, and is no reason.
            self.is_set.store(true, Ordering::Relaxed);
        })
        .ok()
    }
}

/// What a worker takes its items from. It gives none once another has failed.
pub(crate) struct Queue<'w, I> {
    items: Arc<Mutex<I>>,
    stop: &'w AtomicBool,
}

impl<I> Queue<'_, I> {
    /// Whether another has failed: for those who are long at one item.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl<I: Iterator> Iterator for Queue<'_, I> {
    type Item = I::Item;

    fn next(&mut self) -> Option<I::Item> {
        if self.is_stopped() {
            return None;
        }
        self.items.lock().next()
    }
}

impl<I> Drop for Queue<'_, I> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Where a queue is filled.
pub(crate) struct Feed<'w, T> {
    items: SyncSender<T>,
    stop: &'w AtomicBool,
}

impl<T> Feed<'_, T> {
    /// Hands an item over, and waits while there is no room for it. `false` when no more is taken.
    pub(crate) fn give(&self, item: T) -> bool {
        !self.is_stopped() && self.items.send(item).is_ok()
    }

    /// Whether no more is taken, since a worker has failed.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Works through a list with so many threads at most, and gives what came of each thread.
///
/// # Errors
/// The first that a worker has met.
pub(crate) fn each<'i, T: Sync, R: Send, E: Send>(
    count: usize,
    items: &'i [T],
    work: impl Fn(&mut Queue<'_, slice::Iter<'i, T>>) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    run(count.min(items.len()), items.iter(), |_| Ok(()), work)
}

/// Works through what `fill` hands over with so many threads. It runs here, and is `ahead` of them by so many items at most.
///
/// # Errors
/// The first that a worker has met, or `fill`.
pub(crate) fn fed<T: Send, R: Send, E: Send>(
    (count, ahead): (usize, usize),
    fill: impl FnOnce(&Feed<'_, T>) -> Result<(), E>,
    work: impl Fn(&mut Queue<'_, IntoIter<T>>) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let (items, taken) = sync_channel(ahead);
    let fill = |stop: &AtomicBool| fill(&Feed { items, stop });
    run(count.max(1), taken.into_iter(), fill, work)
}

fn run<I: Iterator + Send, R: Send, E: Send>(
    count: usize,
    items: I,
    here: impl FnOnce(&AtomicBool) -> Result<(), E>,
    work: impl Fn(&mut Queue<'_, I>) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let (stop, work) = (
        &Stop {
            is_set: AtomicBool::new(false),
            why: Mutex::new(None),
        },
        &work,
    );
    let items = Arc::new(Mutex::new(items));
    let done = thread::scope(|scope| {
        let start = |items| {
            let mut queue = Queue {
                items,
                stop: &stop.is_set,
            };
            scope.spawn(move || stop.unless_done(work(&mut queue)))
        };
        // Only workers hold the queue: whoever fills it is told when the last of them has gone.
        let workers: Vec<_> = std::iter::repeat_n(items, count).map(start).collect();
        stop.unless_done(here(&stop.is_set));
        let joined = workers.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .filter_map(|done| done.unwrap_or_else(|panic| resume_unwind(panic)))
            .collect()
    });
    stop.why.lock().take().map_or(Ok(done), Err)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn a_list_is_worked_through_in_order_and_each_item_once() {
        let items: Vec<_> = (0..1_000).collect();
        let taken = each(3, &items, |queue| Ok::<_, ()>(queue.copied().collect::<Vec<_>>())).unwrap();
        assert!(taken.iter().all(|taken| taken.is_sorted()));
        let mut taken = taken.concat();
        taken.sort_unstable();
        assert_eq!(taken, items);
        assert_eq!(
            each(3, &[], |queue: &mut Queue<'_, slice::Iter<'_, ()>>| Ok::<_, ()>(
                queue.count()
            )),
            Ok(vec![])
        );
    }

    #[test]
    fn what_is_handed_over_comes_in_order_and_no_more_waits_than_may() {
        const AHEAD: usize = 3;
        let (given, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let seen = fed(
            (1, AHEAD),
            |feed| {
                for item in 0..100 {
                    assert!(feed.give(item));
                    given.fetch_add(1, Ordering::SeqCst);
                }
                Ok::<_, ()>(())
            },
            |queue| {
                let mut seen = Vec::new();
                for item in queue {
                    let waiting = given
                        .load(Ordering::SeqCst)
                        .saturating_sub(done.load(Ordering::SeqCst));
                    // Those that wait, and this one.
                    assert!(waiting <= AHEAD + 1, "{waiting}");
                    seen.push(item);
                    done.fetch_add(1, Ordering::SeqCst);
                }
                Ok(seen)
            },
        );
        assert_eq!(seen.unwrap().concat(), (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn the_first_error_counts_and_stops_whoever_fills_the_queue() {
        let told = fed(
            (4, 1),
            |feed| {
                // There is no end to it but that nobody takes any more.
                while feed.give(()) {}
                assert!(feed.is_stopped());
                Err("what came of that")
            },
            |queue| match queue.next() {
                Some(()) => Err("the reason"),
                None => Ok(()),
            },
        );
        assert_eq!(told.unwrap_err(), "the reason");
    }

    #[test]
    fn a_worker_that_cannot_begin_ends_it_for_all() {
        let begun = AtomicUsize::new(0);
        let told = fed(
            (2, 0),
            |feed| {
                while feed.give(()) {}
                Ok(())
            },
            |queue| {
                if begun.fetch_add(1, Ordering::SeqCst) == 0 {
                    return Err("no connection");
                }
                queue.for_each(drop);
                Ok(())
            },
        );
        assert_eq!(told.unwrap_err(), "no connection");
    }

    #[test]
    fn an_error_of_whoever_fills_the_queue_ends_the_workers() {
        let told = fed(
            (3, 2),
            |feed| {
                assert!(feed.give(()));
                Err("the walk failed")
            },
            |queue| {
                queue.for_each(drop);
                Ok(())
            },
        );
        assert_eq!(told.unwrap_err(), "the walk failed");
    }

    #[test]
    fn a_panic_of_a_worker_stops_the_others_and_comes_out_here() {
        let worked = || {
            fed(
                (2, 1),
                |feed| {
                    let mut number = 0;
                    while feed.give(number) {
                        number += 1;
                    }
                    Ok::<_, ()>(())
                },
                |queue| {
                    for number in queue {
                        assert!(number != 7, "the seventh");
                    }
                    Ok(())
                },
            )
        };
        let panic = catch_unwind(AssertUnwindSafe(worked)).unwrap_err();
        assert_eq!(panic.downcast_ref::<&str>(), Some(&"the seventh"));
    }
}
