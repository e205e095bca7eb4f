//! Real engines that keep the schedule, each a process of its own, on real content. One is killed in the middle of a
//! backup or of a restore, or stands still for longer than its lease and then goes on. Leases last as long as they really
//! do, and no lock that a dead one has left in a bucket is waited for.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use lifeboat::backend::embedded::{Embedded, EmbeddedOptions};
use lifeboat::catalog::{Catalog, Lease};
use lifeboat::clock::SystemClock;
use lifeboat::demo::cluster::{Cluster, SUPERUSER};
use lifeboat::domain::address::Address;
use lifeboat::domain::environment::{EnvironmentKind, EnvironmentName, Role};
use lifeboat::domain::plan::Selection;
use lifeboat::domain::proof::{DrillSettings, Every, VerifySettings};
use lifeboat::domain::request::RestoreRequest;
use lifeboat::domain::schedule::Schedule;
use lifeboat::domain::settings::{
    CatalogSettings, ContentSettings, EnvironmentSettings, Hooks, InstanceSettings, RepositoryChoice,
    RepositorySettings, SecretSource, VersionSource,
};
use lifeboat::domain::slot::Keep;
use lifeboat::domain::waiting_line::EngineLimits;
use lifeboat::engine::{Engine, EngineSettings, Surroundings, start_restore};
use lifeboat::repository::{Key, Repository, Storage};
use lifeboat::watch::Unwatched;
use postgres::Client;
use postgres::fallible_iterator::FallibleIterator as _;

use super::changes::Changes;
use super::object_storage::{Store, options, reach};
use super::process::{Node, connector, listening, task};

const NODES: usize = 3;
/// The environment whose backup waits in its hook until the test lets it go on.
const GATED: &str = "acme";
const OTHERS: [&str; 4] = ["beta", "gamma", "delta", "epsilon"];
/// What the rule allows, and what the schedule takes after that to look again.
const TAKEN_OVER_WITHIN: Duration = Duration::from_mins(1);
const MADE_AGAIN_WITHIN: Duration = Duration::from_mins(3);

/// Where the repositories are: `-` for a folder, or a bucket and the port of its server.
fn repository(folder: &Path, root: &str) -> RepositorySettings {
    let key = SecretSource::PasswordFile(folder.join("key"));
    let mut settings = RepositorySettings::in_folder(folder.join("repository"), key);
    if let Some((port, bucket)) = root.split_once(' ') {
        settings.root = Address::parse(&format!("s3://{bucket}/boats")).unwrap();
        settings.options = options(port.parse().unwrap());
    }
    settings
}

fn settings(folder: &Path, connect: &str, node: &str, root: &str) -> EngineSettings {
    let environment = |project: &str| {
        let mut hooks = Hooks::default();
        if project == GATED {
            let script = format!(
                "touch {0}/begun-$$; while [ ! -e {0}/go ]; do sleep 0.05; done",
                folder.display()
            );
            hooks.before_backup = vec!["/bin/sh".into(), "-c".into(), script];
            let script = format!(
                "touch {0}/switched-$$; while [ ! -e {0}/on ]; do sleep 0.05; done",
                folder.display()
            );
            hooks.after_restore = vec!["/bin/sh".into(), "-c".into(), script];
        }
        EnvironmentSettings {
            project: project.into(),
            name: "live".into(),
            kind: EnvironmentKind::Live,
            release_version: Some(VersionSource::Text("v12".into())),
            magnolia_version: Some(VersionSource::Text("6.3.4".into())),
            schedule: Schedule::default(),
            keep: Keep::default(),
            rpo: None,
            rto: None,
            approve: false,
            verify: VerifySettings { every: Every::NEVER },
            drill: DrillSettings {
                every: Every::NEVER,
                ..DrillSettings::default()
            },
            instances: vec![InstanceSettings {
                name: "author".parse().unwrap(),
                role: Role::Author,
                content: ContentSettings::Files {
                    path: content(folder, project),
                },
                health: None,
                hooks,
                nodes: Vec::new(),
            }],
        }
    };
    let mut catalog = CatalogSettings::at(connect);
    catalog.node = Some(node.to_owned());
    EngineSettings {
        cache: None,
        state: folder.join(node),
        catalog: Some(catalog),
        repository: Some(repository(folder, root)),
        limits: EngineLimits::default(),
        receivers: Vec::new(),
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
    let [folder, connect, node, root] = &task[..] else {
        panic!("{task:?}")
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let options = EmbeddedOptions {
        user: "lifeboat".into(),
        keep_schedule: true,
        break_live: None,
    };
    let settings = settings(Path::new(folder), connect, node, root);
    let _open = Embedded::start(settings, surroundings(&runtime), options);
    loop {
        thread::park();
    }
}

#[test]
#[ignore = "a process that the other tests start"]
fn a_lifeboat_that_restores() {
    let Some(task) = task() else { return };
    let [folder, connect, node, root] = &task[..] else {
        panic!("{task:?}")
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let engine = Engine::open(
        settings(Path::new(folder), connect, node, root),
        surroundings(&runtime),
    )
    .unwrap();
    let request = RestoreRequest {
        environment: gated(),
        backup: "daily".into(),
        selection: Selection::default(),
        without_safety: false,
        even_if_unchanged: true,
        from: RepositoryChoice::First,
    };
    let plan = engine
        .live(&gated())
        .unwrap()
        .plan_restore(&request, &Unwatched)
        .unwrap();
    start_restore(&engine, &plan.id, &gated().to_string()).unwrap();
    loop {
        thread::park();
    }
}

fn gated() -> EnvironmentName {
    format!("{GATED}/live").parse().unwrap()
}

fn surroundings(runtime: &tokio::runtime::Runtime) -> Surroundings {
    Surroundings {
        clock: Arc::new(SystemClock),
        runtime: runtime.handle().clone(),
        events: tokio::sync::broadcast::channel(1024).0,
        variables: Arc::new(|name| match name {
            "AWS_ACCESS_KEY_ID" => Some("key".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("secret".to_owned()),
            _ => None,
        }),
        random: lifeboat::random::system(),
    }
}

/// Five environments, three Lifeboats that keep their schedule, and a catalog that they share.
struct Fleet {
    folder: tempfile::TempDir,
    store: Option<Store>,
    connect: String,
    client: Client,
    nodes: Vec<Node>,
    // Goes last: the nodes are on it.
    _cluster: Cluster,
}

impl Fleet {
    /// With the repositories in a folder, or in this bucket.
    fn new(store: Option<Store>) -> Self {
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
        // Makes the tables.
        drop(Catalog::share(connector(&connect), "the first", Lease::default()).unwrap());
        let mut fleet = Self {
            client: listening(&connect),
            connect,
            folder,
            store,
            nodes: Vec::new(),
            _cluster: cluster,
        };
        fleet.nodes = (0..NODES)
            .map(|number| fleet.start("a_lifeboat", number))
            .collect();
        fleet
    }

    /// Starts one more.
    fn start(&self, what: &str, number: usize) -> Node {
        let root = match &self.store {
            Some(store) => format!("{} {}", store.port, store.bucket),
            None => "-".to_owned(),
        };
        let task = [
            self.folder.path().display().to_string(),
            self.connect.clone(),
            format!("node-{number}"),
            root,
        ];
        Node::start(&format!("takeover::{what}"), &task)
    }

    /// The locks that lie in the repository of the gated environment.
    fn locks(&self) -> Vec<String> {
        let store = self.store.as_ref().unwrap();
        store.objects(&format!("boats/{GATED}/live/locks/"))
    }

    /// Waits until the query gives a row, and gives its first column.
    fn wait_for(&mut self, what: &str, sql: &str, within: Duration) -> String {
        let until = Instant::now() + within;
        loop {
            if let Some(row) = self.client.query_opt(sql, &[]).unwrap() {
                return row.get(0);
            }
            let left = until.saturating_duration_since(Instant::now());
            let changed = self.client.notifications().timeout_iter(left).next().unwrap();
            assert!(changed.is_some(), "{what} has not come within {within:?}");
        }
    }

    /// Waits until a hook has left a file whose name begins like this.
    fn wait_for_a_hook(&self, begin: &str) {
        let folder = self.folder.path();
        Changes::in_folder(folder).until(180, || {
            fs::read_dir(folder)
                .unwrap()
                .any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with(begin))
                .then_some(())
        });
    }

    /// Waits until the gated backup stands in its hook, and gives the position of its node.
    fn wait_for_the_gate(&mut self) -> usize {
        self.wait_for_a_hook("begun-");
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
        let storage = match &self.store {
            Some(store) => reach(&store.address(&format!("boats/{project}/live")), &store.options()).unwrap(),
            None => Storage::from(&self.folder.path().join("repository").join(project).join("live")),
        };
        Repository::open(&storage, &key).unwrap().list().unwrap().len()
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
    let mut fleet = Fleet::new(None);
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
    let mut fleet = Fleet::new(None);
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

#[test]
fn a_lock_that_a_killed_lifeboat_left_in_a_bucket_is_not_waited_for() {
    let mut fleet = Fleet::new(Some(Store::new()));
    let node = fleet.wait_for_the_gate();
    let left = fleet.locks();
    assert_eq!(left.len(), 1);
    let began = Instant::now();
    fleet.nodes[node].kill_unseen();
    fleet.open_the_gate();
    fleet.wait_until_taken_over();
    fleet.wait_until_made_again();
    let took = began.elapsed();
    assert!(took < TAKEN_OVER_WITHIN, "{took:?}");
    assert!(!fleet.locks().contains(&left[0]));
    fleet.everything_was_made_once();
    println!(
        "a killed Lifeboat's backup was made again after {} s",
        took.as_secs()
    );
}

#[test]
fn a_lifeboat_that_stood_still_finds_its_lock_in_a_bucket_gone_and_makes_no_backup() {
    let mut fleet = Fleet::new(Some(Store::new()));
    let node = fleet.wait_for_the_gate();
    fleet.nodes[node].stop();
    fleet.wait_until_taken_over();
    fleet.open_the_gate();
    // It is not waited for: others make the backup while it still stands there.
    fleet.wait_until_made_again();
    fleet.nodes[node].go_on();
    fleet.wait_for(
        "the one that stood still, under another number",
        &format!("SELECT min(name) FROM lifeboat.nodes WHERE name = 'node-{node}' HAVING count(*) = 2"),
        TAKEN_OVER_WITHIN,
    );
    fleet.everything_was_made_once();
}

#[test]
fn a_restore_of_a_lifeboat_that_stands_still_before_its_switch_is_ended_past_its_lock_in_a_bucket() {
    let mut fleet = Fleet::new(Some(Store::new()));
    fleet.open_the_gate();
    fleet.wait_until_made_again();
    fleet.everything_was_made_once();
    let page = content(fleet.folder.path(), GATED).join("website/page-7.xml");
    fs::remove_file(&page).unwrap();
    // The hook of its safety backup waits.
    for entry in fs::read_dir(fleet.folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == "go" || name.starts_with("begun-") {
            fs::remove_file(path).unwrap();
        }
    }
    let restoring = fleet.start("a_lifeboat_that_restores", NODES);
    fleet.wait_for_a_hook("begun-");
    let began = Instant::now();
    restoring.stop();
    fleet.wait_for(
        "the restore that another one ends",
        "SELECT state FROM lifeboat.jobs WHERE kind = 'restore' AND state = 'failed' AND fence > 1",
        MADE_AGAIN_WITHIN,
    );
    let took = began.elapsed();
    println!("a restore that stood still was ended after {} s", took.as_secs());
    assert!(took < TAKEN_OVER_WITHIN, "{took:?}");
    assert!(!page.exists(), "Live was touched");
}

#[test]
fn a_restore_into_live_of_a_lifeboat_that_stands_still_is_finished_past_its_lock_in_a_bucket() {
    let mut fleet = Fleet::new(Some(Store::new()));
    fleet.open_the_gate();
    fleet.wait_until_made_again();
    fleet.everything_was_made_once();
    let page = content(fleet.folder.path(), GATED).join("website/page-7.xml");
    fs::remove_file(&page).unwrap();
    let restoring = fleet.start("a_lifeboat_that_restores", NODES);
    fleet.wait_for_a_hook("switched-");
    let began = Instant::now();
    restoring.stop();
    fs::write(fleet.folder.path().join("on"), "").unwrap();
    fleet.wait_for(
        "the restore that another one finishes",
        "SELECT state FROM lifeboat.jobs WHERE kind = 'restore' AND state = 'done' AND fence > 1",
        MADE_AGAIN_WITHIN,
    );
    let took = began.elapsed();
    println!(
        "a restore that stood still was finished after {} s",
        took.as_secs()
    );
    assert!(took < TAKEN_OVER_WITHIN, "{took:?}");
    assert!(page.exists());
}

#[test]
fn a_restore_into_live_of_a_killed_lifeboat_is_finished_past_its_lock_in_a_bucket() {
    let mut fleet = Fleet::new(Some(Store::new()));
    fleet.open_the_gate();
    fleet.wait_until_made_again();
    fleet.everything_was_made_once();
    let page = content(fleet.folder.path(), GATED).join("website/page-7.xml");
    fs::remove_file(&page).unwrap();
    let restoring = fleet.start("a_lifeboat_that_restores", NODES);
    fleet.wait_for_a_hook("switched-");
    assert_eq!(fleet.locks().len(), 1);
    let began = Instant::now();
    restoring.kill_unseen();
    fs::write(fleet.folder.path().join("on"), "").unwrap();
    fleet.wait_for(
        "the restore that another one finishes",
        "SELECT state FROM lifeboat.jobs WHERE kind = 'restore' AND state = 'done' AND fence > 1",
        TAKEN_OVER_WITHIN,
    );
    println!(
        "a killed Lifeboat's restore was finished after {} s",
        began.elapsed().as_secs()
    );
    assert!(page.exists());
    assert_eq!(fleet.locks(), Vec::<String>::new());
    let journals = fleet
        .client
        .query_one("SELECT count(*) FROM lifeboat.notes WHERE kind = 'journal'", &[])
        .unwrap();
    assert_eq!(journals.get::<_, i64>(0), 0);
}
