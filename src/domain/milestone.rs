//! What a job has reached before its end: the moment that whoever waits for it waits for. What follows is clearing up,
//! which can take minutes.
//!
//! Not in here: noting it (`engine::jobs`) and showing it (`tui`, `cli`).

use serde::{Deserialize, Serialize};

use super::Instant;
use super::job::Job;
use super::measure;

/// A moment that counts.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Milestone {
    /// Backup: the copy is complete, read back and recorded.
    BackupComplete,
    /// Restore and undo: Live has the content that it was to have, on every instance of it.
    ContentLive,
}

impl Milestone {
    /// What is so from then on, as a clause.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::BackupComplete => "the backup is complete and verified",
            Self::ContentLive => "Live has the restored content",
        }
    }

    /// The same in a word or two, for a line that has to say as well that the job goes on.
    #[must_use]
    pub fn in_short(self) -> &'static str {
        match self {
            Self::BackupComplete => "backup complete",
            Self::ContentLive => "content is live",
        }
    }
}

/// A moment that counts, and when it was.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// What was reached.
    pub what: Milestone,
    /// When.
    pub at: Instant,
    /// Of when the content is that Live has from then on. `None` where there is none, and from an older Lifeboat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_of: Option<Instant>,
}

impl Reached {
    /// As a sentence with its time of day: `Live has the restored content of 2026-11-23 00:17 UTC (02:23:43 UTC)`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let of = self.content_of.map(measure::moment);
        let of = of.map(|of| format!(" of {of}")).unwrap_or_default();
        format!("{}{of} ({})", self.what.words(), self.at.format("%H:%M:%S UTC"))
    }
}

impl Job {
    /// What the job has reached while it still clears up; `None` once it has ended, since its outcome says it then.
    #[must_use]
    pub fn reached_so_far(&self) -> Option<&Reached> {
        self.reached.as_ref().filter(|_| !self.state.has_ended())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_has_the_time_to_the_second() {
        let reached = Reached {
            what: Milestone::ContentLive,
            at: "2026-11-24T02:23:43.7Z".parse().unwrap(),
            content_of: None,
        };
        assert_eq!(reached.sentence(), "Live has the restored content (02:23:43 UTC)");
        let of = Reached {
            content_of: "2026-11-23T00:17:12Z".parse().ok(),
            ..reached
        };
        assert_eq!(
            of.sentence(),
            "Live has the restored content of 2026-11-23 00:17 UTC (02:23:43 UTC)"
        );
    }
}
