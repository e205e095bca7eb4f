//! What whoever waits for a sandbox learns while it is made, and how they give up.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::DemoError;

/// A sandbox that is being made, as both sides see it: whoever makes it, and whoever waits for it.
#[derive(Debug)]
pub struct Making {
    given_up: AtomicBool,
    steps: UnboundedSender<String>,
}

impl Making {
    /// With the steps as they begin, one line each.
    #[must_use]
    pub fn new() -> (Self, UnboundedReceiver<String>) {
        let (steps, told) = unbounded_channel();
        let given_up = AtomicBool::new(false);
        (Self { given_up, steps }, told)
    }

    /// Ends it at its next step.
    pub fn give_up(&self) {
        self.given_up.store(true, Ordering::Relaxed);
    }

    /// Whether to go on with the next step.
    ///
    /// # Errors
    /// [`DemoError::Interrupted`] once it was given up.
    pub(super) fn go_on(&self) -> Result<(), DemoError> {
        if self.given_up.load(Ordering::Relaxed) {
            Err(DemoError::Interrupted)
        } else {
            Ok(())
        }
    }

    /// Tells what begins.
    pub(super) fn tell(&self, what: String) {
        // Nobody has to listen.
        let _ = self.steps.send(what);
    }
}
