//! What looking inside costs: the first look at a workspace, opening a folder, finding, comparing, and whether nodes fit
//! together, beside what reading the same backup back takes.
//!
//! `cargo bench --bench inside` starts a throw-away cluster, fills the workspace `website` with nodes as Jackrabbit keeps
//! them, takes two backups with a hundredth of all nodes changed between them, and prints a table. What a person types runs
//! in a process of its own, as users run it; what a cockpit asks again and again is asked of an engine that stays, as a
//! service's does. Settings, from the environment:
//!
//! | variable | default | meaning |
//! | --- | --- | --- |
//! | `INSIDE_MIB` | 1024 | size of the bundles |
//! | `INSIDE_NODES` | 500000 | nodes |
//! | `INSIDE_DIR` | one of its own among temporary files | where to work; removed at the end |
//!
//! The server's account has to reach the folder.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark fails by panicking"
)]

#[path = "language.rs"]
mod language;
#[path = "measure.rs"]
#[allow(dead_code, reason = "other benchmarks use the rest of it")]
mod measure;
#[path = "noise.rs"]
#[allow(dead_code, reason = "other benchmarks use the rest of it")]
mod noise;
#[path = "site.rs"]
mod site;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lifeboat::backend::embedded::{Embedded, EmbeddedOptions, EngineSettings, Surroundings};
use lifeboat::backend::explore::Explores as _;
use lifeboat::clock::SystemClock;
use lifeboat::config::Config;
use lifeboat::demo::cluster::{Cluster, SUPERUSER};
use lifeboat::domain::explore::{By, Children, ChildrenRequest, FindRequest, Looked, NodePath, Source};
use lifeboat::domain::stop::StopReason;
use measure::measured;
use serde_json::Value;
use tokio::sync::broadcast;

const LIVE: &str = "bench/live";
const WORKSPACE: &str = "author:/website";
const SETTINGS: [&str; 5] = [
    "shared_buffers = 256MB",
    "max_wal_size = 4GB",
    "maintenance_work_mem = 64MB",
    "autovacuum = off",
    "log_min_messages = error",
];
/// So many folders are opened, and so many names are looked for.
const FOLDERS: u64 = 200;
const NAMES: u64 = 20;

fn main() {
    let setting = |name: &str, default: u64| env::var(name).map_or(default, |text| text.parse().unwrap());
    let dir = env::var_os("INSIDE_DIR").map_or_else(
        || env::temp_dir().join(format!("lifeboat-bench-{}", std::process::id())),
        PathBuf::from,
    );
    fs::create_dir_all(&dir).unwrap();
    let (mib, nodes) = (setting("INSIDE_MIB", 1024), setting("INSIDE_NODES", 500_000));
    let cluster = Cluster::start(&dir.join("cluster"), 0, &SETTINGS).unwrap();
    eprintln!("making {nodes} nodes of {mib} MiB in {}", dir.display());
    let site = site::Site::new(nodes, mib << 20);
    site.make(&cluster, "live");
    fs::write(dir.join("key"), "not a secret\n").unwrap();
    fs::write(dir.join("lifeboat.toml"), config(&dir, &cluster)).unwrap();

    let bench = Bench { dir };
    println!("| what | seconds | CPU s | peak MiB | |");
    println!("| --- | --- | --- | --- | --- |");
    bench.by_verbs(&site, &cluster);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(bench.by_a_service(&site));
    drop(cluster);
    fs::remove_dir_all(bench.dir).unwrap();
}

fn config(dir: &Path, cluster: &Cluster) -> String {
    let at = dir.display();
    format!(
        "state = \"{at}/state\"\n[contexts.bench]\nbackend = \"embedded\"\n\
         [repository]\nroot = \"{at}/repository\"\npassword_file = \"{at}/key\"\n\
         [[environment]]\nproject = \"bench\"\nname = \"live\"\nkind = \"live\"\n\
         release_version = \"v1\"\nmagnolia_version = \"6.3.4\"\nkeep = {{ manual = 9 }}\n\
         [[environment.instance]]\nname = \"author\"\nrole = \"author\"\n\
         [environment.instance.content]\ntype = \"postgres\"\nconnect = \"{}\"\npg_dump = \"{}\"\n",
        cluster.connect("live", SUPERUSER),
        cluster.binaries().join("pg_dump").display(),
    )
}

struct Bench {
    dir: PathBuf,
}

impl Bench {
    /// What a person types.
    fn by_verbs(&self, site: &site::Site, cluster: &Cluster) {
        self.step("backup", &["backup", LIVE]);
        self.step(
            "verify: all is read back, and whether nodes fit together",
            &["verify", LIVE, "manual"],
        );
        self.step("verify again: all is read back", &["verify", LIVE, "manual"]);
        let first = self.newest();
        self.step(
            "browse: the first look at the workspace",
            &["browse", LIVE, &first, WORKSPACE],
        );
        self.step("browse again", &["browse", LIVE, &first, WORKSPACE]);
        let changed = site.change(cluster, "live");
        self.step("backup, 1 % changed", &["backup", LIVE]);
        let second = self.newest();
        let diff = ["diff", LIVE, &first, &second, WORKSPACE];
        let said = self.step("diff, with the first look at the second backup", &diff);
        let found = said["totals"]["changed"]
            .as_u64()
            .or(said["diff"]["totals"]["changed"].as_u64());
        assert_eq!(found, Some(changed), "{said}");
        self.step("diff again", &diff);
    }

    /// What a cockpit asks of an engine that stays.
    async fn by_a_service(&self, site: &site::Site) {
        let config = Config::load(&self.dir.join("lifeboat.toml")).unwrap();
        let (events, _) = broadcast::channel(1 << 10);
        let settings = EngineSettings {
            cache: Some(self.dir.join("cache")),
            state: config.state.clone().unwrap(),
            catalog: None,
            repository: config.repository,
            limits: config.limits,
            receivers: config.receivers,
            environments: config.environments,
        };
        let surroundings = Surroundings {
            clock: Arc::new(SystemClock),
            runtime: tokio::runtime::Handle::current(),
            events,
            variables: Arc::new(|_| None),
            random: lifeboat::random::system(),
        };
        let options = EmbeddedOptions {
            user: "maria".to_owned(),
            keep_schedule: false,
            break_live: None,
        };
        let backend = Embedded::start(settings, surroundings, options);
        let source = Source::Backup(self.newest());
        let began = Instant::now();
        children(&backend, &source, WORKSPACE, 0).await;
        row("first look, asked of a service", began.elapsed(), "");

        let mut took = Vec::new();
        for number in 0..FOLDERS {
            let path = format!("{WORKSPACE}{}", site.folder(number));
            let began = Instant::now();
            let page = children(&backend, &source, &path, 0).await;
            took.push(began.elapsed());
            assert!(!page.lines.is_empty(), "{path}");
        }
        spread("a folder opens", &mut took);
        let many = format!("{WORKSPACE}{}", site::MANY);
        let mut took = Vec::new();
        let total = children(&backend, &source, &many, 0).await.total;
        for page in 0..FOLDERS {
            let began = Instant::now();
            children(&backend, &source, &many, page * total / FOLDERS).await;
            took.push(began.elapsed());
        }
        spread(&format!("a page of {total} children"), &mut took);
        let mut took = Vec::new();
        for number in 0..NAMES {
            let began = Instant::now();
            let found = find(&backend, &source, By::Name, &site.name(number)).await;
            took.push(began.elapsed());
            assert!(found > 0);
        }
        spread("a name is found", &mut took);
        let began = Instant::now();
        let found = find(&backend, &source, By::Text, "nowhere-in-any-text").await;
        row(
            "a text is looked for in all properties",
            began.elapsed(),
            &format!("{found} found"),
        );
        backend.close(StopReason::Signal).await;
    }

    /// Runs a verb and tells what it took.
    fn step(&self, what: &str, arguments: &[&str]) -> Value {
        let out = self.dir.join("out");
        let mut command = self.lifeboat(arguments);
        command.stdout(fs::File::create(&out).unwrap());
        let taken = measured(&mut command);
        println!(
            "| {what} | {:.2} | {:.2} | {} | |",
            taken.seconds,
            taken.cpu,
            taken.peak_kib >> 10
        );
        serde_json::from_str(&fs::read_to_string(out).unwrap()).unwrap()
    }

    fn newest(&self) -> String {
        let output = self.lifeboat(&["backups", LIVE]).output().unwrap();
        let said: Value = serde_json::from_slice(&output.stdout).unwrap();
        said["backups"][0]["id"].as_str().unwrap().to_owned()
    }

    fn lifeboat(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
        command
            .arg("--json")
            .arg("--config")
            .arg(self.dir.join("lifeboat.toml"))
            .env("XDG_CACHE_HOME", self.dir.join("cache-of-verbs"))
            .args(arguments);
        command
    }
}

/// A page, however long it takes until it is there.
async fn children(backend: &Embedded, source: &Source, path: &str, from: u64) -> Children {
    let path: NodePath = path.parse().unwrap();
    loop {
        let request = ChildrenRequest {
            environment: LIVE.parse().unwrap(),
            source: source.clone(),
            path: path.clone(),
            from,
            limit: 200,
        };
        if let Looked::Ready(page) = backend.children(request).await.unwrap() {
            return page;
        }
    }
}

/// How much is found once the search is over.
async fn find(backend: &Embedded, source: &Source, by: By, text: &str) -> u64 {
    loop {
        let request = FindRequest {
            environment: LIVE.parse().unwrap(),
            source: Some(source.clone()),
            by,
            text: text.to_owned(),
            below: WORKSPACE.parse().unwrap(),
            from: 0,
            limit: 200,
        };
        let finds = backend.find(request).await.unwrap();
        if finds.is_over {
            return finds.total;
        }
    }
}

fn row(what: &str, took: Duration, more: &str) {
    println!("| {what} | {:.3} | | | {more} |", took.as_secs_f64());
}

fn spread(what: &str, took: &mut [Duration]) {
    took.sort_unstable();
    let longest = took[took.len() - 1].as_secs_f64() * 1000.0;
    row(
        &format!("{what}, median"),
        took[took.len() / 2],
        &format!("{longest:.1} ms at the longest"),
    );
}
