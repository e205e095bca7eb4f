//! Keys, as the table of actions names them, and everything else that comes from a person or from the terminal.

use std::str::FromStr;
use std::time::Duration;

use ratatui::layout::Size;

use super::theme::Background;

/// One key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A character, with shift already in it.
    Char(char),
    /// A character together with Ctrl.
    Ctrl(char),
    /// The arrow up.
    Up,
    /// The arrow down.
    Down,
    /// The arrow to the left.
    Left,
    /// The arrow to the right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
}

impl Key {
    /// The key as the footer and the help write it.
    #[must_use]
    pub fn label(self) -> String {
        match self {
            Self::Char(' ') => "Space".to_owned(),
            Self::Char(c) => c.to_string(),
            Self::Ctrl(c) => format!("Ctrl-{}", c.to_ascii_uppercase()),
            Self::BackTab => "Shift-Tab".to_owned(),
            Self::PageUp => "PgUp".to_owned(),
            Self::PageDown => "PgDn".to_owned(),
            other => format!("{other:?}"),
        }
    }
}

/// What was written is not a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a key: write a character, Space, Enter, Esc, Tab, Shift-Tab, Up, Down, Left, Right, Home, End, PgUp, PgDn, Backspace, Delete, or Ctrl- and a letter"
)]
pub struct NotAKey(pub String);

impl FromStr for Key {
    type Err = NotAKey;

    /// Reads a key as [`Key::label`] writes it.
    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let named = [
            Self::Char(' '),
            Self::Up,
            Self::Down,
            Self::Left,
            Self::Right,
            Self::Home,
            Self::End,
            Self::PageUp,
            Self::PageDown,
            Self::Enter,
            Self::Esc,
            Self::Tab,
            Self::BackTab,
            Self::Backspace,
            Self::Delete,
        ];
        if let Some(key) = named
            .into_iter()
            .find(|key| key.label().eq_ignore_ascii_case(text))
        {
            return Ok(key);
        }
        let (head, letter) = match text.rsplit_once('-') {
            Some((head, letter)) if !head.is_empty() => (head, letter),
            _ => ("", text),
        };
        let mut letters = letter.chars();
        match (letters.next(), letters.next()) {
            (Some(c), None) if head.is_empty() && !c.is_control() => Ok(Self::Char(c)),
            (Some(c), None) if head.eq_ignore_ascii_case("Ctrl") && c.is_ascii_alphabetic() => {
                Ok(Self::Ctrl(c.to_ascii_lowercase()))
            }
            _ => Err(NotAKey(text.to_owned())),
        }
    }
}

/// How a key was pressed, as far as a program behind a terminal can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// By itself.
    Alone,
    /// Again, right after the same key: it is held down, or was pressed twice.
    Again,
    /// In one go with other keys: typed ahead on a slow line, pasted, or sent by a program.
    Together,
}

/// One press of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Press {
    /// The key.
    pub key: Key,
    /// How it was pressed.
    pub how: How,
    /// How long nothing else had come before it.
    pub quiet: Duration,
    /// The longest pause before it and before each of the keys right before it: nobody keeps up several short ones.
    pub pace: Duration,
    /// What came before it.
    pub behind: Behind,
}

/// What a key came behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Behind {
    /// A key that was pressed by itself.
    #[default]
    Hand,
    /// Keys that came in one go, or text that the terminal has marked as pasted.
    Keys,
    /// Text that nobody typed.
    Text,
}

impl Press {
    /// A key that was pressed by itself, long after anything else.
    #[must_use]
    pub fn alone(key: Key) -> Self {
        Self {
            key,
            how: How::Alone,
            quiet: Duration::MAX,
            pace: Duration::MAX,
            behind: Behind::Hand,
        }
    }
}

/// Text that was pasted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pasted {
    /// The text, as far as it is kept.
    pub text: String,
    /// How many bytes of it were left out, since it was too long.
    pub left_out: usize,
    /// Whether the terminal said that it is pasted. Otherwise its letters came faster than anybody types.
    pub marked: bool,
}

/// What comes from a person, from the terminal or from the system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key was pressed.
    Key(Press),
    /// A key was pressed together with Alt, or right after Esc: nobody can tell.
    Alt(Key),
    /// The terminal has got the focus, or lost it.
    Focus(bool),
    /// Text was pasted.
    Paste(Pasted),
    /// The wheel was turned: up or down.
    Wheel {
        /// Up rather than down.
        up: bool,
    },
    /// The left button was pressed at a column and a row, counted from 0.
    Click {
        /// The column.
        column: u16,
        /// The row.
        row: u16,
    },
    /// The terminal has another size now.
    Resized,
    /// A terminal that does not tell its size has said where its last corner is.
    Corner(Size),
    /// The terminal has said what it writes on.
    Background(Background),
    /// All that was to be shown has been written.
    Shown,
    /// The process was asked to stop until it is continued.
    Stop,
    /// The process goes on after it was stopped.
    Continued,
    /// The process has been asked to end.
    Terminate,
    /// The line to the terminal was cut.
    HungUp,
    /// A part of the program that does not draw has panicked; the text says where and why.
    Panicked(String),
    /// The terminal gives no more input.
    Closed,
}
