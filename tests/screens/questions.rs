//! Questions, and what is asked before something takes long or changes something.

use crate::made_up::{self, Fixture, State, name, two_projects};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, keep, look, look_with, unchanged};

alike!(questions_and_messages);
async fn questions_and_messages() {
    let demo = |state: &mut State| state.demo = true;
    look("demo-break", demo, &[("", "DEMO"), ("B", "for real")]).await;
    let small = &SIZES[..1];
    look_with("demo-main", &settings(), small, demo, &[("", "break Live")]).await;
    let refuses = |state: &mut State| state.refuses = Some(made_up::busy());
    look(
        "refused",
        refuses,
        &[("", "daily"), ("b", "Replaces"), ("<Enter>", "one job at a")],
    )
    .await;
    look_with(
        "protect-form",
        &settings(),
        small,
        unchanged,
        &[("", "daily"), ("p", "Reason")],
    )
    .await;
    look_with(
        "delete-question",
        &settings(),
        small,
        unchanged,
        &[("", "daily"), ("jj", "expires"), ("d", "cannot be brought back")],
    )
    .await;
}

alike!(what_takes_long_or_changes_something_asks);
async fn what_takes_long_or_changes_something_asks() {
    let undoes = |state: &mut State| {
        let acme = state.environments.get_mut(&name("acme/live")).unwrap();
        acme.undo = Some(two_projects::id(4));
    };
    for (screen, keys, text) in [
        ("delete-undo-question", "jjd", "cannot be undone afterwards"),
        ("verify-question", "v", "and compared"),
        ("verify-all-question", "V", "backups are read back"),
        ("drill-question", "D", "scratch place"),
        ("extend-question", "jjx", "another 48 hours"),
    ] {
        look(screen, undoes, &[("", "daily"), (keys, text)]).await;
    }
}

// Only jobs that run in the cockpit's own process stand still or end with it.
#[tokio::test]
async fn what_would_hold_jobs_up_asks() {
    for (screen, keys, text) in [
        ("stop-question", "<C-z>", "stand still"),
        ("quit-question", "q", "Quitting stops them"),
    ] {
        let steps = [
            ("", "daily"),
            ("b", "Replaces"),
            ("<Enter>", "Running jobs"),
            (keys, text),
        ];
        look(screen, unchanged, &steps).await;
    }
}

// A service that cannot work is out of reach; that is another test.
#[tokio::test]
async fn a_backend_that_cannot_work_says_so_everywhere() {
    for size in SIZES {
        let broken = |state: &mut State| state.broken = Some("the state folder cannot be written".to_owned());
        let cockpit = Runner::start(size, Fixture::with(broken)).await;
        cockpit.see("cannot work").await;
        keep(&cockpit, &settings(), "cannot-work", size);
        cockpit.press("<Enter>").await.see("R asks again").await;
        assert!(!cockpit.has("loading"));
        keep(&cockpit, &settings(), "cannot-work-below", size);
        cockpit.backend.state().broken = None;
        cockpit.press("R").await.see("connected").await;
        cockpit.see("daily").await;
    }
}
