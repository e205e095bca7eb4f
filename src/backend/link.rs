//! Whether a backend is reached, for whoever looks on.
//!
//! Not in here: trying again. A backend that can be out of reach does that by itself and tells of it.

use tokio::sync::watch;

use crate::domain::Instant;

/// How a backend is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// Nothing is known to be wrong.
    Up,
    /// It does not answer, and is tried again and again.
    Down {
        /// Since when.
        since: Instant,
        /// How many attempts have failed in a row.
        attempt: u32,
        /// When it is tried the next time; `None` while an attempt is being made.
        next_try: Option<Instant>,
        /// Why, as a sentence.
        why: String,
    },
}

/// The link of a backend that cannot be out of reach, since it is in this process.
#[must_use]
pub fn always_up() -> watch::Receiver<Link> {
    watch::channel(Link::Up).1
}
