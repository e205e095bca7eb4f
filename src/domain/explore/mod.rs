//! Looking inside a backup or Live: what is asked, and what is answered.
//!
//! Content is shown as one tree: instances, in each its workspaces, in each its nodes (in a folder: files). Where in it
//! something is says a [`NodePath`]; where it is looked, a [`Source`].
//!
//! - `path`: [`NodePath`]; `node`: folders, nodes and what is in them; `find`, `history`, `diff`: the questions over many nodes;
//!   `export`: taking nodes out.
//!   `words`: how two texts differ.
//!
//! The first look at a workspace of a source reads all of it, which may take minutes. Nobody waits for that: the answer is
//! [`Looked::Reading`] with how far it is, and whoever wants the answer asks again. **Whoever does not ask again has
//! cancelled**: reading ends by itself when nobody has asked for it during [`PATIENCE_SECONDS`]. Every answer is bounded:
//! lists are pages, texts are cut and say how long they are.
//!
//! Not in here: how any of it is read (`engine::explore`), and how it looks.

mod diff;
mod export;
mod find;
mod history;
mod node;
mod path;
mod words;

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Instant;
use super::as_text::as_text;
use super::backup::BackupId;
use super::environment::InstanceName;

pub use diff::{
    Change, Diff, DiffLine, DiffRequest, NodeDiff, NodeDiffRequest, NotCompared, PropertyChange, Totals,
    Unreadable, largest_loss,
};
pub use export::{ExportFacts, ExportForm, ExportRequest, LONGEST_NAME, NoForm, file_name, tar_name};
pub use find::{By, Find, FindRequest, Finds, NotSearched};
pub use history::{ChangedBelow, HistoryRequest, NodeHistory, NotRead, Occurrence, Readable, Sight, Turn};
pub use node::{
    BinaryFacts, BinaryPlace, Children, ChildrenRequest, Kind, Line, NodeFacts, NodeRequest, PropertyFacts,
    ValueFacts, ValueType, Version, VersionList, VersionsRequest,
};
pub use path::{NodePath, PathError, Step};
pub use words::{Word, by_words};

/// The most lines of a page.
pub const MOST_LINES: u32 = 1_000;
/// The lines of a page when nobody says how many.
pub const USUAL_LINES: u32 = 200;
/// The most characters that are given of one value, and of a preview.
pub const MOST_CHARACTERS: u32 = 1_000_000;
/// The characters that are given of one value when nobody says how many.
pub const USUAL_CHARACTERS: u32 = 2_000;
/// The most values that are given of one property.
pub const MOST_VALUES: usize = 200;
/// The most properties that are given of one node.
pub const MOST_PROPERTIES: usize = 1_000;
/// The longest text that is searched for, in characters.
pub const LONGEST_NEEDLE: usize = 200;
/// The most that is found, over all pages.
pub const MOST_FINDS: usize = 10_000;
/// The most lines of a difference, over all pages. The totals count the others too.
pub const MOST_DIFFERENCES: usize = 200_000;
/// Reading and searching go on for this long without anybody who asks how far they are.
pub const PATIENCE_SECONDS: u64 = 30;

/// Where it is looked: in Live, or in a backup. Written `live`, or what a backup is called: its id, a unique beginning of
/// one, or a slot's name. Answers have whole ids.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// What visitors see now.
    Live,
    /// A backup.
    Backup(String),
}

impl Source {
    /// How Live is written.
    pub const LIVE: &'static str = "live";

    /// The source in a few characters: `Live`, or the first digits of an id.
    #[must_use]
    pub fn short(&self) -> &str {
        match self {
            Self::Live => "Live",
            Self::Backup(name) if name.len() == 64 => name.get(..8).unwrap_or(name),
            Self::Backup(name) => name,
        }
    }
}

impl From<&BackupId> for Source {
    fn from(id: &BackupId) -> Self {
        Self::Backup(id.0.clone())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Live => Self::LIVE,
            Self::Backup(name) => name,
        })
    }
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text.eq_ignore_ascii_case(Self::LIVE) {
            Self::Live
        } else {
            Self::Backup(text.to_owned())
        })
    }
}

as_text!(Source);

/// An answer, or how far the reading is that it needs.
#[cfg_attr(
    feature = "engine",
    derive(schemars::JsonSchema),
    schemars(rename = "Looked{T}")
)]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", content = "value", rename_all = "snake_case")]
pub enum Looked<T> {
    /// The answer.
    Ready(T),
    /// It is being read for the first time: ask again in a moment.
    Reading(FirstLook),
}

/// How far the first look at a workspace is, or a comparison of what has been read.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstLook {
    /// What is read.
    pub source: Source,
    /// Of which instance.
    pub instance: InstanceName,
    /// Which of its workspaces.
    pub workspace: String,
    /// Bytes that were read so far.
    pub done: u64,
    /// Bytes that are read in all, as far as is known beforehand.
    pub total: u64,
    /// How many sources are to be read after this one for the same answer; of a comparison, how many workspaces are to be
    /// compared after this one.
    pub others: u64,
    /// Whether everything has been read, and is compared with another source: `done` and `total` are nodes then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub comparing: bool,
}

impl FirstLook {
    /// How far it is, 0 to 100. Not 100 before the answer is there.
    #[must_use]
    pub fn percent(&self) -> u64 {
        let done = self.done.saturating_mul(100).checked_div(self.total);
        done.unwrap_or(0).min(99)
    }
}

/// A source as answers tell of it.
#[cfg_attr(feature = "engine", derive(schemars::JsonSchema))]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceAt {
    /// Which one, by its whole id.
    pub source: Source,
    /// When it was like that: when the backup was taken, or when Live was read for this.
    pub at: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_written_as_they_are_read() {
        for text in ["live", "daily", "0123abcd"] {
            let source: Source = text.parse().unwrap();
            assert_eq!(source.to_string(), text);
            assert_eq!(
                serde_json::from_str::<Source>(&format!("\"{text}\"")).unwrap(),
                source
            );
        }
        assert_eq!("LIVE".parse(), Ok(Source::Live));
        assert_eq!(Source::Backup("a".repeat(64)).short(), "aaaaaaaa");
    }

    #[test]
    fn a_look_is_never_over_before_its_answer_is_there() {
        let look = |done, total| FirstLook {
            source: Source::Live,
            instance: "author".parse().unwrap(),
            workspace: "website".to_owned(),
            done,
            total,
            others: 0,
            comparing: false,
        };
        let percents =
            [(0, 0), (1, 2), (7, 7), (9, 7), (u64::MAX, 1)].map(|(done, total)| look(done, total).percent());
        assert_eq!(percents, [0, 50, 99, 99, 99]);
    }

    #[test]
    fn answers_tell_whether_they_are_ready() {
        let ready = serde_json::to_string(&Looked::Ready(7)).unwrap();
        assert_eq!(ready, r#"{"state":"ready","value":7}"#);
        assert_eq!(
            serde_json::from_str::<Looked<u32>>(&ready).unwrap(),
            Looked::Ready(7)
        );
    }
}
