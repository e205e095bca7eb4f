//! Thousands of environments that are due at once, on a machine that knows nothing of them yet: `cargo bench --bench fleet`.
//!
//! Makes 10,000 environments, a third of them Live and due, and 300 real repositories with a backup each. Then it measures,
//! each in a process of its own and on a state folder that is empty:
//!
//! - through the embedded backend with the schedule kept: when the first list of all environments is there, how long lists
//!   and details take while jobs run, how many jobs are at work at the same time, how long a restore waits that is asked
//!   for in the middle, and the memory;
//! - through the cockpit in a pseudo-terminal: when the first environment is on the screen, how long a key takes while jobs
//!   run, and the memory.
//!
//! It fails when something is over its budget. Settings, from the environment:
//!
//! | variable | default | meaning |
//! | --- | --- | --- |
//! | `FLEET_ENVIRONMENTS` | 10000 | environments in all |
//! | `FLEET_LIVE` | 3334 | Live ones |
//! | `FLEET_REPOSITORIES` | 300 | Live ones that have a repository already |
//! | `FLEET_SECONDS` | 60 | how long it is looked at jobs that run |
//! | `FLEET_DIR` | a temporary one | where to work; repositories that are there already are not made again |

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark fails by panicking"
)]

#[path = "../pty/mod.rs"]
mod pty;

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::broadcast;

use lifeboat::backend::Backend as _;
use lifeboat::backend::embedded::{Embedded, EmbeddedOptions, EngineSettings, Surroundings};
use lifeboat::clock::SystemClock;
use lifeboat::config::Config;
use lifeboat::domain::environment::EnvironmentName;
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{JobId, JobKind, JobState};
use lifeboat::domain::plan::Selection;
use lifeboat::domain::request::{BackupRequest, RestoreRequest};
use lifeboat::domain::settings::RepositoryChoice;
use lifeboat::domain::stop::StopReason;

const STEP: &str = "FLEET_STEP";
const FOLDER: &str = "FLEET_DIR";
/// How many jobs may be at work at the same time.
const JOBS: usize = 2;
/// The budgets.
const FIRST_LIST: Duration = Duration::from_secs(1);
const KEY: Duration = Duration::from_millis(16);
const MEMORY_MIB: u64 = 200;
/// Keys that are pressed.
const KEYS: usize = 40;

fn number(name: &str, default: usize) -> usize {
    env::var(name).map_or(default, |text| text.parse().unwrap())
}

fn main() -> ExitCode {
    // `cargo test --benches` only wants to know whether it runs.
    if env::args().any(|argument| argument == "--test") {
        return ExitCode::SUCCESS;
    }
    if let Ok(step) = env::var(STEP) {
        let folder = PathBuf::from(env::var_os(FOLDER).unwrap());
        let runtime = tokio::runtime::Runtime::new().unwrap();
        return match step.as_str() {
            "repositories" => {
                runtime.block_on(make_repositories(&folder));
                ExitCode::SUCCESS
            }
            _ => verdict(runtime.block_on(look_on(&folder))),
        };
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder = env::var_os(FOLDER).map_or(temporary.path().to_owned(), PathBuf::from);
    let began = Instant::now();
    if !folder.join("lifeboat.toml").exists() {
        lay_out(&folder);
        assert!(step("repositories", &folder));
    }
    println!(
        "{} environments, {} of them Live, {} with a repository, made in {:.0} s; {JOBS} jobs at a time",
        number("FLEET_ENVIRONMENTS", 10_000),
        number("FLEET_LIVE", 3_334),
        number("FLEET_REPOSITORIES", 300),
        began.elapsed().as_secs_f64()
    );
    let embedded = step("look on", &folder);
    let cockpit = in_the_cockpit(&folder);
    verdict(embedded && cockpit)
}

fn verdict(is_good: bool) -> ExitCode {
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs a step in a process of its own, and gives whether it kept its budgets.
fn step(name: &str, folder: &Path) -> bool {
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(STEP, name).env(FOLDER, folder);
    command.status().unwrap().success()
}

/// Says a figure, and gives whether it is within its budget.
fn told(what: &str, figure: &str, is_good: bool) -> bool {
    println!(
        "{what:<52} {figure:>24}{}",
        if is_good { "" } else { "   OVER BUDGET" }
    );
    is_good
}

fn live(index: usize) -> EnvironmentName {
    EnvironmentName::new(&format!("p{index:05}"), "live").unwrap()
}

fn lay_out(folder: &Path) {
    fs::write(folder.join("key"), "open sesame\n").unwrap();
    let mut config =
        format!("[repository]\nroot = \"repository\"\npassword_file = \"key\"\n[engine]\njobs = {JOBS}\n");
    let (all, lives) = (number("FLEET_ENVIRONMENTS", 10_000), number("FLEET_LIVE", 3_334));
    for index in 0..all {
        if index >= lives {
            writeln!(
                config,
                "[[environment]]\nproject = \"p{:05}\"\nname = \"uat-{index}\"\nkind = \"uat\"",
                index % lives
            )
            .unwrap();
            continue;
        }
        let content = folder.join(format!("content/{index}"));
        fs::create_dir_all(content.join("website")).unwrap();
        for page in 0..3 {
            fs::write(
                content.join(format!("website/{page}.xml")),
                format!("page {page} of {index}"),
            )
            .unwrap();
        }
        writeln!(
            config,
            "[[environment]]\nproject = \"p{index:05}\"\nname = \"live\"\nkind = \"live\"\nrelease_version = \"v1\"\n\
             magnolia_version = \"6.3.4\"\n[[environment.instance]]\nname = \"author\"\nrole = \"author\"\n\
             content = {{ type = \"files\", path = \"{}\" }}",
            content.display()
        )
        .unwrap();
    }
    fs::write(folder.join("lifeboat.toml"), config).unwrap();
}

/// An embedded backend on this state folder, and the way to hear of it from the beginning.
fn open(folder: &Path, state: &str, keep_schedule: bool) -> (Embedded, broadcast::Receiver<Event>) {
    let config = Config::load(&folder.join("lifeboat.toml")).unwrap();
    let (events, heard) = broadcast::channel(1 << 16);
    let settings = EngineSettings {
        cache: None,
        state: folder.join(state),
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
        keep_schedule,
        break_live: None,
    };
    (Embedded::start(settings, surroundings, options), heard)
}

/// Takes a backup by hand of as many environments as are to have a repository.
async fn make_repositories(folder: &Path) {
    let (backend, mut heard) = open(folder, "state-of-before", false);
    let mut at_work = BTreeSet::new();
    for index in 0..number("FLEET_REPOSITORIES", 300) {
        let request = BackupRequest {
            environment: live(index),
            note: None,
            upgrade_to: None,
        };
        at_work.insert(backend.start_backup(request).await.unwrap());
        while at_work.len() >= 4 {
            hear_of_an_end(&mut heard, &mut at_work).await;
        }
    }
    while !at_work.is_empty() {
        hear_of_an_end(&mut heard, &mut at_work).await;
    }
    backend.close(StopReason::Signal).await;
}

async fn hear_of_an_end(heard: &mut broadcast::Receiver<Event>, at_work: &mut BTreeSet<JobId>) {
    if let Event::Job(job) = heard.recv().await.unwrap()
        && job.state.has_ended()
    {
        assert_eq!(job.state, JobState::Done, "{}", job.environment);
        at_work.remove(&job.id);
    }
}

/// The jobs that are at work, as their events tell.
#[derive(Default)]
struct AtWork {
    now: BTreeSet<JobId>,
    restores: BTreeSet<JobId>,
    most: usize,
    most_without_restores: usize,
    begun: usize,
    ended: usize,
    restore_began: Option<Instant>,
    restore_ended: Option<Instant>,
}

impl AtWork {
    fn hear(&mut self, event: Event) {
        let Event::Job(job) = event else { return };
        let is_restore = job.kind == JobKind::Restore;
        match job.state {
            JobState::Running => {
                self.begun += usize::from(self.now.insert(job.id));
                if is_restore && self.restores.insert(job.id) {
                    self.restore_began = Some(Instant::now());
                }
            }
            state if state.has_ended() => {
                self.ended += usize::from(self.now.remove(&job.id));
                if self.restores.remove(&job.id) || is_restore {
                    assert_eq!(state, JobState::Done);
                    self.restore_ended = Some(Instant::now());
                }
            }
            _ => {}
        }
        self.most = self.most.max(self.now.len());
        self.most_without_restores = self
            .most_without_restores
            .max(self.now.len() - self.restores.len());
    }
}

/// What an embedded backend takes while it makes up for everything.
async fn look_on(folder: &Path) -> bool {
    let began = Instant::now();
    let (backend, mut heard) = open(folder, "state", true);
    let list = backend.environments().await.unwrap();
    let first = began.elapsed();
    let unread = list.iter().filter(|environment| environment.unread).count();
    let mut is_good = told(
        "the first list",
        &format!("{} ms, {unread} unread", first.as_millis()),
        first <= FIRST_LIST,
    );
    let at_work = Arc::new(Mutex::new(AtWork::default()));
    let listening = tokio::spawn({
        let at_work = Arc::clone(&at_work);
        async move {
            while let Ok(event) = heard.recv().await {
                at_work.lock().unwrap().hear(event);
            }
        }
    });
    let seconds = number("FLEET_SECONDS", 60);
    let until = Instant::now() + Duration::from_secs(seconds as u64);
    let restore_at = Instant::now() + Duration::from_secs(seconds as u64 / 3);
    let (mut lists, mut details, mut asked) = (Vec::new(), Vec::new(), None);
    for round in 0.. {
        if Instant::now() >= until {
            break;
        }
        let asks = Instant::now();
        backend.environments().await.unwrap();
        lists.push(asks.elapsed());
        let asks = Instant::now();
        backend
            .environment(&live(round % number("FLEET_REPOSITORIES", 300)))
            .await
            .unwrap();
        details.push(asks.elapsed());
        if asked.is_none() && Instant::now() >= restore_at {
            asked = Some(ask_for_a_restore(&backend, folder).await);
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    let asked = asked.expect("a restore was asked for");
    while at_work.lock().unwrap().restore_ended.is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    {
        let at_work = at_work.lock().unwrap();
        let waited = at_work.restore_began.unwrap().saturating_duration_since(asked);
        let took = at_work.restore_ended.unwrap() - asked;
        told(
            "lists while jobs run, median and longest",
            &spread(&mut lists),
            true,
        );
        told(
            "details while jobs run, median and longest",
            &spread(&mut details),
            true,
        );
        told(
            "jobs begun and ended",
            &format!("{} and {}", at_work.begun, at_work.ended),
            true,
        );
        is_good &= told(
            "jobs at work at the same time, without restores",
            &at_work.most_without_restores.to_string(),
            at_work.most_without_restores <= JOBS,
        );
        is_good &= told(
            "jobs at work at the same time, with the restore",
            &at_work.most.to_string(),
            at_work.most <= JOBS + 1,
        );
        told(
            "the restore in the middle: waited, and took in all",
            &format!("{} ms, {} ms", waited.as_millis(), took.as_millis()),
            true,
        );
    }
    backend.close(StopReason::Signal).await;
    listening.abort();
    is_good & told_memory("the most memory of the embedded backend", "self")
}

async fn ask_for_a_restore(backend: &Embedded, folder: &Path) -> Instant {
    fs::write(folder.join("content/0/website/0.xml"), "broken").unwrap();
    let request = RestoreRequest {
        environment: live(0),
        backup: "manual".to_owned(),
        selection: Selection::default(),
        without_safety: false,
        even_if_unchanged: true,
        from: RepositoryChoice::First,
    };
    let plan = backend.plan_restore(request).await.unwrap();
    let asked = Instant::now();
    backend.start_restore(plan.id, live(0).to_string()).await.unwrap();
    asked
}

fn spread(times: &mut [Duration]) -> String {
    times.sort_unstable();
    let millis = |time: Option<&Duration>| time.map_or(0, Duration::as_millis);
    format!(
        "{} ms, {} ms",
        millis(times.get(times.len() / 2)),
        millis(times.last())
    )
}

fn told_memory(what: &str, process: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let mib = peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024;
    told(what, &format!("{mib} MiB"), mib <= MEMORY_MIB)
}

/// The row of the list that is selected, and what is in it.
fn selected(terminal: &pty::Terminal) -> Option<(usize, String)> {
    let text = terminal.screen().contents();
    let mut rows = text
        .lines()
        .map(|line| line.chars().take(30).collect::<String>())
        .enumerate();
    rows.find(|(_, row)| row.starts_with('▸'))
}

/// What the cockpit takes, on a state folder of its own.
fn in_the_cockpit(folder: &Path) -> bool {
    let config = folder.join("lifeboat.toml").display().to_string();
    let state = folder.join("state-of-the-cockpit").display().to_string();
    let began = Instant::now();
    let mut terminal = pty::Terminal::start(
        Path::new(env!("CARGO_BIN_EXE_lifeboat")),
        &["--config", &config],
        (120, 36),
        &[("LIFEBOAT_STATE", &state)],
    );
    terminal.wait_for("p00000");
    let first = began.elapsed();
    let mut is_good = told(
        "the first list on the screen",
        &format!("{} ms", first.as_millis()),
        first <= FIRST_LIST,
    );
    terminal.wait_for("Running jobs");
    // From the backups to the list of environments.
    terminal.press("\t");
    let mut keys: Vec<_> = (0..KEYS)
        .map(|_| {
            thread::sleep(Duration::from_millis(150));
            let before = selected(&terminal);
            let pressed = Instant::now();
            terminal.send(b"j");
            while selected(&terminal) == before {
                let waits = pressed.elapsed() < Duration::from_secs(30);
                assert!(waits, "the key does nothing:\n{}", terminal.screen().contents());
                thread::sleep(Duration::from_micros(500));
            }
            pressed.elapsed()
        })
        .collect();
    keys.sort_unstable();
    let most = keys[KEYS * 9 / 10];
    is_good &= told(
        "a key while jobs run: median, 90 %, longest",
        &format!(
            "{:.1}, {:.1}, {:.1} ms",
            keys[KEYS / 2].as_secs_f64() * 1e3,
            most.as_secs_f64() * 1e3,
            keys[KEYS - 1].as_secs_f64() * 1e3
        ),
        most <= KEY,
    );
    thread::sleep(Duration::from_secs(number("FLEET_SECONDS", 60) as u64 / 2));
    let process = terminal.foreground().as_raw_nonzero().to_string();
    is_good & told_memory("the most memory of the cockpit", &process)
}
