//! The line that jobs wait in: only so many work at the same time in this process.
//!
//! A job is created, claimed and shown at once; its thread and its locks come with its turn (`domain::waiting_line` has the order).
//! While an environment is in maintenance mode (rule 9), its job stands beside the line and takes its old place when that
//! is over. One thread, which is there while anything waits, looks for what comes from elsewhere: that a job was
//! cancelled or taken over by another Lifeboat, or a maintenance mode that was lifted.
//!
//! A job that waits ends at once when it is cancelled, when this process closes, and where nobody looks on any more.
//!
//! Not in here: what a job does with its turn (`work`), and what the schedule offers (`schedule`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant as Monotonic};

use parking_lot::{Condvar, Mutex};

use crate::catalog::CatalogError;
use crate::concurrency::machine;
use crate::concurrency::turnstile::{Pace, go_at};
use crate::domain::job::{JobId, JobKind, JobState};
use crate::domain::os_error::in_words;
use crate::domain::stop::Unseen;
use crate::domain::waiting_line::{EngineLimits, Line, Rank};
use crate::engine::jobs::Jobs;
use crate::engine::jobs::endings;
use crate::engine::{Engine, EngineError, Live, Work};

/// How often it is looked whether something came from elsewhere for those that wait.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a job does with its turn, or with the reason why it gets none.
pub(in crate::engine) type Task = Box<dyn FnOnce(Result<(), EngineError>) + Send>;

/// The jobs of one process, as far as they wait or work.
pub(in crate::engine) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    /// Held by whoever tells the places, so that older ones are never told after newer ones.
    telling: Mutex<()>,
}

struct State {
    line: Line<JobId>,
    waiting: BTreeMap<JobId, Waiting>,
    is_watched: bool,
    /// How many have shut the line: nobody begins meanwhile.
    shut: usize,
}

struct Waiting {
    work: Arc<Work>,
    task: Task,
    rank: Rank,
    ticket: u64,
    /// What keeps it from standing in line, for people.
    held: Option<String>,
}

impl Queue {
    pub(in crate::engine) fn new(limits: EngineLimits) -> Self {
        Self {
            state: Mutex::new(State {
                line: Line::new(limits.jobs_at_once(machine::cores(), machine::memory())),
                waiting: BTreeMap::new(),
                is_watched: false,
                shut: 0,
            }),
            changed: Condvar::new(),
            telling: Mutex::default(),
        }
    }
}

/// Nobody in line begins until this is dropped.
pub(in crate::engine) struct Shut(Engine);

impl Drop for Shut {
    fn drop(&mut self) {
        self.0.0.queue.state.lock().shut -= 1;
        self.0.jobs().move_up();
    }
}

/// A job's turn, which the next one has when this is dropped.
struct Turn {
    engine: Option<Engine>,
    job: JobId,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(engine) = self.engine.take() else {
            return;
        };
        engine.0.queue.state.lock().line.leave(self.job);
        engine.jobs().move_up();
        engine.0.queue.changed.notify_all();
        // Whoever waits for the job may take its engine for closed then: this thread keeps it open no longer.
        let at_work = Arc::clone(&engine.0.jobs);
        drop(engine);
        at_work.ended(self.job);
    }
}

impl Jobs<'_> {
    /// Hands a job its turn, on a thread of its own: now, or when there is room for it.
    pub(in crate::engine) fn wait_in_line(&self, work: Arc<Work>, kind: JobKind, task: Task) {
        let (id, rank) = (work.id(), Rank::of(kind, &work.by()));
        let held = match held_by(work.live()) {
            Ok(held) => held,
            Err(error) => return self.hand_over(&work, rank, task, Err(error)),
        };
        {
            let mut state = self.0.0.queue.state.lock();
            let ticket = state.line.wait(id, rank);
            if held.is_some() {
                state.line.leave(id);
            }
            let waiting = Waiting {
                work,
                task,
                rank,
                ticket,
                held,
            };
            state.waiting.insert(id, waiting);
        }
        self.move_up();
        self.0.0.queue.changed.notify_all();
    }

    /// Lets begin whoever can, and tells the others where they stand.
    fn move_up(&self) {
        while let Some((id, mut waiting)) = self.next_in_line() {
            // It may have come while the job waited.
            match held_by(waiting.work.live()) {
                Ok(None) => self.hand_over(&waiting.work, waiting.rank, waiting.task, Ok(())),
                Ok(held) => {
                    waiting.held = held;
                    let mut state = self.0.0.queue.state.lock();
                    state.line.leave(id);
                    state.waiting.insert(id, waiting);
                }
                Err(error) => self.hand_over(&waiting.work, waiting.rank, waiting.task, Err(error)),
            }
        }
        self.tell_places();
        self.watch_line();
    }

    fn next_in_line(&self) -> Option<(JobId, Waiting)> {
        let mut state = self.0.0.queue.state.lock();
        if state.shut > 0 {
            return None;
        }
        let id = state.line.begin_next()?;
        let waiting = state.waiting.remove(&id);
        if waiting.is_none() {
            state.line.leave(id);
        }
        waiting.map(|waiting| (id, waiting))
    }

    /// Gives a job its turn, or the reason why it has none, on a thread of its own.
    fn hand_over(&self, work: &Work, rank: Rank, task: Task, turn: Result<(), EngineError>) {
        let id = work.id();
        if let (Ok(()), Some(unseen)) = (&turn, self.unseen()) {
            endings::note_unseen(work, unseen);
        }
        let engine = self.0.clone();
        let begun = thread::Builder::new().name(format!("job-{id}")).spawn(move || {
            let _turn = Turn {
                engine: Some(engine),
                job: id,
            };
            if rank != Rank::Restore {
                go_at(Pace::Working);
            }
            task(turn);
        });
        if let Err(error) = begun {
            let why = format!(
                "no thread could be started for the job: {error}",
                error = in_words(&error)
            );
            endings::end(work, Err(EngineError::Failed(why)));
            // Whoever is next is looked for by the thread that watches the line: here it would meet the same.
            self.0.0.queue.state.lock().line.leave(id);
            self.ended(id);
        }
    }

    /// Ends a job that waits, for this reason. One that does not wait is left alone.
    pub(in crate::engine) fn do_not_begin(&self, id: JobId, why: EngineError) {
        let waiting = {
            let mut state = self.0.0.queue.state.lock();
            let waiting = state.waiting.remove(&id);
            if waiting.is_some() {
                state.line.leave(id);
            }
            waiting
        };
        if let Some(waiting) = waiting {
            self.hand_over(&waiting.work, waiting.rank, waiting.task, Err(why));
            self.tell_places();
        }
    }

    /// Whether a job waits for its turn, or for the end of a maintenance mode.
    pub(in crate::engine) fn is_in_line(&self, id: JobId) -> bool {
        self.0.0.queue.state.lock().waiting.contains_key(&id)
    }

    /// How many scheduled jobs could begin at once.
    pub(in crate::engine) fn room_in_line(&self) -> usize {
        self.0.0.queue.state.lock().line.room()
    }

    /// Waits until a scheduled job could begin at once; gives `false` when that time has come and none could.
    pub(in crate::engine) fn wait_for_room(&self, until: Monotonic) -> bool {
        let mut state = self.0.0.queue.state.lock();
        while state.line.room() == 0 {
            let rest = until.saturating_duration_since(Monotonic::now());
            if rest.is_zero() {
                return false;
            }
            self.0.0.queue.changed.wait_for(&mut state, rest);
        }
        true
    }

    /// How many jobs work at the same time at most; a restore may be one more.
    #[must_use]
    pub fn jobs_at_once(&self) -> usize {
        self.0.0.queue.state.lock().line.limit()
    }

    /// Lets nobody in line begin any more, until what is given is dropped.
    pub(in crate::engine) fn shut_line(&self) -> Shut {
        self.0.0.queue.state.lock().shut += 1;
        Shut(self.0.clone())
    }

    /// Stops what waits: it can last for days, in a process that nobody would know to be there.
    pub(in crate::engine) fn stop_those_that_wait(&self, unseen: Unseen) {
        let waiting: Vec<_> = self.0.0.queue.state.lock().waiting.keys().copied().collect();
        for id in waiting {
            if let Err(error) = self.stop(id, &unseen.reason()) {
                self.do_not_begin(id, error);
            }
        }
    }

    fn tell_places(&self) {
        let queue = &self.0.0.queue;
        let _telling = queue.telling.lock();
        let told: Vec<_> = {
            let state = queue.state.lock();
            let in_line = state.line.places().filter_map(|(id, place)| {
                let waiting = state.waiting.get(&id)?;
                Some((Arc::clone(&waiting.work), JobState::in_line(place)))
            });
            let beside = state.waiting.values().filter_map(|waiting| {
                let why = waiting.held.as_deref()?;
                Some((Arc::clone(&waiting.work), JobState::in_maintenance(why)))
            });
            in_line.chain(beside).collect()
        };
        for (work, state) in told {
            work.waits(state);
        }
    }

    /// Has a thread look after those that wait, as long as there are any.
    fn watch_line(&self) {
        {
            let mut state = self.0.0.queue.state.lock();
            if state.is_watched || state.waiting.is_empty() {
                return;
            }
            state.is_watched = true;
        }
        let engine = self.0.clone();
        let begun = thread::Builder::new()
            .name("line".to_owned())
            .spawn(move || engine.jobs().look_after_the_line());
        if begun.is_err() {
            // Whoever comes or ends next tries it again.
            self.0.0.queue.state.lock().is_watched = false;
        }
    }

    fn look_after_the_line(&self) {
        loop {
            self.0
                .activity()
                .whatever_happens("looking after the jobs that wait", || {
                    if let Some(unseen) = self.unseen() {
                        self.stop_those_that_wait(unseen);
                    }
                    self.look_elsewhere();
                    self.move_up();
                });
            let mut state = self.0.0.queue.state.lock();
            if state.waiting.is_empty() {
                state.is_watched = false;
                return;
            }
            self.0.0.queue.changed.wait_for(&mut state, LOOK_EVERY);
        }
    }

    /// Looks at what the catalog says of those that wait: whether they are to stop, are another Lifeboat's by now, or may
    /// stand in line again. A catalog that is away says nothing.
    fn look_elsewhere(&self) {
        let waiting: Vec<(JobId, Arc<Work>, bool)> = self
            .0
            .0
            .queue
            .state
            .lock()
            .waiting
            .iter()
            .map(|(id, waiting)| (*id, Arc::clone(&waiting.work), waiting.held.is_some()))
            .collect();
        let Ok(unended) = self.0.catalog().own_unended() else {
            return;
        };
        let unended: BTreeMap<_, _> = unended
            .into_iter()
            .map(|job| (job.id, job.cancel_asked))
            .collect();
        for (id, work, is_held) in waiting {
            match unended.get(&id) {
                None => self.do_not_begin(id, CatalogError::NotOwned(id).into()),
                Some(true) if work.is_cancelled_now() => self.do_not_begin(id, EngineError::Cancelled),
                _ if is_held => self.look_at_hold(id, work.live()),
                _ => {}
            }
        }
    }

    fn look_at_hold(&self, id: JobId, live: &Live) {
        let Ok(held) = held_by(live) else { return };
        let mut state = self.0.0.queue.state.lock();
        let Some(waiting) = state.waiting.get_mut(&id) else {
            return;
        };
        waiting.held = held;
        if waiting.held.is_none() {
            let (rank, ticket) = (waiting.rank, waiting.ticket);
            state.line.wait_again(id, rank, ticket);
        }
    }
}

/// The maintenance mode that an environment is in, for people.
fn held_by(live: &Live) -> Result<Option<String>, EngineError> {
    let name = live.name();
    let hold = live.catalog().holds(name)?.maintenance;
    Ok(hold.map(|hold| match hold.reason {
        Some(reason) => format!("{name} is in maintenance mode: {reason}"),
        None => format!("{name} is in maintenance mode"),
    }))
}
