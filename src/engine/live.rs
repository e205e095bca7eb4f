//! One Live environment: looked up once, with its settings, its part of the catalog, its repositories, and who asks.
//!
//! Every action on an environment is a method of [`Live`], in the room of that action. Whoever has one has been told
//! that the environment is configured and is a Live one (rule 5), and asks neither again.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;

use super::newest::Newest;
use super::repositories::RepositoryCell;
use super::{Engine, ListedCopies};
use crate::catalog::{Catalog, CatalogError, Claim};
use crate::content::kinds::{self, Beside};
use crate::content::restoring::{Place, World};
use crate::content::switching::{Part, Stuck};
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::caller::Caller;
use crate::domain::environment::{EnvironmentName, InstanceName};
use crate::domain::event::Event;
use crate::domain::job::{Job, JobId};
use crate::domain::notify::Topic;
use crate::domain::principal::Principal;
use crate::domain::settings::{EnvironmentSettings, InstanceSettings, RepositoryChoice};
use crate::engine::jobs::fence::Behind;
use crate::engine::jobs::fence::Fence;
use crate::engine::overview::health::Answered;
use crate::engine::overview::listing::Listed;
use crate::engine::proof::readings::Quiet;

/// What is known of a configured environment in this process, whatever its kind.
pub(super) struct Known {
    pub(super) name: EnvironmentName,
    pub(super) settings: EnvironmentSettings,
    pub(super) health: Mutex<Answered>,
    fence: Arc<Fence>,
    pub(super) listed: Newest<Listed>,
    pub(super) copies: Newest<ListedCopies>,
    /// That nothing has its turn to be read back for a while.
    pub(super) quiet: Mutex<Option<Quiet>>,
    first: RepositoryCell,
    second: RepositoryCell,
    /// Whether the catalog did not know it when this engine was opened, until it is looked at.
    just_met: AtomicBool,
}

impl Known {
    pub(super) fn new(
        name: EnvironmentName,
        settings: EnvironmentSettings,
        fence: Fence,
        is_new: bool,
    ) -> Self {
        Self {
            name,
            settings,
            health: Mutex::default(),
            fence: Arc::new(fence),
            listed: Newest::default(),
            copies: Newest::default(),
            quiet: Mutex::default(),
            first: RepositoryCell::default(),
            second: RepositoryCell::default(),
            just_met: AtomicBool::new(is_new),
        }
    }

    /// The same environment with other settings. Whoever works on it goes on behind the same fence.
    pub(super) fn with(&self, settings: EnvironmentSettings) -> Self {
        Self {
            name: self.name.clone(),
            settings,
            health: Mutex::default(),
            fence: Arc::clone(&self.fence),
            listed: Newest::default(),
            copies: Newest::default(),
            quiet: Mutex::default(),
            first: RepositoryCell::default(),
            second: RepositoryCell::default(),
            just_met: AtomicBool::new(false),
        }
    }

    /// The place of one of its repositories.
    pub(super) fn cell(&self, which: RepositoryChoice) -> &RepositoryCell {
        match which {
            RepositoryChoice::First => &self.first,
            RepositoryChoice::Copy => &self.second,
        }
    }

    /// The claim of the job at work on it in this process, if there is one.
    pub(super) fn claim(&self) -> Option<Claim> {
        self.fence.claim()
    }

    /// Forgets what was listed: it has changed, or may have.
    pub(super) fn forget_listed(&self) {
        self.listed.forget();
        self.copies.forget();
    }
}

/// One Live environment, for somebody who asks. Cheap to clone: every clone is the same environment.
#[derive(Clone)]
pub struct Live {
    engine: Engine,
    known: Arc<Known>,
}

impl Live {
    pub(super) fn new(engine: Engine, known: Arc<Known>) -> Self {
        Self { engine, known }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &EnvironmentName {
        &self.known.name
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &EnvironmentSettings {
        &self.known.settings
    }

    /// The engine that it is one of.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The same environment, for the schedule.
    pub(super) fn by_schedule(&self) -> Self {
        self.asked_by(&Principal::Schedule)
    }

    /// The same environment, for whoever has asked for something that is done now.
    pub(super) fn asked_by(&self, who: &Principal) -> Self {
        Self {
            engine: self.engine.acting_for(Caller::here(who)),
            known: Arc::clone(&self.known),
        }
    }

    /// Who asks.
    pub(super) fn who(&self) -> &Principal {
        self.engine.who()
    }

    pub(super) fn known(&self) -> &Known {
        &self.known
    }

    pub(super) fn shared(&self) -> Arc<Known> {
        Arc::clone(&self.known)
    }

    /// The catalog, which holds more than this environment's part.
    pub(super) fn catalog(&self) -> &Catalog {
        self.engine.catalog()
    }

    /// The time now.
    pub(super) fn now(&self) -> Instant {
        self.engine.now()
    }

    /// The state folder.
    pub(super) fn state(&self) -> &Path {
        self.engine.state()
    }

    /// Whether the catalog did not know it when this engine was opened. Says so once.
    pub(super) fn is_met_for_the_first_time(&self) -> bool {
        self.known.just_met.swap(false, Ordering::Relaxed)
    }

    /// Forgets what was listed, because it changed, and tells everybody.
    pub(super) fn changed(&self) {
        self.known.forget_listed();
        self.engine.forget_listed(self.name());
        self.engine.tell(Event::Environment {
            name: self.name().clone(),
        });
    }

    /// The claim of the job at work on it in this process, if there is one.
    pub(super) fn claim(&self) -> Option<Claim> {
        self.known.claim()
    }

    /// What the repositories ask before anything in them is changed.
    pub(super) fn fence(&self) -> Arc<Fence> {
        Arc::clone(&self.known.fence)
    }

    /// From now on what is changed in its repositories is changed by this claim, and so are its small records. The caller
    /// is the only one in this process who works on it.
    pub(super) fn behind_fence(&self, claim: Claim) -> Behind {
        Fence::put_behind(&self.known.fence, claim)
    }

    /// Adds to the activity log and notifies.
    pub(super) fn remember(&self, by: &Principal, text: &str, job: Option<JobId>, severity: Severity) {
        self.engine
            .activity()
            .remember(by, Some(self.name()), text, job, severity);
    }

    /// The same, of something that is no repeat of one like it.
    pub(super) fn remember_each(&self, by: &Principal, text: &str, job: Option<JobId>, severity: Severity) {
        self.engine
            .activity()
            .remember_each(by, self.name(), text, job, severity);
    }

    /// Tells how a job has ended, as [`Live::remember`].
    pub(super) fn remember_end(&self, by: &Principal, text: &str, job: &Job, severity: Severity) {
        let (topic, name) = (Topic::of_end(job), Some(self.name()));
        let activity = self.engine.activity();
        activity.remember_as(topic, by, name, text, Some(job.id), severity);
    }

    /// Adds a warning of this kind to the activity log, and notifies.
    pub fn remember_warning(&self, by: &Principal, text: &str) {
        self.remember(by, text, None, Severity::Warning);
    }

    /// Tells once, not every minute, that something is wrong with it.
    pub(super) fn remember_once(&self, text: &str) {
        self.engine.activity().remember_once(Some(self.name()), text);
    }

    /// Adds to the activity log.
    pub(super) fn record_activity(&self, by: &Principal, what: &str, job: Option<JobId>, severity: Severity) {
        self.engine
            .activity()
            .add(by, Some(self.name()), what, job, severity);
    }

    /// The catalog failed while a job was at work.
    pub(super) fn report_catalog(&self, error: &CatalogError) {
        self.engine.activity().report_catalog(error);
    }

    /// Where the content of an instance is.
    pub(super) fn place(&self, instance: &InstanceSettings) -> Box<dyn Place> {
        kinds::place(&instance.content, self.world())
    }

    /// The same by its name, where it is configured.
    pub(super) fn place_of(&self, instance: &InstanceName) -> Option<Box<dyn Place>> {
        let mut instances = self.settings().instances.iter();
        let found = instances.find(|known| known.name == *instance)?;
        Some(self.place(found))
    }

    /// Where drills of an instance are.
    pub(super) fn place_of_drills(&self, instance: &InstanceSettings) -> Box<dyn Place> {
        kinds::place_of_drills(&instance.content, &self.settings().drill, self.world())
    }

    /// The part of a switch that a journal tells of one instance.
    ///
    /// # Errors
    /// That the instance is not configured as it was.
    pub(super) fn part_of<'r>(
        &self,
        instance: &'r InstanceName,
        beside: &'r Beside,
    ) -> Result<Box<dyn Part + 'r>, Stuck> {
        let mut instances = self.settings().instances.iter();
        let found = instances.find(|known| known.name == *instance);
        beside.part(instance, found.map(|known| &known.content), self.world())
    }

    /// What its places need of the world outside.
    pub(super) fn world(&self) -> World {
        let engine = self.engine.clone();
        World {
            state: self.state().to_owned(),
            variables: self.engine.variables(),
            token: Arc::new(move || {
                let mut bytes = [0; 8];
                let filled = engine.fill_at_random(&mut bytes);
                filled.map_err(|error| error.to_string())?;
                Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
            }),
        }
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("name", self.name())
            .finish_non_exhaustive()
    }
}
