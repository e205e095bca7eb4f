//! A Live of databases in a cluster of its own, with an engine on it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use lifeboat::clock::{Clock, SetClock};
use lifeboat::demo::cluster::{Cluster, SUPERUSER};
use lifeboat::domain::address::Address;
use lifeboat::domain::backup::{Backup, BackupId};
use lifeboat::domain::caller::Caller;
use lifeboat::domain::environment::{EnvironmentKind, EnvironmentName, Role};
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{Job, JobId, JobState};
use lifeboat::domain::plan::{RestorePlan, Selection};
use lifeboat::domain::proof::{DrillSettings, Every, VerifySettings};
use lifeboat::domain::request::{BackupRequest, RestoreRequest};
use lifeboat::domain::schedule::Schedule;
use lifeboat::domain::settings::{
    ContentSettings, CopySettings, EnvironmentSettings, Hooks, InstanceSettings, NodeSettings,
    PostgresSettings, RepositoryChoice, RepositorySettings, SecretSource, StorageOptions, VersionSource,
};
use lifeboat::domain::slot::{Keep, Slot};
use lifeboat::domain::waiting_line::EngineLimits;
use lifeboat::engine::{Engine, EngineError, EngineSettings, Surroundings};
use lifeboat::watch::Unwatched;
use postgres::{Client, NoTls};

use crate::clusters::{self, Original};

/// What the tests' own sessions call themselves: those that look at Live from outside while a restore is at work.
pub const OUTSIDER: &str = "a look from outside";

pub const WORKSPACES: [&str; 3] = ["config", "dam", "website"];

/// Changes the settings of the instance of this name.
pub type Settle = Box<dyn Fn(&str, &mut PostgresSettings)>;

/// See the module.
pub struct House {
    pub folder: tempfile::TempDir,
    pub cluster: Cluster,
    pub clock: Arc<SetClock>,
    pub instances: Vec<&'static str>,
    /// Changes the settings of an instance before an engine gets them.
    pub settle: Settle,
    /// The hooks of every instance.
    pub hooks: Hooks,
    /// The nodes of every instance.
    pub nodes: Vec<NodeSettings>,
    /// How many backups each slot keeps.
    pub keep: Keep,
    /// Backups for these slots are copied to a second repository in the folder `copies`.
    pub copied: Vec<Slot>,
    /// How backups are drilled.
    pub drill: DrillSettings,
    /// The Magnolia version that runs.
    pub magnolia: &'static str,
    runtime: tokio::runtime::Runtime,
    _original: Arc<Original>,
}

impl House {
    /// A house with these instances, each in an empty database of its own. `port` and `settings` go to the cluster.
    pub fn empty(instances: &[&'static str], port: u16, settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The server runs as another account and has to get at its socket.
        let place = std::env::temp_dir().join(format!(
            "lifeboat-pg-{}-{}",
            std::process::id(),
            folder.path().file_name().unwrap().to_string_lossy()
        ));
        let settings = [&["max_connections = 50"], settings].concat();
        let (cluster, original) = clusters::start(&place, port, &settings);
        let start = DateTime::parse_from_rfc3339("2026-11-23T12:00:00Z")
            .unwrap()
            .with_timezone(&Utc);
        let house = Self {
            cluster,
            _original: original,
            clock: Arc::new(SetClock::at(start)),
            instances: instances.to_vec(),
            settle: Box::new(|_, _| {}),
            hooks: Hooks::default(),
            nodes: Vec::new(),
            keep: Keep::default(),
            copied: Vec::new(),
            drill: DrillSettings {
                every: Every::NEVER,
                ..DrillSettings::default()
            },
            magnolia: "6.3.4",
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap(),
            folder,
        };
        fs::write(house.path("key"), "secret\n").unwrap();
        for instance in instances {
            house
                .client("postgres")
                .batch_execute(&format!("CREATE DATABASE \"{instance}\""))
                .unwrap();
            fs::create_dir_all(house.data_store(instance)).unwrap();
        }
        house
    }

    /// A house with these instances, each in a database of its own with some content.
    pub fn with(instances: &[&'static str]) -> Self {
        Self::filled(instances, 0, &[])
    }

    /// The same in a cluster with a port and settings of its own.
    pub fn filled(instances: &[&'static str], port: u16, settings: &[&str]) -> Self {
        let house = Self::empty(instances, port, settings);
        for instance in instances {
            let mut client = house.client(instance);
            for workspace in WORKSPACES {
                make_workspace(&mut client, "public", &format!("pm_{workspace}_"));
                fill(
                    &mut client,
                    &format!("public.pm_{workspace}_bundle"),
                    300,
                    instance,
                );
            }
            make_workspace(&mut client, "public", "version_");
            fill(&mut client, "public.version_bundle", 50, "versions");
            house.store(instance, "one");
            house.store(instance, "two");
        }
        house
    }

    pub fn new() -> Self {
        Self::with(&["author"])
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn data_store(&self, instance: &str) -> PathBuf {
        self.path("stores").join(instance)
    }

    /// Puts a record into the data store, as Jackrabbit names it. Gives its path.
    pub fn store(&self, instance: &str, text: &str) -> PathBuf {
        use sha2::Digest as _;
        let digest = sha2::Sha256::digest(text.repeat(500).as_bytes());
        let mut name = String::new();
        for byte in digest {
            write!(name, "{byte:02x}").unwrap();
        }
        let folder = self
            .data_store(instance)
            .join(&name[..2])
            .join(&name[2..4])
            .join(&name[4..6]);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, text.repeat(500)).unwrap();
        path
    }

    /// A look from outside, which may stay connected through a restore.
    pub fn client(&self, database: &str) -> Client {
        self.client_called(OUTSIDER, database)
    }

    /// A program of that name that is connected.
    pub fn client_called(&self, program: &str, database: &str) -> Client {
        let connect = self.cluster.connect(database, SUPERUSER);
        Client::connect(&format!("{connect} application_name='{program}'"), NoTls).unwrap()
    }

    pub fn live() -> EnvironmentName {
        "acme/live".parse().unwrap()
    }

    pub fn engine_settings(&self) -> EngineSettings {
        let instances = self.instances.iter().map(|name| {
            let mut database = PostgresSettings::at(&self.cluster.connect(name, SUPERUSER));
            database.data_store = Some(self.data_store(name));
            database.pg_dump = self.cluster.binaries().join("pg_dump");
            database.sessions.programs = vec![OUTSIDER.to_owned()];
            (self.settle)(name, &mut database);
            InstanceSettings {
                name: name.parse().unwrap(),
                role: if *name == "author" {
                    Role::Author
                } else {
                    Role::Public
                },
                content: ContentSettings::Postgres(Box::new(database)),
                health: None,
                hooks: self.hooks.clone(),
                nodes: self.nodes.clone(),
            }
        });
        EngineSettings {
            cache: None,
            state: self.path("state"),
            catalog: None,
            repository: Some(RepositorySettings {
                root: Address::Folder(self.path("repository")),
                options: StorageOptions::default(),
                copy: (!self.copied.is_empty()).then(|| CopySettings {
                    root: Address::Folder(self.path("copies")),
                    key: None,
                    options: StorageOptions::default(),
                    slots: self.copied.clone(),
                }),
                key: SecretSource::PasswordFile(self.path("key")),
            }),
            limits: EngineLimits::default(),
            receivers: Vec::new(),
            environments: vec![EnvironmentSettings {
                project: "acme".into(),
                name: "live".into(),
                kind: EnvironmentKind::Live,
                release_version: Some(VersionSource::Text("v12".into())),
                magnolia_version: Some(VersionSource::Text(self.magnolia.into())),
                schedule: Schedule::default(),
                keep: self.keep,
                rpo: None,
                rto: None,
                approve: false,
                verify: VerifySettings { every: Every::NEVER },
                drill: self.drill.clone(),
                instances: instances.collect(),
            }],
        }
    }

    /// An engine on the house, as another start of Lifeboat opens it.
    pub fn engine(&self) -> Engine {
        self.engine_with(self.engine_settings())
    }

    /// An engine that knows nothing but the repository.
    pub fn engine_elsewhere(&self) -> Engine {
        let mut settings = self.engine_settings();
        settings.state = self.path("another-state");
        self.engine_with(settings)
    }

    /// An engine with other settings.
    pub fn engine_with(&self, settings: EngineSettings) -> Engine {
        self.try_engine_with(settings).unwrap()
    }

    pub fn try_engine_with(&self, settings: EngineSettings) -> Result<Engine, EngineError> {
        let surroundings = Surroundings {
            clock: Arc::clone(&self.clock) as Arc<_>,
            runtime: self.runtime.handle().clone(),
            events: tokio::sync::broadcast::channel::<Event>(1024).0,
            variables: Arc::new(|_| None),
            random: lifeboat::random::system(),
        };
        Ok(Engine::open(settings, surroundings)?.acting_for(Caller::here(&"maria".into())))
    }

    pub fn pass(&self, time: chrono::Duration) {
        self.clock.set(self.clock.now() + time);
    }

    /// Fills a table with bundles that Jackrabbit could read: nodes without properties below a root.
    pub fn bundles(&self, instance: &str, table: &str, count: i64) {
        self.client(instance)
            .execute(
                &format!(
                    "INSERT INTO {table} SELECT n, n * 7919, '\\x0300'::bytea || decode(repeat('07', 16), 'hex') \
                     || '\\x0000'::bytea FROM generate_series(1::bigint, $1::bigint) n"
                ),
                &[&count],
            )
            .unwrap();
    }

    /// Every row of every table in a schema, as digests by table.
    pub fn rows(&self, database: &str, schema: &str) -> BTreeMap<String, String> {
        let mut client = self.client(database);
        let tables: Vec<String> = client
            .query(
                "SELECT tablename::text FROM pg_tables WHERE schemaname = $1 ORDER BY 1",
                &[&schema],
            )
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect();
        tables
            .into_iter()
            .map(|table| {
                let quoted = format!(
                    "\"{}\".\"{}\"",
                    schema.replace('"', "\"\""),
                    table.replace('"', "\"\"")
                );
                let digest: Option<String> = client
                    .query_one(
                        &format!(
                            "SELECT md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM {quoted} t"
                        ),
                        &[],
                    )
                    .unwrap()
                    .get(0);
                (table, digest.unwrap_or_default())
            })
            .collect()
    }

    /// The schemas that Lifeboat has left in a database.
    pub fn left(&self, database: &str) -> Vec<String> {
        self.client(database)
            .query(
                "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'lifeboat%' ORDER BY 1",
                &[],
            )
            .unwrap()
            .iter()
            .map(|row| row.get(0))
            .collect()
    }
}

/// The tables of a workspace, as Jackrabbit makes them.
pub fn make_workspace(client: &mut Client, schema: &str, prefix: &str) {
    let q = |name: &str| {
        format!(
            "\"{}\".\"{}\"",
            schema.replace('"', "\"\""),
            format!("{prefix}{name}").replace('"', "\"\"")
        )
    };
    let bare = |name: &str| format!("\"{}\"", format!("{prefix}{name}").replace('"', "\"\""));
    client
        .batch_execute(&format!(
            "CREATE TABLE {} (node_id_hi bigint NOT NULL, node_id_lo bigint NOT NULL, bundle_data bytea NOT NULL, \
             CONSTRAINT {} PRIMARY KEY (node_id_hi, node_id_lo));\n\
             CREATE TABLE {} (node_id_hi bigint NOT NULL, node_id_lo bigint NOT NULL, refs_data bytea NOT NULL, \
             CONSTRAINT {} PRIMARY KEY (node_id_hi, node_id_lo));\n\
             CREATE TABLE {} (binval_id varchar(64) NOT NULL, binval_data bytea NOT NULL);\n\
             CREATE UNIQUE INDEX {} ON {} (binval_id);\n\
             CREATE TABLE {} (id serial, name varchar(255) NOT NULL, CONSTRAINT {} PRIMARY KEY (id));",
            q("bundle"), bare("bundle_pkey"),
            q("refs"), bare("refs_pkey"),
            q("binval"), bare("binval_idx"), q("binval"),
            q("names"), bare("names_pkey"),
        ))
        .unwrap();
    client
        .batch_execute(&format!(
            "INSERT INTO {} (name) VALUES ('title'), ('größe')",
            q("names")
        ))
        .unwrap();
}

/// Puts so many nodes into a table of bundles: some short, some long enough to be stored out of line.
pub fn fill(client: &mut Client, table: &str, count: i64, text: &str) {
    client
        .execute(
            &format!(
                "INSERT INTO {table} SELECT n, n * 7919, \
                 convert_to(repeat(md5($2 || n::text), 1 + (n % 90)::int), 'UTF8') FROM generate_series(1::bigint, $1::bigint) n"
            ),
            &[&count, &text],
        )
        .unwrap();
}

pub fn request(backup: &str, workspaces: &[&str]) -> RestoreRequest {
    RestoreRequest {
        environment: House::live(),
        backup: backup.into(),
        selection: Selection {
            instances: Vec::new(),
            workspaces: workspaces.iter().map(|name| (*name).to_owned()).collect(),
            paths: Vec::new(),
        },
        without_safety: false,
        even_if_unchanged: true,
        from: RepositoryChoice::First,
    }
}

pub fn ended(engine: &Engine, id: JobId) -> Job {
    engine.jobs().wait_for(id);
    engine.jobs().job(id).unwrap()
}

pub fn log(engine: &Engine, id: JobId) -> Vec<String> {
    let lines = engine.catalog().log_after(id, 0).unwrap();
    lines.into_iter().map(|line| line.text).collect()
}

/// Waits for a job that has to end well.
pub fn done(engine: &Engine, id: JobId) -> Job {
    let job = ended(engine, id);
    assert_eq!(job.state, JobState::Done, "{:#?}", log(engine, id));
    job
}

/// Waits for a job that has to fail, and gives the reason.
pub fn failed(engine: &Engine, id: JobId) -> String {
    match ended(engine, id).state {
        JobState::Failed { why } => why,
        other => panic!("{other:?}: {:#?}", log(engine, id)),
    }
}

pub fn start_backup(engine: &Engine) -> JobId {
    let request = BackupRequest {
        environment: House::live(),
        note: None,
        upgrade_to: None,
    };
    engine
        .live(&House::live())
        .unwrap()
        .start_backup(&request)
        .unwrap()
}

pub fn back_up(engine: &Engine) -> BackupId {
    let job = start_backup(engine);
    done(engine, job).outcome.unwrap().backup.unwrap()
}

pub fn backups(engine: &Engine) -> Vec<Backup> {
    engine.live(&House::live()).unwrap().backups().unwrap()
}

pub fn plan(engine: &Engine, backup: &str, workspaces: &[&str]) -> RestorePlan {
    engine
        .live(&House::live())
        .unwrap()
        .plan_restore(&request(backup, workspaces), &Unwatched)
        .unwrap()
}

/// Warnings without the one of search indexes that nobody has named, which the house has none of.
pub fn but_indexes(warnings: Vec<String>) -> Vec<String> {
    let mut warnings = warnings;
    warnings.retain(|warning| !warning.starts_with("search_indexes of"));
    warnings
}

/// Those of a plan, without what is to be done by hand about Magnolia: the house has no hooks that stop it.
pub fn warned(plan: RestorePlan) -> Vec<String> {
    let mut warnings = but_indexes(plan.warnings);
    warnings.retain(|warning| !plan.stopping.by_hand.contains(warning));
    warnings
}

pub fn start_restore(engine: &Engine, backup: &str, workspaces: &[&str]) -> JobId {
    let plan = plan(engine, backup, workspaces);
    lifeboat::engine::start_restore(engine, &plan.id, "acme/live").unwrap()
}

pub fn restore(engine: &Engine, backup: &str, workspaces: &[&str]) -> Job {
    done(engine, start_restore(engine, backup, workspaces))
}

pub fn undo(engine: &Engine) -> Job {
    let job = engine
        .live(&House::live())
        .unwrap()
        .start_undo("acme/live")
        .unwrap();
    done(engine, job)
}
