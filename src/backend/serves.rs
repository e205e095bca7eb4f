//! The trait [`Serves`]: what a service asks of the backend that it serves, beyond what a cockpit asks.
//!
//! A service looks up tokens and keeps answers in the catalog, acts for many people, keeps what it has told for a while,
//! and ends in steps. `embedded` can do all of that; a backend elsewhere has a service of its own.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Backend, BackendError};
use crate::catalog::{Catalog, CatalogError};
use crate::domain::activity::Severity;
use crate::domain::backup::Backup;
use crate::domain::caller::Caller;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobId;
use crate::domain::state::EnvironmentSummary;
use crate::domain::stop::StopReason;
use crate::engine::EngineError;

/// A backend that a service can be built over.
#[async_trait]
pub trait Serves: Backend {
    /// The same backend, for somebody else than the one at the keyboard: what they change is put down to them in the
    /// activity log, with where they asked from.
    fn acting_for(self: Arc<Self>, caller: Caller) -> Arc<dyn Serves>;

    /// Where tokens and answers are kept. Its calls block: `on_catalog` makes them where that is no harm.
    async fn catalog(&self) -> Result<Arc<Catalog>, BackendError>;

    /// One environment at a glance.
    async fn summary(&self, name: &EnvironmentName) -> Result<EnvironmentSummary, BackendError>;

    /// The names of the configured environments. Waits for nothing but the backend to be open.
    async fn environment_names(&self) -> Result<Vec<EnvironmentName>, BackendError>;

    /// The backups of every environment, as far as they can be listed.
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

impl dyn Serves + '_ {
    /// Does something with the catalog on a thread where it may block.
    ///
    /// # Errors
    /// A backend that is not open; what the catalog said.
    pub async fn on_catalog<T, F>(&self, call: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce(&Catalog) -> Result<T, CatalogError> + Send + 'static,
    {
        let catalog = self.catalog().await?;
        tokio::task::spawn_blocking(move || call(&catalog))
            .await
            .map_err(|error| BackendError::lost(&error))?
            .map_err(|error| EngineError::from(error).into())
    }
}
