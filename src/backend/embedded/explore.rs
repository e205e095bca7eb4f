//! Looking inside, by the engine in this process.

use async_trait::async_trait;

use super::Embedded;
use crate::backend::BackendError;
use crate::backend::explore::Explores;
use crate::domain::explore::{
    Children, ChildrenRequest, Diff, DiffRequest, FindRequest, Finds, HistoryRequest, Looked, NodeDiff,
    NodeDiffRequest, NodeFacts, NodeHistory, NodeRequest, VersionList, VersionsRequest,
};

#[async_trait]
impl Explores for Embedded {
    async fn children(&self, request: ChildrenRequest) -> Result<Looked<Children>, BackendError> {
        self.on_engine(move |engine| engine.live(&request.environment)?.children(&request))
            .await
    }

    async fn node(&self, request: NodeRequest) -> Result<Looked<NodeFacts>, BackendError> {
        self.on_engine(move |engine| engine.live(&request.environment)?.node(&request))
            .await
    }

    async fn versions(&self, request: VersionsRequest) -> Result<Looked<VersionList>, BackendError> {
        self.on_engine(move |engine| engine.live(&request.environment)?.versions(&request))
            .await
    }

    async fn find(&self, request: FindRequest) -> Result<Finds, BackendError> {
        self.on_engine(move |engine| engine.live(&request.environment)?.find(&request))
            .await
    }

    async fn history(&self, request: HistoryRequest) -> Result<Looked<NodeHistory>, BackendError> {
        self.on_engine(move |engine| engine.live(&request.environment)?.history(&request))
            .await
    }

    async fn diff(&self, request: DiffRequest) -> Result<Looked<Diff>, BackendError> {
        self.on_engine(move |engine| engine.live(&request.environment)?.diff(&request))
            .await
    }

    async fn node_diff(&self, request: NodeDiffRequest) -> Result<Looked<NodeDiff>, BackendError> {
        self.on_engine(move |engine| engine.live(&request.environment)?.node_diff(&request))
            .await
    }
}
