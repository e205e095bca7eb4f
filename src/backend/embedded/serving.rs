//! What a service asks of the engine in its process beyond what a cockpit asks: the catalog's tokens and answers, one
//! summary at a time, and an end in steps.

use std::sync::Arc;

use async_trait::async_trait;

use super::{CatalogRecords, Embedded};
use crate::backend::BackendError;
use crate::backend::serves::{Serves, ServiceRecords};
use crate::catalog::{Catalog, CatalogError};
use crate::domain::activity::Severity;
use crate::domain::backup::Backup;
use crate::domain::caller::Caller;
use crate::domain::environment::EnvironmentName;
use crate::domain::job::JobId;
use crate::domain::notify::Receiver;
use crate::domain::settings::EnvironmentSettings;
use crate::domain::state::EnvironmentSummary;
use crate::domain::stop::StopReason;
use crate::engine::{EngineError, has_been_seen, note_doubt, summary, take_over};

impl Embedded {
    /// Takes over other environments and receivers while it runs: what begins from here on has them.
    ///
    /// # Errors
    /// Settings that do not hold together; an engine that is not open. Then nothing has changed.
    pub async fn take_over(
        &self,
        environments: Vec<EnvironmentSettings>,
        receivers: Vec<Receiver>,
    ) -> Result<(), BackendError> {
        self.on_engine(move |engine| take_over(engine, environments, receivers))
            .await
    }

    /// Notes why the file of the configuration cannot be used as it is by now, or that it can: a check tells whoever asks.
    ///
    /// # Errors
    /// An engine that is not open.
    pub async fn note_doubt(&self, doubt: Option<String>) -> Result<(), BackendError> {
        self.on_engine(move |engine| {
            note_doubt(engine, doubt);
            Ok(())
        })
        .await
    }

    /// Does something with the catalog on a thread where it may block.
    ///
    /// # Errors
    /// An engine that is not open; what the catalog said.
    pub async fn on_catalog<T, F>(&self, call: F) -> Result<T, BackendError>
    where
        T: Send + 'static,
        F: FnOnce(&Catalog) -> Result<T, CatalogError> + Send + 'static,
    {
        self.on_engine(move |engine| Ok(call(engine.catalog())?)).await
    }
}

#[async_trait]
impl Serves for Embedded {
    fn acting_for(self: Arc<Self>, caller: Caller) -> Arc<dyn Serves> {
        Arc::new(Self::acting_for(&self, caller))
    }

    async fn records(&self) -> Result<Arc<dyn ServiceRecords>, BackendError> {
        let catalog = self.engine().await?.shared_catalog();
        Ok(Arc::new(CatalogRecords::of(catalog)))
    }

    async fn summary(&self, name: &EnvironmentName) -> Result<EnvironmentSummary, BackendError> {
        let name = name.clone();
        self.on_engine(move |engine| summary(engine, &name)).await
    }

    async fn environment_names(&self) -> Result<Vec<EnvironmentName>, BackendError> {
        self.on_engine(|engine| Ok(engine.environments().map(|(name, _)| name.clone()).collect()))
            .await
    }

    async fn all_backups(&self) -> Result<Vec<(EnvironmentName, Vec<Backup>)>, BackendError> {
        self.on_engine(|engine| {
            // A repository out of reach is told by the summary of its environment.
            Ok(engine
                .all_live()
                .filter(|live| has_been_seen(engine, live.name()))
                .filter_map(|live| Some((live.name().clone(), live.backups().ok()?)))
                .collect())
        })
        .await
    }

    async fn write_down(
        &self,
        environment: Option<EnvironmentName>,
        what: String,
        severity: Severity,
    ) -> Result<(), BackendError> {
        self.change(move |engine| {
            engine
                .activity()
                .write_down(engine.who(), environment.as_ref(), &what, severity);
            Ok(())
        })
        .await
    }

    async fn is_ready(&self) -> Result<(), BackendError> {
        if self.engine.borrow().is_none() {
            return Err(BackendError::OutOfReach(
                "the engine is opening: it settles what was left behind".to_owned(),
            ));
        }
        self.on_catalog(|catalog| catalog.seen_so_far().map(|_| ())).await
    }

    fn stop_schedule(&self) {
        self.end_schedule();
    }

    fn jobs_at_work(&self) -> Vec<JobId> {
        match &*self.engine.borrow() {
            Some(Ok(engine)) => engine.jobs().at_work(),
            _ => Vec::new(),
        }
    }

    async fn jobs_ended(&self) -> Result<(), BackendError> {
        self.on_engine(|engine| {
            engine.jobs().wait_for_all();
            Ok::<_, EngineError>(())
        })
        .await
    }

    async fn close(&self, why: StopReason) {
        self.close(why).await;
    }
}
