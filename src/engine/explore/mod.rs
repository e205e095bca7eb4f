//! Looking inside a backup or Live.

use crate::domain::explore::{
    Children, ChildrenRequest, Diff, DiffRequest, FindRequest, Finds, HistoryRequest, Looked, NodeDiff,
    NodeDiffRequest, NodeFacts, NodeHistory, NodeRequest, Versions, VersionsRequest,
};
use crate::engine::{EngineError, Live};

fn not_yet<T>() -> Result<T, EngineError> {
    Err(EngineError::Failed(
        "this version of Lifeboat cannot look inside a backup yet".to_owned(),
    ))
}

#[expect(clippy::unused_self, reason = "none of it is looked at")]
impl Live {
    /// A page of what is in something.
    pub fn children(&self, _: &ChildrenRequest) -> Result<Looked<Children>, EngineError> {
        not_yet()
    }

    /// What a node is.
    pub fn node(&self, _: &NodeRequest) -> Result<Looked<NodeFacts>, EngineError> {
        not_yet()
    }

    /// The versions of a node.
    pub fn versions(&self, _: &VersionsRequest) -> Result<Looked<Versions>, EngineError> {
        not_yet()
    }

    /// What was found so far.
    pub fn find(&self, _: &FindRequest) -> Result<Finds, EngineError> {
        not_yet()
    }

    /// What happened to a node.
    pub fn history(&self, _: &HistoryRequest) -> Result<Looked<NodeHistory>, EngineError> {
        not_yet()
    }

    /// How two sources differ.
    pub fn diff(&self, _: &DiffRequest) -> Result<Looked<Diff>, EngineError> {
        not_yet()
    }

    /// How one node differs.
    pub fn node_diff(&self, _: &NodeDiffRequest) -> Result<Looked<NodeDiff>, EngineError> {
        not_yet()
    }
}
