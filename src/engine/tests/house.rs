//! A small Live of two instances in a temporary folder, with an engine on it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use tokio::sync::broadcast;

use crate::clock::{Clock, SetClock};
use crate::demo::databases::Database;
use crate::domain::address::Address;
use crate::domain::backup::{Backup, BackupId};
use crate::domain::caller::Caller;
use crate::domain::deed::Deeds;
use crate::domain::environment::{EnvironmentKind, EnvironmentName, Role};
use crate::domain::event::Event;
use crate::domain::job::{Job, JobId, JobState};
use crate::domain::notify::Receiver;
use crate::domain::plan::Selection;
use crate::domain::proof::{DrillSettings, Every, VerifySettings};
use crate::domain::request::{BackupRequest, RestoreRequest};
use crate::domain::schedule::Schedule;
use crate::domain::settings::{
    CatalogSettings, ContentSettings, CopySettings, EnvironmentSettings, HealthSettings, Hooks,
    InstanceSettings, NodeSettings, RepositoryChoice, RepositorySettings, SecretSource, StorageOptions,
    VersionSource,
};
use crate::domain::slot::{Keep, Slot};
use crate::domain::target::Targets;
use crate::domain::waiting_line::EngineLimits;
use crate::engine::{Engine, EngineError, EngineSettings, Live, Surroundings};
use crate::watch::Unwatched;

pub(super) const INSTANCES: [&str; 2] = ["author", "public-1"];

thread_local! {
    /// The database that houses of this thread have their catalog in; none: in a file.
    static CATALOG: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A catalog in a database, which houses of this thread have as long as this is there.
pub(super) struct Shared(Database);

pub(super) fn share() -> Shared {
    let database = Database::new();
    CATALOG.set(Some(database.connect()));
    Shared(database)
}

impl Shared {
    /// How to connect to the database.
    pub(super) fn connect(&self) -> String {
        self.0.connect()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        CATALOG.set(None);
    }
}

pub(super) struct House {
    pub(super) folder: tempfile::TempDir,
    pub(super) clock: Arc<SetClock>,
    pub(super) hooks: Hooks,
    pub(super) nodes: Vec<NodeSettings>,
    pub(super) health: Option<HealthSettings>,
    pub(super) copied: Vec<Slot>,
    pub(super) verify: VerifySettings,
    pub(super) drill: DrillSettings,
    pub(super) schedule: Schedule,
    pub(super) keep: Keep,
    pub(super) targets: Targets,
    /// Whether a restore needs a second person.
    pub(super) approve: bool,
    pub(super) limits: EngineLimits,
    /// Who is told of what happens.
    pub(super) receivers: Vec<Receiver>,
    /// Further Live environments, each with a small content of its own.
    pub(super) others: Vec<&'static str>,
    /// Whether the content of each instance is the home of a repository.
    pub(super) homes: bool,
    /// The instances that are configured.
    pub(super) instances: Vec<&'static str>,
    /// The Magnolia version that runs.
    pub(super) magnolia: &'static str,
    /// The folder of the repositories.
    pub(super) repository: &'static str,
    /// The folder for caches; below the state without it.
    pub(super) cache: Option<PathBuf>,
    /// Who hears what an engine does.
    pub(super) deeds: Deeds,
    catalog: Option<CatalogSettings>,
    runtime: tokio::runtime::Runtime,
}

impl House {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start = DateTime::parse_from_rfc3339("2026-11-23T12:00:00Z")
            .unwrap()
            .with_timezone(&Utc);
        let house = Self {
            folder,
            clock: Arc::new(SetClock::at(start)),
            hooks: Hooks::default(),
            nodes: Vec::new(),
            health: None,
            copied: Vec::new(),
            verify: VerifySettings { every: Every::NEVER },
            drill: DrillSettings {
                every: Every::NEVER,
                ..DrillSettings::default()
            },
            schedule: Schedule::default(),
            keep: Keep::default(),
            targets: Targets::default(),
            approve: false,
            limits: EngineLimits::default(),
            receivers: Vec::new(),
            others: Vec::new(),
            homes: false,
            instances: INSTANCES.to_vec(),
            magnolia: "6.3.4",
            repository: "repository",
            cache: None,
            deeds: Deeds::default(),
            catalog: CATALOG.with_borrow(|connect| connect.as_deref().map(CatalogSettings::at)),
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap(),
        };
        fs::write(house.path("key"), "secret\n").unwrap();
        for instance in INSTANCES {
            for workspace in ["config", "website", "dam"] {
                for number in 0..4 {
                    house.write(
                        instance,
                        &format!("{workspace}/page-{number}.xml"),
                        &format!("{instance} {number}"),
                    );
                }
            }
        }
        house
    }

    /// With a second repository in the folder `copies`.
    pub(super) fn with_copy(self, slots: &[Slot]) -> Self {
        Self {
            copied: slots.to_vec(),
            ..self
        }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn root(&self, instance: &str) -> PathBuf {
        self.path(instance).join("content")
    }

    pub(super) fn write(&self, instance: &str, path: &str, text: &str) {
        let file = self.root(instance).join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    pub(super) fn remove(&self, instance: &str, path: &str) {
        let path = self.root(instance).join(path);
        if path.is_dir() {
            fs::remove_dir_all(path).unwrap();
        } else {
            fs::remove_file(path).unwrap();
        }
    }

    pub(super) fn live() -> EnvironmentName {
        "acme/live".parse().unwrap()
    }

    pub(super) fn uat() -> EnvironmentName {
        "acme/uat".parse().unwrap()
    }

    fn environment(&self, name: &str, kind: EnvironmentKind) -> EnvironmentSettings {
        EnvironmentSettings {
            project: "acme".into(),
            name: name.into(),
            kind,
            release_version: Some(VersionSource::Text("v12".into())),
            magnolia_version: Some(VersionSource::Text(self.magnolia.into())),
            schedule: self.schedule,
            keep: self.keep,
            rpo: self.targets.rpo,
            rto: self.targets.rto,
            approve: self.approve,
            verify: self.verify,
            drill: self.drill.clone(),
            instances: self
                .instances
                .iter()
                .map(|instance| InstanceSettings {
                    name: instance.parse().unwrap(),
                    role: if *instance == "author" {
                        Role::Author
                    } else {
                        Role::Public
                    },
                    content: if self.homes {
                        ContentSettings::Home {
                            path: self.root(instance),
                        }
                    } else {
                        ContentSettings::Files {
                            path: self.root(instance),
                        }
                    },
                    health: self.health.clone(),
                    hooks: self.hooks.clone(),
                    nodes: self.nodes.clone(),
                })
                .collect(),
        }
    }

    fn other(&self, name: &str) -> EnvironmentSettings {
        let mut settings = self.environment(name, EnvironmentKind::Live);
        self.write(name, "website/page.xml", name);
        settings.instances.truncate(1);
        settings.instances[0].content = ContentSettings::Files {
            path: self.root(name),
        };
        settings
    }

    /// The environments as they are configured.
    pub(super) fn environments(&self) -> Vec<EnvironmentSettings> {
        let mut all = vec![
            self.environment("live", EnvironmentKind::Live),
            self.environment("uat", EnvironmentKind::Uat),
        ];
        all.extend(self.others.iter().map(|name| self.other(name)));
        all
    }

    /// An engine on the house, as another start of Lifeboat opens it.
    pub(super) fn engine(&self) -> Engine {
        self.engine_with_state("state")
    }

    pub(super) fn engine_with_state(&self, state: &str) -> Engine {
        self.try_engine(state).unwrap()
    }

    pub(super) fn try_engine(&self, state: &str) -> Result<Engine, EngineError> {
        self.try_engine_under(Arc::clone(&self.clock) as Arc<_>, state)
    }

    /// An engine that takes the time from this clock.
    pub(super) fn try_engine_under(&self, clock: Arc<dyn Clock>, state: &str) -> Result<Engine, EngineError> {
        let mut repository = RepositorySettings::in_folder(
            self.path(self.repository),
            SecretSource::PasswordFile(self.path("key")),
        );
        if !self.copied.is_empty() {
            repository.copy = Some(CopySettings {
                root: Address::Folder(self.path("copies")),
                key: None,
                options: StorageOptions::default(),
                slots: self.copied.clone(),
            });
        }
        let settings = EngineSettings {
            cache: self.cache.clone(),
            state: self.path(state),
            catalog: self.catalog.clone(),
            repository: Some(repository),
            limits: self.limits,
            receivers: self.receivers.clone(),
            environments: self.environments(),
        };
        let surroundings = Surroundings {
            clock,
            runtime: self.runtime.handle().clone(),
            events: broadcast::channel::<Event>(1024).0,
            variables: Arc::new(|_| None),
            random: crate::random::system(),
        };
        let engine = Engine::open_telling(settings, surroundings, self.deeds.clone())?;
        // What an earlier one has left to be removed.
        engine.clearing().wait();
        Ok(engine.acting_for(Caller::here(&"maria".into())))
    }

    pub(super) fn clock_now(&self) -> crate::domain::Instant {
        self.clock.now()
    }

    pub(super) fn pass(&self, time: Duration) {
        self.clock.set(self.clock.now() + time);
    }

    /// Every path below the content folders, with its text.
    pub(super) fn content(&self) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        for instance in INSTANCES {
            collect(&self.root(instance), self.folder.path(), &mut found);
        }
        found
    }

    /// What stands beside the content of an instance.
    pub(super) fn beside(&self, instance: &str) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.path(instance))
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries
            .filter(|path| path.file_name().unwrap() != "content")
            .collect()
    }
}

/// The environment that the house has.
pub(super) trait OfHouse {
    fn of_house(&self) -> Live;
}

impl OfHouse for Engine {
    fn of_house(&self) -> Live {
        self.live(&House::live()).unwrap()
    }
}

fn collect(folder: &Path, top: &Path, found: &mut BTreeMap<PathBuf, String>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let below = path.strip_prefix(top).unwrap().to_owned();
        if path.is_dir() {
            found.insert(below, "folder".into());
            collect(&path, top, found);
        } else {
            found.insert(below, fs::read_to_string(&path).unwrap());
        }
    }
}

/// Waits until something is so that the engine tells of: a job, or how an environment stands.
pub(super) fn until(engine: &Engine, mut is_so: impl FnMut() -> bool) {
    let mut events = engine.0.events.subscribe();
    while !is_so() {
        // That some were missed is a reason to look as well.
        let _ = events.blocking_recv();
    }
}

pub(super) fn everything() -> Selection {
    Selection::default()
}

pub(super) fn only(instances: &[&str], workspaces: &[&str]) -> Selection {
    Selection {
        instances: instances.iter().map(|name| name.parse().unwrap()).collect(),
        workspaces: workspaces.iter().map(|name| (*name).to_owned()).collect(),
        ..Selection::default()
    }
}

pub(super) fn request(backup: &str, selection: Selection) -> RestoreRequest {
    RestoreRequest {
        environment: House::live(),
        backup: backup.into(),
        selection,
        without_safety: false,
        even_if_unchanged: true,
        from: RepositoryChoice::First,
    }
}

pub(super) fn manual() -> BackupRequest {
    BackupRequest {
        environment: House::live(),
        note: None,
        upgrade_to: None,
    }
}

/// Waits for a job, and until what it has replaced is removed, and gives how it ended.
pub(super) fn ended(engine: &Engine, id: JobId) -> Job {
    engine.jobs().wait_for(id);
    engine.clearing().wait();
    engine.jobs().job(id).unwrap()
}

/// Starts what is due, and gives the jobs that were started once they have ended, oldest first.
pub(super) fn looked(engine: &Engine) -> Vec<Job> {
    let newest = |limit| {
        let query = crate::domain::request::JobQuery {
            limit,
            ..Default::default()
        };
        engine.catalog().jobs(&query).unwrap()
    };
    let before = newest(1).first().map(|job| job.id);
    engine.schedule().start_what_is_due();
    // One may have ended already.
    for id in engine.jobs().at_work() {
        engine.jobs().wait_for(id);
    }
    let mut jobs = newest(20);
    jobs.retain(|job| Some(job.id) > before);
    jobs.reverse();
    jobs
}

/// Waits for a job that has to end well.
pub(super) fn done(engine: &Engine, id: JobId) -> Job {
    let job = ended(engine, id);
    assert_eq!(
        job.state,
        JobState::Done,
        "{:?}",
        engine.catalog().log_after(id, 0).unwrap()
    );
    job
}

pub(super) fn back_up(engine: &Engine) -> BackupId {
    let job = engine
        .live(&House::live())
        .unwrap()
        .start_backup(&manual())
        .unwrap();
    done(engine, job).outcome.unwrap().backup.unwrap()
}

/// Makes a plan and follows it.
pub(super) fn start_restore(engine: &Engine, request: &RestoreRequest) -> Result<JobId, EngineError> {
    let plan = engine
        .live(&House::live())
        .unwrap()
        .plan_restore(request, &Unwatched)?;
    crate::engine::start_restore(engine, &plan.id, "acme/live")
}

pub(super) fn restore(engine: &Engine, backup: &str, selection: Selection) -> Job {
    let job = start_restore(engine, &request(backup, selection)).unwrap();
    done(engine, job)
}

pub(super) fn undo(engine: &Engine) -> Job {
    let job = engine
        .live(&House::live())
        .unwrap()
        .start_undo("acme/live")
        .unwrap();
    done(engine, job)
}

pub(super) fn backups(engine: &Engine) -> Vec<Backup> {
    engine.live(&House::live()).unwrap().backups().unwrap()
}
