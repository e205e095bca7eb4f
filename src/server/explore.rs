//! What can be asked about what is inside a backup or Live.

use super::ask::Ask;
use super::bodies::explore::{
    WhichChildren, WhichDiff, WhichFinds, WhichHistory, WhichNode, WhichNodeDiff, WhichVersions,
};
use super::operation::Reply;
use super::problem::Problem;
use crate::domain::explore::{
    ChildrenRequest, DiffRequest, FindRequest, HistoryRequest, NodeDiffRequest, NodeRequest, VersionsRequest,
};

/// A page of what is in something.
pub(super) async fn children(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let which: WhichChildren = ask.query()?;
    let request = ChildrenRequest {
        environment,
        source: which.source,
        path: which.path,
        from: which.from,
        limit: which.limit,
    };
    Reply::ok(&ask.engine().children(request).await?)
}

/// What a node is.
pub(super) async fn node(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let which: WhichNode = ask.query()?;
    let request = NodeRequest {
        environment,
        source: which.source,
        path: which.path,
        characters: which.characters,
    };
    Reply::ok(&ask.engine().node(request).await?)
}

/// The versions of a node.
pub(super) async fn versions(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let which: WhichVersions = ask.query()?;
    let request = VersionsRequest {
        environment,
        source: which.source,
        path: which.path,
    };
    Reply::ok(&ask.engine().versions(request).await?)
}

/// What was found so far.
pub(super) async fn finds(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let which: WhichFinds = ask.query()?;
    let request = FindRequest {
        environment,
        source: which.source,
        by: which.by,
        text: which.text,
        below: which.below,
        from: which.from,
        limit: which.limit,
    };
    Reply::ok(&ask.engine().find(request).await?)
}

/// What happened to a node.
pub(super) async fn history(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let which: WhichHistory = ask.query()?;
    let request = HistoryRequest {
        environment,
        source: which.source,
        path: which.path,
    };
    Reply::ok(&ask.engine().history(request).await?)
}

/// A page of how two sources differ.
pub(super) async fn diff(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let which: WhichDiff = ask.query()?;
    let request = DiffRequest {
        environment,
        older: which.older,
        newer: which.newer,
        below: which.below,
        from: which.from,
        limit: which.limit,
    };
    Reply::ok(&ask.engine().diff(request).await?)
}

/// How one node differs.
pub(super) async fn node_diff(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let which: WhichNodeDiff = ask.query()?;
    let request = NodeDiffRequest {
        environment,
        older: (which.older, which.older_path),
        newer: (which.newer, which.newer_path),
        characters: which.characters,
    };
    Reply::ok(&ask.engine().node_diff(request).await?)
}
