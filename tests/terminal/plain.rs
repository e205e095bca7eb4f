//! The cockpit in lines in a real terminal, on the real engine: somebody who hears every line and sees none takes a backup,
//! brings Live back from it, and takes that back.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::pty::Terminal;
use crate::{CONFIG, Way, serve_to_a_client};

/// As long as it takes at least to hear a question and to type its answer.
const HEARD: Duration = Duration::from_millis(350);

/// Types an answer to a question that is there, as somebody who has heard it.
fn answer(terminal: &mut Terminal, line: &str) {
    thread::sleep(HEARD);
    terminal.press(&format!("{line}\r"));
}

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
    answer(&mut terminal, "before the sale");
    terminal.wait_for("is complete and verified");
    // The choices are the ones that have been said.
    terminal.wait_for("Enter says the choices.");
    times(&terminal, "restore Live from a backup", 1);
    fs::write(at("content/website/home.xml"), "new and wrong").unwrap();

    terminal.press("restore\r");
    terminal.wait_for("which backup (1 to 1, an id, or back)>");
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
    // A name that was pasted behind another is none that was typed after it was asked for.
    thread::sleep(HEARD);
    terminal.send(b"acme/lvie\racme/live\r");
    terminal.wait_for("1 line was typed before this was asked, and not taken: type the answer now");
    assert_eq!(home(), "new and wrong");
    answer(&mut terminal, "help");
    terminal.wait_for("It is done once acme/live is typed, and nothing else does it.");
    answer(&mut terminal, "acme/live");
    times(&terminal, "to go back: undo", 1);
    assert_eq!(home(), "old");
    // What can be chosen besides is said, and what is known is not said again.
    terminal.wait_for("17  undo the last restore, job ");
    terminal.wait_for("UTC: Live goes back to what it was before");
    times(&terminal, "restore Live from a backup", 1);

    terminal.press("undo\r");
    terminal.wait_for("To undo the last restore, type acme/live:");
    answer(&mut terminal, "acme/live");
    terminal.wait_for("to undo this undo: undo");
    assert_eq!(home(), "new and wrong");
    // It is said that it would be undone by another one.
    terminal.wait_for("17  undo the undo, job ");
    terminal.wait_for("UTC: Live becomes again as it was before that undo");
    // The name without an Enter, typed ahead or pasted, is not there any more when it is asked for: Enter alone leaves.
    terminal.send(b"17\racme/live");
    terminal.wait_for("To undo the undo, type acme/live:");
    answer(&mut terminal, "");
    terminal.wait_for("left: nothing was done");
    assert_eq!(home(), "new and wrong");
    // Where the name is asked for, the second Ctrl-C leaves, and nothing has begun.
    answer(&mut terminal, "17");
    times(&terminal, "To undo the undo, type acme/live:", 2);
    terminal.press("\u{3}");
    times(&terminal, "To undo the undo, type acme/live:", 3);
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

#[test]
fn a_configuration_that_changes_is_told_and_taken_over() {
    let house = tempfile::tempdir().unwrap();
    let at = |name: &str| house.path().join(name).to_str().unwrap().to_owned();
    let config = CONFIG.replace("{content}", &at("content"));
    let write = |text: &str| fs::write(at("lifeboat.toml"), text).unwrap();
    write(&config);
    fs::write(at("key"), "a key for tests").unwrap();
    fs::create_dir_all(at("content/website")).unwrap();
    let (file, state) = (at("lifeboat.toml"), at("state"));
    let variables = [("LIFEBOAT_CONFIG", file.as_str()), ("LIFEBOAT_STATE", &state)];
    let program = Path::new(env!("CARGO_BIN_EXE_lifeboat"));
    let mut terminal = Terminal::start(program, &["--plain"], SIZE, &variables);
    terminal.wait_for("acme/live>");
    // Somebody who waits at a question hears it at once.
    write(&format!("{config}\nnonsense = 3 3\n"));
    terminal.wait_for("the configuration has changed, and is not used:");
    terminal.wait_for("read before stays in use.");
    terminal.press("anew\r");
    terminal.wait_for("the context is not opened anew:");
    write(&format!(
        "{config}\n[[environment]]\nproject = \"acme\"\nname = \"uat\"\nkind = \"uat\"\n"
    ));
    terminal.wait_for("\"anew\" opens the context");
    terminal.wait_for("acme/uat is new");
    thread::sleep(HEARD);
    terminal.press("anew\r");
    terminal.wait_until("the context opened anew", |screen| {
        screen
            .contents()
            .matches("Lifeboat in lines, context local")
            .count()
            == 2
    });
    terminal.press("back\r");
    terminal.wait_for("acme/uat, UAT, not backed up");
    // The file is right, and what it leads to does not answer: that ends nothing.
    write(&format!(
        "[contexts.local]\nbackend = \"http://127.0.0.1:9\"\n{config}"
    ));
    terminal.wait_for("\"anew\" opens the context anew with the rest");
    thread::sleep(HEARD);
    terminal.press("anew\r");
    terminal.wait_for("the context could not be opened anew:");
    thread::sleep(HEARD);
    terminal.press("1\r");
    terminal.wait_for("is neither \"anew\" nor \"quit\"");
    write(&config);
    thread::sleep(HEARD);
    terminal.press("anew\r");
    terminal.wait_until("the context opened anew", |screen| {
        screen
            .contents()
            .matches("Lifeboat in lines, context local")
            .count()
            == 3
    });
    terminal.press("quit\r");
    assert!(terminal.wait_for_exit().success());
    terminal.assert_as_it_was();
}

#[test]
fn ctrl_c_where_init_or_login_asks_is_heard_at_once() {
    let house = tempfile::tempdir().unwrap();
    let file = house.path().join("lifeboat.toml");
    let variables = [("LIFEBOAT_CONFIG", file.to_str().unwrap())];
    let program = Path::new(env!("CARGO_BIN_EXE_lifeboat"));
    for (arguments, asked, told) in [
        (
            &["init"][..],
            "Project, the customer's installation",
            "left off: nothing was written",
        ),
        (
            &["login", "https://backups.example.com"],
            "Token for backups:",
            "left off: nothing was stored",
        ),
    ] {
        let mut terminal = Terminal::start(program, arguments, SIZE, &variables);
        terminal.wait_for(asked);
        terminal.press("half a line\u{3}");
        assert_eq!(terminal.wait_for_exit().exit_code(), 130, "{arguments:?}");
        let output = String::from_utf8(terminal.output()).unwrap();
        assert!(output.contains(told), "{output}");
        assert!(!file.exists());
        terminal.assert_as_it_was();
    }
    // In lines it is the cockpit that is left, and the verb has written nothing.
    let mut terminal = Terminal::start(program, &["demo", "--plain"], SIZE, &variables);
    terminal.wait_for("environments:");
    terminal.press("login https://backups.example.com\r");
    terminal.wait_for("Token for backups:");
    terminal.press("\u{3}");
    terminal.wait_for("Ctrl-C once more leaves Lifeboat; nothing has begun");
    terminal.press("\u{3}");
    assert!(terminal.wait_for_exit().success());
    assert!(!file.exists());
    terminal.assert_as_it_was();
}

#[test]
fn what_was_pasted_behind_an_answer_in_a_shell_is_said_not_to_be_taken() {
    let house = tempfile::tempdir().unwrap();
    let at = |name: &str| house.path().join(name).to_str().unwrap().to_owned();
    let config = format!("--config={}", at("lifeboat.toml"));
    let state = at("state");
    let program = Path::new(env!("CARGO_BIN_EXE_lifeboat"));
    let variables = [("LIFEBOAT_STATE", state.as_str())];
    let mut terminal = Terminal::start(program, &["init", &config], SIZE, &variables);
    terminal.wait_for("Project, the customer's installation (for example acme):");
    // The third one has no end yet: it is thrown away as well, and is no line.
    terminal.send(b"acme\rlive\rauthor\rand so");
    terminal.wait_for("2 lines were typed before this was asked, and not taken: type the answer now");
    terminal.wait_for("Name of the Live environment [live]:");
    answer(&mut terminal, "quit");
    assert!(!terminal.wait_for_exit().success());
    assert!(!house.path().join("lifeboat.toml").exists());
}
