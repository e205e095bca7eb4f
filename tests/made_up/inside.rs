//! What the backend in memory answers to whoever looks inside: that nothing is inside.

use async_trait::async_trait;
use lifeboat::backend::BackendError;
use lifeboat::backend::explore::Explores;
use lifeboat::domain::explore::{
    Children, ChildrenRequest, Diff, DiffRequest, FindRequest, Finds, HistoryRequest, Looked, NodeDiff,
    NodeDiffRequest, NodeFacts, NodeHistory, NodeRequest, VersionList, VersionsRequest,
};

use super::Fixture;

fn nothing<T>() -> Result<T, BackendError> {
    Err(BackendError::Failed(
        "nothing is inside what is made up".to_owned(),
    ))
}

#[async_trait]
impl Explores for Fixture {
    async fn children(&self, _: ChildrenRequest) -> Result<Looked<Children>, BackendError> {
        nothing()
    }

    async fn node(&self, _: NodeRequest) -> Result<Looked<NodeFacts>, BackendError> {
        nothing()
    }

    async fn versions(&self, _: VersionsRequest) -> Result<Looked<VersionList>, BackendError> {
        nothing()
    }

    async fn find(&self, _: FindRequest) -> Result<Finds, BackendError> {
        nothing()
    }

    async fn history(&self, _: HistoryRequest) -> Result<Looked<NodeHistory>, BackendError> {
        nothing()
    }

    async fn diff(&self, _: DiffRequest) -> Result<Looked<Diff>, BackendError> {
        nothing()
    }

    async fn node_diff(&self, _: NodeDiffRequest) -> Result<Looked<NodeDiff>, BackendError> {
        nothing()
    }
}
