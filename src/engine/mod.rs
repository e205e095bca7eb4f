//! The engine does the work: backups, restores, verification, retention, and the schedule.
//!
//! It knows no screen and no command line. Everything in here blocks, but for hooks and health checks, which are async.
//!
//! [`Engine`] is what is open while Lifeboat runs: the settings, the catalog, and the jobs at work. It opens things and
//! hands out handles, and does nothing by itself:
//!
//! - [`Live`]: one Live environment. What is done with one is a method of it, in the room of that action: `backup`,
//!   `restore` (the switch is `restore::switching`), `proof`, `check`; what all of them go through is in `jobs`.
//! - [`Jobs`]: what runs in this process, whatever it works on.
//! - [`Schedule`]: what is begun without anybody asking.
//!
//! What is asked of all environments is a function: [`summaries`], [`details`], [`fn@check`].

mod activity;
mod backup;
mod check;
mod configured;
mod error;
mod explore;
mod hooks;
mod jobs;
mod live;
mod newest;
mod notify;
mod opened;
mod opening;
mod openness;
mod overview;
mod proof;
mod repositories;
mod resting;
mod restore;
mod schedule;
mod secrets;
mod somebodys;
mod targets;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Instant as Monotonic;

use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::catalog::{Catalog, Change, Seen};
use crate::clock::Clock;
use crate::content::kinds;
use crate::domain::Instant;
use crate::domain::caller::Caller;
use crate::domain::deed::{Deed, Deeds};
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::nearest::nearest;
use crate::domain::principal::Principal;
use crate::domain::refusal::only_live;
use crate::domain::settings::{
    CatalogSettings, EnvironmentSettings, RepositoryChoice, RepositorySettings, SecretSource,
};
use crate::random::Random;
use crate::repository::Storage;
use backup::copies::ListedCopies;
use configured::Configured;
use explore::Explorer;
use jobs::AtWork;
use jobs::fence::Fence;
use jobs::queue::Queue;
use live::Known;
use notify::Mailroom;
use opened::Opened;
use opening::open_catalog;
use overview::glance::{self, Glances};

pub use crate::domain::settings::Variables;
pub use activity::ActivityLog;
pub use check::{check, look_at_database, look_at_folder, look_at_home, look_at_storage, try_key};
pub use configured::{note_doubt, take_over};
pub use error::EngineError;
pub use explore::Export;
pub use jobs::Jobs;
pub use jobs::work::Work;
pub use live::Live;
pub use notify::{Courier, Notifier};
pub use opening::{EngineSettings, Surroundings};
pub use overview::glance::{glances, has_been_seen};
pub use overview::{details, places, summaries, summary};
pub use restore::clearing::Clearing;
pub use restore::recover::look_for_the_dead;
pub use restore::{NO_MAGNOLIA, start_restore, start_restore_alone};
pub use schedule::turns::{DueBook, Turn, take_turns};
pub use schedule::{Schedule, Scheduler};
pub use somebodys::whose_folder;

/// The engine. Cheap to clone: every clone is the same engine. What is asked of a clone is asked by its caller, and of the
/// configuration that it was cloned with ([`Engine::current`]).
#[derive(Clone)]
pub struct Engine(Arc<Inner>, Arc<Caller>, Arc<Configured>);

struct Inner {
    state: PathBuf,
    repository: Option<RepositorySettings>,
    configured: Mutex<Arc<Configured>>,
    catalog: Arc<Catalog>,
    catalog_password: Option<SecretSource>,
    clock: Arc<dyn Clock>,
    runtime: tokio::runtime::Handle,
    variables: Variables,
    random: Random,
    events: broadcast::Sender<Event>,
    // What is reached for once: object storage has connections and limits that all repositories share.
    roots: Mutex<HashMap<RepositoryChoice, Storage>>,
    jobs: Arc<AtWork>,
    due: Mutex<DueBook>,
    queue: Queue,
    glances: Glances,
    opened: Opened,
    clearing: Clearing,
    explorer: Explorer,
    reported: Mutex<Option<Monotonic>>,
    mailroom: Arc<Mailroom>,
    deeds: Deeds,
}

/// An engine that may be gone by the time that it is needed.
#[derive(Clone)]
struct WeakEngine(Weak<Inner>);

impl WeakEngine {
    fn upgrade(&self) -> Option<Engine> {
        let inner = self.0.upgrade()?;
        let configured = Arc::clone(&inner.configured.lock());
        Some(Engine(inner, Arc::default(), configured))
    }
}

impl Engine {
    /// Opens the catalog and settles what a Lifeboat that died has left behind: Live is whole when this returns, or a
    /// critical notification says what to do.
    ///
    /// # Errors
    /// Settings that do not hold together; a catalog that cannot be opened.
    pub fn open(settings: EngineSettings, surroundings: Surroundings) -> Result<Self, EngineError> {
        Self::open_telling(settings, surroundings, Deeds::default())
    }

    /// As [`Engine::open`]. What this process does is told to `deeds` from the beginning.
    ///
    /// # Errors
    /// As [`Engine::open`].
    pub fn open_telling(
        settings: EngineSettings,
        surroundings: Surroundings,
        deeds: Deeds,
    ) -> Result<Self, EngineError> {
        let EngineSettings {
            state,
            cache,
            catalog,
            repository,
            environments,
            limits,
            receivers,
        } = settings;
        let configured = configured::by_name(environments, repository.as_ref(), &state)?;
        let catalog_password = catalog.as_ref().and_then(CatalogSettings::password);
        let catalog = Arc::new(open_catalog(
            &state,
            catalog.as_ref(),
            &surroundings.variables,
            &deeds,
        )?);
        let known = catalog.known()?;
        let names: Vec<_> = configured.keys().cloned().collect();
        let environments = configured.into_iter().map(|(name, settings)| {
            let fence = Fence::new(
                Arc::clone(&catalog),
                Arc::clone(&surroundings.clock),
                name.clone(),
            );
            let is_new = !known.contains(&name.to_string());
            (name.clone(), Arc::new(Known::new(name, settings, fence, is_new)))
        });
        let configured = Configured::new(environments.collect(), receivers);
        let below_state = state.join("cache");
        let explorer = Explorer::new(cache.as_deref().unwrap_or(&below_state), &below_state);
        let inner = Inner {
            explorer,
            configured: Mutex::new(Arc::clone(&configured)),
            state,
            repository,
            catalog,
            catalog_password,
            clock: surroundings.clock,
            runtime: surroundings.runtime,
            variables: surroundings.variables,
            random: surroundings.random,
            events: surroundings.events,
            roots: Mutex::default(),
            jobs: Arc::default(),
            due: Mutex::default(),
            queue: Queue::new(limits),
            glances: Glances::default(),
            opened: Opened::default(),
            clearing: Clearing::default(),
            reported: Mutex::default(),
            mailroom: Arc::default(),
            deeds,
        };
        let engine = Self(Arc::new(inner), Arc::default(), configured);
        engine.catalog().meet(&names, engine.now())?;
        engine.notifier().look_again();
        kinds::clear_looks(engine.state());
        restore::recover::settle_abandoned(&engine)?;
        restore::clearing::go_on(&engine);
        glance::has_seen_activity(&engine);
        Ok(engine)
    }

    /// The same engine, for somebody who asks: what is done on this one's behalf is put down to them in the activity log,
    /// with where they asked from.
    #[must_use]
    pub fn acting_for(&self, caller: Caller) -> Self {
        Self(Arc::clone(&self.0), Arc::new(caller), Arc::clone(&self.2))
    }

    /// The same engine, of the configuration that was taken over last ([`take_over`]).
    #[must_use]
    pub fn current(&self) -> Self {
        let configured = Arc::clone(&self.0.configured.lock());
        Self(Arc::clone(&self.0), Arc::clone(&self.1), configured)
    }

    fn fill_at_random(&self, bytes: &mut [u8]) -> Result<(), EngineError> {
        (self.0.random)(bytes).map_err(EngineError::Failed)
    }

    /// What is being removed of what restores have replaced.
    #[must_use]
    pub fn clearing(&self) -> &Clearing {
        &self.0.clearing
    }

    /// What is known of what is inside of backups.
    fn explorer(&self) -> &Explorer {
        &self.0.explorer
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// Where hooks and health checks run.
    fn runtime(&self) -> &tokio::runtime::Handle {
        &self.0.runtime
    }

    /// The same engine, for what must not keep it open.
    fn downgrade(&self) -> WeakEngine {
        WeakEngine(Arc::downgrade(&self.0))
    }

    /// The name of whoever asks.
    #[must_use]
    pub fn who(&self) -> &Principal {
        &self.1.who
    }

    /// Whoever asks, with where from.
    fn asked_by(&self) -> &Caller {
        &self.1
    }

    /// Whoever did something, with where they asked from if it is this engine's caller.
    fn caller(&self, who: &Principal) -> Caller {
        if self.1.who == *who {
            Caller::clone(&self.1)
        } else {
            Caller::here(who)
        }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.0.clock.now()
    }

    /// The catalog of jobs, activity and notifications.
    #[must_use]
    pub fn catalog(&self) -> &Catalog {
        &self.0.catalog
    }

    /// The same, for whoever keeps it for the length of a call.
    #[must_use]
    pub fn shared_catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.0.catalog)
    }

    /// Where the catalog and the journals are.
    #[must_use]
    pub fn state(&self) -> &Path {
        &self.0.state
    }

    /// The configured environments, by name.
    pub fn environments(&self) -> impl Iterator<Item = (&EnvironmentName, &EnvironmentSettings)> {
        self.known().map(|known| (&known.name, &known.settings))
    }

    /// The configured Live environments, by name.
    pub fn all_live(&self) -> impl Iterator<Item = Live> {
        let live = self.known().filter(|known| known.settings.kind.is_recoverable());
        live.map(|known| Live::new(self.clone(), Arc::clone(known)))
    }

    /// Every environment that may have to be settled, whatever its kind now.
    fn all_to_settle(&self) -> impl Iterator<Item = Live> {
        self.known()
            .map(|known| Live::new(self.clone(), Arc::clone(known)))
    }

    /// An environment that is to be settled: also one that is not configured any more, of which nothing but its name is
    /// known, or that is no Live one now.
    fn live_to_settle(&self, name: &EnvironmentName) -> Live {
        let known = self.known_as(name).map_or_else(
            |_| {
                let fence = Fence::new(
                    Arc::clone(&self.0.catalog),
                    Arc::clone(&self.0.clock),
                    name.clone(),
                );
                let settings = EnvironmentSettings::without_instances(name);
                Arc::new(Known::new(name.clone(), settings, fence, false))
            },
            Arc::clone,
        );
        Live::new(self.clone(), known)
    }

    fn known(&self) -> impl Iterator<Item = &Arc<Known>> {
        self.2.environments.values()
    }

    fn known_as(&self, name: &EnvironmentName) -> Result<&Arc<Known>, EngineError> {
        self.2.environments.get(name).ok_or_else(|| {
            let known: Vec<_> = self.2.environments.keys().map(ToString::to_string).collect();
            EngineError::UnknownEnvironment {
                name: name.to_string(),
                near: nearest(&name.to_string(), known.iter().map(String::as_str)),
                known: if known.is_empty() {
                    "none yet".to_owned()
                } else {
                    known.join(", ")
                },
            }
        })
    }

    /// The settings of one environment, whatever its kind.
    ///
    /// # Errors
    /// [`EngineError::UnknownEnvironment`].
    pub fn settings(&self, name: &EnvironmentName) -> Result<&EnvironmentSettings, EngineError> {
        self.known_as(name).map(|known| &known.settings)
    }

    /// One Live environment (rule 5).
    ///
    /// # Errors
    /// [`EngineError::UnknownEnvironment`]; a refusal for every other kind.
    pub fn live(&self, name: &EnvironmentName) -> Result<Live, EngineError> {
        let known = self.known_as(name)?;
        only_live(name, known.settings.kind)?;
        Ok(Live::new(self.clone(), Arc::clone(known)))
    }

    /// What runs in this process.
    #[must_use]
    pub fn jobs(&self) -> Jobs<'_> {
        Jobs(self)
    }

    /// What is begun without anybody asking.
    #[must_use]
    pub fn schedule(&self) -> Schedule<'_> {
        Schedule(self)
    }

    /// What people are told of what is done.
    #[must_use]
    pub fn activity(&self) -> ActivityLog<'_> {
        ActivityLog(self)
    }

    /// Who is told of what happens while nobody looks.
    #[must_use]
    pub fn notifier(&self) -> Notifier<'_> {
        Notifier(self)
    }

    fn repository_settings(&self) -> Option<&RepositorySettings> {
        self.0.repository.as_ref()
    }

    /// Where all repositories are below, or all second ones, reached for once. `None` when no second ones are configured.
    fn root(&self, which: RepositoryChoice) -> Result<Option<Storage>, EngineError> {
        let settings = repositories::settings(self)?;
        let (root, options) = match (which, &settings.copy) {
            (RepositoryChoice::First, _) => (&settings.root, &settings.options),
            (RepositoryChoice::Copy, Some(copy)) => (&copy.root, &copy.options),
            (RepositoryChoice::Copy, None) => return Ok(None),
        };
        let mut roots = self.0.roots.lock();
        if let Some(root) = roots.get(&which) {
            return Ok(Some(root.clone()));
        }
        // The paths in the settings are absolute by now.
        let root = Storage::new(root, options, &self.0.state, &|variable| {
            (self.0.variables)(variable)
        })?
        .immutable(options.immutable, &self.0.clock);
        roots.insert(which, root.clone());
        Ok(Some(root))
    }

    /// Looks at everything again that other Lifeboats may have changed.
    pub fn refresh(&self) {
        for known in self.known() {
            known.forget_listed();
        }
        glance::look_again_at(self, None);
        self.tell(Event::Missed);
    }

    /// Forgets what was listed of an environment, because it changed, and tells everybody.
    fn changed(&self, name: &EnvironmentName) {
        self.forget_listed(name);
        self.tell(Event::Environment { name: name.clone() });
    }

    /// Looks at what other Lifeboats have changed since `seen`, tells of it, and gives up to where it has seen now. Without
    /// `seen`, or when the catalog cannot be asked, everything has to be looked at again.
    #[must_use]
    pub fn look_at_others(&self, seen: Option<Seen>) -> Option<Seen> {
        let Some(before) = seen else {
            let now = self.catalog().seen_so_far().ok()?;
            self.refresh();
            return Some(now);
        };
        let (changes, now) = self.catalog().changes_since(&before).ok()?;
        for change in changes {
            match change {
                Change::Anything if self.catalog().is_shared() => self.refresh(),
                Change::Anything => glance::look_at_what_others_touched(self),
                Change::Job(job) => {
                    if job.state.has_ended() {
                        self.changed(&job.environment);
                    }
                    self.tell(Event::Job(job));
                }
                Change::Environment(name) => self.changed(&name),
                Change::Notification(notification) => self.tell(Event::Notification(notification)),
            }
        }
        Some(now)
    }

    /// Forgets what was listed of an environment, by whoever looks at it now: a job that has begun before the configuration
    /// changed knows another one.
    fn forget_listed(&self, name: &EnvironmentName) {
        for engine in [self, &self.current()] {
            if let Ok(known) = engine.known_as(name) {
                known.forget_listed();
            }
        }
    }

    fn variables(&self) -> Variables {
        Arc::clone(&self.0.variables)
    }

    /// Tells whoever keeps a log of what this process does.
    fn did(&self, deed: Deed) {
        self.0.deeds.tell(deed);
    }

    fn tell(&self, event: Event) {
        if let Event::Environment { name } = &event {
            glance::look_again_at(self, Some(name));
        }
        // Nobody listening is no error.
        let _ = self.0.events.send(event);
    }
}
