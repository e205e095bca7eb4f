//! Copying inside tmux and GNU screen, the real ones: what is copied reaches the buffer of the one, and the terminal behind the
//! other.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::pty::Terminal;
use crate::{CONFIG, QUIET};

/// A house with an environment, and the variables that lead to it.
fn house() -> (tempfile::TempDir, String) {
    let house = tempfile::tempdir().unwrap();
    let at = |name: &str| house.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("lifeboat.toml"), CONFIG.replace("{content}", &at("content"))).unwrap();
    fs::write(at("key"), "a key for tests").unwrap();
    fs::create_dir_all(house.path().join("content/website")).unwrap();
    let config = at("lifeboat.toml");
    (house, config)
}

/// Goes to the environments, and copies the chosen one's name and then the command about it.
fn copy(terminal: &mut Terminal, key: &str) {
    terminal.wait_for("no backup yet");
    terminal.wait_for_quiet(QUIET);
    terminal.press("h");
    terminal.press(key);
}

#[test]
fn tmux_has_what_was_copied() {
    let (house, config) = house();
    let state = house.path().join("state");
    let socket = house.path().join("tmux");
    let socket = socket.to_str().unwrap();
    let program = env!("CARGO_BIN_EXE_lifeboat");
    let variables = [
        ("LIFEBOAT_CONFIG", config.as_str()),
        ("LIFEBOAT_STATE", state.to_str().unwrap()),
    ];
    let arguments = ["-S", socket, "-f", "/dev/null", "new-session", program];
    let mut terminal = Terminal::start(Path::new("tmux"), &arguments, (100, 30), &variables);
    let buffer = || {
        let shown = Command::new("tmux")
            .args(["-S", socket, "show-buffer"])
            .output()
            .unwrap();
        String::from_utf8(shown.stdout).unwrap()
    };
    copy(&mut terminal, "y");
    terminal.wait_for("is in tmux's buffer");
    assert_eq!(buffer(), "acme/live");
    terminal.press("Y");
    terminal.wait_for("lifeboat backups");
    assert_eq!(buffer(), format!("lifeboat backups acme/live --config {config}"));
    let _ = Command::new("tmux").args(["-S", socket, "kill-server"]).status();
    terminal.wait_for_exit();
}

#[test]
fn screen_passes_on_what_was_copied() {
    let (house, config) = house();
    let state = house.path().join("state");
    let sockets = house.path().join("screens");
    fs::create_dir(&sockets).unwrap();
    fs::set_permissions(&sockets, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let program = env!("CARGO_BIN_EXE_lifeboat");
    let variables = [
        ("LIFEBOAT_CONFIG", config.as_str()),
        ("LIFEBOAT_STATE", state.to_str().unwrap()),
        ("SCREENDIR", sockets.to_str().unwrap()),
        ("LC_ALL", "C.UTF-8"),
    ];
    let arguments = ["-U", "-c", "/dev/null", "-S", "lifeboat", program];
    let mut terminal = Terminal::start(Path::new("screen"), &arguments, (100, 30), &variables);
    copy(&mut terminal, "y");
    terminal.wait_for_bytes(b"\x1b]52;c;YWNtZS9saXZl\x07");
    terminal.press("Y");
    // `lifeboat backups acme/live`, as base64.
    terminal.wait_for_bytes(b"\x1b]52;c;bGlmZWJvYXQgYmFja3VwcyBhY21lL2xpdmU");
    terminal.press("q");
    terminal.wait_for_exit();
}
