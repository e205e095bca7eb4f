//! The trait [`Explores`]: looking inside a backup or Live, page by page.
//!
//! Nothing in it changes content. Every call answers soon: what has to be read first is told as [`Looked::Reading`], and
//! whoever does not ask again has cancelled (see [`crate::domain::explore`]).

use std::path::PathBuf;

use async_trait::async_trait;
use tokio::sync::mpsc;

use super::BackendError;
use crate::domain::explore::{
    Children, ChildrenRequest, Diff, DiffRequest, ExportFacts, ExportRequest, FindRequest, Finds,
    HistoryRequest, Looked, NodeDiff, NodeDiffRequest, NodeFacts, NodeHistory, NodeRequest, VersionList,
    VersionsRequest,
};

/// Pieces of a [`Download`] that may wait to be taken.
const WAITING: usize = 4;

/// What comes as a stream of bytes. It is whole only if it says so: a stream that breaks off ends with an error.
pub struct Download {
    pieces: mpsc::Receiver<Piece>,
    is_over: bool,
}

/// Where a [`Download`] comes from.
pub(super) type Pieces = mpsc::Sender<Piece>;

/// A part of a [`Download`].
pub(super) enum Piece {
    /// The next bytes.
    Bytes(Vec<u8>),
    /// That was all.
    End,
    /// It ends here, and that is not all.
    Broken(BackendError),
}

impl Download {
    /// A download, and where it is filled.
    pub(super) fn new() -> (Self, Pieces) {
        let (fill, pieces) = mpsc::channel(WAITING);
        let download = Self {
            pieces,
            is_over: false,
        };
        (download, fill)
    }

    /// A download of pieces that are all there already. One that is an error is the last one.
    #[must_use]
    pub fn of(pieces: Vec<Result<Vec<u8>, BackendError>>) -> Self {
        let (fill, waiting) = mpsc::channel(pieces.len() + 1);
        let pieces = pieces.into_iter().map(|piece| match piece {
            Ok(bytes) => Piece::Bytes(bytes),
            Err(why) => Piece::Broken(why),
        });
        for piece in pieces.chain([Piece::End]) {
            // There is room for all of them.
            let _ = fill.try_send(piece);
        }
        Self {
            pieces: waiting,
            is_over: false,
        }
    }

    /// The next bytes; `None` when all of them were taken.
    ///
    /// # Errors
    /// Why there are no more, though that was not all. Nothing comes after it.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, BackendError>> {
        if self.is_over {
            return None;
        }
        let piece = self.pieces.recv().await;
        self.is_over = !matches!(piece, Some(Piece::Bytes(_)));
        match piece {
            Some(Piece::Bytes(bytes)) => Some(Ok(bytes)),
            Some(Piece::End) => None,
            Some(Piece::Broken(why)) => Some(Err(why)),
            None => Some(Err(BackendError::Failed(
                "it ends in the middle: whoever wrote it has stopped".to_owned(),
            ))),
        }
    }
}

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

    /// What an export would hold: found out by going through all of it.
    async fn export_facts(&self, request: ExportRequest) -> Result<Looked<ExportFacts>, BackendError>;

    /// An export, in the form that it was asked for. It has to be asked for its facts first.
    async fn export(&self, request: ExportRequest) -> Result<Download, BackendError>;

    /// Whose a folder of this machine is, where an export into it would change what is backed up, or what backups are kept
    /// in. A backend elsewhere knows of no folder here.
    async fn whose_folder(&self, folder: PathBuf) -> Result<Option<String>, BackendError> {
        let _ = folder;
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_download_that_breaks_off_is_not_taken_for_a_whole_one() {
        let mut whole = Download::of(vec![Ok(b"abc".to_vec())]);
        assert_eq!(whole.next().await, Some(Ok(b"abc".to_vec())));
        assert_eq!(whole.next().await, None);
        let (mut lost, fill) = Download::new();
        let _ = fill.send(Piece::Bytes(b"abc".to_vec())).await;
        drop(fill);
        assert_eq!(lost.next().await, Some(Ok(b"abc".to_vec())));
        assert!(matches!(lost.next().await, Some(Err(_))));
        assert_eq!(lost.next().await, None);
    }
}
