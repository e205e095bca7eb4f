//! The engine does the work: backups, restores, verification, retention, and the schedule.
//!
//! It knows no screen and no command line. Everything in here is blocking code on threads of its own; the only async
//! parts (hooks and health checks) run on the runtime that it is given.
//!
//! [`Engine`] is what is open while Lifeboat runs: the settings, the catalog, the repositories and the jobs at work.
//! Its actions are in files of their own: `backup`, `restore`, `verify`, `proofs`, `retention`, `overview`, `scheduler`,
//! `endings`. Backups
//! and restores share `hooks` and `health`.

mod activity;
mod backup;
mod check;
mod copies;
mod endings;
mod error;
mod fence;
mod glance;
mod health;
mod hooks;
#[cfg(feature = "object-storage")]
mod immutable;
mod listing;
mod lock;
mod opened;
mod openness;
mod overview;
mod papers;
mod proofs;
mod queue;
mod restore;
mod retention;
mod scheduler;
mod storing;
#[cfg(test)]
mod tests;
mod verify;
mod versions;
mod work;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant as Monotonic};

use tokio::sync::broadcast;

use crate::catalog::{Catalog, CatalogError, Change, Lease, Seen};
use crate::clock::Clock;
use crate::content::Content;
use crate::content::files::Files;
use crate::content::postgres::{Connector, Postgres};
use crate::domain::Instant;
use crate::domain::address::Address;
use crate::domain::caller::Caller;
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::job::{JobId, JobKind};
use crate::domain::principal::Principal;
use crate::domain::refusal::only_live;
use crate::domain::settings::{
    CatalogSettings, ContentSettings, EnvironmentSettings, InstanceSettings, RepositoryChoice,
    RepositorySettings, SecretSource,
};
use crate::domain::stop::Unseen;
use crate::domain::turn::EngineLimits;
use crate::random::Random;
use crate::repository::{Key, Repository, Storage};
use copies::ListedCopies;
use listing::Listed;

pub use crate::domain::settings::Variables;
pub use check::{look_at_database, look_at_storage};
pub use error::EngineError;
pub use scheduler::Scheduler;
pub use scheduler::turns::{DueBook, Turn, take_turns};
pub use work::Work;

/// How often whoever looks on is told that the catalog cannot be written.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// The place of one open repository: empty until it is first needed.
type RepositoryCell = Arc<Mutex<Option<Arc<Repository>>>>;

/// What the engine is told at its start.
pub struct EngineSettings {
    /// Where jobs, activity, notifications and journals are kept, unless `catalog` says so.
    pub state: PathBuf,
    /// The database where they are kept instead, for several Lifeboats on several machines.
    pub catalog: Option<CatalogSettings>,
    /// Where backups are kept. `None` when nothing is configured yet.
    pub repository: Option<RepositorySettings>,
    /// The environments.
    pub environments: Vec<EnvironmentSettings>,
    /// How much is done at the same time.
    pub limits: EngineLimits,
}

/// What the engine needs from the world around it.
pub struct Surroundings {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where hooks and health checks run.
    pub runtime: tokio::runtime::Handle,
    /// Where events are sent.
    pub events: broadcast::Sender<Event>,
    /// Environment variables, for keys that are kept in one.
    pub variables: Variables,
    /// Random numbers, for ids that nobody can guess.
    pub random: Random,
}

/// The engine. Cheap to clone: every clone is the same engine. What is asked of a clone is asked by its caller.
#[derive(Clone)]
pub struct Engine(Arc<Inner>, Arc<Caller>);

struct Inner {
    state: PathBuf,
    repository: Option<RepositorySettings>,
    environments: BTreeMap<EnvironmentName, EnvironmentSettings>,
    catalog: Arc<Catalog>,
    catalog_password: Option<SecretSource>,
    clock: Arc<dyn Clock>,
    runtime: tokio::runtime::Handle,
    variables: Variables,
    random: Random,
    events: broadcast::Sender<Event>,
    // One lock per environment, so that opening one repository (scrypt takes 0.4 s) does not hold up the others.
    repositories: Mutex<HashMap<(EnvironmentName, RepositoryChoice), RepositoryCell>>,
    // What is reached for once: object storage has connections and limits that all repositories share.
    roots: Mutex<HashMap<RepositoryChoice, Storage>>,
    listed: Mutex<HashMap<EnvironmentName, Listed>>,
    health: Mutex<HashMap<EnvironmentName, health::Known>>,
    copies: Mutex<HashMap<EnvironmentName, ListedCopies>>,
    at_work: Mutex<HashMap<JobId, Arc<Work>>>,
    fences: Mutex<HashMap<EnvironmentName, Arc<fence::Fence>>>,
    due: Mutex<DueBook>,
    queue: queue::Queue,
    glances: glance::Glances,
    opened: opened::Opened,
    reported: Mutex<Option<Monotonic>>,
    /// Jobs that are claimed for this process and that nobody in it works on, with when that was first seen.
    orphans: Mutex<HashMap<JobId, Monotonic>>,
    /// The environments that the catalog did not know when this engine was opened, until they are looked at.
    just_met: Mutex<BTreeSet<EnvironmentName>>,
    /// Why nobody looks on any more at what runs here.
    unseen: Mutex<Option<Unseen>>,
    /// Whether no job of the schedule is begun any more.
    resting: AtomicBool,
    ended: Condvar,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Opens the catalog and settles what a Lifeboat that died has left behind: Live is whole when this returns, or a
    /// critical notification says what to do.
    ///
    /// # Errors
    /// Settings that do not hold together; a catalog that cannot be opened.
    pub fn open(settings: EngineSettings, surroundings: Surroundings) -> Result<Self, EngineError> {
        let mut environments = BTreeMap::new();
        for environment in settings.environments {
            environment.validate()?;
            environment.lies_apart(settings.repository.as_ref(), Some(&settings.state), &real)?;
            let name = environment.environment_name()?;
            if environments.insert(name.clone(), environment).is_some() {
                return Err(EngineError::Failed(format!(
                    "{name} is configured twice: remove one of the two"
                )));
            }
        }
        let catalog = match &settings.catalog {
            None => Catalog::open(&settings.state).map_err(|error| error.of_state(&settings.state))?,
            Some(database) => {
                let connector = Connector::new(
                    &database.connection(),
                    settings.state.clone(),
                    Arc::clone(&surroundings.variables),
                );
                let node = database.node.as_deref().unwrap_or("a machine without a name");
                Catalog::share(connector, node, Lease::default())?
            }
        };
        let inner = Inner {
            state: settings.state,
            repository: settings.repository,
            environments,
            catalog: Arc::new(catalog),
            catalog_password: settings.catalog.and_then(|database| database.password()),
            clock: surroundings.clock,
            runtime: surroundings.runtime,
            variables: surroundings.variables,
            random: surroundings.random,
            events: surroundings.events,
            repositories: Mutex::default(),
            roots: Mutex::default(),
            listed: Mutex::default(),
            health: Mutex::default(),
            copies: Mutex::default(),
            at_work: Mutex::default(),
            fences: Mutex::default(),
            due: Mutex::default(),
            queue: queue::Queue::new(settings.limits),
            glances: glance::Glances::default(),
            opened: opened::Opened::default(),
            reported: Mutex::default(),
            orphans: Mutex::default(),
            just_met: Mutex::default(),
            unseen: Mutex::default(),
            resting: AtomicBool::new(false),
            ended: Condvar::new(),
        };
        let engine = Self(Arc::new(inner), Arc::default());
        let names: Vec<_> = engine.0.environments.keys().cloned().collect();
        let known = engine.catalog().known()?;
        let is_unknown = |name: &&EnvironmentName| !known.contains(&name.to_string());
        *locked(&engine.0.just_met) = names.iter().filter(is_unknown).cloned().collect();
        engine.catalog().meet(&names, engine.now())?;
        engine.clear_probes();
        engine.settle_abandoned()?;
        engine.has_seen_activity();
        Ok(engine)
    }

    /// The same engine, for somebody who asks: what is done on this one's behalf is put down to them in the activity log,
    /// with where they asked from.
    #[must_use]
    pub fn acting_for(&self, caller: Caller) -> Self {
        Self(Arc::clone(&self.0), Arc::new(caller))
    }

    /// The name of whoever asks.
    fn who(&self) -> &Principal {
        &self.1.who
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
        self.0.environments.iter()
    }

    /// The settings of one environment.
    ///
    /// # Errors
    /// [`EngineError::UnknownEnvironment`].
    pub fn settings(&self, name: &EnvironmentName) -> Result<&EnvironmentSettings, EngineError> {
        self.0.environments.get(name).ok_or_else(|| {
            let known: Vec<_> = self.0.environments.keys().map(ToString::to_string).collect();
            EngineError::UnknownEnvironment {
                name: name.to_string(),
                known: if known.is_empty() {
                    "none yet".to_owned()
                } else {
                    known.join(", ")
                },
            }
        })
    }

    /// The settings of a Live environment (rule 5).
    ///
    /// # Errors
    /// [`EngineError::UnknownEnvironment`]; a refusal for every other kind.
    pub fn live_settings(&self, name: &EnvironmentName) -> Result<&EnvironmentSettings, EngineError> {
        let settings = self.settings(name)?;
        only_live(name, settings.kind)?;
        Ok(settings)
    }

    /// Where the environment's repository is.
    ///
    /// # Errors
    /// A sentence when no repository is configured.
    pub fn repository_place(&self, name: &EnvironmentName) -> Result<Address, EngineError> {
        let settings = self.repository_settings()?;
        Ok(settings.root.join(name.project()).join(name.environment()))
    }

    fn repository_settings(&self) -> Result<&RepositorySettings, EngineError> {
        self.0.repository.as_ref().ok_or_else(|| {
            EngineError::Failed(
                "no repository is configured: add a [repository] with a root and a password_file".to_owned(),
            )
        })
    }

    /// How the environment's repository, or its second one, is reached. `None` when no second one is configured.
    fn storage(
        &self,
        name: &EnvironmentName,
        which: RepositoryChoice,
    ) -> Result<Option<Storage>, EngineError> {
        let settings = self.repository_settings()?;
        let (root, options) = match (which, &settings.copy) {
            (RepositoryChoice::First, _) => (&settings.root, &settings.options),
            (RepositoryChoice::Copy, Some(copy)) => (&copy.root, &copy.options),
            (RepositoryChoice::Copy, None) => return Ok(None),
        };
        let mut roots = locked(&self.0.roots);
        let root = if let Some(root) = roots.get(&which) {
            root.clone()
        } else {
            // The paths in the settings are absolute by now.
            let root = Storage::new(root, options, &self.0.state, &|variable| {
                (self.0.variables)(variable)
            })?
            .immutable(options.immutable, &self.0.clock);
            roots.insert(which, root.clone());
            root
        };
        Ok(Some(root.join(name.project()).join(name.environment())))
    }

    /// The key of the environment's repository, or of its second one.
    fn key_of(&self, which: RepositoryChoice) -> Result<Key, EngineError> {
        let settings = self.repository_settings()?;
        let source = match (which, &settings.copy) {
            (RepositoryChoice::Copy, Some(copy)) => copy.key.as_ref().unwrap_or(&settings.key),
            _ => &settings.key,
        };
        let variables = Arc::clone(&self.0.variables);
        // The paths in the settings are absolute by now; a command runs in the state directory.
        Ok(Key::read(source, &self.0.state, &|variable| variables(variable))?)
    }

    /// The environment's repository, opened once and kept. `None` when it does not exist yet and `create` is false.
    fn repository(
        &self,
        name: &EnvironmentName,
        create: bool,
    ) -> Result<Option<Arc<Repository>>, EngineError> {
        self.repository_of(name, RepositoryChoice::First, create)
    }

    /// The environment's repository, or its second one, opened once and kept. `None` when it is not configured, or
    /// does not exist yet and `create` is false.
    fn repository_of(
        &self,
        name: &EnvironmentName,
        which: RepositoryChoice,
        create: bool,
    ) -> Result<Option<Arc<Repository>>, EngineError> {
        let cell = Arc::clone(
            locked(&self.0.repositories)
                .entry((name.clone(), which))
                .or_default(),
        );
        let kept = locked(&cell).clone();
        if kept.is_some() {
            return Ok(kept);
        }
        let Some(storage) = self.storage(name, which)? else {
            return Ok(None);
        };
        if !Repository::exists(&storage)? {
            let held_backups = which == RepositoryChoice::First
                && !self
                    .catalog()
                    .past_durations(name, JobKind::Backup, 1)?
                    .is_empty();
            if held_backups {
                let place = storage.address();
                let question = match place {
                    Address::Folder(_) => "is its disk mounted",
                    Address::Bucket { .. } => "is that the bucket it was in",
                };
                return Err(EngineError::Failed(format!(
                    "the repository of {name}, which held backups, is not in {place}: {question}? No new one is made in \
                     its place. If it is lost for good, name another root in [repository] and move {} away",
                    self.catalog().place()
                )));
            }
            if !create {
                return Ok(None);
            }
        }
        // Before its place, which somebody may want who is in more of a hurry.
        let turn = self.turn_to_open();
        let mut opened = locked(&cell);
        if let Some(repository) = &*opened {
            return Ok(Some(Arc::clone(repository)));
        }
        let key = self.key_of(which)?;
        let repository = if create {
            Repository::open_or_create(&storage, &key)?
        } else {
            Repository::open(&storage, &key)?
        };
        drop(turn);
        repository.under(self.fence(name));
        let repository = Arc::new(repository);
        *opened = Some(Arc::clone(&repository));
        drop(opened);
        self.is_open_now(name, which);
        Ok(Some(repository))
    }

    /// Forgets what was listed, because it changed, and tells everybody.
    fn changed(&self, name: &EnvironmentName) {
        locked(&self.0.listed).remove(name);
        locked(&self.0.copies).remove(name);
        self.tell(Event::Environment { name: name.clone() });
    }

    /// Looks at everything again that other Lifeboats may have changed.
    pub fn refresh(&self) {
        locked(&self.0.listed).clear();
        locked(&self.0.copies).clear();
        self.look_again_at(None);
        self.tell(Event::Missed);
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
                Change::Anything => self.look_at_what_others_touched(),
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

    /// The content of an instance.
    fn content(&self, instance: &InstanceSettings) -> Arc<dyn Content> {
        match &instance.content {
            ContentSettings::Files { path } => Arc::new(Files::new(path)),
            ContentSettings::Postgres(database) => Arc::new(Postgres::new(self.connector(database))),
        }
    }

    /// The folder that the content of an instance is in, if it is in one.
    fn content_folder(instance: &InstanceSettings) -> Option<&Path> {
        match &instance.content {
            ContentSettings::Files { path } => Some(path),
            ContentSettings::Postgres(_) => None,
        }
    }

    /// The environment variables that hold secrets of Lifeboat's, by what is configured: nothing that it starts is to
    /// see them.
    fn secret_variables(&self) -> Vec<String> {
        let mut names = Vec::new();
        let mut keep = |source: Option<&SecretSource>| {
            if let Some(SecretSource::PasswordEnv(name)) = source {
                names.push(name.clone());
            }
        };
        keep(self.0.catalog_password.as_ref());
        let repository = self.0.repository.as_ref();
        keep(repository.map(|settings| &settings.key));
        keep(repository.and_then(|settings| settings.copy.as_ref()?.key.as_ref()));
        for instance in self
            .0
            .environments
            .values()
            .flat_map(|settings| &settings.instances)
        {
            if let ContentSettings::Postgres(database) = &instance.content {
                keep(database.password().as_ref());
            }
        }
        for options in repository.into_iter().flat_map(|settings| {
            std::iter::once(&settings.options).chain(settings.copy.as_ref().map(|copy| &copy.options))
        }) {
            names.extend(options.secret_access_key_env.clone());
            names.extend(options.session_token_env.clone());
            if let Some(deletions) = &options.deletions {
                names.extend(deletions.secret_access_key_env.clone());
                names.extend(deletions.session_token_env.clone());
            }
        }
        if repository.is_some() {
            names.extend(["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"].map(str::to_owned));
        }
        names
    }

    fn variables(&self) -> Variables {
        Arc::clone(&self.0.variables)
    }

    fn tell(&self, event: Event) {
        if let Event::Environment { name } = &event {
            self.look_again_at(Some(name));
        }
        // Nobody listening is no error.
        let _ = self.0.events.send(event);
    }

    /// The catalog failed while a job was at work. The job goes on: content matters more than its records. Whoever
    /// looks on is told by an event, since the catalog itself cannot be written.
    fn report_catalog(&self, error: &CatalogError) {
        {
            // Every step of every job would tell it.
            let mut reported = locked(&self.0.reported);
            if reported.is_some_and(|at| at.elapsed() < REPORT_EVERY) {
                return;
            }
            *reported = Some(Monotonic::now());
        }
        let notification = crate::domain::activity::Notification {
            number: 0,
            at: self.now(),
            severity: crate::domain::activity::Severity::Critical,
            environment: None,
            text: format!("the records of jobs cannot be written: {error}"),
            job: None,
            seen: false,
        };
        self.tell(Event::Notification(notification));
    }

    fn at_work(&self, id: JobId, work: Option<Arc<Work>>) {
        let mut at_work = locked(&self.0.at_work);
        match work {
            Some(work) => at_work.insert(id, work),
            None => at_work.remove(&id),
        };
        self.0.ended.notify_all();
    }

    fn find_work(&self, id: JobId) -> Option<Arc<Work>> {
        locked(&self.0.at_work).get(&id).cloned()
    }

    /// The jobs that run in this process.
    #[must_use]
    pub fn jobs_at_work(&self) -> Vec<JobId> {
        locked(&self.0.at_work).keys().copied().collect()
    }

    /// Waits until a job of this process has ended.
    pub fn wait_for(&self, id: JobId) {
        let mut at_work = locked(&self.0.at_work);
        while at_work.contains_key(&id) {
            at_work = self.0.ended.wait(at_work).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until no job is at work in this process any more.
    pub fn wait_for_all(&self) {
        let mut at_work = locked(&self.0.at_work);
        while !at_work.is_empty() {
            at_work = self.0.ended.wait(at_work).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for a while, or until a job ends.
    fn pause(&self, time: Duration) {
        let at_work = locked(&self.0.at_work);
        drop(self.0.ended.wait_timeout(at_work, time));
    }
}

/// Where a path really is, as far as it is there: links in it are followed.
fn real(path: &Path) -> PathBuf {
    path.ancestors()
        .find_map(|above| {
            let there = std::fs::canonicalize(above).ok()?;
            let below = path.strip_prefix(above).ok()?;
            Some(if below.as_os_str().is_empty() {
                there
            } else {
                there.join(below)
            })
        })
        .unwrap_or_else(|| path.to_owned())
}
