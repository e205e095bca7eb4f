//! What hands expect: searching, copying, sorting, saving, zooming, keys of one's own, a configuration that changes, several
//! environments at once, and being called.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::FixedOffset;
use lifeboat::domain::event::Event;
use lifeboat::domain::job::JobState;
use lifeboat::tui::CockpitSettings;
use lifeboat::tui::LastView;
use lifeboat::tui::action::Keymap;
use lifeboat::tui::beyond::{Beyond, Changed, Found, Look};
use lifeboat::tui::key::Input;
use lifeboat::tui::theme::ThemeChoice;

use crate::made_up::{Fixture, name};
use crate::screens::runner::{Runner, alike, settings};
use crate::{SIZES, keep, look, look_with, unchanged};

/// What the id of the chosen backup begins with; it is the same eight times over.
const ID: &str = "3b90aa17";

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

alike!(what_is_meant_is_copied_and_so_is_its_command);
async fn what_is_meant_is_copied_and_so_is_its_command() {
    let cockpit = cockpit(CockpitSettings {
        command: vec!["--config".to_owned(), "/srv/my files/it's.toml".to_owned()],
        ..settings()
    })
    .await;
    let command = |rest: &str| format!(r"lifeboat {rest} --config '/srv/my files/it'\''s.toml'");
    cockpit.press("y").await.see("the id of backup").await;
    assert_eq!(copied(&cockpit), ID.repeat(8));
    cockpit.press("Y").await.see("clipboard").await;
    assert_eq!(copied(&cockpit), command("backups acme/live"));
    cockpit.press("v").await.see("Verify a backup of").await;
    cockpit.press("Y").await;
    assert_eq!(
        copied(&cockpit),
        command(&format!("verify acme/live {}", ID.repeat(8)))
    );
    cockpit.press("<Esc>b").await.see("Manual backup of").await;
    cockpit.press("it's; rm -rf /<C-y>").await;
    assert_eq!(
        copied(&cockpit),
        command(r"backup acme/live --note 'it'\''s; rm -rf /'")
    );
    cockpit
        .press("<Esc>r<Enter>")
        .await
        .see("Everything is restored")
        .await;
    cockpit.press("<Enter>").await.see("come back").await;
    cockpit.press("Y").await;
    assert_eq!(
        copied(&cockpit),
        command(&format!("restore acme/live {}", ID.repeat(8)))
    );
    cockpit.press("y").await;
    assert!(copied(&cockpit).lines().count() > 5, "the whole plan");
    cockpit.press("<Esc><Esc><Esc>J").await.see("Asked (UTC)").await;
    cockpit.press("jy").await;
    assert!(
        copied(&cockpit).starts_with("30\t2026-11-23T05:28:"),
        "{}",
        copied(&cockpit)
    );
    cockpit.press("Y").await;
    assert_eq!(copied(&cockpit), command("jobs --limit 4"));
    cockpit.press("<Enter>").await.see("failed").await;
    cockpit.press("y").await.see("the error of job 30").await;
    cockpit.press("L").await.see("every digest").await;
    cockpit.press("Y").await;
    assert_eq!(copied(&cockpit), command("jobs 30 --log"));
    cockpit.press("<Esc><Esc><Esc>n").await.see("Notifications").await;
    cockpit.press("Y").await.see("no verb lists notifications").await;
}

alike!(a_list_is_sorted_and_saved);
async fn a_list_is_sorted_and_saved() {
    look(
        "jobs-sorted",
        unchanged,
        &[("J", "Asked (UTC)"), ("s", "sorted by environment")],
    )
    .await;
    let in_a_folder = CockpitSettings {
        beyond: Beyond {
            folder: Some("/home/kim/reports".to_owned()),
            ..Beyond::default()
        },
        ..settings()
    };
    look_with(
        "save-form",
        &in_a_folder,
        &SIZES[..1],
        unchanged,
        &[("J", "Asked (UTC)"), ("W", "jobs-20261123-0530.csv")],
    )
    .await;
    let files = Arc::new(Mutex::new(Vec::new()));
    let written = Arc::clone(&files);
    let save = move |name: &str, text: &str| {
        if name == "there.csv" {
            return Err("/tmp/there.csv is there already: write another name".to_owned());
        }
        written.lock().unwrap().push((name.to_owned(), text.to_owned()));
        Ok(format!("/tmp/{name}"))
    };
    let cockpit = cockpit(CockpitSettings {
        beyond: Beyond {
            save: Arc::new(save),
            ..Beyond::default()
        },
        ..settings()
    })
    .await;
    cockpit.press("JssS").await.see("sorted by what").await;
    cockpit
        .press("W<C-u>there.csv<Enter>")
        .await
        .see("there already")
        .await;
    // What is none of the three is not written as one of them.
    for name in ["jobs", "jobs.xlsx", "jobs.csv.gz"] {
        cockpit
            .press(&format!("<C-u>{name}<Enter>"))
            .await
            .see("the ending says what is written")
            .await;
    }
    cockpit
        .press("<C-u>jobs.csv<Enter>")
        .await
        .see("saved as /tmp/jobs.csv")
        .await;
    cockpit
        .press("W<C-u>jobs.json<Enter>")
        .await
        .see("saved as /tmp/jobs.json")
        .await;
    let files = files.lock().unwrap();
    let [(_, csv), (_, json)] = files.as_slice() else {
        panic!("two files: {files:?}");
    };
    assert!(
        csv.starts_with("job,asked,environment,what,by,state,took_seconds\r\n28,2026-11-23T"),
        "{csv}"
    );
    assert!(
        json.starts_with("[\n  {") && json.contains("\"environment\": \"globex/live\""),
        "{json}"
    );
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
