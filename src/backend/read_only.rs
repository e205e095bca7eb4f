//! A backend through which nothing can be changed: contexts with `read_only = true`.
//!
//! The refusal is here, in the type that cockpit and commands hold, and not in a screen: no key and no verb can get
//! around it.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::watch;

use super::explore::{Download, Explores};
use super::link::Link;
use super::{Backend, BackendError, BackendInfo, EventStream};
use crate::domain::activity::{Activity, Notification};
use crate::domain::backup::BackupId;
use crate::domain::check::Report;
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{
    Children, ChildrenRequest, Diff, DiffRequest, ExportFacts, ExportRequest, FindRequest, Finds,
    HistoryRequest, Looked, NodeDiff, NodeDiffRequest, NodeFacts, NodeHistory, NodeRequest, VersionList,
    VersionsRequest,
};
use crate::domain::job::{Job, JobId, LogLine};
use crate::domain::lifeboat_node::LifeboatNode;
use crate::domain::notify::{ReceiverStanding, ReceiverTest};
use crate::domain::plan::{PlanId, RestorePlan};
use crate::domain::refusal::Refusal;
use crate::domain::request::{
    BackupRequest, ExtractRequest, HoldRequest, JobQuery, PinRequest, RestoreRequest,
};
use crate::domain::state::{BeforeUndo, EnvironmentDetails, EnvironmentSummary};

/// Answers questions as the backend inside it does, and refuses everything else.
pub struct ReadOnly {
    inner: Arc<dyn Backend>,
    context: String,
}

impl ReadOnly {
    /// Puts a backend behind glass. `context` is named in each refusal.
    #[must_use]
    pub fn new(inner: Arc<dyn Backend>, context: String) -> Self {
        Self { inner, context }
    }

    fn refuse<T>(&self) -> Result<T, BackendError> {
        Err(Refusal::ReadOnly(self.context.clone()).into())
    }
}

#[async_trait]
impl Backend for ReadOnly {
    async fn check(&self, only: Option<EnvironmentName>) -> Result<Report, BackendError> {
        self.inner.check(only).await
    }

    async fn info(&self) -> Result<BackendInfo, BackendError> {
        self.inner.info().await
    }

    async fn environments(&self) -> Result<Vec<EnvironmentSummary>, BackendError> {
        self.inner.environments().await
    }

    async fn environment(&self, name: &EnvironmentName) -> Result<EnvironmentDetails, BackendError> {
        self.inner.environment(name).await
    }

    async fn jobs(&self, query: JobQuery) -> Result<Vec<Job>, BackendError> {
        self.inner.jobs(query).await
    }

    async fn job(&self, id: JobId) -> Result<Job, BackendError> {
        self.inner.job(id).await
    }

    async fn job_log(&self, id: JobId, after: u64) -> Result<Vec<LogLine>, BackendError> {
        self.inner.job_log(id, after).await
    }

    async fn activity(&self, limit: u32) -> Result<Vec<Activity>, BackendError> {
        self.inner.activity(limit).await
    }

    async fn notifications(&self, limit: u32) -> Result<Vec<Notification>, BackendError> {
        self.inner.notifications(limit).await
    }

    async fn receivers(&self) -> Result<Vec<ReceiverStanding>, BackendError> {
        self.inner.receivers().await
    }

    async fn test_receivers(&self, _only: Option<String>) -> Result<Vec<ReceiverTest>, BackendError> {
        self.refuse()
    }

    async fn last_words(&self) -> Result<(), BackendError> {
        self.inner.last_words().await
    }

    async fn before_undo(&self, environment: &EnvironmentName) -> Result<BeforeUndo, BackendError> {
        self.inner.before_undo(environment).await
    }

    async fn nodes(&self) -> Result<Vec<LifeboatNode>, BackendError> {
        self.inner.nodes().await
    }

    async fn notifications_seen(&self, _up_to: u64) -> Result<(), BackendError> {
        self.refuse()
    }

    async fn start_backup(&self, _request: BackupRequest) -> Result<JobId, BackendError> {
        self.refuse()
    }

    async fn plan_restore(&self, request: RestoreRequest) -> Result<RestorePlan, BackendError> {
        self.inner.plan_restore(request).await
    }

    async fn start_restore(&self, _plan: PlanId, _confirm: String) -> Result<JobId, BackendError> {
        self.refuse()
    }

    async fn start_restore_alone(
        &self,
        _plan: PlanId,
        _confirm: String,
        _reason: String,
    ) -> Result<JobId, BackendError> {
        self.refuse()
    }

    async fn approve_restore(
        &self,
        _environment: EnvironmentName,
        _plan: PlanId,
        _confirm: String,
    ) -> Result<JobId, BackendError> {
        self.refuse()
    }

    async fn reject_restore(
        &self,
        _environment: EnvironmentName,
        _plan: PlanId,
        _reason: Option<String>,
    ) -> Result<(), BackendError> {
        self.refuse()
    }

    async fn start_undo(
        &self,
        _environment: EnvironmentName,
        _confirm: String,
    ) -> Result<JobId, BackendError> {
        self.refuse()
    }

    async fn start_confirm(&self, _environment: EnvironmentName) -> Result<JobId, BackendError> {
        self.refuse()
    }

    async fn start_verify(
        &self,
        _environment: EnvironmentName,
        _backup: Option<String>,
    ) -> Result<JobId, BackendError> {
        self.refuse()
    }

    async fn start_drill(
        &self,
        _environment: EnvironmentName,
        _backup: Option<String>,
    ) -> Result<JobId, BackendError> {
        self.refuse()
    }

    async fn start_extract(&self, _request: ExtractRequest) -> Result<JobId, BackendError> {
        self.refuse()
    }

    async fn cancel(&self, _id: JobId) -> Result<(), BackendError> {
        self.refuse()
    }

    fn clearing(&self) -> Option<String> {
        self.inner.clearing()
    }

    async fn sign_off(&self) {
        self.inner.sign_off().await;
    }

    async fn cleared(&self) -> Result<(), BackendError> {
        self.inner.cleared().await
    }

    async fn delete_backup(
        &self,
        _environment: EnvironmentName,
        _backup: BackupId,
    ) -> Result<(), BackendError> {
        self.refuse()
    }

    async fn extend_backup(
        &self,
        _environment: EnvironmentName,
        _backup: BackupId,
    ) -> Result<(), BackendError> {
        self.refuse()
    }

    async fn pin_backup(&self, _request: PinRequest) -> Result<(), BackendError> {
        self.refuse()
    }

    async fn unpin_backup(
        &self,
        _environment: EnvironmentName,
        _backup: BackupId,
    ) -> Result<(), BackendError> {
        self.refuse()
    }

    async fn hold(&self, _request: HoldRequest) -> Result<(), BackendError> {
        self.refuse()
    }

    async fn break_live(&self, _environment: EnvironmentName) -> Result<String, BackendError> {
        self.refuse()
    }

    fn events(&self) -> EventStream {
        self.inner.events()
    }

    fn link(&self) -> watch::Receiver<Link> {
        self.inner.link()
    }
}

#[async_trait]
impl Explores for ReadOnly {
    async fn children(&self, request: ChildrenRequest) -> Result<Looked<Children>, BackendError> {
        self.inner.children(request).await
    }

    async fn node(&self, request: NodeRequest) -> Result<Looked<NodeFacts>, BackendError> {
        self.inner.node(request).await
    }

    async fn versions(&self, request: VersionsRequest) -> Result<Looked<VersionList>, BackendError> {
        self.inner.versions(request).await
    }

    async fn find(&self, request: FindRequest) -> Result<Finds, BackendError> {
        self.inner.find(request).await
    }

    async fn history(&self, request: HistoryRequest) -> Result<Looked<NodeHistory>, BackendError> {
        self.inner.history(request).await
    }

    async fn diff(&self, request: DiffRequest) -> Result<Looked<Diff>, BackendError> {
        self.inner.diff(request).await
    }

    async fn node_diff(&self, request: NodeDiffRequest) -> Result<Looked<NodeDiff>, BackendError> {
        self.inner.node_diff(request).await
    }

    async fn export_facts(&self, request: ExportRequest) -> Result<Looked<ExportFacts>, BackendError> {
        self.inner.export_facts(request).await
    }

    async fn export(&self, request: ExportRequest) -> Result<Download, BackendError> {
        self.inner.export(request).await
    }

    async fn whose_folder(&self, folder: PathBuf) -> Result<Option<String>, BackendError> {
        self.inner.whose_folder(folder).await
    }
}
