//! The screens and dialogs that lie over the main screen, each with its own small state.

use tui_input::Input;

use super::cursor::Cursor;
use super::explore::Explorer;
use super::explore::differences::Differences;
use super::explore::search::Search;
use super::overview::Overview;
use super::wizard::Wizard;
use crate::domain::activity::Severity;
use crate::domain::backup::BackupId;
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{NodePath, Source};
use crate::domain::job::{JobId, LogLine};
use crate::domain::plan::PlanId;
use crate::domain::printable;
use crate::domain::request::HoldKind;

/// A screen that takes the main screen's place.
#[derive(Debug, Clone)]
pub enum Screen {
    /// The restore wizard, also used for undo.
    Wizard(Box<Wizard>),
    /// One job: its phases, progress and outcome.
    Job {
        /// Which.
        id: JobId,
        /// The first line shown.
        scroll: usize,
    },
    /// All environments over all contexts.
    Fleet(Box<Overview>),
    /// The list of jobs.
    Jobs(Cursor),
    /// A job's log.
    Log(Log),
    /// The activity log.
    Activity(Cursor),
    /// The notifications.
    Notifications(News),
    /// What is inside a backup or Live.
    Explorer(Box<Explorer>),
    /// Finding something in it.
    Search(Box<Search>),
    /// How two sources differ.
    Differences(Box<Differences>),
    /// Something to read.
    Page {
        /// What.
        page: Page,
        /// The first line shown.
        scroll: usize,
    },
}

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// The help.
    Help,
    /// What is recovered from where.
    Recovery,
    /// Everything known of a backup.
    Backup(EnvironmentName, BackupId),
    /// Everything known of an environment.
    About(EnvironmentName),
    /// What works in it and what does not.
    Check(EnvironmentName),
}

/// A job's log, as far as it has been read.
#[derive(Debug, Clone)]
pub struct Log {
    /// The job.
    pub job: JobId,
    /// Its lines; `None` before the first answer.
    pub lines: Option<Vec<LogLine>>,
    /// The first line shown.
    pub scroll: usize,
    /// Whether the last line is kept in view as lines come.
    pub follow: bool,
}

impl Log {
    /// The number of the last line read.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.lines.iter().flatten().last().map_or(0, |line| line.number)
    }
}

/// The notifications.
#[derive(Debug, Clone)]
pub struct News {
    /// The selected one.
    pub cursor: Cursor,
    /// Those up to this number had been seen when the screen was opened; later ones are marked as new.
    pub seen_before: u64,
}

/// A dialog over a screen.
#[derive(Debug)]
pub enum Dialog {
    /// Something to fill in.
    Form(Form),
    /// A question to answer with yes or no.
    Question(Question),
    /// A message that is too long or too serious for the line above the footer.
    Notice(Notice),
    /// The palette of actions.
    Palette(Palette),
    /// The contexts to choose from.
    Contexts(Cursor),
}

/// A form.
#[derive(Debug)]
pub struct Form {
    /// What it is for.
    pub kind: FormKind,
    /// Its fields.
    pub fields: Vec<Field>,
    /// The field that is typed in.
    pub active: usize,
    /// What is wrong with what was typed.
    pub problem: Option<String>,
}

/// What a form is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormKind {
    /// A manual backup.
    Backup(EnvironmentName),
    /// A backup before an upgrade.
    UpgradeBackup(EnvironmentName),
    /// Setting a hold.
    Hold(EnvironmentName, HoldKind),
    /// Writing what is on the screen into a file.
    Save,
    /// Writing what is inside a source on this machine.
    Export(EnvironmentName, Source, Vec<NodePath>),
    /// Agreeing to a restore that waits, by its plan.
    Approve(EnvironmentName, PlanId),
    /// Not agreeing to it.
    Reject(EnvironmentName, PlanId),
    /// Keeping a backup on purpose.
    Pin(EnvironmentName, BackupId),
}

/// A field of a form.
#[derive(Debug)]
pub struct Field {
    /// What to type.
    pub label: &'static str,
    /// What has been typed.
    pub input: Input,
}

impl Form {
    /// A form with empty fields of these labels.
    #[must_use]
    pub fn new(kind: FormKind, labels: &[&'static str]) -> Self {
        Self {
            kind,
            fields: labels.iter().copied().map(Field::new).collect(),
            active: 0,
            problem: None,
        }
    }

    /// What has been typed in each field, if anything has been.
    #[must_use]
    pub fn typed(&self) -> Option<Vec<String>> {
        let texts: Vec<String> = self
            .fields
            .iter()
            .map(|field| field.input.value().to_owned())
            .collect();
        texts.iter().any(|text| !text.is_empty()).then_some(texts)
    }

    /// Puts text into each field, as if it had been typed.
    pub fn fill(&mut self, texts: Vec<String>) {
        for (field, text) in self.fields.iter_mut().zip(texts) {
            field.input = Input::new(text);
        }
    }
}

impl Field {
    /// An empty field.
    #[must_use]
    pub fn new(label: &'static str) -> Self {
        Self {
            label,
            input: Input::default(),
        }
    }

    /// What has been typed, without blanks around it; `None` if nothing of that is seen.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        let text = self.input.value().trim();
        printable::is_seen(text).then(|| text.to_owned())
    }
}

/// A question.
#[derive(Debug)]
pub struct Question {
    /// What is asked.
    pub about: About,
    /// The title.
    pub title: String,
    /// What yes would do, as sentences.
    pub text: Vec<String>,
    /// The word for yes.
    pub yes: &'static str,
    /// What is lost for good, as a sentence: then the question looks more serious, and Enter is not yes.
    pub lost: Option<String>,
}

impl Question {
    /// Whether something is lost for good.
    #[must_use]
    pub fn is_grave(&self) -> bool {
        self.lost.is_some()
    }
}

/// What a question is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// Ending the cockpit while jobs run in it.
    Quit,
    /// Stopping the process while jobs run in it.
    Suspend,
    /// Reading back one backup, or all of them.
    Verify(EnvironmentName, Option<BackupId>),
    /// Restoring a backup into a scratch place.
    Drill(EnvironmentName, BackupId),
    /// Keeping a backup that expires for longer.
    Extend(EnvironmentName, BackupId),
    /// Letting a pinned backup go again.
    Unpin(EnvironmentName, BackupId),
    /// Leaving the safety backup out of a restore.
    NoSafety(EnvironmentName),
    /// Restoring although nothing would change.
    EvenIfUnchanged(EnvironmentName),
    /// Breaking Live of the demo.
    Break(EnvironmentName),
    /// Cancelling a job.
    Cancel(JobId),
    /// Deleting a backup.
    Delete(EnvironmentName, BackupId),
    /// Dropping the tables that restores have replaced.
    Confirm(EnvironmentName),
    /// Lifting a hold.
    Lift(EnvironmentName, HoldKind),
    /// Doing something for several environments.
    Many(Deed, Vec<EnvironmentName>),
}

/// What is done for several environments at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// A manual backup of each.
    Backup,
    /// All backups of each are read back.
    Verify,
    /// The newest backup of each is restored into a scratch place.
    Drill,
    /// Maintenance mode is set, or lifted.
    Maintenance(bool),
}

/// A message in a dialog of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// How serious.
    pub severity: Severity,
    /// What about.
    pub title: String,
    /// The whole text.
    pub text: String,
    /// The first line shown.
    pub scroll: usize,
}

/// The palette of actions.
#[derive(Debug, Default)]
pub struct Palette {
    /// What has been typed.
    pub input: Input,
    /// The selected action.
    pub cursor: Cursor,
}
