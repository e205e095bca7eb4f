//! The service's log: one JSON object a line, for programs that gather logs and for people who search them.
//!
//! Lines go through a bounded queue to whoever writes them out, so that a slow reader of the log never holds up a
//! request; what does not fit is counted and told. Nothing secret is ever given to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};
use tokio::sync::mpsc;

use crate::clock::Clock;
use crate::domain::printable;

/// Lines that may wait to be written.
const QUEUE: usize = 4_096;

/// How serious a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Info,
    /// Look at it soon.
    Warn,
    /// Something has failed.
    Error,
}

impl Level {
    fn label(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// Where lines are given to. Cheap to clone.
#[derive(Clone)]
pub struct Log {
    lines: mpsc::Sender<String>,
    lost: Arc<AtomicU64>,
    clock: Arc<dyn Clock>,
}

impl Log {
    /// A log, and the lines that come out of it.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> (Self, mpsc::Receiver<String>) {
        let (lines, written) = mpsc::channel(QUEUE);
        let log = Self {
            lines,
            lost: Arc::default(),
            clock,
        };
        (log, written)
    }

    /// Adds a line. `facts` has to be an object; its members stand beside the message.
    pub fn line(&self, level: Level, message: &str, facts: Value) {
        let mut line = Map::new();
        line.insert("at".to_owned(), json!(self.clock.now()));
        line.insert("level".to_owned(), json!(level.label()));
        line.insert("message".to_owned(), json!(message));
        if let Value::Object(facts) = facts {
            line.extend(facts);
        }
        let lost = self.lost.load(Ordering::Relaxed);
        if lost > 0 {
            line.insert("lines_lost".to_owned(), json!(lost));
        }
        match self
            .lines
            .try_send(printable::json(Value::Object(line).to_string()))
        {
            Ok(()) => {
                self.lost.fetch_sub(lost, Ordering::Relaxed);
            }
            // A full queue; or nobody writes any more, and nobody misses it.
            Err(_) => {
                self.lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;

    #[test]
    fn a_line_is_one_object_and_lost_lines_are_counted() {
        let (log, mut lines) = Log::new(Arc::new(SystemClock));
        for _ in 0..QUEUE + 3 {
            log.line(Level::Warn, "a\nb", json!({ "request": "r1" }));
        }
        let first = lines.blocking_recv().unwrap();
        let object: Value = serde_json::from_str(&first).unwrap();
        assert_eq!(object["request"], "r1");
        assert_eq!(first.lines().count(), 1);
        log.line(Level::Info, "after", json!({}));
        let mut last = first;
        while let Ok(line) = lines.try_recv() {
            last = line;
        }
        assert_eq!(serde_json::from_str::<Value>(&last).unwrap()["lines_lost"], 3);
    }
}
