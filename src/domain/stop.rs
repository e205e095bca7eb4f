//! Why a job is asked to stop before its end, and who has stopped looking on while it goes on.
//!
//! Every cancellation carries a [`StopReason`], from whoever asks to the job's record, its log and the activity log. The
//! sentences are made from it, never the other way round.

use std::fmt;

use super::principal::Principal;
use serde::{Deserialize, Serialize};

/// Why a job is asked to stop at its next safe point.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", rename_all = "snake_case")]
pub enum StopReason {
    /// Somebody asked for it.
    Asked {
        /// A person's name, or that of a token.
        by: Principal,
    },
    /// Somebody left the cockpit in whose process it ran.
    CockpitLeft {
        /// A person's name.
        by: Principal,
    },
    /// Somebody went over to another context in the cockpit in whose process it ran.
    ContextChanged {
        /// A person's name.
        by: Principal,
    },
    /// A signal asked the process that it ran in to end.
    Signal,
    /// The terminal of the process that it ran in went away: it had not begun, or ran in a demo.
    TerminalGone,
    /// Whoever read the output of the process that it ran in went away, and it had not begun.
    ReaderGone,
    /// The service that it ran in was asked to end, and it did not end by itself in the time that is left for that.
    ServiceStopped,
    /// The demo that it ran in was ended.
    DemoEnded,
    /// Its right to the environment was lost on the way.
    LockLost,
}

impl fmt::Display for StopReason {
    /// What follows "since".
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked { by } => write!(f, "{by} asked for it"),
            Self::CockpitLeft { by } => write!(f, "{by} left the cockpit that it ran in"),
            Self::ContextChanged { by } => {
                write!(
                    f,
                    "{by} went over to another context in the cockpit that it ran in"
                )
            }
            Self::Signal => f.write_str("a signal asked the Lifeboat that it ran in to end"),
            Self::TerminalGone => write!(f, "{}", Unseen::TerminalGone),
            Self::ReaderGone => write!(f, "{}", Unseen::ReaderGone),
            Self::ServiceStopped => f.write_str("the service that it ran in was asked to end"),
            Self::DemoEnded => f.write_str("the demo that it ran in was ended"),
            Self::LockLost => f.write_str("its lock on the environment was lost"),
        }
    }
}

/// Why nobody looks on any more at what runs in a process. What has begun goes on to its end all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unseen {
    /// The terminal went away: the line to it was cut, or it was closed.
    TerminalGone,
    /// The program that read the output went away, as at the end of a line without a terminal.
    ReaderGone,
}

impl Unseen {
    /// Why a job that has not begun does not wait any longer.
    #[must_use]
    pub fn reason(self) -> StopReason {
        match self {
            Self::TerminalGone => StopReason::TerminalGone,
            Self::ReaderGone => StopReason::ReaderGone,
        }
    }
}

impl fmt::Display for Unseen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TerminalGone => "the terminal of the Lifeboat that it runs in went away",
            Self::ReaderGone => "whoever read the output of the Lifeboat that it runs in went away",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_stored_as_a_word_and_comes_back() {
        let by = || Principal::account("olga");
        let reasons = [
            (StopReason::Asked { by: by() }, "asked"),
            (StopReason::CockpitLeft { by: by() }, "cockpit_left"),
            (StopReason::ContextChanged { by: by() }, "context_changed"),
            (StopReason::Signal, "signal"),
            (StopReason::TerminalGone, "terminal_gone"),
            (StopReason::ReaderGone, "reader_gone"),
            (StopReason::ServiceStopped, "service_stopped"),
            (StopReason::DemoEnded, "demo_ended"),
            (StopReason::LockLost, "lock_lost"),
        ];
        let mut sentences = Vec::new();
        for (reason, word) in reasons {
            let text = serde_json::to_string(&reason).unwrap();
            assert!(text.contains(&format!("\"reason\":\"{word}\"")), "{text}");
            assert_eq!(serde_json::from_str::<StopReason>(&text).unwrap(), reason);
            sentences.push(reason.to_string());
        }
        let count = sentences.len();
        sentences.sort();
        sentences.dedup();
        assert_eq!(sentences.len(), count, "each reason has a sentence of its own");
    }
}
