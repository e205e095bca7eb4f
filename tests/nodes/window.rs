//! 10,000 Live environments due in one window, three nodes, and accidents. What is done for each is light; noting,
//! claiming, jobs, leases and takeover are the real ones. The clock of the schedule runs faster than time does; leases
//! are the server's, and run as fast as time.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant as Monotonic, UNIX_EPOCH};

use chrono::{DateTime, TimeDelta, Utc};
use lifeboat::catalog::{Catalog, CatalogError, DueClaim, Lease, NewJob};
use lifeboat::demo::cluster::{Cluster, SUPERUSER};
use lifeboat::domain::environment::EnvironmentName;
use lifeboat::domain::job::{JobKind, JobState};
use lifeboat::domain::schedule::Schedule;
use lifeboat::engine::{DueBook, Turn, take_turns};
use postgres::{Client, NoTls};

use super::process::{Chance, Node, connector, number, task};

const NODES: usize = 3;
/// How many environments each node serves at the same time.
const AT_ONCE: usize = 3;
/// Short, so that many accidents fit into the window.
const LEASE: Lease = Lease {
    lasts: Duration::from_millis(1_500),
    steady_after: Duration::from_millis(1_500),
};

/// An entry that came from a node whose job had been taken over by then counts for nothing.
const COUNTS: &str = "NOT EXISTS (SELECT 1 FROM lifeboat.notes
                                  WHERE kind = 'void ' || ledger.environment AND name = ledger.job::text)";

/// The window of the test, and the clock that runs through it.
#[derive(Clone, Copy)]
struct Window {
    opens: DateTime<Utc>,
    began_millis: i64,
    seconds: i64,
}

impl Window {
    /// The time of the schedule: an hour in `seconds`.
    fn now(&self) -> DateTime<Utc> {
        let passed = now_millis() - self.began_millis;
        self.opens + TimeDelta::milliseconds(passed * 3_600 / self.seconds)
    }

    fn is_over(&self) -> bool {
        self.now() >= self.opens + TimeDelta::hours(1)
    }
}

fn now_millis() -> i64 {
    i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()
}

fn environments(count: u64) -> Vec<EnvironmentName> {
    let name = |number| format!("customer-{number:05}/live").parse().unwrap();
    (0..count).map(name).collect()
}

fn opens() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_478_400, 0).unwrap()
}

#[test]
#[ignore = "a process that the other test starts"]
fn a_node() {
    let Some(task) = task() else { return };
    let [connect, began, seconds, count, folder] = &task[..] else {
        panic!("{task:?}")
    };
    let window = Window {
        opens: opens(),
        began_millis: began.parse().unwrap(),
        seconds: seconds.parse().unwrap(),
    };
    let names = environments(count.parse().unwrap());
    let schedule = Schedule::default();
    let catalog = Catalog::share(connector(connect), "a node", LEASE).unwrap();
    let times = OpenOptions::new()
        .create(true)
        .append(true)
        .open(Path::new(folder).join(format!("claims-{}", std::process::id())))
        .unwrap();
    let all_noted = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| serve_until_over(&catalog, connect, &window, &all_noted, &times));
        }
        let mut book = DueBook::default();
        let ledger = Mutex::new(Client::connect(connect, NoTls).unwrap());
        loop {
            let was_over = window.is_over();
            let looked = settle(&catalog, &ledger, window.now()).and_then(|()| {
                let all = names.iter().map(|name| (name, &schedule));
                book.note(&catalog, all, window.now())
            });
            // Only what is noted after the end is all there is.
            if patient(looked).is_some() && was_over {
                all_noted.store(true, Ordering::Release);
            }
            if is_all_served(&catalog, &all_noted) {
                return;
            }
            thread::sleep(Duration::from_millis(200));
        }
    });
}

/// What a node may meet that was taken for dead: it goes on under another number a little later.
fn patient<T>(result: Result<T, CatalogError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(
            CatalogError::TakenForDead
            | CatalogError::NotOwned(_)
            | CatalogError::NotDue(_)
            | CatalogError::OutOfReach { .. },
        ) => None,
        Err(error) => panic!("{error}"),
    }
}

/// What nodes that are gone have left behind is free again.
fn settle(catalog: &Catalog, ledger: &Mutex<Client>, now: DateTime<Utc>) -> Result<(), CatalogError> {
    for mut job in catalog.abandoned()? {
        let Some(claim) = catalog.adopt(job.id)? else {
            continue;
        };
        // As an engine looks in the repository.
        if let Some(record) = catalog.recording(job.id)? {
            let id = i64::try_from(job.id.0).unwrap();
            let came = ledger
                .lock()
                .unwrap()
                .query_opt("SELECT 1 FROM ledger WHERE job = $1", &[&id])
                .unwrap();
            if came.is_none() {
                catalog.void_record(&claim, &job.environment, &record, now)?;
            }
        }
        job.state = JobState::Failed {
            why: "its node was killed".into(),
        };
        job.ended = Some(now);
        catalog.update_job(&claim, &job)?;
    }
    catalog.free_due_of_the_gone().map(|_| ())
}

fn is_all_served(catalog: &Catalog, all_noted: &AtomicBool) -> bool {
    all_noted.load(Ordering::Acquire) && catalog.due_open().is_ok_and(|open| open == 0)
}

fn serve_until_over(catalog: &Catalog, connect: &str, window: &Window, all_noted: &AtomicBool, times: &File) {
    let ledger = Mutex::new(Client::connect(connect, NoTls).unwrap());
    loop {
        let asked = Monotonic::now();
        let mut times = times;
        let serve = |claim: &DueClaim| {
            let mut times = times;
            writeln!(times, "{}", asked.elapsed().as_micros()).unwrap();
            patient(serve(catalog, &ledger, claim, window)).unwrap_or(Turn::Later(window.now()))
        };
        let started = patient(take_turns(catalog, window.now(), 1, &serve)).unwrap_or(0);
        times.flush().unwrap();
        if started == 0 {
            if is_all_served(catalog, all_noted) {
                return;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The work: an entry in a ledger, made the way a backup is: after a look at what is there already, and told beforehand.
fn serve(
    catalog: &Catalog,
    ledger: &Mutex<Client>,
    due: &DueClaim,
    window: &Window,
) -> Result<Turn, CatalogError> {
    let name = due.environment.to_string();
    let period = due.period.timestamp();
    let new = NewJob {
        environment: &due.environment,
        kind: JobKind::Backup,
        title: "scheduled backup",
        by: &"schedule".into(),
        due: Some(due),
    };
    let (mut job, claim) = match catalog.create_job(new, window.now(), &JobState::Running) {
        Err(CatalogError::Busy { .. } | CatalogError::Abandoned { .. } | CatalogError::JustEnded(_)) => {
            return Ok(Turn::Later(window.now()));
        }
        created => created?,
    };
    let mut ledger = ledger.lock().unwrap();
    let void = catalog.void_records(&due.environment)?;
    let standing = ledger
        .query(
            "SELECT job FROM ledger WHERE environment = $1 AND period = $2",
            &[&name, &period],
        )
        .unwrap();
    let is_made = standing
        .iter()
        .any(|row| !void.contains(&row.get::<_, i64>(0).to_string()));
    if !is_made {
        let id = i64::try_from(job.id.0).unwrap();
        catalog.begin_record(&claim, &id.to_string(), window.now())?;
        ledger
            .execute("INSERT INTO ledger VALUES ($1, $2, $3)", &[&name, &period, &id])
            .unwrap();
    }
    drop(ledger);
    job.state = JobState::Done;
    job.ended = Some(window.now());
    catalog.update_job(&claim, &job)?;
    Ok(Turn::Started)
}

#[test]
fn ten_thousand_due_in_one_window_are_each_served_once_whatever_happens_to_the_nodes() {
    let count = number("LIFEBOAT_NODES_ENVIRONMENTS", 10_000);
    let seconds = number("LIFEBOAT_NODES_SECONDS", 60);
    let mut chance = Chance::new();
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(&folder.path().join("cluster"), 0, &["max_connections = 200"]).unwrap();
    cluster.create("catalog").unwrap();
    let connect = cluster.connect("catalog", SUPERUSER);
    let mut client = Client::connect(&connect, NoTls).unwrap();
    client
        .batch_execute("CREATE TABLE ledger (environment TEXT, period BIGINT, job BIGINT); CREATE INDEX ON ledger (environment); CREATE INDEX ON ledger (job)")
        .unwrap();

    // What was due the day before is served, so that exactly this window is due.
    let names = environments(count);
    let schedule = Schedule::default();
    let catalog = Catalog::share(connector(&connect), "the one that looks on", LEASE).unwrap();
    let noted = DueBook::default()
        .note(
            &catalog,
            names.iter().map(|name| (name, &schedule)),
            opens() - TimeDelta::seconds(1),
        )
        .unwrap();
    assert_eq!(noted, count);
    client
        .batch_execute("UPDATE lifeboat.due SET served = period")
        .unwrap();

    let window = Window {
        opens: opens(),
        began_millis: now_millis(),
        seconds: i64::try_from(seconds).unwrap(),
    };
    let task = [
        connect.clone(),
        window.began_millis.to_string(),
        seconds.to_string(),
        count.to_string(),
        folder.path().display().to_string(),
    ];
    let start = || Node::start("window::a_node", &task);
    let mut nodes: Vec<_> = (0..NODES).map(|_| start()).collect();
    let accidents = accidents_until_over(&window, &mut nodes, &start, &mut chance);
    finish(&mut client, &mut nodes, &start, count);

    let one = |client: &mut Client, sql: &str| client.query_one(sql, &[]).unwrap().get::<_, i64>(0);
    let opened = opens().timestamp_micros();
    let served = one(&mut client, &served_since_opening());
    let entries = one(
        &mut client,
        &format!("SELECT count(*) FROM ledger WHERE {COUNTS}"),
    );
    let different = one(
        &mut client,
        &format!("SELECT count(DISTINCT environment) FROM ledger WHERE {COUNTS}"),
    );
    let well = one(
        &mut client,
        "SELECT count(*) FROM lifeboat.jobs WHERE state = 'done'",
    );
    let well_served = one(
        &mut client,
        "SELECT count(DISTINCT environment) FROM lifeboat.jobs WHERE state = 'done'",
    );
    let open = one(
        &mut client,
        "SELECT count(*) FROM lifeboat.jobs WHERE ended IS NULL",
    );
    let again = one(
        &mut client,
        "SELECT count(*) FROM lifeboat.jobs WHERE state = 'failed'",
    );
    let took = Duration::from_millis(u64::try_from(now_millis() - window.began_millis).unwrap());
    let slowest = one(
        &mut client,
        &format!(
            "SELECT (max(served - period) / 1000000)::bigint FROM lifeboat.due WHERE period >= {opened}"
        ),
    );
    report(folder.path(), count, &accidents, again, took);
    println!(
        "the last to be served waited {slowest} s of the schedule, in which {} s went by",
        slowest * window.seconds / 3_600
    );
    let count = i64::try_from(count).unwrap();
    assert_eq!(
        (served, entries, different),
        (count, count, count),
        "served, entries, environments"
    );
    assert_eq!(
        (well, well_served, open),
        (count, count, 0),
        "jobs that ended well, environments, jobs that did not end"
    );
}

/// Kills and stops nodes until the window is over. A killed one is started again after a while, as a supervisor does; one
/// that stood still, often for longer than its lease, goes on.
fn accidents_until_over(
    window: &Window,
    nodes: &mut [Node],
    start: &dyn Fn() -> Node,
    chance: &mut Chance,
) -> BTreeMap<&'static str, u32> {
    let mut accidents = BTreeMap::new();
    let (_keep, clock): (Sender<()>, _) = channel();
    let wait = |millis| {
        assert_eq!(
            clock.recv_timeout(Duration::from_millis(millis)),
            Err(RecvTimeoutError::Timeout)
        );
    };
    while !window.is_over() {
        wait(500 + chance.below(2_000));
        let node = &mut nodes[usize::try_from(chance.below(NODES as u64)).unwrap()];
        if chance.below(3) == 0 {
            node.stop();
            wait(500 + chance.below(5_000));
            node.go_on();
            *accidents.entry("stood still").or_default() += 1;
        } else {
            // Killed while the new one is started, and gone before it is at work.
            *node = start();
            *accidents.entry("killed").or_default() += 1;
        }
    }
    accidents
}

fn served_since_opening() -> String {
    let opened = opens().timestamp_micros();
    format!("SELECT count(*) FROM lifeboat.due WHERE served IS NOT NULL AND period >= {opened}")
}

/// Waits until everything is served, and starts nodes that have ended before that. That nothing is open is not enough:
/// where all nodes were gone or stood still at the end of the window, nobody has written down yet what was due last.
fn finish(client: &mut Client, nodes: &mut [Node], start: &dyn Fn() -> Node, count: u64) {
    let given_up = Monotonic::now() + Duration::from_mins(3);
    let count = i64::try_from(count).unwrap();
    loop {
        let served: i64 = client.query_one(&served_since_opening(), &[]).unwrap().get(0);
        if served >= count {
            return;
        }
        assert!(Monotonic::now() < given_up, "{served} of {count} are served");
        for node in nodes
            .iter_mut()
            .filter_map(|node| (!node.lives()).then_some(node))
        {
            *node = start();
        }
        thread::sleep(Duration::from_millis(100));
    }
}

fn report(folder: &Path, count: u64, accidents: &BTreeMap<&str, u32>, again: i64, took: Duration) {
    let mut micros: Vec<u64> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("claims-"))
        .flat_map(|path| {
            let text = fs::read_to_string(path).unwrap();
            // A node may be killed in the middle of a line.
            text.lines()
                .filter_map(|line| line.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect();
    micros.sort_unstable();
    let at = |percent: usize| {
        let micros = micros[(micros.len() * percent / 100).min(micros.len() - 1)];
        format!("{}.{:02} ms", micros / 1_000, micros % 1_000 / 10)
    };
    println!(
        "{count} environments due in one window, {NODES} nodes of {AT_ONCE}, accidents {accidents:?}: all served in {} s, \
         {again} begun again; a claim took {} (p50), {} (p99)",
        took.as_secs(),
        at(50),
        at(99)
    );
}

#[test]
fn claims_a_second() {
    let count = number("LIFEBOAT_NODES_ENVIRONMENTS", 10_000).min(10_000);
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(&folder.path().join("cluster"), 0, &["max_connections = 200"]).unwrap();
    cluster.create("catalog").unwrap();
    let connect = cluster.connect("catalog", SUPERUSER);
    let names = environments(count);
    let schedule = Schedule::default();
    let nodes: Vec<_> = (0..NODES)
        .map(|_| Arc::new(Catalog::share(connector(&connect), "a node", Lease::default()).unwrap()))
        .collect();
    let now = opens() + TimeDelta::hours(1);
    DueBook::default()
        .note(&nodes[0], names.iter().map(|name| (name, &schedule)), now)
        .unwrap();
    let began = Monotonic::now();
    let mut micros: Vec<u128> = thread::scope(|scope| {
        let claiming: Vec<_> = (0..NODES * 4)
            .map(|number| {
                let catalog = Arc::clone(&nodes[number % NODES]);
                scope.spawn(move || {
                    let mut micros = Vec::new();
                    loop {
                        let asked = Monotonic::now();
                        if catalog.claim_due(now, 1).unwrap().is_empty() {
                            return micros;
                        }
                        micros.push(asked.elapsed().as_micros());
                    }
                })
            })
            .collect();
        claiming
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect()
    });
    let took = began.elapsed();
    assert_eq!(micros.len() as u64, count);
    micros.sort_unstable();
    println!(
        "{count} claims by {} claimers on {NODES} nodes: {} a second; one took {} µs (p50), {} µs (p99)",
        NODES * 4,
        u128::from(count) * 1_000 / took.as_millis().max(1),
        micros[micros.len() / 2],
        micros[micros.len() * 99 / 100]
    );
}
