//! Looking inside, by a service elsewhere.

use std::sync::Arc;

use async_trait::async_trait;

use super::call::Call;
use super::{Remote, below};
use crate::backend::BackendError;
use crate::backend::explore::{Download, Explores, Piece};
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{
    By, Children, ChildrenRequest, Diff, DiffRequest, ExportFacts, ExportForm, ExportRequest, FindRequest,
    Finds, HistoryRequest, Looked, NodeDiff, NodeDiffRequest, NodeFacts, NodeHistory, NodeRequest,
    VersionList, VersionsRequest,
};

/// A question about what is inside.
fn asked(environment: &EnvironmentName, what: &str) -> Call {
    Call::get(&below(environment, &["explore", what]))
}

fn by(by: By) -> &'static str {
    match by {
        By::Name => "name",
        By::Path => "path",
        By::Id => "id",
        By::Text => "text",
    }
}

#[async_trait]
impl Explores for Remote {
    async fn children(&self, request: ChildrenRequest) -> Result<Looked<Children>, BackendError> {
        let call = asked(&request.environment, "children")
            .with("source", &request.source)
            .with("path", &request.path)
            .with("from", &request.from)
            .with("limit", &request.limit);
        self.shared.ask(call).await
    }

    async fn node(&self, request: NodeRequest) -> Result<Looked<NodeFacts>, BackendError> {
        let call = asked(&request.environment, "node")
            .with("source", &request.source)
            .with("path", &request.path)
            .with("characters", &request.characters);
        self.shared.ask(call).await
    }

    async fn versions(&self, request: VersionsRequest) -> Result<Looked<VersionList>, BackendError> {
        let call = asked(&request.environment, "versions")
            .with("source", &request.source)
            .with("path", &request.path);
        self.shared.ask(call).await
    }

    async fn find(&self, request: FindRequest) -> Result<Finds, BackendError> {
        let mut call = asked(&request.environment, "finds")
            .with("by", &by(request.by))
            .with("text", &request.text)
            .with("below", &request.below)
            .with("from", &request.from)
            .with("limit", &request.limit);
        if let Some(source) = &request.source {
            call = call.with("source", source);
        }
        self.shared.ask(call).await
    }

    async fn history(&self, request: HistoryRequest) -> Result<Looked<NodeHistory>, BackendError> {
        let mut call = asked(&request.environment, "history").with("path", &request.path);
        if let Some(source) = &request.source {
            call = call.with("source", source);
        }
        self.shared.ask(call).await
    }

    async fn diff(&self, request: DiffRequest) -> Result<Looked<Diff>, BackendError> {
        let call = asked(&request.environment, "diff")
            .with("older", &request.older)
            .with("newer", &request.newer)
            .with("below", &request.below)
            .with("from", &request.from)
            .with("limit", &request.limit);
        self.shared.ask(call).await
    }

    async fn node_diff(&self, request: NodeDiffRequest) -> Result<Looked<NodeDiff>, BackendError> {
        let (older, older_path) = &request.older;
        let (newer, newer_path) = &request.newer;
        let mut call = asked(&request.environment, "node-diff")
            .with("older", older)
            .with("newer", newer)
            .with("characters", &request.characters);
        if let Some(path) = older_path {
            call = call.with("older_path", path);
        }
        if let Some(path) = newer_path {
            call = call.with("newer_path", path);
        }
        self.shared.ask(call).await
    }

    async fn export_facts(&self, request: ExportRequest) -> Result<Looked<ExportFacts>, BackendError> {
        let mut call = asked(&request.environment, "export")
            .with("source", &request.source)
            .with("path", &request.path);
        // A service that is older knows no other form.
        if request.form != ExportForm::Xml {
            call = call.with("form", &request.form);
        }
        self.shared.ask(call).await
    }

    async fn export(&self, request: ExportRequest) -> Result<Download, BackendError> {
        let (document, media_type) = match request.form {
            ExportForm::Xml => ("export.xml", "application/xml"),
            ExportForm::Yaml => ("export.yaml", "application/yaml"),
            ExportForm::Files => ("export-files.tar", "application/x-tar"),
            ExportForm::Tar => ("export.tar", "application/x-tar"),
        };
        let call = asked(&request.environment, document)
            .with("source", &request.source)
            .with("path", &request.path);
        let mut response = self.shared.download(&call, media_type).await?;
        let (download, fill) = Download::new();
        let shared = Arc::clone(&self.shared);
        tokio::spawn(async move {
            loop {
                let piece = match tokio::time::timeout(shared.pace.long_answer, response.chunk()).await {
                    Ok(Ok(Some(bytes))) => Piece::Bytes(bytes.to_vec()),
                    Ok(Ok(None)) => Piece::End,
                    Ok(Err(error)) => Piece::Broken(BackendError::OutOfReach(format!(
                        "{}; where the service ended it itself, its log says why",
                        shared.broke(&error)
                    ))),
                    Err(_) => Piece::Broken(BackendError::OutOfReach(format!(
                        "nothing has come from {} for {} seconds",
                        shared.access.address(),
                        shared.pace.long_answer.as_secs()
                    ))),
                };
                let is_last = !matches!(piece, Piece::Bytes(_));
                if fill.send(piece).await.is_err() || is_last {
                    return;
                }
            }
        });
        Ok(download)
    }
}
