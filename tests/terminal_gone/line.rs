//! A program at the end of a line: in a real pseudo-terminal that can be cut off, as by a connection that drops.

use std::io::{Read as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, ExitStatus, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};

/// How long anything may take before the wait for it fails. Only a broken program comes near it.
pub const DEADLINE: Duration = Duration::from_mins(2);
/// After so long without anything new on the screen it counts as drawn.
const QUIET: Duration = Duration::from_millis(800);
const SIZE: PtySize = PtySize {
    rows: 30,
    cols: 100,
    pixel_width: 0,
    pixel_height: 0,
};

/// What has come through the line.
struct Seen {
    screen: Mutex<vt100::Parser>,
    changed: Condvar,
    is_cut: AtomicBool,
}

/// A program and the line to it.
pub struct Line {
    seen: Arc<Seen>,
    master: Box<dyn MasterPty + Send>,
    keyboard: Box<dyn Write + Send>,
    /// The terminal itself, as the program sees it.
    terminal: PathBuf,
    reader: thread::JoinHandle<()>,
    program: Program,
}

/// A program, with or without a line to it. Dropping it kills the program if it has not ended.
pub struct Program {
    process: Pid,
    ended: Receiver<ExitStatus>,
    exit: Option<ExitStatus>,
}

impl Line {
    /// Starts a program at the end of a line.
    pub fn to(program: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let pair = native_pty_system().openpty(SIZE).unwrap();
        let terminal = pair.master.tty_name().unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_remove("NO_COLOR");
        let usual = [("TERM", "xterm-256color"), ("LANG", "C.UTF-8")];
        for (name, value) in usual.iter().chain(variables) {
            command.env(name, value);
        }
        let mut child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let process = Pid::from_raw(child.process_id().unwrap().try_into().unwrap()).unwrap();
        let (tell, ended) = channel();
        thread::spawn(move || {
            // Whoever does not wait for it has dropped the other end.
            let _ = tell.send(child.wait().unwrap());
        });
        let seen = Arc::new(Seen {
            screen: Mutex::new(vt100::Parser::new(SIZE.rows, SIZE.cols, 0)),
            changed: Condvar::new(),
            is_cut: AtomicBool::new(false),
        });
        let mut output = pair.master.try_clone_reader().unwrap();
        let through = Arc::clone(&seen);
        let reader = thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count @ 1..) = output.read(&mut buffer) {
                if through.is_cut.load(Ordering::SeqCst) {
                    break;
                }
                through.screen.lock().unwrap().process(&buffer[..count]);
                through.changed.notify_all();
            }
        });
        Self {
            seen,
            keyboard: pair.master.take_writer().unwrap(),
            master: pair.master,
            terminal,
            reader,
            program: Program {
                process,
                ended,
                exit: None,
            },
        }
    }

    /// Waits until the text is on the screen.
    pub fn shows(&self, text: &str) {
        let deadline = Instant::now() + DEADLINE;
        let mut screen = self.seen.screen.lock().unwrap();
        while !screen.screen().contents().contains(text) {
            let left = deadline.checked_duration_since(Instant::now());
            let left = left.unwrap_or_else(|| panic!("no \"{text}\"\n{}", screen.screen().contents()));
            screen = self.seen.changed.wait_timeout(screen, left).unwrap().0;
        }
    }

    /// Types this once the text is on the screen and nothing more comes, as a person who reads what is asked.
    pub fn answers(&mut self, text: &str, keys: &str) {
        self.shows(text);
        let mut screen = self.seen.screen.lock().unwrap();
        loop {
            let (now, waited) = self.seen.changed.wait_timeout(screen, QUIET).unwrap();
            screen = now;
            if waited.timed_out() {
                break;
            }
        }
        drop(screen);
        self.types(keys);
    }

    /// Types this at once, whatever is on the screen.
    pub fn types(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits until the program has ended by itself, and says whether it ended well.
    pub fn ends_well(mut self) -> bool {
        self.program.ends_well()
    }

    /// Cuts the line: the terminal is gone, and the system tells its programs so.
    pub fn cut(self) -> Program {
        self.seen.is_cut.store(true, Ordering::SeqCst);
        // The reader holds the line as well. Something to read lets it look up, and let go.
        let mut terminal = std::fs::OpenOptions::new()
            .write(true)
            .custom_flags(rustix::fs::OFlags::NOCTTY.bits().try_into().unwrap())
            .open(&self.terminal)
            .unwrap();
        terminal.write_all(b"\r").unwrap();
        drop(terminal);
        self.reader.join().unwrap();
        drop((self.keyboard, self.master));
        self.program
    }
}

impl Program {
    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.process, signal).unwrap();
    }

    /// Waits until it has ended, and gives whether it says that all went well.
    pub fn ends_well(&mut self) -> bool {
        let exit = self.ended.recv_timeout(DEADLINE).expect("it does not end");
        self.exit.insert(exit).success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // One that has ended has been waited for, and its number may be another's by now.
        if self.exit.is_none() && self.ended.try_recv().is_err() {
            let _ = kill_process(self.process, Signal::KILL);
        }
    }
}
