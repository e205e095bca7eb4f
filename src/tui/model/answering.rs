//! What waits for an answer, and whether one can be given yet: a question counts as read once it has been on the screen
//! for a moment, and an answer once it has stayed the only key for another.

use super::Model;
use super::screens::{About, Dialog, FormKind, Notice, Screen};
use super::wizard::{Purpose, Step};
use crate::domain::environment::EnvironmentName;
use crate::tui::action::Action;

/// Something that a key would answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asks {
    /// A form that would be sent.
    Form(FormKind),
    /// A question.
    Question(About),
    /// A message that would be gone.
    Notice(Notice),
    /// The name of an environment, which starts a restore.
    Name(EnvironmentName, Purpose),
    /// A plan, which leads to the name.
    Plan(EnvironmentName, Purpose),
}

/// What waits for an answer at this moment.
#[derive(Debug, Default)]
pub struct Answering {
    /// Counts what has waited, so that a moment that has passed belongs to one of them.
    number: u64,
    asks: Option<Asks>,
    read: bool,
    /// An answer that counts if no other key comes right after it.
    given: Option<Action>,
}

impl Answering {
    /// The number of what waits now.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether somebody has had the time to read it.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.read
    }

    /// What waits with this number has been on the screen for a moment.
    pub fn read(&mut self, number: u64) {
        if number == self.number {
            self.read = true;
        }
    }

    /// Notes what waits now. Anything else than before has not been read, and no answer to what was before counts for it.
    pub fn note(&mut self, asks: Option<Asks>) {
        if asks != self.asks {
            self.number += 1;
            self.asks = asks;
            self.read = false;
            self.given = None;
        }
    }

    /// Keeps an answer until it is certain that it came by itself.
    pub fn give(&mut self, action: Action) {
        self.given = Some(action);
    }

    /// Takes the answer that was kept. Also what the next key does to it, and then it does not count.
    pub fn take_given(&mut self) -> Option<Action> {
        self.given.take()
    }
}

impl Model {
    /// What a key would answer now.
    #[must_use]
    pub fn asks(&self) -> Option<Asks> {
        match (&self.dialog, self.screens.last()) {
            (Some(Dialog::Form(form)), _) => Some(Asks::Form(form.kind.clone())),
            (Some(Dialog::Question(question)), _) => Some(Asks::Question(question.about.clone())),
            (Some(Dialog::Notice(notice)), _) => Some(Asks::Notice(Notice {
                scroll: 0,
                ..notice.clone()
            })),
            (None, Some(Screen::Wizard(wizard))) => {
                let (environment, purpose) = (wizard.environment.clone(), wizard.purpose);
                match wizard.step {
                    Step::Name => Some(Asks::Name(environment, purpose)),
                    Step::Plan => Some(Asks::Plan(environment, purpose)),
                    Step::Choose | Step::Scope => None,
                }
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_forgotten_with_the_next_question() {
        let mut answering = Answering::default();
        answering.note(Some(Asks::Question(About::Quit)));
        let first = answering.number();
        answering.read(first);
        answering.give(Action::Yes);
        answering.note(Some(Asks::Question(About::Quit)));
        assert!(answering.is_read());
        answering.note(Some(Asks::Question(About::Suspend)));
        assert!(!answering.is_read());
        assert_eq!(answering.take_given(), None);
        // The moment of the first one is over late.
        answering.read(first);
        assert!(!answering.is_read());
    }
}
