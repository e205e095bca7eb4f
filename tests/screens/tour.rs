//! The tour of the demo: along the path to its end by the presenter's key alone, back, away from it and back to it.

use std::time::Duration;

use lifeboat::domain::job::{JobKind, JobState, Outcome};
use lifeboat::tui::key::{How, Input, Key, Press};
use lifeboat::tui::theme::ThemeChoice;
use lifeboat::tui::tour::CAPTION_ROWS;
use lifeboat::tui::tour::steps::STEPS;
use lifeboat::tui::{CockpitSettings, Showing};

use crate::made_up::{Fixture, Script, State, two_projects};
use crate::screens::runner::{Runner, settings};
use crate::{SIZES, keep};

fn touring() -> CockpitSettings {
    CockpitSettings {
        showing: Showing {
            tour: Some(Duration::ZERO),
            ..Showing::default()
        },
        context: "demo".to_owned(),
        ..settings()
    }
}

/// A sandbox in which everything goes well.
fn sandbox(state: &mut State) {
    state.demo = true;
    state.manner.script = Script::Succeeds;
    state.manner.outcome = |kind, _| Outcome {
        summary: "it went well".to_owned(),
        backup: (kind == JobKind::Backup).then(|| two_projects::id(2)),
        safety: (kind == JobKind::Restore).then(|| two_projects::id(5)),
        ..Outcome::default()
    };
}

async fn tour(size: (u16, u16), change: impl FnOnce(&mut State)) -> Runner {
    let cockpit = Runner::start_with(size, Fixture::with(change), touring()).await;
    cockpit.see("TOUR 1 of").await.see("3b90aa17").await;
    cockpit
}

/// The first words of a caption: they are on one line.
fn begins(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().take(5).collect();
    words.join(" ")
}

/// Goes on to the step of this number, counted from 1, and reads why.
async fn on_to(cockpit: &Runner, number: usize) {
    cockpit.press(" ").await;
    cockpit.see(&format!("TOUR {number} of {}", STEPS.len())).await;
    cockpit.see(&begins(STEPS[number - 1].why)).await;
}

/// Lets the step be done.
async fn done(cockpit: &Runner, number: usize) {
    cockpit.press(" ").await;
    cockpit.see(&begins(STEPS[number - 1].then)).await;
}

/// Goes along the path until this step is done.
async fn up_to(cockpit: &Runner, last: usize) {
    for number in 2..=last {
        on_to(cockpit, number).await;
        done(cockpit, number).await;
    }
}

/// What was asked of the backend that changes something, in order.
fn deeds(cockpit: &Runner) -> Vec<String> {
    let words = ["backup ", "break ", "restore ", "undo ", "drill "];
    let calls = cockpit.calls();
    let is_deed = |call: &&String| words.iter().any(|word| call.starts_with(word));
    calls.iter().filter(is_deed).cloned().collect()
}

#[tokio::test]
async fn the_presenters_key_leads_to_the_end_of_the_path() {
    for size in SIZES {
        let cockpit = tour(size, sandbox).await;
        let look = |name: &str| keep(&cockpit, &touring(), &format!("tour-{name}"), size);
        look("begins");
        for number in 2..=STEPS.len() {
            on_to(&cockpit, number).await;
            let keys = cockpit.text().lines().last().unwrap().to_owned();
            assert!(!keys.contains('…'), "the keys are cut at {size:?}: {keys}");
            let text = cockpit.text();
            let footer = text.lines().nth(usize::from(size.1) - 1 - CAPTION_ROWS as usize);
            let footer = footer.unwrap();
            assert!(
                !footer.contains("Space"),
                "Space is the tour's at {size:?}: {footer}"
            );
            if number == 3 {
                look("before-breaking");
            }
            done(&cockpit, number).await;
            match number {
                3 => look("broken"),
                4 => look("missing"),
                5 => look("inside"),
                6 => look("history"),
                7 => look("plan"),
                11 => look("ends"),
                _ => {}
            }
        }
        assert_eq!(
            deeds(&cockpit),
            [
                "backup acme/live note=Before the tour to=",
                "break acme/live",
                "restore acme/live 3b90aa17",
                "undo acme/live",
                "restore acme/live 3b90aa17",
                "drill acme/live 3b90aa17",
            ],
        );
        // The path has an end, and behind it the cockpit is whoever's it is.
        cockpit.press(" ").await.see("The tour is over").await;
        cockpit.see("Ctrl-T back to the tour").await;
        cockpit.press("q").await;
        cockpit.end().await.unwrap();
    }
}

#[tokio::test]
async fn every_caption_is_whole_and_the_last_says_what_becomes_of_the_sandbox() {
    for (size, is_kept, end) in [
        ((80, 24), false, "and the sandbox goes."),
        ((100, 30), true, "and the sandbox stays."),
        ((160, 50), false, "and the sandbox goes."),
    ] {
        let mut settings = touring();
        settings.showing.is_kept = is_kept;
        let cockpit = Runner::start_with(size, Fixture::with(sandbox), settings).await;
        cockpit.see("TOUR 1 of").await.see("3b90aa17").await;
        let caption = || {
            let text = cockpit.text();
            let rows: Vec<&str> = text.lines().skip(usize::from(size.1 - CAPTION_ROWS)).collect();
            let [title, lines @ .., keys] = rows.as_slice() else {
                panic!("{text}");
            };
            assert!(title.contains("Ctrl-T leave the path"), "{size:?}: {title}");
            assert!(!keys.contains('…'), "{size:?}: {keys}");
            let words = lines.iter().flat_map(|line| line.split_whitespace());
            words.collect::<Vec<_>>().join(" ")
        };
        for number in 2..=STEPS.len() {
            on_to(&cockpit, number).await;
            assert_eq!(caption(), STEPS[number - 1].why, "{size:?}");
            done(&cockpit, number).await;
            let said = caption();
            let (before, _) = STEPS[number - 1]
                .then
                .split_once('{')
                .unwrap_or((STEPS[number - 1].then, ""));
            assert!(
                said.starts_with(before) && said.ends_with('.'),
                "{size:?}: {said}"
            );
        }
        assert!(caption().ends_with(end), "{}", caption());
    }
}

#[tokio::test]
async fn back_is_an_earlier_caption_with_its_screen_and_nothing_is_undone_by_it() {
    let cockpit = tour((80, 24), sandbox).await;
    up_to(&cockpit, 5).await;
    let before = deeds(&cockpit);
    cockpit.press("<Backspace>").await.see("TOUR 4 of").await;
    cockpit.see("Done before, and it stays done").await;
    cockpit.see("What differs in acme/live").await;
    keep(&cockpit, &touring(), "tour-back", (80, 24));
    cockpit.press("<PgUp><PgUp><PgUp>").await.see("TOUR 1 of").await;
    // Before the first there is none.
    cockpit.press("<Backspace>").await.see("TOUR 1 of").await;
    assert!(!cockpit.has("What differs"), "{}", cockpit.text());
    cockpit.press("<PgDn><PgDn><PgDn>").await.see("TOUR 4 of").await;
    cockpit.see("What differs in acme/live").await;
    cockpit.press(" ").await.see(&begins(STEPS[4].then)).await;
    assert_eq!(deeds(&cockpit), before);
    // From there it goes on as if nobody had looked back.
    on_to(&cockpit, 6).await;
    done(&cockpit, 6).await;
}

#[tokio::test]
async fn what_is_not_so_any_more_is_told_as_what_was_to_whoever_goes_back() {
    let cockpit = tour((80, 24), sandbox).await;
    up_to(&cockpit, 10).await;
    for number in (2..10).rev() {
        let step = &STEPS[number - 1];
        cockpit.press("<Backspace>").await;
        cockpit.see(&format!("TOUR {number} of")).await;
        cockpit.see("Done before").await;
        let is_told_as_it_was = !cockpit.has(&begins(step.then)) && !cockpit.has("stays done");
        // Whether Live is broken, what it lacks, and that one can still go back was so only then.
        assert_eq!(
            is_told_as_it_was,
            [3, 6, 7, 8, 9].contains(&number),
            "{}",
            cockpit.text()
        );
    }
}

#[tokio::test]
async fn any_other_key_leaves_the_path_and_one_key_comes_back() {
    let cockpit = tour((80, 24), sandbox).await;
    up_to(&cockpit, 4).await;
    on_to(&cockpit, 5).await;
    // To look about is not to leave it.
    cockpit.press("jk").await.see("TOUR 5 of").await;
    cockpit.see(&begins(STEPS[4].why)).await;
    cockpit.press("J").await.see("The tour waits").await;
    cockpit.see("Asked (UTC)").await;
    keep(&cockpit, &touring(), "tour-away", (80, 24));
    // Off the path its keys are the cockpit's.
    cockpit.press("<Esc><Esc>").await;
    cockpit.press("e").await.see("public-2").await;
    cockpit.press("<Enter><Backspace>").await.see("public-2").await;
    cockpit.press("/").await.press("a b").await.see("a b").await;
    cockpit.press("<C-t>").await.see(&begins(STEPS[4].why)).await;
    cockpit.see("What differs in acme/live").await;
    done(&cockpit, 5).await;
    cockpit.press("<C-t>").await.see("The tour waits").await;
    cockpit.press("<C-t>").await.see(&begins(STEPS[4].then)).await;
    on_to(&cockpit, 6).await;
    done(&cockpit, 6).await;
}

#[tokio::test]
async fn a_step_that_was_left_in_the_middle_goes_on_with_the_job_that_it_has_begun() {
    let cockpit = tour((80, 24), |state| {
        sandbox(state);
        state.manner.script = Script::Stays;
    })
    .await;
    on_to(&cockpit, 2).await;
    cockpit.press(" ").await.see("pressed:").await;
    cockpit.see("manual backup").await;
    keep(&cockpit, &touring(), "tour-going", (80, 24));
    // While it is at work, the presenter's key changes nothing, and there is no way back.
    cockpit.press(" <Backspace>").await.see("TOUR 2 of").await;
    cockpit.press("x").await.see("The tour waits").await;
    cockpit.see("this key was not used").await;
    cockpit.press("<C-t>").await.see(&begins(STEPS[1].why)).await;
    cockpit.press(" ").await.see("pressed:").await;
    let begun: Vec<String> = deeds(&cockpit);
    assert_eq!(begun.len(), 1, "{begun:?}");
    let id = cockpit.backend.state().jobs[0].id;
    cockpit.backend.move_on(id.0, |job| {
        job.state = JobState::Done;
        job.ended = Some(job.created + chrono::Duration::seconds(4));
        job.outcome = Some(Outcome {
            summary: "it went well".to_owned(),
            backup: Some(two_projects::id(2)),
            ..Outcome::default()
        });
    });
    cockpit.see(&begins(STEPS[1].then)).await;
}

#[tokio::test]
async fn a_job_that_fails_is_told_and_the_step_can_be_tried_again() {
    let cockpit = tour((80, 24), |state| {
        sandbox(state);
        state.manner.script = Script::Fails;
        state.manner.failure = "the disk is full";
    })
    .await;
    on_to(&cockpit, 2).await;
    cockpit.press(" ").await.see("did not end well").await;
    keep(&cockpit, &touring(), "tour-failed", (80, 24));
    cockpit.backend.state().manner.script = Script::Succeeds;
    done(&cockpit, 2).await;
    assert_eq!(deeds(&cockpit).len(), 2);
}

#[tokio::test]
async fn a_key_that_is_held_down_does_not_run_along_the_path() {
    let cockpit = tour((80, 24), sandbox).await;
    cockpit.hold(Key::Char(' '), 20).await;
    cockpit.see("TOUR 1 of").await;
    let together = Press {
        how: How::Together,
        ..Press::alone(Key::Char(' '))
    };
    cockpit.send(Input::Key(together)).await;
    cockpit.see("TOUR 1 of").await;
    assert_eq!(deeds(&cockpit), [""; 0]);
}

#[tokio::test]
async fn the_tour_is_there_in_other_colours_and_sizes_and_writes_nothing_while_it_waits() {
    let light = CockpitSettings {
        theme: ThemeChoice::Light,
        ..touring()
    };
    let cockpit = Runner::start_with((160, 50), Fixture::with(sandbox), light.clone()).await;
    cockpit.see("TOUR 1 of").await.see("3b90aa17").await;
    on_to(&cockpit, 2).await;
    done(&cockpit, 2).await;
    on_to(&cockpit, 3).await;
    done(&cockpit, 3).await;
    keep(&cockpit, &light, "tour-light", (160, 50));
    cockpit.writes.take();
    cockpit.settle().await;
    assert_eq!(cockpit.writes.take(), Vec::<Vec<u8>>::new());
    // It needs no more room than the cockpit does, and says so as the cockpit does.
    cockpit.resize(80, 23).await;
    cockpit.see("needs 80 columns and 24 rows").await;
    cockpit.press(" ").await;
    cockpit.resize(80, 24).await;
    cockpit.see("TOUR 3 of").await;
    let ascii = CockpitSettings {
        ascii: true,
        theme: ThemeChoice::Monochrome,
        ..touring()
    };
    let cockpit = Runner::start_with((80, 24), Fixture::with(sandbox), ascii.clone()).await;
    cockpit.see("TOUR 1 of").await.see("3b90aa17").await;
    keep(&cockpit, &ascii, "tour-ascii", (80, 24));
}

#[tokio::test]
async fn without_a_tour_its_key_says_where_there_is_one() {
    let cockpit = Runner::start((80, 24), Fixture::new()).await;
    cockpit.see("3b90aa17").await;
    cockpit.press("<C-t>").await.see("lifeboat demo --tour").await;
    assert!(!cockpit.has("TOUR"));
}
