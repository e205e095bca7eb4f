//! Whether anything would continue this process if it were stopped: a shell with job control in the same terminal.
//!
//! `ssh -t host lifeboat`, the command of a container and a multiplexer's first command have none: stopped there, a
//! program stands still for good. The system itself goes by the same rule (POSIX, "orphaned process group"): no process of
//! the same session in another group among the ancestors.

use std::io;

use rustix::io::Errno;
use rustix::termios::tcgetpgrp;

/// What the system tells of a process. Numbers as it gives them: 0 is a process that cannot be seen from here, as the
/// group and the session of a container's first process are where it was started from outside of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Process {
    session: i32,
    group: i32,
    parent: i32,
}

/// Whether this process may use its terminal now: it is in the group that the terminal listens to.
pub(super) fn has_the_terminal() -> bool {
    match tcgetpgrp(io::stdin()) {
        Ok(group) => system::this().is_some_and(|this| this.group == group.as_raw_nonzero().get()),
        // The terminal listens to a group outside of this container; so does whoever was started with it.
        Err(Errno::OPNOTSUPP) => system::this().is_some_and(|this| this.group == 0),
        Err(_) => false,
    }
}

/// Whether a shell would notice that this process has stopped, and can continue it.
pub(super) fn would_continue() -> bool {
    system::this().is_some_and(|this| {
        is_watched(this, system::process) && !is_first_of_its_session(this, std::process::id())
    })
}

fn is_first_of_its_session(this: Process, number: u32) -> bool {
    i64::from(this.session) == i64::from(number)
}

/// Whether an ancestor in the same session has another group: the shell that made this one.
fn is_watched(this: Process, look: impl Fn(i32) -> Option<Process>) -> bool {
    let mut parent = this.parent;
    while let Some(process) = (parent > 0).then(|| look(parent)).flatten() {
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

/// Linux: all of it from one line of text. The calls of the same names fail in a library that takes their numbers for
/// never 0, which they are in containers.
#[cfg(target_os = "linux")]
mod system {
    use super::Process;

    pub(super) fn this() -> Option<Process> {
        told(&std::fs::read_to_string("/proc/self/stat").ok()?)
    }

    pub(super) fn process(number: i32) -> Option<Process> {
        told(&std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?)
    }

    /// What a line of `proc_pid_stat(5)` says.
    pub(super) fn told(line: &str) -> Option<Process> {
        // The second field is the program's name in brackets, which may have blanks and brackets in it.
        let (_, rest) = line.rsplit_once(')')?;
        let mut numbers = rest
            .split_whitespace()
            .skip(1)
            .map_while(|text| text.parse().ok());
        Some(Process {
            parent: numbers.next()?,
            group: numbers.next()?,
            session: numbers.next()?,
        })
    }
}

/// Elsewhere: by calls, which do not tell the parent of another process.
#[cfg(not(target_os = "linux"))]
mod system {
    use rustix::process::{Pid, getpgid, getpgrp, getppid, getsid};

    use super::Process;

    pub(super) fn this() -> Option<Process> {
        Some(Process {
            session: getsid(None).ok()?.as_raw_nonzero().get(),
            group: getpgrp().as_raw_nonzero().get(),
            parent: getppid().map_or(0, |parent| parent.as_raw_nonzero().get()),
        })
    }

    pub(super) fn process(number: i32) -> Option<Process> {
        let process = Pid::from_raw(number)?;
        Some(Process {
            session: getsid(Some(process)).ok()?.as_raw_nonzero().get(),
            group: getpgid(Some(process)).ok()?.as_raw_nonzero().get(),
            parent: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(session: i32, group: i32, parent: i32) -> Process {
        Process {
            session,
            group,
            parent,
        }
    }

    /// A world of processes 10 (a server), 20 (a shell) and 30 (a wrapper).
    fn watched(this: Process, world: &[(i32, Process)]) -> bool {
        is_watched(this, |wanted| {
            world
                .iter()
                .find(|(number, _)| *number == wanted)
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
        assert!(is_first_of_its_session(process(1, 1, 0), 1));
    }

    #[test]
    fn a_session_that_began_outside_of_the_container_is_one() {
        // The container's first process was started from outside without a session of its own.
        let first = (1, process(0, 0, 0));
        assert!(!watched(process(0, 0, 0), &[]));
        assert!(!watched(process(0, 0, 1), &[first]));
        // A shell there has put itself in a group of its own, and its jobs in others.
        let shell = (20, process(0, 20, 1));
        assert!(watched(process(0, 40, 20), &[first, shell]));
        // Whoever made a session of their own has nobody in it.
        assert!(!watched(process(40, 40, 1), &[first]));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_is_read_whatever_a_program_is_called() {
        let line = "7 (a) S 1 2 (b) R 10 20 30 34816 40 4194304";
        assert_eq!(system::told(line), Some(process(30, 20, 10)));
        assert_eq!(system::told("7 (sh) S 0 0 0 34816 0"), Some(process(0, 0, 0)));
        assert_eq!(system::told("7 (sh) S 1"), None);
        let this = system::this().unwrap();
        assert_eq!(system::process(this.parent).map(|_| ()), Some(()));
    }
}
