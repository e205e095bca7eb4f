//! What is known of the node that is chosen in the tree.

use super::Known;
use crate::domain::explore::{Kind, NodeFacts, NodeHistory, NodePath, VersionList};
use crate::tui::model::cursor::Cursor;
use crate::tui::question::{Question, Told};

/// What is known of the chosen node.
#[derive(Debug, Clone)]
pub struct Node {
    /// Where it is.
    pub path: NodePath,
    /// What it is, by its line; `None` where only its path is known.
    pub kind: Option<Kind>,
    /// Whether it is asked what it is: of an instance its line says all, of a workspace only who looks at it wants more.
    pub is_asked: bool,
    /// What it is.
    pub facts: Known<NodeFacts>,
    /// Its versions.
    pub versions: Known<VersionList>,
    /// What happened to it.
    pub history: Known<NodeHistory>,
    /// The selected line of the node's column.
    pub facts_cursor: Cursor,
    /// The selected line of its history.
    pub history_cursor: Cursor,
}

impl Node {
    pub(super) fn new(path: NodePath, kind: Option<Kind>) -> Self {
        Self {
            path,
            kind,
            is_asked: !matches!(kind, Some(Kind::Environment | Kind::Instance | Kind::Workspace)),
            facts: Known::NotYet,
            versions: Known::NotYet,
            history: Known::NotYet,
            facts_cursor: Cursor::default(),
            history_cursor: Cursor::default(),
        }
    }

    /// Whether it has a history of its own: what is no node and no file has none.
    #[must_use]
    pub fn has_history(&self) -> bool {
        !self.path.steps.is_empty()
    }

    /// Takes an answer that fits, or the sentence that says why there is none.
    pub(super) fn take(&mut self, question: &Question, answer: Result<Told, String>) {
        match (question, answer) {
            (Question::Node(_), Ok(Told::Node(facts))) => self.facts = Known::Here(*facts),
            (Question::Node(_), Ok(Told::Reading(look))) => self.facts = Known::Reading(look),
            (Question::Node(_), Err(why)) => self.facts = Known::Failed(why),
            (Question::Versions(_), Ok(Told::Versions(versions))) => self.versions = Known::Here(versions),
            (Question::Versions(_), Ok(Told::Reading(look))) => self.versions = Known::Reading(look),
            (Question::Versions(_), Err(why)) => self.versions = Known::Failed(why),
            (Question::History(_), Ok(Told::History(history))) => self.history = Known::Here(history),
            (Question::History(_), Ok(Told::Reading(look))) => self.history = Known::Reading(look),
            (Question::History(_), Err(why)) => self.history = Known::Failed(why),
            _ => {}
        }
    }
}
