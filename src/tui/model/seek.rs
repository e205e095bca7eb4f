//! A text that is searched for on a screen: in a list, a log or a page. Inside a backup, the backend searches
//! ([`super::explore::search`]).

use tui_input::Input;

use super::Model;

/// What is searched for, and where one is in it.
#[derive(Debug)]
pub struct Seek {
    /// How many screens there were when it began: it belongs to the topmost of those.
    pub depth: usize,
    /// What is being typed, while it is.
    pub input: Option<Input>,
    /// What is searched for, in lower case.
    pub text: String,
    /// The row that it began at.
    pub from: usize,
    /// The row that was last found.
    pub at: Option<usize>,
}

impl Model {
    /// The search on the screen on top.
    #[must_use]
    pub fn seek_here(&self) -> Option<&Seek> {
        let depth = self.screens.len();
        self.seek
            .as_ref()
            .filter(|seek| seek.depth == depth && self.dialog.is_none())
    }

    /// Whether the text of a search is being typed.
    #[must_use]
    pub fn types_seek(&self) -> bool {
        self.seek_here().is_some_and(|seek| seek.input.is_some())
    }

    /// Whether keys go on with a search.
    #[must_use]
    pub fn goes_on_seeking(&self) -> bool {
        self.seek_here().is_some_and(|seek| seek.input.is_none())
    }
}
