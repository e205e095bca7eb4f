//! What the terminal writes on: a cockpit asks, follows the answer whenever it comes, loses no key over it, and leaves
//! nothing of it to the shell.

use std::path::Path;

use crate::pty::Terminal;
use crate::{Way, cockpit};

/// The question.
const ASKED: &[u8] = b"\x1b]11;?\x1b\\";
/// The answer of a terminal that writes on white.
const WHITE: &[u8] = b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\";
/// The colour of keys on a light background, and on a dark one.
const KEYS: [&[u8]; 2] = [b"38;5;26m", b"38;5;87m"];

fn has(output: &[u8], bytes: &[u8]) -> bool {
    output.windows(bytes.len()).any(|window| window == bytes)
}

#[test]
fn the_cockpit_follows_the_background_and_loses_no_key() {
    let mut cockpit = cockpit(Way::Here);
    let before = cockpit.terminal.output();
    assert!(has(&before, ASKED) && has(&before, KEYS[1]) && !has(&before, KEYS[0]));
    // The answer comes in two pieces, late, and with a key right behind it.
    let (first, second) = WHITE.split_at(9);
    cockpit.terminal.send(first);
    cockpit.terminal.send(&[second, b"?"].concat());
    cockpit.terminal.wait_for("On the main screen: each asks first");
    cockpit.terminal.wait_for_bytes(KEYS[0]);
    cockpit.terminal.press("\u{1b}");
    cockpit.terminal.wait_for("Environments");
    cockpit.terminal.press("q");
    assert!(cockpit.terminal.wait_for_exit().success());
    cockpit.terminal.assert_as_it_was();
}

#[test]
fn an_answer_that_comes_while_the_cockpit_ends_is_not_typed_into_the_shell() {
    let program = env!("CARGO_BIN_EXE_lifeboat");
    let house = tempfile::tempdir().unwrap();
    let at = |name: &str| house.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(
        at("lifeboat.toml"),
        crate::CONFIG.replace("{content}", &at("content")),
    )
    .unwrap();
    std::fs::write(at("key"), "a key for tests").unwrap();
    std::fs::create_dir_all(house.path().join("content/website")).unwrap();
    let (config, state) = (at("lifeboat.toml"), at("state"));
    let variables = [("LIFEBOAT_CONFIG", config.as_str()), ("LIFEBOAT_STATE", &state)];
    let script = format!("{program}; echo ended; read -r line; printf 'left:%s.' \"$line\"");
    let mut terminal = Terminal::start(Path::new("/bin/bash"), &["-c", &script], (80, 24), &variables);
    terminal.wait_for_bytes(ASKED);
    terminal.send(b"q");
    terminal.send(WHITE);
    terminal.wait_for("ended");
    terminal.send(b"\n");
    terminal.wait_for("left:.");
}

#[test]
fn a_console_that_may_show_the_question_is_not_asked() {
    let house = tempfile::tempdir().unwrap();
    let at = |name: &str| house.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(
        at("lifeboat.toml"),
        crate::CONFIG.replace("{content}", &at("content")),
    )
    .unwrap();
    std::fs::write(at("key"), "a key for tests").unwrap();
    std::fs::create_dir_all(house.path().join("content/website")).unwrap();
    let (config, state) = (at("lifeboat.toml"), at("state"));
    let variables = [
        ("LIFEBOAT_CONFIG", config.as_str()),
        ("LIFEBOAT_STATE", &state),
        ("TERM", "linux"),
        ("COLORFGBG", "0;15"),
    ];
    let program = Path::new(env!("CARGO_BIN_EXE_lifeboat"));
    let mut terminal = Terminal::start(program, &[], (80, 24), &variables);
    terminal.wait_until_taken();
    terminal.wait_for("acme");
    terminal.wait_for_bytes(KEYS[0]);
    assert!(!has(&terminal.output(), ASKED));
    terminal.press("q");
    assert!(terminal.wait_for_exit().success());
    terminal.assert_as_it_was();
}
