//! What can be asked about what is inside a backup or Live.

use std::io;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use serde_json::json;

use super::ask::Ask;
use super::bodies::explore::{
    WhichChildren, WhichDiff, WhichExport, WhichExportFacts, WhichFinds, WhichHistory, WhichNode,
    WhichNodeDiff, WhichVersions,
};
use super::log::Level;
use super::operation::{Content, Reply};
use super::problem::Problem;
use crate::domain::explore::{
    ChildrenRequest, DiffRequest, ExportForm, ExportRequest, FindRequest, HistoryRequest, NodeDiffRequest,
    NodeRequest, VersionsRequest,
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

/// What an export would hold.
pub(super) async fn export_facts(ask: Ask) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let which: WhichExportFacts = ask.query()?;
    let request = ExportRequest {
        environment,
        source: which.source,
        path: which.path,
        form: which.form,
    };
    Reply::ok(&ask.engine().export_facts(request).await?)
}

/// A node as XML.
pub(super) async fn export_xml(ask: Ask) -> Result<Reply, Problem> {
    export(ask, ExportForm::Xml, "application/xml").await
}

/// A node as YAML.
pub(super) async fn export_yaml(ask: Ask) -> Result<Reply, Problem> {
    export(ask, ExportForm::Yaml, "application/yaml").await
}

/// A node, a folder or a file as files, in a tar.
pub(super) async fn export_files(ask: Ask) -> Result<Reply, Problem> {
    export(ask, ExportForm::Files, "application/x-tar").await
}

/// All that a backup holds of something, as a tar.
pub(super) async fn export_tar(ask: Ask) -> Result<Reply, Problem> {
    export(ask, ExportForm::Tar, "application/x-tar").await
}

/// An export. One that cannot be written to its end breaks the connection off: nobody takes it for whole. It is written as
/// fast as it is taken, and no further when nobody takes it any more.
async fn export(ask: Ask, form: ExportForm, media_type: &'static str) -> Result<Reply, Problem> {
    let environment = ask.environment().await?;
    let which: WhichExport = ask.query()?;
    let request = ExportRequest {
        environment,
        source: which.source,
        path: which.path,
        form,
    };
    let what = format!("{} of {}", request.path, request.environment);
    let download = ask.engine().export(request).await?;
    let log = ask.service.log.clone();
    let on_the_way = (download, log, what, ask.caller.request.clone());
    let pieces = futures_util::stream::unfold(on_the_way, |mut on_the_way| async move {
        let (download, log, what, request) = &mut on_the_way;
        let piece = match download.next().await? {
            Ok(bytes) => Ok(Bytes::from(bytes)),
            Err(error) => {
                let why = error.to_string();
                log.line(
                    Level::Error,
                    "an export broke off",
                    json!({ "request": request, "what": what, "why": why }),
                );
                Err(io::Error::other(why))
            }
        };
        Some((piece, on_the_way))
    });
    Ok(Reply {
        status: StatusCode::OK,
        content: Content::Stream(media_type, Body::from_stream(pieces)),
        location: None,
    })
}
