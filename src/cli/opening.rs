//! Waiting for an engine in this process to open. A job that was interrupted is settled first, with its hooks and health
//! checks, which may take minutes: whoever waits for a verb is told what for.

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::Outside;
use super::wrap::wrap;
use crate::backend::Backend;
use crate::domain::deed::{Deed, Deeds};
use crate::domain::printable;

/// Nobody wonders before.
const PATIENCE: Duration = Duration::from_secs(1);

/// What is told of an engine that opens.
pub struct Opening(UnboundedReceiver<String>);

impl Opening {
    /// Whom an engine tells, and what is heard of that.
    #[must_use]
    pub fn heard() -> (Deeds, Self) {
        let (tell, told) = unbounded_channel();
        let deeds = Deeds::told_to(move |deed| {
            if let Deed::Settling { environment, step } = deed {
                // Once it is open nobody listens any more.
                let _ = tell.send(format!(
                    "{environment}: a job that was interrupted is settled first ({}), which may take minutes",
                    step.label()
                ));
            }
        });
        (deeds, Self(told))
    }

    /// Waits until the backend is open. What takes longer than a moment is told on standard error.
    pub(super) async fn wait(self, backend: &Arc<dyn Backend>, outside: &mut Outside) {
        // No engine in this process tells anything: a service is asked for what is wanted of it, and not before.
        if self.0.is_closed() {
            return;
        }
        // Why it cannot be opened is the answer to whatever is asked of it next.
        let opened = async {
            let _ = backend.info().await;
        };
        let width = outside.remark_width();
        let err = &mut outside.err;
        self.until(opened, |told| {
            for line in wrap(&printable::line(told), width) {
                // It is told beside the result, which counts.
                let _ = writeln!(err, "{line}");
            }
        })
        .await;
    }

    /// Waits for this, and says what is heard once that takes longer than a moment.
    async fn until(mut self, opened: impl Future<Output = ()>, mut say: impl FnMut(&str)) {
        let mut opened = std::pin::pin!(opened);
        let mut moment = std::pin::pin!(tokio::time::sleep(PATIENCE));
        let mut step = None;
        let mut has_waited = false;
        loop {
            tokio::select! {
                biased;
                () = &mut opened => return,
                Some(told) = self.0.recv() => step = Some(told),
                () = &mut moment, if !has_waited => has_waited = true,
            }
            if has_waited && let Some(told) = step.take() {
                say(&told);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::job::Phase;

    fn settling(step: Phase) -> Deed {
        Deed::Settling {
            environment: "acme/live".parse().unwrap(),
            step,
        }
    }

    /// What is said where an engine settles something for so long.
    async fn said(long: Duration) -> Vec<String> {
        let (deeds, opening) = Opening::heard();
        let mut said = Vec::new();
        deeds.tell(settling(Phase::Switching));
        let opened = async {
            tokio::time::sleep(long / 2).await;
            deeds.tell(settling(Phase::Health));
            tokio::time::sleep(long / 2).await;
        };
        opening.until(opened, |told| said.push(told.to_owned())).await;
        said
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_for_longer_than_a_moment_hears_for_which_environment_and_step() {
        assert_eq!(said(Duration::from_millis(800)).await, [""; 0]);
        let sentence = |step: &str| {
            format!("acme/live: a job that was interrupted is settled first ({step}), which may take minutes")
        };
        assert_eq!(
            said(Duration::from_mins(3)).await,
            [sentence("switching"), sentence("health check")]
        );
    }
}
