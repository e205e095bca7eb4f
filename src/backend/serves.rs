//! The trait [`Serves`]: what a service asks of the backend that it serves, beyond what a cockpit asks.
//!
//! A service looks up tokens and keeps answers in the catalog, acts for many people, keeps what it has told for a while,
//! and ends in steps. `embedded` can do all of that; a backend elsewhere has a service of its own.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Backend, BackendError};
use crate::domain::Instant;
use crate::domain::activity::Severity;
use crate::domain::answer::{Reserved, StoredAnswer};
use crate::domain::backup::Backup;
use crate::domain::caller::Caller;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobId;
use crate::domain::plan::PlanId;
use crate::domain::state::EnvironmentSummary;
use crate::domain::stop::StopReason;
use crate::domain::token::TokenRecord;

/// What a service keeps: who may come in, and what was answered to whom.
#[async_trait]
pub trait ServiceRecords: Send + Sync {
    /// Adds a token. `hash` is the SHA-256 of its text. Fails where there is or was one of its name.
    async fn add_token(&self, token: TokenRecord, hash: [u8; 32]) -> Result<(), BackendError>;

    /// The token whose text has this SHA-256, if it lets anybody in at that time. It is put down as shown then.
    async fn token_shown(&self, hash: [u8; 32], now: Instant) -> Result<Option<TokenRecord>, BackendError>;

    /// Reserves a key of a caller for a question, of which `digest` is the SHA-256.
    async fn reserve_answer(
        &self,
        who: &str,
        key: &str,
        digest: [u8; 32],
        now: Instant,
    ) -> Result<Reserved, BackendError>;

    /// Keeps the answer to a question whose key was reserved.
    async fn store_answer(&self, who: &str, key: &str, answer: StoredAnswer) -> Result<(), BackendError>;

    /// Gives a key back whose question could not be answered, so that it can be asked again.
    async fn release_answer(&self, who: &str, key: &str) -> Result<(), BackendError>;

    /// The environment that a plan is for, if it is known at that time.
    async fn environment_of_plan(
        &self,
        plan: &PlanId,
        now: Instant,
    ) -> Result<Option<EnvironmentName>, BackendError>;
}

/// A backend that a service can be built over.
#[async_trait]
pub trait Serves: Backend {
    /// The same backend, for somebody else than the one at the keyboard: what they change is put down to them in the
    /// activity log, with where they asked from.
    fn acting_for(self: Arc<Self>, caller: Caller) -> Arc<dyn Serves>;

    /// What a service keeps beside jobs.
    async fn records(&self) -> Result<Arc<dyn ServiceRecords>, BackendError>;

    /// One environment at a glance.
    async fn summary(&self, name: &EnvironmentName) -> Result<EnvironmentSummary, BackendError>;

    /// The names of the configured environments. Waits for nothing but the backend to be open.
    async fn environment_names(&self) -> Result<Vec<EnvironmentName>, BackendError>;

    /// The backups of every environment, as far as they can be listed. Those of environments that were not read yet since the
    /// start are left out.
    async fn all_backups(&self) -> Result<Vec<(EnvironmentName, Vec<Backup>)>, BackendError>;

    /// Writes into the activity log what whoever this acts for has done, or tried, beside the actions of [`Backend`].
    async fn write_down(
        &self,
        environment: Option<EnvironmentName>,
        what: String,
        severity: Severity,
    ) -> Result<(), BackendError>;

    /// Whether the backend is open and its catalog answers; why not, if not. Does not wait until it is.
    async fn is_ready(&self) -> Result<(), BackendError>;

    /// Stops the schedule. Jobs that run go on.
    fn stop_schedule(&self);

    /// The jobs that run in this process.
    fn jobs_at_work(&self) -> Vec<JobId>;

    /// Waits until no job runs in this process any more.
    async fn jobs_ended(&self) -> Result<(), BackendError>;

    /// Stops the schedule, asks running jobs of this process to stop at their next safe point, for this reason, and waits
    /// until they have.
    async fn close(&self, why: StopReason);
}
