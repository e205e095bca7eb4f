//! Verbs that start a job: how it is followed, how it ends, how it is left.

use std::io;

use lifeboat::cli::Interrupt;
use lifeboat::domain::stop::Unseen;

use crate::harness::{alike, lifeboat};
use crate::made_up::Script;
use crate::made_up::one_project::{on_a_database, playing};

const BACKUP: [&str; 4] = ["backup", "acme/live", "--note", "before the sale"];

alike!(a_backup_is_followed_phase_by_phase);
fn a_backup_is_followed_phase_by_phase() {
    insta::assert_snapshot!(
        "a_backup_is_followed_phase_by_phase",
        lifeboat(&BACKUP).ends().transcript()
    );
}

alike!(a_restore_ends_with_the_way_back);
fn a_restore_ends_with_the_way_back() {
    let arguments = ["restore", "acme/live", "daily", "--confirm", "acme/live"];
    insta::assert_snapshot!(
        "a_restore_ends_with_the_way_back",
        lifeboat(&arguments).ends().transcript()
    );
}

alike!(warnings_of_the_plan_come_before_the_restore);
fn warnings_of_the_plan_come_before_the_restore() {
    let ended = lifeboat(&["restore", "acme/live", "daily", "--confirm", "acme/live"]).ends();
    let (warned, began) = (ended.err.find("warning: "), ended.err.find("job 42"));
    assert!(warned.is_some() && warned < began, "{}", ended.err);
}

alike!(on_a_terminal_the_name_is_asked_for);
fn on_a_terminal_the_name_is_asked_for() {
    let restore = lifeboat(&["restore", "acme/live", "daily"])
        .typing("acme/live\n")
        .ends();
    assert_eq!(restore.code, 0, "{}", restore.err);
    assert!(
        restore.out.starts_with("the restore of daily is done"),
        "{}",
        restore.out
    );
    // How far it is by then depends on when it is asked.
    let before_it_began = restore.err.split("type acme/live: ").next().unwrap();
    assert_eq!(
        before_it_began,
        "warning: Live runs release v13 and the backup is of v12: deploy v12 after the\nrestore\n\
         backup b1234567 (daily) of 2026-11-23 02:10 UTC: 12 items to add, 3 to change, 1\nto remove\n\
         To restore it, "
    );
    for verb in [&["restore", "acme/live", "daily"][..], &["undo", "acme/live"]] {
        for typed in ["acme/lvie\n", "\n", ""] {
            let refused = lifeboat(verb).typing(typed).ends();
            assert_eq!(refused.code, 3, "{verb:?} {typed:?}: {}", refused.err);
        }
        // Nobody answers where nobody is.
        let refused = lifeboat(verb).ends();
        assert_eq!(refused.code, 3);
        assert!(!refused.err.contains(", type "), "{}", refused.err);
    }
    let undo = lifeboat(&["undo", "acme/live"]).typing("acme/live\n").ends();
    assert_eq!(undo.code, 0, "{}", undo.err);
}

alike!(undo_and_verify_are_followed_too);
fn undo_and_verify_are_followed_too() {
    let undo = lifeboat(&["undo", "acme/live", "--confirm", "acme/live"]).ends();
    let verify = lifeboat(&["verify", "acme/live", "weekly"]).ends();
    insta::assert_snapshot!(
        "undo_and_verify_are_followed_too",
        undo.transcript() + "\n" + &verify.transcript()
    );
}

alike!(a_database_is_undone_by_an_exchange_and_confirmed);
fn a_database_is_undone_by_an_exchange_and_confirmed() {
    let on = |arguments: &[&str]| lifeboat(arguments).on(on_a_database()).ends().transcript();
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
    insta::assert_snapshot!(
        "a_database_is_undone_by_an_exchange_and_confirmed",
        [restore, undo, confirm].join("\n")
    );
}

alike!(what_is_told_late_does_not_turn_the_job_back);
fn what_is_told_late_does_not_turn_the_job_back() {
    let ended = lifeboat(&BACKUP).on(playing(Script::EventsComeLate)).ends();
    let said: Vec<_> = ended
        .err
        .lines()
        .filter_map(|line| line.split("job 42  ").nth(1))
        .collect();
    assert_eq!(said, ["copying Live", "verifying", "retention"]);
}

alike!(programs_get_one_object_at_the_end);
fn programs_get_one_object_at_the_end() {
    let ended = lifeboat(&["backup", "acme/live", "--json"]).ends();
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    let value: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(value["job"]["id"], 42);
    assert_eq!(value["job"]["state"], "done");
    assert!(value["job"]["outcome"]["backup"].is_string());
}

alike!(a_failed_job_is_exit_code_1_for_people_and_for_programs);
fn a_failed_job_is_exit_code_1_for_people_and_for_programs() {
    let failing = || playing(Script::Fails);
    insta::assert_snapshot!(
        "a_failed_job_is_exit_code_1_for_people_and_for_programs",
        lifeboat(&BACKUP).on(failing()).ends().transcript()
    );
    let ended = lifeboat(&["backup", "acme/live", "--json"]).on(failing()).ends();
    assert_eq!(ended.code, 1);
    let error: serde_json::Value = serde_json::from_str(ended.err.lines().last().unwrap()).unwrap();
    assert_eq!(error["error"]["kind"], "failed");
    assert_eq!(error["error"]["job"], 42);
    let job: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(job["job"]["state"], "failed");
}

alike!(ctrl_c_asks_the_job_to_stop_and_waits_for_it);
fn ctrl_c_asks_the_job_to_stop_and_waits_for_it() {
    let ended = lifeboat(&BACKUP)
        .on(playing(Script::StopsWhenAsked))
        .interrupted(&[Interrupt::CtrlC])
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

alike!(a_job_that_waits_says_how_to_end_that);
fn a_job_that_waits_says_how_to_end_that() {
    let waits = |run: crate::harness::Run| {
        run.on(playing(Script::StopsWhenAsked))
            .interrupted(&[Interrupt::CtrlC])
            .ends()
            .err
    };
    let ways = "`lifeboat maintenance acme/live --off` ends the maintenance mode, `lifeboat cancel 42` cancels the job.";
    for told in [
        waits(lifeboat(&BACKUP)),
        waits(lifeboat(&BACKUP).on_a_terminal(60)),
    ] {
        let told = told.replace('\n', " ");
        assert_eq!(told.matches(ways).count(), 1, "{told}");
    }
}

alike!(a_second_ctrl_c_leaves_at_once);
fn a_second_ctrl_c_leaves_at_once() {
    let ended = lifeboat(&BACKUP)
        .on(playing(Script::GoesOn))
        .interrupted(&[Interrupt::CtrlC; 2])
        .ends();
    assert_eq!(ended.code, 1);
    assert!(
        ended.err.contains("left job 42 before its end"),
        "{}",
        ended.err.replace('\n', " ")
    );
}

#[test]
fn a_signal_that_asks_the_process_to_end_stops_its_job_and_is_the_reason() {
    let ended = lifeboat(&BACKUP)
        .on(playing(Script::StopsWhenAsked))
        .jobs_run_here("lifeboat")
        .interrupted(&[Interrupt::Terminate])
        .ends();
    assert_eq!(ended.code, 1);
    let said = ended.err.replace('\n', " ");
    assert!(
        said.contains("cancelled at a safe point, since a signal asked"),
        "{said}"
    );
}

#[test]
fn a_job_of_this_process_goes_on_to_its_end_when_the_terminal_goes() {
    for arguments in [&BACKUP[..], &["backup", "acme/live", "--json"]] {
        // Twice, as the kernel and the shell tell it.
        let ended = lifeboat(arguments)
            .on(playing(Script::EndsUnseen))
            .jobs_run_here("lifeboat")
            .on_a_terminal(60)
            .interrupted(&[Interrupt::HungUp; 2])
            .ends();
        assert_eq!((ended.code, ended.unseen), (0, Some(Unseen::TerminalGone)));
        assert_eq!(ended.out, "", "there is no terminal to print on");
    }
}

#[test]
fn what_is_printed_elsewhere_than_on_the_terminal_is_printed_without_it() {
    let ended = lifeboat(&["backup", "acme/live", "--json"])
        .on(playing(Script::EndsUnseen))
        .jobs_run_here("lifeboat")
        .interrupted(&[Interrupt::HungUp])
        .ends();
    assert_eq!((ended.code, ended.unseen), (0, Some(Unseen::TerminalGone)));
    let value: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(value["job"]["state"], "done");
}

#[test]
fn a_terminal_that_only_takes_nothing_any_more_ends_no_job_of_this_process() {
    let ended = lifeboat(&BACKUP)
        .on(playing(Script::EndsUnseen))
        .jobs_run_here("lifeboat")
        .on_a_terminal(60)
        .said_to_nobody(io::ErrorKind::Other)
        .ends();
    assert_eq!((ended.code, ended.unseen), (0, Some(Unseen::TerminalGone)));
}

#[test]
fn a_reader_that_goes_ends_no_job_of_this_process_and_hides_no_failure() {
    for (script, code) in [(Script::EndsUnseen, 0), (Script::FailsUnseen, 1)] {
        let ended = lifeboat(&BACKUP)
            .on(playing(script))
            .jobs_run_here("lifeboat")
            .said_to_nobody(io::ErrorKind::BrokenPipe)
            .ends();
        assert_eq!((ended.code, ended.unseen), (code, Some(Unseen::ReaderGone)));
    }
    let failed = lifeboat(&["backup", "acme/live", "--json"])
        .on(playing(Script::Fails))
        .reader_gone()
        .ends();
    assert_eq!(failed.code, 1, "the result could not be printed either");
}

#[test]
fn a_log_that_cannot_be_written_ends_no_job_of_this_process() {
    let ended = lifeboat(&BACKUP)
        .jobs_run_here("lifeboat")
        .said_to_nobody(io::ErrorKind::StorageFull)
        .ends();
    assert_eq!((ended.code, ended.unseen), (0, None));
    assert!(ended.out.contains("the manual backup is done"), "{}", ended.out);
}

alike!(a_job_elsewhere_goes_on_there_when_the_terminal_goes);
fn a_job_elsewhere_goes_on_there_when_the_terminal_goes() {
    let ended = lifeboat(&BACKUP)
        .on(playing(Script::GoesOn))
        .interrupted(&[Interrupt::HungUp])
        .ends();
    assert_eq!((ended.code, ended.unseen), (1, None));
    assert!(
        ended.err.contains("job 42 goes on in the service"),
        "{}",
        ended.err
    );
}

alike!(a_terminal_gets_one_line_that_is_taken_away_at_the_end);
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

alike!(a_job_that_runs_elsewhere_is_detached_by_not_following_it);
fn a_job_that_runs_elsewhere_is_detached_by_not_following_it() {
    let ended = lifeboat(&["backup", "acme/live", "--detach"]).ends();
    assert_eq!((ended.code, ended.out.as_str()), (0, "42\n"));
    assert!(ended.err.contains("lifeboat jobs 42"), "{}", ended.err);
    let ended = lifeboat(&["backup", "acme/live", "--detach", "--json"]).ends();
    let value: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(value["job"]["id"], 42);
}

alike!(a_job_that_runs_here_is_detached_into_a_second_process);
fn a_job_that_runs_here_is_detached_into_a_second_process() {
    // `echo` stands for the second Lifeboat: it prints what it was started with, and that is no number of a job.
    let ended = lifeboat(&["backup", "acme/live", "--detach"])
        .jobs_run_here("echo")
        .ends();
    assert_eq!(ended.code, 1);
    assert!(ended.err.contains("before it had started a job"), "{}", ended.err);
}

alike!(the_second_process_says_the_number_and_is_silent_from_then_on);
fn the_second_process_says_the_number_and_is_silent_from_then_on() {
    let ended = lifeboat(&["--in-background", "backup", "acme/live"])
        .jobs_run_here("lifeboat")
        .ends();
    assert_eq!(
        (ended.code, ended.out.as_str(), ended.err.as_str()),
        (0, "42\n", "")
    );
}

alike!(an_upgrade_needs_its_version_and_only_an_upgrade_has_one);
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
