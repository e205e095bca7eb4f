//! The demo's sandbox: one folder that holds everything, so that nothing outside it is touched.
//!
//! ```text
//! DIR/lifeboat.toml                      the configuration
//! DIR/repository.key                     the repositories' key
//! DIR/repository/PROJECT/ENVIRONMENT     a repository for each Live
//! DIR/live/PROJECT/INSTANCE/content      the content of each instance, if it is in folders
//! DIR/live/PROJECT/INSTANCE/datastore    the large binaries of each instance, if it is in a database
//! DIR/live/PROJECT/INSTANCE/folders      the same content as folders, for whoever plays an editor
//! DIR/cluster                            the databases
//! DIR/live/PROJECT/RELEASE, MAGNOLIA     the versions that run
//! DIR/state                              jobs, activity, journals
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{Datelike, Days, NaiveDate};
use serde::Serialize;

use super::DemoError;
use super::cluster::{Cluster, SUPERUSER};
use super::content::{Database, Place, Site};
use super::live::Instance;
use super::window;
use crate::domain::Instant;
use crate::domain::environment::{EnvironmentKind, EnvironmentName, InstanceName, Role};
use crate::domain::proof::{DrillSettings, Every, VerifySettings};
use crate::domain::schedule::{Schedule, weekday_label};
use crate::domain::settings::{
    ContentSettings, EnvironmentSettings, Hooks, InstanceSettings, PostgresSettings, RepositorySettings,
    SecretSource, VersionSource,
};
use crate::domain::slot::Keep;
use crate::domain::waiting_line::EngineLimits;
use crate::engine::{EngineSettings, NO_MAGNOLIA};

/// The projects, and which environments each has beside Live.
pub(super) const PROJECTS: [(&str, &[EnvironmentKind]); 2] = [
    ("acme", &[EnvironmentKind::Uat, EnvironmentKind::Integration]),
    ("globex", &[EnvironmentKind::Uat]),
];
/// The instances of each Live.
const INSTANCES: [(&str, Role); 3] = [
    ("author", Role::Author),
    ("public-1", Role::Public),
    ("public-2", Role::Public),
];
/// The environment that the story is about.
const STAR: &str = "acme/live";

/// A sandbox on disk.
#[derive(Debug, Clone)]
pub struct Sandbox {
    root: PathBuf,
    schedule: Schedule,
    // Where the star's content is; without one it is in folders, as that of all others.
    cluster: Option<Arc<Cluster>>,
}

/// Where everything of the sandbox is, for people and programs that want to look behind the cockpit.
#[derive(Debug, Clone, Serialize)]
pub struct Whereabouts {
    /// The configuration: `lifeboat --config FILE …` works on the sandbox.
    pub config: PathBuf,
    /// The repository of the environment that the story is about.
    pub repository: PathBuf,
    /// The key file of all repositories.
    pub password_file: PathBuf,
    /// Where the content of the environment that the story is about is on disk, by instance: the folder of the data
    /// store if the rest is in a database.
    pub content: BTreeMap<String, PathBuf>,
    /// How to connect to the databases of the environment that the story is about, by instance, while the demo is open.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub databases: BTreeMap<String, String>,
    /// Every Live environment with its repository and content folders.
    pub environments: Vec<LiveWhereabouts>,
}

/// Where everything of one Live environment is.
#[derive(Debug, Clone, Serialize)]
pub struct LiveWhereabouts {
    /// The environment.
    pub environment: EnvironmentName,
    /// Its repository.
    pub repository: PathBuf,
    /// Where its content is on disk, by instance: the folder of the data store if the rest is in a database.
    pub content: BTreeMap<String, PathBuf>,
}

impl Sandbox {
    /// A sandbox in a folder, as seen at `now`: the weekly and monthly days are chosen so that both have just been.
    /// Makes nothing yet.
    #[must_use]
    pub(super) fn new(root: PathBuf, now: Instant) -> Self {
        let today = now.date_naive();
        let ago = |days| today.checked_sub_days(Days::new(days)).unwrap_or(today);
        Self {
            root,
            schedule: Schedule {
                window: window::out_of_sight(now),
                weekly_on: ago(2).weekday(),
                monthly_on: u8::try_from(month_day(ago(9))).unwrap_or(1),
                ..Schedule::default()
            },
            cluster: None,
        }
    }

    /// The same sandbox with the star's content in databases.
    #[must_use]
    pub(super) fn with_databases(self, cluster: Cluster) -> Self {
        Self {
            cluster: Some(Arc::new(cluster)),
            ..self
        }
    }

    /// The databases' cluster.
    #[must_use]
    pub(super) fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_deref()
    }

    /// The folder of the databases' cluster.
    #[must_use]
    pub(super) fn cluster_folder(&self) -> PathBuf {
        self.root.join("cluster")
    }

    /// The database of an instance, if its content is in one.
    fn database(&self, project: &str, instance: &str) -> Option<Database> {
        let cluster = self.cluster.as_ref().filter(|_| STAR.starts_with(project))?;
        let name = format!("{project}-{instance}");
        Some(Database {
            connect: cluster.connect(&name, SUPERUSER),
            data_store: self.project(project).join(instance).join("datastore"),
            name,
        })
    }

    /// How an engine gets at the content of an instance.
    fn content_settings(&self, project: &str, instance: &str) -> ContentSettings {
        let database = self.database(project, instance);
        match (database, &self.cluster) {
            (Some(database), Some(cluster)) => {
                let mut settings = PostgresSettings::at(&database.connect);
                settings.data_store = Some(database.data_store);
                settings.pg_dump = cluster.binaries().join("pg_dump");
                ContentSettings::Postgres(Box::new(settings))
            }
            _ => ContentSettings::Files {
                path: self.content(project, instance),
            },
        }
    }

    /// Where somebody finds the content of an instance on disk.
    fn on_disk(&self, project: &str, instance: &str) -> PathBuf {
        self.database(project, instance)
            .map_or_else(|| self.content(project, instance), |database| database.data_store)
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The configuration file.
    #[must_use]
    pub fn config_file(&self) -> PathBuf {
        self.root.join("lifeboat.toml")
    }

    fn key_file(&self) -> PathBuf {
        self.root.join("repository.key")
    }

    fn repositories(&self) -> PathBuf {
        self.root.join("repository")
    }

    fn state(&self) -> PathBuf {
        self.root.join("state")
    }

    /// Notes that nothing in it has to be stopped for a restore. The state folder is there.
    pub(super) fn runs_no_magnolia(&self) -> Result<(), DemoError> {
        let path = self.state().join(NO_MAGNOLIA);
        fs::write(&path, "").map_err(|source| DemoError::Io { path, source })
    }

    fn project(&self, project: &str) -> PathBuf {
        self.root.join("live").join(project)
    }

    fn content(&self, project: &str, instance: &str) -> PathBuf {
        self.project(project).join(instance).join("content")
    }

    /// The environment that the story is about.
    ///
    /// # Errors
    /// None in practice: the name is a constant.
    pub(super) fn star() -> Result<EnvironmentName, DemoError> {
        Ok(STAR.parse()?)
    }

    /// The schedule of both Live environments.
    #[must_use]
    pub(super) fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// The instances of a project's Live.
    #[must_use]
    pub(super) fn instances(&self, project: &str) -> Vec<Instance> {
        INSTANCES
            .iter()
            .map(|(name, role)| {
                let database = self.database(project, name);
                let root = if database.is_some() {
                    self.project(project).join(name).join("folders")
                } else {
                    self.content(project, name)
                };
                Instance {
                    place: Place { role: *role, root },
                    database,
                }
            })
            .collect()
    }

    /// What the content of a project is made from.
    #[must_use]
    pub(super) fn site(project: &str) -> Site {
        Site::of_project(project)
    }

    /// Makes the folders, the key and the configuration.
    pub(super) fn lay_out(&self) -> Result<(), DemoError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source: io::Error| DemoError::Io { path, source }
        };
        for (project, _) in PROJECTS {
            for (instance, _) in INSTANCES {
                let folder = self.on_disk(project, instance);
                fs::create_dir_all(&folder).map_err(failed(&folder))?;
                if let (Some(database), Some(cluster)) = (self.database(project, instance), self.cluster()) {
                    cluster.create(&database.name)?;
                }
            }
        }
        let state = self.state();
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&state)
            .map_err(failed(&state))?;
        self.write_key()?;
        let config = self.config_file();
        let text = self.config_text()?;
        fs::write(&config, text).map_err(failed(&config))
    }

    /// A key for this sandbox alone, from the system's random numbers.
    fn write_key(&self) -> Result<(), DemoError> {
        let file = self.key_file();
        let write = || -> io::Result<()> {
            let mut random = [0_u8; 32];
            io::Read::read_exact(&mut fs::File::open("/dev/urandom")?, &mut random)?;
            let mut key = fs::OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&file)?;
            for byte in random {
                io::Write::write_fmt(&mut key, format_args!("{byte:02x}"))?;
            }
            io::Write::write_all(&mut key, b"\n")
        };
        write().map_err(|source| DemoError::Io {
            path: file.clone(),
            source,
        })
    }

    /// Notes which versions run in a project's Live from now on.
    pub(super) fn deploy(&self, project: &str, release: &str, magnolia: &str) -> Result<(), DemoError> {
        for (name, version) in [("RELEASE", release), ("MAGNOLIA", magnolia)] {
            let file = self.project(project).join(name);
            fs::write(&file, format!("{version}\n"))
                .map_err(|source| DemoError::Io { path: file, source })?;
        }
        Ok(())
    }

    /// The settings of every environment.
    pub(super) fn environments(&self) -> Result<Vec<EnvironmentSettings>, DemoError> {
        let mut environments = Vec::new();
        for (project, others) in PROJECTS {
            let version = |file: &str| {
                Some(VersionSource::File {
                    file: self.project(project).join(file),
                })
            };
            let mut instances = Vec::new();
            for (name, role) in INSTANCES {
                instances.push(InstanceSettings {
                    name: name.parse::<InstanceName>()?,
                    role,
                    content: self.content_settings(project, name),
                    health: None,
                    hooks: Hooks::default(),
                    nodes: Vec::new(),
                });
            }
            let live = EnvironmentSettings {
                project: project.to_owned(),
                name: "live".to_owned(),
                kind: EnvironmentKind::Live,
                release_version: version("RELEASE"),
                magnolia_version: version("MAGNOLIA"),
                schedule: self.schedule,
                keep: Keep::default(),
                rpo: None,
                rto: None,
                approve: false,
                // Nothing begins by itself in a sandbox that somebody looks at.
                verify: VerifySettings { every: Every::NEVER },
                drill: DrillSettings {
                    every: Every::NEVER,
                    ..DrillSettings::default()
                },
                instances,
            };
            let others = others.iter().map(|kind| EnvironmentSettings {
                name: kind.label().to_lowercase(),
                kind: *kind,
                release_version: None,
                magnolia_version: None,
                instances: Vec::new(),
                ..live.clone()
            });
            environments.extend(others.collect::<Vec<_>>());
            environments.push(live);
        }
        Ok(environments)
    }

    /// The settings of an engine on the sandbox.
    pub(super) fn engine_settings(&self) -> Result<EngineSettings, DemoError> {
        Ok(EngineSettings {
            cache: None,
            state: self.state(),
            catalog: None,
            repository: Some(RepositorySettings::in_folder(
                self.repositories(),
                SecretSource::PasswordFile(self.key_file()),
            )),
            limits: EngineLimits::default(),
            receivers: Vec::new(),
            environments: self.environments()?,
        })
    }

    /// The configuration file's text: the same settings as [`Sandbox::engine_settings`], for `lifeboat --config`.
    fn config_text(&self) -> Result<String, DemoError> {
        use std::fmt::Write;
        let quoted = |path: &Path| toml::Value::String(path.display().to_string()).to_string();
        let mut text = String::from("# The sandbox of `lifeboat demo`. Everything in it is made up.\n\n");
        let mut put = |line: std::fmt::Arguments<'_>| writeln!(text, "{line}").map_err(|_| DemoError::Text);
        put(format_args!("state = {}\n", quoted(&self.state())))?;
        put(format_args!("[contexts.demo]\nbackend = \"embedded\"\n"))?;
        put(format_args!(
            "[repository]\nroot = {}",
            quoted(&self.repositories())
        ))?;
        put(format_args!("password_file = {}", quoted(&self.key_file())))?;
        for environment in self.environments()? {
            put(format_args!(
                "\n[[environment]]\nproject = \"{}\"",
                environment.project
            ))?;
            put(format_args!("name = \"{}\"", environment.name))?;
            put(format_args!(
                "kind = \"{}\"",
                environment.kind.label().to_lowercase()
            ))?;
            if !environment.kind.is_recoverable() {
                continue;
            }
            let folder = self.project(&environment.project);
            put(format_args!(
                "release_version = {{ file = {} }}",
                quoted(&folder.join("RELEASE"))
            ))?;
            put(format_args!(
                "magnolia_version = {{ file = {} }}",
                quoted(&folder.join("MAGNOLIA"))
            ))?;
            put(format_args!(
                "schedule = {{ window = \"{}\", weekly_on = \"{}\", monthly_on = {} }}",
                self.schedule.window,
                weekday_label(self.schedule.weekly_on),
                self.schedule.monthly_on
            ))?;
            put(format_args!(
                "verify = {{ every = \"{}\" }}\ndrill = {{ every = \"{}\" }}",
                environment.verify.every, environment.drill.every
            ))?;
            for instance in &environment.instances {
                put(format_args!(
                    "\n[[environment.instance]]\nname = \"{}\"",
                    instance.name
                ))?;
                put(format_args!("role = \"{}\"", instance.role.label()))?;
                match &instance.content {
                    ContentSettings::Files { path } => put(format_args!(
                        "content = {{ type = \"files\", path = {} }}",
                        quoted(path)
                    ))?,
                    ContentSettings::Home { path } => put(format_args!(
                        "content = {{ type = \"home\", path = {} }}",
                        quoted(path)
                    ))?,
                    ContentSettings::Postgres(database) => {
                        put(format_args!(
                            "[environment.instance.content]\ntype = \"postgres\""
                        ))?;
                        put(format_args!(
                            "connect = {}",
                            toml::Value::from(&*database.connect)
                        ))?;
                        put(format_args!("pg_dump = {}", quoted(&database.pg_dump)))?;
                        if let Some(folder) = &database.data_store {
                            put(format_args!("data_store = {}", quoted(folder)))?;
                        }
                    }
                }
            }
        }
        Ok(text)
    }

    /// Where everything is.
    pub(super) fn whereabouts(&self) -> Result<Whereabouts, DemoError> {
        let mut environments = Vec::new();
        for (project, _) in PROJECTS {
            environments.push(LiveWhereabouts {
                environment: EnvironmentName::new(project, "live")?,
                repository: self.repositories().join(project).join("live"),
                content: INSTANCES
                    .iter()
                    .map(|(instance, _)| ((*instance).to_owned(), self.on_disk(project, instance)))
                    .collect(),
            });
        }
        let star = Self::star()?;
        let (repository, content) = environments
            .iter()
            .find(|live| live.environment == star)
            .map(|live| (live.repository.clone(), live.content.clone()))
            .unwrap_or_default();
        Ok(Whereabouts {
            config: self.config_file(),
            repository,
            password_file: self.key_file(),
            content,
            databases: INSTANCES
                .iter()
                .filter_map(|(instance, _)| {
                    let database = self.database(star.project(), instance)?;
                    Some(((*instance).to_owned(), database.connect))
                })
                .collect(),
            environments,
        })
    }
}

/// The day of the month, or one that every month has.
fn month_day(date: NaiveDate) -> u32 {
    date.day().min(28)
}
