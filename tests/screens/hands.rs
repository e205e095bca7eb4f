//! What hands expect: searching, scrolling, zooming, times, several environments at once, and being called. What is taken away
//! from a screen is in `taken_away`, what the configuration says in `configuration`.

use std::sync::{Arc, Mutex};

use chrono::FixedOffset;
use lifeboat::domain::event::Event;
use lifeboat::domain::job::JobState;
use lifeboat::tui::CockpitSettings;
use lifeboat::tui::LastView;
use lifeboat::tui::beyond::Beyond;
use lifeboat::tui::key::Input;

use crate::made_up::{Fixture, name};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, keep, look, look_with, unchanged};

pub(super) async fn cockpit(settings: CockpitSettings) -> Runner {
    let cockpit = Runner::start_with((80, 24), Fixture::new(), settings).await;
    cockpit.see("3b90aa17").await;
    cockpit
}

/// What the terminal was given for its clipboard last.
pub(super) fn copied(cockpit: &Runner) -> String {
    let written = cockpit.copied.lock().unwrap().last().cloned().unwrap_or_default();
    let base64 = written.trim_start_matches("\x1b]52;c;").trim_end_matches('\x07');
    let sixths: Vec<u32> = base64
        .bytes()
        .filter(|byte| *byte != b'=')
        .map(|byte| {
            let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
            u32::try_from(letters.iter().position(|letter| *letter == byte).unwrap()).unwrap()
        })
        .collect();
    let bytes = sixths.chunks(4).flat_map(|group| {
        let bits = group.iter().fold(0, |bits, sixth| bits << 6 | sixth) << (6 * (4 - group.len()));
        let [_, a, b, c] = bits.to_be_bytes();
        [a, b, c].into_iter().take(group.len() - 1).collect::<Vec<_>>()
    });
    String::from_utf8(bytes.collect()).unwrap()
}

alike!(a_text_is_searched_for_on_every_screen);
async fn a_text_is_searched_for_on_every_screen() {
    look(
        "search-typed",
        unchanged,
        &[("J", "Asked (UTC)"), ("/acme", "Enter keep")],
    )
    .await;
    look(
        "search-log",
        unchanged,
        &[
            ("", "daily"),
            ("oL", "every digest"),
            ("/items<Enter>", "\"items\": 1 of 1 line"),
        ],
    )
    .await;
    look(
        "search-help",
        unchanged,
        &[
            ("?", "On the main screen: each asks first"),
            ("/verify<Enter>n", "\"verify\": 2 of"),
        ],
    )
    .await;
    let cockpit = cockpit(settings()).await;
    cockpit.press("J").await.see("Asked (UTC)").await;
    cockpit.press("/globex<Enter>").await.see("1 of 1 line").await;
    cockpit.press("<Enter>").await.see("Job 30").await;
    cockpit.press("<Esc>").await.see("Asked (UTC)").await;
    cockpit.press("/live<Enter>n").await.see("of 4 lines").await;
    cockpit.press("N").await.see("of 4 lines").await;
    cockpit
        .press("/nowhere<Enter>")
        .await
        .see("no line here has \"nowhere\"")
        .await;
    // Esc ends the search, and then leaves the list; n is the news again.
    cockpit.press("<Esc>n").await.see("Notifications").await;
}

alike!(a_log_says_its_day_and_goes_to_its_warnings);
async fn a_log_says_its_day_and_goes_to_its_warnings() {
    let log = [("", "daily"), ("oL", "every digest"), ("!", "1 of 1 warning")];
    look("log-warning", unchanged, &log).await;
    let cockpit = cockpit(settings()).await;
    cockpit
        .press("oL")
        .await
        .see("Log of job 31, 2026-11-23, times in UTC")
        .await;
    cockpit.press("f").await.see("long lines are cut off").await;
}

alike!(more_of_a_list_comes_as_one_scrolls);
async fn more_of_a_list_comes_as_one_scrolls() {
    let many = |state: &mut crate::made_up::State| {
        let entry = state.activity[0].clone();
        state.activity = (1..=450)
            .rev()
            .map(|number| {
                let mut entry = entry.clone();
                entry.number = number;
                entry.what = format!("entry number {number}");
                entry
            })
            .collect();
    };
    let cockpit = Runner::start((80, 24), Fixture::with(many)).await;
    cockpit.see("3b90aa17").await;
    cockpit
        .press("a")
        .await
        .see("Activity: the newest 200, more as you scroll")
        .await;
    cockpit.press("G").await.see("the newest 400").await;
    cockpit.press("G").await;
    cockpit.press("G").await.see("entry number 1").await;
    assert!(!cockpit.has("more as you scroll"));
}

alike!(a_pane_is_zoomed_and_the_last_view_comes_back);
async fn a_pane_is_zoomed_and_the_last_view_comes_back() {
    look("zoom-backups", unchanged, &[("", "daily"), ("z", "daily")]).await;
    look("zoom-environments", unchanged, &[("", "daily"), ("hz", "globex")]).await;
    look_with(
        "wider",
        &settings(),
        &SIZES[1..],
        unchanged,
        &[("", "daily"), ("++", "daily")],
    )
    .await;
    let kept = Arc::new(Mutex::new(None));
    let keeps = Arc::clone(&kept);
    let with_view = |last_view: Option<LastView>| {
        let keeps = Arc::clone(&keeps);
        CockpitSettings {
            last_view,
            beyond: Beyond {
                keep: Arc::new(move |view| *keeps.lock().unwrap() = Some(view.clone())),
                ..Beyond::default()
            },
            ..settings()
        }
    };
    let first = cockpit(with_view(None)).await;
    first.press("-").await.see("there is no room for that").await;
    first
        .press("hjjj")
        .await
        .press("J")
        .await
        .see("Asked (UTC)")
        .await;
    first.press("s").await.see("sorted by environment").await;
    first.press("q").await;
    assert!(first.end().await.is_ok());
    let view = kept.lock().unwrap().take();
    assert_eq!(view.as_ref().unwrap().environment.as_deref(), Some("globex/live"));
    let second = Runner::start_with((80, 24), Fixture::new(), with_view(view)).await;
    second.see("Environment ↑").await;
    second.press("<Esc>").await.see("Backups of globex/live").await;
}

alike!(times_are_local_or_in_utc_and_say_so);
async fn times_are_local_or_in_utc_and_say_so() {
    let settings = CockpitSettings {
        beyond: Beyond {
            offset: Arc::new(|_| FixedOffset::east_opt(2 * 3600).unwrap()),
            ..Beyond::default()
        },
        ..settings()
    };
    let steps = [("", "daily"), ("t", "times are in local time, now UTC+2")];
    look_with("local-time", &settings, &SIZES, unchanged, &steps).await;
    let cockpit = cockpit(settings).await;
    cockpit.press("tJ").await.see("Asked local").await;
    cockpit.see("11-23 07:28").await;
    cockpit
        .press("L")
        .await
        .see("times in local time, now UTC+2")
        .await;
    cockpit.see("07:28:14").await;
    cockpit.press("t").await.see("05:28:14").await;
}

alike!(several_environments_can_be_marked);
async fn several_environments_can_be_marked() {
    look(
        "marked",
        unchanged,
        &[("", "daily"), ("h*", "2 marked"), ("b", "Back up 2 environments")],
    )
    .await;
    let cockpit = cockpit(settings()).await;
    cockpit.press("h <Down> ").await.see("only Live").await;
    cockpit
        .press("<Enter>*")
        .await
        .see("no environment is marked")
        .await;
    cockpit.press("*b").await.see("acme/live, globex/live").await;
    cockpit.press("Y").await;
    assert_eq!(
        copied(&cockpit),
        "lifeboat backup acme/live\nlifeboat backup globex/live"
    );
    cockpit.press("<Enter>").await;
    cockpit.see("2 jobs begun").await;
    let calls = cockpit.calls();
    for live in ["acme/live", "globex/live"] {
        assert!(
            calls
                .iter()
                .any(|call| call.starts_with(&format!("backup {live}"))),
            "{calls:?}"
        );
    }
}

alike!(somebody_who_looks_elsewhere_is_called);
async fn somebody_who_looks_elsewhere_is_called() {
    let cockpit = cockpit(settings()).await;
    cockpit.press("b<Enter>").await.see("Running jobs").await;
    cockpit.send(Input::Focus(false)).await;
    cockpit.copied.lock().unwrap().clear();
    cockpit.backend.move_on(32, |job| job.state = JobState::Done);
    cockpit.see("is done").await;
    assert_eq!(*cockpit.copied.lock().unwrap(), ["\x07"]);
    // Once, and not for what others began.
    cockpit.backend.tell(Event::Environment {
        name: name("acme/live"),
    });
    cockpit.settle().await;
    assert_eq!(cockpit.copied.lock().unwrap().len(), 1);
}

alike!(what_was_asked_for_too_early_comes_as_soon_as_it_can);
async fn what_was_asked_for_too_early_comes_as_soon_as_it_can() {
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    cockpit.press("e").await.see("acme/live: backup 3b90aa17").await;
    keep(&cockpit, &settings(), "explore-early", (80, 24));
}
