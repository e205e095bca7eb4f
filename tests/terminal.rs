//! The real terminal: whatever ends or stops the cockpit, the terminal is as it was before, and while nothing changes
//! nothing is written to it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod pty;
mod screens {
    pub mod data;
    pub mod fixture;
}

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use lifeboat::tui::theme::ThemeChoice;
use lifeboat::tui::{CockpitSettings, OneContext, run};
use pty::Terminal;
use rustix::process::Signal;
use screens::fixture::Fixture;
use tempfile::TempDir;

/// Long enough for a program that wants to write something to have written it.
const QUIET: Duration = Duration::from_millis(300);
/// How long a cockpit is watched while nothing changes.
const IDLE: Duration = Duration::from_secs(2);
/// Where the child of the panic test looks whether to panic.
const PANIC_IF_THERE: &str = "LIFEBOAT_TEST_PANIC_IF_THERE";

const CONFIG: &str = r#"
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

/// A cockpit in a terminal, on an installation of its own with nothing to do.
struct Cockpit {
    terminal: Terminal,
    _house: TempDir,
}

fn cockpit() -> Cockpit {
    let house = tempfile::tempdir().unwrap();
    let at = |name: &str| house.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("lifeboat.toml"), CONFIG.replace("{content}", &at("content"))).unwrap();
    fs::write(at("key"), "a key for tests").unwrap();
    fs::create_dir_all(house.path().join("content/website")).unwrap();
    let terminal = Terminal::start(
        Path::new(env!("CARGO_BIN_EXE_lifeboat")),
        &[],
        (80, 24),
        &[
            ("LIFEBOAT_CONFIG", &at("lifeboat.toml")),
            ("LIFEBOAT_STATE", &at("state")),
        ],
    );
    terminal.wait_until_taken();
    terminal.wait_for("acme");
    terminal.wait_for_quiet(QUIET);
    Cockpit {
        terminal,
        _house: house,
    }
}

#[test]
fn quitting_gives_the_terminal_back() {
    for keys in ["q", "\u{3}"] {
        let mut cockpit = cockpit();
        cockpit.terminal.press(keys);
        assert!(cockpit.terminal.wait_for_exit().success(), "{keys:?}");
        cockpit.terminal.assert_as_it_was();
    }
}

#[test]
fn signals_give_the_terminal_back() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let cockpit = cockpit();
        cockpit.terminal.signal(signal);
        let exit = cockpit.terminal.wait_for_exit();
        assert!(
            !exit.success(),
            "{signal:?}: whoever waits learns that it was not left by hand"
        );
        cockpit.terminal.assert_as_it_was();
    }
}

#[test]
fn ctrl_z_gives_the_terminal_back_until_it_goes_on() {
    let mut cockpit = cockpit();
    for _ in 0..2 {
        cockpit.terminal.press("\u{1a}");
        // What it wrote before it stopped may be read after that.
        cockpit.terminal.wait_for_stop();
        cockpit
            .terminal
            .wait_until("the main screen", |screen| !screen.alternate_screen());
        cockpit.terminal.assert_as_it_was();
        cockpit.terminal.signal(Signal::CONT);
        cockpit.terminal.wait_until_taken();
        cockpit.terminal.wait_for("acme");
        cockpit.terminal.wait_for_quiet(QUIET);
    }
    cockpit.terminal.press("q");
    assert!(cockpit.terminal.wait_for_exit().success());
    cockpit.terminal.assert_as_it_was();
}

#[test]
fn an_idle_cockpit_writes_nothing_and_uses_no_time() {
    let cockpit = cockpit();
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

#[test]
fn the_cockpit_follows_the_size_of_its_terminal() {
    let cockpit = cockpit();
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
        context: "test".to_owned(),
        read_only: false,
        accent: None,
        theme: ThemeChoice::Dark,
        ascii: false,
        mouse: false,
        demo: false,
        contexts: Vec::new(),
        idle_lock: None,
        notice: None,
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
