//! Looking inside a backup or Live: folders, nodes, finding, history, differences.
//!
//! - `source`: where it is looked; `first_look`: reading a workspace once; `index`: what is kept of it, `shelf`: where.
//! - `browse`: folders and nodes; `in_files`: the paths of nodes in files; `facts`: what a node is; `versions`; `find`; `history`, with what changed `below`; `diff`, by the nodes that are `differing`, without what is `unread`, and `how_far` it is; `export`; `held`: whether a newer backup has a node too.
//! - `background`: what takes long goes on while somebody asks how far it is.
//!
//! Nothing in here changes content, or is a job: it can be done beside every job, and by several at once.

mod background;
mod below;
mod browse;
mod diff;
mod differing;
mod export;
mod facts;
mod find;
mod first_look;
mod held;
mod history;
mod how_far;
mod in_files;
mod index;
mod node_diff;
mod shelf;
mod source;
#[cfg(test)]
mod tests;
mod unread;
mod versions;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;

use self::background::Background;
use self::diff::Compared;
pub use self::export::Export;
use self::export::Survey;
use self::find::Hits;
use self::first_look::FirstLooks;
use self::index::IndexError;
use self::shelf::Shelf;
use self::source::KeptOpen;
use crate::content::restoring::RestoreError;
use crate::domain::explore::{
    Children, ChildrenRequest, Diff, DiffRequest, ExportFacts, ExportRequest, FindRequest, Finds,
    HistoryRequest, Looked, NodeDiff, NodeDiffRequest, NodeFacts, NodeHistory, NodeRequest, VersionList,
    VersionsRequest,
};
use crate::domain::nearest::Missing;
use crate::engine::{EngineError, Live};

/// What this process knows of what is inside.
pub(super) struct Explorer {
    looks: Arc<FirstLooks>,
    kept: Mutex<KeptOpen>,
    searches: Background<Hits>,
    comparisons: Background<Compared>,
    surveys: Background<Survey>,
}

impl Explorer {
    /// Keeps its indexes in the folder for caches, or in the other one where that cannot be written to.
    pub(super) fn new(cache: &Path, other: &Path) -> Self {
        let second = (cache != other).then(|| Shelf::new(other));
        Self {
            looks: Arc::new(FirstLooks::new(Shelf::new(cache), second)),
            kept: Mutex::default(),
            searches: Background::default(),
            comparisons: Background::default(),
            surveys: Background::default(),
        }
    }
}

impl Explorer {
    /// The folders that indexes may be in, any of which may be deleted at any time.
    pub(super) fn folders(&self) -> Vec<PathBuf> {
        self.looks
            .shelves()
            .map(|shelf| shelf.root().to_owned())
            .collect()
    }
}

/// Why something is not answered.
enum Trouble {
    /// An index cannot be used: it is made again, and asked again.
    Spoilt(IndexError),
    /// Anything else.
    Engine(EngineError),
}

type Answer<T> = Result<T, Trouble>;

impl Trouble {
    fn not_there(what: impl Into<Missing>) -> Self {
        Self::Engine(EngineError::NotThere(what.into()))
    }
}

impl From<IndexError> for Trouble {
    fn from(error: IndexError) -> Self {
        Self::Spoilt(error)
    }
}

impl From<EngineError> for Trouble {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl From<RestoreError> for Trouble {
    fn from(error: RestoreError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<Trouble> for EngineError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Spoilt(error) => Self::Failed(error.to_string()),
            Trouble::Engine(error) => error,
        }
    }
}

/// Gives an answer back that is not there yet.
macro_rules! ready {
    ($looked:expr) => {
        match $looked {
            Looked::Ready(ready) => ready,
            Looked::Reading(look) => return Ok(Looked::Reading(look)),
        }
    };
}
use ready;

impl Live {
    /// Asks once more where an index turned out to be none: it is made again then.
    fn explored<T>(&self, ask: impl Fn() -> Answer<T>) -> Result<T, EngineError> {
        match ask() {
            Err(Trouble::Spoilt(error)) => {
                self.engine().explorer().looks.forget(error.path());
                Ok(ask()?)
            }
            answer => Ok(answer?),
        }
    }

    /// A page of what is in something.
    ///
    /// # Errors
    /// [`EngineError`] when nothing is there, or it cannot be read.
    pub fn children(&self, request: &ChildrenRequest) -> Result<Looked<Children>, EngineError> {
        self.explored(|| self.children_of(request))
    }

    /// What a node is.
    ///
    /// # Errors
    /// [`EngineError`] when nothing is there, or it cannot be read.
    pub fn node(&self, request: &NodeRequest) -> Result<Looked<NodeFacts>, EngineError> {
        self.explored(|| self.node_facts(request))
    }

    /// The versions of a node.
    ///
    /// # Errors
    /// [`EngineError`] when nothing is there, or it cannot be read.
    pub fn versions(&self, request: &VersionsRequest) -> Result<Looked<VersionList>, EngineError> {
        self.explored(|| self.versions_of(request))
    }

    /// What was found so far.
    ///
    /// # Errors
    /// [`EngineError`] when the source or the id is none.
    pub fn find(&self, request: &FindRequest) -> Result<Finds, EngineError> {
        self.explored(|| self.found_so_far(request))
    }

    /// What happened to a node.
    ///
    /// # Errors
    /// [`EngineError`] when it was never there, or nothing can be read.
    pub fn history(&self, request: &HistoryRequest) -> Result<Looked<NodeHistory>, EngineError> {
        self.explored(|| self.history_of(request))
    }

    /// How two sources differ.
    ///
    /// # Errors
    /// [`EngineError`] when one of them is not there, or cannot be read.
    pub fn diff(&self, request: &DiffRequest) -> Result<Looked<Diff>, EngineError> {
        self.explored(|| self.difference(request))
    }

    /// How one node differs.
    ///
    /// # Errors
    /// [`EngineError`] when it is not there, or cannot be read.
    pub fn node_diff(&self, request: &NodeDiffRequest) -> Result<Looked<NodeDiff>, EngineError> {
        self.explored(|| self.difference_of_node(request))
    }

    /// What an export would hold.
    ///
    /// # Errors
    /// [`EngineError`] when there is no such node, or it cannot be exported.
    pub fn export_facts(&self, request: &ExportRequest) -> Result<Looked<ExportFacts>, EngineError> {
        self.explored(|| self.facts_of_export(request))
    }

    /// An export, to be written. Whoever asks has asked what it holds before.
    ///
    /// # Errors
    /// As [`Live::export_facts`], and that it was not asked before.
    pub fn export(&self, request: &ExportRequest) -> Result<Export, EngineError> {
        match self.explored(|| self.export_of(request))? {
            Looked::Ready(export) => Ok(export),
            Looked::Reading(look) => {
                let why = format!(
                    "{} of {} is being read for the first time: ask what the export holds until that is answered, and \
                     then for the export",
                    look.workspace, look.instance
                );
                Err(EngineError::NotThere(why.into()))
            }
        }
    }
}
