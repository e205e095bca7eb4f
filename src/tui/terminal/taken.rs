//! Whether the terminal is taken at this moment. It belongs to the whole process, and so does this.

use parking_lot::{Condvar, Mutex};

static TAKEN: Mutex<bool> = Mutex::new(false);
static CHANGED: Condvar = Condvar::new();

/// Notes that it is taken, or is not. Gives how it was before.
pub(super) fn set(taken: bool) -> bool {
    let before = std::mem::replace(&mut *TAKEN.lock(), taken);
    CHANGED.notify_all();
    before
}

/// Whether it is taken.
pub(super) fn is_so() -> bool {
    *TAKEN.lock()
}

/// Waits until it is taken. Whoever reads a terminal that is somebody else's is stopped by the system.
pub(super) fn wait() {
    CHANGED.wait_while(&mut TAKEN.lock(), |taken| !*taken);
}
