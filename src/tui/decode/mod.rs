//! Bytes from a terminal, turned into keys, pasted text, clicks and sizes. Pure: no clock, no file.
//!
//! A byte that follows another may come at once, a second later, or never, and `Esc` is a key as well as the beginning of
//! most sequences. What is certain here, wherever a line cuts and however long it pauses:
//!
//! - No part of a sequence ever counts as letters. `Esc` that stood alone for a while is the key; what a slow line brings
//!   after it (`[D`) is still the rest of a sequence, and nothing.
//! - A key with Alt is never the key without it: terminals send it as `Esc` and the key, which is also what a fast hand on
//!   a slow line sends.
//! - Pasted text is text, whole, up to a limit.
//!
//! Parsers made for what programs write do not fit: they obey control characters inside a sequence, and nothing in them
//! tells an `Esc` that nothing follows. Whether keys were pressed one by one is not decided here but in `presses`.

mod pasting;
mod sequence;

use std::time::Duration;

use ratatui::layout::Size;

use self::pasting::Pasting;
use self::sequence::{letter_key, told, whole};
use super::key::Key;
use super::theme::Background;

/// How long `Esc` waits for the rest of a sequence before it counts as the key.
const ESC_WAIT: Duration = Duration::from_millis(100);
/// How long the rest of a sequence is waited for, wherever it was cut. What comes later is a key again.
const REST_WAIT: Duration = Duration::from_secs(10);
/// How long pasted text waits for its end.
const PASTE_WAIT: Duration = Duration::from_secs(5);
/// How long a text that a terminal sends by itself waits for its end, and a character for its other bytes. A key with Alt may have
/// looked like the beginning of the one, a key of a terminal without UTF-8 like that of the other.
const TOLD_WAIT: Duration = Duration::from_millis(400);
/// The most of a sequence that is kept. No key has as many bytes.
const LONGEST: usize = 64;

/// What bytes stood for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// A key.
    Key(Key),
    /// A key together with Alt or Meta, or right after `Esc`: nobody can tell.
    Alt(Key),
    /// Pasted text.
    Paste {
        /// The text, as far as it is kept.
        text: String,
        /// How many bytes of it were left out.
        left_out: usize,
    },
    /// The wheel was turned.
    Wheel {
        /// Up rather than down.
        up: bool,
    },
    /// The left button was pressed, counted from 0.
    Click {
        /// The column.
        column: u16,
        /// The row.
        row: u16,
    },
    /// The terminal has said what it writes on.
    Background(Background),
    /// The terminal has said where its cursor stands: in its last corner, when it was sent there.
    Corner(Size),
    /// The terminal has got the focus, or lost it.
    Focus(bool),
    /// Something was sent that stands for nothing here. What comes in one go with it was not pressed by itself.
    Nothing,
}

/// Where in a sequence the decoder is.
#[derive(Debug, Default)]
enum State {
    /// Between keys.
    #[default]
    Ground,
    /// In a character of several bytes: those so far, and how many it has.
    Character(Vec<u8>, usize),
    /// After `Esc`: a key of its own, or the beginning of something.
    Escape,
    /// After an `Esc` that has counted as a key: the rest of a sequence may still come.
    Late,
    /// In a control sequence: what came after `Esc [`, and whether its `Esc` has counted already.
    Control(Vec<u8>, bool),
    /// After `Esc O`, and whether that `Esc` has counted already.
    Single(bool),
    /// In a text that the terminal sends by itself: its beginning, and whether the last byte was `Esc`.
    Told(Vec<u8>, bool),
    /// In pasted text.
    Paste(Pasting),
}

/// Turns bytes into what they stand for.
#[derive(Debug, Default)]
pub struct Decoder {
    state: State,
}

impl Decoder {
    /// Takes bytes in, as they came.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Decoded> {
        let mut found = Vec::new();
        // Whoever presses Ctrl-C, and nothing else, is not pasting.
        if bytes == [3] && matches!(self.state, State::Paste(_) | State::Told(..)) {
            self.pause(&mut found);
        }
        for byte in bytes {
            self.take(*byte, &mut found);
        }
        found
    }

    /// How long to wait for more before [`Decoder::paused`] is to be called; `None` for as long as it takes.
    #[must_use]
    pub fn patience(&self) -> Option<Duration> {
        match self.state {
            State::Escape => Some(ESC_WAIT),
            State::Late | State::Control(..) | State::Single(_) => Some(REST_WAIT),
            State::Told(..) | State::Character(..) => Some(TOLD_WAIT),
            State::Paste(_) => Some(PASTE_WAIT),
            State::Ground => None,
        }
    }

    /// Nothing more came for as long as it was waited for.
    pub fn paused(&mut self) -> Vec<Decoded> {
        let mut found = Vec::new();
        self.pause(&mut found);
        found
    }

    fn pause(&mut self, found: &mut Vec<Decoded>) {
        match std::mem::take(&mut self.state) {
            State::Escape => {
                found.push(Decoded::Key(Key::Esc));
                self.state = State::Late;
            }
            State::Paste(pasting) => found.push(pasting.done()),
            _ => {}
        }
    }

    fn take(&mut self, byte: u8, found: &mut Vec<Decoded>) {
        self.state = match std::mem::take(&mut self.state) {
            State::Ground => ground(byte, found),
            State::Character(bytes, length) => character(bytes, length, byte, found),
            State::Escape => after_escape(byte, found),
            State::Late => match byte {
                b'[' => State::Control(Vec::new(), true),
                b'O' => State::Single(true),
                _ => ground(byte, found),
            },
            State::Control(bytes, late) => control(bytes, late, byte, found),
            State::Single(late) => single(late, byte, found),
            State::Told(mut text, escaped) => match byte {
                0x18 | 0x1a => State::Ground,
                0x07 | b'\\' if escaped || byte == 0x07 => {
                    found.extend(told(&text));
                    State::Ground
                }
                _ => {
                    if byte != 0x1b && text.len() < LONGEST {
                        text.push(byte);
                    }
                    State::Told(text, byte == 0x1b)
                }
            },
            State::Paste(mut pasting) => {
                if pasting.take(byte) {
                    found.push(pasting.done());
                    State::Ground
                } else {
                    State::Paste(pasting)
                }
            }
        };
    }
}

fn ground(byte: u8, found: &mut Vec<Decoded>) -> State {
    match byte {
        0x1b => return State::Escape,
        0xc2..=0xdf => return State::Character(vec![byte], 2),
        0xe0..=0xef => return State::Character(vec![byte], 3),
        0xf0..=0xf4 => return State::Character(vec![byte], 4),
        _ => found.push(plain(byte).map_or(Decoded::Nothing, Decoded::Key)),
    }
    State::Ground
}

/// The key that one byte stands for, outside of any sequence.
fn plain(byte: u8) -> Option<Key> {
    Some(match byte {
        b'\r' => Key::Enter,
        b'\t' => Key::Tab,
        0x08 | 0x7f => Key::Backspace,
        0x01..=0x1a => Key::Ctrl(char::from(byte - 1 + b'a')),
        b' '..=b'~' => Key::Char(char::from(byte)),
        _ => return None,
    })
}

fn character(mut bytes: Vec<u8>, length: usize, byte: u8, found: &mut Vec<Decoded>) -> State {
    if !(0x80..=0xbf).contains(&byte) {
        // What began is no character; what came now may be one.
        return broken_off(byte, found);
    }
    bytes.push(byte);
    if bytes.len() < length {
        return State::Character(bytes, length);
    }
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let typed = text.chars().find(|c| !c.is_control()).map(Key::Char);
    found.push(typed.map_or(Decoded::Nothing, Decoded::Key));
    State::Ground
}

fn after_escape(byte: u8, found: &mut Vec<Decoded>) -> State {
    match byte {
        b'[' => State::Control(Vec::new(), false),
        b'O' => State::Single(false),
        b']' | b'P' | b'^' | b'_' => State::Told(vec![byte], false),
        0x1b => {
            found.push(Decoded::Key(Key::Esc));
            State::Escape
        }
        _ => {
            // The bytes of a longer character with Alt come to nothing.
            found.push(plain(byte).map_or(Decoded::Nothing, Decoded::Alt));
            State::Ground
        }
    }
}

fn control(mut bytes: Vec<u8>, late: bool, byte: u8, found: &mut Vec<Decoded>) -> State {
    match byte {
        // The Linux console writes its first function keys with a second bracket.
        b'[' if bytes.is_empty() => State::Control(vec![byte], late),
        0x20..=0x3f => {
            if bytes.len() < LONGEST {
                bytes.push(byte);
            }
            State::Control(bytes, late)
        }
        b'~' if bytes == b"200" => State::Paste(Pasting::default()),
        0x40..=0x7e => {
            let key = whole(&bytes, byte).filter(|_| !late);
            found.push(key.unwrap_or(Decoded::Nothing));
            State::Ground
        }
        0x1b => State::Escape,
        // A sequence that is broken off by something else is none.
        _ => broken_off(byte, found),
    }
}

fn broken_off(byte: u8, found: &mut Vec<Decoded>) -> State {
    found.push(Decoded::Nothing);
    ground(byte, found)
}

fn single(late: bool, byte: u8, found: &mut Vec<Decoded>) -> State {
    match byte {
        b'0'..=b'9' | b';' => State::Single(late),
        b'A'..=b'Z' | b'a'..=b'z' => {
            let key = letter_key(byte).or((byte == b'M').then_some(Key::Enter));
            found.push(key.filter(|_| !late).map_or(Decoded::Nothing, Decoded::Key));
            State::Ground
        }
        0x1b => State::Escape,
        _ => broken_off(byte, found),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What comes of bytes in several pieces, with a pause after each that is long enough for `Esc` and for a text that a
    /// terminal sends. What is nothing is left out.
    fn in_pieces(pieces: &[&[u8]]) -> Vec<Decoded> {
        let mut decoder = Decoder::default();
        let mut found = Vec::new();
        for piece in pieces {
            found.extend(decoder.feed(piece));
            if decoder.patience().is_some_and(|patience| patience < PASTE_WAIT) {
                found.extend(decoder.paused());
            }
        }
        found.retain(|decoded| *decoded != Decoded::Nothing);
        found
    }

    fn key(key: Key) -> Decoded {
        Decoded::Key(key)
    }

    #[test]
    fn every_key_that_means_something_is_known() {
        for (bytes, expected) in [
            (&b"a"[..], Key::Char('a')),
            (b"\xc3\xa9", Key::Char('é')),
            (b"\xf0\x9f\x9a\xa4", Key::Char('🚤')),
            (b"\r", Key::Enter),
            (b"\t", Key::Tab),
            (b"\x08", Key::Backspace),
            (b"\x7f", Key::Backspace),
            (b"\x03", Key::Ctrl('c')),
            (b"\x1a", Key::Ctrl('z')),
            (b"\x1b", Key::Esc),
            (b"\x1b[A", Key::Up),
            (b"\x1bOB", Key::Down),
            (b"\x1b[1;5C", Key::Right),
            (b"\x1b[Z", Key::BackTab),
            (b"\x1b[3~", Key::Delete),
            (b"\x1b[5~", Key::PageUp),
            (b"\x1b[H", Key::Home),
            (b"\x1b[8~", Key::End),
            (b"\x1bOM", Key::Enter),
        ] {
            assert_eq!(in_pieces(&[bytes]), [key(expected)], "{bytes:?}");
        }
    }

    #[test]
    fn what_means_nothing_is_nothing() {
        for bytes in [
            &b"\x00"[..],
            b"\x1c",
            b"\x80",
            b"\xff\xfe",
            b"\xc2\x9b",
            b"\xed\xa0\x80",
            b"\x1bOP",
            b"\x1b[15~",
            b"\x1b[[A",
            b"\x1b[<35;5;5M",
            b"\x1b[<0;5;5m",
            b"\x1b[?62;4c",
            b"\x1b]10;rgb:ffff/ffff/ffff\x07",
            b"\x1b]11;?\x07",
            b"\x1b]11;rgb:fffff/ffff/ffff\x07",
            b"\x1bP11;rgb:ffff/ffff/ffff\x1b\\",
            b"\x1bP1$r0m\x1b\\",
            b"\x1b[201~",
            b"\x1b[121;3u",
            b"\x1b[99999999999999999999A",
        ] {
            assert_eq!(in_pieces(&[bytes]), [], "{bytes:?}");
        }
    }

    #[test]
    fn a_key_with_alt_is_not_the_key() {
        assert_eq!(in_pieces(&[b"\x1by"]), [Decoded::Alt(Key::Char('y'))]);
        assert_eq!(in_pieces(&[b"\x1b\r"]), [Decoded::Alt(Key::Enter)]);
        assert_eq!(in_pieces(&[b"\x1b[1;3D"]), [Decoded::Alt(Key::Left)]);
        assert_eq!(in_pieces(&[b"\x1b\xc3\xa9"]), []);
        assert_eq!(in_pieces(&[b"\x1b\x1b[A"]), [key(Key::Esc), key(Key::Up)]);
    }

    #[test]
    fn clicks_and_the_wheel_have_their_place() {
        assert_eq!(
            in_pieces(&[b"\x1b[<0;7;3M\x1b[<64;1;1M\x1b[<65;1;1M"]),
            [
                Decoded::Click { column: 6, row: 2 },
                Decoded::Wheel { up: true },
                Decoded::Wheel { up: false }
            ]
        );
    }

    #[test]
    fn a_terminal_says_where_its_corner_is() {
        assert_eq!(in_pieces(&[b"\x1b[24;80R"]), [Decoded::Corner(Size::new(80, 24))]);
    }

    #[test]
    fn a_terminal_says_what_it_writes_on_and_no_key_is_lost_around_it() {
        for (answer, background) in [
            (&b"\x1b]11;rgb:ffff/ffff/ffff\x07"[..], Background::Light),
            (b"\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\", Background::Dark),
            (b"\x1b]11;rgb:f/f/f\x07", Background::Light),
            (b"\x1b]11;rgba:0000/2b2b/3636/ffff\x07", Background::Dark),
        ] {
            let told = Decoded::Background(background);
            for cut in 1..answer.len() {
                let (first, second) = answer.split_at(cut);
                let mut decoder = Decoder::default();
                let mut found = decoder.feed(&[b"j", first].concat());
                found.extend(decoder.feed(&[second, b"k"].concat()));
                let keys = [key(Key::Char('j')), told.clone(), key(Key::Char('k'))];
                assert_eq!(found, keys, "{answer:?} cut at {cut}");
            }
        }
    }

    #[test]
    fn pasted_text_is_text_wherever_it_is_cut() {
        let whole = b"\x1b[200~yes\r\x1b[20 d\x1b[201~";
        for cut in 0..whole.len() {
            let (first, second) = whole.split_at(cut);
            let mut decoder = Decoder::default();
            let mut found = decoder.feed(first);
            found.extend(decoder.feed(second));
            let pasted = Decoded::Paste {
                text: "yes\r\u{1b}[20 d".to_owned(),
                left_out: 0,
            };
            assert_eq!(found, [pasted], "cut at {cut}");
        }
    }

    #[test]
    fn no_sequence_keeps_the_keyboard_for_long() {
        for begun in [&b"\x1b["[..], b"\x1bO", b"\x1bP", b"\x1b]", b"\x1b[<"] {
            let mut decoder = Decoder::default();
            assert_eq!(decoder.feed(begun), []);
            assert!(decoder.patience().is_some_and(|patience| patience <= REST_WAIT));
            assert_eq!(decoder.paused(), []);
            assert_eq!(decoder.feed(b"?"), [key(Key::Char('?'))], "{begun:?}");
        }
        let mut decoder = Decoder::default();
        decoder.feed(b"\x1b");
        assert_eq!(decoder.paused(), [key(Key::Esc)]);
        assert_eq!(decoder.feed(b"P"), [key(Key::Char('P'))]);
        let begun = (decoder.feed(b"\xe9"), decoder.patience(), decoder.paused());
        assert_eq!(begun, (Vec::new(), Some(TOLD_WAIT), Vec::new()), "no UTF-8");
        assert_eq!(decoder.feed(b"y"), [key(Key::Char('y'))]);
    }

    #[test]
    fn a_paste_without_an_end_does_not_take_the_keyboard_away() {
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"\x1b[200~abc"), []);
        let pasted = Decoded::Paste {
            text: "abc".to_owned(),
            left_out: 0,
        };
        assert_eq!(decoder.feed(b"\x03"), [pasted, key(Key::Ctrl('c'))]);
    }

    /// Sequences as terminals send them.
    fn any_sequence() -> impl Strategy<Value = Vec<u8>> {
        let control = ("[0-9;<?]{0,8}", "[A-HJ-QS-Zf-z~]")
            .prop_map(|(numbers, last)| format!("\x1b[{numbers}{last}").into_bytes());
        let single = "[A-Za-z]".prop_map(|last| format!("\x1bO{last}").into_bytes());
        let told = "[ -~]{0,30}".prop_map(|text| format!("\x1b]{text}\x07").into_bytes());
        prop_oneof![control, single, told]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Neither a letter nor Enter nor a control key comes out of a sequence, wherever it is cut and however long the
        /// pause is. The one thing that a pause after `Esc` makes of it is the key `Esc`.
        #[test]
        fn no_part_of_a_sequence_counts_as_letters(bytes in any_sequence(), cuts in proptest::collection::vec(0_usize..40, 0..4)) {
            prop_assume!(!bytes.starts_with(b"\x1b[200~"));
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            // A text that a terminal sends is given up after a long pause: no line cuts one in the middle for so long.
            let is_text = bytes.starts_with(b"\x1b]");
            let found = if is_text && pieces.len() > 2 { in_pieces(&[&bytes]) } else if is_text {
                let mut decoder = Decoder::default();
                pieces.iter().flat_map(|piece| decoder.feed(piece)).collect()
            } else {
                in_pieces(&pieces)
            };
            for decoded in found {
                let harmless = match &decoded {
                    Decoded::Key(key) => !matches!(key, Key::Char(_) | Key::Ctrl(_)) && (*key != Key::Enter || bytes == b"\x1bOM"),
                    Decoded::Alt(key) => !matches!(key, Key::Char(_) | Key::Enter),
                    Decoded::Paste { .. } => false,
                    _ => true,
                };
                prop_assert!(harmless, "{:?} from {:?}", decoded, bytes);
            }
        }

        #[test]
        fn no_bytes_are_too_much(pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..20)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            in_pieces(&pieces);
        }
    }
}
