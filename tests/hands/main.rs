//! Plays keys and garbage on every screen, as bad lines, impatient hands, pastes and terminals bring them, and fails when
//! anything begins, goes or is confirmed that a person did not mean: by a key pressed by itself, after the question was on
//! the screen.
//!
//! `LIFEBOAT_HANDS_ROUNDS` says how many rounds are played in memory, `LIFEBOAT_HANDS_TERMINAL_ROUNDS` how many in a real
//! pseudo-terminal, `LIFEBOAT_HANDS_SEED` where they begin. A failure prints the round, which can be played alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod judge;
#[path = "../made_up/mod.rs"]
mod made_up;
#[path = "../pty/mod.rs"]
mod pty;
#[path = "../service/mod.rs"]
mod service;
mod steps;
#[path = "../screens"]
mod screens {
    pub mod runner;
    mod told;
}
mod terminal;

use std::time::Duration;

use judge::Judge;
use lifeboat::tui::decode::Decoder;
use lifeboat::tui::presses::Presses;
use lifeboat::tui::{Care, CockpitSettings};
use made_up::Fixture;
use screens::runner::{Runner, settings};
use steps::{Round, Step};

/// How many rounds a setting asks for.
fn rounds(variable: &str, usual: u64) -> std::ops::Range<u64> {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = number("LIFEBOAT_HANDS_SEED").unwrap_or(1);
    first..first + number(variable).unwrap_or(usual)
}

#[tokio::test(start_paused = true)]
async fn nothing_happens_that_nobody_meant() {
    let mut answered = 0;
    for seed in rounds("LIFEBOAT_HANDS_ROUNDS", 100) {
        answered += play(&Round::new(seed)).await;
    }
    // Otherwise it would not be known that answers count at all.
    assert!(answered > 0, "no answer ever counted");
}

/// Keys that are pressed one by one, and then pieces, each so many milliseconds after the one before. Gives how often
/// something was meant that happened.
async fn typed(way: &[&str], pieces: impl IntoIterator<Item = (u64, &str)>) -> usize {
    let mut steps = Vec::new();
    for key in way {
        steps.push(Step::Bytes(key.as_bytes().to_vec()));
        steps.push(Step::Wait(Duration::from_millis(800)));
    }
    for (after, bytes) in pieces {
        steps.push(Step::Wait(Duration::from_millis(after)));
        steps.push(Step::Bytes(bytes.as_bytes().to_vec()));
    }
    steps.push(Step::Wait(Duration::from_millis(400)));
    play(&Round { seed: 0, steps }).await
}

/// Each letter by itself, and Enter as fast behind the last.
fn letters(text: &str, pace: u64) -> Vec<(u64, &str)> {
    let ends = text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]);
    ends.chain(["\r"]).map(|letter| (pace, letter)).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_hand_types_counts_as_fast_as_it_types() {
    const NAME: &[&str] = &["r", "\r", "\r", "\r"];
    assert_eq!(typed(NAME, letters("acme/live", 120)).await, 1);
    assert_eq!(typed(&["b"], letters("before the release", 120)).await, 1);
    assert_eq!(typed(&["p"], letters("campaign", 120)).await, 1);
    // A hand is fast at times, and never for long.
    let mut uneven = letters("acme/live", 120);
    for (after, _) in uneven.iter_mut().skip(1).step_by(3) {
        *after = 60;
    }
    assert_eq!(typed(NAME, uneven).await, 1);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_types_confirms_nothing_with_an_enter_of_its_own() {
    const NAME: &[&str] = &["r", "\r", "\r", "\r"];
    for pieces in [
        // All at once, in pieces, and by a console that types what was pasted.
        vec![(0, "acme/liv"), (110, "e"), (60, "\r")],
        vec![(0, "acme/live\r")],
        vec![(0, "acme/live"), (200, "\r")],
        vec![(0, "acme/li"), (60, "ve"), (60, "\r")],
        vec![(0, "acme/liv"), (60, "e"), (60, "\r")],
        vec![(0, "\x1b[200~acme/live\r\x1b[201~")],
        vec![(0, "\x1b[200~acme/live\x1b[201~"), (60, "\r")],
        letters("acme/live", 5),
        letters("acme/live", 30),
        letters("acme/live", 80),
    ] {
        assert_eq!(typed(NAME, pieces.clone()).await, 0, "{pieces:?}");
    }
    // What was pasted and marked is whole: Enter behind it was pressed.
    let pasted = [(0, "\x1b[200~acme/live\x1b[201~"), (200, "\r")];
    assert_eq!(typed(NAME, pasted).await, 1);
}

/// Plays a round on a cockpit in memory, whose time is the test's. Gives how often something was meant.
async fn play(round: &Round) -> usize {
    let settings = CockpitSettings {
        care: Care::default(),
        ..settings()
    };
    let cockpit = Runner::start_with((100, 30), Fixture::new(), settings).await;
    cockpit.see("daily").await;
    let (mut decoder, mut presses) = (Decoder::default(), Presses::default());
    let mut judge = Judge::new(round);
    let (origin, mut now) = (std::time::Instant::now(), Duration::ZERO);
    let mut told = 0;
    for step in &round.steps {
        match step {
            Step::Wait(time) => {
                // In pieces, so that everything that waits for its time has it.
                let mut left = *time;
                while !left.is_zero() {
                    let piece = left.min(Duration::from_millis(20));
                    tokio::time::advance(piece).await;
                    now += piece;
                    left -= piece;
                    cockpit.settle().await;
                    judge.look(now, &cockpit.text());
                }
                if decoder.patience().is_some_and(|patience| *time >= patience) {
                    for input in presses.sort(origin + now.saturating_sub(*time), decoder.paused()) {
                        cockpit.send(input).await;
                    }
                }
            }
            Step::Bytes(bytes) => {
                judge.look(now, &cockpit.text());
                judge.sent(now, bytes);
                for input in presses.sort(origin + now, decoder.feed(bytes)) {
                    cockpit.send(input).await;
                }
            }
            Step::Resize(width, height) => cockpit.resize(*width, *height).await,
        }
        judge.look(now, &cockpit.text());
        let calls = cockpit.calls();
        judge.called(now, &calls[told..]);
        told = calls.len();
        if cockpit.has_ended() {
            break;
        }
    }
    judge.meant()
}
