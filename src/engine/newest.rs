//! An answer that is kept where several ask at once: what was asked later holds, whichever answer comes last.
//!
//! A listing takes as long as a repository does. One that was begun before a backup came or went, and ends after another that
//! was begun behind it, would be taken for what is there, until the next change.

use parking_lot::Mutex;

/// The newest answer, if there is one.
pub(super) struct Newest<T>(Mutex<State<T>>);

struct State<T> {
    held: Option<T>,
    /// How often somebody began to ask.
    asked: u64,
    /// What was begun up to here is old.
    old: u64,
}

/// A question that was begun.
#[must_use = "an answer is kept by it"]
pub(super) struct Asked(u64);

impl<T> Default for Newest<T> {
    fn default() -> Self {
        Self(Mutex::new(State {
            held: None,
            asked: 0,
            old: 0,
        }))
    }
}

impl<T> Newest<T> {
    /// Begins to ask. To be called before anything is read of what the answer is made of.
    pub(super) fn ask(&self) -> Asked {
        let mut state = self.0.lock();
        state.asked += 1;
        Asked(state.asked)
    }

    /// Keeps an answer, unless one is kept that was asked for later, or all was forgotten since.
    pub(super) fn keep(&self, asked: &Asked, answer: T) {
        let mut state = self.0.lock();
        if asked.0 > state.old {
            state.old = asked.0;
            state.held = Some(answer);
        }
    }

    /// Forgets the answer, and those that are still to come of what was asked until now.
    pub(super) fn forget(&self) {
        let mut state = self.0.lock();
        state.old = state.asked;
        state.held = None;
    }

    /// Something of the answer. `None` where there is no answer.
    pub(super) fn of<R>(&self, what: impl FnOnce(&T) -> R) -> Option<R> {
        self.0.lock().held.as_ref().map(what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_comes_late_does_not_take_the_place_of_one_that_was_asked_for_later() {
        let newest = Newest::default();
        let (slow, quick) = (newest.ask(), newest.ask());
        newest.keep(&quick, "after the change");
        newest.keep(&slow, "before the change");
        assert_eq!(newest.of(|held| *held), Some("after the change"));
        let next = newest.ask();
        newest.keep(&next, "the next");
        assert_eq!(newest.of(|held| *held), Some("the next"));
    }

    #[test]
    fn what_was_asked_before_all_was_forgotten_is_not_kept() {
        let newest = Newest::default();
        let slow = newest.ask();
        newest.forget();
        newest.keep(&slow, "before the change");
        assert_eq!(newest.of(|held| *held), None);
        let next = newest.ask();
        newest.keep(&next, "the next");
        assert_eq!(newest.of(|held| *held), Some("the next"));
    }
}
