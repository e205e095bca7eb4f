//! A cockpit that is shown to others: what people wrote is on no screen and in no recording.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::CONFIG;
use crate::pty::Terminal;

/// Nobody else is to read this.
const REASON: &str = "the geheim matter of Globex";

#[test]
fn what_people_wrote_is_on_no_screen_and_in_no_recording() {
    let house = tempfile::tempdir().unwrap();
    let at = |name: &str| house.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("lifeboat.toml"), CONFIG.replace("{content}", &at("content"))).unwrap();
    fs::write(at("key"), "a key for tests").unwrap();
    fs::create_dir_all(at("content/website")).unwrap();
    fs::write(at("content/website/home.xml"), "old").unwrap();
    let (config, state, cast) = (at("lifeboat.toml"), at("state"), at("session.cast"));
    let variables = [
        ("LIFEBOAT_CONFIG", config.as_str()),
        ("LIFEBOAT_STATE", state.as_str()),
    ];
    let program = env!("CARGO_BIN_EXE_lifeboat");
    for verb in [
        &["backup", "acme/live", "--note", REASON][..],
        &["protect", "acme/live", "--reason", REASON],
        &["pin", "acme/live", "manual", "--note", REASON],
    ] {
        let done = Command::new(program).args(verb).envs(variables).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
    let shown = ["--mask", "--record", cast.as_str()];
    let mut terminal = Terminal::start(Path::new(program), &shown, (160, 50), &variables);
    terminal.wait_for("protected");
    for (key, title) in [
        ("a", "Who and where"),
        ("n", "restores are refused"),
        ("F", "live"),
    ] {
        terminal.press(key);
        terminal.wait_for(title);
        terminal.press("\u{1b}");
        terminal.wait_for("verified");
    }
    terminal.press("q");
    assert!(terminal.wait_for_exit().success());
    let output = String::from_utf8(terminal.output()).unwrap();
    let recorded = fs::read_to_string(&cast).unwrap();
    for text in [output, recorded] {
        assert!(text.contains("xxxxxx"), "{text}");
        for word in ["geheim", "matter", "Globex", "acme"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
}
