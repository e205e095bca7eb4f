//! Runs a short command that an operator configured and reads what it prints: for versions and keys.
//!
//! Not for hooks, which may take minutes and whose output goes to a job's log (`engine::hooks`).

use super::blot::Blots;
use crate::domain::os_error::in_words;
use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
#[cfg(feature = "engine")]
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

#[cfg(feature = "engine")]
use rustix::fs::{Access, access};
use rustix::process::{Pid, Signal, kill_process_group};

/// A command is ended after this long. It is asked while somebody waits, often for a Magnolia that is down.
const LIMIT: Duration = Duration::from_secs(10);
/// So much of what it prints is kept.
const MOST_KEPT: u64 = 64 * 1024;

/// Runs a program with its arguments, without a shell, in `folder`, and gives what it printed.
///
/// # Errors
/// A sentence that names the program: it could not be started, ended with an error (with what it said), or took too
/// long.
#[cfg(any(feature = "engine", test))]
pub(crate) fn output(command: &[String], folder: &Path) -> Result<Vec<u8>, String> {
    output_within(command, folder, LIMIT, Printed::Open)
}

/// As [`output`], for a command that prints a secret: it is in no sentence, whatever the command says of it.
///
/// # Errors
/// As [`output`].
pub(super) fn secret(command: &[String], folder: &Path) -> Result<Vec<u8>, String> {
    output_within(command, folder, LIMIT, Printed::Secret)
}

/// What a command prints.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Printed {
    /// Something that everybody may see.
    #[cfg(any(feature = "engine", test))]
    Open,
    /// A secret.
    Secret,
}

fn output_within(
    command: &[String],
    folder: &Path,
    limit: Duration,
    what: Printed,
) -> Result<Vec<u8>, String> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| "the configured command is empty".to_owned())?;
    let failed = |error: std::io::Error| format!("{program}: {error}", error = in_words(&error));
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let (told, heard) = mpsc::channel();
    // A thread each reads until the end; when that is not there in time, the program is ended with all that it has
    // started, and the reading with it.
    std::thread::spawn(move || {
        let said = std::thread::spawn(move || read(err));
        let printed = read(out);
        let _ = told.send((printed, said.join().unwrap_or_default()));
    });
    let Ok((printed, said)) = heard.recv_timeout(limit) else {
        // It may just have ended by itself.
        let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
        let _ = child.wait();
        return Err(format!(
            "{program} did not end within {} seconds",
            limit.as_secs()
        ));
    };
    let status = child.wait().map_err(failed)?;
    if !status.success() {
        let mut blots = Blots::default();
        if what == Printed::Secret {
            let printed = String::from_utf8_lossy(&printed);
            printed.lines().for_each(|line| blots.keep(line));
        }
        let said = blots.out(&String::from_utf8_lossy(&said));
        return Err(format!("{program} ended with {status}: {}", said.trim()));
    }
    Ok(printed)
}

/// All that comes, up to more than a version or a key ever is. What cannot be read counts as not printed; how the
/// program ended is told anyway.
fn read(stream: Option<impl Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        let _ = stream.by_ref().take(MOST_KEPT).read_to_end(&mut bytes);
        // A program that nobody listens to any more would not end by itself.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    }
    bytes
}

/// The engine's check: finds a program as it would be started: by its path, or in one of the folders of `path`.
///
/// # Errors
/// A sentence when there is none, or when it may not be executed.
#[cfg(feature = "engine")]
pub(crate) fn find(program: &str, path: &str) -> Result<PathBuf, String> {
    let may = |file: &Path| file.is_file() && access(file, Access::EXEC_OK).is_ok();
    if program.contains('/') {
        let file = PathBuf::from(program);
        return match (may(&file), file.exists()) {
            (true, _) => Ok(file),
            (false, true) => Err(format!("{program} may not be executed")),
            (false, false) => Err(format!("{program} is not there")),
        };
    }
    std::env::split_paths(path)
        .map(|folder| folder.join(program))
        .find(|file| may(file))
        .ok_or_else(|| format!("{program} is in none of the folders of PATH"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Vec<String> {
        ["sh", "-c", script].map(str::to_owned).to_vec()
    }

    #[test]
    fn what_is_printed_comes_back_and_what_fails_is_said() {
        let folder = Path::new("/");
        assert_eq!(output(&shell("pwd"), folder).unwrap(), b"/\n");
        let why = output(&shell("echo no such release >&2; exit 3"), folder).unwrap_err();
        assert!(why.contains("no such release") && why.contains('3'), "{why}");
        assert!(output(&[], folder).unwrap_err().contains("empty"));
        assert!(
            output(&["/nonexistent".to_owned()], folder)
                .unwrap_err()
                .contains("/nonexistent")
        );
    }

    #[test]
    fn a_secret_that_a_command_prints_is_not_in_what_it_says_of_itself() {
        let script = shell("echo the-key-itself; echo 'the-key-itself: has expired' >&2; exit 1");
        let why = secret(&script, Path::new("/")).unwrap_err();
        assert!(why.ends_with(": …: has expired"), "{why}");
        assert!(
            output(&script, Path::new("/"))
                .unwrap_err()
                .contains("the-key-itself")
        );
    }

    #[test]
    fn a_command_that_says_much_before_it_prints_comes_to_its_end() {
        let much = "yes complaint | head -c 300000 >&2; echo v12";
        assert_eq!(output(&shell(much), Path::new("/")).unwrap(), b"v12\n");
    }

    #[test]
    fn a_command_that_hangs_is_ended() {
        let why = output_within(
            &shell("exec sleep 600"),
            Path::new("/"),
            Duration::from_millis(50),
            Printed::Open,
        )
        .unwrap_err();
        assert!(why.contains("did not end"), "{why}");
    }
}
