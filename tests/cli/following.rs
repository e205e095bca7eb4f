//! Verbs that start a job: how it is followed, how it ends, how it is left.

use crate::fixture::{Fixture, Script};
use crate::harness::lifeboat;

const BACKUP: [&str; 4] = ["backup", "acme/live", "--note", "before the sale"];

#[test]
fn a_backup_is_followed_phase_by_phase() {
    insta::assert_snapshot!(lifeboat(&BACKUP).ends().transcript());
}

#[test]
fn a_restore_ends_with_the_way_back() {
    let arguments = ["restore", "acme/live", "daily", "--confirm", "acme/live"];
    insta::assert_snapshot!(lifeboat(&arguments).ends().transcript());
}

#[test]
fn undo_and_verify_are_followed_too() {
    let undo = lifeboat(&["undo", "acme/live", "--confirm", "acme/live"]).ends();
    let verify = lifeboat(&["verify", "acme/live", "weekly"]).ends();
    insta::assert_snapshot!(undo.transcript() + "\n" + &verify.transcript());
}

#[test]
fn a_database_is_undone_by_an_exchange_and_confirmed() {
    let on = |arguments: &[&str]| {
        lifeboat(arguments)
            .on(Fixture::on_a_database())
            .ends()
            .transcript()
    };
    let restore = on(&[
        "restore",
        "acme/live",
        "daily",
        "--confirm",
        "acme/live",
        "--without-safety-backup",
    ]);
    let undo = on(&["undo", "acme/live", "--confirm", "acme/live"]);
    let confirm = on(&["confirm", "acme/live"]);
    insta::assert_snapshot!([restore, undo, confirm].join("\n"));
}

#[test]
fn what_is_told_late_does_not_turn_the_job_back() {
    let ended = lifeboat(&BACKUP)
        .on(Fixture::playing(Script::EventsComeLate))
        .ends();
    let said: Vec<_> = ended
        .err
        .lines()
        .filter_map(|line| line.split("job 42  ").nth(1))
        .collect();
    assert_eq!(said, ["copying Live", "verifying", "retention"]);
}

#[test]
fn programs_get_one_object_at_the_end() {
    let ended = lifeboat(&["backup", "acme/live", "--json"]).ends();
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let value: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(value["job"]["id"], 42);
    assert_eq!(value["job"]["state"], "done");
    assert!(value["job"]["outcome"]["backup"].is_string());
}

#[test]
fn a_failed_job_is_exit_code_1_for_people_and_for_programs() {
    let failing = || Fixture::playing(Script::Fails);
    insta::assert_snapshot!(lifeboat(&BACKUP).on(failing()).ends().transcript());
    let ended = lifeboat(&["backup", "acme/live", "--json"]).on(failing()).ends();
    assert_eq!(ended.code, 1);
    let error: serde_json::Value = serde_json::from_str(ended.err.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"]["kind"], "failed");
    assert_eq!(error["error"]["job"], 42);
    let job: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(job["job"]["state"], "failed");
}

#[test]
fn ctrl_c_asks_the_job_to_stop_and_waits_for_it() {
    let ended = lifeboat(&BACKUP)
        .on(Fixture::playing(Script::StopsWhenAsked))
        .interrupted(1)
        .ends();
    assert_eq!(ended.code, 1);
    assert!(
        ended.err.contains("stops at its next safe point"),
        "{}",
        ended.err
    );
    assert!(
        ended.err.contains("was cancelled at a safe point"),
        "{}",
        ended.err
    );
}

#[test]
fn a_second_ctrl_c_leaves_at_once() {
    let ended = lifeboat(&BACKUP)
        .on(Fixture::playing(Script::GoesOn))
        .interrupted(2)
        .ends();
    assert_eq!(ended.code, 1);
    assert!(
        ended.err.contains("left job 42 before its end"),
        "{}",
        ended.err.replace('\n', " ")
    );
}

#[test]
fn a_terminal_gets_one_line_that_is_taken_away_at_the_end() {
    let ended = lifeboat(&BACKUP).on_a_terminal(60).ends();
    assert!(!ended.err.contains('\n'), "{:?}", ended.err);
    for frame in ended.err.split('\r') {
        assert!(frame.chars().count() < 60, "{frame:?}");
    }
    assert!(
        ended.err.is_empty() || ended.err.ends_with(" \r"),
        "{:?}",
        ended.err
    );
    assert!(ended.out.contains("the manual backup is done"));
}

#[test]
fn a_job_that_runs_elsewhere_is_detached_by_not_following_it() {
    let ended = lifeboat(&["backup", "acme/live", "--detach"]).ends();
    assert_eq!((ended.code, ended.out.as_str()), (0, "42\n"));
    assert!(ended.err.contains("lifeboat jobs 42"), "{}", ended.err);
    let ended = lifeboat(&["backup", "acme/live", "--detach", "--json"]).ends();
    let value: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(value["job"]["id"], 42);
}

#[test]
fn a_job_that_runs_here_is_detached_into_a_second_process() {
    // `echo` stands for the second Lifeboat: it prints what it was started with, and that is no number of a job.
    let ended = lifeboat(&["backup", "acme/live", "--detach"])
        .jobs_run_here("echo")
        .ends();
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("before it had started a job"), "{}", ended.err);
}

#[test]
fn the_second_process_says_the_number_and_is_silent_from_then_on() {
    let ended = lifeboat(&["--in-background", "backup", "acme/live"])
        .jobs_run_here("lifeboat")
        .ends();
    assert_eq!(
        (ended.code, ended.out.as_str(), ended.err.as_str()),
        (0, "42\n", "")
    );
}

#[test]
fn an_upgrade_needs_its_version_and_only_an_upgrade_has_one() {
    let ended = lifeboat(&["backup", "acme/live", "--trigger", "upgrade", "--to", "6.3.5"]).ends();
    assert!(
        ended.out.contains("backup before the upgrade to 6.3.5"),
        "{}",
        ended.out
    );
    assert_eq!(
        lifeboat(&["backup", "acme/live", "--trigger", "upgrade"])
            .ends()
            .code,
        2
    );
    assert_eq!(lifeboat(&["backup", "acme/live", "--to", "6.3.5"]).ends().code, 2);
}
