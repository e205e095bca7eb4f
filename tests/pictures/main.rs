//! Makes the pictures of the cockpit in `assets/screenshots` from the program itself: plays the story of the demo in a
//! pseudo-terminal, and draws what is on the screen. `assets/screenshots/make` runs it; the tests do not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a picture that cannot be made ends the run"
)]

#[allow(dead_code, reason = "the tests of the terminal use the rest")]
#[path = "../pty/mod.rs"]
mod pty;
mod svg;

use std::path::Path;
use std::time::Duration;

use pty::Terminal;

/// How long the screen has to stand still before its picture is taken.
const STILL: Duration = Duration::from_millis(500);

/// How long somebody takes to read what is there.
const READ: Duration = Duration::from_millis(900);

/// One step of the story.
enum Step {
    /// Type this.
    Press(&'static str),
    /// Wait until this is on the screen.
    See(&'static str),
    /// Make the window this large.
    Resize(u16, u16),
    /// Keep what is on the screen, once it stands still, under this name.
    Keep(&'static str),
}

use Step::{Keep, Press, Resize, See};

/// The main screen, Live broken, and the restore that brings it back.
const STORY: &[Step] = &[
    // A word of the backup itself: news that say "verified" come before it.
    See("expires"),
    Keep("cockpit-80x24.svg"),
    Resize(120, 36),
    Keep("cockpit.svg"),
    Press("B"),
    See("Break acme/live"),
    Press("y"),
    See("Live is broken now"),
    Keep("broken.svg"),
    Press("\r"),
    See("b backup"),
    Press("r"),
    See("1 choose a backup"),
    Press("\r"),
    See("Everything is restored"),
    Press("\r"),
    See("changed    removed"),
    Keep("plan.svg"),
    Press("\r"),
    See("confirm"),
    Press("acme/live"),
    Press("\r"),
    See("u undo"),
    Keep("restored.svg"),
    Press("q"),
];

fn main() {
    // The name of the folder is on some pictures, so it is a plain one.
    let folder = tempfile::Builder::new()
        .prefix("lifeboat-demo")
        .rand_bytes(0)
        .tempdir()
        .unwrap();
    let sandbox = folder.path().join("acme");
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/screenshots");
    let mut terminal = Terminal::start(
        Path::new(env!("CARGO_BIN_EXE_lifeboat")),
        &["demo", "--at", sandbox.to_str().unwrap()],
        (80, 24),
        &[("USER", "anna"), ("LOGNAME", "anna")],
    );
    terminal.wait_for("DEMO");
    for step in STORY {
        match step {
            Press(keys) => {
                // As a person who reads what is there first: what comes sooner answers nothing.
                terminal.wait_for_quiet(READ);
                terminal.press(keys);
            }
            See(text) => drop(terminal.wait_for(text)),
            Resize(columns, rows) => terminal.resize((*columns, *rows)),
            Keep(file) => {
                terminal.wait_for_quiet(STILL);
                let drawn = svg::picture(&terminal.screen(), "lifeboat demo");
                std::fs::write(pictures.join(file), drawn).unwrap();
                println!("{file}");
            }
        }
    }
    assert!(terminal.wait_for_exit().success());
    terminal.assert_as_it_was();
}
