//! Which questions are on their way, and which are asked again in a moment.
//!
//! Nobody says that an answer is not wanted any more: what is not on the screen is not asked again, and that is how its
//! reading ends.

use crate::tui::question::Question;

/// How many questions are on their way at once: over a slow line more would only queue behind each other.
const AT_ONCE: usize = 4;

/// The questions.
#[derive(Debug, Default)]
pub struct Asking {
    open: Vec<Question>,
    resting: Vec<(u64, Question)>,
    rests: u64,
}

impl Asking {
    /// Of the questions that somebody wants answered, those that are to be asked now.
    pub fn ask(&mut self, wanted: Vec<Question>) -> Vec<Question> {
        let mut asked = Vec::new();
        for question in wanted {
            if self.open.len() == AT_ONCE {
                break;
            }
            let rests = self.resting.iter().any(|(_, other)| *other == question);
            if !rests && !self.open.contains(&question) {
                self.open.push(question.clone());
                asked.push(question);
            }
        }
        asked
    }

    /// Takes note of an answer. Says whether one was waited for.
    pub fn answered(&mut self, question: &Question) -> bool {
        let place = self.open.iter().position(|other| other == question);
        place.map(|place| self.open.swap_remove(place)).is_some()
    }

    /// Lets a question rest that has to be asked again. Gives the number of its rest.
    pub fn rest(&mut self, question: Question) -> u64 {
        self.rests += 1;
        self.resting.push((self.rests, question));
        self.rests
    }

    /// A rest is over.
    pub fn rested(&mut self, number: u64) {
        self.resting.retain(|(other, _)| *other != number);
    }

    /// Nothing that was asked will be answered.
    pub fn forget(&mut self) {
        self.open.clear();
        self.resting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::explore::{ChildrenRequest, NodePath, Source};

    fn page(from: u64) -> Question {
        Question::Children(ChildrenRequest {
            environment: "acme/live".parse().unwrap(),
            source: Source::Live,
            path: NodePath::default(),
            from,
            limit: 200,
        })
    }

    #[test]
    fn a_question_is_on_its_way_once() {
        let mut asking = Asking::default();
        assert_eq!(asking.ask(vec![page(0)]), [page(0)]);
        assert_eq!(asking.ask(vec![page(0)]), []);
        assert!(asking.answered(&page(0)));
        assert!(!asking.answered(&page(0)));
        let number = asking.rest(page(0));
        assert_eq!(asking.ask(vec![page(0)]), []);
        asking.rested(number);
        assert_eq!(asking.ask(vec![page(0)]), [page(0)]);
    }

    #[test]
    fn a_slow_line_is_not_filled_with_questions() {
        let mut asking = Asking::default();
        let pages = || (0..100).map(|number| page(number * 200)).collect::<Vec<_>>();
        assert_eq!(asking.ask(pages()).len(), AT_ONCE);
        assert_eq!(asking.ask(pages()).len(), 0);
        asking.forget();
        assert_eq!(asking.ask(pages()).len(), AT_ONCE);
    }
}
