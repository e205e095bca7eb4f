//! The real program on a Live of two instances in databases, and what is found there after it was killed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use lifeboat::domain::settings::EnvironmentSettings;
use serde::Serialize;
use serde_json::Value;

use crate::gate::Gate;
use crate::house::{House, fill};

pub const INSTANCES: [&str; 2] = ["author", "public-1"];

pub const LIVE: &str = "acme/live";

pub const RESTORE: [&str; 5] = ["restore", LIVE, "manual", "--confirm", LIVE];

pub type Rows = BTreeMap<String, String>;

/// The configuration file of the house.
#[derive(Serialize)]
struct File {
    state: PathBuf,
    repository: Repository,
    environment: Vec<EnvironmentSettings>,
}

#[derive(Serialize)]
struct Repository {
    root: PathBuf,
    password_file: PathBuf,
}

/// A house of two instances, and the real program on it.
pub struct Scene {
    pub house: House,
    pub config: PathBuf,
    step: u32,
}

impl Scene {
    pub fn set() -> Self {
        Self::set_with(|_| {})
    }

    /// The same on a house that is changed before its configuration is written.
    pub fn set_with(change: impl FnOnce(&mut House)) -> Self {
        let mut house = House::with(&INSTANCES);
        change(&mut house);
        let settings = house.engine_settings();
        let config = house.path("lifeboat.toml");
        let file = File {
            state: settings.state,
            repository: Repository {
                root: house.path("repository"),
                password_file: house.path("key"),
            },
            environment: settings.environments,
        };
        fs::write(&config, toml::to_string(&file).unwrap()).unwrap();
        Self {
            house,
            config,
            step: 0,
        }
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
        command.arg("--config").arg(&self.config).args(arguments);
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        output
    }

    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Starts the program, kills it at the gate, and opens that.
    pub fn killed_at(&self, mut gate: Gate, arguments: &[&str]) {
        let mut child = self.start(arguments);
        gate.wait();
        child.kill().unwrap();
        child.wait().unwrap();
        gate.open();
    }

    pub fn environment(&self) -> Value {
        let told: Value = serde_json::from_slice(&self.run(&["environments", "--json"]).stdout).unwrap();
        told["environments"][0].clone()
    }

    pub fn live(&self) -> [Rows; 2] {
        INSTANCES.map(|name| self.house.rows(name, "public"))
    }

    /// Editors work, on both instances: Live differs from every backup afterwards.
    pub fn edit(&mut self) {
        self.step += 1;
        for name in INSTANCES {
            let mut client = self.house.client(name);
            client
                .batch_execute(
                    "TRUNCATE pm_website_bundle; DELETE FROM pm_dam_bundle WHERE node_id_hi % 7 = 3",
                )
                .unwrap();
            fill(
                &mut client,
                "pm_website_bundle",
                1000,
                &format!("{name} {}", self.step),
            );
        }
    }

    /// The schemas that nobody needs any more.
    pub fn left_over(&self) -> Vec<String> {
        let all = INSTANCES.into_iter().flat_map(|name| self.house.left(name));
        all.filter(|schema| schema.starts_with("lifeboat_new")).collect()
    }

    pub fn is_settled(&self, place: &str) {
        let live = self.environment();
        assert_eq!(live["trouble"], Value::Null, "{place}");
        assert_eq!(live["job"], Value::Null, "{place}");
    }
}

pub fn told(output: &Output) -> String {
    format!(
        "{}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}
