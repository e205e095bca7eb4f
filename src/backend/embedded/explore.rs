//! Looking inside, by the engine in this process.

use std::io::{self, Write};
use std::path::PathBuf;

use async_trait::async_trait;

use super::Embedded;
use crate::backend::BackendError;
use crate::backend::explore::{Download, Explores, Piece, Pieces};
use crate::domain::explore::{
    Children, ChildrenRequest, Diff, DiffRequest, ExportFacts, ExportRequest, FindRequest, Finds,
    HistoryRequest, Looked, NodeDiff, NodeDiffRequest, NodeFacts, NodeHistory, NodeRequest, VersionList,
    VersionsRequest,
};
use crate::engine::whose_folder;

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

    async fn export_facts(&self, request: ExportRequest) -> Result<Looked<ExportFacts>, BackendError> {
        self.on_engine(move |engine| engine.live(&request.environment)?.export_facts(&request))
            .await
    }

    async fn export(&self, request: ExportRequest) -> Result<Download, BackendError> {
        let export = self
            .on_engine(move |engine| engine.live(&request.environment)?.export(&request))
            .await?;
        let (download, fill) = Download::new();
        // A thread of its own: whoever takes it may be as slow as he likes.
        let started = std::thread::Builder::new()
            .name("exporting".to_owned())
            .spawn(move || {
                let mut out = Filling(&fill);
                let end = match export.write(&mut out) {
                    Ok(()) => Piece::End,
                    Err(error) => Piece::Broken(error.into()),
                };
                // Whoever has gone does not wait for its end.
                let _ = fill.blocking_send(end);
            });
        started.map_err(|error| BackendError::Failed(format!("no thread can be started: {error}")))?;
        Ok(download)
    }

    async fn whose_folder(&self, folder: PathBuf) -> Result<Option<String>, BackendError> {
        self.on_engine(move |engine| whose_folder(engine, &folder)).await
    }
}

/// Hands on what is written. It fails when nobody takes it any more.
struct Filling<'f>(&'f Pieces);

impl Write for Filling<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Piece::Bytes(bytes.to_vec()));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
