//! The cockpit in lines in a real terminal, on the real engine: somebody who hears every line and sees none takes a backup,
//! brings Live back from it, and takes that back.

use std::fs;
use std::path::Path;

use crate::pty::Terminal;
use crate::{CONFIG, Way, serve_to_a_client};

/// Wide enough that no sentence is broken, and high enough that nothing scrolls away.
const SIZE: (u16, u16) = (240, 220);

alike!(a_backup_is_restored_and_the_restore_undone_in_lines);
fn a_backup_is_restored_and_the_restore_undone_in_lines(way: Way) {
    let house = tempfile::tempdir().unwrap();
    let at = |name: &str| house.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("lifeboat.toml"), CONFIG.replace("{content}", &at("content"))).unwrap();
    fs::write(at("key"), "a key for tests").unwrap();
    fs::create_dir_all(at("content/website")).unwrap();
    fs::write(at("content/website/home.xml"), "old").unwrap();
    let (config, state, client, nothing) = (
        at("lifeboat.toml"),
        at("state"),
        at("client.toml"),
        at("client-state"),
    );
    let here = [("LIFEBOAT_CONFIG", config.as_str()), ("LIFEBOAT_STATE", &state)];
    let (_service, variables) = match way {
        Way::Here => (None, here),
        Way::Elsewhere => {
            let there = [("LIFEBOAT_CONFIG", client.as_str()), ("LIFEBOAT_STATE", &nothing)];
            (Some(serve_to_a_client(house.path(), &here)), there)
        }
    };
    let program = env!("CARGO_BIN_EXE_lifeboat");
    let mut terminal = Terminal::start(Path::new(program), &["--plain"], SIZE, &variables);
    let times = |terminal: &Terminal, text: &str, count: usize| {
        terminal.wait_until(&format!("\"{text}\", {count} times"), |screen| {
            screen.contents().matches(text).count() == count
        });
    };
    let home = || fs::read_to_string(at("content/website/home.xml")).unwrap();
    // Where there is one environment, one is in it.
    terminal.wait_for("NOTHING can be brought back yet");
    terminal.wait_for("restore Live from a backup");
    terminal.wait_for("acme/live>");
    terminal.press("back up\r");
    terminal.wait_for("a note for the backup, or nothing:");
    terminal.press("before the sale\r");
    terminal.wait_for("is complete and verified");
    // The choices are the ones that have been said.
    terminal.wait_for("Enter says the choices.");
    times(&terminal, "restore Live from a backup", 1);
    fs::write(at("content/website/home.xml"), "new and wrong").unwrap();

    terminal.press("restore\r");
    terminal.wait_for("which backup (1 to 1, or back)>");
    terminal.press("1\r");
    // Each row says what its numbers are.
    terminal.wait_for("author, workspace website, holds content, added 0, changed 1, removed 0");
    terminal.wait_for("restore (1 to 5, or back)>");
    terminal.press("1\r");
    terminal.wait_for("To restore it, type acme/live:");
    assert_eq!(home(), "new and wrong");
    // Ctrl-C says at once what the next one does, and the question stands again.
    terminal.press("\u{3}");
    terminal.wait_for("Ctrl-C once more leaves Lifeboat; nothing has begun");
    times(&terminal, "To restore it, type acme/live:", 2);
    terminal.press("acme/live\r");
    times(&terminal, "to go back: undo", 1);
    assert_eq!(home(), "old");
    // What can be chosen besides is said, and what is known is not said again.
    terminal.wait_for(
        "16  undo the last restore: Live goes back to what it was before it, from the safety backup of",
    );
    times(&terminal, "restore Live from a backup", 1);

    terminal.press("undo\r");
    terminal.wait_for("To undo the last restore, type acme/live:");
    terminal.press("acme/live\r");
    times(&terminal, "to go back: undo", 2);
    assert_eq!(home(), "new and wrong");
    // Where the name is asked for, the second Ctrl-C leaves, and nothing has begun.
    terminal.press("16\r");
    times(&terminal, "To undo the last restore, type acme/live:", 2);
    terminal.press("\u{3}");
    times(&terminal, "To undo the last restore, type acme/live:", 3);
    terminal.press("\u{3}");
    assert!(terminal.wait_for_exit().success());
    assert_eq!(home(), "new and wrong");
    let output = terminal.output();
    assert!(!output.contains(&0x1b), "something was drawn");
    let text = String::from_utf8(output).unwrap();
    assert!(
        !text.replace("\r\n", "\n").contains('\r'),
        "a line was drawn over"
    );
    terminal.assert_as_it_was();
}
