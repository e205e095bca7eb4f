//! Looking inside over a link on which each answer takes a fifth of a second.

use std::time::{Duration, Instant};

use lifeboat::tui::key::Key;

use crate::WIDE;
use crate::made_up::Fixture;
use crate::screens::runner::{Runner, WAY, Way};

/// How long a question and its answer are on their way.
const DELAY: Duration = Duration::from_millis(200);

/// In website of the author, of the daily backup, with a link that is still quick.
async fn in_website() -> Runner {
    WAY.set(Way::Elsewhere);
    let cockpit = Runner::start(WIDE, Fixture::new()).await;
    for (keys, text) in [
        ("", "daily"),
        ("e", "public-2"),
        ("<Enter>", "userroles"),
        ("G<Enter>", "archive"),
    ] {
        cockpit.press(keys).await.see(text).await;
    }
    cockpit
}

/// Waits until the backend was asked for that.
async fn was_asked(cockpit: &Runner, call: &str) {
    while !cockpit.calls().iter().any(|asked| asked.contains(call)) {
        cockpit.settle().await;
    }
}

/// How often it was asked for what is in something.
fn pages(cockpit: &Runner) -> usize {
    cockpit.service().count("GET", "explore/children")
}

#[tokio::test]
async fn a_move_asks_for_nothing_that_is_here_and_the_next_page_comes_before_it_is_reached() {
    let cockpit = in_website().await;
    cockpit.press("j<Enter>").await.see("page-000000").await;
    was_asked(&cockpit, "/website/archive 200").await;
    cockpit.settle().await;
    cockpit.service().network.is_slow(DELAY);
    let before = pages(&cockpit);
    let began = Instant::now();
    cockpit.hold(Key::Char('j'), 120).await;
    assert!(cockpit.has("page-000120"), "{}", cockpit.text());
    assert_eq!(pages(&cockpit), before, "all of these rows were here");
    // What is in the second page is on the screen without waiting, and the third is asked for long before it is reached.
    cockpit.hold(Key::Char('j'), 90).await;
    assert!(cockpit.has("page-000210"), "{}", cockpit.text());
    let took = began.elapsed();
    assert!(took < DELAY * 210 / 4, "210 moves took {took:?}");
    println!("210 moves took {took:?}");
    assert_eq!(pages(&cockpit), before + 1);
    was_asked(&cockpit, "/website/archive 400").await;
    cockpit.press("G").await.see("page-099999").await;
}

#[tokio::test]
async fn a_folder_that_the_selection_rested_on_opens_at_once_and_another_says_that_it_is_loading() {
    let cockpit = in_website().await;
    was_asked(&cockpit, "/website/home 0").await;
    cockpit.settle().await;
    cockpit.service().network.holds(true);
    cockpit.press("<Enter>").await;
    assert!(cockpit.has("about us"), "{}", cockpit.text());
    cockpit.press("h").await;
    assert!(cockpit.has("archive"), "{}", cockpit.text());
    // Nobody has rested on this one.
    cockpit.press("jj<Enter>").await;
    assert!(
        cockpit.has("loading") && !cockpit.has("extras"),
        "{}",
        cockpit.text()
    );
    // Keys go on being answered meanwhile.
    cockpit.press("h").await;
    assert!(cockpit.has("archive"), "{}", cockpit.text());
    cockpit.press("<Enter>").await;
    assert!(cockpit.has("loading"), "{}", cockpit.text());
    cockpit.service().network.holds(false);
    cockpit.see("extras").await;
}
