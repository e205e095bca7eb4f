//! While the link is down, while nobody is there, and in another context.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use lifeboat::backend::link::Link;
use lifeboat::domain::Instant;
use lifeboat::domain::activity::{Notification, Severity};
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{JobState, Outcome, Phase};
use lifeboat::tui::key::Input;
use lifeboat::tui::theme::{Accent, Meaning, Theme};
use lifeboat::tui::{CockpitSettings, ContextChoice};

use crate::made_up::{self, Fixture, name, two_projects};
use crate::screens::runner::{Runner, WAY, Way, alike, settings};
use crate::{WIDE, called, cockpit, cost, unchanged};

/// A clock that stands until the test moves it.
#[derive(Clone)]
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(0)))
    }

    fn pass(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).unwrap();
        self.0.fetch_add(millis, Ordering::SeqCst);
    }

    fn now(&self) -> Instant {
        two_projects::now() + chrono::Duration::milliseconds(self.0.load(Ordering::SeqCst))
    }

    fn settings(&self) -> CockpitSettings {
        let clock = self.clone();
        CockpitSettings {
            clock: Arc::new(move || clock.now()),
            ..settings()
        }
    }
}

async fn with_settings(settings: CockpitSettings) -> Runner {
    Runner::start_with((80, 24), Fixture::new(), settings).await
}

alike!(a_restore_goes_on_while_the_network_is_cut);
async fn a_restore_goes_on_while_the_network_is_cut() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("r<Enter><Enter>").await.see("come back").await;
    cockpit.press("<Enter>acme/live<Enter>").await.see("Job 32").await;
    cockpit.backend.move_on(32, |job| {
        job.progress = Some(two_projects::progress(Phase::Staging, 20));
    });
    cockpit.see("20 %").await;
    cockpit.network(false).await;
    cockpit
        .see("disconnected, try 2")
        .await
        .see("the link is down")
        .await;
    assert!(cockpit.has("20 %"), "what was known stays:\n{}", cockpit.text());
    // The job goes on there, past the phase that is on the screen.
    cockpit.backend.move_on(32, |job| {
        job.progress = Some(two_projects::progress(Phase::HooksBefore, 0));
    });
    cockpit.backend.move_on(32, |job| {
        job.progress = Some(two_projects::progress(Phase::Switching, 70));
    });
    cockpit.settle().await;
    assert!(cockpit.has("20 %"), "{}", cockpit.text());
    cockpit.network(true).await;
    cockpit.see("past the switch").await.see("● connected").await;
    assert!(!cockpit.has("the link is down"));
    cockpit.network(false).await;
    cockpit.see("disconnected").await;
    cockpit.backend.move_on(32, |job| {
        job.state = JobState::Done;
        job.ended = Some(two_projects::now());
        job.outcome = Some(Outcome {
            summary: "restored 3b90aa17".to_owned(),
            ..Outcome::default()
        });
    });
    cockpit.network(true).await;
    cockpit.see("restored 3b90aa17").await;
}

alike!(nothing_is_changed_while_the_link_is_down);
async fn nothing_is_changed_while_the_link_is_down() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("b").await.see("Manual backup of").await;
    cockpit.network(false).await;
    cockpit.see("disconnected").await;
    cockpit
        .press("for the fair<Enter>")
        .await
        .see("the link to")
        .await;
    assert!(cockpit.has("for the fair"), "what was typed stays");
    cockpit.press("<Esc>").await;
    for key in ["b", "r", "v", "V", "U", "m", "p"] {
        cockpit.press(key).await.see("nothing can be changed").await;
        cockpit.press("<Esc>").await;
    }
    assert!(
        !cockpit.has("v verify"),
        "the footer leaves out what cannot be done"
    );
    // Looking goes on.
    cockpit
        .press("?")
        .await
        .see("On the main screen: each asks first")
        .await;
    cockpit.press("<Esc><Enter>").await.see("digest").await;
    cockpit.press("<Esc>").await;
    cockpit.network(true).await;
    cockpit.see("● connected").await;
    cockpit.press("b<Enter>").await.see("has begun").await;
    assert!(!called(&cockpit, "verify acme/live 3b90aa17"));
}

alike!(the_age_of_what_is_shown_counts_from_the_loss);
async fn the_age_of_what_is_shown_counts_from_the_loss() {
    let clock = Clock::new();
    let cockpit = Runner::start_told((80, 24), Fixture::new(), clock.settings()).await;
    cockpit.see("3b90aa17").await;
    // Hours of quiet are no age: nothing has changed in them.
    clock.pass(Duration::from_hours(3));
    let down = |attempt, seconds: Option<i64>| Link::Down {
        since: clock.now(),
        attempt,
        next_try: seconds.map(|seconds| clock.now() + chrono::Duration::seconds(seconds)),
        why: made_up::OUT_OF_REACH.to_owned(),
    };
    cockpit.backend.set_link(down(3, Some(4)));
    cockpit
        .see("disconnected, try 4 in 4 s · data from just now")
        .await
        .see("connection refused")
        .await;
    clock.pass(Duration::from_secs(2));
    cockpit.send(Input::Resized).await;
    cockpit.see("try 4 in 2 s").await;
    cockpit.backend.set_link(down(3, None));
    cockpit.see("try 4 now").await;
    cockpit.writes.take();
    cockpit.send(Input::Resized).await;
    assert_eq!(
        cost(&cockpit.writes),
        (0, 0),
        "nothing counts while it is being tried"
    );
    clock.pass(Duration::from_mins(8));
    cockpit.send(Input::Resized).await;
    cockpit.see("data 7 min old").await;
}

alike!(the_context_is_readable_whatever_there_is_to_say_about_the_link);
async fn the_context_is_readable_whatever_there_is_to_say_about_the_link() {
    let settings = CockpitSettings {
        context: "production-of-a-customer-far-away".to_owned(),
        read_only: true,
        ..settings()
    };
    let cockpit = with_settings(settings).await;
    cockpit.see("3b90aa17").await;
    cockpit.network(false).await;
    cockpit.see("disconnected").await;
    assert!(
        cockpit.has("production-of-a-customer-far-away") && cockpit.has("READ-ONLY"),
        "{}",
        cockpit.text()
    );
}

alike!(an_idle_cockpit_hides_everything_until_a_key_is_pressed);
async fn an_idle_cockpit_hides_everything_until_a_key_is_pressed() {
    let clock = Clock::new();
    let locking = CockpitSettings {
        idle_lock: Some(Duration::from_mins(30)),
        ..clock.settings()
    };
    let cockpit = with_settings(locking).await;
    cockpit.see("3b90aa17").await;
    cockpit.press("b<Enter>").await.see("Running jobs").await;
    clock.pass(Duration::from_mins(29));
    cockpit.press("j").await;
    clock.pass(Duration::from_mins(29));
    cockpit.send(Input::Resized).await;
    assert!(cockpit.has("acme"), "a key counts");
    clock.pass(Duration::from_mins(1));
    cockpit.writes.take();
    cockpit.send(Input::Resized).await;
    cockpit.see("Locked").await;
    for word in ["acme", "globex", "backup of", "3b90aa17", "b backup"] {
        assert!(!cockpit.has(word), "{word} is still there:\n{}", cockpit.text());
    }
    let written = cockpit.writes.take().concat();
    let written = String::from_utf8_lossy(&written).into_owned();
    assert!(
        written.matches("\u{1b}[").count() > 24,
        "the whole screen is written anew"
    );
    // Jobs go on, news comes, and the screen tells nothing of it.
    cockpit.backend.move_on(32, |job| {
        job.state = JobState::Done;
        job.ended = Some(two_projects::now());
    });
    cockpit.backend.tell(Event::Notification(Notification {
        number: 14,
        at: two_projects::now(),
        severity: Severity::Critical,
        environment: Some(name("acme/live")),
        text: "the backup of acme/live has failed".to_owned(),
        job: None,
        seen: false,
    }));
    cockpit.send(Input::Wheel { up: true }).await;
    cockpit.paste("q").await;
    cockpit.settle().await;
    assert_eq!(cost(&cockpit.writes), (0, 0));
    // The key that wakes it does nothing else.
    cockpit.press("q").await.see("acme").await;
    assert!(!cockpit.has("Locked") && !cockpit.has("Running jobs"));
    cockpit.press("n").await.see("Notifications").await;
    // Asleep itself: the first key after that does not act on what is not seen.
    clock.pass(Duration::from_hours(9));
    cockpit.press("q").await.see("Locked").await;
    cockpit.press("<Esc>").await.see("Notifications").await;
}

fn three_contexts() -> CockpitSettings {
    let choice = |name: &str, read_only, accent| ContextChoice {
        name: name.to_owned(),
        leads_to: format!("https://{name}.example.com"),
        is_a_service: true,
        read_only,
        accent,
    };
    CockpitSettings {
        contexts: vec![
            choice("broken", false, None),
            choice("local", false, None),
            choice("prod", true, Some(Accent::Red)),
        ],
        ..settings()
    }
}

alike!(another_context_is_a_key_away);
async fn another_context_is_a_key_away() {
    let cockpit = with_settings(three_contexts()).await;
    cockpit.see("3b90aa17").await;
    cockpit
        .press(":another context<Enter>")
        .await
        .see("https://prod.example.com")
        .await;
    cockpit.press("<Esc>X<Enter>").await.settle().await;
    assert!(!cockpit.has("Contexts"), "the active one is the chosen one");
    cockpit.press("Xj<Enter>").await.see("READ-ONLY").await;
    cockpit.see("3b90aa17").await;
    let frame = cockpit.frame();
    let red = Theme::new(settings().theme, Some(Accent::Red), false).style(Meaning::Context);
    assert_eq!(Some(frame.buffer[(11, 0)].fg), red.fg);
    cockpit.press("b").await.see("\"prod\" is read-only").await;
    cockpit
        .press("<Esc>Xg<Enter>")
        .await
        .see("no theme \"pink\"")
        .await;
    assert!(cockpit.has("prod"), "the context that was open stays so");
    cockpit.press("<Enter>Xk<Enter>").await.see(" local ").await;
    cockpit.see("3b90aa17").await;
    cockpit.press("b<Enter>").await.see("has begun").await;
}

alike!(a_context_whose_jobs_run_here_is_not_left_while_they_do);
async fn a_context_whose_jobs_run_here_is_not_left_while_they_do() {
    let cockpit = with_settings(three_contexts()).await;
    cockpit.see("3b90aa17").await;
    cockpit.press("b<Enter>").await.see("Running jobs").await;
    cockpit.press("X").await;
    match WAY.get() {
        Way::Here => cockpit.see("runs inside this program").await,
        // A job of a service goes on without this cockpit.
        Way::Elsewhere => cockpit.see("https://prod.example.com").await,
    };
}

alike!(where_there_is_one_context_there_is_no_choice);
async fn where_there_is_one_context_there_is_no_choice() {
    let cockpit = cockpit(WIDE, unchanged).await;
    cockpit.press("X").await.see("no other context").await;
}
