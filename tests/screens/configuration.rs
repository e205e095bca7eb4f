//! The configuration, as the cockpit follows it: keys of one's own, a file that changes, and one that cannot be used.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lifeboat::tui::action::Keymap;
use lifeboat::tui::beyond::{Beyond, Changed, ConfigurationFile, Found, Look};
use lifeboat::tui::theme::ThemeChoice;
use lifeboat::tui::{CockpitSettings, ContextChoice};

use crate::made_up::{Fixture, two_projects};
use crate::screens::hands::cockpit;
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, keep, look_with, unchanged};

alike!(keys_of_ones_own_are_shown_wherever_the_usual_ones_are);
async fn keys_of_ones_own_are_shown_wherever_the_usual_ones_are() {
    let keys = [
        ("backup".to_owned(), vec!["T".to_owned()]),
        ("notifications".to_owned(), vec!["Z".to_owned()]),
    ];
    let keys = Keymap::with(
        keys.iter()
            .map(|(action, keys)| (action.as_str(), keys.as_slice())),
    )
    .unwrap();
    let settings = CockpitSettings {
        keys: Arc::new(keys),
        ..settings()
    };
    look_with("own-keys", &settings, &SIZES[..1], unchanged, &[("", "daily")]).await;
    let cockpit = cockpit(settings).await;
    assert!(cockpit.has("T backup") && cockpit.has("Z: whole"));
    cockpit.press("b").await;
    assert!(!cockpit.has("Manual backup of"));
    cockpit.press("?").await.see("T             backup").await;
    cockpit.press("<Esc>:backup").await.see("T     backup").await;
    cockpit.press("<Esc>T").await.see("Manual backup of").await;
}

/// A cockpit with a configuration of which somebody else says what has become of it.
fn following(found: &Arc<Mutex<Option<Found>>>) -> CockpitSettings {
    let next = Arc::clone(found);
    CockpitSettings {
        beyond: Beyond {
            reread: Arc::new(move |_| next.lock().unwrap().take().unwrap_or(Found::Same)),
            ..Beyond::default()
        },
        ..settings()
    }
}

/// A configuration that gives the same as before.
fn unchanged_configuration() -> Changed {
    let settings = settings();
    Changed {
        theme: settings.theme,
        accent: settings.accent,
        keys: settings.keys,
        contexts: settings.contexts,
        idle_lock: settings.idle_lock,
        calling: settings.calling,
        waits: Vec::new(),
    }
}

fn wrong() -> Found {
    Found::Wrong("/etc/lifeboat.toml, line 3: unknown setting `thme`".to_owned())
}

alike!(a_configuration_that_changes_is_taken_over);
async fn a_configuration_that_changes_is_taken_over() {
    let found = Arc::new(Mutex::new(None));
    let next = |what: Found| *found.lock().unwrap() = Some(what);
    let cockpit = cockpit(following(&found)).await;
    let keys = ["T".to_owned()];
    let changed = Changed {
        theme: ThemeChoice::Light,
        keys: Arc::new(Keymap::with([("backup", &keys[..])]).unwrap()),
        ..unchanged_configuration()
    };
    let is_asked = |cockpit: &Runner| cockpit.text().contains("Enter close");
    next(Found::Changed(Box::new(changed.clone())));
    // What needs nothing is news, and in nobody's way.
    cockpit
        .press("R")
        .await
        .see("was read again: theme, keys changed")
        .await;
    assert!(cockpit.has("T backup") && !is_asked(&cockpit));
    next(Found::Changed(Box::new(changed.clone())));
    cockpit.press("R").await.see("nothing that is used here").await;
    let waiting = Changed {
        waits: vec!["acme/uat is new".to_owned(), "[repository]".to_owned()],
        ..changed.clone()
    };
    next(Found::Changed(Box::new(waiting)));
    cockpit.press("R").await.see("This is used once").await;
    cockpit.see("the configuration was read again").await;
    cockpit.see("acme/uat is new").await;
    cockpit.press("<Enter>").await.see("T backup").await;
    next(wrong());
    cockpit.press("R").await.see("is not used").await;
    cockpit.see("line 3").await;
    // Once it is mended, nobody has to read what was wrong.
    next(Found::Changed(Box::new(changed)));
    cockpit.press("R").await;
    cockpit.press("<Enter>R").await.see("was read again").await;
    assert!(cockpit.has("T backup") && !cockpit.has("line 3"));
}

alike!(a_check_reads_the_configuration_as_it_is_now);
async fn a_check_reads_the_configuration_as_it_is_now() {
    let found = Arc::new(Mutex::new(None));
    for size in SIZES {
        *found.lock().unwrap() = Some(wrong());
        let settings = following(&found);
        let cockpit = Runner::start_with(size, Fixture::new(), settings.clone()).await;
        cockpit.see("daily").await;
        cockpit.press("K").await.see("line 3").await;
        cockpit.see("stays in").await;
        keep(&cockpit, &settings, "check-wrong-configuration", size);
        // It is said until the file is mended.
        cockpit.press("<Esc>K").await.see("line 3").await;
        *found.lock().unwrap() = Some(Found::Changed(Box::new(unchanged_configuration())));
        cockpit.press("K").await.see("was read again").await;
        assert!(!cockpit.has("line 3"), "{}", cockpit.text());
    }
}

alike!(a_check_names_the_file_and_when_it_was_read);
async fn a_check_names_the_file_and_when_it_was_read() {
    let found = Arc::new(Mutex::new(None));
    let mut settings = following(&found);
    settings.beyond.configuration = Some(ConfigurationFile {
        path: "/etc/lifeboat/lifeboat.toml".to_owned(),
        read: None,
    });
    let minutes = Arc::new(AtomicI64::new(0));
    let clock = Arc::clone(&minutes);
    settings.clock =
        Arc::new(move || two_projects::now() + chrono::Duration::minutes(clock.load(Ordering::SeqCst)));
    let cockpit = Runner::start_with((120, 36), Fixture::new(), settings.clone()).await;
    cockpit.see("daily").await;
    cockpit.press("K").await.see("key opens it").await;
    cockpit
        .see("/etc/lifeboat/lifeboat.toml, read 2026-11-23 05:30:12 UTC: it can be read")
        .await;
    keep(&cockpit, &settings, "check-file", (120, 36));
    // What waits for the context to be opened anew is not in use: what was read before is.
    minutes.store(1, Ordering::SeqCst);
    let waiting = Changed {
        waits: vec!["[repository]".to_owned()],
        ..unchanged_configuration()
    };
    *found.lock().unwrap() = Some(Found::Changed(Box::new(waiting)));
    cockpit
        .press("K")
        .await
        .see("anew with the rest: [repository]")
        .await;
    assert!(cockpit.has("read 2026-11-23 05:30:12 UTC"), "{}", cockpit.text());
    *found.lock().unwrap() = Some(Found::Changed(Box::new(unchanged_configuration())));
    cockpit.press("K").await.see("read 2026-11-23 05:31:12 UTC").await;
    // While it cannot be used, what is in use is not what is in it.
    *found.lock().unwrap() = Some(wrong());
    cockpit.press("K").await.see("line 3").await;
    assert!(!cockpit.has(", read 2026"), "{}", cockpit.text());
}

#[tokio::test(start_paused = true)]
async fn a_configuration_is_looked_at_every_two_seconds_and_tells_only_what_is_new() {
    let looks = Arc::new(Mutex::new(Vec::new()));
    let looked = Arc::clone(&looks);
    let reread = move |look| {
        let mut looked = looked.lock().unwrap();
        looked.push(look);
        match looked.len() {
            3 => wrong(),
            _ => Found::Same,
        }
    };
    let cockpit = cockpit(CockpitSettings {
        beyond: Beyond {
            reread: Arc::new(reread),
            look_every: Some(Duration::from_secs(2)),
            ..Beyond::default()
        },
        ..settings()
    })
    .await;
    let began = tokio::time::Instant::now();
    cockpit.see("is not used").await;
    let took = began.elapsed().as_secs();
    assert!((4..=7).contains(&took), "{took} seconds");
    assert_eq!(*looks.lock().unwrap(), [Look::OnceSettled; 3]);
}

/// A cockpit that leads to a service, which has a configuration of its own.
fn of_a_service(found: &Arc<Mutex<Option<Found>>>) -> CockpitSettings {
    let choice = |name: &str| ContextChoice {
        name: name.to_owned(),
        leads_to: format!("https://{name}.example.com"),
        is_a_service: true,
        read_only: false,
        accent: None,
    };
    CockpitSettings {
        contexts: vec![choice("local"), choice("broken")],
        ..following(found)
    }
}

alike!(a_configuration_that_cannot_be_used_leaves_a_mark_until_it_is_mended);
async fn a_configuration_that_cannot_be_used_leaves_a_mark_until_it_is_mended() {
    const MARK: &str = " ! configuration";
    let found = Arc::new(Mutex::new(None));
    let next = |what: Found| *found.lock().unwrap() = Some(what);
    for size in SIZES {
        let settings = following(&found);
        let cockpit = Runner::start_with(size, Fixture::new(), settings.clone()).await;
        cockpit.see("daily").await;
        assert!(!cockpit.has(MARK));
        next(wrong());
        cockpit.press("R").await.see("is not used").await;
        // The message was read and closed. What it was about has not changed.
        cockpit.press("<Enter>").await.see(MARK).await;
        keep(&cockpit, &settings, "wrong-configuration", size);
        cockpit.press("J").await.see("Asked (UTC)").await;
        assert!(cockpit.has(MARK), "{}", cockpit.text());
        next(Found::Changed(Box::new(unchanged_configuration())));
        cockpit.press("R").await.see("was read again").await;
        assert!(!cockpit.has(MARK), "{}", cockpit.text());
    }
    // The way to a context that cannot be opened leads back here, where it is told once and never again.
    let cockpit = cockpit(of_a_service(&found)).await;
    next(wrong());
    cockpit.press("R").await.see("is not used").await;
    cockpit.press("<Enter>X").await.see("broken.example.com").await;
    cockpit.press("j<Enter>").await.see("cannot be opened").await;
    cockpit.press("<Enter>").await.see(MARK).await;
}

alike!(a_check_of_a_service_says_whose_file_is_meant);
async fn a_check_of_a_service_says_whose_file_is_meant() {
    let found = Arc::new(Mutex::new(None));
    for size in SIZES {
        let settings = of_a_service(&found);
        let cockpit = Runner::start_with(size, Fixture::new(), settings.clone()).await;
        cockpit.see("daily").await;
        cockpit.press("K").await.see("this cockpit's file").await;
        keep(&cockpit, &settings, "check-service", size);
        *found.lock().unwrap() = Some(wrong());
        cockpit.press("K").await.see("line 3").await;
        cockpit.see("the service's file").await;
        keep(&cockpit, &settings, "check-service-wrong", size);
    }
    // Nothing is said of it as long as there is no other one.
    let cockpit = cockpit(following(&found)).await;
    cockpit.press("K").await.see("checks failed").await;
    assert!(!cockpit.has("this cockpit's file"));
}

alike!(a_check_is_within_reach_on_every_screen);
async fn a_check_is_within_reach_on_every_screen() {
    let cockpit = cockpit(settings()).await;
    let screens = [
        ("?", "On the main screen: each asks first", "acme/live"),
        ("w", "Light modules", "acme/live"),
        ("i", "keeps", "acme/live"),
        ("J", "Asked (UTC)", "acme/live"),
        ("Jj", "Asked (UTC)", "globex/live"),
        ("Jj<Enter>", "Job 30", "globex/live"),
        ("JjL", "Log of job 30", "globex/live"),
        ("n", "Notifications", "globex/live"),
        ("F", "worst first", "globex/live"),
        ("e", "public-2", "acme/live"),
        ("=", "What differs in", "acme/live"),
    ];
    for (keys, text, name) in screens {
        cockpit.press(keys).await.see(text).await;
        cockpit.press("K").await.see(&format!("Check of {name}")).await;
        for _ in 0..3 {
            cockpit.press("<Esc>").await;
        }
        cockpit.see("Backups of acme/live").await;
    }
}

alike!(a_key_that_does_nothing_here_says_so);
async fn a_key_that_does_nothing_here_says_so() {
    let cockpit = cockpit(settings()).await;
    cockpit.press("J").await.see("Asked (UTC)").await;
    cockpit
        .press("b")
        .await
        .see("b (backup) does nothing on this screen")
        .await;
    // Of several that it does elsewhere, what it does on most screens.
    cockpit
        .press("=")
        .await
        .see("= (compare) does nothing on this screen")
        .await;
    cockpit.press("<Esc>r").await.see("choose a backup").await;
    cockpit
        .press("K")
        .await
        .see("K (check) does nothing in the wizard: press Enter")
        .await;
    // Whoever begins to type a name there is told when to.
    cockpit
        .press("a")
        .await
        .see("press Enter to go on to the plan")
        .await;
}
