//! A node as a process of its own: this very program, started again to be one.

use std::env;
use std::process::{Child, Command, Stdio};

use lifeboat::content::postgres::Connector;
use lifeboat::domain::settings::PostgresSettings;
use postgres::{Client, NoTls};
use rustix::process::{Pid, Signal, kill_process};

/// What tells a node what to do.
const TASK: &str = "LIFEBOAT_NODE_TASK";

/// A node at work. It is killed when this is dropped.
pub struct Node {
    child: Child,
}

impl Node {
    /// Starts a node: `test` is the ignored test that it runs, `task` the words that this is told.
    pub fn start(test: &str, task: &[String]) -> Self {
        let child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"])
            .env(TASK, task.join("\n"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child }
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }

    /// As a machine that stands still.
    pub fn stop(&self) {
        kill_process(self.pid(), Signal::STOP).unwrap();
    }

    /// As a machine that goes on where it stood still.
    pub fn go_on(&self) {
        kill_process(self.pid(), Signal::CONT).unwrap();
    }

    /// Kills it and leaves its number standing: whoever looks for the process finds one, as if it were on another machine.
    pub fn kill_unseen(&self) {
        kill_process(self.pid(), Signal::KILL).unwrap();
    }

    /// Whether it has not ended.
    pub fn lives(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The words that this process was told as a node; none when it is not one.
pub fn task() -> Option<Vec<String>> {
    let task = env::var(TASK).ok()?;
    Some(task.lines().map(str::to_owned).collect())
}

/// How a node reaches its catalog.
pub fn connector(connect: &str) -> Connector {
    Connector::new(
        &PostgresSettings::at(connect),
        "/".into(),
        std::sync::Arc::new(|_| None),
    )
}

/// A client that the catalog tells of every change that nodes make in it.
pub fn listening(connect: &str) -> Client {
    let mut client = Client::connect(connect, NoTls).unwrap();
    client
        .batch_execute(
            "CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NOTIFY changed; RETURN NULL; END $$;
             CREATE TRIGGER tell AFTER INSERT OR UPDATE ON lifeboat.jobs FOR EACH STATEMENT EXECUTE FUNCTION tell();
             CREATE TRIGGER tell AFTER INSERT OR UPDATE ON lifeboat.due FOR EACH STATEMENT EXECUTE FUNCTION tell();
             CREATE TRIGGER tell AFTER INSERT OR UPDATE ON lifeboat.nodes FOR EACH STATEMENT EXECUTE FUNCTION tell();
             LISTEN changed",
        )
        .unwrap();
    client
}

/// Accidents that can be played again: a small generator of numbers, begun with a seed.
pub struct Chance(u64);

impl Chance {
    pub fn new() -> Self {
        let seed = env::var("LIFEBOAT_NODES_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok());
        let seed = seed.unwrap_or_else(|| {
            let since = std::time::UNIX_EPOCH.elapsed().unwrap();
            u64::try_from(since.as_millis()).unwrap()
        });
        println!("LIFEBOAT_NODES_SEED={seed}");
        Self(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// A number from the environment.
pub fn number(variable: &str, otherwise: u64) -> u64 {
    env::var(variable)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}
