//! The pictures of the cockpit in `assets/screenshots`, and the sketch of it in the manual: the demo and its tour in a
//! pseudo-terminal, with keys as a person presses them, to the tour's end and back a step.
//!
//! As a test it compares what the pictures show with what the program shows now, but for times, ids and figures: a picture
//! that has become stale fails. `assets/screenshots/make` has them made anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../pty/mod.rs"]
mod pty;
mod svg;
mod words;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use lifeboat::tui::tour::steps::STEPS;
use pty::Terminal;
use vt100::Screen;

/// How long the screen has to stand still before its picture is taken.
const STILL: Duration = Duration::from_millis(500);
/// How long somebody takes to read what is there.
const READ: Duration = Duration::from_millis(900);
/// For how many seconds the film shows a caption before its step is done, and after it.
const SHOWN: (f64, f64) = (4.5, 5.5);
/// Where the sketch of the manual begins and ends.
const SKETCH: (&str, &str) = ("## What a glance says\n\n```\n", "\n```\n");
/// What has the pictures written instead of compared.
const MAKE: &str = "LIFEBOAT_MAKE_PICTURES";

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
    /// Keep it as the manual's sketch.
    Sketch,
}

use Step::{Keep, Press, Resize, See, Sketch};

/// The main screen, Live broken, and the restore that brings it back.
const STORY: &[Step] = &[
    // A word of the backup itself: news that say "verified" come before it.
    See("expires"),
    Keep("cockpit-80x24.svg"),
    Sketch,
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
    See("Everything will be restored"),
    Press("\r"),
    See("changed    removed"),
    Keep("plan.svg"),
    Press("\r"),
    See("confirm"),
    Press("acme/live"),
    Press("\r"),
    // It has ended once this has its tick: before that, leaving asks.
    See("✓ cleaning up"),
    Keep("restored.svg"),
    Press("q"),
];

/// Writes pictures, or compares them.
struct Pictures {
    folder: PathBuf,
    makes: bool,
    stale: Vec<String>,
}

impl Pictures {
    fn new() -> Self {
        Self {
            folder: Path::new(env!("CARGO_MANIFEST_DIR")).join("assets"),
            makes: std::env::var_os(MAKE).is_some(),
            stale: Vec::new(),
        }
    }

    fn keep(&mut self, file: &str, drawn: &str) {
        let path = self.folder.join("screenshots").join(file);
        if self.makes {
            fs::write(path, drawn).unwrap();
            return;
        }
        let stored = fs::read_to_string(path).unwrap_or_default();
        self.compare(file, &svg::texts(&stored), &svg::texts(drawn));
    }

    fn sketch(&mut self, screen: &Screen) {
        let path = self.folder.join("manual/cockpit.md");
        let page = fs::read_to_string(&path).unwrap();
        let (before, rest) = page.split_once(SKETCH.0).unwrap();
        let (stored, after) = rest.split_once(SKETCH.1).unwrap();
        let lines: Vec<String> = screen
            .contents()
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        let drawn = lines.join("\n");
        if self.makes {
            let page = format!("{before}{}{}{}{after}", SKETCH.0, drawn.trim_end(), SKETCH.1);
            fs::write(path, page).unwrap();
            return;
        }
        self.compare("manual/cockpit.md", &words::cells(stored), &words::cells(&drawn));
    }

    fn compare(&mut self, what: &str, stored: &[String], drawn: &[String]) {
        let (stored, drawn) = words::of_both(stored, drawn);
        let gone: Vec<_> = stored.difference(&drawn).collect();
        let new: Vec<_> = drawn.difference(&stored).collect();
        if !gone.is_empty() || !new.is_empty() {
            self.stale
                .push(format!("{what}: the program shows {new:?}, and not {gone:?}"));
        }
    }

    fn end(self) {
        assert!(
            self.stale.is_empty(),
            "pictures are stale: assets/screenshots/make makes them anew\n{}",
            self.stale.join("\n")
        );
    }
}

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_lifeboat"))
}

fn open(arguments: &[&str]) -> Terminal {
    let terminal = Terminal::start(
        program(),
        arguments,
        (80, 24),
        &[("USER", "anna"), ("LOGNAME", "anna")],
    );
    terminal.wait_for("DEMO");
    terminal
}

fn still(terminal: &Terminal) -> Screen {
    terminal.wait_for_quiet(STILL);
    terminal.screen()
}

/// Presses as a person who reads what is there first: what comes sooner answers nothing.
fn press(terminal: &mut Terminal, keys: &str) {
    terminal.wait_for_quiet(READ);
    terminal.press(keys);
}

fn play_story(at: &str, pictures: &mut Pictures) {
    let mut terminal = open(&["demo", "--at", at]);
    for step in STORY {
        match step {
            Press(keys) => press(&mut terminal, keys),
            See(text) => drop(terminal.wait_for(text)),
            Resize(columns, rows) => terminal.resize((*columns, *rows)),
            Keep(file) => pictures.keep(file, &svg::picture(&still(&terminal), "lifeboat demo")),
            Sketch => pictures.sketch(&still(&terminal)),
        }
    }
    assert!(terminal.wait_for_exit().success());
    terminal.assert_as_it_was();
}

/// The first words of a caption: they are on one line.
fn begins(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(5).collect();
    words.join(" ")
}

fn play_tour(at: &str, pictures: &mut Pictures) {
    let mut terminal = open(&["demo", "--tour", "--at", at]);
    terminal.wait_for("TOUR 1 of");
    terminal.wait_for("expires");
    let mut film = vec![(still(&terminal), SHOWN.0)];
    for (number, step) in (1..).zip(STEPS).skip(1) {
        press(&mut terminal, " ");
        terminal.wait_for(&format!("TOUR {number} of"));
        terminal.wait_for(&begins(step.why));
        film.push((still(&terminal), SHOWN.0));
        press(&mut terminal, " ");
        terminal.wait_for("pressed:");
        terminal.wait_for(&begins(step.then));
        film.push((still(&terminal), SHOWN.1));
    }
    pictures.keep("tour.svg", &svg::film(&film, "lifeboat demo --tour"));

    // A step back, away from the path, and back to it: nothing of that does anything.
    press(&mut terminal, "\x7f");
    terminal.wait_for("Done before, and it stays done");
    press(&mut terminal, "\x14");
    terminal.wait_for("Ctrl-T back to the tour");
    press(&mut terminal, "\x14");
    terminal.wait_for(&begins(STEPS[STEPS.len() - 1].then));
    press(&mut terminal, " ");
    terminal.wait_for("The tour is over");
    press(&mut terminal, "q");
    assert!(terminal.wait_for_exit().success());
    terminal.assert_as_it_was();
}

#[test]
fn the_pictures_show_what_the_program_shows_now() {
    // The name of the folder is on some pages, so it is a plain one in pictures.
    let mut pictures = Pictures::new();
    let folder = tempfile::Builder::new()
        .prefix("lifeboat-demo")
        .rand_bytes(if pictures.makes { 0 } else { 8 })
        .tempdir()
        .unwrap();
    let sandbox = folder.path().join("acme");
    let at = sandbox.to_str().unwrap();
    // Without a terminal it makes the sandbox, and that is all: nobody waits for a screen meanwhile.
    let made = Command::new(program())
        .args(["demo", "--at", at])
        .env("USER", "anna")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    play_story(at, &mut pictures);
    play_tour(at, &mut pictures);
    pictures.end();
}
