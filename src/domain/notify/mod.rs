//! Being told of what happens while nobody looks: what there is to tell, who is told of it, when, and in which form.
//!
//! An event becomes a [`Message`] for each receiver that wants it. It waits in a queue until that receiver has taken it.
//!
//! Not in here: the queue (`catalog`), reaching a receiver (`engine::notify`), and the notifications that a cockpit shows
//! ([`super::activity`]).

mod alive;
mod digest;
mod form;
mod pattern;
mod receiver;
mod rules;
mod settings;
mod standing;
#[cfg(test)]
mod tests;
mod topic;

use serde::{Deserialize, Serialize};

use super::Instant;
use super::activity::Severity;
use super::environment::EnvironmentName;
use super::job::JobId;

pub use alive::AliveSettings;
pub use digest::portions;
pub use form::{ntfy, plain_text, slack, subject, teams, webhook};
pub use pattern::Pattern;
pub use receiver::{Receiver, receivers_wrong};
pub use rules::{Folding, LONGEST_PAUSE, Quiet, ends_folding_of, folds_of, folds_with, retry_after};
pub use settings::{MailTls, ReceiverKind, ReceiverSettings};
pub use standing::{ReceiverStanding, ReceiverTest};
pub use topic::Topic;

/// Something that happened, for whoever wants to be told of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What kind of thing it is.
    pub topic: Topic,
    /// How serious.
    pub severity: Severity,
    /// When.
    pub at: Instant,
    /// The environment, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<EnvironmentName>,
    /// The job, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// What, as a sentence without the environment's name. One printable line.
    pub text: String,
}

/// A message as it is handed over: with how often the same has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it has for an id when it is handed over alone, so that it is known again in a digest.
    pub id: Option<String>,
    /// What happened first.
    pub message: Message,
    /// For how many occurrences it stands, this one included.
    pub times: u64,
    /// Whether one like it was told before: then all of them are repeats.
    pub follows: bool,
}

impl Told {
    /// One that happened once.
    #[must_use]
    pub fn once(message: Message) -> Self {
        Self {
            id: None,
            message,
            times: 1,
            follows: false,
        }
    }

    /// How often it has happened again, in words: `3 more times since 02:10 UTC`. `None` when it has not.
    #[must_use]
    pub fn again(&self) -> Option<String> {
        let more = if self.follows {
            self.times
        } else {
            self.times.saturating_sub(1)
        };
        let since = self.message.at.format("%H:%M UTC");
        match more {
            0 => None,
            1 => Some(format!("once more since {since}")),
            more => Some(format!("{more} more times since {since}")),
        }
    }

    /// What happened, with how often it has happened again.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self.again() {
            Some(again) => format!("{} ({again})", self.message.text),
            None => self.message.text.clone(),
        }
    }
}

/// What is handed over at once: one message, or several as a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parcel {
    /// What tells it from every other one, so that a receiver that gets it twice can see that.
    pub id: String,
    /// When it is handed over.
    pub sent: Instant,
    /// What is in it: the oldest first, of a digest for people the gravest. Never empty.
    pub told: Vec<Told>,
}

impl Parcel {
    /// The gravest of what is in it.
    #[must_use]
    pub fn severity(&self) -> Severity {
        let severities = self.told.iter().map(|told| told.message.severity);
        severities.max().unwrap_or(Severity::Information)
    }
}
