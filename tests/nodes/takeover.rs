//! Real engines that keep the schedule, each a process of its own, on real content. One is killed in the middle of a
//! backup, or stands still for longer than its lease and then goes on. Leases last as long as they really do.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use lifeboat::backend::embedded::{Embedded, EmbeddedOptions};
use lifeboat::demo::cluster::{Cluster, SUPERUSER};
use lifeboat::domain::environment::{EnvironmentKind, Role};
use lifeboat::domain::schedule::Schedule;
use lifeboat::domain::settings::{
    CatalogSettings, ContentSettings, EnvironmentSettings, Hooks, InstanceSettings, RepositorySettings,
    SecretSource, VersionSource,
};
use lifeboat::domain::slot::Keep;
use lifeboat::engine::clock::SystemClock;
use lifeboat::engine::repository::{Key, Repository};
use lifeboat::engine::{EngineSettings, Surroundings};
use postgres::{Client, NoTls};

use super::process::{Node, task};

const NODES: usize = 3;
/// The environment whose backup waits in its hook until the test lets it go on.
const GATED: &str = "acme";
const OTHERS: [&str; 4] = ["beta", "gamma", "delta", "epsilon"];
/// What the rule allows, and what the schedule takes after that to look again.
const TAKEN_OVER_WITHIN: Duration = Duration::from_mins(1);
const MADE_AGAIN_WITHIN: Duration = Duration::from_mins(3);

fn settings(folder: &Path, connect: &str, node: &str) -> EngineSettings {
    let environment = |project: &str| {
        let mut hooks = Hooks::default();
        if project == GATED {
            let script = format!(
                "touch {0}/begun-$$; while [ ! -e {0}/go ]; do sleep 0.05; done",
                folder.display()
            );
            hooks.before_backup = vec!["/bin/sh".into(), "-c".into(), script];
        }
        EnvironmentSettings {
            project: project.into(),
            name: "live".into(),
            kind: EnvironmentKind::Live,
            release_version: Some(VersionSource::Text("v12".into())),
            magnolia_version: Some(VersionSource::Text("6.3.4".into())),
            schedule: Schedule::default(),
            keep: Keep::default(),
            instances: vec![InstanceSettings {
                name: "author".parse().unwrap(),
                role: Role::Author,
                content: ContentSettings::Files {
                    path: content(folder, project),
                },
                health: None,
                hooks,
            }],
        }
    };
    let mut catalog = CatalogSettings::at(connect);
    catalog.node = Some(node.to_owned());
    EngineSettings {
        state: folder.join(node),
        catalog: Some(catalog),
        repository: Some(RepositorySettings::in_folder(
            folder.join("repository"),
            SecretSource::PasswordFile(folder.join("key")),
        )),
        environments: std::iter::once(GATED).chain(OTHERS).map(environment).collect(),
    }
}

fn content(folder: &Path, project: &str) -> PathBuf {
    folder.join(project).join("content")
}

#[test]
#[ignore = "a process that the other tests start"]
fn a_lifeboat() {
    let Some(task) = task() else { return };
    let [folder, connect, node] = &task[..] else {
        panic!("{task:?}")
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let surroundings = Surroundings {
        clock: Arc::new(SystemClock),
        runtime: runtime.handle().clone(),
        events: tokio::sync::broadcast::channel(1024).0,
        variables: Arc::new(|_| None),
    };
    let options = EmbeddedOptions {
        user: "lifeboat".into(),
        keep_schedule: true,
        break_live: None,
    };
    let _open = Embedded::start(settings(Path::new(folder), connect, node), surroundings, options);
    loop {
        thread::park();
    }
}

/// Five environments, three Lifeboats that keep their schedule, and a catalog that they share.
struct Fleet {
    folder: tempfile::TempDir,
    client: Client,
    nodes: Vec<Node>,
    // Goes last: the nodes are on it.
    _cluster: Cluster,
}

impl Fleet {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "open sesame\n").unwrap();
        for project in std::iter::once(GATED).chain(OTHERS) {
            for page in 0..20 {
                let file = content(folder.path(), project).join(format!("website/page-{page}.xml"));
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, format!("{project} {page}")).unwrap();
            }
        }
        // The server runs as another account and has to get at its socket.
        let place = std::env::temp_dir()
            .join(folder.path().file_name().unwrap())
            .with_extension("pg");
        let cluster = Cluster::start(&place, 0, &["max_connections = 100"]).unwrap();
        cluster.create("catalog").unwrap();
        let connect = cluster.connect("catalog", SUPERUSER);
        let nodes = (0..NODES)
            .map(|number| {
                let task = [
                    folder.path().display().to_string(),
                    connect.clone(),
                    format!("node-{number}"),
                ];
                Node::start("takeover::a_lifeboat", &task)
            })
            .collect();
        Self {
            client: Client::connect(&connect, NoTls).unwrap(),
            folder,
            nodes,
            _cluster: cluster,
        }
    }

    /// Waits until the query gives a row, and gives its first column.
    fn wait_for(&mut self, what: &str, sql: &str, within: Duration) -> String {
        let until = Instant::now() + within;
        loop {
            // The tables are not there yet in the first moments.
            if let Ok(Some(row)) = self.client.query_opt(sql, &[]) {
                return row.get(0);
            }
            assert!(Instant::now() < until, "{what} has not come within {within:?}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Waits until the gated backup stands in its hook, and gives the position of its node.
    fn wait_for_the_gate(&mut self) -> usize {
        let until = Instant::now() + MADE_AGAIN_WITHIN;
        let is_there = |folder: &Path| {
            fs::read_dir(folder)
                .unwrap()
                .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("begun-"))
        };
        while !is_there(self.folder.path()) {
            assert!(Instant::now() < until, "no backup has begun");
            thread::sleep(Duration::from_millis(50));
        }
        let node = self.wait_for(
            "the node of the gated backup",
            "SELECT nodes.name FROM lifeboat.jobs JOIN lifeboat.nodes ON nodes.number = jobs.process
             WHERE environment = 'acme/live' AND ended IS NULL",
            TAKEN_OVER_WITHIN,
        );
        node.strip_prefix("node-").unwrap().parse().unwrap()
    }

    fn open_the_gate(&self) {
        fs::write(self.folder.path().join("go"), "").unwrap();
    }

    fn wait_until_taken_over(&mut self) -> Duration {
        let began = Instant::now();
        self.wait_for(
            "the takeover",
            "SELECT state FROM lifeboat.jobs WHERE environment = 'acme/live' AND state = 'failed' AND fence > 1",
            TAKEN_OVER_WITHIN,
        );
        began.elapsed()
    }

    fn wait_until_made_again(&mut self) {
        self.wait_for(
            "the backup that is made again",
            "SELECT state FROM lifeboat.jobs WHERE environment = 'acme/live' AND state = 'done'",
            MADE_AGAIN_WITHIN,
        );
    }

    fn backups(&self, project: &str) -> usize {
        let key = Key::read(
            &SecretSource::PasswordFile(self.folder.path().join("key")),
            Path::new("/"),
            &|_| None,
        )
        .unwrap();
        let place = self.folder.path().join("repository").join(project).join("live");
        Repository::open(&place, &key).unwrap().list().unwrap().len()
    }

    /// Every environment has the one backup that was due, and every due row is served.
    fn everything_was_made_once(&mut self) {
        let open = "SELECT 'all' WHERE NOT EXISTS (SELECT 1 FROM lifeboat.due WHERE served IS NULL)";
        self.wait_for("the end of all that is due", open, MADE_AGAIN_WITHIN);
        for project in std::iter::once(GATED).chain(OTHERS) {
            assert_eq!(self.backups(project), 1, "{project}");
        }
    }
}

#[test]
fn what_a_killed_lifeboat_was_at_is_taken_over_within_a_minute_and_made_again() {
    let mut fleet = Fleet::new();
    let node = fleet.wait_for_the_gate();
    fleet.nodes.remove(node);
    let took = fleet.wait_until_taken_over();
    fleet.open_the_gate();
    fleet.wait_until_made_again();
    fleet.everything_was_made_once();
    println!(
        "a killed Lifeboat's backup was taken over after {} s",
        took.as_secs()
    );
}

#[test]
fn a_lifeboat_that_stood_still_beyond_its_lease_makes_no_backup() {
    let mut fleet = Fleet::new();
    let node = fleet.wait_for_the_gate();
    fleet.nodes[node].stop();
    let took = fleet.wait_until_taken_over();
    // What it waited for is over when it wakes up, and it goes on at once.
    fleet.open_the_gate();
    fleet.nodes[node].go_on();
    fleet.wait_until_made_again();
    fleet.everything_was_made_once();
    println!(
        "a backup that stood still was taken over after {} s",
        took.as_secs()
    );
}
