//! Counts of what a copy has done, filled by those who do it, and told to a [`Watch`] from a thread of its own. Where the
//! library copies, its progress bars fill them: it keeps what it is given for ever, and a [`Watch`] is only lent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rustic_core::{HiddenProgress, Progress, ProgressBars, ProgressType, RusticProgress};

use crate::watch::Watch;

/// Items and bytes done so far.
#[derive(Debug, Default)]
pub(in crate::repository) struct Counts {
    items: AtomicU64,
    bytes: AtomicU64,
}

impl Counts {
    pub(super) fn add_item(&self) {
        self.items.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn add_bytes(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Tells `watch` what was done since the last time.
    fn tell(&self, watch: &dyn Watch) {
        let items = self.items.swap(0, Ordering::Relaxed);
        let bytes = self.bytes.swap(0, Ordering::Relaxed);
        if items + bytes > 0 {
            watch.advance(items, bytes);
        }
    }
}

/// How often progress is told, and how soon a cancellation is noticed.
const PULSE: Duration = Duration::from_millis(50);

/// Tells `watch` of the counts until the other end of `working` is dropped; calls `cancel` when it should stop.
pub(super) fn report(counts: &Counts, watch: &dyn Watch, working: &Receiver<()>, cancel: impl Fn()) {
    loop {
        let waited = working.recv_timeout(PULSE);
        counts.tell(watch);
        if waited != Err(RecvTimeoutError::Timeout) {
            return;
        }
        if watch.is_cancelled() {
            cancel();
        }
    }
}

/// The library's side of [`Counts`].
#[derive(Debug, Clone)]
pub(super) struct LibraryProgress(pub(in crate::repository) Arc<Counts>);

impl ProgressBars for LibraryProgress {
    fn progress(&self, kind: ProgressType, _prefix: &str) -> Progress {
        match kind {
            ProgressType::Bytes => Progress::new(self.clone()),
            ProgressType::Spinner | ProgressType::Counter => Progress::new(HiddenProgress),
        }
    }
}

impl RusticProgress for LibraryProgress {
    fn is_hidden(&self) -> bool {
        false
    }

    fn set_length(&self, _length: u64) {}

    fn set_title(&self, _title: &str) {}

    fn inc(&self, bytes: u64) {
        self.0.add_bytes(bytes);
    }

    fn finish(&self) {}
}
