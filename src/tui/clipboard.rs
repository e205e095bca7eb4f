//! Text for the clipboard of the person in front of the terminal: the command that terminals know for it (OSC 52), and
//! what stands between.
//!
//! tmux lets that command through only where it is told to, but takes text into its own buffer; GNU screen passes on what
//! is wrapped for it, in short pieces. Nobody answers: what was done can be said, not what came of it.

use std::io::{self, Write as _};
use std::process::{Command, Stdio};

/// What stands between this program and the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Clipboard {
    /// Nothing.
    #[default]
    Terminal,
    /// tmux.
    Tmux,
    /// GNU screen.
    Screen,
}

/// What was done with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// It was written to the terminal.
    ToTerminal,
    /// It is in tmux's buffer, and was given to the terminal behind it.
    InTmux,
    /// It was written to the terminal through tmux, whose own buffer could not be had.
    ThroughTmux,
    /// It was written to the terminal through screen.
    ThroughScreen,
    /// It was too long.
    Not,
}

impl Copied {
    /// The sentence about `what`.
    #[must_use]
    pub fn sentence(self, what: &str) -> String {
        match self {
            Self::ToTerminal => format!("{what} was given to the terminal's clipboard"),
            Self::InTmux => format!("{what} is in tmux's buffer: prefix ] pastes it"),
            Self::ThroughTmux => {
                format!("{what} was sent through tmux, which passes it on only with allow-passthrough on")
            }
            Self::ThroughScreen => format!("{what} was sent through screen to the terminal's clipboard"),
            Self::Not => format!("{what} is too long for a terminal's clipboard: it was not copied"),
        }
    }
}

/// The most text that terminals take, in bytes: some take no more than 100,000 bytes of base64.
const LONGEST: usize = 74_994;
/// The most that screen takes in one piece, in bytes.
const SCREEN_PIECE: usize = 240;

impl Clipboard {
    /// What stands between, from the variables that it sets for programs inside.
    #[must_use]
    pub fn of(has: impl Fn(&str) -> bool) -> Self {
        if has("TMUX") {
            Self::Tmux
        } else if has("STY") {
            Self::Screen
        } else {
            Self::Terminal
        }
    }

    /// Puts text on the clipboard, as far as that goes without the terminal. Gives what was done and the bytes that the
    /// terminal is to be sent.
    pub async fn copy(self, text: &str) -> (Copied, Vec<u8>) {
        if text.len() > LONGEST {
            return (Copied::Not, Vec::new());
        }
        let command = format!("\x1b]52;c;{}\x07", base64(text.as_bytes()));
        match self {
            Self::Terminal => (Copied::ToTerminal, command.into_bytes()),
            Self::Screen => (Copied::ThroughScreen, self.passed_on(&command)),
            Self::Tmux if into_tmux(text).await => (Copied::InTmux, Vec::new()),
            Self::Tmux => (Copied::ThroughTmux, self.passed_on(&command)),
        }
    }

    /// A command for the terminal, wrapped so that what stands between passes it on.
    #[must_use]
    pub fn passed_on(self, command: &str) -> Vec<u8> {
        match self {
            Self::Terminal => command.as_bytes().to_vec(),
            Self::Screen => for_screen(command),
            Self::Tmux => format!("\x1bPtmux;{}\x1b\\", command.replace('\x1b', "\x1b\x1b")).into_bytes(),
        }
    }
}

/// Gives text to tmux. `-w` sends it on to the terminal; tmux before 3.2 does not know it.
async fn into_tmux(text: &str) -> bool {
    let text = text.to_owned();
    let given = tokio::task::spawn_blocking(move || {
        [&["load-buffer", "-w", "-"][..], &["load-buffer", "-"]]
            .into_iter()
            .any(|options| run("tmux", options, &text).unwrap_or(false))
    });
    given.await.unwrap_or(false)
}

/// Runs a program with text as its input, and says whether it went well.
fn run(program: &str, arguments: &[&str], text: &str) -> io::Result<bool> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes())?;
    }
    Ok(child.wait()?.success())
}

/// A command in pieces that screen passes on as they are.
fn for_screen(command: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for piece in command.as_bytes().chunks(SCREEN_PIECE) {
        bytes.extend_from_slice(b"\x1bP");
        bytes.extend_from_slice(piece);
        bytes.extend_from_slice(b"\x1b\\");
    }
    bytes
}

/// Base64, which the terminal's clipboard command takes.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let sixths = [
            group[0] >> 2,
            (group[0] & 3) << 4 | group[1] >> 4,
            (group[1] & 15) << 2 | group[2] >> 6,
            group[2] & 63,
        ];
        for (index, sixth) in sixths.into_iter().enumerate() {
            let letter = LETTERS[usize::from(sixth)];
            text.push(if index <= chunk.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_others_have_it() {
        for (plain, encoded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("1a2b3c4d", "MWEyYjNjNGQ="),
        ] {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }

    #[tokio::test]
    async fn what_stands_between_is_reckoned_with() {
        let (done, bytes) = Clipboard::Terminal.copy("foo").await;
        assert_eq!(
            (done, &bytes[..]),
            (Copied::ToTerminal, &b"\x1b]52;c;Zm9v\x07"[..])
        );
        let (done, bytes) = Clipboard::Screen.copy(&"x".repeat(300)).await;
        assert_eq!(done, Copied::ThroughScreen);
        assert_eq!(bytes.windows(2).filter(|pair| pair == b"\x1bP").count(), 2);
        let (done, bytes) = Clipboard::Terminal.copy(&"x".repeat(LONGEST + 1)).await;
        assert_eq!((done, bytes), (Copied::Not, Vec::new()));
    }

    #[test]
    fn the_innermost_multiplexer_counts_by_its_variable() {
        assert_eq!(Clipboard::of(|name| name == "TMUX"), Clipboard::Tmux);
        assert_eq!(Clipboard::of(|name| name == "STY"), Clipboard::Screen);
        assert_eq!(Clipboard::of(|_| false), Clipboard::Terminal);
    }
}
