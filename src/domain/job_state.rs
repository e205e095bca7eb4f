//! Where a job stands: what it waits for, that it is at work, or how it ended.

use serde::{Deserialize, Serialize};

use super::waiting_line::Place;

/// Where a job stands.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JobState {
    /// Not begun yet.
    Waiting {
        /// Why.
        why: String,
        /// Its place among the jobs that wait for their turn, where that is what it waits for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        place: Option<Place>,
        /// Whether it is the environment's maintenance mode that it waits for the end of.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        maintenance: bool,
    },
    /// At work.
    Running,
    /// Ended well.
    Done,
    /// Ended badly.
    Failed {
        /// What happened, why, and what to do, as sentences.
        why: String,
    },
    /// Ended because somebody asked for it, at a safe point.
    Cancelled,
}

impl JobState {
    /// Why a job waits that nothing keeps from beginning: for the moment in which it is handed to its thread.
    pub const ABOUT_TO_BEGIN: &'static str = "about to begin";

    /// A job that waits, for this reason.
    #[must_use]
    pub fn waiting(why: &str) -> Self {
        Self::Waiting {
            why: why.to_owned(),
            place: None,
            maintenance: false,
        }
    }

    /// A job that waits for the end of a maintenance mode, of which this is said.
    #[must_use]
    pub fn in_maintenance(why: &str) -> Self {
        Self::Waiting {
            why: why.to_owned(),
            place: None,
            maintenance: true,
        }
    }

    /// Whether a job waits for the end of a maintenance mode.
    #[must_use]
    pub fn waits_for_maintenance(&self) -> bool {
        matches!(self, Self::Waiting { maintenance, .. } if *maintenance)
    }

    /// Whether a job waits for nothing but its thread: that is over before it can be read.
    #[must_use]
    pub fn is_about_to_begin(&self) -> bool {
        matches!(self, Self::Waiting { why, .. } if why == Self::ABOUT_TO_BEGIN)
    }

    /// A job that waits for its turn.
    #[must_use]
    pub fn in_line(place: Place) -> Self {
        Self::Waiting {
            why: format!("for its turn: {place}"),
            place: Some(place),
            maintenance: false,
        }
    }

    /// What a job waits for, in words: `waiting for its turn: 3rd of 12`. `None` for one that does not wait.
    #[must_use]
    pub fn waits_for(&self) -> Option<String> {
        match self {
            Self::Waiting {
                why, place: Some(_), ..
            } => Some(format!("waiting {why}")),
            Self::Waiting { why, place: None, .. } => Some(format!("waiting: {why}")),
            _ => None,
        }
    }

    /// Whether the job has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        !matches!(self, Self::Waiting { .. } | Self::Running)
    }

    /// The word for it.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Waiting { .. } => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed { .. } => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}
