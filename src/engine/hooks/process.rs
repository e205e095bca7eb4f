//! Runs one command that may take minutes, with its output told line by line as it comes, and ends it with everything
//! that it has started when it takes too long.
//!
//! Not for versions and keys, which are read from a short command's output (`secret::command`).

use crate::domain::os_error::in_words;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, BufReader};
use tokio::process::{Child, Command};

/// Output that is still on its way when a command has ended is waited for this long.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// A command that is to end has this long to do so by itself.
const GRACE: Duration = Duration::from_secs(5);
/// How often it is looked whether a command should be ended, or has ended with all that it started.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// A line that is longer than this is told in parts.
const LONGEST_LINE: usize = 4096;

/// Why a command did not end well.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::engine) enum Stopped {
    /// Somebody asked for it.
    Cancelled,
    /// It ended by itself and says that something is wrong: `ended with exit status: 3`, to stand behind the command's name.
    Refused(String),
    /// What happened, in the same way: it was ended, or could not be started.
    Failed(String),
}

/// Told each line.
type Tell<'a> = dyn Fn(&str) + Send + Sync + 'a;

/// Runs a program with its arguments, without a shell, and waits for it. `variables` are set in its environment, or
/// taken out of it.
pub(in crate::engine) async fn run(
    command: &[String],
    variables: &[(&str, Option<String>)],
    limit: Duration,
    is_cancelled: &(dyn Fn() -> bool + Sync),
    tell: &Tell<'_>,
) -> Result<(), Stopped> {
    let limits = Limits { limit, grace: GRACE };
    run_within(command, variables, limits, is_cancelled, tell).await
}

#[derive(Clone, Copy)]
struct Limits {
    limit: Duration,
    grace: Duration,
}

async fn run_within(
    command: &[String],
    variables: &[(&str, Option<String>)],
    limits: Limits,
    is_cancelled: &(dyn Fn() -> bool + Sync),
    tell: &Tell<'_>,
) -> Result<(), Stopped> {
    let Some((program, arguments)) = command.split_first() else {
        return Ok(());
    };
    let mut child = start(program, arguments, variables).map_err(|error| {
        Stopped::Failed(format!("could not be started: {error}", error = in_words(&error)))
    })?;
    // The command leads a group of its own: what it starts is in it as well.
    let group = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let mut telling = std::pin::pin!(async {
        tokio::join!(tell_lines(out, tell), tell_lines(err, tell));
    });
    let mut told = false;
    let mut late = std::pin::pin!(tokio::time::sleep(limits.limit));
    let mut looks = tokio::time::interval(LOOK_EVERY);
    let ended = loop {
        tokio::select! {
            status = child.wait() => break status
                .map_err(|error| Stopped::Failed(format!("was lost: {error}", error = in_words(&error)))),
            () = &mut telling, if !told => told = true,
            () = &mut late => break Err(Stopped::Failed(format!(
                "was ended after its time limit of {}: give it longer with limit, or mend what holds it up",
                crate::domain::measure::millis(u64::try_from(limits.limit.as_millis()).unwrap_or(u64::MAX))
            ))),
            _ = looks.tick() => if is_cancelled() {
                break Err(Stopped::Cancelled);
            },
        }
    };
    if ended.is_err() {
        end(&mut child, group, limits.grace).await;
    }
    if !told {
        // What the command has started, a Magnolia for example, may keep its output open for as long as it lives.
        let _ = tokio::time::timeout(LAST_WORDS, telling).await;
    }
    ended.and_then(judge)
}

fn start(
    program: &str,
    arguments: &[String],
    variables: &[(&str, Option<String>)],
) -> std::io::Result<Child> {
    let mut command = Command::new(program);
    for (name, value) in variables {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command
        .args(arguments)
        // Not the folder in which somebody happened to start Lifeboat.
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
}

fn judge(status: ExitStatus) -> Result<(), Stopped> {
    if status.success() {
        return Ok(());
    }
    let why = format!("ended with {status}: its output is in the job's log");
    // One that a signal has ended has not said anything.
    Err(match status.code() {
        Some(_) => Stopped::Refused(why),
        None => Stopped::Failed(why),
    })
}

/// Ends a command and all that it has started: asks first, and insists after `grace`.
async fn end(child: &mut Child, group: Option<Pid>, grace: Duration) {
    let Some(group) = group else {
        let _ = child.kill().await;
        return;
    };
    // That a signal finds nobody is what it is sent for.
    let _ = kill_process_group(group, Signal::TERM);
    let gone = async {
        let _ = child.wait().await;
        while test_kill_process_group(group).is_ok() {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    if tokio::time::timeout(grace, gone).await.is_err() {
        let _ = kill_process_group(group, Signal::KILL);
        // One that hangs in the system's own code does not even end now.
        let _ = tokio::time::timeout(grace, child.wait()).await;
    }
}

async fn tell_lines(stream: Option<impl AsyncRead + Unpin>, tell: &Tell<'_>) {
    let Some(stream) = stream else { return };
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    // Output that cannot be read ends with the command; how the command ended is told anyway.
    while let Ok(part) = reader.fill_buf().await {
        if part.is_empty() {
            break;
        }
        let end = part.iter().position(|byte| *byte == b'\n');
        let room = LONGEST_LINE - line.len();
        let (text, taken) = match end {
            Some(end) if end <= room => (end, end + 1),
            _ => (part.len().min(room), part.len().min(room)),
        };
        line.extend_from_slice(part.get(..text).unwrap_or_default());
        reader.consume(taken);
        if taken > text || line.len() == LONGEST_LINE {
            tell(&String::from_utf8_lossy(&line));
            line.clear();
        }
    }
    if !line.is_empty() {
        tell(&String::from_utf8_lossy(&line));
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    async fn shell(script: &str, limits: Limits, is_cancelled: bool) -> (Result<(), Stopped>, Vec<String>) {
        let command = ["sh", "-c", script].map(str::to_owned);
        let lines = Mutex::new(Vec::new());
        let tell = |line: &str| lines.lock().push(line.to_owned());
        let variables = [("FACT", Some("a b".to_owned())), ("HOME", None)];
        let ended = run_within(&command, &variables, limits, &|| is_cancelled, &tell).await;
        (ended, lines.into_inner())
    }

    const ENOUGH: Limits = Limits {
        limit: Duration::from_mins(1),
        grace: Duration::from_mins(1),
    };

    fn failure(ended: Result<(), Stopped>) -> String {
        match ended {
            Err(Stopped::Failed(why) | Stopped::Refused(why)) => why,
            other => panic!("{other:?}"),
        }
    }

    /// Waits until nothing has the file open any more, by the lock that each holder has on it.
    fn is_let_go(file: &std::path::Path) {
        let file = std::fs::File::open(file).unwrap();
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive).unwrap();
    }

    #[tokio::test]
    async fn output_comes_line_by_line_and_long_lines_in_parts() {
        let (ended, lines) = shell(
            "echo \"$FACT ${HOME-gone} $PWD\"; printf '%05000d\\n\\nlast' 0",
            ENOUGH,
            false,
        )
        .await;
        assert_eq!(ended, Ok(()));
        let lengths: Vec<_> = lines.iter().map(String::len).collect();
        assert_eq!(lengths, [10, 4096, 904, 0, 4]);
        assert_eq!(lines[0], "a b gone /");
    }

    #[tokio::test]
    async fn a_failure_says_what_happened() {
        let (ended, _) = shell("exit 3", ENOUGH, false).await;
        assert!(failure(ended).contains("exit status: 3"));
        let missing = ["/nonexistent/hook".to_owned()];
        let ended = run(&missing, &[], ENOUGH.limit, &|| false, &|_| {}).await;
        assert!(failure(ended).contains("could not be started"));
        assert_eq!(run(&[], &[], ENOUGH.limit, &|| false, &|_| {}).await, Ok(()));
    }

    #[tokio::test]
    async fn what_takes_too_long_is_asked_to_end_and_its_children_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let held = folder.path().join("held");
        let script = format!(
            "trap 'echo asked; exit 0' TERM; (exec 9>{0}; flock 9; exec sleep 600) & echo begun; wait",
            held.display()
        );
        let limits = Limits {
            limit: Duration::from_secs(1),
            ..ENOUGH
        };
        let (ended, lines) = shell(&script, limits, false).await;
        assert!(failure(ended).contains("time limit of 1"), "{lines:?}");
        assert_eq!(lines, ["begun", "asked"]);
        is_let_go(&held);
    }

    #[tokio::test]
    async fn what_does_not_listen_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let held = folder.path().join("held");
        let script = format!(
            "trap '' TERM; (exec 9>{0}; flock 9; while :; do sleep 600; done) & while :; do sleep 600; done",
            held.display()
        );
        let limits = Limits {
            limit: Duration::from_millis(500),
            grace: Duration::from_millis(200),
        };
        let (ended, _) = shell(&script, limits, false).await;
        assert!(failure(ended).contains("time limit"));
        is_let_go(&held);
    }

    #[tokio::test]
    async fn a_cancelled_one_is_ended() {
        let (ended, _) = shell("exec sleep 600", ENOUGH, true).await;
        assert_eq!(ended, Err(Stopped::Cancelled));
    }

    #[tokio::test]
    async fn what_it_leaves_running_does_not_keep_it_from_ending() {
        let folder = tempfile::tempdir().unwrap();
        let pid = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}", pid.display());
        let (ended, _) = shell(&script, ENOUGH, false).await;
        assert_eq!(ended, Ok(()));
        let pid: i32 = std::fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        // It still runs, as a Magnolia would that the hook has started.
        rustix::process::kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    }
}
