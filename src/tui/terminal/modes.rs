//! The terminal's own settings: keys as they come, and the settings of before given back. They belong to the whole
//! process, and so does this.

use std::io;

use parking_lot::Mutex;
use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

/// The settings of before.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// Lets keys come as they are pressed. May be called again: whoever stopped and continued the process may have changed
/// the settings meanwhile.
pub(super) fn take() -> io::Result<()> {
    let input = io::stdin();
    let mut before = BEFORE.lock();
    let mut raw = match &*before {
        Some(before) => before.clone(),
        None => before.insert(tcgetattr(&input)?).clone(),
    };
    raw.make_raw();
    Ok(tcsetattr(&input, OptionalActions::Now, &raw)?)
}

/// Gives the settings of before back. What was typed and not read is dropped: the rest of a paste must not become
/// commands of a shell. Does not wait for output that the terminal does not take.
pub(super) fn give_back() -> io::Result<()> {
    let input = io::stdin();
    let before = BEFORE.lock();
    let Some(before) = &*before else {
        return Ok(());
    };
    let flushed = tcflush(&input, QueueSelector::IFlush);
    tcsetattr(&input, OptionalActions::Now, before)?;
    Ok(flushed?)
}

/// Drops output that the terminal has not taken.
pub(super) fn drop_output() {
    // A terminal that cannot do that is one that has gone.
    let _ = tcflush(io::stdout(), QueueSelector::OFlush);
}
