//! The real terminal: whatever ends or stops the cockpit, the terminal is as it was before, and while nothing changes
//! nothing is written to it. On the engine in its own process, and on a real `lifeboat serve`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

/// Runs a test twice: on the engine in the cockpit's process, and on a service.
macro_rules! alike {
    ($name:ident) => {
        mod $name {
            use super::Way;

            #[test]
            fn here() {
                super::$name(Way::Here);
            }

            #[test]
            fn elsewhere() {
                super::$name(Way::Elsewhere);
            }
        }
    };
}

#[path = "terminal/background.rs"]
mod background;
#[path = "terminal/completions.rs"]
mod completions;
#[path = "terminal/demo.rs"]
mod demo;
mod made_up;
#[path = "terminal/masked.rs"]
mod masked;
#[path = "terminal/multiplexers.rs"]
mod multiplexers;
#[path = "terminal/out_of_reach.rs"]
mod out_of_reach;
#[path = "terminal/plain.rs"]
mod plain;
mod pty;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use lifeboat::tui::beyond::Beyond;
use lifeboat::tui::clipboard::Clipboard;
use lifeboat::tui::terminal_call::Calling;
use lifeboat::tui::theme::{Background, ThemeChoice};
use lifeboat::tui::{Care, CockpitSettings, OneContext, run};
use made_up::Fixture;
use pty::Terminal;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Long enough for a program that wants to write something to have written it.
const QUIET: Duration = Duration::from_millis(300);
/// How long a cockpit is watched while nothing changes.
const IDLE: Duration = Duration::from_secs(2);
/// Where the child of the panic test looks whether to panic.
const PANIC_IF_THERE: &str = "LIFEBOAT_TEST_PANIC_IF_THERE";

const CONFIG: &str = r#"
[server]
listen = "127.0.0.1:0"

[repository]
root = "repository"
password_file = "key"

[[environment]]
project = "acme"
name = "live"
kind = "live"
release_version = "v12"
magnolia_version = "6.3.4"
schedule = { enabled = false }

[[environment.instance]]
name = "author"
role = "author"
content = { type = "files", path = "{content}" }
"#;

/// Where the engine of a cockpit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In the cockpit's own process.
    Here,
    /// In a service, another process.
    Elsewhere,
}

/// What `unshare` needs to make processes that see nothing of those outside.
const CONTAINER: &[&str] = &["--pid", "--fork", "--kill-child", "--mount-proc"];

/// A cockpit in a terminal, on an installation of its own with nothing to do.
struct Cockpit {
    terminal: Terminal,
    service: Option<Service>,
    house: TempDir,
}

/// A `lifeboat serve` of its own. Dropping it kills it.
struct Service {
    process: Child,
    address: String,
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Service {
    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }
}

fn lifeboat(variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lifeboat"));
    command
        .args(arguments)
        .envs(variables.iter().copied())
        .stdin(Stdio::null());
    command
}

/// Starts the service, and waits until it listens.
fn serve(variables: &[(&str, &str)]) -> Service {
    let mut process = lifeboat(variables, &["serve"])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
    let address = loop {
        let line: serde_json::Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
        if line["message"] == "listening" {
            break line["address"].as_str().unwrap().to_owned();
        }
    };
    // It has to be able to go on writing its log.
    std::thread::spawn(move || lines.for_each(drop));
    Service { process, address }
}

/// Starts the service, and writes what a client of it needs: a token, and a configuration.
fn serve_to_a_client(house: &Path, variables: &[(&str, &str)]) -> Service {
    let made = lifeboat(variables, &["token", "create", "olga", "--role", "owner"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let token = house.join("prod.token");
    fs::write(&token, made.stdout).unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(0o600)).unwrap();
    let service = serve(variables);
    let config = format!(
        "[contexts.prod]\nbackend = \"http://{}\"\ntoken_file = \"prod.token\"\n",
        service.address
    );
    fs::write(house.join("client.toml"), config).unwrap();
    service
}

/// What a cockpit is started by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing: it is the terminal's first process.
    First,
    /// A shell with job control.
    Shell,
    /// A container, of whose session and group nothing can be seen from inside.
    Container,
}

fn cockpit(way: Way) -> Cockpit {
    cockpit_in(way, Place::First)
}

fn cockpit_in(way: Way, place: Place) -> Cockpit {
    let house = tempfile::tempdir().unwrap();
    let at = |name: &str| house.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("lifeboat.toml"), CONFIG.replace("{content}", &at("content"))).unwrap();
    fs::write(at("key"), "a key for tests").unwrap();
    fs::create_dir_all(house.path().join("content/website")).unwrap();
    let (config, state) = (at("lifeboat.toml"), at("state"));
    let (client, nothing) = (at("client.toml"), at("client-state"));
    let here = [("LIFEBOAT_CONFIG", config.as_str()), ("LIFEBOAT_STATE", &state)];
    let (service, variables) = match way {
        Way::Here => (None, here),
        Way::Elsewhere => {
            let there = [("LIFEBOAT_CONFIG", client.as_str()), ("LIFEBOAT_STATE", &nothing)];
            (Some(serve_to_a_client(house.path(), &here)), there)
        }
    };
    let program = env!("CARGO_BIN_EXE_lifeboat");
    let terminal = match place {
        Place::First => Terminal::start(Path::new(program), &[], (80, 24), &variables),
        Place::Container => Terminal::start(
            Path::new("unshare"),
            &[CONTAINER, &[program]].concat(),
            (80, 24),
            &variables,
        ),
        Place::Shell => {
            // Without line editing it leaves the terminal's settings alone.
            let options = ["--norc", "--noediting", "-i"];
            let mut shell = Terminal::start(Path::new("/bin/bash"), &options, (80, 24), &variables);
            shell.press(&format!("{program}\r"));
            shell
        }
    };
    terminal.wait_until_taken();
    terminal.wait_for("acme");
    terminal.wait_for("● connected");
    terminal.wait_for_quiet(QUIET);
    Cockpit {
        terminal,
        service,
        house,
    }
}

alike!(quitting_gives_the_terminal_back);
fn quitting_gives_the_terminal_back(way: Way) {
    for keys in ["q", "\u{3}"] {
        let mut cockpit = cockpit(way);
        cockpit.terminal.press(keys);
        assert!(cockpit.terminal.wait_for_exit().success(), "{keys:?}");
        cockpit.terminal.assert_as_it_was();
    }
}

alike!(signals_give_the_terminal_back);
fn signals_give_the_terminal_back(way: Way) {
    // Whatever ends a process that does not take it; `man 7 signal` has the list.
    for signal in [
        "HUP", "INT", "QUIT", "TRAP", "ABRT", "USR1", "USR2", "ALRM", "TERM", "STKFLT", "XCPU", "XFSZ",
        "VTALRM", "PROF", "IO", "PWR", "SYS", "RTMIN", "RTMAX",
    ] {
        let cockpit = cockpit(way);
        cockpit.terminal.signal_called(signal);
        let exit = cockpit.terminal.wait_for_exit();
        assert!(
            !exit.success(),
            "{signal}: whoever waits learns that it was not left by hand"
        );
        cockpit.terminal.assert_as_it_was();
    }
}

alike!(ctrl_z_is_refused_where_no_shell_would_continue_it);
fn ctrl_z_is_refused_where_no_shell_would_continue_it(way: Way) {
    // As with `ssh -t host lifeboat`, or as the command of a container: the first process of its session.
    let mut cockpit = cockpit(way);
    cockpit.answers("\u{1a}", "no shell would continue");
    cockpit.terminal.signal(Signal::TSTP);
    cockpit.answers("?", "On the main screen: each asks first");
    cockpit.terminal.press("q");
    assert!(cockpit.terminal.wait_for_exit().success());
    cockpit.terminal.assert_as_it_was();
}

alike!(a_container_without_a_session_of_its_own_has_the_terminal_and_no_shell);
fn a_container_without_a_session_of_its_own_has_the_terminal_and_no_shell(way: Way) {
    let may = Command::new("unshare")
        .args(CONTAINER)
        .arg("true")
        .output()
        .is_ok_and(|made| made.status.success());
    if !may {
        println!("not tried: no container can be made here");
        return;
    }
    let mut cockpit = cockpit_in(way, Place::Container);
    cockpit.answers("\u{1a}", "no shell would continue");
    cockpit.answers("?", "On the main screen: each asks first");
    cockpit.terminal.press("q");
    assert!(cockpit.terminal.wait_for_exit().success());
    cockpit.terminal.assert_as_it_was();
}

alike!(ctrl_z_and_stops_from_outside_give_the_terminal_back_until_it_goes_on);
fn ctrl_z_and_stops_from_outside_give_the_terminal_back_until_it_goes_on(way: Way) {
    let mut cockpit = cockpit_in(way, Place::Shell);
    let program = cockpit.terminal.foreground();
    for stop in [None, Some(Signal::TSTP), Some(Signal::STOP)] {
        match stop {
            None => cockpit.terminal.press("\u{1a}"),
            Some(signal) => kill_process(program, signal).unwrap(),
        }
        cockpit
            .terminal
            .wait_for_others(program, "the shell to have the terminal");
        // Nobody can give a terminal back who is stopped by force; the shell sees to its own settings then.
        if stop != Some(Signal::STOP) {
            cockpit
                .terminal
                .wait_until("the main screen", |screen| !screen.alternate_screen());
            cockpit.terminal.assert_as_it_was();
        }
        // In the background it goes on without the terminal, and does not stop again.
        cockpit.terminal.press("bg\r");
        cockpit.terminal.wait_for_state(program, |state| state != "T");
        cockpit.terminal.wait_for_quiet(QUIET);
        cockpit.terminal.wait_for_state(program, |state| state != "T");
        cockpit.terminal.press("fg\r");
        cockpit.terminal.wait_until_taken();
        cockpit.terminal.wait_for("● connected");
        cockpit.answers_and_leaves("?", "On the main screen: each asks first");
    }
    cockpit.terminal.press("q");
    cockpit.terminal.wait_for_others(program, "it to end");
    cockpit
        .terminal
        .wait_until("the main screen", |screen| !screen.alternate_screen());
    cockpit.terminal.assert_as_it_was();
}

alike!(an_idle_cockpit_writes_nothing_and_uses_no_time);
fn an_idle_cockpit_writes_nothing_and_uses_no_time(way: Way) {
    let cockpit = cockpit(way);
    // At a full minute ages change, once; two spans in a row cannot both meet one.
    let spans = [(); 2].map(|()| {
        let before = cockpit.terminal.processor_ticks();
        let bytes = cockpit.terminal.bytes_within(IDLE);
        (bytes, cockpit.terminal.processor_ticks() - before)
    });
    assert!(
        spans.contains(&(0, 0)),
        "bytes and hundredths of a second: {spans:?}"
    );
}

alike!(the_cockpit_follows_the_size_of_its_terminal);
fn the_cockpit_follows_the_size_of_its_terminal(way: Way) {
    let cockpit = cockpit(way);
    cockpit.terminal.resize((120, 36));
    cockpit
        .terminal
        .wait_until("the footer on the last of 36 rows", |screen| {
            screen
                .rows(0, 120)
                .nth(35)
                .is_some_and(|row| row.contains("quit"))
        });
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let house = tempfile::tempdir().unwrap();
    let mark = house.path().join("panic");
    let mut terminal = Terminal::start(
        &std::env::current_exe().unwrap(),
        &["--exact", "a_cockpit_that_panics", "--ignored", "--nocapture"],
        (80, 24),
        &[(PANIC_IF_THERE, mark.to_str().unwrap())],
    );
    terminal.wait_until_taken();
    terminal.wait_for("acme");
    fs::write(&mark, "").unwrap();
    terminal.press("j");
    assert!(!terminal.wait_for_exit().success());
    terminal.assert_as_it_was();
}

/// The program that the test above runs: a cockpit whose clock panics once a file is there.
#[tokio::test]
#[ignore = "runs in the terminal that another test makes for it"]
async fn a_cockpit_that_panics() {
    let mark = std::env::var_os(PANIC_IF_THERE).unwrap();
    let settings = CockpitSettings {
        showing: lifeboat::tui::Showing::default(),
        context: "test".to_owned(),
        read_only: false,
        accent: None,
        theme: ThemeChoice::Dark,
        background: Background::Dark,
        asks_background: false,
        ascii: false,
        mouse: false,
        demo: false,
        contexts: Vec::new(),
        elsewhere: None,
        idle_lock: None,
        notice: None,
        keys: Arc::default(),
        command: Vec::new(),
        calling: Calling::default(),
        last_view: None,
        beyond: Beyond::default(),
        clipboard: Clipboard::Terminal,
        care: Care::default(),
        clock: Arc::new(move || {
            assert!(!Path::new(&mark).exists(), "as the test wants it");
            Utc::now()
        }),
    };
    run(Arc::new(Fixture::new()), settings, &mut OneContext)
        .await
        .unwrap();
}

/// Takes the terminal as a full-screen program does, waits for a key, and gives it back.
const WELL_BEHAVED: &str = "before=$(stty -g); stty raw -echo; printf '\\033[?1049h\\033[?25lhello'; \
                            head -c1 >/dev/null; stty $before; printf '\\033[?25h\\033[?1049lbye'";
/// Forgets to give it back.
const CARELESS: &str =
    "stty raw -echo; printf '\\033[?1049hhello'; head -c1 >/dev/null; printf '\\033[?1049l'";

fn shell(script: &str) -> Terminal {
    Terminal::start(Path::new("/bin/sh"), &["-c", script], (40, 10), &[])
}

#[test]
fn the_driver_sees_what_a_program_does_to_its_terminal() {
    let mut terminal = shell(WELL_BEHAVED);
    terminal.wait_for("hello");
    terminal.wait_until_taken();
    terminal.wait_for_quiet(QUIET);
    assert_eq!(terminal.bytes_within(QUIET), 0);
    terminal.signal(Signal::STOP);
    terminal.wait_for_stop();
    terminal.signal(Signal::CONT);
    terminal.press("q");
    assert!(terminal.wait_for_exit().success());
    terminal.wait_for("bye");
    terminal.assert_as_it_was();
}

#[test]
#[should_panic(expected = "its settings were changed")]
fn the_driver_finds_a_terminal_that_was_not_given_back() {
    let mut terminal = shell(CARELESS);
    terminal.wait_for("hello");
    terminal.press("q");
    assert!(terminal.wait_for_exit().success());
    terminal.assert_as_it_was();
}
