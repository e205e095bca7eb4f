//! Runs a program in a real pseudo-terminal: types keys, reads the bytes that come back, and keeps the screen that a
//! terminal would show.
//!
//! Nothing here sleeps: every wait ends as soon as what it waits for is there, or fails at its deadline with the screen
//! as it was then.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take before the wait for it fails. Only a broken program comes near it.
const DEADLINE: Duration = Duration::from_mins(1);

/// How close to each other a person presses two keys at most.
const PACE: Duration = Duration::from_millis(120);

/// How often a fact that announces itself in no way (a process has stopped) is looked up.
const LOOK: Duration = Duration::from_millis(10);

/// A program in a pseudo-terminal. Dropping it kills the program.
pub struct Terminal {
    shared: Arc<Shared>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    process: Pid,
    /// When something was typed last.
    pressed: Option<Instant>,
    /// The terminal's settings before the program ran.
    settings_before: String,
}

/// What the reading threads tell.
struct Shared {
    seen: Mutex<Seen>,
    changed: Condvar,
}

/// Everything seen so far.
struct Seen {
    parser: vt100::Parser,
    output: Vec<u8>,
    /// Whether nothing more is taken from the program.
    stalled: bool,
    exit: Option<ExitStatus>,
}

impl Terminal {
    /// Starts a program on a screen of so many columns and rows. The environment is the caller's, made to look like a
    /// terminal with all colours, with `more` on top.
    pub fn start(
        program: &Path,
        arguments: &[&str],
        (columns, rows): (u16, u16),
        more: &[(&str, &str)],
    ) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize {
                rows,
                cols: columns,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
        let settings_before = settings(pair.master.as_ref());
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_remove("NO_COLOR");
        for (name, value) in [
            ("TERM", "xterm-256color"),
            ("COLORTERM", "truecolor"),
            ("LANG", "C.UTF-8"),
        ]
        .iter()
        .chain(more)
        {
            command.env(name, value);
        }
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let process = Pid::from_raw(child.process_id().unwrap().try_into().unwrap()).unwrap();
        let shared = Arc::new(Shared {
            seen: Mutex::new(Seen {
                // Whoever looks at a terminal that tells no size sees it in one.
                parser: vt100::Parser::new(
                    if rows == 0 { 40 } else { rows },
                    if columns == 0 { 140 } else { columns },
                    0,
                ),
                output: Vec::new(),
                stalled: false,
                exit: None,
            }),
            changed: Condvar::new(),
        });
        let mut screen = pair.master.try_clone_reader().unwrap();
        let reader = Arc::clone(&shared);
        thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = screen.read(&mut buffer) {
                let mut seen = reader.seen.lock().unwrap();
                if seen.stalled {
                    // The line stays, and nothing is taken from it any more.
                    break;
                }
                seen.output.extend_from_slice(&buffer[..count]);
                seen.parser.process(&buffer[..count]);
                reader.changed.notify_all();
            }
            // The other side is closed only when the program has ended; what it printed last has been read by now.
            let exit = child.wait().unwrap();
            reader.seen.lock().unwrap().exit = Some(exit);
            reader.changed.notify_all();
        });
        Self {
            shared,
            keyboard: pair.master.take_writer().unwrap(),
            master: pair.master,
            process,
            pressed: None,
            settings_before,
        }
    }

    /// Types this at the pace of a person: never closer than a moment to what was typed before.
    pub fn press(&mut self, keys: &str) {
        if let Some(pressed) = self.pressed {
            thread::sleep(PACE.saturating_sub(pressed.elapsed()));
        }
        self.send(keys.as_bytes());
    }

    /// Sends this at once, byte for byte, as a line does that was stalled, or a paste.
    pub fn send(&mut self, bytes: &[u8]) {
        self.keyboard.write_all(bytes).unwrap();
        self.keyboard.flush().unwrap();
        self.pressed = Some(Instant::now());
    }

    /// The group of processes that has the terminal now.
    pub fn foreground(&self) -> Pid {
        Pid::from_raw(self.master.process_group_leader().unwrap()).unwrap()
    }

    /// Waits until another group of processes has the terminal than this one.
    pub fn wait_for_others(&self, group: Pid, what: &str) {
        self.wait(what, |_| (self.foreground() != group).then_some(()));
    }

    /// Lets the terminal take no more output, as a client does that was stopped or a link that has stalled.
    pub fn stall(&self) {
        self.shared.seen.lock().unwrap().stalled = true;
    }

    /// Changes the size, as a person who drags the window's corner.
    pub fn resize(&self, (columns, rows): (u16, u16)) {
        self.shared
            .seen
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(rows, columns);
        self.master
            .resize(PtySize {
                rows,
                cols: columns,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
    }

    /// Sends the program a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.process, signal).unwrap();
    }

    /// Sends a signal by its name as shells know it, real-time ones (`RTMIN`) too.
    pub fn signal_called(&self, name: &str) {
        let process = self.process.as_raw_pid().to_string();
        let sent = Command::new("bash")
            .args(["-c", "kill -s \"$0\" \"$1\"", name, &process])
            .status();
        assert!(sent.unwrap().success(), "{name}");
    }

    /// The screen as it is now.
    pub fn screen(&self) -> vt100::Screen {
        self.shared.seen.lock().unwrap().parser.screen().clone()
    }

    /// Every byte that has come so far.
    pub fn output(&self) -> Vec<u8> {
        self.shared.seen.lock().unwrap().output.clone()
    }

    /// Waits until the screen is as described, and returns it.
    pub fn wait_until(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) -> vt100::Screen {
        self.wait(what, |seen| {
            is_so(seen.parser.screen()).then(|| seen.parser.screen().clone())
        })
    }

    /// Waits until the text is on the screen.
    pub fn wait_for(&self, text: &str) -> vt100::Screen {
        self.wait_until(&format!("\"{text}\""), |screen| screen.contents().contains(text))
    }

    /// Waits until nothing has come for so long.
    pub fn wait_for_quiet(&self, quiet: Duration) {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = self.shared.seen.lock().unwrap();
        loop {
            let before = seen.output.len();
            let (now, waited) = self
                .shared
                .changed
                .wait_timeout_while(seen, quiet, |seen| seen.output.len() == before)
                .unwrap();
            seen = now;
            if waited.timed_out() {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "never quiet\n{}",
                seen.parser.screen().contents()
            );
        }
    }

    /// How many bytes come within so long.
    pub fn bytes_within(&self, time: Duration) -> usize {
        let seen = self.shared.seen.lock().unwrap();
        let before = seen.output.len();
        let (seen, _) = self
            .shared
            .changed
            .wait_timeout_while(seen, time, |_| true)
            .unwrap();
        seen.output.len() - before
    }

    /// Waits until these bytes have come, wherever.
    pub fn wait_for_bytes(&self, bytes: &[u8]) {
        let what = String::from_utf8_lossy(bytes).into_owned();
        self.wait(&format!("{what:?}"), |seen| {
            let mut windows = seen.output.windows(bytes.len());
            windows.any(|window| window == bytes).then_some(())
        });
    }

    /// Whether the program has ended.
    pub fn has_ended(&self) -> bool {
        self.shared.seen.lock().unwrap().exit.is_some()
    }

    /// Waits until the program has ended.
    pub fn wait_for_exit(&self) -> ExitStatus {
        self.wait("the program's end", |seen| seen.exit.clone())
    }

    /// Waits until the program has stopped, as by Ctrl-Z.
    pub fn wait_for_stop(&self) {
        self.wait("the program to stop", |_| (self.stat()[0] == "T").then_some(()));
    }

    /// Waits until a process is in such a state, as `/proc` writes it.
    pub fn wait_for_state(&self, process: Pid, is_it: impl Fn(&str) -> bool) {
        self.wait("a state of the process", |_| {
            is_it(&stat_of(process)[0]).then_some(())
        });
    }

    /// Processor time that the program has used so far, in clock ticks (hundredths of a second).
    pub fn processor_ticks(&self) -> u64 {
        let stat = self.stat();
        stat[11].parse::<u64>().unwrap() + stat[12].parse::<u64>().unwrap()
    }

    /// The fields of `/proc/PID/stat` from the state on.
    fn stat(&self) -> Vec<String> {
        stat_of(self.process)
    }

    /// Fails unless the terminal is as a shell left it: main screen, cursor shown, no mouse, no bracketed paste, no
    /// style left on, and its settings (echo, line mode, signals) the ones from before.
    pub fn assert_as_it_was(&self) {
        let screen = self.screen();
        assert!(!screen.alternate_screen(), "still on the alternate screen");
        assert!(!screen.hide_cursor(), "the cursor is hidden");
        assert!(!screen.bracketed_paste(), "bracketed paste is on");
        assert_eq!(
            screen.mouse_protocol_mode(),
            vt100::MouseProtocolMode::None,
            "the mouse is caught"
        );
        assert_eq!(screen.fgcolor(), vt100::Color::Default, "a colour is left on");
        assert_eq!(screen.bgcolor(), vt100::Color::Default, "a colour is left on");
        assert!(
            !screen.bold() && !screen.inverse() && !screen.underline(),
            "a style is left on"
        );
        assert!(
            !is_open(&self.output(), b"\x1b[?2026h", b"\x1b[?2026l"),
            "an update is left open"
        );
        assert_eq!(
            settings(self.master.as_ref()),
            self.settings_before,
            "its settings were changed"
        );
    }

    /// Waits until the program has taken the terminal: alternate screen, and settings that are not the ones from before.
    pub fn wait_until_taken(&self) {
        self.wait("the program to take the terminal", |seen| {
            let other_settings = settings(self.master.as_ref()) != self.settings_before;
            (seen.parser.screen().alternate_screen() && other_settings).then_some(())
        });
    }

    fn wait<T>(&self, what: &str, mut ready: impl FnMut(&Seen) -> Option<T>) -> T {
        let deadline = Instant::now() + DEADLINE;
        let mut seen = self.shared.seen.lock().unwrap();
        loop {
            if let Some(result) = ready(&seen) {
                return result;
            }
            // A program that has ended writes nothing more.
            assert!(
                Instant::now() < deadline && seen.exit.is_none(),
                "waited in vain for {what}; exit: {:?}; the screen:\n{}",
                seen.exit,
                seen.parser.screen().contents()
            );
            seen = self.shared.changed.wait_timeout(seen, LOOK).unwrap().0;
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A program that has ended has been waited for, and its number may be another's by now.
        let has_ended = self.shared.seen.lock().is_ok_and(|seen| seen.exit.is_some());
        if !has_ended {
            let _ = kill_process(self.process, Signal::KILL);
        }
    }
}

/// The fields of `/proc/PID/stat` from the state on.
fn stat_of(process: Pid) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", process.as_raw_pid())).unwrap();
    let (_, fields) = text.rsplit_once(')').unwrap();
    fields.split_whitespace().map(str::to_owned).collect()
}

/// The terminal's settings, as text to compare.
fn settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios().unwrap())
}

/// Whether the last of the two marks in the output is the opening one.
fn is_open(output: &[u8], opening: &[u8], closing: &[u8]) -> bool {
    let last = |mark: &[u8]| output.windows(mark.len()).rposition(|window| window == mark);
    match (last(opening), last(closing)) {
        (Some(opened), Some(closed)) => opened > closed,
        (opened, _) => opened.is_some(),
    }
}
