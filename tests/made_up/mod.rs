//! A backend in memory with a fixed clock and made-up but realistic data: what the cockpit and the command line are tested
//! on. What it knows and how it answers is data ([`State`]); there are two worlds of it, and tests change them.
#![allow(dead_code, reason = "each test program uses a part of it")]

mod answers;
pub mod inside;
mod manner;
pub mod one_project;
pub mod records;
#[cfg(feature = "engine")]
mod serving;
pub mod two_projects;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use lifeboat::backend::BackendError;
use lifeboat::backend::link::Link;
use lifeboat::domain::activity::{Activity, Notification};
use lifeboat::domain::backup::Backup;
use lifeboat::domain::check::Report;
use lifeboat::domain::environment::EnvironmentName;
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{Job, JobId, JobKind, LogLine};
use lifeboat::domain::lifeboat_node::LifeboatNode;
use lifeboat::domain::nearest::nearest;
use lifeboat::domain::notify::ReceiverStanding;
use lifeboat::domain::plan::RestorePlan;
use lifeboat::domain::principal::Principal;
use lifeboat::domain::refusal::Refusal;
use lifeboat::domain::request::RestoreRequest;
use lifeboat::domain::state::EnvironmentDetails;
use lifeboat::domain::stop::Unseen;
use tokio::sync::{broadcast, watch};

#[allow(unused_imports, reason = "each test program uses a part of it")]
pub use manner::{Manner, Script};
pub use records::name;

/// Why a backend that is out of reach is so.
pub const OUT_OF_REACH: &str =
    "backups.example.com does not answer (connection refused): check the address and the network";

/// What the backend knows and does.
pub struct State {
    pub environments: BTreeMap<EnvironmentName, EnvironmentDetails>,
    pub jobs: Vec<Job>,
    pub log: Vec<LogLine>,
    pub activity: Vec<Activity>,
    pub notifications: Vec<Notification>,
    pub nodes: Vec<LifeboatNode>,
    pub receivers: Vec<ReceiverStanding>,
    /// What a check of all environments or of one finds.
    pub report: fn(Option<&EnvironmentName>) -> Report,
    /// What `plan_restore` answers.
    pub plan: Result<RestorePlan, BackendError>,
    /// What of a plan depends on what is asked for.
    pub fit_plan: fn(&RestoreRequest, &mut RestorePlan),
    /// The last plan that was made, and for what.
    pub planned: Option<(RestoreRequest, RestorePlan)>,
    /// How the jobs go that are started.
    pub manner: Manner,
    /// What every call that changes something answers, when it is not done.
    pub refuses: Option<BackendError>,
    /// Why nobody can say what an undo would do.
    pub undo_untold: Option<BackendError>,
    /// Environments of which no backup can be begun, and why.
    pub busy: BTreeMap<EnvironmentName, Refusal>,
    /// What a backup that is extended becomes, where that is seen.
    pub extended: Option<Backup>,
    /// Whether backups that hold a slot stay.
    pub keeps_slots: bool,
    /// Why nothing works at all, if nothing does.
    pub broken: Option<String>,
    pub demo: bool,
    /// What it says it is: the engine in this process, or the address of a service.
    pub kind: String,
    /// Where it keeps things.
    pub places: Vec<(String, String)>,
    /// As whom whoever asks is known.
    pub you: Option<Principal>,
    /// What was asked for, in order.
    pub calls: Vec<String>,
    /// Why nobody looks on any more, if that was told.
    pub unseen: Option<Unseen>,
    /// How it answers whoever looks inside.
    pub inside: inside::Inside,
}

/// The backend.
pub struct Fixture {
    state: Mutex<State>,
    events: broadcast::Sender<Event>,
    /// What has happened to jobs and is told once somebody listens; `None` when everything is told at once.
    untold: Mutex<Option<Vec<Event>>>,
    silent: AtomicBool,
    link: watch::Sender<Link>,
    /// What a service over it keeps.
    #[cfg(feature = "engine")]
    catalog: std::sync::OnceLock<(tempfile::TempDir, Arc<lifeboat::catalog::Catalog>)>,
}

impl Fixture {
    /// Two projects with everything in order, and some past: what the cockpit shows.
    pub fn new() -> Self {
        Self::on(two_projects::state())
    }

    /// The same, changed in some way.
    pub fn with(change: impl FnOnce(&mut State)) -> Self {
        let fixture = Self::new();
        change(&mut fixture.state());
        fixture
    }

    /// On any data.
    pub fn on(state: State) -> Self {
        Self {
            state: Mutex::new(state),
            events: broadcast::channel(1024).0,
            untold: Mutex::new(None),
            silent: AtomicBool::new(false),
            link: watch::Sender::new(Link::Up),
            #[cfg(feature = "engine")]
            catalog: std::sync::OnceLock::new(),
        }
    }

    /// Never answers anything.
    pub fn silent() -> Self {
        let fixture = Self::new();
        fixture.silent.store(true, Ordering::SeqCst);
        fixture
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Tells of something.
    pub fn tell(&self, event: Event) {
        if let Some(untold) = &mut *self.untold.lock().unwrap()
            && matches!(event, Event::Job(_))
        {
            return untold.push(event);
        }
        // Nobody may be listening yet, or any more.
        let _ = self.events.send(event);
    }

    /// Keeps what happens to jobs to itself until [`Fixture::play`]: a stream of events takes a moment to stand.
    pub fn hold_back(&self) {
        *self.untold.lock().unwrap() = Some(Vec::new());
    }

    /// Somebody listens now.
    pub fn play(&self) {
        let untold = self.untold.lock().unwrap().take();
        for event in untold.unwrap_or_default() {
            self.tell(event);
        }
    }

    /// Goes out of reach, or comes back.
    pub fn reachable(&self, reachable: bool) {
        self.set_link(if reachable {
            Link::Up
        } else {
            let now = two_projects::now();
            Link::Down {
                since: now,
                attempt: 1,
                next_try: Some(now + chrono::Duration::seconds(1)),
                why: OUT_OF_REACH.to_owned(),
            }
        });
    }

    /// Lets the link stand so.
    pub fn set_link(&self, link: Link) {
        self.link.send_replace(link);
    }

    /// A job moves on.
    pub fn move_on(&self, number: u64, change: impl FnOnce(&mut Job)) {
        let mut state = self.state();
        let job = state.jobs.iter_mut().find(|job| job.id.0 == number).unwrap();
        change(job);
        let job = job.clone();
        if let Some(details) = state.environments.get_mut(&job.environment) {
            details.summary.job = (!job.state.has_ended()).then(|| job.clone());
        }
        drop(state);
        self.tell(Event::Job(Box::new(job)));
    }

    async fn called(&self, call: impl Into<String>) -> Result<(), BackendError> {
        if self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if *self.link.borrow() != Link::Up {
            return Err(BackendError::OutOfReach(OUT_OF_REACH.to_owned()));
        }
        if let Some(why) = self.state().broken.clone() {
            return Err(BackendError::Failed(why));
        }
        self.state().calls.push(call.into());
        Ok(())
    }

    async fn changing(&self, call: impl Into<String>) -> Result<(), BackendError> {
        self.called(call).await?;
        match self.state().refuses.clone() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn details(&self, name: &EnvironmentName) -> Result<EnvironmentDetails, BackendError> {
        let state = self.state();
        state.environments.get(name).cloned().ok_or_else(|| {
            let known: Vec<_> = state.environments.keys().map(ToString::to_string).collect();
            BackendError::UnknownEnvironment {
                name: name.to_string(),
                near: nearest(&name.to_string(), known.iter().map(String::as_str)),
                known: known.join(", "),
            }
        })
    }

    fn find(&self, id: JobId) -> Result<Job, BackendError> {
        let state = self.state();
        let found = state.jobs.iter().find(|job| job.id == id);
        found.cloned().ok_or(BackendError::UnknownJob(id))
    }
}

/// A refusal as the backend gives it.
pub fn busy() -> BackendError {
    BackendError::Refused(Refusal::Busy {
        environment: name("acme/live"),
        job: JobId(40),
        kind: JobKind::Prune,
    })
}

/// The fixture, ready to be shared with a cockpit.
pub fn shared(fixture: Fixture) -> Arc<Fixture> {
    Arc::new(fixture)
}
