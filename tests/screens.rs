//! Every screen of the cockpit at 80×24 and 120×36, text and styles. Each is reached by keys through the whole
//! program, over a backend in memory, in this process and through a real service: the stored screens are the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod made_up;
#[cfg(feature = "engine")]
mod service;
mod screens {
    mod actions;
    mod appearance;
    mod backups;
    mod chosen;
    mod configuration;
    mod connections;
    mod databases;
    mod explore;
    mod fleet;
    mod hands;
    mod keeping;
    mod main_screen;
    mod names;
    mod pages;
    pub mod picture;
    mod questions;
    mod replaced;
    mod restores;
    pub mod runner;
    mod said;
    mod second_repository;
    mod taken_away;
    #[cfg(feature = "engine")]
    mod told;
    mod tour;
    mod within_reach;
}

use lifeboat::tui::CockpitSettings;
use lifeboat::tui::theme::Theme;
use made_up::{Fixture, State};
use screens::picture::picture;
use screens::runner::{Runner, settings};

/// The two sizes that every screen is looked at in.
const SIZES: [(u16, u16); 2] = [(80, 24), (120, 36)];

fn keep(cockpit: &Runner, settings: &CockpitSettings, screen: &str, (width, height): (u16, u16)) {
    let theme = Theme::new(settings.theme, settings.accent, settings.ascii);
    let picture = picture(&cockpit.frame(), &theme);
    insta::assert_snapshot!(format!("{screen}-{width}x{height}"), picture);
}

/// Presses keys and keeps what is then on the screen, in both sizes. Each step of the keys is followed by the text to
/// wait for.
async fn look(screen: &str, change: impl Fn(&mut State), steps: &[(&str, &str)]) {
    look_with(screen, &settings(), &SIZES, change, steps).await;
}

async fn look_with(
    screen: &str,
    settings: &CockpitSettings,
    sizes: &[(u16, u16)],
    change: impl Fn(&mut State),
    steps: &[(&str, &str)],
) {
    for size in sizes {
        let cockpit = Runner::start_with(*size, Fixture::with(&change), settings.clone()).await;
        cockpit.see("connected").await;
        for (keys, text) in steps {
            cockpit.press(keys).await.see(text).await;
        }
        keep(&cockpit, settings, screen, *size);
    }
}

fn unchanged(_: &mut State) {}

/// Keeps a text that is no picture of a screen.
fn keep_text(name: &str, text: &str) {
    insta::assert_snapshot!(name, text);
}
