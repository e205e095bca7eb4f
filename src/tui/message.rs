//! Everything that can happen to the cockpit: the one way into `update`.

use super::beyond::Found;
use super::collecting::Collected;
use super::key::Input;
use super::model::looks::ListKind;
use super::model::screens::Deed;
use super::question::{Question, Told};
use crate::backend::link::Link;
use crate::backend::{BackendError, BackendInfo};
use crate::domain::activity::{Activity, Notification};
use crate::domain::check::Report;
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::job::{Job, JobId, LogLine};
use crate::domain::plan::RestorePlan;
use crate::domain::state::{BeforeUndo, EnvironmentDetails, EnvironmentSummary};

/// An answer of the backend, or why there is none.
pub type Answer<T> = Result<T, BackendError>;

/// Something that happened.
#[derive(Debug)]
pub enum Message {
    /// A person or the terminal did something.
    Input(Input),
    /// Some time has passed: ages and countdowns may read differently now.
    Time,
    /// The selection has rested for a moment, or what is typed into a search has; the number says which move it was.
    Rested(u64),
    /// What waits for an answer with this number has been on the screen for a moment.
    Read(u64),
    /// Nothing came right after the answer to what waits with this number.
    Alone(u64),
    /// A question with this number has rested, and may be asked again.
    AskAgain(u64),
    /// What the tour waits for with this number has had its time.
    Tour(u64),
    /// An answer about what is inside a backup or Live.
    Told(Box<Question>, Answer<Told>),
    /// How far the export is that goes on, as a sentence.
    Exporting(String),
    /// An export has ended: what was written, or why not all of it, as sentences.
    Exported(Result<String, String>),
    /// What another context has, or why it cannot be reached.
    Elsewhere(String, Result<Vec<EnvironmentSummary>, String>),
    /// Text was put on the clipboard: what is to be said of it, and the bytes that the terminal was sent.
    Copied(String, Vec<u8>),
    /// The process cannot be stopped here: nothing would continue it.
    CannotStop,
    /// How the backend is reached has changed.
    Link(Link),
    /// The backend tells of something new.
    Event(Event),
    /// The backend tells of nothing any more.
    EventsEnded,
    /// What the backend is.
    Info(Answer<BackendInfo>),
    /// All environments.
    Environments(Answer<Vec<EnvironmentSummary>>),
    /// One environment.
    Details(EnvironmentName, Box<Answer<EnvironmentDetails>>),
    /// The newest jobs.
    Jobs(Answer<Vec<Job>>),
    /// One job.
    Job(Box<Answer<Job>>),
    /// More lines of a job's log.
    Log(JobId, Answer<Vec<LogLine>>),
    /// More of a list: so many of the newest.
    More(ListKind, u32, Answer<More>),
    /// All of a list that is to be saved in a file of this name, or why it cannot be had.
    Collected(String, Answer<Collected>),
    /// What was to be saved is in a file, or is not; the text says where, or why not.
    Saved(Result<String, String>),
    /// The configuration was looked at.
    Reread(Found),
    /// What came of something that was done for several environments: the job of each, if it began one, or why not.
    Many(Deed, Vec<(EnvironmentName, Answer<Option<JobId>>)>),
    /// The newest of the activity log.
    Activity(Answer<Vec<Activity>>),
    /// The newest notifications.
    Notifications(Answer<Vec<Notification>>),
    /// What works in an environment and what does not.
    Checked(EnvironmentName, Answer<Report>),
    /// What an undo would set aside.
    BeforeUndo(EnvironmentName, Answer<BeforeUndo>),
    /// A restore plan; the number says which question it answers.
    Plan(u64, Box<Answer<RestorePlan>>),
    /// A job that was asked for has been started, or refused.
    Started(Start, Answer<JobId>),
    /// A hold that a form asked for is set, or refused. The text says what was done.
    Held(String, Answer<()>),
    /// Something else that was asked for is done, or refused. The text says what was done.
    Done(String, Answer<()>),
    /// Live of the demo was broken: the sentence says how.
    Broke(Answer<String>),
}

/// More of a list.
#[derive(Debug)]
pub enum More {
    /// Jobs.
    Jobs(Vec<Job>),
    /// The activity log.
    Activity(Vec<Activity>),
    /// Notifications.
    News(Vec<Notification>),
}

/// What kind of start is answered: decides what the screen shows next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// A verification or a drill: the screen stays.
    Aside,
    /// What a form asked for: the screen stays, and the form comes back if it was refused.
    Filled,
    /// A restore or an undo: the screen of its job follows.
    Watched,
}
