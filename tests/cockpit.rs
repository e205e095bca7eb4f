//! The cockpit from end to end, over a backend in memory, in this process and through a real service: what keys lead to
//! and what is asked of the backend. Restores and what the screen costs have files of their own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod made_up;
mod runs {
    mod away;
    mod budgets;
    mod meant;
    mod restores;
    #[cfg(feature = "engine")]
    mod slow;
}
#[cfg(feature = "engine")]
mod service;
mod screens {
    pub mod runner;
    #[cfg(feature = "engine")]
    mod told;
}

use std::sync::Arc;

use lifeboat::domain::activity::{Notification, Severity};
use lifeboat::domain::event::Event;
use lifeboat::domain::job::{JobId, JobKind, JobState, Phase};
use lifeboat::tui::key::Input;
use lifeboat::tui::theme::{Meaning, Theme};
use lifeboat::tui::{CockpitError, CockpitSettings, Ended};
use made_up::{Fixture, State, name, two_projects};
use screens::runner::{Runner, WAY, Way, Writes, alike, settings};

const WIDE: (u16, u16) = (120, 36);

/// A cockpit that has settled on acme/live.
async fn cockpit(size: (u16, u16), change: impl FnOnce(&mut State)) -> Runner {
    let cockpit = Runner::start(size, Fixture::with(change)).await;
    cockpit.see("3b90aa17").await;
    cockpit.writes.take();
    cockpit
}

fn unchanged(_: &mut State) {}

/// The bytes of all writes since the last time, and how many writes there were.
fn cost(writes: &Writes) -> (usize, usize) {
    let writes = writes.take();
    (writes.iter().map(Vec::len).sum(), writes.len())
}

fn called(cockpit: &Runner, call: &str) -> bool {
    cockpit.calls().iter().any(|other| other == call)
}

alike!(a_manual_backup_runs_while_the_cockpit_stays_usable);
async fn a_manual_backup_runs_while_the_cockpit_stays_usable() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("b").await.see("Replaces the manual backup").await;
    cockpit
        .press("before the fair<Enter>")
        .await
        .see("job 32 has begun")
        .await;
    assert!(called(&cockpit, "backup acme/live note=before the fair to="));
    cockpit.backend.move_on(32, |job| {
        job.progress = Some(two_projects::progress(Phase::Copying, 10));
    });
    cockpit.see("10 %").await;
    cockpit
        .press("?")
        .await
        .see("On the main screen: each asks first")
        .await;
    cockpit.press("<Esc>").await.see("Running jobs").await;
    cockpit.press("b").await.see("is busy: job 32").await;
    cockpit.press("<Esc>").await;
    cockpit.backend.move_on(32, |job| {
        job.state = JobState::Done;
        job.ended = Some(two_projects::now());
    });
    cockpit.backend.tell(Event::Notification(Notification {
        number: 14,
        at: two_projects::now(),
        severity: Severity::Information,
        environment: Some(name("acme/live")),
        text: "the manual backup of acme/live is complete and verified".to_owned(),
        job: None,
        seen: false,
    }));
    cockpit.see("complete and verified").await;
    assert!(!cockpit.has("Running jobs"));
}

alike!(how_a_job_ends_is_seen_without_a_key);
async fn how_a_job_ends_is_seen_without_a_key() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("b<Enter>").await.see("job 32 has begun").await;
    cockpit.backend.move_on(32, |job| {
        job.state = JobState::Failed {
            why: "the disk of author is full".to_owned(),
        };
        job.ended = Some(two_projects::now());
    });
    cockpit
        .see("job 32, manual backup of acme/live, failed: the")
        .await;
    assert!(!cockpit.has("has begun"));
    let frame = cockpit.frame();
    let theme = Theme::new(settings().theme, None, false);
    let red = theme.style(Meaning::Critical).fg;
    assert!((1..70).all(|x| Some(frame.buffer[(x, 22)].fg) == red || frame.buffer[(x, 22)].symbol() == " "));

    let mut other = two_projects::job(50, "globex/live", JobKind::Backup, "scheduled backup: daily");
    cockpit.backend.tell(Event::Job(Box::new(other.clone())));
    other.state = JobState::Done;
    cockpit.backend.tell(Event::Job(Box::new(other)));
    cockpit.settle().await;
    assert!(
        cockpit.has("failed: the"),
        "the end of another job does not hide it"
    );
    cockpit.backend.tell(Event::Notification(Notification {
        number: 14,
        at: two_projects::now(),
        severity: Severity::Critical,
        environment: Some(name("acme/live")),
        text: "the backup of acme/live has failed".to_owned(),
        job: Some(JobId(32)),
        seen: false,
    }));
    cockpit.see("the backup of acme/live has failed").await;
}

alike!(a_job_that_ended_while_the_backend_was_away_is_told_of);
async fn a_job_that_ended_while_the_backend_was_away_is_told_of() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("b<Enter>").await.see("job 32 has begun").await;
    cockpit.backend.reachable(false);
    cockpit.see("disconnected").await;
    cockpit.backend.move_on(32, |job| {
        job.state = JobState::Done;
        job.ended = Some(two_projects::now());
    });
    cockpit.backend.reachable(true);
    cockpit.see("job 32, manual backup of acme/live, is done").await;
}

alike!(an_upgrade_backup_carries_its_version);
async fn an_upgrade_backup_carries_its_version() {
    let change = |state: &mut State| {
        state
            .environments
            .get_mut(&name("acme/live"))
            .unwrap()
            .backups
            .remove(1);
    };
    let cockpit = cockpit((80, 24), change).await;
    cockpit.press("U").await.see("48 hours").await;
    cockpit
        .press("6.3.5<Tab>security fix<Enter>")
        .await
        .see("has begun")
        .await;
    assert!(called(&cockpit, "backup acme/live note=security fix to=6.3.5"));
}

alike!(a_job_is_cancelled_only_while_that_is_possible);
async fn a_job_is_cancelled_only_while_that_is_possible() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("b<Enter>").await.see("Running jobs").await;
    cockpit.press("c").await.see("next safe point").await;
    cockpit.press("y").await.see("was asked to stop").await;
    assert!(called(&cockpit, "cancel 32"));
    cockpit
        .press("c")
        .await
        .see("has been asked to stop already")
        .await;
    cockpit.press("<Esc>").await;
    cockpit.backend.move_on(32, |job| {
        job.cancel_asked = false;
        // Nothing else exchanges what is live.
        job.kind = JobKind::Restore;
        job.progress = Some(two_projects::progress(Phase::Switching, 10));
    });
    cockpit.see("switching").await;
    assert!(!cockpit.has("c cancel job"));
    cockpit.press("c").await.see("has begun to switch Live").await;
    cockpit.press("<Enter>o").await.see("rather than stopped").await;
    assert!(!cockpit.has("c cancel job"));
}

alike!(the_demo_can_break_live_and_nothing_else_can);
async fn the_demo_can_break_live_and_nothing_else_can() {
    let real = cockpit((80, 24), unchanged).await;
    real.press("B").await.see("only the demo breaks Live").await;
    let demo = cockpit((80, 24), |state| state.demo = true).await;
    assert!(demo.has("DEMO") && demo.has("B break Live"));
    demo.press("B").await.see("for real").await;
    demo.press("<Enter>").await.see("Enter is not enough").await;
    demo.press("y").await.see("Live is broken now").await;
    assert!(called(&demo, "break acme/live"));
}

fn protect(cockpit: &Runner) {
    let mut state = cockpit.backend.state();
    let acme = state.environments.get_mut(&name("acme/live")).unwrap();
    acme.summary.protection = Some(two_projects::hold("audit"));
}

alike!(holds_are_set_with_a_reason_and_lifted_with_a_question);
async fn holds_are_set_with_a_reason_and_lifted_with_a_question() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("p").await.see("Protect acme/live").await;
    cockpit.press("audit<Enter>").await.see("is protected").await;
    assert!(called(&cockpit, "hold acme/live Protection true audit"));
    protect(&cockpit);
    cockpit.backend.tell(Event::Environment {
        name: name("acme/live"),
    });
    cockpit.see("protected: audit").await;
    cockpit.press("r").await.see("lift the protection first").await;
    cockpit.press("<Esc>p").await.see("Set by bert").await;
    cockpit.press("y").await.see("no longer protected").await;
    assert!(called(&cockpit, "hold acme/live Protection false "));
}

alike!(backups_outside_the_slots_can_be_extended_and_deleted);
async fn backups_outside_the_slots_can_be_extended_and_deleted() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit
        .press("x")
        .await
        .see("only upgrade and safety backups expire")
        .await;
    cockpit.press("<Esc>d").await.see("it holds a slot").await;
    cockpit.press("<Esc>jjx").await.see("its room stays taken").await;
    assert!(!called(&cockpit, "extend acme/live 5ad0c3b2"));
    cockpit
        .press("<Enter>")
        .await
        .see("is kept for another 48 hours")
        .await;
    assert!(called(&cockpit, "extend acme/live 5ad0c3b2"));
    cockpit.press("d").await.see("cannot be brought back").await;
    cockpit.press("n").await;
    cockpit.press("d<Enter>").await.see("Enter is not enough").await;
    cockpit.press("<Esc>").await;
    assert!(!called(&cockpit, "delete acme/live 5ad0c3b2"));
    cockpit.press("dy").await.see("is deleted").await;
    assert!(called(&cockpit, "delete acme/live 5ad0c3b2"));
    cockpit.press("v").await.see("is read back").await;
    assert!(!called(&cockpit, "verify acme/live 5ad0c3b2"));
    cockpit.press("y").await.see("has begun").await;
    assert!(called(&cockpit, "verify acme/live 5ad0c3b2"));
    cockpit.press("y").await.see("clipboard").await;
    let written = cockpit.copied.lock().unwrap().join("");
    assert!(
        written.starts_with("\x1b]52;c;") && written.ends_with('\x07'),
        "{written:?}"
    );
}

alike!(a_read_only_context_changes_nothing);
async fn a_read_only_context_changes_nothing() {
    let settings = CockpitSettings {
        read_only: true,
        ..settings()
    };
    let cockpit = Runner::start_with((80, 24), Fixture::new(), settings).await;
    cockpit.see("3b90aa17").await;
    for key in ["b", "r", "u", "v", "V", "U", "m", "p", "B"] {
        cockpit.press(key).await.see("is read-only").await;
        cockpit.press("<Esc>").await;
    }
    cockpit.press("n").await.see("Notifications").await;
    let asked = ["environment", "info", "jobs", "activity", "notifications"];
    for call in cockpit.calls() {
        assert!(asked.iter().any(|word| call.starts_with(word)), "{call}");
    }
}

alike!(the_filter_swallows_other_keys);
async fn the_filter_swallows_other_keys() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("/qb?uat").await.see("nothing fits").await;
    cockpit
        .press("<C-u>uat<Enter>")
        .await
        .see("only Live is backed up")
        .await;
    assert!(!cockpit.has("integration"));
    cockpit.press("/<Esc>").await.see("integration").await;
    assert!(!cockpit.calls().iter().any(|call| call.starts_with("backup")));
}

alike!(the_palette_finds_an_action_by_its_words);
async fn the_palette_finds_an_action_by_its_words() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit
        .press(":verify all<Enter>")
        .await
        .see("are read back and compared")
        .await;
    cockpit.press("<Enter>").await.see("has begun").await;
    assert!(called(&cockpit, "verify acme/live all"));
}

alike!(a_log_follows_what_comes);
async fn a_log_follows_what_comes() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("b<Enter>").await.see("Running jobs").await;
    cockpit.press("oL").await.see("every digest").await;
    let line = cockpit.backend.state().log[0].clone();
    cockpit.backend.state().log.extend((5..60).map(|number| {
        let mut line = line.clone();
        line.number = number;
        line.text = format!("line {number}");
        line
    }));
    cockpit.backend.move_on(32, |_| {});
    cockpit.see("line 59").await;
    assert!(called(&cockpit, "log 32 after 4"));
    cockpit.press("g").await.see("preparing: 3 instances").await;
}

alike!(a_lost_backend_is_tried_again_and_heard_again);
async fn a_lost_backend_is_tried_again_and_heard_again() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.backend.reachable(false);
    cockpit.see("disconnected").await;
    assert!(cockpit.has("3b90aa17"), "the last state stays on the screen");
    cockpit.backend.reachable(true);
    cockpit.see("● connected").await;
    cockpit.press("b<Enter>").await.see("Running jobs").await;
}

alike!(quitting_asks_while_a_job_runs_in_this_process);
async fn quitting_asks_while_a_job_runs_in_this_process() {
    let idle = cockpit((80, 24), unchanged).await;
    idle.press("q").await;
    assert!(idle.end().await.is_ok());
    let busy = cockpit((80, 24), unchanged).await;
    busy.press("b<Enter>").await.see("Running jobs").await;
    if WAY.get() == Way::Elsewhere {
        // A job of a service goes on without this cockpit.
        busy.press("q").await;
        return assert!(busy.end().await.is_ok());
    }
    busy.press("q").await.see("Quitting stops them").await;
    busy.press("<Esc>").await.see("Running jobs").await;
    busy.press("<C-c>").await.see("Quitting stops them").await;
    busy.press("y").await;
    assert!(busy.end().await.is_ok());
}

alike!(a_signal_ends_it);
async fn a_signal_ends_it() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.send(Input::Terminate).await;
    assert!(matches!(
        cockpit.end().await,
        Err(CockpitError::Ended(Ended::Asked))
    ));
}

alike!(a_panic_elsewhere_is_shown);
async fn a_panic_elsewhere_is_shown() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit
        .send(Input::Panicked("index out of bounds (engine.rs:7)".to_owned()))
        .await;
    cockpit.see("index out of bounds (engine.rs:7)").await;
}

alike!(suspending_gives_the_terminal_back);
async fn suspending_gives_the_terminal_back() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.press("<C-z>").await;
    assert_eq!(*cockpit.copied.lock().unwrap(), ["suspended"]);
    cockpit.writes.take();
    cockpit.send(Input::Continued).await;
    let (bytes, writes) = cost(&cockpit.writes);
    assert!(bytes > 1000 && writes == 1, "the whole screen is drawn again");
}

alike!(it_comes_back_from_a_terminal_that_was_too_small);
async fn it_comes_back_from_a_terminal_that_was_too_small() {
    let cockpit = cockpit((80, 24), unchanged).await;
    cockpit.resize(60, 20).await;
    cockpit.see("needs 80").await;
    cockpit.press("b").await;
    cockpit.resize(120, 36).await;
    cockpit.see("instance").await;
    assert!(
        !cockpit.has("Manual backup of"),
        "keys do nothing that cannot be seen"
    );
}

alike!(an_environment_without_backups_says_so_and_what_is_due);
async fn an_environment_without_backups_says_so_and_what_is_due() {
    let change = |late: bool, due: bool| {
        move |state: &mut State| {
            let mut details = two_projects::live("acme/live", Vec::new());
            details.summary.late = late;
            details.slot_schedules[2].due = due;
            state.environments.insert(name("acme/live"), details);
        }
    };
    for (late, due, words) in [
        (false, false, "no backup yet: b takes one"),
        (false, true, "no backup yet: daily is due now"),
        (true, true, "no backup yet, and late: daily is overdue"),
    ] {
        let cockpit = Runner::start((80, 24), Fixture::with(change(late, due))).await;
        cockpit.see(words).await;
        cockpit.press("i").await.see(words).await;
    }
    let due = |state: &mut State| {
        let acme = state.environments.get_mut(&name("acme/live")).unwrap();
        acme.slot_schedules[2].due = true;
    };
    let cockpit = cockpit((80, 24), due).await;
    cockpit.see("due now: daily").await;
}

alike!(jobs_of_other_cockpits_appear);
async fn jobs_of_other_cockpits_appear() {
    let cockpit = cockpit((80, 24), unchanged).await;
    let mut job = two_projects::job(
        50,
        "globex/live",
        JobKind::Restore,
        "restore of e2d4415c (weekly)",
    );
    job.progress = Some(two_projects::progress(Phase::SafetyBackup, 20));
    cockpit.backend.tell(Event::Job(Box::new(job)));
    cockpit.see("globex/live restore").await;
}

alike!(past_jobs_do_not_hide_the_one_that_runs);
async fn past_jobs_do_not_hide_the_one_that_runs() {
    let change = |state: &mut State| {
        let mut job = two_projects::job(40, "acme/live", JobKind::Backup, "manual backup");
        job.progress = Some(two_projects::progress(Phase::Copying, 43));
        let acme = state.environments.get_mut(&job.environment).unwrap();
        acme.summary.job = Some(job.clone());
        state.jobs.insert(0, job);
    };
    let cockpit = cockpit((80, 24), change).await;
    cockpit.press("J").await.see("Asked (UTC)").await;
    cockpit.press("<Esc>").await.see("Running jobs").await;
    let symbols = Theme::new(settings().theme, None, false).symbols;
    assert!(
        cockpit.has(&format!("{} live", symbols.running)) && cockpit.has("43 % │"),
        "{}",
        cockpit.text()
    );
}

alike!(time_is_the_callers);
async fn time_is_the_callers() {
    let settings = CockpitSettings {
        clock: Arc::new(|| two_projects::now() + chrono::Duration::days(2)),
        ..settings()
    };
    let cockpit = Runner::start_with((120, 36), Fixture::new(), settings).await;
    cockpit.see("(2 d ago)").await;
}
