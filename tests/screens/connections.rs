//! A backend that is out of reach, a link that is down, contexts to choose from, and a cockpit that is locked.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use lifeboat::backend::link::Link;
use lifeboat::domain::job::Phase;
use lifeboat::tui::key::Input;
use lifeboat::tui::theme::Accent;
use lifeboat::tui::{CockpitSettings, ContextChoice};

use crate::made_up::{self, Fixture, State, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, keep, look_with, unchanged};

alike!(out_of_reach);
async fn out_of_reach() {
    for size in SIZES {
        let cockpit = Runner::start_told(size, Fixture::with(elsewhere), settings()).await;
        cockpit.see("daily").await;
        cockpit.backend.reachable(false);
        cockpit.see("disconnected").await;
        keep(&cockpit, &settings(), "disconnected", size);
    }
}

/// Only a service can be out of reach.
fn elsewhere(state: &mut State) {
    "https://backups.example.com".clone_into(&mut state.kind);
}

alike!(a_followed_restore_while_the_link_is_down);
async fn a_followed_restore_while_the_link_is_down() {
    for size in SIZES {
        let time = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&time);
        let settings = CockpitSettings {
            context: "prod".to_owned(),
            accent: Some(Accent::Red),
            clock: Arc::new(move || {
                two_projects::now() + chrono::Duration::minutes(clock.load(Ordering::SeqCst))
            }),
            ..settings()
        };
        let cockpit = Runner::start_told(size, Fixture::with(elsewhere), settings.clone()).await;
        cockpit.see("daily").await;
        cockpit.press("r<Enter><Enter>").await.see("come back").await;
        cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
        cockpit.backend.move_on(32, |job| {
            job.progress = Some(two_projects::progress(Phase::Staging, 43));
        });
        cockpit.see("43 %").await;
        let since = two_projects::now();
        time.store(12, Ordering::SeqCst);
        cockpit.backend.set_link(Link::Down {
            since,
            attempt: 27,
            next_try: Some(since + chrono::Duration::minutes(12) + chrono::Duration::seconds(28)),
            why: made_up::OUT_OF_REACH.to_owned(),
        });
        cockpit.see("disconnected").await;
        keep(&cockpit, &settings, "link-down", size);
    }
}

alike!(contexts_to_choose_from);
async fn contexts_to_choose_from() {
    let choice = |name: &str, leads_to: &str, read_only, accent| ContextChoice {
        name: name.to_owned(),
        leads_to: leads_to.to_owned(),
        is_a_service: leads_to.starts_with("https"),
        read_only,
        accent,
    };
    let settings = CockpitSettings {
        context: "prod".to_owned(),
        accent: Some(Accent::Red),
        contexts: vec![
            choice(
                "audit",
                "https://backups.example.com",
                true,
                Some(Accent::Magenta),
            ),
            choice("local", "this machine", false, None),
            choice("prod", "https://backups.example.com", false, Some(Accent::Red)),
            choice(
                "test",
                "https://backups.test.example.com",
                false,
                Some(Accent::Green),
            ),
        ],
        ..settings()
    };
    let steps = [("X", "this machine")];
    look_with("contexts", &settings, &SIZES, unchanged, &steps).await;
}

alike!(what_was_refused_without_a_link_goes_with_the_link);
async fn what_was_refused_without_a_link_goes_with_the_link() {
    let cockpit = Runner::start(SIZES[1], Fixture::new()).await;
    cockpit.see("daily").await;
    cockpit.backend.reachable(false);
    cockpit.see("disconnected").await;
    cockpit.press("b").await.see("nothing can be changed").await;
    cockpit.backend.reachable(true);
    cockpit.see("● connected").await;
    cockpit.settle().await;
    assert!(
        !cockpit.text().contains("nothing can be changed"),
        "{}",
        cockpit.text()
    );
}

alike!(locked);
async fn locked() {
    for size in SIZES {
        let time = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&time);
        let settings = CockpitSettings {
            context: "prod".to_owned(),
            accent: Some(Accent::Red),
            idle_lock: Some(std::time::Duration::from_mins(30)),
            clock: Arc::new(move || {
                two_projects::now() + chrono::Duration::minutes(clock.load(Ordering::SeqCst))
            }),
            ..settings()
        };
        let cockpit = Runner::start_with(size, Fixture::new(), settings.clone()).await;
        cockpit.see("daily").await;
        time.store(30, Ordering::SeqCst);
        cockpit.send(Input::Resized).await;
        cockpit.see("Locked").await;
        keep(&cockpit, &settings, "locked", size);
    }
}
