//! The line to the terminal drops while a job runs: the job comes to its end, and says that nobody looked on. All of it on
//! a real pseudo-terminal that is really cut off, and looked at from another process.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod house;
mod line;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use house::{House, LIFEBOAT};
use line::Line;

const RESTORE: [&str; 5] = ["restore", "acme/live", "manual", "--confirm", "acme/live"];

/// Where a restore is held until the line is cut: before its safety backup is done, when all is staged, and after the
/// switch.
const HOOKS: [&str; 3] = ["before_backup", "before_restore", "after_restore"];

/// Opens the cockpit, and restores the manual backup as a person does.
fn restoring(house: &House) -> Line {
    let mut line = house.line(&[]);
    line.answers("24 B", "r");
    line.answers("choose a backup", "j");
    line.answers("▸ manual", "\r");
    line.answers("Space leaves one out", "\r");
    line.answers("takes  ", "\r");
    line.answers("Type acme/live", "acme/live");
    line.answers("› acme/live", "\r");
    house.reached();
    line
}

#[test]
fn a_restore_of_the_cockpit_comes_to_its_end_wherever_the_line_drops() {
    for hook in HOOKS {
        let house = House::waiting_at(hook, "restore");
        let mut cockpit = restoring(&house).cut();
        house.open();
        assert!(
            !cockpit.ends_well(),
            "whoever waits learns that it was not left by hand"
        );
        house.is_restored_unseen();
    }
}

#[test]
fn asked_to_end_the_cockpit_without_a_screen_stops_its_job_at_a_safe_point() {
    let house = House::waiting_at("before_restore", "restore");
    let before = house.live();
    let mut cockpit = restoring(&house).cut();
    house.notes(2, house::UNSEEN);
    cockpit.signal(Signal::TERM);
    assert!(!cockpit.ends_well());
    assert_eq!(house.job(2)["job"]["stop_reason"]["reason"], "signal");
    assert_eq!(house.job(2)["job"]["state"], "cancelled");
    house.tells(2, "was cancelled, since a signal asked");
    assert_eq!(house.live(), before);
}

#[test]
fn a_verb_comes_to_the_end_of_its_job_wherever_the_line_drops() {
    for hook in HOOKS {
        let house = House::waiting_at(hook, "restore");
        let line = house.line(&RESTORE);
        house.reached();
        let mut verb = line.cut();
        house.open();
        assert!(verb.ends_well(), "the job is done");
        house.is_restored_unseen();
    }
}

#[test]
fn a_verb_comes_to_its_end_in_the_middle_of_a_phase_and_prints_where_there_is_no_terminal() {
    for phase in ["safety backup", "staging beside Live"] {
        let house = House::waiting_at("before_restore", "restore");
        let said = house.path("said");
        let script = format!("exec \"$0\" \"$@\" 2>'{}'", said.display());
        let arguments = [&["-c", script.as_str(), LIFEBOAT], &RESTORE[..]].concat();
        let line = house.line_to("sh", &arguments);
        house.says(phase);
        let mut verb = line.cut();
        house.reached();
        house.open();
        assert!(verb.ends_well(), "the job is done");
        house.is_restored_unseen();
    }
}

#[test]
fn a_terminal_that_goes_without_a_signal_ends_no_job_either() {
    let house = House::waiting_at_each(&["before_backup", "after_restore"], "restore");
    let ignoring = ["-c", "trap '' HUP; exec \"$0\" \"$@\"", LIFEBOAT];
    let line = house.line_to("sh", &[&ignoring[..], &RESTORE].concat());
    house.reached();
    let mut verb = line.cut();
    house.open();
    // By now it has something new to show, for as long as the job stands there, and notices that nobody sees it.
    house.reached();
    house.notes(2, house::UNSEEN);
    house.open();
    assert!(verb.ends_well(), "the job is done");
    house.is_restored_unseen();
}

#[test]
fn a_reader_that_goes_ends_no_job() {
    let house = House::waiting_at("before_restore", "restore");
    let mut verb = house
        .command(&RESTORE)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((verb.stdout.take(), verb.stderr.take()));
    let gone =
        "whoever read the output of the Lifeboat that it runs in went away; it goes on without a screen";
    house.notes(2, gone);
    house.reached();
    house.open();
    assert!(verb.wait().unwrap().success());
    house.is_restored();
    house.tells(2, gone);
    // What is said before it begins is not heard by anybody either.
    let mut undo = house
        .command(&["undo", "acme/live", "--confirm", "acme/live"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop((undo.stdout.take(), undo.stderr.take()));
    assert!(undo.wait().unwrap().success());
    assert_eq!(house.job(3)["job"]["kind"], "undo");
    assert_eq!(house.job(3)["job"]["state"], "done");
}

#[test]
fn a_job_that_waits_keeps_no_process_that_nobody_sees() {
    let house = House::waiting_at("before_backup", "restore");
    let held = house.runs(&["maintenance", "acme/live", "--reason", "moving disks"]);
    assert!(held.0, "{}", held.1);
    let line = house.line(&["backup", "acme/live"]);
    line.shows("moving disks");
    assert!(!line.cut().ends_well());
    assert_eq!(house.job(2)["job"]["stop_reason"]["reason"], "terminal_gone");
    house.tells(
        2,
        "was cancelled, since the terminal of the Lifeboat that it runs in went away",
    );
}

#[test]
fn a_service_that_loses_its_terminal_ends_in_order() {
    let house = House::waiting_at("before_backup", "restore");
    let line = house.line(&["serve"]);
    line.shows("\"ready\"");
    assert!(line.cut().ends_well());
    // The same signal, without a terminal that has gone, asks for something else.
    let started = house.command(&["serve"]).stderr(Stdio::piped()).spawn();
    let mut service = started.unwrap();
    let mut lines = BufReader::new(service.stderr.take().unwrap()).lines();
    let mut until = |text: &str| {
        let found = lines.any(|line| line.unwrap().contains(text));
        assert!(found, "it ended without \"{text}\"");
    };
    until("\"ready\"");
    kill_process(Pid::from_child(&service), Signal::HUP).unwrap();
    until("the configuration was read again");
    kill_process(Pid::from_child(&service), Signal::TERM).unwrap();
    until("\"stopped\"");
    assert!(service.wait().unwrap().success());
}

#[test]
fn what_is_typed_while_a_demo_makes_its_sandbox_does_nothing_later() {
    let folder = tempfile::tempdir().unwrap();
    let temporary = folder.path().to_str().unwrap();
    let mut line = Line::to(LIFEBOAT.as_ref(), &["demo"], &[("TMPDIR", temporary)]);
    // Taken for a key, it would leave the cockpit before anybody has seen it. It is not waited for the screen to stand
    // still: where the steps follow each other quickly, it does so only once the cockpit is there.
    line.shows("Making a sandbox");
    line.types("q");
    line.answers("● connected", "?");
    line.answers("─ Help", "q");
    assert!(line.ends_well());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_demo_that_loses_its_terminal_leaves_nothing() {
    for moment in ["Making a sandbox", "● connected"] {
        let folder = tempfile::tempdir().unwrap();
        let temporary = folder.path().to_str().unwrap();
        let line = Line::to(LIFEBOAT.as_ref(), &["demo"], &[("TMPDIR", temporary)]);
        line.shows(moment);
        assert!(!line.cut().ends_well());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{moment}");
    }
}
