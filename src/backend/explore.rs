//! The trait [`Explores`]: looking inside a backup or Live, page by page.
//!
//! Nothing in it changes content. Every call answers soon: what has to be read first is told as [`Looked::Reading`], and
//! whoever does not ask again has cancelled (see [`crate::domain::explore`]).

use async_trait::async_trait;

use super::BackendError;
use crate::domain::explore::{
    Children, ChildrenRequest, Diff, DiffRequest, FindRequest, Finds, HistoryRequest, Looked, NodeDiff,
    NodeDiffRequest, NodeFacts, NodeHistory, NodeRequest, VersionList, VersionsRequest,
};

/// What can be asked about what is inside.
#[async_trait]
pub trait Explores: Send + Sync {
    /// A page of what is in an environment, an instance, a workspace or a node.
    async fn children(&self, request: ChildrenRequest) -> Result<Looked<Children>, BackendError>;

    /// What a node is: its types, properties and values.
    async fn node(&self, request: NodeRequest) -> Result<Looked<NodeFacts>, BackendError>;

    /// The versions of a node.
    async fn versions(&self, request: VersionsRequest) -> Result<Looked<VersionList>, BackendError>;

    /// Where something is, as far as it was found by now. The same request again goes on with the same search.
    async fn find(&self, request: FindRequest) -> Result<Finds, BackendError>;

    /// What happened to a node over all backups and Live.
    async fn history(&self, request: HistoryRequest) -> Result<Looked<NodeHistory>, BackendError>;

    /// A page of how two sources differ.
    async fn diff(&self, request: DiffRequest) -> Result<Looked<Diff>, BackendError>;

    /// How one node differs between two sources, down to its properties.
    async fn node_diff(&self, request: NodeDiffRequest) -> Result<Looked<NodeDiff>, BackendError>;
}
