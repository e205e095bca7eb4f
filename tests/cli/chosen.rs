//! What is chosen in the cockpit in lines: backups by their number or their id, some of several, and help with verbs meanwhile.

use crate::asked::in_one_line;
use crate::harness::{Ended, alike, lifeboat};
use crate::made_up::name;
use crate::made_up::one_project::usual;

/// Types these lines into the environment Live of the cockpit in lines, and leaves.
fn typing(lines: &[&str]) -> Ended {
    let lines = [&["acme/live"], lines, &["quit"]].concat();
    let ended = lifeboat(&["--plain"])
        .typing(&format!("{}\n", lines.join("\n")))
        .ends();
    assert_eq!(ended.code, 0, "{}", ended.err);
    ended
}

alike!(a_backup_is_chosen_by_its_id_as_well);
fn a_backup_is_chosen_by_its_id_as_well() {
    let fixture = usual();
    let backups = fixture.state().environments[&name("acme/live")].backups.clone();
    let mut ids = backups.iter().map(|backup| backup.id.0.clone());
    let whole = ids.find(|id| id.starts_with("b1234567")).unwrap();
    for id in ["b1", "B1234567", whole.as_str()] {
        for (way, does) in [
            (&["restore", id, "back"][..], "lifeboat plan acme/live b1234567"),
            (&["look", id, "back"], "which (1 to "),
            (
                &["differences", id, "", "back"],
                "lifeboat diff acme/live b1234567",
            ),
        ] {
            let ended = typing(way);
            let said = format!("{}{}", ended.out, ended.err);
            assert!(said.contains(does), "{id} {way:?}: {said}");
            assert!(said.contains(", an id, or back)>"), "{said}");
            assert!(!said.contains("begins with it"), "{id} {way:?}: {said}");
        }
    }
    // A number that was mistyped is no id, and neither is what none begins with.
    for no in ["99", "ffff"] {
        let ended = typing(&["restore", no, "back"]);
        assert!(
            ended.err.contains("is no number from 1 to 6"),
            "{no}: {}",
            ended.err
        );
        assert!(!ended.out.contains("lifeboat plan"), "{no}: {}", ended.out);
    }
}

alike!(what_is_chosen_twice_is_named_once);
fn what_is_chosen_twice_is_named_once() {
    let ended = typing(&["restore", "1", "3", "1, 1", "1 1", "back"]);
    let command = ended.out.lines().rfind(|line| line.starts_with("lifeboat plan"));
    let command = command.unwrap();
    assert_eq!(command.matches("--instance").count(), 1, "{command}");
    assert_eq!(command.matches("--workspace").count(), 1, "{command}");
}

alike!(help_with_a_verb_is_no_path);
fn help_with_a_verb_is_no_path() {
    for way in [
        &["look", "1", "help browse", "back"][..],
        &["restore", "1", "4", "help browse", "back"],
        &["restore", "help browse", "back"],
        &["restore", "1", "3", "help browse", "back"],
    ] {
        let ended = typing(way);
        assert!(
            ended.out.contains("Usage: lifeboat browse"),
            "{way:?}: {}",
            ended.out
        );
        assert!(!ended.out.contains("'help browse'"), "{way:?}: {}", ended.out);
        assert!(!ended.err.contains("is no "), "{way:?}: {}", ended.err);
    }
    // What is no verb may be the name of a page.
    let ended = typing(&["look", "1", "help me", "back"]);
    assert!(ended.out.contains("'help me'"), "{}", ended.out);
}

alike!(a_slot_that_a_verb_refuses_is_refused_in_lines_though_a_line_begins_so);
fn a_slot_that_a_verb_refuses_is_refused_in_lines_though_a_line_begins_so() {
    let ended = typing(&["restore", "manual", "back"]);
    assert!(!ended.out.contains("lifeboat plan acme/live"), "{}", ended.out);
    let said = in_one_line(&ended.err);
    let why = "no good backup holds the manual slot: e1234567 of";
    assert!(said.contains(why), "{said}");
}
