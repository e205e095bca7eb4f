//! The cockpit in lines: numbered choices, verbs that are typed, and what happens meanwhile.

use lifeboat::cli::Interrupt;

use crate::harness::{alike, lifeboat};

/// Types these lines into the cockpit in lines.
fn typing(lines: &[&str]) -> crate::harness::Ended {
    let ended = lifeboat(&["--plain"])
        .typing(&format!("{}\n", lines.join("\n")))
        .ends();
    assert!(
        !ended.out.contains(['\r', '\u{1b}']),
        "a line was drawn over: {}",
        ended.out
    );
    assert!(
        !ended.err.contains(['\r', '\u{1b}']),
        "a line was drawn over: {}",
        ended.err
    );
    ended
}

alike!(a_restore_is_a_matter_of_five_answers);
fn a_restore_is_a_matter_of_five_answers() {
    let ended = typing(&["acme/live", "restore", "1", "1", "acme/live", "quit"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    insta::assert_snapshot!("plain_restore", ended.transcript());
}

alike!(a_name_that_is_not_the_environments_restores_nothing);
fn a_name_that_is_not_the_environments_restores_nothing() {
    let ended = typing(&["acme/live", "restore", "1", "1", "acme", "quit"]);
    assert_eq!(ended.code, 0);
    assert!(ended.err.contains("acme/live"), "{}", ended.err);
    assert!(!ended.out.contains("safety backup:"), "{}", ended.out);
}

alike!(some_workspaces_are_chosen_by_number);
fn some_workspaces_are_chosen_by_number() {
    let ended = typing(&["acme/live", "restore", "1", "3", "1", "2", "back", "quit"]);
    assert!(
        ended.out.contains("--instance author --workspace"),
        "{}",
        ended.out
    );
}

alike!(a_verb_that_is_typed_runs_and_its_errors_end_nothing);
fn a_verb_that_is_typed_runs_and_its_errors_end_nothing() {
    let ended = typing(&[
        "jobs --limit 1",
        "backups acme/lvie",
        "nonsense",
        "say 'it",
        "serve",
        "help",
        "quit",
    ]);
    assert_eq!(ended.code, 0, "{}", ended.err);
    for told in [
        "\"nonsense\" is none of the choices",
        "quotation mark",
        "type it in a shell",
        "acme/lvie",
    ] {
        assert!(ended.err.contains(told), "{told}: {}", ended.err);
    }
    assert!(ended.out.contains("lifeboat jobs --limit 1"), "{}", ended.out);
}

#[test]
fn an_input_that_has_ended_leaves() {
    let ended = lifeboat(&["--plain"]).typing("").ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
}

#[test]
fn ctrl_c_asks_once_before_it_leaves() {
    let ended = lifeboat(&["--plain"])
        .typing("")
        .interrupted(&[Interrupt::CtrlC, Interrupt::CtrlC])
        .ends();
    assert!(ended.err.contains("Ctrl-C once more leaves"), "{}", ended.err);
}

#[test]
fn it_is_no_json() {
    let ended = lifeboat(&["--plain", "--json"]).ends();
    assert_eq!(ended.code, 2);
}
