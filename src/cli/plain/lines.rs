//! Lines as they are typed, each with the moment at which it came, for whoever waits for them beside other things.

use std::collections::VecDeque;
use std::io::BufRead;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// A line.
pub(super) struct Line {
    pub(super) text: String,
    /// When it came, which may be before anything was asked.
    pub(super) at: Instant,
}

/// What was typed and is not taken yet.
#[derive(Default)]
struct Typed {
    lines: VecDeque<Line>,
    is_over: bool,
}

#[derive(Default)]
struct Shared {
    typed: Mutex<Typed>,
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
                let mut text = String::new();
                // What cannot be read, or is no text, is as good as nobody there.
                let is_over = !matches!(from.read_line(&mut text), Ok(1..));
                let at = Instant::now();
                let mut typed = filled.typed.lock();
                if is_over {
                    typed.is_over = true;
                } else {
                    typed.lines.push_back(Line { text, at });
                }
                drop(typed);
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

    /// Lines that are there already, each with the moment at which it came, and no others.
    #[cfg(test)]
    pub(super) fn there<'l>(lines: impl Iterator<Item = (&'l str, Instant)>) -> Self {
        let lines = lines.map(|(text, at)| Line {
            text: text.to_owned(),
            at,
        });
        Self(Arc::new(Shared {
            typed: Mutex::new(Typed {
                lines: lines.collect(),
                is_over: true,
            }),
            told: Notify::new(),
        }))
    }

    /// The next line; `None` when there is none any more. Whoever stops waiting loses none.
    pub(super) async fn next(&self) -> Option<Line> {
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
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[tokio::test]
    async fn each_line_is_taken_once_and_knows_when_it_came() {
        let before = Instant::now();
        let lines = Lines::read(Box::new(Cursor::new("one\ntwo")));
        let also = lines.clone();
        let first = lines.next().await.unwrap();
        assert_eq!(first.text, "one\n");
        assert!(first.at >= before && first.at <= Instant::now());
        let second = also.next().await.unwrap();
        assert_eq!(second.text, "two");
        assert!(second.at >= first.at);
        assert!(lines.next().await.is_none());
    }
}
