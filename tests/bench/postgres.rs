//! Lifeboat against PostgreSQL's own programs on the same tables in the same run: first backup, later ones, restore.
//!
//! `cargo bench --bench postgres` starts a throw-away cluster, fills it with tables as Jackrabbit makes them, and prints
//! two tables. Lifeboat runs as its users run it, each step in a process of its own. Settings, from the environment:
//!
//! | variable | default | meaning |
//! | --- | --- | --- |
//! | `POSTGRES_MIB` | 1024 | size of the tables |
//! | `POSTGRES_ROUNDS` | 3 | rounds; the tables show the medians |
//! | `POSTGRES_DIR` | one of its own among temporary files | where to work; removed at the end |
//! | `POSTGRES_ONLY` | | `lifeboat`: leave out PostgreSQL's programs |
//!
//! The server's account has to reach the folder. Data is in memory already, the disk is quiet and the server has written
//! everything down when a step begins. Seconds are those of the whole program; the server's CPU seconds stand beside the
//! program's own, and of what happens inside a job Lifeboat's own record is asked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a benchmark fails by panicking"
)]

#[path = "language.rs"]
mod language;
#[path = "measure.rs"]
mod measure;
#[path = "noise.rs"]
mod noise;
#[path = "tables.rs"]
mod tables;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use lifeboat::demo::cluster::{Cluster, SUPERUSER};
use measure::{Taken, measured, size, ticks_of};
use serde_json::Value;

const LIVE: &str = "bench/live";
const SETTINGS: [&str; 5] = [
    "shared_buffers = 256MB",
    "max_wal_size = 4GB",
    "maintenance_work_mem = 64MB",
    "autovacuum = off",
    "log_min_messages = error",
];

fn main() {
    let setting = |name: &str, default: u64| env::var(name).map_or(default, |text| text.parse().unwrap());
    let dir = env::var_os("POSTGRES_DIR").map_or_else(
        || env::temp_dir().join(format!("lifeboat-bench-{}", std::process::id())),
        PathBuf::from,
    );
    fs::create_dir_all(&dir).unwrap();
    let mib = setting("POSTGRES_MIB", 1024);
    let rounds = setting("POSTGRES_ROUNDS", 3);
    let cluster = Cluster::start(&dir.join("cluster"), 0, &SETTINGS).unwrap();
    eprintln!("making tables of {mib} MiB in {}", dir.display());
    tables::make(&cluster, "made", mib << 20);

    let mut bench = Bench {
        server: tables::server(&cluster),
        cluster,
        dir,
        data: 0,
        figures: Vec::new(),
    };
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}");
        bench.begin();
        bench.play(env::var("POSTGRES_ONLY").is_ok());
    }
    bench.print();
    let dir = bench.dir.clone();
    drop(bench);
    fs::remove_dir_all(dir).unwrap();
}

struct Bench {
    cluster: Cluster,
    server: String,
    dir: PathBuf,
    /// Bytes of all rows.
    data: u64,
    /// In the order in which they are shown.
    figures: Vec<Figure>,
}

/// One line of the first table.
struct Figure {
    what: String,
    by: String,
    rounds: Vec<Round>,
}

struct Round {
    taken: Taken,
    server_cpu: f64,
    /// Bytes that are kept or were added.
    bytes: Option<u64>,
}

impl Bench {
    /// Live as it was made, and no backup.
    fn begin(&self) {
        for leftover in ["fd", "fp.zst", "repository", "state"] {
            let _ = fs::remove_dir_all(self.dir.join(leftover));
            let _ = fs::remove_file(self.dir.join(leftover));
        }
        let mut client = tables::client(&self.cluster, "postgres");
        for statement in [
            "DROP DATABASE IF EXISTS live",
            "DROP DATABASE IF EXISTS recovered",
            "CREATE DATABASE live TEMPLATE made",
            "CREATE DATABASE recovered",
        ] {
            client.batch_execute(statement).unwrap();
        }
        fs::write(self.dir.join("key"), "not a secret\n").unwrap();
        fs::write(self.dir.join("lifeboat.toml"), self.config()).unwrap();
    }

    fn config(&self) -> String {
        let dir = self.dir.display();
        format!(
            "state = \"{dir}/state\"\n[contexts.bench]\nbackend = \"embedded\"\n\
             [repository]\nroot = \"{dir}/repository\"\npassword_file = \"{dir}/key\"\n\
             [[environment]]\nproject = \"bench\"\nname = \"live\"\nkind = \"live\"\n\
             release_version = \"v1\"\nmagnolia_version = \"6.3.4\"\nkeep = {{ manual = 9 }}\n\
             [[environment.instance]]\nname = \"author\"\nrole = \"author\"\n\
             [environment.instance.content]\ntype = \"postgres\"\nconnect = \"{}\"\npg_dump = \"{}\"\n",
            self.cluster.connect("live", SUPERUSER),
            self.cluster.binaries().join("pg_dump").display(),
        )
    }

    /// One round.
    fn play(&mut self, only_lifeboat: bool) {
        if !only_lifeboat {
            let folder = self.dir.join("fd");
            let dump = self.step(
                self.program("pg_dump")
                    .args(["-Fd", "-j2", "-f"])
                    .arg(&folder)
                    .arg("live"),
            );
            self.add("first backup", "pg_dump -Fd -j2", dump, Some(size(&folder)));
            let file = self.dir.join("fp.zst");
            let pipe = format!(
                "'{}' -h '{}' -U {SUPERUSER} -Fp live | zstd -3 -q -o '{}'",
                self.cluster.binaries().join("pg_dump").display(),
                self.cluster.socket().display(),
                file.display()
            );
            let dump = self.step(Command::new("sh").args(["-c", &pipe]));
            let kept = file.metadata().unwrap().len();
            self.add("first backup", "pg_dump -Fp, zstd -3", dump, Some(kept));
        }
        self.back_up("first backup");
        self.back_up("backup, nothing changed");
        tables::change_in_one_place(&self.cluster, "live");
        self.back_up("backup, 1 % changed in one place");
        tables::change_anywhere(&self.cluster, "live");
        self.back_up("backup, 1 % changed anywhere");
        if !only_lifeboat {
            let folder = self.dir.join("fd");
            let restore = self.step(
                self.program("pg_restore")
                    .args(["-j2", "-d", "recovered"])
                    .arg(folder),
            );
            self.add("restore", "pg_restore -j2", restore, None);
        }
        self.restore("restore", &["--without-safety-backup"]);
        self.restore("restore, with its safety backup", &[]);
    }

    /// Has Lifeboat take a backup.
    fn back_up(&mut self, what: &str) {
        let (mut round, job) = self.job(&["backup", LIVE]);
        let backups = self.ask(&["backups", LIVE]);
        let newest = backups["backups"]
            .as_array()
            .unwrap()
            .iter()
            .find(|backup| backup["id"] == job["outcome"]["backup"])
            .unwrap();
        self.data = newest["instances"][0]["tables"]
            .as_array()
            .unwrap()
            .iter()
            .map(|table| table["bytes"].as_u64().unwrap())
            .sum();
        round.taken.parts = self.phases(&job);
        for part in ["copy_millis", "verify_millis"] {
            let seconds = newest[part].as_f64().unwrap() / 1000.0;
            round.taken.parts.insert(part.to_owned(), (seconds, 0.0));
        }
        self.add(what, "Lifeboat", round, newest["added_bytes"].as_u64());
    }

    /// Has Lifeboat restore the newest backup.
    fn restore(&mut self, what: &str, more: &[&str]) {
        let arguments = [
            &[
                "restore",
                LIVE,
                "manual",
                "--even-if-unchanged",
                "--confirm",
                LIVE,
            ],
            more,
        ]
        .concat();
        let (mut round, job) = self.job(&arguments);
        round.taken.parts = self.phases(&job);
        self.add(what, "Lifeboat", round, None);
    }

    /// Runs a job to its end.
    fn job(&self, arguments: &[&str]) -> (Round, Value) {
        let mut command = self.lifeboat(arguments);
        let out = self.dir.join("out");
        command.stdout(fs::File::create(&out).unwrap());
        let round = self.step(&mut command);
        let said: Value = serde_json::from_str(&fs::read_to_string(out).unwrap()).unwrap();
        (round, said["job"].clone())
    }

    /// How long each phase of a job took, and how long a switch held its locks.
    fn phases(&self, job: &Value) -> BTreeMap<String, (f64, f64)> {
        let told = self.ask(&["jobs", &job["id"].to_string(), "--log"]);
        let at = |line: &Value| {
            let at = chrono::DateTime::parse_from_rfc3339(line["at"].as_str().unwrap()).unwrap();
            f64::from(u32::try_from(at.timestamp_millis() % 1_000_000_000).unwrap()) / 1000.0
        };
        let log = told["log"].as_array().unwrap();
        let mut parts: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        for (line, next) in log.iter().zip(&log[1..]) {
            parts
                .entry(line["text"].as_str().unwrap().to_owned())
                .or_default()
                .0 += at(next) - at(line);
        }
        for line in log {
            let text = line["text"].as_str().unwrap();
            if let Some((_, held)) = text.split_once("locked for ") {
                let held: f64 = held.trim_end_matches(" ms").parse().unwrap();
                parts.insert("locks held".to_owned(), (held / 1000.0, 0.0));
            }
        }
        parts
    }

    fn ask(&self, arguments: &[&str]) -> Value {
        let output = self.lifeboat(arguments).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn lifeboat(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
        command
            .arg("--json")
            .arg("--config")
            .arg(self.dir.join("lifeboat.toml"))
            .args(arguments);
        command
    }

    /// One of PostgreSQL's programs.
    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.cluster.binaries().join(name));
        command
            .arg("-h")
            .arg(self.cluster.socket())
            .args(["-U", SUPERUSER]);
        command
    }

    fn step(&self, command: &mut Command) -> Round {
        tables::client(&self.cluster, "postgres")
            .batch_execute("CHECKPOINT")
            .unwrap();
        let server = || {
            // What a session took is added up when it has gone.
            sleep(Duration::from_millis(200));
            ticks_of(&self.server, 3)
        };
        let before = server();
        let taken = measured(command);
        Round {
            taken,
            server_cpu: server() - before,
            bytes: None,
        }
    }

    fn add(&mut self, what: &str, by: &str, round: Round, bytes: Option<u64>) {
        let round = Round { bytes, ..round };
        eprintln!(
            "  {what}, {by}: {:.2} s, load {}",
            round.taken.seconds,
            fs::read_to_string(Path::new("/proc/loadavg")).unwrap().trim()
        );
        let known = self
            .figures
            .iter_mut()
            .find(|figure| figure.what == what && figure.by == by);
        match known {
            Some(figure) => figure.rounds.push(round),
            None => self.figures.push(Figure {
                what: what.to_owned(),
                by: by.to_owned(),
                rounds: vec![round],
            }),
        }
    }

    fn print(&mut self) {
        println!("rows of {} MiB\n", self.data >> 20);
        println!(
            "| what | by | seconds | fastest | CPU s | server's CPU s | peak MiB | MiB kept | % of the rows |"
        );
        println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
        let percent = |bytes: u64| format!("{:.2}", 100.0 * to_float(bytes) / to_float(self.data));
        for Figure { what, by, rounds } in &mut self.figures {
            rounds.sort_by(|a, b| a.taken.seconds.total_cmp(&b.taken.seconds));
            let round = &rounds[rounds.len() / 2];
            let peak = rounds.iter().map(|round| round.taken.peak_kib).max().unwrap_or(0);
            println!(
                "| {what} | {by} | {:.2} | {:.2} | {:.2} | {:.2} | {} | {} | {} |",
                round.taken.seconds,
                rounds[0].taken.seconds,
                round.taken.cpu,
                round.server_cpu,
                peak >> 10,
                round.bytes.map_or(String::new(), |bytes| format!(
                    "{:.1}",
                    to_float(bytes) / 1_048_576.0
                )),
                round.bytes.map_or(String::new(), percent),
            );
        }
        println!("\n| what | part | milliseconds |");
        println!("| --- | --- | --- |");
        for Figure { what, rounds, .. } in &self.figures {
            for (part, (seconds, _)) in &rounds[rounds.len() / 2].taken.parts {
                println!("| {what} | {part} | {:.0} |", seconds * 1000.0);
            }
        }
    }
}

/// Bytes as a number to divide.
fn to_float(bytes: u64) -> f64 {
    f64::from(u32::try_from(bytes >> 10).unwrap()) * 1024.0
}
