//! `--detach` where jobs run in the process that starts them: the work is handed to a second process.
//!
//! The first process starts this program again with the same arguments, a mark in the place of `--detach`. The second
//! one cuts itself loose from the terminal, starts the job, writes its number as one line to its standard output, and goes on
//! in silence. The first one prints the number and ends. If the second one ends without a number, what it wrote to
//! standard error is the error, and its exit code is the exit code.

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use super::error::ErrorKind;
use super::{Call, CliError};
use crate::domain::job::JobId;
use crate::domain::os_error::in_words;

/// Starts the same command in a second process, and returns the number of its job.
pub(super) fn start_in_background(call: &mut Call<'_>) -> Result<JobId, CliError> {
    let cannot = |error: io::Error| {
        CliError::failed(format!(
            "starting a second Lifeboat in the background failed: {error}. Without --detach the job runs in this one",
            error = in_words(&error),
        ))
    };
    let mut child = Command::new(&call.outside.program)
        .args(background_arguments(&call.arguments))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    let mut first_line = String::new();
    if let Some(out) = child.stdout.take() {
        BufReader::new(out).read_line(&mut first_line).map_err(cannot)?;
    }
    if let Ok(id) = first_line.trim().parse() {
        return Ok(id);
    }
    let mut said = Vec::new();
    if let Some(mut err) = child.stderr.take() {
        err.read_to_end(&mut said).map_err(cannot)?;
    }
    let status = child.wait().map_err(cannot)?;
    call.outside.err.write_all(&said)?;
    let message = if said.is_empty() {
        format!("the second Lifeboat ended before it had started a job ({status})")
    } else {
        String::new()
    };
    Err(CliError::new(ErrorKind::of_exit_code(status.code()), message))
}

/// The mark of the second process, directly behind the program's name. It is no option that people could use, so it is
/// in no help and no completion.
const MARK: &str = "--in-background";

/// The second process's arguments after the program's name.
fn background_arguments(arguments: &[OsString]) -> Vec<OsString> {
    let mut marked = vec![OsString::from(MARK)];
    marked.extend(
        arguments
            .iter()
            .skip(1)
            .filter(|argument| *argument != "--detach")
            .cloned(),
    );
    marked
}

/// Takes the mark off the arguments. Returns whether it was there.
pub(super) fn take_mark(arguments: &mut Vec<OsString>) -> bool {
    let is_marked = arguments.get(1).is_some_and(|argument| argument == MARK);
    if is_marked {
        arguments.remove(1);
    }
    is_marked
}

/// In the second process: tells the first one the job's number, and prints nothing from then on, since nobody reads it. A
/// first one that has ended meanwhile waits for no number, and the job goes on.
pub(super) fn announce(id: JobId, call: &mut Call<'_>) {
    let _ = writeln!(call.outside.out, "{id}").and_then(|()| call.outside.out.flush());
    call.outside.out = Box::new(io::sink());
    call.outside.err = Box::new(io::sink());
    call.outside.err_is_terminal = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_process_gets_the_same_arguments_and_the_mark() {
        let typed = ["lifeboat", "backup", "acme/live", "--detach", "--json"].map(OsString::from);
        let mut second = vec![OsString::from("lifeboat")];
        second.extend(background_arguments(&typed));
        assert!(take_mark(&mut second));
        assert_eq!(second, ["lifeboat", "backup", "acme/live", "--json"]);
        assert!(!take_mark(&mut second));
    }
}
