//! A cockpit in a real terminal whose service does not answer, or is gone.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::{Cockpit, Way, cockpit, serve};

/// How long a cockpit may take to answer a key, whatever its service does. On a machine that is busy with other things:
/// a cockpit that waits for its service takes four times as long.
const PROMPT: Duration = Duration::from_secs(3);

/// How long a service may be silent before a cockpit that has asked it something says so: its limit for an answer, and
/// some patience with a busy machine.
const ANSWER_LIMIT: Duration = Duration::from_secs(12 + 8);

impl Cockpit {
    /// Presses keys, and fails unless what they lead to is on the screen soon.
    pub fn answers(&mut self, keys: &str, text: &str) {
        let pressed = Instant::now();
        self.terminal.press(keys);
        self.terminal.wait_for(text);
        let took = pressed.elapsed();
        assert!(took < PROMPT, "{keys:?} was answered after {took:?}");
    }

    /// The same, for keys that are left again by Esc.
    pub fn answers_and_leaves(&mut self, keys: &str, text: &str) {
        self.answers(keys, text);
        let pressed = Instant::now();
        self.terminal.press("\u{1b}");
        // A key that came right behind would make another key of it.
        self.terminal
            .wait_until("it to be left", |screen| !screen.contents().contains(text));
        let took = pressed.elapsed();
        assert!(took < PROMPT, "{text:?} was left after {took:?}");
        self.terminal.wait_for("acme");
    }

    /// Fails unless keys are answered on the main screen, and what was known is still there.
    fn lives(&mut self) {
        for (keys, text) in [
            ("?", "On the main screen: each asks first"),
            (":", "Actions"),
            ("b", "Manual backup of"),
        ] {
            self.answers_and_leaves(keys, text);
        }
    }
}

#[test]
fn keys_are_answered_while_the_service_does_not_answer() {
    let mut cockpit = cockpit(Way::Elsewhere);
    let service = cockpit.service.as_ref().unwrap();
    service.signal(Signal::STOP);
    let stopped = Instant::now();
    cockpit.lives();
    // This asks the service something, and the cockpit goes on meanwhile.
    cockpit.answers_and_leaves("a", "Activity");
    cockpit.lives();
    cockpit.terminal.wait_for("disconnected");
    let took = stopped.elapsed();
    assert!(took < ANSWER_LIMIT, "the loss was told after {took:?}");
    cockpit.answers_and_leaves("?", "On the main screen: each asks first");
    cockpit.answers_and_leaves("b", "nothing can be changed");
    cockpit.service.as_ref().unwrap().signal(Signal::CONT);
    cockpit.terminal.wait_for("● connected");
    cockpit.terminal.press("q");
    assert!(cockpit.terminal.wait_for_exit().success());
    cockpit.terminal.assert_as_it_was();
}

#[test]
fn a_service_that_was_killed_is_missed_at_once_and_found_again() {
    let mut cockpit = cockpit(Way::Elsewhere);
    let killed = cockpit.service.take().unwrap();
    let address = killed.address.clone();
    let died = Instant::now();
    drop(killed);
    cockpit.terminal.wait_for("disconnected");
    assert!(died.elapsed() < PROMPT, "told after {:?}", died.elapsed());
    cockpit.answers_and_leaves("?", "On the main screen: each asks first");
    cockpit.answers_and_leaves("b", "nothing can be changed");
    let at = |name: &str| cockpit.house.path().join(name).to_str().unwrap().to_owned();
    let config = fs::read_to_string(at("lifeboat.toml")).unwrap();
    fs::write(at("lifeboat.toml"), config.replace("127.0.0.1:0", &address)).unwrap();
    let (config, state) = (at("lifeboat.toml"), at("state"));
    let again = serve(&[("LIFEBOAT_CONFIG", &config), ("LIFEBOAT_STATE", &state)]);
    assert_eq!(again.address, address);
    cockpit.terminal.wait_for("● connected");
    cockpit.answers("b", "Manual backup of");
    cockpit.terminal.press("\u{3}");
    assert!(cockpit.terminal.wait_for_exit().success());
    cockpit.terminal.assert_as_it_was();
}
