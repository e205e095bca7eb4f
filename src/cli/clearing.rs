//! What a verb leaves behind in its own process: an engine there removes what a restore has replaced once that is over, and
//! would stop with the process, and what it has done is told to receivers.
//!
//! A verb that has followed a job waits for it, after everything is printed. Whoever only looks at something waits a
//! moment, in which most of them are removed, and leaves the rest to the next start.

use std::cell::{Cell, RefCell};
use std::io::Write as _;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::outside::interrupted;
use super::{Interrupt, Outside};
use crate::backend::Backend;
use crate::domain::job::JobId;
use crate::domain::printable;

/// How long whoever only looks at something waits.
const MOMENT: Duration = Duration::from_secs(2);

/// What one call of a verb may leave behind.
#[derive(Default)]
pub struct Left {
    backend: RefCell<Option<Arc<dyn Backend>>>,
    is_following: Rc<Cell<bool>>,
    followed: Rc<Cell<Option<JobId>>>,
}

impl Left {
    /// A backend was opened, which may be an engine in this process.
    pub(super) fn opened(&self, backend: &Arc<dyn Backend>) {
        *self.backend.borrow_mut() = Some(Arc::clone(backend));
    }

    /// A job is followed from now on, and asked to stop by whatever interrupts that.
    pub(super) fn is_following_a_job(&self) {
        self.is_following.set(true);
    }

    /// A job was followed to its end.
    pub(super) fn has_followed_a_job(&self, id: JobId) {
        self.followed.set(Some(id));
    }

    /// Whether a job is followed, for whoever runs the verb.
    pub(super) fn following(&self) -> Rc<Cell<bool>> {
        Rc::clone(&self.is_following)
    }

    /// The job that was followed, for whoever runs the verb.
    pub(super) fn followed(&self) -> Rc<Cell<Option<JobId>>> {
        Rc::clone(&self.followed)
    }

    /// Waits until nothing is left behind, or somebody wants to go; then the process has ended, for those who share its
    /// catalog.
    pub(super) async fn wait_until_cleared(self, outside: &mut Outside, wants_json: bool) {
        let Some(backend) = self.backend.borrow().clone() else {
            return;
        };
        wait(&*backend, self.followed.get().is_some(), outside, wants_json).await;
        // What is not told within that is told by whoever keeps the schedule.
        let _ = backend.last_words().await;
        // A catalog that does not answer finds out by itself.
        let _ = tokio::time::timeout(MOMENT, backend.sign_off()).await;
    }
}

/// Waits until nothing is left behind in this process, or somebody wants to go.
async fn wait(backend: &dyn Backend, has_followed_a_job: bool, outside: &mut Outside, wants_json: bool) {
    let Some(what) = backend.clearing() else { return };
    let mut cleared = backend.cleared();
    if !has_followed_a_job {
        let _ = tokio::time::timeout(MOMENT, cleared).await;
        return;
    }
    // From here on whatever interrupts this is told, and ends the waiting.
    let mut interrupts = (outside.interrupts)();
    let waiting = async {
        if tokio::time::timeout(MOMENT, &mut cleared).await.is_ok() {
            return;
        }
        if !wants_json {
            let text =
                format!("removing what a restore replaced, in {what}; Ctrl-C leaves that to the next start");
            // Whether or not anybody can read it.
            let _ = writeln!(outside.err, "{}", printable::line(&text));
        }
        let _ = cleared.await;
    };
    let asked_to_end = async {
        // A terminal that goes away ends nothing.
        while interrupted(&mut interrupts).await == Interrupt::HungUp {}
    };
    tokio::select! {
        () = waiting => {}
        () = asked_to_end => {}
    }
}
