//! Which repositories are open: few are opened at the same time, and not all that were opened stay so.
//!
//! Deriving a repository's key takes up to 128 MiB and a good part of a second, so they are opened one after the other: first what
//! a screen or a restore waits for, then what jobs need, last what is looked at in advance. One that is open takes memory for as long as it is, and of ten thousand only a few
//! are in use.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;

use super::Live;
use super::live::Known;
use crate::concurrency::turnstile::{Inside, Turnstile};
use crate::domain::settings::RepositoryChoice;

/// How many are opened at the same time.
const OPENED_AT_ONCE: usize = 1;
/// How many stay open that nobody uses.
const KEPT_OPEN: usize = 16;

/// The repositories that are open or being opened.
pub(super) struct Opened {
    turnstile: Turnstile,
    /// Those that are open, the longest open first.
    order: Mutex<VecDeque<(Arc<Known>, RepositoryChoice)>>,
}

impl Default for Opened {
    fn default() -> Self {
        Self {
            turnstile: Turnstile::new(OPENED_AT_ONCE),
            order: Mutex::default(),
        }
    }
}

impl Live {
    /// Waits for the turn to open a repository.
    pub(super) fn turn_to_open(&self) -> Inside<'_> {
        self.engine().0.opened.turnstile.enter()
    }

    /// One of its repositories is open now: closes others that nobody uses, where there are many.
    pub(super) fn is_open_now(&self, which: RepositoryChoice) {
        let opened = &self.engine().0.opened;
        let others: Vec<_> = {
            let mut order = opened.order.lock();
            order.push_back((self.shared(), which));
            let many = order.len().saturating_sub(KEPT_OPEN);
            order.drain(..many).collect()
        };
        for (known, which) in others {
            if !known.closes(which) {
                opened.order.lock().push_back((known, which));
            }
        }
    }
}

impl Known {
    /// Closes a repository, unless it is in use or a job of its environment is at work.
    pub(super) fn closes(&self, which: RepositoryChoice) -> bool {
        if self.claim().is_some() {
            return false;
        }
        // Whoever has it locked is opening or using it.
        let Some(mut opened) = self.cell(which).try_lock() else {
            return false;
        };
        let is_used = opened
            .as_ref()
            .is_some_and(|repository| Arc::strong_count(repository) > 1);
        if !is_used {
            *opened = None;
        }
        !is_used
    }
}
