//! The same rounds in a real pseudo-terminal, byte for byte, and what only a real terminal does.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::Utc;
use lifeboat::tui::{Care, CockpitSettings, OneContext, run};
use rustix::process::Signal;

use crate::judge::Judge;
use crate::made_up::{self, Fixture};
use crate::pty::Terminal;
use crate::screens::runner::settings;
use crate::steps::{Round, Step};

/// Where the cockpit of a round writes what its backend is asked for.
const CALLS: &str = "LIFEBOAT_TEST_CALLS";
/// The screen that rounds begin on.
const SIZE: (u16, u16) = (100, 30);

/// A cockpit over a backend in memory, in a terminal of its own.
struct Played {
    terminal: Terminal,
    calls: tempfile::NamedTempFile,
}

impl Played {
    fn start(size: (u16, u16)) -> Self {
        let calls = tempfile::NamedTempFile::new().unwrap();
        let terminal = Terminal::start(
            &std::env::current_exe().unwrap(),
            &[
                "--exact",
                "terminal::a_cockpit_that_is_played",
                "--ignored",
                "--nocapture",
            ],
            size,
            // It ends by panicking where the cockpit does not end well. What would be told of that at length finds no room in a
            // terminal that takes nothing.
            &[(CALLS, calls.path().to_str().unwrap()), ("RUST_BACKTRACE", "0")],
        );
        terminal.wait_until_taken();
        Self { terminal, calls }
    }

    fn calls(&self) -> Vec<String> {
        let text = fs::read_to_string(self.calls.path()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

#[test]
fn nothing_happens_in_a_terminal_that_nobody_meant() {
    for seed in crate::rounds("LIFEBOAT_HANDS_TERMINAL_ROUNDS", 4) {
        play(&Round::new(seed));
    }
}

fn play(round: &Round) {
    let mut played = Played::start(SIZE);
    played.terminal.wait_for("daily");
    let mut judge = Judge::new(round);
    let began = Instant::now();
    let mut told = 0;
    for step in &round.steps {
        match step {
            Step::Wait(time) => {
                let until = Instant::now() + *time;
                while Instant::now() < until {
                    played
                        .terminal
                        .bytes_within(Duration::from_millis(10).min(until - Instant::now()));
                    judge.look(began.elapsed(), &played.terminal.screen().contents());
                }
            }
            Step::Bytes(bytes) => {
                judge.look(began.elapsed(), &played.terminal.screen().contents());
                judge.sent(began.elapsed(), bytes);
                played.terminal.send(bytes);
            }
            Step::Resize(width, height) => played.terminal.resize((*width, *height)),
        }
        judge.look(began.elapsed(), &played.terminal.screen().contents());
        let calls = played.calls();
        judge.called(began.elapsed(), &calls[told..]);
        told = calls.len();
        if played.terminal.has_ended() {
            return;
        }
    }
}

/// The program that the rounds run: a cockpit over a backend in memory, which writes down what it is asked for.
#[tokio::test]
#[ignore = "runs in the terminal that another test makes for it"]
async fn a_cockpit_that_is_played() {
    let path = std::env::var_os(CALLS).unwrap();
    let backend = made_up::shared(Fixture::new());
    let asked = Arc::clone(&backend);
    tokio::spawn(async move {
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(Path::new(&path))
            .unwrap();
        let mut told = 0;
        loop {
            let calls = asked.state().calls.clone();
            for call in &calls[told..] {
                writeln!(file, "{call}").unwrap();
            }
            told = calls.len();
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    let settings = CockpitSettings {
        care: Care::default(),
        clock: Arc::new(Utc::now),
        ..settings()
    };
    run(backend, settings, &mut OneContext).await.unwrap();
}

#[test]
fn a_terminal_that_takes_no_output_holds_nothing_up() {
    let mut played = Played::start((200, 60));
    played.terminal.wait_for("Schedule (UTC)");
    played.terminal.stall();
    // Enough whole screens to fill whatever lies between.
    for _ in 0..60 {
        played.terminal.press("\u{c}");
    }
    played.terminal.press("b");
    let asked = Instant::now();
    played.terminal.signal(Signal::TERM);
    assert!(!played.terminal.wait_for_exit().success());
    let took = asked.elapsed();
    assert!(took < Duration::from_secs(5), "it ended after {took:?}");
}

#[test]
fn a_terminal_without_a_size_has_the_usual_one_until_it_tells() {
    let mut played = Played::start((0, 0));
    played.terminal.wait_for_bytes(b"\x1b[6n");
    played.terminal.wait_for_bytes("Environments".as_bytes());
    // It answers where its last corner is.
    played.terminal.send(b"\x1b[36;120R");
    played.terminal.wait_for_bytes(b"\x1b[36;");
    played.terminal.press("q");
    assert!(played.terminal.wait_for_exit().success());
}

#[test]
fn a_screen_that_is_no_other_screen_is_left_empty() {
    let mut played = Played::start(SIZE);
    played.terminal.wait_for("daily");
    played.terminal.press("q");
    assert!(played.terminal.wait_for_exit().success());
    let output = played.terminal.output();
    let at = |mark: &[u8]| {
        output
            .windows(mark.len())
            .rposition(|window| window == mark)
            .unwrap()
    };
    assert!(at(b"\x1b[2J") < at(b"\x1b[?1049l"));
    assert!(at(b"\x1b[2J") > at(b"\x1b[?2026h"));
}

#[test]
fn what_is_written_for_tmux_and_screen_is_what_they_take() {
    let mut played = Played::start(SIZE);
    played.terminal.wait_for("daily");
    played.terminal.press("y");
    played.terminal.wait_for("was given to the terminal's clipboard");
    played.terminal.wait_for_bytes(b"\x1b]52;c;");
}
