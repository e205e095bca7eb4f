//! Two things at the same time, where the second waits for a disk, a server or a processor of its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// Does both, `here` on this thread, and gives what came of them.
pub(crate) fn beside<A, B: Send>(here: impl FnOnce() -> A, there: impl FnOnce() -> B + Send) -> (A, B) {
    thread::scope(|scope| {
        let there = scope.spawn(there);
        let here = here();
        match there.join() {
            Ok(there) => (here, there),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The same, where `there` can ask whether `here` still goes on: what it does beyond that, somebody waits for.
pub(crate) fn beside_while<A, B: Send>(
    here: impl FnOnce() -> A,
    there: impl FnOnce(&dyn Fn() -> bool) -> B + Send,
) -> (A, B) {
    let goes_on = AtomicBool::new(true);
    let done = || {
        let done = here();
        goes_on.store(false, Ordering::Relaxed);
        done
    };
    beside(done, || there(&|| goes_on.load(Ordering::Relaxed)))
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[test]
    fn the_other_thread_knows_that_this_one_goes_on() {
        let (go, wait) = sync_channel::<()>(0);
        let here = || wait.recv().is_ok();
        let there = move |goes_on: &dyn Fn() -> bool| {
            let before = goes_on();
            go.send(()).unwrap();
            before
        };
        assert_eq!(beside_while(here, there), (true, true));
    }
}
