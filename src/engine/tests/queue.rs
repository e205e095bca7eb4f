//! The line of jobs: how many work at a time, who goes first, what those that wait are told, and how they end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use parking_lot::Mutex;

use super::house::{House, ended, until};
use crate::domain::caller::Caller;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::{JobId, JobKind, JobState, Outcome};
use crate::domain::principal::Principal;
use crate::domain::request::{HoldKind, HoldRequest, JobQuery};
use crate::domain::slot::Slot;
use crate::domain::stop::{StopReason, Unseen};
use crate::domain::waiting_line::{EngineLimits, Place};
use crate::engine::{Engine, EngineError};
use crate::watch::Watch as _;

const OTHERS: [&str; 5] = ["one", "two", "three", "four", "five"];

fn house(jobs: u16) -> House {
    let mut house = House::new();
    house.others = OTHERS.to_vec();
    house.limits = EngineLimits { jobs: Some(jobs) };
    house
}

fn name(environment: &str) -> EnvironmentName {
    EnvironmentName::new("acme", environment).unwrap()
}

fn maria() -> Principal {
    Principal::account("maria")
}

/// Jobs that do nothing, each for as long as the test wants.
struct Jobs {
    engine: Engine,
    begun: Receiver<&'static str>,
    begins: Sender<&'static str>,
    doors: Mutex<BTreeMap<&'static str, Sender<()>>>,
    at_work: Arc<Mutex<(usize, usize)>>,
}

impl Jobs {
    fn new(engine: &Engine) -> Self {
        let (begins, begun) = channel();
        Self {
            engine: engine.clone(),
            begun,
            begins,
            doors: Mutex::default(),
            at_work: Arc::default(),
        }
    }

    fn ask(&self, environment: &'static str, kind: JobKind, by: &Principal) -> Result<JobId, EngineError> {
        let (open, door) = channel();
        let (begins, at_work) = (self.begins.clone(), Arc::clone(&self.at_work));
        let engine = self.engine.acting_for(Caller::here(by));
        let id = engine
            .live(&name(environment))?
            .start(kind, environment, move |_, work| {
                {
                    let mut counts = at_work.lock();
                    counts.0 += 1;
                    counts.1 = counts.1.max(counts.0);
                }
                begins.send(environment).unwrap();
                // Ends as well when the test has gone.
                let _ = door.recv();
                at_work.lock().0 -= 1;
                if work.is_cancelled() {
                    return Err(EngineError::Cancelled);
                }
                Ok(Outcome::default())
            })?;
        self.doors.lock().insert(environment, open);
        Ok(id)
    }

    fn start(&self, environment: &'static str, kind: JobKind, by: &Principal) -> JobId {
        self.ask(environment, kind, by).unwrap()
    }

    /// The next one that begins.
    fn next(&self) -> &'static str {
        self.begun.recv().unwrap()
    }

    fn end(&self, environment: &'static str) {
        self.doors.lock().remove(environment);
    }

    fn waits(&self, id: JobId) -> Option<String> {
        self.engine.jobs().job(id).unwrap().state.waits_for()
    }
}

fn hold(engine: &Engine, environment: &str, on: bool) {
    let request = HoldRequest {
        environment: name(environment),
        hold: HoldKind::Maintenance,
        on,
        reason: None,
    };
    engine.live(&name(environment)).unwrap().hold(&request).unwrap();
}

#[test]
fn those_that_wait_are_told_their_place_and_go_in_order() {
    let house = house(1);
    let engine = house.engine();
    let jobs = Jobs::new(&engine);
    jobs.start("one", JobKind::Verify, &maria());
    assert_eq!(jobs.next(), "one");
    let scheduled = jobs.start("two", JobKind::Verify, &Principal::Schedule);
    let drill = jobs.start("three", JobKind::Drill, &maria());
    let first = jobs.start("four", JobKind::Verify, &maria());
    let second = jobs.start("five", JobKind::Verify, &maria());
    assert_eq!(jobs.waits(scheduled).unwrap(), "waiting for its turn: 4th of 4");
    assert_eq!(jobs.waits(drill).unwrap(), "waiting for its turn: 3rd of 4");
    assert_eq!(jobs.waits(second).unwrap(), "waiting for its turn: 2nd of 4");
    let JobState::Waiting { place, .. } = engine.jobs().job(first).unwrap().state else {
        panic!("it waits");
    };
    assert_eq!(place, Some(Place { number: 1, of: 4 }));
    // One job at a time on an environment, also on one that waits (rule 8).
    assert!(matches!(
        jobs.ask("five", JobKind::Verify, &maria()),
        Err(EngineError::Refused(_))
    ));
    jobs.end("one");
    for (environment, then) in [
        ("four", drill),
        ("five", drill),
        ("three", scheduled),
        ("two", scheduled),
    ] {
        assert_eq!(jobs.next(), environment);
        // Those behind are told where they stand by now.
        let place = match environment {
            "four" => "2nd of 3",
            "five" => "1st of 2",
            "three" => "1st of 1",
            _ => "",
        };
        if !place.is_empty() {
            let told = format!("waiting for its turn: {place}");
            until(&engine, || jobs.waits(then).unwrap() == told);
        }
        jobs.end(environment);
    }
    engine.jobs().wait_for_all();
    assert_eq!(engine.jobs().job(scheduled).unwrap().state, JobState::Done);
    assert_eq!(jobs.at_work.lock().1, 1, "never two at a time");
}

#[test]
fn a_restore_goes_first_and_does_not_wait_for_a_job_that_never_ends() {
    let house = house(1);
    let engine = house.engine();
    let jobs = Jobs::new(&engine);
    jobs.start("one", JobKind::Verify, &Principal::Schedule);
    assert_eq!(jobs.next(), "one");
    jobs.start("two", JobKind::Verify, &maria());
    jobs.start("three", JobKind::Restore, &maria());
    assert_eq!(jobs.next(), "three", "beside the one that is at work");
    let undo = jobs.start("four", JobKind::Undo, &maria());
    assert_eq!(jobs.waits(undo).unwrap(), "waiting for its turn: 1st of 2");
    jobs.end("three");
    assert_eq!(jobs.next(), "four");
    jobs.end("four");
    engine.jobs().wait_for(undo);
    jobs.end("one");
    assert_eq!(jobs.next(), "two");
    jobs.end("two");
    engine.jobs().wait_for_all();
    assert_eq!(jobs.at_work.lock().1, 2, "the limit, and one restore more");
}

#[test]
fn a_job_that_waits_is_cancelled_at_once_from_here_and_from_another_lifeboat() {
    let house = house(1);
    let engine = house.engine();
    let other = house.engine();
    let jobs = Jobs::new(&engine);
    jobs.start("one", JobKind::Verify, &maria());
    assert_eq!(jobs.next(), "one");
    for asks in [&engine, &other] {
        let waits = jobs.start("two", JobKind::Verify, &maria());
        let behind = jobs.start("three", JobKind::Verify, &maria());
        asks.jobs().cancel(waits).unwrap();
        let job = ended(&engine, waits);
        assert_eq!(job.state, JobState::Cancelled);
        assert_eq!(job.stop_reason, Some(StopReason::Asked { by: maria() }));
        assert_eq!(job.began, None);
        asks.jobs().cancel(behind).unwrap();
        engine.jobs().wait_for(behind);
    }
    jobs.end("one");
    engine.jobs().wait_for_all();
    assert!(jobs.begun.try_recv().is_err(), "no other has begun");
}

#[test]
fn an_engine_that_is_closed_begins_none_of_those_that_wait() {
    let house = house(1);
    let engine = house.engine();
    let jobs = Jobs::new(&engine);
    let at_work = jobs.start("one", JobKind::Verify, &maria());
    assert_eq!(jobs.next(), "one");
    let waiting = ["two", "three"].map(|environment| jobs.start(environment, JobKind::Verify, &maria()));
    let closing = {
        let engine = engine.clone();
        thread::spawn(move || engine.jobs().close(&StopReason::Signal))
    };
    for id in waiting {
        let job = ended(&engine, id);
        assert_eq!(job.state, JobState::Cancelled);
        assert_eq!(job.stop_reason, Some(StopReason::Signal));
    }
    until(&engine, || engine.jobs().job(at_work).unwrap().cancel_asked);
    jobs.end("one");
    closing.join().unwrap();
    assert_eq!(engine.jobs().at_work(), []);
    assert!(jobs.begun.try_recv().is_err(), "no other has begun");
    // What is asked for afterwards begins as ever.
    jobs.start("two", JobKind::Verify, &maria());
    assert_eq!(jobs.next(), "two");
    jobs.end("two");
    engine.jobs().wait_for_all();
}

#[test]
fn where_nobody_looks_on_those_that_wait_end_and_the_others_go_on() {
    let house = house(1);
    let engine = house.engine();
    let jobs = Jobs::new(&engine);
    let at_work = jobs.start("one", JobKind::Verify, &maria());
    assert_eq!(jobs.next(), "one");
    let waits = jobs.start("two", JobKind::Verify, &maria());
    engine.jobs().go_on_unseen(Unseen::TerminalGone);
    assert_eq!(ended(&engine, waits).stop_reason, Some(StopReason::TerminalGone));
    // One that was being asked for when the terminal went does not wait either.
    let late = jobs.start("three", JobKind::Verify, &maria());
    assert_eq!(ended(&engine, late).stop_reason, Some(StopReason::TerminalGone));
    jobs.end("one");
    assert_eq!(ended(&engine, at_work).state, JobState::Done);
    let log = |id| {
        let lines = engine.catalog().log_after(id, 0).unwrap();
        let told = |line: &&crate::domain::job::LogLine| line.text.contains("goes on without a screen");
        lines.iter().filter(told).count()
    };
    assert_eq!([at_work, waits, late].map(log), [1, 0, 0]);
}

#[test]
fn a_job_in_maintenance_takes_nobodys_place_and_finds_its_own_again() {
    let house = house(1);
    let engine = house.engine();
    let jobs = Jobs::new(&engine);
    jobs.start("one", JobKind::Verify, &maria());
    assert_eq!(jobs.next(), "one");
    hold(&engine, "two", true);
    let held = jobs.start("two", JobKind::Verify, &maria());
    let behind = jobs.start("three", JobKind::Verify, &maria());
    assert!(jobs.waits(held).unwrap().contains("maintenance"));
    assert_eq!(jobs.waits(behind).unwrap(), "waiting for its turn: 1st of 1");
    hold(&engine, "two", false);
    until(&engine, || {
        jobs.waits(held).unwrap() == "waiting for its turn: 1st of 2"
    });
    // It may come while a job waits.
    hold(&engine, "two", true);
    jobs.end("one");
    assert_eq!(jobs.next(), "three");
    hold(&engine, "two", false);
    jobs.end("three");
    assert_eq!(jobs.next(), "two");
    jobs.end("two");
    engine.jobs().wait_for_all();
}

#[test]
fn of_what_is_due_only_as_much_becomes_jobs_as_there_is_room_for_the_longest_overdue_first() {
    let house = house(2);
    let engine = house.engine();
    let all = || {
        let mut jobs = engine.catalog().jobs(&JobQuery::default()).unwrap();
        jobs.reverse();
        jobs
    };
    let gate = Jobs::new(&engine);
    gate.start("one", JobKind::Verify, &maria());
    assert_eq!(gate.next(), "one");
    for looks in 1..=5 {
        engine.schedule().start_what_is_due();
        let scheduled: Vec<_> = all()
            .into_iter()
            .filter(|job| job.by == Principal::Schedule)
            .collect();
        assert_eq!(scheduled.len(), looks, "one place is left");
        engine.jobs().wait_for(scheduled.last().unwrap().id);
    }
    gate.end("one");
    engine.jobs().wait_for_all();
    let became_due = |name: &EnvironmentName| {
        let settings = engine.settings(name).unwrap();
        settings
            .schedule
            .period_of(name, Slot::Daily, engine.now())
            .unwrap()
    };
    let began: Vec<_> = all()
        .into_iter()
        .filter(|job| job.by == Principal::Schedule)
        .map(|job| became_due(&job.environment))
        .collect();
    assert_eq!(began.len(), 5);
    assert!(began.is_sorted(), "{began:?}");
}
