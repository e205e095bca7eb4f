//! The tour of the demo: a path of steps through the cockpit. Each has a caption that says why, and does what it tells of by the
//! keys that a person would press, in the sandbox and for real.
//!
//! - here: how far one is. `steps`: the path, as data. `seen`: what a press of it waits for.
//!
//! Not in here: how it goes on (`update::tour`) and how it looks (`view::tour`).

pub mod seen;
pub mod steps;

use std::collections::BTreeMap;
use std::time::Duration;

use ratatui::layout::Size;

use self::steps::{STEPS, Step};
use super::model::screens::Screen;
use super::settings::Showing;
use crate::domain::backup::BackupId;
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::NodePath;
use crate::domain::job::JobId;

/// How long the tour waits between two presses, so that an eye can follow.
pub const PAUSE: Duration = Duration::from_millis(700);
/// How many rows the caption takes, with the rule above it.
pub const CAPTION_ROWS: u16 = 5;
/// How many are left of it while somebody plays.
pub const AWAY_ROWS: u16 = 1;

/// How far one is on the path.
#[derive(Debug)]
pub struct Tour {
    /// How long it waits between two presses.
    pub pause: Duration,
    /// Whether what it goes through is kept when it ends.
    pub is_kept: bool,
    /// Whether keys go on along the path. Off it they are the cockpit's.
    pub on_path: bool,
    /// The step whose caption is shown.
    pub at: usize,
    /// The furthest step that was come to: all before it are done.
    pub reached: usize,
    /// How that one stands.
    pub run: Run,
    /// What has been found out on the way.
    pub notes: Notes,
    /// The screens of the steps that one has been at, as they were left.
    pub kept: BTreeMap<usize, Vec<Screen>>,
    /// Counts what is waited for, so that a timer that rings late is known for one.
    pub waits: u64,
}

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// Its caption is read, and nothing has been done.
    Ready,
    /// It is being done.
    Going(Going),
    /// It is done, and what came of it is on the screen.
    Done,
    /// It does not go on, with the sentence that says why.
    Stuck(&'static str),
}

/// A step that is being done.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Going {
    /// The press that is next.
    pub beat: usize,
    /// How many letters of it have been typed.
    pub typed: usize,
    /// Whether it rests between two presses.
    pub rests: bool,
    /// Whether what is on the screen has been there for as long as it takes to read it.
    pub is_read: bool,
    /// Whether somebody has been asked to tell when this has taken too long.
    pub is_timed: bool,
}

/// What has been found out on the way.
#[derive(Debug, Default)]
pub struct Notes {
    /// The environment that it is about.
    pub environment: Option<EnvironmentName>,
    /// The backup that the tour has taken.
    pub backup: Option<BackupId>,
    /// What was found to be gone.
    pub lost: Option<NodePath>,
    /// The newest job there was when the step was begun: those after it are its own.
    pub newest_job: Option<JobId>,
    /// The job that the step has begun.
    pub job: Option<JobId>,
}

impl Tour {
    /// At the first step, where a tour is given.
    #[must_use]
    pub fn of(showing: &Showing) -> Option<Self> {
        Some(Self {
            pause: showing.tour?,
            is_kept: showing.is_kept,
            on_path: true,
            at: 0,
            reached: 0,
            run: Run::Done,
            notes: Notes::default(),
            kept: BTreeMap::new(),
            waits: 0,
        })
    }

    /// The step whose caption is shown.
    #[must_use]
    pub fn step(&self) -> &'static Step {
        // There is always one: the path has no end that is gone beyond.
        &STEPS[self.at.min(STEPS.len() - 1)]
    }

    /// Whether the caption is that of a step behind the furthest.
    #[must_use]
    pub fn is_earlier(&self) -> bool {
        self.at < self.reached
    }

    /// Whether the path has come to its end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.at + 1 == STEPS.len() && self.run == Run::Done
    }

    /// What is being done, if the caption is that of it.
    #[must_use]
    pub fn going(&self) -> Option<&Going> {
        match &self.run {
            Run::Going(going) => Some(going),
            _ => None,
        }
    }

    /// The text of the caption: why, or once it is done, what came of it.
    #[must_use]
    pub fn text(&self) -> String {
        if let (Run::Stuck(why), false) = (&self.run, self.is_earlier()) {
            return (*why).to_owned();
        }
        let step = self.step();
        if self.is_earlier() && !step.beats.is_empty() {
            return self.filled(&step.told_later());
        }
        let is_done = self.run == Run::Done && !step.beats.is_empty();
        self.filled(if is_done { step.then } else { step.why })
    }

    fn filled(&self, text: &str) -> String {
        let lost = self.notes.lost.as_ref().map(ToString::to_string);
        let lost = lost.as_deref().unwrap_or("a section");
        text.replace("{lost}", lost)
            .replace("{stays}", if self.is_kept { "stays" } else { "goes" })
    }

    /// How many minutes all of it takes to tell, rounded up.
    #[must_use]
    pub fn minutes() -> u64 {
        STEPS.iter().map(|step| step.seconds).sum::<u64>().div_ceil(60)
    }

    /// What the cockpit has of a terminal beside the caption.
    #[must_use]
    pub fn beside(&self, terminal: Size) -> Size {
        let rows = if self.on_path { CAPTION_ROWS } else { AWAY_ROWS };
        Size {
            height: terminal.height.saturating_sub(rows),
            ..terminal
        }
    }
}
