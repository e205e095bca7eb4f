//! Pasted text between the marks that a terminal puts around it: kept whole up to a limit, whatever is in it and wherever
//! the line cuts it.

use super::Decoded;

/// The most that is kept of one pasted text, in bytes. No field takes as much.
const LONGEST_PASTE: usize = 64 * 1024;
/// What ends pasted text.
const PASTE_END: &[u8] = b"\x1b[201~";

/// Pasted text on its way.
#[derive(Debug, Default)]
pub(super) struct Pasting {
    kept: Vec<u8>,
    left_out: usize,
    /// How many bytes of what ends it have been seen just now.
    of_end: usize,
}

impl Pasting {
    /// Takes a byte in. Says whether that was the end.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        if PASTE_END.get(self.of_end) == Some(&byte) {
            self.of_end += 1;
            return self.of_end == PASTE_END.len();
        }
        let begun = std::mem::take(&mut self.of_end);
        for earlier in PASTE_END.iter().take(begun) {
            self.keep(*earlier);
        }
        if PASTE_END.first() == Some(&byte) {
            self.of_end = 1;
        } else {
            self.keep(byte);
        }
        false
    }

    fn keep(&mut self, byte: u8) {
        if self.kept.len() < LONGEST_PASTE {
            self.kept.push(byte);
        } else {
            self.left_out += 1;
        }
    }

    pub(super) fn done(mut self) -> Decoded {
        // A cut in the middle of a character leaves the whole character out.
        while self.left_out > 0 && self.kept.last().is_some_and(|byte| *byte >= 0x80) {
            let last = self.kept.pop();
            self.left_out += 1;
            if last.is_some_and(|byte| byte >= 0xc0) {
                break;
            }
        }
        Decoded::Paste {
            text: String::from_utf8_lossy(&self.kept).into_owned(),
            left_out: self.left_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::decode::Decoder;

    #[test]
    fn a_long_paste_is_kept_up_to_a_limit_and_at_a_character() {
        let mut bytes = b"\x1b[200~".to_vec();
        bytes.extend("xé".repeat(LONGEST_PASTE).as_bytes());
        bytes.extend(PASTE_END);
        let [Decoded::Paste { text, left_out }] = &Decoder::default().feed(&bytes)[..] else {
            panic!("not one paste");
        };
        assert_eq!(text.len() + left_out, 3 * LONGEST_PASTE);
        assert!(text.len() > LONGEST_PASTE - 4 && !text.contains('\u{fffd}'));
    }
}
