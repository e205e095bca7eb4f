//! What takes long goes on in the background, for as long as somebody asks how far it is; its answer is kept for a while.

use std::sync::Arc;
use std::time::{Duration, Instant as Monotonic};

use parking_lot::Mutex;

use super::first_look::Progress;
use crate::domain::explore::FirstLook;
use crate::engine::EngineError;
use crate::watch::Watch as _;

/// So many answers are kept.
const KEPT: usize = 8;
/// For so long, which is how long what was read of Live counts as Live.
const LASTS: Duration = Duration::from_mins(5);

/// Works of one kind.
pub(super) struct Background<T>(Mutex<Vec<Kept<T>>>);

struct Kept<T> {
    question: String,
    work: Arc<Work<T>>,
    since: Monotonic,
}

/// One of them.
pub(super) struct Work<T> {
    pub(super) progress: Progress,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// What came of it so far.
    answer: T,
    /// What it waits for.
    reading: Option<FirstLook>,
    /// How it ended, if it has.
    ended: Option<Result<(), String>>,
}

/// How a work stands.
pub(super) struct Standing<R> {
    /// What was asked of its answer.
    pub(super) answer: R,
    /// What is being read for it.
    pub(super) reading: Option<FirstLook>,
    /// Whether it is over.
    pub(super) is_over: bool,
}

impl<T> Default for Background<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Default + Send + 'static> Background<T> {
    /// The work on a question: the one that is under way, or was finished a while ago; else it begins.
    pub(super) fn work(
        &self,
        question: String,
        begin: impl FnOnce(&Work<T>) -> Result<(), EngineError> + Send + 'static,
    ) -> Result<Arc<Work<T>>, EngineError> {
        let mut kept = self.0.lock();
        // What nobody waited for is begun again, and so is what failed.
        kept.retain(|kept| {
            let is_old = kept.since.elapsed() > LASTS && kept.work.is_over();
            let is_lost = kept.work.progress.is_cancelled() && !kept.work.has_succeeded();
            !is_old && !is_lost
        });
        if let Some(found) = kept.iter().find(|kept| kept.question == question) {
            return Ok(Arc::clone(&found.work));
        }
        if kept.len() >= KEPT {
            kept.remove(0).work.progress.stop();
        }
        let work = Arc::new(Work {
            progress: Progress::default(),
            state: Mutex::new(State {
                answer: T::default(),
                reading: None,
                ended: None,
            }),
        });
        let ending = Ending(Arc::clone(&work));
        std::thread::Builder::new()
            .name("exploring".to_owned())
            .spawn(move || {
                let done = begin(&ending.0);
                ending.0.state.lock().ended = Some(done.map_err(|error| error.to_string()));
            })
            .map_err(|error| EngineError::Failed(format!("no thread can be started: {error}")))?;
        kept.push(Kept {
            question,
            work: Arc::clone(&work),
            since: Monotonic::now(),
        });
        Ok(work)
    }

    /// Forgets a work, so that it is begun again by whoever asks next.
    pub(super) fn forget(&self, work: &Arc<Work<T>>) {
        self.0.lock().retain(|kept| !Arc::ptr_eq(&kept.work, work));
    }
}

/// Those that wait learn that it has ended, however it has.
struct Ending<T>(Arc<Work<T>>);

impl<T> Drop for Ending<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let why = "whoever worked on it has stopped; its message is on standard error";
            self.0.state.lock().ended = Some(Err(why.to_owned()));
        }
        self.0.progress.end();
    }
}

impl<T> Work<T> {
    /// Changes what came of it so far.
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        change(&mut self.state.lock().answer)
    }

    /// Says what it waits for.
    pub(super) fn waits_for(&self, reading: Option<FirstLook>) {
        self.state.lock().reading = reading;
    }

    /// Asks how it stands, and waits a moment for its end.
    pub(super) fn standing<R>(&self, ask: impl FnOnce(&T) -> R) -> Result<Standing<R>, String> {
        self.progress.ask();
        let state = self.state.lock();
        if let Some(Err(why)) = &state.ended {
            return Err(why.clone());
        }
        Ok(Standing {
            answer: ask(&state.answer),
            reading: state.reading.clone(),
            is_over: state.ended.is_some(),
        })
    }

    fn is_over(&self) -> bool {
        self.state.lock().ended.is_some()
    }

    fn has_succeeded(&self) -> bool {
        matches!(self.state.lock().ended, Some(Ok(())))
    }
}
