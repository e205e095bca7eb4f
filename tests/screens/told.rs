//! A backend elsewhere whose link stands as the test says.

use std::sync::Arc;

use async_trait::async_trait;
use lifeboat::backend::explore::{Download, Explores};
use lifeboat::backend::link::Link;
use lifeboat::backend::{Backend, BackendError, BackendInfo, EventStream};
use lifeboat::domain::activity::{Activity, Notification};
use lifeboat::domain::backup::BackupId;
use lifeboat::domain::check::Report;
use lifeboat::domain::environment::EnvironmentName;
use lifeboat::domain::explore::{
    Children, ChildrenRequest, Diff, DiffRequest, ExportFacts, ExportRequest, FindRequest, Finds,
    HistoryRequest, Looked, NodeDiff, NodeDiffRequest, NodeFacts, NodeHistory, NodeRequest, VersionList,
    VersionsRequest,
};
use lifeboat::domain::job::{Job, JobId, LogLine};
use lifeboat::domain::lifeboat_node::LifeboatNode;
use lifeboat::domain::notify::{ReceiverStanding, ReceiverTest};
use lifeboat::domain::plan::{PlanId, RestorePlan};
use lifeboat::domain::request::{
    BackupRequest, ExtractRequest, HoldRequest, JobQuery, PinRequest, RestoreRequest,
};
use lifeboat::domain::state::{BeforeUndo, EnvironmentDetails, EnvironmentSummary};
use tokio::sync::watch;

use crate::made_up::Fixture;

/// The backend that is asked, and the one whose link is told of.
pub struct LinkTold(pub Arc<dyn Backend>, pub Arc<Fixture>);

/// Asks the first backend.
macro_rules! asked {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Backend for LinkTold {
            $(async fn $name(&self, $($argument: $type),*) -> Result<$answer, BackendError> {
                self.0.$name($($argument),*).await
            })*

            fn events(&self) -> EventStream {
                self.0.events()
            }

            fn link(&self) -> watch::Receiver<Link> {
                self.1.link()
            }
        }
    };
}

asked! {
    check(only: Option<EnvironmentName>) -> Report;
    info() -> BackendInfo;
    environments() -> Vec<EnvironmentSummary>;
    environment(name: &EnvironmentName) -> EnvironmentDetails;
    jobs(query: JobQuery) -> Vec<Job>;
    job(id: JobId) -> Job;
    job_log(id: JobId, after: u64) -> Vec<LogLine>;
    activity(limit: u32) -> Vec<Activity>;
    notifications(limit: u32) -> Vec<Notification>;
    before_undo(environment: &EnvironmentName) -> BeforeUndo;
    nodes() -> Vec<LifeboatNode>;
    receivers() -> Vec<ReceiverStanding>;
    test_receivers(only: Option<String>) -> Vec<ReceiverTest>;
    notifications_seen(up_to: u64) -> ();
    start_backup(request: BackupRequest) -> JobId;
    plan_restore(request: RestoreRequest) -> RestorePlan;
    start_restore(plan: PlanId, confirm: String) -> JobId;
    start_undo(environment: EnvironmentName, confirm: String) -> JobId;
    start_confirm(environment: EnvironmentName) -> JobId;
    start_verify(environment: EnvironmentName, backup: Option<String>) -> JobId;
    start_drill(environment: EnvironmentName, backup: Option<String>) -> JobId;
    start_extract(request: ExtractRequest) -> JobId;
    cancel(id: JobId) -> ();
    delete_backup(environment: EnvironmentName, backup: BackupId) -> ();
    extend_backup(environment: EnvironmentName, backup: BackupId) -> ();
    start_restore_alone(plan: PlanId, confirm: String, reason: String) -> JobId;
    approve_restore(environment: EnvironmentName, plan: PlanId, confirm: String) -> JobId;
    reject_restore(environment: EnvironmentName, plan: PlanId, reason: Option<String>) -> ();
    pin_backup(request: PinRequest) -> ();
    unpin_backup(environment: EnvironmentName, backup: BackupId) -> ();
    hold(request: HoldRequest) -> ();
    break_live(environment: EnvironmentName) -> String;
}

/// The same for what is inside.
macro_rules! explored {
    ($($name:ident($type:ty) -> $answer:ty;)*) => {
        #[async_trait]
        impl Explores for LinkTold {
            $(async fn $name(&self, request: $type) -> Result<$answer, BackendError> {
                self.0.$name(request).await
            })*
        }
    };
}

explored! {
    children(ChildrenRequest) -> Looked<Children>;
    node(NodeRequest) -> Looked<NodeFacts>;
    versions(VersionsRequest) -> Looked<VersionList>;
    find(FindRequest) -> Finds;
    history(HistoryRequest) -> Looked<NodeHistory>;
    diff(DiffRequest) -> Looked<Diff>;
    node_diff(NodeDiffRequest) -> Looked<NodeDiff>;
    export_facts(ExportRequest) -> Looked<ExportFacts>;
    export(ExportRequest) -> Download;
}
