//! How somebody in the cockpit in lines is asked, by the cockpit and by verbs: what is typed comes line by line, Ctrl-C is heard
//! meanwhile, and what was typed before something was asked does not answer it. Not in here: what is asked.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::answering::said_again;
use super::lines::{Line, Lines};
use crate::domain::environment::EnvironmentName;
use crate::domain::measure;

/// What is said of the first Ctrl-C where something is asked.
pub(in crate::cli) const ONCE_MORE: &str = "Ctrl-C once more leaves Lifeboat";

/// Something that is asked.
#[derive(Debug, Clone, Copy)]
pub(in crate::cli) struct Question<'q> {
    /// What is asked.
    pub(in crate::cli) text: &'q str,
    /// What is said to whoever types `help` or `?`; none where that is no question but the place where choices are.
    pub(in crate::cli) help: Option<&'q str>,
    /// Which lines answer it.
    pub(in crate::cli) care: Care,
}

/// Which lines answer a question on a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Care {
    /// Also one that was typed ahead, unless something behind which it was typed did not fit.
    TypedAhead,
    /// One that was typed after the question was there: something begins, goes or is confirmed by it.
    Meant,
}

impl<'q> Question<'q> {
    /// A question that what was typed ahead answers as well.
    pub(in crate::cli) fn open(text: &'q str, help: &'q str) -> Self {
        Self {
            text,
            help: Some(help),
            care: Care::TypedAhead,
        }
    }

    /// A question to which the answer begins something, or confirms it.
    pub(in crate::cli) fn careful(text: &'q str, help: &'q str) -> Self {
        Self {
            care: Care::Meant,
            ..Self::open(text, help)
        }
    }

    /// What is said where this line asks for help with the question.
    pub(in crate::cli) fn helps(&self, line: &str) -> Option<&'q str> {
        let asks = matches!(line.to_lowercase().as_str(), "help" | "?");
        self.help.filter(|_| asks)
    }
}

/// A stay in lines, as a verb in it knows it.
pub(in crate::cli) struct Asking {
    lines: Lines,
    /// How long a question has been there before an answer to it is meant. None where lines come through a pipe: they were all
    /// written before anything was asked.
    meant_after: Option<Duration>,
    /// The time, as lines have it.
    now: Box<dyn Fn() -> Instant>,
    /// When something that did not fit was answered last, until something else is typed.
    refused: Cell<Option<Instant>>,
    /// How often Ctrl-C came to the question that is asked now; none where none is.
    interrupts: Cell<Option<u32>>,
    interrupted: Notify,
    /// Whether a line came through a pipe that did not fit what was asked.
    is_out_of_step: Cell<bool>,
    warned: RefCell<Vec<String>>,
}

/// What came as an answer.
pub(in crate::cli) enum Heard {
    /// A line, without the blanks around it.
    Line(String),
    /// So many lines that were typed before it was asked, and are not taken.
    Early(usize),
    /// Ctrl-C, for the first time.
    CtrlC,
    /// There is nobody any more.
    Nobody,
}

impl Asking {
    pub(super) fn new(
        lines: Lines,
        meant_after: Option<Duration>,
        now: impl Fn() -> Instant + 'static,
    ) -> Self {
        Self {
            lines,
            meant_after,
            now: Box::new(now),
            refused: Cell::new(None),
            interrupts: Cell::new(None),
            interrupted: Notify::new(),
            is_out_of_step: Cell::new(false),
            warned: RefCell::default(),
        }
    }

    /// A question is about to be said. Gives from when on a line answers it; none where every line does.
    pub(in crate::cli) fn answers_from(&self, care: Care) -> Option<Instant> {
        let after = self.meant_after?;
        match care {
            Care::Meant => Some((self.now)() + after),
            Care::TypedAhead => self.refused.get().map(|refused| refused + after),
        }
    }

    /// The next line, to a question that is answered from then on. Whoever stops waiting loses none.
    pub(super) async fn line(&self, from: Option<Instant>) -> Option<Result<String, Early>> {
        let Line { text, at } = self.lines.next().await?;
        let text = text.trim().to_owned();
        // To leave things as they are needs no care. An empty line does so at some questions, and at others it goes on.
        let leaves = matches!(text.to_lowercase().as_str(), "back" | "quit");
        if from.is_some_and(|from| at < from) && !leaves {
            return Some(Err(Early));
        }
        self.refused.set(None);
        Some(Ok(text))
    }

    /// Passes over what comes right behind a line that came early: it was pasted, or typed ahead, as that was. Gives how many lines
    /// that is, the first one with them.
    pub(super) async fn passes_over(&self, _first: Early) -> usize {
        let after = self.meant_after.unwrap_or_default();
        let mut lines = 1;
        while let Ok(Some(_)) = tokio::time::timeout(after, self.lines.next()).await {
            lines += 1;
        }
        // What comes now was not there before.
        self.refused.set(None);
        lines
    }

    /// Waits for what is typed as the answer to a question.
    pub(in crate::cli) async fn heard(&self, from: Option<Instant>) -> Heard {
        self.interrupts.set(Some(self.interrupts.get().unwrap_or(0)));
        let heard = tokio::select! {
            biased;
            () = self.interrupted.notified() => return Heard::CtrlC,
            line = self.line(from) => line,
        };
        let heard = match heard {
            Some(Ok(line)) => Heard::Line(line),
            Some(Err(early)) => Heard::Early(self.passes_over(early).await),
            None => Heard::Nobody,
        };
        self.interrupts.set(None);
        heard
    }

    /// Something that was typed did not fit, or could not be done, which has been said: what was typed behind it before that was
    /// heard answers nothing.
    pub(in crate::cli) fn refuses(&self) {
        self.refused.set(Some((self.now)()));
    }

    /// Ctrl-C came. Whether a question takes it: the first time it is said what the second one does.
    pub(super) fn takes_ctrl_c(&self) -> bool {
        let is_taken = self.interrupts.get() == Some(0);
        if is_taken {
            self.interrupts.set(Some(1));
            self.interrupted.notify_one();
        }
        is_taken
    }

    /// Whether a question is asked.
    pub(super) fn is_asking(&self) -> bool {
        self.interrupts.get().is_some()
    }

    /// A line came through a pipe that did not fit: those behind it were written for something else.
    pub(in crate::cli) fn falls_out_of_step(&self) {
        self.is_out_of_step.set(true);
    }

    /// Whether such a line came.
    pub(super) fn was_out_of_step(&self) -> bool {
        self.is_out_of_step.get()
    }

    /// A verb begins that asks nothing yet.
    pub(super) fn begins(&self) {
        self.interrupts.set(None);
    }

    /// Whether this was said already since the choices were, and notes that it is said now.
    pub(in crate::cli) fn has_said(&self, text: &str) -> bool {
        let mut warned = self.warned.borrow_mut();
        let is_known = warned.iter().any(|known| known == text);
        if !is_known {
            warned.push(text.to_owned());
        }
        is_known
    }

    /// Something else begins: what was said before is not remembered.
    pub(super) fn forgets(&self) {
        self.warned.borrow_mut().clear();
    }
}

/// A line that was typed before what it would answer was asked.
pub(super) struct Early;

/// What is said of lines that came early.
pub(in crate::cli) fn came_early(lines: usize) -> String {
    format!(
        "{} typed before this was asked, and not taken: type the answer now",
        measure::so_many(lines as u64, "line was", "lines were")
    )
}

/// What has to be typed before something is done, so that nothing is done by reflex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Wanted<'n> {
    /// The name of the environment.
    Name(&'n EnvironmentName),
    /// Yes.
    Yes,
}

impl Wanted<'_> {
    /// What is said to whoever types `help` there.
    pub(in crate::cli) fn help(self) -> String {
        match self {
            Self::Name(name) => format!(
                "Nothing has been done yet. It is done once {name} is typed, and nothing else does it. \"back\", \"quit\" or Enter \
                 alone leave it, and nothing is done."
            ),
            Self::Yes => "Nothing has been done yet. \"yes\" does it; \"no\", \"back\", \"quit\" or Enter alone leave it, and \
                          nothing is done."
                .to_owned(),
        }
    }
}

/// What was typed there.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) enum Typed {
    /// It is what was wanted.
    Wanted,
    /// The question is left, which is to be said.
    Left(&'static str),
    /// It is something else; what is expected is to be said.
    Other(String),
}

/// What a line means where this is wanted.
pub(in crate::cli) fn typed(wanted: Wanted<'_>, line: &str) -> Typed {
    let word = line.to_lowercase();
    let is_wanted = match wanted {
        Wanted::Name(name) => line == name.to_string(),
        Wanted::Yes => matches!(word.as_str(), "y" | "yes"),
    };
    if is_wanted {
        return Typed::Wanted;
    }
    match (word.as_str(), wanted) {
        ("" | "b" | "back", _) | ("n" | "no", Wanted::Yes) => Typed::Left("left: nothing was done"),
        ("q" | "quit", _) => Typed::Left(super::answering::QUIT),
        (_, Wanted::Name(name)) => Typed::Other(format!(
            "{} is not the name. Type {name} to go on, or \"back\" to leave it",
            said_again(line)
        )),
        (_, Wanted::Yes) => Typed::Other(format!(
            "{} is neither yes nor no. Type \"yes\" to go on, or \"no\" to leave it",
            said_again(line)
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_name_is_asked_for_once_more_and_nothing_leaves() {
        let name: EnvironmentName = "acme/live".parse().unwrap();
        assert_eq!(typed(Wanted::Name(&name), "acme/live"), Typed::Wanted);
        for line in ["", "back", "QUIT"] {
            assert!(
                matches!(typed(Wanted::Name(&name), line), Typed::Left(_)),
                "{line}"
            );
        }
        for line in ["acme", "ACME/LIVE", "y", "yes", "no", "\u{1b}[A"] {
            let Typed::Other(told) = typed(Wanted::Name(&name), line) else {
                panic!("{line}")
            };
            assert!(told.contains("Type acme/live"), "{told}");
        }
    }

    #[test]
    fn a_yes_is_a_word_of_its_own_and_nothing_else_is_one() {
        for line in ["yes", "Y"] {
            assert_eq!(typed(Wanted::Yes, line), Typed::Wanted);
        }
        for line in ["", "no", "N", "back", "quit"] {
            assert!(matches!(typed(Wanted::Yes, line), Typed::Left(_)), "{line}");
        }
        for line in ["yes please", "acme/live", "1"] {
            assert!(matches!(typed(Wanted::Yes, line), Typed::Other(_)), "{line}");
        }
    }

    #[test]
    fn help_is_asked_for_where_there_is_some() {
        let question = Question::open("the path: ", "a path has a slash");
        for line in ["help", "?", "HELP"] {
            assert_eq!(question.helps(line), Some("a path has a slash"));
        }
        assert_eq!(question.helps("help me"), None);
        let choices = Question {
            help: None,
            ..question
        };
        assert_eq!(choices.helps("help"), None);
    }

    /// Somebody whose lines came so many milliseconds after the questions, which are all asked in the same moment.
    fn asking(typed: &[(&str, u64)], meant_after: Option<Duration>) -> Asking {
        let now = Instant::now();
        let lines = typed
            .iter()
            .map(|(text, after)| (*text, now + Duration::from_millis(*after)));
        Asking::new(Lines::there(lines), meant_after, move || now)
    }

    #[tokio::test]
    async fn what_was_there_before_the_question_answers_it_only_where_that_does_no_harm() {
        let soon = Some(Duration::from_millis(50));
        let taken = async |asking: &Asking, care| match asking.heard(asking.answers_from(care)).await {
            Heard::Line(line) => line,
            Heard::Early(lines) => format!("{lines} early"),
            Heard::CtrlC => "Ctrl-C".to_owned(),
            Heard::Nobody => "nobody".to_owned(),
        };
        let typed_ahead = asking(&[("acme/live", 0), ("and more", 49)], soon);
        assert_eq!(taken(&typed_ahead, Care::Meant).await, "2 early");
        assert_eq!(taken(&typed_ahead, Care::Meant).await, "nobody");
        let typed_then = asking(&[("acme/live", 50)], soon);
        assert_eq!(taken(&typed_then, Care::Meant).await, "acme/live");

        // Choices can be typed ahead, until one of them does not fit.
        let choices = asking(&[("3", 0), ("1", 0), ("acme/live", 0)], soon);
        assert_eq!(taken(&choices, Care::TypedAhead).await, "3");
        choices.refuses();
        assert_eq!(taken(&choices, Care::TypedAhead).await, "2 early");

        let leaves = asking(&[("back", 0)], soon);
        assert_eq!(taken(&leaves, Care::Meant).await, "back");

        // Through a pipe everything was there before.
        let piped = asking(&[("acme/live", 0)], None);
        piped.refuses();
        assert_eq!(taken(&piped, Care::Meant).await, "acme/live");
    }
}
