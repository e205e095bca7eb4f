//! Several Jackrabbits on one database: whichever node starts after a restore or an undo, and whatever it had seen before, it
//! has all that came back, finds it, and nothing else. So it is with both versions that Magnolia comes with.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use lifeboat::demo::cluster::SUPERUSER;
use lifeboat::domain::settings::{Hooks, NodeSettings};

use crate::house::{House, back_up, failed, plan, restore, start_restore, undo};
use crate::java;
use crate::magnolia::{MISSING, copy_small_files};

/// What `tests/jackrabbit/pom.xml` names.
const USUAL: Option<&str> = None;
const NEWER: Option<&str> = Some("2.22.1");

/// Several nodes on one database.
struct Nodes {
    house: House,
    version: Option<&'static str>,
}

impl Nodes {
    /// A cluster with one node and a little content. `None` when there is no Java or no Maven here.
    fn begun(version: Option<&'static str>) -> Option<Self> {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut house = House::empty(&["author"], port, &[]);
        let connect = house.cluster.connect("author", SUPERUSER);
        house.settle = Box::new(move |_, database| {
            database.connect.clone_from(&connect);
            database.data_store = None;
            database.sessions.wait = "5s".parse().unwrap();
        });
        let nodes = Self { house, version };
        let filled = nodes.java("node-1", "fill", &["--scale", "0"]);
        if filled.status.code() == Some(MISSING) {
            println!("{}", String::from_utf8_lossy(&filled.stderr));
            return None;
        }
        assert!(filled.status.success(), "{filled:?}");
        nodes.tell(
            "node-1",
            &[
                "add website /gone gone",
                "add website /stays stays",
                "add dam /stays stays",
            ],
        );
        Some(nodes)
    }

    fn home(&self, node: &str) -> PathBuf {
        self.house.path(node)
    }

    /// A node that has what another has in its home, and no index.
    fn joins(&self, node: &str) {
        copy_small_files(&self.home("node-1"), &self.home(node));
    }

    /// What the Java side is told for a command of this node.
    fn arguments(&self, node: &str, command: &str, options: &[&str]) -> Vec<String> {
        let port = self.house.cluster.port();
        let url = format!("jdbc:postgresql://127.0.0.1:{port}/author");
        let home = self.home(node);
        let mut arguments = vec![command, "--url", &url, "--user", SUPERUSER, "--datastore", "db"];
        arguments.extend(["--cluster", node, "--journal", "journal_"]);
        arguments.extend(["--home", home.to_str().unwrap()]);
        arguments.extend(options);
        arguments.into_iter().map(str::to_owned).collect()
    }

    /// Starts a node, has it do this, and stops it.
    fn java(&self, node: &str, command: &str, options: &[&str]) -> Output {
        let arguments = self.arguments(node, command, options);
        java::does(
            self.version,
            &arguments.iter().map(String::as_str).collect::<Vec<_>>(),
        )
    }

    /// A node that stays open and is told what to do.
    fn serves(&self, node: &str) -> Command {
        let mut java = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jackrabbit/run"));
        java.args(self.arguments(node, "serve", &[]));
        if let Some(version) = self.version {
            java.env("JACKRABBIT_VERSION", version);
        }
        // A node that is new says of every workspace that it is there already.
        java.env("JACKRABBIT_LOG", "off");
        java.stdout(Stdio::piped());
        java
    }

    /// Starts a node, has it do this, and stops it. Gives its answers.
    fn tell(&self, node: &str, lines: &[&str]) -> Vec<String> {
        let mut served = self
            .serves(node)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = served.stdin.take().unwrap();
        for line in lines {
            writeln!(input, "{line}").unwrap();
        }
        drop(input);
        let output = served.wait_with_output().unwrap();
        let answers = String::from_utf8_lossy(&output.stdout);
        let answers: Vec<String> = answers
            .lines()
            .skip(1)
            .take(lines.len())
            .map(str::to_owned)
            .collect();
        let is_done = answers.iter().all(|answer| !answer.starts_with("failed"));
        assert!(
            is_done && answers.len() == lines.len(),
            "{answers:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        answers
    }

    /// Starts a node, fails unless all of Jackrabbit's checks are clean, and gives everything that it has and finds.
    fn sound(&self, node: &str) -> String {
        let dump = self.house.path(&format!("{node}-dump"));
        let Output {
            status,
            stdout,
            stderr,
        } = self.java(node, "check", &["--out", dump.to_str().unwrap()]);
        assert!(
            status.success(),
            "{node}: {}{}",
            String::from_utf8_lossy(&stdout),
            String::from_utf8_lossy(&stderr)
        );
        fs::read_to_string(dump).unwrap()
    }

    /// The nodes as they are configured. `stops` is a command that stops the first.
    fn configure(&mut self, names: &[&str], stops: &str) {
        let nodes = names.iter().map(|name| {
            let home = self.home(name);
            let mut hooks = Hooks::default();
            if *name == "node-1" {
                hooks.before_restore = ["sh", "-c", stops].map(str::to_owned).to_vec();
            }
            NodeSettings {
                name: name.parse().unwrap(),
                cluster_id: None,
                health: None,
                hooks,
                search_indexes: vec![
                    home.join("workspaces/{workspace}/index"),
                    home.join("repository/index"),
                ],
            }
        });
        self.house.nodes = nodes.collect();
    }
}

/// A node that was down does not learn any more what others have changed in workspaces that stay as they are.
#[test]
fn a_node_that_was_behind_finds_what_changed_in_workspaces_that_stay() {
    let Some(mut nodes) = Nodes::begun(USUAL) else {
        return;
    };
    nodes.joins("node-2");
    assert_eq!(nodes.tell("node-2", &["find website gone"]), ["1"]);
    nodes.configure(&["node-1", "node-2"], "true");
    let engine = nodes.house.engine();
    let backup = back_up(&engine);
    nodes.tell(
        "node-1",
        &[
            "remove website /gone",
            "title dam /stays changed",
            "add dam /later later",
        ],
    );
    nodes.house.pass(chrono::Duration::minutes(1));
    restore(&engine, &backup.0, &["website"]);
    let first = nodes.sound("node-1");
    assert!(nodes.sound("node-2") == first, "nodes differ");
    for (title, path) in [("gone", "/gone"), ("later", "/later"), ("changed", "/stays")] {
        let start = format!("found by title {title}: ");
        let is_found = first
            .lines()
            .filter_map(|line| line.strip_prefix(&start))
            .any(|paths| paths.split(' ').any(|found| found == path));
        assert!(is_found, "{title}");
    }
}

/// The four ways in which a node can start after a restore. The first node is left running until its hook stops it, and
/// saves once more before that; without the hook the restore stops. The second was down while things happened, the third has seen everything, and a fourth is
/// new afterwards.
fn starts_whole(version: Option<&'static str>, names: &[&str]) {
    let Some(mut nodes) = Nodes::begun(version) else {
        return;
    };
    for node in &names[1..] {
        nodes.joins(node);
        assert_eq!(nodes.tell(node, &["find website gone"]), ["1"]);
    }
    let fifo = nodes.house.path("orders");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let pid = nodes.house.path("pid");
    let stops = format!(
        "echo 'add website /last last' > {0}; echo end > {0}; exec tail --pid=$(cat {1}) -f /dev/null",
        fifo.display(),
        pid.display()
    );
    let is_tried_while_it_runs = names.len() == 2;
    nodes.configure(names, if is_tried_while_it_runs { "true" } else { &stops });
    let before = nodes.sound("node-1");
    let mut engine = nodes.house.engine();
    let backup = back_up(&engine);

    // Opened for both, so that opening waits for nobody and no end is met between two writers.
    let kept = OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    let mut running = nodes
        .serves("node-1")
        .stdin(Stdio::from(File::open(&fifo).unwrap()))
        .spawn()
        .unwrap();
    fs::write(&pid, running.id().to_string()).unwrap();
    let mut answers = BufReader::new(running.stdout.take().unwrap()).lines();
    // Whoever waits for its end by its number has to see it go.
    let gone = std::thread::spawn(move || running.wait().unwrap());
    assert_eq!(answers.next().unwrap().unwrap(), "open");
    for line in [
        "remove website /gone",
        "title website /stays changed",
        "add website /later later",
        "read website /stays",
    ] {
        writeln!(&kept, "{line}").unwrap();
        let answer = answers.next().unwrap().unwrap();
        assert!(!answer.starts_with("failed"), "{line}: {answer}");
    }
    if names.len() > 2 {
        assert_eq!(
            nodes.tell(names[2], &["find website gone", "find website later"]),
            ["0", "1"]
        );
    }

    nodes.house.pass(chrono::Duration::minutes(1));
    if is_tried_while_it_runs {
        // It would save what it has cached into what came back, and no Jackrabbit could open that.
        let why = failed(&engine, start_restore(&engine, &backup.0, &[]));
        assert!(
            why.contains("others are connected") && why.contains("Live was not touched"),
            "{why}"
        );
        writeln!(&kept, "find website later").unwrap();
        assert_eq!(answers.next().unwrap().unwrap(), "1");
        drop(engine);
        nodes.configure(names, &stops);
        engine = nodes.house.engine();
        nodes.house.pass(chrono::Duration::minutes(1));
    }
    let warnings = plan(&engine, &backup.0, &[]).warnings.join("\n");
    assert!(warnings.contains("node-2 (behind by "), "{warnings}");
    let job = restore(&engine, &backup.0, &[]);
    assert!(gone.join().unwrap().success());
    assert_eq!(
        answers.next().unwrap().unwrap(),
        "done",
        "what it saved last is saved"
    );
    let outcome = job.outcome.unwrap();
    assert!(
        outcome.summary.contains("its journal is emptied"),
        "{}",
        outcome.summary
    );
    // What the plan has said before comes again, and nothing else.
    let of_the_plan = [
        "is a cluster of Jackrabbit's",
        "no before_restore hook is configured that stops",
    ];
    let is_of_the_plan = |warning: &String| of_the_plan.iter().any(|said| warning.contains(said));
    assert!(
        outcome.warnings.iter().all(is_of_the_plan),
        "{:#?}",
        outcome.warnings
    );

    let mut all = names.to_vec();
    if names.len() > 2 {
        nodes.joins("node-4");
        all.push("node-4");
    }
    for node in &all {
        assert!(nodes.sound(node) == before, "{node} has something else");
    }
    if names.len() == 2 {
        return;
    }

    drop(engine);
    undone(&mut nodes, &all);
}

/// Life goes on after the restore, and is seen by those that are up. Undo overtakes it as well.
fn undone(nodes: &mut Nodes, all: &[&str]) {
    nodes.tell(
        "node-4",
        &["add website /since since", "title website /stays since"],
    );
    assert_eq!(nodes.tell("node-3", &["find website since"]), ["2"]);
    nodes.configure(all, "true");
    let engine = nodes.house.engine();
    nodes.house.pass(chrono::Duration::minutes(1));
    undo(&engine);
    let after: Vec<String> = all.iter().map(|node| nodes.sound(node)).collect();
    assert!(after.iter().all(|dump| *dump == after[0]), "nodes differ");
    for (title, count) in [
        ("gone", 0),
        ("later", 1),
        ("last", 1),
        ("changed", 1),
        ("since", 0),
    ] {
        let found = after[0]
            .matches(&format!("\n  - title String \"{title}\""))
            .count();
        assert_eq!(found, count, "{title}");
    }
}

#[test]
fn three_nodes_and_a_new_one_start_with_what_came_back() {
    starts_whole(USUAL, &["node-1", "node-2", "node-3"]);
}

#[test]
fn three_nodes_and_a_new_one_start_with_what_came_back_in_a_newer_jackrabbit() {
    starts_whole(NEWER, &["node-1", "node-2", "node-3"]);
}

#[test]
fn two_nodes_start_with_what_came_back() {
    starts_whole(USUAL, &["node-1", "node-2"]);
}

#[test]
fn two_nodes_start_with_what_came_back_in_a_newer_jackrabbit() {
    starts_whole(NEWER, &["node-1", "node-2"]);
}
