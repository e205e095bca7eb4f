//! The whole home of a repository on H2, through Lifeboat's own command line: what a download of Magnolia starts with.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use tempfile::TempDir;

use crate::made_once::MadeOnce;
use crate::magnolia::{MISSING, copy_all};

/// A home, and a configuration that `init` writes for it; and what it is a copy of.
struct Home {
    folder: TempDir,
    _filled: Option<Arc<TempDir>>,
}

impl Home {
    /// A repository with content. `None` when there is no Java or no Maven here.
    fn filled() -> Option<Self> {
        static FILLED: MadeOnce<TempDir> = MadeOnce::new();
        let filled = FILLED.get(|| {
            let home = Self {
                folder: tempfile::tempdir().unwrap(),
                _filled: None,
            };
            let filled = home.java("fill", &[]).output().unwrap();
            if filled.status.code() == Some(MISSING) {
                println!("{}", String::from_utf8_lossy(&filled.stderr));
                return None;
            }
            assert!(filled.status.success(), "{filled:?}");
            Some(home.folder)
        })?;
        let folder = tempfile::tempdir().unwrap();
        copy_all(filled.path(), folder.path());
        Some(Self {
            folder,
            _filled: Some(filled),
        })
    }

    /// Has `init` write a configuration. Whoever points at the workspaces means the home.
    fn configured(&self) {
        let pointed = format!("--instance=author={}", self.home().join("workspaces").display());
        let repository = self.path("backups");
        self.does(&[
            "init",
            "--yes",
            "--project=acme",
            &pointed,
            "--release-version=v12",
            "--magnolia-version=6.3.4",
            "--repository",
            repository.to_str().unwrap(),
        ]);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn home(&self) -> PathBuf {
        self.path("repositories/magnolia")
    }

    fn java(&self, command: &str, options: &[&str]) -> Command {
        let mut run = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/jackrabbit/run"));
        run.args([command, "--files", "h2", "--home"])
            .arg(self.home())
            .args(options);
        run
    }

    fn run(&self, command: &str, options: &[&str]) {
        let output = self.java(command, options).output().unwrap();
        assert!(output.status.success(), "{command}: {}", both(&output));
    }

    fn dump(&self, name: &str) -> String {
        let file = self.path(name);
        self.run("dump", &["--out", file.to_str().unwrap()]);
        fs::read_to_string(file).unwrap()
    }

    fn lifeboat(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_lifeboat"))
            .args(arguments)
            .arg("--config")
            .arg(self.path("etc/lifeboat.toml"))
            .env("HOME", self.path("account"))
            .env_remove("XDG_STATE_HOME")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("XDG_DATA_HOME")
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    fn does(&self, arguments: &[&str]) -> String {
        let output = self.lifeboat(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", both(&output));
        both(&output)
    }
}

fn both(output: &Output) -> String {
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    // Lines are broken where they are long.
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_home_on_h2_is_recognised_and_comes_back_whole() {
    let Some(home) = Home::filled() else { return };
    home.configured();
    let written = fs::read_to_string(home.path("etc/lifeboat.toml")).unwrap();
    let content = format!(
        "content = {{ type = \"home\", path = \"{}\" }}",
        home.home().display()
    );
    assert!(written.contains(&content), "{written}");

    // Jackrabbit is at work.
    let mut server = home
        .java("edit", &["--count", "0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    assert!(
        lines
            .by_ref()
            .map(Result::unwrap)
            .any(|line| line.starts_with("edit "))
    );
    let refused = home.lifeboat(&["backup", "acme/live"]);
    let told = both(&refused);
    assert!(
        !refused.status.success() && told.contains(".lock locked") && told.contains("(java)"),
        "{told}"
    );
    assert!(both(&home.lifeboat(&["check"])).contains(".lock locked"));
    drop(server.stdin.take());
    lines.for_each(drop);
    assert!(server.wait().unwrap().success());

    let before = home.dump("before");
    home.does(&["backup", "acme/live"]);
    home.does(&["drill", "acme/live"]);

    // One workspace is broken, and what it shares with the others is as it was.
    fs::remove_dir_all(home.home().join("workspaces/website/db")).unwrap();
    fs::remove_dir_all(home.home().join("workspaces/website/index")).unwrap();
    let restore = ["restore", "acme/live", "manual", "--confirm", "acme/live"];
    home.does(&[&restore[..], &["--workspace", "website"]].concat());
    home.run("check", &[]);
    // Jackrabbit has written to the version storage since.
    let plan = both(&home.lifeboat(&["plan", "acme/live", "manual", "--workspace", "website"]));
    assert!(plan.contains("bring back the whole instance"), "{plan}");

    // All of it is lost.
    fs::remove_dir_all(home.home()).unwrap();
    home.does(&restore);
    home.run("check", &[]);
    let after = home.dump("after");
    assert!(after == before, "{} and {} bytes", before.len(), after.len());
}

/// Jackrabbit writes the definition of a workspace when it makes one, and its database when somebody first logs in to it.
#[test]
fn a_workspace_that_nobody_has_opened_comes_back_empty_and_can_be_opened() {
    let Some(home) = Home::filled() else { return };
    let workspaces = home.home().join("workspaces");
    let definition = fs::read_to_string(workspaces.join("website/workspace.xml")).unwrap();
    let never = workspaces.join("never");
    fs::create_dir(&never).unwrap();
    fs::write(
        never.join("workspace.xml"),
        definition.replace("<Workspace name=\"website\"", "<Workspace name=\"never\""),
    )
    .unwrap();
    home.configured();
    home.does(&["backup", "acme/live"]);
    assert!(both(&home.lifeboat(&["check"])).contains("never: nobody has opened them yet"));
    fs::remove_dir_all(home.home()).unwrap();
    home.does(&["restore", "acme/live", "manual", "--confirm", "acme/live"]);
    assert_eq!(fs::read_dir(&never).unwrap().count(), 1);
    home.run("check", &[]);
    assert!(home.dump("after").contains("never"));
    assert!(never.join("db").is_dir(), "it is opened");
    // From now on it has something to lose.
    fs::remove_dir_all(never.join("db")).unwrap();
    let told = both(&home.lifeboat(&["backup", "acme/live"]));
    assert!(
        told.contains("its workspace never") && told.contains("a restore of the whole instance"),
        "{told}"
    );
}

/// What a server does after its restore does not keep anybody from taking that back.
#[test]
fn a_restore_of_one_workspace_is_taken_back_after_the_server_has_run() {
    let Some(home) = Home::filled() else { return };
    home.configured();
    home.does(&["backup", "acme/live"]);
    let website = home.home().join("workspaces/website");
    fs::remove_dir_all(website.join("db")).unwrap();
    fs::remove_dir_all(website.join("index")).unwrap();
    home.does(&[
        "restore",
        "acme/live",
        "manual",
        "--confirm",
        "acme/live",
        "--workspace",
        "website",
    ]);
    home.run("check", &[]);
    home.does(&["undo", "acme/live", "--confirm", "acme/live"]);
    assert!(!website.join("db").exists() && website.join("workspace.xml").exists());
}
