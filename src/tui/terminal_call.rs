//! Calling somebody who looks at another window: the bell, and the messages that some terminals show on the desktop.
//!
//! Not in here: when somebody is called (`update::calls`).

use std::fmt;
use std::str::FromStr;

use super::clipboard::Clipboard;
use crate::domain::printable;

/// How somebody is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Calling {
    /// Not at all.
    Off,
    /// By the bell.
    #[default]
    Bell,
    /// By the bell, and a message as iTerm2, Windows Terminal and kitty know it (OSC 9).
    Osc9,
    /// By the bell, and a message as rxvt-unicode, foot and `WezTerm` know it (OSC 777).
    Osc777,
}

impl Calling {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Off, Self::Bell, Self::Osc9, Self::Osc777];

    /// The word for it in configuration files.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Bell => "bell",
            Self::Osc9 => "osc9",
            Self::Osc777 => "osc777",
        }
    }

    /// The bytes that call somebody with a sentence, through what stands before the terminal.
    #[must_use]
    pub fn bytes(self, through: Clipboard, sentence: &str) -> Vec<u8> {
        let text: String = printable::line(sentence)
            .chars()
            .filter(|c| !c.is_control() && *c != ';')
            .take(LONGEST)
            .collect();
        let command = match self {
            Self::Off => return Vec::new(),
            Self::Bell => return vec![BELL],
            Self::Osc9 => format!("\x1b]9;{text}\x07"),
            Self::Osc777 => format!("\x1b]777;notify;Lifeboat;{text}\x07"),
        };
        let mut bytes = vec![BELL];
        bytes.extend(through.passed_on(&command));
        bytes
    }
}

const BELL: u8 = 7;
/// The most characters of a message: desktops show no more.
const LONGEST: usize = 200;

/// What was written is no way to call somebody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no way to call somebody: choose off, bell, osc9 or osc777")]
pub struct NoCalling(String);

impl FromStr for Calling {
    type Err = NoCalling;

    fn from_str(text: &str) -> Result<Self, NoCalling> {
        let found = Self::ALL.into_iter().find(|calling| calling.label() == text);
        found.ok_or_else(|| NoCalling(text.to_owned()))
    }
}

impl fmt::Display for Calling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.label())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_can_smuggle_nothing() {
        let bytes = Calling::Osc777.bytes(Clipboard::Terminal, "job 7;\x1b]0;x\x07 is done");
        let text = String::from_utf8(bytes).unwrap();
        assert_eq!(text.matches('\x1b').count(), 1);
        assert_eq!(text.matches(';').count(), 3);
        assert!(Calling::Off.bytes(Clipboard::Terminal, "x").is_empty());
        assert_eq!(Calling::Bell.bytes(Clipboard::Tmux, "x"), [7]);
    }

    #[test]
    fn a_multiplexer_passes_the_message_on() {
        let tmux = Calling::Osc9.bytes(Clipboard::Tmux, "done");
        assert_eq!(tmux, b"\x07\x1bPtmux;\x1b\x1b]9;done\x07\x1b\\");
        let screen = Calling::Osc9.bytes(Clipboard::Screen, "done");
        assert_eq!(screen, b"\x07\x1bP\x1b]9;done\x07\x1b\\");
    }
}
