//! Real shells complete names: the script of `lifeboat completions` in bash, zsh and fish, with keys pressed on a terminal.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::{TempDir, tempdir};

use crate::pty::Terminal;

/// Longer than anything of this takes on a machine that has other work, and shorter than whatever would be waited for.
const AT_ONCE: Duration = Duration::from_secs(10);
/// The record of a backup.
const RECORD: &str = "3b90aa17c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00";

const CONFIG: &str = r#"
default_context = "local"

[contexts.local]
backend = "embedded"

[contexts.staging]
backend = "http://127.0.0.1:9"
plain_http = true

[contexts.asks]
backend = "http://127.0.0.1:9"
plain_http = true
token_command = ["sh", "-c", "touch asked; sleep 60"]

[repository]
root = "repository"
# Whoever opens the repository would run this.
password_command = ["sh", "-c", "touch asked; sleep 60"]

[[environment]]
project = "acme"
name = "live"
kind = "live"
release_version = "v12"
magnolia_version = "6.3.4"

[[environment.instance]]
name = "author"
role = "author"
content = { type = "files", path = "/srv/acme/content" }

[[environment]]
project = "globex"
name = "live"
kind = "live"
release_version = "v12"
magnolia_version = "6.3.4"

[[environment.instance]]
name = "author"
role = "author"
content = { type = "files", path = "/srv/globex/content" }
"#;

struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempdir().unwrap());
        fs::write(place.path().join("lifeboat.toml"), CONFIG).unwrap();
        let records = place.path().join("repository/acme/live/snapshots");
        fs::create_dir_all(&records).unwrap();
        fs::write(records.join(RECORD), "not opened").unwrap();
        place
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// A program that finds the program that is tested, and its configuration.
    fn command(&self, program: &str) -> Command {
        let own = Path::new(env!("CARGO_BIN_EXE_lifeboat")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new(program);
        command
            .env("PATH", format!("{}:{path}", own.display()))
            .env("HOME", self.path())
            .env("LIFEBOAT_CONFIG", self.path().join("lifeboat.toml"))
            .env("LIFEBOAT_STATE", self.path().join("state"))
            .env("PS1", "ready> ")
            .current_dir(self.path());
        command
    }

    fn write_script(&self, shell: &str, file: &str) {
        let script = self
            .command("lifeboat")
            .args(["completions", shell])
            .output()
            .unwrap();
        assert!(script.status.success());
        fs::write(self.path().join(file), script.stdout).unwrap();
    }

    /// What a script is told for a line.
    fn complete(&self, words: &[&str]) -> Vec<String> {
        let began = Instant::now();
        let ended = self
            .command("lifeboat")
            .arg("--complete-line")
            .args(words)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(began.elapsed() < AT_ONCE, "{words:?} took {:?}", began.elapsed());
        assert_eq!(
            (ended.status.code(), ended.stderr.len()),
            (Some(0), 0),
            "{words:?}"
        );
        let said = String::from_utf8(ended.stdout).unwrap();
        said.lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_script_is_told_the_names_that_fit_and_nothing_is_opened_or_asked() {
    let place = Place::new();
    let words = [
        "monthly", "weekly", "daily", "manual", "recent", "latest", "upgrade", "safety", "3b90aa17",
    ];
    assert_eq!(
        place.complete(&["lifeboat", "backup", ""]),
        ["acme/live", "globex/live"]
    );
    assert_eq!(place.complete(&["lifeboat", "backup", "gl"]), ["globex/live"]);
    assert_eq!(place.complete(&["lifeboat", "restore", "acme/live", ""]), words);
    assert_eq!(
        place.complete(&["lifeboat", "restore", "acme/live", "3"]),
        ["3b90aa17"]
    );
    assert_eq!(
        place.complete(&["lifeboat", "restore", "globex/live", ""]),
        words[..8]
    );
    assert_eq!(place.complete(&["lifeboat", "--context", "st"]), ["staging"]);
    assert_eq!(
        place.complete(&["lifeboat", "backup", "--context=st"]),
        ["--context=staging"]
    );
    // Verbs and options are the shell's own.
    assert_eq!(place.complete(&["lifeboat", "back"]), Vec::<String>::new());
    // A service that is not there, and one whose token somebody would be asked for.
    for context in ["staging", "asks"] {
        let said = place.complete(&["lifeboat", "--context", context, "backup", ""]);
        assert_eq!(said, Vec::<String>::new(), "{context}");
    }
    assert!(!place.path().join("asked").exists(), "a command was run");
    assert!(!place.path().join("state").exists(), "an engine was opened");
    // A configuration that is wrong or not there is told elsewhere.
    for config in ["nonsense = [", ""] {
        fs::write(place.path().join("lifeboat.toml"), config).unwrap();
        assert_eq!(place.complete(&["lifeboat", "backup", ""]), Vec::<String>::new());
    }
}

/// Waits until the cursor is behind this, at the beginning of a line.
fn stands_at(terminal: &Terminal, line: &str) {
    terminal.wait_until(&format!("the cursor behind {line:?}"), |screen| {
        let (row, column) = screen.cursor_position();
        let before = screen.contents_between(row, 0, row, column);
        usize::from(column) == line.len() && before.trim_end() == line.trim_end()
    });
}

/// Types the beginnings of lines with Tab behind them, and looks what the shell makes of them.
fn completes(place: &Place, shell: &str, arguments: &[&str], source: &str) {
    let own = Path::new(env!("CARGO_BIN_EXE_lifeboat")).parent().unwrap();
    let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap());
    let (home, config) = (
        place.path().display().to_string(),
        place.path().join("lifeboat.toml"),
    );
    let mut terminal = Terminal::start(
        Path::new(shell),
        arguments,
        (100, 30),
        &[
            ("PATH", &path),
            ("HOME", &home),
            ("LIFEBOAT_CONFIG", config.to_str().unwrap()),
            ("PS1", "ready> "),
        ],
    );
    terminal.wait_for("ready>");
    terminal.press(source);
    terminal.press("echo sour''ced\r");
    terminal.wait_for("sourced");
    for (typed, completed) in [
        ("lifeboat backup gl\t", "lifeboat backup globex/live"),
        (
            "lifeboat restore acme/live wee\t",
            "lifeboat restore acme/live weekly",
        ),
        (
            "lifeboat restore acme/live 3b\t",
            "lifeboat restore acme/live 3b90aa17",
        ),
        ("lifeboat --context sta\t", "lifeboat --context staging"),
        // What the shell's own script knows is known as before.
        ("lifeboat environm\t", "lifeboat environments"),
    ] {
        terminal.press(typed);
        // The space behind it says that the shell has ended completing, and what is typed next is its own.
        stands_at(&terminal, &format!("ready> {completed} "));
        // Nothing of it is run. A key clears the line: Ctrl-C in this moment leaves bash without a prompt until the next key.
        terminal.press("\u{15}");
        stands_at(&terminal, "ready> ");
    }
}

#[test]
fn bash_completes_names() {
    let place = Place::new();
    place.write_script("bash", "completions.bash");
    completes(
        &place,
        "bash",
        &["--norc", "--noprofile", "-i"],
        "source completions.bash\r",
    );
}

#[test]
fn zsh_completes_names() {
    let place = Place::new();
    // As the manual says: a file of this name in a folder of functions.
    fs::create_dir(place.path().join("functions")).unwrap();
    place.write_script("zsh", "functions/_lifeboat");
    completes(
        &place,
        "zsh",
        &["-f", "-i"],
        "fpath=($PWD/functions $fpath); autoload -Uz compinit; compinit -u -D; PS1='ready> '\r",
    );
}

#[test]
fn fish_completes_names() {
    let place = Place::new();
    fs::create_dir_all(place.path().join(".config/fish/completions")).unwrap();
    place.write_script("fish", ".config/fish/completions/lifeboat.fish");
    completes(
        &place,
        "fish",
        &[
            "-C",
            // It would complete after each letter to suggest the rest.
            "function fish_prompt; echo 'ready> '; end; set -U fish_greeting; set -g fish_autosuggestion_enabled 0",
        ],
        "",
    );
}
