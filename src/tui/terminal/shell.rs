//! Whether anything would continue this process if it were stopped: a shell with job control in the same terminal.
//!
//! `ssh -t host lifeboat`, the command of a container and a multiplexer's first command have none: stopped there, a
//! program stands still for good. The system itself goes by the same rule (POSIX, "orphaned process group"): no process of
//! the same session in another group among the ancestors.

use std::io;

use rustix::process::{Pid, getpgid, getpgrp, getpid, getppid, getsid};
use rustix::termios::tcgetpgrp;

/// Whether this process may use its terminal now: it is in the group that the terminal listens to.
pub(super) fn has_the_terminal() -> bool {
    tcgetpgrp(io::stdin()).is_ok_and(|group| group == getpgrp())
}

/// What is known of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    session: Pid,
    group: Pid,
    parent: Option<Pid>,
}

/// Whether a shell would notice that this process has stopped, and can continue it.
pub(super) fn would_continue() -> bool {
    let Ok(session) = getsid(None) else {
        return false;
    };
    let this = Process {
        session,
        group: getpgrp(),
        parent: getppid(),
    };
    is_watched(this, |pid| {
        Some(Process {
            session: getsid(Some(pid)).ok()?,
            group: getpgid(Some(pid)).ok()?,
            parent: parent_of(pid),
        })
    }) && getpid() != session
}

/// Whether an ancestor in the same session has another group: the shell that made this one.
fn is_watched(this: Process, look: impl Fn(Pid) -> Option<Process>) -> bool {
    let mut parent = this.parent;
    while let Some(process) = parent.and_then(&look) {
        if process.session != this.session {
            return false;
        }
        if process.group != this.group {
            return true;
        }
        parent = process.parent;
    }
    false
}

/// The parent of another process, where the system tells.
fn parent_of(pid: Pid) -> Option<Pid> {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The second field is the program's name in brackets, which may have blanks and brackets in it.
    let (_, rest) = text.rsplit_once(')')?;
    let parent = rest.split_whitespace().nth(1)?.parse().ok()?;
    Pid::from_raw(parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(number: i32) -> Pid {
        Pid::from_raw(number).unwrap()
    }

    fn process(session: i32, group: i32, parent: i32) -> Process {
        Process {
            session: pid(session),
            group: pid(group),
            parent: Pid::from_raw(parent),
        }
    }

    /// A world of processes 10 (a server), 20 (a shell) and 30 (a wrapper).
    fn watched(this: Process, world: &[(i32, Process)]) -> bool {
        is_watched(this, |wanted| {
            world
                .iter()
                .find(|(number, _)| pid(*number) == wanted)
                .map(|(_, process)| *process)
        })
    }

    #[test]
    fn a_shell_with_a_group_of_its_own_continues_its_jobs() {
        let shell = (20, process(20, 20, 10));
        assert!(watched(process(20, 40, 20), &[shell]));
        let wrapper = (30, process(20, 30, 20));
        assert!(watched(process(20, 30, 30), &[shell, wrapper]));
    }

    #[test]
    fn nothing_continues_the_first_process_of_a_session() {
        let server = (10, process(10, 10, 1));
        assert!(!watched(process(20, 20, 10), &[server]));
        let wrapper = (30, process(30, 30, 10));
        assert!(!watched(process(30, 30, 30), &[server, wrapper]));
        assert!(!watched(process(1, 1, 0), &[]));
    }
}
