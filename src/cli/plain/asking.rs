//! How a verb asks somebody in the cockpit in lines: what is typed comes to it line by line, and Ctrl-C is heard meanwhile.
//! Not in here: what verbs ask, and who asks where there is no verb.

use std::cell::{Cell, RefCell};

use tokio::sync::Notify;

use super::answering::said_again;
use super::lines::Lines;
use crate::domain::environment::EnvironmentName;

/// What is said of the first Ctrl-C where something is asked.
pub(in crate::cli) const ONCE_MORE: &str = "Ctrl-C once more leaves Lifeboat";

/// A stay in lines, as a verb in it knows it.
pub(in crate::cli) struct Asking {
    lines: Lines,
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
    /// Ctrl-C, for the first time.
    CtrlC,
    /// There is nobody any more.
    Nobody,
}

impl Asking {
    pub(super) fn new(lines: Lines) -> Self {
        Self {
            lines,
            interrupts: Cell::new(None),
            interrupted: Notify::new(),
            is_out_of_step: Cell::new(false),
            warned: RefCell::default(),
        }
    }

    /// Waits for what is typed.
    pub(in crate::cli) async fn heard(&self) -> Heard {
        self.interrupts.set(Some(self.interrupts.get().unwrap_or(0)));
        let heard = tokio::select! {
            biased;
            () = self.interrupted.notified() => return Heard::CtrlC,
            line = self.lines.next() => line,
        };
        self.interrupts.set(None);
        heard.map_or(Heard::Nobody, |line| Heard::Line(line.trim().to_owned()))
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

    /// Whether this warning was said already since the choices were, and notes that it is said now.
    pub(in crate::cli) fn has_warned(&self, warning: &str) -> bool {
        let mut warned = self.warned.borrow_mut();
        let is_known = warned.iter().any(|known| known == warning);
        if !is_known {
            warned.push(warning.to_owned());
        }
        is_known
    }

    /// Something else begins: what was said before is not remembered.
    pub(super) fn forgets(&self) {
        self.warned.borrow_mut().clear();
    }
}

/// What was typed where the name of an environment is asked for, so that nothing is done by reflex.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) enum Typed {
    /// It is the name.
    Name,
    /// The question is left, which is to be said.
    Left(&'static str),
    /// It is something else; what is expected is to be said.
    Other(String),
}

/// What a line means where this name is asked for.
pub(in crate::cli) fn typed(name: &EnvironmentName, line: &str) -> Typed {
    if line == name.to_string() {
        return Typed::Name;
    }
    match line.to_lowercase().as_str() {
        "" | "b" | "back" => Typed::Left("left: nothing was done"),
        "q" | "quit" => Typed::Left(super::answering::QUIT),
        _ => Typed::Other(format!(
            "{} is not the name. Type {name} to go on, or \"back\" to leave it",
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
        assert_eq!(typed(&name, "acme/live"), Typed::Name);
        for line in ["", "back", "QUIT"] {
            assert!(matches!(typed(&name, line), Typed::Left(_)), "{line}");
        }
        for line in ["acme", "ACME/LIVE", "y", "\u{1b}[A"] {
            let Typed::Other(told) = typed(&name, line) else {
                panic!("{line}")
            };
            assert!(told.contains("Type acme/live"), "{told}");
        }
    }
}
