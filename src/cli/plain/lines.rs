//! Lines as they are typed, for whoever waits for them beside other things and for verbs that ask.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::Arc;

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

/// What was typed and is not taken yet.
#[derive(Default)]
struct Typed {
    lines: VecDeque<String>,
    is_over: bool,
}

#[derive(Default)]
struct Shared {
    typed: Mutex<Typed>,
    has_more: Condvar,
    told: Notify,
}

/// Lines as they are typed, for all that have this.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

impl Lines {
    /// Reads lines on a thread of its own until the input ends. The thread ends with the process at the latest.
    pub(super) fn read(mut from: Box<dyn BufRead + Send>) -> Self {
        let shared = Arc::new(Shared::default());
        let filled = Arc::clone(&shared);
        let reading = move || {
            loop {
                let mut line = String::new();
                // What cannot be read, or is no text, is as good as nobody there.
                let is_over = !matches!(from.read_line(&mut line), Ok(1..));
                let mut typed = filled.typed.lock();
                if is_over {
                    typed.is_over = true;
                } else {
                    typed.lines.push_back(line);
                }
                drop(typed);
                filled.has_more.notify_all();
                filled.told.notify_one();
                if is_over {
                    return;
                }
            }
        };
        if std::thread::Builder::new()
            .name("lines".to_owned())
            .spawn(reading)
            .is_err()
        {
            shared.typed.lock().is_over = true;
        }
        Self(shared)
    }

    /// The next line; `None` when there is none any more.
    pub(super) async fn next(&self) -> Option<String> {
        loop {
            {
                let mut typed = self.0.typed.lock();
                if let Some(line) = typed.lines.pop_front() {
                    return Some(line);
                }
                if typed.is_over {
                    return None;
                }
            }
            self.0.told.notified().await;
        }
    }

    /// The same lines for a verb that asks and waits.
    pub(super) fn input(&self) -> Input {
        Input {
            of: Arc::clone(&self.0),
            line: Vec::new(),
            at: 0,
        }
    }
}

/// Lines for a verb that asks and waits.
pub(super) struct Input {
    of: Arc<Shared>,
    line: Vec<u8>,
    at: usize,
}

impl Read for Input {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut left = self.fill_buf()?;
        let read = left.read(into)?;
        self.consume(read);
        Ok(read)
    }
}

impl BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at >= self.line.len() {
            let mut typed = self.of.typed.lock();
            while typed.lines.is_empty() && !typed.is_over {
                self.of.has_more.wait(&mut typed);
            }
            self.line = typed.lines.pop_front().unwrap_or_default().into_bytes();
            self.at = 0;
        }
        Ok(self.line.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, read: usize) {
        self.at += read;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_line_is_taken_once_by_whoever_asks_first() {
        let lines = Lines::read(Box::new(io::Cursor::new("one\ntwo\nthree")));
        assert_eq!(lines.next().await.as_deref(), Some("one\n"));
        let mut asked = String::new();
        lines.input().read_line(&mut asked).unwrap();
        assert_eq!(asked, "two\n");
        assert_eq!(lines.next().await.as_deref(), Some("three"));
        assert_eq!(lines.next().await, None);
        asked.clear();
        assert_eq!(lines.input().read_line(&mut asked).unwrap(), 0);
    }
}
