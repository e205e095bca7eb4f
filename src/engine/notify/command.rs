//! A command that is told: it gets the event as JSON on its standard input, and has a time limit.
//!
//! Not for hooks, whose output goes to a job's log (`engine::hooks`).

use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStderr, Command};

use rustix::process::{Pid, Signal, kill_process_group};

use super::quoted::quoted;
use super::reach::{Ready, Refused};
use crate::domain::notify::{self, Parcel};
use crate::domain::os_error::in_words;

/// So much of what it says is told.
const TOLD: usize = 500;
/// How long is waited for what a command that has ended has said: only what is on its way.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// All that a command has started is ended when this is dropped before it has ended.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // It may just have ended by itself.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

/// Keeps the beginning of what is said, and hears the rest: a command must not fail because nobody listens.
async fn listen(errors: Option<ChildStderr>, said: &Mutex<Vec<u8>>) {
    let Some(mut errors) = errors else { return };
    let mut part = [0; 1024];
    while let Ok(count @ 1..) = errors.read(&mut part).await {
        let mut said = said.lock();
        let room = TOLD.saturating_sub(said.len());
        said.extend(part.iter().take(count.min(room)));
    }
}

/// Runs it. Its exit code says whether it was told.
pub(super) async fn run(to: &Ready, parcel: &Parcel) -> Result<String, Refused> {
    let Some((program, arguments)) = to.settings.command.split_first() else {
        return Err(Refused::now("it names no program"));
    };
    let mut command = Command::new(program);
    for name in &*to.hidden {
        command.env_remove(name);
    }
    let mut child = command
        .args(arguments)
        .current_dir(&to.folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| {
            Refused::now(format!(
                "{program} could not be started: {error}",
                error = in_words(&error)
            ))
        })?;
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    let mut group = Group(id.and_then(Pid::from_raw));
    let mut text = notify::webhook(parcel).to_string();
    text.push('\n');
    let input = child.stdin.take();
    let errors = child.stderr.take();
    let telling = async move {
        if let Some(mut input) = input {
            // One that does not read what it is told may still do what it is for.
            let _ = input.write_all(text.as_bytes()).await;
        }
    };
    let said = Mutex::new(Vec::new());
    let listening = listen(errors, &said);
    let mut talking = pin!(async { tokio::join!(telling, listening) });
    // Its end counts, and not that of what it has left behind, which may hold its input and output for long.
    let mut has_talked = false;
    let status = loop {
        tokio::select! {
            biased;
            _ = &mut talking, if !has_talked => has_talked = true,
            status = child.wait() => break status,
        }
    };
    if !has_talked {
        // What it said at last may not have been read.
        let _ = tokio::time::timeout(LAST_WORDS, talking).await;
    }
    group.0 = None;
    let status = status
        .map_err(|error| Refused::now(format!("{program} was lost: {error}", error = in_words(&error))))?;
    if status.success() {
        return Ok(format!("{program} ended well"));
    }
    let said = said.lock();
    let said = match quoted(to, None, &String::from_utf8_lossy(&said), TOLD) {
        empty if empty.is_empty() => String::new(),
        text => format!(": {text}"),
    };
    Err(Refused::now(format!("{program} ended with {status}{said}")))
}
