//! Whether an answer of the terminal is on its way. Whoever gives the terminal back waits for it for a moment: what comes
//! after that would be typed into the shell.

use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

/// When the terminal was asked something that it has not answered.
static ASKED: Mutex<Option<Instant>> = Mutex::new(None);
/// Told when it has.
static ANSWERED: Condvar = Condvar::new();

/// The terminal has been asked.
pub(super) fn asked() {
    *ASKED.lock() = Some(Instant::now());
}

/// The terminal has answered.
pub(super) fn answered() {
    *ASKED.lock() = None;
    ANSWERED.notify_all();
}

/// Waits for the answer, until so long after the question. One that has not come by then never does: most terminals that do
/// not know the question say nothing.
pub(super) fn wait(limit: Duration) {
    let mut asked = ASKED.lock();
    if let Some(at) = *asked {
        ANSWERED.wait_while_until(&mut asked, |asked| asked.is_some(), at + limit);
        *asked = None;
    }
}
