//! Finding: what is looked for, and what was found so far.

use tui_input::Input;

use super::pages::Pages;
use crate::domain::environment::EnvironmentName;
use crate::domain::explore::{By, Find, FindRequest, FirstLook, NodePath, NotSearched, Source, USUAL_LINES};
use crate::tui::question::{Question, Told};

/// Where is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// In the place that the search was begun in.
    Place,
    /// In all of that backup, or of Live.
    Source,
    /// In that place of every backup that stands.
    Backups,
}

/// A search.
#[derive(Debug, Clone)]
pub struct Search {
    /// The environment.
    pub environment: EnvironmentName,
    /// The backup, or Live, that it was begun in.
    pub source: Source,
    /// The place that it was begun in: a workspace, or what is above one.
    pub place: NodePath,
    /// Where is searched.
    pub scope: Scope,
    /// What it is looked for by.
    pub by: By,
    /// What is typed.
    pub input: Input,
    /// Whether keys are text.
    pub is_typed: bool,
    /// What is looked for by now.
    pub text: Option<String>,
    /// What was found.
    pub finds: Pages<Find>,
    /// Whether the search has come to its end.
    pub is_over: bool,
    /// Whether there is more than is listed.
    pub is_cut: bool,
    /// What has to be read before it can be searched.
    pub reading: Option<FirstLook>,
    /// What could not be searched.
    pub remarks: Vec<String>,
    /// What is in files that cannot be read.
    pub not_read: Option<NotSearched>,
}

impl Search {
    /// A search in a place.
    #[must_use]
    pub fn new(environment: EnvironmentName, source: Source, place: &NodePath) -> Self {
        Self {
            environment,
            source,
            place: NodePath {
                steps: Vec::new(),
                ..place.clone()
            },
            scope: Scope::Place,
            by: By::Name,
            input: Input::default(),
            is_typed: true,
            text: None,
            finds: Pages::default(),
            is_over: false,
            is_cut: false,
            reading: None,
            remarks: Vec::new(),
            not_read: None,
        }
    }

    /// Looks for what is typed. Nothing is looked for that is empty.
    pub fn begin(&mut self) {
        let text = self.input.value().trim();
        let text = (!text.is_empty()).then(|| text.to_owned());
        self.finds = Pages::default();
        self.is_over = false;
        self.is_cut = false;
        self.reading = None;
        self.remarks.clear();
        self.not_read = None;
        self.text = text;
    }

    /// Whether what is typed is what is looked for.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.text.as_deref().unwrap_or_default() == self.input.value().trim()
    }

    /// What to look for by, the next one.
    pub fn next_by(&mut self) {
        self.by = match self.by {
            By::Name => By::Path,
            By::Path => By::Id,
            By::Id => By::Text,
            By::Text => By::Name,
        };
    }

    /// Where to search, the next one.
    pub fn next_scope(&mut self) {
        self.scope = match self.scope {
            Scope::Place => Scope::Source,
            Scope::Source => Scope::Backups,
            Scope::Backups => Scope::Place,
        };
    }

    /// The question for the finds from one on; none where nothing is looked for.
    #[must_use]
    pub fn question(&self, from: usize) -> Option<Question> {
        Some(Question::Find(FindRequest {
            environment: self.environment.clone(),
            source: (self.scope != Scope::Backups).then(|| self.source.clone()),
            by: self.by,
            text: self.text.clone()?,
            below: match self.scope {
                Scope::Source => NodePath::default(),
                Scope::Place | Scope::Backups => self.place.clone(),
            },
            from: from as u64,
            limit: USUAL_LINES,
        }))
    }

    /// The questions that are still to be answered. `rows` of the list are on the screen.
    #[must_use]
    pub fn wanted(&self, rows: usize) -> Vec<Question> {
        if self.text.is_none() {
            return Vec::new();
        }
        let mut pages = self.finds.wanted(rows);
        // Until it is over, what is on the screen is asked for again: that is also what keeps the search going.
        if !self.is_over && self.finds.length().here().is_some() && !pages.contains(&self.finds.in_view()) {
            pages.insert(0, self.finds.in_view());
        }
        pages.into_iter().filter_map(|from| self.question(from)).collect()
    }

    /// Whether an answer to a question belongs here.
    #[must_use]
    pub fn fits(&self, question: &Question) -> bool {
        let Question::Find(request) = question else {
            return false;
        };
        let source = (self.scope != Scope::Backups).then_some(&self.source);
        let is_below = match self.scope {
            Scope::Source => request.below == NodePath::default(),
            Scope::Place | Scope::Backups => request.below == self.place,
        };
        request.environment == self.environment
            && request.source.as_ref() == source
            && request.by == self.by
            && Some(&request.text) == self.text.as_ref()
            && is_below
    }

    /// Takes an answer that fits, or the sentence that says why there is none.
    pub fn take(&mut self, answer: Result<Told, String>) {
        match answer {
            Ok(Told::Finds(finds)) => {
                let from = usize::try_from(finds.from).unwrap_or(usize::MAX);
                let length = usize::try_from(finds.total).unwrap_or(usize::MAX);
                self.is_over = finds.is_over;
                self.is_cut = finds.is_cut;
                self.reading = finds.reading;
                self.remarks = finds.remarks;
                self.not_read = finds.not_read;
                self.finds.put(from, length, finds.finds, true);
            }
            Err(why) => {
                self.is_over = true;
                self.reading = None;
                self.finds.failed(why);
            }
            Ok(_) => {}
        }
    }
}
