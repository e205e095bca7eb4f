//! The demo in a real terminal: what is typed while its sandbox is made, and what is refused before that.

use std::fs;
use std::path::Path;

use crate::pty::Terminal;

const SIZE: (u16, u16) = (120, 120);

#[test]
fn what_is_typed_while_a_sandbox_is_made_does_nothing_in_lines() {
    let house = tempfile::tempdir().unwrap();
    let at = house.path().join("sandbox");
    let program = Path::new(env!("CARGO_BIN_EXE_lifeboat"));
    let arguments = ["demo", "--plain", "--at", at.to_str().unwrap()];
    let mut terminal = Terminal::start(program, &arguments, SIZE, &[]);
    terminal.wait_for("Making a sandbox");
    terminal.press("zebra\rquit\r");
    // Each of these is a step, and may take its time.
    for step in [
        "a backup of acme/live by hand",
        "a drill of acme/live",
        "before an upgrade",
    ] {
        terminal.wait_for(step);
        assert!(!terminal.has_ended());
    }
    terminal.wait_for("environments:");
    terminal.press("quit\r");
    terminal.wait_for("The demo's sandbox is kept in");
    assert!(terminal.wait_for_exit().success());
    let output = String::from_utf8(terminal.output()).unwrap();
    assert!(!output.contains("zebra"), "{output}");
    terminal.assert_as_it_was();
    assert!(fs::read_dir(&at).unwrap().count() > 0);
}

#[test]
fn a_recording_that_cannot_be_begun_is_told_before_a_sandbox_is_made() {
    let house = tempfile::tempdir().unwrap();
    let (at, cast) = (house.path().join("sandbox"), house.path().join("session.cast"));
    fs::write(&cast, "an earlier session").unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_lifeboat"));
    for (file, told) in [
        (cast.clone(), "File exists"),
        (at.join("session.cast"), "No such file"),
    ] {
        for more in [&["--tour"][..], &[]] {
            let start = [
                "--record",
                file.to_str().unwrap(),
                "demo",
                "--at",
                at.to_str().unwrap(),
            ];
            let terminal = Terminal::start(program, &[&start[..], more].concat(), SIZE, &[]);
            assert!(!terminal.wait_for_exit().success());
            let output = String::from_utf8(terminal.output()).unwrap();
            let words: Vec<&str> = output.split_whitespace().collect();
            assert!(
                words.join(" ").contains(told) && !output.contains("Making a sandbox"),
                "{output}"
            );
            assert!(!at.exists());
        }
    }
    assert_eq!(fs::read_to_string(&cast).unwrap(), "an earlier session");
    // What can be recorded is not begun by looking whether it can be.
    let new = house.path().join("new.cast");
    lifeboat::tui::can_record(&new).unwrap();
    assert!(!new.exists());
}
