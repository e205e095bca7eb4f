//! What a restore has left beside Live on purpose, or because it was interrupted, and what that says of itself.
//!
//! The note is kept where the content is, so that the place itself tells what it is whatever else is lost.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::files::beside::FolderRecord;
use super::files::exchange::Step;
use crate::domain::measure;
use crate::domain::plan::Selection;

/// Something that a restore or a drill has made.
#[derive(Debug, Clone)]
pub struct Left {
    /// Its name there: a schema's.
    pub place: String,
    /// What it says of itself.
    pub note: Note,
    /// What is in it: tables.
    pub tables: Vec<String>,
    /// Bytes that it takes.
    pub bytes: u64,
    /// Whether it is for what a switch replaces, and not for what comes.
    pub takes_replaced: bool,
}

impl Left {
    /// Whether it holds what a restore has replaced.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        self.note.state == NoteState::Replaced && !self.tables.is_empty()
    }

    /// The exchanges of files that belong to it and were not made, though it says that what came is live.
    #[must_use]
    pub fn not_exchanged(&self) -> Vec<&Step> {
        let beside = self.note.beside.as_ref().filter(|_| self.is_replaced());
        let steps = beside.into_iter().flat_map(|beside| &beside.steps);
        steps
            .filter(|step| step.is_untouched().unwrap_or(false))
            .collect()
    }
}

/// What something that Lifeboat has made says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The form of this note.
    pub lifeboat: u32,
    /// The environment that it belongs to.
    pub environment: String,
    /// The instance.
    pub instance: String,
    /// The job that made it.
    pub job: u64,
    /// The backup that was restored; `None` for an exchange that goes back to what was replaced.
    pub backup: Option<String>,
    /// Which part of the instance was restored.
    pub selection: Selection,
    /// How far it is.
    pub state: NoteState,
    /// When that began.
    pub at: DateTime<Utc>,
    /// Until when what was replaced stays.
    pub expires: DateTime<Utc>,
    /// What came in place of that which is here.
    pub came: Vec<String>,
    /// Whether rows of the version storage came as well: an exchange back would leave them.
    #[serde(default)]
    pub merged_versions: bool,
    /// The files that were exchanged at the same time, and where those are that were replaced: they go when this does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub beside: Option<FolderRecord>,
    /// For a restore elsewhere into a schema that stood there, empty: what it was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stood: Option<EmptySchema>,
    /// What was done with the switch to what tells other machines of changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Settled>,
}

/// A schema that stood empty before Lifeboat restored into it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmptySchema {
    /// Its comment.
    pub comment: Option<String>,
}

/// What was done in a switch to the tables in which the nodes of a cluster tell each other of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// The tables.
    pub tables: Vec<String>,
    /// The nodes that the cluster knows, by the names that Jackrabbit's configuration gives them.
    pub nodes: Vec<String>,
    /// Those of them that had not seen everything: what they were still to be told of others' changes is overtaken, also in
    /// workspaces that stay as they are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub behind: Vec<String>,
    /// The revision that all of them have.
    pub revision: Option<i64>,
    /// What stood in the way and was put aside for that moment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub put_aside: Vec<String>,
}

impl Settled {
    /// What was done, as a sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let nodes = match self.nodes.as_slice() {
            [] => "it knows no node yet".to_owned(),
            [node] => format!("its node {node} is"),
            nodes => format!("its {} nodes {} are", nodes.len(), measure::listed(nodes)),
        };
        let at = match (self.revision, self.nodes.is_empty()) {
            (Some(revision), false) => format!(" set to revision {revision}"),
            (None, false) => " left as they were, since the cluster has no revision".to_owned(),
            (_, true) => String::new(),
        };
        let aside = if self.put_aside.is_empty() {
            String::new()
        } else {
            format!(
                "; {} would have kept it from that and did not run",
                measure::listed(&self.put_aside)
            )
        };
        format!(
            "the cluster in {} is settled: {nodes}{at}, and its journal is emptied{aside}",
            measure::listed(&self.tables)
        )
    }
}

/// How far a restore is that has made something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteState {
    /// What comes is beside Live.
    Staged,
    /// It is Live, and what it replaced is here.
    Replaced,
    /// It is of a drill, and never becomes Live.
    Drill,
    /// It is a restore elsewhere that has not come to its end. One that has carries no note.
    Extract,
}

impl Note {
    /// The form of the note that this version writes and reads.
    pub const FORM: u32 = 1;
}

/// What is said of replaced content that cannot be dropped.
pub(crate) fn undropped_sentence(place: &str, why: &str) -> String {
    format!(
        "the replaced tables in {place} are still there after their time: {why}. Take away what hangs on them, and type \
         `lifeboat confirm`"
    )
}
