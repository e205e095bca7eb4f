//! How two sources differ: a list of nodes, and what differs in the chosen one.

use super::Known;
use super::pages::Pages;
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{
    Diff, DiffLine, DiffRequest, NodeDiff, NodeDiffRequest, NodePath, NotCompared, Source, SourceAt, Totals,
    USUAL_CHARACTERS, USUAL_LINES,
};
use crate::tui::model::cursor::Cursor;
use crate::tui::question::{Question, Told};

/// How two sources differ.
#[derive(Debug, Clone)]
pub struct Differences {
    /// The environment.
    pub environment: EnvironmentName,
    /// What was before.
    pub older: Source,
    /// What is now.
    pub newer: Source,
    /// Only in here.
    pub below: NodePath,
    /// The nodes that differ.
    pub lines: Pages<DiffLine>,
    /// What is known of all of them.
    pub summary: Option<Summary>,
    /// The chosen one, once the selection rests.
    pub node: Option<Changed>,
    /// Whether keys go to the chosen one rather than to the list.
    pub in_node: bool,
}

/// What is known of all differences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What was before, and when.
    pub older: SourceAt,
    /// What is now, and since when.
    pub newer: SourceAt,
    /// How many nodes differ.
    pub totals: Totals,
    /// Whether some are only counted.
    pub is_cut: bool,
    /// What could not be compared.
    pub remarks: Vec<String>,
    /// What cannot be read in either of the two.
    pub not_read: Option<NotCompared>,
    /// Whether that nothing differs is true of a part only.
    pub is_in_part: bool,
}

/// A node that differs.
#[derive(Debug, Clone)]
pub struct Changed {
    /// What the list says of it.
    pub line: DiffLine,
    /// What differs.
    pub diff: Known<NodeDiff>,
    /// The selected line of it.
    pub cursor: Cursor,
}

impl Differences {
    /// How two sources differ in a place.
    #[must_use]
    pub fn new(environment: EnvironmentName, older: Source, newer: Source, below: NodePath) -> Self {
        Self {
            environment,
            older,
            newer,
            below,
            lines: Pages::default(),
            summary: None,
            node: None,
            in_node: false,
        }
    }

    /// Where to look for the chosen node: in the newer source if it is there, else in the older one.
    #[must_use]
    pub fn place(&self) -> Option<(Source, NodePath)> {
        let line = self.lines.selected()?;
        let newer = line.newer.clone().map(|path| (self.newer.clone(), path));
        newer.or_else(|| line.older.clone().map(|path| (self.older.clone(), path)))
    }

    /// The selection rests: what differs in the chosen node is asked for.
    pub fn rest(&mut self) {
        let Some(line) = self.lines.selected() else {
            self.node = None;
            return;
        };
        if self.node.as_ref().is_none_or(|node| node.line != *line) {
            self.node = Some(Changed {
                line: line.clone(),
                diff: Known::NotYet,
                cursor: Cursor::default(),
            });
        }
    }

    /// Asks for everything once more.
    pub fn read_again(&mut self) {
        let cursor = self.lines.cursor;
        self.lines = Pages::default();
        self.lines.cursor = cursor;
        self.summary = None;
        self.node = None;
    }

    fn node_question(&self, line: &DiffLine) -> Question {
        Question::NodeDiff(NodeDiffRequest {
            environment: self.environment.clone(),
            older: (self.older.clone(), line.older.clone()),
            newer: (self.newer.clone(), line.newer.clone()),
            characters: USUAL_CHARACTERS,
        })
    }

    /// The question for the rows from one on.
    #[must_use]
    pub fn question(&self, from: usize) -> Question {
        Question::Diff(DiffRequest {
            environment: self.environment.clone(),
            older: self.older.clone(),
            newer: self.newer.clone(),
            below: self.below.clone(),
            from: from as u64,
            limit: USUAL_LINES,
        })
    }

    /// The questions that are still to be answered. `rows` of the list are on the screen.
    #[must_use]
    pub fn wanted(&self, rows: usize) -> Vec<Question> {
        let pages = self.lines.wanted(rows).into_iter();
        let mut wanted: Vec<Question> = pages.map(|from| self.question(from)).collect();
        if let Some(node) = &self.node
            && node.diff.is_open()
        {
            wanted.push(self.node_question(&node.line));
        }
        wanted
    }

    /// Whether an answer to a question belongs here.
    #[must_use]
    pub fn fits(&self, question: &Question) -> bool {
        match question {
            Question::Diff(request) => {
                request.environment == self.environment
                    && request.older == self.older
                    && request.newer == self.newer
                    && request.below == self.below
            }
            Question::NodeDiff(_) => self
                .node
                .as_ref()
                .is_some_and(|node| self.node_question(&node.line) == *question),
            _ => false,
        }
    }

    /// Takes an answer that fits, or the sentence that says why there is none.
    pub fn take(&mut self, question: &Question, answer: Result<Told, String>) {
        match (question, answer) {
            (Question::Diff(_), Ok(Told::Diff(diff))) => self.take_lines(diff),
            (Question::Diff(_), Ok(Told::Reading(look))) => self.lines.reading(look),
            (Question::Diff(_), Err(why)) => self.lines.failed(why),
            (Question::NodeDiff(_), answer) => {
                if let Some(node) = &mut self.node {
                    match answer {
                        Ok(Told::NodeDiff(diff)) => node.diff = Known::Here(diff),
                        Ok(Told::Reading(look)) => node.diff = Known::Reading(look),
                        Err(why) => node.diff = Known::Failed(why),
                        Ok(_) => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn take_lines(&mut self, diff: Diff) {
        let from = usize::try_from(diff.from).unwrap_or(usize::MAX);
        let length = usize::try_from(diff.total).unwrap_or(usize::MAX);
        self.summary = Some(Summary {
            is_in_part: diff.is_in_part(),
            older: diff.older,
            newer: diff.newer,
            totals: diff.totals,
            is_cut: diff.is_cut,
            remarks: diff.remarks,
            not_read: diff.not_read,
        });
        self.lines.put(from, length, diff.lines, false);
        if self.node.is_none() {
            self.rest();
        }
    }
}
