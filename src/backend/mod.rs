//! The trait [`Backend`]: everything that a cockpit or a command can ask, and nothing about how it is done.
//!
//! `landing` writes what was exported on this machine.
//! `embedded` answers by calling the engine in this process, `remote` by asking a service elsewhere. Screens and verbs know only this trait.

#[cfg(feature = "engine")]
pub mod embedded;
pub mod explore;
pub mod landing;
pub mod link;
pub mod read_only;
pub mod remote;
#[cfg(feature = "engine")]
pub mod serves;

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tokio::sync::{broadcast, watch};

use self::explore::Explores;
use self::link::Link;

use crate::domain::activity::{Activity, Notification};
use crate::domain::backup::{BackupId, ChoiceError};
use crate::domain::check::Report;
use crate::domain::environment::EnvironmentName;
use crate::domain::event::Event;
use crate::domain::job::{Job, JobId, LogLine};
use crate::domain::lifeboat_node::LifeboatNode;
use crate::domain::nearest::{Missing, question};
use crate::domain::notify::{ReceiverStanding, ReceiverTest};
use crate::domain::plan::{PlanId, RestorePlan};
use crate::domain::principal::Principal;
use crate::domain::refusal::Refusal;
use crate::domain::request::{
    BackupRequest, ExtractRequest, HoldRequest, JobQuery, PinRequest, RestoreRequest,
};
use crate::domain::state::{BeforeUndo, EnvironmentDetails, EnvironmentSummary};
use crate::domain::stop::{StopReason, Unseen};

/// Why a backend did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BackendError {
    /// A rule said no; nothing was started.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such environment.
    #[error("{}", unknown_environment(name, known, near))]
    UnknownEnvironment {
        /// What was asked for.
        name: String,
        /// Those there are, as a list for people.
        known: String,
        /// Those of them that may have been meant.
        near: Vec<String>,
    },
    /// There is no such backup.
    #[error(transparent)]
    UnknownBackup(#[from] ChoiceError),
    /// There is no such job.
    #[error("there is no job {0}: `lifeboat jobs` lists them")]
    UnknownJob(JobId),
    /// There is nothing there, in a backup or in Live, as a sentence.
    #[error("{0}")]
    NotThere(Missing),
    /// The backend cannot be reached.
    #[error("{0}")]
    OutOfReach(String),
    /// It was tried, and failed.
    #[error("{0}")]
    Failed(String),
}

/// That there is no such environment, and which may have been meant or which there are.
#[must_use]
pub fn unknown_environment(name: &str, known: &str, near: &[String]) -> String {
    let what = format!("there is no environment \"{name}\"");
    if near.is_empty() {
        return format!("{what}: the configuration has {known}");
    }
    what + &question(near)
}

#[cfg(feature = "engine")]
impl BackendError {
    /// A call on another thread came to no end.
    fn lost(error: &tokio::task::JoinError) -> Self {
        Self::Failed(format!("the call was lost: {error}"))
    }
}

/// What a backend is, for `lifeboat info` and the cockpit's header.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackendInfo {
    /// `embedded`, or the address of the service.
    pub kind: String,
    /// Lifeboat's version on the other side.
    pub version: String,
    /// Where things are, as pairs of a word and a value.
    #[cfg_attr(feature = "engine", schemars(with = "Vec<[String; 2]>"))]
    pub places: Vec<(String, String)>,
    /// Whether this is the sandbox of `lifeboat demo`.
    pub demo: bool,
    /// As whom whoever asks is known there: what they do is put down to this name. `None` from an older service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub you: Option<Principal>,
}

/// A stream of events. [`EventStream::next`] never fails: a listener that was too slow gets [`Event::Missed`].
pub struct EventStream(pub broadcast::Receiver<Event>);

impl EventStream {
    /// An event that waits to be taken; `None` when there is none at this moment.
    pub fn waiting(&mut self) -> Option<Event> {
        match self.0.try_recv() {
            Ok(event) => Some(event),
            Err(broadcast::error::TryRecvError::Lagged(_)) => Some(Event::Missed),
            Err(broadcast::error::TryRecvError::Empty | broadcast::error::TryRecvError::Closed) => None,
        }
    }

    /// The next event; `None` when the backend has gone.
    pub async fn next(&mut self) -> Option<Event> {
        match self.0.recv().await {
            Ok(event) => Some(event),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Event::Missed),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EventStream")
    }
}

/// Everything that can be asked. Calls that start work return the job's number at once; the work goes on and events
/// tell of it.
#[async_trait]
pub trait Backend: Explores + Send + Sync {
    /// Looks at what works and what does not, of one environment or of all. Changes nothing.
    async fn check(&self, only: Option<EnvironmentName>) -> Result<Report, BackendError>;
    /// What this backend is.
    async fn info(&self) -> Result<BackendInfo, BackendError>;

    /// Every environment at a glance, by project and name.
    async fn environments(&self) -> Result<Vec<EnvironmentSummary>, BackendError>;

    /// One environment in full.
    async fn environment(&self, name: &EnvironmentName) -> Result<EnvironmentDetails, BackendError>;

    /// Jobs, newest first.
    async fn jobs(&self, query: JobQuery) -> Result<Vec<Job>, BackendError>;

    /// One job.
    async fn job(&self, id: JobId) -> Result<Job, BackendError>;

    /// The lines of a job's log that came after line `after` (0 for all).
    async fn job_log(&self, id: JobId, after: u64) -> Result<Vec<LogLine>, BackendError>;

    /// The activity log, newest first.
    async fn activity(&self, limit: u32) -> Result<Vec<Activity>, BackendError>;

    /// Notifications, newest first.
    async fn notifications(&self, limit: u32) -> Result<Vec<Notification>, BackendError>;

    /// The Lifeboats that have the catalog open, and what each works on.
    async fn nodes(&self) -> Result<Vec<LifeboatNode>, BackendError>;

    /// Who is told of what happens while nobody looks, how each of them stands, and what waits for it.
    async fn receivers(&self) -> Result<Vec<ReceiverStanding>, BackendError>;

    /// Sends a test message to one receiver, or to all, at once, and says what came of it.
    async fn test_receivers(&self, only: Option<String>) -> Result<Vec<ReceiverTest>, BackendError>;

    /// Before this process ends: tells receivers what it has put into the queue, for a few seconds at most.
    async fn last_words(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// Marks notifications up to this number as seen.
    async fn notifications_seen(&self, up_to: u64) -> Result<(), BackendError>;

    /// Starts a manual or upgrade backup.
    async fn start_backup(&self, request: BackupRequest) -> Result<JobId, BackendError>;

    /// Works out what a restore would do, and keeps that plan for an hour. Reads Live and the repository, changes nothing
    /// in them.
    async fn plan_restore(&self, request: RestoreRequest) -> Result<RestorePlan, BackendError>;

    /// Starts the restore that a plan describes, unless the plan does not hold any more. `confirm` is what the person typed
    /// and has to be the environment's name.
    async fn start_restore(&self, plan: PlanId, confirm: String) -> Result<JobId, BackendError>;

    /// As [`Backend::start_restore`], although nobody else has agreed where an environment asks for that. Told loudly, with
    /// the reason.
    async fn start_restore_alone(
        &self,
        plan: PlanId,
        confirm: String,
        reason: String,
    ) -> Result<JobId, BackendError>;

    /// Agrees to a restore that waits for another owner, and starts it. `confirm` as for a restore.
    async fn approve_restore(
        &self,
        environment: EnvironmentName,
        plan: PlanId,
        confirm: String,
    ) -> Result<JobId, BackendError>;

    /// Ends the wait of a restore: it is not done.
    async fn reject_restore(
        &self,
        environment: EnvironmentName,
        plan: PlanId,
        reason: Option<String>,
    ) -> Result<(), BackendError>;

    /// Starts going back to what the last restore replaced: by an exchange with the replaced tables, or by a restore of
    /// the newest safety backup.
    async fn start_undo(&self, environment: EnvironmentName, confirm: String) -> Result<JobId, BackendError>;

    /// What an undo would set aside, of what was written since the last restore. A service that is older than this question
    /// tells nothing.
    async fn before_undo(&self, environment: &EnvironmentName) -> Result<BeforeUndo, BackendError> {
        let _ = environment;
        Ok(BeforeUndo::default())
    }

    /// Starts dropping the tables that restores have replaced: the outcome was looked at and is good.
    async fn start_confirm(&self, environment: EnvironmentName) -> Result<JobId, BackendError>;
    /// Starts reading back one backup, or all of them.
    async fn start_verify(
        &self,
        environment: EnvironmentName,
        backup: Option<String>,
    ) -> Result<JobId, BackendError>;

    /// Starts restoring a backup into a scratch place and comparing it there: one backup, or the newest good one.
    async fn start_drill(
        &self,
        environment: EnvironmentName,
        backup: Option<String>,
    ) -> Result<JobId, BackendError>;

    /// Starts a restore into a place that is nobody's, to look at a backup there. Nothing of Live is touched.
    async fn start_extract(&self, request: ExtractRequest) -> Result<JobId, BackendError>;

    /// Asks a job to stop at its next safe point.
    async fn cancel(&self, id: JobId) -> Result<(), BackendError>;

    /// The same, where it is not that its user wants it: for this reason. Where the job runs elsewhere it is asked for by
    /// whoever asks.
    async fn stop(&self, id: JobId, why: StopReason) -> Result<(), BackendError> {
        let _ = why;
        self.cancel(id).await
    }

    /// Nobody looks on any more at what runs in this process: jobs that have begun go on to their end and say so, those that
    /// wait are stopped, and no job of the schedule is begun any more. Jobs that run elsewhere are not touched.
    async fn go_on_unseen(&self, why: Unseen) -> Result<(), BackendError> {
        let _ = why;
        Ok(())
    }

    /// What is still being removed in this process of what restores have replaced, in a few words. `None` when nothing is,
    /// or it is done elsewhere.
    fn clearing(&self) -> Option<String> {
        None
    }

    /// Whoever asked goes, and with it this process: others who share its catalog need not wait for it.
    async fn sign_off(&self) {}

    /// Waits until nothing is being removed any more in this process of what restores have replaced.
    async fn cleared(&self) -> Result<(), BackendError> {
        Ok(())
    }

    /// Deletes an upgrade or safety backup before it expires.
    async fn delete_backup(&self, environment: EnvironmentName, backup: BackupId)
    -> Result<(), BackendError>;

    /// Keeps an upgrade or safety backup for another 48 hours.
    async fn extend_backup(&self, environment: EnvironmentName, backup: BackupId)
    -> Result<(), BackendError>;

    /// Keeps a backup on purpose, for ever or until a time. Its id changes with that.
    async fn pin_backup(&self, request: PinRequest) -> Result<(), BackendError>;

    /// Takes that back. Its id changes with that.
    async fn unpin_backup(&self, environment: EnvironmentName, backup: BackupId) -> Result<(), BackendError>;

    /// Sets or lifts maintenance mode or protection.
    async fn hold(&self, request: HoldRequest) -> Result<(), BackendError>;

    /// Demo only: deletes and changes content of Live for real, so that a recovery can be shown. Returns a sentence
    /// that says what was broken.
    async fn break_live(&self, environment: EnvironmentName) -> Result<String, BackendError>;

    /// What happens from now on.
    fn events(&self) -> EventStream;

    /// How the backend is reached. It is told for as long as somebody listens to its events.
    fn link(&self) -> watch::Receiver<Link> {
        link::always_up()
    }
}
