//! Parses arguments, runs the command, and turns an error into an exit code.
//!
//! This is the only place that reads environment variables, the machine's clock, signals and random numbers: everything
//! else gets them as arguments.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal, Read, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use lifeboat::cli::{Interrupt, Interrupts, Outside, ThisMachine};
use lifeboat::config::Places;
use lifeboat::domain::free_text;
use lifeboat::domain::os_error::in_words;
use rustix::process::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// How long a question has been there before an answer to it is meant.
const MEANT_AFTER: Duration = Duration::from_millis(300);

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!(
                "lifeboat: starting failed, the system gives no threads or files: {error}",
                error = in_words(&error)
            );
            return ExitCode::from(1);
        }
    };
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let house = ThisMachine {
        places: Places::of_this_account(),
        config: variable("LIFEBOAT_CONFIG").map(PathBuf::from),
        state: variable("LIFEBOAT_STATE").map(PathBuf::from),
        temporary: std::env::temp_dir(),
        user: user(variable),
        variables: Arc::new(|name| std::env::var(name).ok()),
        random,
    };
    let mut outside = outside();
    let arguments = std::env::args_os().collect();
    let code = runtime.block_on(lifeboat::cli::run(arguments, &mut outside, &house));
    // Output is flushed by now. A reader blocked on a terminal must not keep the process.
    runtime.shutdown_background();
    ExitCode::from(code)
}

/// Who is at the keyboard. Under `sudo` it is the person who called it.
fn user(variable: impl Fn(&str) -> Option<OsString>) -> String {
    ["SUDO_USER", "USER", "LOGNAME"]
        .into_iter()
        .find_map(|name| seen(&variable(name)?.to_string_lossy()))
        .unwrap_or_else(|| {
            let id = rustix::process::getuid().as_raw();
            let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
            account(&accounts, id).unwrap_or_else(|| format!("uid {id}"))
        })
}

/// A name that others can read, without blanks around it: one in which nothing is seen would stand for nobody in the activity log,
/// and for somebody else where a second person has to agree.
fn seen(name: &str) -> Option<String> {
    free_text::optional(name).ok().flatten()
}

/// The name of the account with this number, from the text of `/etc/passwd`: a service is often started without any
/// variable that says it.
fn account(accounts: &str, id: u32) -> Option<String> {
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)?.parse() == Ok(id)).then(|| name.to_owned())
    })
}

/// The real streams, clock and signals.
fn outside() -> Outside {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let outlives_its_terminal = ignores(&status, Signal::HUP);
    let columns = [
        rustix::termios::tcgetwinsize(io::stdout()),
        rustix::termios::tcgetwinsize(io::stderr()),
    ]
    .into_iter()
    .flatten()
    .map(|size| usize::from(size.ws_col))
    .find(|columns| *columns > 0);
    Outside {
        out: Box::new(BufWriter::new(io::stdout())),
        err: Box::new(io::stderr()),
        input: Box::new(BufReader::new(io::stdin())),
        out_is_terminal: io::stdout().is_terminal(),
        err_is_terminal: io::stderr().is_terminal(),
        input_is_terminal: io::stdin().is_terminal(),
        columns,
        now: Box::new(chrono::Utc::now),
        interrupts: Box::new(move || interrupts(outlives_its_terminal)),
        random,
        echo: Box::new(echo),
        typed_ahead,
        meant_after: MEANT_AFTER,
        leave,
        program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("lifeboat")),
        has_terminal: || File::open("/dev/tty").is_ok(),
        leave_terminal: || Ok(rustix::process::setsid().map(|_| ())?),
    }
}

/// Whether a process ignores a signal, from the text of its `/proc/PID/status`: whoever started it with `nohup` wants it to
/// outlive its terminal.
fn ignores(status: &str, signal: Signal) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (signal.as_raw() - 1) & 1 == 1)
}

/// Listens to Ctrl-C, to being asked to end, and to the end of the terminal unless that is to be outlived; each arrives as
/// one message. What cannot be listened to keeps its usual meaning, which is to end the process.
fn interrupts(outlives_its_terminal: bool) -> Interrupts {
    let (tell, told) = mpsc::unbounded_channel();
    for (kind, interrupt) in [
        (SignalKind::interrupt(), Interrupt::CtrlC),
        (SignalKind::terminate(), Interrupt::Terminate),
        (SignalKind::hangup(), Interrupt::HungUp),
    ] {
        if interrupt == Interrupt::HungUp && outlives_its_terminal {
            continue;
        }
        let tell = tell.clone();
        if let Ok(mut signals) = signal(kind) {
            tokio::spawn(
                async move { while signals.recv().await.is_some() && tell.send(interrupt).is_ok() {} },
            );
        }
    }
    told
}

/// More lines than a terminal keeps that nobody reads.
const MOST_TYPED_AHEAD: usize = 10_000;

/// Shows what is typed on the terminal, or does not.
fn echo(on: bool) -> io::Result<()> {
    let input = io::stdin();
    let mut modes = rustix::termios::tcgetattr(&input)?;
    modes.local_modes.set(rustix::termios::LocalModes::ECHO, on);
    rustix::termios::tcsetattr(&input, rustix::termios::OptionalActions::Flush, &modes)?;
    Ok(())
}

/// Takes the lines that wait on the terminal, and counts them. It gives one at a time, and none before its end was typed.
fn typed_ahead() -> usize {
    let input = io::stdin();
    let now = rustix::event::Timespec::default();
    let mut lines = 0;
    let mut line = [0; 4096];
    while lines < MOST_TYPED_AHEAD {
        let mut waits = [rustix::event::PollFd::new(&input, rustix::event::PollFlags::IN)];
        if !matches!(rustix::event::poll(&mut waits, Some(&now)), Ok(1)) {
            break;
        }
        match rustix::io::read(&input, &mut line) {
            Ok(count) if count > 0 => lines += 1,
            _ => break,
        }
    }
    lines
}

/// Says why, and ends the process at once, whatever thread waits for what.
fn leave(why: &str, code: u8) {
    if io::stdin().is_terminal() {
        // A terminal that has gone shows nothing any more.
        let _ = echo(true);
    }
    // Behind what the terminal shows of Ctrl-C.
    let _ = writeln!(io::stderr(), "\nlifeboat: {why}");
    std::process::exit(i32::from(code))
}

/// Random bytes from the system, good enough for a key.
fn random(buffer: &mut [u8]) -> io::Result<()> {
    File::open("/dev/urandom")?.read_exact(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nohup_does_is_seen_in_the_status_of_the_process() {
        let status =
            |mask| format!("Name:\tlifeboat\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t0\n");
        assert!(ignores(&status("0000000000001001"), Signal::HUP));
        assert!(!ignores(&status("0000000000001000"), Signal::HUP));
        assert!(ignores(&status("0000000000001000"), Signal::PIPE));
        assert!(!ignores("no such line", Signal::HUP));
    }

    #[test]
    fn an_account_without_variables_has_its_name_from_the_list_of_accounts() {
        let accounts = "root:x:0:0:root:/root:/bin/sh\n# a remark\nkim:x:1000:1000::/home/kim:/bin/sh\n";
        assert_eq!(account(accounts, 0).as_deref(), Some("root"));
        assert_eq!(account(accounts, 1000).as_deref(), Some("kim"));
        assert_eq!(account(accounts, 7), None);
        let in_sudo = |name: &str| (name == "SUDO_USER").then(|| OsString::from("kim"));
        assert_eq!(user(in_sudo), "kim");
    }

    #[test]
    fn a_name_in_which_nothing_is_seen_is_nobodys() {
        for unseen in ["", " ", "\u{200b}", "\u{a0}\u{3000}", "\u{1b}[2J", "\n"] {
            let variable = |name: &str| match name {
                "USER" => Some(OsString::from(unseen)),
                "LOGNAME" => Some(OsString::from(" kim ")),
                _ => None,
            };
            assert_eq!(user(variable), "kim", "{unseen:?}");
        }
        let none = |_: &str| Some(OsString::from(" "));
        assert!(!user(none).trim().is_empty());
    }
}
