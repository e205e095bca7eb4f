//! Whether the terminal is taken at this moment. It belongs to the whole process, and so does this.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

static TAKEN: Mutex<bool> = Mutex::new(false);
static CHANGED: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, bool> {
    TAKEN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes that it is taken, or is not. Gives how it was before.
pub(super) fn set(taken: bool) -> bool {
    let before = std::mem::replace(&mut *lock(), taken);
    CHANGED.notify_all();
    before
}

/// Whether it is taken.
pub(super) fn is_so() -> bool {
    *lock()
}

/// Waits until it is taken. Whoever reads a terminal that is somebody else's is stopped by the system.
pub(super) fn wait() {
    let waited = CHANGED.wait_while(lock(), |taken| !*taken);
    drop(waited.unwrap_or_else(PoisonError::into_inner));
}
