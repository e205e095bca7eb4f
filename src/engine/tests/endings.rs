//! Jobs that are stopped say why, everywhere and by whom; jobs that nobody looks on at any more come to their end.
//!
//! The hooks of these tests wait at pipes, so that each thing happens while the job is where the test wants it.

use std::fs;
use std::path::PathBuf;
use std::thread;

use super::changes::Changes;
use super::hooks::fifo;
use super::house::{
    House, OfHouse, back_up, backups, done, ended, everything, manual, request, start_restore, until,
};
use super::rules::hold;
use crate::domain::activity::Activity;
use crate::domain::job::{Job, JobId, JobState};
use crate::domain::principal::Principal;
use crate::domain::request::HoldKind;
use crate::domain::stop::{StopReason, Unseen};
use crate::engine::Engine;

/// A place at which a hook waits.
struct Gate {
    reached: PathBuf,
    open: PathBuf,
}

impl Gate {
    fn new(house: &House, name: &str) -> Self {
        Self {
            reached: fifo(house, &format!("{name}-reached")),
            open: fifo(house, &format!("{name}-open")),
        }
    }

    /// The hook that waits here when it is run for the author by this kind of job.
    fn hook(&self, trigger: &str) -> Vec<String> {
        let script = format!(
            "[ $LIFEBOAT_TRIGGER$LIFEBOAT_INSTANCE = {trigger}author ] || exit 0; echo > '{}'; cat '{}'",
            self.reached.display(),
            self.open.display()
        );
        ["sh", "-c", &script].map(str::to_owned).to_vec()
    }

    /// Waits until the hook is there.
    fn reached(&self) {
        fs::read(&self.reached).unwrap();
    }

    /// Lets it go on.
    fn open(&self) {
        fs::write(&self.open, "go").unwrap();
    }
}

#[test]
fn a_job_that_has_ended_tells_how_many_bytes_it_went_through() {
    let house = House::new();
    let engine = house.engine();
    back_up(&engine);
    let query = crate::domain::request::JobQuery {
        limit: 1,
        ..Default::default()
    };
    let job = engine.catalog().jobs(&query).unwrap().remove(0);
    let bytes = backups(&engine)[0].manifest.bytes();
    let progress = job.progress.unwrap();
    assert!(progress.bytes_done >= bytes, "{progress:?}");
}

fn reasons() -> [StopReason; 8] {
    let by = || Principal::account("olga");
    [
        StopReason::Asked { by: by() },
        StopReason::CockpitLeft { by: by() },
        StopReason::ContextChanged { by: by() },
        StopReason::Signal,
        StopReason::TerminalGone,
        StopReason::ReaderGone,
        StopReason::ServiceStopped,
        StopReason::DemoEnded,
    ]
}

fn log(engine: &Engine, id: JobId) -> Vec<String> {
    let lines = engine.catalog().log_after(id, 0).unwrap();
    lines.into_iter().map(|line| line.text).collect()
}

/// What the activity log tells of a job, newest first.
fn activity(engine: &Engine, id: JobId) -> Vec<Activity> {
    let all = engine.catalog().activity(50).unwrap();
    all.into_iter().filter(|entry| entry.job == Some(id)).collect()
}

fn tells(lines: &[String], text: &str) -> usize {
    lines.iter().filter(|line| line.contains(text)).count()
}

fn assert_told(engine: &Engine, job: &Job, reason: &StopReason) {
    assert_eq!(job.state, JobState::Cancelled);
    assert_eq!(job.stop_reason.as_ref(), Some(reason));
    let since = format!("since {reason}");
    let log = log(engine, job.id);
    assert_eq!(
        tells(&log, &since),
        2,
        "when it is asked and when it has stopped: {log:#?}"
    );
    let activity = activity(engine, job.id);
    assert_eq!(
        activity[0].what,
        format!("{} was cancelled, {since}; nothing was changed", job.title)
    );
    let news = engine.catalog().notifications(1).unwrap();
    assert!(news[0].text.contains(&since), "{news:?}");
    if let StopReason::Asked { by } = reason {
        assert_eq!(&activity[1].by, by);
    } else {
        assert_eq!(activity[1].by, Principal::Lifeboat);
        assert!(activity[1].what.contains(&since), "{activity:#?}");
    }
}

#[test]
pub(super) fn whatever_stops_a_job_is_told_in_the_job_its_log_and_the_activity() {
    let mut house = House::new();
    let gate = Gate::new(&house, "before");
    house.hooks.before_backup = gate.hook("person");
    let engine = house.engine();
    // As if asked from here, and from another Lifeboat on the same machine.
    let other = house.engine();
    for (asks, reason) in [&engine, &other].iter().cycle().zip(reasons()) {
        let job = engine.of_house().start_backup(&manual()).unwrap();
        gate.reached();
        asks.jobs().stop(job, &reason).unwrap();
        // The first reason is the one that stops it.
        let _ = asks.jobs().stop(job, &StopReason::LockLost);
        assert_told(&engine, &ended(&engine, job), &reason);
    }
    assert_eq!(backups(&engine), []);
}

#[test]
fn an_engine_that_is_closed_gives_every_job_its_reason_and_begins_nothing_more() {
    let mut house = House::new();
    let gate = Gate::new(&house, "before");
    house.hooks.before_backup = gate.hook("person");
    let engine = house.engine();
    let job = engine.of_house().start_backup(&manual()).unwrap();
    gate.reached();
    engine.jobs().close(&StopReason::Signal);
    assert_eq!(engine.jobs().at_work(), []);
    assert_told(&engine, &ended(&engine, job), &StopReason::Signal);
    // A look at the schedule that was under way begins nothing behind it.
    engine.schedule().start_what_is_due();
    engine.of_house().start_if_due();
    assert_eq!(engine.jobs().at_work(), []);
}

#[test]
fn a_job_past_its_last_safe_point_is_finished_and_says_so() {
    let mut house = House::new();
    let gate = Gate::new(&house, "after");
    house.hooks.after_restore = gate.hook("restore");
    let engine = house.engine();
    back_up(&engine);
    let whole = house.content();
    house.write("author", "website/page-0.xml", "broken");
    let job = start_restore(&engine, &request("manual", everything())).unwrap();
    gate.reached();
    let written = Changes::in_folder(&house.path("state"));
    let closing = {
        let engine = engine.clone();
        thread::spawn(move || engine.jobs().close(&StopReason::Signal))
    };
    // It waits for the job, and has written that down in the catalog.
    written.until(60, || {
        let told = tells(&log(&engine, job), "is finished first, although a signal asked");
        (told > 0).then_some(())
    });
    gate.open();
    closing.join().unwrap();
    assert_eq!(done(&engine, job).stop_reason, None);
    assert_eq!(house.content(), whole);
}

/// Starts a restore whose author waits at this gate, and lets the terminal go there.
fn unseen_at(gate: &Gate, house: &House, engine: &Engine) -> JobId {
    back_up(engine);
    let whole = house.content();
    house.write("author", "website/page-0.xml", "broken");
    let job = start_restore(engine, &request("manual", everything())).unwrap();
    gate.reached();
    for _ in 0..2 {
        engine.jobs().go_on_unseen(Unseen::TerminalGone);
    }
    gate.open();
    engine.jobs().wait_for_all();
    done(engine, job);
    assert_eq!(house.content(), whole);
    job
}

#[test]
fn a_restore_goes_on_to_its_end_where_nobody_looks_on_and_notes_that_once() {
    for point in ["safety", "switch", "hooks"] {
        let mut house = House::new();
        let gate = Gate::new(&house, point);
        let hook = gate.hook("restore");
        match point {
            "safety" => house.hooks.before_backup = hook,
            "switch" => house.hooks.before_restore = hook,
            _ => house.hooks.after_restore = hook,
        }
        let engine = house.engine();
        let job = unseen_at(&gate, &house, &engine);
        let gone = "the terminal of the Lifeboat that it runs in went away; it goes on without a screen";
        let log = log(&engine, job);
        assert_eq!(tells(&log, gone), 1, "{point}: {log:#?}");
        let noted: Vec<_> = activity(&engine, job)
            .into_iter()
            .filter(|entry| entry.what.contains(gone))
            .collect();
        assert_eq!(noted.len(), 1, "{point}");
        assert_eq!(noted[0].by, Principal::Lifeboat);
    }
}

#[test]
fn where_nobody_looks_on_nothing_is_begun_by_schedule_and_what_is_begun_says_so() {
    let house = House::new();
    let engine = house.engine();
    engine.jobs().go_on_unseen(Unseen::ReaderGone);
    engine.schedule().start_what_is_due();
    assert_eq!(engine.jobs().at_work(), []);
    assert_eq!(backups(&engine), []);
    // One that was being started when the terminal went.
    let job = engine.of_house().start_backup(&manual()).unwrap();
    done(&engine, job);
    let log = log(&engine, job);
    assert_eq!(tells(&log, "whoever read the output"), 1, "{log:#?}");
}

#[test]
fn a_job_that_waits_does_not_wait_where_nobody_looks_on() {
    let house = House::new();
    let engine = house.engine();
    hold(&engine, HoldKind::Maintenance, true);
    let waits = |id| matches!(engine.jobs().job(id).unwrap().state, JobState::Waiting { why, .. } if why.contains("maintenance"));
    let job = engine.of_house().start_backup(&manual()).unwrap();
    until(&engine, || waits(job));
    engine.jobs().go_on_unseen(Unseen::TerminalGone);
    engine.jobs().wait_for_all();
    assert_told(&engine, &ended(&engine, job), &StopReason::TerminalGone);
    let log = log(&engine, job);
    assert_eq!(tells(&log, "goes on without a screen"), 0, "{log:#?}");
    // One that was being started when the terminal went does not wait either.
    let late = engine.of_house().start_backup(&manual()).unwrap();
    assert_eq!(ended(&engine, late).stop_reason, Some(StopReason::TerminalGone));
}
